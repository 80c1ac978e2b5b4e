#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does it stay flat? Latency and memory with many record sets in the store beside those with 10 thousand.

Two clusters of three replicas are kept below DIR, `small` with 10,000 record sets and `large` with RECORDS; what is
missing is filled in first, in change sets of 1,000 from five clients, as fast as it goes; whoever interrupts that goes
on later with the same command. Then both are up: each is warmed up by bundles of changes at random among its record
sets, so that the pages of its store are in the memory of its processes, and in turns one client changes record sets at
random: the median and p99 of both, the memory of their replicas without page cache (RssAnon, most of it that any had,
while it was warmed up as well), page faults, and the floor of the machine beside each. At the end one replica of each
is stopped cleanly and started again. Both are down when it ends.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys

from bed import BIN, REPLICAS, Bed

SMALL = 10000
CLIENTS, CHANGES, ZONES = 5, 1000, 50
STEP = 200000  # record sets filled by one run: what an interruption costs at most
ROOM = 4 << 30  # bytes that the disk keeps free
AIM_RATIO, AIM_MIB, AIM_SECONDS = 1.3, 200, 2


class Stopped(Exception):
    pass


def on_signal(_number, _frame):
    raise Stopped


def looked_at(runs, replica, name):
    """A figure of a replica in each run at whose end it answered."""
    return [run["replicas"][replica][name] for run in runs if run["replicas"][replica][name] is not None]


