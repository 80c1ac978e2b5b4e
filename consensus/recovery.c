/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recovery.c - the proposer's phase 1 ("Paxos Made Simple", 2.2 and the last part of 2.3).
 *
 * One prepare asks for every slot from the own chosen_end on, without end. A voter's promise may
 * come in parts; it counts when the parts reach PAXOS_NO_END without a hole. Voters leave out the
 * slots that they know to be chosen; recover_end covers those: nothing is proposed before all of
 * them are learned. Then, slot by slot:
 *
 *   a vote was reported    the value of the highest ballot is proposed again, not fresh
 *   none, but one above    a no-op fills the gap
 *   none at or above       free for new proposals
 *
 * Votes that the own window cannot hold yet are left for later: a voter counts, too, when its parts
 * cover the window, for slots do not depend on each other. Such a leader proposes what was found
 * and fills every gap up to the window's end, but nothing of its own, confirms no read, and
 * prepares again, under a higher ballot, when all of that is applied. To wait for the window to
 * move is no way out: 1. the only voters that had applied more lose their memory; 2. the votes of
 * the others reach beyond the window of who is left; 3. nobody can teach anybody, and nobody leads.
 *
 * A leader that finds no vote at all proposes one no-op: reads wait until a slot of its own ballot
 * is chosen, for only then does it know every slot that an earlier leader may have decided.
 *
 * Why the own promise is durable before the prepare leaves: a round is then never used twice, not
 * even after a crash (1. prepare with round 5 leaves; 2. crash, the promise is gone; 3. round 5
 * again, and the promises to the first one count for the second).
 */
#include "consensus/core.h"

#include "src/base/check.h"

void proposer_send_prepare(struct paxos *p)
{
    uint64_t durable_seq = MUTANT(REUSE_ROUND) ? 0 : p->promised_seq;
    CHECK(p->role == PAXOS_PREPARING && ballot_equal(p->promised, p->ballot));
    CHECK(p->promised_seq > 0); /* no prepare leaves before the own promise is on the disk */
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        const struct peer *peer = &p->peers[replica];
        CHECK(peer->promised_end >= p->prepare_first);
        if (replica == p->config.self || !members_is_voter(&p->members, replica) ||
            peer->promised_end == PAXOS_NO_END)
            continue;
        effects_send(p, replica, durable_seq,
                     (struct paxos_message){.type = PAXOS_PREPARE,
                                            .ballot = p->ballot,
                                            .slot_first = peer->promised_end});
    }
}

/* The own votes are the own promise's report. */
static void proposer_find_own_votes(struct paxos *p)
{
    CHECK(p->role == PAXOS_PREPARING);
    for (uint64_t n = p->slots.first; n < slots_end(&p->slots); n++) {
        struct slot *slot = slots_at(&p->slots, n);
        slot->proposed = false;
        if (n >= p->chosen_end && slot_has_vote(slot))
            slots_set_found(&p->slots, slot, slot->ballot, slot->value);
        else
            slots_set_found(&p->slots, slot, (struct ballot){0, 0}, NULL);
    }
}

bool proposer_can_prepare(const struct paxos *p)
{
    CHECK(p->round_max <= PAXOS_ROUND_MAX);
    return p->round_max < PAXOS_ROUND_MAX;
}

void proposer_prepare(struct paxos *p)
{
    CHECK(p->voting && proposer_can_prepare(p));
    p->ballot = (struct ballot){p->round_max + 1, p->config.self};
    CHECK(p->rejoin.number == 0);
    election_see_round(p, p->ballot);
    CHECK(p->round_max == p->ballot.round); /* never used twice in this life */
    p->role = PAXOS_PREPARING;
    p->leader = 0;
    p->prepare_first = p->chosen_end;
    p->recover_end = p->chosen_end;
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++)
        p->peers[replica].promised_end = p->chosen_end;
    proposer_find_own_votes(p);
    acceptor_promise_self(p, p->ballot);
    election_arm(p);
    p->heartbeat_tick = p->tick + p->config.resend_ticks;
    proposer_send_prepare(p);
}

int vote_compare(struct ballot a, struct ballot b)
{
    bool a_is_chosen = ballot_equal(a, PAXOS_BALLOT_CHOSEN);
    bool b_is_chosen = ballot_equal(b, PAXOS_BALLOT_CHOSEN);
    if (a_is_chosen || b_is_chosen)
        return (int)a_is_chosen - (int)b_is_chosen;
    return ballot_compare(a, b);
}

static void proposer_find(struct paxos *p, const struct paxos_entry *entry)
{
    struct slot *slot = slots_at(&p->slots, entry->slot);
    CHECK(p->role == PAXOS_PREPARING && entry->slot >= p->chosen_end);
    bool is_first = slot->found_ballot.replica == 0;
    if (is_first)
        mark(p, PAXOS_MARK_RECOVERED_OTHERS_VOTE);
    else if (!value_equal(slot->found_value, entry->value))
        mark(p, PAXOS_MARK_RECOVERED_HIGHER_VOTE);
    if (MUTANT(OWN_VALUE_FIRST) && slot_has_vote(slot))
        return;
    int order = vote_compare(entry->ballot, slot->found_ballot);
    if (MUTANT(LOWEST_VOTE))
        order = -order;
    if (is_first || order > 0)
        slots_set_found(&p->slots, slot, entry->ballot, entry->value);
    CHECK(slot->found_ballot.replica != 0);
}

