/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer.c - a walk over the records of a transfer that can stop behind each of them.
 *
 * The place is (step, record set, records of it already sent). A record that has no room is sent
 * first in the next message: the walk goes back to before its set, and skips what was sent.
 */
#include "src/dns/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"

enum step {
    STEP_FIRST_SOA = 1,
    STEP_DIGEST,  /* whole: the ZONEMD, where there is one */
    STEP_SETS,    /* whole: all but the SOA */
    STEP_OLD_SOA, /* difference */
    STEP_OLD_DIGEST,
    STEP_GONE,    /* ... each changed set: what it had and has no more */
    STEP_NEW_SOA, /* ... */
    STEP_NEW_DIGEST,
    STEP_CAME, /* ... what it has and had not */
    STEP_LAST_SOA,
    STEP_END,
};

/* Keys of record sets, in canonical order, no one twice. */
struct changed {
    struct writer bytes; /* the keys, one after the other */
    struct place {
        uint32_t offset, size;
    } * places; /* owned */
    size_t count, capacity;
};

/* The ZONEMD of one of the two versions. */
struct digest {
    bool is_due, is_here;
    uint32_t serial;
    uint8_t rdata[ZONEMD_RDATA_SIZE];
};

struct transfer {
    uint8_t zone_buffer[LIMIT_NAME_SIZE];
    struct bytes zone;
    enum transfer_kind kind;
    uint64_t slot, old_slot;
    uint32_t serial, expire_s;
    bool is_held; /* the secondary has that serial */
    uint64_t zone_id;
    enum step step;
    uint32_t sent; /* records of the set in hand */
    struct query_rrsets sets;
    struct changed changed;
    size_t changed_next;
    uint64_t record_count;
    struct digest digest, old_digest;
};

/* -------------------------------------------------------------------------------------------- */
/* What changed. */

/* qsort has no context; the library is built for the GNU one. */
static int compare_places(const void *a, const void *b, void *context)
{
    const struct place *first = a;
    const struct place *second = b;
    const uint8_t *data = context;
    return bytes_compare(bytes_make(data + first->offset, first->size),
                         bytes_make(data + second->offset, second->size));
}

static void add_changed(struct changed *c, struct bytes key)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity == 0 ? 64 : 2 * c->capacity;
        c->places = mem_realloc(c->places, c->capacity * sizeof *c->places);
    }
    c->places[c->count++] = (struct place){(uint32_t)c->bytes.size, (uint32_t)key.size};
    writer_bytes(&c->bytes, key);
}

static struct bytes changed_at(const struct changed *c, size_t index)
{
    return bytes_make(c->bytes.data + c->places[index].offset, c->places[index].size);
}

static void sort_changed(struct changed *c)
{
    size_t kept = 0;
    if (c->count == 0)
        return;
    qsort_r(c->places, c->count, sizeof *c->places, compare_places, c->bytes.data);
    for (size_t i = 1; i < c->count; i++)
        if (!bytes_equal(changed_at(c, kept), changed_at(c, i)))
            c->places[++kept] = c->places[i];
    c->count = kept + 1;
}

/* False: too many, or not to be had; then it is the whole zone. */
static bool collect_changes(struct transfer *t, struct kv *kv)
{
    struct query_changes q = {.zone = t->zone, .after = t->old_slot, .slot = t->slot};
    enum rsm_status status;
    while ((status = query_change_next(kv, &q)) == RSM_OK) {
        if (t->changed.count == TRANSFER_CHANGES_MAX)
            return false;
        add_changed(&t->changed, q.rrset);
    }
    sort_changed(&t->changed);
    return status == RSM_NOT_FOUND && !t->changed.bytes.failed;
}

/* -------------------------------------------------------------------------------------------- */
/* Life. */

static void begin_whole(struct transfer *t)
{
    t->kind = TRANSFER_WHOLE;
    t->sets = (struct query_rrsets){.zone = t->zone, .slot = t->slot};
}

/* True when the secondary has what there is, or something newer (RFC 1995 2, RFC 1982). */
static bool is_current(uint32_t serial, uint32_t own)
{
    return own == serial || own - serial > UINT32_C(0x7fffffff);
}

