/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_flusher.c - see disk_flusher.h. */
#include "src/io/disk_flusher.h"

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/io/lone_work.h"
#include "src/io/watchdog.h"

struct flusher {
    struct lone_work lone; /* first */
    struct disk_group group;
    struct group_writer writer;
    struct watchdog *watchdog;
    enum rsm_status status;
    bool is_refused;
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
    enum rsm_status status = lone_work_start(&f->lone, run);
    if (status != RSM_OK) {
        mem_free(f);
        return status;
    }
    f->watchdog = watchdog;
    if (flush == DISK_FLUSH_IO_URING) /* without, its groups go as with odirect */
        (void)group_writer_open_ring(&f->writer);
    (void)direct_buffer_get(&f->writer.buffer); /* memory is made in the owner's thread */
    *flusher_out = f;
    return RSM_OK;
}

void flusher_stop(struct flusher *f)
{
    if (f == NULL)
        return;
    lone_work_stop(&f->lone);
    group_writer_deinit(&f->writer);
    mem_free(f);
}

void flusher_begin(struct flusher *f, const struct disk_group *group)
{
    CHECK(f->lone.state == LONE_IDLE);
    f->group = *group;
    lone_work_begin(&f->lone);
}

enum rsm_status flusher_end(struct flusher *f, bool waits, bool *refused_out)
{
    *refused_out = false;
    CHECK(f->lone.state != LONE_IDLE); /* something was begun */
    if (waits)
        lone_work_await(&f->lone);
    else
        lone_work_look(&f->lone);
    if (f->lone.state == LONE_RUNNING)
        return RSM_BUSY;
    f->lone.state = LONE_IDLE;
    *refused_out = f->is_refused;
    return f->status;
}

void flusher_settle(struct flusher *f, uint64_t file)
{
    if (f != NULL && f->group.file == file)
        lone_work_await(&f->lone);
}

int flusher_descriptor(const struct flusher *f)
{
    return lone_work_descriptor(&f->lone);
}
