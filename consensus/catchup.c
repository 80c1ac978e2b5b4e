/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * catchup.c - a replica that lacks chosen slots asks for them; any replica answers.
 *
 * The one that lacks them drives: at most one request in resend_ticks, and the next one at once
 * when an answer brought something. Slots that the answering core still holds go from here; older
 * ones are a range for the shell, which reads its log (or sends a snapshot). A learn message is
 * taken in the order of slots only: what comes too early is asked for again.
 */
#include "consensus/core.h"

void catchup_want(struct paxos *p, uint32_t from, uint64_t end)
{
    if (end <= p->chosen_end || p->tick < p->catch_up_tick ||
        !slots_contains(&p->slots, p->chosen_end))
        return;
    CHECK(from != p->config.self);
    CHECK(from >= 1 && from <= REPLICA_MAX);
    p->catch_up_tick = p->tick + p->config.resend_ticks;
    effects_send(p, from, 0,
                 (struct paxos_message){.type = PAXOS_CATCH_UP, .slot_first = p->chosen_end});
}

void catchup_ask_around(struct paxos *p)
{
    CHECK(p->role != PAXOS_LEADER && p->role != PAXOS_PREPARING);
    effects_send_members(
        p, 0, (struct paxos_message){.type = PAXOS_CATCH_UP, .slot_first = p->chosen_end});
}

void catchup_for_recovery(struct paxos *p)
{
    uint32_t best = 0;
    CHECK(p->role == PAXOS_PREPARING);
    CHECK(p->peers[0].chosen_end == 0); /* nobody knows nothing */
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        if (p->peers[replica].chosen_end > p->peers[best].chosen_end)
            best = replica;
    }
    CHECK(best != p->config.self);
    if (p->chosen_end >= p->recover_end)
        return;
    CHECK(best != 0); /* who said so */
    catchup_want(p, best, p->peers[best].chosen_end);
}

void catchup_on_request(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    uint64_t first = message->slot_first;
    CHECK(first >= 1 && from != p->config.self);
    if (first >= p->chosen_end)
        return;
    if (first <= p->applied) {
        effects_range(p, from, first, p->applied + 1);
        return;
    }
    uint32_t index = p->effects.entry_count;
    uint32_t count = 0;
    uint64_t size = 0;
    for (uint64_t n = first; n < p->chosen_end && count < p->config.batch_entries; n++) {
        const struct slot *slot = slots_at(&p->slots, n);
        CHECK(slot->chosen && slot_has_vote(slot)); /* nobody learns what is not chosen */
        size += blob_bytes(slot->value).size;
        if (count > 0 && size > p->config.batch_bytes)
            break;
        *effects_entry(p) = (struct paxos_entry){.slot = n, .value = slot->value};
        count++;
    }
    struct paxos_message answer = {.type = PAXOS_LEARN};
    effects_take_entries(p, index, &answer);
    CHECK(answer.entry_count > 0);
    effects_send(p, from, 0, answer);
}

void catchup_on_learn(struct paxos *p, uint32_t from, const struct paxos_message *message)
{
    uint64_t before = p->chosen_end;
    CHECK(from != p->config.self);
    CHECK(message->entry_count <= LIMIT_BATCH_ENTRIES);
    for (size_t i = 0; i < message->entry_count; i++) {
        const struct paxos_entry *entry = &message->entries[i];
        if (entry->slot != p->chosen_end || !slots_contains(&p->slots, entry->slot))
            continue;
        learner_take(p, entry->value);
        learner_deliver(p);
    }
    if (p->chosen_end == before) {
        mark(p, PAXOS_MARK_LEARN_IGNORED);
        return;
    }
    CHECK(p->chosen_end > before);
    p->catch_up_tick = p->tick;
    /* It learns what it needs in order to lead: the clock of the prepare starts again. */
    if (p->role == PAXOS_PREPARING)
        election_arm(p);
}
