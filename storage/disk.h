/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk.h - what the journal asks of a disk: files by number in one directory.
 *
 * Two things have this interface: a directory of the file system (src/io/disk_posix.c) and the
 * simulator's disk (tests/sim). The rules of both:
 *
 *   1. A write is whole: short writes and interruptions are completed inside. It is durable only
 *      after a flush of the same file that began after the write returned RSM_OK.
 *   2. Before that flush a crash may leave any subset of the written 512-byte sectors, each of them
 *      as it was before or as it was written (a sector is never half written).
 *   3. A file that was created or removed is so durably only after disk_flush_directory.
 *   4. After a failed flush nobody knows what is on the disk. It is never tried again.
 *
 * Status of every call: RSM_OK, RSM_NOT_FOUND (no such file), RSM_EXISTS, RSM_DISK_FULL (no space,
 * or a quota), RSM_READ_ONLY (opened for reading, or a read-only file system), RSM_NOT_ALLOWED,
 * RSM_IO (all else). disk.c holds every implementation to it.
 *
 * Thread: one at a time, the journal's.
 */
#ifndef RSM_STORAGE_DISK_H
#define RSM_STORAGE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsm/status.h>

/* What a disk writes whole or not at all. */
#define DISK_SECTOR_SIZE 512u

struct disk;

/* Of a write of several: borrowed for the call. */
struct disk_part {
    uint64_t offset;
    const void *data;
    size_t size;
};

#define DISK_PARTS_MAX 4u

struct disk_ops {
    enum rsm_status (*list)(struct disk *disk, uint64_t *files_out, size_t capacity,
                            size_t *count_out);
    enum rsm_status (*create)(struct disk *disk, uint64_t file);
    enum rsm_status (*size)(struct disk *disk, uint64_t file, uint64_t *size_out);
    enum rsm_status (*read)(struct disk *disk, uint64_t file, uint64_t offset, void *data_out,
                            size_t size);
    enum rsm_status (*write)(struct disk *disk, uint64_t file, uint64_t offset, const void *data,
                             size_t size);
    enum rsm_status (*zero)(struct disk *disk, uint64_t file, uint64_t first, uint64_t end);
    /* May be NULL: then zero and flush do it before it returns. */
    enum rsm_status (*zero_beside)(struct disk *disk, uint64_t file, uint64_t first, uint64_t end);
    enum rsm_status (*flush)(struct disk *disk, uint64_t file);
    enum rsm_status (*remove)(struct disk *disk, uint64_t file);
    enum rsm_status (*flush_directory)(struct disk *disk);
    /* May be NULL: then one part is written after the other. */
    enum rsm_status (*write_parts)(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                   size_t count);
    /* May be NULL: then write_parts and flush do it. */
    enum rsm_status (*write_durably)(struct disk *disk, uint64_t file,
                                     const struct disk_part *parts, size_t count);
    /* Both may be NULL: then write_durably does it before disk_write_begin returns. */
    enum rsm_status (*write_begin)(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                   size_t count);
    enum rsm_status (*write_end)(struct disk *disk, bool waits);
    /* These two may be NULL: then nothing is kept aside. */
    enum rsm_status (*set_aside)(struct disk *disk, uint64_t file);
    enum rsm_status (*drop_aside)(struct disk *disk);
    void (*free)(struct disk *disk);
};

/* The first member of every implementation. */
struct disk {
    const struct disk_ops *ops;
};

/*
 * The numbers of all files, ascending, at most `capacity` of them; `*count_out` is how many there
 * are, which may be more. Names that are no number are not files of ours and are left alone.
 */
enum rsm_status disk_list(struct disk *disk, uint64_t *files_out, size_t capacity,
                          size_t *count_out);
/* A new, empty file. RSM_EXISTS when there is one. */
enum rsm_status disk_create(struct disk *disk, uint64_t file);
enum rsm_status disk_size(struct disk *disk, uint64_t file, uint64_t *size_out);
/* Exactly `size` bytes; RSM_IO also when the file ends before. */
enum rsm_status disk_read(struct disk *disk, uint64_t file, uint64_t offset, void *data_out,
                          size_t size);
/* Exactly `size` bytes, growing the file where needed. */
enum rsm_status disk_write(struct disk *disk, uint64_t file, uint64_t offset, const void *data,
                           size_t size);
/*
 * disk_write of 1 to DISK_PARTS_MAX parts that do not overlap; none waits for another one where the
 * disk can do that. On any error nobody knows which of them were written.
 */
enum rsm_status disk_write_parts(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                 size_t count);
/*
 * Zeros in [first, end), really written, so that later writes there allocate nothing. Grows the
 * file to `end` where needed. On RSM_DISK_FULL a part may have been written.
 */
enum rsm_status disk_zero(struct disk *disk, uint64_t file, uint64_t first, uint64_t end);
/*
 * The same, and durable when it returns RSM_OK. RSM_BUSY: it is under way beside the owner; ask
 * again with the same numbers. Whatever else is done with the file waits for it first.
 */
enum rsm_status disk_zero_beside(struct disk *disk, uint64_t file, uint64_t first, uint64_t end);
/* All writes to the file so far are durable when this returns RSM_OK. */
enum rsm_status disk_flush(struct disk *disk, uint64_t file);
/*
 * disk_write_parts and disk_flush in one: RSM_OK, all writes to the file so far are durable. On any
 * error nobody knows what is on the disk, as after a failed flush.
 */
enum rsm_status disk_write_durably(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                   size_t count);
/*
 * disk_write_durably, beside the owner where the disk can do that. RSM_BUSY: it
 * has begun, and disk_write_end says what came of it; the parts' bytes are the disk's until then.
 * Anything else: it is over, done or failed. One is under way at a time; whatever else is done with
 * the file waits for it first.
 */
enum rsm_status disk_write_begin(struct disk *disk, uint64_t file, const struct disk_part *parts,
                                 size_t count);
/* Of what was begun, once: RSM_BUSY while it is under way, but not for who waits for it. */
enum rsm_status disk_write_end(struct disk *disk, bool waits);
/* RSM_OK also when there is none. */
enum rsm_status disk_remove(struct disk *disk, uint64_t file);
/* Creations and removals so far are durable when this returns RSM_OK. */
enum rsm_status disk_flush_directory(struct disk *disk);
/*
 * Takes the file out of the list for good, but keeps its bytes for a person to look at, under a
 * name that says so; removes it where that is not to be had. RSM_OK also when there is none. As
 * durable as a removal.
 */
enum rsm_status disk_set_aside(struct disk *disk, uint64_t file);
/* Removes all that was ever set aside. */
enum rsm_status disk_drop_aside(struct disk *disk);
/* Closes it; NULL is ignored. The simulator's disk keeps its bytes. */
void disk_free(struct disk *disk);

#endif
