#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long nobody's writes are acknowledged after kill -9 of the leader, and how long a start takes.

Measured and printed, not judged: figures of a shared machine. Eight clients write without pause;
the gap is the longest time between two acknowledgements, to whomever, around the kill. With
"silent" the leader is stopped (SIGSTOP) instead, so that no connection breaks: as when its machine
is gone. Three replicas, times in milliseconds. RSM_ROUNDS: 20 of each.
"""
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import BIN, Cluster, await_end, check, wire  # noqa: E402

ROUNDS = int(os.environ.get("RSM_ROUNDS", "20"))
CLIENTS = 8
ZONE_TEXT = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
# Of docs/operations.md, "How fast a dead leader is replaced".
TUNED = {"tick_ms": 5, "heartbeat_ticks": 4, "election_ticks_min": 14, "election_ticks_max": 24}


class Writers:
    """The clients, and when they were answered."""

    def __init__(self, cluster, endpoints=None):
        self.lock = threading.Condition()
        self.times = []  # (ns, client), roughly in order
        self.children = []
        for i in range(CLIENTS):
            key = cluster.automaton(f"writer-{i}", "rrset.change,load.example")
            child = cluster.start(f"{BIN}/test-load", endpoints or cluster.endpoints, key, wire("load.example").hex(), "times",
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.children.append(child)
            threading.Thread(target=self.read, args=(i, child), daemon=True).start()

    def read(self, number, child):
        for line in child.stdout:
            words = line.split()
            check(words[0] == "acked", f"a writer was told: {line!r}")
            with self.lock:
                self.times.append((int(words[3]), number))
                self.lock.notify_all()

    def wait(self, after_ns, count):
        """Until every client has so many answers after a moment."""
        with self.lock:
            while True:
                seen = [0] * CLIENTS
                for at, number in reversed(self.times):
                    if at < after_ns - 10**9:
                        break
                    seen[number] += at > after_ns
                if min(seen) >= count:
                    return
                check(self.lock.wait(30), "a writer is not answered for 30 seconds")

    def gaps(self, moment_ns):
        """The longest gap around a moment, over all, and of the client that waited longest."""
        with self.lock:
            times = sorted(t for t in self.times if t[0] > moment_ns - 10**9)
        over_all, worst, last, lasts = 0, 0, None, {}
        for at, number in times:
            if at > moment_ns:
                over_all = max(over_all, at - (last or moment_ns))
                worst = max(worst, at - lasts.get(number, moment_ns))
            last = lasts[number] = at
        return over_all / 1e6, worst / 1e6


    def waits(self, after_ns):
        """Times from one answer to the next of the same client, ms; it asks again at once."""
        with self.lock:
            times = [t for t in self.times if t[0] > after_ns]
        lasts, found = {}, []
        for at, number in sorted(times):
            if number in lasts:
                found.append((at - lasts[number]) / 1e6)
            lasts[number] = at
        return sorted(found)


def line(name, values):
    values = sorted(values)
    print(f"{name:34} median {statistics.median(values):6.0f}   90 % {values[int(len(values) * 0.9)]:6.0f}"
          f"   max {values[-1]:6.0f}   ({len(values)} times)")
    sys.stdout.flush()


def pid_of(cluster, replica):
    with open(f"{cluster.dir}/replica-{replica}/pid", encoding="ascii") as file:
        return int(file.read())


def leader_of(cluster):
    while True:
        for i in range(1, cluster.replicas + 1):
            status = cluster.status(i)
            if status.get("is_leader"):
                return i


def lines_of(settings):
    return "".join(f"{key} = {value}\n" for key, value in settings.items())


def failover(name, settings, silent):
    over_all, worst = [], []
    with Cluster() as cluster:
        if settings:
            cluster.restart_with(lines_of(settings))
        cluster.ctl("zone", "create", "load.example", "-", text=ZONE_TEXT)
        writers = Writers(cluster)
        writers.wait(0, 20)
        for _ in range(ROUNDS):
            leader = leader_of(cluster)
            pid = pid_of(cluster, leader)
            moment = time.monotonic_ns()
            os.kill(pid, signal.SIGSTOP if silent else signal.SIGKILL)
            # Clients that talk to a silent replica give it up after 5 seconds; the others go on.
            if silent:
                time_end = moment + 2 * 10**9
                while time.monotonic_ns() < time_end:
                    with writers.lock:
                        writers.lock.wait(0.1)
                os.kill(pid, signal.SIGCONT)
            else:
                await_end(pid)
                cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(leader))
            writers.wait(time.monotonic_ns(), 50)
            gap, of_one = writers.gaps(moment)
            over_all.append(gap)
            worst.append(of_one)
        for child in writers.children:
            child.stdin.close()
    line(f"{name}, nobody is answered", over_all)
    line(f"{name}, the client that waits longest", worst)


def stopped_follower():
    """What a follower that stands still costs the others' clients."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "load.example", "-", text=ZONE_TEXT)
        leader = leader_of(cluster)
        follower = leader % 3 + 1
        writers = Writers(cluster, ",".join(cluster.endpoint(i) for i in (1, 2, 3) if i != follower))
        writers.wait(0, 200)
        for name, number in (("all three", signal.SIGCONT), ("a follower stopped", signal.SIGSTOP)):
            os.kill(pid_of(cluster, follower), number)
            moment = time.monotonic_ns()
            writers.wait(moment, 1000)
            waits = writers.waits(moment)
            print(f"{'commit, ' + name:34} median {statistics.median(waits):6.1f}   99 % {waits[int(len(waits) * 0.99)]:6.1f}   ({len(waits)} writes)")
        os.kill(pid_of(cluster, follower), signal.SIGCONT)
        for child in writers.children:
            child.stdin.close()


