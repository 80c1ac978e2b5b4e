#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replica that was away for longer than snapshot_lag takes a snapshot, and is then as all others."""
from harness import Cluster, check, main

ZONE = "@ 60 IN SOA ns1 admin 1 60 60 600 60\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"


def slots_equal(cluster):
    return len({cluster.status(i)["slot"] for i in (1, 2, 3)}) == 1


def catches_up_by_snapshot():
    with Cluster() as cluster:
        for i in (1, 2, 3):
            with open(f"{cluster.dir}/replica-{i}/rsmd.conf", "a", encoding="ascii") as file:
                file.write("snapshot_lag = 20\nstore_commit_ms = 20\n")
        cluster.stop()
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        cluster.ctl("zone", "create", "a.example", "-", text=ZONE)
        cluster.ctl("zone", "create", "gone.example", "-", text=ZONE)
        cluster.ctl("dev", "kill", "--dir", cluster.dir, "--replica", "3")
        cluster.ctl("zone", "delete", "gone.example", "--yes")
        for i in range(60):
            cluster.ctl("record", "set", "a.example", f"n{i}", "60", "TXT", f'"{i}"')
        cluster.ctl("dev", "start", "--dir", cluster.dir, "--replica", "3")
        cluster.ctl("record", "set", "a.example", "after", "60", "A", "192.0.2.9", endpoints=cluster.endpoint(3))
        while not slots_equal(cluster):
            pass
        with open(f"{cluster.dir}/replica-3/log", encoding="utf-8") as file:
            check("event=snapshot-installed" in file.read(), "replica 3 caught up without a snapshot")
        listed = cluster.ctl("record", "list", "a.example", "--stale", endpoints=cluster.endpoint(3)).stdout
        check(listed.count("TXT") == 60, f"replica 3 lists:\n{listed}")
        cluster.ctl("record", "list", "gone.example", "--stale", endpoints=cluster.endpoint(3), status=3)
        history = cluster.ctl("record", "history", "a.example", "n59", "TXT", endpoints=cluster.endpoint(3)).stdout
        check('"59"' in history, history)
        cluster.stop()
        verified = [cluster.verify(i) for i in (1, 2, 3)]
        check(all(v == verified[0] for v in verified), f"heads differ: {verified}")
        # And once more from its own disk.
        cluster.ctl("dev", "up", "--dir", cluster.dir)
        cluster.ctl("record", "set", "a.example", "again", "60", "A", "192.0.2.10", endpoints=cluster.endpoint(3))


main([catches_up_by_snapshot])
