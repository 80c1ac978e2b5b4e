/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proposer.c - the leader's phase 2, pipelined ("Paxos Made Simple", 2.2 phase 2a, and 2.3).
 *
 * Invariants, while leading:
 *   1. promised, leader_ballot and ballot are the same.
 *   2. Each slot in [chosen_end, slot_next) is proposed; its value is the own vote in this ballot,
 *      and it does not change as long as the ballot does not.
 *   3. `accepted` has the distinct voters that accepted in this ballot; the own bit only after the
 *      own record is durable.
 *
 * A slot is chosen when a quorum of its configuration accepted, and the leader's own vote is
 * durable among them. Plain Paxos does not ask for the second; the rejoin of a voter that lost its
 * memory does (rejoin.c): 1. voter U accepts, its vote is counted, its disk loses it; 2. U asks
 * voter V, which has not voted yet; 3. V votes, and with U's old vote that is a quorum; 4. the
 * leader dies before its own flush, comes back without the vote, and tells U that there is none.
 * Now nobody but V knows of the chosen value. The own flush runs beside the others' and is mostly
 * the first.
 *
 * A fresh proposal that a majority refused cannot be chosen in this ballot, but it may have votes:
 * nothing else may go into the slot under the same ballot. The leader takes a higher ballot and
 * recovers the slot like any other; what it finds is not fresh any more and its verdict falls when
 * it is applied. The same when some refused and the others do not answer.
 */
#include "consensus/core.h"

void proposer_put(struct paxos *p, uint64_t number, struct blob *value, bool fresh)
{
    CHECK(p->role == PAXOS_LEADER);
    CHECK(ballot_equal(p->promised, p->ballot));
    CHECK(number < members_lead_end(&p->members, p->config.self));
    acceptor_vote(p, number, p->ballot, value);
    struct slot *slot = slots_at(&p->slots, number);
    CHECK(!slot->chosen || !fresh); /* a new command never goes where something is decided */
    slot->proposed = true;
    slot->fresh = fresh;
    slot->accepted = MUTANT(COUNT_OWN_VOTE_EARLY) ? quorum_bit(p->config.self) : 0;
    slot->accepted_messages = 0;
    slot->refused = 0;
    slot->proposed_tick = p->tick;
}

/* Of a slot in [chosen_end, slot_next), while leading. */
static bool proposer_is_open(const struct slot *slot)
{
    if (MUTANT(LEAVE_GAPS) && !slot->proposed)
        return false;
    CHECK(slot->proposed);
    return !slot->chosen;
}

/* Entries for the wanted slots from *next on, as many as one message takes; advances *next. */
static struct paxos_message proposer_fill(struct paxos *p, uint64_t *next, uint64_t end,
                                          replica_set without)
{
    uint32_t index = p->effects.entry_count;
    uint32_t count = 0;
    uint64_t size = 0;
    CHECK(p->role == PAXOS_LEADER);
    CHECK(end <= p->slot_next); /* nothing is sent that was not proposed */
    for (; *next < end; (*next)++) {
        const struct slot *slot = slots_at(&p->slots, *next);
        if (!proposer_is_open(slot) || ((slot->accepted | slot->refused) & without) != 0)
            continue;
        size += blob_bytes(slot->value).size;
        CHECK(ballot_equal(slot->ballot, p->ballot)); /* one value a slot and ballot */
        if (count == p->config.batch_entries || (count > 0 && size > p->config.batch_bytes))
            break;
        *effects_entry(p) =
            (struct paxos_entry){.slot = *next, .value = slot->value, .fresh = slot->fresh};
        count++;
    }
    struct paxos_message message = {.type = PAXOS_ACCEPT, .ballot = p->ballot};
    effects_take_entries(p, index, &message);
    return message;
}

void proposer_send(struct paxos *p, uint64_t first, uint64_t end)
{
    CHECK(p->role == PAXOS_LEADER);
    CHECK(first >= p->slots.first && end <= p->slot_next);
    while (first < end) {
        struct paxos_message message = proposer_fill(p, &first, end, 0);
        if (message.entry_count > 0)
            effects_send_voters(p, 0, message);
    }
    if (!members_have_learners(&p->members))
        p->announced_end = p->chosen_end;
}

