/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan.h - the faults of a run, drawn before it begins: a list of moments. What a seed does is then
 * its options, its plan, and the run's own chance; so a plan can be cut down and run again, until
 * only the faults are left that a failure needs (sim_shrink.c).
 *
 * Swarm style: each kind of fault is in half of the seeds, at a rate of its own.
 */
#ifndef RSM_TESTS_SIM_PLAN_H
#define RSM_TESTS_SIM_PLAN_H

#include "tests/sim/sim.h"

/* X(name, text, shortest and longest mean time between two of them in ms, share in percent) */
#define FAULT_LIST(X)                                                                              \
    X(CRASH, "crash", 100, 2000, 50)                                                               \
    X(CRASH_ALL, "crash-all", 1000, 6000, 25)                                                      \
    X(POWER, "power-cut", 400, 4000, 35)                                                           \
    X(SITE_POWER, "site-power-cut", 1500, 6000, 20)                                                \
    X(DIE_IN_FLUSH, "die-in-flush", 200, 2000, 40)                                                 \
    X(DIE_IN_RECOVERY, "die-in-recovery", 400, 3000, 30)                                           \
    X(CUT, "cut", 50, 1000, 50)                                                                    \
    X(UNCUT, "uncut", 50, 1000, 100)                                                               \
    X(FLAP, "flap", 200, 2000, 20)                                                                 \
    X(SWIZZLE, "swizzle", 500, 3000, 20)                                                           \
    X(BURST, "delay-burst", 300, 3000, 30)                                                         \
    X(REPLAY, "replay", 50, 1000, 40)                                                              \
    X(PAUSE, "pause", 200, 2000, 40)                                                               \
    X(SLOW_DISK, "slow-disk", 200, 2000, 30)                                                       \
    X(HUNG_DISK, "hung-disk", 400, 3000, 25)                                                       \
    X(DISK_ERROR, "disk-error", 300, 3000, 30)                                                     \
    X(DISK_FULL, "disk-full", 500, 4000, 25)                                                       \
    X(ROT, "rot", 500, 5000, 25)                                                                   \
    X(ROT_TAIL, "rot-tail", 500, 5000, 20)                                                         \
    X(BAD_SECTOR, "bad-sector", 500, 5000, 15)                                                     \
    X(LOST_WRITE, "lost-write", 500, 5000, 15)                                                     \
    X(WIPE, "journal-wiped", 500, 5000, 12)                                                        \
    X(STORE_FULL, "store-full", 300, 3000, 20)                                                     \
    X(CLOCK_STEP, "clock-step", 200, 3000, 35)                                                     \
    X(CLOCK_RATE, "clock-rate", 200, 3000, 35)                                                     \
    X(CLIENT_DEATH, "client-death", 50, 1000, 50)                                                  \
    X(PEER_LOST, "peer-lost", 100, 2000, 40)                                                       \
    X(MEMBER, "member-change", 200, 2000, 30)

#define PLAN_FAULTS_MAX 4096u

enum fault_kind {
    FAULT_NONE = 0,
#define FAULT_ENUM(name, text, first, last, share) FAULT_##name,
    FAULT_LIST(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_END,
};

/* What each kind makes of the numbers is its own business. */
struct fault {
    uint64_t time;
    enum fault_kind kind;
    uint32_t replica;
    uint32_t other;
    uint64_t salt;
};

struct plan {
    struct fault *faults; /* owned */
    size_t count;
    size_t capacity;
    uint64_t mean_us[FAULT_END]; /* 0: not in this seed */
    uint64_t happened[FAULT_END];
};

const char *fault_name(enum fault_kind kind);
/* Draws for `kinds` (bit i for kind i) until `end`, over replicas 1..replica_count. */
void plan_draw(struct plan *plan, uint64_t seed, uint64_t kinds, uint64_t end,
               uint32_t replica_count);
void plan_deinit(struct plan *plan);
/* Sets an event for each fault that `cut` does not leave out; the argument is the fault. */
void plan_arm(const struct plan *plan, struct sim *sim, const struct sim_cut *cut, sim_run *run,
              void *context);
void plan_describe(const struct fault *fault, char *text, size_t size);
/* Prints what `cut` leaves. */
void plan_print(const struct plan *plan, const struct sim_cut *cut);
/* The mix, one line for the trace. */
void plan_note(const struct plan *plan, struct sim *sim);

#endif
