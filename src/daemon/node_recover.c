/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_recover.c - a replica that goes on alone, because persons signed it (`rsmd recover`).
 *
 *   1. the state has an older epoch than the recovery: this replica counts as the one voter, its
 *      links know no other member, and clients are refused (READ_ONLY)
 *   2. its disk has its former incarnation still: the journal is renewed under the new one, as when
 *      it rejoins (node_rejoin.c); there is nobody to ask, so that comes at once. A crash before
 *      its end begins it again, with the same incarnation
 *   3. it leads, recovers what it has voted for, and proposes the recovery as a command of its own
 *   4. applied, the state has the epoch, and members that are this replica alone: all is as usual
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/command/recovery.h"
#include "src/daemon/node_check.h"
#include "src/daemon/node_internal.h"
#include "src/daemon/node_recover.h"
#include "src/machine/recovery.h"

#define REASON "recovered by force: automata stay frozen until a person resumes them"

static uint64_t epoch_of(struct node *n)
{
    struct recovery_record last;
    return recovery_newest(n->applied, &last) == RSM_OK ? last.epoch : RECOVERY_EPOCH_FIRST;
}

static bool decode(const struct node *n, struct body_recover *out)
{
    return n->config.recovery.size > 0 && body_recover_decode(n->config.recovery, out) == RSM_OK;
}

enum rsm_status recover_open(struct node *n)
{
    struct body_recover body;
    if (n->config.recovery.size == 0)
        return RSM_OK;
    if (!decode(n, &body))
        return RSM_DAMAGED;
    const struct recovery *r = &body.statement;
    if (epoch_of(n) >= r->epoch)
        return RSM_OK; /* it is in the log */
    if (memcmp(r->cluster, n->genesis.cluster_id, CLUSTER_ID_SIZE) != 0 ||
        r->replica != n->config.self)
        return RSM_DAMAGED;
    n->recovery_epoch = r->epoch;
    n->config.accepts_loss = true; /* that is what they signed */
    LOG(LOG_WARNING, "recovering", LOG_U64("epoch", r->epoch), LOG_U64("from", r->slot),
        LOG_TEXT("text", "goes on alone, as persons have signed"));
    return RSM_OK;
}

bool node_is_recovering(struct node *n)
{
    if (n->recovery_epoch != 0 && epoch_of(n) >= n->recovery_epoch) {
        LOG(LOG_WARNING, "recovered-alone", LOG_U64("epoch", n->recovery_epoch),
            LOG_U64("applied", n->applied_slot));
        n->recovery_epoch = 0;
    }
    return n->recovery_epoch != 0;
}

bool recover_is_renewal_due(struct node *n)
{
    struct body_recover body;
    return node_is_recovering(n) && decode(n, &body) &&
           body.statement.former == n->config.incarnation;
}

uint64_t node_votes_end(const struct node *n)
{
    uint64_t end = paxos_accepted_end(n->paxos);
    return end > n->applied_slot + 1 ? end : n->applied_slot + 1;
}

static struct rsm_buffer copy_of(struct bytes body)
{
    struct rsm_buffer copy = {.data = mem_alloc(body.size), .size = body.size};
    memcpy(copy.data, body.data, body.size);
    return copy;
}

enum rsm_status node_check_recovery(struct node *n, struct bytes body, struct kv *overlay,
                                    struct verdicts *verdicts_out,
                                    enum machine_judgement *judgement_out)
{
    struct rsm_buffer copy = copy_of(body);
    struct blob *envelope = own_make(n, RSM_KIND_CLUSTER_RECOVER, &copy, NULL, REASON);
    rsm_buffer_free(&copy);
    if (envelope == NULL)
        return RSM_UNAVAILABLE;
    enum rsm_status status =
        node_check(n, blob_bytes(envelope), overlay, verdicts_out, judgement_out);
    blob_unref(envelope);
    return status;
}

void recover_when_due(struct node *n)
{
    if (!node_is_recovering(n) || node_is_doubtful(n) || !own_may_submit(n) ||
        paxos_role(n->paxos) != PAXOS_LEADER || n->recovery_tried == n->applied_slot)
        return;
    if (n->recovery_tried != 0)
        LOG(LOG_ERROR, "recovery-refused",
            LOG_TEXT("text", "the log does not take the recovery; rsm-dump log --author replica:N "
                             "says why. Stop, and have rsmd recover signed anew"));
    n->recovery_tried = n->applied_slot;
    struct rsm_buffer body = copy_of(n->config.recovery);
    (void)own_submit(n, RSM_KIND_CLUSTER_RECOVER, &body, NULL, REASON);
}

void node_leave_behind(struct node *n, uint64_t slot)
{
    node_raise(n, NODE_ALARM_LEFT_BEHIND, slot);
}

bool node_is_left_behind(const struct node *n)
{
    return (n->alarms & NODE_ALARM_LEFT_BEHIND) != 0;
}
