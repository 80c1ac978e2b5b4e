#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/run.sh SECONDS TARGET... - libFuzzer on each parser; new inputs stay in build/fuzz.
set -eu
seconds=$1
shift
sources=$(ls src/base/*.c consensus/*.c storage/*.c src/command/*.c src/rr/*.c src/machine/*.c src/dns/*.c \
    src/net/*.c src/io/*.c tests/lib/*.c src/daemon/*.c src/client/*.c src/read/*.c tools/resilience-ctl/*.c tools/lib/ledger.c tools/lib/plain.c tools/lib/sibling.c tools/lib/when.c |
    grep -v -e daemon/main.c -e resilience-ctl/main.c)
for target in "$@"; do
    mkdir -p "build/fuzz/corpus/$target"
    # shellcheck disable=SC2086
    clang -std=c11 -D_GNU_SOURCE -DRSM_VERSION='"fuzz"' -g -O1 -fsanitize=fuzzer,address,undefined -I. -Iinclude \
        -o "build/fuzz/$target" "tests/fuzz/fuzz_$target.c" $sources \
        $(pkg-config --libs libsodium msgpack hogweed nettle libknot libzscanner libdnssec libevent_core jansson yaml-0.1) -llmdb -lgmp -lpthread
    "build/fuzz/$target" -max_total_time="$seconds" -max_len=65536 -artifact_prefix="build/fuzz/$target-" \
        "build/fuzz/corpus/$target" "tests/data/corpus/$target"
done
