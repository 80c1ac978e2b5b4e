/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query_zone.c - reads of zones and record sets, now and at any slot (see query.h). */
#include "src/machine/query.h"

#include <string.h>

#include "src/rr/data.h"

#define INDEX_MAX UINT16_MAX

static enum rsm_status keep(struct key *place, struct bytes key)
{
    if (key.size > sizeof place->data)
        return RSM_DAMAGED;
    place->size = key.size;
    memcpy(place->data, key.data, key.size);
    return RSM_OK;
}

/* ---- zones ---- */

enum rsm_status query_zone_version(struct kv *kv, struct bytes zone, uint64_t slot, uint32_t index,
                                   uint64_t *slot_out, struct zone_record *out)
{
    struct key key;
    struct bytes found, value;
    key_zone_version(&key, zone, slot, index);
    enum rsm_status status =
        kv_prev(kv, TABLE_ZONE_VERSION, key_bytes(&key), false, &found, &value);
    if (status != RSM_OK)
        return status;
    if (found.size != key.size || !key_begins_with(found, zone))
        return RSM_NOT_FOUND;
    *slot_out = get_u64(found.data + zone.size);
    return zone_decode(value, out);
}

enum rsm_status query_zone(struct kv *kv, struct bytes zone, uint64_t slot, struct zone_record *out)
{
    uint64_t written;
    if (slot == QUERY_NOW)
        return zone_load(kv, zone, out);
    enum rsm_status status = query_zone_version(kv, zone, slot, INDEX_MAX, &written, out);
    return status == RSM_OK && out->deleted ? RSM_NOT_FOUND : status;
}

static size_t leading_name(struct bytes key)
{
    size_t offset = 0;
    while (offset < key.size && key.data[offset] != 0)
        offset += 1u + key.data[offset];
    return offset < key.size ? offset + 1 : 0;
}

static enum rsm_status next_zone_now(struct kv *kv, struct query_zones *q)
{
    struct bytes key, value;
    enum rsm_status status =
        kv_next(kv, TABLE_ZONE, key_bytes(&q->place), q->place.size > 0, &key, &value);
    if (status == RSM_OK)
        status = keep(&q->place, key);
    q->zone = key_bytes(&q->place);
    return status == RSM_OK ? zone_decode(value, &q->record) : status;
}

enum rsm_status query_zone_next(struct kv *kv, struct query_zones *q)
{
    if (q->slot == QUERY_NOW)
        return next_zone_now(kv, q);
    for (;;) {
        struct key from = q->place;
        struct bytes key, value;
        bool is_first = q->place.size == 0;
        if (!is_first)
            key_zone_version(&from, key_bytes(&q->place), UINT64_MAX, INDEX_MAX);
        enum rsm_status status =
            kv_next(kv, TABLE_ZONE_VERSION, key_bytes(&from), !is_first, &key, &value);
        size_t size = status == RSM_OK ? leading_name(key) : 0;
        if (status != RSM_OK)
            return status;
        if (size == 0 || keep(&q->place, bytes_make(key.data, size)) != RSM_OK)
            return RSM_DAMAGED;
        q->zone = key_bytes(&q->place);
        status = query_zone(kv, q->zone, q->slot, &q->record);
        if (status != RSM_NOT_FOUND)
            return status;
    }
}

/* ---- record sets ---- */

/* Puts the zone's serial into a stored SOA, which has 0 there. */
static enum rsm_status patch_soa(struct rrset_record *record, uint32_t serial,
                                 uint8_t buffer[QUERY_SOA_SIZE])
{
    struct bytes rdatas = record->rdatas;
    struct bytes rdata;
    if (!rrset_rdata_next(&rdatas, &rdata))
        return RSM_OK; /* deleted */
    if (rdata.size < 22 || record->rdatas.size > QUERY_SOA_SIZE)
        return RSM_DAMAGED;
    memcpy(buffer, record->rdatas.data, record->rdatas.size);
    rr_soa_set_serial(buffer + 2, rdata.size, serial);
    record->rdatas = bytes_make(buffer, record->rdatas.size);
    return RSM_OK;
}

