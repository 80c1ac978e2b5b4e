/* SPDX-License-Identifier: GPL-3.0-or-later */
/* impact.c - see impact.h; the figures are taken after the change was made in its overlay. */
#include "src/machine/impact.h"

#include <string.h>

#include "src/machine/judge.h"
#include "src/machine/names.h"
#include "src/machine/service.h"

uint64_t impact_of_type(uint16_t type, bool is_wildcard)
{
    if (type == RR_TYPE_NS || type == TYPE_DS || type == TYPE_DNSKEY || type == RR_TYPE_DNAME)
        return 25;
    if (is_wildcard)
        return 10;
    bool is_pointer = type == RR_TYPE_CNAME || type == TYPE_MX || type == TYPE_SRV ||
                      type == TYPE_SVCB || type == TYPE_HTTPS || type == RR_TYPE_SOA;
    return is_pointer ? 5 : 0;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

void impact_rate(struct impact *i)
{
    i->deletions = at_most(4 * i->deleted, 20);
    i->share = at_most(i->share_permille / 50, 20);
    i->depend = at_most(2 * i->dependants, 10);
    i->serve = i->is_critical ? 10 : i->services > 0 ? 5 : 0;
    i->size = 0;
    for (uint64_t left = i->record_sets; left > 1 && i->size < 10; left /= 2)
        i->size++;
    i->recovery = i->recovery_s > 86400 ? 5 : i->recovery_s > 3600 ? 3 : 0;
    i->risk = i->types + i->deletions + i->share + i->depend + i->serve + i->size + i->recovery;
}

/* ---- figures ---- */

/* How long a resolver keeps that a name is not there (RFC 2308 5). */
static uint64_t negative_ttl(struct judge *j, const struct change_context *c)
{
    struct rrset_record soa;
    struct bytes rdata;
    if (!judge_found(j, rrset_load(j->kv, c->row->id, c->zone, RR_TYPE_SOA, &soa)))
        return 0;
    struct bytes rdatas = soa.rdatas;
    if (!rrset_rdata_next(&rdatas, &rdata) || rdata.size < 22)
        return 0;
    uint32_t minimum = rr_soa_minimum(rdata);
    return minimum < soa.ttl ? minimum : soa.ttl;
}

static bool is_wildcard(struct bytes owner)
{
    return owner.size > 2 && owner.data[0] == 1 && owner.data[1] == '*';
}

/* ---- services ---- */

static bool has_services(struct judge *j)
{
    return judge_found(j, memo_has_rows(j->m->memo, j->kv, TABLE_SERVICE));
}

/* One that is affected; it comes into m->names, and its node into the reach. */
static void add_service(struct judge *j, struct bytes service)
{
    size_t index;
    uint32_t walk;
    struct key node;
    uint64_t id;
    if (name_set_count(j->m->names) >= IMPACT_NODES_MAX ||
        !name_set_add(j->m->names, service, 1, &index, &walk))
        return;
    key_node_service(&node, service);
    if (judge_found(j, graph_node(j->kv, key_bytes(&node), false, &id)))
        (void)graph_reach_add(j->m->reach, id);
}

static void add_services_of(struct judge *j, struct bytes name)
{
    struct service_walk walk = {.name = name};
    while (judge_found(j, service_next(j->kv, &walk)))
        add_service(j, walk.service);
}

static size_t wire_size(struct bytes key)
{
    size_t offset = 0;
    while (offset < key.size && key.data[offset] != 0)
        offset += 1u + key.data[offset];
    return offset < key.size ? offset + 1 : 0;
}

/* Those with a name in the zone. */
static void add_services_below(struct judge *j, struct bytes zone)
{
    struct key place = {.size = 0};
    struct bytes key, value;
    while (judge_found(j, kv_next(j->kv, TABLE_SERVICE_NAME, key_bytes(&place), place.size > 0,
                                  &key, &value)) &&
           key.size <= sizeof place.data) {
        size_t size = wire_size(key);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        if (size > 0 && name_is_at_or_below(bytes_make(place.data, size), zone))
            add_service(j, bytes_make(place.data + size, place.size - size));
    }
    add_services_of(j, zone);
}

/* And those that were reached; then what all of them are. */
static void count_services(struct judge *j, struct impact *i)
{
    struct graph_reach *reach = j->m->reach;
    for (size_t n = 0; n < graph_reach_count(reach); n++) {
        struct bytes node;
        size_t index;
        uint32_t walk;
        if (judge_found(j, graph_node_bytes(j->kv, graph_reach_at(reach, n), &node)) &&
            node.data[0] == NODE_SERVICE)
            (void)name_set_add(j->m->names, bytes_make(node.data + 1, node.size - 1), 1, &index,
                               &walk);
    }
    i->services = name_set_count(j->m->names);
    if (i->services > 0)
        j->m->stages.service_count = 0; /* as figures do, they take the place of former ones */
    for (size_t n = 0; n < i->services; n++) {
        struct body_service service;
        if (!judge_found(j, service_load(j->kv, name_set_at(j->m->names, n), &service)))
            continue;
        stage_name_service(&j->m->stages, name_set_at(j->m->names, n));
        class_add_tier(j, service.tier);
        i->is_critical |= bytes_equal(service.tier, bytes_of_string("critical"));
    }
}

/* ---- dependants ---- */

/* Everything that needs what is in the reach, over all zones. */
static void count_dependants(struct judge *j, struct impact *i, bool counts_services)
{
    struct graph_reach *reach = j->m->reach;
    size_t own = graph_reach_count(reach);
    if (own > 0)
        (void)judge_found(j, graph_reach_run(reach, j->kv, true, own + IMPACT_NODES_MAX));
    i->dependants = graph_reach_count(reach) - own;
    if (counts_services)
        count_services(j, i);
}

static void count_of_changes(struct judge *j, struct impact *impact)
{
    const struct changes *all = &j->m->changes;
    struct graph_reach *reach = j->m->reach;
    bool counts_services = has_services(j);
    struct bytes last = {NULL, 0};
    graph_reach_clear(reach);
    name_set_clear(j->m->names);
    for (size_t i = 0; i < all->count && graph_reach_count(reach) < IMPACT_NODES_MAX; i++) {
        const struct change *item = &all->items[i];
        struct key node;
        uint64_t id;
        if (!item->is_written)
            continue;
        if (key_node_name(&node, item->owner) &&
            judge_found(j, graph_node(j->kv, key_bytes(&node), false, &id)))
            (void)graph_reach_add(reach, id);
        if (counts_services && !bytes_equal(item->owner, last))
            add_services_of(j, item->owner);
        last = item->owner;
    }
    count_dependants(j, impact, counts_services);
}

static void note(struct judge *j, enum stage_figure figure, uint64_t value)
{
    if (value > 0)
        stage_note(&j->m->stages, RSM_STAGE_IMPACT, figure, value);
}

static void note_all(struct judge *j, const struct impact *i)
{
    stage_ran(&j->m->stages, RSM_STAGE_IMPACT);
    note(j, STAGE_FIGURE_RECORD_SETS, i->record_sets);
    note(j, STAGE_FIGURE_DELETED, i->deleted);
    note(j, STAGE_FIGURE_NAMES, i->names);
    note(j, STAGE_FIGURE_DEPENDANTS, i->dependants);
    note(j, STAGE_FIGURE_SERVICES, i->services);
    note(j, STAGE_FIGURE_SHARE_PERMILLE, i->share_permille);
    note(j, STAGE_FIGURE_RECOVERY_S, i->recovery_s);
    note(j, STAGE_FIGURE_RISK_TYPES, i->types);
    note(j, STAGE_FIGURE_RISK_DELETIONS, i->deletions);
    note(j, STAGE_FIGURE_RISK_SHARE, i->share);
    note(j, STAGE_FIGURE_RISK_DEPENDANTS, i->depend);
    note(j, STAGE_FIGURE_RISK_SERVICES, i->serve);
    note(j, STAGE_FIGURE_RISK_SIZE, i->size);
    note(j, STAGE_FIGURE_RISK_RECOVERY, i->recovery);
    stage_note(&j->m->stages, RSM_STAGE_IMPACT, STAGE_FIGURE_RISK, i->risk);
    j->risk = i->risk;
    j->reach = i->names + i->dependants;
}

void rule_impact(struct judge *j, const struct change_context *c)
{
    const struct changes *all = &j->m->changes;
    struct impact impact = {.names = 0};
    struct bytes last = {NULL, 0};
    uint64_t added = 0;
    uint64_t ttl = 0;
    for (size_t i = 0; i < all->count && j->fault == RSM_OK; i++) {
        const struct change *item = &all->items[i];
        if (!item->is_written)
            continue;
        bool is_deleted = item->rdata_count == 0;
        uint64_t kept = is_deleted ? negative_ttl(j, c) : item->ttl;
        uint64_t types = impact_of_type(item->type, is_wildcard(item->owner));
        impact.record_sets++;
        impact.deleted += is_deleted ? 1 : 0;
        impact.names += i == 0 || !bytes_equal(last, item->owner) ? 1 : 0;
        impact.types = types > impact.types ? types : impact.types;
        added += item->count_before == 0 ? 1 : 0;
        ttl = kept > ttl ? kept : ttl;
        last = item->owner;
    }
    uint64_t before = c->row->rrset_count + impact.deleted - added;
    if (before > 0 && !c->is_new_zone)
        impact.share_permille = at_most((impact.record_sets - added) * 1000 / before, 1000);
    if (c->is_new_zone)
        impact.types = 0; /* nobody was served from it */
    if (impact.record_sets > 0)
        impact.recovery_s = IMPACT_DETECT_S + IMPACT_SPREAD_S + ttl;
    count_of_changes(j, &impact);
    impact_rate(&impact);
    note_all(j, &impact);
}

void rule_impact_zone(struct judge *j, struct bytes zone, const struct zone_record *row)
{
    struct graph_reach *reach = j->m->reach;
    struct impact impact = {.names = 1,
                            .record_sets = row->rrset_count,
                            .deleted = row->rrset_count,
                            .share_permille = 1000,
                            .recovery_s = IMPACT_DETECT_S + IMPACT_SPREAD_S + 86400,
                            .types = impact_of_type(RR_TYPE_NS, false)};
    bool counts_services = has_services(j);
    graph_reach_clear(reach);
    name_set_clear(j->m->names);
    (void)judge_found(j, graph_reach_add_below(reach, j->kv, zone, IMPACT_NODES_MAX));
    if (counts_services)
        add_services_below(j, zone);
    count_dependants(j, &impact, counts_services);
    impact_rate(&impact);
    note_all(j, &impact);
    j->reach = impact.record_sets + impact.dependants;
}
