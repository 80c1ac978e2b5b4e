/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * paxos.c - life of the core, recovery from the journal, and the step: dispatch and nothing else.
 *
 * After each event the step settles what may follow from it, in this order: votes of this replica
 * that became durable; chosen slots, in order; a phase 1 that is complete; reads. One round is
 * enough, for none of these makes an earlier one possible again before the next event.
 */
#include "consensus/core.h"

#include <string.h>

#include "src/base/mem.h"

static void paxos_check_config(const struct paxos_config *config)
{
    CHECK(config->self >= 1 && config->self <= REPLICA_MAX);
    CHECK(config->voter_count >= 1 && config->voter_count <= LIMIT_REPLICAS);
    CHECK(config->learner_count <= LIMIT_REPLICAS);
    CHECK(config->capacity >= 1 && config->capacity <= LIMIT_WINDOW);
    CHECK(config->window >= 1 && config->window <= config->capacity);
    CHECK(config->distance <= config->capacity);
    CHECK(config->distance == 0 || config->distance >= config->window);
    CHECK(config->batch_entries >= 1 && config->batch_entries <= LIMIT_BATCH_ENTRIES);
    CHECK(config->batch_bytes >= 1);
    CHECK(config->heartbeat_ticks >= 1);
    CHECK(config->election_ticks_min > 2 * config->heartbeat_ticks);
    CHECK(config->election_ticks_max > config->election_ticks_min);
    CHECK(config->resend_ticks >= 1);
    CHECK(config->stall_ticks >= 1);
}

static replica_set paxos_set_of(const uint32_t *list, uint32_t count)
{
    replica_set set = 0;
    CHECK(count <= LIMIT_REPLICAS);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(list[i] >= 1 && list[i] <= REPLICA_MAX);
        CHECK((set & quorum_bit(list[i])) == 0);
        set |= quorum_bit(list[i]);
    }
    CHECK(quorum_count(set) == count); /* each once: a majority is one of distinct voters */
    return set;
}

struct paxos *paxos_new(const struct paxos_config *config)
{
    paxos_check_config(config);
    struct paxos *p = mem_alloc(sizeof(*p));
    p->config = *config;
    if (p->config.distance == 0)
        p->config.distance = config->capacity;
    p->members.now.voters = paxos_set_of(config->voters, config->voter_count);
    p->members.now.learners = paxos_set_of(config->learners, config->learner_count);
    CHECK((p->members.now.voters & p->members.now.learners) == 0);
    prng_init(&p->prng, config->seed);
    slots_init(&p->slots, config->capacity);
    effects_init(p);
    read_init(p);
    /* Differences of ticks never go below zero. */
    p->tick = 16 * (uint64_t)config->election_ticks_max;
    p->role = PAXOS_FOLLOWER;
    p->chosen_end = 1;
    p->accepted_end = 1;
    p->slot_next = 1;
    return p;
}

void paxos_free(struct paxos *p)
{
    if (p == NULL)
        return;
    slots_deinit(&p->slots);
    effects_deinit(p);
    read_deinit(p);
    mem_free(p);
}

void paxos_restore_base(struct paxos *p, uint64_t slot)
{
    CHECK(!p->started && slot <= SLOT_MAX);
    CHECK(p->applied == 0 && p->accepted_end == 1);
    p->applied = slot;
    p->chosen_end = slot + 1;
    p->accepted_end = slot + 1;
    slots_advance(&p->slots, slot + 1);
    slots_release(&p->slots);
}

void paxos_restore_promise(struct paxos *p, struct ballot ballot)
{
    CHECK(!p->started);
    CHECK(ballot.replica <= REPLICA_MAX);
    if (MUTANT(FORGET_PROMISE))
        return;
    if (ballot_compare(ballot, p->promised) > 0)
        p->promised = ballot;
    CHECK(ballot_compare(p->promised, ballot) >= 0);
    election_see_round(p, ballot);
}

