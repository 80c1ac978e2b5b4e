#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What replicas answer as DNS servers: signatures, freshness, transfers while much goes on, bad peers."""
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import ADDRESSES, SECRET, UPDATE_SECRET, WAIT, ZONE_TEXT, Bed, check, keyring, make_zone, missing, records  # noqa: E402
from harness import main  # noqa: E402

LACK = missing(())
if not LACK:
    import dns.flags
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.tsig
    import dns.zone


def only_signed_questions_are_answered():
    """SOA and transfers need a key of ours that is for it; each refusal is told with its cause."""
    if LACK:
        return LACK
    other = SECRET[::-1].lstrip("=") + "="
    with Bed() as bed:
        make_zone(bed)
        rows = [  # type, key, secret, TCP, rcode
            ("SOA", "xfr-key", SECRET, False, "NOERROR"), ("SOA", "upd-key", UPDATE_SECRET, False, "NOERROR"),
            ("SOA", None, None, False, "REFUSED"), ("AXFR", None, None, True, "REFUSED"),
            ("AXFR", "upd-key", UPDATE_SECRET, True, "REFUSED"), ("AXFR", "xfr-key", SECRET, False, "FORMERR")]
        for kind, key, secret, tcp, wanted in rows:
            answer = bed.ask(bed.zone, kind, key=key, secret=secret, tcp=tcp)
            check(dns.rcode.to_text(answer.rcode()) == wanted, f"{kind} with {key}: {dns.rcode.to_text(answer.rcode())}")
        for key, secret, wanted in (("xfr-key", other, dns.tsig.PeerBadSignature), ("nobody", SECRET, dns.tsig.PeerBadKey)):
            try:
                bed.ask(bed.zone, "SOA", key=key, secret=secret)
                check(False, f"a signature by {key} was taken")
            except wanted:
                pass
        now = time.time
        try:  # a clock that is an hour behind: BADTIME, and the answer has our time
            time.time = lambda: now() - 3600
            bed.ask(bed.zone, "SOA")
            check(False, "a signature of an hour ago was taken")
        except (dns.tsig.PeerBadTime, dns.tsig.BadTime):
            pass
        finally:
            time.time = now
        answer = bed.ask(f"www.{bed.zone}", "A", use_edns=0, payload=1232)
        check(answer.flags & dns.flags.AA and len(answer.answer[0]) == 2 and answer.edns == 0, str(answer))
    return None


def ixfr_from_every_serial():
    """A difference from each serial there was gives the content of today, from each replica."""
    if LACK:
        return LACK
    with Bed() as bed:
        make_zone(bed)
        copies = [bed.transfer(replica=1)]
        for i in range(12):
            owner = ("www", "a.new", "mail")[i % 3]
            if i == 8:
                bed.ctl("record", "delete", bed.zone, "mail", "A", "--yes")
            else:
                bed.ctl("record", "set", bed.zone, owner, "300", "A", f"192.0.2.{i + 30}", f"192.0.2.{i // 2 + 60}")
            bed.settle()
            copies.append(bed.transfer(replica=1 + i % 3))
        wanted = bed.content()
        for serial, copy in enumerate(copies, 1):
            for replica in (1, 2, 3):
                held = dns.zone.from_text(copy.to_text(), bed.zone)
                bed.transfer(replica=replica, serial=serial, held=held)
                check(records(held) == wanted, f"from serial {serial}, replica {replica}")
    return None


