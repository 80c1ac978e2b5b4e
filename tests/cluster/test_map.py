#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""LMDB's map is full again and again and grows, under reads, with readers that are killed in the middle."""
import os
import random
import shutil
import subprocess

from harness import BIN, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
dice = random.Random(1)


def the_map_grows_under_readers():
    with Cluster() as cluster:
        cluster.stop()
        cluster.add_settings("map_size = 1048576\nstore_commit_ms = 20\nsegment_size = 65536\nsnapshot_lag = 30\n")
        for i in (1, 2, 3):
            shutil.rmtree(cluster.data(i))
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        away = False
        for i in range(160):
            text = " ".join('"' + dice.choice("abcdefgh") * 250 + '"' for _ in range(40))
            cluster.ctl("record", "set", "a.example", f"n{i}", "60", "TXT", text)
            if i % 8 == 0: # a reader that never ends its transaction
                reader = cluster.start(f"{BIN}/rsm-dump", "--dir", cluster.data(1 + i // 8 % 2), "verify",
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                reader.kill()
                reader.wait()
            if i % 40 == 20: # and a replica that needs a snapshot: a cut of the store is held meanwhile
                cluster.ctl("dev", "start" if away else "kill", "--dir", cluster.dir, "--replica", "3")
                away = not away
            if i % 10 == 0:
                listed = cluster.ctl("record", "list", "a.example").stdout
                check(f"n{i}" in listed, f"n{i} is not there")
        if away:
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
        while len({(s["slot"], len(s["alarms"])) for s in (cluster.status(i) for i in (1, 2, 3))}) != 1:
            pass
        for i in (1, 2):
            # Once before the data was removed, once since.
            check(cluster.text_of_log(i).count("event=ready") == 2, f"replica {i} was started again")
            check(os.path.getsize(cluster.data(i) + "/store/data.mdb") > 2 << 20, "the map never grew twice")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()


main([the_map_grows_under_readers])
