/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_dns.c - what DNS demands of each record set, and of those beside and below each other.
 *
 *     CNAME     alone at its name but for RRSIG, NSEC and KEY (RFC 2181 10.1, RFC 4034 2.5 and 4,
 *               RFC 3007 1.2); one record
 *     DNAME     one record; nothing below its name in the zone (RFC 6672 2.3, 2.4)
 *     SOA       one record, at the apex, never deleted
 *     NS        the apex has one
 *
 * The rest of a record's data is looked into by src/rr alone.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"

/* What a change is called where something is wrong with it. */
static const char *words_change(const struct change *item, char words[WORDS_SIZE])
{
    return words_rrset(item->owner, item->type, words);
}

static void check_ttl(struct judge *j, const struct change *item)
{
    char words[WORDS_SIZE];
    uint32_t least = (uint32_t)j->policy.ttl_min;
    uint32_t most = (uint32_t)j->policy.ttl_max;
    if (item->rdata_count > 0 && (item->ttl < least || item->ttl > most))
        judge_refuse(j, RSM_RULE_TTL_RANGE,
                     "%s: TTL %" PRIu32 ", allowed are %" PRIu32 " to %" PRIu32,
                     words_change(item, words), item->ttl, least, most);
}

/* Sizes, and the data of each record. */
static bool check_data(struct judge *j, const struct change *item)
{
    char words[WORDS_SIZE];
    size_t size = 0;
    bool is_good = true;
    struct body_walk walk = item->rdatas;
    struct bytes rdata;
    for (uint32_t i = 0; body_next_octets(&walk, &rdata); i++) {
        size += rdata.size + 12; /* name pointer, type, class, TTL, length */
        if (rr_data_check(item->type, rdata) == RSM_OK)
            continue;
        judge_refuse(j, RSM_RULE_RDATA_BAD,
                     "%s, record %" PRIu32 ": %zu bytes are no data of that type",
                     words_change(item, words), i + 1, rdata.size);
        is_good = false;
    }
    if (item->rdata_count > j->policy.rrset_records_max) {
        judge_refuse(j, RSM_RULE_QUOTA, "%s: %" PRIu32 " records, at most %" PRIu64,
                     words_change(item, words), item->rdata_count, j->policy.rrset_records_max);
        is_good = false;
    }
    if (size > LIMIT_RRSET_SIZE) {
        judge_refuse(j, RSM_RULE_QUOTA, "%s: %zu bytes do not fit one message of %u",
                     words_change(item, words), size, LIMIT_RRSET_SIZE);
        is_good = false;
    }
    return is_good;
}

static void check_single(struct judge *j, struct bytes zone, const struct change *item)
{
    char words[WORDS_SIZE];
    bool is_apex = bytes_equal(item->owner, zone);
    if (item->type == RR_TYPE_SOA && (!is_apex || item->rdata_count != 1))
        judge_refuse(j, RSM_RULE_SOA_SINGLE, "%s: %s", words_change(item, words),
                     !is_apex                 ? "not at the apex"
                     : item->rdata_count == 0 ? "it cannot be deleted"
                                              : "more than one record");
    if (item->type == RR_TYPE_CNAME && item->rdata_count > 1)
        judge_refuse(j, RSM_RULE_CNAME_BESIDE, "%s: %" PRIu32 " records, a CNAME is one",
                     words_change(item, words), item->rdata_count);
    if (item->type == RR_TYPE_DNAME && item->rdata_count > 1)
        judge_refuse(j, RSM_RULE_DNAME_BESIDE, "%s: %" PRIu32 " records, a DNAME is one",
                     words_change(item, words), item->rdata_count);
}

/* The data is that of a SOA. */
static void check_expire(struct judge *j, const struct change *item)
{
    char words[WORDS_SIZE];
    struct body_walk walk = item->rdatas;
    struct bytes rdata;
    if (item->type != RR_TYPE_SOA || item->rdata_count != 1 || !body_next_octets(&walk, &rdata))
        return;
    uint32_t expire = rr_soa_expire(rdata);
    if ((expire < j->policy.soa_expire_min || expire > j->policy.soa_expire_max) &&
        !MUTANT(NO_SOA_EXPIRE))
        judge_refuse(j, RSM_RULE_SOA_EXPIRE,
                     "%s: expire %" PRIu32 " s, the policy allows %" PRIu64 " to %" PRIu64
                     ": secondaries answer that long without a primary",
                     words_change(item, words), expire, j->policy.soa_expire_min,
                     j->policy.soa_expire_max);
}

void rule_dns_zonemd(struct judge *j, const struct change_context *c)
{
    struct changes *all = &j->m->changes;
    char words[WORDS_SIZE];
    for (size_t i = 0; c->row->has_zonemd && i < all->count; i++) {
        struct change *item = &all->items[i];
        if (item->type != RR_TYPE_ZONEMD || item->rdata_count == 0 ||
            !bytes_equal(item->owner, c->zone))
            continue;
        judge_refuse(j, RSM_RULE_TYPE_FORBIDDEN,
                     "%s: the zone is served with a ZONEMD that is made (zone set zonemd=off)",
                     words_rrset(item->owner, item->type, words));
        item->is_bad = true;
    }
}

void rule_dns_change(struct judge *j, struct bytes zone, struct change *item)
{
    char words[WORDS_SIZE], in[WORDS_SIZE];
    if (!name_is_at_or_below(item->owner, zone)) {
        judge_refuse(j, RSM_RULE_OUT_OF_ZONE, "%s is not in zone %s", words_change(item, words),
                     words_name(zone, in));
        item->is_bad = true;
    }
    if (!rr_type_is_storable(item->type)) {
        judge_refuse(j, RSM_RULE_TYPE_FORBIDDEN, "%s: no such type can be in a zone",
                     words_change(item, words));
        item->is_bad = true;
        return;
    }
    check_ttl(j, item);
    check_single(j, zone, item);
    if (!check_data(j, item))
        item->is_bad = true;
    else
        check_expire(j, item);
    if (item->type == RR_TYPE_SOA && item->rdata_count != 1)
        item->is_bad = true; /* so that the zone keeps the one it has */
}

