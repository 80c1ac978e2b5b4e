/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_posix.h - struct disk over a directory: file n is "n.seg", 20 digits; set aside "n.aside".
 *
 * Files are 0600, opened with O_NOFOLLOW and O_CLOEXEC relative to the directory's descriptor, and
 * kept open until removed. How bytes become durable is enum disk_flush.
 */
#ifndef RSM_IO_DISK_POSIX_H
#define RSM_IO_DISK_POSIX_H

#include <stdbool.h>

#include "src/io/disk_flush.h"
#include "storage/disk.h"

/*
 * Opens the directory `name` below `directory` (a descriptor, or AT_FDCWD). With `writable` it is
 * made (0700) when missing. RSM_NOT_FOUND, RSM_IO, RSM_NOT_ALLOWED (permissions), RSM_READ_ONLY.
 * Opened for reading only, every call that would write answers RSM_READ_ONLY.
 */
enum rsm_status disk_posix_open(int directory, const char *name, bool writable,
                                struct disk **disk_out);

/*
 * For a disk of disk_posix_open, before any of its files is opened; without this it is fdatasync.
 * Where the file system refuses direct writes, fdatasync takes their place; where the system gives
 * no ring of io_uring, odirect does. Both are logged.
 */
void disk_posix_set_flush(struct disk *disk, enum disk_flush flush);
struct watchdog;
/*
 * From now on threads write what disk_zero_beside and disk_write_begin are asked for; without this
 * it is done before these return. `watchdog` (borrowed until disk_free; may be NULL) looks after
 * the second. RSM_IO: no thread is to be had.
 */
enum rsm_status disk_posix_start_beside(struct disk *disk, struct watchdog *watchdog);
/* After disk_posix_start_beside: readable when disk_write_end may have an answer. The disk's. */
int disk_posix_descriptor(struct disk *disk);

/* The same for reading what was set aside, under its numbers. */
enum rsm_status disk_posix_open_aside(int directory, const char *name, struct disk **disk_out);

/* Translates an errno: ENOENT, EEXIST, ENOSPC and EDQUOT, EROFS, EACCES and EPERM, all else. */
enum rsm_status disk_posix_status(int error);

#endif
