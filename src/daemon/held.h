/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * held.h - frames that wait for the journal: each leaves when the record that it speaks of is
 * durable, in the order in which they came. It knows no node. Thread: the owner's.
 */
#ifndef RSM_DAEMON_HELD_H
#define RSM_DAEMON_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/blob.h"

struct held_frame {
    uint64_t durable_seq;
    uint32_t to;
    struct blob *frame; /* owned reference */
};

/* Zeros: an empty one. */
struct held {
    struct held_frame *frames; /* owned; a ring would do: it is emptied at each flush */
    size_t count, capacity;
};

void held_deinit(struct held *h);
/* Takes a reference. */
void held_add(struct held *h, uint32_t to, uint64_t durable_seq, struct blob *frame);
/*
 * Gives all whose record is durable up to `seq` to `send`, which takes references of its own and
 * adds none to it. True: there were some.
 */
bool held_release(struct held *h, uint64_t seq,
                  void (*send)(void *context, uint32_t to, struct blob *frame), void *context);

#endif
