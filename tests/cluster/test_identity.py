#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replica that has lost its disk, its journal or its store's bytes never votes as the one it was."""
import glob
import os
import shutil
import subprocess
import time

from harness import BIN, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def await_log(cluster, replica, text):
    """Until the replica's log has the text: the only sign of a refused peer from outside."""
    path = f"{cluster.dir}/replica-{replica}/log"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with open(path, encoding="utf-8", errors="replace") as file:
            if text in file.read():
                return
        time.sleep(0.02)
    check(False, f"replica {replica} never logged {text!r}")


def start_alone(cluster, replica):
    """rsmd as dev start runs it, without waiting until it is ready: it will not be."""
    config = f"{cluster.dir}/replica-{replica}/rsmd.conf"
    log = open(f"{cluster.dir}/replica-{replica}/log", "ab")
    return cluster.start(f"{BIN}/rsmd", "--config", config, stdout=log, stderr=log)


def wiped_disk():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        shutil.rmtree(cluster.data(3))
        child = start_alone(cluster, 3)
        await_log(cluster, 1, "another incarnation")
        await_log(cluster, 2, "another incarnation")
        check(not cluster.status(3)["ready"], "a replica with a new disk is ready")
        check(cluster.status(3)["slot"] == 0, "a replica with a new disk learned something")
        # With the other two it makes no majority either: one of them dead, nothing is chosen.
        cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.2")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
        done = cluster.ctl("record", "set", "a.example", "x", "60", "A", "192.0.2.3", "--timeout", "3s", status=None)
        check(done.returncode in (5, 124), f"status {done.returncode} without a majority:\n{done.stderr}")
        child.kill()
        child.wait()


def lost_journal():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        for path in glob.glob(cluster.data(3) + "/journal/*"):
            os.unlink(path)
        child = start_alone(cluster, 3)
        try:
            # With slots in the store it does not start; with none it is another incarnation.
            check(child.wait(timeout=30) == 1, "rsmd started without its journal")
        except subprocess.TimeoutExpired:
            await_log(cluster, 1, "another incarnation")
            child.kill()
            child.wait()


def damaged_store():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "down", "--dir", cluster.dir)
        path = cluster.data(2) + "/store/data.mdb"
        with open(path, "r+b") as file:
            size = os.path.getsize(path)
            for offset in range(8192, size, 512):
                file.seek(offset + 100)
                file.write(b"\xff\x00\xff")
        child = start_alone(cluster, 2)
        check(child.wait(timeout=60) == 1, "rsmd started on a damaged store")
        await_log(cluster, 2, "damaged")


main([wiped_disk, lost_journal, damaged_store])
