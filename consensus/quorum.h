/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quorum.h - who votes, and how many are enough: sets of distinct voters.
 *
 * All that the core knows of membership is behind this header: an own member.c, with a
 * configuration for each slot, can take its place.
 */
#ifndef RSM_CONSENSUS_QUORUM_H
#define RSM_CONSENSUS_QUORUM_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/ids.h"
#include "src/base/limits.h"

/* A set of replicas: bit 1 << replica. */
typedef uint32_t replica_set;

struct quorum {
    replica_set voters;
    replica_set learners;
};

_Static_assert(REPLICA_MAX < 32, "a replica_set has a bit for every replica");
_Static_assert(LIMIT_REPLICAS <= REPLICA_MAX, "every replica has a number");

/* `replica` is 1..REPLICA_MAX. */
static inline replica_set quorum_bit(uint32_t replica)
{
    return (replica_set)1 << replica;
}

uint32_t quorum_count(replica_set set);
bool quorum_is_voter(const struct quorum *q, uint32_t replica);
bool quorum_is_member(const struct quorum *q, uint32_t replica);
/* A majority of the voters is in `set`; others in it do not count. */
bool quorum_has(const struct quorum *q, replica_set set);
/* The voters outside `set` are too few for a quorum. */
bool quorum_is_blocked_by(const struct quorum *q, replica_set set);

#endif
