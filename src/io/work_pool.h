/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * work_pool.h - a few threads that do the owner's work beside it, and give it back in the order in
 * which it was handed in, whichever thread was done first.
 *
 *     owner    add ---> [ w1 w2 w3 ... ] <--- collect (the oldest, once it is done)
 *     threads            run  run  run        and wake the owner by a descriptor
 *
 * One thread owns the pool: add, collect, count, stop. A work belongs to the pool from add to
 * collect; the threads touch it in between. Waking is shared: one signal for all that is done until
 * the owner looks.
 */
#ifndef RSM_IO_WORK_POOL_H
#define RSM_IO_WORK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsm/status.h>

struct work_pool;

/* The first member of the owner's own struct. */
struct work {
    void (*run)(struct work *work); /* in some thread; nothing but the work is touched */
    struct work *next;
    bool is_done;
};

#define WORK_POOL_THREADS_MAX 16u

/* `threads` is 1 to WORK_POOL_THREADS_MAX. RSM_IO: a thread or a descriptor is not to be had. */
enum rsm_status work_pool_start(uint32_t threads, struct work_pool **pool_out);
/* Waits for what is being done. The works that were not collected, the oldest first. NULL: none. */
struct work *work_pool_stop(struct work_pool *pool);

/* Behind all others. Borrowed until it is collected or given back by work_pool_stop. */
void work_pool_add(struct work_pool *pool, struct work *work);
/* The oldest work if it is done, else NULL. */
struct work *work_pool_collect(struct work_pool *pool);
/* The same, and waits until it is done. Something was added and not collected. */
struct work *work_pool_await(struct work_pool *pool);
/* Added and not collected. */
size_t work_pool_count(const struct work_pool *pool);
/* Readable when there may be something to collect; collect until there is nothing. */
int work_pool_descriptor(const struct work_pool *pool);

#endif
