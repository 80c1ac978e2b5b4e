#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts under load: of a whole site, of one, of two of three; a disk that is put back from an
older copy, one that hangs, one that is slow. See images.py for what is a power cut here. RSM_CUTS:
of a site, how often. A history has HISTORY cuts: each leaves changes whose outcome nobody knows, and the
search for an order takes twice as long with each of those.
"""
import glob
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from images import SIZE, ImageCluster, possible, sh  # noqa: E402
from badnet import KILL, TERM, Pace  # noqa: E402
from harness import check, main  # noqa: E402
from recorder import Recorder, check_logs  # noqa: E402

SEED = int(os.environ.get("RSM_SEED", "1"))
CUTS = int(os.environ.get("RSM_CUTS", "3"))
HISTORY = 25
A_CUT = 128 << 10  # of an image: what is written between two cuts, twice; on a full disk nothing is shown
WHY_NOT = possible()


def cut_a_site(**settings):
    if WHY_NOT:
        return WHY_NOT
    with ImageCluster(size=SIZE + CUTS * A_CUT, submit_timeout_ms=1000, **settings) as cluster:
        if any("event=journal-flush" in cluster.text_of_log(i) for i in (1, 2, 3)):
            return f"{settings} is not to be had here"
        acknowledged = {}
        for first in range(0, CUTS, HISTORY):
            recorder = Recorder(cluster, seed=SEED + first).start()
            for _ in range(first, min(first + HISTORY, CUTS)):
                recorder.take(80)
                cluster.cut_power((1, 2, 3))
                cluster.up(1, 2, 3)
            recorder.take(80)
            print("note:", recorder.finish())
            acknowledged.update(recorder.applied())
        check_logs(cluster, acknowledged)
    return None


def site():
    """All at once, again and again: each acknowledged command is there once, nobody is asked for help."""
    return cut_a_site()


def site_with_rings():
    """The same with writes that may outlive whoever made them."""
    return cut_a_site(journal_flush="io_uring")


def some():
    """One, the leader or not, or two of three."""
    if WHY_NOT:
        return WHY_NOT
    dice = random.Random(SEED)
    with ImageCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        for count in (1, 2) * CUTS:
            recorder.take(60)
            chosen = dice.sample((1, 2, 3), count)
            cluster.cut_power(chosen)
            cluster.up(*chosen)
        recorder.take(60)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def older_copy():
    """A disk put back as it was a while ago has forgotten votes: it is noticed, and harms nothing."""
    if WHY_NOT:
        return WHY_NOT
    with ImageCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(100)
        for replica in (1, 2, 3):
            cluster.cut_power((replica,))
            sh("cp", "--sparse=always", cluster.image(replica), cluster.image(replica, "old"))
            cluster.up(replica)
            recorder.take(100)
            cluster.signal(replica, KILL)
            cluster.await_end(replica)
            cluster.unmount(replica)
            os.replace(cluster.image(replica, "old"), cluster.image(replica))
            cluster.mount(replica)
            cluster.up(replica)
            recorder.take(100)
            cluster.await_that(lambda: (cluster.quick_status(replica) or {}).get("voting"), "it votes again")
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def hung_disk():
    """A disk that answers no more: the leader is replaced, and its process ends when its time is over,
    wherever it hangs; likewise one that is told to stop meanwhile."""
    if WHY_NOT:
        return WHY_NOT
    with ImageCluster(submit_timeout_ms=1000, flush_timeout_ms=2000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        for turn in range(CUTS + 1):
            recorder.take(60)
            replica = cluster.leader() if turn < CUTS else next(i for i in (1, 2, 3) if i != cluster.leader())
            others = [i for i in (1, 2, 3) if i != replica]
            before = cluster.text_of_log(replica).count("event=watchdog")
            cluster.freeze(replica)
            if turn == CUTS:
                cluster.signal(replica, TERM)
            cluster.leader(others)
            recorder.take(100)
            cluster.await_that(lambda: cluster.text_of_log(replica).count("event=watchdog") > before, "the watchdog speaks",
                               about=lambda: tasks(cluster.pid(replica)))
            cluster.thaw()
            cluster.await_that(lambda: not cluster.runs(replica), "the process has ended")
            cluster.up(replica)
        recorder.take(60)
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


def tasks(pid):
    """Where each thread of a process is in the kernel, for a failure's text."""
    found = []
    for task in glob.glob(f"/proc/{pid}/task/*"):
        try:
            with open(f"{task}/stack", encoding="ascii") as file:
                found.append(" ".join(line.split()[1] for line in file))
        except OSError as why:
            found.append(str(why))
    return "\n".join(found)


def slow_disk():
    """A follower's disk that stands still half of the time: commits go on, under the same leader."""
    if WHY_NOT:
        return WHY_NOT
    with ImageCluster(submit_timeout_ms=1000) as cluster:
        recorder = Recorder(cluster, seed=SEED).start()
        recorder.take(60)
        leader, before = cluster.leader(), cluster.rounds()
        follower = next(i for i in (1, 2, 3) if i != leader)
        with Pace(0.05, [lambda: cluster.freeze(follower), cluster.thaw]):
            recorder.take(200)
        cluster.thaw()
        cluster.await_that(lambda: (cluster.quick_status(follower) or {}).get("leader") == leader, "it follows")
        check(cluster.rounds() == before, "a slow disk of a follower moved the ballot")
        print("note:", recorder.finish())
        check_logs(cluster, recorder.applied())


main([site, site_with_rings, some, older_copy, hung_disk, slow_disk])
