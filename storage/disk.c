/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk.c - the calls of disk.h, passed on to whoever implements them. */
#include "storage/disk.h"

#include "src/base/check.h"

/* What a disk may answer: whoever implements it translates its own errors. RSM_BUSY is for
 * disk_zero_beside alone. */
static bool is_answer(enum rsm_status status)
{
    return status == RSM_OK || status == RSM_NOT_FOUND || status == RSM_EXISTS ||
           status == RSM_DISK_FULL || status == RSM_READ_ONLY || status == RSM_NOT_ALLOWED ||
           status == RSM_IO;
}

#if defined(RSM_VERIFY) && RSM_VERIFY
static bool is_ascending(const uint64_t *files, size_t count, size_t capacity)
{
    for (size_t i = 1; i < count && i < capacity; i++) {
        if (files[i - 1] >= files[i])
            return false;
    }
    return true;
}
#endif

enum rsm_status disk_list(struct disk *disk, uint64_t *files_out, size_t capacity,
                          size_t *count_out)
{
    CHECK(files_out != NULL || capacity == 0);
    enum rsm_status status = disk->ops->list(disk, files_out, capacity, count_out);
    /* Whoever reads the list relies on its order: recovery, and the number of a new life. */
    VERIFY(status != RSM_OK || is_ascending(files_out, *count_out, capacity));
    CHECK(is_answer(status) && status != RSM_EXISTS);
    return status;
}

enum rsm_status disk_create(struct disk *disk, uint64_t file)
{
    enum rsm_status status = disk->ops->create(disk, file);
    CHECK(is_answer(status));
    return status;
}

enum rsm_status disk_size(struct disk *disk, uint64_t file, uint64_t *size_out)
{
    enum rsm_status status = disk->ops->size(disk, file, size_out);
    CHECK(is_answer(status) && status != RSM_EXISTS);
    CHECK(status != RSM_OK || *size_out <= INT64_MAX); /* an offset has a sign in the system */
    return status;
}

enum rsm_status disk_read(struct disk *disk, uint64_t file, uint64_t offset, void *data_out,
                          size_t size)
{
    CHECK(data_out != NULL || size == 0);
    CHECK(size <= UINT64_MAX - offset);
    enum rsm_status status = disk->ops->read(disk, file, offset, data_out, size);
    CHECK(is_answer(status) && status != RSM_EXISTS);
    return status;
}

enum rsm_status disk_write(struct disk *disk, uint64_t file, uint64_t offset, const void *data,
                           size_t size)
{
    CHECK(data != NULL || size == 0);
    CHECK(size <= UINT64_MAX - offset);
    enum rsm_status status = disk->ops->write(disk, file, offset, data, size);
    CHECK(is_answer(status) && status != RSM_EXISTS);
    return status;
}

/* In either order, never over each other. */
static void parts_check(const struct disk_part *parts, size_t count)
{
    CHECK(count >= 1 && count <= DISK_PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        CHECK(parts[i].data != NULL && parts[i].size > 0);
        CHECK(parts[i].size <= UINT64_MAX - parts[i].offset);
    }
    for (size_t i = 1; i < count; i++)
        CHECK(parts[i - 1].offset + parts[i - 1].size <= parts[i].offset ||
              parts[i].offset + parts[i].size <= parts[i - 1].offset);
}

enum rsm_status disk_write_parts(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                 size_t count)
{
    enum rsm_status status = RSM_OK;

    parts_check(parts, count);
    if (disk->ops->write_parts != NULL) {
        status = disk->ops->write_parts(disk, file, parts, count);
        CHECK(is_answer(status) && status != RSM_EXISTS);
        return status;
    }
    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = disk_write(disk, file, parts[i].offset, parts[i].data, parts[i].size);
    return status;
}

enum rsm_status disk_write_durably(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                   size_t count)
{
    parts_check(parts, count);
    if (disk->ops->write_durably != NULL) {
        enum rsm_status status = disk->ops->write_durably(disk, file, parts, count);
        CHECK(is_answer(status));
        return status;
    }
    enum rsm_status status = disk_write_parts(disk, file, parts, count);
    return status == RSM_OK ? disk_flush(disk, file) : status;
}

enum rsm_status disk_write_begin(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                 size_t count)
{
    parts_check(parts, count);
    CHECK((disk->ops->write_begin == NULL) == (disk->ops->write_end == NULL));
    if (disk->ops->write_begin != NULL) {
        enum rsm_status status = disk->ops->write_begin(disk, file, parts, count);
        CHECK(is_answer(status) || status == RSM_BUSY);
        return status;
    }
    return disk_write_durably(disk, file, parts, count);
}

enum rsm_status disk_write_end(struct disk *disk, bool waits)
{
    CHECK(disk->ops->write_end != NULL); /* else nothing was ever under way */
    enum rsm_status status = disk->ops->write_end(disk, waits);
    CHECK(is_answer(status) || (status == RSM_BUSY && !waits));
    return status;
}

enum rsm_status disk_zero(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    CHECK(first <= end);
    enum rsm_status status = disk->ops->zero(disk, file, first, end);
    CHECK(is_answer(status) && status != RSM_EXISTS);
    return status;
}

enum rsm_status disk_zero_beside(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    CHECK(first <= end);
    enum rsm_status status = RSM_OK;
    if (disk->ops->zero_beside != NULL) {
        status = disk->ops->zero_beside(disk, file, first, end);
        CHECK(is_answer(status) || status == RSM_BUSY);
        return status;
    }
    status = disk_zero(disk, file, first, end);
    return status == RSM_OK ? disk_flush(disk, file) : status;
}

enum rsm_status disk_flush(struct disk *disk, uint64_t file)
{
    enum rsm_status status = disk->ops->flush(disk, file);
    CHECK(is_answer(status) && status != RSM_EXISTS);
    return status;
}

enum rsm_status disk_remove(struct disk *disk, uint64_t file)
{
    enum rsm_status status = disk->ops->remove(disk, file);
    CHECK(is_answer(status) && status != RSM_EXISTS);
    return status;
}

enum rsm_status disk_flush_directory(struct disk *disk)
{
    enum rsm_status status = disk->ops->flush_directory(disk);
    CHECK(is_answer(status) && status != RSM_EXISTS);
    return status;
}

enum rsm_status disk_set_aside(struct disk *disk, uint64_t file)
{
    CHECK((disk->ops->set_aside == NULL) == (disk->ops->drop_aside == NULL));
    if (disk->ops->set_aside == NULL)
        return disk_remove(disk, file);
    enum rsm_status status = disk->ops->set_aside(disk, file);
    CHECK(is_answer(status));
    return status;
}

enum rsm_status disk_drop_aside(struct disk *disk)
{
    CHECK((disk->ops->set_aside == NULL) == (disk->ops->drop_aside == NULL));
    if (disk->ops->drop_aside == NULL)
        return RSM_OK;
    enum rsm_status status = disk->ops->drop_aside(disk);
    CHECK(is_answer(status));
    return status;
}

void disk_free(struct disk *disk)
{
    if (disk != NULL)
        disk->ops->free(disk);
}
