#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two of three disks are gone: the third goes on alone when two persons sign it, and says so for ever."""
import glob
import json
import os
import re
import shutil
import subprocess
import time

from harness import BIN, Cluster, Failure, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\nwww 60 IN A 192.0.2.1\n"
PATIENCE_S = 60


def until(what, condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"never came: {what}")
        time.sleep(0.05)


def person(cluster, name, role, person_name=None):
    path = os.path.join(cluster.work, name + ".key")
    public = cluster.ctl("keygen", name, "--plain", "--out", path).stdout.strip()
    cluster.ctl("principal", "set", name, "--kind", "person", "--person", person_name or name, "--role", role, "--public-key", public)
    return path


def recover(cluster, *arguments, replica=3, status=0):
    return cluster.run(f"{BIN}/rsmd", "recover", "--config", f"{cluster.dir}/replica-{replica}/rsmd.conf", *arguments, status=status)


def approve(cluster, statement, key, name=None):
    """The person signs on a machine that knows nothing of the cluster."""
    path = os.path.join(cluster.work, (name or os.path.basename(key)) + ".approval")
    done = cluster.run(f"{BIN}/resilience-ctl", "recovery", "approve", statement, "--key", key, "--yes", cluster=False)
    with open(path, "w", encoding="ascii") as file:
        file.write(done.stdout)
    return path


def begin(cluster):
    keys = {"robot": cluster.automaton("robot", "rrset.change,a.example")}
    cluster.ctl("role", "set", "rescuer", "cluster.recover")
    for name in ("alice@company.com", "bob@company.com"):
        keys[name[:name.index("@")]] = person(cluster, name, "rescuer")
    keys["alice2"] = person(cluster, "alice-laptop", "rescuer", person_name="alice@company.com")
    keys["carol"] = person(cluster, "carol@company.com", "approver")
    cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
    cluster.settle()
    cluster.stop()
    return keys


def lose(cluster, replica):
    """Its disk is gone; a copy turns up later."""
    aside = os.path.join(cluster.work, f"old-{replica}")
    os.rename(cluster.data(replica), aside)
    return aside


def start(cluster, replica):
    cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(replica), cluster=False)


def text_of(done):
    return done.stdout + done.stderr


