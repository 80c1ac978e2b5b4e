/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recovery.h - that one replica went on alone, in the state: for ever, beside the log's entry.
 *
 *     TABLE_RECOVERY  epoch u64 -> slot of the entry u64 | replica u8 | incarnation u64 |
 *                     from slot u64 | principals who signed, blobs
 *
 * A cluster begins in epoch 1, which has no row.
 */
#ifndef RSM_MACHINE_RECOVERY_H
#define RSM_MACHINE_RECOVERY_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/kv.h"

#define RECOVERY_EPOCH_FIRST 1u

/* Bytes are borrowed from the kv. */
struct recovery_record {
    uint64_t epoch;
    uint64_t slot; /* of the entry that says it */
    uint32_t replica;
    uint64_t incarnation; /* of its disk, from then on */
    uint64_t from_slot;   /* the last one that it had applied */
    struct bytes signers; /* blobs: recovery_signer_next */
};

/* RSM_NOT_FOUND: there was none, and the epoch is RECOVERY_EPOCH_FIRST. RSM_DAMAGED. */
enum rsm_status recovery_newest(struct kv *kv, struct recovery_record *out);
/* Those below that epoch, from the newest down; begin with UINT64_MAX. As recovery_newest. */
enum rsm_status recovery_below(struct kv *kv, uint64_t epoch, struct recovery_record *out);
/*
 * Whether persons have signed it as kv lets them, two or more, each one once: what the rule asks of
 * the signatures, for a log in which the command does not stand. What cannot be read is no.
 */
struct body_recover;
bool recovery_is_signed(struct kv *kv, const struct body_recover *body);
bool recovery_signer_next(struct bytes *signers, struct bytes *name_out);
/* "epoch 2, by replica 3 in slot 17, from slot 12 on, signed by a and b"; as much as fits. */
void recovery_describe(const struct recovery_record *r, char *out, size_t size);

#endif
