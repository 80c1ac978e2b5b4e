# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster with a network namespace for each replica: veth pairs and a bridge, nftables and tbf.

Needs root and the right to make namespaces; possible() says so. Names carry the process id, and
what a process that is gone has left behind is removed at the next start.
"""
import os
import random
import re
import subprocess
import sys

from badnet import BIN, MadeCluster
from harness import Failure


def sh(*command, status=0, text=None):
    done = subprocess.run(command, capture_output=True, text=True, input=text, check=False)
    if status is not None and done.returncode != status:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
    return done


def remove_left_behind():
    """Namespaces and bridges of runs that are over."""
    for line in sh("ip", "netns", "list").stdout.splitlines():
        found = re.match(r"rsm(\d+)-\d+", line)
        if found and not os.path.exists(f"/proc/{found.group(1)}"):
            sh("ip", "netns", "del", found.group(0), status=None)
    for line in sh("ip", "-o", "link", "show", "type", "bridge").stdout.splitlines():
        found = re.match(r"\d+: (rsm(\d+)b):", line)
        if found and not os.path.exists(f"/proc/{found.group(2)}"):
            sh("ip", "link", "del", found.group(1), status=None)


def possible():
    """None, or why not."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"rsm{os.getpid()}-0"
    try:
        remove_left_behind()
        sh("ip", "netns", "add", name)
        try:
            sh("ip", "netns", "exec", name, "nft", "add", "table", "inet", "t")
        finally:
            sh("ip", "netns", "del", name, status=None)
    except (Failure, OSError) as why:
        return f"no network namespaces or no nftables here: {why}"
    return None


class NamespaceCluster(MadeCluster):
    def __init__(self, replicas=3, **settings):
        super().__init__(replicas)
        self.settings = settings
        self.prefix = f"rsm{os.getpid()}"
        self.net = f"10.{random.randint(64, 250)}.{random.randint(0, 250)}"
        self.up = False

    def name(self, replica):
        return f"{self.prefix}-{replica}"

    def address(self, replica):
        return f"{self.net}.{replica}"

    def within(self, replica, *command):
        return sh("ip", "netns", "exec", self.name(replica), *command)

    def build(self):
        self.up = True
        bridge = self.prefix + "b"
        sh("ip", "link", "add", bridge, "type", "bridge")
        sh("ip", "addr", "add", f"{self.net}.254/24", "dev", bridge)
        sh("ip", "link", "set", bridge, "up")
        for i in range(1, self.replicas + 1):
            outside = f"{self.prefix}v{i}"
            sh("ip", "netns", "add", self.name(i))
            sh("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self.name(i))
            sh("ip", "link", "set", outside, "master", bridge, "up")
            self.within(i, "ip", "addr", "add", f"{self.address(i)}/24", "dev", "eth0")
            self.within(i, "ip", "link", "set", "eth0", "up")
            self.within(i, "ip", "link", "set", "lo", "up")

    def __enter__(self):
        members = {i: (f"{self.address(i)}:4101", f"{self.address(i)}:4101", f"{self.address(i)}:4001")
                   for i in range(1, self.replicas + 1)}
        try:
            self.build()
            self.make(members)
            for i in members:
                self.launch(i)
            self.await_served()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def launch(self, replica):
        """Starts one, in its namespace; the pid is rsmd's own, for ip ends in it."""
        with open(f"{self.dir}/replica-{replica}/log", "a", encoding="ascii") as log:
            child = self.start("ip", "netns", "exec", self.name(replica), f"{BIN}/rsmd", "--config",
                               f"{self.dir}/replica-{replica}/rsmd.conf", stdout=log, stderr=log,
                               stdin=subprocess.DEVNULL)
        with open(f"{self.dir}/replica-{replica}/pid", "w", encoding="ascii") as file:
            file.write(f"{child.pid}\n")

    def stop(self):
        for child in self.children:
            if child.args[0] == "ip" and child.poll() is None:
                child.terminate()
        for child in self.children:
            if child.args[0] == "ip":
                child.wait()

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        if self.up:
            for i in range(1, self.replicas + 1):
                sh("ip", "netns", "del", self.name(i), status=None)
                sh("ip", "link", "del", f"{self.prefix}v{i}", status=None)
            sh("ip", "link", "del", self.prefix + "b", status=None)

    # ---- faults; each heal() takes all of them away ----

    def rules(self, replica, incoming=(), outgoing=(), doubled=False):
        """nftables of one replica's namespace."""
        lines = ["table inet rsm {", "chain in {", "type filter hook input priority 0;", *incoming, "}",
                 "chain out {", "type filter hook output priority 0;", *outgoing, "}", "}"]
        if doubled:
            lines += ["table ip twice {", "chain out {", "type filter hook output priority 0;",
                      *[f"ip daddr {self.address(i)} numgen random mod 10 < 2 dup to {self.address(i)}"
                        for i in range(1, self.replicas + 1) if i != replica], "}", "}"]
        text = "\n".join(lines) + "\n"
        self.clear(replica)
        sh("ip", "netns", "exec", self.name(replica), "nft", "-f", "-", text=text)

    def clear(self, replica):
        sh("ip", "netns", "exec", self.name(replica), "nft", "flush", "ruleset")

    def drop(self, replica, way):
        """Nothing between this replica and the others passes, one way or both; clients are spared."""
        others = "{ " + ", ".join(self.address(i) for i in range(1, self.replicas + 1) if i != replica) + " }"
        incoming = [f"ip saddr {others} drop"] if way in ("in", "both") else []
        outgoing = [f"ip daddr {others} drop"] if way in ("out", "both") else []
        self.rules(replica, incoming, outgoing)

    def lose(self, percent, doubled=True):
        """So many packets in a hundred, of everything that comes in, everywhere; some come twice."""
        for i in range(1, self.replicas + 1):
            self.rules(i, [f"ip saddr {self.net}.0/24 numgen random mod 100 < {percent} drop"], (), doubled)

    def limit(self, replica, rate="1mbit"):
        """What is sent to a replica: so much a second, and it waits in a queue."""
        sh("tc", "qdisc", "replace", "dev", f"{self.prefix}v{replica}", "root", "tbf", "rate", rate,
           "burst", "16kb", "latency", "200ms")

    def heal(self):
        for i in range(1, self.replicas + 1):
            self.clear(i)
            sh("tc", "qdisc", "del", "dev", f"{self.prefix}v{i}", "root", status=None)
