/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.c - see lines.h. */
#include "tools/rsm-dump/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsm/wire.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/body.h"
#include "src/machine/logtable.h"
#include "src/machine/members.h"
#include "src/machine/query.h"
#include "src/read/read.h"
#include "src/rr/data.h"
#include "tools/rsm-dump/shown.h"

enum order {
    ORDER_MEMBERS = 1,
    ORDER_PRINCIPAL,
    ORDER_ROLE,
    ORDER_POLICY,
    ORDER_FREEZE,
    ORDER_LEASE,
    ORDER_PLAN,
    ORDER_GENERATION,
    ORDER_SERVICE,
    ORDER_FACTOR,
    ORDER_CHANGE,
    ORDER_ZONE,
    ORDER_RRSET,
};

static const char *const kinds[] = {"",       "members", "principal", "role",       "policy",
                                    "freeze", "lease",   "plan",      "generation", "service",
                                    "factor", "change",  "zone",      "rrset"};

/* Takes a name and a JSON value (both stolen). */
static void add(struct lines *lines, enum order order, json_t *name, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity == 0 ? 64 : lines->capacity * 2;
        lines->items = mem_realloc(lines->items, lines->capacity * sizeof(*lines->items));
    }
    lines->items[lines->count++] =
        (struct line){kinds[order], (unsigned)order, mem_copy_string(shown_of(name)),
                      mem_copy_string(text != NULL ? text : "null")};
    free(text);
    json_decref(name);
    json_decref(value);
}

static json_t *principal_json(const struct principal_record *p)
{
    json_t *keys = json_array();
    json_t *roles = json_array();
    json_t *budget = json_array();
    struct bytes left = p->roles;
    struct bytes role;

    for (uint32_t i = 0; i < p->key_count; i++)
        json_array_append_new(keys, shown_hex(bytes_make(p->keys + i * 32u, 32)));
    for (uint32_t i = 0; i < p->role_count && role_next(&left, &role); i++)
        json_array_append_new(roles, shown_text(role));
    for (size_t i = 0; i < RSM_BUDGETS; i++)
        json_array_append_new(budget, json_pack("[I,I]", (json_int_t)p->budget[i].burst,
                                                (json_int_t)p->budget[i].per_hour));
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "kind", body_principal_kind_text(p->kind),
                     "person", shown_text(p->person), "az", shown_text(p->az), "keys", keys,
                     "roles", roles, "budget", budget);
}

static json_t *freeze_json(const struct freeze_record *f)
{
    return json_pack("{s:s,s:o,s:b,s:I,s:o,s:o}", "scope", body_freeze_scope_text(f->scope),
                     "subject",
                     f->scope == RSM_FREEZE_ZONE ? shown_name(f->subject) : shown_text(f->subject),
                     "everybody", f->everybody, "until_ms", (json_int_t)f->until_ms, "author",
                     shown_text(f->author), "reason", shown_text(f->reason));
}

static json_t *lease_json(const struct lease_record *l)
{
    return json_pack("{s:o,s:I,s:I,s:b}", "holder", shown_text(l->holder), "token",
                     (json_int_t)l->token, "expires_ms", (json_int_t)l->expires_ms, "released",
                     l->released);
}

static json_t *plan_json(const struct plan_record *p)
{
    return json_pack("{s:o,s:o,s:I,s:I,s:I}", "zone", shown_name(p->zone), "planner",
                     shown_text(p->planner), "newest", (json_int_t)p->newest, "executed",
                     (json_int_t)p->executed, "collected_below", (json_int_t)p->collected_below);
}

/* One of the lists whose rows have a name: which, and how a row becomes a value. */
struct list {
    enum order order;
    enum rsm_status (*next)(struct kv *kv, struct query_list *q);
};

static json_t *item_json(enum order order, const struct query_list *q)
{
    switch (order) {
    case ORDER_PRINCIPAL:
        return principal_json(&q->principal);
    case ORDER_ROLE:
        return shown_value(q->grants);
    case ORDER_FREEZE:
        return freeze_json(&q->freeze);
    case ORDER_LEASE:
        return lease_json(&q->lease);
    case ORDER_PLAN:
        return plan_json(&q->plan);
    case ORDER_MEMBERS:
    case ORDER_POLICY:
    case ORDER_GENERATION:
    case ORDER_SERVICE:
    case ORDER_FACTOR:
    case ORDER_CHANGE:
    case ORDER_ZONE:
    case ORDER_RRSET:
        break;
    }
    return json_null();
}

static enum rsm_status collect_generations(struct kv *kv, struct bytes plan, struct lines *out)
{
    struct query_generations q = {.plan = plan};
    enum rsm_status status = RSM_OK;

