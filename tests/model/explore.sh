#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/model/explore.sh STATES [MUTANT...] - builds the explorer with the real core (one program,
# each planted mistake a switch), lets it see STATES different states of the core as it is, and then
# looks for each of the mistakes named, in up to as many states.
set -u
cd "$(dirname "$0")/../.." || exit 1
states=$1
shift
out=build/explore
mkdir -p "$out"
tests/sim/switches.sh build/switch/mutant_switch.h || exit 1
# shellcheck disable=SC2086
${CC:-gcc} -std=c11 -D_GNU_SOURCE -O2 -I. -Iinclude -include build/switch/mutant_switch.h -o "$out/explore.$$" \
    tests/model/explore.c tests/model/explore_replica.c tests/lib/mutant_switch.c consensus/*.c \
    src/base/blob.c src/base/bytes.c src/base/check.c src/base/mem.c src/base/prng.c || exit 1
mv "$out/explore.$$" "$out/explore"

passed=0
failed=0
said=$("$out/explore" --states "$states")
if [ $? -eq 0 ]; then passed=1; else failed=1; fi
echo "$said"
for mutant in "$@"; do
    "$out/explore" --states "$states" --mutant "$mutant" >"$out/$mutant.log" 2>&1
    status=$?
    # A check of the core itself that fails has found it as well.
    found=$(grep -m1 -E '^violated|this must hold' "$out/$mutant.log" | sed 's/.*\.c:[0-9]*: //')
    if [ "$status" -ne 0 ] && [ -n "$found" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        found=SURVIVED
    fi
    printf '%-26s %s; %s\n' "$mutant" "$found" "$(grep -m1 '^explored' "$out/$mutant.log")"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
