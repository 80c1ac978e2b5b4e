/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_beside.c - see disk_beside.h. */
#include "src/io/disk_beside.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/io/disk_direct.h"
#include "src/io/disk_posix.h"
#include "src/io/work_pool.h"

/* ioprio_set: this thread, the last place of the ordinary class. In the idle class it might never
 * have its turn, and the journal does need the segment some day. */
#define IOPRIO_THREAD 1
#define IOPRIO_LAST (2 << 13 | 7)
#define NICE_LAST 19

enum beside_state { BESIDE_IDLE = 0, BESIDE_RUNNING, BESIDE_ENDED };

struct beside {
    struct work work; /* first; the pool's while RUNNING, with what follows here */
    struct beside_piece piece;
    struct direct_buffer zeros;
    enum rsm_status status;
    /* the owner's */
    enum beside_state state;
    struct work_pool *pool;
};

/* In the thread. */
static void run(struct work *work)
{
    struct beside *b = (struct beside *)work;
    const struct beside_piece *p = &b->piece;
    bool is_direct = p->direct >= 0 && (p->first | p->end) % DISK_SECTOR_SIZE == 0;
    bool is_refused = false;
    /* Either may be refused: then it is no more than what it was. */
    (void)syscall(SYS_ioprio_set, IOPRIO_THREAD, 0, IOPRIO_LAST);
    (void)setpriority(PRIO_PROCESS, 0, NICE_LAST);
    b->status = direct_zero(is_direct ? p->direct : p->descriptor, p->first, p->end, &b->zeros,
                            &is_refused);
    if (is_refused)
        b->status = direct_zero(p->descriptor, p->first, p->end, &b->zeros, &is_refused);
    if (b->status == RSM_OK && (is_refused || fdatasync(p->descriptor) != 0))
        b->status = is_refused ? RSM_IO : disk_posix_status(errno);
}

enum rsm_status beside_start(struct beside **beside_out)
{
    struct beside *b = mem_alloc(sizeof *b);
    *beside_out = NULL;
    enum rsm_status status = work_pool_start(1, &b->pool);
    if (status != RSM_OK) {
        mem_free(b);
        return status;
    }
    b->work.run = run;
    (void)direct_buffer_get(&b->zeros); /* memory is made in the owner's thread */
    *beside_out = b;
    return RSM_OK;
}

void beside_stop(struct beside *b)
{
    if (b == NULL)
        return;
    if (b->state == BESIDE_RUNNING)
        beside_settle(b, b->piece.file);
    (void)work_pool_stop(b->pool); /* nothing is in it: the work is a part of `b` */
    direct_buffer_deinit(&b->zeros);
    mem_free(b);
}

static void look(struct beside *b)
{
    if (b->state == BESIDE_RUNNING && work_pool_collect(b->pool) != NULL)
        b->state = BESIDE_ENDED;
}

void beside_settle(struct beside *b, uint64_t file)
{
    if (b == NULL || b->state != BESIDE_RUNNING || b->piece.file != file)
        return;
    (void)work_pool_await(b->pool);
    b->state = BESIDE_ENDED;
}

void beside_forget(struct beside *b, uint64_t file)
{
    beside_settle(b, file);
    if (b != NULL && b->piece.file == file)
        b->state = BESIDE_IDLE;
}

enum rsm_status beside_zero(struct beside *b, const struct beside_piece *piece)
{
    const struct beside_piece *p = &b->piece;
    look(b);
    bool is_same = p->file == piece->file && p->first == piece->first && p->end == piece->end;
    if (b->state == BESIDE_ENDED && is_same) {
        b->state = BESIDE_IDLE;
        return b->status;
    }
    if (b->state == BESIDE_RUNNING && !is_same)
        beside_settle(b, p->file);
    if (b->state != BESIDE_RUNNING) {
        b->piece = *piece;
        b->state = BESIDE_RUNNING;
        work_pool_add(b->pool, &b->work);
    }
    return RSM_BUSY;
}
