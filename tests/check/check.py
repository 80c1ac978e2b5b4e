#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program can check of the house style: `make check`.

check.py [ROOT] prints every violation as file:line: what, then the counts, one for each kind of
check. What was longer than the limits when a limit was set is in ratchet.txt and may only shrink.
"""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
FUNCTION_LINES = 70
SOURCE_LINES = 900
HEADER_LINES = 200
APACHE = ("include/rsm/", "src/base/", "src/command/", "src/client/")

# A folder may include files of these folders, and these foreign headers (regular expressions).
ARROWS = {
    "include/rsm/": (["include/rsm/"], []),
    "src/base/": (["include/rsm/", "src/base/"], ["nmmintrin.h"]),
    "consensus/": (["consensus/", "src/base/"], []),
    "storage/": (["storage/", "src/base/", "include/rsm/"], ["lmdb.h", "sodium.h"]),
    "src/command/": (["src/command/", "src/base/", "include/rsm/"], ["msgpack.*", "sodium.h"]),
    "src/rr/": (["src/rr/", "src/base/", "include/rsm/"], ["libknot/.*", "libzscanner/.*"]),
    "src/machine/": (["src/machine/", "src/command/", "src/rr/", "src/base/", "include/rsm/"], ["sodium.h", "gmp.h", "nettle/.*"]),
    "src/read/": (["src/read/", "src/machine/", "src/command/", "src/rr/", "src/base/", "include/rsm/"], []),
    "src/dns/": (["src/dns/", "src/machine/", "src/command/", "src/rr/", "src/base/", "include/rsm/"], []),
    "src/net/": (["src/net/", "consensus/message.h", "src/machine/members.h", "src/command/", "src/base/", "include/rsm/"], ["event2/.*", "sodium.h"]),
    "src/io/": (["src/io/", "storage/", "src/base/", "include/rsm/"], ["liburing.h"]),
    "src/client/": (["src/client/", "src/command/", "src/base/", "include/rsm/"], []),
    "src/daemon/": (["src/daemon/", "src/net/", "src/dns/", "src/read/", "src/machine/", "src/command/", "src/rr/", "src/io/", "consensus/", "storage/", "src/base/", "include/rsm/"], ["event2/.*", "sodium.h", "nettle/hmac.h"]),
}
FOREIGN = re.compile(r"^(lmdb|sodium|msgpack|event2/|libknot/|libzscanner/|jansson|yaml|criterion/|nmmintrin|gmp|nettle/|liburing)")
BANNED = {
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "strcpy": "memcpy with a size", "strcat": "snprintf",
    "gets": "fgets", "system": "fork and exec", "rand": "base/prng.h or randombytes", "srand": "base/prng.h",
    "strtok": "strsep", "atoi": "strtoull and its errors", "atol": "strtoull and its errors", "alloca": "mem_alloc",
    "malloc": "mem_alloc", "calloc": "mem_alloc", "realloc": "mem_realloc", "free": "mem_free",
    "aligned_alloc": "mem_alloc_aligned", "posix_memalign": "mem_alloc_aligned",
}
# A tool that repairs DNS must not need DNS.
BANNED.update(dict.fromkeys(("getaddrinfo", "getaddrinfo_a", "evutil_getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyaddr", "getnameinfo",
                             "res_query", "res_search", "bufferevent_socket_connect_hostname", "evdns_base_new"), "addresses: names are looked up nowhere"))
# Memory of a foreign library is freed by its rules; mem.c is the heap itself.
HEAP_ALLOWED = {"src/base/mem.c": None, "tools/resilience-ctl/output.c": {"free"}, "tools/resilience-ctl/dev.c": {"free"}, "tools/resilience-ctl/plan_work.c": {"free"}, "tools/resilience-ctl/override_step.c": {"free"}, "tools/resilience-ctl/recording.c": {"free"},
                "tools/rsm-dump/lines.c": {"free"}, "tools/rsm-dump/cmd_report.c": {"free"}, "tools/rsm-auditor/main.c": {"free"}}


def tracked():
    try:
        out = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        out = [os.path.relpath(os.path.join(d, f), ROOT) for d, _, fs in os.walk(ROOT) for f in fs]
    return [p for p in out if p and os.path.isfile(os.path.join(ROOT, p))]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def code_lines(text):
    """The lines with comments and strings blanked out."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S).split("\n")


