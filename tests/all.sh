#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/all.sh - every leg of `make test`, then one line of counts. Goes on after a failure, so that
# one run tells everything; ends with a status that says whether all passed.
set -u
cd "$(dirname "$0")/.." || exit 1
RSM_TEST_RESULTS=$(mktemp)
export RSM_TEST_RESULTS
trap 'rm -f "$RSM_TEST_RESULTS"' EXIT
jobs=-j$(nproc)
status=0
# leg NAME COMMAND...: a build that fails is a failure of its own.
leg() {
    local name=$1 before after
    shift
    before=$(wc -l <"$RSM_TEST_RESULTS")
    if ! "$@"; then
        status=1
        after=$(wc -l <"$RSM_TEST_RESULTS")
        [ "$before" != "$after" ] || { echo "FAILED: $name"; printf '0 1 0 %s\n' "$name" >>"$RSM_TEST_RESULTS"; }
    fi
}
leg build make $jobs all
leg check make check
leg unit make $jobs test-unit
leg scenarios make scenarios
leg model make model-quick
leg explore make explore-quick
leg sim make $jobs sim SEED=1 SEEDS=2000
leg sim-canary make $jobs sim-canary
leg fuzz-replay make $jobs fuzz-replay
leg journal-damage make journal-damage
leg store-damage make store-damage
leg faults make fault-calls
leg mutants make outage-mutants
leg headers tests/run.sh headers tests/clients/headers.sh
leg install tests/run.sh install tests/clients/install.sh
leg cluster make cluster
leg dns make dns
leg bench tests/run.sh bench /usr/bin/python3 tests/bench/test_bench.py
leg lin make $jobs lin
leg real make $jobs real
leg demo tests/run.sh demo tests/demo.sh
leg asan make $jobs test-asan
leg asan-cluster tests/asan_cluster.sh "$jobs"
leg tsan make $jobs test-tsan
leg clang tests/run.sh clang tests/clang.sh "$jobs"
awk '{ p += $1; f += $2; s += $3; if ($2 > 0) failed = failed " " $4 }
     END { if (failed != "") print "failed legs:" failed
           printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$RSM_TEST_RESULTS"
exit $status
