/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shared.h - all clients are callers of one rsm_submitter (rsm/submitter.h), which bundles their
 * changes by itself. Its thread tells what became of them; the load's thread takes that from here.
 */
#ifndef RSM_BENCH_SHARED_H
#define RSM_BENCH_SHARED_H

#include <rsm/submitter.h>

#define SHARED_OPEN_MAX 1024u

struct shared;

/* What became of one change. */
struct shared_end {
    void *context;
    enum rsm_status status; /* as in struct rsm_answer */
    uint64_t ended_ns;      /* when its callback ran */
    char detail[160];       /* when it is not RSM_OK */
};

/* Statuses as rsm_submitter_new; `key` is borrowed until shared_close. */
enum rsm_status shared_open(const char *endpoints, const struct rsm_key *key, uint32_t timeout_ms,
                            struct shared **shared_out);
/* NULL is ignored. */
void shared_close(struct shared *s);
/* Readable when shared_next has something. */
int shared_descriptor(const struct shared *s);
/* Changes record sets; at most SHARED_OPEN_MAX may be open. Statuses as rsm_submitter_start. */
enum rsm_status shared_start(struct shared *s, struct rsm_bytes body, void *context);
/* The oldest that ended; false: there is none (and the descriptor is not readable any more). */
bool shared_next(struct shared *s, struct shared_end *out);

#endif
