#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members come and go under a load of changes, with real processes.

Afterwards every acknowledged command is there exactly once, in the slot that was told, in the log of
each member; all logs verify, and the chain heads of those that are members are equal.
"""
import glob
import os
import shutil
import subprocess
import time

from harness import BIN, Cluster, Failure, applied_commands, check, main, wire

AUTHORS = ["load-a", "load-b"]
ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
PATIENCE_S = 60


class Load:
    """Authors who write all the time; `take` reads what they were told."""

    def __init__(self, cluster):
        cluster.ctl("zone", "create", "load.example", "-", text=ZONE)
        self.acked = []
        self.loaders = []
        for name in AUTHORS:
            key = cluster.automaton(name, "rrset.change,load.example")
            self.loaders.append(cluster.start(f"{BIN}/test-load", cluster.endpoints, key,
                                              wire("load.example").hex(), stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, text=True))

    def note(self, i, line):
        check(line.startswith("acked"), f"{AUTHORS[i]} was told: {line!r}")
        _, counter, slot = line.split()
        self.acked.append((AUTHORS[i], int(counter), int(slot)))

    def take(self, rounds):
        for _ in range(rounds):
            for i, loader in enumerate(self.loaders):
                self.note(i, loader.stdout.readline())

    def end(self):
        for loader in self.loaders:
            loader.stdin.close()
        for i, loader in enumerate(self.loaders):
            for line in loader.stdout:
                self.note(i, line)


def until(what, condition):
    """Asks again and again; what is asked is an answer of a process, which takes its time."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"never came: {what}")


def members(cluster):
    return {m["replica"]: m for m in cluster.json("member", "list")["current"]["members"]}


def heard_by(cluster, asked, replica):
    """Whether `asked` heard of `replica` lately."""
    answer = cluster.json("member", "list", endpoints=cluster.endpoint(asked))
    return {m["replica"]: m for m in answer["current"]["members"]}[replica]["heard"]


def leader(cluster):
    return cluster.json("member", "list")["leader"]


def kill(cluster, replica):
    cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(replica))


def start(cluster, replica):
    cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(replica))


def add_one(cluster):
    """One process more, which is no member yet; its number."""
    cluster.ctl("dev", "add", "--dir", cluster.dir)
    with open(os.path.join(cluster.dir, "endpoints"), encoding="ascii") as file:
        cluster.endpoints = file.read().strip()
    cluster.replicas += 1
    return cluster.replicas


def judge(cluster, load, replicas, others=()):
    """The end: everything is stopped, and every log is read again."""
    load.end()
    cluster.settle(replicas)
    cluster.stop()
    slots = cluster.verify_equal(replicas)
    for replica in others:
        cluster.verify(replica)
    for replica in replicas:
        found = applied_commands(cluster.log(replica))
        for author, counter, slot in load.acked:
            check(found.get((author, counter)) == [slot],
                  f"replica {replica}: {author} {counter} acknowledged in slot {slot}, found in {found.get((author, counter))}")
        doubled = [key for key, at in found.items() if len(at) > 1]
        check(not doubled, f"applied twice: {doubled[:5]}")
    print(f"note: {len(load.acked)} acknowledged commands, {slots} slots")


def grow_and_shrink():
    """A fourth learns, is promoted, and is needed for the majority; then the leader is removed."""
    with Cluster() as cluster:
        load = Load(cluster)
        load.take(5)
        four = add_one(cluster)
        until("4 is refused", lambda: "no member of the cluster" in cluster.text_of_log(four))
        check(cluster.json("member", "list")["next"] is None, "nobody said that it is one")
        cluster.ctl("member", "add", cluster.endpoint(four), "--wait", "60s")
        check(members(cluster)[four]["role"] == "learner", "it learns first")
        load.take(5)
        kill(cluster, four)
        until("4 is not heard", lambda: not any(heard_by(cluster, i, four) for i in (1, 2, 3)))
        early = cluster.ctl("member", "promote", str(four), "--wait", "1s", status=1)
        check("NOT_READY" in early.stderr, f"promoted while it was down: {early.stderr}")
        start(cluster, four)
        cluster.ctl("member", "promote", str(four), "--wait", "60s")
        check(members(cluster)[four]["role"] == "voter", "now it votes")
        load.take(5)

        kill(cluster, 1)
        load.take(20)  # three of four: 4 is one of them
        start(cluster, 1)
        gone = leader(cluster)
        cluster.ctl("member", "remove", str(gone), "--yes", "--wait", "60s")
        load.take(20)
        left = [i for i in (1, 2, 3, 4) if i != gone]
        check(sorted(members(cluster)) == left, f"{gone} was removed: {members(cluster)}")
        check(leader(cluster) in left, "and leads no more")
        kill(cluster, left[0])
        load.take(20)  # two of three
        start(cluster, left[0])
        judge(cluster, load, left, [gone])


