/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_posix.h - struct disk over a directory: file n is "n.seg", 20 digits; set aside "n.aside".
 *
 * Files are 0600, opened with O_NOFOLLOW and O_CLOEXEC relative to the directory's descriptor, and
 * kept open until removed. A flush is fdatasync.
 */
#ifndef RSM_IO_DISK_POSIX_H
#define RSM_IO_DISK_POSIX_H

#include <stdbool.h>

#include "storage/disk.h"

/*
 * Opens the directory `name` below `directory` (a descriptor, or AT_FDCWD). With `writable` it is
 * made (0700) when missing. RSM_NOT_FOUND, RSM_IO, RSM_NOT_ALLOWED (permissions), RSM_READ_ONLY.
 * Opened for reading only, every call that would write answers RSM_READ_ONLY.
 */
enum rsm_status disk_posix_open(int directory, const char *name, bool writable,
                                struct disk **disk_out);

/* The same for reading what was set aside, under its numbers. */
enum rsm_status disk_posix_open_aside(int directory, const char *name, struct disk **disk_out);

/* Translates an errno: ENOENT, EEXIST, ENOSPC and EDQUOT, EROFS, EACCES and EPERM, all else. */
enum rsm_status disk_posix_status(int error);

#endif
