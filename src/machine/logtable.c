/* SPDX-License-Identifier: GPL-3.0-or-later */
/* logtable.c - the rows of a slot (see logtable.h). */
#include "src/machine/logtable.h"

#include <string.h>

#include "src/base/check.h"
#include "src/machine/tables.h"

static struct bytes meta(const char *name)
{
    return bytes_of_string(name);
}

void log_verdict_encode(struct writer *out, const struct log_verdict *row)
{
    writer_bytes(out, bytes_make(row->entry_head, HASH_SIZE));
    writer_bytes(out, bytes_make(row->verdict_head, HASH_SIZE));
    writer_u64(out, row->log_time_ms);
    writer_bytes(out, bytes_make(row->effects, HASH_SIZE));
    writer_bytes(out, row->verdicts);
}

enum rsm_status log_verdict_decode(struct bytes value, struct log_verdict *out)
{
    struct reader r = reader_make(value);
    out->entry_head = reader_bytes(&r, HASH_SIZE).data;
    out->verdict_head = reader_bytes(&r, HASH_SIZE).data;
    out->log_time_ms = reader_u64(&r);
    out->effects = reader_bytes(&r, HASH_SIZE).data;
    out->verdicts = reader_bytes(&r, reader_left(&r));
    return reader_done(&r) ? RSM_OK : RSM_DAMAGED;
}

enum rsm_status log_put(struct kv *kv, uint64_t slot, struct bytes entry,
                        const struct log_verdict *row, struct writer *scratch)
{
    struct key key;
    key_slot(&key, slot);
    writer_reset(scratch);
    log_verdict_encode(scratch, row);
    if (scratch->failed)
        return RSM_TOO_LARGE;
    enum rsm_status status = kv_put(kv, TABLE_LOG, key_bytes(&key), entry);
    if (status == RSM_OK)
        status = kv_put(kv, TABLE_VERDICT, key_bytes(&key), writer_result(scratch));
    if (status == RSM_OK)
        status =
            kv_put(kv, TABLE_META, meta(META_ENTRY_HEAD), bytes_make(row->entry_head, HASH_SIZE));
    if (status == RSM_OK)
        status = kv_put(kv, TABLE_META, meta(META_VERDICT_HEAD),
                        bytes_make(row->verdict_head, HASH_SIZE));
    return status;
}

enum rsm_status log_get_entry(struct kv *kv, uint64_t slot, struct bytes *entry_out)
{
    struct key key;
    key_slot(&key, slot);
    return kv_get(kv, TABLE_LOG, key_bytes(&key), entry_out);
}

enum rsm_status log_get_verdict(struct kv *kv, uint64_t slot, struct log_verdict *out)
{
    struct key key;
    struct bytes value;
    key_slot(&key, slot);
    enum rsm_status status = kv_get(kv, TABLE_VERDICT, key_bytes(&key), &value);
    return status == RSM_OK ? log_verdict_decode(value, out) : status;
}

static enum rsm_status get_number(struct kv *kv, const char *name, uint64_t *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_META, meta(name), &value);
    if (status != RSM_OK)
        return status;
    if (value.size != 8)
        return RSM_DAMAGED;
    *out = get_u64(value.data);
    return RSM_OK;
}

enum rsm_status log_get_applied(struct kv *kv, uint64_t *slot_out)
{
    return get_number(kv, META_APPLIED, slot_out);
}

enum rsm_status log_get_time(struct kv *kv, uint64_t *log_time_ms_out)
{
    return get_number(kv, META_LOG_TIME, log_time_ms_out);
}

static enum rsm_status get_head(struct kv *kv, const char *name, uint8_t out[HASH_SIZE])
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_META, meta(name), &value);
    if (status != RSM_OK)
        return status;
    if (value.size != HASH_SIZE)
        return RSM_DAMAGED;
    memcpy(out, value.data, HASH_SIZE);
    return RSM_OK;
}

enum rsm_status log_get_heads(struct kv *kv, uint8_t entry_head_out[HASH_SIZE],
                              uint8_t verdict_head_out[HASH_SIZE])
{
    enum rsm_status status = get_head(kv, META_ENTRY_HEAD, entry_head_out);
    return status == RSM_OK ? get_head(kv, META_VERDICT_HEAD, verdict_head_out) : status;
}

enum rsm_status log_slot_at(struct kv *kv, uint64_t ms, uint64_t *slot_out)
{
    struct key key;
    struct bytes found, value;
    key_slot(&key, ms);
    enum rsm_status status = kv_prev(kv, TABLE_TIME, key_bytes(&key), false, &found, &value);
    if (status != RSM_OK)
        return status;
    if (value.size != 8)
        return RSM_DAMAGED;
    *slot_out = get_u64(value.data);
    return RSM_OK;
}
