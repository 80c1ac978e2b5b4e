/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heads.h - comparing both chain heads with those of the peers.
 *
 * Each peer says, with its heartbeats, the heads at the slot that it applied last. A peer that is
 * ahead is compared when this replica gets there. Three states, never two: equal up to a slot,
 * different at a slot, not compared.
 */
#ifndef RSM_DAEMON_HEADS_H
#define RSM_DAEMON_HEADS_H

#include <stdbool.h>

#include "src/base/ids.h"

struct heads {
    uint64_t slot;
    uint8_t entry[HASH_SIZE];
    uint8_t verdict[HASH_SIZE];
};

struct heads_peer {
    bool waiting;        /* `last` is ahead of us: not compared yet */
    struct heads last;   /* what the peer said last */
    uint64_t compared;   /* highest slot at which both were equal; 0 none */
    uint64_t mismatch;   /* slot at which they differ; 0 none */
    uint64_t heard_tick; /* when the peer said it */
};

struct heads_table {
    struct heads_peer peers[REPLICA_MAX + 1]; /* by replica */
};

/* What this replica's heads were at a slot: false when it does not know. */
typedef bool heads_lookup(void *context, uint64_t slot, struct heads *heads_out);

/* A peer said its heads. Compares at once when this replica has applied the slot. */
void heads_note(struct heads_table *table, uint32_t peer, const struct heads *said,
                uint64_t applied, uint64_t tick, heads_lookup *lookup, void *context);

/* This replica has applied up to `applied`: compares peers that were ahead. */
void heads_advance(struct heads_table *table, uint64_t applied, heads_lookup *lookup,
                   void *context);

/*
 * Counts over the peers in `replicas` (bit i: replica i), `self` left out: those equal and those
 * different when last compared. The rest was not compared.
 */
void heads_count(const struct heads_table *table, uint32_t replicas, uint32_t self,
                 uint32_t *equal_out, uint32_t *different_out);

/*
 * True when this replica must stop taking changes: somebody differs, and those who agree with us,
 * we included, are no majority of `voters`.
 */
bool heads_must_stop(uint32_t equal, uint32_t different, uint32_t voters);

#endif
