/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rejoin.c - how a replica that may have forgotten promises and votes comes to vote again.
 *
 * What it forgot matters only where another voter holds the other half. So it asks every other
 * voter, under a new incarnation (they talk to the old one no more), for its promise and its votes,
 * and takes over the highest of each:
 *
 *   votes      a value that was chosen with a vote of ours was proposed by another voter, which was
 *              asked, and told its own vote: in flight, or durable if the slot was chosen
 *              (proposer.c). Votes that we never gave do no harm: they are proposals that were
 * made, and the highest one for a slot has the value that any lower ballot chose. promises   who
 * prepares is a voter whose own promise is durable before its prepare leaves. So every ballot that
 * we can have promised is at or below the promise of the voter that owns it, and that one was
 * asked.
 *
 * This rests on a disk losing what was acknowledged on one voter at a time: the others may be in
 * doubt as well (the power of a whole site was cut), and tell what they still hold. When those that
 * know of a loss have a quorum among themselves, nobody rejoins: a person has to decide
 * (config.accepts_loss).
 *
 * All others, not most: with five voters, one that was left out may own a ballot that we promised,
 * count our old promise, and never hear of what we vote for in a lower ballot now.
 *
 * The voters are those of the configurations that this replica knows. A change that it does not
 * know yet was chosen with a vote of somebody who was asked: so it is among the open slots, and the
 * shell does not go on while one of those holds a change of the members; if it is chosen and brings
 * new voters, the exchange begins anew.
 *
 *   1. REJOIN to each other voter, again and again; a change of the voters begins anew
 *   2. their answers in parts, as promises; slots that they know to be chosen are learned; when
 *      none of those comes for long, all are asked anew
 *   3. when all are complete: takes over, tells the shell, which writes a fresh journal
 *   4. PAXOS_EVENT_REJOINED: votes again
 */
#include "consensus/core.h"

/* In election timeouts: how long slots that others know to be chosen may all stay away. */
#define REJOIN_PATIENCE 8u

void rejoin_begin(struct paxos *p)
{
    CHECK(!p->voting && p->role == PAXOS_FOLLOWER);
    CHECK(p->standing == PAXOS_IN_DOUBT || p->standing == PAXOS_LOST);
    p->rejoin = (struct rejoin){.number = prng_range(&p->prng, 1, (uint64_t)1 << 62),
                                .first = p->chosen_end,
                                .tick = p->tick,
                                .promised = p->promised,
                                .recover_end = p->chosen_end};
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        p->peers[replica].rejoin_end = p->chosen_end;
        p->peers[replica].rejoin_lost = false;
    }
    for (uint64_t n = p->slots.first; n < slots_end(&p->slots); n++)
        slots_set_found(&p->slots, slots_at(&p->slots, n), (struct ballot){0, 0}, NULL);
    CHECK(p->rejoin.number != 0); /* 0: none was asked */
}

/*
 * All have answered, and what one of them knows to be chosen is to be learned. When none of it
 * comes, who said so may have lost it since and come back without: what each knows now is asked
 * anew. Else (two of three are in doubt, and the third one, which alone knows that a slot is
 * chosen, loses its disk after it has answered) everybody waits for what nobody can tell, and all
 * of it is there as votes.
 */
static void rejoin_wait_for_slots(struct paxos *p)
{
    struct rejoin *r = &p->rejoin;
    bool is_blocked = r->is_blocked;
    CHECK(!r->is_complete);
    CHECK(r->waited_end <= p->chosen_end);
    if (r->waited_end == p->chosen_end) {
        rejoin_begin(p);
        r->is_blocked = is_blocked;
        return;
    }
    r->waited_end = p->chosen_end;
    r->tick = p->tick + (uint64_t)REJOIN_PATIENCE * p->config.election_ticks_max;
}

