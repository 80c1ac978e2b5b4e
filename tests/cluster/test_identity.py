#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replica that has lost its disk, its journal or its store's bytes never votes as the one it was."""
import glob
import json
import os
import shutil
import subprocess
import time

from harness import BIN, Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def await_log(cluster, replica, text):
    """Until the replica's log has the text: the only sign of a refused peer from outside."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if text in cluster.text_of_log(replica):
            return
        time.sleep(0.02)
    check(False, f"replica {replica} never logged {text!r}")


def wiped_disk():
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        shutil.rmtree(cluster.data(3))
        child = cluster.start_alone(3)
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


def change(cluster, name, *options, **how):
    return cluster.ctl("record", "set", "a.example", name, "60", "A", "192.0.2.2", *options, **how)


def await_voting(cluster, replica):
    """Until it votes again, and says so."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = cluster.status(replica)
        if status.get("voting") and not status["alarms"]:
            return
        time.sleep(0.02)
    check(False, f"replica {replica} does not vote: {cluster.status(replica)}")


def votes_again(cluster, replica):
    """It has its vote back: with it and one other there is a majority. All logs are equal."""
    await_voting(cluster, replica)
    other = replica % 3 + 1
    cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(other))
    change(cluster, "after", "--timeout", "20s")
    cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(other))
    await_voting(cluster, other)
    change(cluster, "last", "--timeout", "20s")
    cluster.settle()
    cluster.stop()
    cluster.verify_equal()


def with_journal(replica, damage):
    """Stops one replica, damages its journal's segments, starts it again."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        for i in range(20):
            change(cluster, f"n{i}")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(replica))
        change(cluster, "meanwhile", "--timeout", "20s")
        damage(sorted(glob.glob(cluster.data(replica) + "/journal/*.seg")))
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(replica))
        votes_again(cluster, replica)


def older_image():
    """A disk that is whole, and from yesterday: what it said since is known to the peers."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        image = cluster.work + "/image"
        shutil.copytree(cluster.data(3), image)
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
        for i in range(20):
            change(cluster, f"n{i}", endpoints=cluster.endpoint(3))
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        shutil.rmtree(cluster.data(3))
        shutil.copytree(image, cluster.data(3))
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3", status=None)
        await_log(cluster, 3, "event=memory-lost")
        await_log(cluster, 3, "event=rejoined")
        votes_again(cluster, 3)


def known_by_what_it_was():
    """Who missed that another one rejoined knows it by what it was before, and takes it: it says what it was."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        for i in range(20):
            change(cluster, f"n{i}")
        with open(cluster.data(1) + "/peers", "rb") as file:
            before = file.read()
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        flip_in_the_middle(sorted(glob.glob(cluster.data(3) + "/journal/*.seg")))
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
        await_voting(cluster, 3)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "1")
        with open(cluster.data(1) + "/peers", "rb") as file:
            check(file.read() != before, "replica 3 is what it was")
        with open(cluster.data(1) + "/peers", "wb") as file:
            file.write(before)
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "1")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
        change(cluster, "with-three", "--timeout", "20s")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")
        votes_again(cluster, 3)


def unlink_all(paths):
    for path in paths:
        os.unlink(path)


def flip_in_the_middle(paths, offset=700):
    with open(paths[0], "r+b") as file:
        file.seek(12288 + offset)
        byte = file.read(1)
        file.seek(12288 + offset)
        file.write(bytes([byte[0] ^ 0x10]))


def truncate(paths):
    os.truncate(paths[0], 12288 + 512)


def lost_journal():
    with_journal(3, unlink_all)


def damaged_journal():
    with_journal(2, flip_in_the_middle)


def truncated_journal():
    with_journal(1, truncate)


def waits_for_who_is_missing():
    """With one voter dead the exchange cannot end: it waits, says for whom, and does not vote."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "2")
        change(cluster, "a", "--timeout", "20s")
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        unlink_all(glob.glob(cluster.data(3) + "/journal/*.seg"))
        child = cluster.start_alone(3)
        await_log(cluster, 3, "rejoin-waits for=2")
        done = change(cluster, "b", "--timeout", "2s", status=None)
        check(done.returncode in (5, 124), f"status {done.returncode} without a majority:\n{done.stderr}")
        # Killed in the middle of it, it begins anew.
        child.kill()
        child.wait()
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "2")
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
        votes_again(cluster, 3)