bool paxos_restore_accept(struct paxos *p, uint64_t slot, struct ballot ballot, struct blob *value)
{
    CHECK(!p->started);
    CHECK(slot >= 1 && slot <= SLOT_MAX);
    CHECK(ballot.replica >= 1 && ballot.replica <= REPLICA_MAX);
    /* A vote is a promise, also where the store holds the slot by now. */
    if (!ballot_equal(ballot, PAXOS_BALLOT_CHOSEN))
        paxos_restore_promise(p, ballot);
    if (slot < p->slots.first)
        return true;
    if (!slots_contains(&p->slots, slot))
        return false;
    struct slot *place = slots_at(&p->slots, slot);
    slots_set_vote(&p->slots, place, ballot, value);
    place->chosen = place->chosen || ballot_equal(ballot, PAXOS_BALLOT_CHOSEN);
    slots_release(&p->slots);
    if (slot >= p->accepted_end)
        p->accepted_end = slot + 1;
    CHECK(slot < p->accepted_end && slot > p->applied);
    return true;
}

bool paxos_restore_chosen(struct paxos *p, uint64_t end)
{
    CHECK(!p->started);
    for (uint64_t n = p->chosen_end; n < end; n++) {
        if (!slots_contains(&p->slots, n) || !slot_has_vote(slots_at(&p->slots, n)))
            return false;
        slots_at(&p->slots, n)->chosen = true;
        p->chosen_end = n + 1;
    }
    CHECK(p->chosen_end >= end && p->chosen_end <= p->accepted_end);
    return true;
}

void paxos_restore_applied(struct paxos *p, uint64_t slot)
{
    CHECK(!p->started && slot < p->chosen_end);
    if (slot <= p->applied)
        return;
    p->applied = slot;
    slots_advance(&p->slots, slot + 1);
    slots_release(&p->slots);
    CHECK(p->slots.first == p->applied + 1);
}

void paxos_restore_members(struct paxos *p, const struct members *members)
{
    CHECK(!p->started && members != &p->members);
    members_check(members);
    p->members = *members;
}

void paxos_restore_held(struct paxos *p)
{
    CHECK(!p->started && p->applied + 1 < p->chosen_end);
    p->is_holding = true;
}

void paxos_start(struct paxos *p, uint64_t seq_next, enum paxos_standing standing)
{
    CHECK(!p->started && seq_next > 0);
    CHECK(standing >= PAXOS_WHOLE && standing <= PAXOS_UNREAD);
    CHECK(p->applied + 1 == p->chosen_end || (p->is_holding && p->applied < p->chosen_end));
    p->started = true;
    p->standing = standing;
    p->voting = standing == PAXOS_WHOLE && members_is_voter(&p->members, p->config.self);
    p->seq_next = seq_next;
    p->seq_durable = seq_next - 1;
    p->slot_next = p->chosen_end;
    p->marked_end = p->chosen_end;
    election_arm_first(p);
    if (standing == PAXOS_IN_DOUBT || standing == PAXOS_LOST)
        rejoin_begin(p);
    CHECK(!p->voting || p->rejoin.number == 0);
    paxos_check_heads(p);
}

/* Whose number stands in the ballot of a message. */
enum ballot_owner {
    BALLOT_OF_SENDER = 1,
    BALLOT_OF_RECEIVER, /* an answer, under the ballot that asked */
    BALLOT_OF_NOBODY,
};

