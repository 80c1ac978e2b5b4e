/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_rejoin.c - the way back for a replica whose journal is damaged, uncertain or lost.
 *
 *   1. doubt       the alarm; a new incarnation is drawn, peers talk to no other any more. The
 *                  identity on the disk stays: whatever happens, the old journal is still in doubt
 *   2. exchange    the core asks all other voters (consensus/rejoin.c)
 *   3. renewal     what the core knows then goes into a fresh journal of the new incarnation; the
 *                  identity takes the incarnation; the old segments are set aside; it votes again
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "storage/journal_renew.h"

void rejoin_begin_doubt(struct node *n, uint32_t alarm, bool has_lost)
{
    node_raise(n, alarm, 0);
    n->has_lost = has_lost;
    if (n->env.doubt != NULL)
        n->incarnation_next = n->env.doubt(n->env.context);
}

/* Votes from the first slot on that the store does not hold; chosen ones by their place. */
struct vote_walk {
    struct node *n;
    uint64_t slot;
};

static bool next_vote(void *context, struct record *out)
{
    struct vote_walk *walk = context;
    struct node *n = walk->n;
    while (walk->slot < paxos_accepted_end(n->paxos)) {
        uint64_t slot = walk->slot++;
        struct blob *value = NULL;
        out->slot = slot;
        if (slot <= n->applied_slot) {
            out->ballot = PAXOS_BALLOT_CHOSEN;
            CHECK(log_get_entry(n->applied, slot, &out->value) == RSM_OK);
            return true;
        }
        if (paxos_accepted(n->paxos, slot, &out->ballot, &value)) {
            out->value = blob_bytes(value);
            return true;
        }
    }
    return false;
}

static enum rsm_status renew_journal(struct node *n)
{
    struct journal_identity identity = {.replica = n->config.self,
                                        .incarnation = n->incarnation_next};
    memcpy(identity.cluster, n->genesis.cluster_id, CLUSTER_ID_SIZE);
    struct journal_options options = {.segment_size = n->config.segment_size};
    struct vote_walk walk = {n, n->stored_slot + 1};
    struct journal_renewal renewal = {.promise = paxos_promised(n->paxos),
                                      .chosen_end = paxos_chosen_end(n->paxos),
                                      .store_slot = n->stored_slot,
                                      .next_sequence = n->seq_last + 1,
                                      .next_vote = next_vote,
                                      .context = &walk};
    struct journal *fresh = NULL;
    enum rsm_status status =
        journal_renew(n->disk, n->journal, &identity, &options, &renewal, &fresh);
    if (status == RSM_OK)
        status = n->env.renewed(n->env.context, n->incarnation_next, n->config.joined);
    if (status == RSM_OK)
        status = journal_set_others_aside(fresh);
    if (status != RSM_OK) {
        journal_close(fresh);
        return status;
    }
    journal_close(n->journal);
    n->journal = fresh;
    return RSM_OK;
}

/* A change of the members that may be chosen, and would bring voters that were not asked. */
static bool has_open_change(struct node *n)
{
    for (uint64_t slot = paxos_chosen_end(n->paxos); slot < paxos_accepted_end(n->paxos); slot++) {
        struct ballot ballot;
        struct blob *value;
        struct entry entry;
        struct envelope e;
        struct command command;
        if (!paxos_accepted(n->paxos, slot, &ballot, &value) ||
            entry_parse(blob_bytes(value), &entry) != RSM_OK || entry.kind != ENTRY_COMMANDS ||
            envelope_parse(entry.payload, &e) != RSM_OK)
            continue;
        struct envelope_walk walk = envelope_commands(&e);
        while (envelope_next(&walk, &command))
            if (command.kind == RSM_KIND_MEMBER_PROMOTE) /* others bring no voter */
                return true;
    }
    return false;
}

void rejoin_finish(struct node *n)
{
    if (!n->rejoin_due || n->dead || n->incarnation_next == 0)
        return;
    n->rejoin_due = false;
    /* What recovery reads before it comes to the chosen mark has to fit the core's window. */
    bool fits = paxos_accepted_end(n->paxos) <= n->stored_slot + 1 + LIMIT_WINDOW;
    if (!paxos_is_rejoin_complete(n->paxos) || learned_count(&n->learned) > 0 ||
        has_open_change(n) || !fits)
        return; /* again with a heartbeat */
    enum rsm_status status = renew_journal(n);
    if (status == RSM_DISK_FULL) {
        node_raise(n, NODE_ALARM_DISK_LOW, 0); /* again with a heartbeat */
        return;
    }
    if (status != RSM_OK) {
        node_fail(n, status, "the fresh journal could not be written");
        return;
    }
    n->config.incarnation = n->incarnation_next;
    n->incarnation_next = 0;
    n->journal_writable = true;
    n->seq_last = journal_durable_seq(n->journal);
    n->seq_durable = n->seq_last;
    node_clear(n, NODE_ALARM_JOURNAL_DAMAGED);
    node_clear(n, NODE_ALARM_JOURNAL_UNCERTAIN);
    LOG(LOG_INFO, "rejoined", LOG_U64("incarnation", n->config.incarnation),
        LOG_U64("promised", paxos_promised(n->paxos).round), LOG_U64("applied", n->applied_slot));
    struct paxos_event event = {.type = PAXOS_EVENT_REJOINED, .number = n->seq_durable};
    node_step(n, &event);
}

void rejoin_on_heartbeat(struct node *n)
{
    if (n->incarnation_next == 0 || n->missing_slot != 0)
        return;
    uint32_t waits_for = paxos_rejoin_waits_for(n->paxos);
    if (paxos_is_rejoin_blocked(n->paxos) && !n->rejoin_blocked)
        LOG(LOG_ERROR, "rejoin-blocked",
            LOG_TEXT("text",
                     "so many voters have lost something that nobody knows what was chosen; "
                     "a person has to decide (docs/operations.md, \"When too many have lost\")"));
    n->rejoin_blocked = paxos_is_rejoin_blocked(n->paxos);
    if (paxos_is_rejoin_complete(n->paxos))
        n->rejoin_due = true; /* the disk was full, or something has to be decided first */
    if (waits_for == n->rejoin_told)
        return;
    n->rejoin_told = waits_for;
    for (uint32_t r = 1; r <= REPLICA_MAX; r++)
        if (waits_for & quorum_bit(r))
            LOG(LOG_WARNING, "rejoin-waits", LOG_U64("for", r));
}
