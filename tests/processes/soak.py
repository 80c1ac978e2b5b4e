#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A random mix of faults for RSM_MINUTES: links, stops, kills, power cuts, clocks, full disks.

Phases of some faults each; after each phase the faults end and everybody must be served again. The
history of each phase is judged; at the end every log verifies, all are equal, and every command
that was acknowledged is there exactly once. RSM_SEED repeats the order of the faults (not their
moments). With root also power cuts and full file systems, else what goes without.

The last sixth of the time (two minutes at least) is a cluster without faults under the same load: the
memory of each replica has to be flat (memory.py has the rule). With faults it has to stay below its most.
"""
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import images  # noqa: E402
from badnet import CONTINUE, KILL, STOP, RelayCluster, check, relayed  # noqa: E402
from harness import Failure, main  # noqa: E402
from memory import Memory  # noqa: E402
from recorder import Recorder, check_logs  # noqa: E402

SEED = int(os.environ.get("RSM_SEED", "1"))
MINUTES = float(os.environ.get("RSM_MINUTES", "60"))
SLOTS_A_WORLD = 10000  # an image of 64 MiB holds some 30,000
CALLS = 60  # answered, between one fault and the next
HOUR = 3600 * 1000
STEADY_SECONDS_LEAST = 120
STEADY_CALLS = 200  # between one sample of the memory and the next
STEADY_SAMPLES = 40  # in one history


class World(images.ImageCluster):
    """Replicas in images (when that is possible) whose links go through the relay."""

    start_relay, order = RelayCluster.start_relay, RelayCluster.order
    cut, isolate, heal_links = RelayCluster.cut, RelayCluster.isolate, RelayCluster.heal

    def __init__(self, has_images):
        super().__init__(3, submit_timeout_ms=1000, clock_offset_file="clock", snapshot_lag=2000)
        self.has_images = has_images
        self.stopped = set()
        self.relay = None
        self.counts = {}

    def freeze(self, replica):
        if replica not in self.frozen:
            super().freeze(replica)

    def data(self, replica):
        return super().data(replica) if self.has_images else f"{self.dir}/replica-{replica}/data"

    def __enter__(self):
        members, routes = relayed(self.replicas)
        try:
            self.make(members)
            for i in members:
                self.set_clock(i, 0)
                if self.has_images:
                    self.into_image(i)
            self.start_relay(routes)
            self.ctl("dev", "up", "--dir", self.dir, cluster=False)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    # ---- faults; each leaves something that mend() ends ----

    def fault_stop(self, dice):
        one = dice.choice((1, 2, 3))
        if self.runs(one):
            self.stopped.add(one)
            self.signal(one, STOP)

    def fault_kill_one(self, dice):
        self.kill_9([dice.choice((1, 2, 3))])

    def fault_kill_all(self, _):
        self.kill_9((1, 2, 3))

    def kill_9(self, replicas):
        running = [i for i in replicas if self.runs(i)]
        for i in running:
            self.signal(i, KILL)
        self.thaw()  # who waits for a disk does not die
        for i in running:
            self.await_end(i)

    def fault_hung_disk(self, dice):
        self.freeze(dice.choice((1, 2, 3)))

    def fault_cut_off(self, dice):
        self.isolate(dice.choice((1, 2, 3)), dice.choice(("out", "in", "both")))

    def fault_links(self, dice):
        for _ in range(dice.randint(1, 3)):
            self.cut(*dice.sample((1, 2, 3), 2))

    def fault_slow(self, dice):
        self.order("set", *dice.sample((1, 2, 3), 2), "delay", dice.choice((5, 30, 100)))
        self.order("set", *dice.sample((1, 2, 3), 2), "rate", dice.choice((20000, 125000)))

    def fault_bytes(self, dice):
        self.order("set", 0, 0, "flip", dice.choice((5000, 50000)))
        self.order("set", *dice.sample((1, 2, 3), 2), "single", 1)

    def fault_break(self, dice):
        self.order("do", dice.choice((0, 1, 2, 3)), dice.choice((0, 1, 2, 3)), dice.choice(("reset", "half", "garbage")))

    def fault_clock(self, dice):
        self.set_clock(dice.choice((1, 2, 3)), dice.choice((-HOUR, HOUR, -87600 * HOUR, 87600 * HOUR)))

    def fault_power_cut(self, dice):
        chosen = dice.sample((1, 2, 3), dice.randint(1, 3))
        self.go_on()
        self.thaw()
        self.cut_power([i for i in chosen if self.runs(i)])

    def fault_full_disk(self, dice):
        one = dice.choice([i for i in (1, 2, 3) if i not in self.frozen])
        try:
            with open(f"{self.place(one)}/filler", "ab", buffering=0) as file:
                while True:
                    file.write(b"\0" * 65536)
        except OSError:
            pass

    # ---- the end of faults ----

    def go_on(self):
        for i in list(self.stopped):
            self.stopped.discard(i)
            if self.runs(i):
                self.signal(i, CONTINUE)

    def mend(self):
        self.go_on()
        self.thaw()
        self.heal_links()
        for i in (1, 2, 3):
            self.set_clock(i, 0)
            if self.has_images and os.path.exists(f"{self.place(i)}/filler"):
                os.unlink(f"{self.place(i)}/filler")
        self.up(1, 2, 3)
        self.await_that(lambda: all((self.quick_status(i) or {}).get("voting") for i in (1, 2, 3)), "all vote again", 60)
        target = max(self.quick_status(i)["slot"] for i in (1, 2, 3))
        self.await_that(lambda: all((self.quick_status(i) or {"slot": 0})["slot"] >= target for i in (1, 2, 3)),
                        f"all are at slot {target}", 60)

    def faults(self):
        names = sorted(name for name in dir(self) if name.startswith("fault_"))
        if not self.has_images:
            names = [name for name in names if name not in ("fault_power_cut", "fault_full_disk", "fault_hung_disk")]
        return names


def keep_logs(world):
    """For whoever looks into a failure: RSM_KEEP names a folder."""
    folder = os.environ.get("RSM_KEEP")
    for i in (1, 2, 3) if folder else ():
        name = os.path.join(folder, f"{os.path.basename(world.dir.removesuffix('/cluster'))}-log-{i}")
        with open(name, "w", encoding="utf-8") as file:
            file.write(world.text_of_log(i))


def check_phase(world, applied, what, recorder):
    """What this phase was told is in the logs of all; else what stands there instead is shown."""
    first = min((slot for slot, _ in applied.values()), default=0)
    for replica in (1, 2, 3) if applied else ():
        found, slots = {}, {}
        for line in world.ctl("log", "tail", "--from", str(first), "--output", "jsonl",
                              endpoints=world.endpoint(replica)).stdout.splitlines():
            entry = json.loads(line)
            slots[entry["slot"]] = entry
            for verdict in entry.get("verdicts", []):
                if verdict["verdict"] == "applied" and not verdict.get("duplicate"):
                    found.setdefault((verdict["author"], verdict["counter"]), []).append(entry["slot"])
        for name, (slot, token) in applied.items():
            if found.get(name) == [slot]:
                continue
            near = [f"{s} {slots[s]}" for s in range(slot - 2, slot + 3) if s in slots]
            mine = {n[1]: s for n, s in found.items() if n[0] == name[0] and abs(n[1] - name[1]) < 4}
            keep_logs(world)
            raise Failure(f"{what}: replica {replica}: {name} ({token}) acknowledged in slot {slot}, found in "
                          f"{found.get(name)}; its author: {mine}; history kept: {recorder.keep()}; there: " + "\n".join(near))


def phase(world, seed, acknowledged):
    """Some faults, drawn for this phase alone; some of them one on top of the other."""
    dice = random.Random(seed)
    chosen = dice.sample(world.faults(), dice.randint(2, 5))
    recorder = Recorder(world, clients=6, keys=3, seed=seed).start()
    recorder.take(CALLS)
    done = []
    try:
        for _ in range(dice.randint(3, 8)):
            for _ in range(dice.choice((1, 1, 1, 2))):
                name = dice.choice(chosen)
                done.append(name[6:])
                world.counts[name[6:]] = world.counts.get(name[6:], 0) + 1
                getattr(world, name)(dice)
            # Stale reads go on whatever is broken, if anybody is there at all.
            try:
                recorder.take(CALLS, 3)
            except Failure as failure:
                check("only" in str(failure), str(failure))
            world.mend()
            recorder.take(CALLS)
        recorder.finish()
    except Failure as failure:
        keep_logs(world)
        raise Failure(f"seed {seed}, after {', '.join(done)}: {failure}") from failure
    applied = recorder.applied()
    check_phase(world, applied, f"seed {seed}, after {', '.join(done)}", recorder)
    acknowledged.update(applied)
    with open(recorder.path, encoding="ascii") as file:
        calls = sum(line.startswith("call") for line in file)
    os.unlink(recorder.path)
    return calls


def one_world(has_images, seed, end):
    """Phases in one cluster until the time is over, or its images begin to fill: the log is kept whole."""
    acknowledged, calls = {}, 0
    with World(has_images) as world:
        slots = 0
        memory = Memory(world)
        while time.monotonic() < end and slots < SLOTS_A_WORLD:
            calls += phase(world, seed, acknowledged)
            check_memory(memory.take(), f"seed {seed}")
            seed += 1
            slots = world.status(1).get("slot", 0)
        slots = check_logs(world, acknowledged)
        return seed, calls, len(acknowledged), slots, world.counts, memory.highest()


def check_memory(why, what):
    if why:
        raise Failure(f"{what}: {why}")


def steady(seconds, seed):
    """No faults; what the memory of each replica was, and that it is flat."""
    acknowledged = {}
    end = time.monotonic() + seconds
    with World(False) as world:
        memory = Memory(world)
        while time.monotonic() < end:
            recorder = Recorder(world, clients=6, keys=3, seed=seed).start()
            for _ in range(STEADY_SAMPLES):
                recorder.take(STEADY_CALLS)
                check_memory(memory.take(), f"steady, seed {seed}")
            recorder.finish()
            acknowledged.update(recorder.applied())
            os.unlink(recorder.path)
            seed += 1
        check_memory(memory.why_not_flat(), "steady")
        slots = check_logs(world, acknowledged)
    seen = "; ".join(f"replica {i} {samples[len(samples) // 4]} to {samples[-1]} KiB" for i, samples in memory.of.items())
    print(f"note: memory is flat over {len(memory.of[1])} samples and {slots} slots: {seen}, at most {memory.highest()}")


def soak():
    why_not = images.possible()
    if why_not:
        print(f"note: without power cuts and full disks: {why_not}")
    steady_seconds = max(STEADY_SECONDS_LEAST, 10 * MINUTES)
    end = time.monotonic() + max(0, 60 * MINUTES - steady_seconds)
    seed, worlds, calls, acknowledged, slots, counts, highest = SEED, 0, 0, 0, 0, {}, 0
    while time.monotonic() < end:
        seed, more_calls, more_acknowledged, more_slots, more, kib = one_world(not why_not, seed, end)
        highest = max(highest, kib)
        worlds += 1
        calls += more_calls
        acknowledged += more_acknowledged
        slots += more_slots
        for name, count in more.items():
            counts[name] = counts.get(name, 0) + count
    faults = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"note: {MINUTES:g} minutes, {worlds} clusters, seeds {SEED} to {seed - 1}: {faults}")
    print(f"note: {calls} calls in linearizable histories, {acknowledged} acknowledged changes, each once in the logs of {slots} slots")
    print(f"note: under faults no replica had more than {highest} KiB of its own")
    steady(steady_seconds, SEED)


main([soak])
