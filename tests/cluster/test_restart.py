#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a start looks at: nothing of the store after a clean stop, all of it after anything else."""
import os
import re
import shutil

from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def looks(cluster, replica):
    """What each start of that replica looked at, in order."""
    return re.findall(r"event=store-check rows=(\w+)", cluster.text_of_log(replica))


def store(cluster, replica):
    return os.path.join(cluster.data(replica), "store", "data.mdb")


def restart(cluster, how):
    """All replicas at once; `how` happens to the store of the second one in between."""
    cluster.stop()
    how(store(cluster, 2))
    cluster.ctl("dev", "up", "--dir", cluster.dir)
    cluster.settle()


def write_a_byte_over_itself(path):
    with open(path, "r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(byte)


def take_a_copy(path):
    shutil.copy2(path, path + ".copy")
    os.replace(path + ".copy", path)


def only_a_clean_stop_saves_the_look():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "restart.example", "-", text=ZONE)
        check(looks(cluster, 2) == ["all"], f"a first start: {looks(cluster, 2)}")
        for how, second in ((lambda path: None, "none"), (write_a_byte_over_itself, "all"),
                            (lambda path: None, "none"), (take_a_copy, "all")):
            restart(cluster, how)
            check(looks(cluster, 1)[-1] == "none", "replica 1 was stopped cleanly")
            check(looks(cluster, 2)[-1] == second, f"{how}: {looks(cluster, 2)}")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")
        check(looks(cluster, 2)[-1] == "all", "after a kill")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()


main([only_a_clean_stop_saves_the_look])
