/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * status.c - what the core tells about itself, and the check of the whole object.
 */
#include "consensus/core.h"

enum paxos_role paxos_role(const struct paxos *p)
{
    return p->role;
}

uint32_t paxos_leader(const struct paxos *p)
{
    return p->leader;
}

const struct members *paxos_members(const struct paxos *p)
{
    return &p->members;
}

bool paxos_is_ready(const struct paxos *p)
{
    return p->role == PAXOS_LEADER && p->chosen_end >= p->ready_end;
}

bool paxos_is_voting(const struct paxos *p)
{
    return p->voting;
}

struct ballot paxos_ballot(const struct paxos *p)
{
    bool is_own = p->role == PAXOS_LEADER || p->role == PAXOS_PREPARING;
    CHECK(!is_own || p->ballot.replica == p->config.self);
    return is_own ? p->ballot : p->leader_ballot;
}

struct ballot paxos_promised(const struct paxos *p)
{
    return p->promised;
}

uint64_t paxos_chosen_end(const struct paxos *p)
{
    return p->chosen_end;
}

uint64_t paxos_applied(const struct paxos *p)
{
    return p->applied;
}

uint64_t paxos_slot_next(const struct paxos *p)
{
    return p->slot_next;
}

uint64_t paxos_accepted_end(const struct paxos *p)
{
    return p->accepted_end;
}

uint32_t paxos_room(const struct paxos *p)
{
    uint64_t end = p->slots.first + p->config.window;
    uint64_t lead_end = members_lead_end(&p->members, p->config.self);
    if (end > lead_end)
        end = lead_end;
    if (!paxos_is_ready(p) || p->slot_next >= end)
        return 0;
    CHECK(p->slot_next >= p->found_end); /* behind all that phase 1 found */
    CHECK(end - p->slot_next <= p->config.window);
    CHECK(p->voting); /* or it proposed what it may not vote for */
    return (uint32_t)(end - p->slot_next);
}

bool paxos_has_contact(const struct paxos *p)
{
    if (p->role == PAXOS_LEADER)
        return election_has_quorum_contact(p);
    CHECK(p->leader_heard_tick <= p->tick);
    CHECK(p->leader != p->config.self);
    /* One that is silent for longer is none any more: election_tick_follower. */
    CHECK(p->leader == 0 || p->tick - p->leader_heard_tick <= p->config.election_ticks_max);
    return p->leader != 0;
}

bool paxos_is_stalled(const struct paxos *p)
{
    return election_is_stalled(p);
}

bool paxos_accepted(const struct paxos *p, uint64_t slot, struct ballot *ballot_out,
                    struct blob **value_out)
{
    if (!slots_contains(&p->slots, slot) || !slot_has_vote(slots_at(&p->slots, slot)))
        return false;
    CHECK(slot > p->applied && slot < p->accepted_end);
    *ballot_out = slots_at(&p->slots, slot)->ballot;
    *value_out = slots_at(&p->slots, slot)->value;
    return true;
}

replica_set paxos_rejoin_waits_for(const struct paxos *p)
{
    replica_set waiting = 0;
    for (uint32_t replica = 1; replica <= REPLICA_MAX && p->rejoin.number != 0; replica++) {
        if (replica != p->config.self && members_is_voter(&p->members, replica) &&
            p->peers[replica].rejoin_end != PAXOS_NO_END)
            waiting |= quorum_bit(replica);
    }
    CHECK(waiting == 0 || !p->voting); /* who votes asks nobody for its vote */
    return waiting;
}

bool paxos_is_rejoin_complete(const struct paxos *p)
{
    return p->rejoin.is_complete;
}

struct paxos_progress paxos_peer_progress(const struct paxos *p, uint32_t replica)
{
    if (replica == p->config.self || !members_is_member(&p->members, replica))
        return (struct paxos_progress){false, 0};
    const struct peer *peer = &p->peers[replica];
    CHECK(peer->heard_tick <= p->tick);
    CHECK(peer->was_heard || peer->chosen_end == 0);
    return (struct paxos_progress){peer->was_heard &&
                                       p->tick - peer->heard_tick <= p->config.election_ticks_max,
                                   peer->chosen_end};
}

