/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acceptor.c - "Paxos Made Simple", section 2.2, phases 1b and 2b, for all slots at once.
 *
 * Invariants:
 *   1. promised never falls, and is at or above the ballot of every vote.
 *   2. A promise or a vote is spoken of only after its record is durable: every message that
 *      carries one names the sequence number of that record.
 *   3. A vote is replaced only by a vote in a higher ballot, or by the chosen value.
 *
 * Prepare, by its ballot against the promise:
 *   lower    preempted, with the higher ballot; nothing changes
 *   equal    promised again (the first answer may be lost)
 *   higher   promised, recorded; with every vote from slot_first on
 *
 * Accept, by its ballot against the promise, then slot by slot:
 *   lower    preempted
 *   others   a  the slot is known to be chosen, below chosen_end: no vote, but an answer, whose
 *               chosen_end tells the proposer that it has something to learn
 *            b  beyond the window: nothing, the proposer asks again
 *            c  voted already in this ballot: accepted again
 *            d  chosen with another value, or another value in the same ballot: a proposer's
 *               mistake; nothing
 *            e  fresh, and the shell refuses: refused. Recovered values are never refused: they
 *               may be chosen already
 *            f  fresh, and the shell cannot say: nothing, the proposer asks again
 *            g  else the vote: recorded, promise raised to the ballot, accepted
 */
#include "consensus/core.h"

void acceptor_send_preempted(struct paxos *p, uint32_t to, struct ballot lower)
{
    struct ballot higher = p->promised;
    CHECK(lower.replica == to); /* it is told to who owns it */
    if (ballot_compare(p->leader_ballot, higher) > 0)
        higher = p->leader_ballot;
    if (MUTANT(PREEMPTED_WITHOUT_BALLOT))
        higher = lower;
    effects_send(
        p, to, 0,
        (struct paxos_message){.type = PAXOS_PREEMPTED, .ballot = lower, .promised = higher});
}

void acceptor_promise_self(struct paxos *p, struct ballot ballot)
{
    CHECK(ballot_compare(ballot, p->promised) > 0);
    CHECK(ballot.replica == p->config.self);
    CHECK(p->voting);
    p->promised = ballot;
    p->promised_seq = effects_append_promise(p, ballot);
}

void acceptor_send_votes(struct paxos *p, uint32_t to, uint64_t first, uint64_t durable_seq,
                         const struct paxos_message *head)
{
    uint64_t number = first > p->chosen_end ? first : p->chosen_end;
    uint64_t part_first = first;
    bool more = true;

    CHECK(to != p->config.self && durable_seq < p->seq_next);
    for (uint32_t part = 0; more; part++) {
        uint32_t index = p->effects.entry_count;
        uint32_t count = 0;
        uint64_t size = 0;
        more = false;
        for (; number < p->accepted_end; number++) {
            const struct slot *slot = slots_at(&p->slots, number);
            if (!slot_has_vote(slot))
                continue;
            if (MUTANT(PROMISE_WITHOUT_QUEUED) && slot->seq > p->seq_durable)
                continue;
            size += blob_bytes(slot->value).size;
            more = count == p->config.batch_entries || (count > 0 && size > p->config.batch_bytes);
            if (more)
                break;
            *effects_entry(p) = (struct paxos_entry){number, slot->ballot, slot->value, false};
            count++;
        }
        struct paxos_message message = *head;
        message.slot_first = part_first;
        message.slot_end = more ? number : PAXOS_NO_END;
        if (MUTANT(PROMISE_CUT_SILENTLY)) {
            message.slot_end = PAXOS_NO_END;
            more = false;
        }
        effects_take_entries(p, index, &message);
        effects_send(p, to, durable_seq, message);
        part_first = number;
        if (part == 1)
            mark(p, PAXOS_MARK_PROMISE_SPLIT);
    }
}

