#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Knot DNS, NSD, BIND and PowerDNS as secondaries of three replicas.

RSM_DNS_KINDS names some of knot,nsd,bind,pdns (all unless set), RSM_DNS_INCREMENTS how many changes
follow each other in quick succession (100).
"""
import base64
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import ADDRESSES, SECRET, WAIT, ZONE_TEXT, Bed, check, dns, keyring, make_zone, missing, records  # noqa: E402
from harness import main  # noqa: E402
from test_update import UpdateBed  # noqa: E402

KINDS = tuple(os.environ.get("RSM_DNS_KINDS", "knot,nsd,bind,pdns").split(","))
INCREMENTS = int(os.environ.get("RSM_DNS_INCREMENTS", "100"))
LACK = missing(KINDS)


def serial_of(bed):
    return bed.soa(replica=bed.leader())


def compare(bed, wanted=None):
    """Every secondary has the replicas' serial, and then their content."""
    serial = serial_of(bed)
    wanted = wanted or bed.content()
    for kind in bed.kinds:
        bed.wait_for_serial(kind, serial)
        found = bed.copy_of(kind)
        check(found == wanted, f"{kind} at {serial}: too many {sorted(found - wanted)[:5]}, missing {sorted(wanted - found)[:5]}")


def change(bed, i, **how):
    """One of several sorts of change: sets that come, change, shrink and go."""
    owner = ("www", f"new{i % 7}", "mail.deep", "ns1")[i % 4]
    if i % 11 == 10:
        bed.ctl("record", "set", bed.zone, "txt", "60", "TXT", f'"change {i}"', "\"and ; another\"", **how)
    else:
        values = [f"192.0.2.{(i * 7 + j) % 250 + 1}" for j in range(1 + i % 3)]
        bed.ctl("record", "set", bed.zone, owner, str(60 + i % 5), "A", *values, **how)


