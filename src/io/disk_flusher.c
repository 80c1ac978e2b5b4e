/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_flusher.c - see disk_flusher.h. */
#include "src/io/disk_flusher.h"

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/io/watchdog.h"
#include "src/io/work_pool.h"

enum flusher_state { FLUSHER_IDLE = 0, FLUSHER_RUNNING, FLUSHER_ENDED };

struct flusher {
    struct work work; /* first; the pool's while RUNNING, with what follows here */
    struct disk_group group;
    struct group_writer writer;
    struct watchdog *watchdog;
    enum rsm_status status;
    bool is_refused;
    /* the owner's */
    enum flusher_state state;
    struct work_pool *pool;
};

/* In the thread. */
static void run(struct work *work)
{
    struct flusher *f = (struct flusher *)work;

    watchdog_step(f->watchdog, WATCHDOG_FLUSH, "journal-flush");
    f->status = group_write(&f->writer, &f->group, &f->is_refused);
    watchdog_step(f->watchdog, WATCHDOG_FLUSH, NULL);
}

enum rsm_status flusher_start(struct watchdog *watchdog, enum disk_flush flush,
                              struct flusher **flusher_out)
{
    struct flusher *f = mem_alloc(sizeof *f);

    *flusher_out = NULL;
    enum rsm_status status = work_pool_start(1, &f->pool);
    if (status != RSM_OK) {
        mem_free(f);
        return status;
    }
    f->work.run = run;
    f->watchdog = watchdog;
    if (flush == DISK_FLUSH_IO_URING) /* without, its groups go as with odirect */
        (void)group_writer_open_ring(&f->writer);
    (void)direct_buffer_get(&f->writer.buffer); /* memory is made in the owner's thread */
    *flusher_out = f;
    return RSM_OK;
}

/* `work` is what was collected: NULL, it still runs. */
static void note_end(struct flusher *f, const struct work *work)
{
    if (work == NULL)
        return;
    f->state = FLUSHER_ENDED;
    CHECK(work_pool_collect(f->pool) == NULL); /* takes the signal back: there is nothing more */
}

static void wait_for_end(struct flusher *f)
{
    if (f->state == FLUSHER_RUNNING)
        note_end(f, work_pool_await(f->pool));
}

void flusher_stop(struct flusher *f)
{
    if (f == NULL)
        return;
    wait_for_end(f);
    (void)work_pool_stop(f->pool); /* nothing is in it: the work is a part of `f` */
    group_writer_deinit(&f->writer);
    mem_free(f);
}

void flusher_begin(struct flusher *f, const struct disk_group *group)
{
    CHECK(f->state == FLUSHER_IDLE);
    f->group = *group;
    f->state = FLUSHER_RUNNING;
    work_pool_add(f->pool, &f->work);
}

enum rsm_status flusher_end(struct flusher *f, bool waits, bool *refused_out)
{
    *refused_out = false;
    CHECK(f->state != FLUSHER_IDLE); /* something was begun */
    if (waits)
        wait_for_end(f);
    else if (f->state == FLUSHER_RUNNING)
        note_end(f, work_pool_collect(f->pool));
    if (f->state == FLUSHER_RUNNING)
        return RSM_BUSY;
    f->state = FLUSHER_IDLE;
    *refused_out = f->is_refused;
    return f->status;
}

void flusher_settle(struct flusher *f, uint64_t file)
{
    if (f != NULL && f->group.file == file)
        wait_for_end(f);
}

int flusher_descriptor(const struct flusher *f)
{
    return work_pool_descriptor(f->pool);
}
