/* SPDX-License-Identifier: Apache-2.0 */
/* ids.h - the words that every layer shares: ballots, slots, replicas. */
#ifndef RSM_BASE_IDS_H
#define RSM_BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/check.h"

/* Replicas are numbered 1..REPLICA_MAX; 0 is "nobody". */
#define REPLICA_MAX 9u

/* A ballot is ordered by round, then by the replica that owns it. {0, 0} is below every real one.
 */
struct ballot {
    uint64_t round;
    uint32_t replica;
};

/* Below 0, 0 or above 0, as `a` is lower than, equal to or higher than `b`. */
static inline int ballot_compare(struct ballot a, struct ballot b)
{
    if (a.round != b.round)
        return a.round < b.round ? -1 : 1;
    if (a.replica != b.replica && !MUTANT(BALLOT_WITHOUT_REPLICA))
        return a.replica < b.replica ? -1 : 1;
    return 0;
}

static inline bool ballot_equal(struct ballot a, struct ballot b)
{
    return a.round == b.round && a.replica == b.replica;
}

/* Slots count from 1: slot 0 is the genesis. Kept below 2^53, so that JavaScript clients lose none.
 */
#define SLOT_MAX ((UINT64_C(1) << 53) - 1)

#define FORMER_MAX 8u

/* A replica's disk, as it names itself to the others. */
struct incarnation {
    uint64_t number; /* drawn when the disk was made new, or in doubt; 0: none */
    /* What it was before it was in doubt, the last one first; 0: no more of them, or forgotten. */
    uint64_t former[FORMER_MAX];
    bool rejoins; /* in doubt: it asks for its vote under this number */
};

#define CLUSTER_ID_SIZE 16u /* BLAKE2b-128 of the genesis */
#define HASH_SIZE 32u       /* BLAKE2b-256, also a chain head */

#endif
