/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_settings.c - zone.set: how a zone is served. Its settings have a last writer of their own,
 * so that who works on the zone's content needs to know nothing of them, and the other way round.
 */
#include "src/machine/judge.h"

#include <inttypes.h>

#include "src/base/check.h"
#include "src/command/body_setting.h"
#include "src/command/pack.h"
#include "src/machine/catalog.h"

static void set_publish_ms(struct zone_record *row, uint64_t value)
{
    row->has_publish_ms = value != RSM_PUBLISH_POLICY;
    row->publish_ms = row->has_publish_ms ? (uint32_t)value : 0;
}

static void set_all(struct zone_record *row, struct body_walk settings)
{
    struct body_setting item;
    while (body_next_setting(&settings, &item)) {
        switch (item.setting) {
        case RSM_SETTING_CATALOG:
            row->is_catalog = item.value == 1;
            break;
        case RSM_SETTING_LISTED:
            row->is_unlisted = item.value == 0;
            break;
        case RSM_SETTING_PUBLISH_MS:
            set_publish_ms(row, item.value);
            break;
        case RSM_SETTING_ZONEMD:
            row->has_zonemd = item.value == 1;
            break;
        }
    }
}

static bool is_same(const struct zone_record *a, const struct zone_record *b)
{
    return a->has_publish_ms == b->has_publish_ms && a->publish_ms == b->publish_ms &&
           a->is_catalog == b->is_catalog && a->is_unlisted == b->is_unlisted &&
           a->has_zonemd == b->has_zonemd;
}

/* What the settings mean for the catalog. */
static void follow_catalog(struct judge *j, struct bytes zone, const struct zone_record *before,
                           struct zone_record *row)
{
    if (row->is_catalog && !before->is_catalog)
        catalog_begin(j, zone, row);
    if (!row->is_catalog && before->is_catalog)
        catalog_end(j);
    if (before->is_unlisted && !row->is_unlisted)
        catalog_join(j, zone, row);
    if (!before->is_unlisted && row->is_unlisted)
        catalog_leave(j, zone, before);
}

/*
 * What is served is another zone from here on: a new serial, about which the SOA's set is. The
 * digest itself is nowhere in the state: it follows from what is (src/dns/zone_digest.h).
 */
static void follow_zonemd(struct judge *j, struct bytes zone, struct zone_record *row)
{
    struct rrset_record own;
    struct key soa, key;
    char words[WORDS_SIZE];
    (void)words_object(OBJECT_ZONE, zone, words);
    if (row->has_zonemd && judge_found(j, rrset_load(j->kv, row->id, zone, RR_TYPE_ZONEMD, &own)) &&
        !own.deleted)
        judge_refuse(j, RSM_RULE_TYPE_FORBIDDEN,
                     "%s has a ZONEMD record of its own at its apex; delete that first", words);
    if (row->serial == UINT32_MAX)
        judge_refuse(j, RSM_RULE_SERIAL_RANGE, "%s: serial %" PRIu32 " is the last one", words,
                     row->serial);
    else
        row->serial++;
    row->content = judge_version(j);
    if (key_rrset(&soa, row->id, zone, RR_TYPE_SOA)) {
        key_change(&key, j->slot, j->index, key_bytes(&soa));
        judge_put(j, TABLE_CHANGE, key_bytes(&key), zone);
    }
}

void kind_zone_set(struct judge *j)
{
    struct body_zone_set body;
    struct zone_record row;
    char words[WORDS_SIZE];
    enum rsm_status status = body_zone_set_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    rule_rights_zone(j, body.zone);
    rule_freeze(j, body.zone);
    rule_causal_object(j, OBJECT_ZONE, body.zone, NULL);
    rule_causal_object(j, OBJECT_SETTINGS, body.zone, NULL);
    if (!zone_copy(j, body.zone, &row)) {
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    judge_touch(j, body.zone, row.labels);
    struct zone_record before = row;
    set_all(&row, body.settings);
    if (is_same(&before, &row))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "the %s are so already",
                     words_object(OBJECT_SETTINGS, body.zone, words));
    follow_catalog(j, body.zone, &before, &row);
    if (before.has_zonemd != row.has_zonemd)
        follow_zonemd(j, body.zone, &row);
    zone_write(j, body.zone, &row);
    object_write(j, OBJECT_SETTINGS, body.zone);
    pack_map(&j->m->result, 1);
    pack_text(&j->m->result, "serial");
    pack_uint(&j->m->result, row.serial);
}

/* The zone's class, and the policy that it is under, are those by its labels before. */
void kind_zone_label(struct judge *j)
{
    struct body_zone body;
    struct zone_record row;
    char words[WORDS_SIZE];
    enum rsm_status status = body_zone_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    rule_rights_zone(j, body.zone);
    rule_freeze(j, body.zone);
    rule_causal_object(j, OBJECT_ZONE, body.zone, NULL);
    rule_causal_object(j, OBJECT_LABELS, body.zone, NULL);
    if (!zone_copy(j, body.zone, &row)) {
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    judge_touch(j, body.zone, row.labels);
    struct bytes labels = bytes_make(body.labels.cursor.data, body.labels.cursor.size);
    if (bytes_equal(labels, row.labels))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "the %s are so already",
                     words_object(OBJECT_LABELS, body.zone, words));
    row.labels = labels;
    zone_write(j, body.zone, &row);
    object_write(j, OBJECT_LABELS, body.zone);
    pack_map(&j->m->result, 1);
    pack_text(&j->m->result, "serial");
    pack_uint(&j->m->result, row.serial);
}
