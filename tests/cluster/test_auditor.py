#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""rsm-auditor: a witness of its own. It finds what was changed in one replica's store without that replica's help."""
import itertools
import json
import os
import shutil
import signal
import subprocess
import time

from harness import BIN, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


class Auditor:
    def __init__(self, cluster, name="auditor"):
        self.cluster = cluster
        self.dir = os.path.join(cluster.work, name)
        self.key = os.path.join(cluster.work, name + ".key")
        cluster.ctl("keygen", name + "@example", "--plain", "--out", self.key)
        self.arguments = [f"{BIN}/rsm-auditor", "--dir", self.dir, "--genesis", os.path.join(cluster.dir, "genesis"),
                          "--key", self.key]

    def once(self, status=0, more=()):
        return self.cluster.run(*self.arguments, "--once", *more, status=status)

    def said(self):
        with open(os.path.join(self.dir, "status"), encoding="utf-8") as file:
            return json.load(file)

    def await_that(self, ready, what):
        deadline = time.monotonic() + 60
        while True:
            try:
                said = self.said()
                if ready(said):
                    return said
            except (OSError, ValueError):
                said = None
            check(time.monotonic() < deadline, f"not so after a minute: {what}: {said}")
            time.sleep(0.02)


NUMBERS = itertools.count(1) # no change is one that was made before


def fill(cluster, count):
    for _ in range(count):
        number = next(NUMBERS)
        cluster.ctl("record", "set", "a.example", f"w{number}", "60", "A", f"192.0.2.{number % 250}")


def an_honest_cluster():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        fill(cluster, 8)
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE, status=4) # a refusal is in the log as well
        cluster.settle()
        auditor = Auditor(cluster)
        auditor.once()
        said = auditor.said()
        check(said["alarms"] == 0 and [r["reachable"] for r in said["replicas"]] == [True] * 3, f"{said}")
        check(said["entry_head"] == cluster.status(1)["entry_head"], f"{said}")
        cluster.run(f"{BIN}/rsm-dump", "--dir", auditor.dir, "verify")
        with open(os.path.join(auditor.dir, "checkpoint"), encoding="utf-8") as file:
            checkpoint = file.read()
        trusted = cluster.run(f"{BIN}/rsm-dump", "verifier-key", "--key", auditor.key).stdout.strip()
        path = os.path.join(auditor.dir, "checkpoint")
        cluster.ctl("record", "set", "a.example", "late", "60", "A", "192.0.2.99")
        cluster.settle()
        cluster.stop() # a replica's own store, against the auditor's checkpoint
        receipt = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(3), "prove", "5", "--checkpoint", path).stdout
        receipt_path = os.path.join(cluster.work, "receipt")
        with open(receipt_path, "w", encoding="utf-8") as file:
            file.write(receipt)
        check("signed by auditor@example" in cluster.run(f"{BIN}/rsm-dump", "check-proof", receipt_path, "--verifier", trusted).stdout, checkpoint)
        auditor.once(status=5) # nobody is there


def a_store_that_was_changed():
    for what, words in (("entry", "another entry"), ("verdict", "another verdict")):
        with Cluster() as cluster:
            cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
            fill(cluster, 6)
            cluster.settle()
            auditor = Auditor(cluster)
            auditor.once()
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
            def tamper():
                cluster.run(f"{BIN}/test-tamper", cluster.data(2), what, "3")
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2") # slot 3 is in its store now, not in its journal alone
            cluster.settle()
            cluster.stop()
            tamper()
            cluster.ctl("dev", "up", "--dir", cluster.dir)
            fill(cluster, 2) # it works as before: nobody of the cluster has looked at slot 3
            cluster.settle()
            bad = auditor.once(status=1)
            check(f"alarm: {cluster.endpoint(2)}: slot 3: {words}" in bad.stderr, bad.stderr)
            said = auditor.said()
            check([r.get("alarm_slot") for r in said["replicas"]] == [None, 3, None], f"{said}")
            fresh = Auditor(cluster, "another") # one that never saw the honest log finds the majority's
            check(f"{cluster.endpoint(2)}: slot 3" in fresh.once(status=1).stderr, "a new auditor")
            cluster.stop()
            tamper()
            cluster.ctl("dev", "up", "--dir", cluster.dir)
            cluster.settle()
            auditor.once()


TABLES = {"event": 6, "zone": 9, "record set": 12, "principal": 14, "lease": 19}  # src/machine/tables.h


