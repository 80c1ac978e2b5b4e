#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The aims of this system beside what this machine shows, row by row: the table of docs/performance.md.

Each row is one or a few runs of rsm-bench (or of the scripts beside this one), whose results are kept in DIR/ROW.json;
the table is drawn from what is there (and latency.svg, throughput.svg, where gnuplot is), so that a row can be measured alone, or anew, with --only. No figure decides
anything: the exit status is 0 when everything could be measured. Ratios are to the floor of the same run. Where a row
stands against etcd, --peers takes the result of bench/peers/measure.py --json; without it the figures are those that
etcd had on the machine where the aims were set.

rows: latency throughput authors changes reads flat restart bytes overload
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

from bed import BIN, HERE

PATH = ("decode", "verify", "queue", "validate", "write", "flush", "votes", "apply", "reply")
# etcd 3.4, three members, as the aims were set: a second with 64 and 256 clients, and reads with one and 64.
ETCD = {("write", 64): 10400, ("write", 256): 15900, ("linearizable read", 64): 11400}
ETCD_READ_US = 404


class Failed(Exception):
    pass


def call(o, row, *arguments):
    """Runs it with its progress for us to see, and its result in a file of its own; the result."""
    path = f"{o.dir}/{row}.part"
    if os.path.exists(path):
        os.unlink(path)
    print(f"aims: {row}: {' '.join([os.path.basename(arguments[0]), *arguments[1:]])}", file=sys.stderr, flush=True)
    try:
        done = subprocess.run([*arguments, "--json", path], stdout=subprocess.DEVNULL, check=False, env={**os.environ, "TMPDIR": o.dir})
    except OSError as error:
        raise Failed(f"{arguments[0]}: {error.strerror}") from error
    if not os.path.exists(path):
        raise Failed(f"{os.path.basename(arguments[0])} ended with {done.returncode}")
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    os.unlink(path)
    return result


def bench(o, row, *arguments, repeat=None):
    """The points of a run against a cluster of its own. Of their histograms only the figures are kept."""
    result = call(o, row, f"{BIN}/rsm-bench", "run", "--seconds", str(o.seconds), "--repeat", str(repeat or o.repeat), *arguments)
    for point in result["runs"]:
        for part in (point["write"], point["read"], *point["floor"].values()):
            part.pop("buckets", None)
        point["command"] = result["command"]
    return result["runs"]


def plot(o, row):
    """A picture beside the result, where gnuplot is."""
    return ["--plot", f"{o.dir}/{row}.svg", "--force"] if shutil.which("gnuplot") else []


def spread(values, form):
    return f"{form.format(min(values))} to {form.format(max(values))}"


def yes(is_met):
    return "yes" if is_met else "no"


def bad(point):
    """What went wrong in a run, to stand beside its figure."""
    wrong = point["failed"] + point["refused"]
    return f"; {wrong} FAILED: {point['trouble']}" if wrong else ""


# ---- the rows: measure_x gives what is kept, show_x its lines ----

def measure_latency(o):
    return bench(o, "latency", "--clients", "1", "--floor-count", "2000", *plot(o, "latency"))


def show_latency(points, _etcd):
    p = points[0]
    write, floor = p["write"], p["floor"]["quorum"]
    ratios = [r["ratio_to_floor"] for r in p["repetitions"]]
    p99, p999 = write["p99_us"] / write["median_us"], write["p999_us"] / write["median_us"]
    yield ("median commit latency, 1 client, 256 bytes, by the floor's", "1.5", f"{p['ratio_to_floor']:.2f} ({spread(ratios, '{:.2f}')}): "
           f"{write['median_us']:,.0f} us of {floor['median_us']:,.0f}{bad(p)}", yes(p["ratio_to_floor"] <= 1.5))
    for name, ratio, aim, key in (("p99", p99, 2.5, "p99_us"), ("p99.9", p999, 5, "p999_us")):
        yield (f"{name} by the median, the same", f"{aim}", f"{ratio:.1f}: {write[key]:,.0f} us (the floor's own: {floor[key] / floor['median_us']:.1f})",
               yes(ratio <= aim))


