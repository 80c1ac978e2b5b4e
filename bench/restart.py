#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""restart.py [RECORDS [MIB]] - how long until a replica serves again, and what it holds in memory.

RECORDS (1,000,000) record sets in the store: a clean stop of one replica of three, and its start; the
same after kill -9, when the start looks at every row. Then MIB (256) of journal that the store has not
got, kill -9, and a start that replays it. `ready` is from the start of the process to its log's event
`ready`; `serves` until it answers a stale read. Resident memory without the page cache (RssAnon).
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("RSM_BIN", os.path.join(HERE, "..", "build"))
RECORDS_A_ZONE = 20000
ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def run(*arguments, env=None, text=None):
    done = subprocess.run(arguments, input=text, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


class Bed:
    def __init__(self, work):
        self.dir = os.path.join(work, "cluster")
        self.ctl("dev", "up", "--dir", self.dir)
        with open(f"{self.dir}/endpoints", encoding="ascii") as file:
            self.endpoints = file.read().strip()
        self.key = f"{self.dir}/admin.key"

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

    def fill(self, zone, lines):
        run(os.path.join(BIN, "resilience-ctl"), "zone", "import", zone, "-", "--timeout", "300s", text=ZONE + "\n".join(lines) + "\n",
            env={"RSM_ENDPOINTS": self.endpoints, "RSM_KEY": self.key})

    def records(self, count):
        """Record sets of one address each, RECORDS_A_ZONE in a zone."""
        for at in range(0, count, RECORDS_A_ZONE):
            more = min(RECORDS_A_ZONE, count - at)
            self.fill(f"z{at}.example", [f"n{k} 60 IN A 192.0.2.{k % 250}" for k in range(more)])
            print(f"\r{at + more} of {count} record sets", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def journal(self, mib):
        """Big TXT sets, 8 MiB a change."""
        text = " ".join(['"' + "x" * 250 + '"'] * 120)
        for i in range(0, mib, 8):
            self.fill(f"t{i}.example", [f"n{k} 60 IN TXT {text} \"{i}-{k}\"" for k in range(270)])

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
        print(f"{what:24} ready {ready:7.2f} s, serves {serves:7.2f} s; rows looked at: {looked.group(1) if looked else '?'}, "
              f"journal records: {replayed.group(1) if replayed else '?'}; {self.memory(child.pid)}", flush=True)
        return child

    def memory(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            found = dict(re.findall(r"^(RssAnon|RssFile):\s+(\d+) kB", file.read(), re.M))
        return f"resident {int(found['RssAnon']) >> 10} MiB, of files {int(found['RssFile']) >> 10} MiB"

    def end(self, replica, number):
        pid = self.process(replica)
        os.kill(pid, number)
        while os.path.exists(f"/proc/{pid}") and open(f"/proc/{pid}/stat", encoding="ascii").read().split()[2] != "Z":
            time.sleep(0.01)


def main():
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    mib = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    work = tempfile.mkdtemp(prefix="rsm-restart-")
    children = []
    bed = None
    try:
        bed = Bed(work)
        bed.records(records)
        size = os.path.getsize(f"{bed.dir}/replica-3/data/store/data.mdb") >> 20
        print(f"store: {size} MiB, {bed.memory(bed.process(3))}")
        bed.end(3, signal.SIGTERM)
        children.append(bed.start(3, "after a clean stop"))
        bed.end(3, signal.SIGKILL)
        children[-1].wait()
        children.append(bed.start(3, "after a kill"))
        children += bed.configure("store_commit_ms = 60000\nstore_commit_bytes = 1073741824\n")
        bed.journal(mib)
        bed.end(3, signal.SIGKILL)
        children.append(bed.start(3, f"kill, {mib} MiB of journal"))
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
            child.wait()
        if bed is not None:
            subprocess.run([os.path.join(BIN, "resilience-ctl"), "dev", "down", "--dir", bed.dir], capture_output=True, check=False)
        shutil.rmtree(work)


main()
