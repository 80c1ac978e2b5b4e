/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query_change.h - which serial of a zone was when, and what changed between two (see query.h). */
#ifndef RSM_MACHINE_QUERY_CHANGE_H
#define RSM_MACHINE_QUERY_CHANGE_H

#include "src/machine/query.h"

/*
 * The slot at whose end the zone had that serial; the content was the same up to the next serial.
 * Only in the zone's life at `slot` (a slot, not QUERY_NOW). RSM_NOT_FOUND: never, or in a former
 * life, or only between two commands of one slot.
 */
enum rsm_status query_zone_serial(struct kv *kv, struct bytes zone, uint32_t serial, uint64_t slot,
                                  uint64_t *slot_out);

/* Record sets that changed in the slots above `after` and up to `slot`, in one life of the zone;
 * one that changed twice comes twice. */
struct query_changes {
    struct bytes zone;    /* fixed */
    uint64_t after, slot; /* fixed */
    bool started;
    struct key version;  /* the zone's version that is walked */
    struct key place;    /* the last row of it */
    size_t place_prefix; /* how each of its rows begins */
    struct bytes rrset;  /* key of the record set, in `place` */
};

enum rsm_status query_change_next(struct kv *kv, struct query_changes *q);

/* Zones whose content changed in the slots above `after` and up to `slot`: once for each command
 * and zone. */
struct query_changed_zones {
    uint64_t after, slot; /* fixed */
    struct key place;
    struct bytes zone; /* borrowed from the kv */
};

enum rsm_status query_changed_zone_next(struct kv *kv, struct query_changed_zones *q);

#endif
