#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/cluster/run.sh - the tests with real processes, one leg each.
cd "$(dirname "$0")/../.." || exit 1
status=0
for test in tests/cluster/test_*.py; do
    name=$(basename "$test" .py)
    tests/run.sh "cluster-${name#test_}" /usr/bin/python3 "$test" || status=1
done
exit $status
