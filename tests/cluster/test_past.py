#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""--at of every read: what a command said of a slot it says again later, whatever has happened since; and nobody can lie to it."""
import datetime
import json
import os
import socket
import threading

import msgpack

from harness import BIN, Cluster, check, main
from rpc_client import Client

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.1\n"
READS = [line.split() for line in (
    "zone list", "zone export a.example", "zone blame a.example", "record list a.example", "record get a.example www A", "record history a.example www A",
    "lease list", "principal list", "role list", "policy get", "policy show", "plan list", "plan show db", "service list", "service show shop",
    "automation list", "automation frozen", "change list", "override status", "factor list", "graph a.example", "graph service:shop", "outcome admin@dev 3",
    "explain admin@dev 3")]


def said(cluster, command, *more, **how):
    """Status, output and words, as a person and as a program gets them."""
    found = []
    for output in ("table", "json", "jsonl"):
        done = cluster.ctl(*command, *more, "--output", output, status=None, **how)
        found.append((done.returncode, done.stdout, done.stderr))
    return found


def without_process(text):
    """A list of members without what is no part of the state, and stage 7, which each replica goes through for itself."""
    value = json.loads(text)
    for key in ("replica", "leader"):
        value.pop(key, None)
    for config in filter(None, (value.get("current"), value.get("next"))):
        for member in config["members"]:
            for key in ("known", "heard", "last_heard_ms", "applied"):
                member.pop(key, None)
    for command in value.get("commands", []):
        command["stages"] = [s for s in command["stages"] if s["stage"] != 7]
    return value


class Moment:
    """What all reads say at one slot, saved; no slot came in between."""

    def __init__(self, cluster):
        while True:
            cluster.settle()
            self.slot = cluster.status(1)["slot"]
            waiting = [o["digest"] for o in cluster.json("override", "status")["overrides"]]
            self.reads = READS + [["override", "status", digest] for digest in waiting] + [["outcome", digest] for digest in waiting]
            self.said = {" ".join(command): said(cluster, command) for command in self.reads if command[0] != "explain"}
            self.members = cluster.ctl("member", "list", "--output", "json").stdout
            done = cluster.ctl("explain", "admin@dev", "3", "--output", "json", status=None)
            self.explained = done.stdout
            if cluster.status(1)["slot"] == self.slot:
                return

    def check_at(self, cluster, at):
        for command in self.reads:
            name = " ".join(command)
            if command[0] == "explain":
                now = cluster.ctl(*command, "--at", at, "--output", "json", status=None).stdout
                check(bool(now) == bool(self.explained) and (not now or without_process(now) == without_process(self.explained)), f"explain --at {at}: {now}")
                continue
            now = said(cluster, command, "--at", at)
            check(now == self.said[name], f"{name} --at {at} (slot {self.slot}):\n{now}\nit was:\n{self.said[name]}")
        now = cluster.ctl("member", "list", "--at", at, "--output", "json").stdout
        check(without_process(now) == without_process(self.members), f"member list --at {at}: {now}, it was {self.members}")
        check("HEARD" not in cluster.ctl("member", "list", "--at", at).stdout, "progress is not state")


def changes(cluster):
    """One thing of each kind after the other."""
    work = cluster.work
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
    cluster.ctl("record", "set", "a.example", "www", "60", "A", "192.0.2.2", "--reason", "moved")
    yield
    alice = os.path.join(work, "alice.key")
    public = cluster.ctl("keygen", "alice@company.com", "--plain", "--out", alice).stdout.strip()
    cluster.ctl("role", "set", "web", "rrset.change,a.example")
    cluster.ctl("principal", "set", "alice@company.com", "--kind", "person", "--person", "alice", "--role", "web", "--public-key", public)
    second = cluster.ctl("keygen", "alice@company.com", "--plain", "--out", os.path.join(work, "second.key")).stdout.strip()
    cluster.ctl("factor", "enroll", "alice@company.com", "stick", "key-eddsa", second)
    cluster.ctl("service", "set", "shop", "www.a.example", "--owner", "team", "--tier", "critical")
    cluster.ctl("lease", "acquire", "db", "--ttl", "10m")
    yield
    cluster.ctl("policy", "set", "ttl_min=30")
    cluster.ctl("automation", "freeze", "--reason", "incident 7")
    zone = cluster.write("plan.zone", "db 60 IN A 192.0.2.9\n")
    cluster.ctl("plan", "publish", "db", "1", "a.example", zone, status=None)
    fix = cluster.write("fix.yaml", "zone: a.example\nreason: r\nnames: [www]\nrecords: www 60 IN A 192.0.2.3\n")
    cluster.ctl("override", "request", "--config", fix)
    yield
    cluster.ctl("override", "cancel", json.loads(cluster.ctl("override", "status", "--output", "json").stdout)["overrides"][0]["digest"])
    cluster.ctl("automation", "resume")
    cluster.ctl("lease", "release", "db", "--token", str(cluster.json("lease", "list")["leases"][0]["token"]))
    cluster.ctl("factor", "revoke", "alice@company.com", "stick")
    cluster.ctl("principal", "delete", "alice@company.com", "--yes")
    cluster.ctl("service", "delete", "shop", "--yes")
    cluster.ctl("role", "set", "web", "zone.create")
    cluster.ctl("record", "delete", "a.example", "www", "A", "--yes")
    cluster.ctl("member", "update", "3", "--zone", "elsewhere", "--wait", "0s", status=None)
    yield