static void want_digests(struct transfer *t, struct kv *kv, const struct zone_record *row,
                         const uint32_t *serial)
{
    struct zone_record old;
    if (t->kind == TRANSFER_CURRENT)
        return;
    t->digest.is_due = row->has_zonemd;
    t->digest.serial = row->serial;
    if (t->kind != TRANSFER_DIFFERENCE)
        return;
    t->old_digest.serial = *serial;
    t->old_digest.is_due = query_zone(kv, t->zone, t->old_slot, &old) == RSM_OK && old.has_zonemd;
}

bool transfer_wants_digest(const struct transfer *t, struct transfer_want *out)
{
    bool is_new = t->digest.is_due && !t->digest.is_here;
    if (!is_new && (!t->old_digest.is_due || t->old_digest.is_here))
        return false;
    *out = (struct transfer_want){.zone = t->zone,
                                  .zone_id = t->zone_id,
                                  .slot = is_new ? t->slot : t->old_slot,
                                  .serial = is_new ? t->digest.serial : t->old_digest.serial};
    return true;
}

void transfer_give_digest(struct transfer *t, const uint8_t rdata[ZONEMD_RDATA_SIZE])
{
    struct digest *d = t->digest.is_due && !t->digest.is_here ? &t->digest : &t->old_digest;
    memcpy(d->rdata, rdata, ZONEMD_RDATA_SIZE);
    d->is_here = true;
}

enum rsm_status transfer_begin(struct kv *kv, struct bytes zone, uint64_t slot,
                               const uint32_t *serial, struct transfer **transfer_out)
{
    struct zone_record row;
    *transfer_out = NULL;
    enum rsm_status status = query_zone(kv, zone, slot, &row);
    if (status != RSM_OK)
        return status;
    struct transfer *t = mem_alloc(sizeof *t);
    memcpy(t->zone_buffer, zone.data, zone.size);
    t->zone = bytes_make(t->zone_buffer, zone.size);
    t->slot = slot;
    t->serial = row.serial;
    t->zone_id = row.id;
    t->step = STEP_FIRST_SOA;
    writer_init(&t->changed.bytes, (size_t)TRANSFER_CHANGES_MAX * RRSET_KEY_SIZE_MAX);
    t->is_held = serial != NULL && *serial == row.serial;
    begin_whole(t);
    if (serial != NULL && is_current(*serial, row.serial))
        t->kind = TRANSFER_CURRENT;
    else if (serial != NULL &&
             query_zone_serial(kv, t->zone, *serial, slot, &t->old_slot) == RSM_OK &&
             collect_changes(t, kv) && t->changed.count <= row.rrset_count)
        t->kind = TRANSFER_DIFFERENCE;
    want_digests(t, kv, &row, serial);
    *transfer_out = t;
    return RSM_OK;
}

void transfer_free(struct transfer *t)
{
    if (t == NULL)
        return;
    writer_deinit(&t->changed.bytes);
    mem_free(t->changed.places);
    mem_free(t);
}

enum transfer_kind transfer_kind(const struct transfer *t)
{
    return t->kind;
}

uint32_t transfer_serial(const struct transfer *t)
{
    return t->serial;
}

uint32_t transfer_expire(const struct transfer *t)
{
    return t->expire_s;
}

bool transfer_is_held(const struct transfer *t)
{
    return t->is_held;
}

uint64_t transfer_record_count(const struct transfer *t)
{
    return t->record_count;
}

void transfer_shorten(struct transfer *t)
{
    t->kind = TRANSFER_CURRENT;
    t->step = STEP_FIRST_SOA;
    t->sent = 0;
}

/* -------------------------------------------------------------------------------------------- */
/* Records. */

/* What became of putting one set, or the part of it that is due. */
enum put {
    PUT_ALL = 1,
    PUT_NO_ROOM, /* t->sent says how far it came */
    PUT_ENOUGH,  /* likewise: the message is as large as it shall be */
};

