/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry.h - the value of a slot, opaque to consensus.
 *
 *   no-op       empty
 *   else        format u8 = 1, kind u8, timestamp_ms u64, payload (the rest)
 *   tick        payload empty: only time passes
 *   commands    payload is one signed envelope, as received
 *   rejection   payload is canonical MessagePack [envelope bin, digest bin32, author str,
 *               counter uint, rules [[number uint, evidence str]...]]: what the leader refused, and
 *               why. An envelope above REJECTION_ENVELOPE_MAX is left out (bin of size 0); then the
 *               leader's reasons are the verdict. Else the rules are asked again at the slot.
 */
#ifndef RSM_MACHINE_ENTRY_H
#define RSM_MACHINE_ENTRY_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"

#define ENTRY_FORMAT 1u
#define ENTRY_HEAD_SIZE 10u
#define REJECTION_ENVELOPE_MAX 65536u

enum entry_kind {
    ENTRY_NOOP = 0, /* the empty value */
    ENTRY_TICK = 1,
    ENTRY_COMMANDS = 2,
    ENTRY_REJECTION = 3,
};

struct entry {
    enum entry_kind kind;
    uint64_t timestamp_ms; /* 0 for a no-op */
    struct bytes payload;  /* borrowed */
};

struct rejection {
    struct bytes envelope; /* empty when it was too large */
    const uint8_t *digest; /* of the envelope */
    struct bytes author;
    uint64_t counter;
    struct bytes rules; /* the array, raw: verdict.h reads it */
};

void entry_encode(struct writer *w, enum entry_kind kind, uint64_t timestamp_ms,
                  struct bytes payload);
/* RSM_MALFORMED, RSM_NEWER_FORMAT. Borrows. */
enum rsm_status entry_parse(struct bytes value, struct entry *out);

/* `rules` is a packed array of [number, evidence]. */
void rejection_encode(struct writer *w, struct bytes envelope, const uint8_t digest[HASH_SIZE],
                      struct bytes author, uint64_t counter, struct bytes rules);
/* RSM_MALFORMED, RSM_NOT_CANONICAL, RSM_WRONG_TYPE. Borrows. */
enum rsm_status rejection_parse(struct bytes payload, struct rejection *out);

#endif
