/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recount.h - the little of the state machine that is written a second time: who has used which
 * counter, and which address each record set has had since which slot. It reads the entries of the
 * log itself, MessagePack and verdicts included, with a few lines of its own.
 *
 *   I10  a command is applied once; a duplicate names the slot of the first time
 *   I20  applied: the counter is the author's next one, and the last writer of each record set is
 *        in the command's clock. Refused when it is judged in its slot: one of these does not hold
 */
#ifndef RSM_TESTS_SIM_RECOUNT_H
#define RSM_TESTS_SIM_RECOUNT_H

#include "src/base/bytes.h"
#include "tests/sim/recount_plane.h"
#include "tests/sim/recount_stage.h"
#include "tests/sim/sim.h"

struct recount;

struct recount *recount_new(struct sim *sim);
void recount_free(struct recount *m);
/* The next slot: its value as chosen, and the verdicts that the replica gave. */
void recount_slot(struct recount *m, uint64_t slot, uint64_t now_ms, struct bytes entry,
                  struct bytes verdicts);
/* What waits and waited: for its voters, and at the end. */
struct stage_book *recount_stages(const struct recount *m);
/* Updates, services and labels. */
const struct plane_book *recount_plane(const struct recount *m);
/* The last counter that was applied; 0: none. */
uint64_t recount_counter(const struct recount *m, struct bytes author);
/* In which slot a command was applied; 0: it was not. */
uint64_t recount_event(const struct recount *m, struct bytes author, uint64_t counter);
/* The address of (owner, A) as it was right after `slot`; 0: none. */
uint32_t recount_address(const struct recount *m, struct bytes owner, uint64_t slot);
/* Calls `visit` for each author that has applied a command. */
void recount_visit_authors(const struct recount *m,
                           void (*visit)(void *context, struct bytes author, uint64_t counter),
                           void *context);
/* Calls `visit` for each record set of type A with its present address. */
void recount_visit(const struct recount *m,
                   void (*visit)(void *context, struct bytes zone, struct bytes owner,
                                 uint32_t address),
                   void *context);
/* Bytes of the envelope in a value; empty: there is none. */
struct bytes recount_envelope(struct bytes entry);

#endif
