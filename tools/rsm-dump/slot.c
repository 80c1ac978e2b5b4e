/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slot.c - see slot.h. */
#include "tools/rsm-dump/slot.h"

#include <string.h>

#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/command/body_setting.h"
#include "src/machine/record.h"
#include "src/machine/tables.h"
#include "src/rr/data.h"
#include "tools/rsm-dump/shown.h"

void slot_take_apart(const struct slot_view *view, struct slot_parts *out)
{
    *out = (struct slot_parts){0};
    out->status = entry_parse(view->value, &out->entry);
    if (out->status != RSM_OK)
        return;
    struct bytes raw = out->entry.payload;
    if (out->entry.kind == ENTRY_REJECTION) {
        out->status = rejection_parse(raw, &out->rejection);
        out->has_rejection = out->status == RSM_OK;
        out->author = out->rejection.author;
        raw = out->rejection.envelope;
    }
    bool has_raw = out->entry.kind == ENTRY_COMMANDS || (out->has_rejection && raw.size > 0);
    if (!has_raw)
        return;
    out->status = envelope_parse(raw, &out->envelope);
    out->has_envelope = out->status == RSM_OK;
    if (out->has_envelope)
        out->author = out->envelope.author;
}

const char *slot_kind(const struct slot_parts *parts)
{
    switch (parts->entry.kind) {
    case ENTRY_NOOP:
        return parts->status == RSM_OK ? "no-op" : "unreadable";
    case ENTRY_TICK:
        return "tick";
    case ENTRY_COMMANDS:
        return "commands";
    case ENTRY_REJECTION:
        return "rejection";
    }
    return "unknown";
}

/* The zone of a plan, as the store knows it now. */
static struct bytes plan_zone(struct dump *d, struct bytes plan)
{
    struct plan_record record;
    struct bytes value;

    if (d->kv == NULL || kv_get(d->kv, TABLE_PLAN, plan, &value) != RSM_OK ||
        plan_decode(value, &record) != RSM_OK)
        return bytes_make(NULL, 0);
    return record.zone;
}

static struct bytes zone_of_plan(struct dump *d, const struct command *c)
{
    struct body_plan plan;
    if (body_plan_decode(c->kind, c->body, &plan) != RSM_OK)
        return bytes_make(NULL, 0);
    return c->kind == RSM_KIND_PLAN_PUBLISH ? plan.zone : plan_zone(d, plan.plan);
}

/* What a request wraps; any other command itself. */
static struct command unwrap(const struct command *c)
{
    struct body_request request;
    struct command inner = *c;
    if (c->kind == RSM_KIND_CHANGE_REQUEST && body_request_decode(c->body, &request) == RSM_OK) {
        inner.kind = request.kind;
        inner.body = request.body;
    }
    return inner;
}

struct bytes slot_command_zone(struct dump *d, const struct command *given)
{
    struct body_zone zone;
    struct body_zone_set set;
    struct body_freeze freeze;
    struct body_takeover takeover;
    struct body_update update;
    struct body_observe observe;
    struct command inner = unwrap(given);
    const struct command *c = &inner;
    struct bytes nothing = {NULL, 0};

