#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""People override rules: requests, approvals, the token's quarter of an hour, through the real tools."""
import hashlib
import html
import json
import os
import subprocess
import time

from harness import BIN, BUDGET, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.1\n"
FIX = """\
zone: a.example
reason: the addresses of www are gone
names: [www]
bypass: [frozen]
records: |
  www 60 IN A 192.0.2.{last}
"""
QUARTER_MS = 15 * 60 * 1000


def write(cluster, last, name="emergency-fix.yaml", text=FIX):
    return cluster.write(name, text.format(last=last))


def person(cluster, name, role="approver", person_name=None):
    path = os.path.join(cluster.work, name + ".key")
    public = cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip()
    cluster.ctl("principal", "set", name, "--kind", "person", "--person", person_name or name, "--role", role, "--public-key", public)
    return path


def begin(cluster):
    cluster.ctl("policy", "set", "second_factor=0")  # test_factor.py has them
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
    cluster.ctl("automation", "freeze", "--scope", "zone", "a.example", "--everybody", "--reason", "incident")
    return person(cluster, "alice@company.com"), person(cluster, "bob@company.com")


def address(cluster):
    return cluster.ctl("record", "get", "a.example", "www", "A").stdout


def request(cluster, path, status=0):
    done = cluster.ctl("override", "request", "--config", path, "--reason", "incident 7", status=status)
    return done.stdout.strip() if status == 0 else done


