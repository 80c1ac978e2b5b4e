#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators do: start, stop, the wrong file, the second run, exit statuses, five replicas."""
import base64
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

import commands_page
from harness import BIN, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def dev_cluster():
    with Cluster() as cluster:
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        cluster.ctl("dev", "status", "--dir", cluster.dir)
        check(cluster.ctl("status").stdout.count("ready") == 3, "status of three replicas")
        listed = json.loads(cluster.ctl("dev", "status", "--dir", cluster.dir, "--output", "json").stdout)
        check([r["ready"] for r in listed["replicas"]] == [True] * 3, f"{listed}")
        check("stopped 3 of 3" in cluster.ctl("dev", "down", "--dir", cluster.dir).stdout, "down")
        check("stopped 0 of 3" in cluster.ctl("dev", "down", "--dir", cluster.dir).stdout, "down twice")
        cluster.ctl("dev", "status", "--dir", cluster.dir, status=1)
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "down", "--dir", cluster.work, status=3)


def five_replicas():
    with Cluster(5) as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        for replica in ("1", "2"):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.1")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        begun = time.monotonic()
        done = cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.2", "--timeout", "2s", status=None)
        check(done.returncode in (5, 124), f"status {done.returncode} without a majority: {done.stderr}")
        check(time.monotonic() - begun < 30, "the tool hung")
        done = cluster.ctl("record", "get", "a.example", "x", "A", "--timeout", "2s", status=None)
        check(done.returncode in (5, 124), f"status {done.returncode} of a read without a majority: {done.stderr}")
        check("192.0.2.1" in cluster.ctl("record", "get", "a.example", "x", "A", "--stale", endpoints=cluster.endpoint(4)).stdout, "stale reads go on")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "1")
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.3")