def check_format(files):
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool is None or not os.path.exists(os.path.join(ROOT, ".clang-format")):
        return None
    sources = [p for p in files if p.endswith((".c", ".h"))]
    found = []
    for i in range(0, len(sources), 50):
        out = subprocess.run([tool, "--dry-run"] + sources[i:i + 50], cwd=ROOT, capture_output=True, text=True, check=False).stderr
        found += sorted({line.split(": warning")[0] + ": not as clang-format has it" for line in out.split("\n") if ": warning: code should be" in line})
    return found


def check_spdx(files):
    found = []
    for path in files:
        if not path.endswith((".c", ".h", ".py", ".sh", "Makefile")):
            continue
        lines = read(path).split("\n")
        first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
        wanted = "Apache-2.0" if path.startswith(APACHE) else "GPL-3.0-or-later"
        # Tests of Apache-2.0 code may be either.
        either = path.startswith("tests/") and "SPDX-License-Identifier: Apache-2.0" in first
        if f"SPDX-License-Identifier: {wanted}" not in first and not either:
            found.append(f"{path}:1: the first line names the licence: SPDX-License-Identifier: {wanted}")
    return found


def include_target(name, quoted):
    if not quoted:
        return "include/" + name if name.startswith("rsm/") else None
    return name


def check_arrows(files):
    found = []
    for path in files:
        folder = next((f for f in ARROWS if path.startswith(f)), None)
        if folder is None or not path.endswith((".c", ".h")):
            continue
        allowed, foreign = ARROWS[folder]
        for number, line in enumerate(read(path).split("\n"), 1):
            match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if match is None:
                continue
            target = include_target(match.group(2), match.group(1) == '"')
            if target is not None:
                if not target.startswith(tuple(allowed)):
                    found.append(f"{path}:{number}: {folder} must not lean on {target}")
            elif FOREIGN.match(match.group(2)) and not any(re.fullmatch(f, match.group(2)) for f in foreign):
                found.append(f"{path}:{number}: {match.group(2)} is not for {folder}")
    return found


def functions(path):
    """(name, first line, lines) of each function: a body that begins in column 0."""
    lines = read(path).split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            head = start - 1
            while head > 1 and lines[head - 2] and not lines[head - 2].startswith(("}", "#", "/*", " */", "\t")) and not lines[head - 2].endswith((";", "*/")):
                head -= 1
            match = re.search(r"(\w+)\(", " ".join(lines[head - 1:start - 1]))
            yield (match.group(1) if match else "?"), start, number - start - 1
            start = None


def ratchet():
    known = {}
    path = os.path.join(ROOT, "tests/check/ratchet.txt")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    name, size = line.rsplit(None, 1)
                    known[name] = int(size)
    return known


def check_lengths(files):
    found = []
    known = ratchet()
    for path in files:
        if not path.endswith((".c", ".h")):
            continue
        size = read(path).count("\n")
        limit = known.get(path, HEADER_LINES if path.endswith(".h") else SOURCE_LINES)
        if size > limit:
            found.append(f"{path}:{size}: longer than {limit} lines")
        for name, line, body in functions(path):
            limit = known.get(f"{path}:{name}", FUNCTION_LINES)
            if body > limit:
                found.append(f"{path}:{line}: {name} has {body} lines, {limit} are the most")
    return found


def check_assertions(files):
    """CHECK and VERIFY in core and storage: two a function in each folder and in what is new, elsewhere never fewer than there were."""
    found = []
    missing = {}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "assertions.txt"), encoding="utf-8") as file:
        known = {name: int(count) for name, count in (line.split() for line in file if line.strip() and not line.startswith("#"))}
    for path in files:
        if not path.endswith(".c") or not path.startswith(("consensus/", "storage/")):
            continue
        count = len(re.findall(r"\b(?:CHECK|VERIFY)\(", "\n".join(code_lines(read(path)))))
        wanted = 2 * len(list(functions(path)))
        least = known.get(path, wanted)
        if count < least:
            found.append(f"{path}:1: {count} assertions, {least} are the least")
        missing.setdefault(path.split("/", maxsplit=1)[0], []).append((wanted - count, path))
    for folder, each in missing.items():
        if sum(count for count, _ in each) > 0:
            found.append(f"{max(each)[1]}:1: {folder}/ has {sum(count for count, _ in each)} assertions too few for two a function")
    return found


