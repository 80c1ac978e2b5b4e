/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * checker.h - Paxos written a second time, for judging: it sees what reaches each disk, each
 * message as it leaves, what replicas learn, and what clients do. It never asks the core. All of it
 * goes through the reference (refpaxos.h) as well. Values are known by their hash.
 *
 * Checked at every step (the numbers are the invariants of the fault list):
 *   I1  one value a slot, over replicas and restarts; nothing is learned that no quorum holds
 *   I3  a promise and an accepted vote are on the disk when they leave
 *   I4  one value for each (ballot, slot); a ballot belongs to its owner, once over restarts;
 *       promises of a replica never fall, and it votes for nothing below them
 *   I6  what was chosen in a ballot is the value of every proposal in a higher one
 *   I9  slots are learned in order, without a hole
 *   I11 an acknowledged command is chosen, and in every log at the end
 *   I12 a linearizable read sees all that was acknowledged, or read, before it began
 */
#ifndef RSM_TESTS_SIM_CHECKER_H
#define RSM_TESTS_SIM_CHECKER_H

#include "consensus/paxos.h"
#include "tests/sim/memory.h"
#include "tests/sim/sim.h"

struct checker;

/* `voters`: bit i for replica i. */
struct checker *checker_new(struct sim *sim, uint32_t voters);
void checker_free(struct checker *c);
/* From slot `first` on these are the voters. */
void checker_set_voters(struct checker *c, uint64_t first, uint32_t voters);

/* What the voters of before had chosen, for one that goes on alone from there (fork_node.c). */
void checker_know(struct checker *c, uint64_t slot, uint64_t value);

/* A record was handed to the disk of `replica`; and it is durable now. */
void checker_on_append(struct checker *c, uint32_t replica, const struct memory_record *record);
void checker_on_durable(struct checker *c, uint32_t replica, const struct memory_record *record);
/* The replica died: what is not durable is forgotten. */
void checker_on_crash(struct checker *c, uint32_t replica);
/* Its state is a snapshot of all up to `slot`: the next slot that it learns is the one after. */
void checker_on_restart(struct checker *c, uint32_t replica, uint64_t slot);
/* Its disk lost what was durable: it must not speak as an acceptor any more. */
void checker_on_loss(struct checker *c, uint32_t replica);
/* It comes back under a new incarnation: the records of its new journal follow, then the end. */
void checker_on_rejoin(struct checker *c, uint32_t replica);
void checker_on_rejoined(struct checker *c, uint32_t replica);
void checker_on_send(struct checker *c, uint32_t replica, const struct paxos_message *message);
void checker_on_learned(struct checker *c, uint32_t replica, uint64_t slot, uint64_t value);
/* A client was told that its command is in this slot. */
void checker_on_acknowledged(struct checker *c, uint64_t slot, uint64_t value);
/* The slot that a read which begins now must see; and what it saw. */
uint64_t checker_read_begin(const struct checker *c);
void checker_read_end(struct checker *c, uint32_t replica, uint64_t floor, uint64_t applied);
/* At the end: this log holds all that was acknowledged. */
void checker_on_log(struct checker *c, uint32_t replica, uint64_t slot, uint64_t value);
/* The highest slot with an acknowledged command. */
uint64_t checker_acknowledged_last(const struct checker *c);
/* Actions that the reference replayed. */
uint64_t checker_events(const struct checker *c);

#endif