/* ---- after the change ---- */

struct beside {
    bool has_cname, has_dname;
    uint16_t other; /* a type that may not be beside a CNAME, 0 none */
};

static struct beside look_beside(struct judge *j, const struct change_context *c,
                                 struct bytes owner)
{
    struct beside found = {.other = 0};
    struct key prefix, place;
    struct bytes key, value;
    if (!key_owner(&prefix, c->row->id, owner, false))
        return found;
    place = prefix;
    while (judge_found(j, kv_next(j->kv, TABLE_RRSET, key_bytes(&place), place.size > prefix.size,
                                  &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix))) {
        struct rrset_record record;
        if (!judge_found(j, rrset_decode(value, &record)))
            break;
        uint16_t type = get_u16(key.data + key.size - 2);
        if (!record.deleted && type == RR_TYPE_CNAME)
            found.has_cname = true;
        else if (!record.deleted && type != TYPE_RRSIG && type != TYPE_NSEC && type != TYPE_KEY)
            found.other = found.other == 0 ? type : found.other;
        found.has_dname |= !record.deleted && type == RR_TYPE_DNAME;
        CHECK(key.size <= sizeof place.data);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
    }
    return found;
}

/* The first record set below a name. */
static bool look_below(struct judge *j, const struct change_context *c, struct bytes owner,
                       char words[WORDS_SIZE])
{
    struct key prefix, own, place;
    struct bytes key, value;
    if (!key_owner(&prefix, c->row->id, owner, true) || !key_owner(&own, c->row->id, owner, false))
        return false;
    place = prefix;
    while (judge_found(j, kv_next(j->kv, TABLE_RRSET, key_bytes(&place), place.size > prefix.size,
                                  &key, &value)) &&
           key_begins_with(key, key_bytes(&prefix))) {
        struct rrset_record record;
        struct rrset_key parts;
        uint8_t buffer[LIMIT_NAME_SIZE];
        if (!judge_found(j, rrset_decode(value, &record)))
            break;
        if (!record.deleted && !key_begins_with(key, key_bytes(&own)) &&
            key_parse_rrset(key, buffer, &parts)) {
            (void)words_rrset(parts.owner, parts.type, words);
            return true;
        }
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
    }
    return false;
}

static bool is_live(struct judge *j, uint64_t zone_id, struct bytes owner, uint16_t type)
{
    struct rrset_record record;
    return judge_found(j, rrset_load(j->kv, zone_id, owner, type, &record)) && !record.deleted;
}

static void check_dname_above(struct judge *j, const struct change_context *c, struct bytes owner)
{
    char words[WORDS_SIZE], above[WORDS_SIZE];
    for (struct bytes name = owner; name.size > c->zone.size;) {
        name = name_parent(name);
        if (!is_live(j, c->row->id, name, RR_TYPE_DNAME))
            continue;
        judge_refuse(j, RSM_RULE_DNAME_BESIDE, "%s would be below %s", words_name(owner, words),
                     words_rrset(name, RR_TYPE_DNAME, above));
        return;
    }
}

static void check_owner(struct judge *j, const struct change_context *c, struct bytes owner)
{
    char words[WORDS_SIZE], other[WORDS_SIZE];
    struct beside found = look_beside(j, c, owner);
    if (found.has_cname && found.other != 0) {
        char type[RR_TYPE_TEXT_MAX];
        judge_refuse(j, RSM_RULE_CNAME_BESIDE, "%s would have a CNAME beside %s",
                     words_name(owner, words), rr_type_to_text(found.other, type));
    }
    if (found.has_dname && look_below(j, c, owner, other))
        judge_refuse(j, RSM_RULE_DNAME_BESIDE, "%s would be below %s", other,
                     words_rrset(owner, RR_TYPE_DNAME, words));
    if (c->row->dname_count > 0)
        check_dname_above(j, c, owner);
}

static void check_apex(struct judge *j, const struct change_context *c)
{
    char words[WORDS_SIZE];
    if (!is_live(j, c->row->id, c->zone, RR_TYPE_SOA))
        judge_refuse(j, RSM_RULE_SOA_SINGLE, "%s would have no SOA",
                     words_object(OBJECT_ZONE, c->zone, words));
    if (!is_live(j, c->row->id, c->zone, RR_TYPE_NS))
        judge_refuse(j, RSM_RULE_APEX_NS, "%s would have no NS at its apex",
                     words_object(OBJECT_ZONE, c->zone, words));
}

void rule_dns_after(struct judge *j, const struct change_context *c)
{
    const struct changes *all = &j->m->changes;
    bool apex_changed = c->is_new_zone;
    for (size_t first = 0; first < all->count && j->fault == RSM_OK;) {
        struct bytes owner = all->items[first].owner;
        bool has_new_data = false;
        bool is_written = false;
        size_t end = first;
        for (; end < all->count && bytes_equal(all->items[end].owner, owner); end++) {
            is_written |= all->items[end].is_written;
            has_new_data |= all->items[end].is_written && all->items[end].count_before == 0 &&
                            all->items[end].rdata_count > 0;
        }
        if (has_new_data)
            check_owner(j, c, owner); /* other data or less of it brings nothing beside anything */
        apex_changed |= is_written && bytes_equal(owner, c->zone);
        first = end;
    }
    if (apex_changed)
        check_apex(j, c);
}
