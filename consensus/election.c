/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * election.c - who leads: timers in ticks, pre-vote, stickiness, disk progress. None of this
 * matters for agreement; all of it for progress ("Paxos Made Simple", end of 2.4).
 *
 *   FOLLOWER   -- no word from a leader for a random time ------------> PREVOTING
 *   PREVOTING  -- a quorum would promise ----------------------------> PREPARING  proposer_prepare
 *              -- a live leader speaks ------------------------------> FOLLOWER   election_follow
 *   PREPARING  -- a quorum promised, all chosen slots learned --------> LEADER    proposer_try_lead
 *              -- a higher ballot, or no quorum in time --------------> FOLLOWER  step_down
 *   LEADER     -- a higher ballot; no contact with a quorum for an
 *                 election timeout; the own disk stalls --------------> FOLLOWER  step_down
 *              -- a proposal was refused ----------------------------> PREPARING  proposer_prepare
 *
 * A voter that heard its leader within the shortest timeout denies a pre-vote: a replica behind a
 * bad link cannot unseat a leader that works for the others, and comes back without a higher
 * ballot.
 */
#include "consensus/core.h"

void election_see_round(struct paxos *p, struct ballot ballot)
{
    if (ballot.round <= PAXOS_ROUND_MAX && ballot.round > p->round_max)
        p->round_max = ballot.round;
    CHECK(p->round_max <= PAXOS_ROUND_MAX);
}

void election_arm(struct paxos *p)
{
    uint32_t ticks_max = p->config.election_ticks_max;
    if (MUTANT(EQUAL_TIMEOUTS))
        ticks_max = p->config.election_ticks_min;
    p->election_tick = p->tick + prng_range(&p->prng, p->config.election_ticks_min, ticks_max);
    CHECK(p->election_tick > p->tick);
    CHECK(p->election_tick <= p->tick + p->config.election_ticks_max);
}

/*
 * At the start nobody has been heard who could be unseated, and whoever hears a leader denies the
 * pre-vote: a whole site that starts need not wait for a timeout that is meant for a silence.
 */
void election_arm_first(struct paxos *p)
{
    CHECK(p->role == PAXOS_FOLLOWER && p->leader == 0);
    election_arm(p);
    if (p->config.start_ticks_max > 0)
        p->election_tick = p->tick + prng_range(&p->prng, 1, p->config.start_ticks_max);
    CHECK(p->election_tick > p->tick);
}

bool election_is_stalled(const struct paxos *p)
{
    CHECK(p->durable_tick <= p->tick);
    return p->seq_waited > p->seq_durable && p->tick - p->durable_tick >= p->config.stall_ticks;
}

bool election_has_quorum_contact(const struct paxos *p)
{
    replica_set heard = quorum_bit(p->config.self);
    CHECK(p->role == PAXOS_LEADER);
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        VERIFY(p->peers[replica].contact_tick <= p->tick); /* or the difference is a huge one */
        if (p->tick - p->peers[replica].contact_tick < p->config.election_ticks_min)
            heard |= quorum_bit(replica);
    }
    return members_have(&p->members, heard);
}

void election_step_down(struct paxos *p)
{
    if (p->role == PAXOS_LEADER || p->role == PAXOS_PREPARING)
        proposer_abandon(p);
    p->role = PAXOS_FOLLOWER;
    if (p->leader == p->config.self)
        p->leader = 0;
    read_fail_all(p);
    election_arm(p);
    CHECK(p->role == PAXOS_FOLLOWER && p->leader != p->config.self);
    CHECK(!read_wants_round(p)); /* nobody is left who waits for this leader's word */
}

bool election_follow(struct paxos *p, uint32_t from, struct ballot ballot)
{
    bool is_low =
        ballot_compare(ballot, p->promised) < 0 || ballot_compare(ballot, p->leader_ballot) < 0;
    if (is_low && !MUTANT(ACCEPT_BELOW_PROMISE)) {
        acceptor_send_preempted(p, from, ballot);
        return false;
    }
    if (p->role != PAXOS_FOLLOWER)
        election_step_down(p);
    if (p->leader != from || !ballot_equal(p->leader_ballot, ballot))
        read_fail_all(p);
    /* It leads under a ballot that is its own, and not below what was promised or followed. */
    CHECK(p->role == PAXOS_FOLLOWER && from != p->config.self);
    CHECK(ballot.replica == from);
    p->leader = from;
    p->leader_ballot = ballot;
    p->leader_heard_tick = p->tick;
    election_arm(p);
    return true;
}

