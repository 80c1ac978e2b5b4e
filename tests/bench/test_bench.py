#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every subcommand of rsm-bench against real replicas, in miniature: that figures are there, that counts
are right, and that what stands still is seen. Times decide nothing but where a process was stopped."""
import csv
import functools
import json
import math
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import BIN, ROOT, Cluster, check, main  # noqa: E402

BENCH = f"{BIN}/rsm-bench"
NO_URING = os.path.join(ROOT, "tests", "bench", "no_uring.py")
PATH = ("decode", "verify", "queue", "validate", "write", "flush", "votes", "apply", "reply", "total", "quorum", "peer")
FOLLOWER = ("take", "follow-write", "follow-flush", "vote")
QUANTILES = ("median_us", "p75_us", "p90_us", "p95_us", "p99_us", "p999_us", "p9999_us", "max_us")


def pid_of(cluster, replica):
    with open(f"{cluster.dir}/replica-{replica}/pid", encoding="ascii") as file:
        return int(file.read())


def where(cluster):
    return ["--endpoints", cluster.endpoints, "--key", cluster.key, "--processes",
            ",".join(str(pid_of(cluster, i)) for i in (1, 2, 3))]


def rises(latency, what):
    values = [latency[name] for name in QUANTILES]
    check(latency["count"] > 0 and values == sorted(values) and values[0] > 0, f"{what}: {latency}")


def check_point(point, count):
    """A point of a run of `count` changes: the figures are there and agree with each other."""
    check(point["applied"] >= count and point["refused"] == point["failed"] == 0, f"counts: {point['applied']} {point['trouble']}")
    rises(point["write"], "changes")
    check(point["write"]["count"] == sum(n for _, n in point["write"]["buckets"]) == point["applied"], "the buckets hold all")
    rises(point["floor"]["quorum"], "floor")
    check(0 < point["share_of_floor"] < 1 and 0 < point["share_of_signing"] < 1, f"shares: {point['share_of_floor']} {point['share_of_signing']}")
    check(point["change_cpu_us"] > point["client"]["cpu_us"] and point["processors_busy"] > 0, "what all of them use")
    check(point["ratio_to_floor"] > 0 and point["client"]["cpu_us"] > 0, "ratio, and the client's use")
    leaders = [r for r in point["replicas"] if r["leader"]]
    check(len(point["replicas"]) == 3 and len(leaders) == 1, "three replicas, one leader")
    for replica in point["replicas"]:
        check(replica["commands"] >= count, f"{replica['commands']} commands")
        check(0 < replica["flushes"] <= 1.5 and replica["journal_bytes"] > 100, f"flushes {replica['flushes']}")
        check(replica["cpu_us"] > 0 and replica["context_switches"] > 0 and replica["resident_bytes"] > 0, "its use")
        stages = {s["stage"]: s["count"] for s in replica["stages"]}
        for name in PATH if replica["leader"] else FOLLOWER:
            check(stages[name] > 0, f"stage {name}: {stages}")
    stages = {s["stage"]: s["count"] for s in leaders[0]["stages"]}
    check(stages["decode"] == stages["reply"] == stages["total"] >= count, f"one of each for each command: {stages}")
    check(stages["peer"] <= 2 * stages["write"], f"two peers: {stages}")


def runs():
    with Cluster() as cluster:
        work = cluster.work
        common = [BENCH, "run", *where(cluster), "--clients", "1,3", "--count", "60", "--seconds", "30", "--warm-up", "0.05",
                  "--floor-count", "20", "--repeat", "2"]
        out = cluster.run(*common, "--json", f"{work}/a.json", "--csv", f"{work}/a.csv").stdout
        check("where the time goes" in out and "to and from" in out and "median" in out, out)
        with open(f"{work}/a.json", encoding="utf-8") as file:
            report = json.load(file)
        check(report["format"] == 1 and report["settings"]["record_bytes"] == 256 and report["histogram_error_percent"] <= 1, "head")
        check([p["clients"] for p in report["runs"]] == [1, 3], "points")
        for point in report["runs"]:
            check_point(point, 120)
            check(len(point["repetitions"]) == 2, "repetitions")
        check(report["runs"][1]["floor"]["group"]["count"] > 0, "the floor of a group")
        with open(f"{work}/a.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        check(sorted((r["clients"], r["repetition"], r["what"]) for r in rows if r["repetition"] != "all") ==
              sorted((c, r, w) for c in "13" for r in "12" for w in ("write", "floor")), f"rows: {rows}")
        check(all(float(r["per_second"]) > 0 for r in rows if r["repetition"] != "all"), f"also the floor's: {rows}")
        use = {(r["clients"], r["what"]): r for r in rows if r["cpu_us"]}
        check(sorted(use) == sorted((c, w) for c in "13" for w in ("client", "replica 1", "replica 2", "replica 3")), f"{sorted(use)}")
        check(all(float(use["1", "replica 2"][name]) > 0 for name in ("cpu_us", "context_switches", "journal_bytes", "flushes")), f"{use['1', 'replica 2']}")
        stages = {r["what"]: r for r in rows if r["clients"] == "1" and r["what"].startswith("replica 2 ")}
        check(int(stages["replica 2 flush" if "replica 2 flush" in stages else "replica 2 follow-flush"]["count"]) >= 100, f"stages: {sorted(stages)}")
        done = cluster.run(*common, "--json", f"{work}/a.json", status=2)
        check("--force" in done.stderr, f"an existing file is kept: {done.stderr}")
        reads_and_bundles(cluster)
        check(cluster.json("zone", "list")["zones"] == [], "nothing stays behind")


def one_run(cluster, *arguments):
    out = cluster.run(BENCH, "run", *where(cluster), "--count", "40", "--seconds", "30", "--warm-up", "0", "--floor-count", "0",
                      "--output", "json", *arguments).stdout
    return json.loads(out)["runs"][0]


def reads_and_bundles(cluster):
    for level in ("linearizable", "stale"):
        point = one_run(cluster, "--clients", "2", "--reads", "50", "--level", level, "--keys", "40", "--zones", "3",
                        "--distribution", "zipf")
        check(point["read"]["count"] > 0 and point["write"]["count"] > 0 and point["failed"] == 0, f"reads and writes: {point['trouble']}")
    point = one_run(cluster, "--clients", "4", "--bundle", "5", "--changes", "3", "--connections", "1")
    check(point["applied"] >= 40 and point["applied"] % 5 == 0, f"whole bundles: {point['applied']}")
    point = one_run(cluster, "--clients", "16", "--shared", "--reads", "10")
    check(point["write"]["count"] + point["read"]["count"] >= 40 and point["failed"] == point["refused"] == 0, f"shared: {point['trouble']}")
    point = one_run(cluster, "--clients", "4", "--rate", "200", "--at", "follower")
    check(point["applied"] >= 40 and point["rate"] == 200, "an open loop")
    point = one_run(cluster, "--clients", "1", "--size", "60000")
    check(point["applied"] >= 40 and abs(point["change_bytes"] - 60000) < 16, f"large records: {point['change_bytes']} {point['trouble']}")
    passes_on(cluster)


def passes_on(cluster):
    """A follower that is asked passes changes on: its part and the leader's, and what is between them, are all of it."""
    out = cluster.run(BENCH, "run", *where(cluster), "--clients", "1", "--count", "40", "--seconds", "30", "--warm-up", "0", "--floor-count", "0",
                      "--at", "follower").stdout
    path = out.split("where the time goes")[1].split("beside the path")[0].splitlines()[2:]
    shares = [(line[14:28].strip(), float(line.split(" %")[0].split()[-1])) for line in path if " %" in line]
    names = [name for name, _ in shares]
    check("passed on" in names and "decode" in names and names[-1] == "latency", f"{names}")
    check(abs(sum(share for _, share in shares) - 200) < 1, f"they add up: {shares}\n{out}")


