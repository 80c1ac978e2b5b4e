#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of concurrent clients of a real cluster, judged: undisturbed, and under kill -9.

RSM_SEED is the first seed, RSM_LIN_HISTORIES how many histories of each sort, RSM_LIN_CALLS how
many answered calls each has. RSM_LIN_BESIDE of them are recorded at the same time, each with clients
and keys of its own. A cluster has A_CLUSTER of them, so that its logs can be compared in memory, which is
done with the first of RSM_LIN_LOGS clusters: it takes as long as recording. Every history is judged.
"""
import contextlib
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import BIN, Cluster, check, main  # noqa: E402
from recorder import Recorder, check_logs  # noqa: E402

SEED = int(os.environ.get("RSM_SEED", "1"))
HISTORIES = int(os.environ.get("RSM_LIN_HISTORIES", "2"))
CALLS = int(os.environ.get("RSM_LIN_CALLS", "1200"))
BESIDE = int(os.environ.get("RSM_LIN_BESIDE", "1"))
LOGS = int(os.environ.get("RSM_LIN_LOGS", "1"))
A_CLUSTER = 100
KILLS = 5


def parts(seeds, size):
    return [seeds[i:i + size] for i in range(0, len(seeds), size)]


class Tally:
    """Of many histories, each of which is right."""

    def __init__(self):
        self.calls = self.unknown = self.over = self.late = 0

    def add(self, said, recorder):
        calls, unknown = re.match(r"linearizable, (\d+) operations \((\d+) unknown\)", said).groups()
        self.calls += int(calls)
        self.unknown += int(unknown)
        self.over += recorder.over
        self.late += recorder.late

    def __str__(self):
        return f"{self.calls} operations ({self.unknown} unknown), {self.over} over another's, {self.late} too late"


def record(cluster, seeds, acknowledged, tally, meanwhile):
    """Histories at the same time, while meanwhile(recorders) does what it does."""
    with contextlib.ExitStack() as stack:
        recorders = [Recorder(cluster, clients=8, keys=4, seed=seed, crew=crew).start() for crew, seed in enumerate(seeds)]
        for recorder in recorders:
            stack.callback(recorder.end)
        meanwhile(recorders)
        for recorder in recorders:
            recorder.reach(CALLS)
            recorder.end()
    for recorder in recorders:
        tally.add(recorder.finish(), recorder)
        acknowledged.update(recorder.applied())
        os.unlink(recorder.path)


def histories(meanwhile):
    for number, of_one in enumerate(parts(range(SEED, SEED + HISTORIES), A_CLUSTER)):
        with Cluster() as cluster:
            acknowledged = {}
            tally = Tally()
            for seeds in parts(of_one, BESIDE):
                record(cluster, seeds, acknowledged, tally, lambda recorders: meanwhile(cluster, recorders))
            if number % LOGS == 0:
                check_logs(cluster, acknowledged)
        print(f"note: seeds {of_one[0]} to {of_one[-1]}: linearizable, {tally}", flush=True)
        check(tally.over > 0 and tally.late > 0, f"the clients are no rivals: {tally}")


def healthy():
    histories(lambda _cluster, _recorders: None)


def kill_9():
    """A random replica dies and comes back, again and again."""
    def kills(cluster, recorders):
        dice = random.Random(recorders[0].seed)
        for kill in range(KILLS):
            replica = str(dice.randint(1, 3))
            recorders[0].reach(CALLS * (2 * kill + 1) // (2 * KILLS))
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
            recorders[0].reach(CALLS * (2 * kill + 2) // (2 * KILLS))
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", replica)
    histories(kills)


def what_is_no_history():
    """Nothing is said to be right of a file that says nothing, or cannot be read."""
    with tempfile.TemporaryDirectory(prefix="rsm-test.") as folder:
        texts = {"empty": "", "words": "call it a day\n", "cut": "call 1 0 5 read k0\ndone 1 9 re"}
        paths = [folder, os.path.join(folder, "missing")]
        for name, text in texts.items():
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "w", encoding="ascii") as file:
                file.write(text)
        for path in paths:
            done = subprocess.run([f"{BIN}/lin-check", path], capture_output=True, text=True, check=False)
            check(done.returncode == 1 and ": linearizable" not in done.stdout, f"{path}: {done.returncode}: {done.stdout}")


main([healthy, kill_9, what_is_no_history])