void election_lead(struct paxos *p)
{
    CHECK(p->voting && p->role == PAXOS_PREPARING);
    CHECK(p->ballot.replica == p->config.self);
    CHECK(ballot_equal(p->promised, p->ballot));
    CHECK(p->chosen_end >= p->recover_end);
    p->role = PAXOS_LEADER;
    p->leader = p->config.self;
    p->leader_ballot = p->ballot;
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        struct peer *peer = &p->peers[replica];
        peer->contact_tick = p->tick;
        peer->read_round = 0;
        peer->resend_interval = p->config.resend_ticks;
        peer->resend_tick = p->tick + p->config.resend_ticks;
    }
}

void election_send_heartbeat(struct paxos *p)
{
    CHECK(p->role == PAXOS_LEADER);
    CHECK(ballot_equal(p->ballot, p->leader_ballot));
    CHECK(p->announced_end <= p->chosen_end);
    if (read_wants_round(p))
        p->reads.round_sent++;
    p->heartbeat_tick = p->tick + p->config.heartbeat_ticks;
    p->announced_end = p->chosen_end;
    effects_send_members(p, 0,
                         (struct paxos_message){.type = PAXOS_HEARTBEAT,
                                                .ballot = p->ballot,
                                                .round = p->reads.round_sent});
}

static void election_send_prevote(struct paxos *p)
{
    CHECK(p->role == PAXOS_PREVOTING);
    CHECK(p->prevote_ballot.replica == p->config.self &&
          p->prevote_ballot.round > p->promised.round);
    p->heartbeat_tick = p->tick + p->config.resend_ticks;
    effects_send_voters(p, 0,
                        (struct paxos_message){.type = PAXOS_PREVOTE, .ballot = p->prevote_ballot});
}

static void election_begin(struct paxos *p)
{
    CHECK(p->voting);
    CHECK(p->role == PAXOS_FOLLOWER || p->role == PAXOS_PREVOTING);
    if (p->leader != 0)
        read_fail_all(p);
    p->leader = 0;
    if (!proposer_can_prepare(p)) {
        election_arm(p);
        return;
    }
    p->role = PAXOS_PREVOTING;
    p->prevotes = quorum_bit(p->config.self);
    p->prevote_ballot = (struct ballot){p->round_max + 1, p->config.self};
    if (members_have(&p->members, p->prevotes) || MUTANT(NO_PREVOTE)) {
        proposer_prepare(p);
        return;
    }
    election_arm(p);
    election_send_prevote(p);
}

static void election_tick_follower(struct paxos *p)
{
    CHECK(p->leader != p->config.self);
    CHECK(p->leader_heard_tick <= p->tick);
    if (p->leader != 0 && p->tick - p->leader_heard_tick > p->config.election_ticks_max) {
        p->leader = 0;
        read_fail_all(p);
    }
    if (p->rejoin.number != 0)
        rejoin_on_tick(p);
    if (p->tick < p->election_tick)
        return;
    if (!p->voting) {
        catchup_ask_around(p);
        election_arm(p);
        return;
    }
    if (election_is_stalled(p)) {
        mark(p, PAXOS_MARK_STALLED_NO_CAMPAIGN);
        election_arm(p);
        return;
    }
    election_begin(p);
}

static void election_tick_prevoting(struct paxos *p)
{
    CHECK(p->prevote_ballot.replica == p->config.self);
    CHECK((p->prevotes & quorum_bit(p->config.self)) != 0);
    if (p->tick >= p->election_tick) {
        /* Nobody may take it for a voter any more, and its leader be a stranger to it. */
        catchup_ask_around(p);
        election_begin(p);
    } else if (p->tick >= p->heartbeat_tick) {
        election_send_prevote(p);
    }
}

static void election_tick_preparing(struct paxos *p)
{
    CHECK(p->leader == 0);
    CHECK(ballot_equal(p->promised, p->ballot));
    if (p->tick >= p->election_tick) {
        mark(p, PAXOS_MARK_PREPARE_TIMED_OUT);
        election_step_down(p);
        election_begin(p);
    } else if (p->tick >= p->heartbeat_tick) {
        p->heartbeat_tick = p->tick + p->config.resend_ticks;
        proposer_send_prepare(p);
        catchup_for_recovery(p);
    }
}

static void election_tick_leader(struct paxos *p)
{
    CHECK(p->leader == p->config.self);
    CHECK(ballot_equal(p->promised, p->ballot));
    if (!election_has_quorum_contact(p) && !MUTANT(LEAD_WITHOUT_CONTACT)) {
        mark(p, PAXOS_MARK_STEPPED_DOWN_NO_QUORUM);
        election_step_down(p);
        return;
    }
    if (p->tick >= p->heartbeat_tick)
        election_send_heartbeat(p);
    proposer_on_tick(p);
}

