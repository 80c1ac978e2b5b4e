/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * effects.h - a hash over everything that one slot writes to the state (BLAKE2b-256, streaming):
 *
 *     "rsm effects v1\0", then each write: table u8 | deleted u8 | key blob | value blob
 *
 * in the order: command by command, inside a command by (table, key), then the slot's own writes.
 * META_APPLIED is not in it. Two replicas that computed different states differ here at once.
 *
 * The same bytes can be kept beside the hash: whoever has them can write the slot into the same
 * state again without judging it again (effects_replay).
 */
#ifndef RSM_MACHINE_EFFECTS_H
#define RSM_MACHINE_EFFECTS_H

#include "src/base/ids.h"
#include "src/base/kv.h"

struct effects {
    _Alignas(64) uint8_t state[384]; /* libsodium's, which asks for this alignment */
    struct writer *kept;             /* borrowed, or NULL: takes the writes as well */
    size_t hashed;                   /* of what is kept */
};

/* Empties `kept`. */
void effects_begin(struct effects *e);
void effects_add(struct effects *e, const struct kv_write *write);
/* All writes of an overlay. */
enum rsm_status effects_add_overlay(struct effects *e, const struct kv *overlay);
void effects_end(struct effects *e, uint8_t hash_out[HASH_SIZE]);

/* Makes the writes that were kept. RSM_DAMAGED: they are no writes. Else as the kv says. */
enum rsm_status effects_replay(struct bytes kept, struct kv *kv);

/* BLAKE2b-256 of a tag (with its end mark) and up to two parts. */
void effects_hash_parts(const char *tag, struct bytes first, struct bytes second,
                        uint8_t hash_out[HASH_SIZE]);

#endif
