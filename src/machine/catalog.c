/* SPDX-License-Identifier: GPL-3.0-or-later */
/* catalog.c - see catalog.h. */
#include "src/machine/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"

#define TYPE_PTR 12u
#define TYPE_TXT 16u
#define ZONES_LABEL "\5zones"
#define VERSION_LABEL "\7version"
#define LABEL_SIZE_MAX 18u /* its size, 'z', 16 digits, and the end of a text */

struct catalog {
    struct bytes zone; /* in `name` */
    struct zone_record row;
    uint8_t name[LIMIT_NAME_SIZE];
};

static bool load(struct judge *j, struct catalog *out)
{
    struct bytes name, value;
    if (!judge_found(j, kv_get(j->kv, TABLE_META, bytes_of_string(META_CATALOG), &name)))
        return false;
    CHECK(name.size <= sizeof out->name);
    memcpy(out->name, name.data, name.size);
    out->zone = bytes_make(out->name, name.size);
    if (!judge_found(j, kv_get(j->kv, TABLE_ZONE, out->zone, &value)))
        return false;
    writer_reset(&j->m->catalog);
    writer_bytes(&j->m->catalog, value);
    CHECK(!j->m->catalog.failed);
    return judge_found(j, zone_decode(writer_result(&j->m->catalog), &out->row));
}

/* ---- record sets ---- */

/* Of one record; an empty rdata deletes the set. */
static void put_set(struct judge *j, struct bytes zone, struct zone_record *row, struct bytes owner,
                    uint16_t type, struct bytes rdata)
{
    struct writer *value = &j->m->value;
    bool is_there = rdata.size > 0;
    struct rrset_record record = {.deleted = !is_there,
                                  .holder = is_there ? judge_subject(j) : (struct bytes){NULL, 0},
                                  .version = judge_version(j),
                                  .reason = j->command->reason,
                                  .rdata_count = is_there ? 1 : 0};
    struct key rrset, key;
    if (!key_rrset(&rrset, row->id, owner, type)) {
        char words[WORDS_SIZE];
        judge_refuse(j, RSM_RULE_QUOTA, "%s: too many octets 0 and 1 in the name",
                     words_rrset(owner, type, words));
        return;
    }
    writer_reset(value);
    rrset_encode(value, &record);
    if (is_there)
        rrset_rdata_encode(value, rdata);
    judge_put_writer(j, TABLE_RRSET, key_bytes(&rrset), value);
    key = rrset;
    key_add_version(&key, j->slot, j->index);
    judge_put_writer(j, TABLE_RRSET_VERSION, key_bytes(&key), value);
    key_change(&key, j->slot, j->index, key_bytes(&rrset));
    judge_put(j, TABLE_CHANGE, key_bytes(&key), zone);
    row->rrset_count += is_there ? 1 : UINT64_MAX;
    row->record_count += is_there ? 1 : UINT64_MAX;
}

/* "zID.zones.CATALOG" */
static struct bytes member_name(struct bytes catalog, uint64_t id, uint8_t out[LIMIT_NAME_SIZE])
{
    char label[LABEL_SIZE_MAX];
    size_t size = (size_t)snprintf(label, sizeof label, "z%" PRIx64, id);
    size_t zones = strlen(ZONES_LABEL);
    CHECK(1 + size + zones + catalog.size <= LIMIT_NAME_SIZE);
    out[0] = (uint8_t)size;
    memcpy(out + 1, label, size);
    memcpy(out + 1 + size, ZONES_LABEL, zones);
    memcpy(out + 1 + size + zones, catalog.data, catalog.size);
    return bytes_make(out, 1 + size + zones + catalog.size);
}

static void put_member(struct judge *j, struct bytes catalog, struct zone_record *row, uint64_t id,
                       struct bytes zone)
{
    uint8_t name[LIMIT_NAME_SIZE];
    put_set(j, catalog, row, member_name(catalog, id, name), TYPE_PTR, zone);
}

static void put_version(struct judge *j, struct bytes catalog, struct zone_record *row)
{
    uint8_t name[LIMIT_NAME_SIZE];
    size_t size = strlen(VERSION_LABEL);
    memcpy(name, VERSION_LABEL, size);
    memcpy(name + size, catalog.data, catalog.size);
    put_set(j, catalog, row, bytes_make(name, size + catalog.size), TYPE_TXT,
            bytes_of_string("\1"
                            "2"));
}

