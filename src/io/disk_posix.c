/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_posix.c - a directory of the file system as a struct disk. */
#include "src/io/disk_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/io/disk_beside.h"
#include "src/io/disk_direct.h"
#include "src/io/disk_flusher.h"
#include "src/io/disk_lock.h"
#include "src/io/disk_names.h"

#define SUFFIX ".seg"
#define SUFFIX_ASIDE ".aside"
#define LIST_PART 64u

struct open_file {
    uint64_t file;
    int descriptor;
    int direct;      /* for DISK_FLUSH_ODIRECT; -1: none */
    bool is_flushed; /* DISK_FLUSH_ODSYNC: what an earlier process left was flushed once */
};

struct disk_posix {
    struct disk disk; /* first */
    int directory;
    const char *suffix;
    bool writable;
    enum disk_flush flush;
    struct beside *beside;   /* owned; NULL: no thread */
    struct flusher *flusher; /* owned; NULL: no thread */
    struct open_file *files; /* owned; few: segments in use and prepared */
    size_t file_count;
    struct group_writer writer;
    struct direct_buffer zeros;
};

enum rsm_status disk_posix_status(int error)
{
    switch (error) {
    case 0:
        return RSM_OK;
    case ENOENT:
        return RSM_NOT_FOUND;
    case EEXIST:
        return RSM_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return RSM_DISK_FULL;
    case EROFS:
        return RSM_READ_ONLY;
    case EACCES:
    case EPERM:
        return RSM_NOT_ALLOWED;
    default:
        return RSM_IO;
    }
}

static struct disk_posix *from_disk(struct disk *disk)
{
    return (struct disk_posix *)disk;
}

static enum rsm_status posix_list(struct disk *disk, uint64_t *files_out, size_t capacity,
                                  size_t *count_out)
{
    struct disk_posix *d = from_disk(disk);

    return disk_names_list(d->directory, d->suffix, files_out, capacity, count_out);
}

static void close_direct(struct open_file *f)
{
    if (f->direct >= 0)
        close(f->direct);
    f->direct = -1;
}

/* Direct writes are not to be had: from now on all is as with fdatasync, which was right so far. */
static void give_up_direct(struct disk_posix *d)
{
    for (size_t i = 0; i < d->file_count; i++) {
        beside_settle(d->beside, d->files[i].file);
        flusher_settle(d->flusher, d->files[i].file);
        close_direct(&d->files[i]);
    }
    LOG(LOG_WARNING, "journal-flush", LOG_TEXT("wanted", disk_flush_name(d->flush)),
        LOG_TEXT("flush", disk_flush_name(DISK_FLUSH_FDATASYNC)),
        LOG_TEXT("why", "the file system takes no direct writes of 512 bytes"));
    d->flush = DISK_FLUSH_FDATASYNC;
}

/* Without locks nobody would wait for what a ring leaves behind. */
static void give_up_ring(struct disk_posix *d)
{
    if (d->flush != DISK_FLUSH_IO_URING)
        return;
    d->flush = DISK_FLUSH_ODIRECT;
    LOG(LOG_WARNING, "journal-flush", LOG_TEXT("wanted", disk_flush_name(DISK_FLUSH_IO_URING)),
        LOG_TEXT("flush", disk_flush_name(d->flush)),
        LOG_TEXT("why", "the file system has no locks"));
}

static struct open_file *remember(struct disk_posix *d, uint64_t file, int descriptor)
{
    char name[DISK_NAME_SIZE];

    d->files = mem_realloc(d->files, (d->file_count + 1) * sizeof(*d->files));
    struct open_file *f = &d->files[d->file_count++];
    *f = (struct open_file){.file = file, .descriptor = descriptor, .direct = -1};
    if (d->writable && disk_flush_is_direct(d->flush)) {
        disk_name_make(file, d->suffix, name);
        f->direct = direct_open(d->directory, name);
        if (f->direct < 0)
            give_up_direct(d);
    }
    /* Of the descriptor through which the writes go. */
    if (d->writable && !disk_lock(f->direct >= 0 ? f->direct : f->descriptor))
        give_up_ring(d);
    return f;
}

static void forget(struct disk_posix *d, uint64_t file)
{
    beside_forget(d->beside, file);
    flusher_settle(d->flusher, file);
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file != file)
            continue;
        close_direct(&d->files[i]);
        close(d->files[i].descriptor);
        d->files[i] = d->files[--d->file_count];
        return;
    }
}

static int open_flags(const struct disk_posix *d)
{
    return (d->writable ? O_RDWR : O_RDONLY) |
           (d->writable && d->flush == DISK_FLUSH_ODSYNC ? O_DSYNC : 0);
}