def waits(cluster, condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        check(time.monotonic() < deadline, what)
        time.sleep(0.05)


def approvals():
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        robot = cluster.automaton("robot", "change.approve")
        other = person(cluster, "root2", person_name=cluster.json("principal", "list")["principals"][0]["person"])
        path = write(cluster, 5)
        digest = request(cluster, path)
        check(len(digest) == 64, digest)
        cluster.settle()
        waiting = "OVERRIDE WAITS for approvals, until 20"
        check(waiting in cluster.ctl("status").stdout and digest in cluster.ctl("status").stdout, "who asks for status sees it")
        check([o["digest"] for o in cluster.json("override", "status")["overrides"]] == [digest], "it waits")
        for key, why in ((None, "is the author of the change"), (other, "is the author of the change"), (robot, "is no person")):
            done = cluster.ctl("override", "approve", digest, key=key, status=4)
            check("approver" in done.stderr and why in done.stderr, done.stderr)
        done = cluster.ctl("override", "apply", digest, "--wait", "0s", status=8)
        check("override approve " + digest in done.stderr, done.stderr)
        cluster.ctl("override", "approve", digest[:10], key=alice, status=2)
        done = cluster.ctl("override", "approve", digest[:10], "--yes", key=alice)
        check("+www.a.example.\t60\tIN\tA\t192.0.2.5" in done.stderr and "bypass  frozen" in done.stderr, done.stderr)
        cluster.ctl("override", "approve", digest, key=alice, status=4)
        cluster.ctl("override", "approve", "0" * 64, key=bob, status=3)
        cluster.ctl("override", "approve", digest, key=bob)
        check("override apply " + digest in cluster.ctl("override", "status", digest).stdout, "the next step is shown")
        listed = cluster.ctl("override", "status").stdout
        check("alice@company.com bob@company.com" in listed and "T" in listed.splitlines()[1].split()[-1] and "{" not in listed, listed)
        cluster.settle()
        check("OVERRIDE WAITS for override apply, until 20" in cluster.ctl("status").stdout, "status")
        done = cluster.ctl("override", "apply", "--config", path, "--approver", "robot", status=4)
        check("robot has not approved it" in done.stderr, done.stderr)
        check("192.0.2.1" in address(cluster), "not in effect before it is applied")
        done = cluster.ctl("override", "apply", "--config", path, "--approver", "alice@company.com", "--approver", "bob@company.com")
        check("in effect in slot" in done.stdout, done.stdout)
        check("192.0.2.5" in address(cluster), "in effect")
        check("nothing to do" in cluster.ctl("override", "apply", "--config", path).stderr, "once")
        many = [f"192.0.2.{last}" for last in range(100, 170)]
        digest = request(cluster, write(cluster, 6, text=FIX + "".join(f"  www 60 IN A {address}\n" for address in many)))
        shown = cluster.ctl("override", "status", digest).stdout
        check(all(f"+www.a.example.\t60\tIN\tA\t{address}\n" in shown for address in many), "who agrees sees every record: " + shown)
        cluster.ctl("override", "cancel", digest, "--reason", "not needed")
        check(cluster.json("outcome", digest)["change"]["rules"][0]["rule"] == "change-cancelled", "taken back")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()


def asked_twice():
    """The same file again is the same request; of two equal ones the approved one is applied, whichever is newer."""
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        path = write(cluster, 5)
        first = request(cluster, path)
        done = cluster.ctl("override", "request", "--config", path, "--reason", "incident 7, again")
        check(done.stdout.strip() == first and "asked for already" in done.stderr, done.stdout + done.stderr)
        for key in (alice, bob):
            cluster.ctl("override", "approve", first, key=key)
        changed = write(cluster, 6)  # one byte of the file
        done = cluster.ctl("override", "apply", "--config", changed, "--wait", "0s", status=8)
        check(f"another change than this one waits, of yours and of this zone: resilience-ctl override status {first}" in done.stderr, done.stderr)
        cluster.ctl("override", "cancel", cluster.json("override", "status")["overrides"][1]["digest"])
        write(cluster, 5)
        cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.5", "--override", "frozen", status=8)
        check(len(cluster.json("override", "status")["overrides"]) == 2, "two that say the same")
        check(request(cluster, path) == first, "approved, and asked for again")
        done = cluster.ctl("override", "apply", "--config", path, "--approver", "alice@company.com", "--approver", "bob@company.com")
        check("in effect in slot" in done.stdout and "192.0.2.5" in address(cluster), done.stdout)


def an_approver_who_lapsed():
    """Whose right, key or factor is gone counts no more; another person stands in, and nothing is asked for anew."""
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        carol = person(cluster, "carol@company.com")
        digest = request(cluster, write(cluster, 5))
        for key in (alice, bob):
            cluster.ctl("override", "approve", digest, key=key)
        check("has its approvals" in cluster.ctl("override", "approve", digest, key=carol, status=4).stderr, "two suffice")
        public = next(p["keys"][0] for p in cluster.json("principal", "list")["principals"] if p["name"] == "bob@company.com")
        cluster.ctl("principal", "key-revoke", "bob@company.com", "--public-key", public, "--yes")
        done = cluster.ctl("override", "apply", digest, status=4)
        check("bob@company.com has lost the key" in done.stderr and "1 of 2 persons" in done.stderr, done.stderr)
        cluster.ctl("override", "approve", digest, key=bob, status=7)
        cluster.ctl("override", "approve", digest, key=carol)
        check("in effect in slot" in cluster.ctl("override", "apply", digest).stdout, "applied")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()


def the_four_lines():
    """The lines of the reference, letter by letter, in a shell; the approvers are elsewhere meanwhile."""
    with Cluster() as cluster:
        alice, bob = person(cluster, "alice@company.com"), person(cluster, "bob@company.com")
        cluster.ctl("policy", "set", "second_factor=0")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        write(cluster, 7, text=FIX.replace("bypass: [frozen]\n", ""))
        path = os.path.join(cluster.work, "robot.key")
        public = cluster.ctl("keygen", "robot", "--plain", "--out", path).stdout.strip()
        cluster.ctl("role", "set", "robots", "rrset.change,a.example")
        cluster.ctl("principal", "set", "robot", "--kind", "automaton", "--role", "robots", "--az", "us-east-1a", "--public-key", public, *BUDGET)
        environment = dict(os.environ, NO_COLOR="1", RSM_ENDPOINTS=cluster.endpoints, RSM_KEY=cluster.key,
                           PATH=BIN + os.pathsep + os.environ["PATH"])
        environment.pop("RSM_CONFIG", None)

        def shell(line, **how):
            return subprocess.run(["sh", "-c", line], cwd=cluster.work, env=environment, capture_output=True, text=True, check=False, **how)

        for line in ('resilience-ctl automation freeze --reason "DNS race condition detected"', "resilience-ctl status --verbose"):
            done = shell(line)
            check(done.returncode == 0, f"{line}: {done.stderr}")
        apply = cluster.start("sh", "-c", "resilience-ctl override apply --config emergency-fix.yaml \\\n"
                              "  --approver alice@company.com \\\n  --approver bob@company.com",
                              cwd=cluster.work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        waits(cluster, lambda: cluster.json("override", "status")["overrides"], "nothing was asked for")
        digest = cluster.json("override", "status")["overrides"][0]["digest"]
        for key in (alice, bob):
            cluster.ctl("override", "approve", digest, key=key)
        out, err = apply.communicate(timeout=60)
        check(apply.returncode == 0 and "in effect in slot" in out, out + err)
        check("192.0.2.7" in address(cluster), "in effect")
        done = shell("resilience-ctl automation resume --gradual --az us-east-1a")
        check(done.returncode == 0, done.stderr)


def several_zones():
    """One file, two zones: two emergencies, asked for at once, approved each, carried out in order."""
    many = ("reason: both\nbypass: [frozen]\nchanges:\n"
            "  - zone: a.example\n    names: [www]\n    records: |\n      www 60 IN A 192.0.2.{last}\n"
            "  - zone: b.example\n    names: [www, api]\n    records: |\n      www 60 IN A 192.0.2.{last}\n      api 60 IN A 192.0.2.{last}\n")
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        cluster.ctl("zone", "create", "b.example", "-", text=ZONE)
        path = write(cluster, 8, text=many)
        def waiting():
            return [o["digest"] for o in cluster.json("override", "status")["overrides"]]
        asked = cluster.ctl("override", "request", "--config", path).stdout.split()
        check(len(asked) == 2 and sorted(asked) == sorted(waiting()), f"{asked}")
        done = cluster.ctl("override", "request", "--config", write(cluster, 6, "other.yaml", many))
        said = done.stderr[:done.stderr.index("requested") if "requested" in done.stderr else None]
        check("has 2 zones. A change set is of one zone" in said and "  1. a.example: 1 record set\n  2. b.example: 2 record sets\n" in said, done.stderr)
        for digest in done.stdout.split():
            cluster.ctl("override", "cancel", digest)
        # Without approvals nothing is done; with one approved, nothing of the other.
        for key in (alice, bob):
            cluster.ctl("override", "approve", asked[0], key=key)
        done = cluster.ctl("override", "apply", "--config", path, "--wait", "1s", status=8)
        check("1 of 2 zones are as the file says" in done.stderr, done.stderr)
        check("192.0.2.8" in address(cluster) and "192.0.2.8" not in cluster.ctl("record", "get", "b.example", "www", "A").stdout, "the first alone")
        # The same line goes on with the rest: nothing is asked for twice.
        check(waiting() == asked[1:], f"{waiting()}")
        for key in (alice, bob):
            cluster.ctl("override", "approve", asked[1], key=key)
        done = cluster.ctl("override", "apply", "--config", path, "--approver", "alice@company.com", "--approver", "bob@company.com")
        check("a.example is as the file says" in done.stderr and done.stdout.count("in effect in slot") == 1, done.stdout + done.stderr)
        check("192.0.2.8" in cluster.ctl("record", "get", "b.example", "api", "A").stdout and waiting() == [], "all of it")
        done = cluster.ctl("override", "request", "--config", path, status=2)
        check("nothing to ask for" in done.stderr, done.stderr)
        for text, why in ((many.replace("    names: [www]\n", "    bypass: [limit]\n"), '"bypass" means nothing here'), (many.replace("reason: both", "zone: a.example"), '"zone" means nothing here'),
                          ("reason: r\nchanges: []\n", "change 1 is not there"), ("reason: r\nchanges:\n" + 17 * "  - zone: a.example\n    records: x\n", "17 items, at most 16"),
                          ("- a\n", "a mapping is wanted")):
            done = cluster.ctl("override", "request", "--config", write(cluster, 9, "bad.yaml", text), status=2)
            check(why in done.stderr, done.stderr)
        for command in (("plan", "diff", path), ("plan", "check", path), ("plan", "apply", path, "--yes")):
            check("a plan is one change set, and that is of one zone: a file for each zone" in cluster.ctl(*command, status=2).stderr, f"{command}")
        # Of what would be refused in one zone nothing is asked for in any, and all that would be is said at once.
        for names, zones in ((("www", "'@'"), ["b.example"]), (("'@'", "'@'"), ["a.example", "b.example"])):
            bad = "reason: r\nbypass: [frozen]\nchanges:\n" + "".join(f"  - zone: {zone}.example\n    names: [{name}]\n    records: |\n      {name.strip(chr(39))} 60 IN A 192.0.2.5\n"
                                                  for zone, name in zip("ab", names))
            for command in (("request",), ("apply", "--wait", "1s")):
                done = cluster.ctl("override", command[0], "--config", write(cluster, 9, "bad.yaml", bad), *command[1:], status=4)
                check(all(f"{zone} would be refused, so nothing was asked for" in done.stderr for zone in zones) and "apex" in done.stderr, done.stderr)
                check(done.stderr.count("would be refused") == len(zones) and waiting() == [], f"{done.stderr} {waiting()}")
        cluster.ctl("role", "set", "later", "zone.create") # no counter was used up


def clock(cluster, offset_ms):
    """All replicas' clocks, so many ms from the machine's."""
    path = os.path.join(cluster.work, "clock")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"{offset_ms}\n")
    os.rename(path + ".new", path)


def restart_with_clock(cluster):
    clock(cluster, 0)
    cluster.restart_with(f"clock_offset_file = {cluster.work}/clock\n")


def leader(cluster):
    for replica in (1, 2, 3):
        if cluster.status(replica).get("is_leader"):
            return replica
    return None


def a_quarter_of_an_hour():
    """14 minutes on, under another leader and with all clocks jumped, it works; a quarter of an hour on, it does not."""
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        restart_with_clock(cluster)
        offset = 0
        for last, step_ms, works in ((8, QUARTER_MS - 60000, True), (9, QUARTER_MS, False)):
            path = write(cluster, last)
            digest = request(cluster, path)
            for key in (alice, bob):
                cluster.ctl("override", "approve", digest, key=key)
            row = cluster.json("outcome", digest)["change"]
            check(row["deadline_ms"] - row["approved_ms"] == QUARTER_MS, f"{row}")
            before = leader(cluster)
            offset += step_ms
            cluster.stop()
            clock(cluster, offset)
            for replica in {1, 2, 3} - {before}:  # each is ready when both are
                cluster.start(f"{BIN}/resilience-ctl", "dev", "start", "--dir", cluster.dir, "--replica", str(replica))
            waits(cluster, lambda before=before: leader(cluster) not in (None, before), "no other leader")
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(before))
            if works:
                cluster.ctl("override", "apply", "--config", path)
            else:
                waits(cluster, lambda digest=digest: cluster.json("outcome", digest)["change"]["state"] == "expired", "not expired")
                done = cluster.ctl("override", "apply", digest, status=4)
                check("ask again" in done.stderr, done.stderr)
            check(f"192.0.2.{8}" in address(cluster), "only the first one is in effect")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()


