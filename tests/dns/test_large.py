#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root zone and 124 real changes of it on all secondaries; a zone of a million records.

RSM_DATA or ../shared/data/root-zone has the former; without it that test is skipped. RSM_DNS_RECORDS
(1000000) says how large the latter is.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import Bed, check, dns, missing, records  # noqa: E402
from harness import main  # noqa: E402
from test_root_zone import DATA, SOA, canonical, names_of, plan_file, read_base, read_changes  # noqa: E402

KINDS = tuple(os.environ.get("RSM_DNS_KINDS", "knot,nsd,bind,pdns").split(","))
RECORDS = int(os.environ.get("RSM_DNS_RECORDS", "1000000"))
LACK = missing(KINDS)


def the_root_zone_and_its_history():
    """All secondaries follow 124 real changes of the root zone, one after the other; compared at the end and in between."""
    if LACK:
        return LACK
    if not os.path.exists(os.path.join(DATA, "base.zone.gz")):
        return "the root zone's data is not there (RSM_DATA)"
    base, zone = read_base()
    changes = read_changes()
    with Bed(KINDS, zone=".") as bed:
        bed.ctl("zone", "import", ".", "-", "--timeout", "60s", text="\n".join([SOA] + base) + "\n")
        for kind in KINDS:
            bed.start_secondary(kind)
        for number, change in enumerate(changes):
            for sign, line in change:
                owned = zone.setdefault(canonical(line)[0], {})
                if sign == "-":
                    del owned[canonical(line)]
                else:
                    owned[canonical(line)] = line
            names = names_of(change)
            plan = plan_file(zone, names) + ("  " + SOA + "\n" if "." in names else "")
            if number == 0:  # the real history has delegations to names that are not there
                bed.ctl("policy", "set", "dangling_allowed=1", "classes=standard/.")
            bed.ctl("plan", "apply", "-", "--yes", "--timeout", "60s", text=plan)
            if number % 25 == 0 or number + 1 == len(changes):
                serial = bed.soa(replica=bed.leader())
                wanted = records(bed.transfer(replica=bed.leader()))
                for kind in KINDS:
                    bed.wait_for_serial(kind, serial)
                    found = bed.copy_of(kind)
                    if kind == "pdns":  # it does not hand on DNSKEYs of a zone without signatures
                        found |= {record for record in wanted if record[2] == "DNSKEY"}
                    check(found == wanted, f"{kind}, change {number}: too many {sorted(found - wanted)[:3]}, missing {sorted(wanted - found)[:3]}")
        served = {canonical(line) for line in bed.ctl("zone", "export", ".").stdout.splitlines() if "\tSOA\t" not in line}
        check(served == {key for names in zone.values() for key in names}, "the replicas differ from the data")
    print(f"note: {len(base)} records, {len(changes)} changes, {', '.join(KINDS)}")
    return None


def a_million_records():
    """Transferred whole by all secondaries at once while the zone changes; commits go on meanwhile."""
    if LACK:
        return LACK
    sets = RECORDS // 10
    with Bed(KINDS) as bed:
        bed.ctl("policy", "set", f"zone_rrsets_max={sets + 1000}")
        head = f"$ORIGIN {bed.zone}.\n@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n"
        for first in range(0, sets, 40000):
            text = head if first == 0 else ""
            text += "".join(f"n{i}.{bed.zone}. 300 A 198.{j}.{i // 250 % 250}.{i % 250}\n"
                            for i in range(first, min(first + 40000, sets)) for j in range(10))
            verb = ("create",) if first == 0 else ("import",)
            bed.ctl("zone", *verb, bed.zone, "-", "--timeout", "120s", text=text)
        bed.settle()
        began = time.monotonic()
        for kind in KINDS:
            bed.start_secondary(kind)
        slowest = commits = 0
        left = set(KINDS)
        while left:
            one = time.monotonic()
            bed.ctl("record", "set", bed.zone, "hot", "300", "A", f"192.0.2.{commits % 250 + 1}", "--timeout", "60s")
            slowest, commits = max(slowest, time.monotonic() - one), commits + 1
            for kind in sorted(left):
                if bed.serial_at(kind) is not None:
                    print(f"note: {kind} serves it after {time.monotonic() - began:.1f} s")
                    left.discard(kind)
            check(time.monotonic() - began < 600, f"{left} did not get it")
        serial = bed.soa(replica=bed.leader())
        for kind in KINDS:
            bed.wait_for_serial(kind, serial)
        print(f"note: {commits} commits meanwhile, the slowest {slowest * 1000:.0f} ms, tool and process start included")
        slowest = commits = 0
        bed.ctl("zone", "set", bed.zone, "zonemd=on")  # a hash over all of it for each transfer
        began, wanted = time.monotonic(), serial + 1
        while (found := bed.serial_at(KINDS[0])) is None or found < wanted:
            one = time.monotonic()
            bed.ctl("record", "set", bed.zone, "hot", "300", "A", f"198.51.100.{commits % 250 + 1}", "--timeout", "60s")
            slowest, commits = max(slowest, time.monotonic() - one), commits + 1
            check(time.monotonic() - began < 600, f"{KINDS[0]} did not get it with its digest")
        digest = dns.query.udp(dns.message.make_query(bed.zone, "ZONEMD"), "127.0.0.1", port=bed.ports[KINDS[0]], timeout=60)
        check(digest.answer and digest.answer[0][0].serial >= wanted, f"{digest}")
        print(f"note: with its digest at {KINDS[0]} after {time.monotonic() - began:.1f} s, {commits} commits meanwhile, the slowest {slowest * 1000:.0f} ms")
        rss = [line.split()[1] for i in (1, 2, 3) for line in
               open(f"/proc/{int(open(f'{bed.dir}/replica-{i}/pid', encoding='ascii').read())}/status", encoding="ascii") if line.startswith("VmHWM")]
        print(f"note: most memory of the replicas: {', '.join(str(int(each) // 1024) for each in rss)} MiB")
    return None


if __name__ == "__main__":
    main([the_root_zone_and_its_history, a_million_records])
