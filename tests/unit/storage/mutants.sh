#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/unit/storage/mutants.sh [NAME...] - each known mistake of the journal is planted, one at a
# time; the unit tests have to find it. Prints how many tests did. First the opposite: without a
# mistake all of them pass.
set -eu
cd "$(dirname "$0")/../../.."
out=build/storage-mutants
mkdir -p "$out"
sources="tests/unit/storage/test_tail.c tests/unit/storage/test_journal.c
    tests/unit/storage/test_journal_damage.c tests/unit/storage/test_journal_crash.c
    tests/unit/storage/test_journal_segments.c tests/unit/storage/test_loss.c tests/lib/disk_mem.c tests/lib/journal_rig.c"

# A name in mutants.h that storage/ uses is ours.
names=${*:-$(sed -n 's/.*MUTANT(\([A-Z_]*\)).*/\1/p' storage/*.c | sort -u)}

build() { # NAME or "none"
    define=
    [ "$1" = none ] || define="-DRSM_MUTANT_$1=1"
    # shellcheck disable=SC2086
    ${CC:-gcc} -std=c11 -D_GNU_SOURCE -O1 -I. -Iinclude $define -o "$out/$1" $sources \
        storage/*.c src/base/*.c -lcriterion -llmdb -lsodium
}

failures() { # of the last run
    sed 's/\x1b\[[0-9;]*m//g' "$1" | sed -n 's/.*Failing: \([0-9]*\) | Crashing: \([0-9]*\).*/\1 \2/p' |
        awk '{ print $1 + $2 }'
}

passed=0
failed=0
build none
if "$out/none" --timeout 60 >"$out/none.log" 2>&1; then
    passed=1
else
    cat "$out/none.log"
    failed=1
fi
for name in $names; do
    build "$name"
    "$out/$name" --timeout 60 >"$out/$name.log" 2>&1 || true
    found=$(failures "$out/$name.log")
    if [ "${found:-0}" -gt 0 ]; then
        printf 'note: %-26s found by %s tests\n' "$name" "$found"
        passed=$((passed + 1))
    else
        printf 'note: %-26s SURVIVED\n' "$name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