def check_calls(files):
    found = []
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for path in files:
        if not path.endswith((".c", ".h")) or path.startswith("tests/"):
            continue
        allowed = HEAP_ALLOWED.get(path, set())
        for number, line in enumerate(code_lines(read(path)), 1):
            for name in pattern.findall(line):
                if allowed is not None and name not in allowed and not re.match(r"\s*(void|struct|static|enum)\s.*\b" + name, line) and "(*" + name + ")" not in line:
                    found.append(f"{path}:{number}: {name}: use {BANNED[name]}")
    return found


def check_leftovers(files):
    found = []
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    homes = re.compile(r"(/work/|/root/|/home/)\w")
    of_fuzzers = re.compile(r"(^|/)(crash|oom|timeout|leak|slow-unit)-[0-9a-f]{40}$")
    for path in files:
        if of_fuzzers.search(path):
            found.append(f"{path}: left over: an input of a fuzzer; a case of tests/data/corpus has a name")
        if path.startswith("tests/data/") or path.startswith("LICENSES/"):
            continue
        for number, line in enumerate(read(path).split("\n"), 1):
            if marks.search(line) and not path.startswith("tests/check/"):
                found.append(f"{path}:{number}: left over: {line.strip()[:60]}")
            if homes.search(line) and not path.startswith("tests/check/"):
                found.append(f"{path}:{number}: a path of some machine: {line.strip()[:60]}")
    return found


def check_core_symbols(_files):
    folder = os.path.join(ROOT, "build/release/obj/consensus")
    if not os.path.isdir(folder) or shutil.which("nm") is None:
        return None
    objects = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".o")]
    out = subprocess.run(["nm", "-A"] + objects, capture_output=True, text=True, check=False).stdout
    own = set(re.findall(r" [TDBRdbr] (\w+)$", out, flags=re.M))
    allowed = re.compile(r"mem_\w+|memcpy|memset|memmove|memcmp|blob_\w+|prng_\w+|bytes_\w+|check_failed|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(memcpy|memset|memmove)_chk|__gcov\w*")
    return [f"{os.path.relpath(line.split(':')[0], ROOT)}: the core must not use {name}"
            for line, name in re.findall(r"^(\S+:\s+U (\w+))$", out, flags=re.M)
            if name not in own and not allowed.fullmatch(name)]


def check_mutants(files):
    found = []
    for path in ("src/base/mutants.h", "src/base/mutants_node.h", "src/base/mutants_people.h", "src/base/mutants_rules.h"):
        for number, line in enumerate(read(path).split("\n") if path in files else [], 1):
            if re.match(r"#define RSM_MUTANT_\w+ (?!0$)", line):
                found.append(f"{path}:{number}: a mistake that is on by default")
    for name in ("rsmd", "resilience-ctl", "rsm-dump", "rsm-auditor", "rsm-bench"):
        path = os.path.join(ROOT, "build", name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                if b"RSM_MUTANT" in file.read():
                    found.append(f"build/{name}: built with a planted mistake")
    return found


def check_documents(files):
    found = []
    for path in files:
        if not path.endswith(".md"):
            continue
        base = os.path.dirname(path)
        for number, line in enumerate(read(path).split("\n"), 1):
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", line):
                if "://" not in link and not os.path.exists(os.path.join(ROOT, base, link)):
                    found.append(f"{path}:{number}: no such file: {link}")
            for name in re.findall(r"`((?:src|consensus|storage|include|tools|tests|bench|docs|examples|packaging)/[\w./-]+\.\w+)`", line):
                if not os.path.exists(os.path.join(ROOT, name)):
                    found.append(f"{path}:{number}: no such file: {name}")
    return found


CHECKS = [check_format, check_spdx, check_arrows, check_lengths, check_assertions, check_calls, check_leftovers,
          check_core_symbols, check_mutants, check_documents]


def main():
    files = tracked()
    passed = failed = skipped = 0
    for check in CHECKS:
        found = check(files)
        if found is None:
            print(f"skipped: {check.__name__}: what it needs is not there")
            skipped += 1
        elif found:
            print("\n".join(found))
            failed += 1
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
