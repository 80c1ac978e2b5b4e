# SPDX-License-Identifier: GPL-3.0-or-later
"""bed.py - a local cluster that the scripts here measure: its replicas are stopped and started one by one."""
import json
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.abspath(os.environ.get("RSM_BIN", os.path.join(HERE, "..", "build")))
REPLICAS = (1, 2, 3)


def run(*arguments, env=None, text=None):
    """What it prints; a failure of it ends us, with its words."""
    done = subprocess.run(arguments, input=text, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


class Bed:
    """Three replicas in a directory, which is made or found."""

    def __init__(self, directory):
        self.dir = directory
        self.key = f"{self.dir}/admin.key"
        self.endpoints = ""
        self.ready = self.serves = 0.0  # of the start before, in seconds
        self.up()

    def up(self):
        self.ctl("dev", "up", "--dir", self.dir)
        with open(f"{self.dir}/endpoints", encoding="ascii") as file:
            self.endpoints = file.read().strip()

    def down(self):
        self.ctl("dev", "down", "--dir", self.dir)

    def ctl(self, *arguments):
        return run(os.path.join(BIN, "resilience-ctl"), *arguments)

    def configure(self, text):
        """Settings for all, each started anew; the processes."""
        children = []
        for i in (1, 2, 3):
            self.end(i, signal.SIGTERM)
            with open(f"{self.dir}/replica-{i}/rsmd.conf", "a", encoding="ascii") as file:
                file.write(text)
            children.append(self.start(i, f"replica {i}, other settings"))
        return children

    def process(self, replica):
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if f"{self.dir}/replica-{replica}/rsmd.conf".encode() in file.read():
                        return int(entry)
            except OSError:
                pass
        return 0

    def status(self, replica):
        endpoint = self.endpoints.split(",")[replica - 1]
        done = subprocess.run([os.path.join(BIN, "resilience-ctl"), "status", "--output", "jsonl"], capture_output=True, text=True,
                              check=False, env={**os.environ, "RSM_ENDPOINTS": endpoint})
        return json.loads(done.stdout.splitlines()[0]) if done.returncode == 0 and done.stdout else None

    def start(self, replica, what):
        log = f"{self.dir}/replica-{replica}/log"
        before = os.path.getsize(log)
        begin = time.monotonic()
        child = subprocess.Popen([os.path.join(BIN, "rsmd"), "--config", f"{self.dir}/replica-{replica}/rsmd.conf"],
                                 stderr=open(log, "ab"), start_new_session=True)
        ready = 0.0
        while ready == 0.0:
            if child.poll() is not None:
                sys.exit(f"replica {replica} ended; see its log:\n" + open(log, encoding="utf-8").read()[-2000:])
            with open(log, encoding="utf-8", errors="replace") as file:
                file.seek(before)
                said = file.read()
            if "event=ready" in said:
                ready = time.monotonic() - begin
            time.sleep(0.005)
        while self.status(replica) is None:
            time.sleep(0.005)
        serves = time.monotonic() - begin
        looked = re.search(r"event=store-check rows=(\w+)", said)
        replayed = re.search(r"event=recovered .*?records=(\d+)", said)
        self.ready, self.serves = ready, serves
        print(f"{what:24} ready {ready:7.2f} s, serves {serves:7.2f} s; rows looked at: {looked.group(1) if looked else '?'}, "
              f"journal records: {replayed.group(1) if replayed else '?'}; {self.memory(child.pid)}", flush=True)
        return child

    def resident(self, pid, kind="RssAnon"):
        """MiB: without page cache, or RssFile, of the page cache."""
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{kind}:\s+(\d+) kB", file.read(), re.M).group(1)) >> 10

    def memory(self, pid):
        return f"resident {self.resident(pid)} MiB, of files {self.resident(pid, 'RssFile')} MiB"

    def end(self, replica, number):
        pid = self.process(replica)
        os.kill(pid, number)
        while os.path.exists(f"/proc/{pid}") and open(f"/proc/{pid}/stat", encoding="ascii").read().split()[2] != "Z":
            time.sleep(0.01)