def signatures():
    """What does not suffice: one person, the same one twice, nobody's right, another statement, another disk."""
    with Cluster() as cluster:
        keys = begin(cluster)
        shown = recover(cluster).stdout
        for words in ("may be lost: every slot above", "goes on alone, in epoch 2", "replica 1 (", "replica 2 ("):
            check(words in shown, shown)
        check(recover(cluster).stdout == shown, "the same directory makes another statement")
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([f"{BIN}/rsmd", "recover", "--config", f"{cluster.dir}/replica-3/rsmd.conf"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        check(done.returncode == 1 and "stdout" in done.stderr, f"a statement that could not be written: {done.returncode} {done.stderr}")
        statement = cluster.write("statement", shown)
        good = {name: approve(cluster, statement, keys[name]) for name in ("alice", "bob", "alice2", "carol", "robot")}
        mallory = os.path.join(cluster.work, "bob@company.com.other.key")
        cluster.ctl("keygen", "bob@company.com", "--plain", "--out", mallory)
        good["mallory"] = approve(cluster, statement, mallory)
        other = cluster.write("other", recover(cluster, replica=2).stdout)
        good["elsewhere"] = approve(cluster, other, keys["bob"], "elsewhere")
        with open(good["bob"], encoding="ascii") as file:
            text = file.read()
        digit = "1" if text[-2] == "0" else "0"
        good["edited"] = cluster.write("edited", text[:-2] + digit + "\n")
        cases = [((), "two persons sign"), (("alice",), "two persons sign"), (("alice", "alice"), "by the same principal"),
                 (("alice", "alice2"), "is the same person as another one"), (("alice", "carol"), "no role of carol@company.com grants"),
                 (("alice", "robot"), "robot is no person"), (("alice", "mallory"), "no key of bob@company.com has signed"),
                 (("alice", "edited"), "no key of bob@company.com has signed"), (("alice", "elsewhere"), "it was signed for another directory"),
                 (("alice", "bob", "carol"), "no role of carol@company.com grants")]
        for names, why in cases:
            options = [word for name in names for word in ("--approval", good[name])]
            said = text_of(recover(cluster, "--force", *options, status=1))
            check(why in said, f"{names}: {said}")
            check(not os.path.exists(os.path.join(cluster.data(3), "recovery")), f"{names} was taken")
        edited = cluster.write("edited-statement", shown.replace("statement = 99", "statement = 98"))
        done = cluster.run(f"{BIN}/resilience-ctl", "recovery", "approve", edited, "--key", keys["alice"], "--yes", cluster=False, status=None)
        check(done.returncode != 0 and "or it was changed" in done.stderr, text_of(done))
        os.chmod(keys["alice"], 0o644)
        done = cluster.run(f"{BIN}/resilience-ctl", "recovery", "approve", statement, "--key", keys["alice"], "--yes", cluster=False, status=None)
        check(done.returncode != 0 and "others can read" in done.stderr, text_of(done))
        os.chmod(keys["alice"], 0o600)
        # It runs again, and learns more: what was signed is of yesterday.
        cluster.ctl("dev", "up", "--dir", cluster.dir, cluster=False)
        until("a change", lambda: cluster.ctl("record", "set", "a.example", "more", "60", "A", "192.0.2.9", status=None).returncode == 0)
        said = text_of(recover(cluster, status=1))
        check("a running rsmd has it" in said, said)
        cluster.settle()
        cluster.stop()
        said = text_of(recover(cluster, "--force", "--approval", good["alice"], "--approval", good["bob"], status=1))
        check("it was signed for another directory, or for this one as it was before" in said, said)
        # What stands in the place of a signed recovery and is none stops the start, not the caution.
        for content in (b"", b"nothing that was signed", bytes(5000)):
            with open(os.path.join(cluster.data(3), "recovery"), "wb") as file:
                file.write(content)
            done = cluster.run(f"{BIN}/rsmd", "--config", f"{cluster.dir}/replica-3/rsmd.conf", status=1)
            check("event=not-started" in done.stderr and "recovery" in done.stderr, f"{content[:20]}: {done.stderr}")


def refused_as(cluster, replica, words):
    return words in cluster.text_of_log(replica)


def two_of_three():
    with Cluster() as cluster:
        keys = begin(cluster)
        old = {1: lose(cluster, 1), 2: lose(cluster, 2)}
        statement = cluster.write("statement", recover(cluster).stdout)
        approvals = [approve(cluster, statement, keys[name]) for name in ("bob", "alice")]
        said = recover(cluster, "--force", "--approval", approvals[0], "--approval", approvals[1]).stdout
        check("goes on alone" in said, said)
        start(cluster, 3)
        third = cluster.endpoint(3)
        until("it is ready", lambda: cluster.status(3).get("ready"))
        until("the log says it", lambda: cluster.status(3)["epoch"] == 2)
        status = cluster.status(3)
        check(status["recovery"]["signers"] == ["alice@company.com", "bob@company.com"], status["recovery"])
        check([p["replica"] for p in status["peers"]] == [], status["peers"])
        check("RECOVERED BY FORCE: epoch 2" in cluster.ctl("status", endpoints=third).stdout, "status does not show it")
        # What it had is there; automata stand still, people do not.
        check("192.0.2.1" in cluster.ctl("record", "get", "a.example", "www", "A", endpoints=third).stdout, "content")
        robots = ("record", "set", "a.example", "robot", "60", "A", "192.0.2.7")
        said = text_of(cluster.ctl(*robots, key=keys["robot"], endpoints=third, status=4))
        check("refused by frozen" in said and "recovered-2" in said, said)
        cluster.ctl("record", "set", "a.example", "human", "60", "A", "192.0.2.8", endpoints=third)
        cluster.ctl("automation", "resume", "--id", "recovered-2", "--reason", "looked at everything", endpoints=third)
        cluster.ctl(*robots, key=keys["robot"], endpoints=third)
        # The old disks come back: one that is alone, then both, as learners whom nobody hears.
        os.rename(old[1], cluster.data(1))
        child = cluster.start_alone(1)
        until("the old disk is refused", lambda: refused_as(cluster, 1, "no member of the cluster"))
        said = cluster.ctl("status", endpoints=cluster.endpoint(1), status=None).stdout
        check("REFUSED, it and replica 3: no member of the cluster" in said, said)
        check("REFUSED" not in cluster.ctl("status", endpoints=third).stdout, "it is well")
        slot = cluster.status(3)["slot"]
        check(cluster.status(1)["slot"] < slot, "the old disk was told something")
        check(cluster.ctl("record", "set", "a.example", "old", "60", "A", "192.0.2.6", endpoints=cluster.endpoint(1), status=None).returncode != 0,
              "the old disk alone takes a change")
        done = cluster.ctl("member", "add", cluster.endpoint(1), endpoints=third, status=4)
        check("incarnation-used" in text_of(done), text_of(done))
        child.kill()
        child.wait()
        # New disks under the old numbers: three again.
        shutil.rmtree(cluster.data(1))
        newcomers = {}
        for replica in (1, 2):
            newcomers[replica] = cluster.start_alone(replica)
            until("it answers", lambda replica=replica: "error" not in cluster.status(replica))
            cluster.ctl("member", "add", cluster.endpoint(replica), endpoints=third)
            cluster.ctl("member", "promote", str(replica), endpoints=third)
        until("three are ready", lambda: all(cluster.status(i).get("ready") and cluster.status(i)["voting"] for i in (1, 2, 3)))
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3", cluster=False)
        until("a change without it", lambda: cluster.ctl("record", "set", "a.example", "new", "60", "A", "192.0.2.5", status=None).returncode == 0)
        # The disk with number 2 turns up, while another has its number.
        newcomers[2].kill()
        newcomers[2].wait()
        shutil.rmtree(cluster.data(2))
        os.rename(old[2], cluster.data(2))
        start(cluster, 3)
        child = cluster.start_alone(2)
        until("the second old disk is refused", lambda: refused_as(cluster, 2, "another incarnation"))
        until("it goes on", lambda: cluster.ctl("record", "set", "a.example", "end", "60", "A", "192.0.2.4", status=None).returncode == 0)
        check(cluster.status(2)["slot"] < cluster.status(3)["slot"], "the second old disk was told something")
        child.kill()
        child.wait()
        cluster.settle((1, 3))
        newcomers[1].terminate()
        newcomers[1].wait()
        cluster.stop()
        for replica in (1, 3):
            said = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(replica), "verify").stdout
            check("recovered by force: epoch 2, by replica 3 in slot" in said and "signed by alice@company.com bob@company.com" in said, said)
        lines = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(3), "export", "audit").stdout.splitlines()
        found = [item for item in map(json.loads, lines) if item.get("kind") == "cluster.recover"]
        check(len(found) == 1 and found[0]["verdict"] == "applied" and found[0]["author"] == "replica:3", found)


