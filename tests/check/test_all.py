#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/all.sh when it is told to end: at once, with all that it started, and nothing left behind."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 60
LANES = 4

# Instead of make: says who it is, then works until it is told to end; "build" is done at once.
MAKE = """#!/bin/bash
case "$*" in *lin-test*) exit 0 ;; esac
trap 'echo "$*" >>"$ENDED"; exit 143' TERM
echo "$$ $*" >>"$STARTED"
sleep 1000 & wait
"""


def hear_all():
    """Who runs in the background may have been started with SIGINT ignored, and a shell cannot undo that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as file:
        return file.read().splitlines()


def ends_at_once(work, number):
    tree, programs, temporary = (os.path.join(work, name) for name in ("tree", "bin", "tmp"))
    for path in (os.path.join(tree, "tests"), programs, temporary):
        os.makedirs(path)
    for name in ("all.sh", "run.sh"):
        shutil.copy(os.path.join(ROOT, "tests", name), os.path.join(tree, "tests", name))
    with open(os.path.join(programs, "make"), "w", encoding="ascii") as file:
        file.write(MAKE)
    os.chmod(os.path.join(programs, "make"), 0o755)
    started, ended = os.path.join(work, "started"), os.path.join(work, "ended")
    environment = dict(os.environ, PATH=programs + ":" + os.environ["PATH"], TMPDIR=temporary, STARTED=started, ENDED=ended)
    environment.pop("RSM_TEST_RESULTS", None)
    all_of_it = subprocess.Popen([os.path.join(tree, "tests", "all.sh")], env=environment, start_new_session=True, preexec_fn=hear_all,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while len(lines(started)) < LANES and time.monotonic() < deadline:
        time.sleep(0.02)
    legs = [line.split(" ", 1)[1] for line in lines(started)]
    pids = [int(line.split()[0]) for line in lines(started)]
    all_of_it.send_signal(number)
    try:
        status = all_of_it.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        all_of_it.kill()
        status = "it goes on"
    left = [pid for pid in pids if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    failures = []
    if len(legs) != LANES:
        failures.append(f"{LANES} lanes, and these legs: {legs}")
    if status != 143:
        failures.append(f"status {status}, not 143")
    if left:
        failures.append(f"still there: {left}")
    if len(lines(started)) != len(legs) or sorted(lines(ended)) != sorted(legs):
        failures.append(f"started {lines(started)}, and told to end {lines(ended)}")
    if os.listdir(temporary):
        failures.append(f"left behind: {os.listdir(temporary)}")
    return failures


def main():
    passed = failed = 0
    for number in (signal.SIGTERM, signal.SIGINT):
        work = tempfile.mkdtemp(prefix="rsm-test.")
        try:
            failures = ends_at_once(work, number)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        for failure in failures:
            print(f"FAILED {number.name}: {failure}")
        passed, failed = passed + (not failures), failed + bool(failures)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