void proposer_on_propose(struct paxos *p, const struct paxos_proposal *proposals, size_t count)
{
    uint64_t first = p->slot_next;
    CHECK(count <= LIMIT_PROPOSALS);
    for (size_t i = 0; i < count; i++) {
        CHECK(proposals[i].cookie != 0);
        if (paxos_room(p) == 0) {
            effects_lost(p, proposals[i].cookie, 0, false);
            continue;
        }
        uint64_t number = p->slot_next++;
        CHECK(number >= p->found_end); /* behind all that phase 1 found */
        CHECK(slots_at(&p->slots, number)->cookie == 0);
        proposer_put(p, number, proposals[i].value, true);
        slots_at(&p->slots, number)->cookie = proposals[i].cookie;
    }
    if (p->role == PAXOS_LEADER)
        proposer_send(p, first, p->slot_next);
}

static void proposer_settle_slot(struct paxos *p, uint64_t number)
{
    struct slot *slot = slots_at(&p->slots, number);
    bool has_quorum = quorum_has(members_at(&p->members, number), slot->accepted);
    if (MUTANT(COUNT_MESSAGES))
        has_quorum = slot->accepted_messages + 1 > quorum_count(p->members.now.voters) / 2;
    if (!proposer_is_open(slot) || !has_quorum)
        return;
    bool has_own = (slot->accepted & quorum_bit(p->config.self)) != 0;
    if (!has_own && !MUTANT(COUNT_OWN_VOTE_OPTIONAL)) {
        mark(p, PAXOS_MARK_CHOSEN_WAITS_FOR_OWN_VOTE);
        return;
    }
    CHECK(p->role == PAXOS_LEADER && number >= p->chosen_end && number < p->slot_next);
    CHECK(slot_has_vote(slot) && ballot_equal(slot->ballot, p->ballot));
    slot->chosen = true;
    if (number != p->chosen_end)
        mark(p, PAXOS_MARK_CHOSEN_OUT_OF_ORDER);
}

void proposer_count_own(struct paxos *p)
{
    if (p->role != PAXOS_LEADER)
        return;
    CHECK(p->seq_durable < p->seq_next);
    CHECK(p->slot_next >= p->chosen_end && p->slot_next <= slots_end(&p->slots));
    for (uint64_t n = p->chosen_end; n < p->slot_next; n++) {
        struct slot *slot = slots_at(&p->slots, n);
        if (!proposer_is_open(slot) || slot->seq > p->seq_durable)
            continue;
        if ((slot->accepted & quorum_bit(p->config.self)) == 0)
            slot->accepted_messages++;
        slot->accepted |= quorum_bit(p->config.self);
        proposer_settle_slot(p, n);
    }
}

/* An answer under the ballot that is led now, from a voter. */
static bool proposer_is_answer(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    if (p->role != PAXOS_LEADER)
        return false;
    if (!ballot_equal(message->ballot, p->ballot) &&
        !(MUTANT(COUNT_OLD_VOTES) && message->ballot.replica == p->config.self))
        return false;
    struct peer *peer = &p->peers[from];
    CHECK(from != p->config.self);
    CHECK(peer->contact_tick <= p->tick);
    peer->contact_tick = p->tick;
    peer->resend_interval = p->config.resend_ticks;
    return true;
}

void proposer_on_accepted(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    CHECK(message->type == PAXOS_ACCEPTED);
    CHECK(message->entry_count <= LIMIT_BATCH_ENTRIES);
    if (!proposer_is_answer(p, from, message))
        return;
    for (size_t i = 0; i < message->entry_count; i++) {
        uint64_t number = message->entries[i].slot;
        if (number < p->chosen_end || number >= p->slot_next)
            continue;
        struct slot *slot = slots_at(&p->slots, number);
        slot->accepted |= quorum_bit(from);
        slot->accepted_messages++;
        proposer_settle_slot(p, number);
    }
}

/* A higher ballot, at once: the own leadership is not in doubt, a slot is. */
void proposer_prepare_again(struct paxos *p)
{
    CHECK(p->voting);
    CHECK(p->role == PAXOS_LEADER || p->role == PAXOS_PREPARING);
    if (!proposer_can_prepare(p)) {
        election_step_down(p);
        return;
    }
    read_fail_all(p);
    proposer_prepare(p);
}

