/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * learned.h - slots that were learned and are not applied yet, in the order of their numbers. It
 * knows no node: what is applied, and when, is the caller's business. Thread: the owner's.
 */
#ifndef RSM_DAEMON_LEARNED_H
#define RSM_DAEMON_LEARNED_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/blob.h"

struct learned_slot {
    uint64_t slot;
    struct blob *value; /* owned reference, NULL for a no-op */
};

/* Zeros: an empty one. */
struct learned {
    struct learned_slot *slots; /* owned; those in [first, end) are there */
    size_t first, end, capacity;
};

void learned_deinit(struct learned *l);
size_t learned_count(const struct learned *l);
/* Behind the last one, which is below it (a bug otherwise). Takes a reference. */
void learned_add(struct learned *l, uint64_t slot, struct blob *value);
/* The i-th, 0 the lowest; borrowed until the next call that changes something. */
const struct learned_slot *learned_at(const struct learned *l, size_t i);
/* The first `count` are not there any more. */
void learned_drop(struct learned *l, size_t count);
/* Nor those up to that slot. */
void learned_drop_to(struct learned *l, uint64_t slot);

#endif