def approvers_are_told():
    """By a program, at least once for each emergency; one that others can write to is not run."""
    with Cluster() as cluster:
        told, hook = os.path.join(cluster.work, "told"), os.path.join(cluster.work, "hook")
        with open(hook, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n[ -z \"$HOME$RSM_KEY\" ] && cat >>{told}\n")
        os.chmod(hook, 0o700)
        cluster.restart_with(f"approval_hook = {hook}\n")
        begin(cluster)

        def digests():
            if not os.path.exists(told):
                return set()
            with open(told, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file.read().splitlines()]
            check(all(line["event"] == "approval-wanted" and line["author"] == "admin@dev" for line in lines), f"{lines}")
            return {line["digest"] for line in lines}

        first, second = request(cluster, write(cluster, 5)), request(cluster, write(cluster, 6))
        waits(cluster, lambda: digests() == {first, second}, "nobody was told")
        os.unlink(told)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(leader(cluster)))
        waits(cluster, lambda: digests() == {first, second}, "the new leader told nobody")
        os.chmod(hook, 0o722)
        third = request(cluster, write(cluster, 7))
        waits(cluster, lambda: any("approval-hook" in cluster.text_of_log(i) and third in cluster.text_of_log(i) for i in (1, 2, 3)), "not said")
        check(third not in digests(), "others could have written that program")


