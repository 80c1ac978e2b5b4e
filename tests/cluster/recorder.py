# SPDX-License-Identifier: GPL-3.0-or-later
"""Concurrent clients beside a test, and the judgement of what they were told (tests/lin)."""
import os
import subprocess
import threading
import time

from harness import BIN, BUDGET, Failure, check, wire

ZONE = "lin.example"
ZONE_TEXT = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
PATIENCE = 60  # seconds without an answer to anybody: a test that waits for ever says nothing


class Recorder:
    """`clients` authors with a thread each, over `keys` shared keys, until finish(). Recorders at the same
    time have different seeds, so that their keys differ, and different `crews`, so that their authors do."""

    def __init__(self, cluster, clients=6, keys=3, seed=1, endpoints=None, crew=None):
        self.cluster = cluster
        self.names = [f"lin-{i}" if crew is None else f"lin-{crew}-{i}" for i in range(clients)]
        self.keys = keys
        self.seed = seed
        self.endpoints = endpoints or cluster.endpoints
        self.path = os.path.join(cluster.work, f"history-{seed}")
        self.count = 0
        self.over = self.late = 0  # what rivals did, known once it is judged
        self.changed = threading.Condition()
        self.process = None

    def prepare(self):
        """The zone, a role and a principal for each client; the first time."""
        keys = [os.path.join(self.cluster.work, f"{name}.key") for name in self.names]
        done = self.cluster.ctl("zone", "create", ZONE, "-", text=ZONE_TEXT, status=None)
        if done.returncode == 0:
            self.cluster.ctl("role", "set", "lin", f"rrset.change,{ZONE}")
            # All clients are automata that change what the others made, as often as they like.
            self.cluster.ctl("policy", "set", "rejections_per_minute=100000", "ownership=0")
        for name, key in zip(self.names, keys):
            if not os.path.exists(key):
                public = self.cluster.ctl("keygen", name, "--plain", "--out", key).stdout.strip()
                self.cluster.ctl("principal", "set", name, "--kind", "automaton", "--role", "lin",
                                 "--public-key", public, *BUDGET)
        return keys

    def start(self):
        keys = self.prepare()
        self.process = self.cluster.start(f"{BIN}/lin-record", self.endpoints, wire(ZONE).hex(), self.path,
                                          str(self.seed), str(self.keys), *keys, stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        return self

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.count = int(line.split()[1])
                self.changed.notify_all()
        with self.changed:
            self.count = None
            self.changed.notify_all()

    def take(self, more, patience=PATIENCE):
        """Waits until so many more calls are answered."""
        self.reach((self.count or 0) + more, patience)

    def reach(self, target, patience=PATIENCE):
        """Waits until so many calls are answered in all."""
        with self.changed:
            end = time.monotonic() + patience
            while self.count is not None and self.count < target:
                left = end - time.monotonic()
                check(left > 0, f"after {patience} s only {self.count} of {target} calls are answered")
                self.changed.wait(left)
            check(self.count is not None, "the recorder has ended by itself")

    def finish(self):
        """Ends the clients and judges the history; what lin-check said of it."""
        self.end()
        check(self.process.wait(timeout=PATIENCE) == 0, "the recorder failed")
        return self.judge()

    def end(self):
        """Tells the clients to begin nothing more."""
        if not self.process.stdin.closed:
            self.process.stdin.close()

    def judge(self):
        done = subprocess.run([f"{BIN}/lin-check", self.path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"seed {self.seed}:\n{done.stdout[-6000:]}\nkept: {self.keep()}")
        return f"{done.stdout.strip().rsplit(': ', 1)[-1]}, {self.rivalry()}"

    def rivalry(self):
        """A long history in which nobody wrote over another's value, or nobody came too late, has shown nothing."""
        others, count = 0, 0
        self.over = self.late = 0
        for (outcome, *_), token, sight in self.changes():
            count += 1
            self.over += outcome == "applied" and sight != "-" and sight.lstrip("~").split(".")[0] != token.lstrip("~").split(".")[0]
            self.late += outcome == "conflict"
            others += outcome == "other"
        said = f"{self.over} over another's, {self.late} too late, {others} refused otherwise"
        check(count < 100 or (self.over > 0 and self.late > 0), f"seed {self.seed}: the clients are no rivals: {said}")
        return said

    def keep(self):
        """A copy of a history that is not right, for whoever looks into it."""
        folder = os.environ.get("RSM_KEEP")
        if not folder:
            return "nothing: RSM_KEEP names no folder"
        path = os.path.join(folder, f"history-{os.path.basename(self.cluster.work)}-{self.seed}")
        with open(self.path, "rb") as source, open(path, "wb") as target:
            target.write(source.read())
        return path

    def changes(self):
        """(outcome and its slot, token, token of what its author had seen) of each change with an outcome."""
        calls = {}
        with open(self.path, encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] == "call" and words[4] == "change":
                    calls[words[1]] = words[6:8]
                elif words[0] == "done" and words[1] in calls:
                    yield words[3:], *calls[words[1]]

    def applied(self):
        """(author, counter) -> (slot, token): what was acknowledged as applied."""
        found = {}
        for outcome, token, _ in self.changes():
            if outcome[0] == "applied":
                author, counter, _ = token.lstrip("~").split(".")
                found[(author, int(counter))] = (int(outcome[1]), token)
        return found


def check_logs(cluster, acknowledged, replicas=None):
    """Stops the cluster: all logs verify and are equal; each acknowledged command is there once."""
    replicas = replicas or range(1, cluster.replicas + 1)
    settle(cluster, replicas)
    cluster.stop()
    slots = cluster.verify_equal(replicas)
    for replica in replicas:
        found = {}
        for slot in cluster.log(replica):
            for verdict in slot.get("verdicts", []):
                if verdict["verdict"] == "applied" and not verdict.get("duplicate"):
                    found.setdefault((verdict["author"], verdict["counter"]), []).append(slot["slot"])
        for name, (slot, _) in acknowledged.items():
            check(found.get(name) == [slot], f"replica {replica}: {name} acknowledged in slot {slot}, found in {found.get(name)}")
        doubled = [name for name, slots in found.items() if len(slots) > 1]
        check(not doubled, f"replica {replica}: applied twice: {doubled[:5]}")
    return slots


def settle(cluster, replicas):
    """Waits until all have applied the same slot and nothing moves."""
    end = time.monotonic() + PATIENCE
    before = None
    while True:
        slots = [cluster.status(i).get("slot") for i in replicas]
        if None not in slots and len(set(slots)) == 1 and slots == before:
            return
        before = slots
        check(time.monotonic() < end, f"after {PATIENCE} s the replicas are still at {slots}")
