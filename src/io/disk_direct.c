/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_direct.c - see disk_direct.h. */
#include "src/io/disk_direct.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/io/disk_posix.h"

#define MEMORY_ALIGNMENT 4096u /* of any device that there is */

uint8_t *direct_buffer_get(struct direct_buffer *b)
{
    if (b->memory == NULL) {
        b->memory = mem_alloc(DIRECT_CHUNK_MAX + MEMORY_ALIGNMENT);
        size_t over = (uintptr_t)b->memory % MEMORY_ALIGNMENT;
        b->data = b->memory + (over > 0 ? MEMORY_ALIGNMENT - over : 0);
    }
    return b->data;
}

void direct_buffer_deinit(struct direct_buffer *b)
{
    mem_free(b->memory);
    *b = (struct direct_buffer){NULL, NULL};
}

/* Whether the device writes sectors of 512 bytes. Systems that do not say are taken at the write.
 */
static bool takes_sectors(int descriptor)
{
#ifdef STATX_DIOALIGN
    struct statx info;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &info) == 0 &&
        (info.stx_mask & STATX_DIOALIGN) != 0)
        return info.stx_dio_offset_align != 0 && info.stx_dio_offset_align <= DISK_SECTOR_SIZE &&
               info.stx_dio_mem_align <= MEMORY_ALIGNMENT;
#endif
    (void)descriptor;
    return true;
}

int direct_open(int directory, const char *name)
{
    int descriptor =
        openat(directory, name, O_WRONLY | O_DIRECT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0 && !takes_sectors(descriptor)) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static enum rsm_status write_aligned(int descriptor, uint64_t offset, const uint8_t *data,
                                     size_t size, bool *refused_out)
{
    bool is_first = true;
    while (size > 0) {
        ssize_t done = pwrite(descriptor, data, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EINVAL && is_first) {
            *refused_out = true;
            return RSM_OK;
        }
        if (done < 0)
            return disk_posix_status(errno);
        if (done == 0)
            return RSM_IO;
        is_first = false;
        data += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return RSM_OK;
}

enum rsm_status direct_write(int descriptor, uint64_t offset, const void *data, size_t size,
                             struct direct_buffer *buffer, bool *refused_out)
{
    const uint8_t *from = data;
    enum rsm_status status = RSM_OK;
    *refused_out = false;
    while (size > 0 && status == RSM_OK && !*refused_out) {
        size_t part = size < DIRECT_CHUNK_MAX ? size : DIRECT_CHUNK_MAX;
        memcpy(direct_buffer_get(buffer), from, part);
        status = write_aligned(descriptor, offset, buffer->data, part, refused_out);
        from += part;
        size -= part;
        offset += part;
    }
    return status;
}

enum rsm_status direct_zero(int descriptor, uint64_t first, uint64_t end,
                            struct direct_buffer *zeros, bool *refused_out)
{
    enum rsm_status status = RSM_OK;
    *refused_out = false;
    while (first < end && status == RSM_OK && !*refused_out) {
        size_t part = end - first < DIRECT_CHUNK_MAX ? (size_t)(end - first) : DIRECT_CHUNK_MAX;
        status = write_aligned(descriptor, first, direct_buffer_get(zeros), part, refused_out);
        first += part;
    }
    return status;
}
