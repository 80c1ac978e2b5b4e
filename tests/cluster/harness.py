# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of real processes in a temporary directory, for the tests beside this file.

Ports are free ones, chosen at run time. Only processes that were started here are ended, and all of
them are, also when a test fails.
"""
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("RSM_BIN", os.path.join(ROOT, "build"))

# Of automata whose budget is not what is tested.
BUDGET = ("--budget", "commands=1000000000/1000000000", "--budget", "changes=1000000000/1000000000")


def wire(name):
    """A domain name in wire form."""
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


class Failure(Exception):
    """Something that must be so is not."""


def check(condition, what):
    if not condition:
        raise Failure(what)


def applied_commands(log):
    """(author, counter) -> slots where it was applied for the first time."""
    found = {}
    for slot in log:
        for verdict in slot.get("verdicts", []):
            if verdict["verdict"] == "applied" and not verdict.get("duplicate"):
                found.setdefault((verdict["author"], verdict["counter"]), []).append(slot["slot"])
    return found


def runs(pid, config):
    """The process is there, and is the one with that configuration."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            return config in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def await_end(pid, patience=60):
    """Until a process has ended that need not be a child of this one. Whoever inherits it may take seconds to
    collect it; until then it is still in /proc, with no files, no ports and no threads."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        check(select.select([process], [], [], patience)[0], f"process {pid} has not ended after {patience} s")
    finally:
        os.close(process)


def finish(child):
    """Ends a program that goes on until its stdin ends; what it still said. (communicate() leaves out what
    readline() has read ahead.)"""
    child.stdin.close()
    said = child.stdout.read()
    child.wait()
    return said


class Cluster:
    def __init__(self, replicas=3):
        self.replicas = replicas
        self.work = tempfile.mkdtemp(prefix="rsm-test.")
        self.dir = os.path.join(self.work, "cluster")
        self.children = []

    def __enter__(self):
        try:
            self.ctl("dev", "up", "--dir", self.dir, "--replicas", str(self.replicas), cluster=False)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        with open(os.path.join(self.dir, "endpoints"), encoding="ascii") as file:
            self.endpoints = file.read().strip()
        self.key = os.path.join(self.dir, "admin.key")
        return self

    def __exit__(self, kind, error, trace):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        subprocess.run([f"{BIN}/resilience-ctl", "dev", "down", "--dir", self.dir],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        broken = [log for log in map(self.text_of_log, range(1, self.replicas + 1)) if "Sanitizer" in log or "runtime error:" in log]
        if kind is not None:
            for i in range(1, self.replicas + 1):
                print(f"--- replica {i}:", *self.text_of_log(i).splitlines()[-15:], sep="\n  ")
        shutil.rmtree(self.work, ignore_errors=True)
        check(not broken, f"a sanitizer ended a replica:\n{broken[0][-6000:] if broken else ''}")

    def text_of_log(self, replica):
        path = f"{self.dir}/replica-{replica}/log"
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def endpoint(self, replica):
        return self.endpoints.split(",")[replica - 1]

    def data(self, replica):
        return f"{self.dir}/replica-{replica}/data"

    def write(self, name, text):
        """A file in the directory that goes away with the test; its path."""
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *arguments, status=0, endpoints=None, key=None, text=None, cluster=True):
        environment = dict(os.environ, NO_COLOR="1")
        environment.pop("RSM_CONFIG", None)
        if cluster:
            environment["RSM_ENDPOINTS"] = endpoints or self.endpoints
            environment["RSM_KEY"] = key or self.key
        done = subprocess.run(arguments, env=environment, input=text, capture_output=True,
                              text=True, check=False)
        if status is not None:
            check(done.returncode == status,
                  f"{' '.join(arguments)}: status {done.returncode}, not {status}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def ctl(self, *arguments, **how):
        return self.run(f"{BIN}/resilience-ctl", *arguments, **how)

    def json(self, *arguments, **how):
        return json.loads(self.ctl(*arguments, "--output", "json", **how).stdout)

    def start(self, *arguments, **how):
        child = subprocess.Popen(arguments, **how)
        self.children.append(child)
        return child

    def status(self, replica):
        done = self.ctl("status", "--output", "jsonl", endpoints=self.endpoint(replica), status=None)
        return json.loads(done.stdout.splitlines()[0])

    def automaton(self, name, *grants, az=""):
        """A new automaton with a key and a role of its own; the key file."""
        path = os.path.join(self.work, name + ".key")
        public = self.ctl("keygen", name, "--plain", "--out", path).stdout.strip()
        self.ctl("role", "set", "role-" + name, *grants)
        self.ctl("principal", "set", name, "--kind", "automaton", "--role", "role-" + name,
                 "--public-key", public, "--az", az, *BUDGET)
        return path

    def stop(self):
        self.ctl("dev", "down", "--dir", self.dir)

    def add_settings(self, lines, replicas=None):
        """Lines of configuration, for these replicas (all of them); they count from the next start."""
        for i in replicas or range(1, self.replicas + 1):
            with open(f"{self.dir}/replica-{i}/rsmd.conf", "a", encoding="ascii") as file:
                file.write(lines)

    def restart_with(self, lines):
        """All stop, and start again with these lines in their configuration."""
        self.stop()
        self.add_settings(lines)
        self.ctl("dev", "up", "--dir", self.dir)

    def start_alone(self, replica, *options):
        """The daemon as dev start runs it, without waiting until it is ready: alone it will not be."""
        folder = f"{self.dir}/replica-{replica}"
        with open(f"{folder}/log", "ab") as log:
            return self.start(f"{BIN}/rsmd", "--config", f"{folder}/rsmd.conf", *options, stdout=log, stderr=log)

    def stop_equal(self):
        """All end with the same slots: two that outlive their leader would elect another, which fills one."""
        self.settle()
        leader = self.status(1)["leader"]
        config = {i: f"{self.dir}/replica-{i}/rsmd.conf" for i in (1, 2, 3) if i != leader}
        pids = {}
        for i in config:
            with open(f"{self.dir}/replica-{i}/pid", encoding="ascii") as file:
                pids[i] = int(file.read())
            os.kill(pids[i], signal.SIGTERM)
        deadline = time.monotonic() + 60
        while any(runs(pids[i], config[i]) for i in config):
            check(time.monotonic() < deadline, "a follower does not end")
            time.sleep(0.02)
        self.stop()

    def settle(self, replicas=(1, 2, 3)):
        """Until all have applied the same slots: the last one may be late on a busy machine."""
        deadline = time.monotonic() + 60
        while len({self.status(i)["slot"] for i in replicas}) != 1:
            check(time.monotonic() < deadline, f"slots differ: {[self.status(i)['slot'] for i in replicas]}")
            time.sleep(0.02)

    def verify(self, replica):
        """rsm-dump verify; the two heads and the last slot."""
        out = self.run(f"{BIN}/rsm-dump", "--dir", self.data(replica), "verify").stdout
        heads = [line.split()[-1] for line in out.splitlines() if "head" in line]
        check(len(heads) == 2, f"rsm-dump verify said: {out}")
        return int(out.split()[0]), heads

    def verify_equal(self, replicas=(1, 2, 3)):
        """Each log verifies, and all are the same as far as the shortest goes; its slots.

        A replica that leads while the others stop may choose a slot that they do not learn any more:
        its log is longer then, and must have the same heads where theirs end.
        """
        verified = {i: self.verify(i) for i in replicas}
        shortest = min(verified.values())
        for i, (slots, heads) in verified.items():
            if slots > shortest[0]:
                shown = self.run(f"{BIN}/rsm-dump", "--dir", self.data(i), "--json", "show", str(shortest[0])).stdout
                said = json.loads(shown.splitlines()[0])
                heads = [said["entry_head"], said["verdict_head"]]
            check(heads == shortest[1], f"heads differ at slot {shortest[0]}: {verified}")
        return shortest[0]

    def log(self, replica):
        """Every slot of a stopped replica's log, as rsm-dump has it."""
        out = self.run(f"{BIN}/rsm-dump", "--dir", self.data(replica), "log", "--json").stdout
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def main(tests):
    """Runs test functions; each prints one line, then the counts. A test that is told to end cleans up, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed = failed = skipped = 0
    only = sys.argv[1:]
    for test in tests:
        if only and test.__name__ not in only:
            continue
        try:
            reason = test()
        except Failure as failure:
            print(f"FAILED {test.__name__}: {failure}")
            failed += 1
            continue
        if reason:
            print(f"skipped: {test.__name__}: {reason}")
            skipped += 1
        else:
            print(f"passed {test.__name__}")
            passed += 1
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