def six_steps():
    """In order or skipped aloud, shown by every status, and the freeze stays until step 5."""
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        cluster.ctl("override", "begin", "--reason", "r", status=4)
        cluster.ctl("automation", "freeze", "--reason", "incident 7")
        cluster.ctl("override", "begin", "--reason", "incident 7")

        def shows(text):
            for endpoint in cluster.endpoints.split(","):
                waits(cluster, lambda endpoint=endpoint: text in cluster.ctl("status", endpoints=endpoint).stdout, f"no {text}")

        shows("OVERRIDE OPEN under freeze automation by admin@dev")
        for less in (("--until", "1s"), ("--scope", "zone", "a.example")):
            done = cluster.ctl("automation", "freeze", "--id", "automation", *less, "--reason", "r", status=4)
            check("refused by override-step: override under freeze automation: the freeze stays" in done.stderr, done.stderr)
        digest = request(cluster, write(cluster, 5))
        for key in (alice, bob):
            cluster.ctl("override", "approve", digest, key=key)
        done = cluster.ctl("override", "apply", digest, status=4)
        check("override-step" in done.stderr and "assess comes first" in done.stderr, done.stderr)
        report = cluster.ctl("override", "assess", "automation").stdout
        check("divergence" in report and "replica 2" in report and "a.example" in report and "DIFFER" not in report, report)
        check(f"{digest}, emergency, by admin@dev" in report and "approved by alice@company.com bob@company.com" in report, report)
        shown = json.loads(cluster.ctl("log", "tail", "--limit", "1", "--output", "jsonl").stdout)
        check(hashlib.sha256(report.encode()).hexdigest() in json.dumps(shown), f"not the hash of what was shown: {shown}")
        check("step plan is done in slot" in cluster.ctl("override", "step", "automation", "plan", digest).stdout, "plan")
        cluster.ctl("override", "apply", digest)
        cluster.ctl("override", "step", "automation", "execute", digest)
        done = cluster.ctl("automation", "resume", status=4)
        check("not lifted before validate" in done.stderr, done.stderr)
        done = cluster.ctl("override", "skip", "automation", "validate", "--reason", "r", status=4)
        check("never skipped" in done.stderr, done.stderr)
        cluster.ctl("override", "step", "automation", "validate", hashlib.sha256(b"all is well").hexdigest())
        shows("next step: resume")
        cluster.ctl("automation", "resume")
        check("OVERRIDE OPEN" not in cluster.ctl("status").stdout, "it is over")


