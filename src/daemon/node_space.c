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
 *   a change's       with a tick a leader votes for no-ops up to the slot from which a change of
 *                    the members governs. No room: it gives up
 *
 * Promises have room of their own, behind that of votes. One that does not fit even there is not
 * given: its prepare is lost, and comes again.
 */
#include "src/daemon/node_internal.h"

/* A vote's record beside its value and the mark that its slot is chosen, and more than that. */
#define VOTE_HEAD 80u

static uint64_t space_of_vote(uint64_t size)
{
    return size + VOTE_HEAD;
}

static bool is_made(struct node *n, enum rsm_status status)
{
    if (status == RSM_DISK_FULL)
        node_raise(n, NODE_ALARM_DISK_LOW, n->applied_slot);
    else if (status != RSM_OK)
        node_fail(n, status, "a journal segment could not be prepared");
    return status == RSM_OK;
}

bool space_is_for(struct node *n, struct space space)
{
    if (!n->journal_writable || n->dead)
        return true;
    return is_made(n, journal_make_room(n->journal, space.bytes, space.largest));
}

void space_add_vote(struct space *space, uint64_t size)
{
    uint64_t bytes = space_of_vote(size);
    space->bytes += bytes;
    if (bytes > space->largest)
        space->largest = bytes;
}

static uint64_t own_size(struct node *n, uint64_t slot)
{
    struct ballot ballot;
    struct blob *value;
    bool is_voted = paxos_accepted(n->paxos, slot, &ballot, &value);
    return is_voted ? blob_bytes(value).size : 0;
}

/* For all that is open, a no-op where nothing is, one more, and those up to a change. */
static bool is_for_recovery(struct node *n)
{
    uint64_t first = paxos_chosen_end(n->paxos);
    uint64_t end = paxos_accepted_end(n->paxos) + 1;
    uint64_t change = paxos_members(n->paxos)->next_first;
    struct space space = n->found.space;
    if (n->found.slot_end >= end)
        end = n->found.slot_end + 1;
    if (change > end)
        end = change;
    for (uint64_t slot = first; slot < end && slot <= first + LIMIT_WINDOW; slot++)
        space_add_vote(&space, own_size(n, slot));
    if (space.bytes < space.largest) /* what was reported there has been chosen since */
        space.bytes = space.largest;
    return space_is_for(n, space);
}

static void note_found(struct node *n, const struct paxos_message *m)
{
    if (!ballot_equal(n->found.ballot, m->ballot)) {
        n->found.ballot = m->ballot;
        n->found.slot_end = 0;
        n->found.space = (struct space){0, 0};
    }
    for (size_t i = 0; i < m->entry_count; i++) {
        uint64_t own = own_size(n, m->entries[i].slot);
        uint64_t size = blob_bytes(m->entries[i].value).size;
        if (size > own)
            n->found.space.bytes += size - own;
        if (space_of_vote(size) > n->found.space.largest)
            n->found.space.largest = space_of_vote(size);
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

/* One that is asked for again is in the journal already, and a lower one is not given. */
static bool is_for_prepare(struct node *n, const struct paxos_message *m)
{
    if (n->dead || ballot_compare(m->ballot, paxos_promised(n->paxos)) <= 0)
        return true;
    return is_made(n, journal_make_room_for_promise(n->journal));
}

bool space_is_for_message(struct node *n, const struct paxos_message *m)
{
    struct space space = {0, 0};
    if (!n->journal_writable)
        return true;
    if (m->type == PAXOS_PREPARE)
        return is_for_prepare(n, m);
    if (m->type == PAXOS_PREVOTE_ANSWER)
        return is_for_recovery(n);
    if (m->type == PAXOS_PROMISE)
        return is_for_promise(n, m);
    for (size_t i = 0; i < m->entry_count; i++)
        space_add_vote(&space, blob_bytes(m->entries[i].value).size);
    return space.bytes == 0 || space_is_for(n, space);
}

void space_on_leader(struct node *n)
{
    n->found.slot_end = 0;
    n->found.space = (struct space){0, 0};
}

/* A leader's no-ops up to a change of the members. */
static bool is_for_change(struct node *n)
{
    uint64_t change = paxos_members(n->paxos)->next_first;
    struct space space = {0, 0};
    for (uint64_t slot = paxos_slot_next(n->paxos); slot < change; slot++)
        space_add_vote(&space, 0);
    return space.bytes == 0 || space_is_for(n, space);
}

/* Nobody has to be asked: the election, the promise and the votes are one step. */
static bool may_recover_at_once(struct node *n)
{
    return paxos_role(n->paxos) != PAXOS_LEADER &&
           paxos_members(n->paxos)->now.voters == quorum_bit(n->config.self);
}

void space_before_tick(struct node *n)
{
    if (n->dead || !n->journal_writable)
        return;
    bool is_there = paxos_role(n->paxos) == PAXOS_LEADER
                        ? is_for_change(n)
                        : !may_recover_at_once(n) || is_for_recovery(n);
    if (!is_there && !n->dead)
        node_resign(n);
}
