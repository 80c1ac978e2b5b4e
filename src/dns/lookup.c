/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lookup.c - the algorithm of RFC 1034 4.3.2, over the applied state as it is now.
 *
 * A step goes from the zone's apex down to the name, label by label, and ends at the first of:
 *
 *     a  no zone of ours: REFUSED, or the end of a chain that left our zones
 *     b  a delegation on the way: referral
 *     c  a DNAME above the name: DNAME, CNAME made of it, and again with the new name
 *     d  the name is there: CNAME (and again with its target), the record set, or NODATA
 *     e  the name is not there, but a wildcard below its closest encloser: as d, with its data
 *     f  neither: NXDOMAIN
 */
#include "src/dns/lookup.h"

#include <string.h>

#include "src/rr/data.h"
#include "src/rr/name.h"

#define TYPE_DS 43u
#define LABELS_MAX 128u

struct lookup {
    struct kv *kv;
    struct draft *draft;
    struct bytes zone;
    struct bytes name; /* in name_buffer: changes along a chain */
    uint16_t type;
    uint32_t chain;
    bool is_full; /* something had no room: the answer is truncated */
    bool again;   /* the step ended with a new name */
    uint8_t name_buffer[NAME_SIZE_MAX];
    uint8_t zone_buffer[NAME_SIZE_MAX];
};

/* -------------------------------------------------------------------------------------------- */
/* Reading. */

static struct bytes parent_of(struct bytes name)
{
    size_t step = 1u + name.data[0];
    return bytes_make(name.data + step, name.size - step);
}

enum rsm_status lookup_zone(struct kv *kv, struct bytes name, struct bytes *zone_out)
{
    struct zone_record row;
    for (;;) {
        enum rsm_status status = query_zone(kv, name, QUERY_NOW, &row);
        if (status == RSM_OK)
            *zone_out = name;
        if (status != RSM_NOT_FOUND || name.size == 1)
            return status;
        name = parent_of(name);
    }
}

static enum rsm_status find_set(struct lookup *l, struct bytes owner, uint16_t type,
                                struct query_rrset *out)
{
    return query_rrset(l->kv, l->zone, owner, type, QUERY_NOW, out);
}