def start_once(cluster, command):
    """From the start of three processes to the end of a tool that writes; all of it."""
    logs = open(os.path.join(cluster.work, "start-log"), "a", encoding="ascii")
    begin = time.monotonic_ns()
    for i in (1, 2, 3):
        cluster.start(f"{BIN}/rsmd", "--config", f"{cluster.dir}/replica-{i}/rsmd.conf", stdout=logs, stderr=logs)
    cluster.ctl(*command)
    took = (time.monotonic_ns() - begin) / 1e6
    logs.close()
    for child in cluster.children[-3:]:
        child.kill()
        child.wait()
    return took


class StoppedCluster(Cluster):
    """Made, and not running."""

    def __enter__(self):
        super().__enter__()
        self.stop()
        for i in (1, 2, 3):
            subprocess.run(["rm", "-rf", self.data(i)], check=True)
        return self


def starts(name, settings):
    took = []
    for _ in range(ROUNDS):
        with StoppedCluster() as cluster:
            if settings:
                cluster.add_settings(lines_of(settings))
            with open(os.path.join(cluster.work, "zone"), "w", encoding="ascii") as file:
                file.write(ZONE_TEXT)
            took.append(start_once(cluster, ("zone", "create", "load.example", os.path.join(cluster.work, "zone"))))
    line(f"{name}, empty, to the first write", took)
    took = []
    with Cluster() as cluster:
        if settings:
            cluster.add_settings(lines_of(settings))
        cluster.ctl("zone", "create", "load.example", "-", text=ZONE_TEXT)
        writers = Writers(cluster)
        writers.wait(0, 10000 // CLIENTS)
        for child in writers.children:
            child.kill()
        for i in (1, 2, 3):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(i))
        for i in range(ROUNDS):
            took.append(start_once(cluster, ("record", "set", "load.example", "www", str(60 + i), "A", "192.0.2.2")))
    line(f"{name}, 10,000 changes, after kill -9", took)


def main():
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, data in {tempfile.gettempdir()}")
    stopped_follower()
    for name, settings in (("default", {}), ("one region", TUNED)):
        failover(f"{name}: kill -9", settings, False)
        failover(f"{name}: silent", settings, True)
        starts(f"{name}: start", settings)


main()
