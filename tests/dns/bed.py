# SPDX-License-Identifier: GPL-3.0-or-later
"""Three replicas that serve DNS, and real secondaries of them, each as an ordinary process.

The secondaries' configurations are those of examples/dns. As root they are started as nobody, so
that a run also shows that none of them needs a privilege. Replicas are at 127.0.0.11 to 13, one
free port for all; only processes that were started here are ended.
"""
import base64
import os
import shutil
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import ROOT, Cluster, check  # noqa: E402
from ports import free_port  # noqa: E402

try:
    import dns.message
    import dns.name
    import dns.query
    import dns.rdatatype
    import dns.tsig
    import dns.tsigkeyring
    import dns.xfr
    import dns.zone
    HAVE_DNSPYTHON = True
except ImportError:
    HAVE_DNSPYTHON = False

EXAMPLES = os.path.join(ROOT, "examples", "dns")
SECRET = base64.b64encode(b"xfr-key for tests only, 32 byte!").decode()
UPDATE_SECRET = base64.b64encode(b"upd-key for tests only, 32 byte!").decode()
ADDRESSES = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
PROGRAMS = {"knot": "knotd", "nsd": "nsd", "bind": "named", "pdns": "pdns_server"}
SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
NOBODY = 65534
WAIT = 60


def missing(kinds):
    """Words for what these tests need and is not installed; None: all is there."""
    if not HAVE_DNSPYTHON:
        return "python3-dnspython is not installed"
    for kind in kinds:
        if shutil.which(PROGRAMS[kind], path=os.environ.get("PATH", "") + ":/usr/sbin") is None:
            return f"{PROGRAMS[kind]} is not installed"
    return None


def read_example(name):
    with open(os.path.join(EXAMPLES, name), encoding="ascii") as file:
        return file.read()


def keyring(name="xfr-key", secret=SECRET):
    return dns.tsigkeyring.from_text({name: secret})


