#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage on one replica's disk: bytes of its store changed, cut off or removed while it is down.

The others go on; the damaged one comes back by itself, says so by an alarm while it lacks its
state, and in the end all chain heads are equal and every record is where it belongs.
"""
import glob
import os
import time
import random
import re
import shutil

from harness import BIN, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
SEED = int(os.environ.get("RSM_SEED", "1"))
dice = random.Random(SEED)


def small_segments(cluster):
    cluster.add_settings("segment_size = 65536\nstore_commit_ms = 20\n")
    cluster.stop()
    for i in range(1, cluster.replicas + 1): # the first segments have the default size
        shutil.rmtree(cluster.data(i))
    cluster.ctl("dev", "up", "--dir", cluster.dir)
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)


def write(cluster, name, count, size=3000):
    """Records so large that journal segments are filled and dropped."""
    text = " ".join('"' + dice.choice("abcdefgh") * 250 + '"' for _ in range(size // 250))
    for i in range(count):
        cluster.ctl("record", "set", "a.example", f"{name}{i}", "60", "TXT", text)


def log_count(cluster, replica, text):
    return cluster.text_of_log(replica).count(text)


def stop_one(cluster, replica):
    cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(replica))


def start_one(cluster, replica):
    cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(replica))


def wait_for_equal(cluster):
    """Until all replicas have applied the same and none has an alarm."""
    while True:
        status = [cluster.status(i) for i in range(1, cluster.replicas + 1)]
        if len({s["slot"] for s in status}) == 1 and not any(s["alarms"] for s in status):
            return


def end(cluster):
    """A write through every replica, and all heads equal afterwards."""
    for i in range(1, cluster.replicas + 1):
        cluster.ctl("record", "set", "a.example", f"end{i}", "60", "A", "192.0.2.7", endpoints=cluster.endpoint(i))
    wait_for_equal(cluster)
    cluster.settle()
    cluster.stop()
    cluster.verify_equal(range(1, cluster.replicas + 1))


def flip(path, places):
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        for _ in range(places):
            file.seek(dice.randrange(size))
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ (1 << dice.randrange(8))]))


def zero_pages(path):
    pages = os.path.getsize(path) // 4096
    with open(path, "r+b") as file:
        for page in dice.sample(range(2, pages), pages // 4):
            file.seek(4096 * page)
            file.write(bytes(4096))


def cut(path):
    os.truncate(path, os.path.getsize(path) // 8192 * 4096)


def empty(path):
    os.truncate(path, 0)


def no_directory(path):
    for file in glob.glob(os.path.dirname(path) + "/*"):
        os.remove(file)
    os.rmdir(os.path.dirname(path))


def old_image(path):
    os.replace(path + ".old", path)


def store_is_damaged_while_down():
    print(f"note: seed {SEED}")
    with Cluster() as cluster:
        small_segments(cluster)
        write(cluster, "first", 20)
        kinds = [lambda p: flip(p, 2000), zero_pages, cut, empty, os.remove, no_directory, old_image]
        for number, damage in enumerate(kinds):
            replica = 1 + number % 3
            path = cluster.data(replica) + "/store/data.mdb"
            stop_one(cluster, replica)
            if damage is old_image:
                with open(path, "rb") as file, open(path + ".old", "wb") as copy:
                    copy.write(file.read())
                start_one(cluster, replica)
                write(cluster, "older", 40)
                stop_one(cluster, replica)
            write(cluster, f"away{number}", 2)
            damage(path)
            start_one(cluster, replica)
            write(cluster, f"back{number}", 20)
            wait_for_equal(cluster)
            check(log_count(cluster, replica, "event=state-complete") == 1 + number // 3,
                  f"damage {number}: replica {replica} did not say that it has its state again")
        check(os.path.exists(cluster.data(1) + "/store.damaged-1/data.mdb"), "the damaged store was not kept")
        end(cluster)


def two_of_three_stores_are_lost():
    """Nobody can lead before one of them has its state again; no person is needed."""
    with Cluster() as cluster:
        small_segments(cluster)
        write(cluster, "first", 60)
        wait_for_equal(cluster)
        cluster.stop()
        empty(cluster.data(1) + "/store/data.mdb")
        zero_pages(cluster.data(2) + "/store/data.mdb")
        flip(cluster.data(2) + "/store/data.mdb", 100)
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        write(cluster, "second", 5)
        wait_for_equal(cluster)
        for i in (1, 2):
            check(log_count(cluster, i, "event=state-complete") == 1, f"replica {i} lost nothing")
        end(cluster)


def store_is_damaged_while_running():
    """The file changes under a running replica: it notices when it reads, and begins again."""
    with Cluster() as cluster:
        small_segments(cluster)
        write(cluster, "first", 60)
        wait_for_equal(cluster)
        for number, damage in enumerate([lambda p: flip(p, 4000), zero_pages, cut, empty]):
            replica = 1 + number % 3
            damage(cluster.data(replica) + "/store/data.mdb")
            deadline = time.monotonic() + 60
            while log_count(cluster, replica, "event=began-again") < 1 + number // 3:
                check(time.monotonic() < deadline, f"damage {number}: replica {replica} did not begin again")
                # Reads and writes go where the damage is; nothing that they say may be wrong.
                listed = cluster.ctl("record", "list", "a.example", "--stale", status=None,
                                     endpoints=cluster.endpoint(replica))
                check(listed.returncode != 0 or listed.stdout.count("TXT") >= 60, f"replica {replica} lists:\n{listed.stdout}")
                cluster.ctl("record", "set", "a.example", "under", "60", "A", f"192.0.2.{dice.randrange(250)}", status=None)
                # What leads a search astray is not seen by it: the scrubber sees it.
                cluster.ctl("scrub", status=None, endpoints=cluster.endpoint(replica))
            write(cluster, f"back{number}-", 10)
            wait_for_equal(cluster)
        end(cluster)


def segments(cluster, replica):
    """Journal segments in use (the rest are prepared: nothing but heads and marks)."""
    used = []
    for path in sorted(glob.glob(cluster.data(replica) + "/journal/*.seg")):
        with open(path, "rb") as file:
            file.seek(12288)
            if any(file.read(512)):
                used.append(path)
    return used


def change_a_group(cluster, replica):
    """A bit in the first group of the oldest segment: far behind the tail."""
    with open(segments(cluster, replica)[0], "r+b") as file:
        file.seek(12288 + dice.randrange(12, 500))
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def cut_a_segment(cluster, replica):
    path = segments(cluster, replica)[0]
    os.truncate(path, os.path.getsize(path) // 2)


def remove_the_last_segment(cluster, replica):
    os.remove(segments(cluster, replica)[-1])


def remove_the_journal(cluster, replica):
    shutil.rmtree(cluster.data(replica) + "/journal")


def damage_both(cluster, replica):
    change_a_group(cluster, replica)
    empty(cluster.data(replica) + "/store/data.mdb")


def journal_is_damaged_while_down():
    """The voter does not vote with what is left: it takes a new incarnation, from all the others."""
    with Cluster() as cluster:
        small_segments(cluster)
        write(cluster, "first", 20)
        kinds = [change_a_group, cut_a_segment, remove_the_last_segment, remove_the_journal, damage_both]
        for number, damage in enumerate(kinds):
            replica = 1 + number % 3
            stop_one(cluster, replica)
            write(cluster, f"away{number}", 2)
            damage(cluster, replica)
            start_one(cluster, replica)
            write(cluster, f"back{number}", 12)
            wait_for_equal(cluster)
            check(cluster.status(replica)["voting"], f"damage {number}: replica {replica} does not vote again")
        check(glob.glob(cluster.data(2) + "/journal/*.aside"), "the damaged journal was not kept")
        shown = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(2), "journal", "--aside", status=1).stdout
        check("finding" in shown and "accept" in shown, f"the journal that was set aside:\n{shown[-1000:]}")
        cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(2), "log", "--aside", status=2)
        # Now each of them is needed for a majority once.
        for replica in (1, 2, 3):
            stop_one(cluster, replica)
            write(cluster, f"without{replica}", 2)
            start_one(cluster, replica)
            wait_for_equal(cluster)
        end(cluster)


def scrub(cluster, replica):
    """A pass of its own; what it found."""
    before = cluster.status(replica)["scrub"]["passes"]
    cluster.ctl("scrub", endpoints=cluster.endpoint(replica))
    while True:
        status = cluster.status(replica)
        if status["scrub"]["passes"] > before:
            return status["scrub"]


def change_the_journal(cluster, replica, last):
    with open(segments(cluster, replica)[-1 if last else 0], "r+b") as file:
        file.seek(12288 + dice.randrange(12, 500))
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def the_scrubber_finds_and_repairs():
    """Cold bytes that nobody reads: found by a pass, and replaced while the cluster serves."""
    with Cluster() as cluster:
        small_segments(cluster)
        write(cluster, "first", 30)
        wait_for_equal(cluster)
        for replica in (1, 2, 3):
            clean = scrub(cluster, replica)
            check(clean["findings"] == 0 and clean["rows"] > 100 and clean["records"] > 0, f"sound, and: {clean}")
        for number, last in enumerate((False, True, True)):
            replica = 1 + number
            voting_before = cluster.status(replica)["voting"]
            change_the_journal(cluster, replica, last)
            found = scrub(cluster, replica)
            check(found["findings"] > 0, f"replica {replica}: the journal's damage was not found: {found}")
            write(cluster, f"during{number}-", 4)
            while cluster.status(replica)["alarms"]:
                pass
            check(log_count(cluster, replica, "event=journal-repaired") == 1, "not repaired")
            check(voting_before and cluster.status(replica)["voting"], "it lost its vote")
            stop_one(cluster, replica)
            start_one(cluster, replica)
            wait_for_equal(cluster)
            check(log_count(cluster, replica, "journal=damaged") == 0, "the next start found damage")
        # Old values in the store, wherever they are: a byte in the middle of each.
        path = cluster.data(2) + "/store/data.mdb"
        with open(path, "r+b") as file:
            data = file.read()
            for match in re.finditer(rb"(a{250}|b{250}|c{250}|d{250})", data):
                file.seek(match.start() + 100)
                file.write(b"!")
        cluster.ctl("scrub", endpoints=cluster.endpoint(2))
        while log_count(cluster, 2, "event=began-again") == 0:
            pass
        wait_for_equal(cluster)
        check(scrub(cluster, 2)["findings"] == 0, "still damaged")
        end(cluster)


def replica_pid(cluster, replica):
    with open(f"{cluster.dir}/replica-{replica}/pid", encoding="ascii") as file:
        return int(file.read())


def the_policy_cannot_be_read():
    """A replica starts on a store with a newer version's policy, and has chosen slots behind it: it judges none, serves, and says why."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("policy", "set", "ttl_min=1")
        cluster.stop_equal()
        cluster.add_settings("store_commit_ms = 60000\nstore_commit_bytes = 67108864\nstore_commit_rows = 4294967295\n", (2,))
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        wait_for_equal(cluster)
        status = cluster.status(2)
        while status["stored"] < status["slot"]:  # the first that is applied after a start is stored at once; what follows, after a minute
            status = cluster.status(2)
        stored = status["slot"]
        write(cluster, "behind", 6)
        wait_for_equal(cluster)
        applied = cluster.status(2)["slot"]
        check(applied >= stored + 6, f"{stored} {applied}")
        stop_one(cluster, 2)
        cluster.run(f"{BIN}/test-tamper", cluster.data(2), "policy")
        start_one(cluster, 2)
        status = cluster.status(2)
        check(status["alarms"] == ["policy-unreadable"] and status["slot"] < applied, f"{status}")
        pid = replica_pid(cluster, 2)
        refused = cluster.ctl("record", "set", "a.example", "no", "60", "A", "192.0.2.1", endpoints=cluster.endpoint(2), status=None)
        check("READ_ONLY" in refused.stderr, f"{refused.returncode} {refused.stderr}")
        held = cluster.ctl("record", "list", "a.example", "--stale", endpoints=cluster.endpoint(2)).stdout
        check("ns1" in held and "behind0" not in held, held)
        write(cluster, "meanwhile", 3)
        check(cluster.status(2)["slot"] == status["slot"] and cluster.status(2)["alarms"] == ["policy-unreadable"], "it went on")
        check(replica_pid(cluster, 2) == pid and log_count(cluster, 2, "event=fatal") == 0, "it ended")
        stop_one(cluster, 2)
        cluster.run(f"{BIN}/test-tamper", cluster.data(2), "policy")
        start_one(cluster, 2)
        wait_for_equal(cluster)
        end(cluster)


main([the_policy_cannot_be_read, the_scrubber_finds_and_repairs, journal_is_damaged_while_down, store_is_damaged_while_running, store_is_damaged_while_down, two_of_three_stores_are_lost])
