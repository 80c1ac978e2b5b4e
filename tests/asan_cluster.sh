#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/asan_cluster.sh [-jN] - the cluster tests and the demo with programs built under Address- and
# UndefinedBehaviorSanitizer; fewer cycles, for each instruction costs twice. RSM_ASAN_TESTS names the
# tests, "all" is every one.
cd "$(dirname "$0")/.." || exit 1
make "${1:--j1}" programs build/asan/test-load build/asan/test-tamper build/asan/many-callers VARIANT=asan || exit 1
export RSM_BIN="$PWD/build/asan" RSM_KILL_CYCLES=15 ASAN_OPTIONS=abort_on_error=1
status=0
tests=${RSM_ASAN_TESTS:-kill snapshot identity operations clients}
[ "$tests" != all ] || tests=$(ls tests/cluster/test_*.py | sed 's/.*test_\(.*\)\.py/\1/')
for test in $tests; do
    tests/run.sh "asan-cluster-$test" /usr/bin/python3 "tests/cluster/test_$test.py" || status=1
done
tests/run.sh asan-demo tests/demo.sh || status=1
exit $status