/* The file, opened when it is not open yet; borrowed until the next call for another one. */
static enum rsm_status find_file(struct disk_posix *d, uint64_t file, struct open_file **file_out)
{
    char name[DISK_NAME_SIZE];
    struct stat info;

    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file == file) {
            *file_out = &d->files[i];
            return RSM_OK;
        }
    }
    disk_name_make(file, d->suffix, name);
    /* Not blocking: a fifo under this name must not hang us. */
    int descriptor =
        openat(d->directory, name, open_flags(d) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return disk_posix_status(errno);
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(descriptor);
        return RSM_IO;
    }
    *file_out = remember(d, file, descriptor);
    return RSM_OK;
}

/* Nothing is done with a file while zeros or a group are on their way to it. */
static enum rsm_status get_file(struct disk_posix *d, uint64_t file, struct open_file **file_out)
{
    beside_settle(d->beside, file);
    flusher_settle(d->flusher, file);
    return find_file(d, file, file_out);
}

static enum rsm_status get_descriptor(struct disk_posix *d, uint64_t file, int *descriptor_out)
{
    struct open_file *f = NULL;
    enum rsm_status status = get_file(d, file, &f);

    *descriptor_out = status == RSM_OK ? f->descriptor : -1;
    return status;
}

static enum rsm_status posix_create(struct disk *disk, uint64_t file)
{
    struct disk_posix *d = from_disk(disk);
    char name[DISK_NAME_SIZE];

    if (!d->writable)
        return RSM_READ_ONLY;
    disk_name_make(file, d->suffix, name);
    int descriptor =
        openat(d->directory, name, open_flags(d) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return disk_posix_status(errno);
    (void)remember(d, file, descriptor);
    return RSM_OK;
}

static enum rsm_status posix_size(struct disk *disk, uint64_t file, uint64_t *size_out)
{
    int descriptor = -1;
    struct stat info;
    enum rsm_status status = get_descriptor(from_disk(disk), file, &descriptor);

