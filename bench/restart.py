#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""restart.py [RECORDS [MIB]] - how long until a replica serves again, and what it holds in memory.

RECORDS (1,000,000) record sets in the store: a clean stop of one replica of three, and its start; the
same after kill -9, when the start looks at every row. Then MIB (256) of journal that the store has not
got, kill -9, and a start that replays it. `ready` is from the start of the process to its log's event
`ready`; `serves` until it answers a stale read. Resident memory without the page cache (RssAnon).
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from bed import BIN, Bed, run

RECORDS_A_ZONE = 20000
ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def fill(bed, zone, lines):
    run(os.path.join(BIN, "resilience-ctl"), "zone", "import", zone, "-", "--timeout", "300s", text=ZONE + "\n".join(lines) + "\n",
        env={"RSM_ENDPOINTS": bed.endpoints, "RSM_KEY": bed.key})


def fill_records(bed, count):
    """Record sets of one address each, RECORDS_A_ZONE in a zone."""
    for at in range(0, count, RECORDS_A_ZONE):
        more = min(RECORDS_A_ZONE, count - at)
        fill(bed, f"z{at}.example", [f"n{k} 60 IN A 192.0.2.{k % 250}" for k in range(more)])
        print(f"\r{at + more} of {count} record sets", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def fill_journal(bed, mib):
    """Big TXT sets, 8 MiB a change."""
    text = " ".join(['"' + "x" * 250 + '"'] * 120)
    for i in range(0, mib, 8):
        fill(bed, f"t{i}.example", [f"n{k} 60 IN TXT {text} \"{i}-{k}\"" for k in range(270)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", metavar="RECORDS", nargs="?", type=int, default=1000000)
    parser.add_argument("mib", metavar="MIB", nargs="?", type=int, default=256)
    parser.add_argument("--json", help="the figures there as well")
    options = parser.parse_args()
    if options.json and os.path.exists(options.json):
        parser.error(f"{options.json} is there already")
    work = tempfile.mkdtemp(prefix="rsm-restart-")
    children, starts = [], []
    bed = None

    def start(what):
        children.append(bed.start(3, what))
        starts.append({"what": what, "ready_s": bed.ready, "serves_s": bed.serves, "resident_mib": bed.resident(children[-1].pid)})

    try:
        bed = Bed(os.path.join(work, "cluster"))
        fill_records(bed, options.records)
        size = os.path.getsize(f"{bed.dir}/replica-3/data/store/data.mdb") >> 20
        print(f"store: {size} MiB, {bed.memory(bed.process(3))}")
        bed.end(3, signal.SIGTERM)
        start("after a clean stop")
        bed.end(3, signal.SIGKILL)
        children[-1].wait()
        start("after a kill")
        children += bed.configure("store_commit_ms = 60000\nstore_commit_bytes = 1073741824\nstore_commit_rows = 4294967295\n")
        fill_journal(bed, options.mib)
        bed.end(3, signal.SIGKILL)
        children[-1].wait()  # with so much in memory it ends a while after it is gone from sight
        start(f"kill, {options.mib} MiB of journal")
        if options.json:
            with open(options.json, "x", encoding="utf-8") as file:
                json.dump({"records": options.records, "mib": options.mib, "store_mib": size, "starts": starts}, file)
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
            child.wait()
        if bed is not None:
            subprocess.run([os.path.join(BIN, "resilience-ctl"), "dev", "down", "--dir", bed.dir], capture_output=True, check=False)
        shutil.rmtree(work)


main()
