#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes of somebody who had not seen the tests: each is planted in a copy, and has to be found.

    outside.py [NAME...]
    outside.py --applies      only whether each can still be planted: a part of `make check`

Each tests/mutants/outside/NAME.patch is one mistake: a line that says what it is, one that says what
finds it, and the change. It has to apply: what a hunk replaces must stand in its file exactly once, so
that it cannot slip to another place. When code moves, write the patch anew (diff -U1, or more lines
until they occur once). Found means: the leg that the patch names passes without it and fails with it;
a leg that ends in time with other than 0. `unit-LAYER` or `unit-LAYER SUITE`, `planned`, or `core N` and
`node N`: seeds 1 to N.
"""
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATCHES = os.path.join(TOP, "tests/mutants/outside")
TREE = os.path.join(TOP, "build/outside/tree")
BIN = "build/release/"
LEG_SECONDS = 600


def copy_tree():
    """What is in the working tree, so that a second run builds what changed alone."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=TOP, check=True,
                           stdout=subprocess.PIPE).stdout.decode().split("\0")
    for name in names:
        source, target = os.path.join(TOP, name), os.path.join(TREE, name)
        if not name or not os.path.isfile(source):
            continue
        with open(source, "rb") as file:
            content = file.read()
        if os.path.isfile(target):
            with open(target, "rb") as file:
                if file.read() == content:
                    continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)


def read_patch(name):
    """what, leg, file, and a list of (old, new)."""
    with open(os.path.join(PATCHES, name + ".patch"), encoding="utf-8") as file:
        lines = file.read().split("\n")[:-1]
    fields = {}
    hunks = []
    for line in lines:
        if line.startswith("--- a/"):
            fields["file"] = line[6:]
        elif line.startswith("@@ "):
            hunks.append(["", ""])
        elif hunks:
            if line[:1] in (" ", "-"):
                hunks[-1][0] += line[1:] + "\n"
            if line[:1] in (" ", "+"):
                hunks[-1][1] += line[1:] + "\n"
        elif ": " in line:
            key, value = line.split(": ", 1)
            fields[key] = value
    return fields["what"], fields["found by"], fields["file"], hunks


def program(leg):
    return leg.split()[0] if leg.startswith("unit-") else "sim"


def command_of(leg):
    name, _, rest = leg.partition(" ")
    if leg.startswith("unit-"):
        return [BIN + name, "--timeout", "120"] + (["--filter", rest + "/*"] if rest else [])
    return [BIN + "sim", "--mode", name, "--seed", "1", "--seeds", rest or "all"]


def build(programs):
    done = subprocess.run(["make", "VARIANT=release"] + [BIN + p for p in sorted(programs)], cwd=TREE, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout.decode(errors="replace")


def run(leg):
    """(exit status or None when it did not end, the first thing that it says of a failure)"""
    try:
        done = subprocess.run(command_of(leg), cwd=TREE, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=LEG_SECONDS)
    except subprocess.TimeoutExpired:
        return None, ""
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode(errors="replace"))
    said = re.search(r"^(?:\[FAIL\] (?P<test>\S+?::\w+)|(?P<seed>seed \S+ failed.*))", text, re.M)
    return done.returncode, (said["test"] or said["seed"])[:110] if said else ""


def planted(name, top):
    """The file of `top` before and after; or None and why the mistake cannot be planted."""
    _, _, path, hunks = read_patch(name)
    try:
        with open(os.path.join(top, path), encoding="utf-8") as file:
            before = file.read()
    except FileNotFoundError:
        return None, f"DOES NOT APPLY: there is no {path}"
    after = before
    for old, new in hunks:
        if before.count(old) != 1:
            return None, f"DOES NOT APPLY: what it replaces stands {before.count(old)} times in {path}"
        after = after.replace(old, new)
    if not hunks or after == before:
        return None, "DOES NOT APPLY: it changes nothing"
    return before, after


def plant(name):
    """None when it was found, else the reason why not. Leaves the copy as it was."""
    _, leg, path, _ = read_patch(name)
    target = os.path.join(TREE, path)
    before, after = planted(name, TREE)
    if before is None:
        return after
    try:
        with open(target, "w", encoding="utf-8") as file:
            file.write(after)
        built, text = build({program(leg)})
        if not built:
            return "DOES NOT BUILD: " + next((line for line in text.split("\n") if "error" in line), text[-200:])
        status, said = run(leg)
        if status is None:
            return f"DID NOT END: {leg} in {LEG_SECONDS} s"
        if status == 0:
            return f"SURVIVED {leg}"
        print(f"note: {name:32} {leg.partition(' ')[0]:14} {said}", flush=True)
        return None
    finally:
        with open(target, "w", encoding="utf-8") as file:
            file.write(before)


def longest(legs):
    """Each leg of unit tests; of the simulator's modes the one with the most seeds."""
    most = {}
    for leg in legs:
        mode, _, seeds = leg.partition(" ")
        if leg.startswith("unit-"):
            most[leg] = leg
        elif mode not in most or int(seeds) > int(most[mode].split()[1]):
            most[mode] = leg
    return sorted(most.values())


def all_names():
    return sorted(n[:-6] for n in os.listdir(PATCHES) if n.endswith(".patch"))


def finish(reasons, count):
    for name, why in reasons:
        print(f"note: {name:32} {why}", flush=True)
    print(f"{count - len(reasons)} passed, {len(reasons)} failed")
    sys.exit(bool(reasons))


def check_that_all_apply():
    names = all_names()
    results = [(name, *planted(name, TOP)) for name in names]
    finish([(name, why) for name, before, why in results if before is None], len(names))


def main():
    if sys.argv[1:] == ["--applies"]:
        check_that_all_apply()
    names = sys.argv[1:] or all_names()
    legs = longest({read_patch(name)[1] for name in names})
    copy_tree()
    built, text = build({program(leg) for leg in legs})
    if not built:
        sys.exit(text)
    for leg in legs:
        status, said = run(leg)
        if status != 0:
            sys.exit(f"{leg} does not pass without a mistake: {said}")
    reasons = ((name, plant(name)) for name in names)
    finish([(name, why) for name, why in reasons if why is not None], len(names))


if __name__ == "__main__":
    main()