void proposer_on_promise(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    struct peer *peer = &p->peers[from];
    if (p->role != PAXOS_PREPARING ||
        (!ballot_equal(message->ballot, p->ballot) && !MUTANT(COUNT_OLD_PROMISE))) {
        mark(p, PAXOS_MARK_PROMISE_STALE);
        return;
    }
    peer->contact_tick = p->tick;
    if (message->slot_first > peer->promised_end) {
        mark(p, PAXOS_MARK_PROMISE_OUT_OF_ORDER);
        return;
    }
    uint64_t end = message->slot_end;
    for (size_t i = 0; i < message->entry_count; i++) {
        if (message->entries[i].slot >= slots_end(&p->slots)) {
            mark(p, PAXOS_MARK_PROMISE_OUTSIDE_WINDOW);
            end = slots_end(&p->slots); /* asked for again when the window has moved */
            continue;
        }
        if (MUTANT(PREPARE_OWN_END) && message->entries[i].slot >= p->accepted_end)
            continue;
        if (message->entries[i].slot >= p->chosen_end)
            proposer_find(p, &message->entries[i]);
    }
    CHECK(peer->promised_end >= p->prepare_first);
    CHECK(message->slot_end == end || end == slots_end(&p->slots));
    if (end > peer->promised_end) {
        peer->promised_end = end;
        election_arm(p); /* parts may come in any order, and each time only one fits */
    }
    if (message->chosen_end > p->recover_end)
        p->recover_end = message->chosen_end;
}

/* A quorum has reported all its votes below `end`; the own promise counts when it is durable. */
static bool proposer_has_promises(const struct paxos *p, uint64_t end)
{
    replica_set promised = 0;
    CHECK(p->role == PAXOS_PREPARING);
    if (p->promised_seq <= p->seq_durable || MUTANT(REUSE_ROUND))
        promised |= quorum_bit(p->config.self);
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        if (replica != p->config.self && p->peers[replica].promised_end >= end)
            promised |= quorum_bit(replica);
    }
    return members_have(&p->members, promised);
}

/*
 * Proposes again what phase 1 found, and fills the gaps, as far as the configuration of a slot is
 * known: an earlier leader may have gone further, for it had applied more.
 */
void proposer_recover_more(struct paxos *p)
{
    uint64_t first = p->slot_next;
    if (p->role != PAXOS_LEADER)
        return;
    uint64_t lead_end = members_lead_end(&p->members, p->config.self);
    while (p->slot_next < p->found_end && p->slot_next < lead_end &&
           p->slot_next <= p->applied + p->config.distance) {
        uint64_t n = p->slot_next++;
        struct slot *slot = slots_at(&p->slots, n);
        struct blob *value = slot->found_value;
        CHECK(n >= p->prepare_first && n < slots_end(&p->slots));
        CHECK(slot->found_ballot.replica != 0 || value == NULL);
        if (slot->found_ballot.replica == 0) {
            mark(p, PAXOS_MARK_GAP_FILLED);
            if (MUTANT(LEAVE_GAPS))
                continue;
        }
        if (MUTANT(NOOP_OVER_VOTE) && !slot_has_vote(slot))
            value = NULL;
        if (slot->cookie != 0 && !value_equal(value, slot->value)) {
            effects_lost(p, slot->cookie, n, false);
            slot->cookie = 0;
        }
        proposer_put(p, n, value, false);
    }
    CHECK(p->slot_next >= p->chosen_end && p->slot_next <= slots_end(&p->slots));
    if (first < p->slot_next)
        proposer_send(p, first, p->slot_next);
}

bool proposer_has_led_its_window(const struct paxos *p)
{
    CHECK(p->role == PAXOS_LEADER);
    CHECK(p->found_end <= p->ready_end); /* what is found comes before what is ready */
    return p->ready_end == PAXOS_NO_END && p->chosen_end >= p->found_end &&
           p->applied + 1 >= p->chosen_end;
}

void proposer_try_lead(struct paxos *p)
{
    if (p->role != PAXOS_PREPARING || !proposer_has_promises(p, slots_end(&p->slots)))
        return;
    if (p->recover_end > p->prepare_first)
        mark(p, PAXOS_MARK_RECOVERY_CAUGHT_UP);
    /* Chosen slots are learned from those who know them; and there must be a place for a no-op. */
    if (p->chosen_end < p->recover_end || !slots_contains(&p->slots, p->chosen_end))
        return;

    bool is_partial = !proposer_has_promises(p, PAXOS_NO_END);
    uint64_t end = p->chosen_end;
    for (uint64_t n = p->chosen_end; n < slots_end(&p->slots); n++) {
        if (slots_at(&p->slots, n)->found_ballot.replica != 0)
            end = n + 1;
    }
    if (end == p->chosen_end)
        end++; /* a no-op of the own ballot */
    if (is_partial && !MUTANT(LEAD_FROM_PART_OF_VOTES)) {
        mark(p, PAXOS_MARK_LED_A_WINDOW);
        end = slots_end(&p->slots); /* there are votes above */
    }
    CHECK(end > p->chosen_end && end <= slots_end(&p->slots));
    CHECK(p->recover_end >= p->prepare_first);
    election_lead(p);
    p->found_end = end;
    p->ready_end = is_partial && !MUTANT(LEAD_FROM_PART_OF_VOTES) ? PAXOS_NO_END : end;
    p->slot_next = p->chosen_end;
    CHECK(p->found_end <= p->ready_end); /* reads wait for all that was found */
    proposer_recover_more(p);
    election_send_heartbeat(p);
}