def again():
    """A crash at the first start does no harm, a second recovery is epoch 3, and the signed file counts once."""
    with Cluster() as cluster:
        keys = begin(cluster)
        lose(cluster, 1)
        lose(cluster, 2)
        for epoch in (2, 3):
            statement = cluster.write("statement", recover(cluster).stdout)
            check(f"in epoch {epoch}" in open(statement, encoding="utf-8").read(), "the epoch")
            options = [word for name in ("alice", "bob") for word in ("--approval", approve(cluster, statement, keys[name]))]
            recover(cluster, "--force", *options)
            for _ in range(2):
                start(cluster, 3)
                cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3", cluster=False)
            start(cluster, 3)
            until("the log says it", lambda epoch=epoch: cluster.status(3).get("epoch") == epoch)
            cluster.ctl("record", "set", "a.example", f"in{epoch}", "60", "A", "192.0.2.8", endpoints=cluster.endpoint(3))
            cluster.stop()
            said = text_of(recover(cluster, "--force", *options, status=1))
            check("it was signed for another directory" in said, said)
        said = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(3), "verify").stdout
        check(said.count("recovered by force: epoch") == 2, said)


def go_on_alone(cluster, keys):
    """Replica 3, signed by two persons; the disks of the others are aside."""
    statement = cluster.write("statement", recover(cluster).stdout)
    options = [word for name in ("alice", "bob") for word in ("--approval", approve(cluster, statement, keys[name]))]
    recover(cluster, "--force", *options)
    start(cluster, 3)
    until("the log says it", lambda: cluster.status(3).get("epoch") == 2)


