#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/demo.sh - the demo is a test: it ends with 0 only when all that it shows is so.
if examples/demo.sh; then
    echo "1 passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
