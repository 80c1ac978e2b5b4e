#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that no good client sends, and zones that few have: what replicas say, octet by octet.

Questions are made by hand where a library would not make them. What is plain data is compared with
what Knot, NSD and BIND say of the same zone.
"""
import base64
import hashlib
import hmac
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import ADDRESSES, SECRET, UPDATE_SECRET, WAIT, Bed, check, dns, make_zone, missing, records  # noqa: E402
from harness import Cluster, main  # noqa: E402

LACK = missing(())
OPEN = ["dns_allow_unsigned_queries = yes"]
SOA, AXFR, IXFR, ANY = 6, 252, 251, 255
KEYS = {"xfr-key": ("hmac-sha256.", base64.b64decode(SECRET), hashlib.sha256),
        "upd-key": ("hmac-sha512.", base64.b64decode(UPDATE_SECRET), hashlib.sha512)}


# -- messages by hand

def wire(name):
    return dns.name.from_text(name).to_wire()


def question(name="example.test.", kind=SOA, klass=1, opcode=0, number=0x1234, flags=0, more=b"", counts=(1, 0, 0, 0)):
    head = struct.pack("!HH4H", number, opcode << 11 | flags, *counts)
    return head + (wire(name) + struct.pack("!HH", kind, klass) if counts[0] else b"") + more


def opt(size=1232, version=0, data=b"", owner=b"\0"):
    return owner + struct.pack("!HHBBHH", 41, size, 0, version, 0, len(data)) + data


def ixfr(serial, zone="example.test."):
    soa = b"\0\0" + struct.pack("!5I", serial, 1, 1, 1, 1)
    return question(zone, IXFR, counts=(1, 0, 1, 0), more=wire(zone) + struct.pack("!HHIH", SOA, 1, 0, len(soa)) + soa)


def update(zone="example.test."):
    return question(zone, SOA, opcode=5, counts=(1, 0, 1, 0), more=wire("zz." + zone) + struct.pack("!HHIH", 1, 1, 60, 4) + b"\xc0\0\2\1")


def tsig(message, key="xfr-key", algorithm=None, size=None, now=None, fudge=300, klass=ANY, ttl=0, secret=None, name=None):
    """The TSIG record that signs the message; `size`: the MAC cut or filled to so many octets."""
    own, own_secret, digest = KEYS[key]
    now, algorithm, owner = int(now or time.time()), wire(algorithm or own), wire((name or key) + ".")
    when = struct.pack("!HIH", now >> 32, now & 0xffffffff, fudge)
    covered = message + owner.lower() + struct.pack("!HI", klass, ttl) + algorithm + when + b"\0\0\0\0"
    mac = hmac.new(secret or own_secret, covered, digest).digest()
    mac = mac if size is None else mac[:size].ljust(size, b"\0")
    data = algorithm + when + struct.pack("!H", len(mac)) + mac + message[:2] + b"\0\0\0\0"
    return owner + struct.pack("!HHIH", 250, klass, ttl, len(data)) + data


def with_more(message, *more):
    count, = struct.unpack("!H", message[10:12])
    return message[:10] + struct.pack("!H", count + len(more)) + message[12:] + b"".join(more)


def signed(message, **how):
    return with_more(message, tsig(message, **how))


class Answer:
    """What is looked at of an answer, without a library that would refuse to read it."""

    def __init__(self, message):
        self.wire = message
        self.number, self.flags, *self.counts = struct.unpack("!HH4H", message[:12])
        self.rcode = dns.rcode.to_text(self.flags & 15)

    def is_signed(self):
        return b"\0\xfa\0\xff\0\0\0\0" in self.wire  # type TSIG, class ANY, no TTL

    def error(self):
        """Error and other data of its TSIG, which is the last record."""
        for other in (6, 0):
            if self.is_signed() and len(self.wire) > other + 4 and struct.unpack("!H", self.wire[len(self.wire) - other - 2:][:2])[0] == other:
                return struct.unpack("!H", self.wire[len(self.wire) - other - 4:][:2])[0], self.wire[len(self.wire) - other:] if other else b""
        return None, b""


def by_udp(bed, message, replica=1, timeout=WAIT):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.sendto(message, (ADDRESSES[replica - 1], bed.dns_port))
        return Answer(sock.recv(65535))


def framed(*messages):
    return b"".join(struct.pack("!H", len(message)) + message for message in messages)


def on_one_connection(bed, pieces, replica=1):
    """All that comes until the server closes; the sender's half is closed behind the last piece."""
    data = b""
    with socket.create_connection((ADDRESSES[replica - 1], bed.dns_port), timeout=WAIT) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        while piece := sock.recv(65536):
            data += piece
    out = []
    while data:
        size, = struct.unpack("!H", data[:2])
        check(len(data) >= 2 + size, "the last message is cut")
        out.append(Answer(data[2:2 + size]))
        data = data[2 + size:]
    return out


