/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node.c - alarms, obeying the core's effects, and what the surroundings ask. The turn is
 * node_turn.c's.
 */
#include "src/daemon/node.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"

void node_config_default(struct node_config *config)
{
    *config = (struct node_config){
        .tick_ms = 10,
        .heartbeat_ticks = 5,
        .election_ticks_min = 15,
        .election_ticks_max = 30,
        .stall_ticks = 100,
        .window = 1024,
        .batch_entries = LIMIT_BATCH_ENTRIES,
        .segment_size = 16u << 20,
        .store_commit_ms = 1000,
        .store_commit_bytes = 8u << 20,
        .store_commit_rows = 24576, /* pages of 4 KiB: 96 MiB */
        .submit_timeout_ms = 10000,
        .clock_bound_ms = 10000,
        .snapshot_lag = 100000,
        .snapshot_rate = 8192,
        .snapshot_piece = 64u << 10, /* about 0.3 ms of the loop */
    };
}

const char *node_alarm_name(uint32_t bit)
{
    switch (bit) {
    case NODE_ALARM_DIVERGED:
        return "diverged";
    case NODE_ALARM_PEER_DIVERGED:
        return "peer-diverged";
    case NODE_ALARM_NOT_COMPARED:
        return "not-compared";
    case NODE_ALARM_JOURNAL_DAMAGED:
        return "journal-damaged";
    case NODE_ALARM_JOURNAL_UNCERTAIN:
        return "journal-uncertain";
    case NODE_ALARM_DISK_LOW:
        return "disk-low";
    case NODE_ALARM_STATE_DAMAGED:
        return "state-damaged";
    case NODE_ALARM_NO_QUORUM:
        return "no-quorum";
    case NODE_ALARM_DISK_DAMAGED:
        return "disk-damaged";
    case NODE_ALARM_AUDIT:
        return "audit-mismatch";
    case NODE_ALARM_PEER_DOUBLED:
        return "peer-doubled";
    case NODE_ALARM_CLOCK:
        return "clock-bound";
    case NODE_ALARM_NEWER_FORMAT:
        return "newer-format";
    case NODE_ALARM_POLICY:
        return "policy-unreadable";
    case NODE_ALARM_LEFT_BEHIND:
        return "left-behind";
    }
    return "unknown";
}

void node_raise(struct node *n, uint32_t alarm, uint64_t slot)
{
    if (n->alarms & alarm)
        return;
    n->alarms |= alarm;
    n->alarm_slot = slot;
    LOG(LOG_ERROR, "alarm", LOG_TEXT("alarm", node_alarm_name(alarm)), LOG_U64("slot", slot));
}

void node_clear(struct node *n, uint32_t alarm)
{
    if ((n->alarms & alarm) == 0)
        return;
    n->alarms &= ~alarm;
    LOG(LOG_INFO, "alarm-cleared", LOG_TEXT("alarm", node_alarm_name(alarm)));
}

void node_fail(struct node *n, enum rsm_status status, const char *text)
{
    if (n->dead)
        return;
    n->dead = true;
    LOG(LOG_ERROR, "fatal", LOG_TEXT("status", rsm_status_text(status)), LOG_TEXT("text", text));
    n->env.fatal(n->env.context, status, text);
}

enum rsm_status node_refuses(const struct node *n)
{
    if (n->stopping)
        return RSM_UNAVAILABLE;
    return node_is_doubtful(n) ? RSM_READ_ONLY : RSM_OK;
}

enum rsm_status node_refuses_clients(const struct node *n)
{
    enum rsm_status status = node_refuses(n);
    bool is_not_mine = (n->alarms & NODE_ALARM_CLOCK) != 0 || n->recovery_epoch != 0;
    return status == RSM_OK && is_not_mine ? RSM_READ_ONLY : status;
}

bool node_is_doubtful(const struct node *n)
{
    return (n->alarms & (NODE_ALARM_DIVERGED | NODE_ALARM_STATE_DAMAGED | NODE_ALARM_AUDIT |
                         NODE_ALARM_NEWER_FORMAT | NODE_ALARM_POLICY | NODE_ALARM_LEFT_BEHIND)) !=
           0;
}

/* -------------------------------------------------------------------------------------------- */
/* Effects. */

static void obey_appends(struct node *n, const struct paxos_effects *effects)
{
    for (size_t i = 0; i < effects->append_count; i++) {
        const struct paxos_append *a = &effects->appends[i];
        n->seq_last = a->seq;
        if (!n->journal_writable)
            continue; /* a learner's memory is its store */
        struct record record = {.sequence = a->seq, .ballot = a->ballot};
        switch (a->type) {
        case PAXOS_RECORD_PROMISE:
            record.kind = RECORD_PROMISE;
            break;
        case PAXOS_RECORD_ACCEPT:
            record.kind = RECORD_ACCEPT;
            record.slot = a->slot;
            record.value = blob_bytes(a->value);
            break;
        case PAXOS_RECORD_CHOSEN:
            record.kind = RECORD_CHOSEN;
            record.ballot = (struct ballot){0, 0};
            record.end = a->slot_end;
            break;
        }
        enum rsm_status status = journal_append(n->journal, &record);
        if (status != RSM_OK) {
            /* The core has voted in memory already: it must not live on without the record. */
            node_fail(n, status, "a record could not be appended to the journal");
            return;
        }
        n->flush_wanted |= !a->lazy;
    }
}

