#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file system that is full: under one replica, under all; and space again, without a restart.

Each data directory is a small tmpfs (root is needed to mount one), filled by a file beside the data.
"""
import os
import random
import shutil
import subprocess

from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
dice = random.Random(1)


class SmallDisks(Cluster):
    """A cluster whose data directories are file systems of `size` bytes each."""

    def __init__(self, size):
        super().__init__()
        self.size = size
        self.mounted = []

    def __enter__(self):
        super().__enter__()
        try:
            self.stop()
            self.add_settings("segment_size = 65536\nstore_commit_ms = 20\n")
            for i in range(1, self.replicas + 1):
                shutil.rmtree(self.data(i))
                os.mkdir(self.data(i), 0o700)
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size},mode=0700", "tmpfs", self.data(i)],
                               check=True)
                self.mounted.append(self.data(i))
            self.ctl("dev", "up", "--dir", self.dir)
            self.ctl("zone", "create", "a.example", "-", text=ZONE)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        work, self.work = self.work, os.path.join(self.work, "nothing")
        super().__exit__(kind, error, trace)
        for path in self.mounted:
            subprocess.run(["umount", path], check=False)
        self.mounted = []
        shutil.rmtree(work, ignore_errors=True)

    def fill(self, replica):
        with open(self.data(replica) + "/ballast", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def make_space(self, replica):
        os.remove(self.data(replica) + "/ballast")

    def starts(self, replica):
        return self.text_of_log(replica).count("event=ready")


def cannot_mount():
    if os.geteuid() != 0:
        return "root is needed to mount a small file system"
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True)
    return None if done.returncode == 0 else "no file system can be mounted here"


def write(cluster, name, count, status=0, **how):
    for i in range(count):
        text = " ".join('"' + dice.choice("abcdefgh") * 250 + '"' for _ in range(12))
        cluster.ctl("record", "set", "a.example", f"{name}{i}", "60", "TXT", text, status=status, **how)


def wait_for_alarm(cluster, replica):
    while "disk-low" not in cluster.status(replica)["alarms"]:
        write(cluster, "more", 1, status=None)


def wait_for_equal(cluster):
    while True:
        status = [cluster.status(i) for i in (1, 2, 3)]
        if len({s["slot"] for s in status}) == 1 and not any(s["alarms"] for s in status):
            return


def end(cluster, starts):
    wait_for_equal(cluster)
    check([cluster.starts(i) for i in (1, 2, 3)] == starts, "a replica was started again")
    cluster.settle()
    cluster.stop()
    cluster.verify_equal()


def one_disk_is_full():
    reason = cannot_mount()
    if reason:
        return reason
    with SmallDisks(6 << 20) as cluster:
        starts = [cluster.starts(i) for i in (1, 2, 3)]
        write(cluster, "before", 5)
        for replica in (1, 2, 3): # one of them leads
            cluster.fill(replica)
            wait_for_alarm(cluster, replica)
            listed = cluster.ctl("record", "list", "a.example", "--stale", endpoints=cluster.endpoint(replica)).stdout
            check("before4" in listed, f"replica {replica} with a full disk lists:\n{listed}")
            write(cluster, f"full{replica}-", 3, status=None)
            cluster.make_space(replica)
            wait_for_equal(cluster)
            write(cluster, f"after{replica}-", 3)
        end(cluster, starts)


def all_disks_are_full():
    reason = cannot_mount()
    if reason:
        return reason
    with SmallDisks(6 << 20) as cluster:
        starts = [cluster.starts(i) for i in (1, 2, 3)]
        write(cluster, "before", 5)
        for replica in (1, 2, 3):
            cluster.fill(replica)
        refused = ""
        while "DISK_FULL" not in refused:
            refused = cluster.ctl("record", "set", "a.example", f"x{dice.randrange(10**9)}", "60", "TXT",
                                  " ".join(['"' + "x" * 250 + '"'] * 12), "--timeout", "1s", status=None).stderr
        for replica in (1, 2, 3):
            listed = cluster.ctl("record", "list", "a.example", "--stale", endpoints=cluster.endpoint(replica)).stdout
            check("before4" in listed, f"replica {replica} with a full disk lists:\n{listed}")
        for replica in (1, 2, 3):
            cluster.make_space(replica)
        wait_for_equal(cluster)
        write(cluster, "after", 5)
        end(cluster, starts)


main([one_disk_is_full, all_disks_are_full])
