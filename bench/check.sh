#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# bench/check.sh REVISION [options of rsm-bench run] - is what stands here slower than REVISION?
#
# Builds both, REVISION in a working tree of its own that goes away again, and runs them in turns, A B,
# B A, A B, ...: ROUNDS (8) of each, so that whatever the machine does besides meets both. Both are
# loaded by the rsm-bench of this tree. The exit status is that of rsm-bench compare.
# BASE_PROGRAMS=DIR: takes REVISION's programs from there instead of building them.
set -u
cd "$(dirname "$0")/.." || exit 2
base=${1:-}
[ -n "$base" ] || { echo "usage: make bench-check BASE=REVISION" >&2; exit 2; }
shift
rounds=${ROUNDS:-8}
work=$(mktemp -d "${TMPDIR:-/tmp}/rsm-bench-check.XXXXXX") || exit 2
finish() {
    [ ! -d "$work/tree" ] || git worktree remove --force "$work/tree"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

git rev-parse --verify --quiet "$base^{commit}" >/dev/null || { echo "bench-check: $base is no revision" >&2; exit 2; }
mkdir "$work/a" "$work/b"
if [ -n "${BASE_PROGRAMS:-}" ]; then
    cp "$BASE_PROGRAMS"/rsmd "$BASE_PROGRAMS"/resilience-ctl "$work/a/" || exit 2
else
    git worktree add --quiet --detach "$work/tree" "$base" || exit 2
    echo "bench-check: building $base" >&2
    make -C "$work/tree" -j"$(nproc)" all >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; exit 2; }
    cp "$work/tree"/build/rsmd "$work/tree"/build/resilience-ctl "$work/a/" || exit 2
fi
cp build/rsmd build/resilience-ctl "$work/b/" || exit 2
# Beside their own tools: rsm-bench starts those that lie where it lies itself.
cp build/rsm-bench "$work/a/" && cp build/rsm-bench "$work/b/" || exit 2

one() { # SIDE ROUND options...
    local side=$1 round=$2
    shift 2
    "$work/$side/rsm-bench" run --clients 1,64 --seconds 5 --floor-count 0 "$@" --repeat 1 --quiet \
        --json "$work/$side-$round.json" >"$work/out" || { cat "$work/out" >&2; exit 2; }
}
all_of() { # SIDE: its results with commas between
    local list=$work/$1-1.json round
    for ((round = 2; round <= rounds; round++)); do list+=,$work/$1-$round.json; done
    echo "$list"
}
for ((round = 1; round <= rounds; round++)); do
    echo "bench-check: round $round of $rounds" >&2
    if ((round % 2)); then first=a second=b; else first=b second=a; fi
    one $first "$round" "$@" && one $second "$round" "$@" || exit 2
done
echo "A is $base, B is what stands here"
build/rsm-bench compare "$(all_of a)" "$(all_of b)" --threshold "${THRESHOLD:-2}"
