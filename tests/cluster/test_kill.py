#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of a random replica, again and again, under a load of changes.

Afterwards all logs verify, all chain heads are equal, and every acknowledged command is there
exactly once, in the slot that was told. RSM_KILL_CYCLES and RSM_SEED change the run.
"""
import os
import random
import subprocess

from harness import BIN, Cluster, applied_commands, check, main, wire

CYCLES = int(os.environ.get("RSM_KILL_CYCLES", "200"))
SEED = int(os.environ.get("RSM_SEED", "1"))
AUTHORS = ["load-a", "load-b", "load-c"]


def kill_cycles():
    print(f"note: seed {SEED}, {CYCLES} cycles")
    dice = random.Random(SEED)
    acked = []
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "load.example", "-", text="@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n")
        loaders = []
        for name in AUTHORS:
            key = cluster.automaton(name, "rrset.change,load.example")
            loaders.append(cluster.start(f"{BIN}/test-load", cluster.endpoints, key,
                                         wire("load.example").hex(), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True))
        files = [loader.stdout for loader in loaders]

        def take(more):
            target = more
            while target > 0:
                for i, file in enumerate(files):
                    line = file.readline()
                    check(line.startswith("acked"), f"{AUTHORS[i]} was told: {line!r}")
                    _, counter, slot = line.split()
                    acked.append((AUTHORS[i], int(counter), int(slot)))
                    target -= 1

        take(6)
        for _ in range(CYCLES):
            replica = str(dice.randint(1, 3))
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
            take(6)
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", replica)
        for loader in loaders:
            loader.stdin.close()
        for i, file in enumerate(files):
            for line in file:
                check(line.startswith("acked"), f"{AUTHORS[i]} was told: {line!r}")
                _, counter, slot = line.split()
                acked.append((AUTHORS[i], int(counter), int(slot)))
        slots = [cluster.status(i)["slot"] for i in (1, 2, 3)]
        while len(set(slots)) > 1 or cluster.status(1)["slot"] != slots[0]:
            slots = [cluster.status(i)["slot"] for i in (1, 2, 3)]
        cluster.settle()
        cluster.stop()
        slots = cluster.verify_equal()
        for replica in (1, 2, 3):
            found = applied_commands(cluster.log(replica))
            for author, counter, slot in acked:
                check(found.get((author, counter)) == [slot],
                      f"replica {replica}: {author} {counter} acknowledged in slot {slot}, found in {found.get((author, counter))}")
            doubled = [key for key, at in found.items() if len(at) > 1]
            check(not doubled, f"applied twice: {doubled[:5]}")
    print(f"note: {len(acked)} acknowledged commands, {slots} slots")


main([kill_cycles])
