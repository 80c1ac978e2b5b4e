/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_posix.c - a directory of the file system as a struct disk. */
#include "src/io/disk_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"

#define NAME_SIZE 32
#define NUMBER_DIGITS 20u
#define SUFFIX ".seg"
#define SUFFIX_ASIDE ".aside"
#define LIST_PART 64u
#define ZERO_CHUNK (1u << 20)

struct open_file {
    uint64_t file;
    int descriptor;
};

struct disk_posix {
    struct disk disk; /* first */
    int directory;
    const char *suffix;
    bool writable;
    struct open_file *files; /* owned; few: segments in use and prepared */
    size_t file_count;
    uint8_t *zeros; /* owned, made when first needed */
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

static void make_name(uint64_t file, const char *suffix, char name_out[NAME_SIZE])
{
    snprintf(name_out, NAME_SIZE, "%020" PRIu64 "%s", file, suffix);
}

/* The number in a name that make_name would make; false for any other. */
static bool parse_name(const char *name, const char *suffix, uint64_t *file_out)
{
    char again[NAME_SIZE];

    if (strlen(name) != NUMBER_DIGITS + strlen(suffix))
        return false;
    *file_out = strtoull(name, NULL, 10);
    make_name(*file_out, suffix, again);
    return strcmp(name, again) == 0;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Keeps the `capacity` lowest of all numbers seen so far, in no order. */
static void keep_number(uint64_t *files, size_t capacity, size_t seen, uint64_t file)
{
    size_t highest = 0;

    if (seen < capacity) {
        files[seen] = file;
        return;
    }
    for (size_t i = 1; i < capacity; i++) {
        if (files[i] > files[highest])
            highest = i;
    }
    if (capacity > 0 && files[highest] > file)
        files[highest] = file;
}

static enum rsm_status list_names(struct disk_posix *d, const char *suffix, uint64_t *files_out,
                                  size_t capacity, size_t *count_out)
{
    uint64_t file = 0;

    *count_out = 0;
    int copy = openat(d->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0)
        return disk_posix_status(errno);
    DIR *stream = fdopendir(copy);
    if (stream == NULL) {
        close(copy);
        return RSM_IO;
    }
    for (;;) {
        errno = 0; /* the end and an error look alike but for this */
        const struct dirent *entry = readdir(stream);
        if (entry == NULL)
            break;
        if (parse_name(entry->d_name, suffix, &file))
            keep_number(files_out, capacity, (*count_out)++, file);
    }
    enum rsm_status status = disk_posix_status(errno);
    closedir(stream);
    size_t kept = *count_out < capacity ? *count_out : capacity;
    qsort(files_out, kept, sizeof(*files_out), compare_numbers);
    return status;
}

static enum rsm_status posix_list(struct disk *disk, uint64_t *files_out, size_t capacity,
                                  size_t *count_out)
{
    struct disk_posix *d = from_disk(disk);

    return list_names(d, d->suffix, files_out, capacity, count_out);
}

static void remember(struct disk_posix *d, uint64_t file, int descriptor)
{
    d->files = mem_realloc(d->files, (d->file_count + 1) * sizeof(*d->files));
    d->files[d->file_count++] = (struct open_file){file, descriptor};
}

static void forget(struct disk_posix *d, uint64_t file)
{
    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file != file)
            continue;
        close(d->files[i].descriptor);
        d->files[i] = d->files[--d->file_count];
        return;
    }
}

/* The file's descriptor, opened when it is not open yet. */
static enum rsm_status get_descriptor(struct disk_posix *d, uint64_t file, int *descriptor_out)
{
    char name[NAME_SIZE];
    struct stat info;

    for (size_t i = 0; i < d->file_count; i++) {
        if (d->files[i].file == file) {
            *descriptor_out = d->files[i].descriptor;
            return RSM_OK;
        }
    }
    make_name(file, d->suffix, name);
    /* Not blocking: a fifo under this name must not hang us. */
    int descriptor =
        openat(d->directory, name,
               (d->writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return disk_posix_status(errno);
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(descriptor);
        return RSM_IO;
    }
    remember(d, file, descriptor);
    *descriptor_out = descriptor;
    return RSM_OK;
}

static enum rsm_status posix_create(struct disk *disk, uint64_t file)
{
    struct disk_posix *d = from_disk(disk);
    char name[NAME_SIZE];

    if (!d->writable)
        return RSM_READ_ONLY;
    make_name(file, d->suffix, name);
    int descriptor =
        openat(d->directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return disk_posix_status(errno);
    remember(d, file, descriptor);
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

static enum rsm_status write_all(int descriptor, uint64_t offset, const uint8_t *data, size_t size)
{
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

static enum rsm_status posix_write(struct disk *disk, uint64_t file, uint64_t offset,
                                   const void *data, size_t size)
{
    struct disk_posix *d = from_disk(disk);
    int descriptor = -1;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = get_descriptor(d, file, &descriptor);
    return status == RSM_OK ? write_all(descriptor, offset, data, size) : status;
}

static enum rsm_status posix_zero(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    struct disk_posix *d = from_disk(disk);
    int descriptor = -1;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = get_descriptor(d, file, &descriptor);
    if (d->zeros == NULL)
        d->zeros = mem_alloc(ZERO_CHUNK);
    while (status == RSM_OK && first < end) {
        size_t part = end - first < ZERO_CHUNK ? (size_t)(end - first) : ZERO_CHUNK;
        status = write_all(descriptor, first, d->zeros, part);
        first += part;
    }
    return status;
}

static enum rsm_status posix_flush(struct disk *disk, uint64_t file)
{
    struct disk_posix *d = from_disk(disk);
    int descriptor = -1;

    if (!d->writable)
        return RSM_READ_ONLY;
    enum rsm_status status = get_descriptor(d, file, &descriptor);
    if (status != RSM_OK)
        return status;
    /* EINTR is a failure as well: nobody says that it can be tried again. */
    return fdatasync(descriptor) == 0 ? RSM_OK : disk_posix_status(errno);
}

static enum rsm_status posix_remove(struct disk *disk, uint64_t file)
{
    struct disk_posix *d = from_disk(disk);
    char name[NAME_SIZE];

    if (!d->writable)
        return RSM_READ_ONLY;
    forget(d, file);
    make_name(file, d->suffix, name);
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
    char name[NAME_SIZE];
    char aside[NAME_SIZE];

    if (!d->writable)
        return RSM_READ_ONLY;
    forget(d, file);
    make_name(file, d->suffix, name);
    make_name(file, SUFFIX_ASIDE, aside);
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
        status = list_names(d, SUFFIX_ASIDE, files, LIST_PART, &count);
        for (size_t i = 0; i < count && i < LIST_PART && status == RSM_OK; i++) {
            char name[NAME_SIZE];
            make_name(files[i], SUFFIX_ASIDE, name);
            if (unlinkat(d->directory, name, 0) != 0)
                status = disk_posix_status(errno);
        }
    } while (status == RSM_OK && count > LIST_PART);
    return status;
}

static void posix_free(struct disk *disk)
{
    struct disk_posix *d = from_disk(disk);

    for (size_t i = 0; i < d->file_count; i++)
        close(d->files[i].descriptor);
    close(d->directory);
    mem_free(d->files);
    mem_free(d->zeros);
    mem_free(d);
}

static const struct disk_ops posix_ops = {
    .list = posix_list,
    .create = posix_create,
    .size = posix_size,
    .read = posix_read,
    .write = posix_write,
    .zero = posix_zero,
    .flush = posix_flush,
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
