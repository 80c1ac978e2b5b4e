/* SPDX-License-Identifier: GPL-3.0-or-later */
/* update_internal.h - what update.c and update_prereq.c share. */
#ifndef RSM_MACHINE_UPDATE_INTERNAL_H
#define RSM_MACHINE_UPDATE_INTERNAL_H

#include "src/machine/judge.h"

struct update_item {
    struct body_record record; /* borrowed from the command */
    uint32_t order;            /* its place in its section */
};

/* A record set while an update is done to it. */
struct update_set {
    uint16_t type;
    uint32_t ttl;
    struct bytes plan; /* that wrote it; empty: none */
    bool was_there;
    bool is_touched;
    struct bytes *rdatas; /* owned; borrowed from the kv and the command */
    uint32_t count;
    uint32_t capacity;
};

struct update_output {
    struct bytes owner;
    uint16_t type;
    uint32_t ttl;
    uint32_t rdata_count;
    size_t offset; /* in machine.content */
};

struct update_work {
    struct update_item *items; /* of one section */
    size_t item_count, item_capacity;
    struct update_set *sets; /* of one owner */
    size_t set_count, set_capacity;
    struct update_output *outputs;
    size_t output_count, output_capacity;
    uint32_t soa_serial; /* of a SOA that was added, 0 none */
    struct writer rdata; /* a SOA with the zone's serial */
};

/* Records of a section in their order; `only_class` 0: all. */
void update_load_items(struct update_work *work, struct body_walk walk, uint16_t only_class);
/* The owner's record sets as they are; borrowed from the kv. */
void update_load_owner(struct judge *j, struct update_work *work, uint64_t zone_id,
                       struct bytes owner);

#endif