def measure_throughput(o):
    return bench(o, "throughput", "--clients", "1,8,64,256", "--shared", *plot(o, "throughput"))


def show_throughput(points, etcd):
    for p in points:
        if ("write", p["clients"]) not in etcd:
            continue
        aim = 5 * etcd[("write", p["clients"])]
        yield (f"changes a second, {p['clients']} callers of one librsm client", f"{aim:,.0f}, 5 times etcd's", f"{p['writes_per_second']:,.0f}, "
               f"{p['writes_per_second'] * 5 / aim:.1f} times; {100 * p['share_of_floor']:.1f} % of the group-commit floor; {p['change_cpu_us']:.0f} us of "
               f"processor a change, {p['processors_busy']:.2f} processors busy{bad(p)}", yes(p["writes_per_second"] >= aim))


def measure_authors(o):
    return bench(o, "authors", "--clients", "64")


def show_authors(points, _etcd):
    p = points[0]
    yield ("the same, 64 clients, an author and a signature each, of what signing and three verifications allow", "80 %",
           f"{100 * p['share_of_signing']:.0f} %: {p['writes_per_second']:,.0f} of {p['floor']['signed']['per_second']:,.0f} a second; {p['change_cpu_us']:.0f} us "
           f"of processor a change, {p['processors_busy']:.2f} processors busy{bad(p)}", yes(p["share_of_signing"] >= 0.8))


def measure_changes(o):
    there = bench(o, "changes", "--clients", "4", "--changes", "1000", "--keys", "50", "--reads", "0", "--floor-count", "0")
    new = bench(o, "changes", "--clients", "4", "--changes", "1000", "--keys", "1000000", "--distribution", "once", "--floor-count", "0", repeat=1)
    return there + new


def show_changes(points, _etcd):
    for what, p in zip(("of 200,000 names", "new names only"), points):
        a_second = 1000 * p["writes_per_second"]
        cpu = ", ".join(f"{r['cpu_us'] / 1000:.1f}" for r in p["replicas"])
        yield (f"record changes a second, sets of 1,000, {what}", "300,000", f"{a_second:,.0f}; us of processor a record change, each replica: {cpu}{bad(p)}",
               yes(a_second >= 300000))


def measure_reads(o):
    return bench(o, "reads", "--clients", "1,64", "--reads", "100", "--keys", "100", "--floor-count", "0")


def show_reads(points, etcd):
    one, many = points
    aim = 5 * etcd[("linearizable read", 64)]
    yield ("linearizable read, 1 client, median", f"{etcd['read_us'] / 2:.0f} us, half of etcd's", f"{one['read']['median_us']:.0f} us, p99 "
           f"{one['read']['p99_us']:.0f}{bad(one)}", yes(one["read"]["median_us"] <= etcd["read_us"] / 2))
    yield ("linearizable reads a second, 64 clients", f"{aim:,.0f}, 5 times etcd's", f"{many['reads_per_second']:,.0f}, {many['reads_per_second'] * 5 / aim:.1f} times; "
           f"{many['client']['cpu_us']:.1f} us of the client's processor each{bad(many)}", yes(many["reads_per_second"] >= aim))


def measure_flat(o):
    result = call(o, "flat", os.path.join(HERE, "flat.py"), o.flat, str(o.records), "--seconds", str(o.seconds), "--rounds", str(o.repeat))
    for run in result["small"] + result["large"] + sum(result["warm"], []):
        for part in (run["write"], run["read"], *run["floor"].values()):
            part.pop("buckets", None)
    return result


def show_flat(result, _etcd):
    small, large = ([run["write"] for run in result[name]] for name in ("small", "large"))
    few, many = result["records"]
    for key, name in (("median_us", "median latency"), ("p99_us", "p99")):
        a, b = (statistics.median(run[key] for run in runs) for runs in (small, large))
        yield (f"{name} with {many:,} record sets by that with {few:,}", "1.3", f"{b / a:.2f}: {b:,.0f} us, {a:,.0f} us", yes(b <= 1.3 * a))
    a, b = result["memory_mib"]
    yield ("memory of a replica without page cache, the same", "1.3, under 200 MiB", f"{b / a:.2f}: {b:.0f} MiB, {a:.0f} MiB", yes(b <= 1.3 * a and b < 200))
    ready, serves = result["restart_s"][1]
    yield (f"start with {many:,} record sets after a clean stop", "2 s", f"ready {ready:.2f} s, first answer {serves:.2f} s", yes(serves <= 2))


