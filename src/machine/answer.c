/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer.c - see answer.h. From the apex down to the name, ending at the first of: a delegation, a
 * DNAME above the name, the name itself, a wildcard below its closest encloser, nothing.
 */
#include "src/machine/answer.h"

#include <string.h>

#include "src/base/check.h"
#include "src/rr/data.h"

#define TYPE_DS 43u
#define LABELS_MAX 128u

static struct bytes parent_of(struct bytes name)
{
    size_t step = name.size > 1 ? 1u + name.data[0] : 0;
    return bytes_make(name.data + step, name.size - step);
}

static enum rsm_status find_zone(struct kv *kv, struct bytes name, struct answer *out,
                                 struct zone_record *row)
{
    for (;;) {
        enum rsm_status status = zone_load(kv, name, row);
        if (status == RSM_OK) {
            out->zone = name;
            out->zone_id = row->id;
        }
        if (status != RSM_NOT_FOUND || name.size <= 1)
            return status;
        name = parent_of(name);
    }
}

static enum rsm_status find_live(struct kv *kv, const struct answer *a, struct bytes owner,
                                 uint16_t type)
{
    struct rrset_record record;
    enum rsm_status status = rrset_load(kv, a->zone_id, owner, type, &record);
    return status == RSM_OK && record.deleted ? RSM_NOT_FOUND : status;
}

/* The first record set that is there, at the name or (with `below`) at it and below it. */
static enum rsm_status find_any(struct kv *kv, const struct answer *a, struct bytes owner,
                                bool below)
{
    struct key prefix, place;
    struct bytes key, value;
    if (!key_owner(&prefix, a->zone_id, owner, below))
        return RSM_NOT_FOUND;
    place = prefix;
    for (bool is_first = true;; is_first = false) {
        struct rrset_record record;
        enum rsm_status status =
            kv_next(kv, TABLE_RRSET, key_bytes(&place), !is_first, &key, &value);
        if (status != RSM_OK)
            return status;
        if (!key_begins_with(key, key_bytes(&prefix)))
            return RSM_NOT_FOUND;
        status = rrset_decode(value, &record);
        if (status != RSM_OK || !record.deleted)
            return status;
        CHECK(key.size <= sizeof place.data);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
    }
}

static void decide(struct answer *out, enum answer_kind kind, struct bytes owner, uint16_t type)
{
    out->kind = kind;
    out->type = type;
    memmove(out->owner_buffer, owner.data, owner.size);
    out->owner = bytes_make(out->owner_buffer, owner.size);
}

/* Delegations and DNAMEs on the way down. RSM_NOT_FOUND: there is none. */
static enum rsm_status walk_down(struct kv *kv, struct bytes name, uint16_t type,
                                 const struct zone_record *row, struct answer *out)
{
    struct bytes way[LABELS_MAX];
    size_t count = 0;
    for (struct bytes at = name;; at = parent_of(at)) {
        CHECK(count < LABELS_MAX);
        way[count++] = at;
        if (at.size == out->zone.size)
            break;
    }
    while (count > 0) {
        struct bytes at = way[--count];
        bool is_name = at.size == name.size;
        enum rsm_status status = RSM_NOT_FOUND;
        if (at.size != out->zone.size && !(is_name && type == TYPE_DS))
            status = find_live(kv, out, at, RR_TYPE_NS);
        if (status == RSM_OK)
            decide(out, ANSWER_REFERRAL, at, RR_TYPE_NS);
        if (status == RSM_NOT_FOUND && !is_name && row->dname_count > 0) {
            status = find_live(kv, out, at, RR_TYPE_DNAME);
            if (status == RSM_OK)
                decide(out, ANSWER_DNAME, at, RR_TYPE_DNAME);
        }
        if (status != RSM_NOT_FOUND)
            return status;
    }
    return RSM_NOT_FOUND;
}

