#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to processes and their clocks: stopped and continued, all killed at once, clocks set
by an hour and by ten years, a log that nobody reads, no descriptors left, a directory used twice.

Histories are judged and logs verified where clients are about. RSM_ROUNDS: how often each.
"""
import os
import resource
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from badnet import BIN, CONTINUE, KILL, STOP, MadeCluster, check, free_ports  # noqa: E402
from harness import main  # noqa: E402
from recorder import Recorder, check_logs  # noqa: E402

SEED = int(os.environ.get("RSM_SEED", "1"))
ROUNDS = int(os.environ.get("RSM_ROUNDS", "2"))
HOUR = 3600 * 1000
YEARS = 10 * 365 * 24 * HOUR


class PlainCluster(MadeCluster):
    """On loopback; each replica's clock is ours to set."""

    def __init__(self, replicas=3, **settings):
        super().__init__(replicas)
        self.settings = dict(settings, clock_offset_file="clock")

    def __enter__(self):
        ports = free_ports(2 * self.replicas)
        members = {}
        for i in range(1, self.replicas + 1):
            peer, client = f"127.0.0.1:{ports[2 * i - 2]}", f"127.0.0.1:{ports[2 * i - 1]}"
            members[i] = (peer, peer, client)
        try:
            self.make(members)
            for i in members:
                self.set_clock(i, 0)
            self.ctl("dev", "up", "--dir", self.dir, cluster=False)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def others(self, replica):
        return [i for i in range(1, self.replicas + 1) if i != replica]

    def kill(self, replica):
        self.ctl("dev", "kill", "--dir", self.dir, "--replica", str(replica))

    def up(self, replica):
        self.ctl("dev", "start", "--dir", self.dir, "--replica", str(replica))


def stopped_leader():
    """SIGSTOP for longer than the election timeout: another leads; continued, it serves nothing stale."""
    with PlainCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        for _ in range(ROUNDS + 1):
            leader = cluster.leader()
            cluster.signal(leader, STOP)
            cluster.leader(cluster.others(leader))
            recorder.take(60)
            cluster.signal(leader, CONTINUE)
            recorder.take(60)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def stopped_follower():
    """The leader stays, and the follower comes back without an election."""
    with PlainCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        leader = cluster.leader()
        before = cluster.rounds()
        for follower in cluster.others(leader) * ((ROUNDS + 1) // 2):
            cluster.signal(follower, STOP)
            recorder.take(100)
            cluster.signal(follower, CONTINUE)
            cluster.await_that(lambda: (cluster.quick_status(follower) or {}).get("leader") == leader, "it follows again")
            recorder.take(30)
        check(cluster.rounds() == before, "the ballot moved")
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def killed_all_at_once():
    """kill -9 of all, again and again: as after a power cut whose writes all reached the disk."""
    with PlainCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        for _ in range(3 * ROUNDS):
            recorder.take(100)
            for i in (1, 2, 3):
                cluster.signal(i, KILL)
            for i in (1, 2, 3):
                cluster.await_end(i)
            cluster.ctl("dev", "up", "--dir", cluster.dir)
        recorder.take(100)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def log_times(cluster, replica):
    """ISO 8601, all of one length and zone: they sort as they are."""
    return [entry["log_time"] for entry in cluster.log(replica)]


def clocks():
    """Set by an hour and ten years either way, of a follower, of the leader, of all: nobody is elected
    for it, commits go on, the log's time follows the majority's clocks and never falls."""
    with PlainCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        before = cluster.rounds()
        for offset in (HOUR, -HOUR, YEARS, -YEARS):
            follower = cluster.others(cluster.leader())[0]
            cluster.set_clock(follower, offset)
            recorder.take(60)
            cluster.set_clock(follower, 0)
        for offset in (-HOUR, HOUR, -YEARS, YEARS):
            leader = cluster.leader()
            cluster.set_clock(leader, offset)
            recorder.take(100)
            cluster.set_clock(leader, 0)
            recorder.take(60)
        off = cluster.quick_status(leader)["log_time_ms"] - 1000 * time.time()
        check(abs(off) < 10000, f"log time is {off} ms off, by the clock of one replica")
        check(cluster.rounds() == before, "a clock moved the ballot")
        for offset in (-HOUR, HOUR, 2 * HOUR, HOUR):
            for i in (1, 2, 3):
                cluster.set_clock(i, offset)
            recorder.take(60)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())
        times = log_times(cluster, 1)
        check(times and times == sorted(times), "the log's time fell")


