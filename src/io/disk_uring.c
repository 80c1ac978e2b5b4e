/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_uring.c - see disk_uring.h. */
#include "src/io/disk_uring.h"

#include <errno.h>
#include <liburing.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/io/disk_direct.h"
#include "src/io/disk_posix.h"

#define ENTRIES_MAX (DISK_PARTS_MAX + 1) /* the flush is the last */

/* Came with IORING_OP_WRITE (Linux 5.6). */
#define FEATURES_WANTED IORING_FEAT_RW_CUR_POS

struct uring {
    struct io_uring ring;
    bool is_open; /* not: something went wrong with the last group, and a new one is made */
};

/* One group on its way. */
struct flight {
    unsigned count;     /* entries: the writes, and the flush if there is one */
    unsigned submitted; /* the first so many are the system's, or were */
    unsigned ended;
    bool has_ended[ENTRIES_MAX];
    int results[ENTRIES_MAX];
};

static int make_ring(struct uring *u)
{
    struct io_uring_params params = {.flags = 0};
    int error = -io_uring_queue_init_params(ENTRIES_MAX, &u->ring, &params);

    if (error == 0 && (params.features & FEATURES_WANTED) != FEATURES_WANTED) {
        io_uring_queue_exit(&u->ring);
        error = ENOSYS;
    }
    u->is_open = error == 0;
    return error;
}

int uring_open(struct uring **ring_out)
{
    struct uring *u = mem_alloc(sizeof *u);
    int error = make_ring(u);

    *ring_out = u;
    if (error != 0) {
        mem_free(u);
        *ring_out = NULL;
    }
    return error;
}

void uring_close(struct uring *u)
{
    if (u != NULL && u->is_open)
        io_uring_queue_exit(&u->ring);
    mem_free(u);
}

static void prepare(struct uring *u, const struct disk_group *g,
                    uint8_t *const places[DISK_PARTS_MAX], struct flight *f)
{
    *f = (struct flight){.count = (unsigned)g->count + 1};
    for (unsigned i = 0; i < f->count; i++) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&u->ring);
        CHECK(entry != NULL); /* all are free before a group, and it needs no more */
        if (i < g->count) {
            io_uring_prep_write(entry, g->direct, places[i], (unsigned)g->parts[i].size,
                                g->parts[i].offset);
        } else {
            io_uring_prep_fsync(entry, g->descriptor, IORING_FSYNC_DATASYNC);
            io_uring_sqe_set_flags(entry, IOSQE_IO_DRAIN);
        }
        io_uring_sqe_set_data64(entry, i);
    }
}

/* Takes over what ended: each entry once, and none that was not handed over. */
static void collect(struct uring *u, struct flight *f)
{
    struct io_uring_cqe *ends[ENTRIES_MAX];
    unsigned count = io_uring_peek_batch_cqe(&u->ring, ends, ENTRIES_MAX);

    for (unsigned i = 0; i < count; i++) {
        uint64_t index = io_uring_cqe_get_data64(ends[i]);
        CHECK(index < f->submitted && !f->has_ended[index]);
        f->has_ended[index] = true;
        f->results[index] = ends[i]->res;
    }
    io_uring_cq_advance(&u->ring, count);
    f->ended += count;
}

/*
 * Hands all of them over and waits for all that were taken: their memory is the system's until it
 * says so, there is no leaving before. What it does not take stays in the ring, which is of no more
 * use then.
 */
static void submit_and_wait(struct uring *u, struct flight *f)
{
    while (u->is_open && f->ended < f->count) {
        int taken = io_uring_submit_and_wait(&u->ring, f->count - f->ended);
        if (taken > 0)
            f->submitted += (unsigned)taken;
        CHECK(f->submitted <= f->count);
        u->is_open = taken >= 0 || taken == -EINTR;
        collect(u, f);
    }
    while (f->ended < f->submitted) {
        struct io_uring_cqe *end = NULL;
        int error = io_uring_wait_cqe_nr(&u->ring, &end, f->submitted - f->ended);
        CHECK(error == 0 || error == -EINTR);
        collect(u, f);
    }
    if (!u->is_open)
        io_uring_queue_exit(&u->ring);
}

/* The first error of a write, or else that of the flush: it is never tried again. */
static enum rsm_status first_error(const struct flight *f)
{
    for (unsigned i = 0; i < f->submitted; i++) {
        bool is_flush = i + 1 == f->count;
        int result = f->results[i];
        if (result < 0 && (is_flush || !direct_may_complete(result)))
            return disk_posix_status(-result);
    }
    return RSM_OK;
}

enum rsm_status uring_write(struct uring *u, const struct disk_group *g,
                            uint8_t *const places[DISK_PARTS_MAX], bool *refused_out)
{
    struct flight f = {.count = (unsigned)g->count + 1};

    CHECK(g->direct >= 0 && !g->is_durable && g->count <= DISK_PARTS_MAX);
    *refused_out = false;
    if (u->is_open || make_ring(u) == 0) {
        prepare(u, g, places, &f);
        submit_and_wait(u, &f);
    }
    enum rsm_status status = first_error(&f);
    bool is_flushed = f.submitted == f.count;
    for (size_t i = 0; i < g->count && status == RSM_OK && !*refused_out; i++) {
        const struct disk_part *part = &g->parts[i];
        if (f.results[i] == (int64_t)part->size)
            continue;
        is_flushed = false; /* what is written now comes after it */
        status = direct_complete(g->direct, part->offset, places[i], part->size, f.results[i],
                                 refused_out);
    }
    if (status == RSM_OK && !*refused_out && !is_flushed && fdatasync(g->descriptor) != 0)
        status = disk_posix_status(errno);
    return status;
}