    *size_out = 0;
    if (status != RSM_OK)
        return status;
    if (fstat(descriptor, &info) != 0)
        return RSM_IO;
    *size_out = (uint64_t)info.st_size;
    return RSM_OK;
}

static enum rsm_status posix_read(struct disk *disk, uint64_t file, uint64_t offset, void *data_out,
                                  size_t size)
{
    uint8_t *out = data_out;
    int descriptor = -1;
    enum rsm_status status = get_descriptor(from_disk(disk), file, &descriptor);

    while (status == RSM_OK && size > 0) {
        ssize_t done = pread(descriptor, out, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return RSM_IO;
        out += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return status;
}

static bool is_of_sectors(const struct open_file *f, uint64_t first, uint64_t size)
{
    return f->direct >= 0 && (first | size) % DISK_SECTOR_SIZE == 0;
}

static bool are_of_sectors(const struct open_file *f, const struct disk_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_of_sectors(f, parts[i].offset, parts[i].size))
            return false;
    return true;
}

static enum rsm_status posix_write_parts(struct disk *disk, uint64_t file,
                                         const struct disk_part *parts, size_t count)
{
    struct disk_posix *d = from_disk(disk);
    struct open_file *f = NULL;
    bool is_refused = false;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = get_file(d, file, &f);
    if (status != RSM_OK)
        return status;
    if (are_of_sectors(f, parts, count)) {
        status = direct_write_parts(&d->writer.queue, f->direct, parts, count, &d->writer.buffer,
                                    &is_refused);
        if (!is_refused)
            return status;
        give_up_direct(d);
    }
    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = group_write_plain(f->descriptor, &parts[i]);
    return status;
}

static enum rsm_status posix_write(struct disk *disk, uint64_t file, uint64_t offset,
                                   const void *data, size_t size)
{
    const struct disk_part part = {offset, data, size};

    return posix_write_parts(disk, file, &part, 1);
}

static enum rsm_status posix_zero(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    struct disk_posix *d = from_disk(disk);
    struct open_file *f = NULL;
    bool is_refused = false;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = get_file(d, file, &f);
    if (status != RSM_OK)
        return status;
    if (is_of_sectors(f, first, end)) {
        status = direct_zero(f->direct, first, end, &d->zeros, &is_refused);
        if (!is_refused)
            return status;
        give_up_direct(d);
    }
    while (status == RSM_OK && first < end) {
        const struct disk_part part = {first, direct_buffer_get(&d->zeros),
                                       end - first < DIRECT_CHUNK_MAX ? (size_t)(end - first)
                                                                      : DIRECT_CHUNK_MAX};
        status = group_write_plain(f->descriptor, &part);
        first += part.size;
    }
    return status;
}

static enum rsm_status posix_zero_beside(struct disk *disk, uint64_t file, uint64_t first,
                                         uint64_t end)
{
    struct disk_posix *d = from_disk(disk);
    struct open_file *f = NULL;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = find_file(d, file, &f);
    if (status != RSM_OK)
        return status;
    if (d->beside == NULL) {
        status = posix_zero(disk, file, first, end);
        return status == RSM_OK ? disk_flush(disk, file) : status;
    }
    const struct beside_piece piece = {file, first, end, f->descriptor, f->direct};
    return beside_zero(d->beside, &piece);
}

/* Durable once it is written: no flush has to follow. */
static bool is_written_durably(const struct disk_posix *d, const struct open_file *f)
{
    return d->flush == DISK_FLUSH_ODSYNC && f->is_flushed;
}

static enum rsm_status posix_flush(struct disk *disk, uint64_t file)
{
    struct disk_posix *d = from_disk(disk);
    struct open_file *f = NULL;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = get_file(d, file, &f);
    if (status != RSM_OK)
        return status;
    if (is_written_durably(d, f))
        return RSM_OK;
    f->is_flushed = true;
    /* EINTR is a failure as well: nobody says that it can be tried again. */
    return fdatasync(f->descriptor) == 0 ? RSM_OK : disk_posix_status(errno);
}

/* The group as it is to be written now: whoever has it writes and flushes it. */
static enum rsm_status make_group(struct disk_posix *d, uint64_t file,
                                  const struct disk_part *parts, size_t count,
                                  struct disk_group *group_out)
{
    struct open_file *f = NULL;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = get_file(d, file, &f);
    if (status != RSM_OK)
        return status;
    *group_out = (struct disk_group){.file = file,
                                     .descriptor = f->descriptor,
                                     .direct = are_of_sectors(f, parts, count) ? f->direct : -1,
                                     .is_durable = is_written_durably(d, f),
                                     .takes_ring = d->flush == DISK_FLUSH_IO_URING,
                                     .count = count};
    memcpy(group_out->parts, parts, count * sizeof *parts);
    f->is_flushed = true;
    return RSM_OK;
}

static enum rsm_status posix_write_durably(struct disk *disk, uint64_t file,
                                           const struct disk_part *parts, size_t count)
{
    struct disk_posix *d = from_disk(disk);
    struct disk_group group;
    bool is_refused = false;

    enum rsm_status status = make_group(d, file, parts, count, &group);
    if (status != RSM_OK)
        return status;
    status = group_write(&d->writer, &group, &is_refused);
    if (is_refused)
        give_up_direct(d);
    return status;
}

static enum rsm_status posix_write_begin(struct disk *disk, uint64_t file,
                                         const struct disk_part *parts, size_t count)
{
    struct disk_posix *d = from_disk(disk);
    struct disk_group group;

    if (d->flusher == NULL)
        return posix_write_durably(disk, file, parts, count);
    enum rsm_status status = make_group(d, file, parts, count, &group);
    if (status != RSM_OK)
        return status;
    flusher_begin(d->flusher, &group);
    return RSM_BUSY;
}

static enum rsm_status posix_write_end(struct disk *disk, bool waits)
{
    struct disk_posix *d = from_disk(disk);
    bool is_refused = false;

    CHECK(d->flusher != NULL);
    enum rsm_status status = flusher_end(d->flusher, waits, &is_refused);
    if (is_refused)
        give_up_direct(d);
    return status;
}

static enum rsm_status posix_remove(struct disk *disk, uint64_t file)
{
    struct disk_posix *d = from_disk(disk);
    char name[DISK_NAME_SIZE];

    if (!d->writable)
        return RSM_READ_ONLY;
    forget(d, file);
    disk_name_make(file, d->suffix, name);
    if (unlinkat(d->directory, name, 0) == 0 || errno == ENOENT)
        return RSM_OK;
    return disk_posix_status(errno);
}

static enum rsm_status posix_flush_directory(struct disk *disk)
{
    struct disk_posix *d = from_disk(disk);

    if (!d->writable)
        return RSM_READ_ONLY;
    return fsync(d->directory) == 0 ? RSM_OK : disk_posix_status(errno);
}

/* "n.seg" becomes "n.aside"; what had that name before is gone. */
static enum rsm_status posix_set_aside(struct disk *disk, uint64_t file)
{
    struct disk_posix *d = from_disk(disk);
    char name[DISK_NAME_SIZE];
    char aside[DISK_NAME_SIZE];

    if (!d->writable)
        return RSM_READ_ONLY;
    forget(d, file);
    disk_name_make(file, d->suffix, name);
    disk_name_make(file, SUFFIX_ASIDE, aside);
    if (renameat(d->directory, name, d->directory, aside) == 0 || errno == ENOENT)
        return RSM_OK;
    return disk_posix_status(errno);
}

static enum rsm_status posix_drop_aside(struct disk *disk)
{
    struct disk_posix *d = from_disk(disk);
    uint64_t files[LIST_PART];
    size_t count = 0;
    enum rsm_status status = RSM_OK;

    if (!d->writable)
        return RSM_READ_ONLY;
    do {
        status = disk_names_list(d->directory, SUFFIX_ASIDE, files, LIST_PART, &count);
        for (size_t i = 0; i < count && i < LIST_PART && status == RSM_OK; i++) {
            char name[DISK_NAME_SIZE];
            disk_name_make(files[i], SUFFIX_ASIDE, name);
            if (unlinkat(d->directory, name, 0) != 0)
                status = disk_posix_status(errno);
        }
    } while (status == RSM_OK && count > LIST_PART);
    return status;
}

static void posix_free(struct disk *disk)
{
    struct disk_posix *d = from_disk(disk);

    beside_stop(d->beside);
    flusher_stop(d->flusher);
    for (size_t i = 0; i < d->file_count; i++) {
        close_direct(&d->files[i]);
        close(d->files[i].descriptor);
    }
    close(d->directory);
    mem_free(d->files);
    group_writer_deinit(&d->writer);
    direct_buffer_deinit(&d->zeros);
    mem_free(d);
}

static const struct disk_ops posix_ops = {
    .list = posix_list,
    .create = posix_create,
    .size = posix_size,
    .read = posix_read,
    .write = posix_write,
    .write_parts = posix_write_parts,
    .zero = posix_zero,
    .zero_beside = posix_zero_beside,
    .flush = posix_flush,
    .write_durably = posix_write_durably,
    .write_begin = posix_write_begin,
    .write_end = posix_write_end,
    .remove = posix_remove,
    .flush_directory = posix_flush_directory,
    .set_aside = posix_set_aside,
    .drop_aside = posix_drop_aside,
    .free = posix_free,
};

static enum rsm_status open_suffix(int directory, const char *name, const char *suffix,
                                   bool writable, struct disk **disk_out)
{
    *disk_out = NULL;
    if (writable && mkdirat(directory, name, 0700) != 0 && errno != EEXIST)
        return disk_posix_status(errno);
    int descriptor = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return disk_posix_status(errno);
    struct disk_posix *d = mem_alloc(sizeof(*d));
    d->disk.ops = &posix_ops;
    d->directory = descriptor;
    d->suffix = suffix;
    d->writable = writable;
    d->flush = DISK_FLUSH_FDATASYNC;
    *disk_out = &d->disk;
    return RSM_OK;
}

enum rsm_status disk_posix_open(int directory, const char *name, bool writable,
                                struct disk **disk_out)
{
    return open_suffix(directory, name, SUFFIX, writable, disk_out);
}

enum rsm_status disk_posix_open_aside(int directory, const char *name, struct disk **disk_out)
{
    return open_suffix(directory, name, SUFFIX_ASIDE, false, disk_out);
}

void disk_posix_set_flush(struct disk *disk, enum disk_flush flush)
{
    struct disk_posix *d = from_disk(disk);
    CHECK(disk->ops == &posix_ops);
    CHECK(d->file_count == 0 && d->writer.uring == NULL);
    bool is_had = flush != DISK_FLUSH_IO_URING || group_writer_open_ring(&d->writer);
    d->flush = is_had ? flush : DISK_FLUSH_ODIRECT;
}

enum rsm_status disk_posix_start_beside(struct disk *disk, struct watchdog *watchdog)
{
    struct disk_posix *d = from_disk(disk);
    CHECK(disk->ops == &posix_ops);
    CHECK(d->beside == NULL && d->flusher == NULL);
    enum rsm_status status = beside_start(&d->beside);
    return status == RSM_OK ? flusher_start(watchdog, d->flush, &d->flusher) : status;
}

int disk_posix_descriptor(struct disk *disk)
{
    struct disk_posix *d = from_disk(disk);
    CHECK(disk->ops == &posix_ops && d->flusher != NULL);
    return flusher_descriptor(d->flusher);
}