static enum rsm_status finish(struct query_rrset *out, const struct zone_record *zone)
{
    out->slot = out->record.version.slot;
    if (out->type != RR_TYPE_SOA || out->record.deleted)
        return out->record.deleted ? RSM_NOT_FOUND : RSM_OK;
    if (zone->content.slot > out->slot)
        out->slot = zone->content.slot;
    return patch_soa(&out->record, zone->serial, out->soa_buffer);
}

/* The version of a record set at a slot. */
static enum rsm_status rrset_at(struct kv *kv, const struct key *rrset, uint64_t slot,
                                struct rrset_record *out)
{
    struct key key = *rrset;
    struct bytes found, value;
    key_add_version(&key, slot, INDEX_MAX);
    enum rsm_status status =
        kv_prev(kv, TABLE_RRSET_VERSION, key_bytes(&key), false, &found, &value);
    if (status != RSM_OK)
        return status;
    if (found.size != key.size || !key_begins_with(found, key_bytes(rrset)))
        return RSM_NOT_FOUND;
    return rrset_decode(value, out);
}

static enum rsm_status set_owner(struct query_rrset *out, struct bytes owner, uint16_t type)
{
    if (owner.size > sizeof out->owner_buffer)
        return RSM_NOT_FOUND;
    memcpy(out->owner_buffer, owner.data, owner.size);
    out->owner = bytes_make(out->owner_buffer, owner.size);
    out->type = type;
    return RSM_OK;
}

enum rsm_status query_rrset(struct kv *kv, struct bytes zone, struct bytes owner, uint16_t type,
                            uint64_t slot, struct query_rrset *out)
{
    struct zone_record row;
    struct key key;
    memset(&out->record, 0, sizeof out->record);
    enum rsm_status status = query_zone(kv, zone, slot, &row);
    if (status == RSM_OK)
        status = set_owner(out, owner, type);
    if (status != RSM_OK)
        return status;
    if (!key_rrset(&key, row.id, owner, type))
        return RSM_NOT_FOUND;
    if (slot == QUERY_NOW)
        status = rrset_load(kv, row.id, owner, type, &out->record);
    else
        status = rrset_at(kv, &key, slot, &out->record);
    return status == RSM_OK ? finish(out, &row) : status;
}

/* The first step of a list: the zone, and where its record sets begin. */
static enum rsm_status begin_rrsets(struct kv *kv, struct query_rrsets *q)
{
    enum rsm_status status = query_zone(kv, q->zone, q->slot, &q->zone_record);
    if (status != RSM_OK)
        return status;
    q->started = true;
    if (q->has_place)
        return RSM_OK; /* query_rrset_after */
    if (q->only_owner.size == 0)
        key_zone_id(&q->place, q->zone_record.id);
    else if (!key_owner(&q->place, q->zone_record.id, q->only_owner, false))
        return RSM_NOT_FOUND;
    return RSM_OK;
}

void query_rrset_after(struct kv *kv, struct query_rrsets *q, struct bytes owner, uint16_t type)
{
    struct zone_record row;
    if (query_zone(kv, q->zone, q->slot, &row) == RSM_OK)
        q->has_place = key_rrset(&q->place, row.id, owner, type);
}

static bool is_inside(const struct query_rrsets *q, struct bytes key)
{
    struct key prefix;
    key_zone_id(&prefix, q->zone_record.id);
    if (q->only_owner.size > 0 && !key_owner(&prefix, q->zone_record.id, q->only_owner, false))
        return false;
    return key_begins_with(key, key_bytes(&prefix));
}

