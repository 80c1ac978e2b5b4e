/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lone_work.h - a thread for one piece of work at a time, of which the owner asks what became.
 *
 *     IDLE  --begin--> RUNNING  --the thread is done, look, await--> ENDED  --the owner--> IDLE
 *                         ^----------------------begin--------------'
 *
 * Thread: the owner's, but for `run`.
 */
#ifndef RSM_IO_LONE_WORK_H
#define RSM_IO_LONE_WORK_H

#include "src/io/work_pool.h"

enum lone_state { LONE_IDLE = 0, LONE_RUNNING, LONE_ENDED };

/* The first member of the owner's own struct; what follows in that is the thread's while RUNNING.
 */
struct lone_work {
    struct work work;
    enum lone_state state;
    struct work_pool *pool; /* of one thread */
};

/* RSM_IO: no thread is to be had; then there is nothing to stop. */
enum rsm_status lone_work_start(struct lone_work *lone, void (*run)(struct work *work));
/* Waits for what is under way, and ends the thread. */
void lone_work_stop(struct lone_work *lone);

/* Nothing may be under way. */
void lone_work_begin(struct lone_work *lone);
/* ENDED if it has, by now. */
void lone_work_look(struct lone_work *lone);
/* Not RUNNING any more when it returns. */
void lone_work_await(struct lone_work *lone);
/* Readable once what was under way has ended, until look or await has seen that. */
int lone_work_descriptor(const struct lone_work *lone);

#endif
