/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * life_core.c - what outlives a process in the simulation of the core: disks that lose memory, new
 * incarnations, and members that come and go.
 *
 * Memory. A crash may cost one replica, the victim of the run, records that were durable; in some
 * runs any replica, which then knows it, so that too many of them stand still. And any replica may
 * find its journal uncertain, though it lost nothing. Either is in doubt until it has
 * rejoined: a fresh journal from what the core knows then, under a new incarnation.
 *
 * Members. A value "m<N>" changes what replica N is: a spare one becomes a learner, a learner a
 * voter, a voter that was one from the beginning is removed, for good. It is applied if no other
 * change is on its way and two voters remain, and governs `distance` slots later. The judges are
 * told when the first replica applies it.
 */
#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "tests/sim/node_core.h"

/* ------------------------------------------------------------------------------------------- */
/* Members */

static uint32_t member_of_value(const struct blob *value)
{
    struct bytes bytes = blob_bytes(value);
    return bytes.size == 2 && bytes.data[0] == 'm' ? (uint32_t)(bytes.data[1] - '0') : 0;
}

/* The next configuration; false: the change is not possible now. */
static bool change_members(const struct core_cluster *c, const struct members *m, uint32_t replica,
                           struct quorum *next)
{
    replica_set bit = quorum_bit(replica);
    bool is_spare = replica > c->options.voter_count + c->options.learner_count;
    *next = m->now;
    if (m->next_first != 0 || (!is_spare && !quorum_is_member(next, replica)) ||
        (is_spare && (next->voters & bit) != 0))
        return false;
    if ((next->voters & bit) != 0)
        next->voters &= ~bit;
    else if ((next->learners & bit) != 0)
        next->voters |= bit;
    else
        next->learners |= bit;
    next->learners = (next->voters & bit) != 0 ? next->learners & ~bit : next->learners;
    return quorum_count(next->voters) > 1;
}

bool life_take_value(struct core_node *n, uint64_t slot, const struct blob *value)
{
    struct core_cluster *c = n->cluster;
    struct quorum next;
    uint32_t replica = member_of_value(value);
    bool advanced = members_advance(&n->members, slot - 1);
    (void)advanced;
    if (replica == 0 || !change_members(c, &n->members, replica, &next))
        return false;
    n->members.next = next;
    n->members.next_first = slot + c->options.config.distance;
    if (slot > c->members_slot) {
        c->members_slot = slot;
        c->members = n->members;
        c->report->member_changes++;
        sim_note(&c->sim, "slot %" PRIu64 ": from slot %" PRIu64 " on voters %x, learners %x", slot,
                 n->members.next_first, next.voters, next.learners);
        checker_set_voters(c->checker, n->members.next_first, next.voters);
    }
    return true;
}

void life_tell_links(struct core_node *n)
{
    n->cluster->net.ends[n->replica].is_stranger = !members_is_voter(&n->members, n->replica);
}

/* ------------------------------------------------------------------------------------------- */
/* Memory */

void life_lose_memory(struct core_node *n, uint64_t salt)
{
    struct core_cluster *c = n->cluster;
    size_t kept = (size_t)(salt % (n->durable_count + 1));
    if (n->durable_count == 0)
        return;
    sim_note(&c->sim, "%u: its disk loses all but %zu of %zu records", n->replica, kept,
             n->durable_count);
    while (n->record_count > kept)
        blob_unref(n->records[--n->record_count].value);
    n->durable_count = kept;
    if (kept == 0)
        n->promise_kept = (struct ballot){0, 0};
    n->in_doubt = true;
    n->has_lost = c->options.losses_known;
    checker_on_loss(c->checker, n->replica);
}

enum paxos_standing life_standing(const struct core_node *n)
{
    if (n->has_lost)
        return PAXOS_LOST;
    return n->in_doubt ? PAXOS_IN_DOUBT : PAXOS_WHOLE;
}

bool core_node_has_lost(const struct core_cluster *c, uint32_t replica)
{
    return c->nodes[replica].has_lost;
}

bool core_node_is_lonely(const struct core_cluster *c, uint32_t replica, replica_set members)
{
    const struct members *m = &c->nodes[replica].members;
    replica_set known = m->now.voters | m->now.learners | m->next.voters | m->next.learners;
    known &= ~quorum_bit(replica);
    return known != 0 && (known & members) == 0;
}

void life_begin(struct core_node *n)
{
    n->announced = n->in_doubt ? ++n->incarnation_last : n->incarnation;
    net_announce(&n->cluster->net, n->replica, n->incarnation, false);
    net_announce(&n->cluster->net, n->replica, n->announced, n->in_doubt);
    if (!n->in_doubt)
        return;
    n->cluster->report->doubts++;
    sim_note(&n->cluster->sim, "%u is in doubt, and calls itself incarnation %" PRIu64, n->replica,
             n->announced);
}

static void renew_add(struct core_node *n, struct paxos_append record)
{
    record.seq = n->seq_next++;
    disk_push(n, &record);
}

/* A vote above what is chosen that would make a voter, who was not asked: as the daemon does it. */
static bool has_open_change(const struct core_node *n)
{
    for (uint64_t slot = paxos_chosen_end(n->core); slot < paxos_accepted_end(n->core); slot++) {
        struct ballot ballot;
        struct blob *value = NULL;
        if (paxos_accepted(n->core, slot, &ballot, &value) &&
            (n->members.now.learners & quorum_bit(member_of_value(value))) != 0)
            return true;
    }
    return false;
}

bool life_waits_for_change(const struct core_node *n)
{
    return n->in_doubt && paxos_is_rejoin_complete(n->core) && has_open_change(n);
}

bool life_renew(struct core_node *n)
{
    struct core_cluster *c = n->cluster;
    uint64_t chosen_end = paxos_chosen_end(n->core);
    bool fits = paxos_accepted_end(n->core) <= n->stored + 1 + c->options.config.capacity;
    if (!n->in_doubt || n->applied + 1 < chosen_end || has_open_change(n) || !fits ||
        !paxos_is_rejoin_complete(n->core))
        return false;
    while (n->record_count > 0)
        blob_unref(n->records[--n->record_count].value);
    n->durable_count = 0;
    n->flush_count = 0;
    n->promise_kept = paxos_promised(n->core);
    checker_on_rejoin(c->checker, n->replica);
    struct memory_record promise = {.kind = MEMORY_PROMISE, .ballot = n->promise_kept};
    if (promise.ballot.round > 0)
        checker_on_durable(c->checker, n->replica, &promise);
    for (uint64_t slot = n->stored + 1; slot < paxos_accepted_end(n->core); slot++) {
        struct paxos_append record = {.type = PAXOS_RECORD_ACCEPT, .slot = slot};
        record.ballot = PAXOS_BALLOT_CHOSEN;
        record.value = slot < chosen_end ? n->log[slot] : NULL;
        if (slot < chosen_end || paxos_accepted(n->core, slot, &record.ballot, &record.value))
            renew_add(n, record);
    }
    renew_add(n, (struct paxos_append){.type = PAXOS_RECORD_CHOSEN, .slot_end = chosen_end});
    disk_make_durable(n, n->record_count);
    checker_on_rejoined(c->checker, n->replica);
    n->seq_durable = n->seq_next - 1;
    n->in_doubt = false;
    n->has_lost = false;
    n->incarnation = n->announced;
    net_announce(&c->net, n->replica, n->announced, false);
    c->report->rejoins++;
    sim_note(&c->sim, "%u has rejoined as incarnation %" PRIu64, n->replica, n->incarnation);
    return true;
}
