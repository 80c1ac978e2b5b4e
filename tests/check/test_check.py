#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checker is checked: each kind of violation, planted in a tree of its own, must be found."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"
CASES = {
    "licence": ("consensus/a.c", "int a;\n", "names the licence"),
    "wrong licence": ("src/base/a.c", SPDX + "int a;\n", "names the licence"),
    "arrow up": ("consensus/a.c", SPDX + '#include "src/machine/machine.h"\n', "must not lean on"),
    "foreign header": ("src/machine/a.c", SPDX + "#include <libknot/libknot.h>\n", "is not for"),
    "client and knot": ("src/client/a.c", SPDX.replace("GPL-3.0-or-later", "Apache-2.0") + "#include <libknot/libknot.h>\n", "is not for"),
    "long function": ("storage/a.c", SPDX + "static int a(void)\n{\n" + "    b();\n" * 80 + "}\n", "lines, 70 are the most"),
    "long file": ("storage/a.c", SPDX + "int a;\n" * 1000, "longer than 900"),
    "long header": ("storage/a.h", SPDX + "int a;\n" * 300, "longer than 200"),
    "no assertion": ("storage/a.c", SPDX + "int a(void)\n{\n    CHECK(b);\n    /* CHECK(c); */\n    return 0;\n}\n", "1 assertions, 2 are the least"),
    "fewer assertions": ("consensus/slots.c", SPDX + "static int a;\n", "0 assertions,"),
    "folder of few assertions": ("consensus/slots.c", SPDX + "int a(void)\n{\n    CHECK(b);\n}\n" * 23, "consensus/ has 23 assertions too few"),
    "banned call": ("src/net/a.c", SPDX + "void f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy: use"),
    "heap": ("src/net/a.c", SPDX + "void f(void)\n{\n    a = malloc(1);\n}\n", "malloc: use"),
    "leftover": ("src/net/a.c", SPDX + "/* TO" + "DO later */\n", "left over"),
    "input of a fuzzer": ("src/crash-" + "0f" * 20, "x", "left over"),
    "machine path": ("docs/a.md", "see /home/somebody/file\n", "a path of some machine"),
    "dead link": ("docs/a.md", "[x](nothing.md)\n", "no such file"),
    "dead file name": ("docs/a.md", "`src/net/nothing.c`\n", "no such file"),
    "mutant on": ("src/base/mutants.h", SPDX.replace("GPL-3.0-or-later", "Apache-2.0") + "#define RSM_MUTANT_X 1\n", "on by default"),
}
CASES["planted mistake"] = ("build/rsmd", "RSM_MUTANT_X", "built with a planted mistake")
CLEAN = ("consensus/a.c", SPDX + '#include "consensus/a.h"\nstatic const char text[] = "free(x) strcpy(y)";\n', "")


def run(path, text):
    with tempfile.TemporaryDirectory() as root:
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full))
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([sys.executable, os.path.join(HERE, "check.py"), root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


passed = failed = 0
for name, (path, text, wanted) in CASES.items():
    status, out = run(path, text)
    if status == 1 and wanted in out and path in out:
        passed += 1
    else:
        failed += 1
        print(f"not found: {name}\n{out}")
status, out = run(CLEAN[0], CLEAN[1])
if status == 0:
    passed += 1
else:
    failed += 1
    print(f"a clean tree is blamed:\n{out}")

# What the check of shipped programs looks for: a mistake that is on names itself, one that is off does not.
MISTAKE = '#include "src/base/check.h"\nint f(void);\nint f(void)\n{\n    return MUTANT(NO_FLOOR) ? 1 : 2;\n}\n'
for define, wanted in (("-DRSM_MUTANT_NO_FLOOR=1", True), ("-URSM_MUTANT_NO_FLOOR", False)):
    with tempfile.TemporaryDirectory() as folder:
        built = os.path.join(folder, "f.o")
        subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-O2", "-I.", "-Iinclude", define, "-x", "c", "-", "-c", "-o", built],
                       cwd=os.path.join(HERE, "..", ".."), input=MISTAKE, text=True, check=True)
        with open(built, "rb") as file:
            if (b"RSM_MUTANT" in file.read()) == wanted:
                passed += 1
            else:
                failed += 1
                print(f"a program built with {define}: its name is {'not ' if wanted else ''}there")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