def recount(log):
    """The same numbers from `rsm-dump log --json`, by other hands."""
    counts = {}

    def add(*names):
        key = " ".join(names)
        counts[key] = counts.get(key, 0) + 1

    for slot in log:
        commands = list(slot.get("commands", []))
        for verdict in slot["verdicts"]:
            if verdict["verdict"] == "settled":
                add("staged", verdict["result"]["class"], verdict["result"]["state"])
                continue
            command = commands.pop(0) if commands else None
            if "first_slot" in verdict:
                continue
            add("command", command["kind"] if command else "too-large", verdict["verdict"])
            add("author", verdict["author"], verdict["verdict"])
            for rule in verdict["rules"]:
                add("refused", rule["rule"])
            for stage in verdict["stages"]:
                if stage["outcome"] == "skipped":
                    add("skipped", "stage", stage["stage"])
            if command and command["kind"] == "override.step" and verdict["verdict"] == "applied" and command["body"][2]:
                add("skipped", "override-step", command["body"][1])
    return counts


def audited(log):
    """The lines of `rsm-dump export audit` from `rsm-dump log --json`, by other hands."""
    lines = []
    for slot in log:
        answered = [v for v in slot["verdicts"] if v["verdict"] != "settled"]
        for verdict, command in zip(answered, slot.get("commands", []) + [None] * len(answered)):
            lines.append((slot["slot"], slot["log_time"], verdict, command))
        lines += [(slot["slot"], slot["log_time"], v, None) for v in slot["verdicts"] if v["verdict"] == "settled"]
    return lines


def planned(everything, before, command):
    """The plan, or the change that waits, that a command is about: as an earlier slot has it."""
    found = None
    wanted = {"change.vote": 0, "change.approve": 0, "change.apply": 0, "change.cancel": 0, "override.step": 3}
    for slot, _, v, c in everything:
        if c is None or slot > before or c is command or v.get("first_slot"):
            continue
        if v["verdict"] == "staged" and command["kind"] in wanted and command["body"][wanted[command["kind"]]] == c["digest"]:
            found = {"change": c["digest"], "author": v["author"], "slot": slot}
        if v["verdict"] == "applied" and c["kind"] == "plan.publish" and command["kind"] in ("plan.execute", "plan.collect") and \
                [c["body"]["plan"], c["body"]["generation"]] == command["body"][:2]:
            found = {"plan": c["body"]["plan"], "generation": c["body"]["generation"], "hash": v["result"]["hash"], "author": v["author"], "slot": slot}
    return found