def exit_statuses():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        with open(cluster.work + "/p.yaml", "w", encoding="ascii") as file:
            file.write("zone: a.example\nnames: [w]\nrecords: |\n  w 60 IN A 192.0.2.1\n")
        for usage in (["explode"], ["zone", "explode"], ["zone", "list", "--replica", "1"], ["record", "get", "a.example"],
                      ["--output", "xml", "zone", "list"], ["zone", "list", "--timeout", "soon"], ["--endpoints", "nonsense", "zone", "list"],
                      ["record", "set", "a.example", "x", "60", "A", "no-address"], ["record", "get", "a.example", "x", "NOTYPE"],
                      ["zone", "list", "--at", "yesterday"], ["zone", "delete", "a.example"],
                      ["automation", "freeze", "--reason", ""], ["automation", "freeze"],
                      ["principal", "set", "bot", "--kind", "automaton", "--budget", "commands=-1/10"],
                      ["principal", "set", "bot", "--kind", "automaton", "--budget", "commands= 1/+10"],
                      ["plan", "apply", "--digest", "abc", "--yes", cluster.work + "/p.yaml"]):
            cluster.ctl(*usage, status=2)
        for content, word in (("", "MALFORMED"), ("nonsense", "NOT_CANONICAL")):
            with open(cluster.work + "/envelope", "w", encoding="ascii") as file:
                file.write(content)
            said = cluster.ctl("submit", cluster.work + "/envelope", status=1).stderr
            check(said.count(word) == 1, f"the status once, not {said}")
        cluster.ctl("record", "get", "a.example", "none", "A", status=3)
        cluster.ctl("record", "get", "b.example", "none", "A", status=3)
        done = cluster.ctl("record", "delete", "a.example", "@", "NS", "--yes", status=4)
        check("apex-ns" in done.stderr and done.stdout == "", f"{done.stdout}{done.stderr}")
        cluster.ctl("zone", "list", endpoints="127.0.0.1:1", status=None)
        check(cluster.ctl("zone", "list", "--timeout", "1s", endpoints="127.0.0.1:1", status=None).returncode == 6, "nobody is there")
        open_key = os.path.join(cluster.work, "open.key")
        shutil.copy(cluster.key, open_key)
        os.chmod(open_key, 0o644)
        done = cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.1", key=open_key, status=7)
        check("chmod 600" in done.stderr, done.stderr)
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.1", key=cluster.work + "/none", status=3)
        # A person's key is encrypted.
        secret = os.path.join(cluster.work, "secret")
        for name, words in (("right", "correct horse"), ("wrong", "battery staple")):
            with open(secret + name, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(words + "\n")
        person = os.path.join(cluster.work, "alice.key")
        os.environ["RSM_PASSPHRASE_FILE"] = secret + "right"
        try:
            public = cluster.ctl("keygen", "alice@company.com", "--out", person).stdout.strip()
            with open(person, encoding="ascii") as file:
                check("argon2id" in file.read(), "a person's key file is not encrypted")
            cluster.ctl("principal", "set", "alice@company.com", "--kind", "person", "--person", "alice", "--role", "operator", "--public-key", public)
            cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.1", key=person)
            os.environ["RSM_PASSPHRASE_FILE"] = secret + "wrong"
            cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.2", key=person, status=7)
        finally:
            del os.environ["RSM_PASSPHRASE_FILE"]
        cluster.ctl("keygen", "alice@company.com", "--out", person, "--plain", status=1)
        for replica in ("1", "2"):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
        done = cluster.ctl("record", "list", "a.example", "--timeout", "1s", status=None)
        check(done.returncode in (5, 124), f"no majority: {done.returncode} {done.stderr}")


def zones_and_plans():
    with Cluster() as cluster:
        cluster.ctl("zone", "import", "a.example", "-", text=ZONE + "old 60 IN TXT \"x\"\n")
        exported = cluster.ctl("zone", "export", "a.example").stdout
        check(exported.split("\t")[3] == "SOA", "the SOA comes first")
        path = os.path.join(cluster.work, "a.zone")
        with open(path, "w", encoding="ascii") as file:
            file.write(exported)
        for tool in (["named-checkzone", "a.example", path], ["kzonecheck", "-o", "a.example", path]):
            if shutil.which(tool[0]) is None:
                print(f"note: {tool[0]} is not there")
                continue
            cluster.run(*tool)
        check("nothing to do" in cluster.ctl("zone", "import", "a.example", path).stderr, "import of an export changes something")
        # Critical by default: without --wait it is staged.
        cluster.ctl("zone", "delete", "a.example", "--yes", "--wait", "60s")
        cluster.ctl("zone", "import", "a.example", path)
        again = cluster.ctl("zone", "export", "a.example").stdout
        check([line for line in again.splitlines() if "SOA" not in line] == [line for line in exported.splitlines() if "SOA" not in line], "another zone came back")
        serials = [int(text.split("SOA\t")[1].split()[2]) for text in (exported, again)]
        check(serials[1] > serials[0], f"the serial went back: {serials}")
        done = cluster.ctl("zone", "import", "b.example", "-", text=ZONE + "x IN A bad\ny 60 IN A 192.0.2.1\ny 61 IN A 192.0.2.2\nz IN AAAA 1\n", status=None)
        check(done.returncode == 1 and ":4:" in done.stderr and ":7:" in done.stderr, done.stderr)
        check("b.example" not in cluster.ctl("zone", "list").stdout, "half an import")
        plan = "zone: a.example\nnames: [old, new]\nrecords: |\n  new 60 IN A 192.0.2.5\n"
        diff = cluster.ctl("plan", "diff", "-", text=plan)
        check("-old.a.example." in diff.stdout and "+new.a.example." in diff.stdout, diff.stdout)
        check("192.0.2.5" not in cluster.ctl("record", "list", "a.example").stdout, "diff changed something")
        before = int(cluster.json("plan", "apply", "-", "--yes", text=plan)["slot"])
        listed = cluster.ctl("record", "list", "a.example").stdout
        check("new.a.example." in listed and "old.a.example." not in listed, listed)
        check("old.a.example." in cluster.ctl("record", "list", "a.example", "--at", str(before - 1)).stdout, "the past")
        cluster.ctl("plan", "diff", "-", text="zone: a.example\nrecords: [1, 2]\n", status=2)
        cluster.ctl("plan", "diff", "-", text="zone: a.example\nnames: [x]\nrecords: |\n  y 60 IN A 192.0.2.1\n", status=2)
        for mode in ("json", "jsonl"):
            for line in [cluster.ctl("zone", "list", "--output", mode).stdout] if mode == "json" else cluster.ctl("record", "list", "a.example", "--output", mode).stdout.splitlines():
                json.loads(line)


def freeze_stops_automata():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        key = cluster.automaton("robot", "rrset.change,a.example")
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.1", key=key)
        cluster.ctl("automation", "freeze", "--reason", "race condition detected")
        done = cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.2", key=key, status=4)
        check("frozen" in done.stderr and "race condition detected" in done.stderr and "admin@dev" in done.stderr, done.stderr)
        cluster.ctl("record", "set", "a.example", "y", "60", "A", "192.0.2.2")
        cluster.ctl("automation", "resume")
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.2", key=key)


def freeze_scopes():
    """Each scope stops the automaton that it names, the other one and people go on."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        east = cluster.automaton("east", "rrset.change,a.example", az="us-east-1a")
        west = cluster.automaton("west", "rrset.change,a.example", az="us-west-2b")
        number = 1
        for scope, stops_west in (("az us-east-1a", False), ("author east", False), ("zone a.example", True), ("kind rrset.*", True)):
            word, subject = scope.split()
            cluster.ctl("automation", "freeze", "--scope", word, subject, "--reason", "incident 7")
            number += 1
            for key, status in ((east, 4), (west, 4 if stops_west else 0), (None, 0)):
                done = cluster.ctl("record", "set", "a.example", f"{word}-{'person' if key is None else os.path.basename(key)[:4]}", "60", "A",
                                   f"192.0.2.{number}", key=key, status=status)
                check(status == 0 or f"freeze {word}:{subject}" in done.stderr, done.stderr)
            cluster.ctl("automation", "resume", "--id", f"{word}:{subject}")
        cluster.ctl("record", "set", "a.example", "east", "60", "A", "192.0.2.1", key=east)
        cluster.ctl("automation", "freeze", "--scope", "zone", "--reason", "x", status=2)
        cluster.ctl("automation", "freeze", "a.example", "--reason", "x", status=2)
        cluster.ctl("automation", "freeze", "--scope", "author", "admin@dev", "--reason", "x", status=4)
        for text, ends_ms in (("2099-12-24T18:00:00Z", 4101818400000), ("2099-12-24T18:00:00.5Z", 4101818400500)):
            cluster.ctl("automation", "freeze", "--until", text, "--reason", "holidays")
            check(cluster.json("automation", "list")["freezes"][0]["until_ms"] == ends_ms, text)
            cluster.ctl("automation", "resume")
        for text in ("2099-02-30T00:00:00Z", "2099-12-24", "30", "-5m", "soon", ""):
            refused = cluster.ctl("automation", "freeze", "--until", text, "--reason", "x", status=2)
            check("2026-11-23T15:00:00Z" in refused.stderr, refused.stderr)
        over = cluster.ctl("automation", "freeze", "--until", "2020-01-01T00:00:00Z", "--reason", "x", status=4)
        check("would have ended at log time 1577836800000, it is" in over.stderr, over.stderr)


def automata_come_back():
    """Zone by zone, as status says first; too many refusals stop all again; the next try ends well."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("policy", "set", "resume_watch_ms=5000", "resume_refused_max=1")
        east = cluster.automaton("east", "rrset.*,a.example", az="us-east-1a")
        west = cluster.automaton("west", "rrset.*,a.example", az="us-west-2b")
        write = lambda name, key, n, status=0: cluster.ctl("record", "set", "a.example", name, "60", "A", f"192.0.2.{n}", key=key, status=status)
        cluster.ctl("automation", "freeze", "--reason", "DNS race condition detected")
        check(cluster.ctl("status").stdout.startswith("FROZEN automation (global, automata) by admin@dev"), "status shows it first")
        cluster.ctl("policy", "set", "resume_watch_ms=600000")
        cluster.ctl("automation", "resume", "--gradual", "--az", "us-east-1a")
        check(cluster.ctl("status").stdout.startswith("RESUMING automation"), "status shows it first")
        write("e", east, 1)
        check("frozen" in write("w", west, 1, status=4).stderr, "not its turn")
        for _ in range(2):
            cluster.ctl("record", "set", "a.example", "c", "60", "CNAME", "nowhere.a.example.", key=east, status=4)
        freeze = cluster.json("automation", "list")["freezes"][0]
        check(freeze["trips"] == 1 and "of east: dangling" in freeze["trip_cause"] and not freeze["resuming"], f"{freeze}")
        check("frozen again by itself" in cluster.ctl("status").stdout, "status says why")
        write("e", east, 2, status=4)
        cluster.ctl("policy", "set", "resume_watch_ms=1000")
        cluster.ctl("automation", "resume", "--gradual")
        deadline = time.monotonic() + 60
        while cluster.json("automation", "list")["freezes"]:
            check(time.monotonic() < deadline, "the freeze goes when all are back")
            time.sleep(0.1)
        write("e", east, 3)
        write("w", west, 3)
        cluster.ctl("automation", "resume", status=3)


def record_sets_in_a_fight():
    """What two automata undo again and again is frozen, and listed, until a person decides."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("policy", "set", "ownership=0")
        keys = [cluster.automaton(name, "rrset.*,a.example") for name in ("one", "two")]
        for turn in range(5):
            cluster.ctl("record", "set", "a.example", "x", "60", "A", f"192.0.2.{1 + turn % 2}", key=keys[turn % 2])
        rows = cluster.json("automation", "frozen")["frozen"]
        check(len(rows) == 1 and rows[0]["owner"] == "x.a.example." and {rows[0]["author"], rows[0]["other"]} == {"one", "two"}, f"{rows}")
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.9", key=keys[0], status=4)
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.9")
        check(cluster.json("automation", "frozen")["frozen"] == [], "a person has decided")


def rsmd_refuses(cluster, config, *words):
    done = cluster.run(f"{BIN}/rsmd", "--config", config, status=None)
    check(done.returncode in (1, 2), f"{config}: status {done.returncode}")
    for word in words:
        check(word in done.stderr, f"no {word!r} in: {done.stderr}")
    return done.returncode


def wrong_directories_and_files():
    with Cluster() as cluster, Cluster() as other:
        config = f"{cluster.dir}/replica-1/rsmd.conf"
        with open(config, encoding="ascii") as file:
            text = file.read()

        def changed(name, *edits):
            path = f"{cluster.dir}/replica-1/{name}.conf"
            new = text
            for old, instead in edits:
                check(old in new, old)
                new = new.replace(old, instead)
            with open(path, "w", encoding="ascii") as file:
                file.write(new)
            return path

        rsmd_refuses(cluster, config, "LOCKED")
        rsmd_refuses(cluster, changed("foreign", ("data = data", f"data = {other.data(1)}")), "data")
        for edit, words in (((("replica = 1", "replica = one"),), ("bad.conf:2:", "replica")),
                            ((("replica = 1", "replica = 77"),), ("bad.conf:2:", "replica")),
                            ((("key = replica.key", "kee = replica.key"),), ("bad.conf:5:", "kee")),
                            ((("data = data", "data = data\ndata = data"),), ("bad.conf:4:", "twice")),
                            ((("genesis = ../genesis\n", ""),), ("genesis", "missing")),
                            ((("peer_listen = 127.0.0.1", "peer_listen = 192.0.2.1"),), ("plaintext",))):
            check(rsmd_refuses(cluster, changed("bad", *edit), *words) == 2, "a configuration error is status 2")
        cluster.run(f"{BIN}/rsmd", "--config", config, "--check-config")
        check("--config" in cluster.run(f"{BIN}/rsmd", "--help").stdout, "help")
        cluster.run(f"{BIN}/rsmd", status=2)
        rsmd_refuses(cluster, f"{cluster.dir}/none.conf", "none.conf")
        cluster.stop()
        rsmd_refuses(cluster, changed("other", ("data = data", "data = ../replica-2/data")), "WRONG_IDENTITY")
        rsmd_refuses(cluster, changed("genesis", ("genesis = ../genesis", f"genesis = {other.dir}/genesis")), "")
        identity = cluster.data(1) + "/identity"
        with open(identity, encoding="ascii") as file:
            before = file.read()
        with open(identity, "w", encoding="ascii") as file:
            file.write(before.replace("format = 1", "format = 2"))
        rsmd_refuses(cluster, config, "NEWER_FORMAT")
        with open(identity, "w", encoding="ascii") as file:
            file.write(before)
        os.chmod(f"{cluster.dir}/replica-1/replica.key", 0o640)
        rsmd_refuses(cluster, config, "chmod 600")
        os.chmod(f"{cluster.dir}/replica-1/replica.key", 0o600)
        os.chmod(cluster.data(1), 0o755)
        rsmd_refuses(cluster, config, "KEY_EXPOSED")
        os.chmod(cluster.data(1), 0o700)
        cluster.ctl("dev", "up", "--dir", cluster.dir)


def subtree(leaves):
    """RFC 6962 2.1, as it stands there."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + subtree(leaves[:split]) + subtree(leaves[split:])).digest()


def without_serial(text):
    return [line for line in text.splitlines() if "\tSOA\t" not in line]


def history():
    """What a zone was, who wrote it; one change taken back, a whole zone brought forward, and what is refused."""
    with Cluster() as cluster:
        def set_to(owner, value):
            return int(cluster.json("record", "set", "a.example", owner, "60", "A", f"192.0.2.{value}", "--reason", f"{owner} {value}")["slot"])
        def export(*more):
            return without_serial(cluster.ctl("zone", "export", "a.example", *more).stdout)
        made = int(cluster.json("zone", "create", "a.example", "-", text=ZONE)["slot"])
        first = set_to("www", 1)
        second = set_to("www", 2)
        other = set_to("other", 1)
        diff = cluster.ctl("zone", "diff", "a.example", str(first), str(other)).stdout
        check("-www.a.example.\t60\tIN\tA\t192.0.2.1\n+www.a.example.\t60\tIN\tA\t192.0.2.2\n" in diff and "+other" in diff, diff)
        check(cluster.ctl("zone", "diff", "a.example", str(other)).stdout == "", "nothing changed since")
        blame = cluster.ctl("zone", "blame", "a.example").stdout
        check(any(line.split()[0] == str(second) and "www.a.example." in line and line.endswith("www 2") for line in blame.splitlines()), blame)
        check("other" not in cluster.ctl("zone", "blame", "a.example", "www").stdout, "one name only")
        check("admin@dev" in cluster.ctl("zone", "blame", "a.example", "www", "A").stdout, "with the type")
        check("zone blame a.example nobody TYPE" in cluster.ctl("zone", "blame", "a.example", "nobody").stderr, "nothing is there")
        done = cluster.ctl("policy", "set", "protected=a.example/www.a.example/A/1", status=2)
        check("would be www.a.example.a.example." in done.stderr, done.stderr)
        done = cluster.ctl("undo", str(first), "--yes", status=4)
        check(f"was written again in slot {second}" in done.stderr, done.stderr)
        cluster.ctl("undo", str(second), status=2) # nobody is there to ask
        digest = cluster.json("explain", str(second))["commands"][0]["verdict"]["digest"]
        check(cluster.json("outcome", digest)["change"]["state"] == "live", "it is live")
        cluster.ctl("undo", str(second), "--yes")
        undone = cluster.json("outcome", digest)["change"]
        check(undone["state"] == "rolled-back", f"{undone}")
        check(cluster.json("outcome", undone["undone_by"])["change"] == {"digest": undone["undone_by"], "state": "live",
                                                                         "slot": undone["undone_slot"], "undone_by": "", "undone_slot": 0}, "by that one")
        check("192.0.2.1" in cluster.ctl("record", "get", "a.example", "www", "A").stdout, "it is as before that change")
        check("192.0.2.1" in cluster.ctl("record", "get", "a.example", "other", "A").stdout, "what came later stays")
        gone = int(cluster.json("record", "delete", "a.example", "other", "A", "--yes")["slot"])
        cluster.ctl("undo", str(gone), "--yes")
        check("192.0.2.1" in cluster.ctl("record", "get", "a.example", "other", "A").stdout, "what was deleted is back")
        for slot, status, words in ((made, 4, "made or deleted"), (1, 3, "changed no zone"), (99, 3, "is not applied here yet"), (0, 2, "no slot")):
            done = cluster.ctl("undo", str(slot), "--yes", status=status)
            check(words in done.stderr and done.stderr.count("\n") == 1, f"undo {slot}: {done.stderr}")
        automaton = cluster.automaton("bot", "rrset.*,a.example")
        cluster.ctl("record", "set", "a.example", "bots", "60", "A", "192.0.2.1", key=automaton)
        wrong = cluster.json("record", "set", "a.example", "bots", "60", "A", "192.0.2.2", key=automaton)["slot"]
        cluster.ctl("undo", str(wrong), "--yes", key=automaton)
        check("192.0.2.1" in cluster.ctl("record", "get", "a.example", "bots", "A").stdout, "whoever may write may take back")
        done = cluster.ctl("undo", str(set_to("www", 3)), "--yes", key=automaton, status=4)
        check("refused by owner" in done.stderr, f"what somebody else holds: {done.stderr}")
        reader = cluster.automaton("reader", "rrset.change,other.example")
        check("rights" in cluster.ctl("undo", str(set_to("www", 4)), "--yes", key=reader, status=4).stderr, "and nobody else")
        dice = random.Random(7)
        slots = [set_to(dice.choice("abcdef"), dice.randrange(250)) for _ in range(20)]
        for slot in slots:
            if slot % 3 == 0:
                cluster.ctl("record", "delete", "a.example", dice.choice("abcdef"), "A", "--yes", status=None)
            wanted = export("--at", str(slot))
            cluster.ctl("zone", "restore", "a.example", str(slot), "--yes")
            check(export() == wanted, f"restored to slot {slot}")
        check("nothing to do" in cluster.ctl("zone", "restore", "a.example", str(slots[-1]), "--yes").stderr, "twice")
        cluster.ctl("zone", "restore", "a.example", "1", "--yes", status=3 if made > 1 else 0)
        cluster.ctl("zone", "restore", "b.example", "1", "--yes", status=3)
        cluster.ctl("zone", "diff", "b.example", "1", status=3)
        # A slot that is not there yet, and a time before everything, are mistakes: not a state in which nothing was.
        for at, words in (("999999", "is not applied here yet"), ("2001-01-01T00:00:00Z", "before the cluster was made")):
            for command in (("record", "get", "a.example", "www", "A", "--at", at), ("role", "list", "--at", at), ("zone", "export", "a.example", "--at", at),
                            ("zone", "diff", "a.example", at), ("zone", "restore", "a.example", at, "--yes"), ("policy", "get", "--at", at)):
                done = cluster.ctl(*command, status=3)
                check(words in done.stderr and "there is no" not in done.stderr and "has no record set" not in done.stderr and done.stdout == "", f"{command}: {done.stdout}{done.stderr}")
        what_is_kept_as_it_was(cluster, first)
        restore_what_is_gone(cluster, export)
        for replica in (1, 2, 3):
            cluster.verify(replica)


def what_is_kept_as_it_was(cluster, then):
    """--at is answered as of then: what is now is no answer. Times are the same for both tools. (More: test_past.py.)"""
    cluster.ctl("lease", "acquire", "made-since")
    cluster.settle()
    here = {"endpoints": cluster.endpoint(1)}
    for command in ("lease list", "principal list", "role list", "policy get", "plan list", "service list", "automation list", "automation frozen",
                    "change list", "factor list"):
        check("made-since" not in cluster.ctl(*command.split(), "--at", str(then)).stdout, command)
        cluster.ctl(*command.split(), "--at", str(cluster.status(1)["slot"]), **here)
    for command in ("zone list", "record list a.example", "record get a.example www A", "zone export a.example", "zone blame a.example"):
        cluster.ctl(*command.split(), "--at", str(then))
    def dump(*arguments):
        return cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(1), *arguments).stdout
    state = dump("state", "--at", str(then))
    check("principal admin@dev " in state and "made-since" not in state, state)
    exact = json.loads(dump("--json", "log", "--from", str(then), "--to", str(then)).splitlines()[0])["log_time"]
    for form in (exact, exact[:-5] + "Z"):
        said = dump("state", "--at", form).split(",")[0]
        check(cluster.json("zone", "list", "--at", form, **here)["slot"] == int(said.split()[1]), f"{form}: another slot for the other tool, {said}")
    check("before the cluster was made" in cluster.ctl("zone", "list", "--at", "2001-01-01", status=3).stderr, "a date")
    for bad in ("10m", "2026-11-28T12:00:00+01:00", "now"):
        cluster.ctl("zone", "list", "--at", bad, status=2)


