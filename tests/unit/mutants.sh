#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/unit/mutants.sh LAYER [NAME...] - each known mistake that LAYER (machine, storage, consensus)
# has a switch for is switched on, one at a time; the layer's unit tests have to find it. Prints how
# many did, the first of them, and what it said. First the opposite: without a mistake all of them pass.
#
# One build has all the switches (VARIANT=switch, RSM_MUTANT=NAME); the whole-object checks are off in
# it: the tests have to see it by themselves.
set -eu
cd "$(dirname "$0")/../.."
layer=$1
shift
case $layer in
machine) sources="src/machine/*.c src/base/kv_list.c" ;; # what the machine keeps, and its stamps
*) sources="$layer/*.c" ;;
esac
# shellcheck disable=SC2086
names=${*:-$(grep -hoE "MUTANT\([A-Z0-9_]+\)" $sources | sed "s/MUTANT(\(.*\))/\1/" | sort -u)}
program=build/switch/unit-$layer
out=build/switch/log-$layer
mkdir -p "$out"
passed=0
failed=0

# What the first test that failed said: its assertion, or what ended it. (Tests that are meant to die say
# "this must hold" as well: only the last of these before a test that ended by a signal is its own.)
first_words() {
    awk '/this must hold/ { held = $0 }
         /^\[----\]/ && said == "" && /Assertion|[Cc]rash|signal/ { said = $0; sub(/^\[----\] */, "", said) }
         /^\[FAIL\]/ { print said !~ /Assertion/ && held != "" ? held : said; exit }' "$1" | cut -c1-120
}

if "$program" --timeout 60 >"$out/none" 2>&1; then
    passed=1
else
    cat "$out/none"
    failed=1
fi
for name in $names; do
    RSM_MUTANT=$name "$program" --timeout 60 >"$out/$name" 2>&1 || true
    sed -i 's/\x1b\[[0-9;]*m//g' "$out/$name"
    found=$(sed -n 's/^\[FAIL\] \([a-z0-9_]*::[a-z0-9_]*\).*/\1/p' "$out/$name")
    if [ -n "$found" ]; then
        printf 'note: %-26s %s tests, %s: %s\n' "$name" "$(echo "$found" | wc -l)" "$(echo "$found" | head -n 1)" \
            "$(first_words "$out/$name")"
        passed=$((passed + 1))
    else
        printf 'note: %-26s SURVIVED\n' "$name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
