/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_reset.h - what makes a watcher read again: a restore, or a log that is not its own. */
#ifndef RSM_DAEMON_METHODS_RESET_H
#define RSM_DAEMON_METHODS_RESET_H

#include "src/base/kv.h"
#include "src/machine/verdict.h"

/* The restores that took effect in a slot. Begin with reset_begin. */
struct reset_walk {
    struct kv *kv;
    uint64_t slot;
    struct verdict_walk verdicts; /* borrowed, as all of them, from rows of the kv */
    uint32_t index;
};

/* A zone that was restored; `zone` is borrowed. */
struct reset {
    struct bytes zone;
    uint64_t restored_slot;
};

/* RSM_NOT_FOUND: the slot is not applied; RSM_DAMAGED. */
enum rsm_status reset_begin(struct reset_walk *walk, struct kv *kv, uint64_t slot);
/* RSM_NOT_FOUND at the end, RSM_DAMAGED. */
enum rsm_status reset_next(struct reset_walk *walk, struct reset *out);

/* RSM_OK: the log has this entry head behind `slot`. RSM_NOT_FOUND: another one, or no such slot.
 */
enum rsm_status reset_is_known(struct kv *kv, uint64_t slot, struct bytes entry_head);

#endif