void election_on_tick(struct paxos *p)
{
    CHECK(p->role == PAXOS_FOLLOWER || p->voting); /* who may not vote asks for none */
    if (p->role != PAXOS_FOLLOWER && election_is_stalled(p) && !MUTANT(LEAD_WHILE_STALLED)) {
        mark(p, PAXOS_MARK_STEPPED_DOWN_STALLED);
        election_step_down(p);
        return;
    }
    switch (p->role) {
    case PAXOS_FOLLOWER:
        election_tick_follower(p);
        return;
    case PAXOS_PREVOTING:
        election_tick_prevoting(p);
        return;
    case PAXOS_PREPARING:
        election_tick_preparing(p);
        return;
    case PAXOS_LEADER:
        election_tick_leader(p);
        return;
    }
    CHECK(false); /* a role that is none */
}

void election_on_prevote(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    CHECK(message->ballot.replica == from && from != p->config.self);
    CHECK(p->leader_heard_tick <= p->tick);
    if (!p->voting)
        return;
    bool hears_leader = p->leader != 0 && p->leader != from &&
                        p->tick - p->leader_heard_tick < p->config.election_ticks_min;
    bool granted = p->role != PAXOS_LEADER && !hears_leader;
    if (!granted)
        mark(p, PAXOS_MARK_PREVOTE_DENIED);
    effects_send(p, from, 0,
                 (struct paxos_message){.type = PAXOS_PREVOTE_ANSWER,
                                        .ballot = message->ballot,
                                        .promised = p->promised,
                                        .granted = granted});
}

void election_on_prevote_answer(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    election_see_round(p, message->promised);
    if (p->role != PAXOS_PREVOTING || !ballot_equal(message->ballot, p->prevote_ballot) ||
        !message->granted)
        return;
    CHECK(from != p->config.self && (p->prevotes & quorum_bit(p->config.self)) != 0);
    CHECK(p->leader == 0);
    p->prevotes |= quorum_bit(from);
    if (members_have(&p->members, p->prevotes))
        proposer_prepare(p);
}

void election_on_preempted(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    CHECK(from != p->config.self);
    CHECK(message->ballot.replica == p->config.self);
    election_see_round(p, message->promised);
    if (ballot_compare(message->promised, p->ballot) <= 0)
        return;
    if (p->role == PAXOS_LEADER)
        mark(p, PAXOS_MARK_PREEMPTED_LEADER);
    else if (p->role == PAXOS_PREPARING)
        mark(p, PAXOS_MARK_PREEMPTED_PREPARING);
    else
        return;
    election_step_down(p);
}

void election_on_heartbeat(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    if (!election_follow(p, from, message->ballot))
        return;
    CHECK(p->role == PAXOS_FOLLOWER && p->leader == from);
    learner_on_mark(p, message->ballot, message->chosen_end);
    learner_deliver(p);
    CHECK(message->type == PAXOS_HEARTBEAT || message->type == PAXOS_CHOSEN);
    if (message->type == PAXOS_HEARTBEAT)
        effects_send(p, from, 0,
                     (struct paxos_message){.type = PAXOS_HEARTBEAT_ANSWER,
                                            .ballot = message->ballot,
                                            .round = message->round,
                                            .granted = p->voting});
}

void election_on_heartbeat_answer(struct paxos *p, uint32_t from,
                                  const struct paxos_message *message)
{
    struct peer *peer = &p->peers[from];
    if (p->role != PAXOS_LEADER || !ballot_equal(message->ballot, p->ballot) || !message->granted)
        return;
    CHECK(from != p->config.self);
    CHECK(p->leader == p->config.self);
    peer->contact_tick = p->tick;
    if (message->round > peer->read_round)
        peer->read_round = message->round;
}

void election_on_peer_lost(struct paxos *p, uint32_t peer)
{
    if (p->role != PAXOS_FOLLOWER || p->leader != peer || !p->voting)
        return;
    /* The leader's process may have died: ask at once, the others deny it if they still hear it. */
    CHECK(p->leader != p->config.self);
    CHECK(p->tick > p->config.election_ticks_min);
    p->leader_heard_tick = p->tick - p->config.election_ticks_min;
    p->election_tick = p->tick + prng_below(&p->prng, p->config.heartbeat_ticks + UINT64_C(1));
}

void election_on_resign(struct paxos *p)
{
    if (p->role != PAXOS_FOLLOWER)
        election_step_down(p);
    CHECK(p->role == PAXOS_FOLLOWER && p->leader != p->config.self);
    p->election_tick = p->tick + 2 * (uint64_t)p->config.election_ticks_max;
}
