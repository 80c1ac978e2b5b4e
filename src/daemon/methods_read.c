/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods_read.c - reads of zones, record sets, outcomes and clocks.
 *
 * Lists come in pages: at most `limit` items and about PAGE_BYTES; "next" is what to hand in as
 * `after` for the page behind, nil at the end. Items are packed apart first, since an array's
 * header says their number.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/daemon/methods_internal.h"
#include "src/machine/logtable.h"
#include "src/machine/policy.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "src/rr/zonefile.h"

/* -------------------------------------------------------------------------------------------- */
/* Authors. */

enum rsm_status read_clock(struct call *call, struct writer *out)
{
    struct bytes author;
    struct query_clock clock;
    enum rsm_status status = param_text(call, "the author", &author);
    if (status == RSM_OK && (author.size == 0 || author.size > LIMIT_PRINCIPAL_SIZE))
        status = call_fail(call, RSM_BAD_PARAMS, "no author has such a name");
    if (status == RSM_OK)
        status = query_clock(node_state(call->m->node), author, &clock);
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 4);
    pack_key(out, "cluster_id");
    pack_bin(out, bytes_make(call->m->genesis->cluster_id, CLUSTER_ID_SIZE));
    pack_key(out, "counter");
    pack_uint(out, clock.counter);
    pack_key(out, "lamport");
    pack_uint(out, clock.lamport);
    pack_key(out, "lamport_highest");
    pack_uint(out, clock.lamport_highest);
    return RSM_OK;
}

/* outcome digest, or outcome author counter */
enum rsm_status find_outcome(struct call *call, uint64_t *slot_out, uint32_t *index_out,
                             struct verdict *out)
{
    struct kv *kv = node_state(call->m->node);
    struct bytes first;
    struct event_record event;
    const uint8_t *digest;
    enum rsm_status status = param_text(call, "the digest or the author", &first);
    if (status != RSM_OK)
        return status;
    if (call->param_count == 2) {
        uint64_t counter;
        status = param_uint(call, "the counter", &counter);
        if (status == RSM_OK && (first.size == 0 || first.size > LIMIT_PRINCIPAL_SIZE))
            status = call_fail(call, RSM_BAD_PARAMS, "no author has such a name");
        if (status == RSM_OK)
            status = query_event(kv, first, counter, &event);
        if (status == RSM_NOT_FOUND)
            return call_fail(call, status, "no command with that counter was applied");
        if (status != RSM_OK)
            return status;
        digest = event.digest;
    } else if (first.size == HASH_SIZE) {
        digest = first.data;
    } else {
        return call_fail(call, RSM_BAD_PARAMS, "a command's digest has 32 bytes");
    }
    status = query_outcome(kv, digest, slot_out, index_out, out);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "no command with that digest has a verdict");
    return status;
}

/* No slot that is applied here has it: on its way, or not known at all. */
static enum rsm_status read_on_its_way(struct call *call, struct writer *out)
{
    struct unpack params = unpack_make(call->request->params);
    (void)unpack_array(&params);
    struct bytes first = unpack_octets(&params, LIMIT_PRINCIPAL_SIZE);
    uint64_t counter = call->param_count == 2 ? unpack_uint(&params) : 0;
    uint8_t digest[HASH_SIZE];
    enum change_state state = node_change_state(call->m->node, first, counter, digest);
    if (state == 0)
        return RSM_NOT_FOUND;
    call->text[0] = '\0';
    result_begin(call, out, 3);
    pack_key(out, "index");
    pack_uint(out, 0);
    pack_key(out, "verdicts");
    pack_array(out, 0);
    pack_key(out, "change");
    return pack_change(node_state(call->m->node), out, digest, 0, state);
}

enum rsm_status read_outcome(struct call *call, struct writer *out)
{
    struct log_verdict row;
    uint64_t slot;
    uint32_t index;
    struct verdict verdict;
    uint8_t digest[HASH_SIZE];
    enum rsm_status status = find_outcome(call, &slot, &index, &verdict);
    if (status == RSM_NOT_FOUND)
        return read_on_its_way(call, out);
    if (status != RSM_OK)
        return status;
    enum change_state state = verdict.kind == VERDICT_REFUSED ? CHANGE_REFUSED : CHANGE_LIVE;
    memcpy(digest, verdict.digest, HASH_SIZE);
    status = log_get_verdict(node_state(call->m->node), slot, &row);
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 3);
    pack_key(out, "index");
    pack_uint(out, index);
    pack_key(out, "verdicts");
    pack_verdicts(out, slot, row.verdicts);
    pack_key(out, "change");
    return pack_change(node_state(call->m->node), out, digest, slot, state);
}

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
    pack_key(out, "serial");
    pack_uint(out, record->serial);
    pack_key(out, "id");
    pack_uint(out, record->id);
    pack_key(out, "created_slot");
    pack_uint(out, record->created_slot);
    pack_key(out, "rrsets");
    pack_uint(out, record->rrset_count);
    pack_key(out, "records");
    pack_uint(out, record->record_count);
    pack_key(out, "content");
    pack_version(out, &record->content);
    pack_key(out, "writer");
    pack_version(out, &record->writer);
    pack_key(out, "labels");
    if (record->labels.size > 0)
        pack_raw(out, record->labels);
    else
        pack_map(out, 0);
    (void)query_object(node_state(call->m->node), OBJECT_SETTINGS, zone, &version);
    pack_settings(out, record, &version);
    version.counter = 0;
    (void)query_object(node_state(call->m->node), OBJECT_LABELS, zone, &version);
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
        status = query_zone(node_state(call->m->node), zone, call->at, &record);
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
        status = query_object(node_state(call->m->node), OBJECT_ZONE, zone, &version);
    if (status == RSM_NOT_FOUND)
        return call_fail(call, status, "there never was such a zone");
    if (status != RSM_OK)
        return status;
    result_begin(call, out, 1);
    pack_key(out, "writer");
    pack_version(out, &version);
    return RSM_OK;
}