void rejoin_on_tick(struct paxos *p)
{
    CHECK(p->rejoin.number != 0 && !p->voting);
    CHECK(p->role == PAXOS_FOLLOWER);
    if (p->rejoin.is_complete || p->tick < p->rejoin.tick)
        return;
    if (paxos_rejoin_waits_for(p) == 0) {
        rejoin_wait_for_slots(p);
        return;
    }
    p->rejoin.tick = p->tick + p->config.resend_ticks;
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        const struct peer *peer = &p->peers[replica];
        if (replica == p->config.self || !members_is_voter(&p->members, replica) ||
            peer->rejoin_end == PAXOS_NO_END)
            continue;
        effects_send(p, replica, 0,
                     (struct paxos_message){.type = PAXOS_REJOIN,
                                            .round = p->rejoin.number,
                                            .slot_first = peer->rejoin_end});
    }
}

/* Also one that may not vote answers: what it still holds is true. */
void rejoin_on_request(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    CHECK(from != p->config.self && message->type == PAXOS_REJOIN);
    CHECK(message->slot_first >= 1);
    if (!members_is_voter(&p->members, p->config.self) || p->standing == PAXOS_UNREAD)
        return;
    struct paxos_message head = {.type = PAXOS_REJOIN_ANSWER,
                                 .round = message->round,
                                 .promised = p->promised,
                                 .granted = p->standing != PAXOS_LOST};
    acceptor_send_votes(p, from, message->slot_first, 0, &head);
}

static void rejoin_find(struct paxos *p, const struct paxos_entry *entry)
{
    bool is_chosen = ballot_equal(entry->ballot, PAXOS_BALLOT_CHOSEN);
    CHECK(p->rejoin.number != 0 && !p->rejoin.is_complete);
    CHECK(entry->ballot.replica != 0);
    if (entry->slot < p->chosen_end)
        return;
    struct slot *slot = slots_at(&p->slots, entry->slot);
    if (vote_compare(entry->ballot, slot->found_ballot) > 0)
        slots_set_found(&p->slots, slot, entry->ballot, entry->value);
    /* A vote is a promise, also one that its voter does not own up to. */
    if (!is_chosen && ballot_compare(entry->ballot, p->rejoin.promised) > 0)
        p->rejoin.promised = entry->ballot;
    if (!is_chosen)
        election_see_round(p, entry->ballot);
}

void rejoin_on_answer(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    struct peer *peer = &p->peers[from];
    struct rejoin *r = &p->rejoin;
    election_see_round(p, message->promised);
    if (r->number == 0 || r->is_complete || message->round != r->number ||
        message->slot_first > peer->rejoin_end) {
        mark(p, PAXOS_MARK_REJOIN_STALE);
        return;
    }
    for (size_t i = 0; i < message->entry_count; i++) {
        if (message->entries[i].slot >= slots_end(&p->slots)) {
            mark(p, PAXOS_MARK_REJOIN_OUTSIDE_WINDOW);
            return; /* learned first, then asked again */
        }
    }
    CHECK(!p->voting && from != p->config.self);
    for (size_t i = 0; i < message->entry_count; i++)
        rejoin_find(p, &message->entries[i]);
    peer->rejoin_lost = !message->granted;
    if (ballot_compare(message->promised, r->promised) > 0)
        r->promised = message->promised;
    if (message->chosen_end > r->recover_end)
        r->recover_end = message->chosen_end;
    if (message->slot_end > peer->rejoin_end)
        peer->rejoin_end = message->slot_end;
    CHECK(peer->rejoin_end >= r->first && r->recover_end >= r->first);
}