def by_tcp(bed, message, replica=1):
    answers = on_one_connection(bed, [framed(message)], replica)
    check(len(answers) == 1, f"{len(answers)} messages")
    return answers[0]


# -- tests

def signatures_that_are_none():
    """TSIG in every wrong way (RFC 8945): the RCODE, the error, and whether the answer is signed."""
    if LACK:
        return LACK
    with Bed(lines=OPEN) as bed:
        make_zone(bed)
        q, now = question(), time.time()
        badkey, badsig, badtime, badtrunc = 17, 16, 18, 22
        rows = [  # what, message, TCP, RCODE, the TSIG's error (None: there is no TSIG)
            ("a good one", signed(q), False, "NOERROR", 0),
            ("another case of the key's name", signed(q, name="XFR-Key"), False, "NOERROR", 0),
            ("sha512 with its key", signed(q, key="upd-key"), False, "NOERROR", 0),
            ("a MAC of 33 octets", signed(q, size=33), False, "FORMERR", None),
            ("of 31", signed(q, size=31), False, "NOTAUTH", badtrunc),
            ("of 16, half of it", signed(q, size=16), False, "NOTAUTH", badtrunc),
            ("of 15", signed(q, size=15), False, "FORMERR", None),
            ("of none", signed(q, size=0), False, "FORMERR", None),
            ("half of sha512", signed(q, key="upd-key", size=32), False, "NOTAUTH", badtrunc),
            ("less than half of it", signed(q, key="upd-key", size=31), False, "FORMERR", None),
            ("another secret", signed(q, secret=b"another"), False, "NOTAUTH", badsig),
            ("a key that nobody has", signed(q, name="nobody"), False, "NOTAUTH", badkey),
            ("the key's name with another algorithm", signed(q, algorithm="hmac-sha512."), False, "NOTAUTH", badkey),
            ("an algorithm that is none", signed(q, algorithm="gss-tsig."), False, "NOTAUTH", badkey),
            ("301 s ago", signed(q, now=now - 302), False, "NOTAUTH", badtime),
            ("in the future", signed(q, now=now + 330), False, "NOTAUTH", badtime),
            ("400 s ago, with a fudge of 18 hours", signed(q, now=now - 400, fudge=65535), False, "NOTAUTH", badtime),
            ("400 s ahead with it", signed(q, now=now + 430, fudge=65535), False, "NOTAUTH", badtime),
            ("2 minutes ago, with a fudge of one", signed(q, now=now - 120, fudge=60), False, "NOTAUTH", badtime),
            ("long ago, and not ours", signed(q, now=now - 9000, secret=b"another"), False, "NOTAUTH", badsig),
            ("class IN", signed(q, klass=1), False, "FORMERR", None),
            ("a TTL", signed(q, ttl=5), False, "FORMERR", None),
            ("two of them", with_more(q, tsig(q), tsig(q)), False, "FORMERR", None),
            ("not the last record", with_more(q, tsig(q), opt()), False, "FORMERR", None),
            ("octets behind it", signed(q) + b"zz", False, "FORMERR", None),
            ("what was signed is another name", signed(question("eXample.tesu."))[:20] + signed(q)[20:], False, "NOTAUTH", badsig),
            ("AXFR with the key of updates", signed(question(kind=AXFR), key="upd-key"), True, "REFUSED", 0),
            ("IXFR with it", signed(ixfr(1), key="upd-key"), True, "REFUSED", 0),
            ("an update with the key of transfers", signed(update()), True, "REFUSED", 0),
            ("an update without any", update(), True, "REFUSED", None),
            ("AXFR without any", question(kind=AXFR), True, "REFUSED", None),
            ("AXFR by UDP", signed(question(kind=AXFR)), False, "FORMERR", 0),
            ("AXFR of a zone that is not here", signed(question("other.", AXFR)), True, "NOTAUTH", 0),
            ("AXFR of a name in the zone", signed(question("www.example.test.", AXFR)), True, "NOTAUTH", 0)]
        for what, message, tcp, rcode, wanted in rows:
            for replica in (1, 2, 3):
                answer = (by_tcp if tcp else by_udp)(bed, message, replica)
                error, other = answer.error()
                check((answer.rcode, error) == (rcode, wanted), f"{what}: {answer.rcode}, error {error}, not {rcode}, {wanted}")
                if wanted == badtime:
                    theirs = int.from_bytes(other, "big")
                    check(len(other) == 6 and abs(theirs - time.time()) < 60, f"{what}: its time is {other.hex()}")
        check(bed.soa(replica=2) == 1, "nothing of it did anything")
    return None