/* The data of `owner`, where something is. */
static enum rsm_status say(struct kv *kv, struct bytes owner, uint16_t type, struct answer *out)
{
    enum rsm_status status = RSM_NOT_FOUND;
    if (type != 0)
        status = find_live(kv, out, owner, type);
    if (status == RSM_OK)
        decide(out, ANSWER_DATA, owner, type);
    if (status != RSM_NOT_FOUND)
        return status;
    status = find_live(kv, out, owner, RR_TYPE_CNAME);
    if (status == RSM_OK)
        decide(out, ANSWER_CNAME, owner, RR_TYPE_CNAME);
    if (status == RSM_NOT_FOUND)
        decide(out, ANSWER_NODATA, owner, 0);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static enum rsm_status say_missing(struct kv *kv, struct bytes name, uint16_t type,
                                   struct answer *out)
{
    uint8_t buffer[LIMIT_NAME_SIZE + 2] = {1, '*'};
    struct bytes encloser = name;
    enum rsm_status status = RSM_NOT_FOUND;
    while (status == RSM_NOT_FOUND && encloser.size > out->zone.size) {
        encloser = parent_of(encloser);
        status = encloser.size == out->zone.size ? RSM_OK : find_any(kv, out, encloser, true);
    }
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return status;
    decide(out, ANSWER_NXDOMAIN, encloser, 0);
    memcpy(buffer + 2, encloser.data, encloser.size);
    struct bytes wildcard = bytes_make(buffer, encloser.size + 2);
    if (wildcard.size > LIMIT_NAME_SIZE)
        return RSM_OK;
    status = find_any(kv, out, wildcard, false);
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    out->is_wildcard = true;
    return say(kv, wildcard, type, out);
}

enum rsm_status answer_step(struct kv *kv, struct bytes name, uint16_t type, struct answer *out)
{
    struct zone_record row;
    *out = (struct answer){.kind = ANSWER_ELSEWHERE};
    enum rsm_status status = find_zone(kv, name, out, &row);
    if (status == RSM_OK && type == TYPE_DS && out->zone.size == name.size && name.size > 1) {
        struct answer above = {.kind = ANSWER_ELSEWHERE};
        status = find_zone(kv, parent_of(name), &above, &row);
        if (status == RSM_OK)
            *out = above;
        else if (status == RSM_NOT_FOUND)
            status = find_zone(kv, name, out, &row);
    }
    if (status == RSM_OK)
        status = walk_down(kv, name, type, &row, out);
    else
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    if (status != RSM_NOT_FOUND)
        return status;
    status = find_any(kv, out, name, false);
    if (status == RSM_OK)
        return say(kv, name, type, out);
    if (status == RSM_NOT_FOUND)
        status = find_any(kv, out, name, true);
    if (status == RSM_OK) {
        decide(out, ANSWER_NODATA, name, 0);
        out->is_empty = true;
    }
    return status == RSM_NOT_FOUND ? say_missing(kv, name, type, out) : status;
}

enum rsm_status answer_next(struct kv *kv, const struct answer *step, struct bytes name,
                            uint8_t out[LIMIT_NAME_SIZE], struct bytes *next_out)
{
    struct rrset_record record;
    struct bytes target;
    if (step->kind != ANSWER_CNAME && step->kind != ANSWER_DNAME)
        return RSM_NOT_FOUND;
    enum rsm_status status = rrset_load(kv, step->zone_id, step->owner, step->type, &record);
    if (status != RSM_OK)
        return status;
    struct bytes rdatas = record.rdatas;
    if (!rrset_rdata_next(&rdatas, &target) || target.size > LIMIT_NAME_SIZE)
        return RSM_DAMAGED;
    size_t head = step->kind == ANSWER_DNAME ? name.size - step->owner.size : 0;
    uint8_t buffer[2 * LIMIT_NAME_SIZE]; /* `out` may hold the name */
    memcpy(buffer, name.data, head);
    memcpy(buffer + head, target.data, target.size);
    if (head + target.size > LIMIT_NAME_SIZE)
        return RSM_NOT_FOUND;
    memcpy(out, buffer, head + target.size);
    *next_out = bytes_make(out, head + target.size);
    return RSM_OK;
}
