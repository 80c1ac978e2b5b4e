/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recount_stage.h - changes that wait, counted again from what the log holds: who voted what, under
 * which voters, by which time; without a line of src/machine.
 *
 *   I28  a staged change ends in one state, once, and in the slot in which it has to
 *   I29  a replica's vote counts once, and not behind the deadline; a zone has one vote
 *   I30  an emergency is applied once, in time, and voted on from then on only
 */
#ifndef RSM_TESTS_SIM_RECOUNT_STAGE_H
#define RSM_TESTS_SIM_RECOUNT_STAGE_H

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "tests/sim/sim.h"

struct stage_book;

/* One change that waits, or waited. */
struct stage_change {
    uint8_t digest[HASH_SIZE];
    struct bytes author; /* both owned: copies */
    struct bytes command;
    uint64_t counter;
    uint64_t slot;
    uint64_t deadline_ms;
    uint32_t zones_least;
    uint32_t voters; /* bit i: replica i */
    uint32_t voted;  /* likewise: any vote */
    uint32_t yes, no;
    bool is_emergency; /* waits for approvals; `deadline_ms` is that of the votes from then on */
    bool is_applied;
    bool is_root;     /* waits for persons of the root role alone, who may never come */
    bool is_approved; /* and they have */
    bool is_over;
};

struct stage_book *stage_book_new(struct sim *sim);
void stage_book_free(struct stage_book *b);
/* From that slot on these vote. */
void stage_set_voters(struct stage_book *b, uint64_t slot_first, uint32_t voters);
/* The policy's vote_zones_least from here on. */
void stage_set_zones_least(struct stage_book *b, uint32_t zones_least);
/* And how long votes are waited for. */
void stage_set_deadline(struct stage_book *b, uint64_t ms);
/* And how long an emergency that is approved. */
void stage_set_token(struct stage_book *b, uint64_t ms);
void stage_on_approved(struct stage_book *b, const uint8_t *digest, uint64_t slot, uint64_t now_ms);
/* An emergency has what it needs: its votes begin. */
void stage_on_applied(struct stage_book *b, const uint8_t *digest, uint64_t slot, uint64_t now_ms);
void stage_on_staged(struct stage_book *b, const struct stage_change *change);
void stage_on_vote(struct stage_book *b, const uint8_t *digest, uint32_t replica, bool yes,
                   bool is_late, uint64_t slot, uint64_t now_ms);
/* It ended; NULL: no such change waited. `state` is the text. */
const struct stage_change *stage_on_settled(struct stage_book *b, const uint8_t *digest,
                                            struct bytes state, uint64_t slot, uint64_t now_ms);
/* Nothing that had to end still waits. */
void stage_end_slot(struct stage_book *b, uint64_t slot, uint64_t now_ms);
/* How many wait, but for persons of the root role. */
uint64_t stage_waiting(const struct stage_book *b);
/* How many ended so: "live", "expired", "refused", "superseded". */
uint64_t stage_ended(const struct stage_book *b, const char *state);

#endif
