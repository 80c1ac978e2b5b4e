#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/clients/install.sh - `make install` into an empty folder, then a C and a C++ program built
# from outside with pkg-config alone, linked statically and dynamically, and run.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make install PREFIX="$work/usr" >/dev/null
for file in sbin/rsmd bin/resilience-ctl bin/rsm-dump bin/rsm-auditor bin/rsm-bench bin/factor-fido2 bin/factor-pkcs11 lib/librsm.a lib/librsm.so \
    lib/librsm.so.0 include/rsm/client.h share/doc/rsm/rsmd.conf.example; do
    [ -e "$work/usr/$file" ] || { echo "not installed: $file"; echo "0 passed, 1 failed"; exit 1; }
done
cat >"$work/program.c" <<'C'
#include <rsm/client.h>
#include <rsm/key.h>
#include <rsm/status.h>
#include <stdio.h>

int main(void)
{
    struct rsm_key *key = NULL;
    struct rsm_client *client = NULL;
    if (rsm_crypto_init() != RSM_OK || rsm_key_generate("somebody", &key) != RSM_OK || rsm_client_new("127.0.0.1:1", &client) != RSM_OK)
        return 1;
    rsm_client_free(client);
    rsm_key_free(key);
    return rsm_status_text(RSM_OK)[0] != 'O';
}
C
cp "$work/program.c" "$work/program.cc"
PKG_CONFIG_PATH=$work/usr/lib/pkgconfig
export PKG_CONFIG_PATH
cflags=$(pkg-config --cflags librsm)
libs=$(pkg-config --libs librsm)
static=$(pkg-config --libs --static librsm)
passed=0
check() { # NAME COMMAND...
    name=$1
    shift
    "$@" || { echo "$name"; echo "$passed passed, 1 failed"; exit 1; }
    passed=$((passed + 1))
}
# shellcheck disable=SC2086
check example gcc -std=gnu11 -Wall -Wextra -Werror $cflags -o "$work/example" examples/many_callers.c $libs
# shellcheck disable=SC2086
check c gcc -std=c11 -Wall -Wextra -Werror $cflags -o "$work/c" "$work/program.c" $libs
# shellcheck disable=SC2086
check cc g++ -std=c++17 -Wall -Wextra -Werror $cflags -o "$work/cc" "$work/program.cc" $libs
# shellcheck disable=SC2086
check archive gcc -std=c11 $cflags -o "$work/static" "$work/program.c" "$work/usr/lib/librsm.a" $static
for program in c cc static; do
    check "run $program" env LD_LIBRARY_PATH="$work/usr/lib" "$work/$program"
done
# A user's PATH has no sbin: the programs find each other as they were installed.
cluster="env -u RSM_ENDPOINTS -u RSM_KEY PATH=/usr/bin:/bin $work/usr/bin/resilience-ctl dev"
quiet() { "$@" >/dev/null; }
stop() { $cluster down --dir "$work/cluster" >/dev/null; }
trap 'stop; rm -rf "$work"' EXIT
# shellcheck disable=SC2086
check "a cluster of what was installed" quiet $cluster up --dir "$work/cluster" --replicas 1
check "it stops" stop
check "a run of what was installed" quiet env PATH=/usr/bin:/bin "$work/usr/bin/rsm-bench" run --replicas 1 --clients 1 --count 10 --floor-count 0 --quiet
check "version" [ "$(pkg-config --modversion librsm)" = "$("$work/usr/bin/resilience-ctl" --version | awk '{ print $2 }')" ]
if nm -D --defined-only "$work/usr/lib/librsm.so" | awk '$2 == "T" && $3 !~ /^rsm_/ { print; found = 1 } END { exit !found }'; then
    echo "librsm.so shows names that are not rsm_*"
    echo "$passed passed, 1 failed"
    exit 1
fi
echo "$((passed + 1)) passed, 0 failed"
