/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * holders.c - an ordered table: zone, size of the address, address, key -> what is known.
 *
 * A full table is looked through, at most once a minute, for rows that say nothing any more: the
 * secondary has expired, or what it has was never known and it has not asked for a day.
 */
#include "src/dns/holders.h"

#include <string.h>

#include "src/base/kv.h"
#include "src/base/mem.h"

#define TABLE 1u
#define VALUE_SIZE 29u
#define UNKNOWN_KEPT_MS 86400000u
#define CLEAN_EVERY_MS 60000u

struct holders {
    struct kv *kv;
    uint32_t count;
    uint64_t cleaned_ms; /* 0: never */
};

struct place {
    uint8_t data[sizeof((struct holder_row *)NULL)->place];
    size_t size;
};

struct holders *holders_new(void)
{
    struct holders *h = mem_alloc(sizeof *h);
    h->kv = kv_mem_new();
    return h;
}

void holders_free(struct holders *h)
{
    if (h == NULL)
        return;
    kv_free(h->kv);
    mem_free(h);
}

uint32_t holders_count(const struct holders *h)
{
    return h->count;
}

/* -------------------------------------------------------------------------------------------- */
/* Rows. */

static void add(struct place *place, struct bytes part)
{
    memcpy(place->data + place->size, part.data, part.size);
    place->size += part.size;
}

static struct place place_of(const struct holder *who)
{
    struct place place = {.size = 0};
    uint8_t size = (uint8_t)who->address.size;
    add(&place, who->zone);
    add(&place, bytes_make(&size, 1));
    add(&place, who->address);
    if (who->key.size > 0)
        add(&place, who->key);
    return place;
}

static void encode(const struct holder_row *row, uint8_t out[VALUE_SIZE])
{
    out[0] = row->is_known ? 1 : 0;
    put_u32(out + 1, row->serial);
    put_u32(out + 5, row->expire_s);
    put_u64(out + 9, row->refreshed_ms);
    put_u32(out + 17, row->told_serial);
    put_u64(out + 21, row->told_ms);
}

static void decode(struct bytes value, struct holder_row *row)
{
    row->is_known = value.data[0] != 0;
    row->serial = get_u32(value.data + 1);
    row->expire_s = get_u32(value.data + 5);
    row->refreshed_ms = get_u64(value.data + 9);
    row->told_serial = get_u32(value.data + 17);
    row->told_ms = get_u64(value.data + 21);
}

static bool is_over(const struct holder_row *row, uint64_t now_ms)
{
    uint64_t told_age = now_ms - row->told_ms;
    if (!row->is_known)
        return told_age > UNKNOWN_KEPT_MS;
    return now_ms - row->refreshed_ms > 1000u * (uint64_t)row->expire_s &&
           told_age > UNKNOWN_KEPT_MS;
}

static void clean(struct holders *h, uint64_t now_ms)
{
    struct place place = {.size = 0};
    struct bytes key, value;
    if (h->cleaned_ms != 0 && now_ms - h->cleaned_ms < CLEAN_EVERY_MS)
        return;
    h->cleaned_ms = now_ms;
    while (kv_next(h->kv, TABLE, bytes_make(place.data, place.size), true, &key, &value) ==
           RSM_OK) {
        struct holder_row row;
        place.size = 0;
        add(&place, key);
        decode(value, &row);
        if (!is_over(&row, now_ms))
            continue;
        (void)kv_del(h->kv, TABLE, bytes_make(place.data, place.size));
        h->count--;
    }
}

/* False: it is not known, and there is no room for it. */
static bool load(struct holders *h, const struct place *place, uint64_t now_ms,
                 struct holder_row *row)
{
    struct bytes value;
    *row = (struct holder_row){.is_known = false};
    if (kv_get(h->kv, TABLE, bytes_make(place->data, place->size), &value) == RSM_OK) {
        decode(value, row);
        return true;
    }
    if (h->count >= HOLDERS_MAX)
        clean(h, now_ms);
    if (h->count >= HOLDERS_MAX)
        return false;
    h->count++;
    return true;
}

static void store(struct holders *h, const struct place *place, const struct holder_row *row)
{
    uint8_t value[VALUE_SIZE];
    encode(row, value);
    (void)kv_put(h->kv, TABLE, bytes_make(place->data, place->size),
                 bytes_make(value, sizeof value));
}

/* -------------------------------------------------------------------------------------------- */

void holders_on_refreshed(struct holders *h, const struct holder *who, uint32_t serial,
                          uint32_t expire_s, uint64_t now_ms)
{
    struct holder_row row;
    struct place place = place_of(who);
    if (!load(h, &place, now_ms, &row))
        return;
    row.is_known = true;
    row.serial = row.told_serial = serial;
    row.expire_s = expire_s;
    row.refreshed_ms = row.told_ms = now_ms;
    store(h, &place, &row);
}

void holders_on_told(struct holders *h, const struct holder *who, uint32_t serial, uint64_t now_ms)
{
    struct holder_row row;
    struct place place = place_of(who);
    if (!load(h, &place, now_ms, &row))
        return;
    if (row.is_known && row.serial == serial)
        row.refreshed_ms = now_ms;
    row.told_serial = serial;
    row.told_ms = now_ms;
    store(h, &place, &row);
}

bool holders_next(const struct holders *h, struct bytes zone, struct holder_row *row)
{
    struct bytes key, value;
    bool is_first = row->place_size == 0;
    struct bytes from = is_first ? zone : bytes_make(row->place, row->place_size);
    if (kv_next(h->kv, TABLE, from, !is_first, &key, &value) != RSM_OK || key.size <= zone.size ||
        memcmp(key.data, zone.data, zone.size) != 0)
        return false;
    memcpy(row->place, key.data, key.size);
    row->place_size = key.size;
    decode(value, row);
    size_t size = row->place[zone.size];
    row->who.zone = bytes_make(row->place, zone.size);
    row->who.address = bytes_make(row->place + zone.size + 1, size);
    row->who.key =
        bytes_make(row->place + zone.size + 1 + size, row->place_size - zone.size - 1 - size);
    return true;
}
