/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_names.h - the names of a disk's files: 20 digits and a suffix; for disk_posix.c. */
#ifndef RSM_IO_DISK_NAMES_H
#define RSM_IO_DISK_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include <rsm/status.h>

#define DISK_NAME_SIZE 32

/* "00000000000000000007" and the suffix, of which there is room for 11 characters. */
void disk_name_make(uint64_t file, const char *suffix, char name_out[DISK_NAME_SIZE]);
/* As disk_list (storage/disk.h), of the names with this suffix. */
enum rsm_status disk_names_list(int directory, const char *suffix, uint64_t *files_out,
                                size_t capacity, size_t *count_out);

#endif
