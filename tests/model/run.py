#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the models with spin: `make model`, and a part of them in `make test`.

run.py LEG... - the lines of runs.txt of these legs, two at a time. A line that has to hold must be
searched to its end: a search that ran out of memory, depth or time has failed. A line that has to
fail is tried with 1, 2, ... ballots; the smallest number that shows the violation is printed.
"""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 2
MEMORY_MB = 4500
SECONDS = 600
BALLOTS_MAX = 4


class Run:
    def __init__(self, leg, wanted, model, options, what):
        self.leg, self.wanted, self.model, self.options, self.what = leg, wanted, model, options, what

    def lines(self, options):
        """What a search says, and its CPU time in seconds and memory in MB."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("paxos.pml", "memory.pml", "members.pml"):
                shutil.copy(os.path.join(HERE, name), folder)
            subprocess.run(["spin", "-a", *options, self.model], cwd=folder, check=True, capture_output=True)
            # No partial order reduction: every action touches what is shared.
            subprocess.run(["gcc", "-w", "-O2" if self.leg == "model" and self.wanted == "hold" else "-O0", "-DSAFETY", "-DNOREDUCE", "-DCOLLAPSE",
                            f"-DMEMLIM={MEMORY_MB}", "-o", "pan", "pan.c"], cwd=folder, check=True, capture_output=True)
            with open(os.path.join(folder, "out"), "w+", encoding="utf-8") as out:
                hash_bits = "-w24" if self.wanted == "hold" else "-w18"
                process = subprocess.Popen(["./pan", "-E", "-m100000", hash_bits], cwd=folder, stdout=out, stderr=out,
                                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS)))
                usage = os.wait4(process.pid, 0)[2]
                process.returncode = 0
                out.seek(0)
                return out.read(), usage.ru_utime, usage.ru_maxrss / 1024

    def search(self, options):
        """hold, fail or the reason why neither is known; and the figures."""
        text, seconds, memory = self.lines(options)
        states = re.search(r"([0-9.e+]+) states, stored", text)
        figures = (int(float(states.group(1))) if states else 0, seconds, memory)
        if "assertion violated (" in text or "assertion violated  !(" in text:
            return "fail", figures
        for trouble in ("not completed", "too small", "out of memory", "invalid array", "aborted"):
            if trouble in text:
                return trouble, figures
        return "hold" if "errors: 0" in text else "no answer", figures

    def go(self):
        """Whether it went as wanted, and the line of the table."""
        if self.wanted == "hold":
            result, figures = self.search(self.options)
            return result == "hold", self.row(result, "", figures)
        first = 2 if self.model == "members.pml" else 1
        for ballots in range(first, BALLOTS_MAX + 1):
            result, figures = self.search([*self.options, f"-DB={ballots}"])
            if result != "hold":
                break
        return result == "fail", self.row(result, f"B={ballots}", figures)

    def row(self, result, bound, figures):
        said = {"hold": "holds", "fail": "fails"}.get(result, result.upper())
        name = " ".join(o.removeprefix("-D") for o in self.options)
        return f"{said:6} {self.model:11} {(name + ' ' + bound).strip():34} {figures[0]:>11,} {figures[1]:7.1f} {figures[2]:7.0f}  {self.what}"


def read_runs(legs):
    runs = []
    with open(os.path.join(HERE, "runs.txt"), encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            fields, _, what = line.partition("|")
            leg, wanted, model, *options = fields.split()
            if leg in legs:
                runs.append(Run(leg, wanted, model, ["-D" + o for o in options], what.strip()))
    return runs


def main():
    runs = read_runs(sys.argv[1:])
    if not runs:
        sys.exit("run.py LEG...: the legs are in runs.txt")
    if shutil.which("spin") is None or shutil.which("gcc") is None:
        print("skipped: spin is not installed (Debian package spin)")
        print(f"0 passed, 0 failed, {len(runs)} skipped")
        return
    print(f"{'':6} {'model':11} {'switches':34} {'states':>11} {'CPU s':>7} {'MB':>7}")
    passed = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for good, row in pool.map(Run.go, runs):
            passed += good
            print(row if good else row + "   <-- NOT AS WANTED", flush=True)
    print(f"{passed} passed, {len(runs) - passed} failed")
    sys.exit(passed != len(runs))


if __name__ == "__main__":
    main()
