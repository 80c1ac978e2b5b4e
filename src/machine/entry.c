/* SPDX-License-Identifier: GPL-3.0-or-later */
/* entry.c - encoder and decoder of slot values, side by side. */
#include "src/machine/entry.h"

#include "src/base/limits.h"
#include "src/command/canonical.h"
#include "src/command/pack.h"
#include "src/command/unpack.h"

void entry_encode(struct writer *w, enum entry_kind kind, uint64_t timestamp_ms,
                  struct bytes payload)
{
    writer_u8(w, ENTRY_FORMAT);
    writer_u8(w, (uint8_t)kind);
    writer_u64(w, timestamp_ms);
    writer_bytes(w, payload);
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
    if (r.failed)
        return RSM_MALFORMED;
    if (format > ENTRY_FORMAT || kind > ENTRY_REJECTION)
        return RSM_NEWER_FORMAT;
    if (format != ENTRY_FORMAT || kind == ENTRY_NOOP || out->timestamp_ms > SLOT_MAX)
        return RSM_MALFORMED;
    out->kind = (enum entry_kind)kind;
    if (out->kind == ENTRY_TICK && out->payload.size != 0)
        return RSM_MALFORMED;
    return RSM_OK;
}

void rejection_encode(struct writer *w, struct bytes envelope, const uint8_t digest[HASH_SIZE],
                      struct bytes author, uint64_t counter, struct bytes rules)
{
    if (envelope.size > REJECTION_ENVELOPE_MAX)
        envelope = (struct bytes){NULL, 0};
    pack_array(w, 5);
    pack_bin(w, envelope);
    pack_bin(w, bytes_make(digest, HASH_SIZE));
    pack_str(w, author);
    pack_uint(w, counter);
    pack_raw(w, rules);
}

enum rsm_status rejection_parse(struct bytes payload, struct rejection *out)
{
    enum rsm_status status = scan_whole(SCAN_CANONICAL, payload, LIMIT_VALUE_SIZE);
    if (status != RSM_OK)
        return status;
    struct unpack u = unpack_make(payload);
    unpack_array_exactly(&u, 5);
    out->envelope = unpack_bin(&u, REJECTION_ENVELOPE_MAX);
    out->digest = unpack_bin_exactly(&u, HASH_SIZE);
    out->author = unpack_str(&u, LIMIT_PRINCIPAL_SIZE);
    out->counter = unpack_uint_max(&u, SLOT_MAX);
    out->rules = unpack_raw(&u);
    return unpack_done(&u) ? RSM_OK : RSM_WRONG_TYPE;
}