def measure_restart(o):
    return call(o, "restart", os.path.join(HERE, "restart.py"), "20000", str(o.mib))


def show_restart(result, _etcd):
    last = result["starts"][-1]
    yield (f"start with {result['mib']:,} MiB of journal to replay", "5 s for 1,024 MiB", f"ready {last['ready_s']:.2f} s, first answer {last['serves_s']:.2f} s; "
           f"memory {last['resident_mib']} MiB", yes(last["serves_s"] <= 5 * result["mib"] / 1024))


def measure_bytes(o):
    return bench(o, "bytes", "--clients", "256", "--keys", "20", "--floor-count", "0", repeat=1) + bench(
        o, "bytes", "--clients", "16", "--bundle", "64", "--keys", "300", "--floor-count", "0", repeat=1)


def show_bytes(points, _etcd):
    for what, p in zip(("256 clients, a signature each", "16 clients, bundles of 64"), points):
        size = p["change_bytes"]
        journal = max(r["journal_bytes"] for r in p["replicas"]) / size
        disk = p["disk_written_bytes"] / len(p["replicas"]) / size
        yield (f"bytes to the journal for a byte of command, {what}", "1.5", f"{journal:.2f} ({size} bytes a change){bad(p)}", yes(journal <= 1.5))
        yield ("the same to the disk in all, a replica: journal, its zeros, store, all others that write", "4", f"{disk:.1f}", yes(disk <= 4))


def measure_overload(o):
    """In turns: what it can carry with as many clients, and twice that in an open loop."""
    rounds = []
    for _ in range(o.repeat):
        peak = bench(o, "overload", "--clients", "1024", "--shared", "--floor-count", "0", repeat=1)[0]
        rate = max(1, round(2 * peak["writes_per_second"]))
        rounds.append([peak, bench(o, "overload", "--clients", "1024", "--shared", "--rate", str(rate), "--floor-count", "0", repeat=1)[0]])
    return rounds


def show_overload(rounds, _etcd):
    shares = [over["writes_per_second"] / peak["writes_per_second"] for peak, over in rounds if peak["writes_per_second"] > 0]
    peak, over = (statistics.median(pair[i]["writes_per_second"] for pair in rounds) for i in (0, 1))
    told, late = (sum(pair[1][name] for pair in rounds) for name in ("busy", "late"))
    share = statistics.median(shares) if shares else 0
    yield ("goodput at twice the peak load, 1,024 callers, by the peak", "90 %", f"{100 * share:.0f} % ({spread([100 * s for s in shares] or [0], '{:.0f}')}): {over:,.0f} of "
           f"{peak:,.0f} a second; told that there is no room: {told}, never begun: {late}{bad(rounds[-1][1])}", yes(share >= 0.9))


ROWS = {name: (globals()[f"measure_{name}"], globals()[f"show_{name}"])
        for name in ("latency", "throughput", "authors", "changes", "reads", "flat", "restart", "bytes", "overload")}


# ---- the machine, and the table ----

def machine():
    model, memory = "", 0
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) >> 20
    return f"{model or platform.machine()}, {os.cpu_count()} processors, {memory + 1} GiB, Linux {platform.release()}"


def revision():
    done = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def etcd_of(path):
    """(operation, clients) to what etcd does a second, and `read_us`."""
    etcd = dict(ETCD, read_us=ETCD_READ_US)
    if path is None:
        return etcd
    with open(path, encoding="utf-8") as file:
        for row in json.load(file):
            if row["system"] == "etcd":
                etcd[(row["operation"], row["clients"])] = statistics.median(one["rate"] for one in row["rounds"])
                if row["operation"] == "linearizable read" and row["clients"] == 1:
                    etcd["read_us"] = statistics.median(one["median_us"] for one in row["rounds"])
    return etcd


