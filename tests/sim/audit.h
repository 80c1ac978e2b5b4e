/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audit.h - the log of a run of whole nodes, slot by slot: the first replica that applies a slot is
 * audited, all others are held against it.
 *
 *   I2   the value is a no-op, a tick, or what a client handed in (or its rejection)
 *   I7   the entry head is the hash that docs/formats.md says, computed here; equal at all replicas
 *   I8   so is the verdict head; at the end the whole states are equal, row by row
 *   I13  log time is the highest timestamp so far, and no clock was ever ahead of it
 *   I26  what a client was told is not done is not done
 */
#ifndef RSM_TESTS_SIM_AUDIT_H
#define RSM_TESTS_SIM_AUDIT_H

#include "src/base/ids.h"
#include "src/base/kv.h"
#include "tests/sim/checker.h"
#include "tests/sim/recount.h"

struct audit;

struct audit *audit_new(struct sim *sim, struct checker *checker, struct bytes genesis);
void audit_free(struct audit *a);
/*
 * Another one, which knows what `a` knows of the log up to `slot` (out of `state`, which has it,
 * with those voters) and of what clients handed in: for a replica that goes on from there.
 */
struct audit *audit_fork(const struct audit *a, struct checker *checker, uint64_t slot,
                         struct kv *state, uint32_t voters);
/* A client hands these bytes in. */
void audit_on_submitted(struct audit *a, struct bytes envelope);
/* A replica told a client that this one, which it alone had, will not be done. */
void audit_on_denied(struct audit *a, struct bytes envelope);
/* What a replica's wall clock says. */
void audit_on_clock(struct audit *a, uint32_t replica, uint64_t wall_ms);
/* `replica` has applied `slot`, in this state. */
void audit_on_applied(struct audit *a, uint32_t replica, uint64_t slot, struct kv *state);
/* A commit of the store, or what a replica starts from: applied slot and heads belong together. */
void audit_on_store(struct audit *a, uint32_t replica, struct kv *store);
/* At the end: the counters and the addresses of the recount are those of the state. */
void audit_check_state(struct audit *a, uint32_t replica, struct kv *state);
/* All rows of both are equal. */
void audit_check_equal(struct audit *a, uint32_t replica, struct kv *state, uint32_t other,
                       struct kv *other_state);
/* The log, applied again from the genesis, gives this state. */
void audit_check_replay(struct audit *a, uint32_t replica, struct kv *state);
const struct recount *audit_recount(const struct audit *a);

#endif