def restore_what_is_gone(cluster, export):
    """A zone that was deleted comes back with its content and labels and a higher serial; and everything at once."""
    def zones():
        return {z["zone"]: z for z in cluster.json("zone", "list")["zones"]}
    cluster.ctl("policy", "set", "classes=standard/")
    cluster.ctl("zone", "label", "a.example", "tier=critical", "team=web")
    then = int(cluster.json("record", "set", "a.example", "last", "60", "A", "192.0.2.77")["slot"])
    wanted, before = export(), zones()["a.example."]
    cluster.ctl("zone", "delete", "a.example", "--yes")
    check("there was no zone" in cluster.ctl("zone", "restore", "a.example", "1", "--yes", status=3).stderr, "before it was made")
    cluster.ctl("zone", "restore", "a.example", str(then), status=2)
    cluster.ctl("zone", "restore", "a.example", str(then), "--yes", "--reason", "it was a mistake")
    after = zones()["a.example."]
    check(export() == wanted and after["labels"] == before["labels"] == {"team": "web", "tier": "critical"}, f"{before} {after}")
    check(after["serial"] > before["serial"] and after["id"] != before["id"], f"{before} {after}")
    check("it was a mistake" in cluster.ctl("zone", "blame", "a.example", "last").stdout, "who brought it back")
    # Everything: what changed goes back, what was deleted comes back, what was made since stays and is named.
    cluster.ctl("zone", "create", "c.example", "-", text=ZONE)
    then = int(cluster.json("zone", "create", "d.example", "-", text=ZONE)["slot"])
    whole = {name: without_serial(cluster.ctl("zone", "export", name).stdout) for name in zones()}
    cluster.ctl("record", "set", "a.example", "last", "60", "A", "192.0.2.78")
    cluster.ctl("record", "set", "c.example", "www", "60", "A", "192.0.2.78")
    cluster.ctl("zone", "delete", "d.example", "--yes")
    cluster.ctl("zone", "create", "e.example", "-", text=ZONE)
    done = cluster.ctl("zone", "restore-all", str(then), "--yes", "--reason", "back")
    check({name: without_serial(cluster.ctl("zone", "export", name).stdout) for name in zones() if name != "e.example."} == whole, "all of it")
    check("e.example.: was made since, and stays" in done.stderr and "3 zones restored" in done.stdout, done.stdout + done.stderr)
    done = cluster.ctl("zone", "restore-all", str(then), "--yes")
    check("0 zones restored" in done.stdout, done.stdout)