def check_audit(log, said, until):
    """`said`: of the slots of `log` that `until` lets pass; approvals may be of earlier ones."""
    everything = audited(log)
    wanted = [line for line in everything if until(line)]
    check(len(wanted) == len(said), f"{len(said)} lines, {len(wanted)} wanted")
    for (slot, log_time, verdict, command), line in zip(wanted, said):
        for key, value in {"slot": slot, "log_time": log_time, **verdict}.items():
            check(line[key] == value, f"slot {slot}: {key} is {line[key]}, not {value}")
        skipped = [{"stage": s["stage"], "why": s["why"]} for s in verdict["stages"] if s["outcome"] == "skipped"]
        check(line["skipped"] == skipped, f"slot {slot}: {line['skipped']}")
        if command:
            check(all(line[key] == command[key] for key in ("kind", "reason", "body", "digest")), f"slot {slot}: {line}")
            basis = {key: command[key] for key in ("lamport", "clock", "dependencies")}
            check(line["basis"] == {**basis, "plan": planned(everything, slot, command)}, f"slot {slot}: {line}")
        elif verdict["verdict"] == "settled":
            begun = next(c for _, _, v, c in everything
                         if c and v["verdict"] == "staged" and (v["author"], v["counter"]) == (verdict["author"], verdict["counter"]))
            approved = [{"author": v["author"], "slot": s, "log_time": t} for s, t, v, c in everything
                        if c and c["kind"] == "change.approve" and v["verdict"] == "applied" and c["body"][0] == begun["digest"] and s <= slot]
            check(line["digest"] == begun["digest"] and line["approvals"] == approved, f"slot {slot}: {line}, not {approved}")
            check(line["votes"] == verdict["result"]["votes"], f"slot {slot}: {line['votes']}")
    return wanted


def ranges_and_audit(cluster, log, dump):
    """Slots and times choose the same; each line of the audit is what the log says."""
    def export(*more):
        return [json.loads(line) for line in cluster.run(*dump, "export", "audit", *more).stdout.splitlines()]

    lines = check_audit(log, export(), lambda line: True)
    check(sum(1 for line in export() if len(line.get("approvals") or []) == 2) == 1, "the emergency and who approved it")
    check({line["kind"] for line in export() if (line.get("basis") or {}).get("plan")} >= {"change.vote", "change.approve", "change.apply", "plan.execute"}, "what they are based on")
    last = max(slot for slot, _, verdict, _ in lines if verdict["verdict"] == "settled")
    check_audit(log, export("--from", str(last)), lambda line: line[0] >= last)
    first, middle = log[4]["log_time"], log[8]["log_time"]
    check_audit(log, export("--from", first, "--to", middle), lambda line: first <= line[1] <= middle)
    inside = [slot["slot"] for slot in log if first <= slot["log_time"] <= middle]
    by_time = cluster.run(*dump, "report", "text", "--from", first, "--to", middle).stdout
    check(by_time == cluster.run(*dump, "report", "text", "--from", str(inside[0]), "--to", str(inside[-1])).stdout, by_time)
    for begin_at, end_at in ((middle, first), (str(inside[-1] + 1), str(inside[-1])), (str(inside[-1] + 9), middle)):
        done = cluster.run(*dump, "report", "text", "--from", begin_at, "--to", end_at, status=2)
        check(f"--from {begin_at} is behind --to {end_at}" in done.stderr and done.stdout == "", done.stderr)
    # A report of nothing says of which range it is.
    for ends, text in ((("--from", "2001-01-01", "--to", "2001-01-02"), "range from 2001-01-01\nrange slots 0\nrange to 2001-01-02\n"),
                       (("--from", "99999", "--to", "100000"), "range from 99999\nrange slots 0\nrange to 100000\n"),
                       (("--from", "2998-01-01"), "range from 2998-01-01\nrange slots 0\nrange to ")):
        said = cluster.run(*dump, "report", "text", *ends).stdout
        check(text in said and "first" not in said, said)
        said = json.loads(cluster.run(*dump, "report", "json", *ends).stdout)["range"]
        check((said["from"], said["slots"]) == (ends[1], 0) and "first" not in said, f"{said}")
        check(f"<tr><td>range<td>from<td>{ends[1]}" in cluster.run(*dump, "report", "html", *ends).stdout, "html")
    check(export("--from", "2001-01-01T00:00:00Z", "--to", "2001-01-02") == [], "before the beginning")
    check(export("--from", "2001-01-01", "--to", "2999-01-01") == export(), "around everything")
    for wrong in ("yesterday", "2001-13-01", "5x", first[:-1], first[:-4] + "Z"):
        cluster.run(*dump, "export", "audit", "--from", wrong, status=2)


