/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parts.h - the functions that the files of consensus/ offer to each other. Include core.h.
 */
#ifndef RSM_CONSENSUS_PARTS_H
#define RSM_CONSENSUS_PARTS_H

#include "consensus/message.h"

struct members;
struct paxos;

/* status.c */
/* What paxos_check says of the counters: some comparisons, after each step. */
void paxos_check_heads(const struct paxos *p);

/* effects.c */
void effects_init(struct paxos *p);
void effects_deinit(struct paxos *p);
void effects_reset(struct paxos *p);
/* Gives the record its sequence number, which is the result. */
uint64_t effects_append_promise(struct paxos *p, struct ballot ballot);
uint64_t effects_append_accept(struct paxos *p, uint64_t slot, struct ballot ballot,
                               struct blob *value);
void effects_append_chosen(struct paxos *p, uint64_t end);
/* Fills in chosen_end. Drops the message when the list is full: peers ask again. */
void effects_send(struct paxos *p, uint32_t to, uint64_t durable_seq, struct paxos_message message);
/* To every other voter, or every other member. */
void effects_send_voters(struct paxos *p, uint64_t durable_seq, struct paxos_message message);
void effects_send_members(struct paxos *p, uint64_t durable_seq, struct paxos_message message);
/* One more entry behind the last, all zero. */
struct paxos_entry *effects_entry(struct paxos *p);
/* The entries from `first` on, an index that was effects.entry_count before they were added. */
void effects_take_entries(struct paxos *p, uint32_t first, struct paxos_message *message);
void effects_learned(struct paxos *p, uint64_t slot, uint64_t cookie, struct blob *value);
void effects_lost(struct paxos *p, uint64_t cookie, uint64_t slot, bool refused);
void effects_read_end(struct paxos *p, uint64_t read_id, bool confirmed, uint64_t slot);
void effects_range(struct paxos *p, uint32_t to, uint64_t first, uint64_t end);

/* acceptor.c */
void acceptor_on_prepare(struct paxos *p, uint32_t from, const struct paxos_message *message);
void acceptor_on_accept(struct paxos *p, uint32_t from, const struct paxos_message *message,
                        const uint8_t *opinions);
/*
 * All votes from `first` on, as promises or answers to a rejoin, in as many messages as the limits
 * of one ask for. `head` has the fields that are the same in each.
 */
void acceptor_send_votes(struct paxos *p, uint32_t to, uint64_t first, uint64_t durable_seq,
                         const struct paxos_message *head);
/* Votes for a value of the own proposal, or of a leader's: appends the record. */
void acceptor_vote(struct paxos *p, uint64_t number, struct ballot ballot, struct blob *value);
/* Raises the own promise to the own ballot: appends the record. */
void acceptor_promise_self(struct paxos *p, struct ballot ballot);
/* Tells the owner of a lower ballot about the higher one. */
void acceptor_send_preempted(struct paxos *p, uint32_t to, struct ballot lower);

/* proposer.c: phase 2 */
/* Proposes in slot_next or a recovered slot: votes, counts from zero. Sends nothing yet. */
void proposer_put(struct paxos *p, uint64_t number, struct blob *value, bool fresh);
/* ACCEPT messages for the unchosen proposals in [first, end) to every other voter. */
void proposer_send(struct paxos *p, uint64_t first, uint64_t end);
void proposer_on_propose(struct paxos *p, const struct paxos_proposal *proposals, size_t count);
void proposer_on_accepted(struct paxos *p, uint32_t from, const struct paxos_message *message);
void proposer_on_refused(struct paxos *p, uint32_t from, const struct paxos_message *message);
/* Own records became durable: own votes count now. */
void proposer_count_own(struct paxos *p);
void proposer_on_tick(struct paxos *p);
/* All own proposals are given up; each cookie is reported lost. */
void proposer_abandon(struct paxos *p);

/* recovery.c: phase 1 */
/* There is a higher round left. */
bool proposer_can_prepare(const struct paxos *p);
void proposer_prepare(struct paxos *p);
void proposer_send_prepare(struct paxos *p);
void proposer_on_promise(struct paxos *p, uint32_t from, const struct paxos_message *message);
/* Leads, when a quorum promised and everything it knows to be chosen is learned. */
void proposer_try_lead(struct paxos *p);