def wiped_disk():
    """A lost disk is replaced under load; its old data, found again, cannot vote."""
    with Cluster() as cluster:
        load = Load(cluster)
        load.take(10)
        kill(cluster, 2)
        old = os.path.join(cluster.work, "old")
        shutil.copytree(cluster.data(2), old)
        cluster.ctl("dev", "wipe", "--dir", cluster.dir, "--replica", "2")
        until("2 is refused", lambda: "another incarnation" in cluster.text_of_log(2))
        load.take(10)
        until("an empty disk is not heard", lambda: not any(heard_by(cluster, i, 2) for i in (1, 3)))
        cluster.ctl("member", "replace", "2", "--yes", "--wait", "60s")
        now = members(cluster)[2]
        check(now["role"] == "voter" and now["incarnation"] > 0, f"after the replacement: {now}")
        cluster.ctl("member", "replace", "2", "--yes")  # once more does nothing
        check(members(cluster)[2]["incarnation"] == now["incarnation"], "replaced twice")
        kill(cluster, 1)
        load.take(20)  # two of three: 2 votes

        kill(cluster, 2)  # nobody is left but 3
        new = os.path.join(cluster.work, "new")
        shutil.move(cluster.data(2), new)
        shutil.copytree(old, cluster.data(2))
        refused = cluster.text_of_log(3).count("another incarnation")
        ghost = cluster.start(f"{BIN}/rsmd", "--config", f"{cluster.dir}/replica-2/rsmd.conf",
                              stderr=subprocess.DEVNULL)
        until("3 refuses the old life", lambda: cluster.text_of_log(3).count("another incarnation") > refused)
        until("3 is alone", lambda: "no-quorum" in cluster.status(3)["alarms"])
        check(not cluster.status(3)["ready"], "two lives of a replica are not two replicas")
        ghost.kill()
        ghost.wait()
        shutil.rmtree(cluster.data(2))
        shutil.move(new, cluster.data(2))
        start(cluster, 2)
        load.take(10)
        start(cluster, 1)
        judge(cluster, load, [1, 2, 3])


def a_stranger_leads():
    """A disk is replaced while somebody leads whom its genesis does not name; so is a whole cluster."""
    with Cluster() as cluster:
        load = Load(cluster)
        load.take(5)
        four = add_one(cluster)
        cluster.ctl("member", "add", cluster.endpoint(four), "--wait", "60s")
        cluster.ctl("member", "promote", str(four), "--wait", "60s")

        def four_leads():
            now = leader(cluster)
            if now not in (0, four):
                kill(cluster, now)
                load.take(2)
                start(cluster, now)
            return leader(cluster) == four
        until("4 leads", four_leads)
        cluster.ctl("dev", "wipe", "--dir", cluster.dir, "--replica", "2")
        cluster.ctl("member", "replace", "2", "--yes", "--wait", "60s")
        load.take(5)
        for gone in (1, 3):
            cluster.ctl("member", "remove", str(gone), "--yes", "--wait", "60s")
        check(sorted(members(cluster)) == [2, four], f"{members(cluster)}")
        load.take(20)
        judge(cluster, load, [2, four], [1, 3])


def lose_journal(cluster, replica):
    for path in glob.glob(cluster.data(replica) + "/journal/*.seg"):
        os.unlink(path)


def who_the_newcomer_meets():
    """
    A newcomer knows the others from the log: one that rejoined under another incarnation than it
    was met with is talked to, and a wiped disk is nobody to it, though it never met the real one.
    """
    with Cluster() as cluster:
        load = Load(cluster)
        load.take(20)
        kill(cluster, 1)
        lose_journal(cluster, 1)
        before = members(cluster)[1]["known"]
        start(cluster, 1)
        until("1 rejoined", lambda: cluster.status(1)["voting"])
        load.take(5)
        kill(cluster, 2)
        real = members(cluster)[2]["known"]
        cluster.ctl("dev", "wipe", "--dir", cluster.dir, "--replica", "2")
        four = add_one(cluster)
        cluster.ctl("member", "add", cluster.endpoint(four), "--wait", "60s")
        cluster.ctl("member", "promote", str(four), "--wait", "60s")
        now = members(cluster)
        check(now[1]["incarnation"] not in (0, before), f"1 rejoined: {now[1]}")
        check(now[2]["incarnation"] == real, f"the one that is lost is the one that was met: {now[2]}")
        check(not heard_by(cluster, four, 2), "4 takes the wiped disk for 2")
        check(heard_by(cluster, four, 1), "4 does not talk to 1")
        cluster.ctl("member", "replace", "2", "--yes", "--wait", "60s")
        kill(cluster, 3)
        load.take(20)  # three of four: the one that rejoined, the new disk and the newcomer
        start(cluster, 3)
        judge(cluster, load, [1, 2, 3, four])


def by_snapshot():
    """A newcomer that is too far behind for the log gets a snapshot, and the members with it."""
    with Cluster() as cluster:
        cluster.restart_with("snapshot_lag = 300\nstore_commit_ms = 20\n")
        load = Load(cluster)
        load.take(5)
        four = add_one(cluster)
        cluster.ctl("member", "add", cluster.endpoint(four), "--wait", "60s")
        kill(cluster, four)
        cluster.ctl("member", "update", "1", "--zone", "another-place", "--wait", "60s")
        load.take(5)
        start(cluster, four)
        until("a snapshot came", lambda: "event=snapshot-installed" in cluster.text_of_log(four))
        cluster.ctl("member", "promote", str(four), "--wait", "60s")
        here = cluster.json("member", "list", endpoints=cluster.endpoint(four))["current"]
        check({m["replica"]: m["zone"] for m in here["members"]}[1] == "another-place", f"{here}")
        kill(cluster, 2)
        load.take(10)
        start(cluster, 2)
        judge(cluster, load, [1, 2, 3, four])


main([grow_and_shrink, wiped_disk, a_stranger_leads, who_the_newcomer_meets, by_snapshot])
