/* SPDX-License-Identifier: GPL-3.0-or-later */
/* undone.h - changes whose effect a later one took back: rule_undo.c has the table. */
#ifndef RSM_MACHINE_UNDONE_H
#define RSM_MACHINE_UNDONE_H

#include <rsm/status.h>

#include "src/base/ids.h"
#include "src/base/kv.h"
#include "src/machine/change_state.h"

struct undone_record {
    uint64_t slot; /* of the change that took it back */
    uint32_t index;
    uint8_t by[HASH_SIZE]; /* its digest */
};

void undone_encode(struct writer *out, const struct undone_record *u);
/* RSM_NOT_FOUND: nobody took it back. */
enum rsm_status undone_load(struct kv *kv, const uint8_t digest[HASH_SIZE],
                            struct undone_record *out);
/* The state of a change whose own rows say `before`. */
enum change_state change_state_of(struct kv *kv, const uint8_t digest[HASH_SIZE],
                                  enum change_state before);

#endif
