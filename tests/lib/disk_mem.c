/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_mem.c - see disk_mem.h. */
#include "tests/lib/disk_mem.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

static struct disk_mem *from_disk(struct disk *disk)
{
    return (struct disk_mem *)disk;
}

/* Counts a call; true when it is the one that fails. */
static bool fails(struct disk_mem *d)
{
    d->calls++;
    if (d->failed && d->calls == d->fail_second) {
        d->failed_twice = true;
        d->fail_with = d->fail_second_with;
        return true;
    }
    if (d->fail_at == 0 || d->calls != d->fail_at)
        return false;
    d->failed = true;
    return true;
}

struct disk_mem_file *disk_mem_file(struct disk_mem *d, uint64_t file)
{
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file == file && d->files[i].exists)
            return &d->files[i];
    }
    return NULL;
}

static struct disk_mem_file *any_file(struct disk_mem *d, uint64_t file)
{
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file == file)
            return &d->files[i];
    }
    CHECK(d->file_count < DISK_MEM_FILES_MAX);
    d->files[d->file_count] = (struct disk_mem_file){.file = file};
    return &d->files[d->file_count++];
}

static void resize(uint8_t **data, size_t *size, size_t wanted)
{
    *data = mem_realloc(*data, wanted + 1);
    if (wanted > *size)
        memset(*data + *size, 0, wanted - *size);
    *size = wanted;
}

static bool is_believed(const struct disk_mem_file *f, size_t sector)
{
    return sector < f->believed_count && f->believed[sector];
}

/* Sectors that a failed flush left in the cache are not written by a later one. */
static void make_durable(struct disk_mem_file *f)
{
    resize(&f->durable, &f->durable_size, f->now_size);
    for (size_t at = 0; at < f->now_size; at += DISK_SECTOR_SIZE) {
        size_t size = f->now_size - at < DISK_SECTOR_SIZE ? f->now_size - at : DISK_SECTOR_SIZE;
        size_t sector = at / DISK_SECTOR_SIZE;
        if (!is_believed(f, sector))
            memcpy(f->durable + at, f->now + at, size);
    }
}

/* What Linux does with pages whose writing failed: they count as clean, and are read as they are.
 */
static void believe(struct disk_mem_file *f)
{
    size_t count = (f->now_size + DISK_SECTOR_SIZE - 1) / DISK_SECTOR_SIZE;
    resize(&f->believed, &f->believed_count, count);
    for (size_t sector = 0; sector < count; sector++) {
        size_t at = sector * DISK_SECTOR_SIZE;
        size_t size = f->now_size - at < DISK_SECTOR_SIZE ? f->now_size - at : DISK_SECTOR_SIZE;
        if (at + size > f->durable_size || memcmp(f->durable + at, f->now + at, size) != 0)
            f->believed[sector] = 1;
    }
}

static void unbelieve(struct disk_mem_file *f, uint64_t offset, uint64_t end)
{
    for (uint64_t s = offset / DISK_SECTOR_SIZE; s * DISK_SECTOR_SIZE < end; s++) {
        if (s < f->believed_count)
            f->believed[s] = 0;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static enum rsm_status mem_list(struct disk *disk, uint64_t *files_out, size_t capacity,
                                size_t *count_out)
{
    struct disk_mem *d = from_disk(disk);
    uint64_t numbers[DISK_MEM_FILES_MAX];
    size_t count = 0;

    *count_out = 0;
    if (fails(d))
        return d->fail_with;
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].exists)
            numbers[count++] = d->files[i].file;
    }
    qsort(numbers, count, sizeof(numbers[0]), compare_numbers);
    for (size_t i = 0; i < count && i < capacity; i++)
        files_out[i] = numbers[i];
    *count_out = count;
    return RSM_OK;
}

static enum rsm_status mem_create(struct disk *disk, uint64_t file)
{
    struct disk_mem *d = from_disk(disk);