def two_have_lost_something():
    """Of what two voters chose nobody knows: nothing is decided until one has its journal again."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        for i in range(20):
            change(cluster, f"n{i}")
        cluster.settle()
        for i in (1, 2, 3):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(i))
        kept = cluster.work + "/journal"
        shutil.copytree(cluster.data(2) + "/journal", kept)
        for i in (1, 2):
            flip_in_the_middle(sorted(glob.glob(cluster.data(i) + "/journal/*.seg")))
        children = [cluster.start_alone(i) for i in (1, 2, 3)]
        await_log(cluster, 1, "event=rejoin-blocked")
        await_log(cluster, 2, "event=rejoin-blocked")
        done = change(cluster, "x", "--timeout", "2s", status=None)
        check(done.returncode in (5, 124), f"status {done.returncode} with two losses:\n{done.stderr}")
        children[1].kill()
        children[1].wait()
        shutil.rmtree(cluster.data(2) + "/journal")
        shutil.copytree(kept, cluster.data(2) + "/journal")
        os.unlink(cluster.data(2) + "/doubt")
        for child in children:
            child.kill()
            child.wait()
        for i in (1, 2, 3):
            for path in glob.glob(cluster.data(i) + "/peers"):
                os.unlink(path)  # the person says that this is the same replica as before
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        for i in (1, 2, 3):
            await_voting(cluster, i)
        listed = cluster.ctl("record", "list", "a.example").stdout
        check(all(f"n{i}.a.example." in listed for i in range(20)), listed)
        votes_again(cluster, 1)


def journals(cluster, replica):
    return sorted(glob.glob(cluster.data(replica) + "/journal/*.seg"))


def kill_all(cluster, children=()):
    for child in children:
        child.kill()
        child.wait()
    if not children:
        # The leader last: two that outlive it elect another one, which fills a slot.
        leader = cluster.status(1)["leader"]
        for i in sorted((1, 2, 3), key=lambda i: i == leader):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(i))


def loss(cluster):
    """What rsm-dump says of the three directories: its exit status and lines."""
    done = subprocess.run([f"{BIN}/rsm-dump", "--dir", cluster.data(1), "--json", "loss", cluster.data(2), cluster.data(3)],
                          capture_output=True, text=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stdout + done.stderr


def await_noted(cluster):
    """Until each disk says that every applied slot is chosen: a replica notes that beside later writes."""
    deadline = time.monotonic() + 30
    while True:
        noted, applied = [[f(i) for i in (1, 2, 3)] for f in (lambda i: cluster.verify(i)[0], lambda i: cluster.status(i)["slot"])]
        if noted == applied and len(set(noted)) == 1:
            return
        check(time.monotonic() < deadline, f"applied {applied}, on disk as chosen {noted}")
        time.sleep(0.02)


def a_person_decides():
    """Two voters know of a loss: the tool says what is left, and with it one of them may go on."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        for i in range(20):
            change(cluster, f"n{i}")
        cluster.settle()
        await_noted(cluster)
        status, lines, text = loss(cluster)
        check(status == 0 and lines[-1]["nothing_lost"], f"running and whole: {text}")
        kept = lines[-1]["kept"]
        kill_all(cluster)
        status, lines, text = loss(cluster)
        check(status == 0 and lines[-1]["kept"] == kept, f"whole: {text}")
        flip_in_the_middle(journals(cluster, 1))
        status, lines, text = loss(cluster)
        check(status == 0 and lines[0]["lost"] and lines[-1]["nothing_lost"], f"one loss: {text}")
        flip_in_the_middle(journals(cluster, 2))
        status, lines, text = loss(cluster)
        of_all = next(line for line in lines if "kept" in line)
        check(status == 1 and of_all["kept"] == kept and not of_all["nothing_lost"], f"two losses: {text}")
        check(of_all["first_in_doubt"] > kept, text)
        children = [cluster.start_alone(i) for i in (1, 2, 3)]
        await_log(cluster, 1, "event=rejoin-blocked")
        kill_all(cluster, children)
        children = [cluster.start_alone(1, "--accept-loss")] + [cluster.start_alone(i) for i in (2, 3)]
        await_log(cluster, 1, "event=loss-accepted")
        for i in (1, 2, 3):
            await_voting(cluster, i)
        kill_all(cluster, children)
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        for i in (1, 2, 3):
            await_voting(cluster, i)
        listed = cluster.ctl("record", "list", "a.example").stdout
        check(all(f"n{i}.a.example." in listed for i in range(20)), listed)
        votes_again(cluster, 1)


def await_stored(cluster, replica, slot):
    deadline = time.monotonic() + 60
    while cluster.status(replica).get("stored", 0) < slot:
        check(time.monotonic() < deadline, f"replica {replica} did not store slot {slot}")
        time.sleep(0.02)


def old_damage_at_two():
    """What is gone at two voters, in different places, is for slots that their stores hold, as what
    stands behind it says: nobody has lost anything, and no person is needed."""
    with Cluster() as cluster:
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        for i in range(10):
            change(cluster, f"n{i}")
        for i in range(5):  # 1,024 slots each
            cluster.ctl("member", "update", "1", "--zone", f"place-{i}", "--wait", "60s")
        cluster.settle()
        for i in (1, 2, 3):
            await_stored(cluster, i, 5000)
        kill_all(cluster)
        flip_in_the_middle(journals(cluster, 1), 700)
        flip_in_the_middle(journals(cluster, 2), 4200)
        status, lines, text = loss(cluster)
        check(status == 0 and not any(line["lost"] for line in lines if "lost" in line), text)
        check(sum(line["journal"] == "damaged" for line in lines if "journal" in line) == 2, text)
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        for i in (1, 2, 3):
            await_voting(cluster, i)
        for i in (1, 2):
            await_log(cluster, i, "event=rejoined")
        votes_again(cluster, 1)


main([wiped_disk, lost_journal, older_image, known_by_what_it_was, damaged_journal, truncated_journal, waits_for_who_is_missing, two_have_lost_something,
      a_person_decides, old_damage_at_two])
