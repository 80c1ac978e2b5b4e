/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load.h - signed changes and reads from many clients, in a closed or an open loop.
 *
 *   closed loop   each client begins its next operation when the one before has ended
 *   open loop     operations begin at a fixed rate, whatever became of those before; one that finds
 *                 no client free waits for one, and its wait counts
 *
 * Each client is an author with a key, a principal and record sets of its own, and has one
 * operation on its way at a time. One thread drives them all. A latency of a closed loop is from
 * handing the signed envelope to the library until its verdict; of an open loop from the moment at
 * which it should have begun. All operations that should begin while it is measured are measured,
 * also those that end later; the throughput counts what ended in that time, and includes the
 * signing.
 *
 * A change whose outcome is unknown is sent again, byte for byte, as clients have to; its latency
 * goes on.
 */
#ifndef RSM_BENCH_LOAD_H
#define RSM_BENCH_LOAD_H

#include <rsm/author.h>

#include "src/base/histogram.h"

#define LOAD_CLIENTS_MAX 1024u
#define LOAD_BUNDLE_MAX 1024u
#define LOAD_CHANGES_MAX 4096u
#define LOAD_ZONES_MAX 64u
#define LOAD_SIZE_MAX 61440u /* in one record, which has 65,535 bytes at most */

/* The zones, role, principals and connections of one run; all names carry a random word. */
struct load_world;

/* What every run in the same world has in common. */
struct load_shape {
    const char *endpoints; /* borrowed while the world lives */
    uint32_t client_count; /* at most */
    uint32_t connections;  /* shared by all of them in turn; 0: each client has its own */
    uint32_t zones;
    uint32_t keys;          /* of each client, each with `changes` record sets */
    uint32_t changes;       /* record sets in one change set */
    uint32_t envelope_size; /* bytes of a change set signed alone, as near as its parts allow */
    uint32_t bundle;        /* change sets under one signature, 1: each is signed alone */
    bool is_shared;         /* all clients are callers of one rsm_submitter, and one author */
    bool is_zipf;           /* draws of keys, see draw.h */
    bool is_once;           /* no draws: each client writes its keys from first_key on, once */
    uint32_t first_key;
    const char *kept;    /* a directory, see kept.h; NULL: the world goes with the run */
    bool fills;          /* writes all keys before, so that reads find them */
    uint64_t seed;       /* of the draws */
    uint32_t timeout_ms; /* of the calls that make the world */
};

/*
 * Makes them with the administrator's key, borrowed while the world lives. On failure `text` (256
 * bytes) says what could not be made.
 */
enum rsm_status load_prepare(const struct load_shape *shape, const struct rsm_key *admin_key,
                             struct load_world **world_out, char *text);
/* Frees; `deletes` takes them away from the cluster before. NULL is ignored. */
void load_clean_up(struct load_world *world, bool deletes);

struct load_result {
    uint32_t change_size; /* bytes of an envelope for each change set in it, really */
    double seconds;       /* measured */
    uint64_t applied;     /* change sets whose latency was measured */
    uint64_t refused;     /* a rule said no: a mistake of the bench */
    uint64_t failed;      /* change sets and reads without an answer, or with an error */
    uint64_t busy;        /* measured ones that were told that there is no room (BUSY): not done */
    uint64_t offered;     /* open loop: operations that should have begun while it was measured */
    uint64_t repeated;    /* sent again, because the outcome was unknown */
    uint64_t late;        /* open loop: never begun; their waits so far are in the histograms */
    uint64_t writes_in_time, reads_in_time; /* ended while it was measured */
    char trouble[256];                      /* the first refusal or failure, in words */
    struct histogram write, read;
    struct histogram round_trip; /* a call that does nothing, 50 a second, to where the load goes */
    uint64_t cpu_ns, switches;   /* of this process, from begin to end, warm-up included */
    uint64_t operations;         /* change sets and reads that ended, warm-up included */
    uint64_t all_writes, all_writes_ns; /* envelopes with a verdict and their times, likewise */
};

struct load_progress {
    double seconds; /* since the measurement began; below 0: warming up */
    const struct load_result *so_far;
};

struct load_options {
    uint32_t client_count;
    double rate;            /* operations a second; 0: closed loop */
    uint32_t reads_percent; /* of operations that are reads */
    bool is_stale;          /* the reads */
    double warm_up, seconds;
    uint64_t count;      /* or so many change sets and reads; 0: as many as come */
    uint32_t timeout_ms; /* of one call */
    /* Called about once a second; may be NULL. */
    void (*on_progress)(void *context, const struct load_progress *progress);
    void *context;
};

/*
 * RSM_FAILED: load_interrupt was called, by a signal handler; what was in flight has ended.
 * RSM_IO, RSM_USAGE (endpoints): nothing was measured.
 */
enum rsm_status load_run(struct load_world *world, const struct load_options *options,
                         struct load_result *result_out);

void load_interrupt(void);
bool load_is_interrupted(void);

#endif