/* The next record set's key at or after the place; its row or version is in *value_out. */
static enum rsm_status next_key(struct kv *kv, struct query_rrsets *q, struct bytes *value_out)
{
    struct bytes key;
    if (q->slot == QUERY_NOW) {
        enum rsm_status status =
            kv_next(kv, TABLE_RRSET, key_bytes(&q->place), true, &key, value_out);
        if (status != RSM_OK)
            return status;
        return is_inside(q, key) ? keep(&q->place, key) : RSM_NOT_FOUND;
    }
    struct key from = q->place;
    if (q->has_place)
        key_add_version(&from, UINT64_MAX, INDEX_MAX);
    enum rsm_status status =
        kv_next(kv, TABLE_RRSET_VERSION, key_bytes(&from), true, &key, value_out);
    if (status != RSM_OK)
        return status;
    if (!is_inside(q, key))
        return RSM_NOT_FOUND;
    struct bytes rrset;
    uint64_t slot;
    uint32_t index;
    if (!key_parse_version(key, &rrset, &slot, &index))
        return RSM_DAMAGED;
    return keep(&q->place, rrset);
}

enum rsm_status query_rrset_next(struct kv *kv, struct query_rrsets *q)
{
    enum rsm_status status = q->started ? RSM_OK : begin_rrsets(kv, q);
    while (status == RSM_OK) {
        struct bytes value;
        struct rrset_key parts;
        status = next_key(kv, q, &value);
        if (status != RSM_OK)
            return status;
        q->has_place = true;
        if (q->slot == QUERY_NOW)
            status = rrset_decode(value, &q->item.record);
        else
            status = rrset_at(kv, &q->place, q->slot, &q->item.record);
        if (status == RSM_NOT_FOUND || (status == RSM_OK && q->item.record.deleted)) {
            status = RSM_OK;
            continue;
        }
        if (status != RSM_OK)
            return status;
        if (!key_parse_rrset(key_bytes(&q->place), q->item.owner_buffer, &parts))
            return RSM_DAMAGED;
        q->item.owner = parts.owner;
        q->item.type = parts.type;
        return finish(&q->item, &q->zone_record);
    }
    return status;
}

/* ---- history ---- */

/* Goes to the last life of the zone that has versions before a slot. */
static enum rsm_status begin_life(struct kv *kv, struct query_history *q, uint64_t before,
                                  uint32_t before_index)
{
    struct zone_record row;
    uint64_t slot;
    if (before == 0)
        return RSM_NOT_FOUND;
    enum rsm_status status =
        before_index > 0 ? query_zone_version(kv, q->zone, before, before_index - 1, &slot, &row)
                         : query_zone_version(kv, q->zone, before - 1, INDEX_MAX, &slot, &row);
    if (status != RSM_OK)
        return status;
    if (!key_rrset(&q->place, row.id, q->owner, q->type))
        return RSM_NOT_FOUND;
    q->place_prefix = q->place.size;
    q->life_created = row.created_slot;
    key_add_version(&q->place, before, before_index);
    return RSM_OK;
}

static enum rsm_status take_version(struct kv *kv, struct query_history *q, struct bytes key,
                                    struct bytes value)
{
    struct bytes rrset;
    if (!key_parse_version(key, &rrset, &q->slot, &q->index))
        return RSM_DAMAGED;
    enum rsm_status status = keep(&q->place, key);
    if (status == RSM_OK)
        status = rrset_decode(value, &q->record);
    if (status != RSM_OK || q->type != RR_TYPE_SOA)
        return status;
    struct zone_record row;
    uint64_t slot;
    status = query_zone_version(kv, q->zone, q->slot, q->index, &slot, &row);
    return status == RSM_OK ? patch_soa(&q->record, row.serial, q->soa_buffer) : status;
}

enum rsm_status query_history_next(struct kv *kv, struct query_history *q)
{
    enum rsm_status status = RSM_OK;
    if (!q->started) {
        q->started = true;
        status =
            begin_life(kv, q, q->before_slot == 0 ? SLOT_MAX : q->before_slot, q->before_index);
    }
    while (status == RSM_OK) {
        struct bytes key, value;
        struct bytes prefix = bytes_make(q->place.data, q->place_prefix);
        status = kv_prev(kv, TABLE_RRSET_VERSION, key_bytes(&q->place), true, &key, &value);
        if (status == RSM_OK && key.size == q->place_prefix + 10 && key_begins_with(key, prefix))
            return take_version(kv, q, key, value);
        if (status == RSM_OK || status == RSM_NOT_FOUND)
            status = begin_life(kv, q, q->life_created, 0);
    }
    return status;
}
