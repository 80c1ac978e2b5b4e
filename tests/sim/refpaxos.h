/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * refpaxos.h - the reference: Voting plus slots, after Lamport's layers (Consensus, Voting, Paxos).
 * It replays the event stream of a run, one action at a time, and refuses what the specification
 * does not allow. Where the checker has rules of thumb, this has the rule itself:
 *
 *   IncreaseMaxBal(a, b)    a's promise rises, durably; it never falls
 *   VoteFor(a, b, s, v)     b is at least a's promise; nobody votes for another value in (s, b);
 *                           a quorum shows that v is safe at b in s
 *   Phase1b(a, b)           says no more than a's memory: promise and votes
 *   Phase2a(b, s, v)        one value for (s, b), and it is shown to be safe already
 *   Learn(r, s, v)          v is chosen in s
 *
 * A quorum Q shows v safe at b in s when every member has promised b, and, c being the highest
 * ballot below b in which a member voted in s: there is none, or the vote in c was for v.
 *
 * Chosen is what a quorum voted for in one ballot, the ballot's owner among them. Voting does not
 * ask for the owner; the exchange by which lost memory comes back does (docs/decisions.md).
 *
 * Memory that a disk loses goes with Forget(a); until Rejoin(a) that acceptor takes no action.
 */
#ifndef RSM_TESTS_SIM_REFPAXOS_H
#define RSM_TESTS_SIM_REFPAXOS_H

#include "consensus/message.h"
#include "tests/sim/memory.h"
#include "tests/sim/sim.h"

struct refpaxos;

/* `voters`: bit i for replica i. */
struct refpaxos *ref_new(struct sim *sim, uint32_t voters);
void ref_free(struct refpaxos *ref);
/* From slot `first` on these are the voters. */
void ref_set_voters(struct refpaxos *ref, uint64_t first, uint32_t voters);
/* It was chosen before this reference began. */
void ref_know(struct refpaxos *ref, uint64_t slot, uint64_t value);
/* The record is on the disk. */
void ref_on_durable(struct refpaxos *ref, uint32_t acceptor, const struct memory_record *record);
void ref_on_send(struct refpaxos *ref, uint32_t replica, const struct paxos_message *message);
void ref_on_learned(struct refpaxos *ref, uint32_t replica, uint64_t slot, uint64_t value);
/* The disk lost something that was durable: no action until it has rejoined. */
void ref_forget(struct refpaxos *ref, uint32_t acceptor);
/* A new life begins with an empty memory: records of its journal follow, then ref_rejoined. */
void ref_rejoin(struct refpaxos *ref, uint32_t acceptor);
void ref_rejoined(struct refpaxos *ref, uint32_t acceptor);
uint64_t ref_event_count(const struct refpaxos *ref);

#endif
