#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of concurrent clients of a real cluster, judged: undisturbed, and under kill -9.

RSM_SEED is the first seed, RSM_LIN_HISTORIES how many histories of each sort, RSM_LIN_CALLS how
many answered calls each has.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import Cluster, main  # noqa: E402
from recorder import Recorder, check_logs  # noqa: E402

SEED = int(os.environ.get("RSM_SEED", "1"))
HISTORIES = int(os.environ.get("RSM_LIN_HISTORIES", "2"))
CALLS = int(os.environ.get("RSM_LIN_CALLS", "1200"))


def healthy():
    with Cluster() as cluster:
        acknowledged = {}
        for seed in range(SEED, SEED + HISTORIES):
            recorder = Recorder(cluster, clients=8, keys=4, seed=seed).start()
            recorder.take(CALLS)
            print("note:", recorder.finish())
            acknowledged.update(recorder.applied())
        check_logs(cluster, acknowledged)


def kill_9():
    """A random replica dies and comes back, again and again."""
    with Cluster() as cluster:
        acknowledged = {}
        for seed in range(SEED, SEED + HISTORIES):
            dice = random.Random(seed)
            recorder = Recorder(cluster, clients=8, keys=4, seed=seed).start()
            for _ in range(5):
                recorder.take(CALLS // 10)
                replica = str(dice.randint(1, 3))
                cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
                recorder.take(CALLS // 10)
                cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", replica)
            print(f"note: seed {seed}:", recorder.finish())
            acknowledged.update(recorder.applied())
        check_logs(cluster, acknowledged)


main([healthy, kill_9])
