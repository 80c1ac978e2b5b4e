#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/clang.sh [-jN] - all programs and all unit tests built by clang without a warning.
cd "$(dirname "$0")/.." || exit 1
count=0
for target in programs unit-programs; do
    if ! make "${1:--j1}" "$target" CC=clang; then
        echo "$count passed, 1 failed"
        exit 1
    fi
    count=$((count + 1))
done
echo "$count passed, 0 failed"
