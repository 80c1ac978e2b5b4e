/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * look_ahead.h - what of a journal's values does not depend on the state is found out beside its
 * replay: form, signature, and the digests of the commands.
 *
 *     restored ---> add ---> [ threads: v7 v8 v9 ] ---> take, when the slot is applied
 *
 * Half of a replay is hashing, and each value is hashed by SHA-512 for its signature and by BLAKE2b
 * for its commands' digests whatever the state is. Values are asked for in about the order in which
 * they came; one that was passed over, or had no room, is looked at by whoever applies it.
 *
 * Thread: the owner's; the threads touch only what was added and is not taken.
 */
#ifndef RSM_DAEMON_LOOK_AHEAD_H
#define RSM_DAEMON_LOOK_AHEAD_H

#include <rsm/status.h>

#include "src/base/blob.h"
#include "src/machine/machine.h"

struct look_ahead;

/* Slots that a replay leaves behind the newest chosen one: a value of up to 8 MiB each, in memory.
 */
#define LOOK_AHEAD_SLOTS 1u
#define LOOK_AHEAD_VALUES 64u

/*
 * `threads` 0: everything at once, in the owner's thread. `cluster_id` is borrowed. RSM_IO: there
 * are no threads to be had.
 */
enum rsm_status look_ahead_new(uint32_t threads, const uint8_t *cluster_id,
                               struct look_ahead **out);
/* Waits for the threads. NULL is ignored. */
void look_ahead_free(struct look_ahead *a);

/* Takes a reference. Without room it does nothing. */
void look_ahead_add(struct look_ahead *a, struct blob *value);
/*
 * What is known of a value that was added: of the very bytes, not of equal ones. Waits until it is.
 * False: nothing. Values that were added before it are forgotten; *out is good until the next call.
 */
bool look_ahead_take(struct look_ahead *a, struct bytes value, struct machine_signatures *out);

#endif