static void acceptor_send_promise(struct paxos *p, uint32_t to, uint64_t first)
{
    struct paxos_message head = {.type = PAXOS_PROMISE, .ballot = p->promised};
    CHECK(p->voting);
    CHECK(p->promised_seq <= p->seq_waited);
    /* Later votes than the promise are in the same or an earlier flush than this record. */
    acceptor_send_votes(p, to, first, MUTANT(PROMISE_BEFORE_DURABLE) ? 0 : p->seq_waited, &head);
}

void acceptor_on_prepare(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    CHECK(message->ballot.replica == from && from != p->config.self);
    if (!p->voting)
        return;
    int order = ballot_compare(message->ballot, p->promised);
    if (order < 0 && !MUTANT(PROMISE_LOWER)) {
        mark(p, PAXOS_MARK_PREPARE_PREEMPTED);
        acceptor_send_preempted(p, from, message->ballot);
        return;
    }
    if (order == 0) {
        mark(p, PAXOS_MARK_PROMISE_AGAIN);
    } else {
        if (p->role != PAXOS_FOLLOWER)
            election_step_down(p);
        p->promised = message->ballot;
        p->promised_seq = effects_append_promise(p, message->ballot);
        if (p->leader != 0 && ballot_compare(p->leader_ballot, message->ballot) < 0) {
            p->leader = 0;
            read_fail_all(p);
        }
    }
    CHECK(ballot_compare(p->promised, message->ballot) >= 0);
    CHECK(p->promised_seq < p->seq_next);
    election_arm(p);
    acceptor_send_promise(p, from, message->slot_first);
}

void acceptor_vote(struct paxos *p, uint64_t number, struct ballot ballot, struct blob *value)
{
    struct slot *slot = slots_at(&p->slots, number);
    CHECK(p->voting);
    CHECK(number >= p->chosen_end);
    /* Votes of a slot rise, and none is below a promise ("Paxos Made Simple", 2.2, P1a). */
    CHECK(ballot_compare(ballot, slot->ballot) > 0);
    CHECK(ballot_compare(ballot, p->promised) >= 0);
    if (slot_has_vote(slot))
        mark(p, PAXOS_MARK_VOTE_OVERWRITTEN);
    slots_set_vote(&p->slots, slot, ballot, value);
    slot->seq = effects_append_accept(p, number, ballot, value);
    if (number >= p->accepted_end)
        p->accepted_end = number + 1;
    if (ballot_compare(ballot, p->promised) > 0 && !MUTANT(ACCEPT_KEEPS_PROMISE)) {
        mark(p, PAXOS_MARK_ACCEPT_RAISED_PROMISE);
        p->promised = ballot;
        p->promised_seq = slot->seq;
    }
    CHECK(number < p->accepted_end);
    CHECK(slot->seq + 1 == p->seq_next);
}

enum accept_verdict {
    ACCEPT_NOTHING = 1,
    ACCEPT_AGAIN,
    ACCEPT_REFUSED,
    ACCEPT_VOTE,
};

/* The rows a to g of the file comment. */
static enum accept_verdict acceptor_judge(struct paxos *p, struct ballot ballot,
                                          const struct paxos_entry *entry, uint8_t opinion)
{
    CHECK(p->voting && p->role == PAXOS_FOLLOWER);
    CHECK(entry->slot >= 1);
    CHECK(opinion >= PAXOS_OPINION_OK && opinion <= PAXOS_OPINION_WAIT);
    if (entry->slot < p->chosen_end) {
        mark(p, PAXOS_MARK_ACCEPT_BELOW_CHOSEN);
        return ACCEPT_NOTHING;
    }
    if (!slots_contains(&p->slots, entry->slot)) {
        mark(p, PAXOS_MARK_ACCEPT_OUTSIDE_WINDOW);
        return ACCEPT_NOTHING;
    }
    const struct slot *slot = slots_at(&p->slots, entry->slot);
    bool same_value = slot_has_vote(slot) && value_equal(slot->value, entry->value);
    bool same_ballot = ballot_equal(slot->ballot, ballot);
    if (same_ballot && same_value) {
        mark(p, PAXOS_MARK_ACCEPT_AGAIN);
        return ACCEPT_AGAIN;
    }
    if (same_ballot || (slot->chosen && !same_value)) {
        mark(p, PAXOS_MARK_ACCEPT_CONFLICT);
        return ACCEPT_NOTHING;
    }
    if (MUTANT(ACCEPT_BELOW_PROMISE) && ballot_compare(ballot, slot->ballot) < 0)
        return ACCEPT_NOTHING;
    if ((entry->fresh || MUTANT(REFUSE_RECOVERED)) && opinion == PAXOS_OPINION_REFUSED) {
        mark(p, PAXOS_MARK_ACCEPT_REFUSED);
        return ACCEPT_REFUSED;
    }
    if (entry->fresh && opinion == PAXOS_OPINION_WAIT) {
        mark(p, PAXOS_MARK_ACCEPT_WAITS);
        return ACCEPT_NOTHING;
    }
    return ACCEPT_VOTE;
}

