/* SPDX-License-Identifier: GPL-3.0-or-later */
/* temp_dir.c - see temp_dir.h. */
#include "tests/lib/temp_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/check.h"

static void make_below(struct temp_dir *t, const char *otherwise)
{
    const char *base = getenv("TMPDIR");
    int size = snprintf(t->path, sizeof(t->path), "%s/rsm-test-XXXXXX",
                        base != NULL && *base != '\0' ? base : otherwise);

    CHECK(size > 0 && (size_t)size < sizeof(t->path));
    CHECK(mkdtemp(t->path) != NULL);
}

void temp_dir_make(struct temp_dir *t)
{
    make_below(t, "/tmp");
}

void temp_dir_make_in_memory(struct temp_dir *t)
{
    make_below(t, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void temp_dir_remove(struct temp_dir *t)
{
    CHECK(nftw(t->path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *temp_dir_path(const struct temp_dir *t, const char *name, char *out)
{
    snprintf(out, TEMP_DIR_SIZE + 64, "%s/%s", t->path, name);
    return out;
}
