/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quorum.h - who votes, and how many are enough: sets of distinct voters, and the configuration of
 * each slot.
 *
 * A change of the members is a value of the log, and has its effect a fixed number of slots behind
 * its own ("Paxos Made Simple", section 3, end). So two configurations may govern open slots: the
 * votes of a slot are counted by the one of that slot; whoever leads has a quorum of promises of
 * each, and proposes in no slot whose configuration it does not know.
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

/* All zero members of `next` and next_first 0: no change is on its way. */
struct members {
    struct quorum now;
    struct quorum next;
    uint64_t next_first; /* slots from here on are governed by `next` */
};

_Static_assert(REPLICA_MAX < 32, "a replica_set has a bit for every replica");
_Static_assert(LIMIT_REPLICAS <= REPLICA_MAX, "every replica has a number");

#define QUORUM_ALL ((((replica_set)1 << REPLICA_MAX) - 1) << 1) /* every replica there can be */

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

/* Both configurations, or one and no other; aborts on the first thing that is not so. */
void members_check(const struct members *m);
/* The configuration of a slot. */
const struct quorum *members_at(const struct members *m, uint64_t slot);
/* `set` has a quorum of each configuration that is in force or on its way. */
bool members_have(const struct members *m, replica_set set);
/* Of either configuration. */
bool members_is_voter(const struct members *m, uint32_t replica);
bool members_is_member(const struct members *m, uint32_t replica);
bool members_have_learners(const struct members *m);
/* The replica may lead in slots below this one: it is a voter of the last configuration known, or
 * was one until then. */
uint64_t members_lead_end(const struct members *m, uint32_t replica);
/* All slots up to `applied` are applied: `next` may come into force. True when it does now. */
bool members_advance(struct members *m, uint64_t applied);

#endif
