/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_group.c - see disk_group.h. */
#include "src/io/disk_group.h"

#include <errno.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/io/disk_posix.h"

void group_writer_deinit(struct group_writer *w)
{
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

static enum rsm_status write_parts(struct group_writer *w, const struct disk_group *g,
                                   bool *refused_out)
{
    enum rsm_status status = RSM_OK;

    if (g->direct >= 0) {
        status =
            direct_write_parts(&w->queue, g->direct, g->parts, g->count, &w->buffer, refused_out);
        if (!*refused_out)
            return status;
    }
    for (size_t i = 0; i < g->count && status == RSM_OK; i++)
        status = group_write_plain(g->descriptor, &g->parts[i]);
    return status;
}

enum rsm_status group_write(struct group_writer *w, const struct disk_group *g, bool *refused_out)
{
    CHECK(g->count >= 1 && g->count <= DISK_PARTS_MAX && g->descriptor >= 0);
    *refused_out = false;
    enum rsm_status status = write_parts(w, g, refused_out);
    /* What went past O_DSYNC, or never had it, waits for the device's cache. EINTR is a failure as
     * well: nobody says that it can be tried again. */
    if (status == RSM_OK && !g->is_durable && fdatasync(g->descriptor) != 0)
        status = disk_posix_status(errno);
    return status;
}
