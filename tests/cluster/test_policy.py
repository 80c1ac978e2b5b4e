#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights, budgets, policy and ownership through the real tools."""
import os
import socket

import msgpack

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
        for taken in (["key-add", "admin@dev"], ["set", "eve", "--kind", "person", "--person", "Eve", "--role", "operator"]):
            done = cluster.ctl("principal", *taken, "--public-key", new_public, status=4)
            check("key-taken" in done.stderr and "is robot's at slot" in done.stderr and "keygen" in done.stderr, done.stderr)
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


def grants_of_a_class():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE + "sub 60 IN NS ns.invalid.\nwww 60 IN A 192.0.2.1\n")
        cluster.ctl("policy", "set", "ownership=0")
        for bad in ("rrset.change,a.example,class=emergency", "rrset.change,class=", "a,class=standard,class=critical"):
            done = cluster.ctl("role", "set", "bad", bad, status=2)
            check("class=standard|critical" in done.stderr and "--help" in done.stderr, done.stderr)
        grants = ("rrset.*,a.example.,class=standard", "rrset.change,a.example.,web-*.a.example.,A,AAAA", "rrset.change,,,TXT", "lease.*", "zone.set,a.example.")
        cluster.ctl("role", "set", "all", *grants)
        shown = cluster.ctl("role", "list").stdout
        check([line.split()[1] for line in shown.splitlines() if line.startswith("all ")] == list(grants), f"as role set takes them: {shown}")
        robot = cluster.automaton("robot", "rrset.*,a.example,class=standard")
        roles = {role["name"]: role["grants"] for role in cluster.json("role", "list")["roles"]}
        check(roles["role-robot"][0][4] == "standard" and len(roles["operator"][0]) == 4, roles)

        def delegate(server, status, **how):
            return cluster.ctl("record", "set", "a.example", "sub", "60", "NS", server, *how.pop("more", ()), status=status, **how)

        cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.2", key=robot)
        done = delegate("ns2.invalid.", 4, key=robot)
        for words in ("class-granted", "robot may do rrset.change", "rrset.*,a.example.,,class=standard of role role-robot",
                      "is critical (rrset sub.a.example. NS changes)", "let somebody sign it who may", "    next: let somebody sign it whose grants allow the class"):
            check(words in done.stderr, f"{words}: {done.stderr}")
        slot = done.stderr.split("slot ")[1].split()[0].rstrip(":")
        explained = cluster.ctl("explain", slot).stdout
        check("class-granted" in explained and "quorum" in explained, explained)
        check("class-granted" in cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.3", "--class", "critical",
                                             key=robot, status=4).stderr, "what it asks for counts as well")
        plan = "zone: a.example\nnames: [sub]\nrecords: |\n  sub 60 IN NS ns2.invalid.\n"
        check("class-granted" in cluster.ctl("plan", "check", "-", text=plan, key=robot, status=4).stdout, "plan check knows it")
        # A grant of the next class more: the change waits, and takes effect with its votes.
        cluster.ctl("role", "set", "role-robot", "rrset.*,a.example,class=standard", "rrset.change,a.example,sub.a.example,NS,class=critical")
        delegate("ns2.invalid.", 0, key=robot, more=("--wait", "60s"))
        check("ns2.invalid." in cluster.ctl("record", "get", "a.example", "sub", "NS").stdout, "it is live")
        check("96" in cluster.ctl("rules").stdout and "class-granted" in cluster.ctl("rules").stdout, "the table of rules")
        cluster.stop_equal()
        cluster.verify_equal()


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


POLICY = """
limits:
  - {name: few, who: change, acts: [delete], count: 1}
protected:
  - {zone: a.example, owner: www, type: A, floor: 1}
tests:
  - name: two at once
    zone: a.example
    state: |
      @ 60 IN SOA ns1 admin 1 60 60 600 60
      @ 60 IN NS ns1
      ns1 60 IN A 192.0.2.1
      x 60 IN A 192.0.2.1
      y 60 IN A 192.0.2.1
    delete: [{owner: x, type: A}, {owner: y, type: A}]
    expect: %s
"""