def forms_that_are_none():
    """EDNS versions, sizes and options, opcodes, classes, meta types, sections that are not as they say."""
    if LACK:
        return LACK
    with Bed(lines=OPEN) as bed:
        make_zone(bed)
        bed.ctl("record", "set", bed.zone, "large", "60", "TXT", *[f'"{i:03} {"x" * 90}"' for i in range(40)])
        bed.settle()
        q, extra = question(), (1, 0, 0, 1)
        rows = [  # what, message, RCODE; None: no answer
            ("EDNS", question(more=opt(), counts=extra), "NOERROR"),
            ("an option nobody knows", question(more=opt(data=b"\xfd\xe9\0\3abc"), counts=extra), "NOERROR"),
            ("an option that is cut", question(more=opt(data=b"\xfd\xe9\0\x09abc"), counts=extra), "FORMERR"),
            ("an OPT record of a name", question(more=opt(owner=b"\1x\0"), counts=extra), "FORMERR"),
            ("two OPT records", question(more=opt() + opt(), counts=(1, 0, 0, 2)), "FORMERR"),
            ("two questions", question(more=wire("a.") + b"\0\1\0\1", counts=(2, 0, 0, 0)), "FORMERR"),
            ("no question", question(counts=(0, 0, 0, 0)), "FORMERR"),
            ("an opcode nobody has", question(opcode=15), "NOTIMP"), ("IQUERY", question(opcode=1), "NOTIMP"),
            ("STATUS", question(opcode=2), "NOTIMP"), ("NOTIFY", question(opcode=4), "NOTAUTH"),
            ("class CH", question(klass=3), "REFUSED"), ("class ANY", question(klass=255), "REFUSED"),
            ("version.bind", question("version.bind.", 16, 3), "REFUSED"),
            ("a name elsewhere", question("other."), "REFUSED"), ("the root", question(".", 2), "REFUSED"),
            ("the parent", question("test."), "REFUSED"),
            ("MAILB", question(kind=253), "NOTIMP"), ("TSIG", question(kind=250), "NOTIMP"), ("OPT", question(kind=41), "NOTIMP"),
            ("a type nobody knows", question(kind=65280), "NOERROR"),
            ("a name that points at itself", question(counts=(0, 0, 0, 0))[:4] + b"\0\1" + b"\0" * 6 + b"\xc0\x0c\0\6\0\1", "FORMERR"),
            ("counts that are not so", question(counts=(1, 9, 9, 9)), "FORMERR"),
            ("a header alone", question()[:12], "FORMERR"), ("eleven octets", q[:11], None), ("an answer", question(flags=0x8000), None)]
        for what, message, wanted in rows:
            if wanted is None:
                try:
                    check(False, f"{what}: answered with {by_udp(bed, message, timeout=0.5).rcode}")
                except TimeoutError:
                    continue
            answer = by_udp(bed, message)
            check(answer.rcode == wanted and answer.number == 0x1234, f"{what}: {answer.rcode}, not {wanted}")
        for version in (1, 2, 255):
            for message in (question(more=opt(version=version), counts=extra), signed(question(more=opt(version=version), counts=extra)),
                            signed(with_more(update(), opt(version=version)), key="upd-key")):
                answer = by_udp(bed, message)
                place = answer.wire.index(b"\0\0\x29", 12)  # the OPT record: extended RCODE 1 and 0 in the header are 16
                check(answer.rcode == "NOERROR" and answer.wire[place + 5] == 1 and answer.wire[place + 6] == 0, f"EDNS {version}: {answer.wire}")
        for size, edns, limit in ((None, None, 512), (0, 0, 512), (511, 511, 512), (700, 700, 700), (4096, 4096, 1232), (65535, 65535, 1232)):
            more = b"" if size is None else opt(size=edns)
            for sign in (False, True):
                message = question("large.example.test.", 16, more=more, counts=(1, 0, 0, 0 if size is None else 1))
                answer = by_udp(bed, signed(message) if sign else message)
                check(answer.flags & 0x200 and len(answer.wire) <= limit, f"size {size}: {len(answer.wire)} octets, flags {answer.flags:x}")
                whole = by_tcp(bed, signed(message) if sign else message)
                check(not whole.flags & 0x200 and whole.counts[1] == 40, f"size {size} over TCP: {whole.counts}")
    return None