/* Who may say it, and who hears it. */
static const struct message_rule {
    enum ballot_owner owner;
    bool is_from_voter; /* other members may not say it */
    void (*handle)(struct paxos *p, uint32_t from, const struct paxos_message *message);
} message_rules[] = {
    [PAXOS_PREVOTE] = {BALLOT_OF_SENDER, true, election_on_prevote},
    [PAXOS_PREVOTE_ANSWER] = {BALLOT_OF_RECEIVER, true, election_on_prevote_answer},
    [PAXOS_PREPARE] = {BALLOT_OF_SENDER, true, acceptor_on_prepare},
    [PAXOS_PROMISE] = {BALLOT_OF_RECEIVER, true, proposer_on_promise},
    [PAXOS_PREEMPTED] = {BALLOT_OF_RECEIVER, true, election_on_preempted},
    [PAXOS_ACCEPT] = {BALLOT_OF_SENDER, true, NULL}, /* comes with opinions: paxos_dispatch */
    [PAXOS_ACCEPTED] = {BALLOT_OF_RECEIVER, true, proposer_on_accepted},
    [PAXOS_REFUSED] = {BALLOT_OF_RECEIVER, true, proposer_on_refused},
    [PAXOS_HEARTBEAT] = {BALLOT_OF_SENDER, true, election_on_heartbeat},
    [PAXOS_HEARTBEAT_ANSWER] = {BALLOT_OF_RECEIVER, false, election_on_heartbeat_answer},
    [PAXOS_CHOSEN] = {BALLOT_OF_SENDER, true, election_on_heartbeat},
    [PAXOS_LEARN] = {BALLOT_OF_NOBODY, false, catchup_on_learn},
    [PAXOS_CATCH_UP] = {BALLOT_OF_NOBODY, false, catchup_on_request},
    [PAXOS_READ] = {BALLOT_OF_NOBODY, false, read_on_request},
    [PAXOS_READ_ANSWER] = {BALLOT_OF_NOBODY, false, read_on_answer},
    [PAXOS_REJOIN] = {BALLOT_OF_NOBODY, false, rejoin_on_request},
    [PAXOS_REJOIN_ANSWER] = {BALLOT_OF_NOBODY, true, rejoin_on_answer},
};
_Static_assert(sizeof(message_rules) / sizeof(message_rules[0]) == PAXOS_MESSAGE_TYPE_END,
               "each type of message has a row");

/* The sender must be a member, a voter for what only voters say, and own the ballot it uses. */
static bool paxos_admits(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    if (message->type < PAXOS_PREVOTE || message->type >= PAXOS_MESSAGE_TYPE_END) {
        mark(p, PAXOS_MARK_FOREIGN_BALLOT);
        return false;
    }
    const struct message_rule *rule = &message_rules[message->type];
    CHECK(rule->owner != 0); /* the row is there */
    uint32_t owner = rule->owner == BALLOT_OF_SENDER ? from : p->config.self;
    bool is_own_ballot = rule->owner == BALLOT_OF_NOBODY || message->ballot.replica == owner;
    bool admitted = is_own_ballot && from != p->config.self &&
                    members_is_member(&p->members, from) &&
                    (members_is_voter(&p->members, from) || !rule->is_from_voter);
    CHECK(!admitted || (from >= 1 && from <= REPLICA_MAX)); /* what it says is kept by number */
    if (!admitted)
        mark(p, PAXOS_MARK_FOREIGN_BALLOT);
    return admitted;
}

static void paxos_dispatch(struct paxos *p, const struct paxos_event *event)
{
    const struct paxos_message *message = event->message;
    const struct message_rule *rule = &message_rules[message->type];
    CHECK((rule->handle == NULL) == (message->type == PAXOS_ACCEPT));
    if (message->type == PAXOS_ACCEPT)
        acceptor_on_accept(p, event->from, message, event->opinions);
    else
        rule->handle(p, event->from, message);
}

static void paxos_on_message(struct paxos *p, const struct paxos_event *event)
{
    const struct paxos_message *message = event->message;
    CHECK(message->chosen_end >= 1);
    if (!paxos_admits(p, event->from, message))
        return;
    CHECK(event->from != p->config.self);
    struct peer *peer = &p->peers[event->from];
    peer->was_heard = true;
    peer->heard_tick = p->tick;
    peer->chosen_end = message->chosen_end; /* it may have fallen: a restart forgets */
    /* A pre-vote's ballot is only imagined: nobody may be made to go above it. */
    if (message->type != PAXOS_PREVOTE && message->type != PAXOS_PREVOTE_ANSWER)
        election_see_round(p, message->ballot);
    paxos_dispatch(p, event);
    learner_deliver(p);
    catchup_want(p, event->from, message->chosen_end);
}

