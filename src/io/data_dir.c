/* SPDX-License-Identifier: GPL-3.0-or-later */
/* data_dir.c - making, locking and reading a replica's directory. */
#include "src/io/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/io/disk_posix.h"
#include "storage/chain.h"

#define NAME_IDENTITY "identity"
#define NAME_GENESIS "genesis"
#define NAME_LOCK "lock"
#define NAME_STORE "store"
#define NAME_STORE_ASIDE "store.damaged-1"
#define NAME_STORE_INCOMING "store.incoming"
#define NAME_STORE_OLD "store.old"
#define LOCK_TRIES 20u
#define LOCK_WAIT_NS 10000000 /* a predecessor that was told to end may be at its last steps */

struct data_dir {
    int descriptor;
    int lock;
    struct identity identity;
    struct blob *genesis; /* owned */
};

/* A regular file of at most `size_max` bytes. */
static enum rsm_status read_file(int directory, const char *name, size_t size_max,
                                 struct blob **blob_out)
{
    struct stat info;
    enum rsm_status status = RSM_IO;

    *blob_out = NULL;
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return disk_posix_status(errno);
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
        goto out;
    status = RSM_DAMAGED;
    if (info.st_size < 0 || (uint64_t)info.st_size > size_max)
        goto out;
    status = RSM_NO_MEMORY;
    *blob_out = blob_begin((size_t)info.st_size);
    if (*blob_out == NULL)
        goto out;
    status = RSM_OK;
    for (size_t done = 0; done < (*blob_out)->size;) {
        ssize_t part = pread(file, (*blob_out)->data + done, (*blob_out)->size - done, (off_t)done);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0) {
            status = RSM_IO;
            blob_unref(*blob_out);
            *blob_out = NULL;
            break;
        }
        done += (size_t)part;
    }
out:
    close(file);
    return status;
}

static enum rsm_status write_all(int file, struct bytes data)
{
    while (data.size > 0) {
        ssize_t part = write(file, data.data, data.size);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return part < 0 ? disk_posix_status(errno) : RSM_IO;
        data = bytes_make(data.data + part, data.size - (size_t)part);
    }
    return RSM_OK;
}

/* As "name.tmp", flushed, renamed, directory flushed: after a crash it is the old one or the new.
 */
static enum rsm_status replace_file(int directory, const char *name, struct bytes data)
{
    char temporary[32];

    snprintf(temporary, sizeof(temporary), "%s.tmp", name);
    int file =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return disk_posix_status(errno);
    enum rsm_status status = write_all(file, data);
    if (status == RSM_OK && fsync(file) != 0)
        status = disk_posix_status(errno);
    if (close(file) != 0 && status == RSM_OK)
        status = RSM_IO;
    if (status == RSM_OK && renameat(directory, temporary, directory, name) != 0)
        status = disk_posix_status(errno);
    if (status == RSM_OK && fsync(directory) != 0)
        status = disk_posix_status(errno);
    return status;
}

static enum rsm_status write_identity(int directory, const struct identity *identity)
{
    struct writer text;

    writer_init(&text, IDENTITY_TEXT_SIZE);
    identity_encode(identity, &text);
    enum rsm_status status = replace_file(directory, NAME_IDENTITY, writer_result(&text));
    writer_deinit(&text);
    return status;
}

static enum rsm_status read_identity(int directory, struct identity *identity_out)
{
    struct blob *text = NULL;

    *identity_out = (struct identity){0};
    enum rsm_status status = read_file(directory, NAME_IDENTITY, IDENTITY_TEXT_SIZE, &text);
    if (status == RSM_OK)
        status = identity_decode(blob_bytes(text), identity_out);
    blob_unref(text);
    return status;
}

/* The directory that holds `path`, so that a new entry in it can be flushed. */
static enum rsm_status flush_parent(const char *path)
{
    char *copy = mem_copy_string(path);
    size_t size = strlen(copy);