def receipts():
    """Anybody can compute the tree again; a receipt is checked without the log, and with nothing changed."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        for i in range(1, 10):
            cluster.ctl("record", "set", "a.example", f"w{i}", "60", "A", f"192.0.2.{i}")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE, status=4)
        cluster.stop_equal()  # all is in the store then
        def dump(*arguments, **how):
            return cluster.run(f"{BIN}/rsm-dump", *arguments, **how)
        def of(replica, *arguments, **how):
            return dump("--dir", cluster.data(replica), *arguments, **how).stdout
        signer = os.path.join(cluster.work, "auditor.key")
        cluster.ctl("keygen", "auditor@example", "--plain", "--out", signer)
        trusted = ("--verifier", dump("verifier-key", "--key", signer).stdout.strip())
        note = of(1, "checkpoint", "--key", signer)
        origin, size, root = note.splitlines()[:3]
        check(note.startswith(of(2, "checkpoint")), "two replicas, two trees")
        path = os.path.join(cluster.work, "receipt")
        def proof(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return path
        leaves = []
        for slot in range(1, int(size) + 1):
            receipt = of(1, "prove", str(slot), "--key", signer)
            leaves.append(base64.b64decode(receipt.splitlines()[1].split(" ")[1]))
            said = dump("check-proof", proof(receipt), *trusted).stdout
            check(f"\n{slot} " in said, said)
        check(base64.b64encode(subtree(leaves)).decode() == root, "the root is another")
        check("refused: zone-exists" in said, f"the last verdict: {said}")
        older = os.path.join(cluster.work, "older")
        for first in range(1, int(size) + 1):
            with open(older, "w", encoding="utf-8") as file:
                file.write(of(2, "checkpoint", "--at", str(first), "--key", signer))
            grown = of(3, "consistency", str(first), "--key", signer)
            check(f"of {size} slots begins with the log of {first} slots" in dump("check-proof", proof(grown), "--old", older, *trusted).stdout, grown)
        dump("check-proof", proof(grown.replace(f"old {size}", "old 1")), "--old", older, *trusted, status=1)
        for i in range(0, len(receipt), 7): # every seventh character is another
            if receipt[i] != "\u2014":
                dump("check-proof", proof(receipt[:i] + ("A" if receipt[i] != "A" else "B") + receipt[i + 1:]), *trusted, status=1)
        dump("check-proof", proof(receipt), status=2)
        other = dump("verifier-key", "--key", os.path.join(cluster.dir, "admin.key")).stdout.strip()
        check("none of the keys" in dump("check-proof", proof(receipt), "--verifier", other, status=1).stdout, "who signed it")
        check(dump("check-proof", proof(receipt), "--verifier", other, *trusted).returncode == 0, "one of two is enough")


def git_history():
    """The zones' history in git: a commit a version, the same ids each time, also when it comes in two parts."""
    with Cluster() as cluster:
        cluster.ctl("policy", "set", "classes=standard/") # delegations take effect in the slot that has them
        cluster.ctl("zone", "create", "a.example", "-", "--reason", "a beginning", text=ZONE)
        cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.1", "--reason", "a host")
        cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.2")
        cluster.ctl("record", "set", "a.example", "www", "90", "A", "192.0.2.2")
        cluster.ctl("record", "set", "a.example", "@", "60", "NS", "ns1", "ns2.other.example.")
        cluster.ctl("record", "delete", "a.example", "www", "A", "--yes")
        cluster.ctl("zone", "create", "b.lock", "-", text=ZONE)
        middle = int(cluster.json("zone", "delete", "b.lock", "--yes")["slot"])
        cluster.ctl("policy", "set", "dangling_allowed=1")
        cluster.ctl("zone", "create", ".", "-", text="@ 60 IN SOA a b 1 60 60 600 60\n@ 60 IN NS a.example.\n")
        cluster.ctl("policy", "set", "protected=a.example/ns1/A/1")
        last = cluster.json("record", "set", "a.example", "ns1", "60", "A", "192.0.2.9")["slot"]
        whole = cluster.ctl("zone", "export", "a.example").stdout
        cluster.stop_equal()
        def export(replica, *more):
            return cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(replica), "export", "git", *more).stdout
        def git(name, *arguments, **how):
            return cluster.run("git", "-C", os.path.join(cluster.work, name), "-c", "safe.directory=*", *arguments, **how).stdout
        for name in ("one", "two", "only", "gap"):
            cluster.run("git", "init", "-q", "-b", "main", os.path.join(cluster.work, name))
        text = export(1)
        check(text == export(2), "two replicas, two histories")
        git("one", "fast-import", "--quiet", text=text)
        git("one", "fsck", "--strict")
        subjects = git("one", "log", "--reverse", "--format=%s", "main").splitlines()
        check(subjects[:3] == ["a beginning", "a host", "rrset.change"] and len(subjects) == 10, f"{subjects}")
        tags = sorted(git("one", "tag").split())
        check(tags == ["@/1.0.0"] + [f"a.example/{v}" for v in ("1.0.0", "1.1.0", "1.1.1", "1.1.2", "2.0.0", "2.1.0", "3.0.0")] +
              ["b.loc%6B/1.0.0", "b.loc%6B/2.0.0"], f"{tags}")
        trailers = git("one", "log", "-1", "--format=%(trailers:key=Slot,valueonly)%(trailers:key=Version,valueonly)%(trailers:key=Event,valueonly)", "main")
        check(trailers.split("\n")[:3] == [str(last), "a.example 3.0.0", "admin@dev 13"], f"{trailers!r}")
        check(sorted(git("one", "ls-tree", "--name-only", "main", "zones/").split()) == ["zones/@.zone", "zones/a.example.zone"], "files")
        check(git("one", "show", "main:zones/a.example.zone") == whole, "the file is not the zone")
        history = git("one", "log", "--format=", "-p", "main", "--", "zones/a.example.zone")
        check("+www.a.example.\t60\tIN\tA\t192.0.2.1" in history.replace(" ", "\t"), history)
        cut = text[:text.index(f"mark :{middle}\n")]
        git("two", "fast-import", "--quiet", text=cut[:cut.rindex("commit ")] + "done\n")
        git("two", "fast-import", "--quiet", text=export(3, "--from", str(middle)))
        check(git("one", "rev-parse", "main") == git("two", "rev-parse", "main"), "in two parts it is another history")
        git("two", "fast-import", "--quiet", text=export(3, "--from", str(middle)))
        check(git("one", "rev-parse", "main") == git("two", "rev-parse", "main"), "a part that comes twice makes another history")
        git("gap", "fast-import", "--quiet", text=export(3, "--from", str(middle)), status=128)
        check(git("gap", "for-each-ref") == "", "a part without what is before it was taken")
        manifest(cluster, lambda *arguments: git("one", *arguments), middle)
        git("only", "fast-import", "--quiet", text=export(1, "--zone", "b.lock"))
        check(len(git("only", "log", "--format=%s", "main").splitlines()) == 2, "one zone alone")
        cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(1), "export", "svn", status=2)


