#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic updates (RFC 2136) by real clients, at all replicas: what they are told is what is there."""
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import ADDRESSES, SECRET, UPDATE_SECRET, ZONE_TEXT, Bed, check, keyring, missing  # noqa: E402
from harness import BUDGET, main  # noqa: E402

LACK = missing(())
if not LACK:
    import dns.edns
    import dns.entropy
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.rcode
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    import dns.rrset
    import dns.tsig
    import dns.update
    import dns.zone

WAIT = 30


class UpdateBed(Bed):
    """Replicas with gateways; upd-key is an automaton that may update the zone."""

    def __init__(self, kinds=(), lines=()):
        super().__init__(kinds, lines=["gateway_key = gateway.key", *lines])
        self.gateways = {}

    def configure(self, replica):
        super().configure(replica)
        path = os.path.join(self.dir, f"replica-{replica}", "gateway.key")
        self.gateways[replica] = self.ctl("keygen", f"gateway-{replica}", "--plain", "--out", path, cluster=False).stdout.strip()

    def __enter__(self):
        super().__enter__()
        try:
            for replica, public in self.gateways.items():
                self.ctl("principal", "set", f"gateway-{replica}", "--kind", "gateway", "--public-key", public)
            path = os.path.join(self.work, "zone.txt")
            with open(path, "w", encoding="ascii") as file:
                file.write(f"$ORIGIN {self.zone}.\n" + ZONE_TEXT)
            self.ctl("zone", "create", self.zone, path)
            self.ctl("role", "set", "dns", f"rrset.update,{self.zone}")
            self.automaton_without_key("upd-key", "dns")
            self.settle()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def automaton_without_key(self, name, role):
        """It never signs anything itself: a TSIG key is all that it has."""
        self.ctl("principal", "set", name, "--kind", "automaton", "--role", role, *BUDGET)

    def update(self, zone=None, key="upd-key", secret=UPDATE_SECRET):
        ring = keyring(key, secret)
        message = dns.update.Update(zone or self.zone, keyring=ring, keyname=key, keyalgorithm="hmac-sha512")
        message.use_edns(0, payload=1232)
        return message

    def send(self, message, replica=1, tcp=False, timeout=WAIT):
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(message, ADDRESSES[replica - 1], port=self.dns_port, timeout=timeout)

    def send_wire(self, wire, replica=1):
        """Octets as they are; the RCODE of the answer, which has the same id."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(WAIT)
            sock.sendto(wire, (ADDRESSES[replica - 1], self.dns_port))
            answer = sock.recv(65535)
        check(answer[:2] == wire[:2], "its id")
        return answer[3] & 15

    def do(self, message, replica=1, **how):
        """The RCODE, as text."""
        return dns.rcode.to_text(self.send(message, replica, **how).rcode())

    def add(self, name, value, kind="TXT", replica=1, **how):
        message = self.update()
        message.add(name, 60, kind, value)
        return self.do(message, replica, **how)

    def values(self, name, kind="TXT", replica=1):
        answer = self.ask(f"{name}.{self.zone}", kind, replica=replica, key="upd-key", secret=UPDATE_SECRET)
        return sorted(r.to_text() for s in answer.answer for r in s if s.rdtype == dns.rdatatype.from_text(kind))


def error_text(answer):
    """Extended DNS errors (RFC 8914) of an answer: [(code, text)]."""
    return [(o.code, o.text or "") for o in answer.options if isinstance(o, dns.edns.EDEOption)] \
        if hasattr(dns.edns, "EDEOption") else [(int.from_bytes(o.data[:2], "big"), o.data[2:].decode())
                                               for o in answer.options if o.otype == 15]


def run_tool(tool, text, bed, replica=1, *arguments):
    done = subprocess.run([shutil.which(tool), *arguments], input=text, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def real_clients():
    """nsupdate and knsupdate, as they are: add, replace, delete, prerequisites, refusals, UDP and TCP."""
    if LACK:
        return LACK
    for tool in ("nsupdate", "knsupdate"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    with UpdateBed() as bed:
        for tool, tcp in (("nsupdate", False), ("nsupdate", True), ("knsupdate", False), ("knsupdate", True)):
            name = f"{tool}-{'tcp' if tcp else 'udp'}"
            head = (f"server {ADDRESSES[1]} {bed.dns_port}\nzone {bed.zone}.\n"
                    f"key hmac-sha512:upd-key {UPDATE_SECRET}\n")
            options = ["-v"] if tcp else []
            status, said = run_tool(tool, head + f"update add {name}.{bed.zone}. 60 A 192.0.2.7\n"
                                    f"update add {name}.{bed.zone}. 60 A 192.0.2.8\nsend\n", bed, 2, *options)
            check(status == 0 and bed.values(name, "A", 2) == ["192.0.2.7", "192.0.2.8"], f"{name}: {said}")
            status, said = run_tool(tool, head + f"prereq nxdomain {name}.{bed.zone}.\n"
                                    f"update add {name}.{bed.zone}. 60 A 192.0.2.9\nsend\n", bed, 2, *options)
            check(status != 0 and "YXDOMAIN" in said, f"{name}: {status} {said}")
            status, said = run_tool(tool, head + f"prereq yxrrset {name}.{bed.zone}. A\n"
                                    f"update delete {name}.{bed.zone}. A 192.0.2.7\nsend\n", bed, 2, *options)
            check(status == 0 and bed.values(name, "A", 2) == ["192.0.2.8"], f"{name}: {said}")
            status, said = run_tool(tool, head + f"update delete {name}.{bed.zone}.\nsend\n", bed, 2, *options)
            check(status == 0 and bed.values(name, "A", 2) == [], f"{name}: {said}")
        # without `zone` nsupdate finds it by a SOA question
        status, said = run_tool("nsupdate", f"server {ADDRESSES[0]} {bed.dns_port}\nkey hmac-sha512:upd-key {UPDATE_SECRET}\n"
                                f"update add probe.deep.{bed.zone}. 60 A 192.0.2.7\nsend\n", bed)
        check(status == 0 and bed.values("probe.deep", "A") == ["192.0.2.7"], said)
        counters = [bed.status(replica)["gateway_counters"] for replica in (1, 2, 3)]
        check(sum(c["applied"] for c in counters) >= 3 and all(c["waiting"] == 0 for c in counters), f"{counters}")
        bed.settle()
        bed.stop()
        heads = [bed.verify(replica)[1] for replica in (1, 2, 3)]
        check(heads[0] == heads[1] == heads[2], "replicas differ")
        reasons = [c["reason"] for slot in bed.log(1) for c in slot.get("commands", []) if c["kind"] == "rrset.update"]
        check(any("DNS update from 127.0.0.1 by key upd-key." in r for r in reasons), f"{reasons[:3]}")
    return None


def answers():
    """Every RCODE, each with the id of its rule as extended error text."""
    if LACK:
        return LACK
    with UpdateBed() as bed:
        bed.ctl("role", "set", "narrow", f"rrset.update,{bed.zone},*.web.{bed.zone},A")
        check(bed.add("there", '"x"') == "NOERROR", "add")

        def message(change, **how):
            out = bed.update(**how)
            change(out)
            return out
        rows = [
            ("NOERROR", "", message(lambda m: (m.present("there"), m.add("a", 60, "A", "192.0.2.1")))),
            ("NXDOMAIN", "prereq-nxdomain", message(lambda m: (m.present("none"), m.add("b", 60, "A", "192.0.2.1")))),
            ("YXDOMAIN", "prereq-yxdomain", message(lambda m: (m.absent("there"), m.add("b", 60, "A", "192.0.2.1")))),
            ("NXRRSET", "prereq-nxrrset", message(lambda m: (m.present("there", "A"), m.add("b", 60, "A", "192.0.2.1")))),
            ("NXRRSET", "prereq-nxrrset", message(lambda m: (m.present("there", "TXT", '"y"'), m.add("b", 60, "A", "192.0.2.1")))),
            ("YXRRSET", "prereq-yxrrset", message(lambda m: (m.absent("there", "TXT"), m.add("b", 60, "A", "192.0.2.1")))),
            ("NOTZONE", "out-of-zone", message(lambda m: m.add("www.other.", 60, "A", "192.0.2.1"))),
            ("REFUSED", "ttl-range", message(lambda m: m.add("b", 2**31 - 1, "A", "192.0.2.1"))),
            ("REFUSED", "cycle", message(lambda m: m.add("c", 60, "CNAME", "c"))),
            ("NOTAUTH", "zone-unknown", message(lambda m: m.add("b", 60, "A", "192.0.2.1"), zone="other.test")),
        ]
        for wanted, rule, question in rows:
            answer = bed.send(question, replica=2)
            check(dns.rcode.to_text(answer.rcode()) == wanted, f"{wanted}: {answer}")
            check(answer.had_tsig, "every answer is signed")
            texts = error_text(answer)
            check(not rule or any(t.startswith(rule + ": ") for _, t in texts), f"{rule}: {texts}")
        check(bed.values("b", "A") == [], "none of the refused was done")
        bed.ctl("automation", "freeze", "--id", "f", "--scope", "author", "upd-key", "--reason", "test")
        answer = bed.send(message(lambda m: m.add("b", 60, "A", "192.0.2.1")))
        check(dns.rcode.to_text(answer.rcode()) == "REFUSED" and error_text(answer)[0][1].startswith("frozen: "), f"{answer}")
        bed.ctl("automation", "resume", "--id", "f")
        bed.ctl("principal", "set", "upd-key", "--kind", "automaton", "--role", "narrow", *BUDGET)
        check(bed.add("x.web", "192.0.2.5", "A") == "NOERROR", "what the role grants")
        answer = bed.send(message(lambda m: m.add("b", 60, "A", "192.0.2.1")))
        check(dns.rcode.to_text(answer.rcode()) == "REFUSED" and error_text(answer)[0][1].startswith("rights: "), f"{answer}")
        for key, secret, wanted in (("upd-key", SECRET + "", dns.tsig.PeerBadSignature), ("nobody", UPDATE_SECRET, dns.tsig.PeerBadKey)):
            try:
                bed.do(message(lambda m: m.add("b", 60, "A", "192.0.2.1"), key=key, secret=secret))
                check(False, f"a signature by {key} was taken")
            except wanted:
                pass
        late, now = message(lambda m: m.add("b", 60, "A", "192.0.2.1")), time.time
        try:
            time.time = lambda: now() - 900
            bed.do(late)
            check(False, "an old signature was taken")
        except dns.tsig.PeerBadTime:
            pass
        finally:
            time.time = now
        plain = dns.update.Update(bed.zone)
        plain.add("b", 60, "A", "192.0.2.1")
        check(bed.do(plain) == "REFUSED", "unsigned")
        check(bed.values("b", "A") == [], "none of the refused was done")
    return None


def refusals_by_each_tool():
    """Forms, owners and budgets: the RCODE at nsupdate and knsupdate over UDP and TCP, the rule's words at who sends EDNS."""
    if LACK:
        return LACK
    for tool in ("nsupdate", "knsupdate"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    with UpdateBed() as bed:
        replica = 1 + bed.leader() % 3  # a follower: it hands them on
        bed.ctl("zone", "set", bed.zone, "zonemd=on")  # then it has no digest of its own
        rows = [  # lines for the tools, RCODE, rule, what its words name
            ("update add {0}. 60 ZONEMD 1 1 1 " + "ab" * 48 + "\n", "FORMERR", "type-forbidden", "ZONEMD"),
            ("update delete www.{0}. A\n", "REFUSED", "owner", "www"),
            ("update add www.{0}. 60 A 192.0.2.99\n", "REFUSED", "owner", "www"),
            ("update add mine.{0}. 60 A 192.0.2.1\nupdate delete ns1.{0}. A\n", "REFUSED", "owner", "ns1"),
        ]

        def by_tool(tool, lines, *options):
            return run_tool(tool, f"server {ADDRESSES[replica - 1]} {bed.dns_port}\nzone {bed.zone}.\n"
                            f"key hmac-sha512:upd-key {UPDATE_SECRET}\n" + lines + "send\n", bed, replica, *options)

        def by_dnspython(lines):
            """The same lines as one message with EDNS: RCODE, and the extended error's text."""
            message = bed.update()
            for line in lines.splitlines():
                words = line.split()
                owner, kind = words[2], words[-1] if words[1] == "delete" else words[4]
                if words[1] == "delete":
                    message.delete(owner, kind)
                else:
                    message.add(owner, int(words[3]), kind, " ".join(words[5:]))
            answer = bed.send(message, replica)
            check(answer.had_tsig, "every answer is signed")
            return dns.rcode.to_text(answer.rcode()), "".join(text for _, text in error_text(answer))

        def refuse(lines, wanted, rule, named):
            for tool in ("nsupdate", "knsupdate"):
                for options in ((), ("-v",)):
                    status, said = by_tool(tool, lines, *options)
                    check(status != 0 and wanted in said, f"{tool} {options} {lines}: {status} {said}")
            rcode, text = by_dnspython(lines)
            check(rcode == wanted and text.startswith(rule + ": " if rule else "") and named in text, f"{lines}: {rcode} {text}")

        for lines, *wanted in rows:
            refuse(lines.format(bed.zone), *wanted)
        for what, section, owner, kind, klass, ttl, data in (
                ("an A of five octets", "update", "bad", "A", "IN", 60, b"\xc0\0\2\1\1"),
                ("a deletion with a TTL", "update", "www", "A", "NONE", 60, b"\xc0\0\2\1"),
                ("a deletion of a set that has data", "update", "www", "A", "ANY", 0, b"\xc0\0\2\1"),
                ("another class", "update", "new", "A", "CH", 60, b"\xc0\0\2\1"),
                ("a prerequisite with a TTL", "prerequisite", "www", "A", "ANY", 60, b""),
                ("a set that shall not be there, with data", "prerequisite", "www", "A", "NONE", 0, b"\xc0\0\2\1"),
                ("a meta type", "update", "any", "TYPE253", "IN", 60, b"\0")):
            message = bed.update()
            data = dns.rdata.GenericRdata(dns.rdataclass.from_text(klass), dns.rdatatype.from_text(kind), data)
            rrset = dns.rrset.from_rdata(dns.name.from_text(f"{owner}.{bed.zone}."), ttl, data)
            getattr(message, section).append(rrset)
            for tcp in (False, True):
                message.id = dns.entropy.random_16()
                answer = bed.send(message, replica, tcp=tcp)
                texts = [text for _, text in error_text(answer)]
                check(answer.rcode() == dns.rcode.FORMERR, f"{what}: {answer}")
                if owner != "bad":  # that one cannot be read at all, its signature neither
                    check(answer.had_tsig and all(texts) and texts, f"{what}: {answer}")
        check(bed.values("mine", "A", replica) == [], "a part of what was refused was done")
        check(bed.values("www", "A", replica) == ["192.0.2.10", "192.0.2.11"], "what is another's is as it was")
        spent = ("--budget", "commands=2/1", "--budget", "changes=500/1")
        bed.ctl("principal", "set", "upd-key", "--kind", "automaton", "--role", "dns", *spent)
        for number, tool in enumerate(("nsupdate", "knsupdate")):
            status, said = by_tool(tool, f"update add paid{number}.{bed.zone}. 60 A 192.0.2.1\n")
            check(status == 0, f"what the budget holds: {said}")
        refuse(f"update add poor.{bed.zone}. 60 A 192.0.2.1\n", "REFUSED", "budget", "wait ")
        check(bed.values("poor", "A", replica) == [] and bed.values("paid1", "A", replica) == ["192.0.2.1"], "what was paid is there alone")
        bed.ctl("principal", "set", "upd-key", "--kind", "automaton", "--role", "dns", *BUDGET)
        status, said = by_tool("nsupdate", f"update add poor.{bed.zone}. 60 A 192.0.2.1\n")
        check(status == 0, f"with a larger one: {said}")
    return None


def as_acme_and_external_dns_do():
    """certbot: SOA for each parent, TXT added, one value deleted. external-dns: SOA, AXFR, updates over TCP."""
    if LACK:
        return LACK
    with UpdateBed() as bed:
        name, zone = f"_acme-challenge.www.{bed.zone}", None
        for i in range(name.count(".")):
            candidate = ".".join(name.split(".")[i:])
            question = dns.message.make_query(candidate, "SOA")
            question.flags ^= dns.flags.RD
            question.use_tsig(keyring("upd-key", UPDATE_SECRET), "upd-key", algorithm="hmac-sha512")
            answer = dns.query.tcp(question, ADDRESSES[0], port=bed.dns_port, timeout=WAIT)
            if answer.rcode() == dns.rcode.NOERROR and answer.flags & dns.flags.AA and \
                    answer.get_rrset(answer.answer, dns.name.from_text(candidate), 1, dns.rdatatype.SOA):
                zone = candidate
                break
        check(zone == bed.zone, f"certbot's search for the zone ends at {zone}")
        for value in ("one", "two"):
            check(bed.add("_acme-challenge.www", f'"{value}"', tcp=True) == "NOERROR", "certbot adds")
        gone = bed.update()
        gone.delete("_acme-challenge.www", "TXT", '"one"')
        check(bed.do(gone, tcp=True) == "NOERROR", "certbot cleans up")
        check(bed.values("_acme-challenge.www") == ['"two"'], "one value is left")

        check(bed.ask(bed.zone, "SOA", key="xfr-key", tcp=True).rcode() == dns.rcode.NOERROR, "external-dns asks for the SOA")
        before = bed.transfer(replica=2)
        change = bed.update()
        for owner, kind, value in (("svc", "A", "192.0.2.40"), ("svc", "TXT", '"heritage=external-dns,external-dns/owner=me"')):
            change.delete(owner, kind)
            change.add(owner, 300, kind, value)
        check(bed.do(change, replica=2, tcp=True) == "NOERROR", "external-dns creates")
        bed.settle()
        after = bed.transfer(replica=2)
        check(len(set(after.nodes)) == len(set(before.nodes)) + 1 and bed.values("svc", "A") == ["192.0.2.40"], "and lists it")
    return None


def as_large_as_they_come():
    """Updates of nearly 64 KiB, over UDP and TCP, are one command each."""
    if LACK:
        return LACK
    with UpdateBed() as bed:
        for number, tcp in ((0, False), (1, True)):
            message = bed.update()
            message.request_payload = 65535  # of ours; what the answer may have is another number
            for i in range(285 if tcp else 272):
                message.add(f"big{number}-{i // 40}", 60, "TXT", f'"{i:4} {"x" * 200}"')
            size = len(message.to_wire())
            check(60000 <= size <= (65535 if tcp else 65507), f"the message has {size} bytes")
            check(bed.do(message, replica=1 + number, tcp=tcp) == "NOERROR", f"{size} bytes, TCP {tcp}")
            question = [bed.ask(f"big{number}-{i}.{bed.zone}", "TXT", 1 + number, "upd-key", UPDATE_SECRET, tcp=True) for i in range(2)]
            check(all(len(answer.answer[0]) == 40 for answer in question), "all of it is there")
        bed.settle()
        bed.stop()
        commands = [c for slot in bed.log(1) for c in slot.get("commands", []) if c["kind"] == "rrset.update"]
        check(len(commands) == 2, f"{len(commands)} commands")
    return None


def count_up(bed, replica, results, stop, rounds=None):
    """Compare and set over prerequisites: reads the counter, and sets it one higher if nobody did."""
    while not stop.is_set() and (rounds is None or len(results["won"]) < rounds):
        try:
            now = int(bed.values("counter", replica=replica)[0].strip('"'))
        except (IndexError, dns.exception.DNSException):
            continue
        message = bed.update()
        message.present("counter", "TXT", f'"{now}"')
        message.replace("counter", 60, "TXT", f'"{now + 1}"')
        try:
            said = bed.do(message, replica, tcp=True)
        except (dns.exception.DNSException, OSError, EOFError):
            results["unknown"].append(now + 1)
            continue
        results["won" if said == "NOERROR" else "unknown" if said == "SERVFAIL" else "lost"].append(now + 1)


def races():
    """Clients at all replicas count up one counter: each step has exactly one winner."""
    if LACK:
        return LACK
    with UpdateBed() as bed:
        check(bed.add("counter", '"0"') == "NOERROR", "start")
        bed.settle()
        rounds = 15
        results = [{"won": [], "lost": [], "unknown": []} for _ in range(6)]
        stop = threading.Event()
        threads = [threading.Thread(target=count_up, args=(bed, 1 + i % 3, r, stop, rounds)) for i, r in enumerate(results)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [n for r in results for n in r["won"]]
        check(sorted(won) == list(range(1, rounds * 6 + 1)), f"each number once: {sorted(won)}")
        bed.settle()  # the last number was won at any replica, which alone has to have it by now
        counted = bed.values("counter")
        check(counted == [f'"{rounds * 6}"'], f"{counted}")
        check(not any(r["unknown"] for r in results), "all is well: nothing is unknown")
        check(sum(len(r["lost"]) for r in results) > 0, "the canary: some have lost a race")
    return None


def same_message_again():
    """The same bytes to another replica, or again: one update, answered the same."""
    if LACK:
        return LACK
    with UpdateBed() as bed:
        message = bed.update()
        message.absent("once")
        message.add("once", 60, "A", "192.0.2.1")
        wire = message.to_wire()
        for replica in (1, 1, 2, 3):
            rcode = bed.send_wire(wire, replica)
            check(rcode == 0, f"replica {replica}: RCODE {rcode}")
        bed.settle()
        # what the signature does not cover makes no other message of it: the id in the header, the case of the key's name
        recorded = bed.update()
        recorded.add("gone", 60, "A", "192.0.2.1")
        wire = recorded.to_wire()
        check(bed.send_wire(wire) == 0, "add")
        remove = bed.update()
        remove.delete("gone", "A")
        check(bed.do(remove, replica=2) == "NOERROR", "delete")
        place = wire.rindex(b"\x07upd-key")
        for replica, again in ((1, wire), (2, bytes([wire[0] ^ 1]) + wire[1:]), (3, wire[:1] + bytes([wire[1] ^ 8]) + wire[2:]),
                               (1, wire[:place] + b"\x07UPD-key" + wire[place + 8:]), (2, wire[:place] + b"\x07uPd-KeY" + wire[place + 8:])):
            check(bed.send_wire(again, replica) == 0, f"replica {replica}")
            bed.settle()
            check(bed.values("gone", "A", replica) == [], f"what was deleted is back: replica {replica}")
        versions = bed.json("record", "history", bed.zone, "once", "A")
        check(len(next(v for v in versions.values() if isinstance(v, list))) == 1, f"{versions}")
    return None


def leader_dies():
    """kill -9 of the leader under updates: what was answered NOERROR is there, nothing is there twice."""
    if LACK:
        return LACK
    with UpdateBed() as bed:
        check(bed.add("counter", '"0"') == "NOERROR", "start")
        bed.settle()
        leader = bed.leader()
        others = [r for r in (1, 2, 3) if r != leader]
        results = [{"won": [], "lost": [], "unknown": []} for _ in range(4)]
        stop = threading.Event()
        threads = [threading.Thread(target=count_up, args=(bed, others[i % 2], r, stop)) for i, r in enumerate(results)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 120

        def wait_for(count):
            while sum(len(r["won"]) for r in results) < count:
                check(time.monotonic() < deadline, f"no progress: {results}")
                time.sleep(0.01)
        try:
            wait_for(20)
            bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", str(leader), cluster=False)
            wait_for(40)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        won = [n for r in results for n in r["won"]]
        unknown = {n for r in results for n in r["unknown"]}
        check(len(won) == len(set(won)), f"a number was won twice: {sorted(won)}")
        bed.settle(others)
        last = int(bed.values("counter", replica=others[0])[0].strip('"'))
        missing_ones = set(range(1, last + 1)) - set(won)
        check(set(won) <= set(range(1, last + 1)), "NOERROR, and not there")
        check(missing_ones <= unknown, f"done, and nobody was told: {missing_ones - unknown}")
        bed.ctl("dev", "start", "--dir", bed.dir, "--replica", str(leader), cluster=False)
        bed.settle()
    return None


def without_a_quorum():
    """SERVFAIL with words, and the update is not done later when it was said that it was not."""
    if LACK:
        return LACK
    with UpdateBed() as bed:
        check(bed.add("before", '"x"') == "NOERROR", "start")
        bed.settle()
        survivor = 1
        for replica in (2, 3):
            bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", str(replica), cluster=False)
        message = bed.update()
        message.add("during", 60, "TXT", '"x"')
        answer = bed.send(message, survivor, tcp=True)
        texts = error_text(answer)
        check(dns.rcode.to_text(answer.rcode()) == "SERVFAIL" and texts and "no verdict in" in texts[0][1], f"{answer}")
        check(answer.had_tsig, "signed as well")
        for replica in (2, 3):
            bed.ctl("dev", "start", "--dir", bed.dir, "--replica", str(replica), cluster=False)
        bed.settle()
        deadline = time.monotonic() + 60
        while bed.add("after", '"x"', tcp=True) != "NOERROR":
            check(time.monotonic() < deadline, "no updates after the quorum came back")
        if "was not done" in texts[0][1]:
            check(bed.values("during") == [], "it was said that it was not done")
    return None


if __name__ == "__main__":
    main([real_clients, answers, refusals_by_each_tool, as_acme_and_external_dns_do, as_large_as_they_come, races, same_message_again, leader_dies, without_a_quorum])