void page_begin(struct call *call, struct page *page)
{
    *page = (struct page){.limit = option_limit(call)};
    writer_init(&page->items, LIMIT_ANSWER_SIZE);
}

bool page_has_room(struct page *page)
{
    page->full = page->count >= page->limit || page->items.size >= PAGE_BYTES;
    if (!page->full)
        page->count++;
    return !page->full;
}

void page_end(struct call *call, struct writer *out, const char *name, struct page *page,
              struct bytes next)
{
    result_begin(call, out, 2);
    pack_key(out, name);
    pack_array(out, page->count);
    writer_bytes(out, writer_result(&page->items));
    pack_key(out, "next");
    if (page->full)
        pack_bin(out, next);
    else
        pack_nil(out);
    if (page->items.failed)
        out->failed = true;
    writer_deinit(&page->items);
}

struct bytes option_after(const struct call *call, size_t size_max)
{
    struct bytes after = {NULL, 0};
    if (call->options.size > 0 && unpack_find_octets(call->options, "after", &after) &&
        after.size > size_max)
        after.size = 0;
    return after;
}

void set_key(struct key *key, struct bytes bytes)
{
    key->size = bytes.size;
    if (bytes.size > 0)
        memcpy(key->data, bytes.data, bytes.size);
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
    while ((status = query_zone_next(node_state(call->m->node), q)) == RSM_OK) {
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
    struct kv *kv = node_state(call->m->node);
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
        query_rrset_after(node_state(call->m->node), q, owner, get_u16(after.data + owner.size));
}

enum rsm_status read_rrset_list(struct call *call, struct writer *out)
{
    uint8_t zone_buffer[LIMIT_NAME_SIZE], owner_buffer[LIMIT_NAME_SIZE];
    uint8_t last[LIMIT_NAME_SIZE + 2];
    size_t last_size = 0;
    struct bytes zone, only;
    struct zone_record record;
    struct page page;
    struct kv *kv = node_state(call->m->node);
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
    uint64_t before = 0;
    uint8_t next[8];
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
    struct bytes after = option_after(call, 8);
    if (after.size == 8)
        q->before_slot = get_u64(after.data);
    page_begin(call, &page);
    while ((status = query_history_next(node_state(call->m->node), q)) == RSM_OK) {
        if (!page_has_room(&page))
            break;
        pack_rrset(&page.items, q->owner, q->type, q->slot, &q->record);
        before = q->slot;
    }
    mem_free(q);
    put_u64(next, before);
    page_end(call, out, "versions", &page, bytes_make(next, sizeof next));
    return status == RSM_NOT_FOUND || status == RSM_OK ? RSM_OK : status;
}

/* -------------------------------------------------------------------------------------------- */
/* Text to record sets, for clients that have no DNS library: parses only, changes nothing. */

static enum rsm_status fail_parse(struct call *call, const struct zonefile *z)
{
    if (z->error_count == 0)
        return call_fail(call, RSM_TOO_LARGE, "the text is too large");
    return call_fail(call, RSM_BAD_PARAMS, "line %llu: %s (%llu errors)",
                     (unsigned long long)z->errors[0].line, z->errors[0].text,
                     (unsigned long long)z->error_count);
}

enum rsm_status read_rr_parse(struct call *call, struct writer *out)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes origin, text;
    struct zonefile z;
    enum rsm_status status = param_name(call, "the origin", buffer, &origin);
    if (status == RSM_OK)
        status = param_text(call, "the text", &text);
    if (status != RSM_OK)
        return status;
    status = zonefile_parse(text, origin, 3600, &z);
    if (status == RSM_OK) {
        /* [[owner, type, ttl, rdatas]...]: what a command's body takes as `changes`. */
        pack_map(out, 1);
        pack_key(out, "changes");
        pack_array(out, (uint32_t)z.rrset_count);
        for (size_t i = 0; i < z.rrset_count; i++) {
            const struct zonefile_rrset *set = &z.rrsets[i];
            pack_array(out, 4);
            pack_bin(out, set->owner);
            pack_uint(out, set->type);
            pack_uint(out, set->ttl);
            pack_array(out, set->count);
            for (uint32_t k = 0; k < set->count; k++)
                pack_bin(out, set->rdatas[k]);
        }
    } else {
        status = fail_parse(call, &z);
    }
    zonefile_free(&z);
    return status;
}
