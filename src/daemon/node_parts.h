/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_parts.h - what the files src/daemon/node*.c offer to each other. Include node_internal.h. */
#ifndef RSM_DAEMON_NODE_PARTS_H
#define RSM_DAEMON_NODE_PARTS_H

/* node.c */
void node_step(struct node *n, const struct paxos_event *event);
void node_fail(struct node *n, enum rsm_status status, const char *text);
void node_resign(struct node *n);
void node_raise(struct node *n, uint32_t alarm, uint64_t slot);
void node_clear(struct node *n, uint32_t alarm);
/*
 * The store holds the missing slots again, and everything that is applied: the journal is opened
 * after all, the core begins anew from both.
 */
void node_resume(struct node *n);
/* Why no command can be taken now, from anybody: RSM_OK when it can. */
enum rsm_status node_refuses(const struct node *n);
/*
 * The same for its own clients. A clock that is out of bounds is no reason not to lead: stamps are
 * the median of the members' clocks, and a wall clock shall make no election.
 */
enum rsm_status node_refuses_clients(const struct node *n);
/* Some alarm says that its state may be wrong: it says nothing of what it holds, no vote either. */
bool node_is_doubtful(const struct node *n);

/* node_spec.c: the speculation */
enum judgement {
    JUDGED_OK = 1, /* it is in the speculation now */
    JUDGED_REFUSED,
    JUDGED_DUPLICATE, /* every command in it has its verdict already */
    JUDGED_WAIT,      /* a slot below is not known yet */
    JUDGED_BAD,       /* no such entry can be: malformed, wrong cluster, bad signature */
};

void spec_init(struct node *n);
void spec_deinit(struct node *n);
/* Throws it away; it begins again behind what is applied. */
void spec_reset(struct node *n);
/*
 * Applies the slot with the value by what judging it came to, as machine_apply would: verdicts into
 * *verdicts_out. *done_out is false, and nothing was done, when that is not known.
 */
enum rsm_status spec_apply(struct node *n, uint64_t slot, struct blob *value,
                           struct verdicts *verdicts_out, bool *done_out);
/* A slot was applied: keeps, empties or throws away what was speculated. */
void spec_on_applied(struct node *n, uint64_t slot, struct blob *value);
/* Throws it away when it holds another value for one of these slots than the core accepted. */
void spec_compare(struct node *n, const struct paxos_message *message);
/* Whether its verdicts are known below `slot`; also true while that cannot be told. */
bool spec_may_know(struct node *n, uint64_t slot, struct bytes envelope);
/*
 * What the rules say of `value` in `slot`, behind everything accepted below. On JUDGED_REFUSED the
 * verdicts are in *verdicts_out (owned by the caller, verdicts_deinit).
 */
enum judgement spec_judge(struct node *n, uint64_t slot, struct blob *value,
                          struct verdicts *verdicts_out);
/* Takes the next slot's value whatever the rules say of it. False when the state is damaged. */
bool spec_take(struct node *n, struct blob *value);

/* What the machine is told of the envelope in a slot's value. */
struct machine_signatures node_signatures(struct node *n, struct bytes value,
                                          struct envelope *envelope_out);

/* node_members.c: the members. RSM_WRONG_IDENTITY: but who had this number there is none. */
enum rsm_status members_read(struct node *n, struct members *members_out);
/* Before the core is told that slots are applied. */
void members_follow(struct node *n);
/* Tells the core of a state that came as a snapshot, and of its members. */
void members_on_installed(struct node *n, uint64_t slot);
/*
 * Nobody else votes: then nobody has heard of this replica's doubts, and when its journal reads
 * whole again (an error was a passing one) there is nobody who could know more.
 */
bool members_are_self_alone(struct node *n);

/* node_rejoin.c */
/*
 * The journal is damaged, uncertain or gone. `has_lost`: something that was acknowledged may be
 * gone, and the store does not have it either.
 */
void rejoin_begin_doubt(struct node *n, uint32_t alarm, bool has_lost);
/* The core has heard everybody: a fresh journal, the new incarnation, and votes again. */
void rejoin_finish(struct node *n);
void rejoin_on_heartbeat(struct node *n);

/* node_space.c: room in the journal for votes, asked for before the core begins them */
/* Counts a vote for a value of `size` bytes. */
void space_add_vote(struct space *space, uint64_t size);
/* False: the journal has not so much, and the alarm is raised. */
bool space_is_for(struct node *n, struct space space);
/* For what a message may bring. False: it must not come to the core, as if it were lost. */
bool space_is_for_message(struct node *n, const struct paxos_message *m);
/* What a tick may make a replica vote for: it does not lead, or begin to, without room for it. */
void space_before_tick(struct node *n);
void space_on_leader(struct node *n);

/* node_verify.c: form, cluster and signature, remembered by digest */
enum rsm_status node_verify_envelope(struct node *n, struct bytes raw,
                                     const uint8_t digest[HASH_SIZE], struct envelope *out);