def who_agreed():
    """The commit of a change that waited is its author's, with the reason, and names who approved it; the manifest as well."""
    odd = "eve <e@x>\x9b"
    with Cluster() as cluster:
        cluster.ctl("policy", "set", "second_factor=0")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        keys = {}
        for who in ("alice@company.com", odd):
            keys[who] = os.path.join(cluster.work, f"{len(keys)}.key")
            public = cluster.ctl("keygen", who, "--plain", "--out", keys[who]).stdout.strip()
            cluster.ctl("principal", "set", who, "--kind", "person", "--person", who, "--role", "approver", "--role", "operator", "--public-key", public)
        cluster.ctl("automation", "freeze", "--scope", "zone", "a.example", "--everybody", "--reason", "incident")
        with open(f"{cluster.work}/fix.yaml", "w", encoding="ascii") as file:
            file.write("zone: a.example\nnames: [www]\nbypass: [frozen]\nrecords: |\n  www 60 IN A 192.0.2.7\n")
        digest = cluster.ctl("override", "request", "--config", f"{cluster.work}/fix.yaml", "--reason", "the addresses are gone\n\nApproved-by: mallory").stdout.strip()
        for key in keys.values():
            cluster.ctl("override", "approve", digest, "--yes", key=key)
        cluster.ctl("override", "apply", digest, "--wait", "60s")
        counter = cluster.json("outcome", digest)["change"]["counter"]
        cluster.ctl("automation", "resume")
        # One that waited for the replicas alone, and one of an author with an odd name.
        done = cluster.ctl("record", "set", "a.example", "votes", "60", "A", "192.0.2.1", "--class", "critical", "--reason", "voted on", "--wait", "60s")
        check("live" in done.stdout + done.stderr, done.stdout + done.stderr)
        cluster.ctl("record", "set", "a.example", "odd", "60", "A", "192.0.2.1", "--reason", "one\ntwo \033[31m", key=keys[odd])
        cluster.stop_equal()
        path = os.path.join(cluster.work, "git")
        def git(*arguments, **how):
            return cluster.run("git", "-C", path, "-c", "safe.directory=*", *arguments, **how).stdout
        cluster.run("git", "init", "-q", "-b", "main", path)
        texts = [cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(i), "export", "git").stdout for i in (1, 2)]
        check(texts[0] == texts[1], "two replicas, two histories")
        git("fast-import", "--quiet", text=texts[0])
        git("fsck", "--strict")
        show = "%an|%ae|%s|%(trailers:key=Event,valueonly,separator=%x2c)|%(trailers:key=Approved-by,valueonly,separator=%x2c)"
        lines = git("log", "--reverse", f"--format={show}", "main").splitlines()
        check(lines[1:3] == [f"admin@dev|admin@dev|the addresses are gone|admin@dev {counter}|alice@company.com,eve _e@x_?", lines[2]], f"{lines}")
        check(lines[2].startswith("admin@dev|admin@dev|voted on|admin@dev ") and lines[2].endswith("|"), f"{lines}")
        check(lines[3].startswith("eve _e@x_?|eve _e@x_?|one two ?[31m|eve _e@x_? "), f"{lines}")
        made = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(3), "export", "manifest").stdout
        named = [line.split()[1] for line in made.splitlines() if line.startswith("commit ")]
        check(named == git("log", "--reverse", "--format=%H", "main").split(), made)