def connections_with_many_questions():
    """RFC 7766: questions in one write, in single octets, transfers between them; each answered, in order; nothing after an error."""
    if LACK:
        return LACK
    with Bed(lines=OPEN) as bed:
        make_zone(bed)
        for i in range(3):
            bed.ctl("record", "set", bed.zone, "www", "300", "A", f"192.0.2.{i + 60}")
        bed.settle()
        for replica in (1, 2, 3):
            heap = framed(*[question(number=i) for i in range(200)])
            answers = on_one_connection(bed, [heap], replica)
            check([a.number for a in answers] == list(range(200)), f"{len(answers)} answers")
            drops = [bytes([octet]) for octet in framed(question(number=1), signed(question(kind=AXFR, number=2)), question(number=3))]
            answers = on_one_connection(bed, drops, replica)
            check([(a.number, a.counts[1]) for a in answers] == [(1, 1), (2, 16), (3, 1)], f"{[(a.number, a.counts) for a in answers]}")
            mixed = framed(signed(question(kind=AXFR, number=1)), question(number=2), signed(ixfr(1)), question(kind=AXFR, number=4), question(number=5))
            answers = on_one_connection(bed, [mixed], replica)
            check([a.rcode for a in answers] == ["NOERROR", "NOERROR", "NOERROR", "REFUSED", "NOERROR"], f"{[a.rcode for a in answers]}")
            check(answers[2].counts[1] == 7, f"the difference: {answers[2].counts}")
            for rubbish in (b"\0\0", framed(b"eleven octe"), framed(question(flags=0x8000))):
                answers = on_one_connection(bed, [framed(question(number=1)) + rubbish + framed(question(number=2))], replica)
                check([a.number for a in answers] == [1], f"behind {rubbish}: {[a.number for a in answers]}")
    return None


