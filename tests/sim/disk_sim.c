/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_sim.c - see disk_sim.h. */
#include "tests/sim/disk_sim.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

struct disk_sim_sector {
    uint32_t sector;
    uint8_t before[DISK_SECTOR_SIZE];
};

static struct disk_sim *from_disk(struct disk *disk)
{
    return (struct disk_sim *)disk;
}

/* Counts a call; true when it is the one that fails, or one after the process's last. */
static bool fails(struct disk_sim *d)
{
    d->calls++;
    if (d->fail_at == 0 || d->calls < d->fail_at)
        return false;
    d->failed = true;
    if (d->fail_once)
        d->fail_at = 0;
    return true;
}

struct disk_sim_file *disk_sim_file(struct disk_sim *d, uint64_t file)
{
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file == file && d->files[i].exists)
            return &d->files[i];
    }
    return NULL;
}

uint64_t disk_sim_next(const struct disk_sim *d, uint64_t after)
{
    uint64_t next = 0;
    for (size_t i = 0; i < d->file_count; i++) {
        uint64_t file = d->files[i].file;
        if (d->files[i].exists && file > after && (next == 0 || file < next))
            next = file;
    }
    return next;
}

static void file_clear(struct disk_sim_file *f)
{
    mem_free(f->data);
    mem_free(f->is_dirty);
    mem_free(f->dirty);
    mem_free(f->lies);
    *f = (struct disk_sim_file){.file = f->file};
}

/* Room for `size` bytes; what is new is zeros. */
static void file_reserve(struct disk_sim_file *f, size_t size)
{
    if (size <= f->capacity)
        return;
    size_t capacity = (size + DISK_SECTOR_SIZE - 1) / DISK_SECTOR_SIZE * DISK_SECTOR_SIZE;
    f->data = mem_realloc(f->data, capacity);
    f->is_dirty = mem_realloc(f->is_dirty, capacity / DISK_SECTOR_SIZE);
    memset(f->data + f->capacity, 0, capacity - f->capacity);
    memset(f->is_dirty + f->capacity / DISK_SECTOR_SIZE, 0,
           (capacity - f->capacity) / DISK_SECTOR_SIZE);
    f->capacity = capacity;
}

static void sector_add(struct disk_sim_sector **list, size_t *count, size_t *capacity,
                       const struct disk_sim_sector *one)
{
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 16 : 2 * *capacity;
        *list = mem_realloc(*list, *capacity * sizeof(**list));
    }
    (*list)[(*count)++] = *one;
}