class Store:
    """A cluster that is kept, and how much of it is filled: DIR/NAME/filled says so."""

    def __init__(self, directory, name, records):
        self.name, self.records = name, records
        self.dir = os.path.join(directory, name)
        self.keys = records // (CLIENTS * CHANGES)
        self.done = {"keys": 0, "records": 0, "seconds": 0.0}
        self.runs, self.warm = [], []
        self.bed = None
        os.makedirs(self.dir, exist_ok=True)
        if os.path.exists(f"{self.dir}/filled"):
            with open(f"{self.dir}/filled", encoding="ascii") as file:
                self.done = json.load(file)

    def where(self):
        if self.bed is None:
            return ["--dir", f"{self.dir}/cluster"]
        return ["--endpoints", self.bed.endpoints, "--key", self.bed.key, "--dir", self.dir, "--processes", ",".join(str(self.bed.process(i)) for i in REPLICAS)]

    def bench(self, *arguments):
        """The point of one run. A signal ends it as ^C does: it stops its cluster before it goes."""
        child = subprocess.Popen([f"{BIN}/rsm-bench", "run", *self.where(), "--world", f"{self.dir}/world", "--zones", str(ZONES),
                                  "--timeout-ms", "300000", "--output", "json", "--quiet", *arguments], stdout=subprocess.PIPE, text=True,
                                 start_new_session=True)
        try:
            out = child.communicate()[0]
        except (Stopped, KeyboardInterrupt):
            child.send_signal(signal.SIGINT)
            child.communicate()
            raise
        if child.returncode != 0:
            sys.exit(f"rsm-bench ended with {child.returncode}; the store is in {self.dir}, and the same command goes on")
        return json.loads(out)["runs"][0]

    def fill(self):
        while self.done["keys"] < self.keys:
            if shutil.disk_usage(self.dir).free < ROOM:
                sys.exit(f"{self.dir}: less than {ROOM >> 30} GiB are free; {self.done['records']} record sets are in, and the same command goes on")
            end = min(self.done["keys"] + STEP // (CLIENTS * CHANGES), self.keys)
            point = self.bench("--clients", str(CLIENTS), "--changes", str(CHANGES), "--distribution", "once", "--first-key", str(self.done["keys"]),
                               "--keys", str(end), "--seconds", "86400", "--floor-count", "0")
            self.done["keys"] = end
            self.done["records"] += point["applied"] * CHANGES
            self.done["seconds"] += point["seconds"]
            with open(f"{self.dir}/filled.new", "w", encoding="ascii") as file:
                json.dump(self.done, file)
            os.rename(f"{self.dir}/filled.new", f"{self.dir}/filled")
            print(f"{self.name}: {self.done['records']:,} of {self.records:,} record sets; {point['applied'] * CHANGES / point['seconds']:,.0f} a second now, "
                  f"{self.speed():,.0f} in all", flush=True)

    def speed(self):
        return self.done["records"] / self.done["seconds"] if self.done["seconds"] > 0 else 0

    def up(self, seconds):
        """For measuring: it stays up until `restart` or `down`."""
        self.bed = Bed(f"{self.dir}/cluster")
        if seconds > 0:
            self.warm.append(self.bench("--clients", str(CLIENTS), "--bundle", "64", "--keys", str(self.keys), "--seconds", str(seconds), "--floor-count", "0"))

    def down(self):
        if self.bed is not None:
            self.bed.down()
            self.bed = None

    def measure(self, seconds):
        self.runs.append(self.bench("--clients", "1", "--keys", str(self.keys), "--seconds", str(seconds)))

    def figure(self, name):
        return statistics.median(run["write"][name] for run in self.runs)

    def floor(self, name):
        return statistics.median(run["floor"]["quorum"][name] for run in self.runs)

    def memory(self):
        """Of the replica that has most, in the run where it had most; MiB. Who did not answer at a run's end was not looked at then."""
        return max(each for i in range(len(REPLICAS)) for each in looked_at(self.runs + self.warm, i, "resident_anonymous_bytes")) / (1 << 20)

    def a_change(self, name, runs):
        """Of the replica that has most; 0: was not measured."""
        figures = [looked_at(runs, i, name) for i in range(len(REPLICAS))]
        return max((statistics.median(each) for each in figures if each), default=0)

    def size(self):
        return os.path.getsize(f"{self.dir}/cluster/replica-1/data/store/data.mdb") / (1 << 30)

    def restart(self, rounds):
        """Medians of the time to `ready` and to the first answer, of a replica that was stopped cleanly."""
        times, child, bed = [], None, self.bed
        try:
            for _ in range(rounds):
                bed.end(3, signal.SIGTERM)
                if child is not None:
                    child.wait()
                child = bed.start(3, f"{self.name}, clean stop")
                times.append((bed.ready, bed.serves))
        finally:
            if child is not None:
                child.terminate()
                child.wait()
        return [statistics.median(values) for values in zip(*times)]


def table(small, large, restarts):
    head = f"| what | {small.records:,} | {large.records:,} | ratio | aim |"
    rows = [head, "| --- | --- | --- | --- | --- |"]

    def row(what, a, b, form, aim, ratio=True):
        rows.append(f"| {what} | {form.format(a)} | {form.format(b)} | {f'{b / a:.2f}' if ratio and a > 0 else ''} | {aim} |")

    row("latency, 1 client, median, us", small.figure("median_us"), large.figure("median_us"), "{:,.0f}", AIM_RATIO)
    row("p99, us", small.figure("p99_us"), large.figure("p99_us"), "{:,.0f}", AIM_RATIO)
    row("p99.9, us", small.figure("p999_us"), large.figure("p999_us"), "{:,.0f}", "")
    row("floor (quorum), median, us", small.floor("median_us"), large.floor("median_us"), "{:,.0f}", "")
    row("resident without page cache, MiB, most of a replica", small.memory(), large.memory(), "{:,.1f}", f"{AIM_RATIO}; under {AIM_MIB}")
    row("page faults of a replica a change, most: in memory", *(store.a_change("minor_faults", store.runs) for store in (small, large)), "{:.2f}", "", False)
    row("the same: read from the disk", *(store.a_change("major_faults", store.runs) for store in (small, large)), "{:.3f}", "", False)
    if small.warm and large.warm:
        row("bundles of 64, 5 clients: changes a second", small.warm[0]["writes_per_second"], large.warm[0]["writes_per_second"], "{:,.0f}", "")
        row("the same: page faults a change, in memory", *(store.a_change("minor_faults", store.warm) for store in (small, large)), "{:.2f}", "", False)
        row("the same: read from the disk", *(store.a_change("major_faults", store.warm) for store in (small, large)), "{:.3f}", "", False)
    row("start after a clean stop: ready, s", restarts[0][0], restarts[1][0], "{:.2f}", "", False)
    row("the same: first answer, s", restarts[0][1], restarts[1][1], "{:.2f}", f"{AIM_SECONDS}", False)
    row("store, GiB", small.size(), large.size(), "{:.2f}", "", False)
    row("record sets filled a second", small.speed(), large.speed(), "{:,.0f}", "", False)
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", metavar="DIR", help="where both clusters are kept, on the disk that is measured")
    parser.add_argument("records", metavar="RECORDS", nargs="?", type=int, default=10000000, help="thousands of five (10000000)")
    parser.add_argument("--fill-only", action="store_true", help="measures nothing")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (10)")
    parser.add_argument("--warm-up", type=float, default=60, metavar="SECONDS", help="of bundles, before each is measured (60; 0: none)")
    parser.add_argument("--json", help="the figures there as well")
    options = parser.parse_args()
    if options.records < SMALL or options.records % (CLIENTS * CHANGES) != 0:
        parser.error(f"RECORDS: at least {SMALL:,}, in steps of {CLIENTS * CHANGES:,}")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if options.json and os.path.exists(options.json):
        parser.error(f"{options.json} is there already")
    signal.signal(signal.SIGTERM, on_signal)
    small, large = Store(options.dir, "small", SMALL), Store(options.dir, "large", options.records)
    try:
        small.fill()
        large.fill()
        if options.fill_only:
            return 0
        for store in (small, large):
            print(f"{store.name}: warming up", file=sys.stderr, flush=True)
            store.up(options.warm_up)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            for store in (small, large) if number % 2 == 0 else (large, small):
                store.measure(options.seconds)
        restarts = [store.restart(3) for store in (small, large)]
    except (Stopped, KeyboardInterrupt):
        print(f"stopped; {large.done['records']:,} record sets are in, the same command goes on", file=sys.stderr)
        return 130
    finally:
        small.down()
        large.down()
    print("\n" + table(small, large, restarts))
    if options.json:
        with open(options.json, "x", encoding="utf-8") as file:
            json.dump({"small": small.runs, "large": large.runs, "warm": [small.warm, large.warm], "records": [small.records, large.records], "memory_mib": [small.memory(), large.memory()],
                       "restart_s": restarts, "fill_per_second": [small.speed(), large.speed()]}, file)
    return 0


sys.exit(main())
