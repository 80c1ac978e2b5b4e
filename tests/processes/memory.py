# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of replicas that run for long, and whether it is flat.

What is looked at is a process's own memory (RssAnon). Pages of files are not in it: the store is mapped, grows
with the log, and the kernel takes its pages back when it needs them. What LMDB keeps is in it: presumably pages of its largest
transaction so far, which become a few more as the tree becomes deeper.

The rule, for each replica of a cluster that writes and is otherwise left alone: of the samples in the order of
time, the first quarter is the start (caches fill, the first segments are made). The median of the last quarter is
at most 5 % and 1 MiB above the median of the second. Fewer than 40 samples say nothing, which is a failure. In a
cluster with faults replicas start anew all the time; there no sample may be above MOST_KIB.
"""
import statistics

SAMPLES_LEAST = 40
MOST_KIB = 32 << 10
GROWTH = 1.05
SLACK_KIB = 1 << 10


def own_kib(pid):
    """None: it is not there (any more), or ends just now."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def why_not_flat(samples):
    """None: it is flat. Else what is wrong, in words."""
    if len(samples) < SAMPLES_LEAST:
        return f"{len(samples)} samples of memory are too few, {SAMPLES_LEAST} are the least"
    quarter = len(samples) // 4
    early = statistics.median(samples[quarter:2 * quarter])
    late = statistics.median(samples[-quarter:])
    if late > early * GROWTH + SLACK_KIB:
        return f"memory grew from {early:.0f} to {late:.0f} KiB, of {len(samples)} samples"
    return None


class Memory:
    """Samples of the replicas of one cluster."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.of = {i: [] for i in range(1, cluster.replicas + 1)}

    def take(self):
        """What is above the most, in words; None: nothing is."""
        for replica, samples in self.of.items():
            kib = own_kib(self.cluster.pid(replica))
            if kib is not None:
                samples.append(kib)
                if kib > MOST_KIB:
                    return f"replica {replica} has {kib} KiB of its own, {MOST_KIB} are the most"
        return None

    def highest(self):
        return max((max(samples) for samples in self.of.values() if samples), default=0)

    def why_not_flat(self):
        for replica, samples in self.of.items():
            why = why_not_flat(samples)
            if why:
                return f"replica {replica}: {why}"
        return None
