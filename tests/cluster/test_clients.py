#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that nobody here wrote: Debian's python3-msgpack over plain sockets, against real replicas."""
import os
import subprocess

import msgpack

from harness import BIN, Cluster, check, finish, main, wire
from rpc_client import Client

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.2\nwww 60 IN A 192.0.2.3\n"

# Measured, and a half more: heartbeats, the store's commits and what these tests ask for are in it.
ALLOCATIONS_PER_COMMAND = 45


def with_zone(cluster):
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
    cluster.settle()
    return Client(cluster.endpoint(1))


def reads():
    with Cluster() as cluster:
        client = with_zone(cluster)
        hello = client.good("hello")
        check(hello["server"] == "rsmd" and len(hello["cluster_id"]) == 16, f"{hello}")
        check(client.good("status")["replica"] == 1, "status of another replica")
        client.bad("BAD_PARAMS", "hello", {"errors": "loud"})
        client.good("hello", {"errors": "map"})
        error, result = client.call("no.such")
        check(error["code"] == "UNKNOWN_METHOD" and error["details"] == {} and result is None, f"{error}")
        client.good("hello", {"errors": "string"})
        client.bad("UNKNOWN_METHOD", "no.such")
        text = client.good("rrset.get", "a.example.", "www.a.example.", "A")
        raw = client.good("rrset.get", wire("a.example"), wire("www.a.example"), 1)
        check(text["rrset"] == raw["rrset"], "text and wire parameters differ")
        check(text["rrset"]["rdata"] == ["192.0.2.2", "192.0.2.3"], f"{text}")
        check(text["rrset"]["rdata_wire"][0] == bytes([192, 0, 2, 2]), f"{text}")
        seen, after = [], None
        while True:
            options = {"limit": 1} if after is None else {"limit": 1, "after": after}
            page = client.good("rrset.list", "a.example.", options)
            seen += [(item["owner"], item["type"]) for item in page["rrsets"]]
            after = page["next"]
            if after is None:
                break
        check(seen == [("a.example.", "NS"), ("a.example.", "SOA"), ("ns1.a.example.", "A"), ("www.a.example.", "A")], f"{seen}")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "read.py")
        lines = subprocess.run(["/usr/bin/python3", script, cluster.endpoint(2), "a.example."], capture_output=True, text=True, check=True).stdout
        check(lines.splitlines()[-2:] == ["www.a.example. 60 IN A 192.0.2.2", "www.a.example. 60 IN A 192.0.2.3"], lines)
        slot = text["slot"]
        cluster.ctl("record", "delete", "a.example", "www", "A", "--yes")
        check(client.good("rrset.get", "a.example.", "www.a.example.", "A")["rrset"] is None, "a deleted set")
        old = client.good("rrset.get", "a.example.", "www.a.example.", "A", {"at_slot": slot})
        check(old["rrset"]["rdata"] == ["192.0.2.2", "192.0.2.3"], "the past has changed")
        check("age_ms" in client.good("zone.get", "a.example.", {"level": "stale"}), "a stale read without its age")
        check(len(client.good("rrset.history", "a.example.", "www.a.example.", 1)["versions"]) == 2, "history")
        for method, key in (("principal.list", "principals"), ("role.list", "roles"), ("freeze.list", "freezes"),
                            ("lease.list", "leases"), ("plan.list", "plans"), ("zone.list", "zones")):
            check(isinstance(client.good(method)[key], list), method)
        check("lamport_jump_max" in client.good("policy.get")["policy"], "policy")
        check(client.good("clock", "admin@dev")["counter"] == 2, "clock")
        check(client.good("outcome", "admin@dev", 2)["verdicts"][0]["verdict"] == "applied", "outcome")
        parsed = client.good("rr.parse", "a.example.", "x 60 IN A 192.0.2.9\n")["changes"]
        check(parsed == [[wire("x.a.example"), 1, 60, [bytes([192, 0, 2, 9])]]], f"{parsed}")
        unix = Client(f"{cluster.dir}/replica-2/client.sock")
        check(unix.good("hello")["replica"] == 2, "the unix socket")
        client.bad("NOT_FOUND", "zone.get", "b.example.")
        client.bad("BAD_PARAMS", "zone.get")
        client.bad("BAD_PARAMS", "zone.get", "a..b")
        client.bad("BAD_PARAMS", "rrset.get", "a.example.", "a.example.", "NONSENSE")
        client.bad("BAD_PARAMS", "zone.get", "a.example.", {"level": "fast"})
        client.bad("NO_SUCH_STATE", "zone.get", "a.example.", {"at_slot": 10**9})
        client.bad("UNKNOWN_METHOD", "zone.explode")
        client.bad("NOT_FOUND", "outcome", b"\0" * 32)
        client.bad("BAD_PARAMS", "rr.parse", "a.example.", "x IN A nonsense\n")