/* The order of what is reported of a slot: what is known to be chosen is above every vote. */
int vote_compare(struct ballot a, struct ballot b);
/* Phase 2 for what phase 1 found and the window had no place for. */
void proposer_recover_more(struct paxos *p);
/* Phase 1 left out votes beyond the window, and all below them is chosen and applied by now. */
bool proposer_has_led_its_window(const struct paxos *p);
/* A higher ballot, at once, without giving up what is proposed. */
void proposer_prepare_again(struct paxos *p);

/* membership.c */
void membership_on_members(struct paxos *p, const struct members *members);
/* Slots were applied: a configuration may have come into force. */
void membership_on_applied(struct paxos *p);
/* A leader of an idle cluster proposes no-ops until a change has its effect. */
void membership_on_tick(struct paxos *p);

/* rejoin.c */
void rejoin_begin(struct paxos *p);
void rejoin_on_tick(struct paxos *p);
void rejoin_on_request(struct paxos *p, uint32_t from, const struct paxos_message *message);
void rejoin_on_answer(struct paxos *p, uint32_t from, const struct paxos_message *message);
/* Takes over what the others told, when all have. */
void rejoin_settle(struct paxos *p);
void rejoin_on_rejoined(struct paxos *p, uint64_t seq);

/* learner.c */
/* The leader says under `ballot` that all slots below `end` are chosen. */
void learner_on_mark(struct paxos *p, struct ballot ballot, uint64_t end);
/* The value of slot chosen_end is known from another replica. */
void learner_take(struct paxos *p, struct blob *value);
/* Reports chosen slots in order. */
void learner_deliver(struct paxos *p);
/* Records how far the chosen slots reach, once a step. */
void learner_record_mark(struct paxos *p);
void learner_on_applied(struct paxos *p, uint64_t slot);
/* `members` are those of the state that came, or NULL: as they were. */
void learner_on_installed(struct paxos *p, uint64_t slot, const struct members *members);

/* election.c */
void election_arm(struct paxos *p);
void election_arm_first(struct paxos *p);
void election_on_tick(struct paxos *p);
void election_on_prevote(struct paxos *p, uint32_t from, const struct paxos_message *message);
void election_on_prevote_answer(struct paxos *p, uint32_t from,
                                const struct paxos_message *message);
void election_on_preempted(struct paxos *p, uint32_t from, const struct paxos_message *message);
void election_on_heartbeat(struct paxos *p, uint32_t from, const struct paxos_message *message);
void election_on_heartbeat_answer(struct paxos *p, uint32_t from,
                                  const struct paxos_message *message);
void election_on_peer_lost(struct paxos *p, uint32_t peer);
void election_on_resign(struct paxos *p);
/* `from` leads under `ballot`. False when the ballot is too low: it was told so. */
bool election_follow(struct paxos *p, uint32_t from, struct ballot ballot);
/* Gives up leading, preparing or pre-voting. */
void election_step_down(struct paxos *p);
/* Leadership begins. */
void election_lead(struct paxos *p);
void election_send_heartbeat(struct paxos *p);
void election_see_round(struct paxos *p, struct ballot ballot);
bool election_is_stalled(const struct paxos *p);
/* Voters that answered under the own ballot within an election timeout are a quorum. */
bool election_has_quorum_contact(const struct paxos *p);

/* read.c */
void read_init(struct paxos *p);
void read_deinit(struct paxos *p);
void read_on_read(struct paxos *p, uint64_t read_id);
void read_on_request(struct paxos *p, uint32_t from, const struct paxos_message *message);
void read_on_answer(struct paxos *p, uint32_t from, const struct paxos_message *message);
/* The leader changed: all reads that wait for a leader's word fail. */
void read_fail_all(struct paxos *p);
/* Ends what can end now, begins a round when one is needed. */
void read_settle(struct paxos *p);
/* Reads wait for a round that was not sent yet. */
bool read_wants_round(const struct paxos *p);

/* catchup.c */
void catchup_on_request(struct paxos *p, uint32_t from, const struct paxos_message *message);
void catchup_on_learn(struct paxos *p, uint32_t from, const struct paxos_message *message);
/* Nobody leads whom this replica hears: somebody may know more all the same. */
void catchup_ask_around(struct paxos *p);
/* `from` knows of chosen slots up to `end`: ask for those that are missing here. */
void catchup_want(struct paxos *p, uint32_t from, uint64_t end);
/* Asks again for what phase 1 needs, of the peer that knows most. */
void catchup_for_recovery(struct paxos *p);

#endif
