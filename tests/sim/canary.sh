#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/sim/canary.sh SEED - a planted mistake in each mode: if the simulator passes it, whatever
# passed before it in the batch proves nothing.
set -eu
cd "$(dirname "$0")/../.."
passed=0
failed=0
canary() { # MODE MISTAKE
    if build/switch/sim --mode "$1" --seed "$seed" --seeds 200 --mutant "$2" >/dev/null 2>&1; then
        echo "the canary $2 lives in mode $1"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}
seed=${1:-1}
canary core NOOP_OVER_VOTE
canary node VOTE_IN_DOUBT
canary node LEADER_TIME
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
