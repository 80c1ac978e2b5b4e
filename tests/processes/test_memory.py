#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule of memory.py on samples whose answer is known, and on a process of our own."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from memory import GROWTH, SLACK_KIB, own_kib, why_not_flat  # noqa: E402

START = 20000
CASES = [
    ("the same", [START] * 100, True),
    ("it swings", [START + 3000 * (i % 2) for i in range(100)], True),
    ("it fills at the start", [min(START, 400 * i) for i in range(200)], True),
    ("it shrinks", [START - 10 * i for i in range(100)], True),
    ("a little above", [START] * 50 + [int(START * GROWTH) + SLACK_KIB] * 50, True),
    ("a little more", [START] * 50 + [int(START * GROWTH) + SLACK_KIB + 1] * 50, False),
    ("a leak of 100 bytes a change, 500 changes a sample", [START + 49 * i for i in range(100)], False),
    ("one step late", [START] * 70 + [2 * START] * 30, False),
    ("a peak that is over", [START] * 60 + [2 * START] * 5 + [START] * 35, True),
    ("too few", [START] * 39, False),
    ("none", [], False),
]
passed = failed = 0


def expect(holds, what):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"not so: {what}")


for name, samples, is_flat in CASES:
    why = why_not_flat(samples)
    expect((why is None) == is_flat, f"{name}: {why}")
own = own_kib(os.getpid())
ballast = bytearray(os.urandom(1 << 20)) * 32
expect(own_kib(os.getpid()) - own > 30 << 10, "32 MiB of our own are seen")
child = subprocess.Popen(["true"])
child.wait()
expect(own_kib(child.pid) is None, "a process that is gone has none")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
