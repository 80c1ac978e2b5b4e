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
        case RSM_SETTING_PUBLISH_MS:
            set_publish_ms(row, item.value);
            break;
        }
    }
}

static bool is_same(const struct zone_record *a, const struct zone_record *b)
{
    return a->has_publish_ms == b->has_publish_ms && a->publish_ms == b->publish_ms;
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
    zone_write(j, body.zone, &row);
    object_write(j, OBJECT_SETTINGS, body.zone);
    pack_map(&j->m->result, 1);
    pack_text(&j->m->result, "serial");
    pack_uint(&j->m->result, row.serial);
}
