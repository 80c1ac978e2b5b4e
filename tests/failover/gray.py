#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""gray.py [ROUNDS] - what one follower that is a hundred times slower costs the commits.

Three replicas whose links go through the relay. One client's commit latencies in turns: as it is, and with
every message to and from one follower delayed, so that its answer takes a hundred times the median of a commit.
The median over ROUNDS (5) of the ratio of both 99th percentiles is printed; above 1.5, or with another leader
than before, the status is 1. A measurement: for an idle machine, not for `make test`.
"""
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))
from badnet import BIN, RelayCluster  # noqa: E402

SECONDS = os.environ.get("RSM_SECONDS", "5")
GOAL = 1.5
SLOWER = 100


def commits(cluster, leader):
    out = cluster.run(f"{BIN}/rsm-bench", "run", "--endpoints", cluster.endpoint(leader), "--key", cluster.key, "--clients", "1",
                      "--seconds", SECONDS, "--floor-count", "0", "--force", "--output", "json").stdout
    return json.loads(out)["runs"][0]["write"]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    ratios = []
    with RelayCluster() as cluster:
        leader = cluster.leader()
        follower = next(i for i in (1, 2, 3) if i != leader)
        commits(cluster, leader)  # it is warm
        before = cluster.rounds()
        for _ in range(rounds):
            without = commits(cluster, leader)
            delay_ms = max(1, round(SLOWER * without["median_us"] / 2000))
            cluster.order("set", follower, 0, "delay", delay_ms)
            cluster.order("set", 0, follower, "delay", delay_ms)
            slow = commits(cluster, leader)
            cluster.heal()
            ratios.append(slow["p99_us"] / without["p99_us"])
            print(f"without: median {without['median_us']:.0f} us, p99 {without['p99_us']:.0f} us; replica {follower} slower by "
                  f"{2 * delay_ms} ms: median {slow['median_us']:.0f} us, p99 {slow['p99_us']:.0f} us; {ratios[-1]:.2f} times", flush=True)
            # Nobody calls for an election whom the delay alone keeps from hearing the leader.
            if cluster.leader() != leader or cluster.rounds() != before:
                print(f"another leader: {cluster.leader()}, ballot round {cluster.rounds()}, not {leader} and {before}")
                return 1
            cluster.await_that(lambda: (cluster.quick_status(follower) or {"slot": 0})["slot"] >= cluster.quick_status(leader)["slot"],
                               "it has caught up")
    ratio = statistics.median(ratios)
    print(f"p99 with one follower {SLOWER} times slower / without, median of {rounds}: {ratio:.2f} (goal: {GOAL})")
    return 0 if ratio <= GOAL else 1


sys.exit(main())
