#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of each parser that its corpora reach.

    coverage.py FOLDER TARGET...

FOLDER is that of the coverage build. Each target is run once with every file of tests/data/corpus
and, where `make fuzz` has left one, of build/fuzz/corpus; whose lines count says parsers.txt. A
parser fails below 95 %. RSM_FUZZ_COMMITTED=1: the committed corpus alone.
"""
import glob
import json
import os
import subprocess
import sys

AIM = 95.0
LIMIT_SECONDS = 300


def parsers():
    """target -> [(file, functions or None)]."""
    found = {}
    with open("tests/fuzz/parsers.txt", encoding="utf-8") as table:
        for line in table:
            words = line.split("#")[0].split()
            for word in words[2:]:
                name, _, functions = word.partition(":")
                found.setdefault(words[0], []).append((name, functions.split(",") if functions else None))
    return found


def replay(folder, target):
    for old in glob.glob(f"{folder}/obj/**/*.gcda", recursive=True):
        os.remove(old)
    corpora = [f"tests/data/corpus/{target}"]
    grown = f"build/fuzz/corpus/{target}"
    if os.path.isdir(grown) and not os.environ.get("RSM_FUZZ_COMMITTED"):
        corpora.append(grown)
    subprocess.run([f"{folder}/replay-{target}", "--once"] + corpora, check=True, timeout=LIMIT_SECONDS,
                   stdout=subprocess.DEVNULL)


def counts(folder, name, functions):
    """line -> times, of the file's own lines in these functions (all: None)."""
    data = f"{folder}/obj/{name[:-2]}.gcda"
    text = subprocess.run(["gcov", "--stdout", "--json-format", data], check=True, capture_output=True, text=True).stdout
    lines, seen = {}, set()
    for source in json.loads(text)["files"]:
        if source["file"] != name:
            continue
        for line in source["lines"]:
            function = line.get("function_name")
            seen.add(function)
            if functions is None or function in functions:
                number = line["line_number"]
                lines[number] = max(lines.get(number, 0), line["count"])
    if functions is not None and set(functions) - seen:
        sys.exit(f"{name} has no {sorted(set(functions) - seen)}")
    return lines


def main():
    folder, table = sys.argv[1], parsers()
    failed = 0
    for target in sys.argv[2:]:
        replay(folder, target)
        total = reached = 0
        for name, functions in table[target]:
            lines = counts(folder, name, functions)
            total += len(lines)
            reached += sum(1 for times in lines.values() if times > 0)
            with open(name, encoding="utf-8") as file:
                text = file.read().splitlines()
            for number in sorted(n for n, times in lines.items() if times == 0):
                print(f"  {name}:{number}: {text[number - 1].strip()}")
        share = 100 * reached / max(total, 1)
        failed += share < AIM
        print(f"note: {target:10} {reached:5} of {total:5} lines, {share:5.1f} %")
    print(f"{len(sys.argv) - 2 - failed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
