/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lone_work.c - see lone_work.h. */
#include "src/io/lone_work.h"

#include "src/base/check.h"

enum rsm_status lone_work_start(struct lone_work *lone, void (*run)(struct work *work))
{
    *lone = (struct lone_work){.work = {.run = run}};
    return work_pool_start(1, &lone->pool);
}

void lone_work_stop(struct lone_work *lone)
{
    lone_work_await(lone);
    (void)work_pool_stop(lone->pool); /* nothing is in it: the work is a part of `lone` */
}

void lone_work_begin(struct lone_work *lone)
{
    CHECK(lone->state != LONE_RUNNING);
    lone->state = LONE_RUNNING;
    work_pool_add(lone->pool, &lone->work);
}

/* `work` is what was collected: NULL, it still runs. */
static void note_end(struct lone_work *lone, const struct work *work)
{
    if (work == NULL)
        return;
    lone->state = LONE_ENDED;
    CHECK(work_pool_collect(lone->pool) == NULL); /* takes the signal back: there is nothing more */
}

void lone_work_look(struct lone_work *lone)
{
    if (lone->state == LONE_RUNNING)
        note_end(lone, work_pool_collect(lone->pool));
}

void lone_work_await(struct lone_work *lone)
{
    if (lone->state == LONE_RUNNING)
        note_end(lone, work_pool_await(lone->pool));
}

int lone_work_descriptor(const struct lone_work *lone)
{
    return work_pool_descriptor(lone->pool);
}