NASTY = """$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
@ NS ns2
ns1 A 192.0.2.1
ns2 A 192.0.2.2
www A 192.0.2.10
alias CNAME www
alias2 CNAME alias
tosub CNAME host.sub
*.wild TXT "wild"
*.wild A 192.0.2.66
there.wild TXT "exact"
a.b.wild TXT "deep"
*.cw CNAME www
*.sub2.wild2 TXT x
deep.empty.nodes A 192.0.2.12
sub NS ns.sub
sub NS ns.elsewhere.
ns.sub A 192.0.2.13
ns.sub AAAA 2001:db8::1
host.sub A 192.0.2.14
deep.sub NS ns.deep.sub
sub DS 1 8 2 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
old DNAME new
new TXT "the target of old"
target.new A 192.0.2.14
chain DNAME old
out CNAME elsewhere.invalid.
unk TYPE65280 \\# 3 abcdef
multi A 192.0.2.20
multi AAAA 2001:db8::20
multi MX 10 www
srv SRV 1 2 3 multi
MiXeD A 192.0.2.30
_x._tcp PTR www
"""
NAMES = ("@ ns1 www alias alias2 tosub wild x.wild there.wild y.there.wild a.b.wild b.wild x.b.wild *.wild x.*.wild x.cw cw sub2.wild2 x.sub2.wild2 "
         "nodes empty.nodes deep.empty.nodes x.nodes sub ns.sub host.sub x.sub deep.sub x.deep.sub old x.old target.old a.target.old new chain x.chain "
         "target.chain out unk multi srv mixed MIXED _x._tcp _tcp nx x.www x.alias x.out").split()
TYPES = "A AAAA TXT NS SOA CNAME DNAME DS MX TYPE65280 ANY".split()


def sense(message):
    """RCODE, AA, answer, and what decides in the authority section: a referral's NS, or a denial's SOA."""
    def sets(section):
        return sorted((rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype), rrset.ttl, tuple(sorted(r.to_text().lower() for r in rrset)))
                      for rrset in section)
    return dns.rcode.to_text(message.rcode()), bool(message.flags & dns.flags.AA), sets(message.answer), [] if message.answer else sets(message.authority)


def answers_are_those_of_real_servers():
    """Wildcards, delegations and what they hide, DNAME, CNAME chains, empty names, unknown types, case: as Knot, NSD and BIND say."""
    kinds = ("knot", "nsd", "bind")
    lack = missing(kinds)
    if lack:
        return lack
    with Bed(kinds, lines=OPEN) as bed:
        make_zone(bed, NASTY)
        for kind in kinds:
            bed.start_secondary(kind)
            bed.wait_for_serial(kind, 1)
        count = 0
        for owner in NAMES:
            name = bed.zone if owner == "@" else f"{owner}.{bed.zone}"
            for number, kind in enumerate(TYPES):
                query = dns.message.make_query(name, kind)
                query.flags = 0
                ours = dns.query.udp(query, ADDRESSES[number % 3], port=bed.dns_port, timeout=WAIT)
                check(ours.question[0].name.to_text() == name + ".", f"{name}: the question comes back as it was")
                for server in kinds:
                    theirs = dns.query.tcp(query, "127.0.0.1", port=bed.ports[server], timeout=WAIT)  # NSD limits its datagrams
                    if kind == "ANY" and (theirs.answer or server == "bind") and ours.answer:
                        continue  # some of what is there, which each chooses for itself
                    if server == "bind" and kind == "SOA" and not theirs.answer:
                        for rrset in theirs.authority:  # it has TTL 0 there, against caches that ask for a zone's end
                            rrset.ttl = 60 if rrset.rdtype == dns.rdatatype.SOA else rrset.ttl
                    check(sense(ours) == sense(theirs), f"{name} {kind}:\n  ours {sense(ours)}\n  {server} {sense(theirs)}")
                    count += 1
        print(f"note: {count} answers are those of {', '.join(kinds)}")
    return None


