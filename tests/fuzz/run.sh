#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/run.sh FOLDER SECONDS RUNS TARGET... - FOLDER/fuzz-TARGET under libFuzzer, one after the
# other, each until SECONDS or RUNS are over (empty: no limit of that kind; not both).
#
# New inputs stay in build/fuzz/corpus, what made a target end in build/fuzz/TARGET-*. Each target
# has a line of its own at its end; the last fails when one ended early: by a finding or otherwise.
set -u
folder=$1
seconds=$2
runs=$3
shift 3
[ -n "$seconds$runs" ] || { echo "neither FUZZ_SECONDS nor FUZZ_RUNS"; exit 2; }
case $seconds$runs in
*[!0-9]*) echo "FUZZ_SECONDS and FUZZ_RUNS are numbers"; exit 2 ;;
esac
failed=
mkdir -p build/fuzz
for target in "$@"; do
    corpus=build/fuzz/corpus/$target
    log=build/fuzz/$target.log
    size=$(awk -v target="$target" '/^[a-z]/ && $1 == target { print $2 }' tests/fuzz/parsers.txt)
    [ -n "$size" ] || { echo "tests/fuzz/parsers.txt has no $target"; exit 2; }
    mkdir -p "$corpus"
    begin=$(date +%s)
    "$folder/fuzz-$target" ${seconds:+-max_total_time="$seconds"} ${runs:+-runs="$runs"} -max_len="$size" \
        -artifact_prefix="build/fuzz/$target-" "$corpus" "tests/data/corpus/$target" >"$log" 2>&1
    status=$?
    took=$(($(date +%s) - begin))
    # The last count that libFuzzer told, whether it came to its end or not.
    made=$(awk '/^Done [0-9]+ runs/ { n = $2 } /^#[0-9]+[ \t]/ { n = substr($1, 2) } END { print n + 0 }' "$log")
    findings=$(grep -c '^SUMMARY: ' "$log")
    printf '%-10s %10s executions %6s s %8s a second  %s findings\n' \
        "$target" "$made" "$took" $((made / (took > 0 ? took : 1))) "$findings"
    if [ "$status" -ne 0 ] || [ "$findings" -ne 0 ] || [ "$made" -lt "${runs:-1}" ]; then
        failed="$failed $target"
        tail -n 60 "$log"
        if [ "$status" -eq 0 ] && [ "$findings" -eq 0 ]; then
            echo "FAILED: $target: ended before ${runs:-1} executions"
        else
            echo "FAILED: $target; repeat it with: $folder/fuzz-$target build/fuzz/$target-..."
        fi
    fi
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
