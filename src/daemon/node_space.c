/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_space.c - room in the journal for votes, asked for before the core begins them.
 *
 * What the core has voted for in memory has to come into the journal: where it does not fit any
 * more, the process ends. Whose votes these are:
 *
 *   a follower's     come with a message. No room: the message is lost, and comes again
 *   a leader's own   a batch that it begins: refused with DISK_FULL (node_submit.c)
 *   a recovery's     a replica that comes to lead votes again, at once, for all that is open: its
 *                    own votes, and those that promises report. They are counted with each
 *                    promise. No room: it gives up, others may try, and it asks for no pre-vote's
 *                    answer before there is
 */
#include "src/daemon/node_internal.h"

/* A vote's record beside its value, and more than that. */
#define VOTE_HEAD 64u

uint64_t space_of_vote(uint64_t size)
{
    return size + VOTE_HEAD;
}

bool space_is_for(struct node *n, uint64_t bytes)
{
    if (!n->journal_writable || n->dead)
        return true;
    enum rsm_status status = journal_make_room(n->journal, bytes);
    if (status == RSM_DISK_FULL)
        node_raise(n, NODE_ALARM_DISK_LOW, n->applied_slot);
    else if (status != RSM_OK)
        node_fail(n, status, "a journal segment could not be prepared");
    return status == RSM_OK;
}

static uint64_t own_size(struct node *n, uint64_t slot)
{
    struct ballot ballot;
    struct blob *value;
    bool is_voted = paxos_accepted(n->paxos, slot, &ballot, &value);
    return is_voted ? blob_bytes(value).size : 0;
}

/* For all that is open, a no-op where nothing is, and one more. */
static bool is_for_recovery(struct node *n)
{
    uint64_t first = paxos_chosen_end(n->paxos);
    uint64_t end = paxos_accepted_end(n->paxos);
    uint64_t bytes = n->found.bytes + space_of_vote(0);
    if (n->found.slot_end > end)
        end = n->found.slot_end;
    for (uint64_t slot = first; slot < end && slot < first + LIMIT_WINDOW; slot++)
        bytes += space_of_vote(own_size(n, slot));
    return space_is_for(n, bytes);
}

static void note_found(struct node *n, const struct paxos_message *m)
{
    if (!ballot_equal(n->found.ballot, m->ballot)) {
        n->found.ballot = m->ballot;
        n->found.slot_end = 0;
        n->found.bytes = 0;
    }
    for (size_t i = 0; i < m->entry_count; i++) {
        uint64_t own = own_size(n, m->entries[i].slot);
        uint64_t size = blob_bytes(m->entries[i].value).size;
        if (size > own)
            n->found.bytes += size - own;
        if (m->entries[i].slot >= n->found.slot_end)
            n->found.slot_end = m->entries[i].slot + 1;
    }
}

static bool is_for_promise(struct node *n, const struct paxos_message *m)
{
    if (paxos_role(n->paxos) != PAXOS_PREPARING)
        return true; /* it is too late */
    note_found(n, m);
    if (is_for_recovery(n))
        return true;
    node_resign(n);
    return false;
}

bool space_is_for_message(struct node *n, const struct paxos_message *m)
{
    uint64_t bytes = 0;
    if (!n->journal_writable)
        return true;
    if (m->type == PAXOS_PREVOTE_ANSWER)
        return is_for_recovery(n);
    if (m->type == PAXOS_PROMISE)
        return is_for_promise(n, m);
    for (size_t i = 0; i < m->entry_count; i++)
        bytes += space_of_vote(blob_bytes(m->entries[i].value).size);
    return bytes == 0 || space_is_for(n, bytes);
}

void space_on_leader(struct node *n)
{
    n->found.slot_end = 0;
    n->found.bytes = 0;
}

void space_before_tick(struct node *n)
{
    if (n->dead || !n->journal_writable || paxos_role(n->paxos) == PAXOS_LEADER ||
        paxos_members(n->paxos)->now.voters != quorum_bit(n->config.self) || is_for_recovery(n))
        return;
    node_resign(n);
}
