/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * staged.h - changes that wait for votes and approvals: their rows.
 *
 *     TABLE_STAGED    digest 32 -> state u8 | class u8 | zones least u8 | root u8 | slot u64 |
 *                     index u32 | staged ms u64 | deadline ms u64 | approved ms u64 | members
 * version u64 | touched slot u64 | settled slot u64 | settled ms u64 | token ms u64 | voting ms u64
 * | basis 32 | key 32 | kind u8 | counter u64 | author blob | person blob | overrides blob, each
 * u32 | reasons blob (of verdict.h: rule u32, evidence blob, each) TABLE_STAGED_COMMAND   digest 32
 * -> the command's bytes; gone when it has settled TABLE_PENDING   slot u64 | index u16 -> digest
 * 32; gone when it has settled TABLE_VOTE      digest 32 | replica u8 -> flags u8 (1 yes, 2 late) |
 * slot u64 | ms u64 | checked slot u64 | effect 32 | zone blob | reason blob TABLE_APPROVAL  digest
 * 32 | person -> slot u64 | ms u64 | key 32 | factor blob | principal blob | reason blob
 *
 * A settled change's row, its votes and its approvals stay for ever.
 */
#ifndef RSM_MACHINE_STAGED_H
#define RSM_MACHINE_STAGED_H

#include <rsm/body.h>
#include <rsm/change.h>
#include <rsm/command.h>

#include "src/base/kv.h"
#include "src/machine/change_state.h"
#include "src/machine/tables.h"

#define REPLICA_AUTHOR "replica:" /* and the id: the author of a replica's votes */
#define EFFECT_AUTHOR "effect:"   /* and the author: who wrote what a settled change wrote */
#define PLAN_OWNER "plan:"        /* of what a plan wrote: rule_owner.c */

struct staged_record {
    enum change_state state; /* staged, or what came after */
    enum rsm_class class;
    uint32_t root_needed; /* persons with the role root who have to agree; 0: none */
    uint32_t zones_least; /* 0: all zones; else so many are enough at the deadline, and no no */
    uint64_t slot;
    uint32_t index;
    uint64_t staged_ms;
    uint64_t deadline_ms;              /* log time; at it, it is over */
    uint64_t approved_ms;              /* of the last approval that was needed; 0: not yet */
    uint64_t voting_ms;                /* replicas vote from here on; 0: not yet */
    uint64_t members;                  /* the configuration whose voters vote */
    uint64_t touched;                  /* slot of the last vote, approval or cancel */
    uint64_t settled_slot, settled_ms; /* 0: it waits */
    uint64_t settled_index;            /* of its effect in that slot */
    uint64_t token_ms;    /* an emergency's time from its last approval on; the policy at staging */
    const uint8_t *basis; /* hash of its effect as it was at `slot` */
    const uint8_t *key;   /* that signed it */
    enum rsm_kind kind;
    uint64_t counter;
    struct bytes author, person, overrides, reasons;
};

struct vote_record {
    bool yes, late;
    uint64_t slot, ms, checked_slot;
    const uint8_t *effect;
    struct bytes zone, reason;
};

struct approval_record {
    uint64_t slot, ms;
    const uint8_t *key;  /* that signed it */
    struct bytes factor; /* the second factor's id; empty: none */
    struct bytes principal, reason;
};

void staged_encode(struct writer *out, const struct staged_record *s);
enum rsm_status staged_decode(struct bytes value, struct staged_record *out);
void vote_encode(struct writer *out, const struct vote_record *v);
enum rsm_status vote_decode(struct bytes value, struct vote_record *out);
void approval_encode(struct writer *out, const struct approval_record *a);
enum rsm_status approval_decode(struct bytes value, struct approval_record *out);

void key_pending(struct key *k, uint64_t slot, uint32_t index);
void key_vote(struct key *k, const uint8_t digest[HASH_SIZE], uint32_t replica);
void key_approval(struct key *k, const uint8_t digest[HASH_SIZE], struct bytes person);

/* RSM_NOT_FOUND, RSM_DAMAGED and as the kv. */
enum rsm_status staged_load(struct kv *kv, const uint8_t digest[HASH_SIZE],
                            struct staged_record *out);
enum rsm_status vote_load(struct kv *kv, const uint8_t digest[HASH_SIZE], uint32_t replica,
                          struct vote_record *out);
/* Approvals of a change, in the order of persons. `place` begins empty. RSM_NOT_FOUND: no more. */
enum rsm_status approval_next(struct kv *kv, const uint8_t digest[HASH_SIZE], struct key *place,
                              struct bytes *person_out, struct approval_record *out);

/* Changes that wait. `place` begins empty; digest_out has HASH_SIZE bytes. RSM_NOT_FOUND: no more.
 */
enum rsm_status pending_next(struct kv *kv, struct key *place, uint8_t *digest_out);
uint64_t pending_count(struct kv *kv);

/* "replica:3" -> 3; 0 for any other name. */
uint32_t replica_of_author(struct bytes author);
/* A name that only the cluster gives: it begins as an author above, or as a plan's ownership. */
bool is_reserved_author(struct bytes author);
/* "effect:alice" -> "alice"; any other name itself. */
struct bytes author_behind(struct bytes author);

#endif
