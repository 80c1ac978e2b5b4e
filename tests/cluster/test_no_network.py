#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine, no name service, no time service, no network but its own loopback: people still change DNS.

The injection runs in a namespace of its own where only `lo` is up and /etc/resolv.conf, hosts and nsswitch.conf are empty,
with replicas whose clocks are those of a machine that nobody told the time: 1970.
"""
import os
import shutil
import socket
import subprocess
import sys
import time

from harness import BIN, ROOT, Cluster, Failure, check, main, wire
from ports import free_port

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.1\n"
FIX = "zone: a.example\nreason: r\nnames: [www]\nbypass: [frozen]\nrecords: www 60 IN A 192.0.2.{}\n"
RESOLVERS = ("getaddrinfo", "gethostby", "getnameinfo", "res_query", "res_search", "res_init", "evdns")
PATIENCE_S = 60
SERVFAIL, NOERROR = 2, 0


def until(what, condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        check(time.monotonic() < end, f"never came: {what}")
        time.sleep(0.05)


def no_program_can_look_up_a_name():
    """The functions that do are in none of the programs, nor in the library."""
    if shutil.which("nm") is None:
        return "nm is not there"
    programs = [f"{BIN}/{name}" for name in ("rsmd", "resilience-ctl", "rsm-dump", "rsm-auditor")]
    for program in programs:
        out = subprocess.run(["nm", "-D", program], capture_output=True, text=True, check=True).stdout
        check("open" in out, f"{program}: nm says nothing of it")
        found = [line for line in out.splitlines() if any(name in line for name in RESOLVERS)]
        check(not found, f"{program}: {found}")
    return None


def names_are_refused():
    """Where they are typed or configured, and with words: no replica is left with a peer that it cannot reach."""
    with Cluster() as cluster:
        words = "names are looked up nowhere"
        new = os.path.join(cluster.work, "new")

        def init(member):
            return cluster.run(f"{BIN}/resilience-ctl", "cluster", "init", "--dir", new, "--name", "n", "--admin", "a@b", "--person", "a", "--plain",
                               "--member", member, cluster=False, status=2)

        for member in ("1,z,ns1.example.net:4101,10.0.0.1:4001", "1,z,10.0.0.1:4101,ns1.example.net:4001", "1,z,localhost:4101,127.0.0.1:4001"):
            done = init(member)
            check(words in done.stderr and not os.path.exists(new), f"{member}: {done.stderr}")
        for option in ("--peer-address", "--client-address"):
            done = cluster.ctl("member", "update", "2", option, "replica-2.example.net:4101", status=2)
            check(words in done.stderr and option in done.stderr, done.stderr)
        done = cluster.ctl("member", "update", "2", "--peer-address", "unix:/x", status=2)
        check("no address" in done.stderr, done.stderr)
        cluster.ctl("zone", "create", "x.example", "-", text=ZONE)
        for line in (("zone", "import", "x.example", "--from-axfr"), ("zone", "compare", "x.example", "--with")):
            for server in ("ns1.example.net", "ns1.example.net:53", "unix:/x", "[ns1]:53"):
                done = cluster.ctl(*line, server, status=2)
                check("a server is IP" in done.stderr, f"{server}: {done.stderr}")
        for line in (("status",), ("zone", "list"), ("scrub",), ("record", "set", "x.example", "www", "60", "A", "192.0.2.1")):
            done = cluster.ctl(*line, endpoints=cluster.endpoint(1) + ",replica-2.example.net:4001", status=2)
            check("replica-2.example.net" in done.stderr and words in done.stderr, done.stderr)
        done = cluster.ctl("member", "add", "replica-4.example.net:4001", status=2)
        check(words in done.stderr, done.stderr)
        for key in ("client_listen", "peer_listen", "dns_listen", "secondary"):
            config = os.path.join(cluster.dir, "replica-1", "named.conf")
            with open(f"{cluster.dir}/replica-1/rsmd.conf", encoding="utf-8") as file:
                lines = [line for line in file.read().splitlines() if not line.startswith(key)]
            value = "* ns1.example.net:53 k" if key == "secondary" else "ns1.example.net:4001"
            with open(config, "w", encoding="utf-8") as file:
                file.write("\n".join(lines + [f"{key} = {value}", ""]))
            done = cluster.run(f"{BIN}/rsmd", "--config", config, "--check-config", status=2)
            check("ns1.example.net" in done.stderr and "address" in done.stderr, f"{key}: {done.stderr}")


# ---- in the namespace ----

def person(cluster, name):
    """A person with a second factor: a key on a stick."""
    key, stick = (os.path.join(cluster.work, f"{name}.{kind}") for kind in ("key", "stick"))
    public, second = (cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip() for path in (key, stick))
    cluster.ctl("principal", "set", name, "--kind", "person", "--person", name, "--role", "approver", "--role", "rescuer", "--public-key", public)
    cluster.ctl("factor", "enroll", name, "stick", "key-eddsa", second)
    return key, stick


def soa_rcode(port):
    """Of an unsigned question for the SOA, or None."""
    question = b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + wire("a.example") + b"\0\6\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        try:
            s.connect(("127.0.0.1", port))
            s.send(question)
            return s.recv(512)[3] & 15
        except OSError:
            return None


def serve_dns(cluster, replica):
    port = free_port()
    cluster.add_settings(f"dns_listen = 127.0.0.1:{port}\ndns_allow_unsigned_queries = yes\ndns_allow_unsigned_transfers = yes\n"
                         f"clock_offset_file = {cluster.work}/clock\n", (replica,))
    return port


def inject(cluster, people, last, endpoint):
    """The file beside the replica, its socket, two persons with their sticks: in effect."""
    path = cluster.write("emergency-fix.yaml", FIX.format(last))
    digest = cluster.ctl("override", "request", "--config", path, endpoints=endpoint).stdout.strip()
    for key, stick in people:
        cluster.ctl("override", "approve", digest, "--factor", "stick", "--factor-key", stick, key=key, endpoints=endpoint)
    done = cluster.ctl("override", "apply", "--config", path, "--approver", "alice@company.com", "--approver", "bob@company.com", endpoints=endpoint)
    check("in effect in slot" in done.stdout, done.stdout + done.stderr)
    check(f"192.0.2.{last}" in cluster.ctl("record", "get", "a.example", "www", "A", endpoints=endpoint).stdout, "in effect")


def manual_mode(cluster, robot, unix, port):
    """Two of three are gone: a banner, reads, no automation, no transfer of what may be old."""
    until("the banner", lambda: cluster.ctl("status", endpoints=unix, status=None).stdout.startswith("MANUAL MODE"))
    check("192.0.2.5" in cluster.ctl("record", "get", "a.example", "www", "A", "--stale", endpoints=unix).stdout, "reads go on")
    exported = cluster.ctl("zone", "export", "a.example", "--stale", endpoints=unix).stdout
    check("192.0.2.5" in exported, f"the zone can be had, for a secondary's file: {exported}")
    for key in (robot, None):
        done = cluster.ctl("record", "set", "a.example", "new", "60", "A", "192.0.2.9", key=key, endpoints=unix, status=None)
        check(done.returncode not in (0, 4), f"a change without a majority: {done.stdout}{done.stderr}")
    check(soa_rcode(port) == SERVFAIL, "what may be old is served as if it were new")


def recover(cluster, people, unix):
    config = f"{cluster.dir}/replica-3/rsmd.conf"
    statement = cluster.write("statement", cluster.run(f"{BIN}/rsmd", "recover", "--config", config).stdout)
    approvals = []
    for i, (key, _) in enumerate(people):
        said = cluster.run(f"{BIN}/resilience-ctl", "recovery", "approve", statement, "--key", key, "--yes", cluster=False).stdout
        approvals += ["--approval", cluster.write(f"approval-{i}", said)]
    cluster.run(f"{BIN}/rsmd", "recover", "--config", config, "--force", *approvals)
    cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3", cluster=False)
    until("it goes on", lambda: "RECOVERED BY FORCE" in cluster.ctl("status", endpoints=unix, status=None).stdout)


def body():
    for name in ("localhost", "example.org", "ns1.example.net"):
        try:
            socket.getaddrinfo(name, 53)
        except socket.gaierror:
            continue
        raise Failure(f"{name} can be looked up here: this would prove nothing")
    with Cluster() as cluster:
        cluster.stop()
        cluster.write("clock", f"{-int(time.time() * 1000) + 3600000}\n")  # an hour of 1970
        ports = {i: serve_dns(cluster, i) for i in (1, 2, 3)}
        cluster.ctl("dev", "up", "--dir", cluster.dir, cluster=False)
        cluster.ctl("role", "set", "rescuer", "cluster.recover")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        robot = cluster.automaton("robot", "rrset.change,a.example")
        people = [person(cluster, name) for name in ("alice@company.com", "bob@company.com")]
        cluster.ctl("automation", "freeze", "--scope", "zone", "a.example", "--everybody", "--reason", "incident")
        unix = f"unix:{cluster.dir}/replica-3/client.sock"  # as dev up configures it
        inject(cluster, people, 5, unix)
        check(soa_rcode(ports[3]) == NOERROR, "it serves the zone")
        cluster.settle()
        for replica in ("1", "2"):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica, cluster=False)
            shutil.rmtree(cluster.data(int(replica)))
        manual_mode(cluster, robot, unix, ports[3])
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3", cluster=False)
        recover(cluster, people, unix)
        until("transfers go on", lambda: soa_rcode(ports[3]) == NOERROR)
        compared = cluster.ctl("zone", "compare", "a.example", "--with", f"127.0.0.1:{ports[3]}", endpoints=unix)
        check(compared.returncode == 0, "the whole zone is transferred")
        inject(cluster, people, 6, unix)
        done = cluster.ctl("record", "set", "a.example", "new", "60", "A", "192.0.2.9", key=robot, endpoints=unix, status=4)
        check("refused by frozen" in done.stderr, done.stderr)
        cluster.stop()
        cluster.verify(3)


INSIDE = """\
ip link set lo up
for file in resolv.conf hosts nsswitch.conf; do
    if [ -e /etc/$file ]; then mount --bind /dev/null /etc/$file; fi
done
exec /usr/bin/python3 "$0" body
"""


def injected_from_its_own_disk():
    """See the head of this file."""
    isolated = ("unshare", "--net", "--mount", "--propagation", "private")
    if subprocess.run([*isolated, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode != 0:
        return "no network namespaces here"
    done = subprocess.run([*isolated, "sh", "-e", "-c", INSIDE, os.path.abspath(__file__)], cwd=ROOT, capture_output=True, text=True, check=False)
    check(done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr)
    return None


if __name__ == "__main__":
    if sys.argv[1:] == ["body"]:
        main([body])
    main([no_program_can_look_up_a_name, names_are_refused, injected_from_its_own_disk])
