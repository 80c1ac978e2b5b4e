#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that wait for votes: a dead zone, crashes while they wait, emergencies, through the real tools."""
import os
import time

from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.1\n"
STAGED = 8


def begin(cluster, deadline_ms):
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
    cluster.ctl("policy", "set", "classes=critical/a.example/www", f"critical_deadline_ms={deadline_ms}")


def stage(cluster, address, *more, status=STAGED, owner="www"):
    done = cluster.ctl("record", "set", "a.example", owner, "60", "A", address, *more, status=status)
    return done.stderr.split("resilience-ctl outcome ")[1].split()[0] if status == STAGED else done


def change(cluster, digest):
    return cluster.json("outcome", digest)["change"]


def ends(cluster, digest, state):
    """Until the change is in that state, and never in another final one."""
    deadline = time.monotonic() + 60
    while (now := change(cluster, digest))["state"] == "staged":
        check(time.monotonic() < deadline, f"still staged: {now}")
        time.sleep(0.05)
    check(now["state"] == state, f"{now['state']}, not {state}: {now}")
    return now


def address(cluster, owner="www"):
    return cluster.ctl("record", "get", "a.example", owner, "A").stdout


def a_dead_zone():
    with Cluster() as cluster:
        begin(cluster, 30000)
        digest = stage(cluster, "192.0.2.2")
        live = ends(cluster, digest, "live")
        check([v["vote"] for v in live["votes"]] == ["yes"] * 3, f"{live}")
        check(len({v["zone"] for v in live["votes"]}) == 3, f"{live}")
        check("192.0.2.2" in address(cluster), "in effect")
        cluster.ctl("policy", "set", "critical_deadline_ms=2000")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        digest = stage(cluster, "192.0.2.3")
        # Nothing but the critical change waits for the dead zone.
        cluster.ctl("record", "set", "a.example", "mail", "60", "A", "192.0.2.9")
        ended = ends(cluster, digest, "expired")
        check([v["vote"] for v in ended["votes"]] == ["yes", "yes", "silent"], f"{ended}")
        check(ended["rules"][0]["rule"] == "change-expired" and ended["votes"][2]["zone"] in ended["rules"][0]["evidence"], f"{ended}")
        check("192.0.2.2" in address(cluster), "what expired has no effect")
        # The explicit choice: two zones are enough, when nobody said no.
        cluster.ctl("policy", "set", "vote_zones_least=2")
        ends(cluster, stage(cluster, "192.0.2.4"), "live")
        check("192.0.2.4" in address(cluster), "in effect with two zones")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
        cluster.settle()
        cluster.stop()
        for replica in (1, 2, 3):
            cluster.verify(replica)


def crashes_while_it_waits():
    with Cluster() as cluster:
        begin(cluster, 600000)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
        digest = stage(cluster, "192.0.2.5")
        for replica in ("1", "3"):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        live = ends(cluster, digest, "live")
        check([v["vote"] for v in live["votes"]] == ["yes"] * 3, f"{live}")
        check("192.0.2.5" in address(cluster), "in effect after all have died")


def person(cluster, name, role="approver"):
    path = os.path.join(cluster.work, name + ".key")
    public = cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip()
    cluster.ctl("principal", "set", name, "--kind", "person", "--person", name, "--role", role, "--public-key", public)
    return path


def emergencies():
    with Cluster() as cluster:
        begin(cluster, 30000)
        alice, bob = person(cluster, "alice@company.com"), person(cluster, "bob@company.com")
        cluster.ctl("policy", "set", "second_factor=0")
        cluster.ctl("automation", "freeze", "--scope", "zone", "a.example", "--everybody", "--reason", "incident")
        done = stage(cluster, "192.0.2.6", status=4, owner="db")
        check("frozen" in done.stderr, done.stderr)
        digest = stage(cluster, "192.0.2.6", "--override", "frozen", owner="db")
        check(len(cluster.json("change", "list")["changes"]) == 1, "it waits")
        done = cluster.ctl("override", "approve", digest, status=4)
        check("approver" in done.stderr, done.stderr)
        cluster.ctl("override", "approve", digest, "--reason", "seen", key=alice)
        check(change(cluster, digest)["state"] == "staged", "one is not enough")
        cluster.ctl("override", "approve", digest, key=alice, status=4)
        cluster.ctl("override", "approve", digest, key=bob)
        check(change(cluster, digest)["state"] == "staged", "nobody has applied it")
        cluster.ctl("override", "apply", digest)
        live = ends(cluster, digest, "live")
        check([a["principal"] for a in live["approvals"]] == ["alice@company.com", "bob@company.com"], f"{live}")
        check("192.0.2.6" in address(cluster, "db"), "in effect")
        digest = stage(cluster, "192.0.2.7", "--override", "frozen", owner="db")
        cluster.ctl("change", "cancel", digest, "--reason", "not needed")
        check(ends(cluster, digest, "refused")["rules"][0]["rule"] == "change-cancelled", "taken back")
        cluster.ctl("outcome", "0" * 64, status=3)


CLASSES = """
classes:
  - {class: critical, kinds: ["role.*", policy.set], deadline: 20s}
  - {class: emergency, label: tier=critical, types: [A]}
  - {class: emergency, risk: 60}
  - {class: standard, zone: lab.example}
tests:
  - name: a delegation needs every zone
    zone: a.example
    state: &zone |
      @ 60 IN SOA ns1 admin 1 60 60 600 60
      @ 60 IN NS ns1
      ns1 60 IN A 192.0.2.1
    set: |
      sub 60 IN NS ns.other.example.
    expect: critical
  - name: but not in the lab
    zone: lab.example
    state: *zone
    set: |
      sub 60 IN NS ns.other.example.
    expect: applied
  - name: what is critical needs people
    zone: b.example
    labels: [tier=critical]
    state: *zone
    set: |
      www 60 IN A 192.0.2.1
    expect: emergency
"""


