#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replica that was away for longer than snapshot_lag takes a snapshot, and is then as all others."""
import os
import time

from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def slots_equal(cluster):
    return len({cluster.status(i)["slot"] for i in (1, 2, 3)}) == 1


def is_installed(cluster):
    return "event=snapshot-installed" in cluster.text_of_log(3)


def catches_up_by_snapshot():
    with Cluster() as cluster:
        cluster.restart_with("snapshot_lag = 20\nstore_commit_ms = 20\n")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("zone", "create", "gone.example", "-", text=ZONE)
        cluster.ctl("policy", "set", "classes=standard/gone.example") # else a dead replica's vote is waited for
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        cluster.ctl("zone", "delete", "gone.example", "--yes")
        for i in range(60):
            cluster.ctl("record", "set", "a.example", f"n{i}", "60", "TXT", f'"{i}"')
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
        cluster.ctl("record", "set", "a.example", "after", "60", "A", "192.0.2.9", endpoints=cluster.endpoint(3))
        while not slots_equal(cluster):
            pass
        check(is_installed(cluster), "replica 3 caught up without a snapshot")
        listed = cluster.ctl("record", "list", "a.example", "--stale", endpoints=cluster.endpoint(3)).stdout
        check(listed.count("TXT") == 60, f"replica 3 lists:\n{listed}")
        cluster.ctl("record", "list", "gone.example", "--stale", endpoints=cluster.endpoint(3), status=3)
        history = cluster.ctl("record", "history", "a.example", "n59", "TXT", endpoints=cluster.endpoint(3)).stdout
        check('"59"' in history, history)
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()
        # And once more from its own disk.
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        cluster.ctl("record", "set", "a.example", "again", "60", "A", "192.0.2.10", endpoints=cluster.endpoint(3))


def interrupted():
    """Sender and receiver are killed in the middle of a transfer; a later one succeeds."""
    with Cluster() as cluster:
        cluster.restart_with("snapshot_lag = 20\nstore_commit_ms = 20\n")
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        # Some 20 MB of log: a transfer of hundreds of pieces.
        for i in range(40):
            lines = [f"m{k} 60 IN TXT " + " ".join(['"' + f"{i}-{k}-" + "x" * 200 + '"'] * 10) for k in range(250)]
            cluster.ctl("zone", "import", "a.example", "-", "--yes", "--timeout", "30s", text=ZONE + "\n".join(lines) + "\n")
        receiver = cluster.start_alone(3)
        interruptions = 0
        for victim in (1, 2, 3):
            before = cluster.text_of_log(3).count("event=snapshot-begins") - (victim == 1)
            while cluster.text_of_log(3).count("event=snapshot-begins") == before and not is_installed(cluster):
                pass
            interruptions += not is_installed(cluster)
            if victim == 3:
                receiver.kill()
                receiver.wait()
                cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3", status=None)
            else:
                cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", str(victim))
                cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", str(victim), status=None)
        check(interruptions > 0, "every transfer was over before it could be interrupted")
        print(f"note: {interruptions} transfers were interrupted")
        cluster.ctl("record", "set", "a.example", "after", "60", "A", "192.0.2.9", "--timeout", "30s")
        deadline = time.monotonic() + 60
        while not slots_equal(cluster) and time.monotonic() < deadline:
            time.sleep(0.02)
        check(slots_equal(cluster), "replica 3 never caught up")
        check(is_installed(cluster), "replica 3 caught up without a snapshot")
        check(not os.path.exists(cluster.data(3) + "/store.incoming"), "the incoming store is left over")
        cluster.settle()
        cluster.stop()
        cluster.verify_equal()


main([catches_up_by_snapshot, interrupted])
