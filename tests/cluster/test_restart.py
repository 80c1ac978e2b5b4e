#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a start looks at: nothing of the store after a clean stop, all of it after anything else."""
import os
import re
import shutil
import socket

from harness import Cluster, check, main
from ports import LOWEST, first_given

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


def configure(cluster, replicas, commit_bytes):
    for replica in replicas:
        path = os.path.join(cluster.dir, f"replica-{replica}", "rsmd.conf")
        with open(path, encoding="ascii") as file:
            lines = [line for line in file if not line.startswith("store_commit_")]
        with open(path, "w", encoding="ascii") as file:
            file.writelines([*lines, "store_commit_ms = 60000\n", f"store_commit_bytes = {commit_bytes}\n", "store_commit_rows = 4294967295\n"])


def a_replay_gives_what_it_applies_to_the_store_piece_by_piece():
    """What a replay holds in memory does not grow with the journal: the store's thread gets it meanwhile."""
    zones = 12
    text = " ".join(['"' + "x" * 250 + '"'] * 40)
    sets = "".join(f"n{k} 60 IN TXT {text}\n" for k in range(10))
    with Cluster() as cluster:
        cluster.stop()
        configure(cluster, (1, 2, 3), 1 << 30)
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        cluster.settle()
        stored = cluster.status(2)["stored"]
        for i in range(zones):
            cluster.ctl("zone", "create", f"z{i}.example", "-", text=ZONE + sets)
        cluster.settle()
        check(cluster.status(2)["stored"] == stored, "nothing was given to the store meanwhile")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
        configure(cluster, (2,), 65536)
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")
        said = re.findall(r"event=recovered .* stored=(\d+) applied=(\d+) commits=(\d+)", cluster.text_of_log(2))[-1]
        # One for each zone, the last of which may still run or have to begin.
        check(int(said[2]) >= zones - 1 and int(said[1]) - int(said[0]) <= 3, f"stored, applied, commits: {said}")
        cluster.settle()
        cluster.stop_equal()


def a_replica_finds_its_port_again():
    """No connection is given the port of a replica that is down for a moment as its near end."""
    with Cluster() as cluster:
        with open(f"{cluster.dir}/replica-1/rsmd.conf", encoding="utf-8") as file:
            addresses = re.findall(r"^(?:client|peer)_listen = [\d.]+:(\d+)$", file.read(), re.M)
        addresses += [each.rsplit(":", 1)[1] for each in cluster.endpoints.split(",")]
        check(len(addresses) == 5, addresses)
        given = first_given()
        check(given <= LOWEST or all(int(port) < given for port in addresses), f"{addresses}, connections from {given} on")


def who_is_killed_has_let_go():
    """When `dev kill` ends, the last thread of the process is gone, and its port and its locks with it."""
    with Cluster() as cluster:
        port = int(cluster.endpoint(2).rsplit(":", 1)[1])
        for _ in range(100):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))
                listener.listen()
            cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")


main([who_is_killed_has_let_go, a_replica_finds_its_port_again, only_a_clean_stop_saves_the_look, a_replay_gives_what_it_applies_to_the_store_piece_by_piece])
