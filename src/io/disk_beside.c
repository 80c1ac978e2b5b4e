/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_beside.c - see disk_beside.h. */
#include "src/io/disk_beside.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/io/disk_direct.h"
#include "src/io/disk_posix.h"
#include "src/io/lone_work.h"

/* ioprio_set: this thread, the last place of the ordinary class. In the idle class it might never
 * have its turn, and the journal does need the segment some day. */
#define IOPRIO_THREAD 1
#define IOPRIO_LAST (2 << 13 | 7)
#define NICE_LAST 19

struct beside {
    struct lone_work lone; /* first */
    struct beside_piece piece;
    struct direct_buffer zeros;
    enum rsm_status status;
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
    enum rsm_status status = lone_work_start(&b->lone, run);
    if (status != RSM_OK) {
        mem_free(b);
        return status;
    }
    (void)direct_buffer_get(&b->zeros); /* memory is made in the owner's thread */
    *beside_out = b;
    return RSM_OK;
}

void beside_stop(struct beside *b)
{
    if (b == NULL)
        return;
    lone_work_stop(&b->lone);
    direct_buffer_deinit(&b->zeros);
    mem_free(b);
}

void beside_settle(struct beside *b, uint64_t file)
{
    if (b != NULL && b->piece.file == file)
        lone_work_await(&b->lone);
}

void beside_forget(struct beside *b, uint64_t file)
{
    beside_settle(b, file);
    if (b != NULL && b->piece.file == file)
        b->lone.state = LONE_IDLE;
}

enum rsm_status beside_zero(struct beside *b, const struct beside_piece *piece)
{
    const struct beside_piece *p = &b->piece;
    bool is_same = p->file == piece->file && p->first == piece->first && p->end == piece->end;
    if (is_same)
        lone_work_look(&b->lone);
    else
        lone_work_await(&b->lone); /* one at a time */
    if (b->lone.state == LONE_ENDED && is_same) {
        b->lone.state = LONE_IDLE;
        return b->status;
    }
    if (b->lone.state != LONE_RUNNING) {
        b->piece = *piece;
        lone_work_begin(&b->lone);
    }
    return RSM_BUSY;
}