    if (fails(d))
        return d->fail_with;
    if (disk_mem_file(d, file) != NULL)
        return RSM_EXISTS;
    struct disk_mem_file *f = any_file(d, file);
    f->exists = true;
    f->now_size = 0;
    f->believed_count = 0;
    return RSM_OK;
}

static enum rsm_status mem_size(struct disk *disk, uint64_t file, uint64_t *size_out)
{
    struct disk_mem *d = from_disk(disk);
    struct disk_mem_file *f = disk_mem_file(d, file);

    *size_out = 0;
    if (fails(d))
        return d->fail_with;
    if (f == NULL)
        return RSM_NOT_FOUND;
    *size_out = f->now_size;
    return RSM_OK;
}

static enum rsm_status mem_read(struct disk *disk, uint64_t file, uint64_t offset, void *data_out,
                                size_t size)
{
    struct disk_mem *d = from_disk(disk);
    struct disk_mem_file *f = disk_mem_file(d, file);

    if (fails(d))
        return d->fail_with;
    if (f == NULL)
        return RSM_NOT_FOUND;
    if (offset + size > f->now_size)
        return RSM_IO;
    uint64_t bad = d->bad_sector * DISK_SECTOR_SIZE;
    if (d->bad_file == file && offset < bad + DISK_SECTOR_SIZE && offset + size > bad)
        return RSM_IO;
    if (size > 0)
        memcpy(data_out, f->now + offset, size);
    return RSM_OK;
}

/* Bytes that the file system still has for `f` to become `size` bytes long. */
static bool has_space(const struct disk_mem *d, const struct disk_mem_file *f, size_t size)
{
    uint64_t used = 0;

    if (d->space == 0 || size <= f->now_size)
        return true;
    for (size_t i = 0; i < d->file_count; i++)
        used += d->files[i].exists ? d->files[i].now_size : 0;
    return used - f->now_size + size <= d->space;
}

static enum rsm_status put(struct disk_mem *d, uint64_t file, uint64_t offset, const uint8_t *data,
                           size_t size)
{
    struct disk_mem_file *f = disk_mem_file(d, file);

    CHECK(d->under_way != file); /* nobody would know when it is durable */
    d->writes++;
    if (fails(d))
        return d->fail_with;
    if (f == NULL)
        return RSM_NOT_FOUND;
    if (!has_space(d, f, offset + size))
        return RSM_DISK_FULL;
    if (offset + size > f->now_size)
        resize(&f->now, &f->now_size, offset + size);
    unbelieve(f, offset, offset + size);
    if (size > 0 && data == NULL)
        memset(f->now + offset, 0, size);
    else if (size > 0)
        memcpy(f->now + offset, data, size);
    return RSM_OK;
}

static enum rsm_status mem_write(struct disk *disk, uint64_t file, uint64_t offset,
                                 const void *data, size_t size)
{
    return put(from_disk(disk), file, offset, data, size);
}

static enum rsm_status mem_zero(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    return put(from_disk(disk), file, first, NULL, end - first);
}

static enum rsm_status mem_flush(struct disk *disk, uint64_t file)
{
    struct disk_mem *d = from_disk(disk);
    struct disk_mem_file *f = disk_mem_file(d, file);

    CHECK(d->under_way != file);
    d->flushes++;
    if (fails(d)) {
        if (d->dies)
            return d->fail_with;
        /* The bytes are dropped, or stay in the cache alone; the next flush would succeed. */
        if (f != NULL && d->cache_stays) {
            believe(f);
        } else if (f != NULL) {
            resize(&f->now, &f->now_size, f->durable_size);
            if (f->durable_size > 0)
                memcpy(f->now, f->durable, f->durable_size);
        }
        return d->fail_with;
    }
    if (f == NULL)
        return RSM_NOT_FOUND;
    make_durable(f);
    return RSM_OK;
}

static enum rsm_status mem_remove(struct disk *disk, uint64_t file)
{
    struct disk_mem *d = from_disk(disk);
    struct disk_mem_file *f = disk_mem_file(d, file);

