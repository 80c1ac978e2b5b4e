/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_zone.c - zones: made with their first content, and deleted whole.
 *
 * A zone has an id of its own for each of its lives; its record sets and their history are under
 * the id. What outlives it is the serial floor by its name: a zone that is made again begins above
 * every serial it ever had, so that secondaries do not get stuck on a lower one.
 */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/catalog.h"

/* A new zone's id; it is used only if the command is applied. */
static uint64_t zone_next_id(struct judge *j)
{
    struct bytes value;
    uint64_t id = 0;
    if (judge_found(j, kv_get(j->kv, TABLE_META, bytes_of_string(META_ZONE_ID), &value))) {
        if (value.size == 8)
            id = get_u64(value.data);
        else
            j->fault = RSM_DAMAGED;
    }
    uint8_t next[8];
    put_u64(next, id + 1);
    judge_put(j, TABLE_META, bytes_of_string(META_ZONE_ID), bytes_make(next, sizeof next));
    return id + 1;
}

bool zone_copy(struct judge *j, struct bytes zone, struct zone_record *out)
{
    struct bytes value;
    if (!judge_found(j, kv_get(j->kv, TABLE_ZONE, zone, &value)))
        return false;
    writer_reset(&j->m->copy);
    writer_bytes(&j->m->copy, value);
    CHECK(!j->m->copy.failed);
    return judge_found(j, zone_decode(writer_result(&j->m->copy), out));
}

void zone_write(struct judge *j, struct bytes zone, const struct zone_record *row)
{
    struct zone_record record = *row;
    struct writer *value = &j->m->value;
    record.writer = judge_version(j);
    writer_reset(value);
    zone_encode(value, &record);
    if (record.deleted)
        judge_del(j, TABLE_ZONE, zone);
    else
        judge_put_writer(j, TABLE_ZONE, zone, value);
    struct key key;
    key_zone_version(&key, zone, j->slot, j->index);
    judge_put_writer(j, TABLE_ZONE_VERSION, key_bytes(&key), value);
}

static uint32_t serial_floor(struct judge *j, struct bytes zone)
{
    struct bytes value;
    if (!judge_found(j, memo_has_rows(j->m->memo, j->kv, TABLE_SERIAL)) ||
        !judge_found(j, kv_get(j->kv, TABLE_SERIAL, zone, &value)))
        return 0;
    if (value.size != 4) {
        j->fault = RSM_DAMAGED;
        return 0;
    }
    return get_u32(value.data);
}

static void add_changes(struct judge *j, struct body_walk walk)
{
    struct body_change change;
    while (body_next_change(&walk, &change))
        changes_add(j, &change, false);
}

/* {"changed": sets written, "serial": n} */
static void add_result(struct judge *j, const struct zone_record *row)
{
    const struct changes *all = &j->m->changes;
    uint64_t written = 0;
    for (size_t i = 0; i < all->count; i++)
        written += all->items[i].is_written ? 1 : 0;
    pack_map(&j->m->result, 2);
    pack_text(&j->m->result, "changed");
    pack_uint(&j->m->result, written);
    pack_text(&j->m->result, "serial");
    pack_uint(&j->m->result, row->serial);
}

static struct body_zone decode(struct judge *j)
{
    struct body_zone body;
    enum rsm_status status = body_zone_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    return body;
}

void kind_zone_create(struct judge *j)
{
    struct body_zone body = decode(j);
    char words[WORDS_SIZE];
    struct zone_record old;
    rule_rights_zone(j, body.zone);
    rule_freeze(j, body.zone);
    rule_causal_object(j, OBJECT_ZONE, body.zone, NULL);
    if (judge_found(j, zone_load(j->kv, body.zone, &old)))
        judge_refuse(j, RSM_RULE_ZONE_EXISTS, "%s is there since slot %llu",
                     words_object(OBJECT_ZONE, body.zone, words),
                     (unsigned long long)old.created_slot);
    struct zone_record row = {.id = zone_next_id(j),
                              .created_slot = j->slot,
                              .labels =
                                  bytes_make(body.labels.cursor.data, body.labels.cursor.size)};
    struct change_context context = {.zone = body.zone,
                                     .row = &row,
                                     .is_new_zone = true,
                                     .serial_floor = serial_floor(j, body.zone)};
    judge_touch(j, body.zone, row.labels);
    add_changes(j, body.changes);
    changes_make(j, &context);
    object_write(j, OBJECT_ZONE, body.zone);
    catalog_join(j, body.zone, &row);
    add_result(j, &row);
}

void kind_rrset_change(struct judge *j)
{
    struct body_zone body = decode(j);
    char words[WORDS_SIZE];
    struct zone_record row;
    add_changes(j, body.changes);
    rule_rights_changes(j, body.zone);
    rule_freeze(j, body.zone);
    if (!zone_copy(j, body.zone, &row)) {
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    judge_touch(j, body.zone, row.labels);
    struct change_context context = {
        .zone = body.zone, .row = &row, .serial_floor = serial_floor(j, body.zone)};
    changes_make(j, &context);
    add_result(j, &row);
}

/* Takes all rows of the zone's record sets away; their versions stay. */
static void delete_sets(struct judge *j, uint64_t zone_id)
{
    struct key prefix, place;
    struct bytes key, value;
    key_zone_id(&prefix, zone_id);
    place = prefix;
    while (judge_found(j, kv_next(j->kv, TABLE_RRSET, key_bytes(&place), place.size > prefix.size,
                                  &key, &value))) {
        struct rrset_record record;
        struct rrset_key parts;
        uint8_t owner[LIMIT_NAME_SIZE];
        if (!key_begins_with(key, key_bytes(&prefix)) ||
            !judge_found(j, rrset_decode(value, &record)))
            return;
        CHECK(key.size <= sizeof place.data);
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        if (!record.deleted) {
            rule_owner_of_key(j, &record, key_bytes(&place));
            live_set(j, record.plan, record.generation, key_bytes(&place), false);
        }
        judge_del(j, TABLE_FLIP, key_bytes(&place));
        judge_del(j, TABLE_ABSENT, key_bytes(&place));
        if (key_parse_rrset(key_bytes(&place), owner, &parts))
            rule_graph_drop(j, zone_id, parts.owner, parts.type);
        judge_del(j, TABLE_RRSET, key_bytes(&place));
    }
}

void kind_zone_delete(struct judge *j)
{
    struct body_zone body = decode(j);
    char words[WORDS_SIZE];
    struct zone_record row;
    rule_rights_zone(j, body.zone);
    rule_freeze(j, body.zone);
    rule_causal_object(j, OBJECT_ZONE, body.zone, NULL);
    if (!zone_copy(j, body.zone, &row)) {
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    judge_touch(j, body.zone, row.labels);
    rule_causal_version(j, &row.content, words_object(OBJECT_ZONE, body.zone, words));
    rule_floor_zone(j, body.zone, row.id);
    rule_absent_zone(j, body.zone);
    rule_impact_zone(j, body.zone, &row);
    uint8_t floor[4];
    put_u32(floor, row.serial);
    judge_put(j, TABLE_SERIAL, body.zone, bytes_make(floor, sizeof floor));
    delete_sets(j, row.id);
    j->m->changes.gone = row.rrset_count;
    rule_limit(j, body.zone, &row);
    catalog_leave(j, body.zone, &row);
    row.deleted = true;
    zone_write(j, body.zone, &row);
    rule_graph_zone(j, body.zone);
    object_write(j, OBJECT_ZONE, body.zone);
    add_result(j, &row);
}
