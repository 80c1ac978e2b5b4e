/* SPDX-License-Identifier: GPL-3.0-or-later */
/* changes.h - what a command does to record sets, in the making (changes.c); included by judge.h.
 */
#ifndef RSM_MACHINE_CHANGES_H
#define RSM_MACHINE_CHANGES_H

#include "src/command/body.h"
#include "src/machine/record.h"

/* One record set as a command wants it. */
struct change {
    struct bytes owner; /* borrowed from the command or from machine.content */
    uint16_t type;
    uint32_t ttl;
    uint32_t rdata_count; /* 0: deleted */
    struct body_walk rdatas;
    size_t key_offset; /* its record set's key, in changes.keys */
    uint32_t key_size;
    uint32_t order; /* its place in the command */
    bool may_lack;  /* deleting what is not there is no mistake */
    bool is_bad;    /* a rule has refused it: it is not written */

    /* What changes_make wrote, for the rules that look afterwards. */
    bool is_written;
    bool is_changed;                    /* and its records or its TTL are others than before */
    uint32_t count_before, count_after; /* records in the set */
};

struct changes {
    struct change *items; /* owned */
    size_t count;
    size_t capacity;
    uint64_t gone; /* record sets that go with their zone */
    struct writer keys;
    struct bytes *rdatas; /* owned: those of one set, to be sorted */
    size_t rdata_capacity;
};

/* How changes are made; set by each kind. */
struct change_context {
    struct bytes zone;       /* wire name */
    struct zone_record *row; /* of the zone; its bytes are in machine.copy */
    bool is_new_zone;        /* nothing has been written for it yet */
    bool is_update;          /* its basis are prerequisites; to change nothing is no mistake */
    uint32_t serial_floor;   /* of former lives of a new zone */
    struct bytes plan;       /* plan.execute: what the record sets remember */
    uint64_t generation;
    uint64_t token;
};

#endif