static void acceptor_answer(struct paxos *p, uint32_t to, enum paxos_message_type type,
                            uint64_t durable_seq, const struct paxos_message *asked,
                            const bool *wanted, bool even_empty)
{
    uint32_t index = p->effects.entry_count;
    CHECK(asked->entry_count <= LIMIT_BATCH_ENTRIES);
    CHECK(type == PAXOS_ACCEPTED || type == PAXOS_REFUSED);
    CHECK(asked->ballot.replica == to);
    for (size_t i = 0; i < asked->entry_count; i++) {
        if (wanted[i])
            effects_entry(p)->slot = asked->entries[i].slot;
    }
    struct paxos_message message = {.type = type, .ballot = asked->ballot};
    effects_take_entries(p, index, &message);
    if (message.entry_count > 0 || even_empty)
        effects_send(p, to, durable_seq, message);
}

void acceptor_on_accept(struct paxos *p, uint32_t from, const struct paxos_message *message,
                        const uint8_t *opinions)
{
    bool accepted[LIMIT_BATCH_ENTRIES] = {false};
    bool refused[LIMIT_BATCH_ENTRIES] = {false};
    uint64_t durable_seq = 0;
    bool knows_more = false;

    CHECK(message->entry_count <= LIMIT_BATCH_ENTRIES);
    CHECK(from != p->config.self);
    bool below = ballot_compare(message->ballot, p->promised) < 0;
    if (below)
        mark(p, PAXOS_MARK_ACCEPT_PREEMPTED);
    if (!election_follow(p, from, message->ballot))
        return;
    for (size_t i = 0; p->voting && i < message->entry_count; i++) {
        const struct paxos_entry *entry = &message->entries[i];
        knows_more = knows_more || entry->slot < p->chosen_end;
        uint8_t opinion = opinions != NULL ? opinions[i] : (uint8_t)PAXOS_OPINION_OK;
        enum accept_verdict verdict = acceptor_judge(p, message->ballot, entry, opinion);
        if (verdict == ACCEPT_VOTE)
            acceptor_vote(p, entry->slot, message->ballot, entry->value);
        accepted[i] = verdict == ACCEPT_VOTE || verdict == ACCEPT_AGAIN;
        refused[i] = verdict == ACCEPT_REFUSED;
        CHECK(accepted[i] || refused[i] || verdict == ACCEPT_NOTHING); /* there are no more */
        if (accepted[i] && slots_at(&p->slots, entry->slot)->seq > durable_seq)
            durable_seq = slots_at(&p->slots, entry->slot)->seq;
    }
    if (MUTANT(VOTE_BEFORE_DURABLE))
        durable_seq = 0;
    acceptor_answer(p, from, PAXOS_ACCEPTED, durable_seq, message, accepted, knows_more);
    acceptor_answer(p, from, PAXOS_REFUSED, 0, message, refused, false);
    learner_on_mark(p, message->ballot, message->chosen_end);
}