def takes_a_change(cluster, replica):
    return cluster.ctl("record", "set", "a.example", "more", "60", "A", "192.0.2.9", "--timeout", "2s", endpoints=cluster.endpoint(replica), status=None).returncode == 0


def ended(child):
    child.kill()
    child.wait()


def both_old_return():
    """Two that were only away are a majority of what they know; they hear of the new epoch, and stop by themselves."""
    with Cluster() as cluster:
        keys = begin(cluster)
        old = {1: lose(cluster, 1), 2: lose(cluster, 2)}
        go_on_alone(cluster, keys)
        for replica, path in old.items():
            os.rename(path, cluster.data(replica))
        children = [cluster.start_alone(replica) for replica in (1, 2)]
        for replica in (1, 2):
            until("it hears of it", lambda replica=replica: "left-behind" in cluster.status(replica).get("alarms", []))
            check("event=left-behind replica=3 epoch=2" in cluster.text_of_log(replica), cluster.text_of_log(replica))
        until("no majority is left", lambda: all("no-quorum" in cluster.status(replica)["alarms"] for replica in (1, 2)))
        check(not takes_a_change(cluster, 1) and not takes_a_change(cluster, 2), "the old majority goes on")
        check(takes_a_change(cluster, 3) and cluster.status(3)["alarms"] == [], "the new one does not")
        said = cluster.ctl("status", endpoints=cluster.endpoint(1), status=None).stdout
        check("LEFT BEHIND" in said and "192.0.2.1" in cluster.ctl("record", "get", "a.example", "www", "A", "--stale", endpoints=cluster.endpoint(1)).stdout, said)
        # They know it still when the other is away, and pass it on to one that never reached it.
        for child in children:
            ended(child)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3", cluster=False)
        os.remove(os.path.join(cluster.data(2), "left-behind"))
        children = [cluster.start_alone(replica) for replica in (1, 2)]
        for replica in (1, 2):
            until("it knows it still", lambda replica=replica: "left-behind" in cluster.status(replica).get("alarms", []))
        check(not takes_a_change(cluster, 1) and not takes_a_change(cluster, 2), "the old majority goes on without the new one")
        for child in children:
            ended(child)
        # Neither may be recovered by force, unless persons say that the other is gone as well; then they go on as they were.
        said = text_of(recover(cluster, replica=1, status=1))
        check("another replica goes on without this disk" in said, said)
        for replica in (1, 2):
            os.remove(os.path.join(cluster.data(replica), "left-behind"))
        check("goes on alone, in epoch 2" in recover(cluster, replica=1).stdout, "a recovery after all")
        children = [cluster.start_alone(replica) for replica in (1, 2)]
        until("the old ones are a cluster again", lambda: takes_a_change(cluster, 1))
        for child in children:
            ended(child)


def signed_by_nobody():
    """What is in the file is held against the persons of the state: another's signature stops no replica."""
    with Cluster() as cluster:
        keys = begin(cluster)
        aside = {1: lose(cluster, 1), 2: lose(cluster, 2)}
        statement = cluster.write("statement", recover(cluster).stdout)
        options = [word for name in ("alice", "bob") for word in ("--approval", approve(cluster, statement, keys[name]))]
        recover(cluster, "--force", *options)
        with open(os.path.join(cluster.data(3), "recovery"), "rb") as file:
            body = file.read()
        os.remove(os.path.join(cluster.data(3), "recovery"))
        for replica, path in aside.items():
            os.rename(path, cluster.data(replica))
        # Good; one signature changed; one in the place of the other; and one that names another disk.
        flipped = body[:-1] + bytes([body[-1] ^ 1])
        for content, is_left in ((body, True), (flipped, False), (body[:-64] + body[-149:-85], False), (b"x", False)):
            with open(os.path.join(cluster.data(1), "left-behind"), "wb") as file:
                file.write(content)
            child = cluster.start_alone(1)
            until("it answers", lambda: "error" not in cluster.status(1))
            check(("left-behind" in cluster.status(1)["alarms"]) == is_left, f"{content[:40]}: {cluster.status(1)['alarms']}")
            ended(child)
        with open(os.path.join(cluster.data(3), "left-behind"), "wb") as file:
            file.write(body)
        child = cluster.start_alone(3)
        until("it answers", lambda: "error" not in cluster.status(3))
        check("left-behind" not in cluster.status(3)["alarms"], "the one that shall go on is left behind")
        ended(child)


