/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_flusher.c - see disk_flusher.h. */
#include "src/io/disk_flusher.h"

#include <errno.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/io/disk_direct.h"
#include "src/io/disk_posix.h"
#include "src/io/watchdog.h"
#include "src/io/work_pool.h"

enum flusher_state { FLUSHER_IDLE = 0, FLUSHER_RUNNING, FLUSHER_ENDED };

struct flusher {
    struct work work; /* first; the pool's while RUNNING, with what follows here */
    struct flusher_job job;
    struct direct_queue queue;
    struct direct_buffer buffer;
    struct watchdog *watchdog;
    enum rsm_status status;
    bool is_refused;
    /* the owner's */
    enum flusher_state state;
    struct work_pool *pool;
};

static enum rsm_status write_parts(struct flusher *f)
{
    const struct flusher_job *job = &f->job;
    enum rsm_status status = RSM_OK;
    bool is_refused = false;

    if (job->direct >= 0) {
        status = direct_write_parts(&f->queue, job->direct, job->parts, job->count, &f->buffer,
                                    &f->is_refused);
        if (!f->is_refused)
            return status;
    }
    for (size_t i = 0; i < job->count && status == RSM_OK; i++) {
        status = direct_write(job->descriptor, job->parts[i].offset, job->parts[i].data,
                              job->parts[i].size, &f->buffer, &is_refused);
        if (is_refused) /* nothing is direct here */
            status = RSM_IO;
    }
    return status;
}

/* In the thread. */
static void run(struct work *work)
{
    struct flusher *f = (struct flusher *)work;

    watchdog_step(f->watchdog, WATCHDOG_FLUSH, "journal-flush");
    f->is_refused = false;
    f->status = write_parts(f);
    /* What went past O_DSYNC, or never had it, waits for the device's cache. EINTR is a failure as
     * well: nobody says that it can be tried again. */
    if (f->status == RSM_OK && !f->job.is_durable && fdatasync(f->job.descriptor) != 0)
        f->status = disk_posix_status(errno);
    watchdog_step(f->watchdog, WATCHDOG_FLUSH, NULL);
}

enum rsm_status flusher_start(struct watchdog *watchdog, struct flusher **flusher_out)
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
    (void)direct_buffer_get(&f->buffer); /* memory is made in the owner's thread */
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
    direct_queue_deinit(&f->queue);
    direct_buffer_deinit(&f->buffer);
    mem_free(f);
}

void flusher_begin(struct flusher *f, const struct flusher_job *job)
{
    CHECK(f->state == FLUSHER_IDLE);
    CHECK(job->count >= 1 && job->count <= DISK_PARTS_MAX && job->descriptor >= 0);
    f->job = *job;
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
    if (f != NULL && f->job.file == file)
        wait_for_end(f);
}

int flusher_descriptor(const struct flusher *f)
{
    return work_pool_descriptor(f->pool);
}
