#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/run.sh NAME COMMAND... - runs one leg of the tests and counts it.
#
# Counts come from Criterion's synthesis line, or from a line "N passed, N failed[, N skipped]" of
# the leg's own; a leg that ran nothing has failed. When RSM_TEST_RESULTS names a file, the counts
# are added to it. What fails says how to repeat it.
set -u
name=$1
shift
out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 143' INT TERM # when the leg has ended, which is told as well
printf '== %s\n' "$name"
"$@" >"$out" 2>&1
status=$?
# shellcheck disable=SC2016
counts=$(sed 's/\x1b\[[0-9;]*m//g' "$out" | awk '
    /^skipped: / { told++ }
    /Synthesis: Tested:/ { criterion = 1 match($0, /Passing: [0-9]+/); p += substr($0, RSTART + 9, RLENGTH - 9)
                           match($0, /Failing: [0-9]+/); f += substr($0, RSTART + 9, RLENGTH - 9)
                           match($0, /Crashing: [0-9]+/); f += substr($0, RSTART + 10, RLENGTH - 10); seen = 1 }
    /^([a-z0-9_-]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
                           sub(/^[a-z0-9_-]+: /, ""); p += $1; f += $3; s += $5; seen = 1 }
    END { if (criterion) s += told # Criterion does not count them
          if (seen) print p + 0, f + 0, s + 0; else print "0 0 0" }')
# shellcheck disable=SC2086
set -- "$@"
passed=${counts%% *}
rest=${counts#* }
failed=${rest%% *}
skipped=${rest#* }
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    failed=1
fi
if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ]; then
    echo "$name ran nothing"
    failed=1
fi
if [ "$failed" -ne 0 ] || [ "$status" -ne 0 ] || grep -q 'LeakSanitizer: detected' "$out"; then
    cat "$out"
    echo "FAILED: $name; repeat with: $*"
    [ "$failed" -ne 0 ] || failed=1
else
    grep -E '^(skipped|note): ' "$out"
fi
printf '   %s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ -z "${RSM_TEST_RESULTS:-}" ] || printf '%s %s %s %s\n' "$passed" "$failed" "$skipped" "$name" >>"$RSM_TEST_RESULTS"
[ "$failed" -eq 0 ]
