#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back: restores against replays of the log, what never goes back, and what watchers are told."""
import json
import random
import re
import subprocess
import threading

import msgpack

from harness import BIN, Cluster, check, finish, main, wire
from rpc_client import Client

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
SOA = 6
SLOTS = 20


class Watcher:
    """Rebuilds the zones from nothing but the events; of a zone that is reset, from the state after that slot."""

    def __init__(self, where, first=1, **options):
        self.client, self.where = Client(where), where
        self.begun = self.client.good("watch", first, *([options] if options else []))
        self.zones, self.staged, self.resets, self.slot, self.head = {}, {}, [], 0, b""

    def apply(self, kind, body):
        if kind == "change.request":
            kind, body = body[2], body[3]
        if kind == "zone.create":
            self.zones[body[0]] = {}
        if kind == "zone.delete":
            del self.zones[body[0]]
        if kind in ("zone.create", "rrset.change"):
            for owner, type_code, ttl, rdatas in body[-1]:
                zone = self.zones.setdefault(body[0], {})
                zone.pop((owner, type_code), None)
                if rdatas:
                    zone[owner, type_code] = ttl, sorted(rdatas)

    def take(self, until):
        """Notifications up to that slot."""
        while self.slot < until:
            note = self.client.notes.pop(0) if self.client.notes else self.client.receive()
            what, event = note[1], note[2][0]
            if what == "reset":
                self.resets.append(event)
                if event["cause"] == "another-log":
                    self.slot, self.head = event["slot"], event["entry_head"]
                continue
            check(what == "event" and event["slot"] > self.slot, f"{note}")
            self.slot, self.head = event["slot"], event["entry_head"]
            for i, verdict in enumerate(event["verdicts"]):
                if verdict["verdict"] == "staged":
                    self.staged[verdict["digest"]] = event["commands"][i]
                live = verdict["verdict"] == "settled" and verdict["result"]["state"] == "live"
                command = self.staged[verdict["digest"]] if live else event["commands"][i] if verdict["verdict"] == "applied" else None
                if command is not None and not verdict["duplicate"]:
                    self.apply(command["kind"], msgpack.unpackb(command["body"]))
            for reset in self.resets:
                if reset["slot"] == self.slot:
                    told = self.zones[reset["zone_wire"]]
                    check(content(self.where, reset["zone_wire"], self.slot) == without_soa(told), f"{reset}: its event says something else")
        return self

    def close(self):
        self.client.close()


def without_soa(sets):
    return {key: value for key, value in sets.items() if key[1] != SOA}


def content(where, zone, at_slot=None):
    """The record sets of a zone, as a replica says that they are."""
    client, options, found = Client(where), {}, {}
    if at_slot is not None:
        options["at_slot"] = at_slot
    while True:
        page = client.good("rrset.list", zone, options)
        for item in page["rrsets"]:
            found[item["owner_wire"], item["type_code"]] = item["ttl"], sorted(item["rdata_wire"])
        if not page.get("next"):
            client.close()
            return without_soa(found)
        options["after"] = page["next"]


def make(cluster, *zones):
    cluster.ctl("policy", "set", "classes=standard/")  # of zones that go and come: without votes
    for zone in zones:
        cluster.ctl("zone", "create", zone, "-", text=ZONE)


def write(cluster, dice, zone):
    owner = dice.choice("abcdef")
    if dice.randrange(4) == 0:
        cluster.ctl("record", "delete", zone, owner, "A", "--yes", status=None)
    return int(cluster.json("record", "set", zone, dice.choice("abcdef"), str(dice.randrange(60, 600)), "A",
                            *{f"192.0.2.{dice.randrange(1, 250)}" for _ in range(dice.randrange(1, 4))})["slot"])


