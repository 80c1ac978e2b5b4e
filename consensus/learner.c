/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * learner.c - what is chosen, and its delivery in the order of slots ("Paxos Made Simple", 2.3).
 *
 * A slot's value is known to be chosen in one of three ways, each of which sets slot->chosen:
 *   leader     a quorum accepted its proposal (proposer.c)
 *   follower   the leader says that the slot is chosen, and the own vote is in the leader's
 *              ballot: then it is the leader's value. With a vote in another ballot it may be
 *              another value (1. leader A's value is accepted here only; 2. leader B chooses
 *              another one without us; 3. B says "chosen"), so the value is asked for
 *   any        another replica sent it as chosen (catchup.c)
 *
 * Invariants:
 *   1. All slots in [first, chosen_end) are chosen and were reported learned, once, in order.
 *   2. Below chosen_end the last accept record of a slot holds the chosen value: a chosen mark in
 *      the journal needs no values. A value that came from elsewhere is therefore recorded first,
 *      with PAXOS_BALLOT_CHOSEN, unless the vote has the same value.
 */
#include "consensus/core.h"

void learner_on_mark(struct paxos *p, struct ballot ballot, uint64_t end)
{
    CHECK(p->role == PAXOS_FOLLOWER && p->leader == ballot.replica);
    for (uint64_t n = p->chosen_end; n < end && slots_contains(&p->slots, n); n++) {
        struct slot *slot = slots_at(&p->slots, n);
        if (slot->chosen)
            continue;
        if (!slot_has_vote(slot))
            return;
        if (!ballot_equal(slot->ballot, ballot)) {
            mark(p, PAXOS_MARK_OWN_VOTE_OTHER_BALLOT);
            if (!MUTANT(MARK_ANY_BALLOT))
                return;
        }
        slot->chosen = true;
    }
}

void learner_take(struct paxos *p, struct blob *value)
{
    struct slot *slot = slots_at(&p->slots, p->chosen_end);
    CHECK(!slot->chosen || slot_has_vote(slot));
    bool same_value = slot_has_vote(slot) && value_equal(slot->value, value);

    /* A leader that did not propose this was overtaken, and must not say more in its ballot. */
    if (p->role == PAXOS_LEADER && !(same_value && ballot_equal(slot->ballot, p->ballot))) {
        mark(p, PAXOS_MARK_DEPOSED_BY_LEARN);
        election_step_down(p);
    }
    if (!same_value) {
        if (slot_has_vote(slot))
            mark(p, PAXOS_MARK_LEARN_REPLACED_VOTE);
        effects_lost(p, slot->cookie, p->chosen_end, false);
        slot->cookie = 0;
        slots_set_vote(&p->slots, slot, PAXOS_BALLOT_CHOSEN, value);
        slot->seq = effects_append_accept(p, p->chosen_end, PAXOS_BALLOT_CHOSEN, value);
        if (p->chosen_end >= p->accepted_end)
            p->accepted_end = p->chosen_end + 1;
    }
    CHECK(slot_has_vote(slot));
    CHECK(slot->cookie == 0 || p->role == PAXOS_LEADER || same_value);
    slot->chosen = true;
}

void learner_deliver(struct paxos *p)
{
    while (slots_contains(&p->slots, p->chosen_end)) {
        struct slot *slot = slots_at(&p->slots, p->chosen_end);
        if (!slot->chosen)
            break;
        CHECK(slot_has_vote(slot));
        effects_learned(p, p->chosen_end, slot->cookie, slot->value);
        slot->cookie = 0;
        p->chosen_end++;
    }
    if (p->role != PAXOS_LEADER && p->slot_next < p->chosen_end)
        p->slot_next = p->chosen_end;
    CHECK(p->chosen_end <= slots_end(&p->slots));
    CHECK(p->accepted_end >= p->chosen_end);
    CHECK(p->slot_next >= p->chosen_end);
}

void learner_record_mark(struct paxos *p)
{
    if (p->chosen_end <= p->marked_end)
        return;
    p->marked_end = p->chosen_end;
    effects_append_chosen(p, p->chosen_end);
}

void learner_on_applied(struct paxos *p, uint64_t slot)
{
    CHECK(slot < p->chosen_end);
    if (slot <= p->applied)
        return;
    p->applied = slot;
    slots_advance(&p->slots, slot + 1);
    for (uint64_t n = slot + 1; MUTANT(SNAPSHOT_DROPS_VOTES) && n < slots_end(&p->slots); n++)
        slots_set_vote(&p->slots, slots_at(&p->slots, n), (struct ballot){0, 0}, NULL);
    CHECK(p->slots.first == p->applied + 1);
    CHECK(p->applied < p->chosen_end);
    membership_on_applied(p);
}

void learner_on_installed(struct paxos *p, uint64_t slot, const struct members *members)
{
    CHECK(slot <= SLOT_MAX);
    if (slot <= p->applied)
        return;
    if (slot >= p->chosen_end && p->role != PAXOS_FOLLOWER)
        election_step_down(p);
    p->applied = slot;
    if (p->chosen_end <= slot)
        p->chosen_end = slot + 1;
    if (p->accepted_end < p->chosen_end)
        p->accepted_end = p->chosen_end;
    if (p->slot_next < p->chosen_end)
        p->slot_next = p->chosen_end;
    slots_advance(&p->slots, slot + 1);
    CHECK(p->slots.first == p->applied + 1);
    CHECK(p->applied < p->chosen_end && p->chosen_end <= p->accepted_end);
    CHECK(p->role == PAXOS_FOLLOWER || p->slot_next >= p->chosen_end);
    if (members != NULL)
        membership_on_members(p, members);
    membership_on_applied(p);
}
