/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk.c - the calls of disk.h, passed on to whoever implements them. */
#include "storage/disk.h"

#include "src/base/check.h"

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
    enum rsm_status status = disk->ops->list(disk, files_out, capacity, count_out);
    /* Whoever reads the list relies on its order: recovery, and the number of a new life. */
    VERIFY(status != RSM_OK || is_ascending(files_out, *count_out, capacity));
    return status;
}

enum rsm_status disk_create(struct disk *disk, uint64_t file)
{
    return disk->ops->create(disk, file);
}

enum rsm_status disk_size(struct disk *disk, uint64_t file, uint64_t *size_out)
{
    return disk->ops->size(disk, file, size_out);
}

enum rsm_status disk_read(struct disk *disk, uint64_t file, uint64_t offset, void *data_out,
                          size_t size)
{
    CHECK(size <= UINT64_MAX - offset);
    return disk->ops->read(disk, file, offset, data_out, size);
}

enum rsm_status disk_write(struct disk *disk, uint64_t file, uint64_t offset, const void *data,
                           size_t size)
{
    CHECK(data != NULL || size == 0);
    CHECK(size <= UINT64_MAX - offset);
    return disk->ops->write(disk, file, offset, data, size);
}

enum rsm_status disk_write_parts(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                 size_t count)
{
    enum rsm_status status = RSM_OK;

    CHECK(count >= 1 && count <= DISK_PARTS_MAX);
    for (size_t i = 1; i < count; i++) /* in either order, never over each other */
        CHECK(parts[i - 1].offset + parts[i - 1].size <= parts[i].offset ||
              parts[i].offset + parts[i].size <= parts[i - 1].offset);
    if (disk->ops->write_parts != NULL)
        return disk->ops->write_parts(disk, file, parts, count);
    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = disk_write(disk, file, parts[i].offset, parts[i].data, parts[i].size);
    return status;
}

enum rsm_status disk_zero(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    CHECK(first <= end);
    return disk->ops->zero(disk, file, first, end);
}

enum rsm_status disk_zero_beside(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    CHECK(first <= end);
    if (disk->ops->zero_beside != NULL)
        return disk->ops->zero_beside(disk, file, first, end);
    enum rsm_status status = disk_zero(disk, file, first, end);
    return status == RSM_OK ? disk_flush(disk, file) : status;
}

enum rsm_status disk_flush(struct disk *disk, uint64_t file)
{
    return disk->ops->flush(disk, file);
}

enum rsm_status disk_remove(struct disk *disk, uint64_t file)
{
    return disk->ops->remove(disk, file);
}

enum rsm_status disk_flush_directory(struct disk *disk)
{
    return disk->ops->flush_directory(disk);
}

enum rsm_status disk_set_aside(struct disk *disk, uint64_t file)
{
    if (disk->ops->set_aside == NULL)
        return disk->ops->remove(disk, file);
    return disk->ops->set_aside(disk, file);
}

enum rsm_status disk_drop_aside(struct disk *disk)
{
    return disk->ops->drop_aside == NULL ? RSM_OK : disk->ops->drop_aside(disk);
}

void disk_free(struct disk *disk)
{
    if (disk != NULL)
        disk->ops->free(disk);
}