/* node_submit.c */
void submit_propose(struct node *n);
/* Proposes a tick when a deadline has passed and nothing else moves log time. */
void submit_time(struct node *n);
void submit_forward(struct node *n);
void submit_expire(struct node *n);
/* Answers what has its verdict already, after slots were skipped by a snapshot. */
void submit_answer_known(struct node *n);
void submit_on_lost(struct node *n, const struct paxos_lost *lost);
void submit_on_leader_changed(struct node *n);
/* A slot's verdicts are known: answers who waits. */
void submit_on_applied(struct node *n, const uint8_t digest[HASH_SIZE], uint64_t slot,
                       const struct verdicts *verdicts);
void submit_on_forward(struct node *n, uint32_t from, struct bytes envelope);
void submit_on_forward_failed(struct node *n, const uint8_t digest[HASH_SIZE],
                              enum rsm_status status, const char *text);
void submit_fail_all(struct node *n, enum rsm_status status, const char *text);

/* node_apply.c */
void apply_learned(struct node *n);
/* Behind all that was learned; takes a reference. */
void apply_later(struct node *n, uint64_t slot, struct blob *value);
/* What was learned waits: for a snapshot, for a commit, or for ever. */
bool apply_is_held(const struct node *n);
/* What was chosen, or the policy, is of a newer version: nothing is judged or applied here. */
bool apply_is_unreadable(const struct node *n);
/* RSM_NEWER_FORMAT: nothing was done, this version must not apply it. */
enum rsm_status apply_slot(struct node *n, uint64_t slot, struct blob *value);
/* A chosen value that a newer version made. */
bool apply_is_newer(struct bytes value);
/* The alarm policy-unreadable; after a state was opened or installed. */
void apply_judge_policy(struct node *n);
void apply_commit_when_due(struct node *n);
bool apply_store_is_behind(const struct node *n); /* a leader waits until its commit ends */
/* The store holds everything up to stored_slot. */
void apply_on_stored(struct node *n);
/* A commit that found the disk full is tried again. */
void apply_commit_again(struct node *n);
/* After each slot that is replayed: what is in memory goes on to the store when it is much. */
enum rsm_status apply_commit_replayed(struct node *n);
/* The node is given up while it is opened: the store's thread reads no overlay of it any more. */
void apply_commit_abandon(struct node *n);
bool apply_heads_at(void *context, uint64_t slot, struct heads *heads_out);

/* node_snapshot.c */
bool snapshot_offer(struct node *n, const struct paxos_range *range);
void snapshot_on_offer(struct node *n, uint32_t from, uint64_t slot);
void snapshot_on_want(struct node *n, uint32_t from, uint64_t slot, uint64_t number);
void snapshot_on_chunk(struct node *n, uint32_t from, uint64_t slot, uint64_t number,
                       struct bytes chunk);
void snapshot_install_when_due(struct node *n);
void snapshot_on_tick(struct node *n);
void receive_on_tick(struct node *n);
void snapshot_drop_sender(struct node *n);
void snapshot_drop_receiver(struct node *n);
/* Both sides make these: the next piece's hash, and what is signed. */
void snapshot_hash_piece(uint8_t hash[HASH_SIZE], uint64_t slot, uint64_t number,
                         struct bytes rows);
void snapshot_put_checkpoint(const struct checkpoint *c, uint8_t out[CHECKPOINT_SIZE]);

/* node_own.c */
/* None is on its way, and it can be signed. */
bool own_may_submit(struct node *n);
/* Takes the body; `dependency` may be NULL. False: not now. */
bool own_submit(struct node *n, enum rsm_kind kind, struct rsm_buffer *body,
                const struct rsm_event *dependency, const char *reason);

/* node_recover.c */
/* Of node_config.recovery; after the state was opened. RSM_DAMAGED: not of this state or disk. */
enum rsm_status recover_open(struct node *n);
void recover_when_due(struct node *n);
/* The disk has its former incarnation still, under which nobody shall hear of it. */
bool recover_is_renewal_due(struct node *n);

/* The command alone, signed, as own_submit would hand it in. NULL: it cannot be made (memory). */
struct blob *own_make(struct node *n, enum rsm_kind kind, const struct rsm_buffer *body,
                      const struct rsm_event *dependency, const char *reason);

/* node_trip.c: alarms stop automata from coming back */
void trip_when_due(struct node *n);

/* node_vote.c: votes on what waits, when this replica has not said anything of it */
void vote_when_due(struct node *n);

/* node_repair.c */
void repair_on_tick(struct node *n);

/* node_peer.c */
void peer_send_message(struct node *n, const struct paxos_send *send);
bool peer_release_held(struct node *n);
void peer_send_range(struct node *n, const struct paxos_range *range);
/* node_clock.c: the time for a leader's stamps, the median of the members' clocks. */
uint64_t node_clock_ms(struct node *n);
/* The alarm clock-bound. */
void clock_judge(struct node *n);
void peer_send_heads(struct node *n);
void peer_judge_heads(struct node *n);

#endif
