/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recording.h - what the log knows of a recorded terminal: the hash of each chunk, as it came.
 *
 *     TABLE_RECORDING  session 16 -> author blob | opened slot u64 | last slot u64 | chunks u64 |
 *                      chain 32 | state u8
 *
 * chain = SHA-256(chain before | hash of the chunk), zeros before the first: whoever has the file
 * has the chain, or has another file.
 */
#ifndef RSM_MACHINE_RECORDING_H
#define RSM_MACHINE_RECORDING_H

#include "src/base/kv.h"
#include "src/machine/tables.h"

#define RECORDING_SESSION_SIZE 16u

enum recording_state { RECORDING_OPEN = 1, RECORDING_ENDED, RECORDING_FAILED, RECORDING_STATE_END };

struct recording_record {
    struct bytes author;
    uint64_t opened_slot, last_slot, chunks; /* last: of the newest chunk */
    uint8_t chain[HASH_SIZE];
    enum recording_state state;
};

void recording_encode(struct writer *out, const struct recording_record *r);
enum rsm_status recording_decode(struct bytes value, struct recording_record *out);
/* RSM_NOT_FOUND, RSM_DAMAGED and as the kv. */
enum rsm_status recording_load(struct kv *kv, struct bytes session, struct recording_record *out);
/* All there are, by session. `place` begins empty. RSM_NOT_FOUND: no more. */
enum rsm_status recording_next(struct kv *kv, struct key *place, struct recording_record *out);
/* The chain goes on. */
void recording_link(uint8_t chain[HASH_SIZE], const uint8_t hash[HASH_SIZE]);
/* "open", "ended", "failed". */
const char *recording_state_text(enum recording_state state);

#endif
