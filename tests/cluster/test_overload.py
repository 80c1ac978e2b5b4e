#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""More than a cluster can do: what has no room is told so and is not done, what was acknowledged stands, once.

The leader may have one slot open. While both followers are stopped (SIGSTOP) nothing is done at all, and
whatever comes is too much; then they go on.
"""
import os
import re
import signal
import socket
import subprocess

import msgpack

from harness import BIN, Cluster, applied_commands, check, main, wire

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
# The leader goes on leading for ten seconds without hearing anybody.
SETTINGS = "window = 1\nbatch_entries = 1\nsubmit_timeout_ms = 1000\nelection_ticks_min = 1000\nelection_ticks_max = 2000\n"
WINDOW = 1
ROBOTS = 12


class Followers:
    """They stand still inside `with`."""

    def __init__(self, cluster, leader):
        lines = cluster.ctl("dev", "status", "--dir", cluster.dir).stdout
        self.pids = [int(pid) for number, pid in re.findall(r"replica (\d) .* pid (\d+)", lines) if int(number) != leader]
        check(len(self.pids) == 2, lines)

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *error):
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


def submit_all(endpoint, envelopes):
    """All at once, on one connection: (index, status) in the order of the answers."""
    host, port = endpoint.rsplit(":", 1)
    unpacker = msgpack.Unpacker(raw=False)
    told = []
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(60)
        connection.sendall(b"".join(msgpack.packb([0, i, "submit", [envelope]]) for i, envelope in enumerate(envelopes)))
        while len(told) < len(envelopes):
            unpacker.feed(connection.recv(65536))
            for message in unpacker:
                if message[0] == 1:
                    told.append((message[1], "OK" if message[2] is None else re.split("[: ]", message[2])[0]))
    return told


def robots(cluster, count):
    cluster.ctl("zone", "create", "load.example", "-", text=ZONE)
    return [cluster.automaton(f"robot-{i}", "rrset.change,load.example") for i in range(count)]


def who_has_no_room_is_told_and_is_not_done():
    with Cluster() as cluster:
        keys = robots(cluster, ROBOTS)
        cluster.restart_with(SETTINGS)
        cluster.settle()
        envelopes = []
        for i, key in enumerate(keys):
            path = os.path.join(cluster.work, f"{i}.envelope")
            cluster.ctl("record", "set", "load.example", f"r{i}", "60", "A", f"192.0.2.{i}", "--envelope-out", path, "--no-submit", key=key)
            with open(path, "rb") as file:
                envelopes.append(file.read())
        leader = cluster.status(1)["leader"]
        with Followers(cluster, leader):
            told = submit_all(cluster.endpoint(leader), envelopes)
        busy = [i for i, status in told if status == "BUSY"]
        unknown = [i for i, status in told if status == "OUTCOME_UNKNOWN"]
        check(len(busy) + len(unknown) == ROBOTS, f"each is told once, and nothing was done: {told}")
        check(len(unknown) <= WINDOW, f"more than the window holds may be done yet: {told}")
        check(busy == sorted(busy), f"what came first is given up first: {busy}")
        cluster.settle()
        check(cluster.status(leader)["counters"]["waiting"] == 0, "nobody waits any more")
        there = [i for i in range(ROBOTS) if cluster.ctl("record", "get", "load.example", f"r{i}", "A", status=None).stdout.strip()]
        check(set(there) <= set(unknown), f"told BUSY and done all the same: {there}, {told}")
        # The same bytes again, with room for them one after the other.
        for envelope in envelopes:
            check(submit_all(cluster.endpoint(leader), [envelope]) == [(0, "OK")], "once there is room, it is done")
        cluster.settle()
        cluster.stop_equal()
        for replica in (1, 2, 3):
            found = applied_commands(cluster.log(replica))
            for i in range(ROBOTS):
                check(len(found.get((f"robot-{i}", 1), [])) == 1, f"replica {replica}, robot {i}: {found.get((f'robot-{i}', 1))}")


def what_was_acknowledged_stands_once():
    callers, rounds = 6, 4
    with Cluster() as cluster:
        keys = robots(cluster, callers)
        cluster.restart_with(SETTINGS)
        cluster.settle()
        leader = cluster.status(1)["leader"]
        loaders = [cluster.start(f"{BIN}/test-load", cluster.endpoints, key, wire("load.example").hex(), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True) for key in keys]
        acked = []

        def take(i):
            line = loaders[i].stdout.readline()
            check(line.startswith("acked"), f"robot {i} was told: {line!r}")
            _, counter, slot = line.split()
            acked.append((f"robot-{i}", int(counter), int(slot)))

        for _ in range(rounds):
            for i in range(callers):
                take(i)
            with Followers(cluster, leader):
                waiting = cluster.status(leader)["counters"]["waiting"]
                check(waiting <= callers, f"{waiting} wait where {callers} ask, one at a time")
        for i, loader in enumerate(loaders):
            loader.stdin.close()
            for line in loader.stdout:
                check(line.startswith("acked"), f"robot {i} was told: {line!r}")
                _, counter, slot = line.split()
                acked.append((f"robot-{i}", int(counter), int(slot)))
        cluster.settle()
        cluster.stop_equal()
        for replica in (1, 2, 3):
            found = applied_commands(cluster.log(replica))
            for author, counter, slot in acked:
                check(found.get((author, counter)) == [slot],
                      f"replica {replica}: {author} {counter} acknowledged in slot {slot}, found in {found.get((author, counter))}")
            check(all(len(at) == 1 for at in found.values()), "applied twice")
    print(f"note: {len(acked)} acknowledged")


main([who_has_no_room_is_told_and_is_not_done, what_was_acknowledged_stands_once])
