/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slots.h - the fixed window of open slots: those that are not applied yet.
 *
 *      applied     chosen_end          slot_next           first + capacity
 *         |            |                   |                     |
 *     ....|  learned   |  votes, proposals |  nothing yet        |
 *          ^ first
 *
 * One struct slot serves all three roles: the acceptor's vote, what phase 1 found, and the count of
 * votes for the own proposal. A leader votes for its own proposal at once, so its vote *is* its
 * proposal: there is one value a slot, and no second place that could disagree.
 */
#ifndef RSM_CONSENSUS_SLOTS_H
#define RSM_CONSENSUS_SLOTS_H

#include "consensus/message.h"
#include "consensus/quorum.h"

struct slot {
    /* Acceptor. ballot {0, 0}: no vote. PAXOS_BALLOT_CHOSEN: no vote, but the chosen value. */
    struct ballot ballot;
    struct blob *value; /* one reference */
    uint64_t seq;       /* of the vote's journal record */
    bool chosen;        /* the value is the chosen one */

    /* Phase 1: the highest vote that promises reported, under the ballot being prepared. */
    struct ballot found_ballot;
    struct blob *found_value; /* one reference */

    /* Phase 2: the own proposal under the own ballot. */
    bool proposed;
    bool fresh;
    replica_set accepted;
    replica_set refused;
    uint32_t accepted_messages; /* for a mutant only */
    uint64_t cookie;            /* of the own client's proposal, or 0; outlives `proposed` */
    uint64_t proposed_tick;
};

struct slots {
    struct slot *ring; /* owned, `capacity` of them, slot n at n % capacity */
    uint32_t capacity;
    uint64_t first; /* the first slot of the window */

    /* Values that were replaced in this step: effects may still point at them. */
    struct blob **retired;
    uint32_t retired_count;
    uint32_t retired_capacity;
};

void slots_init(struct slots *s, uint32_t capacity);
/* The window itself, without what is in it; aborts on the first thing that is not so. */
void slots_check(const struct slots *s);
void slots_deinit(struct slots *s);

bool slots_contains(const struct slots *s, uint64_t number);
/* `number` is inside the window (CHECKed). */
struct slot *slots_at(const struct slots *s, uint64_t number);
uint64_t slots_end(const struct slots *s);
bool slot_has_vote(const struct slot *slot);
/* Forgets all slots below `first`; smaller than now changes nothing. */
void slots_advance(struct slots *s, uint64_t first);
/* Replaces the vote; takes a reference to `value`, keeps the old one until the step ends. */
void slots_set_vote(struct slots *s, struct slot *slot, struct ballot ballot, struct blob *value);
/* Replaces what phase 1 found likewise. */
void slots_set_found(struct slots *s, struct slot *slot, struct ballot ballot, struct blob *value);
/* Frees what the last step replaced. */
void slots_release(struct slots *s);

/* Same bytes; NULL is empty. */
bool value_equal(const struct blob *a, const struct blob *b);

#endif
