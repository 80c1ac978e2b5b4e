#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages, plans and dependencies, through the operator's tools."""
import json
import os
import re
import time

from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"

STAGED = 8


def explained(cluster, *what, **how):
    """Stage name to outcome, of the first command."""
    answer = json.loads(cluster.ctl("explain", *what, "--output", "json", **how).stdout)
    return {stage["name"]: stage for stage in answer["commands"][0]["stages"]}, answer


def stages_are_explained():
    with Cluster() as cluster:
        rules = json.loads(cluster.ctl("rules", "--output", "json").stdout)
        check([r["number"] for r in rules if r["rule"] == "cycle"] == [19], "the table of rules")
        check(sorted(r["number"] for r in rules) == list(range(1, len(rules) + 1)), "each rule once")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        stages, answer = explained(cluster, "admin@dev", "1")
        check([s["outcome"] for s in stages.values()][:6] == ["pass", "pass", "pass", "skipped", "pass", "pass"], f"{stages}")
        check("standard" in stages["quorum"]["why"], f"{stages['quorum']}")
        check(stages["impact"]["figures"]["record_sets"] == 3, f"{stages['impact']}")
        for replica in (1, 2, 3):
            deadline = time.monotonic() + 60
            while explained(cluster, "admin@dev", "1", endpoints=cluster.endpoint(replica))[0]["post-commit"]["outcome"] != "pass":
                check(time.monotonic() < deadline, f"replica {replica} never read back what it stored")
                time.sleep(0.1)
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


OTHER = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.2\n"


def dependencies():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE + "www 60 IN A 192.0.2.7\n")
        cluster.ctl("zone", "create", "b.example", "-", text=OTHER + "app 60 IN CNAME www.a.example.\nx 60 IN CNAME app\n")
        # What others point at does not go; a pointer at nothing does not come; a cycle does not close.
        done = cluster.ctl("record", "delete", "a.example", "www", "A", "--yes", status=4)
        check("dangling" in done.stderr and "app.b.example. CNAME -> www.a.example." in done.stderr, done.stderr)
        done = cluster.ctl("record", "set", "b.example", "y", "60", "CNAME", "none.a.example.", status=4)
        check("dangling" in done.stderr, done.stderr)
        cluster.ctl("record", "set", "a.example", "v", "60", "CNAME", "x.b.example.")
        done = cluster.ctl("record", "set", "b.example", "app", "60", "CNAME", "v.a.example.", status=4)
        check("cycle" in done.stderr and "app.b.example. -> v.a.example. -> x.b.example. -> app.b.example." in done.stderr, done.stderr)
        done = cluster.ctl("zone", "delete", "a.example", "--yes", status=4)
        check("dangling" in done.stderr, done.stderr)
        # The graph: of a zone one step, of a name all the way; also by a follower, also as DOT and SVG.
        lines = cluster.ctl("graph", "b.example").stdout.splitlines()
        check(sorted(lines) == ["app.b.example. -> www.a.example. CNAME", "b.example. -> ns1.b.example. NS",
                                "v.a.example. -> x.b.example. CNAME", "x.b.example. -> app.b.example. CNAME"], f"{lines}")
        for replica in (1, 2, 3):
            lines = cluster.ctl("graph", "www.a.example", endpoints=cluster.endpoint(replica)).stdout.splitlines()
            check(len(lines) == 3 and "v.a.example. -> x.b.example. CNAME" in lines, f"{lines}")
        check('"x.b.example." -> "app.b.example." [label="CNAME"];' in cluster.ctl("graph", "www.a.example", "--format", "dot").stdout, "DOT")
        check("<svg" in cluster.ctl("graph", "www.a.example", "--format", "svg").stdout, "SVG")
        path = os.environ["PATH"]
        try:
            os.environ["PATH"] = cluster.work
            done = cluster.ctl("graph", "www.a.example", "--format", "svg", status=1)
        finally:
            os.environ["PATH"] = path
        check("graphviz" in done.stderr, done.stderr)
        cluster.ctl("graph", "www.a.example", "--format", "png", status=2)
        check(cluster.ctl("graph", "nobody.example").stdout == "", "a name without edges")
        check(cluster.ctl("graph", "b.example", "--limit", "1").stderr != "", "a cut list is told")
        # Policy may let a pointer at nothing pass.
        cluster.ctl("policy", "set", "dangling_allowed=1")
        cluster.ctl("record", "set", "b.example", "y", "60", "CNAME", "none.a.example.")