def watchers():
    """Who watches across a restore gets one reset for each zone, with its slot; what it rebuilt is the store."""
    with Cluster() as cluster:
        make(cluster, "a.example", "b.example")
        dice = random.Random(3)
        watcher, again = Watcher(cluster.endpoint(1)), Watcher(cluster.endpoint(2))
        shown = cluster.start(f"{BIN}/resilience-ctl", "watch", "--from", "1", "--endpoints", cluster.endpoint(3), "--output", "jsonl",
                              stdout=subprocess.PIPE, text=True)
        for _ in range(6):
            write(cluster, dice, "a.example")
        then = write(cluster, dice, "b.example")
        cluster.ctl("record", "set", "a.example", "new", "60", "A", "192.0.2.9")
        undone = cluster.json("record", "set", "b.example", "new", "60", "A", "192.0.2.9")["slot"]
        check(watcher.take(int(undone)).resets == [], "nothing was restored")
        cluster.ctl("undo", str(undone), "--yes")  # a change as any other
        cluster.ctl("zone", "restore", "a.example", str(then), "--yes")
        restores = [["a.example.", then]]
        cluster.ctl("record", "set", "a.example", "later", "60", "A", "192.0.2.9")
        cluster.ctl("zone", "delete", "b.example", "--yes")
        cluster.ctl("zone", "restore-all", str(then), "--yes")
        restores += [["a.example.", then], ["b.example.", then]]
        cluster.ctl("zone", "restore-all", str(then), "--yes")  # all is so: no change, no reset
        # One that waits for votes: the reset comes with the slot in which it takes effect.
        cluster.ctl("record", "set", "b.example", "later", "60", "A", "192.0.2.9")
        done = cluster.ctl("zone", "restore", "b.example", str(then), "--yes", "--class", "critical", "--wait", "60s")
        staged, live = (int(re.search(words + r" in slot (\d+)", done.stdout + done.stderr).group(1)) for words in ("staged", "live"))
        check(staged < live, done.stdout + done.stderr)
        restores += [["b.example.", then]]
        last = int(cluster.json("record", "set", "a.example", "end", "60", "A", "192.0.2.1")["slot"])
        cluster.settle()
        for one in (watcher, again, Watcher(cluster.endpoint(3))):
            one.take(last)
            check([[r["zone"], r["restored_slot"]] for r in one.resets] == restores, f"{one.resets}")
            check(one.resets[-1]["slot"] == live, f"{one.resets[-1]}: it took effect in slot {live}")
            check(all(r["cause"] == "restore" and r["watch"] == one.begun["watch"] for r in one.resets), f"{one.resets}")
            for zone in ("a.example", "b.example"):
                check(without_soa(one.zones[wire(zone)]) == content(one.where, wire(zone)), f"{zone}: rebuilt is not what is there")
        # The library and the tool on it.
        lines, patience = [], threading.Timer(60, shown.kill)
        patience.start()
        while not lines or lines[-1].get("slot", 0) < last:
            line = shown.stdout.readline()
            check(line != "", "the tool did not show the last slot within a minute")
            lines.append(json.loads(line))
        patience.cancel()
        told = [line for line in lines if "cause" in line]
        check([[r["zone"], r["restored_slot"], r["slot"]] for r in told] == [[r["zone"], r["restored_slot"], r["slot"]] for r in watcher.resets], f"{told}")
        check(all(lines[i + 1]["slot"] == line["slot"] for i, line in enumerate(lines) if "cause" in line), "the event follows")


def places():
    """A place in another log: a reset, at once. In this one: none, at each replica."""
    with Cluster() as cluster:
        make(cluster, "a.example")
        last = int(cluster.json("record", "set", "a.example", "x", "60", "A", "192.0.2.1")["slot"])
        cluster.settle()
        watcher = Watcher(cluster.endpoint(1)).take(last)
        last, head = watcher.slot, watcher.head
        for replica in (1, 2, 3):
            where = cluster.endpoint(replica)
            good = Watcher(where, last + 1, after=head)
            wrong = Watcher(where, last + 1, after=bytes(32))
            ahead = Watcher(where, last + 1000, after=head)
            check(good.begun["slot"] == last + 1, f"{good.begun}")
            check(wrong.begun["slot"] == ahead.begun["slot"] == last + 1, f"{wrong.begun} {ahead.begun}")
            end = int(cluster.json("record", "set", "a.example", f"r{replica}", "60", "A", "192.0.2.1")["slot"])
            check(good.take(end).resets == [], f"{good.resets}")
            for one in (wrong, ahead):
                one.take(end)
                check([(r["cause"], r["slot"], r["entry_head"]) for r in one.resets] == [("another-log", last, head)], f"{one.resets}")
            last, head = end, good.head
            cluster.settle()
        client = Client(cluster.endpoint(1))
        client.bad("BAD_PARAMS", "watch", 5, {"after": b"short"})
        client.bad("BAD_PARAMS", "watch", 1, {"after": bytes(32)})
        client.bad("BAD_PARAMS", "watch", 0, {"after": bytes(32)})


def never_back(before, now, what):
    for key, value in now.items():
        was = before.get(key, value)
        check(value >= was, f"{what}: {key} went back from {was} to {value}")
        before[key] = value


def figures(cluster, lease):
    """All that must never go back."""
    client = Client(cluster.endpoint(1))
    clock = client.good("clock", "admin@dev")
    found = {f"serial of {z['zone']}": z["serial"] for z in client.good("zone.list")["zones"]}
    found.update({f"writer of {z['zone']}": z["content"]["slot"] for z in client.good("zone.list")["zones"]})
    found.update(slot=client.good("status")["slot"], counter=clock["counter"], lamport=clock["lamport"], highest=clock["lamport_highest"], token=lease)
    found["log time"] = client.good("log.range", found["slot"])["entries"][0]["time_ms"]
    client.close()
    return found


