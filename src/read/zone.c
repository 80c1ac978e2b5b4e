/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zone.c - reads of zones and record sets.
 *
 * Lists come in pages: at most `limit` items and about PAGE_BYTES; "next" is what to hand in as
 * `after` for the page behind, nil at the end. Items are packed apart first, since an array's
 * header says their number.
 */
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/machine/logtable.h"
#include "src/machine/policy.h"
#include "src/read/read.h"
#include "src/read/render.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "src/rr/zonefile.h"

/* Where a page of a history ended: slot and index of a version. */
#define HISTORY_PLACE_SIZE 10

/* -------------------------------------------------------------------------------------------- */
/* Zones. */

/* With who set them last, for whoever sets them next. */
static void pack_settings(struct writer *out, const struct zone_record *record,
                          const struct version *version)
{
    pack_key(out, "settings");
    uint32_t extra = record->has_publish_ms ? 1 : 0;
    pack_map(out, 4 + extra);
    pack_number(out, rsm_setting_text(RSM_SETTING_CATALOG), record->is_catalog);
    pack_number(out, rsm_setting_text(RSM_SETTING_LISTED), !record->is_unlisted);
    if (record->has_publish_ms)
        pack_number(out, rsm_setting_text(RSM_SETTING_PUBLISH_MS), record->publish_ms);
    pack_number(out, rsm_setting_text(RSM_SETTING_ZONEMD), record->has_zonemd);
    pack_key(out, "version");
    pack_version(out, version);
}

static void pack_zone(struct call *call, struct writer *out, struct bytes zone,
                      const struct zone_record *record)
{
    struct version version = {.counter = 0};
    pack_map(out, 12);
    pack_name_fields(out, "zone", "zone_wire", zone);
    pack_number(out, "serial", record->serial);
    pack_number(out, "id", record->id);
    pack_number(out, "created_slot", record->created_slot);
    pack_number(out, "rrsets", record->rrset_count);
    pack_number(out, "records", record->record_count);
    pack_key(out, "content");
    pack_version(out, &record->content);
    pack_key(out, "writer");
    pack_version(out, &record->writer);
    pack_key(out, "labels");
    if (record->labels.size > 0)
        pack_raw(out, record->labels);
    else
        pack_map(out, 0);
    (void)query_object(call->kv, OBJECT_SETTINGS, zone, &version);
    pack_settings(out, record, &version);
    version.counter = 0;
    (void)query_object(call->kv, OBJECT_LABELS, zone, &version);
    pack_key(out, "labels_version");
    pack_version(out, &version);
}

enum rsm_status read_zone_get(struct call *call, struct writer *out)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes zone;
    struct zone_record record;
    enum rsm_status status = param_name(call, "the zone", buffer, &zone);
    if (status == RSM_OK)
        status = query_zone(call->kv, zone, call->at, &record);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "there is no such zone");
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 1);
    pack_key(out, "zone");
    pack_zone(call, out, zone, &record);
    return RSM_OK;
}

/* Also of a zone that was deleted: whoever makes it again has to have seen that. */
enum rsm_status read_zone_writer(struct call *call, struct writer *out)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes zone;
    struct version version = {.counter = 0};
    enum rsm_status status = param_name(call, "the zone", buffer, &zone);
    if (status == RSM_OK)
        status = query_object(call->kv, OBJECT_ZONE, zone, &version);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "there never was such a zone");
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 1);
    pack_key(out, "writer");
    pack_version(out, &version);
    return RSM_OK;
}

enum rsm_status read_zone_list(struct call *call, struct writer *out)
{
    struct query_zones *q = mem_alloc(sizeof *q);
    struct page page;
    uint8_t last[LIMIT_NAME_SIZE];
    size_t last_size = 0;
    enum rsm_status status;
    q->slot = call->at;
    set_key(&q->place, option_after(call, LIMIT_NAME_SIZE));
    page_begin(call, &page);
    while ((status = query_zone_next(call->kv, q)) == RSM_OK) {
        if (!page_has_room(&page))
            break;
        pack_zone(call, &page.items, q->zone, &q->record);
        last_size = q->zone.size;
        memcpy(last, q->zone.data, last_size);
    }
    mem_free(q);
    page_end(call, out, "zones", &page, bytes_make(last, last_size));
    return status == RSM_NOT_FOUND || status == RSM_OK ? RSM_OK : status;
}

/* -------------------------------------------------------------------------------------------- */
/* Record sets. */

