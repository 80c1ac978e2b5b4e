/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_direct.c - see disk_direct.h. */
#include "src/io/disk_direct.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/check.h"
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

bool direct_place(const struct disk_part *parts, size_t count, struct direct_buffer *buffer,
                  uint8_t *places_out[DISK_PARTS_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > DIRECT_CHUNK_MAX - used)
            return false;
        places_out[i] = direct_buffer_get(buffer) + used;
        memcpy(places_out[i], parts[i].data, parts[i].size);
        used += (parts[i].size + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
        if (used > DIRECT_CHUNK_MAX)
            return false;
    }
    return true;
}

bool direct_may_complete(int64_t result)
{
    return result >= 0 || result == -EINVAL || result == -EINTR || result == -EAGAIN;
}

enum rsm_status direct_complete(int descriptor, uint64_t offset, const uint8_t *place, size_t size,
                                int64_t result, bool *refused_out)
{
    size_t done = result > 0 ? (size_t)result : 0;

    CHECK(done <= size);
    *refused_out = result == -EINVAL;
    if (*refused_out)
        return RSM_OK;
    if (!direct_may_complete(result))
        return disk_posix_status((int)-result);
    return write_aligned(descriptor, offset + done, place + done, size - done, refused_out);
}

/* -------------------------------------------------------------------------------------------- */
/* Several at once. glibc has no functions for these calls. */

static bool queue_open(struct direct_queue *queue)
{
    aio_context_t context = 0;
    if (!queue->is_tried && syscall(SYS_io_setup, DISK_PARTS_MAX, &context) == 0)
        queue->context = context;
    queue->is_tried = true;
    return queue->context != 0;
}

void direct_queue_deinit(struct direct_queue *queue)
{
    if (queue->context != 0)
        (void)syscall(SYS_io_destroy, queue->context);
    *queue = (struct direct_queue){.context = 0};
}

/* Hands them over and waits for all that were taken: how many; of each, what came of it. */
static size_t submit_and_wait(struct direct_queue *queue, struct iocb *blocks, size_t count,
                              int64_t results_out[])
{
    struct iocb *list[DISK_PARTS_MAX];
    struct io_event events[DISK_PARTS_MAX];
    for (size_t i = 0; i < count; i++)
        list[i] = &blocks[i];
    long taken = syscall(SYS_io_submit, queue->context, (long)count, list);
    long left = taken > 0 ? taken : 0;
    while (left > 0) {
        /* The memory is the device's until it says so: there is no leaving before. */
        long got = syscall(SYS_io_getevents, queue->context, left, left, events, NULL);
        CHECK(got >= 0 || errno == EINTR);
        for (long i = 0; i < got; i++)
            results_out[events[i].data] = events[i].res;
        left -= got > 0 ? got : 0;
    }
    return taken > 0 ? (size_t)taken : 0;
}

static enum rsm_status write_in_turn(int descriptor, const struct disk_part *parts, size_t count,
                                     struct direct_buffer *buffer, bool *refused_out)
{
    enum rsm_status status = RSM_OK;
    *refused_out = false;
    for (size_t i = 0; i < count && status == RSM_OK && !*refused_out; i++)
        status = direct_write(descriptor, parts[i].offset, parts[i].data, parts[i].size, buffer,
                              refused_out);
    return status;
}

enum rsm_status direct_write_parts(struct direct_queue *queue, int descriptor,
                                   const struct disk_part *parts, size_t count,
                                   struct direct_buffer *buffer, bool *refused_out)
{
    struct iocb blocks[DISK_PARTS_MAX] = {{0}};
    int64_t results[DISK_PARTS_MAX] = {0};
    uint8_t *places[DISK_PARTS_MAX];
    enum rsm_status status = RSM_OK;

    CHECK(count <= DISK_PARTS_MAX);
    if (count < 2 || !queue_open(queue) || !direct_place(parts, count, buffer, places))
        return write_in_turn(descriptor, parts, count, buffer, refused_out);
    for (size_t i = 0; i < count; i++)
        blocks[i] = (struct iocb){.aio_data = i,
                                  .aio_lio_opcode = IOCB_CMD_PWRITE,
                                  .aio_fildes = (uint32_t)descriptor,
                                  .aio_buf = (uintptr_t)places[i],
                                  .aio_nbytes = parts[i].size,
                                  .aio_offset = (int64_t)parts[i].offset};
    size_t taken = submit_and_wait(queue, blocks, count, results);
    *refused_out = false;
    for (size_t i = 0; i < count && status == RSM_OK && !*refused_out; i++)
        status = direct_complete(descriptor, parts[i].offset, places[i], parts[i].size,
                                 i < taken ? results[i] : 0, refused_out);
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
