/* SPDX-License-Identifier: GPL-3.0-or-later */
/* impact.c - see impact.h; the figures are taken after the change was made in its overlay. */
#include "src/machine/impact.h"

#include <string.h>

#include "src/machine/impact_reach.h"
#include "src/machine/judge.h"
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

/* ---- what is reached ---- */

/* `own`: what is reached by the change itself, and not by what depends on it. */
static void take_reached(struct judge *j, struct impact *i, struct impact_reach *r, size_t own)
{
    struct bytes service;
    size_t at = 0;
    i->dependants = impact_reach_count(r) - own;
    i->services = r->services;
    i->is_cut = r->is_cut;
    j->reach_is_cut = r->is_cut;
    if (r->services > 0)
        j->m->stages.service_count = 0; /* as figures do, they take the place of former ones */
    while (impact_reach_next_service(r, &at, &service)) {
        struct body_service body;
        if (!judge_found(j, service_load(j->kv, service, &body)))
            continue;
        stage_name_service(&j->m->stages, service);
        class_add_tier(j, body.tier);
        i->is_critical |= bytes_equal(body.tier, bytes_of_string("critical"));
    }
    i->is_critical |= r->is_cut && r->has_services;
}

static void count_of_changes(struct judge *j, struct impact *impact, struct bytes zone)
{
    const struct changes *all = &j->m->changes;
    struct impact_reach reach;
    impact_reach_begin(&reach, j);
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].is_written)
            impact_reach_change(&reach, zone, all->items[i].owner, all->items[i].type);
    impact_reach_services(&reach);
    size_t own = impact_reach_count(&reach);
    impact_reach_run(&reach);
    take_reached(j, impact, &reach, own);
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
    note(j, STAGE_FIGURE_REACH_CUT, i->is_cut ? 1 : 0);
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
        uint64_t types = impact_of_type(item->type, name_is_wildcard(item->owner));
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
    count_of_changes(j, &impact, c->zone);
    impact_rate(&impact);
    note_all(j, &impact);
}

void rule_impact_zone(struct judge *j, struct bytes zone, const struct zone_record *row)
{
    struct impact_reach reach;
    struct impact impact = {.names = 1,
                            .record_sets = row->rrset_count,
                            .deleted = row->rrset_count,
                            .share_permille = 1000,
                            .recovery_s = IMPACT_DETECT_S + IMPACT_SPREAD_S + 86400,
                            .types = impact_of_type(RR_TYPE_NS, false)};
    impact_reach_begin(&reach, j);
    impact_reach_below(&reach, zone);
    impact_reach_services(&reach);
    size_t own = impact_reach_count(&reach);
    impact_reach_run(&reach);
    take_reached(j, &impact, &reach, own);
    impact_rate(&impact);
    note_all(j, &impact);
    j->reach = impact.record_sets + impact.dependants;
}
