/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resume.c - rows of automata that come back, and what ends their way back (see resume.h). */
#include "src/machine/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/machine/judge.h"

/* ---- rows ---- */

void key_resume(struct key *k, struct bytes freeze, struct bytes az)
{
    CHECK(freeze.size <= LIMIT_LABEL_SIZE && az.size <= LIMIT_LABEL_SIZE);
    k->data[0] = (uint8_t)freeze.size;
    memcpy(k->data + 1, freeze.data, freeze.size);
    k->size = 1 + freeze.size;
    if (az.size > 0)
        memcpy(k->data + k->size, az.data, az.size);
    k->size += az.size;
}

void resume_encode(struct writer *out, const struct resume_item *item)
{
    writer_u64(out, item->begin_ms);
    writer_u64(out, item->end_ms);
    writer_u64(out, item->minute);
    writer_u64(out, item->commands);
    writer_u64(out, item->slot);
    writer_u32(out, item->index);
}

enum rsm_status resume_decode(struct bytes value, struct resume_item *out)
{
    struct reader r = reader_make(value);
    out->begin_ms = reader_u64(&r);
    out->end_ms = reader_u64(&r);
    out->minute = reader_u64(&r);
    out->commands = reader_u64(&r);
    out->slot = reader_u64(&r);
    out->index = reader_u32(&r);
    return reader_done(&r) && out->begin_ms <= out->end_ms ? RSM_OK : RSM_DAMAGED;
}

enum resume_state resume_state_at(const struct resume_item *item, uint64_t now_ms)
{
    if (now_ms < item->begin_ms)
        return RESUME_FROZEN;
    return now_ms < item->end_ms ? RESUME_WATCHED : RESUME_BACK;
}

const char *resume_state_text(enum resume_state state)
{
    switch (state) {
    case RESUME_FROZEN:
        return "frozen";
    case RESUME_WATCHED:
        return "watched";
    case RESUME_BACK:
        return "back";
    }
    return "unknown";
}

uint64_t resume_rate(const struct resume_item *item, uint64_t first, uint64_t now_ms)
{
    uint64_t quarter =
        (now_ms - item->begin_ms) * RESUME_QUARTERS / (item->end_ms - item->begin_ms);
    return MUTANT(RESUME_FULL_RATE) ? UINT64_MAX : first << quarter;
}

enum rsm_status resume_find(struct kv *kv, struct bytes freeze, struct bytes az,
                            struct key *key_out, struct resume_item *out)
{
    struct bytes value;
    key_resume(key_out, freeze, az);
    enum rsm_status status = kv_get(kv, TABLE_RESUME, key_bytes(key_out), &value);
    if (status == RSM_NOT_FOUND && az.size > 0) {
        key_resume(key_out, freeze, (struct bytes){NULL, 0});
        status = kv_get(kv, TABLE_RESUME, key_bytes(key_out), &value);
    }
    return status == RSM_OK ? resume_decode(value, out) : status;
}

enum rsm_status resume_next(struct kv *kv, struct bytes freeze, struct key *place,
                            struct bytes *az_out, struct resume_item *out)
{
    struct key prefix;
    struct bytes key, value;
    bool is_first = place->size == 0;
    key_resume(&prefix, freeze, (struct bytes){NULL, 0});
    if (is_first)
        *place = prefix;
    enum rsm_status status = kv_next(kv, TABLE_RESUME, key_bytes(place), !is_first, &key, &value);
    if (status != RSM_OK)
        return status;
    if (!key_begins_with(key, key_bytes(&prefix)))
        return RSM_NOT_FOUND;
    if (key.size > sizeof place->data)
        return RSM_DAMAGED;
    status = resume_decode(value, out);
    place->size = key.size;
    memcpy(place->data, key.data, key.size);
    *az_out = bytes_make(place->data + prefix.size, place->size - prefix.size);
    return status;
}

/* ---- how many ---- */

uint64_t resume_count(struct kv *kv)
{
    struct bytes value;
    if (kv_get(kv, TABLE_META, bytes_of_string(META_RESUMES), &value) != RSM_OK || value.size != 8)
        return 0;
    return get_u64(value.data);
}

enum rsm_status resume_count_add(struct kv *kv, int64_t step)
{
    uint8_t count[8];
    put_u64(count, resume_count(kv) + (uint64_t)step);
    return kv_put(kv, TABLE_META, bytes_of_string(META_RESUMES), bytes_make(count, sizeof count));
}

