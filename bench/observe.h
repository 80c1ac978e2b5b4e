/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * observe.h - what the replicas say of themselves before and after a load, and what came between:
 * stages (method `stages`), counters (method `status`), and the use of their processes.
 */
#ifndef RSM_BENCH_OBSERVE_H
#define RSM_BENCH_OBSERVE_H

#include <sys/types.h>

#include <rsm/client.h>

#include "bench/process.h"
#include "src/base/histogram.h"

#define OBSERVE_REPLICAS_MAX 9u
#define OBSERVE_STAGES_MAX 40u

struct observe_stage {
    char name[24];
    char what[104];
    struct histogram times;
};

/* One replica: a state of it, or what came between two. */
struct observe_replica {
    char endpoint[128];
    pid_t process; /* 0: not known */
    bool is_known; /* it answered, before and after */
    uint32_t replica;
    bool is_leader; /* when it was last asked */
    uint64_t slots; /* applied */
    uint64_t commands, flushes, journal_bytes, store_commits, frames_out;
    bool has_use;
    struct process_use use;
    struct observe_stage *stages; /* owned, OBSERVE_STAGES_MAX of them */
    uint32_t stage_count;
};

struct observe {
    struct observe_replica replicas[OBSERVE_REPLICAS_MAX];
    uint32_t count;
};

/* "a,b,c"; processes as many as endpoints, in their order, or NULL. RSM_USAGE: too many. */
enum rsm_status observe_init(struct observe *o, const char *endpoints, const pid_t *processes,
                             uint32_t process_count);
void observe_deinit(struct observe *o);

/* Asks all of them; who does not answer within a second is not known. */
void observe_now(struct observe *o);
/* `sum` gains what came between two states of the same replicas; of the uses that of residence
 * stays. */
void observe_add_difference(struct observe *sum, const struct observe *before,
                            const struct observe *after);

/* Index of the leader, or of the first replica when there is none. */
uint32_t observe_leader(const struct observe *o);
/* NULL when the replica has no such stage. */
const struct observe_stage *observe_find(const struct observe_replica *r, const char *name);

/* One answer of method `stages`; what is not of its form is left out. */
void observe_take_stages(struct observe_replica *r, struct rsm_value stages);

#endif