def replayed(cluster, slot):
    """What the log says that the zones were after a slot: lines of rsm-dump's replay, but for serials."""
    text = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(1), "--json", "state", "--at", str(slot)).stdout
    found = {}
    for line in map(json.loads, text.splitlines()):
        if line.get("object") == "rrset":
            value = line["value"]
            zone, owner, kind = line["name"].split(" ")
            if kind != "SOA":
                found[zone, owner, kind] = value["ttl"], sorted(value["rdatas"])
    return found


def restore_equals_replay(whole):
    """At 20 random slots: what is there after a restore is what a replay of the log comes to; and nothing goes back."""
    zones = ("a.example", "b.example") if whole else ("a.example",)
    with Cluster() as cluster:
        make(cluster, *zones)
        dice, before = random.Random(11), {}
        cluster.settle()
        first = cluster.status(1)["slot"]
        slots = [write(cluster, dice, dice.choice(zones)) for _ in range(2 * SLOTS)]
        for slot in dice.sample(range(first, slots[-1] + 1), SLOTS):
            write(cluster, dice, dice.choice(zones))
            if whole and dice.randrange(3) == 0:
                cluster.ctl("zone", "delete", dice.choice(zones), "--yes", status=None)
            cluster.ctl("zone", *(("restore-all",) if whole else ("restore", "a.example")), str(slot), "--yes")
            wanted = replayed(cluster, slot)
            cluster.settle()
            check({zone.rstrip(".") for zone, _, _ in wanted} == set(zones), f"slot {slot}: {wanted}")
            now = {}
            for zone in zones:
                for item in cluster.json("record", "list", zone)["rrsets"]:
                    if item["type"] != "SOA":
                        now[zone + ".", item["owner"], item["type"]] = item["ttl"], sorted(item["rdata"])
            check(now == wanted, f"restored to slot {slot}:\n{sorted(now.items())}\nreplayed:\n{sorted(wanted.items())}")
            token = cluster.json("lease", "acquire", f"lease-{slot}")["verdicts"][0]["result"]["token"]
            never_back(before, figures(cluster, token), f"restored to slot {slot}")
        cluster.stop_equal()
        for replica in (1, 2, 3):
            cluster.verify(replica)


def zone_at_twenty_slots():
    restore_equals_replay(False)


def everything_at_twenty_slots():
    restore_equals_replay(True)


def the_tail_has_what_was_answered():
    """What somebody was told is in the log's tail at each replica, though a follower hears of it later."""
    with Cluster() as cluster:
        make(cluster, "a.example")
        leader = cluster.status(1)["leader"]
        followers = [i for i in (1, 2, 3) if i != leader]
        for number in range(60):
            done = cluster.ctl("record", "set", "a.example", "x", str(60 + number), "A", "192.0.2.1", "--output", "json", endpoints=cluster.endpoint(leader))
            shown = cluster.ctl("log", "tail", "--limit", "1", "--output", "json", endpoints=cluster.endpoint(followers[number % 2])).stdout
            check(json.loads(shown)["slot"] >= int(json.loads(done.stdout)["slot"]), f"{done.stdout} was answered, and the log ends with {shown}")


def more_than_a_page():
    """Each version of a record set is in its history, also behind the first page of 1,000."""
    with Cluster() as cluster:
        make(cluster, "a.example")
        key = cluster.automaton("writer", "rrset.change,a.example")
        load = cluster.start(f"{BIN}/test-load", cluster.endpoints, key, wire("a.example").hex(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        acked = 0
        while acked < 1005:
            line = load.stdout.readline()
            check(line != "", "the writer ended")
            acked += line.startswith("acked ")
        acked += finish(load).count("acked ")
        versions = cluster.json("record", "history", "a.example", "writer", "TXT")["versions"]
        check(len(versions) == acked, f"{acked} were written, {len(versions)} are shown")
        check(len(cluster.ctl("record", "history", "a.example", "writer", "TXT").stdout.splitlines()) == acked + 1, "as a table")
        # Who changes what is behind the first page of a list has read it, too: in an emergency, somebody else's.
        for number in range(1001):
            cluster.ctl("role", "set", f"r{number:04}", "rrset.change,a.example")
        path = f"{cluster.work}/second.key"
        public = cluster.ctl("keygen", "second", "--plain", "--out", path).stdout.strip()
        cluster.ctl("principal", "set", "second", "--kind", "person", "--person", "second", "--role", "admin", "--public-key", public)
        cluster.ctl("role", "set", "r1000", "rrset.change", key=path)


main([watchers, places, the_tail_has_what_was_answered, more_than_a_page, zone_at_twenty_slots, everything_at_twenty_slots])
