#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/commands.md: each command of resilience-ctl, as its --help has it, and the page that explains it.

commands_page.py: writes it, with the build as it is. test_operations.py compares.
"""
import os
import re
import subprocess

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGE = os.path.join(TOP, "docs", "commands.md")
CTL = os.path.join(TOP, "build", "resilience-ctl")
# Noun -> pages. A noun that is not here has none: that is an error.
PAGES = {noun: pages.split() for pages, nouns in {
    "operations": "dev keygen cluster member status stages scrub completion",
    "dns migration operations": "zone record",
    "audit": "log watch submit",
    "planning": "graph service explain",
    "planning rules": "plan",
    "rules": "lease principal role rules",
    "policy": "policy",
    "freezes": "automation",
    "quorum": "change undo outcome",
    "override": "override factor",
    "reliability operations": "recovery",
}.items() for noun in nouns.split()}

HEAD = """# Commands

Every command of `resilience-ctl`, as `--help` has it (`resilience-ctl zone create --help` has the options too), and the page that
says what it is about. `tests/cluster/commands_page.py` writes this page, and a test compares it.
"""


def run(*words):
    return subprocess.run([CTL, *words], capture_output=True, text=True, check=True, env={**os.environ, "NO_COLOR": "1"}).stdout


def commands():
    """[noun, verb or none], in the order of the tool's own table."""
    found = []
    for line in run("--help").splitlines():
        words = re.match(r"  ([a-z]+)(?: ([a-z][a-z-]*))?\b", line)
        if words:
            found.append([word for word in words.groups() if word])
    return found


def entry(words):
    lines = run(*words, "--help").splitlines()
    usage, summary = lines[0], lines[1].strip()
    at = next(i for i, line in enumerate(lines) if line.startswith("Example: "))
    examples = [lines[at][len("Example: "):]] + [line.strip() for line in lines[at + 1:] if line.strip()]
    return "\n".join([f"**`{usage.removeprefix('resilience-ctl ')}`**: {summary}", ""] + ["    " + line for line in examples])


def page():
    text, noun = [HEAD], None
    for words in commands():
        if words[0] != noun:
            noun = words[0]
            links = ", ".join(f"[{name}.md]({name}.md)" for name in PAGES[noun])
            text.append(f"## {noun}\n\nMore: {links}\n")
        text.append(entry(words) + "\n")
    return "\n".join(text)


if __name__ == "__main__":
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page())