def replays(cluster, log):
    """Replayed from nothing, each slot is what was stored, on each replica; from a touched entry on it is not."""
    def replay(replica, *more, status=0):
        done = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(replica), "--json", "replay", *more, status=status)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    steps, _ = replay(1, "--step")
    check(len(steps) == len(log), f"{len(steps)} steps of {len(log)} slots")
    for step, slot in zip(steps, log):
        check(all(step[key] == slot[key] for key in slot if key != "in_store"), f"slot {slot['slot']}: {step}")
        check(step["entry_head_is"] == step["verdict_head_is"] == "as stored", f"slot {slot['slot']}: {step}")
        applied = any(v["verdict"] == "applied" and "first_slot" not in v for v in slot["verdicts"])
        check(step["rows_changed"] > 0 or not applied, f"slot {slot['slot']} changed nothing")
    check(replay(1, "--to", "9")[0] == [steps[8]], "one slot alone")
    check(replay(2, "--step", "--from", "4", "--to", "9")[0] == steps[3:9], "another replica says the same")
    cluster.run(f"{BIN}/test-tamper", cluster.data(2), "entry", "3")
    touched, said = replay(2, "--step", status=1)
    check("finding: slot 3: " in said and said.count("finding: ") == 1, said)
    check([step["slot"] for step in touched if step["entry_head_is"] != "as stored"] == list(range(3, len(log) + 1)), "all behind it")