PLAN = """zone: a.example
names: [{name}]
records: |
  {records}
"""


def plans_are_checked():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE + "www 60 IN A 192.0.2.7\nalias 60 IN CNAME www\n* 60 IN A 192.0.2.99\n")
        cluster.settle()
        before = cluster.status(1)["slot"]
        change = PLAN.format(name="www", records="www 60 IN A 192.0.2.8")
        out = cluster.ctl("plan", "check", "-", text=change).stdout
        check("before  CNAME www.a.example. (60 s) -> A 192.0.2.7 (60 s)" in out and "after   CNAME www.a.example. (60 s) -> A 192.0.2.8 (60 s)" in out, out)
        check("risk 5 of 100 = share 3 + dependants 2" in out, out)
        check("quorum       skipped  the class is standard" in out and "recovery_s=125" in out, out)
        digest = out.splitlines()[-1].split()[1]
        # Deleting a name under a wildcard shows what the wildcard will say.
        out = cluster.ctl("plan", "diff", "-", text=PLAN.format(name="ns1", records="; nothing")).stdout
        check("-ns1.a.example." in out, out)
        out = cluster.ctl("plan", "check", "-", text=PLAN.format(name="www", records="; nothing")).stdout
        check("after   CNAME www.a.example. (60 s) -> A 192.0.2.99 (60 s) from *.a.example." in out, out)
        # A delegation hides what is below it.
        hidden = PLAN.format(name="'@', ns1", records="@ 60 IN SOA ns1 admin 1 60 60 600 60\n  @ 60 IN NS ns1\n  ns1 60 IN A 192.0.2.1\n  ns1 60 IN NS ns.elsewhere.")
        out = cluster.ctl("plan", "check", "-", text=hidden).stdout
        check("referral at ns1.a.example. NS ns.elsewhere." in out, out)
        check("class critical: it would wait for votes, because: rrset ns1.a.example. NS changes" in out, out)
        # What a rule refuses, all of it, without anything being logged.
        done = cluster.ctl("plan", "check", "-", text=PLAN.format(name="www, '*'", records="www 60 IN CNAME none.b.a.example.\n  www 60 IN TXT x"), status=4)
        check("cname-beside" in done.stdout and "dangling" in done.stdout and "pre-commit   skipped" in done.stdout, done.stdout)
        check(cluster.status(1)["slot"] == before, "checking was logged")
        # Only what was reviewed: another file, or another zone by now, is refused.
        done = cluster.ctl("plan", "apply", "-", "--yes", "--digest", digest, text=change.replace("2.8", "2.9"), status=4)
        check("not what was reviewed" in done.stderr, done.stderr)
        cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.50")
        done = cluster.ctl("plan", "apply", "-", "--yes", "--digest", digest, text=change, status=4)
        check("not what was reviewed" in done.stderr, done.stderr)
        cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.7")
        cluster.ctl("plan", "apply", "-", "--yes", "--digest", digest, text=change)
        check("192.0.2.8" in cluster.ctl("record", "get", "a.example", "www", "A").stdout, "applied")
        stages, _ = explained(cluster, "admin@dev", "4")
        check(stages["impact"]["figures"]["risk"] == 5, f"{stages['impact']}")