def they_follow():
    """First transfer; changes in quick succession, compared by a full transfer from each secondary."""
    if LACK:
        return LACK
    with Bed(KINDS) as bed:
        make_zone(bed)
        for kind in KINDS:
            bed.start_secondary(kind)
        compare(bed)
        for i in range(INCREMENTS):
            change(bed, i)
            compare(bed)
        for i in range(INCREMENTS, INCREMENTS + 20):  # and some in one go, of which they see what they manage
            change(bed, i)
        compare(bed)
        bed.ctl("record", "delete", bed.zone, "txt", "TXT", "--yes", status=None)
        compare(bed)
        check(serial_of(bed) >= INCREMENTS // 2, f"serial {serial_of(bed)}")
        log = "".join(bed.text_of_log(i) for i in (1, 2, 3))
        check("kind=difference" in log, "there was no IXFR")
    return None


def a_wrong_key_gets_nothing():
    """A secondary with another secret, or with none, has no zone; one with the right one has."""
    if LACK:
        return LACK
    with Bed(KINDS) as bed:
        make_zone(bed)
        kind = KINDS[0]
        bed.secret = base64.b64encode(b"another key, of 32 bytes as well").decode()
        bed.start_secondary(kind)
        deadline = time.monotonic() + WAIT
        while not (said := [line for line in bed.log_of(kind).splitlines() if re.search("badsig|notauth|tsig|not authoritative", line, re.I)]):
            check(time.monotonic() < deadline, f"{kind} says nothing of a signature: {bed.log_of(kind)[-500:]}")
            time.sleep(0.02)
        check(bed.serial_at(kind) is None, f"{kind} serves a zone: {said[:2]}")
        print(f"note: {kind} says: {said[0][-120:]}")
        bed.stop_secondary(kind)
        bed.secret = SECRET
        shutil.rmtree(os.path.join(bed.work, kind))
        bed.start_secondary(kind)
        bed.wait_for_serial(kind, 1)
    return None


def they_go_on_without_the_replica_they_used():
    """kill -9 of each replica in turn, the leader too: the secondaries still follow the others."""
    if LACK:
        return LACK
    with Bed(KINDS) as bed:
        make_zone(bed)
        for kind in KINDS:
            bed.start_secondary(kind)
        compare(bed)
        for round_ in range(3):
            victim = bed.leader() if round_ == 1 else round_ + 1
            bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", str(victim), cluster=False)
            rest = [i for i in (1, 2, 3) if i != victim]
            others = ",".join(bed.endpoint(i) for i in rest)
            change(bed, 3 * round_, endpoints=others)
            bed.settle(rest)
            serial = bed.soa(replica=rest[0])
            wanted = records(bed.transfer(replica=rest[0]))
            for kind in bed.kinds:
                bed.wait_for_serial(kind, serial)
                check(bed.copy_of(kind) == wanted, f"{kind} without replica {victim}")
            bed.ctl("dev", "start", "--dir", bed.dir, "--replica", str(victim), cluster=False)
            bed.settle()
    return None


class Watch:
    """Asks a secondary again and again, and remembers what went back: its serial, or the number in its content."""

    def __init__(self, bed, kind):
        self.bed, self.kind = bed, kind
        self.serial = self.number = self.asked = 0
        self.back = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def number_at(self):
        query = dns.message.make_query(f"number.{self.bed.zone}", "TXT")
        try:
            answer = dns.query.udp(query, "127.0.0.1", port=self.bed.ports[self.kind], timeout=0.3)
        except (dns.exception.DNSException, OSError):
            return None
        return int(answer.answer[0][0].strings[0]) if answer.answer else None

    def run(self):
        while not self.stop.wait(0.005):
            serial, number = self.bed.serial_at(self.kind), self.number_at()
            if serial is None or number is None:
                continue  # it begins anew, and has nothing yet
            self.asked += 1
            if serial < self.serial or number < self.number:
                self.back.append((self.serial, serial, self.number, number))
            self.serial, self.number = max(serial, self.serial), max(number, self.number)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stop.set()
        self.thread.join()


def used_last(bed, serial):
    """The replica from which the only secondary there is has fetched that serial."""
    for replica in (1, 2, 3):
        if any("dns-transfer" in line and "end=complete" in line and f"serial={serial} " in line for line in bed.text_of_log(replica).splitlines()):
            return replica
    return None


def send_notify(bed, kind, replica):
    """NOTIFY as that replica would send it, from its address: the secondary may come to it first."""
    query = dns.message.make_query(bed.zone, "SOA")
    query.flags = dns.flags.AA | dns.opcode.to_flags(dns.opcode.NOTIFY)
    query.use_tsig(keyring(), keyname=dns.name.from_text("xfr-key"), algorithm=dns.tsig.HMAC_SHA256)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((ADDRESSES[replica - 1], 0))
        sender.sendto(query.to_wire(), ("127.0.0.1", bed.ports[kind]))


def questions(bed, replica):
    """How often a replica was asked anything over DNS; also without a quorum."""
    done = bed.ctl("status", "--output", "jsonl", endpoints=bed.endpoint(replica), status=None)
    counters = json.loads(done.stdout.splitlines()[0])["dns_counters"]
    return counters["datagrams"] + counters["accepted"]


def wait_until_asked(bed, kind, replica, before):
    deadline = time.monotonic() + WAIT
    while questions(bed, replica) <= before:
        send_notify(bed, kind, replica)
        check(time.monotonic() < deadline, f"{kind} does not ask replica {replica}, which told it of a change")
        time.sleep(0.05)


def set_number(bed, number, **how):
    bed.ctl("record", "set", bed.zone, "number", "60", "TXT", f'"{number}"', **how)


def paused(bed, kind):
    """The replica that it used last is stopped, and goes on when it is far behind and alone; and then with the others."""
    make_zone(bed)
    set_number(bed, 1)
    bed.settle()
    bed.start_secondary(kind)
    bed.wait_for_serial(kind, 2)
    used = used_last(bed, 2)
    check(used is not None, f"no replica says that {kind} has fetched serial 2")
    rest = [i for i in (1, 2, 3) if i != used]
    others = ",".join(bed.endpoint(i) for i in rest)
    process = bed.process_of(used)
    with Watch(bed, kind) as watch:
        os.kill(process, signal.SIGSTOP)
        try:
            for number in range(2, 7):
                set_number(bed, number, endpoints=others)
            bed.settle(rest)
            serial = bed.soa(replica=rest[0])
            check(serial == 7, f"serial {serial}")
            for i in rest:
                bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", str(i), cluster=False)
            send_notify(bed, kind, used)  # what it asks now waits in the sockets of the stopped one
            os.kill(process, signal.SIGCONT)
            for tcp in (False, True):
                answer = bed.ask(bed.zone, "SOA", used, tcp=tcp)
                check(answer.rcode() == dns.rcode.SERVFAIL and answer.had_tsig, f"behind and alone it says {answer}")
            before = questions(bed, used)
            wait_until_asked(bed, kind, used, before)
            bed.stop_secondary(kind)  # one that has nothing would take any serial
            shutil.rmtree(os.path.join(bed.work, kind))
            before = questions(bed, used)
            bed.start_secondary(kind)
            wait_until_asked(bed, kind, used, before)
            for what in ("SOA", "AXFR"):
                answer = bed.ask(bed.zone, what, used, tcp=True)
                check(answer.rcode() == dns.rcode.SERVFAIL, f"{what}: behind and alone it says {answer}")
            check(bed.serial_at(kind) is None, f"{kind} got a zone from who has no quorum: serial {bed.serial_at(kind)}")
        finally:
            os.kill(process, signal.SIGCONT)
        for i in rest:
            bed.ctl("dev", "start", "--dir", bed.dir, "--replica", str(i), cluster=False)
        deadline = time.monotonic() + WAIT
        while (found := bed.soa(replica=used)) != serial:
            check(found == "SERVFAIL", f"replica {used} says serial {found}, which is behind {serial}")
            check(time.monotonic() < deadline, f"replica {used} still says {found}")
        send_notify(bed, kind, used)
        bed.wait_for_serial(kind, serial)
        check(bed.copy_of(kind) == bed.content(), f"{kind}: its content")
        set_number(bed, 7)
        bed.wait_for_serial(kind, serial + 1)
        check(bed.copy_of(kind) == bed.content(), f"{kind}: its content after one more change")
        deadline = time.monotonic() + WAIT
        while (watch.serial, watch.number) != (serial + 1, 7) and not watch.back:
            check(time.monotonic() < deadline, f"the watch saw serial {watch.serial}, number {watch.number}")
            time.sleep(0.01)
    check(not watch.back and watch.asked > 5, f"{kind} went back: {watch.back[:5]} in {watch.asked} looks")


def a_paused_replica_comes_back_behind():
    """The replica that a secondary used last is stopped and goes on behind: nothing goes back; it is silent until it knows."""
    if LACK:
        return LACK
    for kind in KINDS:
        with Bed((kind,)) as bed:
            paused(bed, kind)
    return None


def rests(bed, zone=None, replicas=(1, 2, 3)):
    """What `status` says of a zone's secondaries: how many, and for how long they answer (ms)."""
    endpoints = ",".join(bed.endpoint(i) for i in replicas)
    lines = bed.ctl("status", "--output", "jsonl", endpoints=endpoints, status=None).stdout.splitlines()
    zones = {each["zone"]: each for line in lines for each in json.loads(line).get("zones", [])}
    return zones[(zone or bed.zone) + "."]


def the_leader_changes_while_they_fetch():
    """A zone that takes a while to fetch, its leader killed again and again meanwhile: they come to the same content."""
    if LACK:
        return LACK
    with Bed(KINDS) as bed:
        make_zone(bed, ZONE_TEXT + "".join(f"n{i} A 198.51.{i // 250 % 250}.{i % 250}\n" for i in range(40000)))
        for kind in KINDS:
            bed.start_secondary(kind)
        for i in range(4):
            victim = bed.leader()
            bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", str(victim), cluster=False)
            rest = [r for r in (1, 2, 3) if r != victim]
            others = ",".join(bed.endpoint(r) for r in rest)
            change(bed, i, endpoints=others)
            if i % 2 == 1:  # and anew from nothing: a whole transfer once more
                kind = KINDS[i // 2 % len(KINDS)]
                bed.stop_secondary(kind)
                shutil.rmtree(os.path.join(bed.work, kind))
                bed.start_secondary(kind)
            bed.ctl("dev", "start", "--dir", bed.dir, "--replica", str(victim), cluster=False)
            bed.settle()
        serial = serial_of(bed)
        wanted = records(bed.transfer(replica=bed.leader()))
        check(len(wanted) > 40000, f"{len(wanted)} records")
        for kind in bed.kinds:
            bed.wait_for_serial(kind, serial)
            check(bed.copy_of(kind) == wanted, f"{kind} after all that")
    return None


def they_answer_when_all_replicas_are_gone():
    """All replicas killed: the secondaries go on answering; `status` has said for how long."""
    if LACK:
        return LACK
    with Bed(KINDS) as bed:
        make_zone(bed)
        nobody = rests(bed)
        began = time.monotonic()
        for kind in KINDS:
            bed.start_secondary(kind)
        compare(bed)
        wanted = bed.content()
        said = rests(bed)
        gone = (time.monotonic() - began) * 1000
        expire = 86400 * 1000
        check(nobody["secondaries"] == 0 and said["secondaries"] == 1, f"{nobody} {said}: all have one address and one key")
        check(expire - gone - 1000 <= said["first_ms"] <= said["last_ms"] <= expire, f"{said} after {gone} ms")
        table = bed.ctl("status").stdout
        check("zones: without a replica" in table and f"{bed.zone}." in table, table)
        for replica in (2, 3):
            bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", str(replica), cluster=False)
        alone = rests(bed)
        check(alone["first_ms"] <= expire, f"without a quorum it is said as well: {alone}")
        bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", "1", cluster=False)
        for kind in bed.kinds:
            check(bed.copy_of(kind) == wanted, f"{kind} lost what it had")
    return None


def they_configure_themselves_from_the_catalog():
    """Zones that are made, deleted and made again: each secondary has what the catalog has."""
    kinds = tuple(kind for kind in KINDS if kind != "nsd")  # 4.6 reads no catalogs
    if LACK:
        return LACK
    if not kinds:
        return "none of the servers reads catalogs"
    catalog = "catalog.test"
    with Bed(kinds, catalog=catalog) as bed:
        bed.ctl("zone", "create", catalog, "-", text=f"$ORIGIN {catalog}.\n@ 0 SOA invalid. invalid. 1 3600 600 86400 0\n@ 0 NS invalid.\n")
        make_zone(bed)
        bed.ctl("zone", "set", catalog, "catalog=on")
        for kind in kinds:
            bed.start_secondary(kind)
        compare(bed)
        one = "$ORIGIN one.test.\n@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n"
        bed.ctl("zone", "create", "one.test", "-", text=one)
        for kind in kinds:
            bed.wait_for_serial(kind, 1, "one.test")
        bed.ctl("record", "set", "one.test", "www", "300", "A", "192.0.2.7")
        for kind in kinds:
            bed.wait_for_serial(kind, 2, "one.test")
        bed.ctl("zone", "delete", "one.test", "--yes", "--wait", "60s")
        for kind in kinds:
            bed.wait_for_serial(kind, None, "one.test")
        check(all(bed.serial_at(kind) == 1 for kind in kinds), "the other zone is served as before")
        bed.ctl("zone", "create", "one.test", "-", text=one)  # again: another member, above every serial it had
        for kind in kinds:
            bed.wait_for_serial(kind, 3, "one.test")
            check(bed.copy_of(kind, "one.test") == bed.content("one.test"), f"{kind}: what it has of one.test")
        bed.ctl("zone", "set", "one.test", "listed=off", status=8)  # it waits for votes
        for kind in kinds:
            bed.wait_for_serial(kind, None, "one.test")
        check(bed.soa("one.test", bed.leader()) == 3, "the replicas serve it")
        said = bed.ctl("zone", "delete", bed.zone, "--yes", status=4)
        check("catalog" in said.stdout + said.stderr, f"the last member stays: {said.stdout} {said.stderr}")
        said = bed.ctl("record", "set", catalog, "x.zones", "0", "PTR", "evil.test.", status=4)
        check("catalog" in said.stdout + said.stderr, f"nobody writes into it: {said.stdout} {said.stderr}")
        compare(bed)
    return None


def digest_is_good(bed, text):
    """True when ldns-verify-zone finds the zone's ZONEMD right, and kzonecheck (3.2 looks at no digest) nothing else wrong."""
    path = os.path.join(bed.work, "digest.zone")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"$ORIGIN {bed.zone}.\n" + text)
    ldns = subprocess.run(["ldns-verify-zone", "-Z", path], capture_output=True, check=False, timeout=60)
    knot = subprocess.run(["kzonecheck", "-o", bed.zone, path], capture_output=True, check=False, timeout=60)
    return ldns.returncode == 0 and knot.returncode == 0


def zones_have_digests():
    """ZONEMD of every serial, whole and by differences, checked by others' programs and on each secondary."""
    if LACK:
        return LACK
    for program in ("ldns-verify-zone", "kzonecheck"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    with Bed(KINDS) as bed:
        bed.knot_template = "    zonemd-verify: on\n"  # it takes no zone, whole or by a difference, whose digest is wrong
        make_zone(bed)
        bed.ctl("zone", "set", bed.zone, "zonemd=on")
        bed.settle()
        check(digest_is_good(bed, bed.transfer(replica=1).to_text()), "the first digest")
        check(not digest_is_good(bed, bed.transfer(replica=1).to_text().replace("192.0.2.10", "192.0.2.99")), "the canary: it is looked at")
        for kind in KINDS:
            bed.start_secondary(kind)
        held = dns.zone.from_text(bed.transfer(replica=2).to_text(), bed.zone)
        for i in range(12):
            change(bed, i)
            bed.settle()
            serial = bed.soa()
            bed.transfer(replica=1 + i % 3, serial=serial - 1, held=held)
            check(digest_is_good(bed, held.to_text()), f"serial {serial}, replica {1 + i % 3}")
            check(records(held) == records(bed.transfer(replica=1 + (i + 1) % 3)), f"serial {serial}: another replica has another")
        for kind in bed.kinds:
            bed.wait_for_serial(kind, serial)
            check(bed.copy_of(kind) == records(held), f"{kind}: {sorted(bed.copy_of(kind) ^ records(held))[:4]}")
        for kind in bed.kinds:
            same = bed.ctl("zone", "compare", bed.zone, "--with", f"127.0.0.1:{bed.ports[kind]}")
            check("0 record sets differ" in same.stdout, f"the digest is no difference: {same.stdout}")
        bed.kinds = tuple(kind for kind in KINDS if kind != "knot")  # which takes none without a digest now
        bed.ctl("zone", "set", bed.zone, "zonemd=off")
        compare(bed)
    return None


class FirstSeen:
    """When a secondary served each serial for the first time, on the monotonic clock.

    NSD answers nobody more than 200 times a second, so it is asked less often.
    """

    def __init__(self, bed, kind):
        self.bed, self.kind = bed, kind
        self.at = {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stop.wait(0.006):
            serial = self.bed.serial_at(self.kind)
            self.at.setdefault(serial, time.monotonic())


def latency():
    """How long from a verdict to the new serial on each secondary: a table, no judgement.

    The verdict is the answer to a dynamic update, which says NOERROR when it is applied: no process
    has to end first, and none is started while a secondary is looked at.
    """
    if LACK:
        return LACK
    count = int(os.environ.get("RSM_DNS_SAMPLES", "60"))
    pause = float(os.environ.get("RSM_DNS_PAUSE", "1.1"))
    times = {kind: [] for kind in KINDS}
    with UpdateBed(kinds=KINDS) as bed:
        for kind in KINDS:
            bed.start_secondary(kind)
        compare(bed)
        leader, serial, loads = bed.leader(), serial_of(bed), [os.getloadavg()[0]]
        seen = [FirstSeen(bed, kind) for kind in KINDS]
        for each in seen:
            each.thread.start()
        try:
            for i in range(count):
                check(bed.add("latency", f'"{i}"', replica=leader) == "NOERROR", f"change {i}")
                verdict, serial = time.monotonic(), serial + 1
                while any(serial not in each.at for each in seen):
                    check(time.monotonic() - verdict < WAIT, f"serial {serial} does not come")
                    time.sleep(0.002)
                for each in seen:
                    times[each.kind].append(max(0, (each.at[serial] - verdict) * 1000))
                loads.append(os.getloadavg()[0])
                time.sleep(pause)
        finally:
            for each in seen:
                each.stop.set()
                each.thread.join()
    print(f"verdict to new serial, ms, {count} changes {pause} s apart; {os.cpu_count()} processors, load {min(loads):.1f} to {max(loads):.1f}")
    for kind, values in times.items():
        values.sort()
        print(f"  {kind:5} median {statistics.median(values):7.1f}  90 % {values[len(values) * 9 // 10]:7.1f}  "
              f"max {values[-1]:7.1f}  min {values[0]:7.1f}")
    return None


if __name__ == "__main__":
    if sys.argv[1:] == ["latency"]:
        reason = latency()
        print(reason or "", end="")
        sys.exit(0)
    main([they_follow, a_wrong_key_gets_nothing, they_go_on_without_the_replica_they_used, a_paused_replica_comes_back_behind,
          the_leader_changes_while_they_fetch,
          they_answer_when_all_replicas_are_gone, they_configure_themselves_from_the_catalog, zones_have_digests])
