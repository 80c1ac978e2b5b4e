#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""snapshot_stall.py [MIB] - what a snapshot transfer costs the commits meanwhile.

A cluster of three, one of them down; a store of about MIB (1024) is filled; then commit latencies of
one client, without and with a transfer to the third replica, in turns: its data go back to the empty
state each time, so that each turn transfers all of it again.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("RSM_BIN", os.path.join(HERE, "..", "build"))
SECONDS = "10"
TURNS = 3
ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def run(*arguments, text=None, env=None):
    done = subprocess.run(arguments, input=text, capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def fill(ctl, environment, mib):
    """Big TXT sets, 8 MiB a change; the state and the log hold each of them."""
    text = " ".join(['"' + "x" * 250 + '"'] * 120)
    for i in range(mib // 16):
        lines = [f"n{k} 60 IN TXT {text} \"{i}-{k}\"" for k in range(270)]
        zone = f"z{i}.example"
        run(ctl, "zone", "import", zone, "-", "--timeout", "120s", text=ZONE + "\n".join(lines) + "\n", env=environment)
        print(f"\rfilled {16 * (i + 1)} of {mib} MiB", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def p99(dir_, endpoints, what):
    out = run(os.path.join(BIN, "rsm-bench"), "run", "--endpoints", endpoints, "--key", f"{dir_}/admin.key", "--clients", "1",
              "--seconds", SECONDS, "--floor-count", "0", "--output", "json")
    latency = json.loads(out)["runs"][0]["write"]
    print(f"{what:8} median {latency['median_us']:9.0f} us   p99 {latency['p99_us']:9.0f} us   p99.9 {latency['p999_us']:9.0f} us", flush=True)
    return latency["p99_us"]


def installed(dir_):
    with open(f"{dir_}/replica-3/log", encoding="utf-8") as file:
        return file.read().count("event=snapshot-installed")


def main():
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    ctl = os.path.join(BIN, "resilience-ctl")
    work = tempfile.mkdtemp(prefix="rsm-stall-")
    dir_ = os.path.join(work, "cluster")
    try:
        run(ctl, "dev", "up", "--dir", dir_)
        run(ctl, "dev", "down", "--dir", dir_)
        for path in glob.glob(f"{dir_}/replica-*/rsmd.conf"):
            with open(path, "a", encoding="ascii") as file:
                file.write("snapshot_lag = 20\n")
        run(ctl, "dev", "up", "--dir", dir_)
        with open(f"{dir_}/endpoints", encoding="ascii") as file:
            endpoints = file.read().strip()
        two = ",".join(endpoints.split(",")[:2])
        environment = {"RSM_ENDPOINTS": two, "RSM_KEY": f"{dir_}/admin.key"}
        run(ctl, "dev", "kill", "--dir", dir_, "--replica", "3")
        empty = os.path.join(work, "empty")
        shutil.copytree(f"{dir_}/replica-3/data", empty)
        fill(ctl, environment, mib)
        size = os.path.getsize(f"{dir_}/replica-1/data/store/data.mdb") >> 20
        print(f"store: {size} MiB")
        ratios = []
        for _ in range(TURNS):
            without = p99(dir_, two, "without")
            shutil.rmtree(f"{dir_}/replica-3/data")
            shutil.copytree(empty, f"{dir_}/replica-3/data")
            before = installed(dir_)
            subprocess.run([ctl, "dev", "start", "--dir", dir_, "--replica", "3"], capture_output=True)
            started = time.monotonic()
            ratios.append(p99(dir_, two, "with") / without)
            is_over = installed(dir_) > before
            while installed(dir_) == before:
                time.sleep(0.2)
            print(f"         transfer {'was over by then' if is_over else f'took {time.monotonic() - started:.0f} s'}", flush=True)
            run(ctl, "dev", "kill", "--dir", dir_, "--replica", "3")
        print(f"p99 with / without, median of {TURNS}: {sorted(ratios)[TURNS // 2]:.2f}")
    finally:
        subprocess.run([ctl, "dev", "down", "--dir", dir_], capture_output=True)
        shutil.rmtree(work)


main()