def check_peers(parser, path):
    """A wrong file is said before anything is measured."""
    try:
        etcd_of(path)
    except (OSError, ValueError, TypeError, KeyError) as error:
        parser.error(f"--peers {path}: no result of bench/peers/measure.py --json ({error})")


def kept(o, name):
    path = f"{o.dir}/{name}.json"
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def measure(o, name):
    """False: it could not be measured; what was kept of it before stays."""
    head = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(), "load": os.getloadavg()[0], "revision": revision(),
            "size": f"{o.seconds:g} s, {o.repeat} repetitions"}
    try:
        result = ROWS[name][0](o)
    except Failed as error:
        print(f"aims: {name}: {error}; the other rows go on", file=sys.stderr)
        return False
    with open(f"{o.dir}/{name}.new", "w", encoding="utf-8") as file:
        json.dump(dict(head, result=result), file)
    os.rename(f"{o.dir}/{name}.new", f"{o.dir}/{name}.json")
    return True


def print_stages(o):
    """Where a commit's time goes, in those rows that ask for it."""
    lines = []
    for name in ("latency", "throughput", "authors", "changes"):
        for point in (kept(o, name) or {"result": []})["result"]:
            leaders = [r for r in point["replicas"] if r["leader"]]
            if not leaders:
                continue
            stages = [("to and from", point["client_to_and_from_us"])]
            stages += [(s["stage"], s["mean_us"]) for s in leaders[0]["stages"] if s["stage"] in PATH and s["count"] > 0]
            whole = sum(us for _, us in stages)
            lines.append(f"| {name}, {point['clients']} | {whole:,.0f} | " + ", ".join(f"{stage} {us:,.0f}" for stage, us in stages if us >= whole / 100) + " |")
    if lines:
        print("\n| where a commit's time goes, clients | mean, us | stages of 1 % and more |\n| --- | --- | --- |\n" + "\n".join(lines))


def print_table(o):
    etcd = etcd_of(o.peers)
    heads = {}
    print("| what | aim | here | met |\n| --- | --- | --- | --- |")
    for name, (_, show) in ROWS.items():
        stored = kept(o, name)
        if stored is None:
            print(f"| {name} | | not measured | |")
            continue
        heads.setdefault(f"{stored['machine']}; revision {stored['revision']}; {stored['size']}", []).append((name, stored))
        for row in show(stored["result"], etcd):
            print("| " + " | ".join(row) + " |")
    print(f"\netcd's figures: {'measured here, ' + os.path.basename(o.peers) if o.peers else 'from when the aims were set'}.")
    for head, rows in heads.items():
        dates, loads = ([stored[key] for _, stored in rows] for key in ("date", "load"))
        print(f"\n{', '.join(name for name, _ in rows)}: {min(dates)} to {max(dates)}; {head}; load average before each {spread(loads, '{:.1f}')}.")
    print_stages(o)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", metavar="DIR", help="where the results are kept and the clusters are, on the disk that is measured")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (10)")
    parser.add_argument("--repeat", type=int, default=5, help="of each, in turns (5)")
    parser.add_argument("--records", type=int, default=10000000, help="record sets of `flat` (10000000)")
    parser.add_argument("--flat", metavar="DIR", help="where the clusters of `flat` are kept: some 21 GiB for ten million (DIR/flat)")
    parser.add_argument("--mib", type=int, default=1024, help="of journal for `restart` (1024)")
    parser.add_argument("--peers", metavar="FILE", help="result of bench/peers/measure.py")
    parser.add_argument("--only", metavar="ROW,ROW", help="measures these alone")
    parser.add_argument("--table", action="store_true", help="measures nothing: the table of what is there")
    o = parser.parse_args()
    o.dir = os.path.abspath(o.dir)
    o.flat = o.flat or f"{o.dir}/flat"
    names = o.only.split(",") if o.only else list(ROWS)
    for name in names:
        if name not in ROWS:
            parser.error(f"there is no row {name}; there are {', '.join(ROWS)}")
    if o.repeat < 1 or o.seconds <= 0:
        parser.error("--repeat is 1 at least, --seconds above 0")
    os.makedirs(o.dir, exist_ok=True)
    check_peers(parser, o.peers)
    failed = [] if o.table else [name for name in names if not measure(o, name)]
    print_table(o)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
