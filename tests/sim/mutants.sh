#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/sim/mutants.sh [SEEDS] [NAME...] - each known mistake of the core is planted, one at a time;
# the simulator has to find it within SEEDS seeds (2000). Prints the seeds it took and what was
# violated. First the canary's opposite: the core as it is has to pass a part of the same seeds.
#
# The whole-object check of the core is off in these builds: the checker has to see it by itself.
set -eu
cd "$(dirname "$0")/../.."
seeds=${1:-2000}
[ $# -eq 0 ] || shift
out=build/sim-mutants
mkdir -p "$out"
sources="tests/sim/sim.c tests/sim/net_sim.c tests/sim/checker.c tests/sim/refpaxos.c tests/sim/plan.c tests/sim/sim_core.c tests/sim/sim_links.c
    tests/sim/node_core.c tests/sim/disk_core.c tests/sim/client_core.c tests/sim/sim_main.c tests/lib/script.c
    src/base/blob.c src/base/bytes.c src/base/check.c src/base/mem.c src/base/prng.c"

# A name in mutants.h that consensus/ uses is ours.
names=${*:-$(sed -n 's/.*MUTANT(\([A-Z_]*\)).*/\1/p' consensus/*.c | sort -u)}

build() { # NAME or "none"
    define=
    [ "$1" = none ] || define="-DRSM_MUTANT_$1=1"
    # shellcheck disable=SC2086
    ${CC:-gcc} -std=c11 -D_GNU_SOURCE -DSIM_CORE_ONLY=1 -O2 -I. -Iinclude $define \
        -o "$out/$1" $sources consensus/*.c
}

one() {
    build "$1"
    status=0
    "$out/$1" --seed 1 --seeds "$seeds" >"$out/$1.log" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then
        printf '%-26s SURVIVED %s seeds\n' "$1" "$seeds"
        return 1
    fi
    printf '%-26s %s\n' "$1" "$(grep -m1 -E '^seed|this must hold' "$out/$1.log")"
}

passed=0
failed=0
build none
if "$out/none" --seed 1 --seeds $((seeds / 10)) >"$out/none.log" 2>&1; then
    passed=1
else
    cat "$out/none.log"
    failed=1
fi
for name in $names; do
    if one "$name"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
