/* SPDX-License-Identifier: GPL-3.0-or-later */
/* freeze.c - freezes, how far automata have come back, and record sets that are frozen. */
#include <string.h>

#include "src/command/body.h"
#include "src/machine/flip.h"
#include "src/machine/resume.h"
#include "src/read/read.h"
#include "src/read/render.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

#define ROWS_EXAMINED_MAX 100000u /* of watched record sets, by one call */

/* [{"az", "state", "begin_ms", "end_ms", "commands"}...]: commands of the minute that is counted.
 */
static void pack_resuming(struct writer *out, struct kv *kv, struct bytes id, uint64_t now_ms)
{
    struct key place = {.size = 0};
    struct resume_item item;
    struct bytes az;
    struct writer items;
    uint32_t count = 0;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    for (; resume_next(kv, id, &place, &az, &item) == RSM_OK; count++) {
        pack_map(&items, 5);
        pack_key(&items, "az");
        pack_str(&items, az);
        pack_key(&items, "state");
        pack_text(&items, resume_state_text(resume_state_at(&item, now_ms)));
        pack_number(&items, "begin_ms", item.begin_ms);
        pack_number(&items, "end_ms", item.end_ms);
        pack_number(&items, "commands", item.commands);
    }
    pack_key(out, "resuming");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    out->failed |= items.failed;
    writer_deinit(&items);
}

void pack_freeze(struct call *call, struct writer *out, const struct query_list *q)
{
    const struct freeze_record *f = &q->freeze;
    struct kv *kv = call->kv;
    char zone[NAME_TEXT_MAX];
    pack_key(out, "scope");
    pack_text(out, body_freeze_scope_text(f->scope));
    pack_key(out, "subject");
    if (f->scope == RSM_FREEZE_ZONE)
        pack_text(out, name_to_text(f->subject, zone));
    else
        pack_str(out, f->subject);
    pack_key(out, "everybody");
    pack_bool(out, f->everybody);
    pack_number(out, "until_ms", f->until_ms);
    pack_number(out, "set_ms", f->set_ms);
    pack_key(out, "author");
    pack_str(out, f->author);
    pack_key(out, "reason");
    pack_str(out, f->reason);
    pack_number(out, "refused", f->refused);
    pack_number(out, "trips", f->trips);
    pack_number(out, "tripped_slot", f->tripped_slot);
    pack_key(out, "trip_cause");
    pack_str(out, f->trip_cause);
    pack_resuming(out, kv, q->name, query_log_time(kv));
}

void pack_freezes(struct call *call, struct writer *out)
{
    struct kv *kv = call->kv;
    uint64_t now_ms = query_log_time(kv);
    struct query_list q = {.started = false};
    struct writer items;
    uint32_t count = 0;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    while (items.size < PAGE_BYTES && query_freeze_next(kv, &q) == RSM_OK) {
        if (q.freeze.until_ms != 0 && q.freeze.until_ms <= now_ms)
            continue;
        pack_map(&items, FREEZE_FIELDS + 1);
        pack_key(&items, "name");
        pack_str(&items, q.name);
        pack_freeze(call, &items, &q);
        count++;
    }
    pack_key(out, "freezes");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    out->failed |= items.failed;
    writer_deinit(&items);
}

/* ---- record sets ---- */

static bool pack_frozen(struct writer *out, struct bytes key, struct bytes value)
{
    struct flip_record f;
    struct rrset_key rrset;
    uint8_t owner[LIMIT_NAME_SIZE];
    char name[NAME_TEXT_MAX], type[RR_TYPE_TEXT_MAX];
    if (flip_decode(value, &f) != RSM_OK || f.frozen_slot == 0 ||
        !key_parse_rrset(key, owner, &rrset))
        return false;
    pack_map(out, 6);
    pack_key(out, "owner");
    pack_text(out, name_to_text(rrset.owner, name));
    pack_key(out, "type");
    pack_text(out, rr_type_to_text(rrset.type, type));
    pack_key(out, "author");
    pack_str(out, f.author);
    pack_key(out, "other");
    pack_str(out, f.other);
    pack_number(out, "flips", f.flips);
    pack_number(out, "slot", f.frozen_slot);
    return true;
}

enum rsm_status read_frozen_list(struct call *call, struct writer *out)
{
    struct kv *kv = call->kv;
    struct key place = {.size = 0};
    struct bytes after, key, value;
    struct writer items;
    uint32_t count = 0, examined = 0;
    uint64_t limit = option_limit(call);
    enum rsm_status status = RSM_OK;
    writer_init(&items, LIMIT_ANSWER_SIZE);
    if (call->options.size > 0 && unpack_find_octets(call->options, "after", &after) &&
        after.size <= LIMIT_KEY_SIZE) {
        place.size = after.size;
        memcpy(place.data, after.data, after.size);
    }
    bool is_full = false;
    while (!is_full && (status = kv_next(kv, TABLE_FLIP, key_bytes(&place), place.size > 0, &key,
                                         &value)) == RSM_OK) {
        place.size = key.size;
        memcpy(place.data, key.data, key.size);
        count += pack_frozen(&items, key_bytes(&place), value) ? 1 : 0;
        is_full = count == limit || items.size >= PAGE_BYTES || ++examined == ROWS_EXAMINED_MAX;
    }
    result_begin(call, out, 2);
    pack_key(out, "frozen");
    pack_array(out, count);
    writer_bytes(out, writer_result(&items));
    pack_key(out, "next");
    if (is_full)
        pack_bin(out, key_bytes(&place));
    else
        pack_nil(out);
    out->failed |= items.failed;
    writer_deinit(&items);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}