    while ((status = query_generation_next(kv, &q)) == RSM_OK) {
        json_t *name = shown_text(plan);
        json_t *full = json_sprintf("%s %020llu", shown_of(name), (unsigned long long)q.generation);
        json_decref(name);
        add(out, ORDER_GENERATION, full,
            json_pack("{s:I,s:I,s:b,s:b,s:b,s:o}", "parent", (json_int_t)q.record.parent, "slot",
                      (json_int_t)q.record.slot, "complete", q.record.complete, "live", q.live,
                      "collected", q.record.status == GENERATION_COLLECTED, "hash",
                      shown_hex(bytes_make(q.record.hash, HASH_SIZE))));
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static enum rsm_status collect_lists(struct kv *kv, struct lines *out)
{
    static const struct list lists[] = {{ORDER_PRINCIPAL, query_principal_next},
                                        {ORDER_ROLE, query_role_next},
                                        {ORDER_FREEZE, query_freeze_next},
                                        {ORDER_LEASE, query_lease_next},
                                        {ORDER_PLAN, query_plan_next}};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct query_list q = {0};
        enum rsm_status status = RSM_OK;
        while ((status = lists[i].next(kv, &q)) == RSM_OK) {
            add(out, lists[i].order, shown_text(q.name), item_json(lists[i].order, &q));
            if (lists[i].order == ORDER_PLAN)
                status = collect_generations(kv, key_bytes(&q.place), out);
            if (status != RSM_OK)
                return status;
        }
        if (status != RSM_NOT_FOUND)
            return status;
    }
    return RSM_OK;
}

static enum rsm_status collect_policy(struct kv *kv, struct lines *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_POLICY, bytes_of_string("policy"), &value);

    if (status == RSM_OK)
        add(out, ORDER_POLICY, json_string("policy"), shown_value(value));
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static json_t *member_json(const struct member *m)
{
    return json_pack("{s:I,s:s,s:s,s:o,s:s,s:s,s:I}", "replica", (json_int_t)m->id, "role",
                     m->voter ? "voter" : "learner", "zone", m->zone, "key",
                     shown_hex(bytes_make(m->key, sizeof m->key)), "peer_address", m->peer_address,
                     "client_address", m->client_address, "incarnation",
                     (json_int_t)m->incarnation);
}

/* All configurations that there were, by version. */
static enum rsm_status collect_members(struct kv *kv, struct lines *out)
{
    struct member_config config = {.version = UINT64_MAX};
    enum rsm_status status = RSM_OK;

    while ((status = members_below(kv, config.version, &config)) == RSM_OK) {
        json_t *members = json_array();
        for (uint32_t i = 0; i < config.count; i++)
            json_array_append_new(members, member_json(&config.members[i]));
        add(out, ORDER_MEMBERS, json_sprintf("%010llu", (unsigned long long)config.version),
            json_pack("{s:I,s:o}", "effective_slot", (json_int_t)config.effective_slot, "members",
                      members));
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* A list as resilience-ctl shows it: what a replica would have answered in this state. */
struct shown_list {
    enum order order;
    const char *method, *key;
    const char *names[2]; /* fields that are its items' name; the second one may be NULL */
};

static json_t *item_name(const struct shown_list *list, struct rsm_value item)
{
    char text[2][LIMIT_KEY_SIZE + 1] = {"", ""};

    for (size_t i = 0; i < 2 && list->names[i] != NULL; i++) {
        struct rsm_value field = rsm_value_get(item, list->names[i]);
        json_t *shown = shown_value(bytes_make(field.raw.data, field.raw.size));
        (void)snprintf(text[i], sizeof text[i], "%s", shown_of(shown));
        json_decref(shown);
    }
    return json_sprintf("%s%s%s", text[0], list->names[1] != NULL ? " " : "", text[1]);
}

/* One page of it, behind `after`: *next_out borrows from `answer`, and is empty at the end. */
static enum rsm_status collect_page(struct kv *kv, const struct shown_list *list,
                                    struct rsm_bytes after, struct writer *answer,
                                    struct lines *out, struct rsm_bytes *next_out)
{
    const struct method *method = read_find(bytes_of_string(list->method));
    struct call call = {.kv = kv, .at = QUERY_NOW};
    struct rsm_pack *params = rsm_pack_new();
    struct rsm_value item;

    rsm_pack_array(params, 1);
    rsm_pack_map(params, after.size > 0 ? 1 : 0);
    if (after.size > 0) {
        rsm_pack_text(params, "after");
        rsm_pack_bin(params, after);
    }
    struct rsm_bytes packed = rsm_pack_result(params);
    writer_reset(answer);
    enum rsm_status status = log_get_applied(kv, &call.applied);
    if (status == RSM_OK)
        status = call_take_params(&call, bytes_make(packed.data, packed.size), method);
    if (status == RSM_OK)
        status = method->run(&call, answer);
    if (status == RSM_OK && answer->failed)
        status = RSM_TOO_LARGE;
    rsm_pack_free(params);
    struct rsm_value page =
        rsm_value_of(rsm_bytes_make(answer->data, status == RSM_OK ? answer->size : 0));
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(page, list->key));
    while (status == RSM_OK && rsm_walk_next(&walk, &item))
        add(out, list->order, item_name(list, item),
            shown_value(bytes_make(item.raw.data, item.raw.size)));
    *next_out = rsm_value_octets(rsm_value_get(page, "next"));
    return status;
}

static enum rsm_status collect_shown(struct kv *kv, const struct shown_list *list,
                                     struct lines *out)
{
    struct rsm_bytes next = {NULL, 0};
    uint8_t after[LIMIT_KEY_SIZE];
    enum rsm_status status = RSM_OK;
    struct writer answer;