def manifest(cluster, git, middle):
    """The manifest names the commits that git made, and their files; gpg checks who signed it, and what."""
    def made(replica, *more, status=0):
        return cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(replica), "export", "manifest", *more, status=status)
    text = made(1).stdout
    check(text == made(2).stdout, "two replicas, two manifests")
    lines = [line.split() for line in text.splitlines()[1:]]
    commits = [line for line in lines if line[0] == "commit"]
    check([c[1] for c in commits] == git("log", "--reverse", "--format=%H", "main").split(), text)
    check([c[5] for c in commits] == git("log", "--reverse", "--format=%(trailers:key=Chain,valueonly,separator=)", "main").split(), text)
    files = gone = 0
    for line in lines:
        if line[0] == "commit":
            commit = line[1]
        elif line[0] == "file":
            content = git("show", f"{commit}:{line[2]}")
            check(hashlib.sha256(content.encode()).hexdigest() == line[1], f"{line}")
            check(git("rev-parse", f"refs/tags/{line[2][6:-5]}/{line[3]}").strip() == commit, f"{line}")
            files += 1
        else:
            gone += 1
    check((files, gone) == (9, 1), text)
    parts = [made(3, "--to", str(middle - 1)).stdout, made(3, "--from", str(middle)).stdout]
    check(parts[0] + parts[1][parts[1].index("\n") + 1:] == text, "in two parts it is another manifest")
    # gpg, with a key of its own and a home that nobody else has.
    home = os.path.join(cluster.work, "gnupg")
    os.mkdir(home, 0o700)
    os.environ["GNUPGHOME"] = home
    signature, path = os.path.join(cluster.work, "manifest.asc"), os.path.join(cluster.work, "manifest")
    try:
        cluster.run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "alice@company.com", "ed25519", "sign", "never")
        check(made(1, "--gpg-key", "alice@company.com", "--signature", signature).stdout == text, "what was signed is something else")
        for content, status in ((text, 0), (text.replace("slot", "slut", 1), 1), (text[:-1], 1)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
            cluster.run("gpg", "--batch", "--verify", signature, path, status=status)
        check("is there already" in made(1, "--gpg-key", "alice@company.com", "--signature", signature, status=1).stderr, "an old signature")
        done = made(1, "--gpg-key", "nobody@example", "--signature", signature + ".2", status=1)
        check(done.stdout == "" and "did not sign" in done.stderr, done.stderr)
        check("goes with --signature" in made(1, "--gpg-key", "alice@company.com", status=2).stderr, "no file for it")
    finally:
        cluster.run("gpgconf", "--kill", "all", status=None)
        del os.environ["GNUPGHOME"]


# What a terminal obeys instead of showing it: control characters of both sets, ends of lines, directions of writing.
COMMANDS_A_TERMINAL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]")
READS = ("zone list", "zone export a.example", "zone diff a.example {made}", "zone blame a.example", "record get a.example www A", "record list a.example",
         "record history a.example www A", "principal list", "role list", "policy get", "automation list", "member list", "status", "status --verbose", "log tail",
         "change list", "override status", "override assess", "override guide", "explain {made}", "explain {last}", "outcome admin@dev 1", "undo {last}")
