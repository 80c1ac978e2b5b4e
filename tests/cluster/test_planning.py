#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages, plans and dependencies, through the operator's tools."""
import json

from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def explained(cluster, *what):
    """Stage name to outcome, of the first command."""
    answer = json.loads(cluster.ctl("explain", *what, "--output", "json").stdout)
    return {stage["name"]: stage for stage in answer["commands"][0]["stages"]}, answer


def stages_are_explained():
    with Cluster() as cluster:
        rules = json.loads(cluster.ctl("rules", "--output", "json").stdout)
        check([r["number"] for r in rules if r["rule"] == "cycle"] == [19], "the table of rules")
        check(sorted(r["number"] for r in rules) == list(range(1, len(rules) + 1)), "each rule once")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        stages, answer = explained(cluster, "admin@dev", "1")
        check([s["outcome"] for s in stages.values()] == ["pass", "pass", "pass", "skipped", "pass", "pass"], f"{stages}")
        check("standard" in stages["quorum"]["why"], f"{stages['quorum']}")
        check(stages["impact"]["figures"]["record_sets"] == 3, f"{stages['impact']}")
        # A refused change: the leader's rejection tells the stages as well, here and on each replica.
        cluster.ctl("record", "set", "a.example", "ns1", "60", "CNAME", "x.example.", status=4)
        log = json.loads(cluster.ctl("log", "tail", "--output", "json").stdout.splitlines()[-1])
        for replica in (1, 2, 3):
            answer = json.loads(cluster.ctl("explain", str(log["slot"]), "--output", "json", endpoints=cluster.endpoint(replica)).stdout)
            stages = {stage["name"]: stage for stage in answer["commands"][0]["stages"]}
            check(stages["pre-flight"]["outcome"] == "fail" and "cname-beside" in stages["pre-flight"]["rules"], f"{stages}")
            check(stages["pre-commit"]["outcome"] == "skipped", f"{stages}")
        table = cluster.ctl("explain", str(log["slot"])).stdout
        check("pre-flight" in table and "cname-beside" in table, table)
        cluster.ctl("explain", "999999", status=3)
        cluster.ctl("explain", "nobody", "1", status=3)
        cluster.ctl("explain", "nonsense", status=2)


main([stages_are_explained])
