/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.c - plans of automata: publish (a planner signs content), execute (an enactor does not). */
#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "tools/resilience-ctl/changes.h"

/* What a change to record sets would write over is looked at first, and so seen. */
static enum rsm_status see_targets(struct ctl *ctl, struct rsm_value plan, uint64_t generation,
                                   const struct rsm_rrset_id *scope, size_t scope_count)
{
    struct rsm_bytes zone = rsm_value_octets(rsm_value_get(plan, "zone_wire"));
    struct rsm_walk walk = rsm_walk_begin(rsm_value_get(plan, "generations"));
    enum rsm_status status = RSM_OK;
    struct rsm_value item, id;
    for (size_t i = 0; i < scope_count && status == RSM_OK; i++)
        status = ctl_see_rrset(ctl, bytes_make(zone.data, zone.size),
                               bytes_make(scope[i].owner.data, scope[i].owner.size), scope[i].type);
    while (scope_count == 0 && status == RSM_OK && rsm_walk_next(&walk, &item)) {
        if (rsm_value_uint(rsm_value_get(item, "generation")) != generation)
            continue;
        struct rsm_walk ids = rsm_walk_begin(rsm_value_get(item, "scope"));
        while (status == RSM_OK && rsm_walk_next(&ids, &id)) {
            struct rsm_bytes owner = rsm_value_octets(rsm_value_at(id, 0));
            status = ctl_see_rrset(ctl, bytes_make(zone.data, zone.size),
                                   bytes_make(owner.data, owner.size),
                                   (uint16_t)rsm_value_uint(rsm_value_at(id, 1)));
        }
    }
    return status;
}

/*
 * The plan's last writer is seen: what is published is based on what is there now. With a
 * generation also the record sets that it would be executed on.
 */
static enum rsm_status see_plan(struct ctl *ctl, const char *plan, uint64_t generation,
                                const struct rsm_rrset_id *scope, size_t scope_count)
{
    struct rsm_buffer result;
    enum rsm_status status = ctl_sign_in(ctl);
    if (status != RSM_OK)
        return status;
    struct rsm_pack *params = rsm_pack_new();
    rsm_pack_array(params, generation > 0 ? 2 : 1);
    rsm_pack_text(params, plan);
    if (generation > 0)
        rsm_pack_uint(params, generation);
    status = ctl_call(ctl, "plan.get", params, &result);
    rsm_pack_free(params);
    if (status == RSM_OK)
        status = rsm_author_see_result(ctl->signer, rsm_value_of(rsm_buffer_bytes(&result)));
    if (status == RSM_OK && generation > 0)
        status = see_targets(ctl, rsm_value_of(rsm_buffer_bytes(&result)), generation, scope,
                             scope_count);
    rsm_buffer_free(&result);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static int publish(struct ctl *ctl, struct rsm_plan *plan, const struct zonefile *file)
{
    struct change_list list = {0};
    struct rsm_buffer body = {NULL, 0};
    struct rsm_rrset_id *scope = mem_alloc((file->rrset_count + 1) * sizeof *scope);
    for (size_t i = 0; i < file->rrset_count; i++) {
        const struct zonefile_rrset *set = &file->rrsets[i];
        scope[i] = (struct rsm_rrset_id){ctl_bytes(set->owner), set->type};
        change_list_add(&list, set->owner, set->type, set->ttl, set->rdatas, set->count);
    }
    plan->scope = scope;
    plan->scope_count = file->rrset_count;
    plan->content = list.changes;
    plan->content_count = list.count;
    int result = ctl_change(ctl, RSM_KIND_PLAN_PUBLISH, rsm_body_plan_publish(plan, &body), &body,
                            "published");
    change_list_free(&list);
    mem_free(scope);
    return result;
}

int ctl_plan_publish(struct ctl *ctl, int count, char **arguments)
{
    uint8_t buffer[NAME_SIZE_MAX];
    struct bytes zone;
    struct zonefile file;
    struct rsm_plan plan = {
        .name = rsm_text(arguments[0]), .parent = ctl->parent, .complete = !ctl->incomplete};
    (void)count;
    if (!ctl_parse_number(arguments[1], &plan.generation))
        return ctl_fail(RSM_USAGE, "\"%s\" is no generation", arguments[1]);
    if (!ctl_name(arguments[2], (struct bytes){NULL, 0}, buffer, &zone))
        return rsm_status_exit(RSM_USAGE);
    plan.zone = ctl_bytes(zone);
    enum rsm_status status = zonefile_load(arguments[3], zone, &file);
    if (status == RSM_OK)
        status = see_plan(ctl, arguments[0], 0, NULL, 0);
    int result = status == RSM_OK ? publish(ctl, &plan, &file) : rsm_status_exit(status);
    zonefile_free(&file);
    return result;
}

/* "db.cloud.example./A" */
bool ctl_parse_rrset_id(const char *text, uint8_t buffer[NAME_SIZE_MAX], struct rsm_rrset_id *out)
{
    char owner[NAME_TEXT_MAX];
    struct bytes name;
    const char *slash = strrchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof owner ||
        rr_type_from_text(slash + 1, &out->type) != RSM_OK) {
        ctl_fail(RSM_USAGE, "OWNER/TYPE is wanted, such as db.cloud.example./A, not \"%s\"", text);
        return false;
    }
    memcpy(owner, text, (size_t)(slash - text));
    owner[slash - text] = '\0';
    if (!ctl_name(owner, (struct bytes){NULL, 0}, buffer, &name))
        return false;
    out->owner = ctl_bytes(name);
    return true;
}

int ctl_plan_execute(struct ctl *ctl, int count, char **arguments)
{
    uint64_t generation;
    size_t scope_count = (size_t)count - 2;
    struct rsm_buffer body = {NULL, 0};
    if (!ctl_parse_number(arguments[1], &generation))
        return ctl_fail(RSM_USAGE, "\"%s\" is no generation", arguments[1]);
    if (ctl->lease == NULL)
        return ctl_fail(RSM_USAGE, "--lease and --token say by what right");
    struct rsm_rrset_id *scope = mem_alloc((scope_count + 1) * sizeof *scope);
    uint8_t(*names)[NAME_SIZE_MAX] = mem_alloc((scope_count + 1) * sizeof *names);
    int result = rsm_status_exit(RSM_USAGE);
    bool good = true;
    for (size_t i = 0; i < scope_count && good; i++)
        good = ctl_parse_rrset_id(arguments[2 + i], names[i], &scope[i]);
    enum rsm_status status =
        good ? see_plan(ctl, arguments[0], generation, scope, scope_count) : RSM_USAGE;
    if (status == RSM_OK) {
        status = rsm_body_plan_execute(rsm_text(arguments[0]), generation, scope, scope_count,
                                       rsm_text(ctl->lease), ctl->token, &body);
        result = ctl_change(ctl, RSM_KIND_PLAN_EXECUTE, status, &body, "executed");
    } else {
        result = rsm_status_exit(status);
    }
    mem_free(scope);
    mem_free(names);
    return result;
}

int ctl_plan_collect(struct ctl *ctl, int count, char **arguments)
{
    uint64_t below;
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    if (!ctl_parse_number(arguments[1], &below))
        return ctl_fail(RSM_USAGE, "\"%s\" is no generation", arguments[1]);
    enum rsm_status status = see_plan(ctl, arguments[0], 0, NULL, 0);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_plan_collect(rsm_text(arguments[0]), below, &body);
    return ctl_change(ctl, RSM_KIND_PLAN_COLLECT, status, &body, "collected");
}
