#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of each parser that its corpora reach.

    coverage.py FOLDER [--keep] TARGET...

FOLDER is that of the coverage build. Each target is run once with every file of tests/data/corpus
and, where `make fuzz` has left one, of build/fuzz/corpus; whose lines count says parsers.txt. A
parser fails below 95 %. RSM_FUZZ_COMMITTED=1: the committed corpus alone. --keep: inputs of the
latter that reach lines which the former does not become part of it.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

AIM = 95.0
LIMIT_SECONDS = 300
# Lines for an allocation that fails; no input does that, other tests do (mem.h counts them).
NO_INPUT = ("NO_MEMORY", "out of memory")


def parsers():
    """target -> [(file, functions that count or none, functions that do not)]."""
    found = {}
    with open("tests/fuzz/parsers.txt", encoding="utf-8") as table:
        for line in table:
            words = line.split("#")[0].split()
            if not words:
                continue
            if not line[0].isspace():
                found[words[0]] = files = []
                continue
            left_out = {w[1:] for w in words[1:] if w[0] == "-"}
            files.append((words[0], set(words[1:]) - {"-" + w for w in left_out}, left_out))
    return found


def corpora(target):
    found = [f"tests/data/corpus/{target}"]
    grown = f"build/fuzz/corpus/{target}"
    if os.path.isdir(grown) and not os.environ.get("RSM_FUZZ_COMMITTED"):
        found.append(grown)
    return found


def replay(folder, target, inputs):
    """Whether each file of these folders ran to its end; the counters are those of this run."""
    for old in glob.glob(f"{folder}/obj/**/*.gcda", recursive=True):
        os.remove(old)
    command = [f"{folder}/replay-{target}", "--once"] + inputs
    if subprocess.run(command, check=False, timeout=LIMIT_SECONDS, stdout=subprocess.DEVNULL).returncode != 0:
        print(f"  failed: {' '.join(command)}")
        return False
    return True


def counts(folder, name, only, left_out):
    """line -> times, of the functions of a file that count."""
    data = f"{folder}/obj/{name[:-2]}.gcda"
    text = subprocess.run(["gcov", "--stdout", "--json-format", data], check=True, capture_output=True, text=True).stdout
    lines, seen = {}, set()
    for source in json.loads(text)["files"]:
        if source["file"] != name:
            continue
        for line in source["lines"]:
            function = line.get("function_name")
            seen.add(function)
            if function not in left_out and (not only or function in only):
                number = line["line_number"]
                lines[number] = max(lines.get(number, 0), line["count"])
    if (only | left_out) - seen:
        sys.exit(f"{name} has no {sorted((only | left_out) - seen)}")
    return lines


def lines_of(folder, files):
    """(file, line) -> (text, times) of all lines that count."""
    found = {}
    for name, only, left_out in files:
        with open(name, encoding="utf-8") as file:
            text = file.read().splitlines()
        for number, times in counts(folder, name, only, left_out).items():
            if not any(words in text[number - 1] for words in NO_INPUT):
                found[name, number] = (text[number - 1].strip(), times)
    return found


def reached_by(folder, target, files, paths):
    """The lines that some inputs reach."""
    with tempfile.TemporaryDirectory() as work:
        for path in paths:
            shutil.copy(path, work)
        if not replay(folder, target, [work]):
            sys.exit(1)
        return {line for line, (_, times) in lines_of(folder, files).items() if times > 0}


def keep(folder, target, files):
    """Copies each input that adds a line, the smaller ones first."""
    committed = f"tests/data/corpus/{target}"
    paths = sorted(glob.glob(f"build/fuzz/corpus/{target}/*"), key=os.path.getsize)

    def search(some, known):
        added = reached_by(folder, target, files, some) - known if some else set()
        if added and len(some) == 1:
            shutil.copy(some[0], committed)
            print(f"note: {target}: {os.path.basename(some[0])} adds {len(added)} lines")
        elif added:
            middle = len(some) // 2
            left = search(some[:middle], known)
            return left | search(some[middle:], known | left)
        return added

    search(paths, reached_by(folder, target, files, glob.glob(committed + "/*")))


def report(folder, target, files):
    """True: the target's parser is at the aim."""
    if not replay(folder, target, corpora(target)):
        return False
    lines = lines_of(folder, files)
    missing = [(name, number, text) for (name, number), (text, times) in sorted(lines.items()) if times == 0]
    for name, number, text in missing:
        print(f"  {name}:{number}: {text}")
    reached = len(lines) - len(missing)
    share = 100 * reached / max(len(lines), 1)
    print(f"note: {target:10} {reached:5} of {len(lines):5} lines, {share:5.1f} %")
    return share >= AIM


def main():
    folder, table = sys.argv[1], parsers()
    targets = [t for t in sys.argv[2:] if t != "--keep"]
    if "--keep" in sys.argv:
        for target in targets:
            keep(folder, target, table[target])
    failed = [t for t in targets if not report(folder, t, table[t])]
    print(f"{len(targets) - len(failed)} passed, {len(failed)} failed")
    return len(failed) > 0


sys.exit(main())