static void rejoin_take_over(struct paxos *p)
{
    struct ballot before = p->promised;
    CHECK(!p->voting && !p->rejoin.is_complete);
    if (ballot_compare(p->rejoin.promised, p->promised) > 0) {
        mark(p, PAXOS_MARK_REJOIN_RAISED_PROMISE);
        if (!MUTANT(REJOIN_KEEPS_PROMISE))
            p->promised = p->rejoin.promised;
    }
    for (uint64_t n = p->chosen_end; n < slots_end(&p->slots); n++) {
        struct slot *slot = slots_at(&p->slots, n);
        if (slot->found_ballot.replica == 0 || vote_compare(slot->found_ballot, slot->ballot) <= 0)
            continue;
        mark(p, PAXOS_MARK_REJOIN_TOOK_VOTE);
        if (MUTANT(REJOIN_KEEPS_VOTES))
            continue;
        slots_set_vote(&p->slots, slot, slot->found_ballot, slot->found_value);
        slot->chosen = slot->chosen || ballot_equal(slot->ballot, PAXOS_BALLOT_CHOSEN);
        if (n >= p->accepted_end)
            p->accepted_end = n + 1;
        CHECK(slot->chosen || ballot_compare(slot->ballot, p->promised) <= 0 ||
              MUTANT(REJOIN_KEEPS_PROMISE));
    }
    CHECK(ballot_compare(p->promised, before) >= 0); /* a promise never falls */
}

/*
 * The voters that are known to have lost something have a quorum among themselves: what they chose
 * may be gone, and nobody can say. Going on would be to decide that it never was.
 */
static bool rejoin_has_quorum_of_lost(const struct paxos *p)
{
    replica_set lost = p->standing == PAXOS_LOST ? quorum_bit(p->config.self) : 0;
    CHECK(!p->peers[p->config.self].rejoin_lost); /* nobody asks itself */
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++)
        if (p->peers[replica].rejoin_lost)
            lost |= quorum_bit(replica);
    bool of_next = p->members.next_first != 0 && quorum_has(&p->members.next, lost);
    bool is_accepted = p->config.accepts_loss || MUTANT(REJOIN_WHATEVER_IS_LOST);
    return (quorum_has(&p->members.now, lost) || of_next) && !is_accepted;
}

bool paxos_is_rejoin_blocked(const struct paxos *p)
{
    return p->rejoin.is_blocked;
}

/* What others said of their losses may be over by now: all are asked anew. */
static void rejoin_ask_again(struct paxos *p)
{
    mark(p, PAXOS_MARK_REJOIN_TOO_MANY_LOST);
    uint64_t tick = p->tick + p->config.election_ticks_max;
    rejoin_begin(p);
    p->rejoin.tick = tick;
    p->rejoin.is_blocked = true;
}

void rejoin_settle(struct paxos *p)
{
    if (p->rejoin.number == 0 || p->rejoin.is_complete)
        return;
    CHECK(!p->voting && p->role == PAXOS_FOLLOWER);
    CHECK(p->chosen_end >= p->rejoin.first);
    replica_set waiting = paxos_rejoin_waits_for(p);
    bool is_answered = MUTANT(REJOIN_ASKS_QUORUM)
                           ? members_have(&p->members, p->members.now.voters & ~waiting)
                           : waiting == 0;
    if (MUTANT(REJOIN_AFTER_ONE_SLOT))
        is_answered = p->chosen_end > p->rejoin.first;
    else if (p->chosen_end < p->rejoin.recover_end && !MUTANT(REJOIN_UNLEARNED))
        return;
    if (!is_answered)
        return;
    if (rejoin_has_quorum_of_lost(p)) {
        rejoin_ask_again(p);
        return;
    }
    rejoin_take_over(p);
    learner_deliver(p);
    p->rejoin.is_complete = true;
    p->rejoin.is_told = true;
}

void rejoin_on_rejoined(struct paxos *p, uint64_t seq)
{
    CHECK(p->rejoin.is_complete && seq + 1 >= p->seq_next);
    CHECK(!p->voting && p->role == PAXOS_FOLLOWER);
    CHECK(!p->rejoin.is_told); /* it was told before it answered */
    mark(p, PAXOS_MARK_REJOINED);
    p->rejoin = (struct rejoin){0};
    p->seq_next = seq + 1;
    p->seq_waited = seq;
    p->seq_durable = seq;
    p->marked_end = p->chosen_end;
    p->standing = PAXOS_WHOLE;
    p->voting = members_is_voter(&p->members, p->config.self);
    election_arm(p);
}
