#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures verified in threads (verify_threads): nothing is lost, doubled or out of order.

The load is one signature a change, many of them on one connection, at each replica; replicas are
killed and started meanwhile, so that frames of a former life wait in the line when the next begins.
"""
import json
import os
import random
import subprocess

from harness import BIN, Cluster, check, main

SEED = int(os.environ.get("RSM_SEED", "1"))
SETTINGS = "verify_threads = 3\n"


def kill_and_start_with(cluster, settings):
    for i in range(1, cluster.replicas + 1):
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(i))
        cluster.add_settings(settings, (i,))
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(i))


def bench(cluster, *more):
    """A load; each change's end is counted by the program itself."""
    path = os.path.join(cluster.work, "result.json")
    return path, (f"{BIN}/rsm-bench", "run", "--endpoints", cluster.endpoints, "--key", cluster.key,
                  "--floor-count", "0", "--warm-up", "0", "--quiet", "--json", path, "--force", *more)


def result(path):
    with open(path, encoding="ascii") as file:
        return json.load(file)["runs"][0]


def every_change_ends_once():
    with Cluster() as cluster:
        kill_and_start_with(cluster, SETTINGS)
        for more in (("--clients", "64", "--connections", "1", "--count", "1500", "--at", "leader"),
                     ("--clients", "24", "--count", "600", "--at", "any"),
                     ("--clients", "1", "--count", "50")):
            path, command = bench(cluster, *more)
            cluster.run(*command)
            run = result(path)
            check(run["refused"] == 0 and run["failed"] == 0, f"{more}: {run['refused']} refused, {run['failed']} failed: {run['trouble']}")
            check(run["applied"] >= int(more[more.index("--count") + 1]), f"{more}: only {run['applied']} applied")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()


def frames_of_a_former_life_are_forgotten():
    dice = random.Random(SEED)
    with Cluster() as cluster:
        kill_and_start_with(cluster, SETTINGS)
        path, command = bench(cluster, "--clients", "32", "--count", "3000", "--at", "any")
        load = cluster.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        kills = 0
        while load.poll() is None and kills < 12:
            replica = str(dice.randint(1, 3))
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", replica)
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", replica)
            kills += 1
        said = load.communicate()[0]
        check(load.returncode == 0, f"rsm-bench: {said}")
        run = result(path)
        check(run["refused"] == 0, f"{run['refused']} refused: {run['trouble']}")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()
        print(f"note: {kills} kills, {run['applied']} applied, {run['failed']} failed, {run['repeated']} sent again")


main([every_change_ends_once, frames_of_a_former_life_are_forgotten])
