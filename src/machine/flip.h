/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flip.h - what is remembered of a record set that several authors write (rule_flip.c).
 *
 *     TABLE_FLIP   record set -> has u8 | the content before the present one: hash 32 (has = 1),
 *                  author blob | other blob | flips u32 | first ms u64 | frozen slot u64 |
 *                  hour ms u64 | changes u32
 *
 * It goes when a person writes a frozen record set, and with the zone.
 */
#ifndef RSM_MACHINE_FLIP_H
#define RSM_MACHINE_FLIP_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"

#define FLIP_HOUR_MS UINT64_C(3600000)

struct flip_record {
    const uint8_t *hash; /* of the content before the present one; NULL: only changes are counted */
    struct bytes author; /* who had written that */
    struct bytes other;  /* who wrote over it */
    uint32_t flips;      /* within the window that began at first_ms */
    uint64_t first_ms;
    uint64_t frozen_slot; /* 0: it is not frozen */
    uint64_t hour_ms;     /* begin of the hour in which `changes` are counted */
    uint32_t changes;
};

void flip_encode(struct writer *out, const struct flip_record *f);
enum rsm_status flip_decode(struct bytes value, struct flip_record *out);

#endif
