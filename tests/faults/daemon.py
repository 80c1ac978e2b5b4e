#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole rsmd whose n-th call on its data directory fails, for each n and each kind of failure.

A cluster of one replica is prepared; then, for each case, rsmd runs on a copy of its directory with
the shim before it, is given some writes, and is told to stop. It must end with a status (0, 1, 70 or
71, never a signal) or go on and say why it refuses; afterwards a run without faults has every write
that was acknowledged, and rsm-dump verify finds nothing. RSM_FAULT_EVERY=n: each n-th call only.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import BIN, Cluster, check, main # noqa: E402

EVERY = int(os.environ.get("RSM_FAULT_EVERY", "97"))
SHIM = os.environ.get("RSM_SHIM", os.path.join(BIN, "release", "shim.so"))
KINDS = ["EIO", "ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENOMEM", "EINTR", "SHORT", "DROP", "MEMORY"]
ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


class Replica:
    """The one replica of a prepared cluster, on a copy of its directory."""

    def __init__(self, cluster, template):
        self.cluster = cluster
        self.data = cluster.data(1)
        self.home = os.path.dirname(self.data)
        self.template = template

    def restore(self):
        shutil.rmtree(self.data, ignore_errors=True)
        if self.template:
            shutil.copytree(self.template, self.data)
            os.chmod(self.data, 0o700)

    def start(self, environment, log):
        return self.cluster.start(f"{BIN}/rsmd", "--config", f"{self.home}/rsmd.conf", stderr=log,
                                  env=dict(os.environ, **environment))

    def run(self, environment, writes, prefix):
        """Starts, writes, stops; exit status and the acknowledged names."""
        acked = []
        with tempfile.TemporaryFile() as log:
            child = self.start(environment, log)
            try:
                self.wait_until_ready(child, log)
                for i in range(writes):
                    if child.poll() is not None:
                        break
                    done = self.cluster.ctl("record", "set", "a.example", f"{prefix}{i}", "60", "TXT",
                                            " ".join(['"' + "x" * 250 + '"'] * 8), "--timeout", "2s",
                                            status=None)
                    if done.returncode == 0:
                        acked.append(f"{prefix}{i}")
                    elif "DISK_FULL" not in done.stderr and child.poll() is None and "READ_ONLY" not in done.stderr:
                        break
            finally:
                if child.poll() is None:
                    child.send_signal(signal.SIGTERM)
                try:
                    status = child.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    child.kill()
                    status = "told to stop, it did not"
            log.seek(0)
            return status, acked, log.read().decode(errors="replace")

    def wait_until_ready(self, child, log):
        """Or until it has ended: that wakes this up, its log is a file and does not."""
        while True:
            log.seek(0)
            if b"event=ready" in log.read():
                return
            try:
                child.wait(timeout=0.01)
                return
            except subprocess.TimeoutExpired:
                pass


def calls_of(report):
    """0 when the test's signal came between the making of the report and its writing."""
    with open(report, encoding="ascii") as file:
        words = file.read().split()
        return int(words[0]) if words else 0


def judge(replica, kind, at, writes):
    report = os.path.join(replica.cluster.work, "report")
    environment = {"LD_PRELOAD": SHIM, "FAULT_DIR": replica.data, "FAULT_AT": str(at), "FAULT_KIND": kind,
                   "FAULT_CLASS": "file", "FAULT_REPORT": report}
    if kind == "MEMORY":
        environment.update(FAULT_KIND="ENOMEM", FAULT_CLASS="memory")
    replica.restore()
    what = f"call {at} {kind}"
    status, acked, log = replica.run(environment, writes, "faulty")
    # The signal of the test may find it at its last steps, when nobody listens any more.
    check(status in (0, 1, 70, 71) or (status == -15 and "event=stopped" in log), f"{what}: rsmd ended with {status}:\n{log[-3000:]}")
    calls = calls_of(report) if os.path.exists(report) else 0
    # The same process begins again after some faults: with the shim, until it stops.
    again, after, log = replica.run({}, 1, "sound")
    check(again == 0 and after, f"{what}: the run afterwards ended with {again}, acknowledged {after}:\n{log[-3000:]}")
    _, _, log = replica.run({}, 0, "")
    with tempfile.TemporaryFile() as file:
        child = replica.start({}, file)
        replica.wait_until_ready(child, file)
        listed = replica.cluster.ctl("record", "list", "a.example").stdout
        child.send_signal(signal.SIGTERM)
        child.wait()
    for name in acked + after:
        check(name in listed, f"{what}: {name} was acknowledged and is gone")
    replica.cluster.verify(1)
    return calls


def every_call(template_from, writes):
    with Cluster(1) as cluster:
        cluster.stop()
        cluster.add_settings("segment_size = 65536\nstore_commit_ms = 20\n")
        shutil.rmtree(cluster.data(1))
        replica = Replica(cluster, None)
        with tempfile.TemporaryFile() as log:
            child = replica.start({}, log)
            replica.wait_until_ready(child, log)
            cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
            child.send_signal(signal.SIGTERM)
            check(child.wait() == 0, "the preparation did not stop cleanly")
        template = os.path.join(cluster.work, "template")
        shutil.copytree(cluster.data(1), template)
        replica.template = template
        cases = 0
        for number, kind in enumerate(KINDS):
            calls = judge(replica, kind, 0, writes)
            check(calls > 50, f"the shim saw {calls} calls")
            every = EVERY * 2 if kind == "MEMORY" else EVERY # there are many, and they end alike
            for at in range(1 + number * 11 % every, calls + 1, every):
                judge(replica, kind, at, writes)
                cases += 1
        print(f"note: {cases} cases, {calls} calls in one run")


def a_call_of_a_start_a_write_and_a_stop_fails():
    every_call("", 2)


def a_call_under_many_writes_fails():
    if EVERY > 50 and "RSM_FAULT_ALL" not in os.environ:
        return "only with RSM_FAULT_EVERY=50 or less"
    every_call("", 60)


main([a_call_of_a_start_a_write_and_a_stop_fails, a_call_under_many_writes_fails])