    switch (c->kind) {
    case RSM_KIND_ZONE_CREATE:
    case RSM_KIND_ZONE_DELETE:
    case RSM_KIND_ZONE_LABEL:
    case RSM_KIND_RRSET_CHANGE:
        if (body_zone_decode(c->kind, c->body, &zone) == RSM_OK)
            return zone.zone;
        break;
    case RSM_KIND_ZONE_SET:
        return body_zone_set_decode(c->body, &set) == RSM_OK ? set.zone : nothing;
    case RSM_KIND_RRSET_UPDATE:
        if (body_update_decode(c->body, &update) == RSM_OK)
            return update.zone;
        break;
    case RSM_KIND_PLAN_PUBLISH:
    case RSM_KIND_PLAN_EXECUTE:
    case RSM_KIND_PLAN_COLLECT:
        return zone_of_plan(d, c);
    case RSM_KIND_RRSET_TAKEOVER:
        return body_takeover_decode(c->body, &takeover) == RSM_OK ? takeover.zone : nothing;
    case RSM_KIND_RRSET_OBSERVE:
        return body_observe_decode(c->body, &observe) == RSM_OK ? observe.zone : nothing;
    case RSM_KIND_FREEZE_SET:
        if (body_freeze_decode(c->kind, c->body, &freeze) == RSM_OK &&
            freeze.scope == RSM_FREEZE_ZONE)
            return freeze.subject;
        break;
    case RSM_KIND_SERVICE_SET:
    case RSM_KIND_SERVICE_DELETE:
    case RSM_KIND_PRINCIPAL_SET:
    case RSM_KIND_PRINCIPAL_DELETE:
    case RSM_KIND_PRINCIPAL_KEY_ADD:
    case RSM_KIND_PRINCIPAL_KEY_REVOKE:
    case RSM_KIND_ROLE_SET:
    case RSM_KIND_ROLE_DELETE:
    case RSM_KIND_POLICY_SET:
    case RSM_KIND_MEMBER_ADD:
    case RSM_KIND_MEMBER_PROMOTE:
    case RSM_KIND_MEMBER_REMOVE:
    case RSM_KIND_MEMBER_UPDATE:
    case RSM_KIND_FREEZE_CLEAR:
    case RSM_KIND_FREEZE_RESUME:
    case RSM_KIND_FREEZE_TRIP:
    case RSM_KIND_LEASE_ACQUIRE:
    case RSM_KIND_LEASE_RENEW:
    case RSM_KIND_LEASE_RELEASE:
    case RSM_KIND_CHANGE_REQUEST:
    case RSM_KIND_CHANGE_VOTE:
    case RSM_KIND_CHANGE_APPROVE:
    case RSM_KIND_CHANGE_CANCEL:
    case RSM_KIND_CHANGE_APPLY:
    case RSM_KIND_FACTOR_ENROLL:
    case RSM_KIND_FACTOR_REVOKE:
    case RSM_KIND_OVERRIDE_STEP:
    case RSM_KIND_OVERRIDE_RECORD:
    case RSM_KIND_CLUSTER_RECOVER:
        break;
    }
    return nothing;
}

bool slot_matches(struct dump *d, const struct slot_parts *parts, struct bytes zone,
                  struct bytes author)
{
    struct command command;

    if (author.size > 0 && !bytes_equal(parts->author, author))
        return false;
    if (zone.size == 0)
        return true;
    if (!parts->has_envelope)
        return false;
    struct envelope_walk walk = envelope_commands(&parts->envelope);
    while (envelope_next(&walk, &command)) {
        if (bytes_equal(slot_command_zone(d, &command), zone))
            return true;
    }
    return false;
}

static json_t *change_json(struct body_change *change)
{
    char type[RR_TYPE_TEXT_MAX];
    json_t *rdatas = json_array();
    struct bytes rdata;

    while (body_next_octets(&change->rdatas, &rdata))
        json_array_append_new(rdatas, shown_rdata(change->type, rdata));
    return json_pack("{s:o,s:s,s:I,s:o}", "owner", shown_name(change->owner), "type",
                     rr_type_to_text(change->type, type), "ttl", (json_int_t)change->ttl, "rdatas",
                     rdatas);
}

static json_t *changes_json(struct body_walk walk)
{
    json_t *list = json_array();
    struct body_change change;

    while (body_next_change(&walk, &change))
        json_array_append_new(list, change_json(&change));
    return list;
}

static const char *class_text(uint16_t record_class)
{
    return record_class == RSM_CLASS_ANY ? "ANY" : record_class == RSM_CLASS_NONE ? "NONE" : "IN";
}

static json_t *records_json(struct body_walk walk)
{
    json_t *list = json_array();
    struct body_record record;

    while (body_next_record(&walk, &record)) {
        char type[RR_TYPE_TEXT_MAX];
        json_t *item = json_pack("{s:o,s:s,s:s,s:I}", "owner", shown_name(record.owner), "class",
                                 class_text(record.record_class), "type",
                                 rr_type_to_text(record.type, type), "ttl", (json_int_t)record.ttl);
        if (record.rdata.size > 0)
            json_object_set_new(item, "rdata", shown_rdata(record.type, record.rdata));
        json_array_append_new(list, item);
    }
    return list;
}

