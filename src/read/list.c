/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.c - reads of what is not DNS: principals, roles, policy, freezes, leases, plans. */
#include <stdio.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/body.h"
#include "src/machine/policy.h"
#include "src/read/read.h"
#include "src/read/render.h"
#include "src/rr/name.h"

typedef enum rsm_status list_next(struct kv *kv, struct query_list *q);
typedef void list_pack(struct call *call, struct writer *out, const struct query_list *q);

/* One kind of list; `object` 0: its items have no version of their own. */
struct list_kind {
    const char *name;
    list_next *next;
    list_pack *pack;
    uint32_t fields;
    enum object_kind object;
};

/* The name, who wrote it last (what the next writer must have seen), and the kind's own fields. */
static void pack_item(struct call *call, struct writer *out, const struct list_kind *kind,
                      const struct query_list *q)
{
    struct version version = {.counter = 0};
    uint8_t name[LIMIT_KEY_SIZE];
    struct bytes copy = bytes_make(name, q->name.size);
    memcpy(name, q->name.data, q->name.size);
    pack_map(out, kind->fields + 2);
    pack_key(out, "name");
    pack_str(out, q->name);
    kind->pack(call, out, q);
    query_object(call->kv, kind->object, copy, &version);
    pack_key(out, "version");
    pack_version(out, &version);
}

