/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gateway_batch.c - the gateway as an author: counters, clocks, signatures, verdicts.
 *
 * Its vector clock names one event for each command: the one that made the zone, as this replica
 * knows it (docs/rules.md, "Updates"). The Lamport clock is above the highest one applied, and
 * above the slot, so that what is refused and comes again is other bytes.
 */
#include "src/daemon/gateway_internal.h"

#include <stdio.h>
#include <string.h>

#include <rsm/command.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/command/public.h"
#include "src/machine/record.h"
#include "src/machine/tables.h"

/* ---- signing ---- */

static uint64_t meta_number(struct kv *kv, const char *name)
{
    struct bytes value;
    if (kv_get(kv, TABLE_META, bytes_of_string(name), &value) != RSM_OK || value.size != 8)
        return 0;
    return get_u64(value.data);
}

static void take_clocks(struct gateway *g, struct kv *kv)
{
    struct author_record own;
    uint64_t lamport = meta_number(kv, META_LAMPORT);
    uint64_t slot = meta_number(kv, META_APPLIED);
    if (author_load(kv, bytes_of_string(rsm_key_name(g->config.key)), &own) == RSM_OK &&
        own.counter > g->counter)
        g->counter = own.counter;
    if (lamport > g->lamport)
        g->lamport = lamport;
    if (slot > g->lamport)
        g->lamport = slot;
}

/* The command that made the zone. False: there is none here. */
static bool zone_maker(struct kv *kv, const struct request *r, struct version *out)
{
    struct key key;
    struct bytes value;
    key_object(&key, OBJECT_ZONE, bytes_make(r->zone, r->zone_size));
    return kv_get(kv, TABLE_OBJECT, key_bytes(&key), &value) == RSM_OK &&
           version_decode(value, out) == RSM_OK;
}

static enum rsm_status encode(struct gateway *g, struct kv *kv, const struct request *r,
                              uint64_t counter, struct rsm_buffer *command_out)
{
    struct version maker;
    struct rsm_event seen = {.counter = 0};
    if (zone_maker(kv, r, &maker)) {
        seen = (struct rsm_event){bytes_to_public(maker.author), maker.counter};
        if (maker.lamport > g->lamport)
            g->lamport = maker.lamport;
    }
    struct rsm_command command = {.id = {rsm_text(rsm_key_name(g->config.key)), counter},
                                  .lamport = g->lamport + 1,
                                  .clock = &seen,
                                  .clock_count = seen.counter > 0 ? 1 : 0,
                                  .kind = RSM_KIND_RRSET_UPDATE,
                                  .body = rsm_bytes_make(r->body.data, r->body.size),
                                  .reason = rsm_text(r->reason)};
    enum rsm_status status = rsm_command_encode(&command, command_out);
    if (status == RSM_OK)
        g->lamport++;
    return status;
}

/* The commands of the oldest that wait. */
static uint32_t encode_batch(struct gateway *g, struct rsm_buffer *commands)
{
    struct batch *b = &g->batch;
    struct kv *kv = g->config.state(g->config.context);
    size_t size = 0;
    take_clocks(g, kv);
    b->counter = g->counter + 1;
    b->count = 0;
    for (struct request *r = g->oldest; r != NULL && b->count < g->batch_max; r = r->newer) {
        if (r->state != REQUEST_WAITING)
            continue;
        size += r->body.size;
        if (b->count > 0 && size > GATEWAY_BATCH_BYTES)
            break;
        if (encode(g, kv, r, b->counter + b->count, &commands[b->count]) != RSM_OK)
            break; /* no memory now */
        b->items[b->count++] = r;
    }
    return b->count;
}

static enum rsm_status seal(struct gateway *g, const struct rsm_buffer *commands)
{
    struct rsm_bytes list[GATEWAY_BATCH_MAX];
    struct rsm_buffer envelope;
    struct batch *b = &g->batch;
    for (uint32_t i = 0; i < b->count; i++)
        list[i] = rsm_bytes_make(commands[i].data, commands[i].size);
    enum rsm_status status =
        b->count == 1 ? rsm_command_sign(g->config.key, g->cluster_id, list[0], &envelope)
                      : rsm_bundle_sign(g->config.key, g->cluster_id, list, b->count, &envelope);
    if (status != RSM_OK)
        return status;
    b->envelope = blob_new(bytes_make(envelope.data, envelope.size));
    rsm_buffer_free(&envelope);
    return RSM_OK;
}