enum rsm_status resume_is_running(struct kv *kv, struct bytes freeze, uint64_t now_ms,
                                  bool *is_running_out)
{
    struct key place = {.size = 0};
    struct resume_item item;
    struct bytes az;
    enum rsm_status status;
    *is_running_out = false;
    while ((status = resume_next(kv, freeze, &place, &az, &item)) == RSM_OK)
        *is_running_out |= now_ms < item.end_ms;
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

enum rsm_status resume_drop(struct kv *kv, struct bytes freeze)
{
    struct key place = {.size = 0};
    struct resume_item item;
    struct bytes az;
    enum rsm_status status;
    while ((status = resume_next(kv, freeze, &place, &az, &item)) == RSM_OK) {
        status = kv_del(kv, TABLE_RESUME, key_bytes(&place));
        if (status != RSM_OK)
            return status;
    }
    return status == RSM_NOT_FOUND ? resume_count_add(kv, -1) : status;
}

static enum rsm_status put_freeze(struct kv *kv, struct bytes freeze,
                                  const struct freeze_record *row)
{
    struct writer w;
    writer_init(&w, LIMIT_VALUE_SIZE);
    freeze_encode(&w, row);
    enum rsm_status status = kv_put(kv, TABLE_FREEZE, freeze, writer_result(&w));
    writer_deinit(&w);
    return status;
}

enum rsm_status resume_trip(struct kv *kv, struct bytes freeze, struct freeze_record *row,
                            uint64_t slot, struct bytes cause)
{
    row->resumed_ms = 0;
    row->trips++;
    row->tripped_slot = slot;
    row->trip_cause = cause;
    enum rsm_status status = put_freeze(kv, freeze, row);
    return status == RSM_OK ? resume_drop(kv, freeze) : status;
}

/* ---- what is counted ---- */

/* The rule that counts; 0: none. */
static uint32_t rule_that_counts(const struct reasons *reasons)
{
    struct reader r = reader_make(writer_result(&reasons->bytes));
    uint32_t rule;
    struct bytes evidence;
    while (verdict_reason_next(&r, &rule, &evidence)) {
        enum rsm_stage stage = rsm_rule_stage(rule);
        if (rule == RSM_RULE_COUNTER_GAP || rule == RSM_RULE_COUNTER_USED)
            continue;
        if (stage == RSM_STAGE_CAUSAL || stage == RSM_STAGE_IMPACT ||
            rule == RSM_RULE_OSCILLATION || rule == RSM_RULE_OBJECT_BUDGET)
            return rule;
    }
    return 0;
}

void resume_note_refused(struct machine *m, struct bytes subject)
{
    uint32_t rule = rule_that_counts(&m->reasons);
    if (rule == 0)
        return;
    writer_u32(&m->bad, rule);
    writer_blob(&m->bad, subject);
    CHECK(!m->bad.failed);
}

void resume_note_undone(struct machine *m, struct bytes subject)
{
    writer_u32(&m->bad, 0); /* no rule */
    writer_blob(&m->bad, subject);
    CHECK(!m->bad.failed);
}

/* An automaton that comes back from this freeze is watched. */
static enum rsm_status is_watched(struct kv *kv, struct bytes freeze,
                                  const struct freeze_record *row, struct bytes author,
                                  uint64_t now_ms, bool *is_watched_out)
{
    struct principal_record principal;
    struct resume_item item;
    struct key key;
    uint8_t az[LIMIT_LABEL_SIZE];
    *is_watched_out = false;
    if (row->scope == RSM_FREEZE_AUTHOR && !bytes_equal(row->subject, author))
        return RSM_OK;
    enum rsm_status status = principal_load(kv, author, &principal);
    if (status != RSM_OK || principal.kind != RSM_PRINCIPAL_AUTOMATON)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    size_t size = principal.az.size;
    if (size > 0) /* the row is gone with the next read */
        memcpy(az, principal.az.data, size);
    status = resume_find(kv, freeze, bytes_make(az, size), &key, &item);
    if (status == RSM_OK)
        *is_watched_out = resume_state_at(&item, now_ms) == RESUME_WATCHED;
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

/* Adds the slot's refusals to the row; `cause` has words for the last one, or for a rollback. */
static enum rsm_status count(struct machine *m, struct kv *kv, struct bytes freeze,
                             struct freeze_record *row, uint64_t now_ms, bool *is_undone_out,
                             char *cause, size_t size)
{
    *is_undone_out = false;
    struct reader r = reader_make(writer_result(&m->bad));
    enum rsm_status status = RSM_OK;
    while (status == RSM_OK && reader_left(&r) > 0) {
        uint32_t rule = reader_u32(&r);
        struct bytes author = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
        bool counts;
        CHECK(!r.failed);
        status = is_watched(kv, freeze, row, author, now_ms, &counts);
        if (status != RSM_OK || !counts || *is_undone_out)
            continue;
        if (rule == 0) {
            *is_undone_out = true;
            (void)snprintf(cause, size, "a change of %.*s, which came back, was rolled back",
                           TEXT_ARGUMENTS(author));
            continue;
        }
        row->refused++;
        (void)snprintf(cause, size,
                       "%" PRIu64 " commands of automata that came back were refused, the last one "
                       "of %.*s: %s",
                       row->refused, TEXT_ARGUMENTS(author), rsm_rule_id(rule));
    }
    return status;
}

/* The last ones have a row, and the time of all rows is over. */
static enum rsm_status is_over(struct kv *kv, struct bytes freeze, uint64_t now_ms,
                               bool *is_over_out)
{
    struct key key;
    struct resume_item item;
    bool is_running;
    enum rsm_status status = resume_find(kv, freeze, (struct bytes){NULL, 0}, &key, &item);
    *is_over_out = false;
    if (status != RSM_OK)
        return status == RSM_NOT_FOUND ? RSM_OK : status;
    status = resume_is_running(kv, freeze, now_ms, &is_running);
    *is_over_out = status == RSM_OK && !is_running;
    return status;
}

/* One freeze on its way back; its row is in `copy`. */
static enum rsm_status look(struct machine *m, struct kv *kv, struct bytes freeze,
                            struct freeze_record *row, uint64_t slot, uint64_t now_ms)
{
    char cause[LIMIT_PRINCIPAL_SIZE + 200];
    struct policy policy;
    uint64_t before = row->refused;
    bool over, is_undone;
    enum rsm_status status = policy_load(kv, &policy);
    if (status == RSM_OK)
        status = count(m, kv, freeze, row, now_ms, &is_undone, cause, sizeof cause);
    if (status != RSM_OK)
        return status;
    bool is_too_much = row->refused > before && row->refused > policy.resume_refused_max;
    if ((is_undone || is_too_much) && !MUTANT(NO_TRIP))
        return resume_trip(kv, freeze, row, slot, bytes_of_string(cause));
    if (row->refused > before)
        status = put_freeze(kv, freeze, row);
    if (status == RSM_OK)
        status = is_over(kv, freeze, now_ms, &over);
    if (status != RSM_OK || !over)
        return status;
    status = kv_del(kv, TABLE_FREEZE, freeze);
    return status == RSM_OK ? resume_drop(kv, freeze) : status;
}

enum rsm_status resume_slot(struct machine *m, struct kv *kv, uint64_t slot, uint64_t now_ms)
{
    struct key place = {.size = 0};
    struct bytes id, value;
    enum rsm_status status;
    if (resume_count(kv) == 0)
        return RSM_OK;
    kv_overlay_clear(m->inner);
    while ((status = kv_next(m->inner, TABLE_FREEZE, key_bytes(&place), place.size > 0, &id,
                             &value)) == RSM_OK) {
        struct freeze_record row;
        if (id.size > sizeof place.data)
            return RSM_DAMAGED;
        place.size = id.size;
        memcpy(place.data, id.data, id.size);
        writer_reset(&m->copy);
        writer_bytes(&m->copy, value);
        status = freeze_decode(writer_result(&m->copy), &row);
        if (status == RSM_OK && row.resumed_ms != 0)
            status = look(m, m->inner, key_bytes(&place), &row, slot, now_ms);
        if (status != RSM_OK)
            return status;
    }
    if (status != RSM_NOT_FOUND)
        return status;
    status = effects_add_overlay(&m->effects, m->inner);
    return status == RSM_OK ? kv_overlay_merge(m->inner, kv) : status;
}