def services():
    """What names are for: affected services in plan check and explain, classes by tier, needs that close no cycle and lose no target."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE + "www 60 IN A 192.0.2.7\ndb 60 IN A 192.0.2.8\nx.api 60 IN A 192.0.2.9\n")
        cluster.ctl("service", "set", "pay", "db.a.example", "--owner", "team-pay", "--tier", "gold", "--needs", "x.api.a.example")
        cluster.ctl("service", "set", "shop", "www.a.example", "--below", "api.a.example", "--owner", "team-shop", "--tier", "critical", "--needs", "service:pay")
        cluster.ctl("service", "set", "shop", "www.a.example", status=2)
        done = cluster.ctl("service", "set", "pay", "db.a.example", "--owner", "p", "--tier", "gold", "--needs", "service:shop", status=4)
        check("cycle" in done.stderr and "service pay -> service shop -> service pay" in done.stderr, done.stderr)
        done = cluster.ctl("service", "set", "pay", "db.a.example", "--owner", "p", "--tier", "gold", "--needs", "none.a.example", status=4)
        check("dangling" in done.stderr and "service pay -> none.a.example." in done.stderr, done.stderr)
        check("dangling" in cluster.ctl("service", "delete", "pay", "--yes", status=4).stderr, "shop needs it")
        done = cluster.ctl("record", "delete", "a.example", "x.api", "A", "--yes", status=4)
        check("dangling" in done.stderr and "service pay -> x.api.a.example." in done.stderr, done.stderr)
        lines = cluster.ctl("graph", "x.api.a.example").stdout.splitlines()
        check(sorted(lines) == ["service:pay -> x.api.a.example. service", "service:shop -> service:pay service"], f"{lines}")
        lines = cluster.ctl("graph", "service:pay").stdout.splitlines()
        check(sorted(lines) == ["service:pay -> x.api.a.example. service", "service:shop -> service:pay service"], f"{lines}")
        done = cluster.ctl("graph", "service:none", status=3)
        check("there is no service none" in done.stderr, done.stderr)
        shown = cluster.json("service", "show", "shop")
        check(shown["names"] == ["www.a.example.", "api.a.example. and below"] and shown["needs"] == ["pay"] and shown["tier"] == "critical", f"{shown}")
        cluster.ctl("service", "show", "none", status=3)
        # Affected are those of the name, and those that need what changes.
        out = cluster.ctl("plan", "check", "-", text=PLAN.format(name="x.api", records="x.api 60 IN A 192.0.2.10")).stdout
        check("services=2" in out and re.search("affected: (pay, shop|shop, pay)\\n", out) and "+ services 10" in out, out)
        written = cluster.json("record", "set", "a.example", "db", "60", "A", "192.0.2.11")
        stages, _ = explained(cluster, str(written["slot"]))
        check(stages["impact"]["figures"]["services"] == 2, f"{stages['impact']}")
        check(sorted(stages["impact"]["services"]) == ["pay", "shop"] and stages["causal"]["services"] == [], f"{stages}")
        # Over an alias, and what a DNAME makes of a name; six of them, all named.
        for name, kind, target in (("alias", "CNAME", "www"), ("d", "DNAME", "api"), ("made", "CNAME", "x.d")):
            cluster.ctl("record", "set", "a.example", name, "60", kind, f"{target}.a.example.")
        for name, of in (("s1", "alias"), ("s2", "x.d"), ("s3", "made"), ("s4", "unrelated")):
            cluster.ctl("service", "set", name, f"{of}.a.example", "--owner", "t", "--tier", "low", *(("--needs", "service:s3") if name == "s4" else ()))
        out = cluster.ctl("plan", "diff", "-", text=PLAN.format(name="x.api", records="x.api 60 IN A 192.0.2.10")).stdout
        named = re.search("5 services affected: (.*)\n", out)
        check(named and sorted(named.group(1).split(", ")) == ["pay", "s2", "s3", "s4", "shop"], out)
        out = cluster.ctl("explain", str(cluster.json("record", "set", "a.example", "www", "60", "A", "192.0.2.70")["slot"])).stdout
        check(re.search("affected: (shop, s1|s1, shop)\n", out), out)
        for name in ("s4", "s3", "s2", "s1"):
            cluster.ctl("service", "delete", name, "--yes")
        # A class by tier, of the service itself as well.
        path = os.path.join(cluster.work, "policy.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write("classes:\n  - {class: critical, tier: gold}\n")
        cluster.ctl("policy", "apply", path, "--yes")
        check('{class: critical, tier: "gold"}' in cluster.ctl("policy", "show").stdout, "shown")
        done = cluster.ctl("record", "set", "a.example", "db", "60", "A", "192.0.2.12", "--wait", "60s")
        check("critical" in done.stderr and "live in slot" in done.stderr, done.stderr)
        cluster.ctl("service", "set", "pay", "db.a.example", "--owner", "team-pay", "--tier", "low", "--wait", "60s")
        cluster.ctl("record", "set", "a.example", "db", "60", "A", "192.0.2.13")
        check(sorted(s["tier"] for s in cluster.json("service", "list")["services"]) == ["critical", "low"], "tiers")
        cluster.settle()
        cluster.stop()
        for replica in (1, 2, 3):
            cluster.verify(replica)


def made_again():
    """A plan makes again what somebody else deleted, or what went when its votes were there: it has seen that it is gone."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("record", "set", "a.example", "sub", "60", "NS", "ns.elsewhere.", "--wait", "60s")
        cluster.ctl("record", "delete", "a.example", "sub", "NS", "--yes", "--wait", "60s")
        text = PLAN.format(name="sub", records="sub 60 IN NS ns.elsewhere.")
        check("class critical" in cluster.ctl("plan", "check", "-", text=text).stdout, "it is judged")
        cluster.ctl("plan", "apply", "-", "--yes", "--wait", "60s", text=text)
        check("ns.elsewhere." in cluster.ctl("record", "get", "a.example", "sub", "NS").stdout, "it is there again")