def what_real_clients_send():
    with Cluster(1) as cluster:
        client = Client(cluster.endpoint(1))
        # Neovim's client introduces itself with a notification whose method is bin.
        client.send(msgpack.packb([2, b"nvim_set_client_info", ["x"]]))
        client.send(msgpack.packb([2, "nvim_error_event", [0, "no such notification"]]))
        client.send(msgpack.packb([0, 0, b"hello", []]))
        check(client.answer(0)[0] is None, "method as bin, msgid 0")
        client.send(msgpack.packb([0, 2**32 - 1, "hello", []]))
        check(client.answer(2**32 - 1)[0] is None, "the highest msgid")
        client.send(bytes([0x94, 0x00, 0xd1, 0x01, 0x2c, 0xa5]) + b"hello" + bytes([0x90]))
        check(client.answer(300)[0] is None, "msgid as int16, as Go sends it")
        client.send(msgpack.packb([0, 7, "hello", []]) + msgpack.packb([0, 8, "hello", []]) + msgpack.packb([0, 9, "hello", []]))
        for msgid in (7, 8, 9):
            check(client.answer(msgid)[0] is None, "three requests in one segment")
        for byte in msgpack.packb([0, 10, "hello", []]):
            client.send(bytes([byte]))
        check(client.answer(10)[0] is None, "one byte at a time")
        client.send(msgpack.packb([0, 11, "hello", {"a": 1}]))
        check(client.answer(11)[0].startswith("BAD_PARAMS"), "params that are a map")
        client.send(msgpack.packb([0, 12, 5, []]))
        check(client.answer(12)[0].startswith("WRONG_TYPE"), "a method that is a number")
        check(client.good("hello")["replica"] == 1, "the connection lives on")


BOMBS = {
    "c1": (bytes([0xc1]), "MALFORMED"),
    "array of 2^32-1": (bytes([0xdd, 0xff, 0xff, 0xff, 0xff]), ("TOO_MANY", "TOO_LARGE")),
    "array of 2^28": (bytes([0xdd, 0x0f, 0xff, 0xff, 0xff]), ("TOO_MANY", "TOO_LARGE")),
    "nested arrays": (bytes([0xdc, 0xff, 0xff]) * 31, ("TOO_DEEP", "TOO_MANY")),
    "deep": (bytes([0x91]) * 100, "TOO_DEEP"),
    "a web browser": (b"GET / HTTP/1.1\r\n\r\n", "MALFORMED"),
    "no array": (bytes([0x81, 0xa1, 0x61, 0x01]), "MALFORMED"),
    "array of 5": (bytes([0x95, 0, 1, 2, 3, 4]), "MALFORMED"),
    "a frame of 4 GiB": (bytes([0x94, 0x00, 0x01, 0xa6]) + b"submit" + bytes([0x91, 0xc6, 0xff, 0xff, 0xff, 0xff]), "TOO_LARGE"),
    "msgid is text": (bytes([0x94, 0x00, 0xa1, 0x61, 0xa1, 0x61, 0x90]), "MALFORMED"),
}


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def bad_bytes():
    with Cluster() as cluster:
        witness = with_zone(cluster)
        slot = witness.good("status")["slot"]
        with open(f"{cluster.dir}/replica-1/pid", encoding="ascii") as file:
            pid = int(file.read())
        before = resident_kib(pid)
        for _ in range(20):
            for name, (data, codes) in BOMBS.items():
                client = Client(cluster.endpoint(1))
                client.send(data)
                message = client.receive()
                codes = (codes,) if isinstance(codes, str) else codes
                check(message is not None and message[2].split(":")[0] in codes, f"{name}: {message!r}")
                check(client.receive() is None, f"{name}: the connection stays open")
                client.close()
        # A frame that never ends holds no more than was sent of it.
        slow = [Client(cluster.endpoint(1)) for _ in range(50)]
        for client in slow:
            client.send(bytes([0x94, 0x00, 0x01, 0xa6]) + b"submit" + bytes([0x91, 0xc6, 0x00, 0xf0, 0x00, 0x00]) + b"x" * 1000)
        check(witness.good("hello")["replica"] == 1, "others are served")
        check(resident_kib(pid) < before + 32 * 1024, f"memory grew from {before} to {resident_kib(pid)} KiB")
        check(witness.good("status")["slot"] == slot, "bad bytes took a slot of the log")