    while (size > 1 && copy[size - 1] == '/')
        copy[--size] = '\0';
    char *slash = strrchr(copy, '/');
    if (slash == copy)
        slash[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    int parent = open(slash == NULL ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(copy);
    if (parent < 0)
        return disk_posix_status(errno);
    enum rsm_status status = fsync(parent) == 0 ? RSM_OK : disk_posix_status(errno);
    close(parent);
    return status;
}

static enum rsm_status make_directory(int directory, const char *name)
{
    return mkdirat(directory, name, 0700) == 0 || errno == EEXIST ? RSM_OK
                                                                  : disk_posix_status(errno);
}

enum rsm_status data_dir_create(const char *path, const struct identity *identity,
                                struct bytes genesis)
{
    struct identity old;
    enum rsm_status status = make_directory(AT_FDCWD, path);

    if (status != RSM_OK)
        return status;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return disk_posix_status(errno);
    if (read_identity(directory, &old) != RSM_NOT_FOUND)
        status = RSM_EXISTS;
    if (status == RSM_OK && fchmod(directory, 0700) != 0)
        status = disk_posix_status(errno);
    if (status == RSM_OK)
        status = make_directory(directory, "journal");
    if (status == RSM_OK)
        status = make_directory(directory, NAME_STORE);
    if (status == RSM_OK)
        status = replace_file(directory, NAME_GENESIS, genesis);
    if (status == RSM_OK)
        status = flush_parent(path);
    if (status == RSM_OK) /* last: without it the directory is not one of ours */
        status = write_identity(directory, identity);
    close(directory);
    return status;
}

static struct flock whole_file(short type)
{
    struct flock lock = {0};

    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

static enum rsm_status take_lock(struct data_dir *d)
{
    const struct timespec pause = {0, LOCK_WAIT_NS};

    d->lock = openat(d->descriptor, NAME_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (d->lock < 0)
        return disk_posix_status(errno);
    for (unsigned i = 0; i < LOCK_TRIES; i++) {
        struct flock lock = whole_file(F_WRLCK);
        if (fcntl(d->lock, F_OFD_SETLK, &lock) == 0)
            return RSM_OK;
        if (errno != EACCES && errno != EAGAIN)
            return RSM_IO;
        (void)nanosleep(&pause, NULL);
    }
    return RSM_LOCKED;
}

static enum rsm_status open_directory(struct data_dir *d, const char *path)
{
    struct stat info;

    d->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->descriptor < 0)
        return errno == ENOTDIR ? RSM_NOT_FOUND : disk_posix_status(errno);
    if (fstat(d->descriptor, &info) != 0)
        return RSM_IO;
    return (info.st_mode & 077) == 0 ? RSM_OK : RSM_KEY_EXPOSED;
}

/* The cluster's id is the hash of its genesis. */
static bool genesis_fits(const struct blob *genesis, const struct identity *identity)
{
    uint8_t id[CLUSTER_ID_SIZE];

    chain_cluster_id(blob_bytes(genesis), id);
    return memcmp(id, identity->cluster, CLUSTER_ID_SIZE) == 0;
}

/* *step_out is the part that failed. */
static enum rsm_status open_all(struct data_dir *d, const char *path,
                                const struct identity *expected, const char **step_out)
{
    *step_out = "the directory";
    enum rsm_status status = open_directory(d, path);
    if (status != RSM_OK)
        return status;
    *step_out = NAME_IDENTITY;
    status = read_identity(d->descriptor, &d->identity);
    if (status != RSM_OK)
        return status;
    *step_out = NAME_LOCK;
    status = take_lock(d);
    if (status != RSM_OK)
        return status;
    *step_out = NAME_IDENTITY;
    /* Again: whoever held the lock may have changed it. */
    status = read_identity(d->descriptor, &d->identity);
    if (status == RSM_OK && expected != NULL &&
        (memcmp(expected->cluster, d->identity.cluster, CLUSTER_ID_SIZE) != 0 ||
         expected->replica != d->identity.replica))
        status = RSM_WRONG_IDENTITY;
    if (status != RSM_OK)
        return status;
    *step_out = NAME_GENESIS;
    status = read_file(d->descriptor, NAME_GENESIS, LIMIT_ENVELOPE_SIZE, &d->genesis);
    if (status == RSM_OK && !genesis_fits(d->genesis, &d->identity))
        status = RSM_DAMAGED;
    return status == RSM_NOT_FOUND ? RSM_DAMAGED : status;
}

enum rsm_status data_dir_open(const char *path, const struct identity *expected,
                              struct data_dir **dir_out, char *text_out, size_t text_size)
{
    struct data_dir *d = mem_alloc(sizeof(*d));
    const char *step = NULL;

    d->descriptor = -1;
    d->lock = -1;
    enum rsm_status status = open_all(d, path, expected, &step);
    if (text_out != NULL && text_size > 0)
        snprintf(text_out, text_size, "%s: %s: %s", path, step, rsm_status_sentence(status));
    *dir_out = status == RSM_OK ? d : NULL;
    if (status != RSM_OK)
        data_dir_close(d);
    return status;
}

void data_dir_close(struct data_dir *d)
{
    if (d == NULL)
        return;
    if (d->lock >= 0)
        close(d->lock);
    if (d->descriptor >= 0)
        close(d->descriptor);
    blob_unref(d->genesis);
    mem_free(d);
}

int data_dir_descriptor(const struct data_dir *d)
{
    return d->descriptor;
}

const struct identity *data_dir_identity(const struct data_dir *d)
{
    return &d->identity;
}

struct bytes data_dir_genesis(const struct data_dir *d)
{
    return blob_bytes(d->genesis);
}

enum rsm_status data_dir_set_identity(struct data_dir *d, const struct identity *identity)
{
    enum rsm_status status = write_identity(d->descriptor, identity);

    if (status == RSM_OK)
        d->identity = *identity;
    return status;
}

/* Removes a directory of files; RSM_OK when there is none. */
static enum rsm_status remove_directory(int directory, const char *name)
{
    int descriptor = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (descriptor < 0)
        return errno == ENOENT ? RSM_OK : disk_posix_status(errno);
    DIR *stream = fdopendir(descriptor);
    if (stream == NULL) {
        close(descriptor);
        return RSM_IO;
    }
    enum rsm_status status = RSM_OK;
    const struct dirent *entry;
    while (status == RSM_OK && (entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(descriptor, entry->d_name, 0) != 0)
            status = disk_posix_status(errno);
    }
    closedir(stream);
    if (status == RSM_OK && unlinkat(directory, name, AT_REMOVEDIR) != 0)
        status = disk_posix_status(errno);
    return status;
}

static enum rsm_status rename_directory(const struct data_dir *d, const char *from, const char *to)
{
    if (renameat(d->descriptor, from, d->descriptor, to) != 0 || fsync(d->descriptor) != 0)
        return disk_posix_status(errno);
    return RSM_OK;
}

/*
 * data_dir_install_incoming has two renames, and a crash may come between them: then the old store
 * is in force again.
 */
static enum rsm_status take_back_old_store(const struct data_dir *d)
{
    if (faccessat(d->descriptor, NAME_STORE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return remove_directory(d->descriptor, NAME_STORE_OLD);
    if (faccessat(d->descriptor, NAME_STORE_OLD, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return RSM_OK;
    return rename_directory(d, NAME_STORE_OLD, NAME_STORE);
}

enum rsm_status data_dir_make_store(const struct data_dir *d)
{
    enum rsm_status status = take_back_old_store(d);

    if (status == RSM_OK)
        status = data_dir_remove_incoming(d);
    if (status == RSM_OK)
        status = make_directory(d->descriptor, NAME_STORE);
    if (status == RSM_OK && fsync(d->descriptor) != 0)
        status = disk_posix_status(errno);
    return status;
}

enum rsm_status data_dir_set_store_aside(const struct data_dir *d)
{
    enum rsm_status status = remove_directory(d->descriptor, NAME_STORE_ASIDE);

    if (status == RSM_OK &&
        renameat(d->descriptor, NAME_STORE, d->descriptor, NAME_STORE_ASIDE) != 0)
        status = disk_posix_status(errno);
    return status == RSM_OK ? data_dir_make_store(d) : status;
}

enum rsm_status data_dir_remove_incoming(const struct data_dir *d)
{
    return remove_directory(d->descriptor, NAME_STORE_INCOMING);
}

enum rsm_status data_dir_make_incoming(const struct data_dir *d)
{
    enum rsm_status status = data_dir_remove_incoming(d);

    if (status == RSM_OK && mkdirat(d->descriptor, NAME_STORE_INCOMING, 0700) != 0)
        status = disk_posix_status(errno);
    return status;
}

enum rsm_status data_dir_install_incoming(const struct data_dir *d)
{
    enum rsm_status status = remove_directory(d->descriptor, NAME_STORE_OLD);

    if (status == RSM_OK)
        status = rename_directory(d, NAME_STORE, NAME_STORE_OLD);
    if (status == RSM_OK)
        status = rename_directory(d, NAME_STORE_INCOMING, NAME_STORE);
    if (status == RSM_OK)
        status = remove_directory(d->descriptor, NAME_STORE_OLD);
    return status;
}

enum rsm_status data_dir_read_file(const struct data_dir *d, const char *name, size_t size_max,
                                   struct blob **blob_out)
{
    return read_file(d->descriptor, name, size_max, blob_out);
}

enum rsm_status data_dir_write_file(const struct data_dir *d, const char *name, struct bytes data)
{
    return replace_file(d->descriptor, name, data);
}

/* Asks for the lock without taking it. */
static bool is_live(int directory)
{
    struct flock lock = whole_file(F_RDLCK);
    int file = openat(directory, NAME_LOCK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (file < 0)
        return false;
    bool held = fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(file);
    return held;
}

enum rsm_status data_dir_inspect(const char *path, struct identity *identity_out,
                                 struct blob **genesis_out, bool *live_out)
{
    *identity_out = (struct identity){0};
    *genesis_out = NULL;
    *live_out = false;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return disk_posix_status(errno);
    *live_out = is_live(directory);
    enum rsm_status status = read_identity(directory, identity_out);
    enum rsm_status other = read_file(directory, NAME_GENESIS, LIMIT_ENVELOPE_SIZE, genesis_out);
    close(directory);
    if (status == RSM_OK && other == RSM_OK && !genesis_fits(*genesis_out, identity_out))
        other = RSM_DAMAGED;
    return status != RSM_OK ? status : other;
}
