#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make.py FILE: a log with some of everything, written by the programs as they are, for `golden check`.

Needs `make all build/release/golden`. Statuses do not matter here: what is refused is in the log as well.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from harness import BIN, Cluster, check  # noqa: E402

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
BUDGET = ("--budget", "commands=100/1000", "--budget", "changes=100/1000")


class Writer:
    def __init__(self, cluster):
        self.cluster = cluster
        self.keys = {}

    def do(self, words, text=None, key=None):
        self.cluster.ctl(*words.split(), "--reason", "golden", text=text, key=key, status=None)

    def robot(self, name, *grants):
        path = os.path.join(self.cluster.work, name + ".key")
        public = self.cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip()
        self.do("role set role-" + name + " " + " ".join(grants))
        self.do(f"principal set {name} --kind automaton --role role-{name} --public-key {public} --az az-1 " + " ".join(BUDGET))
        return path


def zones(w):
    w.do("zone create a.example -", text=ZONE + "www 60 IN A 192.0.2.7\nalias 60 IN CNAME www\n* 60 IN TXT x\n")
    w.do("zone create b.example -", text=ZONE + "db 60 IN A 192.0.2.8\nm 60 IN MX 5 db\n_s._tcp 60 IN SRV 1 1 443 db\n")
    w.do("zone label b.example tier=gold")
    w.do("zone set b.example publish_ms=100")
    w.do("record set a.example www 300 A 192.0.2.9 192.0.2.10")
    w.do("record set a.example www 300 A 192.0.2.9 192.0.2.10")  # no change
    w.do("record set a.example www 300 CNAME alias")  # beside A, and a cycle
    w.do("record set a.example v 60 CNAME db.b.example.")
    w.do("record delete b.example db A --yes")  # dangling
    w.do("record set a.example sub 60 NS ns1.elsewhere.test.")  # waits for votes
    w.do("zone create c.example -", text=ZONE)
    w.do("zone delete c.example --yes --wait 20s")
    w.do("zone create c.example -", text=ZONE)


def people(w):
    w.do("policy set flips_max=1 ownership=0 absent_times=2 protected=b.example/db/A/1")
    w.do("record delete b.example db A --yes")
    w.do("service set pay db.b.example --owner team --tier gold")
    w.do("service set shop www.a.example --owner team --tier critical --needs service:pay")
    w.do("service delete pay --yes")
    robot = w.robot("robot", "rrset.change,a.example")
    other = w.robot("other", "rrset.*,a.example")
    for i in range(3):
        w.do(f"record set a.example flip 60 A 192.0.2.{20 + i % 2}", key=robot if i % 2 else other)
    w.do("record set b.example x 60 A 192.0.2.3", key=robot)  # no right to it
    w.do("automation freeze a.example --scope zone")
    w.do("record set a.example robot 60 A 192.0.2.4", key=robot)
    w.do("automation resume")
    w.do("record takeover a.example other robot flip.a.example./A")
    w.do("principal delete other --yes")


def plans(w):
    planner = w.robot("planner", "plan.publish,b.example")
    enactor = w.robot("enactor", "plan.execute,b.example", "plan.collect,b.example", "lease.*,b.example")
    for generation in (1, 2):
        path = os.path.join(w.cluster.work, f"g{generation}.zone")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"p 60 IN A 203.0.113.{generation}\nq 60 IN AAAA 2001:db8::{generation}\n")
        w.do(f"plan publish p {generation} b.example {path} --parent {generation - 1}", key=planner)
    lease = w.cluster.ctl("lease", "acquire", "b.example/p", "--ttl", "60s", "--output", "json", key=enactor).stdout
    token = re.search(r'"token": ?(\d+)', lease).group(1)
    w.do(f"plan execute p 2 --lease b.example/p --token {token}", key=enactor)
    w.do(f"plan execute p 1 --lease b.example/p --token {token}", key=enactor)  # stale
    w.do("plan collect p 2", key=enactor)
    w.do(f"lease release b.example/p --token {token}", key=enactor)


def main():
    with Cluster() as cluster:
        w = Writer(cluster)
        zones(w)
        people(w)
        plans(w)
        cluster.settle()
        cluster.stop()
        taken = cluster.run(f"{BIN}/release/golden", "take", cluster.data(1), sys.argv[1])
        check(int(taken.stdout.split()[0]) > 30, taken.stdout)
        print(cluster.run(f"{BIN}/release/golden", "check", sys.argv[1]).stdout)


main()