def reports():
    """A report's numbers are those of a recount; the signed one says when it was touched."""
    with Cluster() as cluster:
        alice, bob = begin(cluster)
        request(cluster, write(cluster, 5, text=FIX.replace("bypass: [frozen]\n", "")), status=4)
        digest = request(cluster, write(cluster, 6))
        for key in (alice, bob):
            cluster.ctl("override", "approve", digest, key=key)
        cluster.ctl("override", "apply", digest)
        cluster.ctl("zone", "create", "b.example", "-", text=ZONE)
        cluster.ctl("plan", "publish", "p", "1", "b.example", "-", text="api 60 IN A 192.0.2.9\n", status=0)
        token = str(cluster.json("lease", "acquire", "b.example/p")["slot"])
        cluster.ctl("plan", "execute", "p", "1", "--lease", "b.example/p", "--token", token)
        cluster.ctl("automation", "freeze", "--reason", "r")
        cluster.ctl("override", "begin", "--reason", "r")
        cluster.ctl("override", "skip", "automation", "assess", "--reason", "r")
        cluster.settle()
        cluster.stop()
        log = cluster.log(1)
        dump = [f"{BIN}/rsm-dump", "--dir", cluster.data(1)]
        for first, last in ((1, log[-1]["slot"]), (5, 9)):
            said = json.loads(cluster.run(*dump, "report", "json", "--from", str(first), "--to", str(last)).stdout)
            said.pop("range")
            numbers = {f"{group} {name}": number for group, names in said.items() for name, number in names.items()}
            counted = recount([slot for slot in log if first <= slot["slot"] <= last])
            check(numbers == counted, f"{sorted(set(numbers.items()) ^ set(counted.items()))}")
        ranges_and_audit(cluster, log, dump)
        replays(cluster, log)
        for wanted in ("staged emergency live", "skipped override-step assess", "refused frozen"):
            check(recount(log).get(wanted) == 1, f"{wanted}: {recount(log)}")
        auditor = os.path.join(cluster.work, "auditor.key")
        cluster.ctl("keygen", "auditor@example", "--plain", "--out", auditor)
        trusted = cluster.run(*dump[:1], "verifier-key", "--key", auditor).stdout.strip()
        report = cluster.run(*dump, "report", "text", "--key", auditor).stdout
        check("command change.approve applied 2\n" in report, report)
        path = write(cluster, 0, "report", "{last}")
        for text, status in ((report, 0), (report.replace("applied 2", "applied 3", 1), 1), (report[:40], 1)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            cluster.run(*dump[:1], "check-report", path, "--verifier", trusted, status=status)
        counted = recount(log)
        for form in ("json", "html"):
            path, signature = (os.path.join(cluster.work, f"report.{end}") for end in (form, form + ".sig"))
            signed = ("report", form, "--key", auditor, "--signature", signature)
            text = cluster.run(*dump, *signed).stdout
            check(text == cluster.run(*dump, "report", form).stdout, "a signature changes nothing in the document")
            if form == "html":
                rows = [row.split("<td>") for row in text.split("<tr>")[1:]]
                numbers = {f"{row[1]} {html.unescape(row[2])}": int(row[3].split()[0]) for row in rows if row[1] != "range"}
            else:
                said = json.loads(text)
                check(said.pop("range")["cluster"] in cluster.run(*dump, "report", "text").stdout, "of which cluster")
                numbers = {f"{group} {name}": number for group, names in said.items() for name, number in names.items()}
            check(numbers == counted, f"{form}: {sorted(set(numbers.items()) ^ set(counted.items()))}")
            for changed, status in ((text, 0), (text.replace("2", "3", 1), 1), (text + "\n", 1), (text[:-1], 1), ("", 1)):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(changed)
                cluster.run(*dump[:1], "check-report", path, "--signature", signature, "--verifier", trusted, status=status)
            cluster.run(*dump[:1], "check-report", path, "--verifier", trusted, status=1)
            check("a new file" in cluster.run(*dump, *signed, status=1).stderr, "the signature of another report is overwritten")
            cluster.run(*dump, *signed[:4], status=2)
        check(cluster.run(*dump, "checkpoint", "--key", auditor).returncode == 0, "the same key signs other notes")
        with open(path, "w", encoding="utf-8") as file:
            file.write(cluster.run(*dump, "checkpoint", "--key", auditor).stdout)
        cluster.run(*dump[:1], "check-report", path, "--verifier", trusted, status=1)


def manual_mode():
    """Without a majority status says so first, and reads go on."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.settle()
        for replica in ("2", "3"):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
        waits(cluster, lambda: cluster.ctl("status", status=None).stdout.startswith("MANUAL MODE"), "no banner")
        check("192.0.2.1" in cluster.ctl("record", "get", "a.example", "www", "A", "--stale", endpoints=cluster.endpoint(1)).stdout, "reads go on")
        here = cluster.endpoint(1)
        report = cluster.ctl("override", "assess", endpoints=here).stdout
        check("NO MAJORITY" in report and "NOT READY" in report and "a.example., serial 1" in report, report)
        cluster.ctl("override", "status", "--stale", endpoints=here)
        check("nothing was signed or changed" in cluster.ctl("automation", "freeze", "--reason", "r", endpoints=here, status=5).stderr, "what to do")
        check("NO_QUORUM" in cluster.ctl("override", "assess", "automation", endpoints=here, status=5).stderr, "a step is not logged")


def rules_that_block():
    """All of them in one answer, with what to do; a rule that is not named still blocks."""
    with Cluster() as cluster:
        begin(cluster)
        cluster.ctl("policy", "set", "protected=a.example/www/A/1")
        path = os.path.join(cluster.work, "fix.yaml")
        text = "zone: a.example\nreason: r\nnames: [www]\nrecords: ''\n"
        for bypass, left in (("", ["endpoint-empty", "frozen"]), ("bypass: [frozen]\n", ["endpoint-empty"]),
                             ("bypass: [endpoint-empty]\n", ["frozen"])):
            with open(path, "w", encoding="ascii") as file:
                file.write(text + bypass)
            done = request(cluster, path, status=4)
            for rule in ("endpoint-empty", "frozen"):
                check((f"refused by {rule}:" in done.stderr) == (rule in left), f"{bypass}: {done.stderr}")
            check(all(f"--override {rule}" in done.stderr for rule in left), done.stderr)
            # The line that it says is one that works.
            again = [word for rule in left for word in ("--override", rule)]
            digest = cluster.ctl("override", "request", "--config", path, "--reason", "incident 7", *again).stdout.strip()
            check("bypass  frozen endpoint-empty" in cluster.ctl("override", "status", digest).stdout or "bypass  endpoint-empty frozen" in cluster.ctl("override", "status", digest).stdout, "both rules")
            cluster.ctl("override", "cancel", digest)
        check("no rule that an override" in cluster.ctl("override", "request", "--config", path, "--reason", "r", "--override", "rights", status=2).stderr, "rights")
        with open(path, "w", encoding="ascii") as file:
            file.write(text + "bypass: [frozen, endpoint-empty]\n")
        request(cluster, path)
        for bad, why in (("bypass: [rights]\n", "no rule that an override may name"), ("bypass: [frozen, frozen]\n", "frozen stands here twice"), ("bypas: [frozen]\n", "means nothing here"),
                         ("bypass: {a: b}\n", "a list is wanted"), ("zone: b\n", "stands here twice")):
            with open(path, "w", encoding="ascii") as file:
                file.write(text + bad)
            done = request(cluster, path, status=2)
            check(why in done.stderr, f"{bad}: {done.stderr}")
        done = cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.9", status=4)
        check("--override frozen" in done.stderr, done.stderr)


if __name__ == "__main__":
    main([approvals, asked_twice, an_approver_who_lapsed, the_four_lines, several_zones, a_quarter_of_an_hour, approvers_are_told, six_steps, reports, manual_mode, rules_that_block])