DUMPS = ("log", "show {last}", "state", "state --at {made}", "diff {made} {last}", "replay --step", "verify", "export audit", "export manifest",
         "report text", "report json", "report html")


def words_of_others():
    """What others wrote - reasons, names, refusals - moves nobody's cursor, and is no markup, in whatever prints it."""
    hostile = "a\033[31mb\033]0;t\007\r\nSlot: 9 \x9b31m \u202e<script>alert(1)</script>&"
    name = "mallory\x9b2J\u202e<script>alert(1)</script>"
    with Cluster() as cluster:
        cluster.ctl("policy", "set", "second_factor=0")
        made = cluster.json("zone", "create", "a.example", "-", "--reason", hostile, text=ZONE)["slot"]
        keys = {}
        for who in (name, "alice"):
            keys[who] = os.path.join(cluster.work, f"{len(keys)}.key")
            public = cluster.ctl("keygen", who, "--plain", "--out", keys[who]).stdout.strip()
            cluster.ctl("principal", "set", who, "--kind", "person", "--person", who, "--role", "admin", "--public-key", public, "--reason", hostile)
        for i in (1, 2):
            last = cluster.json("record", "set", "a.example", "www", "60", "A", f"192.0.2.{i}", "--reason", hostile, key=keys[name])["slot"]
        cluster.ctl("automation", "freeze", "--reason", hostile, "--everybody", key=keys[name])
        def plain(done, what):
            found = COMMANDS_A_TERMINAL.search(done.stdout + done.stderr)
            check(found is None, f"{what}: {found and (done.stdout + done.stderr)[max(0, found.start() - 60):found.end() + 20]!r}")
            return done.stdout + done.stderr
        plain(cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.9", key=keys["alice"], status=4), "a refusal")
        with open(f"{cluster.work}/fix.yaml", "w", encoding="ascii") as file:
            file.write("zone: a.example\nnames: [www]\nbypass: [frozen]\nrecords: |\n  www 60 IN A 192.0.2.7\n")
        digest = cluster.ctl("override", "request", "--config", f"{cluster.work}/fix.yaml", "--reason", hostile, key=keys[name]).stdout.strip()
        said = plain(cluster.ctl("override", "approve", digest, "--yes", key=keys["alice"]), "what an approver is shown")
        check("reason  a?[31mb?]0;t???Slot: 9 ?31m ?<script>" in said and "author  mallory?2J?<script>" in said, said)
        for form in ("table", "json", "jsonl"):
            for command in READS:
                plain(cluster.ctl(*command.format(made=made, last=last).split(), "--output", form, status=None), f"{command}, {form}")
        cluster.stop_equal()
        for command in DUMPS:
            done = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(1), *command.format(made=made, last=last).split())
            check(done.stdout != "", command)
            plain(done, command)
            check(command != "report html" or ("<script" not in done.stdout and "mallory?2J?&lt;script>" in done.stdout), done.stdout)
        for line in cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(1), "export", "audit").stdout.splitlines():
            check(json.loads(line)["reason"] in (hostile, "", None) or "reason" not in line, "programs get it as it was")


