#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed about the tools is so: the session of the README runs as it stands there, the documents name
commands and options that there are, each --help has an example that parses, and who mistypes is told the nearest."""
import glob
import os
import re
import shlex
import signal
import subprocess
import tempfile

from harness import BIN, ROOT, check, main

TOOLS = ("resilience-ctl", "rsm-dump", "rsm-auditor", "rsm-bench", "rsmd")
CTL = f"{BIN}/resilience-ctl"


def run(*arguments, **how):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RSM_")}
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, **how)


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


# ---- the README ----

def like(line):
    """What differs from run to run is left out: numbers, hashes."""
    line = re.sub(r"[0-9a-f]{64}", "HASH", line)
    return re.sub(r"[0-9]+", "N", line)


def session_of(text):
    """[(command, [lines that it prints])...] of the README's session."""
    steps = []
    for line in text.split("\n## A session\n")[1].split("\n## ")[0].splitlines():
        if line.startswith("    $ "):
            steps.append((line[6:], []))
        elif line.startswith("    ") and steps:
            steps[-1][1].append(line[4:])
    return steps


def readme():
    """Each command as it is printed, one behind the other in one shell, prints what stands below it, notes apart."""
    steps = session_of(text_of("README.md"))
    check(len(steps) > 8 and steps[0][0] == "make && PATH=$PWD/build:$PATH", f"{steps[:1]}")
    with tempfile.TemporaryDirectory(prefix="rsm-test.") as work:
        mark = "-- next --"
        script = [f"PATH={shlex.quote(BIN)}:$PATH"]
        for command, _ in steps[1:]:
            check("/tmp/rsm" in command or "/tmp" not in command, command)
            script += [command.replace("/tmp/rsm", work + "/c").replace(" g1.zone", f" {work}/g1.zone").replace(" g2.zone", f" {work}/g2.zone"), f"echo '{mark}'"]
        done = run("bash", "-c", "exec 2>&1\n" + "\n".join(script), cwd=ROOT)
        run(CTL, "dev", "down", "--dir", work + "/c")
        printed = done.stdout.split(mark + "\n")
        check(len(printed) == len(steps), done.stdout)
        for (command, expected), got in zip(steps[1:], printed):
            said = [line for line in got.splitlines() if not line.startswith("note: ")]
            check(list(map(like, said)) == list(map(like, expected)), f"$ {command}\n{got}\nnot\n" + "\n".join(expected))


# ---- documents and help ----

def commands():
    """{"noun verb": its help} of resilience-ctl."""
    table = {}
    for line in run(CTL, "--help").stdout.splitlines():
        if line.startswith("  ") and line[2].islower():
            words = line[2:].split("  ")[0].split()
            name = " ".join(word for word in words[:2] if re.fullmatch("[a-z][a-z-]*", word))
            table[name] = run(CTL, *name.split(), "--help").stdout
    check(len(table) > 80, f"{len(table)} commands")
    return table


def uses_of(text):
    """Each use of a tool in code of a document: (tool, words behind it)."""
    text = text.replace("\\\n", " ")
    code = [line for line in text.splitlines() if line.startswith("    ")] + re.findall(r"`([^`\n]+)`", text)
    for piece in code:
        piece = re.sub(r"\s#.*", "", piece)
        for part in re.split(r"[;|&()]+", piece):
            found = re.match(r"\s*(?:\$ )?(?:build/|\./)?(" + "|".join(TOOLS) + r")((?:\s+\S+)*)\s*$", part)
            if found and not found[2].split()[:1] in ([tool] for tool in TOOLS):  # two in a row are a picture
                yield found[1], found[2].split()


