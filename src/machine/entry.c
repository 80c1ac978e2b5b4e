/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry.c - slot values (see entry.h). */
#include "src/machine/entry.h"

#include "src/base/check.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "src/machine/verdict.h"

void entry_encode(struct writer *out, enum entry_kind kind, uint64_t timestamp_ms,
                  struct bytes payload)
{
    CHECK(kind >= ENTRY_TICK && kind <= ENTRY_REJECTION);
    CHECK(kind != ENTRY_TICK || payload.size == 0);
    writer_u8(out, ENTRY_FORMAT);
    writer_u8(out, (uint8_t)kind);
    writer_u64(out, timestamp_ms);
    writer_bytes(out, payload);
}

enum rsm_status entry_parse(struct bytes value, struct entry *out)
{
    *out = (struct entry){.kind = ENTRY_NOOP};
    if (value.size == 0)
        return RSM_OK;
    struct reader r = reader_make(value);
    uint8_t format = reader_u8(&r);
    uint8_t kind = reader_u8(&r);
    out->timestamp_ms = reader_u64(&r);
    out->payload = reader_bytes(&r, reader_left(&r));
    if (!r.failed && format > ENTRY_FORMAT)
        return RSM_NEWER_FORMAT;
    if (r.failed || format != ENTRY_FORMAT || kind < ENTRY_TICK || kind > ENTRY_REJECTION)
        return RSM_MALFORMED;
    out->kind = (enum entry_kind)kind;
    if (out->kind == ENTRY_TICK && out->payload.size != 0)
        return RSM_MALFORMED;
    return out->timestamp_ms > SLOT_MAX ? RSM_TOO_LARGE : RSM_OK;
}

static void encode_item(struct writer *out, const struct verdict *v)
{
    pack_array(out, 4);
    pack_uint(out, v->counter);
    pack_bin(out, bytes_make(v->digest, HASH_SIZE));
    pack_bin(out, v->stages);
    pack_array(out, v->reason_count);
    struct reader reasons = reader_make(v->reasons);
    uint32_t rule;
    struct bytes evidence;
    while (verdict_reason_next(&reasons, &rule, &evidence)) {
        pack_array(out, 2);
        pack_uint(out, rule);
        pack_str(out, evidence);
    }
}

void rejection_encode(struct writer *out, struct bytes envelope, const uint8_t digest[HASH_SIZE],
                      const struct verdicts *verdicts)
{
    struct verdict_walk walk = verdict_walk(verdicts_bytes(verdicts));
    struct verdict v = {.author = {NULL, 0}};
    uint32_t refused = 0;
    while (verdict_next(&walk, &v))
        refused += v.kind == VERDICT_REFUSED && !verdict_is_duplicate(&v) ? 1 : 0;
    pack_array(out, 4);
    bool large = envelope.size > REJECTION_ENVELOPE_MAX;
    pack_bin(out, large ? bytes_make(NULL, 0) : envelope);
    pack_bin(out, bytes_make(digest, HASH_SIZE));
    pack_str(out, v.author); /* one author for all commands of an envelope */
    pack_array(out, refused);
    walk = verdict_walk(verdicts_bytes(verdicts));
    while (verdict_next(&walk, &v)) {
        if (v.kind == VERDICT_REFUSED && !verdict_is_duplicate(&v))
            encode_item(out, &v);
    }
}

bool rejection_reason_next(struct rejection_item *item, uint32_t *rule_out,
                           struct bytes *evidence_out)
{
    if (item->reason_count == 0)
        return false;
    item->reason_count--;
    unpack_array_exactly(&item->reasons, 2);
    *rule_out = (uint32_t)unpack_uint_max(&item->reasons, UINT32_MAX);
    *evidence_out = unpack_str(&item->reasons, EVIDENCE_SIZE_MAX);
    return unpack_ok(&item->reasons);
}

bool rejection_next(struct rejection *r, struct rejection_item *out)
{
    if (r->refused_count == 0)
        return false;
    r->refused_count--;
    unpack_array_exactly(&r->refused, 4);
    out->counter = unpack_uint_max(&r->refused, SLOT_MAX);
    out->digest = unpack_bin_exactly(&r->refused, HASH_SIZE);
    out->stages = unpack_bin(&r->refused, STAGES_SIZE_MAX);
    struct bytes reasons = unpack_raw(&r->refused);
    if (!unpack_ok(&r->refused))
        return false;
    out->reasons = unpack_make(reasons);
    out->reason_count = unpack_array(&out->reasons);
    return unpack_ok(&out->reasons);
}

/* Walks a copy to the end. */
static enum rsm_status check_items(struct rejection r)
{
    struct rejection_item item;
    while (r.refused_count > 0) {
        if (!rejection_next(&r, &item))
            return RSM_WRONG_TYPE;
        if (item.reason_count == 0 || item.reason_count > LIMIT_REASONS_PER_VERDICT)
            return RSM_TOO_MANY;
        if (!stages_check(item.stages))
            return RSM_MALFORMED;
        uint32_t rule;
        struct bytes evidence;
        while (item.reason_count > 0) {
            if (!rejection_reason_next(&item, &rule, &evidence))
                return RSM_WRONG_TYPE;
        }
    }
    return RSM_OK;
}

enum rsm_status rejection_parse(struct bytes payload, struct rejection *out)
{
    enum rsm_status status = scan_whole(SCAN_CANONICAL, payload, LIMIT_VALUE_SIZE);
    if (status != RSM_OK)
        return status;
    struct unpack u = unpack_make(payload);
    unpack_array_exactly(&u, 4);
    out->envelope = unpack_bin(&u, REJECTION_ENVELOPE_MAX);
    out->digest = unpack_bin_exactly(&u, HASH_SIZE);
    out->author = unpack_str(&u, LIMIT_PRINCIPAL_SIZE);
    out->refused_count = unpack_array(&u);
    if (!unpack_ok(&u))
        return u.status;
    if (out->refused_count == 0 || out->refused_count > LIMIT_BUNDLE_COMMANDS)
        return RSM_TOO_MANY;
    if (out->author.size == 0)
        return RSM_MALFORMED;
    out->refused = u;
    return check_items(*out);
}

bool entry_envelope(struct bytes value, struct bytes *raw_out)
{
    struct entry entry;
    struct rejection rejection;
    if (entry_parse(value, &entry) != RSM_OK)
        return false;
    *raw_out = bytes_make(NULL, 0);
    if (entry.kind == ENTRY_COMMANDS)
        *raw_out = entry.payload;
    else if (entry.kind == ENTRY_REJECTION && rejection_parse(entry.payload, &rejection) == RSM_OK)
        *raw_out = rejection.envelope;
    return raw_out->size > 0;
}