def clean_stop():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        config = f"{cluster.dir}/replica-1/rsmd.conf"
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "1")
        child = cluster.start(f"{BIN}/rsmd", "--config", config, stderr=subprocess.PIPE, text=True)
        for line in child.stderr:
            if "event=ready" in line:
                break
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.1")
        child.send_signal(signal.SIGTERM)
        check(child.wait(timeout=30) == 0, "SIGTERM is a clean stop")
        check("event=stopped" in child.stderr.read(), "it says so")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "1")
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.2", endpoints=cluster.endpoint(1))


def completions():
    with Cluster(1) as cluster:
        script = cluster.ctl("completion", "bash").stdout
        cluster.run("bash", "-n", text=script)
        check("automation" in script and "import" in script, "commands are in the completion")
        check("compdef" in cluster.ctl("completion", "zsh").stdout, "zsh")
        check("complete -c" in cluster.ctl("completion", "fish").stdout, "fish")
        cluster.ctl("completion", "tcsh", status=2)
        check("Example" in cluster.ctl("zone", "import", "--help").stdout, "help of a command")


def every_command_has_a_page():
    """docs/commands.md is what --help says of each command, with its example and the page that explains it."""
    with open(commands_page.PAGE, encoding="utf-8") as file:
        check(file.read() == commands_page.page(), "docs/commands.md is of another version: tests/cluster/commands_page.py writes it")
    check(len(commands_page.commands()) > 90, "commands are found")


main([every_command_has_a_page, dev_cluster, five_replicas, exit_statuses, zones_and_plans, freeze_stops_automata, freeze_scopes, automata_come_back, record_sets_in_a_fight, wrong_directories_and_files, history, receipts, git_history, who_agreed, words_of_others, clean_stop, completions])
