#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replicas in network namespaces of their own: packets lost, doubled, dropped one way, queued.

Where the relay's tests stop at the socket, here TCP itself suffers: a one-way cut stops both ways
of a connection. Histories are judged. Skipped without root.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from namespaces import NamespaceCluster, possible  # noqa: E402
from badnet import check  # noqa: E402
from harness import main  # noqa: E402
from recorder import Recorder, check_logs  # noqa: E402

SEED = int(os.environ.get("RSM_SEED", "1"))
CALLS = int(os.environ.get("RSM_NET_CALLS", "60"))
WHY_NOT = possible()


def cut_off():
    """The leader, then a follower: both ways, only out, only in."""
    if WHY_NOT:
        return WHY_NOT
    with NamespaceCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(CALLS)
        for way in ("both", "out", "in"):
            leader = cluster.leader()
            others = [i for i in (1, 2, 3) if i != leader]
            cluster.drop(leader, way)
            check(cluster.leader(others) in others, "nobody else leads")
            recorder.take(CALLS)
            cluster.heal()
            cluster.await_all_answer()
            leader = cluster.leader()
            before = cluster.rounds()
            follower = next(i for i in (1, 2, 3) if i != leader)
            cluster.drop(follower, way)
            recorder.take(CALLS)
            cluster.heal()
            cluster.await_that(lambda: (cluster.quick_status(follower) or {}).get("leader") == leader,
                               "the follower follows again")
            cluster.await_all_answer()
            check(cluster.rounds() == before, f"a follower that was cut off ({way}) moved the ballot")
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def loss_and_duplicates():
    """Packets are lost and doubled: commits go on, and are right."""
    if WHY_NOT:
        return WHY_NOT
    with NamespaceCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(CALLS)
        # With a fifth of all packets lost TCP waits for itself most of the time: fewer calls.
        for percent, share in ((1, 1), (5, 1), (20, 5)):
            cluster.lose(percent)
            recorder.take(max(20, CALLS // share))
        cluster.heal()
        recorder.take(CALLS)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def snapshots(cluster, replica):
    return cluster.text_of_log(replica).count("event=snapshot-begins")


def patience(cluster, replica):
    """Seconds that the link takes for four times the store: a second snapshot may follow the first."""
    size = os.stat(f"{cluster.data(replica)}/store/data.mdb").st_blocks * 512
    return 60 + 4 * size / 125000


def narrow_link_and_snapshot():
    """A snapshot to a follower behind 1 Mbit a second, under load: nobody is elected."""
    if WHY_NOT:
        return WHY_NOT
    with NamespaceCluster(submit_timeout_ms=1000, snapshot_lag=50) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(CALLS)
        leader = cluster.leader()
        follower = next(i for i in (1, 2, 3) if i != leader)
        # It may get along with pieces of the log: then once more.
        for _ in range(5):
            cluster.drop(follower, "both")
            recorder.take(6 * CALLS)
            cluster.limit(follower)
            before = cluster.rounds()
            cluster.clear(follower)
            target = cluster.quick_status(leader)["slot"]
            cluster.await_that(lambda: (cluster.quick_status(follower) or {"slot": 0})["slot"] >= target,
                               "the follower has caught up", patience(cluster, leader))
            recorder.take(CALLS)
            check(cluster.rounds() == before and cluster.leader() == leader, "bulk data made an election")
            cluster.heal()
            if snapshots(cluster, follower):
                break
        recorder.take(CALLS)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())
        if snapshots(cluster, follower) == 0:
            return "the follower always got along with pieces of the log"
    return None


main([cut_off, loss_and_duplicates, narrow_link_and_snapshot])