def every_door():
    """The same change as a change set, a dry run, a plan file, and a plan that is executed: the same rules and the same class."""
    # Names that are new are others at each door, so that each finds the same zone.
    cases = [("www", "60 IN A 192.0.2.9", 0), ("new{}", "60 IN A 192.0.2.9", 0), ("sub{}", "60 IN NS ns.elsewhere.", STAGED),
             ("x{}", "60 IN CNAME none", 4), ("www", "700000 IN A 192.0.2.9", 4), ("y{}", "60 IN CNAME OWN", 4)]
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE + "www 60 IN A 192.0.2.7\n")
        cluster.ctl("lease", "acquire", "l", "--ttl", "10m")
        token = str(cluster.json("lease", "list")["leases"][0]["token"])

        def said(done):
            """The rules that refuse it, and whether it waits."""
            text = done.stderr + done.stdout
            rules = {line.split("refused by ")[1].split(":")[0] for line in text.splitlines() if "refused by " in line}
            return sorted(rules), "staged in slot" in text or "class critical" in text

        for number, (name, line, status) in enumerate(cases):
            plan = f"p{number}"

            def by_hand(own):
                words = line.replace("OWN", own).split()
                return cluster.ctl("record", "set", "a.example", own, words[0], *words[2:], status=status)

            def dry(own):
                return cluster.ctl("plan", "check", "-", text=PLAN.format(name=own, records=f"{own} {line}".replace("OWN", own)), status=4 if status == 4 else 0)

            def by_file(own):
                return cluster.ctl("plan", "apply", "-", "--yes", text=PLAN.format(name=own, records=f"{own} {line}".replace("OWN", own)), status=status)

            def by_plan(own):
                # Content is judged when it is published, its effect when it is executed.
                done = cluster.ctl("plan", "publish", plan, "1", "a.example", "-", text=f"{own} {line}\n".replace("OWN", own), status=None)
                return done if done.returncode != 0 else cluster.ctl("plan", "execute", plan, "1", "--lease", "l", "--token", token, status=status)

            answers = []
            for door in (dry, by_hand, by_file, by_plan):
                answers.append(said(door(name.format(door.__name__.replace("_", "")))))
                if status == 0 and name == "www" and door != dry:
                    cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.7")
            check(all(answer == answers[0] for answer in answers), f"{name} {line}: {answers}")
            check((len(answers[0][0]) > 0, answers[0][1]) == (status == 4, status == STAGED), f"{name} {line}: {answers}")


main([stages_are_explained, dependencies, plans_are_checked, services, made_again, every_door])