enum rsm_status read_rrset_get(struct call *call, struct writer *out)
{
    uint8_t zone_buffer[LIMIT_NAME_SIZE];
    uint8_t owner_buffer[LIMIT_NAME_SIZE];
    struct bytes zone, owner;
    uint16_t type = 0;
    struct kv *kv = call->kv;
    struct query_rrset *found = mem_alloc(sizeof *found);
    enum rsm_status status = param_name(call, "the zone", zone_buffer, &zone);
    if (status == RSM_OK)
        status = param_name(call, "the owner", owner_buffer, &owner);
    if (status == RSM_OK)
        status = param_type(call, "the type", &type);
    if (status == RSM_OK)
        status = query_rrset(kv, zone, owner, type, call->at, found);
    /* What was deleted has a version as well, which the next writer must have seen. */
    bool gone = status == RSM_NOT_FOUND && found->record.version.counter > 0;
    if (status == RSM_OK || gone) {
        result_begin(call, out, 2);
        pack_key(out, "rrset");
        if (gone)
            pack_nil(out);
        else
            pack_rrset(out, owner, type, found->slot, &found->record);
        pack_key(out, "version");
        pack_version(out, &found->record.version);
        status = RSM_OK;
    } else if (status == RSM_NOT_FOUND) {
        status = call_fail(call, status, "there is no such record set");
    }
    mem_free(found);
    return status;
}

/* `after` of rrset.list: the owner's wire form, then the type in two bytes. */
static void resume_rrsets(struct call *call, struct query_rrsets *q)
{
    struct bytes after = option_after(call, LIMIT_NAME_SIZE + 2);
    if (after.size < 3)
        return;
    struct bytes owner = bytes_make(after.data, after.size - 2);
    if (name_check(owner))
        query_rrset_after(call->kv, q, owner, get_u16(after.data + owner.size));
}

enum rsm_status read_rrset_list(struct call *call, struct writer *out)
{
    uint8_t zone_buffer[LIMIT_NAME_SIZE], owner_buffer[LIMIT_NAME_SIZE];
    uint8_t last[LIMIT_NAME_SIZE + 2];
    size_t last_size = 0;
    struct bytes zone, only;
    struct zone_record record;
    struct page page;
    struct kv *kv = call->kv;
    enum rsm_status status = param_name(call, "the zone", zone_buffer, &zone);
    if (status == RSM_OK)
        status = query_zone(kv, zone, call->at, &record);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "there is no such zone");
    if (status != RSM_OK)
        return status;
    struct query_rrsets *q = mem_alloc(sizeof *q);
    q->zone = zone;
    q->slot = call->at;
    if (call->options.size > 0 && unpack_find_octets(call->options, "owner", &only)) {
        char text[NAME_TEXT_MAX + 1] = {0};
        memcpy(text, only.data, only.size < NAME_TEXT_MAX ? only.size : NAME_TEXT_MAX);
        if (name_from_text(text, (struct bytes){NULL, 0}, owner_buffer, &q->only_owner) != RSM_OK) {
            mem_free(q);
            return call_fail(call, RSM_BAD_PARAMS, "owner is no domain name");
        }
    }
    resume_rrsets(call, q);
    page_begin(call, &page);
    while ((status = query_rrset_next(kv, q)) == RSM_OK) {
        if (!page_has_room(&page))
            break;
        pack_rrset(&page.items, q->item.owner, q->item.type, q->item.slot, &q->item.record);
        last_size = q->item.owner.size + 2;
        memcpy(last, q->item.owner.data, q->item.owner.size);
        put_u16(last + q->item.owner.size, q->item.type);
    }
    mem_free(q);
    page_end(call, out, "rrsets", &page, bytes_make(last, last_size));
    return status == RSM_NOT_FOUND || status == RSM_OK ? RSM_OK : status;
}

enum rsm_status read_rrset_history(struct call *call, struct writer *out)
{
    uint8_t zone_buffer[LIMIT_NAME_SIZE], owner_buffer[LIMIT_NAME_SIZE];
    struct page page;
    uint8_t next[HISTORY_PLACE_SIZE] = {0};
    struct query_history *q = mem_alloc(sizeof *q);
    enum rsm_status status = param_name(call, "the zone", zone_buffer, &q->zone);
    if (status == RSM_OK)
        status = param_name(call, "the owner", owner_buffer, &q->owner);
    if (status == RSM_OK)
        status = param_type(call, "the type", &q->type);
    if (status != RSM_OK) {
        mem_free(q);
        return status;
    }
    struct bytes after = option_after(call, HISTORY_PLACE_SIZE);
    if (after.size == HISTORY_PLACE_SIZE) {
        q->before_slot = get_u64(after.data);
        q->before_index = get_u16(after.data + 8);
    } else if (call->at != QUERY_NOW) {
        q->before_slot = call->at + 1;
    }
    page_begin(call, &page);
    while ((status = query_history_next(call->kv, q)) == RSM_OK) {
        if (!page_has_room(&page))
            break;
        pack_rrset(&page.items, q->owner, q->type, q->slot, &q->record);
        put_u64(next, q->slot);
        put_u16(next + 8, (uint16_t)q->index);
    }
    mem_free(q);
    page_end(call, out, "versions", &page, bytes_make(next, sizeof next));
    return status == RSM_NOT_FOUND || status == RSM_OK ? RSM_OK : status;
}