static void paxos_on_durable(struct paxos *p, uint64_t seq)
{
    CHECK(seq < p->seq_next);
    CHECK(p->durable_tick <= p->tick);
    if (seq <= p->seq_durable)
        return;
    p->seq_durable = seq;
    p->durable_tick = p->tick;
    proposer_count_own(p);
}

static void paxos_on_announce(struct paxos *p)
{
    if (p->role != PAXOS_LEADER || p->chosen_end <= p->announced_end)
        return;
    CHECK(ballot_equal(p->ballot, p->leader_ballot));
    p->announced_end = p->chosen_end;
    effects_send_members(p, 0, (struct paxos_message){.type = PAXOS_CHOSEN, .ballot = p->ballot});
}

static void paxos_handle(struct paxos *p, const struct paxos_event *event)
{
    switch (event->type) {
    case PAXOS_EVENT_MESSAGE:
        paxos_on_message(p, event);
        return;
    case PAXOS_EVENT_TICK:
        p->tick++;
        election_on_tick(p);
        return;
    case PAXOS_EVENT_DURABLE:
        paxos_on_durable(p, event->number);
        return;
    case PAXOS_EVENT_PROPOSE:
        proposer_on_propose(p, event->proposals, event->proposal_count);
        return;
    case PAXOS_EVENT_APPLIED:
        learner_on_applied(p, event->number);
        return;
    case PAXOS_EVENT_READ:
        read_on_read(p, event->number);
        return;
    case PAXOS_EVENT_INSTALLED:
        learner_on_installed(p, event->number, event->members);
        return;
    case PAXOS_EVENT_ANNOUNCE:
        paxos_on_announce(p);
        return;
    case PAXOS_EVENT_PEER_LOST:
        election_on_peer_lost(p, event->from);
        return;
    case PAXOS_EVENT_RESIGN:
        election_on_resign(p);
        return;
    case PAXOS_EVENT_REJOINED:
        rejoin_on_rejoined(p, event->number);
        return;
    case PAXOS_EVENT_MEMBERS:
        membership_on_members(p, event->members);
        return;
    }
    CHECK(false); /* no event: whoever hands it in is wrong */
}

static void paxos_report(struct paxos *p, struct paxos_effects *effects)
{
    const struct effect_lists *e = &p->effects;
    struct ballot ballot = p->leader != 0 ? p->leader_ballot : (struct ballot){0, 0};
    bool ready = paxos_is_ready(p);
    CHECK(!ready || p->leader == p->config.self);
    CHECK(p->leader == 0 || ballot.replica == p->leader); /* it leads under its own ballot */
    CHECK(!p->rejoin.is_told || p->rejoin.is_complete);
    *effects = (struct paxos_effects){
        .appends = e->appends,
        .append_count = e->append_count,
        .sends = e->sends,
        .send_count = e->send_count,
        .learned = e->learned,
        .learned_count = e->learned_count,
        .lost = e->lost,
        .lost_count = e->lost_count,
        .reads = e->reads,
        .read_count = e->read_count,
        .ranges = e->ranges,
        .range_count = e->range_count,
        .leader_changed = p->leader != p->told_leader || !ballot_equal(ballot, p->told_ballot) ||
                          ready != p->told_ready,
        .rejoin = p->rejoin.is_told,
        .leader = p->leader,
        .leader_ballot = ballot,
        .ready = ready,
    };
    p->rejoin.is_told = false;
    p->told_leader = p->leader;
    p->told_ballot = ballot;
    p->told_ready = ready;
}

void paxos_step(struct paxos *p, const struct paxos_event *event, struct paxos_effects *effects)
{
    CHECK(p->started);
    effects_reset(p);
    slots_release(&p->slots);
    paxos_handle(p, event);
    learner_deliver(p);
    proposer_try_lead(p);
    proposer_recover_more(p);
    rejoin_settle(p);
    learner_record_mark(p);
    read_settle(p);
    paxos_report(p, effects);
    paxos_check_heads(p);
#if defined(RSM_VERIFY) && RSM_VERIFY
    paxos_check(p);
#endif
}
