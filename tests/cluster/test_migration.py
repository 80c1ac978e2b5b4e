# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that come from elsewhere: a transfer from a real server, one that is cut, octoDNS's YAML."""
import base64
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Cluster, check, main  # noqa: E402
from ports import free_port  # noqa: E402

SECRET = base64.b64encode(b"a key for tests only, of 32 byte").decode()
ZONE = """$ORIGIN old.example.
@ 3600 SOA ns1 admin 2025101977 3600 600 604800 300
@ 3600 NS ns1
@ 3600 NS ns2
@ 300 MX 10 mail
@ 300 TXT "v=spf1 -all" "second; string"
@ 300 CAA 0 issue "ca.example"
ns1 3600 A 192.0.2.1
ns2 3600 A 192.0.2.2
mail 300 A 192.0.2.3
mail 300 AAAA 2001:db8::3
www 300 CNAME mail
*.wild 300 A 192.0.2.4
_sip._tcp 300 SRV 1 2 5060 mail
_443._tcp.www2 300 TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
host2 300 A 192.0.2.20
host10 300 A 192.0.2.30
"""
KNOT = """server:
    listen: 127.0.0.1@{port}
    rundir: "{dir}"
key:
  - id: old-key
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: all
    key: old-key
    action: transfer
database:
    storage: "{dir}"
zone:
  - domain: old.example
    file: "{dir}/old.zone"
    zonefile-load: whole
    zonefile-sync: -1
    acl: all
"""


def old_primary(cluster, text):
    """knotd with the zone; HOST:PORT. It is ended with the cluster."""
    folder = os.path.join(cluster.work, "knot")
    os.mkdir(folder)
    port = free_port()
    with open(f"{folder}/old.zone", "w", encoding="ascii") as file:
        file.write(text)
    with open(f"{folder}/knot.conf", "w", encoding="ascii") as file:
        file.write(KNOT.format(port=port, dir=folder, secret=SECRET))
    log = open(f"{folder}/log", "w", encoding="ascii")
    cluster.start(shutil.which("knotd", path="/usr/sbin:/usr/bin"), "-c", f"{folder}/knot.conf", stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while True:
        with open(f"{folder}/log", encoding="ascii") as file:
            if "loaded, serial" in file.read():
                return f"127.0.0.1:{port}"
        check(time.monotonic() < deadline, "knotd does not start")
        time.sleep(0.02)


def key_file(cluster, name="old-key", secret=SECRET, mode=0o600):
    path = os.path.join(cluster.work, f"{name}-{secret[:4]}-{mode:o}.tsig")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"hmac-sha256:{name}:{secret}\n")
    os.chmod(path, mode)
    return path


def serial(cluster, zone):
    return {z["zone"]: z["serial"] for z in cluster.json("zone", "list")["zones"]}.get(zone)


def from_a_real_server():
    if shutil.which("knotd", path="/usr/sbin:/usr/bin") is None:
        return "knotd is not installed"
    with Cluster(1) as cluster:
        server, key = old_primary(cluster, ZONE), key_file(cluster)
        source = ("--from-axfr", server, "--tsig", key)
        refused = cluster.ctl("zone", "import", "old.example", "--from-axfr", server, status=None)
        check(refused.returncode != 0 and "NOTAUTH" in refused.stderr, f"unsigned: {refused.stderr}")
        wrong = key_file(cluster, secret=base64.b64encode(b"x" * 32).decode()[:-4] + "eA==")
        bad = cluster.ctl("zone", "import", "old.example", "--from-axfr", server, "--tsig", wrong, status=None)
        check(bad.returncode != 0, "a wrong key")
        open_key = key_file(cluster, name="other", mode=0o644)
        exposed = cluster.ctl("zone", "import", "old.example", "--from-axfr", server, "--tsig", open_key, status=None)
        check("others can read it" in exposed.stderr, exposed.stderr)
        check(serial(cluster, "old.example.") is None, "nothing was made by these")

        done = cluster.ctl("zone", "import", "old.example", *source, "--reason", "from the old primary")
        check(serial(cluster, "old.example.") == 2025101978, f"above the old serial: {serial(cluster, 'old.example.')}")
        rows = {line.split()[0]: line.split()[1:] for line in done.stderr.splitlines() if line and line.split()[0].isupper()}
        check(rows["A"] == ["6", "6"] and rows["TXT"] == ["1", "1"] and rows["SOA"] == ["1", "1"], done.stderr)
        same = cluster.ctl("zone", "compare", "old.example", "--with", server, "--tsig", key)
        check("0 record sets differ" in same.stdout and "serial 2025101978 here, 2025101977" in same.stdout, same.stdout)
        cluster.ctl("zone", "import", "old.example", *source)

        cluster.ctl("record", "set", "old.example", "mail", "300", "A", "192.0.2.99")
        cluster.ctl("record", "set", "old.example", "extra", "300", "A", "192.0.2.98")
        cluster.ctl("record", "delete", "old.example", "host2", "A", "--yes")
        other = cluster.ctl("zone", "compare", "old.example", "--with", server, "--tsig", key, status=1)
        for line in ("-mail.old.example.\t300\tIN\tA\t192.0.2.99", "+mail.old.example.\t300\tIN\tA\t192.0.2.3",
                     "-extra.old.example.\t300\tIN\tA\t192.0.2.98", "+host2.old.example.\t300\tIN\tA\t192.0.2.20"):
            check(line in other.stdout, f"no {line!r} in {other.stdout}")
        check("3 record sets differ" in other.stdout, other.stdout)
        cluster.ctl("zone", "import", "old.example", *source, "--replace")
        cluster.ctl("zone", "compare", "old.example", "--with", server, "--tsig", key)
    return None


