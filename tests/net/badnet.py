# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters whose replicas talk over a network that can be made bad: by the relay, without root."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import BIN, Cluster, Failure, await_end, check  # noqa: E402
from ports import free_ports  # noqa: E402

ZONES = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e"]


class MadeCluster(Cluster):
    """A cluster with addresses and settings of our own choice, started by `dev up`."""

    settings = {}

    def make(self, members):
        """`members`: id -> (peer address of the genesis, address to listen on, client address)."""
        arguments = []
        for i, (peer, _, client) in members.items():
            arguments += ["--member", f"{i},{ZONES[i - 1]},{peer},{client}"]
        self.ctl("cluster", "init", "--dir", self.dir, "--name", "dev", "--admin", "admin@dev",
                 "--person", "developer", "--plain", *arguments, cluster=False)
        self.endpoints = ",".join(client for _, _, client in members.values())
        self.key = os.path.join(self.dir, "admin.key")
        with open(os.path.join(self.dir, "endpoints"), "w", encoding="ascii") as file:
            file.write(self.endpoints + "\n")
        for i, (peer, listen, _) in members.items():
            path = f"{self.dir}/replica-{i}/rsmd.conf"
            with open(path, encoding="ascii") as file:
                text = file.read()
            check(f"peer_listen = {peer}" in text, f"no peer_listen in {text}")
            text = text.replace(f"peer_listen = {peer}", f"peer_listen = {listen}")
            with open(path, "w", encoding="ascii") as file:
                file.write(text + "".join(f"{key} = {value}\n" for key, value in self.settings.items()))

    def pid(self, replica):
        with open(f"{self.dir}/replica-{replica}/pid", encoding="ascii") as file:
            return int(file.read())

    def signal(self, replica, number):
        os.kill(self.pid(replica), number)

    def await_end(self, replica):
        await_end(self.pid(replica))

    def set_clock(self, replica, ms):
        """With `clock_offset_file = clock`. Written over what is there: the process has the file open."""
        file = os.open(f"{self.dir}/replica-{replica}/clock", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(file, f"{ms}\n".ljust(24).encode())
        os.close(file)

    def runs(self, replica):
        """Not gone, and not waiting to be collected."""
        try:
            with open(f"/proc/{self.pid(replica)}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def leader(self, among=None, patience=30):
        """Who leads and can; the one with the highest ballot when several believe it."""
        end = time.monotonic() + patience
        while True:
            best = None
            for i in among or range(1, self.replicas + 1):
                status = self.quick_status(i)
                if status and status.get("is_leader") and (best is None or status["ballot_round"] > best[0]):
                    best = (status["ballot_round"], i)
            if best:
                return best[1]
            check(time.monotonic() < end, f"no leader after {patience} s")

    def quick_status(self, replica):
        """The status, or None when there is none within a second."""
        done = self.ctl("status", "--output", "jsonl", "--timeout", "1s", endpoints=self.endpoint(replica), status=None)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        status = json.loads(lines[0]) if lines else {}
        return status if "slot" in status else None

    def rounds(self):
        """The highest ballot round that any replica knows of."""
        seen = [self.quick_status(i) for i in range(1, self.replicas + 1)]
        return max(s["ballot_round"] for s in seen if s)

    def await_that(self, holds, what, patience=30, about=lambda: ""):
        """`about` says more, if it comes to that."""
        end = time.monotonic() + patience
        while not holds():
            if time.monotonic() >= end:
                raise Failure(f"not so after {patience} s: {what}\n{about()}")

    def await_all_answer(self):
        """The leader has answers from every peer to what it sent after this call (there must be load).

        After a heal a connection says nothing until TCP repeats what was lost, though a status may
        already look well; whoever cuts another replica off then takes the majority away.
        """
        since = self.quick_status(self.leader())["slot"] + 1

        def holds():
            leader = self.leader()
            status = self.quick_status(leader) or {"is_leader": False}
            return status["is_leader"] and all(p["applied"] > since for p in status["peers"] if p["replica"] != leader)
        self.await_that(holds, "the leader hears every peer")

    def await_served(self):
        """Each answers a read that a majority confirms."""
        for i in range(1, self.replicas + 1):
            self.ctl("zone", "list", endpoints=self.endpoint(i))


def relayed(replicas):
    """Members whose peers find them at the relay; and the relay's routes."""
    ports = free_ports(3 * replicas)
    members, routes = {}, []
    for i in range(1, replicas + 1):
        relay, peer, client = ports[3 * i - 3:3 * i]
        members[i] = (f"127.0.0.1:{relay}", f"127.0.0.1:{peer}", f"127.0.0.1:{client}")
        routes.append(f"{i}:{relay}:{peer}")
    return members, routes


class RelayCluster(MadeCluster):
    """All peers' links go through the relay."""

    def __init__(self, replicas=3, **settings):
        super().__init__(replicas)
        self.settings = settings
        self.relay = None

    def __enter__(self):
        members, routes = relayed(self.replicas)
        try:
            self.make(members)
            self.start_relay(routes)
            self.ctl("dev", "up", "--dir", self.dir, cluster=False)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def start_relay(self, routes):
        self.relay = self.start(f"{BIN}/relay", *routes, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.relay.stdout.readline() == "ok\n", "the relay does not start")

    def order(self, *words):
        self.relay.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.relay.stdin.flush()
        check(self.relay.stdout.readline() == "ok\n", f"the relay did not take {words}")

    def cut(self, one, other, on=1):
        self.order("set", one, other, "cut", on)

    def isolate(self, replica, way):
        """`way`: out (nothing of it is heard), in (it hears nothing), or both."""
        if way in ("out", "both"):
            self.cut(replica, 0)
        if way in ("in", "both"):
            self.cut(0, replica)

    def heal(self):
        self.order("heal")


class Pace:
    """A fault that goes on and off by itself while something else is tested."""

    def __init__(self, period, steps):
        self.period = period
        self.steps = steps
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.count = 0

    def run(self):
        while not self.over.wait(self.period):
            self.steps[self.count % len(self.steps)]()
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


STOP, CONTINUE, KILL, TERM = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL, signal.SIGTERM
