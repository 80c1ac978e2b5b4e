/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.c - see kept.h. */
#include "tools/lib/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/lib/proof.h"

#define PATH_SIZE 4096u

static bool fail(const struct kept *k, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, k->path, why);
    return false;
}

/* The folder of the file, as a descriptor that is locked. */
static bool lock_folder(struct kept *k)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(k->path, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - k->path) + 1;

    if (size >= sizeof folder)
        return fail(k, strerror(ENAMETOOLONG));
    (void)snprintf(folder, sizeof folder, "%.*s", size > 0 ? (int)size : 1,
                   size > 0 ? k->path : ".");
    k->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (k->folder < 0)
        return fail(k, strerror(errno));
    while (flock(k->folder, LOCK_EX) != 0)
        if (errno != EINTR)
            return fail(k, strerror(errno));
    return true;
}

bool kept_open(struct kept *k, const char *path)
{
    struct stat found;

    *k = (struct kept){.path = path, .folder = -1};
    if (path == NULL)
        return true;
    if (!lock_folder(k))
        return false;
    if (lstat(path, &found) != 0)
        return errno == ENOENT || fail(k, strerror(errno));
    if (!S_ISREG(found.st_mode))
        return fail(k, "no file; the last checkpoint is kept in one");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(k, "others can write it, so what it says is theirs: chmod 600, once you know "
                       "that it is the last checkpoint");
    if (!proof_read_file(path, NOTE_SIZE_MAX, &k->file))
        return false;
    if (note_parse(writer_result(&k->file), &k->note) != RSM_OK ||
        note_checkpoint_parse(k->note.text, &k->checkpoint) != RSM_OK)
        return fail(k, "no checkpoint: it is damaged, or another file. Put a copy back; without it "
                       "(moved away) the next one is taken as it comes, whatever was before");
    k->is_there = true;
    return true;
}

void kept_close(struct kept *k)
{
    writer_deinit(&k->file);
    if (k->folder >= 0)
        (void)close(k->folder);
    k->folder = -1;
}

static bool write_all(int file, struct bytes data)
{
    while (data.size > 0) {
        ssize_t part = write(file, data.data, data.size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        data = bytes_make(data.data + part, data.size - (size_t)part);
    }
    return true;
}

bool kept_put(struct kept *k, struct bytes note)
{
    char temporary[PATH_SIZE];

    if (k->path == NULL)
        return true;
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", k->path) >= sizeof temporary)
        return fail(k, strerror(ENAMETOOLONG));
    (void)unlink(temporary); /* of a run that was killed; no other one holds the lock */
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(k, strerror(errno));
    bool good = write_all(file, note) && fsync(file) == 0;
    good = close(file) == 0 && good;
    good = good && rename(temporary, k->path) == 0 && fsync(k->folder) == 0;
    return good || fail(k, strerror(errno));
}

enum kept_relation kept_compare(const struct kept *k, const struct note_checkpoint *seen)
{
    if (!k->is_there)
        return KEPT_FIRST;
    if (!bytes_equal(k->checkpoint.origin, seen->origin))
        return KEPT_ANOTHER_LOG;
    if (seen->size != k->checkpoint.size)
        return seen->size > k->checkpoint.size ? KEPT_NEWER : KEPT_OLDER;
    return memcmp(seen->root, k->checkpoint.root, NOTE_HASH_SIZE) == 0 ? KEPT_SAME : KEPT_FORK;
}