NSD = """server:
    ip-address: 127.0.0.1@{port}
    zonesdir: "{dir}"
    database: ""
    pidfile: "{dir}/pid"
    xfrdfile: "{dir}/xfrd"
    xfrdir: "{dir}"
    zonelistfile: "{dir}/zones"
    logfile: "{dir}/log"
    username: ""
    server-count: 1
remote-control:
    control-enable: no
key:
    name: old-key
    algorithm: hmac-sha256
    secret: {secret}
zone:
    name: old.example
    zonefile: old.zone
    provide-xfr: 127.0.0.1 old-key
"""


def many_messages():
    """NSD signs not every message of a transfer: the signatures cover those between as well."""
    nsd = shutil.which("nsd", path="/usr/sbin:/usr/bin")
    if nsd is None:
        return "nsd is not installed"
    with Cluster(1) as cluster:
        folder, port = os.path.join(cluster.work, "nsd"), free_port()
        os.mkdir(folder)
        count = 12000
        with open(f"{folder}/old.zone", "w", encoding="ascii") as file:
            file.write(ZONE + "".join(f"n{i} 300 TXT \"{i:064d}\"\n" for i in range(count)))
        with open(f"{folder}/nsd.conf", "w", encoding="ascii") as file:
            file.write(NSD.format(port=port, dir=folder, secret=SECRET))
        cluster.start(nsd, "-d", "-c", f"{folder}/nsd.conf", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        source = ("--from-axfr", f"127.0.0.1:{port}", "--tsig", key_file(cluster))
        deadline = time.monotonic() + 60
        while (done := cluster.ctl("zone", "import", "old.example", *source, status=None)).returncode != 0:
            check(time.monotonic() < deadline, f"nsd does not start: {done.stderr}")
            time.sleep(0.1)
        said = done.stderr.splitlines()[0].split()
        check(said[0] == str(count + 16) and int(said[-2]) > 5, done.stderr)
        cluster.ctl("zone", "compare", "old.example", "--with", *source[1:])
    return None


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def record(owner, kind, data, ttl=300):
    return name(owner) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def soa(number):
    return record("old.example", 6, name("ns1.old.example") + name("a.old.example") + struct.pack(">5I", number, 3600, 600, 86400, 300))


NS = record("old.example", 2, name("ns1.old.example"))
A = record("ns1.old.example", 1, bytes([192, 0, 2, 1]))


def message(identity, records, rcode=0):
    body = struct.pack(">HHHHHH", identity, 0x8400 | rcode, 0, len(records), 0, 0) + b"".join(records)
    return struct.pack(">H", len(body)) + body


class Malicious:
    """A server that answers each connection with what `answers` makes of the question's id."""

    def __init__(self, answers):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(4)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.answers = answers
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for answer in self.answers:
            connection, _ = self.listener.accept()
            with connection:
                size = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))[0]
                question = connection.recv(size, socket.MSG_WAITALL)
                connection.sendall(answer(struct.unpack(">H", question[:2])[0]))
                if answer.__name__ == "stops":
                    connection.recv(1)  # until the client goes away
        self.listener.close()


