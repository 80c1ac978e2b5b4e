/* SPDX-License-Identifier: GPL-3.0-or-later */
/* absent.h - rows of TABLE_ABSENT; the format and what they are for: rule_absent.c. */
#ifndef RSM_MACHINE_ABSENT_H
#define RSM_MACHINE_ABSENT_H

#include <rsm/status.h>

#include "src/base/bytes.h"

struct absent_record {
    uint64_t version_slot; /* of the record set's version that it is about */
    uint32_t times;
    uint64_t first_ms;
    uint64_t last_slot; /* the command that reported last */
    uint32_t last_index;
};

void absent_encode(struct writer *out, const struct absent_record *a);
enum rsm_status absent_decode(struct bytes value, struct absent_record *out);

#endif