    CHECK(d->under_way != file);
    if (fails(d))
        return d->fail_with;
    if (f != NULL)
        f->exists = false;
    return RSM_OK;
}

static enum rsm_status mem_write_begin(struct disk *disk, uint64_t file,
                                       const struct disk_part *parts, size_t count)
{
    struct disk_mem *d = from_disk(disk);
    enum rsm_status status = RSM_OK;

    CHECK(d->under_way == 0);
    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = put(d, file, parts[i].offset, parts[i].data, parts[i].size);
    if (status != RSM_OK || !d->is_beside)
        return status == RSM_OK ? mem_flush(disk, file) : status;
    d->under_way = file;
    d->is_over = false;
    return RSM_BUSY;
}

static enum rsm_status mem_write_end(struct disk *disk, bool waits)
{
    struct disk_mem *d = from_disk(disk);
    uint64_t file = d->under_way;

    if (file == 0)
        return RSM_IO; /* a crash came first */
    if (!d->is_over && !waits)
        return RSM_BUSY;
    d->under_way = 0;
    return mem_flush(disk, file);
}

static enum rsm_status mem_flush_directory(struct disk *disk)
{
    struct disk_mem *d = from_disk(disk);

    if (fails(d))
        return d->fail_with;
    for (size_t i = 0; i < d->file_count; i++) {
        struct disk_mem_file *f = &d->files[i];
        if (!f->exists)
            f->durable_size = 0;
        f->exists_durably = f->exists;
        f->aside_durably = f->aside;
    }
    return RSM_OK;
}

static enum rsm_status mem_set_aside(struct disk *disk, uint64_t file)
{
    struct disk_mem *d = from_disk(disk);
    struct disk_mem_file *f = disk_mem_file(d, file);

    if (fails(d))
        return d->fail_with;
    if (f != NULL) {
        f->exists = false;
        f->aside = true;
    }
    return RSM_OK;
}

static enum rsm_status mem_drop_aside(struct disk *disk)
{
    struct disk_mem *d = from_disk(disk);

    if (fails(d))
        return d->fail_with;
    for (size_t i = 0; i < d->file_count; i++)
        d->files[i].aside = false;
    return RSM_OK;
}

void disk_mem_fail(struct disk_mem *d, uint64_t ahead, enum rsm_status status)
{
    CHECK(ahead > 0);
    d->fail_at = d->calls + ahead;
    d->fail_with = status;
}

size_t disk_mem_aside(const struct disk_mem *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->file_count; i++)
        count += d->files[i].aside;
    return count;
}

static void mem_free_disk(struct disk *disk)
{
    struct disk_mem *d = from_disk(disk);

    for (size_t i = 0; i < d->file_count; i++) {
        mem_free(d->files[i].now);
        mem_free(d->files[i].believed);
        mem_free(d->files[i].durable);
    }
    mem_free(d);
}

static const struct disk_ops mem_ops = {
    .list = mem_list,
    .create = mem_create,
    .size = mem_size,
    .read = mem_read,
    .write = mem_write,
    .zero = mem_zero,
    .flush = mem_flush,
    .write_begin = mem_write_begin,
    .write_end = mem_write_end,
    .remove = mem_remove,
    .flush_directory = mem_flush_directory,
    .set_aside = mem_set_aside,
    .drop_aside = mem_drop_aside,
    .free = mem_free_disk,
};

struct disk_mem *disk_mem_new(void)
{
    struct disk_mem *d = mem_alloc(sizeof(*d));

    d->disk.ops = &mem_ops;
    return d;
}

struct disk_mem *disk_mem_clone(const struct disk_mem *d)
{
    struct disk_mem *copy = disk_mem_new();