void proposer_on_refused(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    CHECK(message->type == PAXOS_REFUSED);
    CHECK(message->entry_count <= LIMIT_BATCH_ENTRIES);
    if (!proposer_is_answer(p, from, message))
        return;
    bool is_blocked = false;
    for (size_t i = 0; i < message->entry_count; i++) {
        uint64_t number = message->entries[i].slot;
        if (number < p->chosen_end || number >= p->slot_next)
            continue;
        struct slot *slot = slots_at(&p->slots, number);
        if (!proposer_is_open(slot) || !slot->fresh)
            continue;
        slot->refused |= quorum_bit(from);
        if (!quorum_is_blocked_by(members_at(&p->members, number), slot->refused))
            continue;
        mark(p, PAXOS_MARK_REFUSED_BY_MAJORITY);
        effects_lost(p, slot->cookie, number, true);
        slot->cookie = 0;
        if (MUTANT(REPLACE_UNDER_BALLOT)) {
            proposer_put(p, number, NULL, false);
            proposer_send(p, number, number + 1);
            continue;
        }
        is_blocked = true;
    }
    if (is_blocked)
        proposer_prepare_again(p);
}

/* The oldest open slot was refused by some, and the rest is silent. */
static bool proposer_is_stuck(const struct paxos *p)
{
    if (p->chosen_end >= p->slot_next)
        return false;
    const struct slot *slot = slots_at(&p->slots, p->chosen_end);
    CHECK(p->role == PAXOS_LEADER);
    CHECK(slot->proposed_tick <= p->tick);
    CHECK(!slot->chosen); /* or it was delivered */
    return slot->refused != 0 && p->tick - slot->proposed_tick >= p->config.election_ticks_min;
}

static void proposer_resend(struct paxos *p, uint32_t to)
{
    struct peer *peer = &p->peers[to];
    uint64_t next = p->chosen_end;
    uint64_t end = p->chosen_end;
    CHECK(to != p->config.self);
    CHECK(peer->resend_sent_tick <= p->tick);
    if (p->tick < peer->resend_tick)
        return;
    /* Proposals are made in order: those that are old enough come first. */
    while (end < p->slot_next &&
           p->tick - slots_at(&p->slots, end)->proposed_tick >= p->config.resend_ticks)
        end++;
    struct paxos_message message = proposer_fill(p, &next, end, quorum_bit(to));
    if (message.entry_count == 0)
        return;
    mark(p, PAXOS_MARK_RESENT);
    effects_send(p, to, 0, message);
    /* Silence since the last time: wait twice as long, up to eight times. */
    bool is_silent = peer->heard_tick <= peer->resend_sent_tick;
    if (!is_silent)
        peer->resend_interval = p->config.resend_ticks;
    else if (peer->resend_interval < 8 * p->config.resend_ticks)
        peer->resend_interval *= 2;
    CHECK(peer->resend_interval >= p->config.resend_ticks);
    CHECK(peer->resend_interval <= 8 * p->config.resend_ticks);
    peer->resend_sent_tick = p->tick;
    peer->resend_tick = p->tick + peer->resend_interval;
}

void proposer_on_tick(struct paxos *p)
{
    CHECK(p->role == PAXOS_LEADER);
    CHECK(p->slot_next >= p->chosen_end);
    membership_on_tick(p);
    if (proposer_has_led_its_window(p)) {
        proposer_prepare_again(p);
        return;
    }
    if (proposer_is_stuck(p)) {
        mark(p, PAXOS_MARK_REFUSED_AND_STUCK);
        struct slot *slot = slots_at(&p->slots, p->chosen_end);
        effects_lost(p, slot->cookie, p->chosen_end, true);
        slot->cookie = 0;
        proposer_prepare_again(p);
        return;
    }
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        if (replica != p->config.self && members_is_voter(&p->members, replica))
            proposer_resend(p, replica);
    }
}

void proposer_abandon(struct paxos *p)
{
    CHECK(p->role == PAXOS_LEADER || p->role == PAXOS_PREPARING);
    for (uint64_t n = p->slots.first; n < slots_end(&p->slots); n++) {
        struct slot *slot = slots_at(&p->slots, n);
        slot->proposed = false;
        if (!MUTANT(FORGET_LOST))
            effects_lost(p, slot->cookie, n, false);
        slot->cookie = 0;
    }
}