bool batch_sign(struct gateway *g, uint64_t now_ms)
{
    struct rsm_buffer commands[GATEWAY_BATCH_MAX];
    struct batch *b = &g->batch;
    uint32_t count = encode_batch(g, commands);
    enum rsm_status status = count > 0 ? seal(g, commands) : RSM_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        rsm_buffer_free(&commands[i]);
    if (status != RSM_OK) {
        b->count = 0;
        b->not_before_ms = now_ms + GATEWAY_PAUSE_MS;
        (void)snprintf(g->failure, sizeof g->failure, "%s", rsm_status_text(status));
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        b->items[i]->state = REQUEST_SIGNED;
    b->is_open = false;
    return true;
}

/* ---- verdicts ---- */

/* The gateway's own clocks were behind: nothing is wrong with the request. */
static bool is_behind(const struct verdict *v)
{
    static const enum rsm_rule rules[] = {RSM_RULE_COUNTER_GAP, RSM_RULE_COUNTER_USED,
                                          RSM_RULE_LAMPORT_ORDER, RSM_RULE_LAMPORT_JUMP,
                                          RSM_RULE_CLOCK_FUTURE};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (verdict_names(v, rules[i]))
            return true;
    }
    return false;
}

static void end_batch(struct gateway *g)
{
    blob_unref(g->batch.envelope);
    g->batch.envelope = NULL;
    g->batch.count = 0;
    g->batch.is_open = false;
}

static void settle(struct gateway *g, struct request *r, const struct verdict *v)
{
    struct update_reply reply;
    if (v->kind == VERDICT_APPLIED) {
        if (v->counter > g->counter)
            g->counter = v->counter;
        g->counters.applied++;
    } else if (is_behind(v) && r->behind_count < GATEWAY_BEHIND_MAX) {
        r->state = REQUEST_WAITING;
        if (v->counter != g->batch.counter && verdict_names(v, RSM_RULE_COUNTER_GAP))
            return; /* one before it was refused, and its counter is free: signed again at once */
        r->behind_count++;
        g->batch.not_before_ms = g->now_ms + GATEWAY_PAUSE_MS;
        return;
    } else {
        g->counters.refused++;
    }
    update_reply_of(v, &reply);
    request_finish(g, r, &reply);
}

static void on_verdicts(struct gateway *g, struct bytes verdicts)
{
    struct batch *b = &g->batch;
    struct verdict_walk walk = verdict_walk(verdicts);
    struct verdict v;
    bool is_smooth = true;
    while (verdict_next(&walk, &v)) {
        is_smooth &= v.kind == VERDICT_APPLIED;
        uint64_t index = v.counter - b->counter;
        if (v.counter >= b->counter && index < b->count && b->items[index]->state == REQUEST_SIGNED)
            settle(g, b->items[index], &v);
    }
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->items[i]->state == REQUEST_SIGNED)
            b->items[i]->state = REQUEST_WAITING;
    }
    /* Behind one that is refused all have to be signed again: where many are, few at a time. */
    if (is_smooth && g->batch_max < GATEWAY_BATCH_MAX)
        g->batch_max *= 2;
    else if (!is_smooth && g->batch_max > 1)
        g->batch_max /= 2;
    end_batch(g);
    g->failure[0] = '\0';
}

/* Nobody took it, and nobody will: an operator has to make the principal first. */
static bool is_hopeless(enum rsm_status status)
{
    return status == RSM_UNKNOWN_PRINCIPAL || status == RSM_UNKNOWN_KEY ||
           status == RSM_WRONG_CLUSTER || status == RSM_BAD_SIGNATURE;
}

void gateway_on_submitted(struct gateway *g, const struct node_outcome *outcome)
{
    struct batch *b = &g->batch;
    CHECK(b->is_out);
    b->is_out = false;
    if (outcome->status == RSM_OK) {
        on_verdicts(g, outcome->verdicts);
        return;
    }
    (void)snprintf(g->failure, sizeof g->failure, "%s%s%s", rsm_status_text(outcome->status),
                   outcome->text != NULL ? ": " : "", outcome->text != NULL ? outcome->text : "");
    b->not_before_ms = g->now_ms + GATEWAY_PAUSE_MS;
    b->is_open |= outcome->status == RSM_OUTCOME_UNKNOWN;
    if (b->is_open)
        return; /* the same bytes again */
    for (uint32_t i = 0; i < b->count; i++) {
        struct update_reply reply;
        b->items[i]->state = REQUEST_WAITING;
        if (!is_hopeless(outcome->status))
            continue;
        update_reply_failure(&reply, PACKET_EDE_OTHER, g->failure);
        request_finish(g, b->items[i], &reply);
        request_drop(g, b->items[i]); /* the same message later may find the principal made */
    }
    end_batch(g);
}
