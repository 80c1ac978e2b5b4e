#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Branches of a folder that the tests of the coverage build never took.

    branches.py FOLDER [--list]

Left out are branches that no test can take: those of CHECK and VERIFY (a bug in the program ends
it there), and jumps of the compiler's own that belong to no condition.
"""
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

CHECKS = ("CHECK(", "VERIFY(", "_Static_assert(")


def counts(folder):
    """file -> line -> branch index -> times, added up over all programs that linked it."""
    found = {}
    data = glob.glob(f"build/coverage/obj/{folder}/**/*.gcda", recursive=True)
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["gcov", "-b", "-c", "--json-format"] + [os.path.abspath(d) for d in data], cwd=work,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for path in glob.glob(work + "/*.json.gz"):
            with gzip.open(path, "rt", encoding="utf-8") as file:
                for source in json.load(file)["files"]:
                    if source["file"].startswith(folder) and source["file"].endswith(".c"):
                        lines = found.setdefault(source["file"], {})
                        for line in source["lines"]:
                            old = lines.setdefault(line["line_number"], [])
                            for i, branch in enumerate(line["branches"]):
                                if i == len(old):
                                    old.append(0)
                                old[i] += branch["count"]
    return found


def is_check(text, number):
    """The line, or the statement that it goes on with, is a CHECK."""
    while number > 0:
        line = text[number - 1]
        if any(c in line for c in CHECKS):
            return True
        if number < 2 or text[number - 2].rstrip().endswith((";", "{", "}", "*/", ":")) or not text[number - 2].strip():
            return False
        number -= 1
    return False


def main():
    folder = sys.argv[1]
    total = taken = 0
    for path, lines in sorted(counts(folder).items()):
        with open(path, encoding="utf-8") as file:
            text = file.read().splitlines()
        missing = []
        here = here_taken = 0
        for number, branches in sorted(lines.items()):
            if not branches or is_check(text, number):
                continue
            here += len(branches)
            here_taken += sum(1 for b in branches if b > 0)
            if any(b == 0 for b in branches):
                missing.append((number, branches))
        total += here
        taken += here_taken
        print(f"{path}: {here_taken} of {here} branches")
        if "--list" in sys.argv:
            for number, branches in missing:
                print(f"  {number}: {text[number - 1].strip()}   {branches}")
    print(f"note: {folder}: {taken} of {total} branches, {100 * taken / max(total, 1):.1f} %")
    print(f"{taken} passed, 0 failed, {total - taken} skipped")


main()