/* A whole table: these are small, `after` and `limit` are there all the same. */
static enum rsm_status list(struct call *call, struct writer *out, const struct list_kind *kind)
{
    struct query_list *q = mem_alloc(sizeof *q);
    struct writer items;
    uint32_t count = 0;
    uint64_t limit = option_limit(call);
    struct bytes after;
    enum rsm_status status = RSM_OK;
    uint8_t last[LIMIT_KEY_SIZE];
    size_t last_size = 0;
    bool full = false;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    if (call->options.size > 0 && unpack_find_octets(call->options, "after", &after) &&
        after.size <= LIMIT_LABEL_SIZE) {
        q->place.size = after.size;
        memcpy(q->place.data, after.data, after.size);
    }
    while (!full && (status = kind->next(call->kv, q)) == RSM_OK) {
        full = count == limit || items.size >= PAGE_BYTES;
        if (full)
            break;
        pack_item(call, &items, kind, q);
        count++;
        last_size = q->name.size;
        memcpy(last, q->name.data, last_size);
    }
    mem_free(q);
    result_begin(call, out, 2);
    pack_key(out, kind->name);
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    pack_key(out, "next");
    if (full)
        pack_bin(out, bytes_make(last, last_size));
    else
        pack_nil(out);
    out->failed |= items.failed;
    writer_deinit(&items);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static void pack_principal(struct call *call, struct writer *out, const struct query_list *q)
{
    (void)call;
    const struct principal_record *p = &q->principal;
    struct bytes roles = p->roles;
    struct bytes role;
    pack_key(out, "kind");
    pack_text(out, body_principal_kind_text(p->kind));
    pack_key(out, "person");
    pack_str(out, p->person);
    pack_key(out, "az");
    pack_str(out, p->az);
    pack_key(out, "keys");
    pack_array(out, p->key_count);
    for (uint32_t i = 0; i < p->key_count; i++)
        pack_bin(out, bytes_make(p->keys + 32u * i, 32));
    pack_key(out, "roles");
    pack_array(out, p->role_count);
    while (role_next(&roles, &role))
        pack_str(out, role);
    pack_key(out, "budget");
    pack_array(out, RSM_BUDGETS);
    for (size_t i = 0; i < RSM_BUDGETS; i++) {
        pack_array(out, 2);
        pack_uint(out, p->budget[i].burst);
        pack_uint(out, p->budget[i].per_hour);
    }
}

static void pack_role(struct call *call, struct writer *out, const struct query_list *q)
{
    (void)call;
    pack_key(out, "grants");
    pack_raw(out, q->grants);
}

static void pack_service(struct call *call, struct writer *out, const struct query_list *q)
{
    (void)call;
    char text[NAME_TEXT_MAX];
    struct body_walk names = q->service.names, needs = q->service.needs;
    struct body_service_name name;
    struct body_service_need need;
    pack_key(out, "owner");
    pack_str(out, q->service.owner);
    pack_key(out, "tier");
    pack_str(out, q->service.tier);
    pack_key(out, "names");
    pack_array(out, names.left);
    while (body_next_service_name(&names, &name)) {
        char shown[NAME_TEXT_MAX + 16];
        (void)snprintf(shown, sizeof shown, "%s%s", name_to_text(name.name, text),
                       name.below ? " and below" : "");
        pack_text(out, shown);
    }
    pack_key(out, "needs");
    pack_array(out, needs.left);
    while (body_next_service_need(&needs, &need)) {
        if (need.name.size > 0)
            pack_text(out, name_to_text(need.name, text));
        else
            pack_str(out, need.service);
    }
}

static void pack_lease(struct call *call, struct writer *out, const struct query_list *q)
{
    (void)call;
    const struct lease_record *l = &q->lease;
    pack_key(out, "holder");
    pack_str(out, l->holder);
    pack_number(out, "token", l->token);
    pack_number(out, "expires_ms", l->expires_ms);
    pack_number(out, "ttl_ms", l->ttl_ms);
    pack_key(out, "released");
    pack_bool(out, l->released);
}

static void pack_plan(struct call *call, struct writer *out, const struct query_list *q)
{
    (void)call;
    const struct plan_record *p = &q->plan;
    pack_key(out, "zone_wire");
    pack_bin(out, p->zone);
    pack_key(out, "planner");
    pack_str(out, p->planner);
    pack_number(out, "newest", p->newest);
    pack_number(out, "executed", p->executed);
    pack_number(out, "collected_below", p->collected_below);
}

enum rsm_status read_principal_list(struct call *call, struct writer *out)
{
    static const struct list_kind kind = {"principals", query_principal_next, pack_principal, 6,
                                          OBJECT_PRINCIPAL};
    return list(call, out, &kind);
}

enum rsm_status read_role_list(struct call *call, struct writer *out)
{
    static const struct list_kind kind = {"roles", query_role_next, pack_role, 1, OBJECT_ROLE};
    return list(call, out, &kind);
}

enum rsm_status read_service_list(struct call *call, struct writer *out)
{
    static const struct list_kind kind = {"services", query_service_next, pack_service, 4,
                                          OBJECT_SERVICE};
    return list(call, out, &kind);
}

enum rsm_status read_freeze_list(struct call *call, struct writer *out)
{
    static const struct list_kind kind = {"freezes", query_freeze_next, pack_freeze, FREEZE_FIELDS,
                                          OBJECT_FREEZE};
    return list(call, out, &kind);
}

enum rsm_status read_lease_list(struct call *call, struct writer *out)
{
    static const struct list_kind kind = {"leases", query_lease_next, pack_lease, 5, OBJECT_LEASE};
    return list(call, out, &kind);
}

enum rsm_status read_plan_list(struct call *call, struct writer *out)
{
    static const struct list_kind kind = {"plans", query_plan_next, pack_plan, 5, OBJECT_PLAN};
    return list(call, out, &kind);
}

enum rsm_status read_policy_get(struct call *call, struct writer *out)
{
    struct kv *kv = call->kv;
    struct version version = {.counter = 0};
    query_object(kv, OBJECT_POLICY, (struct bytes){NULL, 0}, &version);
    result_begin(call, out, 2);
    pack_key(out, "version");
    pack_version(out, &version);
    pack_key(out, "policy");
    return policy_encode(kv, out);
}

/* -------------------------------------------------------------------------------------------- */
/* Plans. */

static const char *status_text(enum generation_status status)
{
    switch (status) {
    case GENERATION_PUBLISHED:
        return "published";
    case GENERATION_SUPERSEDED:
        return "superseded";
    case GENERATION_COLLECTED:
        return "collected";
    }
    return "unknown";
}

static void pack_generation(struct writer *out, const struct query_generations *q, bool content)
{
    const struct generation_record *g = &q->record;
    pack_map(out, content ? 12 : 10);
    pack_number(out, "generation", q->generation);
    pack_number(out, "parent", g->parent);
    pack_key(out, "status");
    pack_text(out, status_text(g->status));
    pack_key(out, "live");
    pack_bool(out, q->live);
    pack_key(out, "complete");
    pack_bool(out, g->complete);
    pack_key(out, "planner");
    pack_str(out, g->planner);
    pack_number(out, "counter", g->counter);
    pack_number(out, "slot", g->slot);
    pack_number(out, "executed_slot", g->executed_slot);
    pack_key(out, "hash");
    pack_hash(out, g->hash);
    if (!content)
        return;
    pack_key(out, "scope");
    pack_raw(out, g->scope);
    pack_key(out, "content");
    pack_raw(out, g->content);
}

/* plan.get PLAN [GENERATION]: with a generation its scope and content as well. */
enum rsm_status read_plan_get(struct call *call, struct writer *out)
{
    struct kv *kv = call->kv;
    struct plan_record plan;
    struct bytes name;
    uint64_t only = 0;
    enum rsm_status status = param_text(call, "the plan", &name);
    if (status == RSM_OK && (name.size == 0 || name.size > LIMIT_LABEL_SIZE))
        status = call_fail(call, RSM_BAD_PARAMS, "no plan has such a name");
    if (status == RSM_OK && call->param_count == 2)
        status = param_uint(call, "the generation", &only);
    if (status == RSM_OK)
        status = plan_load(kv, name, &plan);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "there is no such plan");
    if (status != RSM_OK)
        return status;
    struct version version = {.counter = 0};
    struct writer items;
    uint32_t count = 0;
    struct query_generations q = {.plan = name, .generation = only > 0 ? only - 1 : 0};
    result_begin(call, out, 6);
    pack_key(out, "plan");
    pack_str(out, name);
    pack_key(out, "zone_wire");
    pack_bin(out, plan.zone);
    pack_number(out, "newest", plan.newest);
    pack_number(out, "executed", plan.executed);
    query_object(kv, OBJECT_PLAN, name, &version);
    pack_key(out, "version");
    pack_version(out, &version);
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while (count < PAGE_ITEMS_MAX && (status = query_generation_next(kv, &q)) == RSM_OK) {
        if (only > 0 && q.generation != only)
            break;
        pack_generation(&items, &q, only > 0);
        count++;
    }
    pack_key(out, "generations");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    out->failed |= items.failed;
    writer_deinit(&items);
    if (only > 0 && count == 0)
        return call_fail(call, RSM_NOT_FOUND, "the plan has no such generation");
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}