def differences_from_any_serial():
    """IXFR by serials before, behind and far from the zone's, near 2^32 as well; after a restart, a snapshot and `zone restore`."""
    if LACK:
        return LACK
    lines = OPEN + ["snapshot_lag = 20", "store_commit_ms = 20"]
    with Bed(lines=lines) as bed:
        last = 2 ** 32 - 20
        make_zone(bed, NASTY.replace("hostmaster 1 ", f"hostmaster {last} "))
        copies = {last: bed.transfer().to_text()}

        def change(i, **how):
            nonlocal last
            bed.ctl("record", "set", bed.zone, f"n{i % 3}", "60", "A", f"192.0.2.{i + 100}", **how)
            last += 1

        def all_lead_here(replicas=(1, 2, 3)):
            wanted = bed.content()
            for replica in replicas:
                for serial, text in copies.items():
                    held = dns.zone.from_text(text, bed.zone)
                    bed.transfer(replica=replica, serial=serial, held=held)
                    check(records(held) == wanted, f"from serial {serial} to {last}, replica {replica}")

        bed.settle()
        slot = bed.status(1)["slot"]
        for i in range(5):
            change(i)
            bed.settle()
            copies[last] = bed.transfer(replica=1 + i % 3).to_text()
        all_lead_here()
        ahead, half = (last + 7) % 2 ** 32, 2 ** 31
        for serial, wanted in ((last, 1), (ahead, 1), ((last + half - 1) % 2 ** 32, 1), ((last - half + 1) % 2 ** 32, None),
                               (1, 1), (0, 1), (last - 19, None)):
            for replica in (1, 2, 3):  # RFC 1982: nothing for who is ahead; for who is behind, and unknown, all of it
                answer = by_tcp(bed, signed(ixfr(serial)), replica)
                check(answer.rcode == "NOERROR" and (answer.counts[1] == 1) == (wanted == 1), f"serial {serial} at {last}: {answer.counts}")
        bed.stop()
        bed.ctl("dev", "up", "--dir", bed.dir, cluster=False)
        bed.settle()
        all_lead_here()
        bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", "3", cluster=False)
        rest = ",".join(bed.endpoint(i) for i in (1, 2))
        for i in range(60):  # further than it may lag
            bed.ctl("record", "set", bed.zone, "n1", "60", "A", f"192.0.2.{i + 1}", endpoints=rest) if i < 3 else \
                bed.ctl("policy", "set", f"publish_ms={i}", endpoints=rest)
        last += 3
        bed.ctl("dev", "start", "--dir", bed.dir, "--replica", "3", cluster=False)
        bed.settle()
        check("event=snapshot-installed" in bed.text_of_log(3), "replica 3 caught up without a snapshot")
        all_lead_here()
        bed.ctl("zone", "restore", bed.zone, str(slot), "--yes")
        last += 1
        bed.settle()
        check(bed.soa() == last, f"{bed.soa()}, not {last}")
        all_lead_here()
        copies[last] = bed.transfer().to_text()
        while last < 2 ** 32 - 1:
            change(last % 50)
        said = bed.ctl("record", "set", bed.zone, "n0", "60", "A", "192.0.2.250", status=4)
        check("serial-range" in said.stdout + said.stderr, f"{said.stdout}{said.stderr}")
        bed.settle()
        check(bed.soa(replica=2) == 2 ** 32 - 1, "the last serial is served")
        all_lead_here()
    return None


class Cut:
    """Between a client and a server: passes the question on, and so many octets of the answer; then it closes."""

    def __init__(self, port):
        self.port, self.most, self.question = port, 0, b""
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(4)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def answer(self, question):
        """The server's whole answer, as octets."""
        data = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT) as server:
            server.sendall(question)
            while len(soas_in(data)) < 2:
                piece = server.recv(65536)
                check(piece, "the server closes in the middle of a transfer")
                data += piece
        return data

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                head = client.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    continue
                self.question = head + client.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                client.sendall(self.answer(self.question)[:self.most])


def messages_in(data):
    """Where each whole message of the octets ends."""
    ends, place = [], 0
    while place + 2 <= len(data) and place + 2 + struct.unpack("!H", data[place:place + 2])[0] <= len(data):
        place += 2 + struct.unpack("!H", data[place:place + 2])[0]
        ends.append(place)
    return ends


def soas_in(data):
    found, begin = [], 0
    for end in messages_in(data):
        message = dns.message.from_wire(data[begin + 2:end], one_rr_per_rrset=True)
        found += [rrset for rrset in message.answer if rrset.rdtype == dns.rdatatype.SOA]
        begin = end
    return found