/* Whether there is a record set at the name or below it (RFC 4592 2.2.3: then it exists). */
static enum rsm_status name_exists(struct lookup *l, struct bytes name, bool *exists_out)
{
    struct query_rrsets q = {.zone = l->zone, .slot = QUERY_NOW};
    query_rrset_after(l->kv, &q, name, 0);
    *exists_out = false;
    if (!q.has_place)
        return RSM_OK; /* a name that no key holds */
    enum rsm_status status = query_rrset_next(l->kv, &q);
    if (status == RSM_OK)
        *exists_out = name_is_at_or_below(q.item.owner, name);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* -------------------------------------------------------------------------------------------- */
/* Writing. */

static void put_one(struct lookup *l, enum packet_section section, struct bytes owner,
                    uint16_t type, uint32_t ttl, struct bytes rdata)
{
    if (!l->is_full)
        l->is_full = !draft_put(l->draft, section, owner, type, PACKET_CLASS_IN, ttl, rdata);
}

static void put_set(struct lookup *l, enum packet_section section, struct bytes owner,
                    const struct query_rrset *set)
{
    struct bytes rdatas = set->record.rdatas;
    struct bytes rdata;
    while (rrset_rdata_next(&rdatas, &rdata))
        put_one(l, section, owner, set->type, set->record.ttl, rdata);
}

/* NXDOMAIN and NODATA: the SOA, for as long as they may be kept (RFC 2308 3). */
static enum rsm_status put_negative(struct lookup *l, enum packet_rcode rcode)
{
    struct query_rrset soa;
    struct bytes rdata;
    enum rsm_status status = find_set(l, l->zone, RR_TYPE_SOA, &soa);
    if (status != RSM_OK)
        return status;
    struct bytes rdatas = soa.record.rdatas;
    draft_set_error(l->draft, rcode, PACKET_EDE_NONE, NULL);
    if (rrset_rdata_next(&rdatas, &rdata)) {
        uint32_t minimum = rr_soa_minimum(rdata);
        uint32_t ttl = soa.record.ttl < minimum ? soa.record.ttl : minimum;
        put_one(l, PACKET_AUTHORITY, l->zone, RR_TYPE_SOA, ttl, rdata);
    }
    return RSM_OK;
}

/* Goes on with another name, unless the chain is long enough. `name` may be in the kv. */
static void go_on_with(struct lookup *l, struct bytes name)
{
    memmove(l->name_buffer, name.data, name.size);
    l->name = bytes_make(l->name_buffer, name.size);
    l->again = ++l->chain < LOOKUP_CHAIN_MAX;
}

/* -------------------------------------------------------------------------------------------- */
/* The cases. */

static enum rsm_status put_glue(struct lookup *l, struct bytes cut, const struct query_rrset *ns)
{
    static const uint16_t types[] = {RR_TYPE_A, RR_TYPE_AAAA};
    struct bytes rdatas = ns->record.rdatas;
    struct bytes target;
    while (rrset_rdata_next(&rdatas, &target)) {
        if (!name_is_at_or_below(target, cut))
            continue;
        for (size_t i = 0; i < 2; i++) {
            struct query_rrset glue;
            enum rsm_status status = find_set(l, target, types[i], &glue);
            if (status == RSM_OK)
                put_set(l, PACKET_ADDITIONAL, target, &glue);
            else if (status != RSM_NOT_FOUND)
                return status;
        }
    }
    return RSM_OK;
}

static enum rsm_status refer(struct lookup *l, struct bytes cut, const struct query_rrset *ns)
{
    put_set(l, PACKET_AUTHORITY, cut, ns);
    return put_glue(l, cut, ns); /* RFC 9471: without the glue it is truncated */
}

static enum rsm_status follow_dname(struct lookup *l, struct bytes owner,
                                    const struct query_rrset *dname)
{
    struct bytes rdatas = dname->record.rdatas;
    struct bytes target;
    uint8_t made[2 * NAME_SIZE_MAX];
    if (!rrset_rdata_next(&rdatas, &target) || target.size > NAME_SIZE_MAX)
        return RSM_DAMAGED;
    put_set(l, PACKET_ANSWER, owner, dname);
    size_t prefix = l->name.size - owner.size;
    memcpy(made, l->name.data, prefix);
    memcpy(made + prefix, target.data, target.size);
    struct bytes name = bytes_make(made, prefix + target.size);
    if (name.size > NAME_SIZE_MAX) {
        draft_set_error(l->draft, RCODE_YXDOMAIN, PACKET_EDE_NONE, NULL);
        return RSM_OK;
    }
    put_one(l, PACKET_ANSWER, l->name, RR_TYPE_CNAME, dname->record.ttl, name);
    if (l->type != RR_TYPE_CNAME && l->type != PACKET_TYPE_ANY)
        go_on_with(l, name);
    return RSM_OK;
}

/* ANY: the first record set of the name (RFC 8482 4.1). */
static enum rsm_status put_any(struct lookup *l, struct bytes source, struct bytes owner,
                               bool *found_out)
{
    struct query_rrsets q = {.zone = l->zone, .slot = QUERY_NOW, .only_owner = source};
    enum rsm_status status = query_rrset_next(l->kv, &q);
    *found_out = status == RSM_OK;
    if (status == RSM_OK)
        put_set(l, PACKET_ANSWER, owner, &q.item);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* The data of `source`, said of the name that was asked for: the same one but for wildcards. */
static enum rsm_status answer_from(struct lookup *l, struct bytes source)
{
    struct query_rrset set;
    bool found = false;
    if (l->type == PACKET_TYPE_ANY) {
        enum rsm_status status = put_any(l, source, l->name, &found);
        return status != RSM_OK || found ? status : put_negative(l, RCODE_NOERROR);
    }
    enum rsm_status status = find_set(l, source, l->type, &set);
    if (status == RSM_OK) {
        put_set(l, PACKET_ANSWER, l->name, &set);
        return RSM_OK;
    }
    if (status == RSM_NOT_FOUND)
        status = find_set(l, source, RR_TYPE_CNAME, &set);
    if (status == RSM_NOT_FOUND)
        return put_negative(l, RCODE_NOERROR);
    if (status != RSM_OK)
        return status;
    struct bytes rdatas = set.record.rdatas;
    struct bytes target;
    put_set(l, PACKET_ANSWER, l->name, &set);
    if (rrset_rdata_next(&rdatas, &target))
        go_on_with(l, target);
    return RSM_OK;
}

static enum rsm_status answer_missing(struct lookup *l, struct bytes encloser)
{
    uint8_t buffer[NAME_SIZE_MAX + 2] = {1, '*'};
    bool exists = false;
    if (encloser.size + 2 > NAME_SIZE_MAX)
        return put_negative(l, RCODE_NXDOMAIN);
    memcpy(buffer + 2, encloser.data, encloser.size);
    struct bytes wildcard = bytes_make(buffer, encloser.size + 2);
    enum rsm_status status = name_exists(l, wildcard, &exists);
    if (status != RSM_OK)
        return status;
    return exists ? answer_from(l, wildcard) : put_negative(l, RCODE_NXDOMAIN);
}

/* -------------------------------------------------------------------------------------------- */
/* The way down. */

/* True when the way ends at this name: a delegation, or a DNAME above the name. */
static bool ends_at(struct lookup *l, struct bytes at, enum rsm_status *status)
{
    struct query_rrset set;
    bool is_name = at.size == l->name.size;
    if (at.size != l->zone.size && !(is_name && l->type == TYPE_DS)) {
        *status = find_set(l, at, RR_TYPE_NS, &set);
        if (*status == RSM_OK)
            *status = refer(l, at, &set);
        if (*status != RSM_NOT_FOUND)
            return true;
    }
    *status = is_name ? RSM_NOT_FOUND : find_set(l, at, RR_TYPE_DNAME, &set);
    if (*status == RSM_OK) {
        draft_set_authoritative(l->draft);
        *status = follow_dname(l, at, &set);
    }
    if (*status != RSM_NOT_FOUND)
        return true;
    *status = RSM_OK;
    return false;
}

static enum rsm_status take_step(struct lookup *l)
{
    struct bytes way[LABELS_MAX];
    size_t count = 0;
    enum rsm_status status = RSM_OK;
    for (struct bytes at = l->name;; at = parent_of(at)) {
        way[count++] = at;
        if (at.size == l->zone.size)
            break;
    }
    struct bytes encloser = l->zone;
    while (count > 0) {
        struct bytes at = way[--count];
        bool exists = true;
        if (at.size != l->zone.size)
            status = name_exists(l, at, &exists);
        if (status != RSM_OK)
            return status;
        if (!exists) {
            draft_set_authoritative(l->draft);
            return answer_missing(l, encloser);
        }
        if (ends_at(l, at, &status))
            return status;
        encloser = at;
    }
    draft_set_authoritative(l->draft);
    return answer_from(l, l->name);
}

/* The zone to ask: of a DS at an apex it is the one above (RFC 4035 3.1.4.1). */
static enum rsm_status choose_zone(struct lookup *l)
{
    struct bytes zone;
    enum rsm_status status = lookup_zone(l->kv, l->name, &zone);
    if (status == RSM_OK && l->type == TYPE_DS && zone.size == l->name.size && zone.size > 1) {
        struct bytes above;
        status = lookup_zone(l->kv, parent_of(zone), &above);
        if (status == RSM_OK)
            zone = above;
        else if (status == RSM_NOT_FOUND)
            status = RSM_OK;
    }
    if (status != RSM_OK)
        return status;
    memcpy(l->zone_buffer, zone.data, zone.size);
    l->zone = bytes_make(l->zone_buffer, zone.size);
    return RSM_OK;
}

enum rsm_status lookup_answer(struct kv *kv, struct bytes name, uint16_t type, struct draft *draft)
{
    struct lookup l = {.kv = kv, .draft = draft, .type = type};
    enum rsm_status status = RSM_OK;
    memcpy(l.name_buffer, name.data, name.size);
    l.name = bytes_make(l.name_buffer, name.size);
    l.again = true;
    while (status == RSM_OK && l.again) {
        l.again = false;
        status = choose_zone(&l);
        if (status == RSM_NOT_FOUND) {
            if (l.chain == 0)
                draft_set_error(draft, RCODE_REFUSED, PACKET_EDE_NOT_AUTHORITATIVE,
                                "the name is in no zone of this server");
            status = RSM_OK;
        } else if (status == RSM_OK) {
            status = take_step(&l);
        }
    }
    if (l.is_full)
        draft_truncate(draft);
    return status;
}
