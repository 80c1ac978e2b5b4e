# SPDX-License-Identifier: GPL-3.0-or-later
# `make help`: the targets of the Makefile that say what they are for, those of every day first.
function kind(target)
{
    if (target ~ /^(all|demo|test|check|format|deps|install|clean|help)$/)
        return 1
    if (target ~ /^nightly-/ || target ~ /mutants$/ || target ~ /^(model|explore)$/)
        return 4
    if (target ~ /bench|^(dns-latency|failover|gray-failure|snapshot-stall|machine-count|machine-flat)$/)
        return 3
    return 2
}

/^[a-z-]+:.*## / {
    lines[kind($1)] = lines[kind($1)] sprintf("  %-18s %s\n", $1, $2)
}

END {
    printf "Every day:\n%s\nParts of the tests:\n%s\nMeasures:\n%s\nLong ones, minutes to a night:\n%s", lines[1], lines[2], lines[3], lines[4]
}