def submits():
    with Cluster() as cluster, Cluster() as other:
        client = with_zone(cluster)
        follower = Client(cluster.endpoint(2))
        path = os.path.join(cluster.work, "envelope")

        def envelope(name, **how):
            cluster.ctl("record", "set", "a.example", name, "60", "A", "192.0.2.7", "--envelope-out", path, "--no-submit", **how)
            with open(path, "rb") as file:
                return file.read()

        good = envelope("new")
        first = client.good("submit", good)
        check(first["verdicts"][0]["verdict"] == "applied" and not first["duplicate"], f"{first}")
        cluster.settle() # one that has not applied the slot yet waits for it, and tells the first answer
        for again in (client.good("submit", good), follower.good("submit", good)):
            check(again["slot"] == first["slot"] and again["duplicate"], f"{again}")
            check(again["verdicts"][0]["verdict"] == "applied", f"{again}")
        slot = client.good("status")["slot"]
        fresh = envelope("fresh")
        fields = msgpack.unpackb(fresh)
        codes = set()
        for position in range(len(fresh)):
            broken = bytearray(fresh)
            broken[position] ^= 0x01
            error, result = client.call("submit", bytes(broken))
            check(error is not None and result is None, f"byte {position} flipped: {result}")
            codes.add(error.split(":")[0].split(" ")[0])
        check("BAD_SIGNATURE" in codes and "WRONG_CLUSTER" in codes, f"{codes}")
        check(codes <= {"BAD_SIGNATURE", "WRONG_CLUSTER", "MALFORMED", "NOT_CANONICAL", "WRONG_TYPE", "TOO_LARGE",
                        "TOO_MANY", "TOO_DEEP", "UNKNOWN_KIND", "NEWER_FORMAT", "WRONG_IDENTITY", "UNKNOWN_PRINCIPAL"}, f"{codes}")
        for size in range(0, len(fresh), 7):
            error, result = client.call("submit", fresh[:size])
            check(error is not None and result is None, f"cut to {size}: {result}")
        client.bad("BAD_PARAMS", "submit")
        client.bad("BAD_PARAMS", "submit", 5)
        fields[1] = 9
        client.bad("MALFORMED", "submit", msgpack.packb(fields))
        Client(other.endpoint(1)).bad("WRONG_CLUSTER", "submit", fresh)
        # Keys that this cluster does not know: a stranger's, and one of the administrator's name.
        for name, code in (("stranger", "UNKNOWN_PRINCIPAL"), ("admin@dev", "UNKNOWN_KEY")):
            key = os.path.join(cluster.work, name + ".key")
            cluster.ctl("keygen", name, "--plain", "--out", key)
            foreign = envelope("foreign", key=key)
            client.bad(code, "submit", foreign)
            follower.bad(code, "submit", foreign)
        check(client.good("status")["slot"] == slot, "something that was refused at the door took a slot")
        check(client.good("submit", fresh)["verdicts"][0]["verdict"] == "applied", "the unbroken one")


def watches():
    with Cluster() as cluster:
        client = with_zone(cluster)
        first = client.good("watch", 1)
        check(first["slot"] == 1, f"{first}")
        for i in range(10):
            cluster.ctl("record", "set", "a.example", f"n{i}", "60", "A", "192.0.2.7")
        last = client.good("status")["slot"]
        slots = []

        def take(until):
            while not slots or slots[-1] < until:
                note = client.notes.pop(0) if client.notes else client.receive()
                check(note[0] == 2 and note[1] == "event", f"{note!r}")
                slots.append(note[2][0]["slot"])
        take(last)
        check(slots == list(range(1, last + 1)), f"{slots}")
        client.close()
        # Cut off: another replica goes on from the slot behind the last.
        client = Client(cluster.endpoint(2))
        client.good("watch", last + 1)
        cluster.ctl("record", "set", "a.example", "after", "60", "A", "192.0.2.7")
        last = Client(cluster.endpoint(1)).good("status")["slot"]
        take(last)
        check(slots == list(range(1, last + 1)), f"after the cut: {slots}")
        poller = Client(cluster.endpoint(3))
        check(poller.good("poll", last)["slot"] >= last, "poll for what is there")
        poller.next_id += 1
        poller.send(msgpack.packb([0, poller.next_id, "poll", [last + 1, {"timeout_ms": 20000}]]))
        cluster.ctl("record", "set", "a.example", "polled", "60", "A", "192.0.2.7")
        error, result = poller.answer(poller.next_id)
        check(error is None and result["slot"] >= last + 1, f"{error} {result}")
        client.bad("NOT_FOUND", "unwatch", 999)
        client.bad("BAD_PARAMS", "watch", "now")


