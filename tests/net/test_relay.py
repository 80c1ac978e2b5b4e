#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas over bad links (the relay; no root): cut off one way and both, flapping, stalled, half
open, reset in mid-frame, slow, one byte at a time, flipped bits, and every pattern of one-way links.

Histories of clients are judged all the while. RSM_PATTERNS: how many of the 64 patterns, 64 for all.
"""
import os
import random
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from badnet import BIN, Pace, RelayCluster, check  # noqa: E402
from harness import main, wire  # noqa: E402
from recorder import Recorder, check_logs  # noqa: E402

SEED = int(os.environ.get("RSM_SEED", "1"))
PATTERNS = int(os.environ.get("RSM_PATTERNS", "8"))


def leader_cut_off():
    """Another leads, and the old one serves no linearizable read: the history would show it."""
    with RelayCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        for way in ("both", "out", "in"):
            old = cluster.leader()
            others = [i for i in (1, 2, 3) if i != old]
            cluster.isolate(old, way)
            new = cluster.leader(others)
            check(new != old, "it still leads")
            recorder.take(300)
            cluster.await_that(lambda: not (cluster.quick_status(old) or {}).get("is_leader"),
                               f"the leader that is cut off ({way}) steps down")
            cluster.heal()
            recorder.take(200)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def follower_cut_off():
    """The leader stays, also when the follower is back."""
    with RelayCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        leader = cluster.leader()
        before = cluster.rounds()
        for way in ("both", "out", "in"):
            follower = next(i for i in (1, 2, 3) if i != leader)
            cluster.isolate(follower, way)
            recorder.take(300)
            cluster.heal()
            cluster.await_that(lambda: cluster.quick_status(follower)["leader"] == leader, "the follower follows again")
            recorder.take(100)
        check(cluster.rounds() == before and cluster.leader() == leader, "the ballot moved")
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def flapping_link():
    """Between the leader and one follower, faster and slower than the election timeout."""
    with RelayCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        for period in (0.04, 0.5):
            leader = cluster.leader()
            follower = next(i for i in (1, 2, 3) if i != leader)
            before = cluster.rounds()
            steps = [lambda l=leader, f=follower: (cluster.cut(l, f), cluster.cut(f, l)), cluster.heal]
            with Pace(period, steps):
                recorder.take(800)
            cluster.heal()
            recorder.take(50)
            moved = cluster.rounds() - before
            check(moved <= 1, f"flapping every {period} s moved the ballot by {moved}")
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def broken_connections():
    """Stalls, resets in mid-frame, half-open connections, garbage, single bytes: all heal by themselves."""
    dice = random.Random(SEED)
    with RelayCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        for _ in range(3):
            for what in ("reset", "garbage", "half", "single", "stall"):
                one, other = dice.sample((1, 2, 3), 2)
                if what == "single":
                    cluster.order("set", one, other, "single", 1)
                elif what == "stall":
                    cluster.cut(one, other)
                else:
                    cluster.order("do", one, other, what)
                recorder.take(60)
                cluster.heal()
        for one, other in ((1, 2), (2, 3), (3, 1)):
            cluster.order("set", one, other, "delay", 20)
        recorder.take(200)
        cluster.heal()
        recorder.take(50)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def flipped_bits():
    """A bit in some thousands of bytes is another one: the frame is noticed, the connection closed."""
    with RelayCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        cluster.order("set", 0, 0, "flip", 20000)
        recorder.take(1000)
        cluster.heal()
        recorder.take(100)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())
        seen = 0
        for i in (1, 2, 3):
            with open(f"{cluster.dir}/replica-{i}/log", encoding="utf-8") as file:
                seen += sum("checksum" in line for line in file)
        check(seen > 0, "no flipped bit was noticed")
        print(f"note: {seen} frames with a wrong checksum")


# ---- patterns ----

PAIRS = [(i, j) for i in (1, 2, 3) for j in (1, 2, 3) if i != j]


def is_live(pattern):
    """Two replicas hear each other."""
    return any((pattern >> PAIRS.index((i, j))) & (pattern >> PAIRS.index((j, i))) & 1 for i, j in PAIRS)


class Probe:
    """Writers at one replica each; counts what was acknowledged."""

    def __init__(self, cluster):
        self.count = 0
        self.changed = threading.Condition()
        cluster.ctl("zone", "create", "probe.example", "-", text="@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n")
        self.children = []
        for i in range(1, cluster.replicas + 1):
            key = cluster.automaton(f"probe-{i}", "rrset.change,probe.example")
            child = cluster.start(f"{BIN}/test-load", cluster.endpoint(i), key, wire("probe.example").hex(),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.children.append(child)
            threading.Thread(target=self.read, args=(child,), daemon=True).start()

    def read(self, child):
        for line in child.stdout:
            with self.changed:
                self.count += line.startswith("acked")
                self.changed.notify_all()

    def more(self, count, seconds):
        """True when so many more are acknowledged within a time."""
        with self.changed:
            target = self.count + count
            return self.changed.wait_for(lambda: self.count >= target, seconds)


def patterns():
    """Each static pattern of one-way links is live, or nothing is acknowledged."""
    chosen = list(range(64))
    if PATTERNS < 64:
        random.Random(SEED).shuffle(chosen)
        chosen = chosen[:PATTERNS]
    with RelayCluster(submit_timeout_ms=500) as cluster:
        probe = Probe(cluster)
        recorder = Recorder(cluster, clients=3, seed=SEED).start()
        live = 0
        for pattern in chosen:
            for bit, (i, j) in enumerate(PAIRS):
                cluster.cut(i, j, 1 - (pattern >> bit & 1))
            if is_live(pattern):
                # Some that were on their way may still arrive: more of them than that.
                check(probe.more(20, 20), f"pattern {pattern:06b} is not live")
                live += 1
            else:
                cluster.await_that(lambda: not any((cluster.quick_status(i) or {}).get("is_leader") for i in (1, 2, 3)),
                                   f"pattern {pattern:06b}: nobody leads")
                check(not probe.more(1, 0.7), f"pattern {pattern:06b}: a write was acknowledged without a majority")
            cluster.heal()
            check(probe.more(20, 20), f"not healed after pattern {pattern:06b}")
        for child in probe.children:
            child.stdin.close()
        print("note:", recorder.finish())
        print(f"note: {len(chosen)} patterns, {live} live, {len(chosen) - live} rightly blocked")


main([leader_cut_off, follower_cut_off, flapping_link, broken_connections, flipped_bits, patterns])