    for (size_t i = 0; i < d->file_count; i++) {
        const struct disk_mem_file *from = &d->files[i];
        struct disk_mem_file *to = &copy->files[copy->file_count++];
        *to = *from;
        to->now = from->now_size > 0 ? mem_copy(from->now, from->now_size) : NULL;
        to->durable = from->durable_size > 0 ? mem_copy(from->durable, from->durable_size) : NULL;
        to->believed =
            from->believed_count > 0 ? mem_copy(from->believed, from->believed_count) : NULL;
    }
    return copy;
}

void disk_mem_set(struct disk_mem *d, uint64_t file, const void *data, size_t size)
{
    struct disk_mem_file *f = any_file(d, file);

    f->exists = true;
    f->exists_durably = true;
    resize(&f->now, &f->now_size, size);
    if (size > 0)
        memcpy(f->now, data, size);
    make_durable(f);
}

void disk_mem_resize(struct disk_mem *d, uint64_t file, size_t size)
{
    struct disk_mem_file *f = disk_mem_file(d, file);

    CHECK(f != NULL);
    resize(&f->now, &f->now_size, size);
    make_durable(f);
}

/* The next place from `at` on where a sector of `f` differs from what is durable; now_size: none.
 */
static size_t next_difference(const struct disk_mem_file *f, size_t at)
{
    static const uint8_t zeros[DISK_SECTOR_SIZE];

    for (; at < f->now_size; at += DISK_SECTOR_SIZE) {
        size_t size = f->now_size - at < DISK_SECTOR_SIZE ? f->now_size - at : DISK_SECTOR_SIZE;
        const uint8_t *old = at + size <= f->durable_size ? f->durable + at : zeros;
        if (memcmp(old, f->now + at, size) != 0)
            return at;
    }
    return f->now_size;
}

size_t disk_mem_unflushed(const struct disk_mem *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->file_count; i++) {
        const struct disk_mem_file *f = &d->files[i];
        if (!f->exists || !f->exists_durably)
            continue;
        for (size_t at = next_difference(f, 0); at < f->now_size;
             at = next_difference(f, at + DISK_SECTOR_SIZE))
            count++;
    }
    return count;
}

void disk_mem_crash(struct disk_mem *d, bool (*keep)(void *context, size_t index), void *context)
{
    size_t index = 0;

    d->under_way = 0;
    for (size_t i = 0; i < d->file_count; i++) {
        struct disk_mem_file *f = &d->files[i];
        if (!d->names_are_eager) {
            f->exists = f->exists_durably;
            f->aside = f->aside_durably;
        }
        if (!f->exists)
            continue;
        for (size_t at = next_difference(f, 0); at < f->now_size;
             at = next_difference(f, at + DISK_SECTOR_SIZE)) {
            size_t size = f->now_size - at < DISK_SECTOR_SIZE ? f->now_size - at : DISK_SECTOR_SIZE;
            if (is_believed(f, at / DISK_SECTOR_SIZE) || !keep(context, index++))
                continue;
            if (at + size > f->durable_size)
                resize(&f->durable, &f->durable_size, at + size);
            memcpy(f->durable + at, f->now + at, size);
        }
        resize(&f->now, &f->now_size, f->durable_size);
        if (f->durable_size > 0)
            memcpy(f->now, f->durable, f->durable_size);
        f->believed_count = 0;
    }
}

bool disk_mem_equal(const struct disk_mem *a, const struct disk_mem *b)
{
    struct disk_mem *x = (struct disk_mem *)(uintptr_t)a;
    struct disk_mem *y = (struct disk_mem *)(uintptr_t)b;

    for (unsigned turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < x->file_count; i++) {
            const struct disk_mem_file *f = &x->files[i];
            if (!f->exists)
                continue;
            const struct disk_mem_file *g = disk_mem_file(y, f->file);
            if (g == NULL || g->now_size != f->now_size ||
                (f->now_size > 0 && memcmp(f->now, g->now, f->now_size) != 0))
                return false;
        }
        struct disk_mem *z = x;
        x = y;
        y = z;
    }
    return true;
}