def callers_that_share():
    """Threads that share an author: all is applied, and what waited together has travelled together."""
    with Cluster(3) as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        out = cluster.run(f"{BIN}/many-callers", cluster.endpoints, f"{cluster.dir}/admin.key", "a.example", "32", "2").stdout
        check(out.rstrip().endswith(" 0 signed again, 0 not applied"), out)
        listed = cluster.ctl("record", "list", "a.example").stdout
        check(all(f"caller{i}.a.example" in listed for i in range(32)), listed[:500])
        print("note:", out.strip())
        check(float(out.split(" in a bundle")[0].split()[-1]) > 1.5, f"they are not bundled: {out}")


def what_a_commit_costs():
    """One command after the other: on the leader a slot, a flush and two accepts for each, exactly; where both of two
    replicas have to vote, the same on the follower; and no more allocations than there were."""
    with Cluster(3) as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        leader = Client(cluster.endpoint(1)).good("status")["leader"]
        followers = [i for i in (1, 2, 3) if i != leader]

        def commits(replicas):
            """What 200 commits in a row have cost each replica: slots, counters and stages."""
            def look(i):
                client = Client(cluster.endpoint(i))
                status, stages = client.good("status"), by_stage(client)
                return dict(status["counters"], slot=status["slot"], leader=status["leader"],
                            **{name: stages[name]["count"] for name in ("flush", "votes", "apply", "take")})
            cluster.settle(replicas)  # a follower takes a slot before it hears that it is chosen
            before = {i: look(i) for i in replicas}
            load = cluster.start(f"{BIN}/test-load", cluster.endpoint(leader), f"{cluster.dir}/admin.key", wire("a.example").hex(),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            acked = [load.stdout.readline() for _ in range(200)]
            acked += finish(load).splitlines()
            check(all(line.startswith("acked ") for line in acked), f"{acked[-3:]}")
            cluster.settle(replicas)
            after = {i: look(i) for i in replicas}
            check({after[i]["leader"] for i in replicas} == {leader}, "the leader changed meanwhile")
            check(after[leader]["slot"] - before[leader]["slot"] == len(acked), "something else took a slot")
            return len(acked), {i: {name: after[i][name] - before[i][name] for name in after[i]} for i in replicas}

        def check_leader(slots, cost):
            for name in ("journal_flushes", "flush", "votes", "apply"):
                check(cost[name] == slots, f"the leader: {name} {cost[name]} for {slots} slots")
            # The rest is what is sent again where a vote is late or lost.
            check(2 * slots <= cost["accepts_sent"] <= 2 * slots + 20, f"the leader: {cost} for {slots} slots")
            check(cost["votes_sent"] == 0, f"the leader: {cost}")
            # With the next accept, or with a tick where none follows: never more than a frame for each.
            check(cost["chosen_sent"] <= 2 * slots, f"the leader: {cost} for {slots} slots")

        def check_follower(slots, cost):
            check(cost["accepts_sent"] == 0 and cost["chosen_sent"] == 0, f"a follower: {cost}")
            check(cost["votes_sent"] <= slots + 20, f"a follower: {cost} for {slots} slots")

        slots, costs = commits((1, 2, 3))
        for i, cost in costs.items():
            print(f"note: replica {i}: {slots} slots,", {name: cost[name] for name in (
                "journal_flushes", "accepts_sent", "votes_sent", "chosen_sent", "allocations")})
            check(cost["allocations"] <= ALLOCATIONS_PER_COMMAND * slots, f"replica {i}: {cost} for {slots} slots")
        check_leader(slots, costs[leader])
        for i in followers:
            check_follower(slots, costs[i])
            # No slot waits for the later one of them: it may find several accepts at once, and flushes them together.
            check(slots // 2 <= costs[i]["journal_flushes"] <= slots, f"replica {i}: {costs[i]} for {slots} slots")
        # Without the third one each slot waits for the other follower.
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(followers[1]))
        slots, costs = commits((leader, followers[0]))
        check_leader(slots, costs[leader])
        cost = costs[followers[0]]
        check_follower(slots, cost)
        check(cost["journal_flushes"] == slots, f"the follower: {cost} for {slots} slots")
        sent_again = costs[leader]["accepts_sent"] - 2 * slots
        check(slots <= cost["take"] <= slots + sent_again, f"the follower: {cost} for {slots} slots, {sent_again} sent again")


def by_stage(client):
    stages = {stage["stage"]: stage for stage in client.good("stages")}
    for name, stage in stages.items():
        check(sum(stage["buckets"][1::2]) == stage["count"], f"{name}: the buckets are not its count")
    return stages


main([reads, what_real_clients_send, bad_bytes, submits, watches, callers_that_share, what_a_commit_costs])
