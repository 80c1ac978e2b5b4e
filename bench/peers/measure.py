#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""measure.py [options] - rsm beside etcd and the C raft library, on this machine, in turns.

Three replicas or members each, on loopback, durable, in one directory; closed loops of records of the same
size. Every round measures everything once, so that whatever the machine does besides meets all.

  --clients 1,64,256   --seconds 5   --rounds 5   --size 256   --dir DIR   --json FILE
  --systems rsm,etcd,raft

Debian's etcd-server, etcd-client, libraft-dev, libuv1-dev and libnghttp2-dev are installed when they are
missing (root), or the line that does it is printed. See README.md beside this file for what the loads are.
"""
import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get("RSM_BIN", os.path.join(ROOT, "build"))
PACKAGES = ["etcd-server", "etcd-client", "libraft-dev", "libuv1-dev", "libnghttp2-dev"]
LATENCIES = ("median_us", "p99_us", "p999_us")


def run(*arguments, **how):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, **how)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def install():
    missing = [p for p in PACKAGES
               if "installed" not in subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", p], capture_output=True, text=True, check=False).stdout]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends"] + missing
    if os.getuid() != 0:
        raise SystemExit(f"these packages are missing; run this as root, then try again:\n  {' '.join(command)}")
    print("installing " + " ".join(missing), file=sys.stderr)
    run("apt-get", "update", "-qq")
    run(*command, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))


def build(work):
    """The two loads, in the directory of this run."""
    sources = [os.path.join(HERE, "peer_result.c"), os.path.join(ROOT, "src/base/histogram.c"), os.path.join(ROOT, "src/base/mem.c")]
    for name, libraries in (("etcd_load", ["-lnghttp2"]), ("raft_load", ["-lraft", "-luv"])):
        run("gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-I" + ROOT, "-I" + ROOT + "/include", "-o", f"{work}/{name}",
            os.path.join(HERE, name + ".c"), *sources, *libraries)


def free_ports(count):
    holders = [socket.socket() for _ in range(count)]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


class Rsm:
    name = "rsm"

    def __init__(self, work, options):
        self.options = options
        self.dir = f"{work}/rsm"
        run(f"{BIN}/resilience-ctl", "dev", "up", "--dir", self.dir)
        with open(f"{self.dir}/endpoints", encoding="ascii") as file:
            self.endpoints = file.read().strip()

    def bench(self, clients, *more):
        out = run(f"{BIN}/rsm-bench", "run", "--endpoints", self.endpoints, "--key", f"{self.dir}/admin.key", "--dir", self.dir, "--clients",
                  str(clients), "--seconds", str(self.options.seconds), "--size", str(self.options.size), "--output", "json", *more)
        return json.loads(out)["runs"][0]

    def measure(self, clients):
        point = self.bench(clients)
        floor = point["floor"]["group" if clients > 1 else "quorum"]
        yield "floor, as many connections", "write", dict(floor, rate=floor["per_second"])
        yield "rsm", "write", dict(point["write"], rate=point["writes_per_second"])
        if clients > 1:
            point = self.bench(clients, "--shared")
            floor = point["floor"]["group"]
            yield "floor, one connection", "write", dict(floor, rate=floor["per_second"])
            yield "rsm, one librsm client for all", "write", dict(point["write"], rate=point["writes_per_second"])
        point = self.bench(clients, "--reads", "100", "--floor-count", "0")
        yield "rsm", "linearizable read", dict(point["read"], rate=point["reads_per_second"])

    def close(self):
        subprocess.run([f"{BIN}/resilience-ctl", "dev", "down", "--dir", self.dir], capture_output=True, check=False)


class Etcd:
    name = "etcd"

    def __init__(self, work, options):
        self.options = options
        self.load = f"{work}/etcd_load"
        self.members = []
        ports = free_ports(6)
        self.ports = ports[:3]
        cluster = ",".join(f"m{i}=http://127.0.0.1:{ports[3 + i]}" for i in range(3))
        self.log = open(f"{work}/etcd.log", "w", encoding="utf-8")
        for i in range(3):
            client, peer = f"http://127.0.0.1:{ports[i]}", f"http://127.0.0.1:{ports[3 + i]}"
            self.members.append(subprocess.Popen(
                ["etcd", "--name", f"m{i}", "--data-dir", f"{work}/etcd-{i}", "--listen-client-urls", client, "--advertise-client-urls", client,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster, "--initial-cluster-state", "new",
                 "--quota-backend-bytes", str(8 << 30)], stdout=self.log, stderr=self.log))
        deadline = time.monotonic() + 60
        while self.leader() is None:
            if time.monotonic() > deadline:
                raise SystemExit("etcd has no leader after a minute")
            time.sleep(0.2)

    def leader(self):
        """The port of the member that leads: the fair one to ask, as ours is."""
        endpoints = ",".join(f"127.0.0.1:{p}" for p in self.ports)
        done = subprocess.run(["etcdctl", "--endpoints", endpoints, "endpoint", "status", "-w", "json"], capture_output=True, text=True,
                              check=False, env=dict(os.environ, ETCDCTL_API="3"))
        if done.returncode != 0:
            return None
        for member in json.loads(done.stdout):
            status = member["Status"]
            if status.get("leader") and status["leader"] == status["header"]["member_id"]:
                return int(member["Endpoint"].rsplit(":", 1)[1])
        return None

    def measure(self, clients):
        port = str(self.leader())
        common = [str(clients), str(self.options.size), str(self.options.seconds)]
        for verb, what, key in (("put", "write", "writes_per_second"), ("get", "linearizable read", "reads_per_second")):
            one = json.loads(run(self.load, port, *common, verb))["runs"][0]["repetitions"][0]
            yield "etcd", what, dict(one["write" if verb == "put" else "read"], rate=one[key])

    def close(self):
        for member in self.members:
            member.terminate()
        for member in self.members:
            member.wait()
        self.log.close()


class Raft:
    name = "raft"

    def __init__(self, work, options):
        self.options = options
        self.work = work

    def measure(self, clients):
        for settings in ("shipped", "rare"):
            scratch = tempfile.mkdtemp(dir=self.work)
            one = json.loads(run(f"{self.work}/raft_load", scratch, str(clients), str(self.options.size), str(self.options.seconds), settings))
            shutil.rmtree(scratch)
            one = one["runs"][0]["repetitions"][0]
            name = "C raft, no clients" + (", rare snapshots" if settings == "rare" else "")
            yield name, "write", dict(one["write"], rate=one["writes_per_second"])

    def close(self):
        pass


def show(figures, rounds):
    print(f"\nmedians of {rounds} rounds; latencies in microseconds\n")
    print(f"| {'clients':>7} | {'operation':18} | {'system':36} | {'a second':>10} | {'median':>9} | {'p99':>9} | {'p99.9':>9} |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (clients, what, system), rows in sorted(figures.items()):
        middle = {key: statistics.median(row[key] for row in rows) for key in ("rate", *LATENCIES)}
        print(f"| {clients:>7} | {what:18} | {system:36} | {middle['rate']:>10,.0f} | {middle['median_us']:>9,.0f} | {middle['p99_us']:>9,.0f} | {middle['p999_us']:>9,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", default="1,64,256")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--dir", default=os.environ.get("TMPDIR", "/tmp"))
    parser.add_argument("--json")
    parser.add_argument("--systems", default="rsm,etcd,raft")
    options = parser.parse_args()
    if options.json and os.path.exists(options.json):
        parser.error(f"{options.json} is there already")
    install()
    work = tempfile.mkdtemp(prefix="rsm-peers.", dir=options.dir)
    systems, figures = [], {}
    try:
        build(work)
        for kind in (Rsm, Etcd, Raft):
            if kind.name in options.systems.split(","):
                systems.append(kind(work, options))
        for number in range(1, options.rounds + 1):
            for clients in map(int, options.clients.split(",")):
                for system in systems:
                    print(f"round {number} of {options.rounds}: {clients} clients, {system.name}", file=sys.stderr, flush=True)
                    for name, what, figure in system.measure(clients):
                        figure.pop("buckets", None)
                        figures.setdefault((clients, what, name), []).append(figure)
        show(figures, options.rounds)
        if options.json:
            with open(options.json, "x", encoding="utf-8") as file:
                json.dump([{"clients": c, "operation": w, "system": s, "rounds": r} for (c, w, s), r in sorted(figures.items())], file, indent=1)
    finally:
        for system in systems:
            system.close()
        shutil.rmtree(work, ignore_errors=True)


main()
