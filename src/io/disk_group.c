/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_group.c - see disk_group.h. */
#include "src/io/disk_group.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/io/disk_flush.h"
#include "src/io/disk_posix.h"
#include "src/io/disk_uring.h"

bool group_writer_open_ring(struct group_writer *w)
{
    CHECK(w->uring == NULL);
    int error = uring_open(&w->uring);
    if (error != 0)
        LOG(LOG_WARNING, "journal-flush", LOG_TEXT("wanted", disk_flush_name(DISK_FLUSH_IO_URING)),
            LOG_TEXT("flush", disk_flush_name(DISK_FLUSH_ODIRECT)),
            LOG_TEXT("why", "the system gives no ring of io_uring"),
            LOG_TEXT("error", strerror(error)));
    return error == 0;
}

void group_writer_deinit(struct group_writer *w)
{
    uring_close(w->uring);
    w->uring = NULL;
    direct_queue_deinit(&w->queue);
    direct_buffer_deinit(&w->buffer);
}

enum rsm_status group_write_plain(int descriptor, const struct disk_part *part)
{
    const uint8_t *data = part->data;
    uint64_t offset = part->offset;
    size_t size = part->size;

    while (size > 0) {
        ssize_t done = pwrite(descriptor, data, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return disk_posix_status(errno);
        if (done == 0)
            return RSM_IO;
        data += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return RSM_OK;
}

static enum rsm_status write_plain(const struct disk_group *g)
{
    enum rsm_status status = RSM_OK;

    for (size_t i = 0; i < g->count && status == RSM_OK; i++)
        status = group_write_plain(g->descriptor, &g->parts[i]);
    return status;
}

/* *durable_out: the flush was a part of it. */
static enum rsm_status write_direct(struct group_writer *w, const struct disk_group *g,
                                    bool *durable_out, bool *refused_out)
{
    uint8_t *places[DISK_PARTS_MAX];

    *durable_out =
        w->uring != NULL && g->takes_ring && direct_place(g->parts, g->count, &w->buffer, places);
    if (*durable_out)
        return uring_write(w->uring, g, places, refused_out);
    return direct_write_parts(&w->queue, g->direct, g->parts, g->count, &w->buffer, refused_out);
}

enum rsm_status group_write(struct group_writer *w, const struct disk_group *g, bool *refused_out)
{
    enum rsm_status status = RSM_OK;
    bool is_durable = g->is_durable;

    CHECK(g->count >= 1 && g->count <= DISK_PARTS_MAX && g->descriptor >= 0);
    *refused_out = false;
    if (g->direct >= 0)
        status = write_direct(w, g, &is_durable, refused_out);
    if (g->direct < 0 || *refused_out) {
        status = write_plain(g);
        is_durable = g->is_durable;
    }
    /* What went past O_DSYNC, or never had it, waits for the device's cache. EINTR is a failure as
     * well: nobody says that it can be tried again. */
    if (status == RSM_OK && !is_durable && fdatasync(g->descriptor) != 0)
        status = disk_posix_status(errno);
    return status;
}