def dumped(cluster, slot):
    text = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(1), "--json", "state", "--at", str(slot)).stdout
    found = {}
    for line in map(json.loads, text.splitlines()):
        found.setdefault(line["object"], {})[line.get("name")] = line.get("value")
    return found


def check_dump(cluster, slot):
    """rsm-dump state --at and resilience-ctl --at are of one mind, field by field of what both say."""
    state = dumped(cluster, slot)
    for kind, command, key in (("principal", "principal list", "principals"), ("lease", "lease list", "leases"), ("freeze", "automation list", "freezes"),
                               ("plan", "plan list", "plans"), ("service", "service list", "services")):
        shown = {item["name"]: item for item in cluster.json(*command.split(), "--at", str(slot))[key]}
        there = state.get(kind, {})
        check(set(shown) == set(there), f"slot {slot}, {kind}: {sorted(shown)} {sorted(there)}")
        for name, value in there.items():
            for field in set(value) & set(shown[name]):
                check(value[field] == shown[name][field], f"slot {slot}, {kind} {name} {field}: {value[field]} {shown[name][field]}")
            check(len(set(value) & set(shown[name])) >= min(3, len(value)), f"{kind}: {value} {shown[name]}")
    check(set(state.get("role", {})) == {r["name"] for r in cluster.json("role", "list", "--at", str(slot))["roles"]}, f"roles at {slot}")
    factors = {f"{f['principal']} {f['id']}" for f in cluster.json("factor", "list", "--at", str(slot))["factors"]}
    check(set(state.get("factor", {})) == factors, f"factors at {slot}: {state.get('factor')} {factors}")
    waiting = {c["digest"] for c in cluster.json("change", "list", "--at", str(slot))["changes"]}
    check(set(state.get("change", {})) == waiting, f"changes that wait at {slot}: {state.get('change')} {waiting}")
    newest = max(state["members"].values(), key=lambda c: c["effective_slot"])["members"]
    config = cluster.json("member", "list", "--at", str(slot))
    check([m["zone"] for m in (config["next"] or config["current"])["members"]] == [m["zone"] for m in newest], f"members at {slot}")


def every_read():
    with Cluster() as cluster:
        cluster.settle()
        moments = []
        for _ in changes(cluster):
            moments.append(Moment(cluster))
        check(len({moment.slot for moment in moments}) == len(moments), "slots passed")
        for moment in moments:
            moment.check_at(cluster, str(moment.slot))
            check_dump(cluster, moment.slot)
        # A time is the state after the last slot up to it: at the slot's own time, and until the next one's.
        log = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(1), "log", "--json").stdout
        times = {row["slot"]: row["log_time"] for row in map(json.loads, log.splitlines()) if "log_time" in row}
        for moment in moments:
            if times[moment.slot] != times.get(moment.slot + 1):
                moment.check_at(cluster, times[moment.slot])
        moment, gap = moments[1], datetime.timedelta(milliseconds=1)
        parsed = {slot: datetime.datetime.fromisoformat(text[:-1]) for slot, text in times.items()}
        apart = [slot for slot in parsed if slot + 1 in parsed and parsed[slot + 1] - parsed[slot] > gap]
        check(len(apart) > 0, f"no two slots are apart in time: {times}")
        for slot in apart[:3]:
            time = (parsed[slot] + gap).isoformat(timespec="milliseconds") + "Z"
            for command in (("principal", "list"), ("zone", "list")):
                check(cluster.json(*command, "--at", time)["slot"] == slot, f"{time} lies between slot {slot} and the next: {command}")
        beginning = cluster.json("principal", "list", "--at", "0")
        check(beginning["slot"] == 0 and [p["name"] for p in beginning["principals"]] == ["admin@dev"], f"slot 0: {beginning}")
        check(cluster.json("principal", "list", "--at", "2999-01-01")["slot"] >= moments[-1].slot, "a time to come: all there is")
        for at, words in (("999999", "is not applied here yet, the last is"), ("2001-01-01T00:00:00Z", "lies before the cluster was made")):
            for command in READS:
                done = cluster.ctl(*command, "--at", at, status=3)
                check(words in done.stderr and done.stdout == "", f"{command}: {done.stdout}{done.stderr}")
        cluster.ctl("lease", "list", "--at", "yesterday", status=2)
        # From one replica, without asking a majority.
        check(said(cluster, ["role", "list"], "--at", str(moment.slot), "--stale", endpoints=cluster.endpoint(2)) == moment.said["role list"], "stale")
        there_is_no_past(cluster)