def a_replica_that_is_behind_says_nothing_old():
    """Stopped while the zone goes on, continued: no answer with an old serial. Alone: SERVFAIL."""
    if LACK:
        return LACK
    with Bed() as bed:
        make_zone(bed)
        leader = bed.leader()
        behind = 1 + leader % 3
        pid = bed.process_of(behind)
        others = ",".join(bed.endpoint(i) for i in (1, 2, 3) if i != behind)
        for i in range(3):
            check(isinstance(bed.soa(replica=behind), int), "it answers at first")
            os.kill(pid, signal.SIGSTOP)
            try:
                for j in range(5):
                    bed.ctl("record", "set", bed.zone, "www", "300", "A", f"192.0.2.{10 * i + j + 1}", endpoints=others)
                serial = bed.soa(replica=leader)
                time.sleep(0.1)  # longer than an answer may be behind (DNS_FRESH_MS)
            finally:
                os.kill(pid, signal.SIGCONT)
            deadline = time.monotonic() + WAIT
            while (found := bed.soa(replica=behind)) != serial:
                check(not isinstance(found, int), f"it says serial {found}, which is behind {serial}")
                check(time.monotonic() < deadline, f"it still says {found}")
        stopped = [bed.process_of(i) for i in (1, 2, 3) if i != behind]
        for each in stopped:
            os.kill(each, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + WAIT
            while bed.soa(replica=behind) != "SERVFAIL":
                check(time.monotonic() < deadline, "alone it still answers")
            answer = bed.ask(bed.zone, "AXFR", behind, tcp=True)
            check(answer.rcode() == dns.rcode.SERVFAIL and answer.had_tsig, str(answer))
        finally:
            for each in stopped:
                os.kill(each, signal.SIGCONT)
        deadline = time.monotonic() + WAIT
        while bed.soa(replica=behind) != serial:
            check(time.monotonic() < deadline, "it does not answer again")
    return None


class SlowTransfer:
    """An AXFR whose messages are read one at a time, when asked."""

    def __init__(self, bed, replica, receive=4096):
        query = dns.message.make_query(bed.zone, "AXFR")
        query.use_tsig(keyring(), keyname=dns.name.from_text("xfr-key"), algorithm=dns.tsig.HMAC_SHA256)
        wire = query.to_wire()
        self.query, self.context, self.records, self.soas, self.messages = query, None, 0, [], 0
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(WAIT)
        self.socket.connect((ADDRESSES[replica - 1], bed.dns_port))
        self.socket.sendall(struct.pack("!H", len(wire)) + wire)

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            check(piece, f"the connection ended after {self.messages} messages")
            data += piece
        return data

    def next(self):
        """One more message, whose signature is checked; False when it was the last."""
        size, = struct.unpack("!H", self.read(2))
        message = dns.message.from_wire(self.read(size), keyring=self.query.keyring, request_mac=self.query.mac if not self.messages else b"",
                                        xfr=True, origin=None, tsig_ctx=self.context, multi=True, one_rr_per_rrset=True)
        check(message.had_tsig, "a message without a signature")
        self.context = message.tsig_ctx
        self.messages += 1
        for rrset in message.answer:
            self.records += 1
            if rrset.rdtype == dns.rdatatype.SOA:
                self.soas.append(rrset[0].serial)
        return len(self.soas) < 2


def the_leader_dies_in_the_middle_of_a_transfer():
    """A transfer from a follower goes on while the leader is killed and the zone changes."""
    if LACK:
        return LACK
    count = 20000
    with Bed() as bed:
        make_zone(bed, ZONE_TEXT + "".join(f"n{i} A 198.51.{i // 250 % 250}.{i % 250}\n" for i in range(count)))
        leader = bed.leader()
        follower = 1 + leader % 3
        slow = SlowTransfer(bed, follower)
        check(slow.next(), "one message has it all")
        bed.ctl("dev", "kill", "--dir", bed.dir, "--replica", str(leader), cluster=False)
        others = ",".join(bed.endpoint(i) for i in (1, 2, 3) if i != leader)
        for i in range(5):
            bed.ctl("record", "set", bed.zone, f"n{i}", "300", "A", "203.0.113.1", endpoints=others)
            slow.next()
        while slow.next():
            pass
        check(slow.soas == [1, 1] and slow.records == count + 17, f"{slow.soas} {slow.records}")
        check(slow.messages > 10, f"{slow.messages} messages")
        check(bed.soa(replica=follower) == 6, f"afterwards: {bed.soa(replica=follower)}")
    return None


def bad_peers_stop_nothing():
    """Peers that send slowly, nothing, rubbish, or do not read: commits and transfers go on."""
    if LACK:
        return LACK
    with Bed() as bed:
        make_zone(bed, ZONE_TEXT + "".join(f"n{i} A 198.51.{i // 250 % 250}.{i % 250}\n" for i in range(20000)))
        held, stop = [], threading.Event()
        target = (ADDRESSES[bed.leader() - 1], bed.dns_port)
        replica = bed.leader()
        for i in range(160):  # more than one host may have
            peer = socket.socket()
            peer.settimeout(WAIT)
            peer.connect(target)
            held.append(peer)
        stuck = [SlowTransfer.__new__(SlowTransfer) for _ in range(4)]
        for each in stuck:  # from another address: the first one has used up its share
            query = dns.message.make_query(bed.zone, "AXFR")
            query.use_tsig(keyring(), keyname=dns.name.from_text("xfr-key"), algorithm=dns.tsig.HMAC_SHA256)
            wire = query.to_wire()
            each.socket = socket.socket()
            each.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            each.socket.bind(("127.0.0.77", 0))
            each.socket.connect(target)
            each.socket.sendall(struct.pack("!H", len(wire)) + wire)

        def trickle():
            while not stop.wait(0.02):
                for number, peer in enumerate(held):
                    try:
                        peer.send(b"\0\x40" if number % 2 else b"\xff")
                    except OSError:
                        pass

        def shower():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            while not stop.wait(0.001):
                udp.sendto(os.urandom(60), target)
            udp.close()

        threads = [threading.Thread(target=trickle), threading.Thread(target=shower)]
        for thread in threads:
            thread.start()
        try:
            for i in range(20):
                bed.ctl("record", "set", bed.zone, "www", "300", "A", f"192.0.2.{i + 20}")
            check(bed.soa(replica=replica) == 21, "the serial")
            query = dns.message.make_query(bed.zone, "AXFR")
            slow = SlowTransfer.__new__(SlowTransfer)
            query.use_tsig(keyring(), keyname=dns.name.from_text("xfr-key"), algorithm=dns.tsig.HMAC_SHA256)
            slow.query, slow.context, slow.records, slow.soas, slow.messages = query, None, 0, [], 0
            slow.socket = socket.socket()
            slow.socket.settimeout(WAIT)
            slow.socket.bind(("127.0.0.78", 0))
            slow.socket.connect(target)
            wire = query.to_wire()
            slow.socket.sendall(struct.pack("!H", len(wire)) + wire)
            while slow.next():
                pass
            check(slow.soas == [21, 21], f"{slow.soas}")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            for peer in held:
                peer.close()
    return None


def quick_changes_are_told_together():
    """A zone's publish_ms, or the policy's: how often secondaries are told of a zone at most."""
    if LACK:
        return LACK
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as secondary:
        secondary.bind(("127.0.0.1", 0))
        secondary.settimeout(WAIT)

        def told():
            """The serial that the next new NOTIFY says; each is answered."""
            while True:
                wire, source = secondary.recvfrom(65535)
                message = dns.message.from_wire(wire, keyring=keyring())
                secondary.sendto(dns.message.make_response(message).to_wire(), source)
                serial = message.answer[0][0].serial
                if serial not in serials:
                    serials.append(serial)
                    return serial
        serials = []
        with Bed(lines=[f"secondary = * 127.0.0.1:{secondary.getsockname()[1]} xfr-key"]) as bed:
            bed.ctl("policy", "set", "publish_ms=60000")
            make_zone(bed)
            check(told() == 1, f"{serials}")
            for i in range(3):
                bed.ctl("record", "set", bed.zone, "www", "300", "A", f"192.0.2.{i + 20}")
            bed.ctl("zone", "set", bed.zone, "publish_ms=0")
            bed.ctl("record", "set", bed.zone, "www", "300", "A", "192.0.2.30")
            check(told() == 5, f"2 to 4 were not told of: {serials}")
            bed.ctl("record", "set", bed.zone, "www", "300", "A", "192.0.2.31")
            check(told() == 6, f"{serials}")
            bed.ctl("zone", "set", bed.zone, "publish_ms=policy")
            settings = bed.json("zone", "list")["zones"][0]["settings"]
            check("publish_ms" not in settings and settings["version"]["counter"] > 0, f"{settings}")
            bed.ctl("zone", "set", bed.zone, "publish_ms=60001", status=2)
            bed.ctl("zone", "set", bed.zone, "colour=blue", status=2)
    return None


def dnsperf_against_the_query_port():
    """dnsperf, bounded in count and time, while commits go on: every question is answered, none with an error."""
    if LACK:
        return LACK
    if shutil.which("dnsperf") is None:
        return "dnsperf is not installed"
    with Bed(lines=["dns_allow_unsigned_queries = yes"]) as bed:
        make_zone(bed)
        path = os.path.join(bed.work, "queries")
        names = ("www A", "ns1 A", "alias A", "x.wild TXT", "a.sub A", "deep.empty.nodes A", "old TXT", "www AAAA")
        with open(path, "w", encoding="ascii") as file:
            for i in range(20000):
                owner, kind = names[i % len(names)].split()
                file.write(f"{owner}.{bed.zone} {kind}\n")
        for mode in (["-m", "udp", "-q", "20"], ["-m", "tcp", "-q", "4", "-c", "4"]):
            with subprocess.Popen(["dnsperf", "-s", ADDRESSES[0], "-p", str(bed.dns_port), "-d", path, "-n", "1", "-l", "60", "-t", "30", *mode],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as perf:
                commits = 0
                while perf.poll() is None:
                    bed.ctl("record", "set", bed.zone, "hot", "300", "A", f"192.0.2.{commits % 250 + 1}")
                    commits += 1
                said = perf.stdout.read()
            figures = {line.split(":")[0].strip(): line.split(":")[1].split()[:3] for line in said.splitlines() if ":" in line}
            sent, completed = int(figures["Queries sent"][0]), int(figures["Queries completed"][0])
            check(sent == completed and sent > 0, f"{mode}: {said}")
            codes = figures["Response codes"]
            check(codes[0] == "NOERROR" and int(codes[1]) == completed, f"{mode}: {said}")
            check(commits > 0, "no commit meanwhile")
            print(f"note: {mode[1]}: {completed} questions, {figures['Queries per second'][0]} a second, {commits} commits meanwhile")
    return None


if __name__ == "__main__":
    main([only_signed_questions_are_answered, ixfr_from_every_serial, a_replica_that_is_behind_says_nothing_old,
          the_leader_dies_in_the_middle_of_a_transfer, bad_peers_stop_nothing, quick_changes_are_told_together, dnsperf_against_the_query_port])