static void obey_learned(struct node *n, const struct paxos_effects *effects)
{
    uint64_t now_ns = effects->learned_count > 0 ? node_now_ns(n) : 0;
    for (size_t i = 0; i < effects->learned_count; i++) {
        const struct paxos_learned *l = &effects->learned[i];
        stages_on_learned(n->stages, l->slot, now_ns);
        apply_later(n, l->slot, l->value);
    }
    n->chosen_to_announce |= effects->learned_count > 0;
}

static void obey_leader(struct node *n, const struct paxos_effects *effects)
{
    n->counters.leader_changes++;
    LOG(LOG_INFO, "leader", LOG_U64("leader", effects->leader),
        LOG_U64("round", effects->leader_ballot.round), LOG_U64("ready", effects->ready),
        LOG_U64("applied", n->applied_slot));
    spec_reset(n);
    submit_on_leader_changed(n);
    if (effects->leader != 0)
        space_on_leader(n);
}

static void obey(struct node *n, const struct paxos_effects *effects)
{
    obey_appends(n, effects);
    if (n->dead)
        return;
    for (size_t i = 0; i < effects->send_count; i++)
        peer_send_message(n, &effects->sends[i]);
    obey_learned(n, effects);
    for (size_t i = 0; i < effects->range_count; i++)
        peer_send_range(n, &effects->ranges[i]);
    for (size_t i = 0; i < effects->read_count; i++) {
        const struct paxos_read_end *r = &effects->reads[i];
        if (r->confirmed)
            stages_on_read_ready(n->stages, r->read_id, node_now_ns(n));
        n->env.read_ready(n->env.context, r->read_id, r->confirmed ? RSM_OK : RSM_NO_LEADER,
                          r->slot);
    }
    for (size_t i = 0; i < effects->lost_count; i++)
        submit_on_lost(n, &effects->lost[i]);
    if (effects->leader_changed)
        obey_leader(n, effects);
    if (effects->rejoin)
        n->rejoin_due = true; /* in the turn's own time: it writes and flushes */
}

void node_step(struct node *n, const struct paxos_event *event)
{
    if (n->dead)
        return;
    struct paxos_effects effects;
    paxos_step(n->paxos, event, &effects);
    obey(n, &effects);
}

void node_resign(struct node *n)
{
    struct paxos_event event = {.type = PAXOS_EVENT_RESIGN};
    node_step(n, &event);
}

void node_on_peer_lost(struct node *n, uint32_t peer)
{
    struct paxos_event event = {.type = PAXOS_EVENT_PEER_LOST, .from = peer};
    node_step(n, &event);
}

void node_read(struct node *n, uint64_t token)
{
    if (n->missing_slot != 0) { /* the core begins anew before it could end */
        n->env.read_ready(n->env.context, token, RSM_UNAVAILABLE, 0);
        return;
    }
    if (apply_is_unreadable(n) &&
        learned_count(&n->learned) > 0) { /* what it holds it never applies */
        n->env.read_ready(n->env.context, token, RSM_READ_ONLY, 0);
        return;
    }
    stages_on_read(n->stages, token, node_now_ns(n));
    struct paxos_event event = {.type = PAXOS_EVENT_READ, .number = token};
    node_step(n, &event);
}

void node_stop_accepting(struct node *n)
{
    if (n->stopping)
        return;
    n->stopping = true;
    node_resign(n);
}

void node_drop_cuts(struct node *n)
{
    snapshot_drop_sender(n);
}

bool node_is_idle(const struct node *n)
{
    return n->frozen == NULL && !submissions_has_tokens(n->submissions);
}

struct kv *node_state(struct node *n)
{
    return n->applied;
}

void node_on_damage(struct node *n)
{
    node_raise(n, NODE_ALARM_STATE_DAMAGED, n->applied_slot);
    node_fail(n, RSM_DAMAGED, "a stored row does not check");
}

bool node_has_state(const struct node *n)
{
    return n->missing_slot == 0;
}

bool node_is_voter(const struct node *n)
{
    return members_is_voter(paxos_members(n->paxos), n->config.self);
}

struct stages *node_stages(struct node *n)
{
    return n->stages;
}

void node_on_request(struct node *n)
{
    n->stages->decode_ns = node_now_ns(n);
}

uint64_t node_applied(const struct node *n)
{
    return n->applied_slot;
}
