# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights, budgets, policy and ownership through the real tools."""
import os

from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def keys_and_budgets():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)

        def keygen(name, file):
            path = os.path.join(cluster.work, file)
            return path, cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip()

        def write(key, n, status=0, name="web-1"):
            return cluster.ctl("record", "set", "a.example", name, "60", "A", f"192.0.2.{n}", key=key, status=status)

        old, old_public = keygen("robot", "old.key")
        new, new_public = keygen("robot", "new.key")
        cluster.ctl("role", "set", "web", "rrset.change,a.example,web-*.a.example")
        robot = ["principal", "set", "robot", "--kind", "automaton", "--role", "web", "--public-key", old_public]
        check("automaton-budget" in cluster.ctl(*robot, status=4).stderr, "an automaton has a budget")
        cluster.ctl(*robot, "--budget", "commands=x", status=2)
        cluster.ctl(*robot, "--budget", "commands=5/5", "--budget", "changes=5/5")
        write(old, 1)
        check("rights" in write(old, 1, 4, "www").stderr, "the pattern is the scope")
        cluster.ctl("principal", "key-add", "robot", "--public-key", new_public)
        write(new, 2)
        envelope = os.path.join(cluster.work, "in-flight")
        cluster.ctl("record", "set", "a.example", "web-1", "60", "A", "192.0.2.9", "--no-submit", "--envelope-out", envelope, key=old)
        cluster.ctl("principal", "key-revoke", "robot", "--public-key", old_public, "--yes")
        check(cluster.ctl("submit", envelope, status=None).returncode != 0, "a revoked key's envelope was taken")
        check("192.0.2.2" in cluster.ctl("record", "get", "a.example", "web-1", "A").stdout, "it changed something")
        check("key-revoked" in cluster.ctl("principal", "key-add", "robot", "--public-key", old_public, status=4).stderr, "it came back")
        for n in range(3, 6):
            write(new, n)
        done = write(new, 6, 4)
        check("budget" in done.stderr and "wait" in done.stderr and "until log time" in done.stderr, done.stderr)
        listed = [p for p in cluster.json("principal", "list")["principals"] if p["name"] == "robot"]
        check(listed[0]["budget"][:2] == [[5, 5], [5, 5]], listed)
        check("no person" in cluster.ctl("principal", "delete", "admin@dev", "--yes", status=4).stderr, "the last administrator")


def owners_and_fights():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE + "www 60 IN A 192.0.2.1\n")
        one, two = cluster.automaton("one", "rrset.change,a.example"), cluster.automaton("two", "rrset.change,a.example")

        def write(key, owner, n, status=0):
            return cluster.ctl("record", "set", "a.example", owner, "60", "A", f"192.0.2.{n}", key=key, status=status)

        done = write(one, "www", 2, 4)
        check("owner" in done.stderr and "is owned by admin@dev" in done.stderr, done.stderr)
        check("takeover" in cluster.ctl("record", "takeover", "a.example", "admin@dev", "one", "www.a.example./A", key=one, status=4).stderr,
              "an automaton took over")
        check("not by two" in cluster.ctl("record", "takeover", "a.example", "two", "one", "www.a.example./A", status=4).stderr, "from whom")
        cluster.ctl("record", "takeover", "a.example", "admin@dev", "one", "www.a.example./A", "--reason", "automated now")
        write(one, "www", 2)
        shown = cluster.json("record", "list", "a.example")
        check("'held_by': 'one'" in str(shown), shown)
        check("is owned by one" in write(two, "www", 3, 4).stderr, "another's")
        # Where nobody asks whose it is, two controllers undo each other until the breaker opens.
        cluster.ctl("policy", "set", "ownership=0")
        write(two, "www", 3)
        for n in (2, 3, 2):
            write(one if n == 2 else two, "www", n)
        done = write(two, "www", 3, 4)
        check("oscillation" in done.stderr and "one" in done.stderr and "two" in done.stderr, done.stderr)
        write(one, "other", 2)
        cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.3")
        write(two, "www", 4)


main([keys_and_budgets, owners_and_fights])