def own_cluster_and_plot():
    """Starts a cluster of its own, draws, and leaves nothing in the temporary directory."""
    with Cluster(1) as cluster:
        scratch = os.path.join(cluster.work, "tmp")
        os.mkdir(scratch)
        for name, magic in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
            path = f"{cluster.work}/{name}"
            cluster.run("env", f"TMPDIR={scratch}", BENCH, "run", "--clients", "1,2", "--count", "20", "--seconds", "30", "--replicas",
                        "3" if name == "a.png" else "1", "--floor-count", "10", "--plot", path, cluster=False)
            with open(path, "rb") as file:
                data = file.read()
            check(data.startswith(magic) and len(data) > 2000, f"{name}: {data[:40]}")
        check(os.listdir(scratch) == [], f"left behind: {os.listdir(scratch)}")
        done = cluster.run("env", "PATH=/nowhere", BENCH, "run", "--plot", f"{cluster.work}/b.svg", status=2)
        check("gnuplot-nox" in done.stderr, f"no gnuplot: {done.stderr}")
        cluster.run(BENCH, "run", "--plot", f"{cluster.work}/b.gif", status=2)
        check("overwrites" in cluster.run(BENCH, "run", "--plot", f"{cluster.work}/a.svg", status=2).stderr, "an existing picture is kept")