/* Remembers what the sectors of a write held, those that were durable and are not dirty yet. */
static void file_dirty(struct disk_sim_file *f, uint64_t offset, uint64_t end)
{
    for (uint64_t s = offset / DISK_SECTOR_SIZE; s * DISK_SECTOR_SIZE < end; s++) {
        if (f->is_dirty[s] || s * DISK_SECTOR_SIZE >= f->durable_size)
            continue;
        struct disk_sim_sector one = {.sector = (uint32_t)s};
        memcpy(one.before, f->data + s * DISK_SECTOR_SIZE, DISK_SECTOR_SIZE);
        sector_add(&f->dirty, &f->dirty_count, &f->dirty_capacity, &one);
        f->is_dirty[s] = 1;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static enum rsm_status sim_list(struct disk *disk, uint64_t *files_out, size_t capacity,
                                size_t *count_out)
{
    struct disk_sim *d = from_disk(disk);
    uint64_t numbers[DISK_SIM_FILES_MAX];
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

static struct disk_sim_file *file_slot(struct disk_sim *d, uint64_t file)
{
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file == file)
            return &d->files[i];
    }
    /* A name whose removal is durable makes room for another. */
    for (size_t i = 0; i < d->file_count; i++) {
        if (!d->files[i].exists && !d->files[i].exists_durably) {
            file_clear(&d->files[i]);
            d->files[i].file = file;
            return &d->files[i];
        }
    }
    CHECK(d->file_count < DISK_SIM_FILES_MAX);
    d->files[d->file_count] = (struct disk_sim_file){.file = file};
    return &d->files[d->file_count++];
}

static enum rsm_status sim_create(struct disk *disk, uint64_t file)
{
    struct disk_sim *d = from_disk(disk);
    if (fails(d))
        return d->fail_with;
    if (disk_sim_file(d, file) != NULL)
        return RSM_EXISTS;
    struct disk_sim_file *f = file_slot(d, file);
    bool was_durable = f->exists_durably;
    file_clear(f);
    f->exists = true;
    f->exists_durably = was_durable; /* the name; a crash finds it empty then */
    return RSM_OK;
}

static enum rsm_status sim_size(struct disk *disk, uint64_t file, uint64_t *size_out)
{
    struct disk_sim *d = from_disk(disk);
    struct disk_sim_file *f = disk_sim_file(d, file);
    *size_out = 0;
    if (fails(d))
        return d->fail_with;
    if (f == NULL)
        return RSM_NOT_FOUND;
    *size_out = f->size;
    return RSM_OK;
}

static bool touches_bad(struct disk_sim *d, uint64_t file, uint64_t offset, uint64_t end)
{
    uint64_t bad = d->bad_sector * DISK_SECTOR_SIZE;
    return d->bad_file != 0 && d->bad_file == file && offset < bad + DISK_SECTOR_SIZE && end > bad;
}

static enum rsm_status sim_read(struct disk *disk, uint64_t file, uint64_t offset, void *data_out,
                                size_t size)
{
    struct disk_sim *d = from_disk(disk);
    struct disk_sim_file *f = disk_sim_file(d, file);
    if (fails(d))
        return d->fail_with;
    if (f == NULL)
        return RSM_NOT_FOUND;
    if (offset + size > f->size)
        return RSM_IO;
    if (touches_bad(d, file, offset, offset + size)) {
        d->bad_was_read = true;
        return RSM_IO;
    }
    if (size > 0)
        memcpy(data_out, f->data + offset, size);
    return RSM_OK;
}

static bool has_space(const struct disk_sim *d, const struct disk_sim_file *f, size_t size)
{
    uint64_t used = 0;
    if (d->space == 0 || size <= f->size)
        return true;
    for (size_t i = 0; i < d->file_count; i++)
        used += d->files[i].exists ? d->files[i].size : 0;
    return used - f->size + size <= d->space;
}

static enum rsm_status put(struct disk_sim *d, uint64_t file, uint64_t offset, const uint8_t *data,
                           size_t size)
{
    struct disk_sim_file *f = disk_sim_file(d, file);
    if (fails(d))
        return d->fail_with;
    if (f == NULL)
        return RSM_NOT_FOUND;
    if (!has_space(d, f, offset + size))
        return RSM_DISK_FULL;
    file_reserve(f, offset + size);
    file_dirty(f, offset, offset + size);
    if (offset + size > f->size)
        f->size = offset + size;
    if (size > 0 && data == NULL)
        memset(f->data + offset, 0, size);
    else if (size > 0)
        memcpy(f->data + offset, data, size);
    if (touches_bad(d, file, offset, offset + size))
        d->bad_file = 0; /* the drive maps another one in */
    return RSM_OK;
}

static enum rsm_status sim_write(struct disk *disk, uint64_t file, uint64_t offset,
                                 const void *data, size_t size)
{
    CHECK(from_disk(disk)->under_way != file); /* it would not know when it is written */
    return put(from_disk(disk), file, offset, data, size);
}

static enum rsm_status sim_zero(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    CHECK(from_disk(disk)->under_way != file);
    return put(from_disk(disk), file, first, NULL, end - first);
}

/* As Linux does it when a flush fails: the bytes are dropped, and the next flush would succeed. */
static void drop_dirty(struct disk_sim_file *f)
{
    for (size_t i = 0; i < f->dirty_count; i++) {
        size_t at = (size_t)f->dirty[i].sector * DISK_SECTOR_SIZE;
        memcpy(f->data + at, f->dirty[i].before, DISK_SECTOR_SIZE);
        f->is_dirty[f->dirty[i].sector] = 0;
    }
    f->dirty_count = 0;
    if (f->size > f->durable_size)
        memset(f->data + f->durable_size, 0, f->size - f->durable_size);
    f->size = f->durable_size;
}

static void forget_lie(struct disk_sim_file *f, uint32_t sector)
{
    for (size_t i = 0; i < f->lie_count; i++) {
        if (f->lies[i].sector == sector)
            f->lies[i--] = f->lies[--f->lie_count];
    }
}

static void make_durable(struct disk_sim *d, struct disk_sim_file *f)
{
    bool lie = d->lie && f->dirty_count > 1 && f->size == f->durable_size;
    for (size_t i = 0; i < f->dirty_count; i++) {
        uint64_t at = (uint64_t)f->dirty[i].sector * DISK_SECTOR_SIZE;
        f->is_dirty[f->dirty[i].sector] = 0;
        forget_lie(f, f->dirty[i].sector);
        if (lie && at >= d->lie_first && at < d->lie_end)
            sector_add(&f->lies, &f->lie_count, &f->lie_capacity, &f->dirty[i]);
    }
    f->dirty_count = 0;
    f->durable_size = f->size;
    if (lie) {
        d->lie = false;
        d->lied = true;
        d->dies_in_flush = d->lie_first == 0 && d->lie_end == UINT64_MAX;
        d->lied_whole = d->lied_whole || (d->lie_first == 0 && d->lie_end == UINT64_MAX);
    }
}

static enum rsm_status sim_flush(struct disk *disk, uint64_t file)
{
    struct disk_sim *d = from_disk(disk);
    struct disk_sim_file *f = disk_sim_file(d, file);
    CHECK(d->under_way != file);
    d->flushes++;
    if (d->dies_in_flush && f != NULL && f->dirty_count > 0) {
        d->dies_in_flush = false;
        d->fail_once = false;
        d->fail_with = RSM_IO;
        d->failed = true;
        d->fail_at = 1;
        return RSM_IO; /* the sectors stay as they are: the crash decides over them */
    }
    if (fails(d)) {
        if (f != NULL)
            drop_dirty(f);
        return d->fail_with;
    }
    if (f == NULL)
        return RSM_NOT_FOUND;
    make_durable(d, f);
    if (d->on_flushed != NULL)
        d->on_flushed(d->context, file);
    return RSM_OK;
}

static enum rsm_status sim_write_begin(struct disk *disk, uint64_t file,
                                       const struct disk_part *parts, size_t count)
{
    struct disk_sim *d = from_disk(disk);
    enum rsm_status status = RSM_OK;
    CHECK(d->under_way == 0);
    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = put(d, file, parts[i].offset, parts[i].data, parts[i].size);
    if (status != RSM_OK || !d->is_beside)
        return status == RSM_OK ? sim_flush(disk, file) : status;
    d->under_way = file;
    d->is_over = false;
    return RSM_BUSY;
}

static enum rsm_status sim_write_end(struct disk *disk, bool waits)
{
    struct disk_sim *d = from_disk(disk);
    uint64_t file = d->under_way;
    if (file == 0)
        return RSM_IO; /* the process has died meanwhile: nobody hears of it any more */
    if (!d->is_over && !waits)
        return RSM_BUSY;
    d->under_way = 0;
    return sim_flush(disk, file);
}

static enum rsm_status sim_remove(struct disk *disk, uint64_t file)
{
    struct disk_sim *d = from_disk(disk);
    struct disk_sim_file *f = disk_sim_file(d, file);
    CHECK(d->under_way != file);
    if (fails(d))
        return d->fail_with;
    if (f == NULL)
        return RSM_OK;
    if (d->on_removed != NULL)
        d->on_removed(d->context, file);
    f->exists = false;
    return RSM_OK;
}

static enum rsm_status sim_flush_directory(struct disk *disk)
{
    struct disk_sim *d = from_disk(disk);
    if (fails(d))
        return d->fail_with;
    for (size_t i = 0; i < d->file_count; i++) {
        d->files[i].exists_durably = d->files[i].exists;
        if (!d->files[i].exists)
            file_clear(&d->files[i]);
    }
    return RSM_OK;
}

/* Nobody looks at what was set aside. */
static enum rsm_status sim_drop_aside(struct disk *disk)
{
    struct disk_sim *d = from_disk(disk);
    return fails(d) ? d->fail_with : RSM_OK;
}

static void sim_free_disk(struct disk *disk)
{
    struct disk_sim *d = from_disk(disk);
    for (size_t i = 0; i < d->file_count; i++)
        file_clear(&d->files[i]);
    mem_free(d);
}

static const struct disk_ops sim_ops = {
    .list = sim_list,
    .create = sim_create,
    .size = sim_size,
    .read = sim_read,
    .write = sim_write,
    .zero = sim_zero,
    .flush = sim_flush,
    .write_begin = sim_write_begin,
    .write_end = sim_write_end,
    .remove = sim_remove,
    .flush_directory = sim_flush_directory,
    .set_aside = sim_remove,
    .drop_aside = sim_drop_aside,
    .free = sim_free_disk,
};

struct disk_sim *disk_sim_new(void)
{
    struct disk_sim *d = mem_alloc(sizeof(*d));
    d->disk.ops = &sim_ops;
    return d;
}

static bool keeps(enum disk_sim_crash how, struct prng *prng)
{
    return how == DISK_SIM_KEEPS_ALL || (how == DISK_SIM_KEEPS_SOME && prng_chance(prng, 500000));
}

/* The part that was never durable at all: each sector is there or zero. */
static size_t crash_new_part(struct disk_sim_file *f, enum disk_sim_crash how, struct prng *prng)
{
    size_t lost = 0;
    size_t end = f->durable_size;
    for (size_t at = f->durable_size; at < f->size; at += DISK_SECTOR_SIZE) {
        size_t size = f->size - at < DISK_SECTOR_SIZE ? f->size - at : DISK_SECTOR_SIZE;
        if (keeps(how, prng)) {
            end = at + size;
        } else {
            memset(f->data + at, 0, size);
            lost++;
        }
    }
    f->size = end;
    f->durable_size = end;
    return lost;
}

static size_t crash_file(struct disk_sim_file *f, enum disk_sim_crash how, struct prng *prng)
{
    size_t lost = 0;
    for (size_t i = 0; i < f->dirty_count; i++) {
        uint32_t sector = f->dirty[i].sector;
        f->is_dirty[sector] = 0;
        if (keeps(how, prng))
            continue;
        memcpy(f->data + (size_t)sector * DISK_SECTOR_SIZE, f->dirty[i].before, DISK_SECTOR_SIZE);
        lost++;
    }
    f->dirty_count = 0;
    lost += crash_new_part(f, how, prng);
    for (size_t i = 0; how != DISK_SIM_KEEPS_ALL && i < f->lie_count; i++) {
        size_t at = (size_t)f->lies[i].sector * DISK_SECTOR_SIZE;
        memcpy(f->data + at, f->lies[i].before, DISK_SECTOR_SIZE);
    }
    if (how != DISK_SIM_KEEPS_ALL)
        f->lie_count = 0;
    return lost;
}

size_t disk_sim_crash(struct disk_sim *d, enum disk_sim_crash how, struct prng *prng)
{
    size_t lost = 0;
    for (size_t i = 0; i < d->file_count; i++) {
        struct disk_sim_file *f = &d->files[i];
        if (how == DISK_SIM_KEEPS_ALL)
            f->exists_durably = f->exists;
        f->exists = f->exists_durably;
        if (f->exists)
            lost += crash_file(f, how, prng);
        else
            file_clear(f);
    }
    d->failed = false;
    d->fail_at = 0;
    d->dies_in_flush = false;
    return lost;
}

void disk_sim_wipe(struct disk_sim *d)
{
    for (size_t i = 0; i < d->file_count; i++)
        file_clear(&d->files[i]);
}

bool disk_sim_rot(struct disk_sim *d, uint64_t file, uint64_t sector, enum disk_sim_rot how,
                  struct prng *prng)
{
    struct disk_sim_file *f = disk_sim_file(d, file);
    if (f == NULL || (sector + 1) * DISK_SECTOR_SIZE > f->durable_size)
        return false;
    uint8_t *at = f->data + sector * DISK_SECTOR_SIZE;
    uint64_t other = prng_below(prng, f->durable_size / DISK_SECTOR_SIZE);
    uint64_t place, bit;
    switch (how) {
    case DISK_SIM_FLIPS_BIT: /* one draw after the other: a seed is the same for each compiler */
        place = prng_below(prng, DISK_SECTOR_SIZE);
        bit = prng_below(prng, 8);
        at[place] ^= (uint8_t)(1u << bit);
        break;
    case DISK_SIM_ZEROES:
        memset(at, 0, DISK_SECTOR_SIZE);
        break;
    case DISK_SIM_SCRAMBLES:
        for (size_t i = 0; i < DISK_SECTOR_SIZE; i++)
            at[i] = (uint8_t)prng_next(prng);
        break;
    case DISK_SIM_COPIES_OTHER:
        memmove(at, f->data + other * DISK_SECTOR_SIZE, DISK_SECTOR_SIZE);
        break;
    }
    return true;
}