/* Changes as text; other bodies as the array that they are. */
static json_t *body_json(const struct command *c)
{
    struct body_zone zone;
    struct body_plan plan;
    struct body_update update;

    if ((c->kind == RSM_KIND_ZONE_CREATE || c->kind == RSM_KIND_RRSET_CHANGE) &&
        body_zone_decode(c->kind, c->body, &zone) == RSM_OK)
        return json_pack("{s:o,s:o}", "zone", shown_name(zone.zone), "changes",
                         changes_json(zone.changes));
    if (c->kind == RSM_KIND_PLAN_PUBLISH && body_plan_decode(c->kind, c->body, &plan) == RSM_OK)
        return json_pack("{s:o,s:I,s:I,s:o,s:b,s:o}", "plan", shown_text(plan.plan), "generation",
                         (json_int_t)plan.generation, "parent", (json_int_t)plan.parent, "zone",
                         shown_name(plan.zone), "complete", plan.complete, "content",
                         changes_json(plan.content));
    if (c->kind == RSM_KIND_RRSET_UPDATE && body_update_decode(c->body, &update) == RSM_OK)
        return json_pack("{s:o,s:o,s:o,s:o}", "principal", shown_text(update.principal), "zone",
                         shown_name(update.zone), "prerequisites",
                         records_json(update.prerequisites), "updates",
                         records_json(update.updates));
    return shown_value(c->body);
}

static json_t *events_json(struct command_event_walk walk)
{
    json_t *list = json_array();
    struct command_event event;

    while (command_event_next(&walk, &event))
        json_array_append_new(
            list, json_pack("[o,I]", shown_text(event.author), (json_int_t)event.counter));
    return list;
}

static json_t *command_json(const struct envelope *e, const struct command *c)
{
    uint8_t digest[HASH_SIZE];

    command_digest(c->raw, e->key, digest);
    return json_pack("{s:o,s:I,s:I,s:s,s:o,s:o,s:o,s:o,s:o}", "author", shown_text(c->author),
                     "counter", (json_int_t)c->counter, "lamport", (json_int_t)c->lamport, "kind",
                     rsm_kind_text(c->kind), "reason", shown_text(c->reason), "clock",
                     events_json(command_clock(c)), "dependencies",
                     events_json(command_dependencies(c)), "digest",
                     shown_hex(bytes_make(digest, HASH_SIZE)), "body", body_json(c));
}

static json_t *reason_json(uint32_t rule, struct bytes evidence)
{
    return json_pack("{s:s,s:o}", "rule", rsm_rule_id(rule), "evidence", shown_text(evidence));
}

static json_t *services_json(struct bytes services)
{
    json_t *list = json_array();
    struct bytes name;
    while (stage_service_next(&services, &name))
        json_array_append_new(list, shown_text(name));
    return list;
}

