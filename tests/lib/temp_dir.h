/* SPDX-License-Identifier: GPL-3.0-or-later */
/* temp_dir.h - a directory of a test's own, removed at the end of the process's use of it. */
#ifndef RSM_TESTS_LIB_TEMP_DIR_H
#define RSM_TESTS_LIB_TEMP_DIR_H

#include <stddef.h>

#define TEMP_DIR_SIZE 256u

struct temp_dir {
    char path[TEMP_DIR_SIZE];
};

/* Makes it below TMPDIR or /tmp; ends the process when it cannot. */
void temp_dir_make(struct temp_dir *t);
/* The same, but below /dev/shm, where there is one, instead of /tmp: nothing waits for a disk. */
void temp_dir_make_in_memory(struct temp_dir *t);
/* Removes it with everything in it. */
void temp_dir_remove(struct temp_dir *t);
/* "directory/name" in a buffer of TEMP_DIR_SIZE + 64 bytes. */
const char *temp_dir_path(const struct temp_dir *t, const char *name, char *out);

#endif