def documents():
    """No command or option that there is not stands in a document."""
    table = commands()
    nouns = {name.split()[0] for name in table}
    helps = {tool: run(f"{BIN}/{tool}", "--help").stdout for tool in TOOLS}
    for name in ("run", "floor", "compare", "sweep"):
        helps[f"rsm-bench {name}"] = run(f"{BIN}/rsm-bench", name, "--help").stdout
    count = 0
    for path in ["README.md"] + sorted(os.path.relpath(found, ROOT) for found in glob.glob(f"{ROOT}/docs/*.md")):
        for tool, words in uses_of(text_of(path)):
            while words and words[0].startswith("--") and len(words) > 2:  # options of all, before the command
                words = words[2:] if words[0] in ("--endpoints", "--key", "--output", "--timeout", "--dir") else words[1:]
            options = {word.split("=")[0] for word in words if re.match("--[a-z]", word)}
            shown = helps[tool]
            if tool == "resilience-ctl" and words and re.fullmatch("[a-z][a-z-]*", words[0]):
                name = " ".join(words[:2]) if " ".join(words[:2]) in table else words[0]
                check(name in table or (name in nouns and len(words) == 1), f"{path}: resilience-ctl {' '.join(words)}: no such command")
                shown = table.get(name, shown)
            elif tool == "rsm-bench" and words and f"rsm-bench {words[0]}" in helps:
                shown = helps[f"rsm-bench {words[0]}"]
            for option in options - {"--help", "--version"}:
                check(option in re.findall("--[a-z-]+", shown), f"{path}: {tool} {' '.join(words)}: {option} is not in its help")
            count += 1
    check(count > 150, f"only {count} uses were found")


def examples():
    """Each command of resilience-ctl has an example, which gets as far as the cluster that is not there."""
    for name, shown in commands().items():
        found = re.findall(r"^Example: (.*)$", shown, re.M)
        check(len(found) == 1 and found[0].startswith(f"resilience-ctl {name}"), f"{name}: {shown}")
        example = shlex.split(found[0].split(" > ")[0].split(" | ")[0])
        check({word for word in example if word.startswith("--")} <= set(re.findall("--[a-z-]+", shown)), f"{name}: {found[0]}")
    for tool in TOOLS[1:]:
        check("xample: " in run(f"{BIN}/{tool}", "--help").stdout or tool == "rsm-bench", tool)


def mistyped():
    """Exit status 2, and what was meant."""
    for line, meant in (("resilience-ctl zon lst", '"zone list"'), ("resilience-ctl stauts", '"status"'), ("resilience-ctl plan exceute db 1", '"plan execute"'),
                        ("resilience-ctl zone", "create, delete, set"), ("resilience-ctl zone list --ouput json", "--output"), ("rsm-dump verfy", "verify"),
                        ("rsm-dump --dri x verify", "--dir"), ("rsmd --confg x", "--config"), ("rsmd recover --aproval x", "--approval"),
                        ("rsm-auditor --onec", "--once"), ("rsm-bench rnu", "run"), ("rsm-bench run --cleints 3", "--clients")):
        words = line.split()
        done = run(f"{BIN}/{words[0]}", *words[1:])
        check(done.returncode == 2 and meant in done.stderr and not done.stdout, f"{line}: {done.returncode} {done.stderr[:300]}")
    done = run(CTL, "quite", "else")
    check(done.returncode == 2 and "did you mean" not in done.stderr, done.stderr)
    with tempfile.NamedTemporaryFile("w", prefix="rsm-test.", encoding="ascii") as config:
        config.write("tick_msec = 10\n")
        config.flush()
        done = run(f"{BIN}/rsmd", "--config", config.name, "--check-config")
        check(done.returncode == 2 and "is it tick_ms?" in done.stderr, done.stderr)


def outputs():
    """What cannot be written is an error; that nobody reads on (`| head`) is none."""
    for name in ("resilience-ctl", "rsm-dump", "rsm-bench"):
        ours, theirs = os.pipe()
        os.close(ours)
        with open("/dev/full", "w", encoding="ascii") as full, os.fdopen(theirs, "w") as closed:
            lost = subprocess.run([f"{BIN}/{name}", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            enough = subprocess.run([f"{BIN}/{name}", "--help"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
        check(lost.returncode == 1 and lost.stderr, f"{name}: {lost.returncode} {lost.stderr}")
        check(enough.returncode in (0, -signal.SIGPIPE) and not enough.stderr, f"{name}: {enough.returncode} {enough.stderr}")


if __name__ == "__main__":
    main([readme, documents, examples, mistyped, outputs])
