/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query_change.c - see query_change.h. */
#include "src/machine/query_change.h"

#include <string.h>

#define INDEX_MAX UINT16_MAX

/*
 * Serials never fall with slots, over all lives of a zone, so this is a bisection: the last slot of
 * all up to `slot` in which the serial was not above the one that is looked for.
 */
enum rsm_status query_zone_serial(struct kv *kv, struct bytes zone, uint32_t serial, uint64_t slot,
                                  uint64_t *slot_out)
{
    struct zone_record now, then;
    uint64_t written;
    enum rsm_status status = query_zone(kv, zone, slot, &now);
    uint64_t id = now.id;
    uint64_t low = status == RSM_OK ? now.created_slot : 0;
    uint64_t high = slot;
    while (status == RSM_OK && low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        status = query_zone_version(kv, zone, middle, INDEX_MAX, &written, &then);
        if (status == RSM_OK && then.serial <= serial)
            low = middle;
        else
            high = middle - 1;
    }
    if (status == RSM_OK)
        status = query_zone_version(kv, zone, low, INDEX_MAX, &written, &then);
    if (status != RSM_OK)
        return status;
    if (then.serial != serial || then.id != id || then.deleted)
        return RSM_NOT_FOUND;
    *slot_out = written;
    return RSM_OK;
}

static enum rsm_status keep(struct key *place, struct bytes key)
{
    if (key.size > sizeof place->data)
        return RSM_DAMAGED;
    place->size = key.size;
    memcpy(place->data, key.data, key.size);
    return RSM_OK;
}

/* Goes to the zone's next version, and before its first row. */
static enum rsm_status next_version(struct kv *kv, struct query_changes *q)
{
    struct bytes key, value;
    struct zone_record row;
    uint8_t id[8];
    if (!q->started)
        key_zone_version(&q->version, q->zone, q->after, INDEX_MAX);
    q->started = true;
    enum rsm_status status =
        kv_next(kv, TABLE_ZONE_VERSION, key_bytes(&q->version), true, &key, &value);
    if (status != RSM_OK)
        return status;
    if (key.size != q->zone.size + 10 || !key_begins_with(key, q->zone) ||
        get_u64(key.data + q->zone.size) > q->slot)
        return RSM_NOT_FOUND;
    status = keep(&q->version, key);
    if (status == RSM_OK)
        status = zone_decode(value, &row);
    if (status != RSM_OK)
        return status;
    put_u64(id, row.id);
    const uint8_t *place = q->version.data + q->zone.size;
    key_change(&q->place, get_u64(place), get_u16(place + 8), bytes_make(id, sizeof id));
    q->place_prefix = q->place.size;
    return RSM_OK;
}

enum rsm_status query_change_next(struct kv *kv, struct query_changes *q)
{
    enum rsm_status status = q->started ? RSM_OK : next_version(kv, q);
    while (status == RSM_OK) {
        struct bytes key, value;
        struct bytes prefix = bytes_make(q->place.data, q->place_prefix);
        status = kv_next(kv, TABLE_CHANGE, key_bytes(&q->place), true, &key, &value);
        if (status == RSM_OK && key_begins_with(key, prefix)) {
            status = keep(&q->place, key);
            q->rrset = bytes_make(q->place.data + 10, q->place.size - 10);
            return status;
        }
        if (status == RSM_OK || status == RSM_NOT_FOUND)
            status = next_version(kv, q);
    }
    return status;
}

enum rsm_status query_changed_zone_next(struct kv *kv, struct query_changed_zones *q)
{
    struct bytes key;
    if (q->place.size == 0)
        key_change(&q->place, q->after + 1, 0, (struct bytes){NULL, 0});
    enum rsm_status status = kv_next(kv, TABLE_CHANGE, key_bytes(&q->place), true, &key, &q->zone);
    if (status != RSM_OK)
        return status;
    if (key.size < 18 || get_u64(key.data) > q->slot)
        return key.size < 18 ? RSM_DAMAGED : RSM_NOT_FOUND;
    /* Past all rows that this command has of this zone. */
    uint8_t next[8];
    put_u64(next, get_u64(key.data + 10) + 1);
    key_change(&q->place, get_u64(key.data), get_u16(key.data + 8), bytes_make(next, 8));
    return RSM_OK;
}
