#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas over bad links (the relay; no root): cut off one way and both, flapping, stalled, half
open, reset in mid-frame, slow, one byte at a time, flipped bits, and every pattern of one-way links.

Histories of clients are judged all the while. RSM_PATTERNS: how many of the 64 patterns of three
replicas; RSM_FIVE: of the 1,024 of two-way links among five.
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
PATTERNS = int(os.environ.get("RSM_PATTERNS", "6"))
FIVE = int(os.environ.get("RSM_FIVE", "0"))


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
            recorder.take(150)
            cluster.await_that(lambda: not (cluster.quick_status(old) or {}).get("is_leader"),
                               f"the leader that is cut off ({way}) steps down")
            cluster.heal()
            recorder.take(100)
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
                recorder.take(500)
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
        for _ in range(2):
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
        recorder.take(600)
        cluster.heal()
        recorder.take(100)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())
        seen = sum("checksum" in line for i in (1, 2, 3) for line in cluster.text_of_log(i).splitlines())
        check(seen > 0, "no flipped bit was noticed")
        print(f"note: {seen} frames with a wrong checksum")


def client_of_one_that_is_cut_off():
    """It is told so within its time, stale reads are answered, and later all is well."""
    zone = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
    with RelayCluster(submit_timeout_ms=500) as cluster:
        cluster.ctl("zone", "create", "before.example", "-", text=zone)
        follower = next(i for i in (1, 2, 3) if i != cluster.leader())
        only = cluster.endpoint(follower)
        cluster.await_that(lambda: cluster.quick_status(follower)["slot"] >= 2, "it has the zone")
        cluster.isolate(follower, "both")
        for arguments, text in ((("zone", "create", "cut.example", "-"), zone), (("zone", "list"), None)):
            done = cluster.ctl(*arguments, "--timeout", "2s", text=text, endpoints=only, status=None)
            check(done.returncode in (5, 124), f"{arguments}: status {done.returncode}: {done.stderr}")
        stale = cluster.ctl("zone", "list", "--stale", endpoints=only).stdout
        check("before.example" in stale, f"a stale read: {stale}")
        cluster.heal()
        # It may have been taken after all: then this one is refused, for the zone is there.
        again = cluster.ctl("zone", "create", "cut.example", "-", text=zone, endpoints=only, status=None)
        check(again.returncode in (0, 4), f"status {again.returncode}: {again.stderr}")
        check("cut.example" in cluster.ctl("zone", "list", endpoints=only).stdout, "the zone is not there")


# ---- patterns ----

def two_way(links, replicas):
    """Who hears whom, both ways."""
    return {i: {j for j in range(1, replicas + 1) if (i, j) in links and (j, i) in links} for i in range(1, replicas + 1)}


def is_live(links, replicas):
    """Somebody has two-way links with a majority, itself counted."""
    return any(len(heard) + 1 > replicas // 2 for heard in two_way(links, replicas).values())


def one_way_patterns():
    """All 64 of three replicas, as sets of links that work."""
    pairs = [(i, j) for i in (1, 2, 3) for j in (1, 2, 3) if i != j]
    return [{pair for bit, pair in enumerate(pairs) if n >> bit & 1} for n in range(64)]


def two_way_patterns():
    """All 1,024 of five replicas."""
    pairs = [(i, j) for i in range(1, 6) for j in range(i + 1, 6)]
    return [{link for bit, (i, j) in enumerate(pairs) if n >> bit & 1 for link in ((i, j), (j, i))} for n in range(1024)]


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


def try_patterns(replicas, chosen):
    everybody = range(1, replicas + 1)
    with RelayCluster(replicas, submit_timeout_ms=500) as cluster:
        probe = Probe(cluster)
        recorder = Recorder(cluster, clients=3, seed=SEED).start()
        live = 0
        for links in chosen:
            cluster.heal()
            check(probe.more(20, 30), f"not healed before {sorted(links)}")
            for link in [(i, j) for i in everybody for j in everybody if i != j and (i, j) not in links]:
                cluster.cut(*link)
            if is_live(links, replicas):
                # Some that were on their way may still arrive: more of them than that.
                check(probe.more(20 + 5 * replicas, 30), f"not live: {sorted(links)}")
                live += 1
            else:
                cluster.await_that(lambda: not any((cluster.quick_status(i) or {}).get("is_leader") for i in everybody),
                                   f"nobody leads, with {sorted(links)}")
                check(not probe.more(1, 0.7), f"a write was acknowledged without a majority: {sorted(links)}")
        cluster.heal()
        check(probe.more(20, 30), "not healed at the end")
        for child in probe.children:
            child.stdin.close()
        print("note:", recorder.finish())
        print(f"note: {len(chosen)} patterns of {replicas} replicas, {live} live, {len(chosen) - live} rightly blocked")
        check_logs(cluster, recorder.applied())


def draw(patterns, count):
    """So many of them, live ones and others; all in order when there are no more."""
    if count >= len(patterns):
        return patterns
    return random.Random(SEED).sample(patterns, count)


def three_voters():
    """Static patterns of one-way links: each is live, or nothing is acknowledged."""
    try_patterns(3, draw(one_way_patterns(), PATTERNS))


def five_voters():
    """Static patterns of two-way links among five."""
    try_patterns(5, draw(two_way_patterns(), FIVE))


main([leader_cut_off, follower_cut_off, flapping_link, broken_connections, flipped_bits, client_of_one_that_is_cut_off, three_voters] + ([five_voters] if FIVE else []))
