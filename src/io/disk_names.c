/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk_names.c - see disk_names.h. */
#include "src/io/disk_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/io/disk_posix.h"

#define NUMBER_DIGITS 20u

void disk_name_make(uint64_t file, const char *suffix, char name_out[DISK_NAME_SIZE])
{
    snprintf(name_out, DISK_NAME_SIZE, "%020" PRIu64 "%s", file, suffix);
}

/* The number in a name that disk_name_make would make; false for any other. */
static bool parse_name(const char *name, const char *suffix, uint64_t *file_out)
{
    char again[DISK_NAME_SIZE];

    if (strlen(name) != NUMBER_DIGITS + strlen(suffix))
        return false;
    *file_out = strtoull(name, NULL, 10);
    disk_name_make(*file_out, suffix, again);
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

enum rsm_status disk_names_list(int directory, const char *suffix, uint64_t *files_out,
                                size_t capacity, size_t *count_out)
{
    uint64_t file = 0;

    *count_out = 0;
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