def a_state_that_was_changed():
    """The log is right, the rows that a replica answers from are not: each kind is found, without that replica's help."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("lease", "acquire", "db", "--ttl", "30s")
        fill(cluster, 3)
        cluster.settle()
        auditor = Auditor(cluster)
        auditor.once()
        check(all(r["state_passes"] > 0 for r in auditor.said()["replicas"]), f"{auditor.said()}")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")  # its store has all rows
        cluster.settle()
        # An address; a serial (behind flags, 4 and 8 bytes); a fencing token (behind its holder); an event's slot; a key of a person's.
        holder = len("admin@dev") + 2
        for what, byte in (("record set", -1), ("zone", 16), ("lease", holder + 7), ("event", 7), ("record set", "lost"), ("principal", 20)):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
            keep = os.path.join(cluster.work, "store")
            shutil.copytree(os.path.join(cluster.data(2), "store"), keep)
            cluster.run(f"{BIN}/test-tamper", cluster.data(2), "row", str(TABLES[what]), str(byte))
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")
            cluster.settle()
            bad = auditor.once(status=1)
            check(f"alarm: {cluster.endpoint(2)}: state after slot" in bad.stderr and f": {what} " in bad.stderr, f"{what}: {bad.stderr}")
            check(bad.stderr.count("alarm") == 1, bad.stderr)
            said = auditor.said()
            check([what in r.get("state_text", "") for r in said["replicas"]] == [False, True, False] and said["alarms"] == 1, f"{said}")
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
            shutil.rmtree(os.path.join(cluster.data(2), "store"))
            shutil.move(keep, os.path.join(cluster.data(2), "store"))
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")
            cluster.settle()
        auditor.once()


def while_it_runs():
    """Goes on through kill -9 of itself and of replicas, and ends when it is told to."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        auditor = Auditor(cluster)
        environment = dict(os.environ, RSM_ENDPOINTS=cluster.endpoints)
        for round_number in range(3):
            process = cluster.start(*auditor.arguments, "--interval", "10", env=environment, stderr=subprocess.PIPE)
            fill(cluster, 4)
            slot = cluster.status(1)["slot"]
            auditor.await_that(lambda said, slot=slot: said["slot"] >= slot, "it has what is there")
            if round_number == 1:
                cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
                auditor.await_that(lambda said: not said["replicas"][2]["reachable"], "one is gone")
                fill(cluster, 4)
                slot = max(cluster.status(i)["slot"] for i in (1, 2))
                auditor.await_that(lambda said, slot=slot: said["slot"] >= slot, "two of three are a majority")
                cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
            process.send_signal(signal.SIGKILL if round_number < 2 else signal.SIGTERM)
            process.communicate()
            check(process.returncode == (-signal.SIGKILL if round_number < 2 else 0), f"ended with {process.returncode}")
        cluster.run(f"{BIN}/rsm-dump", "--dir", auditor.dir, "verify")


def what_is_wrong_is_said():
    with Cluster() as cluster:
        auditor = Auditor(cluster)
        run = auditor.cluster.run
        check("example" in run(f"{BIN}/rsm-auditor", "--help").stdout.lower(), "help")
        check("are needed" in run(f"{BIN}/rsm-auditor", status=2).stderr, "no options")
        auditor.once(status=2, more=("--interval", "0"))
        auditor.once(status=2, more=("stray",))
        auditor.once(status=2, more=("--endpoints", "nonsense"))
        check("no genesis" in auditor.once(status=1, more=("--genesis", auditor.key)).stderr, "genesis")
        check("No such file" in auditor.once(status=1, more=("--genesis", "/nowhere")).stderr, "genesis")
        auditor.once()
        os.chmod(auditor.key, 0o644)
        check("others can read" in auditor.once(status=1).stderr, "an exposed key")
        os.chmod(auditor.key, 0o600)
        environment = dict(os.environ, RSM_ENDPOINTS=cluster.endpoints)
        process = cluster.start(*auditor.arguments, env=environment)
        auditor.await_that(lambda said: said["replicas"][0]["passes"] >= 0, "it runs")
        deadline = time.monotonic() + 60
        while "holds it" not in auditor.once(status=None).stderr:
            check(time.monotonic() < deadline, "two auditors in one directory")
        process.terminate()
        check(process.wait() == 0, "a clean end")
        with Cluster() as other:
            said = auditor.once(status=1, more=("--genesis", os.path.join(other.dir, "genesis"))).stderr
            check("books of another cluster, begun with another genesis" in said and "done" not in said and said.count("\n") == 1, f"another cluster's: {said}")
            mixed = f"{cluster.endpoint(1)},{other.endpoint(2)},{other.endpoint(3)}"
            other.ctl("zone", "create", "a.example", "-", text=ZONE)
            bad = auditor.once(status=1, more=("--endpoints", mixed))
            check("alarm" in bad.stderr, f"replicas of another cluster: {bad.stderr}")


def books_that_went_back():
    """What the auditor has signed it stands by: an older copy of its books, or others, would sign a second history."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.settle()
        auditor = Auditor(cluster)
        auditor.once()
        older = auditor.dir + ".older"
        shutil.copytree(auditor.dir, older)
        fill(cluster, 4)
        cluster.settle()
        auditor.once()
        path = os.path.join(auditor.dir, "checkpoint")
        with open(path, encoding="utf-8") as file:
            signed = file.read()
        newer = auditor.dir + ".newer"
        shutil.move(os.path.join(auditor.dir, "store"), newer)
        shutil.copytree(os.path.join(older, "store"), os.path.join(auditor.dir, "store"))
        said = auditor.once(status=1).stderr
        check("they went back" in said and "checkpoint: of " in said, said)
        with open(path, encoding="utf-8") as file:
            check(file.read() == signed, "nothing else was signed")
        shutil.rmtree(os.path.join(auditor.dir, "store"))
        shutil.move(newer, os.path.join(auditor.dir, "store"))
        auditor.once()
        lines = signed.split("\n")
        for text, words in (("\n".join(lines[:2] + ["A" * 43 + "="] + lines[3:]), "another root than was signed"), (signed[:40], "not one of this log"), ("", "not one of this log"),
                            ("rsm/" + "1" * 32 + signed[36:], "not one of this log")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            said = auditor.once(status=1).stderr
            check(words in said, f"{words}: {said}")
        os.remove(path)
        auditor.once()
        with open(path, encoding="utf-8") as file:
            check(file.read().split("\n")[0] == lines[0], "it is made again")
        os.chmod(auditor.dir, 0o755)
        check("others may enter it: chmod 700" in auditor.once(status=1).stderr, "a directory that is open")


main([an_honest_cluster, a_store_that_was_changed, a_state_that_was_changed, while_it_runs, what_is_wrong_is_said, books_that_went_back])