static enum put put_record(struct transfer *t, struct draft *draft, struct bytes owner,
                           uint16_t type, uint32_t ttl, struct bytes rdata, uint32_t index)
{
    if (index < t->sent)
        return PUT_ALL;
    if (draft_size(draft) >= TRANSFER_MESSAGE_SIZE)
        return PUT_ENOUGH;
    if (!draft_put(draft, PACKET_ANSWER, owner, type, PACKET_CLASS_IN, ttl, rdata))
        return PUT_NO_ROOM;
    t->sent = index + 1;
    t->record_count++;
    return PUT_ALL;
}

/* The records of `set` that are not in `other` (NULL: all); both are sorted. */
static enum put put_set(struct transfer *t, struct draft *draft, const struct query_rrset *set,
                        const struct query_rrset *other)
{
    struct bytes rdatas = set->record.rdatas;
    struct bytes others = {NULL, 0};
    struct bytes rdata;
    struct bytes against = {NULL, 0};
    if (other != NULL && other->record.ttl == set->record.ttl)
        others = other->record.rdatas;
    bool has_against = rrset_rdata_next(&others, &against);
    enum put put = PUT_ALL;
    for (uint32_t i = 0; put == PUT_ALL && rrset_rdata_next(&rdatas, &rdata); i++) {
        while (has_against && rr_data_compare(against, rdata) < 0)
            has_against = rrset_rdata_next(&others, &against);
        if (has_against && bytes_equal(against, rdata))
            continue;
        put = put_record(t, draft, set->owner, set->type, set->record.ttl, rdata, i);
    }
    if (put == PUT_ALL)
        t->sent = 0;
    return put;
}

static enum rsm_status put_soa(struct transfer *t, struct kv *kv, struct draft *draft,
                               uint64_t slot, enum put *put_out)
{
    struct query_rrset soa;
    enum rsm_status status = query_rrset(kv, t->zone, t->zone, RR_TYPE_SOA, slot, &soa);
    struct bytes rdatas = soa.record.rdatas;
    struct bytes rdata;
    if (status != RSM_OK || !rrset_rdata_next(&rdatas, &rdata))
        return status;
    if (slot == t->slot)
        t->expire_s = rr_soa_expire(rdata);
    *put_out = put_set(t, draft, &soa, NULL);
    return status;
}

/* Behind the SOA whose serial it has, and with its TTL (RFC 8976 2). */
static enum rsm_status put_digest(struct transfer *t, struct kv *kv, struct draft *draft,
                                  uint64_t slot, const struct digest *d, enum put *put_out)
{
    struct query_rrset soa;
    *put_out = PUT_ALL;
    if (!d->is_due)
        return RSM_OK;
    if (!d->is_here)
        return RSM_NOT_FOUND;
    enum rsm_status status = query_rrset(kv, t->zone, t->zone, RR_TYPE_SOA, slot, &soa);
    if (status != RSM_OK)
        return status;
    *put_out = put_record(t, draft, t->zone, RR_TYPE_ZONEMD, soa.record.ttl,
                          bytes_make(d->rdata, ZONEMD_RDATA_SIZE), 0);
    if (*put_out == PUT_ALL)
        t->sent = 0;
    return RSM_OK;
}

static enum rsm_status put_next_set(struct transfer *t, struct kv *kv, struct draft *draft,
                                    bool *is_last_out, enum put *put_out)
{
    struct key before = t->sets.place;
    bool had_place = t->sets.has_place;
    bool had_started = t->sets.started;
    enum rsm_status status = query_rrset_next(kv, &t->sets);
    *is_last_out = status == RSM_NOT_FOUND;
    *put_out = PUT_ALL;
    if (status != RSM_OK)
        return *is_last_out ? RSM_OK : status;
    if (t->sets.item.type == RR_TYPE_SOA)
        return RSM_OK;
    *put_out = put_set(t, draft, &t->sets.item, NULL);
    if (*put_out != PUT_ALL) {
        t->sets.place = before;
        t->sets.has_place = had_place;
        t->sets.started = had_started;
    }
    return RSM_OK;
}

