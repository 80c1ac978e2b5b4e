/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * logtable.h - the rows of a slot that the caller of machine_apply writes.
 *
 *     TABLE_LOG      slot u64 -> the slot's value as chosen (no bytes: no-op)
 *     TABLE_VERDICT  slot u64 -> entry head 32 | verdict head 32 | log time u64 | effects 32 |
 *                    verdicts (verdict.h)
 *
 * An empty value of TABLE_LOG is stored as it is: a kv takes empty values.
 */
#ifndef RSM_MACHINE_LOGTABLE_H
#define RSM_MACHINE_LOGTABLE_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"
#include "src/base/kv.h"

/* A row of TABLE_VERDICT; pointers are borrowed. */
struct log_verdict {
    const uint8_t *entry_head;
    const uint8_t *verdict_head;
    uint64_t log_time_ms;
    const uint8_t *effects;
    struct bytes verdicts;
};

/* Appends the row's value. */
void log_verdict_encode(struct writer *out, const struct log_verdict *row);
/* RSM_DAMAGED. Does not look into the verdicts. */
enum rsm_status log_verdict_decode(struct bytes value, struct log_verdict *out);

/* Writes both rows, both heads (META) in one go. `scratch` is emptied first. */
enum rsm_status log_put(struct kv *kv, uint64_t slot, struct bytes entry,
                        const struct log_verdict *row, struct writer *scratch);

/* RSM_NOT_FOUND: not applied yet (or dropped). Borrowed from the kv. */
enum rsm_status log_get_entry(struct kv *kv, uint64_t slot, struct bytes *entry_out);
enum rsm_status log_get_verdict(struct kv *kv, uint64_t slot, struct log_verdict *out);

/* META_APPLIED, 0 for a state that is only the genesis; RSM_NOT_FOUND: there is no state at all. */
enum rsm_status log_get_applied(struct kv *kv, uint64_t *slot_out);
/* META_LOG_TIME. */
enum rsm_status log_get_time(struct kv *kv, uint64_t *log_time_ms_out);
/* Both heads (META); RSM_NOT_FOUND before the first slot. */
enum rsm_status log_get_heads(struct kv *kv, uint8_t entry_head_out[HASH_SIZE],
                              uint8_t verdict_head_out[HASH_SIZE]);
/* The last slot whose log time is at most `ms`; RSM_NOT_FOUND before the genesis. */
enum rsm_status log_slot_at(struct kv *kv, uint64_t ms, uint64_t *slot_out);

#endif
