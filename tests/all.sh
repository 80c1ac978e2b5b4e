#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/all.sh - every leg of `make test`, then one line of counts. Goes on after a failure, so that
# one run tells everything; ends with a status that says whether all passed.
#
# Four lanes run beside each other, for tests with real processes wait more than they compute: optimised
# programs that compute, two of tests with real processes (one has clang's build behind them), sanitizers. What two lanes
# use is built first; else each builds in folders of its own. What a leg prints comes in one piece
# when it ends. At the end stands what the longest ones took.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
export RSM_TEST_RESULTS=$work/results
: >"$RSM_TEST_RESULTS"
lanes=
trap 'end_lanes; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM
jobs=-j$(nproc)

# lane COMMAND...: beside this shell, in a group of its own, so that this one is free to hear that
# it shall end, and then ends all of it.
lane() {
    set -m
    "$@" &
    lanes="$lanes $!"
    set +m
}

wait_for_lanes() {
    for lane in $lanes; do wait "$lane"; done
    lanes=
}

# Tests that are told to end stop their replicas first; who has not done so in 30 s is not asked.
end_lanes() {
    local lane tries
    for lane in $lanes; do kill -- "-$lane" 2>/dev/null; done
    for lane in $lanes; do
        for ((tries = 0; tries < 300; tries++)); do
            kill -0 -- "-$lane" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 -- "-$lane" 2>/dev/null
    done
    wait
}

# leg NAME COMMAND...: a leg that fails without a count, as a build does, is a failure of its own.
leg() {
    local name=$1 begin=$SECONDS
    shift
    times >"$work/$name.before"
    if ! RSM_TEST_RESULTS=$work/$name.results "$@" >"$work/$name.out" 2>&1 &&
        ! grep -qs '^[0-9]* [1-9]' "$work/$name.results"; then
        echo "FAILED: $name" >>"$work/$name.out"
        printf '0 1 0 %s\n' "$name" >>"$work/$name.results"
    fi
    times >"$work/$name.after"
    (
        flock 9
        cat "$work/$name.out"
        cat "$work/$name.results" >>"$RSM_TEST_RESULTS" 2>/dev/null
        printf '%d %s %s %s\n' $((SECONDS - begin)) "$name" "$(tail -1 "$work/$name.before")" \
            "$(tail -1 "$work/$name.after")" >>"$work/times"
    ) 9>"$work/lock"
}

computing() {
    leg check make check
    leg unit make $jobs test-unit-variant
    leg scenarios make scenarios
    leg machine-count make $jobs machine-count
    leg golden make $jobs golden
    leg model make model-quick
    leg explore make explore-quick
    leg sim make $jobs sim SEED=1 SEEDS=2000
    leg sim-canary make $jobs sim-canary
    leg fuzz-replay make $jobs fuzz-replay
    leg journal-damage make journal-damage
    leg store-damage make store-damage
    leg faults make fault-calls
    leg mutants make outage-mutants
    leg tsan make $jobs test-tsan
}

# Most of its time is waited for: for elections, for what comes back, for what must not come.
processes() {
    leg cluster make cluster
}

more_processes() {
    leg dns make dns
    leg real make real
    leg headers tests/run.sh headers tests/clients/headers.sh
    leg install tests/run.sh install tests/clients/install.sh
    leg bench tests/run.sh bench /usr/bin/python3 tests/bench/test_bench.py
    leg lin make lin
    leg demo tests/run.sh demo tests/demo.sh
    leg clang make $jobs test-clang
}

others() {
    leg asan make $jobs test-asan
    leg asan-cluster tests/asan_cluster.sh "$jobs"
}

# "m s" of user and system time, as `times` prints it, in seconds.
show_times() {
    sort -rn "$work/times" | head -12 | awk '
        function seconds(text) { split(text, p, /[ms]/); return p[1] * 60 + p[2] }
        { printf "note: %4d s, %4d s of a core: %s\n", $1, seconds($5) + seconds($6) - seconds($3) - seconds($4), $2 }'
}

lane leg build make $jobs all build/release/lin-test build/release/blind.so build/{test-load,test-tamper,many-callers,relay,lin-record,lin-check}
wait_for_lanes
lane processes
lane more_processes
lane others
lane computing
wait_for_lanes
show_times
awk '{ p += $1; f += $2; s += $3; if ($2 > 0) failed = failed " " $4 }
     END { if (failed != "") print "failed legs:" failed
           printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0 }' "$RSM_TEST_RESULTS"
