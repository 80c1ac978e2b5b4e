/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load.h - closed loop: each client signs a change, submits it, waits for the verdict, again.
 *
 * Each client has a connection, a key, a principal and record sets of its own. One thread drives
 * them all. A latency is from handing the signed envelope to the library until its verdict; the
 * throughput includes the signing.
 */
#ifndef RSM_BENCH_LOAD_H
#define RSM_BENCH_LOAD_H

#include <rsm/author.h>

#include "src/base/histogram.h"

#define LOAD_CLIENTS_MAX 1024u
#define LOAD_BUNDLE_MAX 1024u

/* The zone, role and principals of one run; all names carry a random word. */
struct load_world;

/*
 * Makes them with the administrator's key. `endpoints` is borrowed. On failure `text` (256 bytes)
 * says what could not be made.
 */
enum rsm_status load_prepare(const char *endpoints, const struct rsm_key *admin_key,
                             uint32_t client_count_max, struct load_world **world_out, char *text);
/* Frees; `deletes` takes them away from the cluster before. NULL is ignored. */
void load_clean_up(struct load_world *world, bool deletes);

struct load_options {
    uint32_t client_count;
    uint32_t envelope_size; /* bytes of a change signed alone, as near as its parts allow */
    uint32_t bundle;        /* changes under one signature, 1: each is signed alone */
    double seconds;         /* measured, after a tenth of it to warm up */
    uint64_t count;         /* or so many verdicts; 0: as many as come */
};

struct load_result {
    uint32_t client_count;
    uint32_t change_size; /* bytes of an envelope for each change in it, really */
    double seconds;
    uint64_t applied;
    uint64_t refused;  /* a rule said no: a mistake of the bench */
    uint64_t failed;   /* no verdict */
    char trouble[256]; /* the first refusal or failure, in words */
    struct histogram latency;
};

/*
 * RSM_FAILED: load_interrupt was called, by a signal handler; what was in flight has ended.
 * RSM_IO, RSM_USAGE (endpoints): nothing was measured.
 */
enum rsm_status load_run(struct load_world *world, const struct load_options *options,
                         struct load_result *result_out);

void load_interrupt(void);

#endif
