#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/sim/switches.sh OUT - a header that makes every planted mistake of src/base/mutants*.h a
# choice at run time (sim --mutant NAME), so that one build has them all. Of the simulator alone.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "$(dirname "$1")"
new=$1.$$ # two targets of one make ask for it at once
{
    echo '/* Made by tests/sim/switches.sh. */'
    echo 'extern int rsm_mutant_switch;'
    sed -n 's/^#ifndef RSM_MUTANT_\([A-Z0-9_]*\)$/\1/p' src/base/mutants*.h |
        awk '{ printf "#define RSM_MUTANT_%s (rsm_mutant_switch == %d)\n", $1, NR; names = names "\"" $1 "\", " }
             END { printf "#define RSM_MUTANT_NAMES %s\n", names }'
} >"$new"
if cmp -s "$new" "$1"; then rm "$new"; else mv "$new" "$1"; fi