def classes_by_policy():
    """What is critical without any policy, and what a policy file makes critical: commands that change no record as well."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        # Without a policy: delegations, and zones that go.
        waits = ("record", "set", "a.example", "sub", "60", "NS", "ns.other.example.")
        staged = cluster.ctl(*waits, status=STAGED)
        check("critical" in staged.stderr and "resilience-ctl outcome" in staged.stderr, staged.stderr)
        ends(cluster, staged.stderr.split("resilience-ctl outcome ")[1].split()[0], "live")
        check("ns.other.example." in cluster.ctl("record", "get", "a.example", "sub", "NS").stdout, "in effect")
        done = cluster.ctl("zone", "delete", "a.example", "--yes", "--wait", "60s")
        check("live in slot" in done.stderr and "a.example" not in cluster.ctl("zone", "list").stdout, done.stderr)
        # By a file: its own cases say which class a change has.
        path = os.path.join(cluster.work, "policy.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write(CLASSES)
        check("3 passed, 0 failed" in cluster.ctl("policy", "test", path).stdout, "its cases")
        with open(os.path.join(cluster.work, "wrong.yaml"), "w", encoding="ascii") as file:
            file.write(CLASSES.replace("expect: emergency", "expect: critical"))
        check("FAILED what is critical needs people: emergency" in cluster.ctl("policy", "test", file.name, status=1).stdout, "a wrong case")
        cluster.ctl("policy", "apply", path, "--yes")
        shown = cluster.ctl("policy", "show").stdout
        check('{class: critical, kinds: ["role.*", "policy.set"], deadline: 20000ms}' in shown, shown)
        with open(path, "w", encoding="ascii") as file:
            file.write(shown)
        check(cluster.ctl("policy", "diff", path).stdout == "", "what is shown is the file")
        # Roles wait now; a client that asks for less gets no less.
        staged = cluster.ctl("role", "set", "web", "rrset.change", "--wait", "60s")
        check("critical" in staged.stderr and "live in slot" in staged.stderr, staged.stderr)
        check("web" in cluster.ctl("role", "list").stdout, "the role is there")
        cluster.ctl("zone", "create", "lab.example", "-", text=ZONE)
        cluster.ctl("record", "set", "lab.example", "sub", "60", "NS", "ns.other.example.")
        # The policy itself waits, by the policy as it is: it does not free itself.
        cluster.ctl("policy", "set", "classes=default", status=STAGED)
        cluster.settle()
        cluster.stop()
        for replica in (1, 2, 3):
            cluster.verify(replica)


def root_agrees():
    """Two of three who hold the role root agree to what decides who may do what; one alone cannot, and two always remain."""
    with Cluster() as cluster:
        keys = {}
        for name in ("ann", "ben", "cat"):
            keys[name] = person(cluster, name + "@company.com", "root")
        done = cluster.ctl("policy", "set", "root_approvals=4", status=4)
        check("root-holders" in done.stderr and "3 persons" in done.stderr, done.stderr)
        cluster.ctl("policy", "set", "root_approvals=2")
        staged = cluster.ctl("role", "set", "web", "rrset.change,a.example", status=STAGED)
        check("2 persons with the role root have to agree" in staged.stderr, staged.stderr)
        digest = staged.stderr.split("resilience-ctl outcome ")[1].split()[0]
        shown = cluster.ctl("change", "approve", digest, "--reason", "seen", key=keys["ann"]).stderr
        check("web                   rrset.change,a.example.\n" in shown, f"what is agreed to: {shown}")
        check(change(cluster, digest)["state"] == "staged", "one is not enough")
        check("web" not in cluster.ctl("role", "list").stdout, "nothing is in effect")
        check("approver" in cluster.ctl("change", "approve", digest, key=keys["ann"], status=4).stderr, "twice")
        cluster.ctl("change", "approve", digest, key=keys["cat"])
        live = ends(cluster, digest, "live")
        check(len(live["approvals"]) == 2 and "web" in cluster.ctl("role", "list").stdout, f"{live}")
        # The last two stay, whatever is signed; the role is what it is.
        staged = cluster.ctl("principal", "delete", "ben@company.com", "--yes", status=STAGED)
        digest = staged.stderr.split("resilience-ctl outcome ")[1].split()[0]
        for name in ("ann", "cat"):
            cluster.ctl("change", "approve", digest, key=keys[name])
        ends(cluster, digest, "live")
        done = cluster.ctl("principal", "delete", "cat@company.com", "--yes", status=4)
        check("root-holders" in done.stderr, done.stderr)
        check("stays as it is" in cluster.ctl("role", "set", "root", "zone.*", status=4).stderr, "the role root")
        # Labels are for the one who may change the zone; policies select by them.
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("zone", "label", "a.example", "tier=critical", "team=x")
        cluster.ctl("zone", "label", "a.example", "team=")
        check([z["labels"] for z in cluster.json("zone", "list")["zones"]] == [{"tier": "critical"}], "labels")
        cluster.ctl("zone", "label", "a.example", "tier", status=2)
        cluster.ctl("zone", "label", "b.example", "tier=x", status=3)
        cluster.settle()
        cluster.stop()
        for replica in (1, 2, 3):
            cluster.verify(replica)


if __name__ == "__main__":
    main([root_agrees, a_dead_zone, classes_by_policy, crashes_while_it_waits, emergencies])