def spoil_a_group(cluster):
    """A bit in the first group of the oldest segment, which has a whole group behind it."""
    with open(sorted(glob.glob(cluster.data(3) + "/journal/*.seg"))[0], "r+b") as file:
        file.seek(12288 + 60)
        byte = file.read(1)
        file.seek(12288 + 60)
        file.write(bytes([byte[0] ^ 1]))


def lose_the_journal(cluster):
    for path in glob.glob(cluster.data(3) + "/journal/*"):
        os.remove(path)


def lose_the_store(cluster):
    shutil.rmtree(cluster.data(3) + "/store")
    os.mkdir(cluster.data(3) + "/store", 0o700)


def damaged_survivors():
    """The last disk is hurt itself: it says so, and goes on with what its store has; without that it says why not."""
    for spoil in (spoil_a_group, lose_the_journal):
        with Cluster() as cluster:
            keys = begin(cluster)
            spoil(cluster)
            lose(cluster, 1)
            lose(cluster, 2)
            shown = recover(cluster).stdout
            check("This disk's journal is damaged or uncertain" in shown, f"{spoil.__name__}: {shown}")
            statement = cluster.write("statement", shown)
            options = [word for name in ("alice", "bob") for word in ("--approval", approve(cluster, statement, keys[name]))]
            recover(cluster, "--force", *options)
            start(cluster, 3)
            until("the log says it", lambda: cluster.status(3).get("epoch") == 2)
            until("it votes, without an alarm", lambda: cluster.status(3)["voting"] and cluster.status(3)["alarms"] == [])
            cluster.ctl("record", "set", "a.example", "after", "60", "A", "192.0.2.8", endpoints=cluster.endpoint(3))
            cluster.stop()
            said = cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(3), "verify").stdout
            check("recovered by force: epoch 2" in said, said)
    with Cluster() as cluster:
        begin(cluster)
        lose_the_store(cluster)
        lose_the_journal(cluster)
        said = text_of(recover(cluster, status=1))
        check("no slot was ever applied here" in said or "its store lacks slots" in said, said)


def much_is_in_the_journal_alone():
    """Killed before its store had any of it, the last disk has all that its journal says, whatever a commit takes."""
    with Cluster() as cluster:
        keys = begin(cluster)
        for replica in (1, 2, 3):
            cluster.add_settings("store_commit_ms = 60000\n", (replica,))
        cluster.ctl("dev", "up", "--dir", cluster.dir, cluster=False)
        records = "".join(f"host{i} 60 IN TXT \"{'x' * 200}\"\n" for i in range(100))
        until("a change", lambda: cluster.ctl("zone", "create", "b.example", "-", text=ZONE + records, status=None).returncode == 0)
        cluster.settle()
        slot = cluster.status(1)["slot"]
        for name in ("later", "last"):  # that a slot is chosen stands in the journal with what comes behind it
            cluster.ctl("record", "set", "b.example", name, "60", "A", "192.0.2.8")
        cluster.settle()
        for replica in (1, 2, 3):
            cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(replica), cluster=False)
        lose(cluster, 1)
        lose(cluster, 2)
        cluster.add_settings("store_commit_bytes = 4096\n", (3,))
        shown = recover(cluster).stdout
        check(int(re.search("from slot ([0-9]+), entry head", shown)[1]) >= slot, f"slot {slot}: {shown}")
        statement = cluster.write("statement", shown)
        options = [word for name in ("alice", "bob") for word in ("--approval", approve(cluster, statement, keys[name]))]
        recover(cluster, "--force", *options)
        start(cluster, 3)
        until("the log says it", lambda: cluster.status(3).get("epoch") == 2)
        check("xxxx" in cluster.ctl("record", "get", "b.example", "host99", "TXT", endpoints=cluster.endpoint(3)).stdout, "content")
        cluster.stop()
        cluster.run(f"{BIN}/rsm-dump", "--dir", cluster.data(3), "verify")


if __name__ == "__main__":
    main([signatures, two_of_three, again, both_old_return, signed_by_nobody, damaged_survivors, much_is_in_the_journal_alone])
