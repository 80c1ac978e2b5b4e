#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/sim/mutants.sh [SEEDS] [NAME...] - each known mistake is planted, one at a time; the
# simulator has to find it in the planned scenarios, or within SEEDS seeds (2000): with the core alone
# first, then with whole nodes. Prints the seeds it took and what was violated. First the canary's opposite: the code as it
# is has to pass a part of the same seeds.
#
# The whole-object checks are off in this build: the checkers have to see it by themselves.
set -eu
cd "$(dirname "$0")/../.."
seeds=${1:-2000}
[ $# -eq 0 ] || shift
sim=build/switch/sim
out=build/switch/log
mkdir -p "$out"

# Not the simulator's business, or no harm that it could see:
#   controls of the outage: tests/mutants
#   ANY_TIME: a stamp is the median of the members' clocks already; the bound is the second fence
#   EQUAL_TIMEOUTS: clocks of replicas tick 9 to 11 ms apart, so equal timeouts do not stay equal
#   BELIEVE_OWN_DISK: needs a flush that is lost without a trace, which is beyond the model of faults
#   STOP_AT_BAD_GROUP, KEEP_TORN_TAIL: the marks are a second fence; storage-mutants
#   LOSS_WITHOUT_END, LOSS_WITHOUT_PROMISE: bounds of 4,096 slots, more than a run has; storage-mutants
#   SNAPSHOT_MIXED: the signed checkpoint is a second fence (docs/mutants.md)
#   REJOIN_UNLEARNED: harm needs the death of the one peer that knows, in a single round trip; the
#     unit tests of the exchange find it
others="NO_GENERATION_CHECK NO_TOKEN_CHECK COLLECT_BY_AGE NO_FLOOR
    ANY_TIME EQUAL_TIMEOUTS BELIEVE_OWN_DISK REJOIN_UNLEARNED STOP_AT_BAD_GROUP KEEP_TORN_TAIL SNAPSHOT_MIXED
    LOSS_WITHOUT_END LOSS_WITHOUT_PROMISE FACTOR_AGAIN FACTOR_OF_ANYTHING STEPS_SKIPPED"
# Rules that a run meets, but nobody judges: what docs/mutants.md leaves to the unit tests.
units=$(sed -n 's/^|[^|]*|\([^|]*\)| unit tests |$/\1/p' docs/mutants.md | tr -d ' ' | tr ',' ' ')
others="$others $units"
names=${*:-$(grep -rhoE 'MUTANT\([A-Z0-9_]+\)' consensus storage src --include=*.c --include=*.h |
    sed 's/MUTANT(\(.*\))/\1/' | sort -u | grep -vxE "$(echo $others | tr ' ' '|')|name")}

one() { # NAME
    for mode in planned core node; do
        count=$seeds
        [ "$mode" != planned ] || count=all
        if ! "$sim" --mode "$mode" --seed 1 --seeds "$count" --mutant "$1" >"$out/$1.$mode" 2>&1; then
            said=$(grep -m1 '^seed' "$out/$1.$mode" | cut -c1-140)
            printf 'note: %-28s %s %s\n' "$1" "$mode" "${said:-RAN NOTHING: $(head -n 1 "$out/$1.$mode")}"
            [ -n "$said" ]
            return
        fi
    done
    printf 'note: %-28s SURVIVED %s seeds of each mode\n' "$1" "$seeds"
    return 1
}

passed=0
failed=0
for mode in planned core node; do
    count=$((seeds / 10))
    [ "$mode" != planned ] || count=all
    if "$sim" --mode "$mode" --seed 1 --seeds "$count" >"$out/none.$mode" 2>&1 && ! grep -q '^0 passed' "$out/none.$mode"; then
        passed=$((passed + 1))
    else
        cat "$out/none.$mode"
        failed=$((failed + 1))
    fi
done
for name in $names; do
    if one "$name"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