def blocked_log():
    """Nobody reads the leader's stderr, a full pipe: it goes on, lines are dropped and counted."""
    with PlainCluster(submit_timeout_ms=1000, log_level="debug") as cluster:
        leader = cluster.leader()
        cluster.kill(leader)
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        try:
            while True:
                os.write(write_end, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(write_end, True)
        process = cluster.start(f"{BIN}/rsmd", "--config", f"{cluster.dir}/replica-{leader}/rsmd.conf", stderr=write_end)
        with open(f"{cluster.dir}/replica-{leader}/pid", "w", encoding="ascii") as file:
            file.write(f"{process.pid}\n")
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        for other in cluster.others(leader):
            # Whatever there is to say about peers that come and go.
            cluster.kill(other)
            recorder.take(60)
            cluster.up(other)
        cluster.await_that(lambda: (cluster.quick_status(leader) or {}).get("ready"), "it is ready")
        print("note:", recorder.finish())
        os.set_blocking(read_end, False)
        try:
            while os.read(read_end, 65536):
                pass
        except BlockingIOError:
            pass
        os.set_blocking(read_end, True)
        process.terminate()  # it says so, and what was dropped
        os.close(write_end)
        said = b""
        while True:
            more = os.read(read_end, 65536)
            if not more:
                break
            said += more
        os.close(read_end)
        check(b" dropped=" in said, f"no count of dropped lines in {said[-400:]!r}")
        process.wait()
        cluster.up(leader)
        check_logs(cluster, recorder.applied())


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def no_descriptors():
    """More clients than descriptors: who is connected is served, peers too; later there is room again."""
    with PlainCluster(submit_timeout_ms=1000) as cluster:
        leader = cluster.leader()
        pid = cluster.pid(leader)
        recorder = Recorder(cluster, clients=3, seed=SEED).start()
        recorder.take(100)
        before = cluster.rounds()
        used = len(os.listdir(f"/proc/{pid}/fd"))
        _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 40, most))
        host, port = cluster.endpoint(leader).rsplit(":", 1)
        idle = []
        for _ in range(120):
            s = socket.socket()
            s.settimeout(5)
            s.connect((host, int(port)))
            idle.append(s)
        # The last ones are kept for the journal, the store and the peers: later clients are turned away.
        cluster.await_that(lambda: len(os.listdir(f"/proc/{pid}/fd")) >= used + 12, "the clients have what they may have")
        begin, cpu = os.times().elapsed, cpu_seconds(pid)
        recorder.take(300)
        spent = (cpu_seconds(pid) - cpu) / max(os.times().elapsed - begin, 0.01)
        check(cluster.rounds() == before, "the leader lost its peers")
        for s in idle:
            s.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        cluster.await_that(lambda: cluster.quick_status(leader), "it takes connections again")
        print(f"note: a leader without descriptors used {100 * spent:.0f} % of a core;", recorder.finish())
        check_logs(cluster, recorder.applied())


def directory_twice():
    """A second process on a directory ends with a word; a copy of one that runs harms nothing."""
    with PlainCluster(submit_timeout_ms=1000) as cluster:
        second = subprocess.run([f"{BIN}/rsmd", "--config", f"{cluster.dir}/replica-1/rsmd.conf"],
                                capture_output=True, text=True, timeout=30, check=False)
        check(second.returncode == 1 and "LOCKED" in second.stderr, f"status {second.returncode}: {second.stderr[-300:]}")
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(200)
        clone = cluster.others(cluster.leader())[0]
        copy = os.path.join(cluster.work, "copy")
        subprocess.run(["cp", "-r", f"{cluster.dir}/replica-{clone}", copy], check=True)
        subprocess.run(["rm", "-f", f"{copy}/client.sock"], check=True)
        subprocess.run(["cp", f"{cluster.dir}/genesis", cluster.work], check=True)
        peer, client = free_ports(2)
        with open(f"{copy}/rsmd.conf", encoding="ascii") as file:
            lines = [line for line in file.read().splitlines() if not line.startswith(("peer_listen", "client_listen"))]
        lines += [f"peer_listen = 127.0.0.1:{peer}", f"client_listen = 127.0.0.1:{client}"]
        with open(f"{copy}/rsmd.conf", "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        recorder.take(100)
        with open(os.path.join(cluster.work, "copy-log"), "w", encoding="ascii") as log:
            process = cluster.start(f"{BIN}/rsmd", "--config", f"{copy}/rsmd.conf", stderr=log)
        recorder.take(400)
        for i in cluster.others(clone):
            cluster.await_that(lambda: f"event=peer-doubled peer={clone}" in cluster.text_of_log(i), f"{i} names the copied one")
            cluster.await_that(lambda: "peer-doubled" in (cluster.quick_status(i) or {}).get("alarms", []), "an alarm")
        process.kill()
        process.wait()
        with open(os.path.join(cluster.work, "copy-log"), encoding="utf-8") as file:
            said = file.read()
        if ROUNDS > 1:  # ten seconds
            for i in cluster.others(clone):
                cluster.await_that(lambda: "peer-doubled" not in (cluster.quick_status(i) or {}).get("alarms", ["peer-doubled"]),
                                   "the alarm is over")
        print("note:", recorder.finish())
        print("note: the copy said:", "; ".join(sorted({line.split("event=")[1][:100] for line in said.splitlines() if "warning" in line or "error" in line})))
        check_logs(cluster, recorder.applied())


main([stopped_leader, stopped_follower, killed_all_at_once, clocks, blocked_log, no_descriptors, directory_twice])
