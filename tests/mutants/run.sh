#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The outage scenario as shipped must pass; with one control switched off it must break. Arguments:
# the controls' names (src/base/mutants.h). Prints the step at which each breaks.
set -eu
cd "$(dirname "$0")/../.."
failed=0
passed=0

make --silent outage VARIANT=checked
if ! build/checked/outage >build/checked/outage.log; then
    echo "outage: broken as shipped, see build/checked/outage.log"
    exit 1
fi
passed=1
printf '%-24s %s\n' 'as shipped' 'did not happen'

for name in "$@"; do
    make --silent outage MUTANTS="$name"
    log=build/mutant-$name/outage.log
    if build/mutant-"$name"/outage >"$log"; then
        printf '%-24s %s\n' "$name" 'SURVIVED: the scenario proves nothing about it'
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
        printf '%-24s %s (%s)\n' "$name" "$(tail -n 1 "$log")" \
            "$(sed -n 's/.*BROKEN: //p' "$log" | head -n 1)"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
