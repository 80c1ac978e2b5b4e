#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real root zone and 124 real change sets of the months after it.

Imported, then each change set applied in order through rotating replicas; at the end the exported
zone equals the data, and --at gives back each of the versions. The data is not part of the project:
RSM_DATA or ../shared/data/root-zone; without it the test is skipped.
"""
import gzip
import json
import os
import re

from harness import ROOT, Cluster, check, main

DATA = os.environ.get("RSM_DATA", os.path.join(ROOT, "..", "shared", "data", "root-zone"))
SOA = ". 86400 IN SOA a.root-servers.net. nstld.verisign-grs.com. 2019110200 1800 900 604800 86400"


def canonical(line):
    """A record as a comparable tuple: names folded, IPv6 addresses and hexadecimal data in one form."""
    import ipaddress
    owner, ttl, _, kind, data = line.split(None, 4)
    data = data.strip()
    if kind == "AAAA":
        data = str(ipaddress.ip_address(data))
    elif kind in ("DS", "ZONEMD"):
        head, rest = data.rsplit(None, 1) if data.count(" ") == 3 else re.match(r"(\S+ \S+ \S+) (.*)", data).groups()
        data = head + " " + rest.replace(" ", "").upper()
    elif kind in ("NS",):
        data = data.lower()
    elif kind == "DNSKEY":
        head = data.split(None, 3)
        data = " ".join(head[:3]) + " " + head[3].replace(" ", "")
    return (owner.lower(), int(ttl), kind, data)


def read_changes():
    sets = []
    with gzip.open(os.path.join(DATA, "changes.txt.gz"), "rt", encoding="ascii") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("#"):
                sets.append([])
            elif line:
                sets[-1].append((line[0], line[1:]))
    return sets


def names_of(change):
    return sorted({line.split()[0].lower() for _, line in change})


def read_base():
    """The zone before the first change: its lines, and {owner: {record: line}}."""
    with gzip.open(os.path.join(DATA, "base.zone.gz"), "rt", encoding="ascii") as file:
        base = [line.rstrip("\n") for line in file if line.strip()]
    zone = {}
    for line in base:
        key = canonical(line)
        zone.setdefault(key[0], {})[key] = line
    return base, zone


def plan_file(zone, names):
    """A plan for some names: what they shall have after the change."""
    lines = ["zone: .", "names:"]
    lines += [f'  - "{name}"' for name in names]
    records = [zone_line for name in names for zone_line in sorted(zone.get(name, {}).values())]
    lines.append("records: |")
    lines += ["  " + record for record in records] or ["  ; nothing is left"]
    return "\n".join(lines) + "\n"


def export(cluster, *arguments):
    text = cluster.ctl("zone", "export", ".", *arguments).stdout
    return {canonical(line) for line in text.splitlines() if "\tSOA\t" not in line}


def root_zone():
    if not os.path.exists(os.path.join(DATA, "base.zone.gz")):
        return "the root zone's data is not there (RSM_DATA)"
    base, zone = read_base()
    changes = read_changes()
    versions = []
    # In March 2020 za. left the root zone for some hours, with name servers of other zones below it.
    za_away = next(change for change in changes if any(line[0] == "-" and line[1].startswith("ns.coza.net.za.") for line in change))
    with Cluster() as cluster:
        # Every change of the root is one of delegations: critical, unless the policy says otherwise.
        cluster.ctl("policy", "set", "classes=standard/.")
        out = cluster.json("zone", "import", ".", "-", "--timeout", "60s", text="\n".join([SOA] + base) + "\n")
        versions.append((out["slot"], {key for names in zone.values() for key in names}))
        check(export(cluster) == versions[0][1], "the import, exported, differs from the data")
        for number, change in enumerate(changes):
            for sign, line in change:
                key = canonical(line)
                owned = zone.setdefault(key[0], {})
                if sign == "-":
                    check(key in owned, f"change {number} deletes what is not there: {line}")
                    del owned[key]
                else:
                    owned[key] = line
            # The apex keeps the SOA that the data does not have.
            names = names_of(change)
            plan = plan_file(zone, names)
            if "." in names:
                plan += "  " + SOA + "\n"
            endpoint = cluster.endpoint(number % 3 + 1)
            if change is za_away:
                done = cluster.ctl("plan", "apply", "-", "--yes", text=plan, status=4)
                check("dangling: rrset africa. NS -> ns.coza.net.za." in done.stderr, done.stderr)
                cluster.ctl("policy", "set", "dangling_allowed=1")
            done = cluster.json("plan", "apply", "-", "--yes", "--timeout", "60s", endpoints=endpoint, text=plan)
            versions.append((done["slot"], {key for names in zone.values() for key in names}))
        check(export(cluster) == versions[-1][1], "the zone at the end differs from the data")
        listed = cluster.ctl("record", "list", ".", "--output", "json").stdout
        rrsets = json.loads(listed)["rrsets"]
        check(sum(len(r["rdata"]) for r in rrsets) == len(versions[-1][1]) + 1, "the list in one document is not the zone")
        for slot, content in versions:
            check(export(cluster, "--at", str(slot), "--stale") == content, f"--at {slot} differs")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()
    print(f"note: {len(base)} records, {len(changes)} change sets, {len(versions)} versions compared")
    return None


if __name__ == "__main__":
    main([root_zone])