const uint64_t *paxos_marks(const struct paxos *p)
{
    return p->marks;
}

const char *paxos_mark_name(enum paxos_mark which)
{
    static const char *const names[PAXOS_MARK_COUNT] = {
#define PAXOS_MARK_NAME(name, sentence) #name,
        PAXOS_MARK_LIST(PAXOS_MARK_NAME)
#undef PAXOS_MARK_NAME
    };
    CHECK(which < PAXOS_MARK_COUNT);
    CHECK(names[which] != NULL);
    return names[which];
}

static void paxos_check_slots(const struct paxos *p)
{
    for (uint64_t n = p->slots.first; n < slots_end(&p->slots); n++) {
        const struct slot *slot = slots_at(&p->slots, n);
        bool is_vote = slot_has_vote(slot) && !ballot_equal(slot->ballot, PAXOS_BALLOT_CHOSEN);
        CHECK(slot_has_vote(slot) || slot->value == NULL);
        CHECK(!is_vote || ballot_compare(slot->ballot, p->promised) <= 0);
        CHECK(!slot_has_vote(slot) || n < p->accepted_end);
        CHECK(!slot->chosen || slot_has_vote(slot));
        CHECK(n >= p->chosen_end || slot->chosen);
        CHECK(n != p->chosen_end || !slot->chosen);
        CHECK(n >= p->chosen_end || slot->cookie == 0);
        CHECK(slot->seq < p->seq_next);
        CHECK(slot->cookie == 0 || p->role == PAXOS_LEADER || p->role == PAXOS_PREPARING);
        if (p->role == PAXOS_LEADER) {
            bool is_open = n >= p->chosen_end && n < p->slot_next;
            CHECK(!is_open || slot->proposed);
            CHECK(!is_open || ballot_equal(slot->ballot, p->ballot));
        }
    }
}

static void paxos_check_role(const struct paxos *p)
{
    CHECK(p->role == PAXOS_FOLLOWER || p->voting);
    switch (p->role) {
    case PAXOS_FOLLOWER:
    case PAXOS_PREVOTING:
        CHECK(p->leader != p->config.self);
        return;
    case PAXOS_PREPARING:
        CHECK(p->leader == 0);
        CHECK(ballot_equal(p->promised, p->ballot));
        CHECK(p->recover_end >= p->prepare_first);
        return;
    case PAXOS_LEADER:
        CHECK(p->leader == p->config.self);
        CHECK(ballot_equal(p->promised, p->ballot));
        CHECK(ballot_equal(p->leader_ballot, p->ballot));
        CHECK(p->slot_next >= p->chosen_end && p->slot_next <= slots_end(&p->slots));
        return;
    }
    CHECK(false); /* a role that is none */
}

void paxos_check_heads(const struct paxos *p)
{
    CHECK(p->slots.first == p->applied + 1);
    CHECK(p->applied < p->chosen_end);
    CHECK(p->accepted_end >= p->chosen_end);
    CHECK(p->accepted_end - p->slots.first <= p->slots.capacity); /* no vote is outside */
    CHECK(p->marked_end <= p->chosen_end);
    CHECK(p->seq_durable < p->seq_next && p->seq_waited < p->seq_next);
    CHECK(p->promised_seq < p->seq_next);
    CHECK(!p->voting || p->standing == PAXOS_WHOLE);
    CHECK(!p->voting || p->rejoin.number == 0);
    CHECK(p->reads.count <= LIMIT_READS_WAITING);
}

void paxos_check(const struct paxos *p)
{
    CHECK(p->round_max >= p->promised.round);
    CHECK(p->chosen_end <= slots_end(&p->slots));
    paxos_check_heads(p);
    paxos_check_role(p);
    members_check(&p->members);
    slots_check(&p->slots);
    paxos_check_slots(p);
}