def transfers_that_are_none():
    """Cut, stopped, continued, misled: nothing of it becomes a zone, and the reason is said."""
    def cut_between(i): return message(i, [soa(7), NS]) + message(i, [A])
    def cut_inside(i): return (message(i, [soa(7), NS, A]) + message(i, [A, soa(7)]))[:-9]
    def only_a_soa(i): return message(i, [soa(7)])
    def two_serials(i): return message(i, [soa(7), NS, A, soa(8)])
    def no_soa(i): return message(i, [NS, A, soa(7)])
    def too_much(i): return message(i, [soa(7), NS, A, soa(7), A])
    def outside(i): return message(i, [soa(7), NS, A, record("www.other", 1, bytes(4)), soa(7)])
    def other_id(i): return message(i ^ 1, [soa(7), NS, A, soa(7)])
    def servfail(i): return message(i, [], 2)
    def garbage(i): return struct.pack(">H", 30) + bytes(range(30))
    def nothing(i): return b""
    def stops(i): return message(i, [soa(7), NS])
    cases = [(cut_between, "cut before its end"), (cut_inside, "cut before its end"), (only_a_soa, "cut before its end"),
             (two_serials, "ends with another SOA"), (no_soa, "not begin with a SOA"), (too_much, "behind the last SOA"),
             (outside, "www.other."), (other_id, "something else"), (servfail, "SERVFAIL"), (garbage, "no DNS message"),
             (nothing, "cut before its end"), (stops, "stopped before its end")]
    def good(i): return message(i, [soa(7), NS, A]) + message(i, [soa(7)])
    with Cluster(1) as cluster:
        server = Malicious([case for case, _ in cases] + [good])
        for case, words in cases:
            wait = "1s" if case is stops else "30s"
            done = cluster.ctl("zone", "import", "old.example", "--from-axfr", server.address, "--timeout", wait, status=None)
            check(done.returncode != 0 and words in done.stderr, f"{case.__name__}: {done.returncode} {done.stderr}")
            check(serial(cluster, "old.example.") is None, f"{case.__name__}: a zone was made of it")
        cluster.ctl("zone", "import", "old.example", "--from-axfr", server.address)
        check(serial(cluster, "old.example.") == 8, "the canary: a whole one is taken")


def octodns():
    """What is exported is imported to the same zone; mistakes are told with their line."""
    with Cluster(1) as cluster:
        path = os.path.join(cluster.work, "zone.yaml")
        cluster.ctl("zone", "create", "old.example", "-", text=ZONE)
        cluster.ctl("zone", "create", "copy.example", "-", text=ZONE.replace("old.example", "copy.example"))
        first = cluster.ctl("zone", "export", "old.example", "--format", "octodns").stdout
        check(first.startswith("---\n'':\n  - ttl: 3600\n    type: NS\n") and "SOA" not in first, first)
        check(first.index("'host2':") < first.index("'host10':"), "names are in octoDNS's order")
        check(r"'v=spf1 -allsecond\; string'" in first, "strings are joined, ; is escaped")
        with open(path, "w", encoding="ascii") as file:
            file.write(first)
        before = serial(cluster, "old.example.")
        cluster.ctl("zone", "import", "old.example", path, "--format", "octodns", "--replace")
        again = cluster.ctl("zone", "export", "old.example", "--format", "octodns").stdout
        check(again == first, f"{again}\nis not\n{first}")
        check(serial(cluster, "old.example.") == before + 1, "the two strings of the TXT are one now")
        with open(path, "w", encoding="ascii") as file:
            file.write("---\nwww:\n  type: A\n  values: [192.0.2.7, 192.0.2.8]\n'':\n  type: MX\n  value: {exchange: mx.example., preference: 5}\n"
                       "ns1: &ns {type: A, value: 192.0.2.9}\nns2: *ns\n"
                       "t:\n  - {type: TXT, ttl: 60, value: \"" + "x" * 300 + "\\\\; y\"}\n")
        refused = cluster.ctl("zone", "import", "copy.example", path, "--format", "octodns", status=4)
        check("cname-beside" in refused.stdout + refused.stderr, "www is an alias, and nothing was to be deleted")
        cluster.ctl("zone", "import", "copy.example", path, "--format", "octodns", "--replace")
        text = cluster.ctl("zone", "export", "copy.example").stdout
        check("copy.example.\t3600\tIN\tNS\tns1.copy.example." in text, "NS that the file does not name stay")
        check("mail.copy.example.\t" not in text, "all else goes")
        check('t.copy.example.\t60\tIN\tTXT\t"' + "x" * 255 + '" "' + "x" * 45 + '; y"' in text, text)
        bad = {"www: {type: A}": "either value or values", "www: {type: NSEC, value: x}": "a type that",
               "www: {type: A, value: '192.0.2.1 ; rm'}": "no value", "www: {type: A, value: 300.0.0.1}": "record 1",
               "www: {type: MX, value: mx.example.}": "parts with names", "www.: {type: A, value: 192.0.2.1}": "no name below",
               "www: {type: A, ttl: -1, value: 192.0.2.1}": "a TTL", "- a": "a mapping of names", "www: [": "line",
               "www: {type: TXT, value: {a: b}}": "other parts", "www: {type: SRV, value: {port: 1}}": "a part of the value"}
        for text, words in bad.items():
            with open(path, "w", encoding="ascii") as file:
                file.write(text + "\n")
            done = cluster.ctl("zone", "import", "copy.example", path, "--format", "octodns", status=None)
            check(done.returncode != 0 and words in done.stderr, f"{text}: {done.returncode} {done.stderr}")
        cluster.ctl("record", "set", "copy.example", "h", "300", "HINFO", '"a" "b"')
        done = cluster.ctl("zone", "export", "copy.example", "--format", "octodns", status=None)
        check(done.returncode != 0 and "h HINFO has no form" in done.stderr and done.stdout == "", done.stderr)


if __name__ == "__main__":
    main([from_a_real_server, many_messages, transfers_that_are_none, octodns])