static void raise_serial(struct judge *j, struct bytes zone, struct zone_record *row)
{
    char words[WORDS_SIZE];
    if (row->serial == UINT32_MAX)
        judge_refuse(j, RSM_RULE_SERIAL_RANGE, "%s: serial %" PRIu32 " is the last one",
                     words_object(OBJECT_ZONE, zone, words), row->serial);
    else
        row->serial++;
    row->content = judge_version(j);
}

/* ---- members ---- */

void catalog_join(struct judge *j, struct bytes zone, const struct zone_record *row)
{
    struct catalog c;
    if (row->is_unlisted || row->is_catalog || !load(j, &c))
        return;
    rule_freeze(j, c.zone);
    put_member(j, c.zone, &c.row, row->id, zone);
    raise_serial(j, c.zone, &c.row);
    zone_write(j, c.zone, &c.row);
}

void catalog_leave(struct judge *j, struct bytes zone, const struct zone_record *row)
{
    struct catalog c;
    char words[WORDS_SIZE];
    if (row->is_catalog)
        judge_refuse(j, RSM_RULE_CATALOG,
                     "%s is the catalog: secondaries take from it which zones there are; make it "
                     "an ordinary zone first (zone set catalog=off)",
                     words_object(OBJECT_ZONE, zone, words));
    if (row->is_unlisted || row->is_catalog || !load(j, &c))
        return;
    j->loosens_catalog = true;
    rule_freeze(j, c.zone);
    rule_catalog_leave(j, c.zone, &c.row, zone);
    put_member(j, c.zone, &c.row, row->id, (struct bytes){NULL, 0});
    raise_serial(j, c.zone, &c.row);
    zone_write(j, c.zone, &c.row);
}

/* ---- the catalog itself ---- */

static bool may_begin(struct judge *j, struct bytes zone, const struct zone_record *row)
{
    struct bytes other;
    char words[WORDS_SIZE], others[WORDS_SIZE];
    (void)words_object(OBJECT_ZONE, zone, words);
    uint32_t before = j->m->reasons.count;
    if (judge_found(j, kv_get(j->kv, TABLE_META, bytes_of_string(META_CATALOG), &other)))
        judge_refuse(j, RSM_RULE_CATALOG, "%s is the catalog, and there is one at most",
                     words_object(OBJECT_ZONE, other, others));
    if (row->rrset_count >= CATALOG_OWN_SETS)
        judge_refuse(j, RSM_RULE_CATALOG,
                     "%s has %" PRIu64 " record sets; a catalog begins with SOA and NS alone, and "
                     "all else in it is made",
                     words, row->rrset_count);
    if (LABEL_SIZE_MAX + strlen(ZONES_LABEL) + zone.size > LIMIT_NAME_SIZE)
        judge_refuse(j, RSM_RULE_CATALOG, "%s: the name is too long for members below it", words);
    return j->m->reasons.count == before;
}

void catalog_begin(struct judge *j, struct bytes zone, struct zone_record *row)
{
    struct key place = {.size = 0};
    struct bytes key, value;
    uint32_t count = 0;
    if (!may_begin(j, zone, row))
        return;
    judge_put(j, TABLE_META, bytes_of_string(META_CATALOG), zone);
    put_version(j, zone, row);
    while (judge_found(
        j, kv_next(j->kv, TABLE_ZONE, key_bytes(&place), place.size > 0, &key, &value))) {
        struct zone_record member;
        if (!judge_found(j, zone_decode(value, &member)))
            return;
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        if (member.is_unlisted || bytes_equal(key_bytes(&place), zone))
            continue;
        put_member(j, zone, row, member.id, key_bytes(&place));
        if (++count > LIMIT_CHANGES) {
            judge_refuse(j, RSM_RULE_QUOTA, "more than %u zones become members at once",
                         LIMIT_CHANGES);
            return;
        }
    }
    raise_serial(j, zone, row);
}

void catalog_end(struct judge *j)
{
    j->loosens_catalog = true;
    judge_del(j, TABLE_META, bytes_of_string(META_CATALOG));
}
