#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/unit/machine/mutants.sh [NAME...] - each known mistake of the rules is planted, one at a
# time; the unit tests have to find it. Prints which test did. First the opposite: without a mistake
# all of them pass.
set -eu
cd "$(dirname "$0")/../../.."
names=${*:-$(sed -n 's/.*MUTANT(\([A-Z_]*\)).*/\1/p' src/machine/*.c src/base/kv_list.c | sort -u)}
passed=0
failed=0

make --silent build/release/unit-machine >/dev/null
if build/release/unit-machine --timeout 60 >build/release/unit-machine.log 2>&1; then
    passed=1
else
    cat build/release/unit-machine.log
    failed=1
fi
for name in $names; do
    program=build/mutant-$name/unit-machine
    make --silent "$program" MUTANTS="$name" >build/machine-mutants.log 2>&1 || cat build/machine-mutants.log
    "$program" --timeout 60 >"$program.log" 2>&1 || true
    found=$(sed 's/\x1b\[[0-9;]*m//g' "$program.log" | sed -n 's/^\[FAIL\] \([a-z_:]*\).*/\1/p')
    if [ -n "$found" ]; then
        printf 'note: %-26s found by %s tests: %s\n' "$name" "$(echo "$found" | wc -l)" "$(echo "$found" | head -n 1)"
        passed=$((passed + 1))
    else
        printf 'note: %-26s SURVIVED\n' "$name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