/* A changed set: what it has at one slot and has not at the other. */
static enum rsm_status put_next_change(struct transfer *t, struct kv *kv, struct draft *draft,
                                       bool *is_last_out, enum put *put_out)
{
    bool is_gone = t->step == STEP_GONE;
    uint8_t owner[LIMIT_NAME_SIZE];
    struct rrset_key parts;
    struct query_rrset here, there;
    *put_out = PUT_ALL;
    *is_last_out = t->changed_next == t->changed.count;
    if (*is_last_out)
        return RSM_OK;
    if (!key_parse_rrset(changed_at(&t->changed, t->changed_next), owner, &parts))
        return RSM_DAMAGED;
    enum rsm_status status =
        query_rrset(kv, t->zone, parts.owner, parts.type, is_gone ? t->old_slot : t->slot, &here);
    if (status == RSM_OK && parts.type != RR_TYPE_SOA) {
        status = query_rrset(kv, t->zone, parts.owner, parts.type, is_gone ? t->slot : t->old_slot,
                             &there);
        if (status == RSM_OK || status == RSM_NOT_FOUND)
            *put_out = put_set(t, draft, &here, status == RSM_OK ? &there : NULL);
    }
    if (status != RSM_OK && status != RSM_NOT_FOUND)
        return status;
    if (*put_out == PUT_ALL)
        t->changed_next++;
    return RSM_OK;
}

static enum step step_after(struct transfer *t)
{
    switch (t->step) {
    case STEP_FIRST_SOA:
        return t->kind == TRANSFER_WHOLE        ? STEP_DIGEST
               : t->kind == TRANSFER_DIFFERENCE ? STEP_OLD_SOA
                                                : STEP_END;
    case STEP_DIGEST:
        return STEP_SETS;
    case STEP_OLD_SOA:
        return STEP_OLD_DIGEST;
    case STEP_OLD_DIGEST:
        return STEP_GONE;
    case STEP_GONE:
        return STEP_NEW_SOA;
    case STEP_NEW_SOA:
        return STEP_NEW_DIGEST;
    case STEP_NEW_DIGEST:
        t->changed_next = 0;
        return STEP_CAME;
    case STEP_SETS:
    case STEP_CAME:
        return STEP_LAST_SOA;
    case STEP_LAST_SOA:
    case STEP_END:
        return STEP_END;
    }
    return STEP_END;
}

static enum rsm_status take_step(struct transfer *t, struct kv *kv, struct draft *draft,
                                 enum put *put_out)
{
    bool is_last = true;
    enum rsm_status status = RSM_OK;
    *put_out = PUT_ALL;
    switch (t->step) {
    case STEP_FIRST_SOA:
    case STEP_NEW_SOA:
    case STEP_LAST_SOA:
        status = put_soa(t, kv, draft, t->slot, put_out);
        break;
    case STEP_OLD_SOA:
        status = put_soa(t, kv, draft, t->old_slot, put_out);
        break;
    case STEP_DIGEST:
    case STEP_NEW_DIGEST:
        status = put_digest(t, kv, draft, t->slot, &t->digest, put_out);
        break;
    case STEP_OLD_DIGEST:
        status = put_digest(t, kv, draft, t->old_slot, &t->old_digest, put_out);
        break;
    case STEP_SETS:
        status = put_next_set(t, kv, draft, &is_last, put_out);
        break;
    case STEP_GONE:
    case STEP_CAME:
        status = put_next_change(t, kv, draft, &is_last, put_out);
        break;
    case STEP_END:
        break;
    }
    if (status == RSM_OK && is_last && *put_out == PUT_ALL)
        t->step = step_after(t);
    return status;
}

enum rsm_status transfer_fill(struct transfer *t, struct kv *kv, struct draft *draft,
                              bool *is_done_out)
{
    enum put put = PUT_ALL;
    enum rsm_status status = RSM_OK;
    uint64_t before = t->record_count;
    while (status == RSM_OK && put == PUT_ALL && t->step != STEP_END)
        status = take_step(t, kv, draft, &put);
    *is_done_out = t->step == STEP_END;
    if (status == RSM_OK && put == PUT_NO_ROOM && t->record_count == before)
        return RSM_TOO_LARGE;
    return status;
}
