/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_repair.c - a damaged journal, found while it is open: its bytes are needed by nobody but the
 * next recovery, and memory still holds what they said. So a new segment begins with the promise in
 * its checkpoint, the store takes what is applied, and the segments up to the damaged one go, as
 * soon as none of their votes is for a slot that the store does not hold.
 */
#include "src/base/log.h"
#include "src/daemon/node_internal.h"

struct journal_extent node_journal_extent(const struct node *n)
{
    if (n->journal == NULL || !n->journal_writable)
        return (struct journal_extent){0, 0, 0};
    return journal_extent(n->journal);
}

void node_on_scrubbed(struct node *n, bool found)
{
    if (found)
        node_raise(n, NODE_ALARM_DISK_DAMAGED, n->applied_slot);
    else
        node_clear(n, NODE_ALARM_DISK_DAMAGED);
}

void node_repair_journal(struct node *n, uint64_t segment)
{
    n->repair_segment = segment;
    LOG(LOG_WARNING, "journal-repair", LOG_U64("segment", segment));
}

bool node_is_journal_repaired(const struct node *n)
{
    return n->repair_segment == 0;
}

void repair_on_tick(struct node *n)
{
    enum rsm_status status = RSM_OK;

    if (n->repair_segment == 0 || n->flush_wanted || n->dead)
        return;
    if (!n->journal_writable) { /* in doubt for another reason: it is replaced as a whole */
        n->repair_segment = 0;
        return;
    }
    if (journal_durable_seq(n->journal) != n->seq_last) {
        n->flush_wanted = true; /* lazy records wait for a flush: the turn ends with it */
        return;
    }
    if (journal_extent(n->journal).segment <= n->repair_segment)
        status = journal_turn(n->journal);
    if (status == RSM_OK)
        status = journal_drop_below(n->journal, n->stored_slot);
    if (status == RSM_DISK_FULL)
        return; /* again with the next tick */
    if (status != RSM_OK) {
        node_fail(n, status, "a damaged journal could not be replaced");
        return;
    }
    if (journal_extent(n->journal).first > n->repair_segment) {
        LOG(LOG_INFO, "journal-repaired", LOG_U64("segment", n->repair_segment));
        n->repair_segment = 0;
        return;
    }
    node_commit_now(n);
}