    writer_init(&answer, LIMIT_ANSWER_SIZE);
    do {
        if (next.size > 0)
            memcpy(after, next.data, next.size);
        status = collect_page(kv, list, rsm_bytes_make(after, next.size), &answer, out, &next);
    } while (status == RSM_OK && next.size > 0 && next.size <= sizeof after);
    writer_deinit(&answer);
    return status;
}

static enum rsm_status collect_shown_lists(struct kv *kv, struct lines *out)
{
    static const struct shown_list lists[] = {
        {ORDER_SERVICE, "service.list", "services", {"name", NULL}},
        {ORDER_FACTOR, "factor.list", "factors", {"principal", "id"}},
        {ORDER_CHANGE, "change.list", "changes", {"digest", NULL}}};
    enum rsm_status status = RSM_OK;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && status == RSM_OK; i++)
        status = collect_shown(kv, &lists[i], out);
    return status;
}

static json_t *rrset_json(const struct query_rrset *item)
{
    json_t *rdatas = json_array();
    struct bytes left = item->record.rdatas;
    struct bytes rdata;

    for (uint32_t i = 0; i < item->record.rdata_count && rrset_rdata_next(&left, &rdata); i++)
        json_array_append_new(rdatas, shown_rdata(item->type, rdata));
    return json_pack(
        "{s:I,s:o,s:I,s:o,s:I,s:o}", "ttl", (json_int_t)item->record.ttl, "rdatas", rdatas, "slot",
        (json_int_t)item->slot, "author", shown_text(item->record.version.author), "counter",
        (json_int_t)item->record.version.counter, "held_by", shown_text(item->record.holder));
}

static enum rsm_status collect_rrsets(struct kv *kv, struct bytes zone, struct lines *out)
{
    struct query_rrsets q = {.zone = zone, .slot = QUERY_NOW};
    enum rsm_status status = RSM_OK;

    while ((status = query_rrset_next(kv, &q)) == RSM_OK) {
        char type[RR_TYPE_TEXT_MAX];
        json_t *zone_name = shown_name(zone);
        json_t *owner = shown_name(q.item.owner);
        json_t *name = json_sprintf("%s %s %s", shown_of(zone_name), shown_of(owner),
                                    rr_type_to_text(q.item.type, type));
        add(out, ORDER_RRSET, name, rrset_json(&q.item));
        json_decref(zone_name);
        json_decref(owner);
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static enum rsm_status collect_zones(struct kv *kv, struct bytes zone, struct lines *out)
{
    struct query_zones q = {.slot = QUERY_NOW};
    enum rsm_status status = RSM_OK;

    while ((status = query_zone_next(kv, &q)) == RSM_OK) {
        if (zone.size > 0 && !bytes_equal(q.zone, zone))
            continue;
        add(out, ORDER_ZONE, shown_name(q.zone),
            json_pack("{s:I,s:I,s:I,s:I,s:o}", "serial", (json_int_t)q.record.serial, "rrsets",
                      (json_int_t)q.record.rrset_count, "records",
                      (json_int_t)q.record.record_count, "created_slot",
                      (json_int_t)q.record.created_slot, "labels", shown_value(q.record.labels)));
        status = collect_rrsets(kv, key_bytes(&q.place), out);
        if (status != RSM_OK)
            return status;
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

int lines_compare(const struct line *a, const struct line *b)
{
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int compare_items(const void *a, const void *b)
{
    return lines_compare(a, b);
}

enum rsm_status lines_collect(struct kv *kv, struct bytes zone, struct lines *out)
{
    enum rsm_status status = RSM_OK;

    *out = (struct lines){0};
    if (zone.size == 0)
        status = collect_members(kv, out);
    if (status == RSM_OK && zone.size == 0)
        status = collect_lists(kv, out);
    if (status == RSM_OK && zone.size == 0)
        status = collect_shown_lists(kv, out);
    if (status == RSM_OK && zone.size == 0)
        status = collect_policy(kv, out);
    if (status == RSM_OK)
        status = collect_zones(kv, zone, out);
    if (out->count > 0)
        qsort(out->items, out->count, sizeof(*out->items), compare_items);
    return status;
}

void lines_deinit(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        mem_free(lines->items[i].name);
        mem_free(lines->items[i].value);
    }
    mem_free(lines->items);
    *lines = (struct lines){0};
}

json_t *lines_json(const struct line *line)
{
    json_error_t error;

    return json_pack("{s:s,s:s,s:o}", "object", line->kind, "name", line->name, "value",
                     json_loads(line->value, JSON_DECODE_ANY, &error));
}