def a_stall_shows():
    """All replicas stand still for a second in an open loop of six: a sixth of the arrivals waited for it,
    so that the slowest one in a hundred waited most of it. A loop that waits for answers would have had one."""
    with Cluster() as cluster:
        child = cluster.start(BENCH, "run", *where(cluster), "--at", "any", "--clients", "32", "--rate", "200", "--seconds", "6",
                              "--floor-count", "0", "--progress", "--output", "json", stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        for line in child.stderr:
            if "median" in line:
                break
        processes = [pid_of(cluster, i) for i in (1, 2, 3)]
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            time.sleep(1.1)
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
        out, err = child.communicate(timeout=120)
        point = json.loads(out)["runs"][0]
        check(point["write"]["count"] == 1200 and point["failed"] == 0, f"every arrival: {point['write']['count']} {point['trouble']} {err}")
        check(point["write"]["p999_us"] >= 1e6 and point["write"]["p99_us"] >= 900e3 and point["write"]["p90_us"] >= 200e3,
              f"the stall is hidden: { {q: point['write'][q] for q in QUANTILES} }")


def overload_adds_up():
    """Far more is offered than anything here can do: what was done, what was told that there is no room, and what
    found no client free are all of it. None of that is a failure of the run."""
    with Cluster() as cluster:
        out = cluster.run(BENCH, "run", *where(cluster), "--clients", "32", "--shared", "--rate", "500000", "--seconds", "2", "--warm-up", "0",
                          "--floor-count", "0", "--quiet", "--json", f"{cluster.work}/over.json").stdout
        with open(f"{cluster.work}/over.json", encoding="utf-8") as file:
            point = json.load(file)["runs"][0]
        told = f"{ {name: point[name] for name in ('offered', 'applied', 'busy', 'late', 'failed', 'refused', 'trouble')} }"
        check(point["offered"] == 1000000 and point["applied"] > 0 and point["late"] > 0, told)
        check(point["applied"] + point["busy"] + point["late"] == point["offered"], told)
        check(point["failed"] == point["refused"] == 0, told)
        check(f"{point['late']} of 1000000 operations offered never began" in out, out)


def keeps_a_world():
    """Two runs write each key of a kept world once, the second where the first ended; a third changes what they wrote."""
    with Cluster() as cluster:
        world = ["--world", f"{cluster.work}/world", "--zones", "3"]
        once = [*world, "--clients", "2", "--changes", "20", "--distribution", "once", "--count", "1000"]
        first = one_run(cluster, *once, "--keys", "4")
        check(first["applied"] == 8 and first["refused"] == first["failed"] == 0, f"two clients, four keys: {first['applied']} {first['trouble']}")
        second = one_run(cluster, *once, "--first-key", "4", "--keys", "7")
        check(second["applied"] == 6 and second["refused"] == second["failed"] == 0, f"three more: {second['applied']} {second['trouble']}")
        changes = one_run(cluster, *world, "--clients", "2", "--keys", "7")
        check(changes["applied"] >= 40 and changes["refused"] == changes["failed"] == 0, f"the same authors: {changes['trouble']}")
        zones = [zone["zone"] for zone in cluster.json("zone", "list")["zones"]]
        owners = [row["owner"] for zone in zones for row in cluster.json("record", "list", zone)["rrsets"] if row["type"] == "TXT"]
        check(len(zones) == 3 and len(owners) == len(set(owners)) == 14 * 20, f"each record set once, none new: {len(owners)} in {zones}")
        run = [BENCH, "run", *where(cluster), "--floor-count", "0", "--count", "5"]
        for arguments, words in ((["--zones", "2"], "made with --clients 2 --zones 3 --changes 20"), (["--zones", "3", "--clients", "3"], "made with"),
                                 (["--zones", "3", "--clients", "1", "--changes", "21"], "made with"), (["--zones", "3", "--shared"], "--shared")):
            said = cluster.run(*run, "--world", f"{cluster.work}/world", "--clients", "1", *arguments, status=2).stderr
            check(words in said, f"{arguments}: {said}")
        with open(f"{cluster.work}/world/world", "w", encoding="ascii") as file:
            file.write("rsm-bench-world 9\n")
        said = cluster.run(*run, *world, "--clients", "1", status=None)
        check(said.returncode != 0 and "no world of rsm-bench" in said.stderr, f"{said.returncode} {said.stderr}")


def bench_of(directory):
    """Processes of clusters of rsm-bench below the directory: replicas that are up."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if f"{directory}/flat/large/cluster/replica-".encode() in file.read():
                    found.append(entry)
        except OSError:
            pass
    return found


def stays_flat():
    """The script of `make flat-bench` with the smallest store; a second run fills nothing and measures again."""
    with Cluster(1) as cluster:
        script = [os.path.join(ROOT, "bench/flat.py"), f"{cluster.work}/flat", "15000", "--rounds", "1", "--seconds", "0.3", "--warm-up", "0.3"]
        out = cluster.run(*script, "--json", f"{cluster.work}/flat.json", cluster=False).stdout
        check("large: 15,000 of 15,000 record sets" in out and "| latency, 1 client, median, us |" in out, out)
        with open(f"{cluster.work}/flat.json", encoding="utf-8") as file:
            flat = json.load(file)
        check(flat["records"] == [10000, 15000] and all(0 < mib < 200 for mib in flat["memory_mib"]), f"{flat['records']} {flat['memory_mib']}")
        check(all(run["write"]["count"] > 0 and run["refused"] == 0 for run in flat["small"] + flat["large"]), "changes in both")
        check(all(0 < ready <= serves for ready, serves in flat["restart_s"]), f"{flat['restart_s']}")
        out = cluster.run(*script, cluster=False).stdout
        check(not bench_of(cluster.work), "both are down")
        check("of 15,000 record sets;" not in out and "| store, GiB |" in out, out)
        child = cluster.start(script[0], f"{cluster.work}/flat", "400000", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not bench_of(cluster.work):  # it fills
            check(child.poll() is None, "it ended")
        child.terminate()
        _, err = child.communicate(timeout=60)
        check(child.returncode == 130 and "15,000 record sets are in, the same command goes on" in err, f"{child.returncode} {err}")
        check(not bench_of(cluster.work), "nothing runs on")
        out = cluster.run(script[0], f"{cluster.work}/flat", "20000", "--fill-only", cluster=False).stdout
        check("large: 20,000 of 20,000 record sets" in out, f"the rest: {out}")
        check("in steps of 5,000" in cluster.run(script[0], cluster.work, "12000", status=2, cluster=False).stderr, "an odd number")


def aims():
    """Rows are measured alone and kept; the table has all of them. A row that cannot be measured is said, the others go on."""
    with Cluster(1) as cluster:
        script = [os.path.join(ROOT, "bench/aims.py"), f"{cluster.work}/aims", "--seconds", "0.2", "--repeat", "1"]
        out = cluster.run(*script, "--only", "latency,bytes", cluster=False).stdout
        check("| median commit latency, 1 client" in out and "| reads | | not measured | |" in out and "| latency, 1 |" in out, out)
        journal = [line.split("|")[3].split()[0] for line in out.splitlines() if line.startswith("| bytes to the journal")]
        check(len(journal) == 2 and all(1 <= float(ratio) < 4 for ratio in journal), f"{journal}")
        check(sorted(os.listdir(f"{cluster.work}/aims")) in (["bytes.json", "latency.json"], ["bytes.json", "latency.json", "latency.svg"]), "no cluster stays")
        check(cluster.run(*script, "--table", cluster=False).stdout == out, "the same again")
        done = cluster.run("env", "RSM_BIN=/nowhere", *script, "--only", "bytes,reads", status=1, cluster=False)
        check(done.stdout == out and "aims: reads: /nowhere/rsm-bench: No such file" in done.stderr, f"what was there stays: {done.stderr}")
        for wrong in (f"{cluster.work}/aims/bytes.json", cluster.key, "/nowhere"):
            check("no result of bench/peers" in cluster.run(*script, "--table", "--peers", wrong, status=2, cluster=False).stderr, wrong)
        check("there is no row walks" in cluster.run(*script, "--only", "walks", status=2, cluster=False).stderr, "a wrong row")


def floors():
    with Cluster(1) as cluster:
        out = cluster.run(BENCH, "floor", "--count", "30", "--clients", "5", "--dir", cluster.work, "--json", f"{cluster.work}/f.json").stdout
        check("floor: quorum" in out and "Ed25519" in out, out)
        with open(f"{cluster.work}/f.json", encoding="utf-8") as file:
            floor = json.load(file)["floor"]
        check(sorted(floor) == sorted(["flush", "round-trip", "quorum", "group", "sign", "verify", "signed"]), f"{sorted(floor)}")
        for name, part in floor.items():
            rises(part, name)
            check(part["count"] == {"group": 80, "signed": 30 * os.cpu_count()}.get(name, 30) and part["per_second"] > 0, f"{name}: {part['count']}")
        shared = json.loads(cluster.run(BENCH, "floor", "--count", "30", "--clients", "5", "--connections", "1", "--output", "json").stdout)
        check(shared["floor"]["group"]["count"] == 80, "one connection for all")
        cluster.run(BENCH, "floor", "--json", f"{cluster.work}/f.json", status=2)
        check("/nowhere: an input or output error" in cluster.run(BENCH, "floor", "--dir", "/nowhere", status=1).stderr, "in words")


def recounted(answer, *paths):
    """Ratio and interval by other means: all pairs sorted, and all orders of the two samples counted one by one."""
    sides = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            sides.append(json.load(file)["runs"][0]["repetitions"])
    figures = {"write median": lambda r: r["write"]["median_us"], "write p99": lambda r: r["write"]["p99_us"],
               "writes a second": lambda r: r["writes_per_second"]}

    @functools.lru_cache(None)
    def orders(a, b, above):  # of a and b values, with so many pairs in which the one of b is above
        if a == 0 or b == 0:
            return 1 if above == 0 else 0
        return orders(a, b - 1, above - a) + orders(a - 1, b, above) if above >= 0 else 0
    for row in answer["rows"]:
        a, b = ([figures[row["figure"]](one) for one in side] for side in sides)
        pairs = sorted(y / x for x in a for y in b)
        outside, taken, all_orders = (1 - 0.95) / len(answer["rows"]) / 2, 0, math.comb(len(a) + len(b), len(a))
        while sum(orders(len(a), len(b), above) for above in range(taken + 1)) / all_orders <= outside:
            taken += 1
        middle = math.sqrt(pairs[(len(pairs) - 1) // 2] * pairs[len(pairs) // 2])
        for name, value in (("ratio", middle), ("low", pairs[taken - 1]), ("high", pairs[-taken])):
            check(taken > 0 and math.isclose(row[name], value, rel_tol=1e-6), f"{row['figure']}: {name} {row[name]}, recounted {value}")


def made_up(path, repetitions, factor, record_bytes=256):
    """A result of `run` with one point."""
    rows = [{"writes_per_second": 500 / factor, "write": {"median_us": 100 * factor + i, "p99_us": 300 * factor + i},
             "floor": {"median_us": 50}} for i in range(repetitions)]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"format": 1, "settings": {"record_bytes": record_bytes, "zones": 1}, "runs": [{"clients": 8, "rate": 0, "repetitions": rows}]}, file)
    return path


def compares():
    """Every verdict and its exit status; results of real runs are taken, their times decide nothing."""
    with Cluster(1) as cluster:
        fast, slow, few = (made_up(f"{cluster.work}/{name}.json", count, factor)
                           for name, count, factor in (("fast", 8, 1), ("slow", 8, 1.2), ("few", 2, 1)))
        for a, b, status, word in ((fast, fast, 0, "no difference"), (fast, slow, 1, "slower"), (slow, fast, 0, "faster"),
                                   (few, fast, 3, "too few repetitions to say"), (f"{few},{fast}", f"{fast},{few}", 0, "no difference")):
            out = cluster.run(BENCH, "compare", a, b, status=status, cluster=False).stdout
            check(out.splitlines()[-1] == word, f"{word}: {out}")
        answer = json.loads(cluster.run(BENCH, "compare", fast, slow, "--output", "json", status=1).stdout)
        check(answer["verdict"] == "slower" and len(answer["rows"]) == 3 and answer["rows"][0]["low"] > 1.1, f"{answer}")
        cluster.run(BENCH, "compare", fast, slow, "--threshold", "25", cluster=False)
        recounted(answer, fast, slow)
        other = made_up(f"{cluster.work}/other.json", 8, 1, record_bytes=4096)
        told = cluster.run(BENCH, "compare", fast, other, cluster=False).stderr
        check("record_bytes: 256 and 4096" in told and "zones" not in told, f"what differs is said: {told}")
        check(cluster.run(BENCH, "compare", fast, fast, cluster=False).stderr == "", "nothing differs")
        for arguments in ([fast], [fast, "/nowhere"], [fast, cluster.key], [fast, slow, fast], [fast, slow, "--confidence", "100"]):
            check(cluster.run(BENCH, "compare", *arguments, status=2).stderr, f"{arguments}")
        real = f"{cluster.work}/real.json"
        cluster.run(BENCH, "run", "--endpoints", cluster.endpoints, "--key", cluster.key, "--clients", "8", "--count", "30", "--warm-up", "0",
                    "--floor-count", "10", "--repeat", "3", "--json", real)
        for more in ([], ["--relative"]):
            check("no difference" in cluster.run(BENCH, "compare", f"{real},{real}", f"{real},{real}", *more).stdout, "a result and itself")


def checks_a_revision():
    """The script of `make bench-check`, with the programs of this build on both sides."""
    if git("rev-parse", "HEAD") == "":
        return "this is no git working tree"
    with Cluster(1) as cluster:
        done = cluster.run("env", f"TMPDIR={cluster.work}", "ROUNDS=1", f"BASE_PROGRAMS={BIN}", os.path.join(ROOT, "bench/check.sh"), "HEAD",
                           "--clients", "2", "--count", "20", "--warm-up", "0", "--replicas", "1", status=3)
        check("too few repetitions to say" in done.stdout and "2 clients" in done.stdout, done.stdout + done.stderr)
        check(sorted(os.listdir(cluster.work)) == ["cluster"], f"left behind: {os.listdir(cluster.work)}")
        check("rsm-bench-check" not in git("worktree", "list"), "no working tree stays")
        check("no revision" in cluster.run(os.path.join(ROOT, "bench/check.sh"), "no-such-revision", status=2).stderr, "no revision")
    return None


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False).stdout


def sweeps():
    with Cluster(1) as cluster:
        few = ["--repeat", "1", "--clients", "2", "--count", "20", "--warm-up", "0", "--seconds", "30", "--replicas", "1", "--quiet"]
        out = cluster.run("env", f"TMPDIR={cluster.work}", BENCH, "sweep", "--knobs", "window=1;pin=one;bundle=2", *few, "--output", "json").stdout
        answer = json.loads(out)
        check([(v["knob"], v["value"]) for v in answer["variants"]] == [("window", "1"), ("pin", "one"), ("bundle", "2")], out)
        for variant in answer["variants"]:
            check([r["figure"] for r in variant["rows"]] == ["write median", "write p99", "writes a second"], f"{variant}")
            check(all(r["without"] > 0 and r["with"] > 0 and "too few" in r["verdict"] for r in variant["rows"]), f"{variant}")
        check(answer["recommended"] == [] and answer["p99_moved_most_by"] == "", "one round says nothing")
        check(sorted(os.listdir(cluster.work)) == ["cluster"], f"left behind: {os.listdir(cluster.work)}")
        out = cluster.run(BENCH, "sweep", "--knobs", "tick_ms=20", *few).stdout
        check("no setting moved p99" in out and "tick_ms=20" in out, out)
        check("window: 0 is not" in cluster.run(BENCH, "sweep", "--knobs", "window=0", *few, status=2).stderr, "the daemon's words")
        for knobs in ("window", "window=", "=1", "window=1;", "window=1\ntick_ms=1", ""):
            check(cluster.run(BENCH, "sweep", "--knobs", knobs, *few, status=2).stderr, knobs)
        cluster.run(BENCH, "sweep", "--knobs", "pin=odd", *few, status=2)


def sweeps_ways_to_flush():
    """Each that is to be had here is measured; what would take the place of another one is not."""
    ways = "journal_flush=fdatasync,odsync,odirect,io_uring"
    few = ["sweep", "--repeat", "1", "--clients", "1", "--count", "10", "--warm-up", "0", "--seconds", "30", "--replicas", "1"]
    with Cluster(1) as cluster:
        done = cluster.run(BENCH, *few, "--knobs", ways, "--output", "json", "--quiet", status=None)
        if done.returncode != 0 and "not to be had here" in done.stderr:
            print(f"skipped: {done.stderr.strip()}")
        else:
            check(done.returncode == 0, done.stderr)
            check([v["value"] for v in json.loads(done.stdout)["variants"]] == ways.split("=")[1].split(","), done.stdout)
        without = ["/usr/bin/python3", NO_URING, BENCH, *few]
        done = cluster.run(*without, "--knobs", "journal_flush=io_uring", status=2)
        check("journal_flush=io_uring: not to be had here: " in done.stderr, done.stderr)
        done = cluster.run(*without)
        check("without journal_flush=io_uring: not to be had here: " in done.stderr, done.stderr)
        check("journal_flush=odsync" in done.stdout and "io_uring" not in done.stdout, done.stdout)


def wrong_usage():
    with Cluster(1) as cluster:
        for arguments in ([], ["walk"], ["run", "--clients", "0"], ["run", "--clients", "1,"], ["run", "--odd"], ["run", "--count"],
                          ["run", "plain"], ["run", "--shared", "--bundle", "2"], ["run", "--endpoints", "127.0.0.1:1"], ["floor", "--count", "0"], ["run", "--level", "some"],
                          ["run", "--clients", "1,2,3,4,5", "--rate", "1,2,3,4"], ["run", "--distribution", "once", "--reads", "1"],
                          ["run", "--distribution", "once", "--rate", "5"], ["run", "--first-key", "3", "--keys", "3"]):
            done = cluster.run(BENCH, *arguments, status=2, cluster=False)
            check(done.stderr and not done.stdout, f"{arguments}: said on stderr")
            check(arguments == [] or len(done.stderr.splitlines()) <= 3, f"{arguments}: what is wrong, and where help is: {done.stderr}")
        for option in ("--json", "--csv", "--plot"):
            done = cluster.run(BENCH, "run", option, "/nowhere/a.svg", "--endpoints", "127.0.0.1:1", "--key", "k", status=2, cluster=False)
            check("/nowhere/a.svg: No such file or directory" in done.stderr, f"before anything is measured: {done.stderr}")
        done = cluster.run(BENCH, "run", "--dir", "/nowhere/x", status=1, cluster=False)
        check("/nowhere/x: No such file" in done.stderr and "local cluster" not in done.stderr, f"once: {done.stderr}")
        for command in ("run", "floor", "compare", "sweep"):
            check("example: rsm-bench" in cluster.run(BENCH, command, "--help").stdout, f"help of {command}")
        check("floor" in cluster.run(BENCH, "--help").stdout, "help")
        done = cluster.run(BENCH, "run", "--endpoints", "127.0.0.1:9", "--key", cluster.key, "--timeout-ms", "300", status=None)
        check(done.returncode in (6, 124), f"nobody there: {done.returncode} {done.stderr}")
        check(cluster.run(BENCH, "run", "--endpoints", cluster.endpoints, "--key", "/nowhere", status=3).stderr, "no key")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([BENCH, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    check(done.returncode == 1 and "could not be written" in done.stderr, f"{done.returncode} {done.stderr}")


main([wrong_usage, floors, compares, runs, keeps_a_world, stays_flat, aims, own_cluster_and_plot, checks_a_revision, sweeps, sweeps_ways_to_flush, a_stall_shows, overload_adds_up])