/* [{"stage": "causal", "outcome": "pass", "figures": {...}}...]; affected services with "impact" */
static json_t *stages_json(struct bytes record)
{
    json_t *list = json_array();
    struct bytes services = stages_services(record);
    struct stage_row row;

    while (stage_next(&record, &row)) {
        json_t *figures = json_object();
        uint32_t key = 0;
        uint64_t value = 0;
        while (stage_figure_next(&row.figures, &key, &value))
            json_object_set_new(figures, stage_figure_id(key), json_integer((json_int_t)value));
        json_t *item = json_pack("{s:s,s:s,s:o}", "stage", rsm_stage_id(row.stage), "outcome",
                                 stage_outcome_text(row.outcome), "figures", figures);
        if (row.stage == RSM_STAGE_IMPACT && services.size > 0)
            json_object_set_new(item, "services", services_json(services));
        if (row.outcome == STAGE_SKIPPED)
            json_object_set_new(item, "why", json_string(stage_why_text(row.why)));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *verdict_json(const struct verdict *v)
{
    json_t *out = json_pack("{s:o,s:I,s:s}", "author", shown_text(v->author), "counter",
                            (json_int_t)v->counter, "verdict", verdict_kind_text(v->kind));
    json_t *rules = json_array();
    struct reader reader = reader_make(v->reasons);
    struct bytes evidence;
    uint32_t rule = 0;

    while (v->kind == VERDICT_REFUSED && verdict_reason_next(&reader, &rule, &evidence))
        json_array_append_new(rules, reason_json(rule, evidence));
    json_object_set_new(out, "rules", rules);
    json_object_set_new(out, "stages", stages_json(v->stages));
    if (verdict_is_duplicate(v))
        json_object_set_new(out, "first_slot", json_integer((json_int_t)v->first_slot));
    if (v->kind != VERDICT_REFUSED && v->result.size > 0)
        json_object_set_new(out, "result", shown_value(v->result));
    return out;
}

static json_t *rejected_json(struct rejection rejection)
{
    json_t *list = json_array();
    struct rejection_item item;

    while (rejection_next(&rejection, &item)) {
        json_t *rules = json_array();
        struct bytes evidence;
        uint32_t rule = 0;
        while (rejection_reason_next(&item, &rule, &evidence))
            json_array_append_new(rules, reason_json(rule, evidence));
        json_array_append_new(
            list, json_pack("{s:I,s:o,s:o}", "counter", (json_int_t)item.counter, "digest",
                            shown_hex(bytes_make(item.digest, HASH_SIZE)), "rules", rules));
    }
    return list;
}

static void add_envelope(json_t *out, const struct envelope *e)
{
    json_t *commands = json_array();
    struct envelope_walk walk = envelope_commands(e);
    struct command command;

    while (envelope_next(&walk, &command))
        json_array_append_new(commands, command_json(e, &command));
    json_object_set_new(out, "form",
                        json_string(e->form == ENVELOPE_COMMAND ? "command" : "bundle"));
    json_object_set_new(out, "key", shown_hex(bytes_make(e->key, ENVELOPE_KEY_SIZE)));
    json_object_set_new(out, "signature",
                        shown_hex(bytes_make(e->signature, ENVELOPE_SIGNATURE_SIZE)));
    json_object_set_new(out, "commands", commands);
}

static void add_verdicts(json_t *out, const struct log_verdict *row)
{
    char time[SHOWN_TIME_SIZE];
    json_t *list = json_array();
    struct verdict_walk walk = verdict_walk(row->verdicts);
    struct verdict verdict;

    while (verdict_next(&walk, &verdict))
        json_array_append_new(list, verdict_json(&verdict));
    json_object_set_new(out, "log_time", json_string(shown_time(row->log_time_ms, time)));
    json_object_set_new(out, "verdicts", list);
    json_object_set_new(out, "effects", shown_hex(bytes_make(row->effects, HASH_SIZE)));
    json_object_set_new(out, "entry_head", shown_hex(bytes_make(row->entry_head, HASH_SIZE)));
    json_object_set_new(out, "verdict_head", shown_hex(bytes_make(row->verdict_head, HASH_SIZE)));
}

json_t *slot_json(struct dump *d, const struct slot_view *view)
{
    struct slot_parts parts;
    char time[SHOWN_TIME_SIZE];

    (void)d;
    slot_take_apart(view, &parts);
    json_t *out =
        json_pack("{s:I,s:s,s:b,s:I}", "slot", (json_int_t)view->slot, "kind", slot_kind(&parts),
                  "in_store", view->in_store, "bytes", (json_int_t)view->value.size);
    if (parts.entry.kind != ENTRY_NOOP)
        json_object_set_new(out, "time", json_string(shown_time(parts.entry.timestamp_ms, time)));
    if (parts.status != RSM_OK)
        json_object_set_new(out, "unreadable", json_string(rsm_status_text(parts.status)));
    if (parts.author.size > 0)
        json_object_set_new(out, "author", shown_text(parts.author));
    if (parts.has_rejection)
        json_object_set_new(out, "refused", rejected_json(parts.rejection));
    if (parts.has_envelope)
        add_envelope(out, &parts.envelope);
    if (view->has_verdicts)
        add_verdicts(out, &view->verdicts);
    return out;
}