class Bed(Cluster):
    """A cluster whose replicas serve DNS; `kinds` of secondaries that are told of changes.

    With a `catalog` the secondaries know that zone alone, and take all others from it.
    """

    def __init__(self, kinds=(), zone="example.test", lines=(), catalog=None):
        super().__init__(3)
        self.kinds, self.zone, self.lines = kinds, zone, list(lines)
        self.dns_port = free_port(ADDRESSES)
        self.ports = {kind: free_port() for kind in kinds}
        self.secondaries = {}
        self.catalog = catalog
        self.secret = SECRET
        self.knot_template = ""  # lines for its default template

    def __enter__(self):
        super().__enter__()
        try:
            self.stop()
            for replica in (1, 2, 3):
                self.configure(replica)
            self.ctl("dev", "up", "--dir", self.dir, cluster=False)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            for name in self.secondaries:
                print(f"--- {name}:", *self.log_of(name).splitlines()[-25:], sep="\n  ")
        for name in list(self.secondaries):
            self.stop_secondary(name)
        super().__exit__(kind, error, trace)

    def configure(self, replica):
        folder = os.path.join(self.dir, f"replica-{replica}")
        for name, secret in (("xfr.key", SECRET), ("upd.key", UPDATE_SECRET)):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(secret + "\n")
            os.chmod(path, 0o600)
        with open(os.path.join(folder, "rsmd.conf"), "a", encoding="ascii") as file:
            file.write(f"\ndns_listen = {ADDRESSES[replica - 1]}:{self.dns_port}\n"
                       "tsig_key = xfr-key hmac-sha256 xfr.key transfer,notify\n"
                       "tsig_key = upd-key hmac-sha512 upd.key update\n")
            for port in self.ports.values():
                file.write(f"secondary = * 127.0.0.1:{port} xfr-key\n")
            for line in self.lines:
                file.write(line + "\n")

    # -- secondaries

    def render(self, source, target):
        text = read_example(source)
        if self.catalog and source == "knot.conf":
            text = text[:text.index("template:")] + read_example("knot-catalog.conf")
        if self.catalog and source == "named.conf":
            options, zone = read_example("named-catalog.conf").split("\n//")
            text = text[:text.index('zone "')].replace("options {", "options {" + options.partition("\n")[2]) + zone.partition("\n")[2]
        if self.catalog and source == "pdns.sql":
            text = read_example("pdns-catalog.sql")
        if source == "knot.conf":
            text = text.replace("  - id: default\n", "  - id: default\n" + self.knot_template)
        values = dict(DIR=os.path.dirname(target), ZONE=self.catalog or self.zone, SECRET=self.secret, REPLICA_PORT=self.dns_port,
                      PORT=self.ports[os.path.basename(os.path.dirname(target))],
                      REPLICA_1=ADDRESSES[0], REPLICA_2=ADDRESSES[1], REPLICA_3=ADDRESSES[2])
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        with open(target, "w", encoding="ascii") as file:
            file.write(text)
        return text

    def start_secondary(self, kind):
        folder = os.path.join(self.work, kind)
        os.makedirs(os.path.join(folder, "db"), exist_ok=True)
        if kind == "knot":
            self.render("knot.conf", f"{folder}/knot.conf")
            command = ["knotd", "-c", f"{folder}/knot.conf"]
        elif kind == "nsd":
            self.render("nsd.conf", f"{folder}/nsd.conf")
            command = ["nsd", "-d", "-c", f"{folder}/nsd.conf"]
        elif kind == "bind":
            self.render("named.conf", f"{folder}/named.conf")
            command = ["named", "-f", "-n", "1", "-c", f"{folder}/named.conf"]
        else:
            self.render("pdns.conf", f"{folder}/pdns.conf")
            if not os.path.exists(f"{folder}/pdns.sqlite3"):
                rows = self.render("pdns.sql", f"{folder}/pdns.sql")
                with sqlite3.connect(f"{folder}/pdns.sqlite3") as database, open(SCHEMA, encoding="ascii") as schema:
                    database.executescript(schema.read() + rows)
            command = ["pdns_server", f"--config-dir={folder}"]
        if os.getuid() == 0:
            os.chmod(self.work, 0o711)
            for path, _, files in os.walk(folder):
                for name in [path] + [os.path.join(path, file) for file in files]:
                    os.chown(name, NOBODY, NOBODY)
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                       "--bounding-set=-all", "--no-new-privs"] + command
        environment = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/sbin")
        with open(f"{folder}/stdout", "ab") as log:
            self.secondaries[kind] = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)

    def stop_secondary(self, kind):
        process = self.secondaries.pop(kind)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_of(self, kind):
        text = ""
        for name in ("stdout", "knot.log", "nsd.log", "named.log"):
            path = os.path.join(self.work, kind, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    # -- asking

    def ask(self, name, kind, replica=1, key="xfr-key", secret=SECRET, tcp=False, **how):
        query = dns.message.make_query(name, kind, **how)
        if key is not None:
            query.use_tsig(keyring(key, secret), keyname=dns.name.from_text(key),
                           algorithm=dns.tsig.HMAC_SHA512 if key == "upd-key" else dns.tsig.HMAC_SHA256)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, ADDRESSES[replica - 1], port=self.dns_port, timeout=WAIT)

    def soa(self, zone=None, replica=1):
        """The serial that a replica says, or its rcode."""
        answer = self.ask(zone or self.zone, "SOA", replica)
        return answer.answer[0][0].serial if answer.answer else dns.rcode.to_text(answer.rcode())

    def transfer(self, zone=None, replica=1, serial=None, held=None):
        """AXFR from a replica, or IXFR from a serial applied to the zone `held`; the zone."""
        target = held if held is not None else dns.zone.Zone(zone or self.zone)
        query, _ = dns.xfr.make_query(target, serial=serial or 0, keyring=keyring(),
                                      keyname=dns.name.from_text("xfr-key"), keyalgorithm=dns.tsig.HMAC_SHA256)
        dns.query.inbound_xfr(ADDRESSES[replica - 1], target, query, port=self.dns_port, timeout=WAIT, lifetime=WAIT)
        return target

    def serial_at(self, kind, zone=None):
        query = dns.message.make_query(zone or self.zone, "SOA")
        try:
            answer = dns.query.udp(query, "127.0.0.1", port=self.ports[kind], timeout=0.3)
            return answer.answer[0][0].serial if answer.answer else None
        except (dns.exception.DNSException, OSError):
            return None

    def wait_for_serial(self, kind, serial, zone=None):
        deadline = time.monotonic() + WAIT
        while True:
            found = self.serial_at(kind, zone)
            if found == serial:
                return
            check(time.monotonic() < deadline, f"{kind} has serial {found}, not {serial}")
            time.sleep(0.005)

    def copy_of(self, kind, zone=None):
        """All records that a secondary has, by a full transfer, in canonical text."""
        target = dns.zone.Zone(zone or self.zone)
        query, _ = dns.xfr.make_query(target)
        deadline = time.monotonic() + WAIT
        while True:
            try:
                dns.query.inbound_xfr("127.0.0.1", target, query, port=self.ports[kind], timeout=WAIT, lifetime=WAIT)
                return records(target)
            except (OSError, EOFError, dns.exception.DNSException) as error:
                check(time.monotonic() < deadline, f"no transfer from {kind}: {type(error).__name__} {error}")
                time.sleep(0.05)

    def content(self, zone=None):
        """All records as the replicas have them."""
        text = self.ctl("zone", "export", zone or self.zone).stdout
        return records(dns.zone.from_text(text, zone or self.zone, relativize=True))

    def process_of(self, replica):
        with open(f"{self.dir}/replica-{replica}/pid", encoding="ascii") as file:
            return int(file.read())

    def leader(self):
        """Who leads. Nobody does for a while when a busy machine makes the others elect: that is waited for."""
        deadline = time.monotonic() + WAIT
        while True:
            for replica in (1, 2, 3):
                status = self.status(replica)
                if status.get("is_leader") or status.get("leader") == replica:
                    return replica
            check(time.monotonic() < deadline, "nobody leads")
            time.sleep(0.02)


def records(zone):
    out = set()
    for name, ttl, data in zone.iterate_rdatas():
        out.add((name.to_text(), ttl, dns.rdatatype.to_text(data.rdtype), data.to_text().lower()))
    return out


ZONE_TEXT = """$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
@ NS ns2
ns1 A 192.0.2.1
ns2 A 192.0.2.2
www A 192.0.2.10
www A 192.0.2.11
alias CNAME www
*.wild TXT "wild"
deep.empty.nodes A 192.0.2.12
sub NS ns.sub
ns.sub A 192.0.2.13
old DNAME new
new TXT "the target of old"
target.new A 192.0.2.14
out CNAME elsewhere.invalid.
"""


def make_zone(bed, text=ZONE_TEXT):
    path = bed.write("zone.txt", f"$ORIGIN {bed.zone}.\n" + text)
    bed.ctl("zone", "create", bed.zone, path)
    bed.settle()