def there_is_no_past(cluster):
    """What is no state says why it takes no --at; and a replica never gives what is now for what was."""
    for command, words in (("status", "at this moment"), ("stages", "since their start"), ("scrub", "the disks as they are"), ("log tail", "--from SLOT"),
                           ("watch", "--from SLOT"), ("zone diff a.example 1", "its two slots or times"), ("override guide", "override status has --at"),
                           ("policy check x", "policy show has --at"), ("plan check x", "what would change now"), ("rules", "the program's"),
                           ("role delete web", "the state as it is now"), ("dev status", "no log has a past")):
        done = cluster.ctl(*command.split(), "--at", "1", status=2)
        check("takes no --at: " in done.stderr and words in done.stderr and done.stderr.count("\n") == 1, f"{command}: {done.stderr}")
    client = Client(cluster.endpoint(1))
    for method in ("lease.list", "role.list", "policy.get", "freeze.list", "factor.list", "member.list"):
        check("kept as it is now" in client.bad("NO_SUCH_STATE", method, {"at_slot": 1}), method)
    for method in ("status", "stages", "member.self", "secondary.list"):
        check("no log has a past" in client.bad("NO_SUCH_STATE", method, {"at_slot": 1}), method)
    client.close()


class Liar:
    """A replica that passes calls on and changes what comes back."""

    def __init__(self, cluster, change):
        self.real, self.change = Client(cluster.endpoint(1)), change
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            unpacker = msgpack.Unpacker(raw=False)
            while data := connection.recv(65536):
                unpacker.feed(data)
                for _, number, method, params in unpacker:
                    error, result = self.real.call(method, *params)
                    if error is None:
                        self.change(method, result)
                    connection.sendall(msgpack.packb([1, number, error, result]))


def lies():
    """Rows that do not follow from the log before them are named by their slot, and nothing is answered."""
    def row(slot, key, value):
        def change(method, result):
            for item in result["entries"] if method == "log.raw" else []:
                if item["slot"] == slot:
                    item[key] = value(item)
        return change

    def without(slot):
        def change(method, result):
            if method == "log.raw":
                result["entries"] = [item for item in result["entries"] if item["slot"] != slot]
        return change

    def other_genesis(method, result):
        if method == "genesis":
            result["genesis"] = result["genesis"].replace(b"us-east-1a", b"us-east-1z").replace(b"az1", b"az9").replace(b"zone-1", b"zone-9")

    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        last = cluster.json("record", "set", "a.example", "www", "60", "A", "192.0.2.2")["slot"]
        time = cluster.json("explain", str(last))["time_ms"]
        flip = lambda b: b[:-1] + bytes([b[-1] ^ 1])
        for what, change, words, at in (
                ("signature", row(last, "entry", lambda i: flip(i["entry"])), f"slot {last} of the log", str(last)),
                ("verdicts", row(last, "verdicts", lambda i: flip(i["verdicts"])), "not what the rules say", str(last)),
                ("head", row(last, "entry_head", lambda i: flip(i["entry_head"])), "the chain breaks there", str(last)),
                ("log time", row(last, "log_time_ms", lambda i: 1 << 50), "not what the rules say", "2999-01-01"),
                ("a slot left out", without(last - 1), "it is not in it", str(last)),
                ("another genesis", other_genesis, "of the log that was answered with", str(last))):
            done = cluster.ctl("lease", "list", "--at", at, endpoints=Liar(cluster, change).endpoint, status=None)
            check(done.returncode != 0 and words in done.stderr and done.stdout == "", f"{what} ({time}): {done.returncode} {done.stdout}{done.stderr}")
        done = cluster.ctl("lease", "list", "--at", str(last), endpoints=Liar(cluster, lambda method, result: None).endpoint)
        check(done.returncode == 0, "and without a lie it is answered")


main([every_read, lies])