def imports_that_are_cut():
    """`zone import --from-axfr` and `zone compare` from Knot, NSD and BIND, cut anywhere: never taken as whole."""
    kinds = ("knot", "nsd", "bind")
    lack = missing(kinds)
    if lack:
        return lack
    with Bed(kinds) as bed, Cluster(1) as target:
        make_zone(bed, NASTY + "".join(f"n{i} TXT \"{i:060}\"\n" for i in range(3000)))
        for kind in kinds:
            bed.start_secondary(kind)
            bed.wait_for_serial(kind, 1)
        for kind in kinds:
            cut = Cut(bed.ports[kind])
            imports = ("zone", "import", bed.zone, "--from-axfr", cut.address)
            done = target.ctl(*imports, status=None)
            whole = cut.answer(cut.question)
            ends = messages_in(whole)
            check(done.returncode != 0 and len(ends) > 2 and ends[-1] == len(whole), f"{kind}: {done.returncode}, messages end at {ends}")
            for most in sorted({1, 2, 13, 200, *[end + more for end in (ends[0], ends[1], ends[-2]) for more in (-1, 0, 1, 2, 14)], len(whole) - 1}):
                cut.most = most
                done = target.ctl(*imports, status=None)
                check(done.returncode != 0 and "cut before its end" in done.stderr, f"{kind}, {most} of {len(whole)} octets: {done.returncode} {done.stderr}")
                zones = target.json("zone", "list")["zones"]
                check(not zones, f"{kind}, {most} of {len(whole)} octets: {zones}")
            cut.most = len(whole) + 1
            done = target.ctl(*imports)
            check(done.stderr.splitlines()[0].split()[0] == str(len(bed.content())), f"{kind}: {done.stderr[:200]}")
            same = target.ctl("zone", "compare", bed.zone, "--with", cut.address)
            check("0 record sets differ" in same.stdout, f"{kind}: {same.stdout[-300:]}")
            cut.most = ends[1]
            target.ctl("zone", "compare", bed.zone, "--with", cut.address, status=6)
            target.ctl("zone", "delete", bed.zone, "--yes", "--wait", "60s")
    return None


def names_of_255_octets():
    """A zone whose name is as long as names get: transferred to Knot, changed, with a digest; in its parent one as long."""
    lack = missing(("knot",))
    if lack:
        return lack
    label = "a" * 63
    zone = ".".join([label, label, label, "b" * 61])
    with Bed(("knot",), zone=zone, lines=OPEN) as bed:
        check(len(wire(zone + ".")) == 255, "its length")
        make_zone(bed, "$TTL 300\n@ SOA ns.x. h.x. 1 3600 600 86400 60\n@ NS ns.x.\n@ A 192.0.2.1\n")
        bed.start_secondary("knot")
        bed.wait_for_serial("knot", 1)
        bed.ctl("record", "set", zone, "@", "60", "A", "192.0.2.5", "192.0.2.6")
        bed.wait_for_serial("knot", 2)
        check(bed.copy_of("knot") == bed.content(), "its content")
        bed.ctl("zone", "set", zone, "zonemd=on")
        bed.wait_for_serial("knot", 3)
        check(any(record[2] == "ZONEMD" for record in bed.copy_of("knot")), "its digest")
        answer = by_tcp(bed, signed(ixfr(1, zone + ".")))
        check(answer.rcode == "NOERROR" and answer.counts[1] > 4, f"{answer.counts}")
        said = bed.ctl("record", "set", zone, "x", "60", "A", "192.0.2.5", status=None)
        check(said.returncode != 0 and "no domain name" in said.stdout + said.stderr, f"a name of 257: {said.stdout}{said.stderr}")
    return None


if __name__ == "__main__":
    main([signatures_that_are_none, forms_that_are_none, connections_with_many_questions, answers_are_those_of_real_servers,
          differences_from_any_serial, imports_that_are_cut, names_of_255_octets])