def policy_files():
    with Cluster() as cluster:
        good, bad = os.path.join(cluster.work, "good.yaml"), os.path.join(cluster.work, "bad.yaml")
        for path, expected in ((good, "limit"), (bad, "applied")):
            with open(path, "w", encoding="ascii") as file:
                file.write(POLICY % expected)
        cluster.ctl("policy", "check", good)
        check("1 passed, 0 failed" in cluster.ctl("policy", "test", good).stdout, "its own case")
        done = cluster.ctl("policy", "test", bad, status=1)
        check("bad.yaml:7: FAILED two at once" in done.stdout and "limit few" in done.stdout, done.stdout)
        check("does not decide" in cluster.ctl("policy", "apply", bad, "--yes", status=4).stderr, "a policy that fails its cases")
        for text, words in (("numbers: {ttl_min: 99999999}", "must be 0 to"), ("numbers: {x: 1}", ":1: \"x\" means nothing"),
                            ("limits: [{name: a, who: change, acts: [delete]}]", "count or a share"), ("a: [", "did not find"),
                            ("times: [{who: all, from: '08:00', to: '07:00'}]", "times"), ("tests: [{name: x}]", "text is wanted")):
            done = cluster.ctl("policy", "check", "-", text=text + "\n", status=2)
            check(words in done.stderr, f"{text}: {done.stderr}")
        # An automaton that may do what is standard alone, and what the file makes critical.
        case = POLICY.split("tests:")[1] % "class-granted"
        case = case.replace("    delete:", "    by: automaton\n    granted: standard\n    delete:").replace("delete: [{owner: x, type: A}, ", "delete: [")
        classes = "classes: [{class: critical, zone: a.example, types: [A]}]\ntests:" + case
        check("1 passed, 0 failed" in cluster.ctl("policy", "test", "-", text=classes).stdout, "granted: standard")
        for granted, expected in (("critical", "critical"), ("standard", "class-granted")):
            text = classes.replace("granted: standard", f"granted: {granted}").replace("expect: class-granted", f"expect: {expected}")
            cluster.ctl("policy", "test", "-", text=text)
        done = cluster.ctl("policy", "check", "-", text=classes.replace("by: automaton", "by: person"), status=2)
        check("by: automaton" in done.stderr, done.stderr)
        # The past, under the new policy: three names in a zone, two of them deleted at once.
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE + "www 60 IN A 192.0.2.1\nx 60 IN A 192.0.2.1\ny 60 IN A 192.0.2.1\n")
        plan = "zone: a.example\nnames: [x, y]\nrecords: |\n  ; nothing\n"
        slot = int(cluster.json("plan", "apply", "-", "--yes", text=plan)["slot"])
        cluster.ctl("record", "delete", "a.example", "www", "A", "--yes")
        listed = cluster.ctl("policy", "what-if", good).stdout
        for grant, words in (("bogus", '"bogus" is no verb'), ("rrset.chnge,a.example", "is it rrset.change?"), ("rset.*", '"rset.*" is no verb')):
            done = cluster.ctl("role", "set", "r", grant, status=2)
            check(words in done.stderr and done.stdout == "", done.stderr)
        check("--person says which one" in cluster.ctl("principal", "set", "x", "--kind", "person", status=2).stderr, "whose keys")
        check(f"slot {slot}\n" in listed and "limit few" in listed and "endpoint-empty" in listed, listed)
        check("2 of " in listed.splitlines()[-1], listed)
        later = cluster.ctl("policy", "what-if", good, "--since", str(slot + 1)).stdout
        done = cluster.ctl("policy", "what-if", good, "--since", "999999", status=3)
        check("slot 999999 is not there yet" in done.stderr and done.stdout == "", f"{done.stdout}{done.stderr}")
        check("1 of 1 commands" in later and "limit few" not in later, later)
        # In force: what differs is shown, then it is set, then it is as the file says.
        diff = cluster.ctl("policy", "diff", good).stdout
        check("few" in diff and diff.startswith("+"), diff)
        cluster.ctl("policy", "apply", good, "--yes", "--reason", "limits")
        check(cluster.ctl("policy", "diff", good).stdout == "", "it was applied")
        shown = cluster.ctl("policy", "show").stdout
        check(cluster.ctl("policy", "diff", "-", text=shown).stdout == "", "what is shown is the policy")
        check("nothing to do" in cluster.ctl("policy", "apply", good, "--yes").stderr, "twice")
        for name in ("z", "v"):
            cluster.ctl("record", "set", "a.example", name, "60", "A", "192.0.2.1")
        plan = "zone: a.example\nnames: [z, v]\nrecords: |\n  ; nothing\n"
        done = cluster.ctl("plan", "apply", "-", "--yes", text=plan, status=4)
        check("limit few" in done.stderr, done.stderr)


def absence_is_not_deletion():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        key = cluster.automaton("robot", "rrset.*,a.example")
        cluster.ctl("policy", "set", "absent_times=2")
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.1", key=key)
        done = cluster.ctl("record", "delete", "a.example", "x", "A", "--yes", key=key, status=4)
        check("absent" in done.stderr and "reported absent 0 times" in done.stderr, done.stderr)
        for verb in ("absent", "present", "absent"):
            cluster.ctl("record", verb, "a.example", "x.a.example./A", key=key)
        cluster.ctl("record", "delete", "a.example", "x", "A", "--yes", key=key, status=4)
        cluster.ctl("record", "absent", "a.example", "x.a.example./A", key=key)
        cluster.ctl("record", "delete", "a.example", "x", "A", "--yes", key=key)


def floods_are_turned_away_before_signatures():
    with Cluster(1) as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "1")
        cluster.add_settings("submit_rate = 50\n")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "1")
        path = os.path.join(cluster.work, "envelope")
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.9", "--no-submit", "--envelope-out", path)
        with open(path, "rb") as file:
            good = file.read()
        parts = msgpack.unpackb(good)
        parts[5] = bytes(64)
        host, port = cluster.endpoint(1).rsplit(":", 1)

        def submit(envelope, times):
            with socket.create_connection((host, int(port))) as client:
                client.settimeout(30)
                client.sendall(b"".join(msgpack.packb([0, i, "submit", [envelope]]) for i in range(times)))
                unpacker, answers = msgpack.Unpacker(raw=False), []
                while len(answers) < times:
                    unpacker.feed(client.recv(65536))
                    answers += [message[2] for message in unpacker]
                return answers

        answers = submit(msgpack.packb(parts), 20)
        check(answers[0].startswith("BAD_SIGNATURE") and answers[1].startswith("RATE_LIMITED wait_ms="), answers[:2])
        check(submit(good, 1) == [None], "another connection is not slower for it")


main([keys_and_budgets, grants_of_a_class, owners_and_fights, policy_files, absence_is_not_deletion, floods_are_turned_away_before_signatures])
