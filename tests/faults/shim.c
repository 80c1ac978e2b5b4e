/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shim.c - LD_PRELOAD: the n-th call of a class fails.
 *
 * Counted are calls on files below one directory (descriptors are followed), and, for the class
 * `memory`, every allocation. Armed by the environment, or by fault_arm from inside:
 *
 *   FAULT_DIR      the directory            FAULT_AT     number of the call that fails; 0: count
 * only FAULT_KIND     EIO ENOSPC EDQUOT EROFS EMFILE ENOMEM EINTR, SHORT (half of a read or a write
 * is done), DROP (a flush fails and takes back everything that was not flushed) FAULT_CLASS file,
 * memory             FAULT_STICKY all later calls fail as well FAULT_REPORT   a file: "calls failed
 * name\n", written anew at each failure and at the end
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/shim.h"

#define DESCRIPTORS 1024
#define UNDO_MAX 4096

struct undo {
    dev_t device;
    ino_t inode;
    off_t offset;
    off_t old_size;
    size_t size; /* bytes that were there */
    uint8_t *data;
};

static char directory[512];
static size_t directory_size;
static atomic_bool armed;
static atomic_ullong calls;
static atomic_bool failed;
static unsigned long long fail_at;
static enum fault_class fail_class;
static enum fault_kind fail_kind;
static bool sticky;
static const char *failed_name = "-";
static char report[512];
static bool tracked[DESCRIPTORS];
static pthread_mutex_t undo_lock = PTHREAD_MUTEX_INITIALIZER; /* the daemon's threads write, too */
static struct undo undos[UNDO_MAX];
static size_t undo_count;
static __thread bool inside; /* the shim's own calls are not counted */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

static int error_of(enum fault_kind kind)
{
    static const int errors[] = {
        [FAULT_EIO] = EIO,     [FAULT_ENOSPC] = ENOSPC, [FAULT_EDQUOT] = EDQUOT,
        [FAULT_EROFS] = EROFS, [FAULT_EMFILE] = EMFILE, [FAULT_ENOMEM] = ENOMEM,
        [FAULT_EINTR] = EINTR, [FAULT_SHORT] = 0,       [FAULT_DROP] = EIO};
    return errors[kind];
}

static void write_report(void)
{
    char text[128];

    if (report[0] == '\0')
        return;
    bool was = inside;
    inside = true;
    int size = snprintf(text, sizeof(text), "%llu %d %s\n", (unsigned long long)calls, (int)failed,
                        failed_name);
    int file = REAL(open)(report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file >= 0) {
        ssize_t done = REAL(write)(file, text, (size_t)size);
        (void)done;
        REAL(close)(file);
    }
    inside = was;
}

void fault_arm(const char *path, enum fault_class class, enum fault_kind kind,
               unsigned long long at, bool stay)
{
    snprintf(directory, sizeof(directory), "%s", path);
    directory_size = strlen(directory);
    fail_class = class;
    fail_kind = kind;
    fail_at = at;
    sticky = stay;
    calls = 0;
    failed = false;
    armed = true;
}

unsigned long long fault_calls(bool *failed_out, const char **name_out)
{
    armed = false;
    *failed_out = failed;
    *name_out = failed_name;
    return calls;
}

static enum fault_kind kind_by_name(const char *name)
{
    for (int kind = FAULT_EIO; kind <= FAULT_DROP; kind++) {
        if (strcmp(name, fault_kind_name((enum fault_kind)kind)) == 0)
            return (enum fault_kind)kind;
    }
    fprintf(stderr, "shim: no such FAULT_KIND: %s\n", name);
    _exit(99);
}

const char *fault_kind_name(enum fault_kind kind)
{
    static const char *const names[] = {"",       "EIO",    "ENOSPC", "EDQUOT", "EROFS",
                                        "EMFILE", "ENOMEM", "EINTR",  "SHORT",  "DROP"};
    return names[kind];
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULT_DIR");
    const char *at = getenv("FAULT_AT");
    const char *kind = getenv("FAULT_KIND");
    const char *class = getenv("FAULT_CLASS");

    if (path == NULL || at == NULL || kind == NULL || class == NULL)
        return;
    if (getenv("FAULT_REPORT") != NULL)
        snprintf(report, sizeof(report), "%s", getenv("FAULT_REPORT"));
    fault_arm(path, strcmp(class, "memory") == 0 ? FAULT_MEMORY : FAULT_FILE, kind_by_name(kind),
              strtoull(at, NULL, 10), getenv("FAULT_STICKY") != NULL);
}

__attribute__((destructor)) static void end(void)
{
    if (armed)
        write_report();
}

/* Counts the call; true when it is the one that fails. errno is set. */
static bool hit(enum fault_class class, const char *name)
{
    if (!armed || inside || class != fail_class)
        return false;
    unsigned long long number = ++calls;
    if (fail_at == 0 || number < fail_at || (number > fail_at && !sticky))
        return false;
    failed = true;
    failed_name = name;
    write_report();
    errno = error_of(fail_kind);
    return true;
}

/* For calls that cannot be short, and are no flush. */
static bool fails(bool concerned, const char *name)
{
    return concerned && hit(FAULT_FILE, name) && fail_kind != FAULT_SHORT &&
           fail_kind != FAULT_DROP;
}

/* -------------------------------------------------------------------------------------------- */
/* Which descriptors and paths are concerned. */

static bool is_tracked(int descriptor)
{
    return armed && descriptor >= 0 && descriptor < DESCRIPTORS && tracked[descriptor];
}

static bool is_below(int at, const char *path)
{
    if (!armed || path == NULL)
        return false;
    if (path[0] == '/')
        return strncmp(path, directory, directory_size) == 0;
    return is_tracked(at);
}

static int track(int descriptor, bool concerned)
{
    if (descriptor >= 0 && descriptor < DESCRIPTORS)
        tracked[descriptor] = concerned;
    return descriptor;
}

/* -------------------------------------------------------------------------------------------- */
/* What a failed flush takes back. */

static void remember(int descriptor, off_t offset, size_t size)
{
    struct stat info;

    if (fail_kind != FAULT_DROP || REAL(fstat)(descriptor, &info) != 0)
        return;
    pthread_mutex_lock(&undo_lock);
    if (undo_count == UNDO_MAX) {
        pthread_mutex_unlock(&undo_lock);
        return;
    }
    inside = true;
    struct undo *u = &undos[undo_count++];
    *u = (struct undo){.device = info.st_dev,
                       .inode = info.st_ino,
                       .offset = offset,
                       .old_size = info.st_size,
                       .data = __libc_malloc(size + 1)};
    /* A descriptor for direct writes reads nothing, and takes no odd places. */
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    int reading = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    ssize_t there = u->data == NULL ? 0 : REAL(pread)(reading, u->data, size, offset);
    u->size = there > 0 ? (size_t)there : 0;
    REAL(close)(reading);
    inside = false;
    pthread_mutex_unlock(&undo_lock);
}

static void forget(int descriptor, bool take_back)
{
    struct stat info;
    size_t kept = 0;

    if (fail_kind != FAULT_DROP || REAL(fstat)(descriptor, &info) != 0)
        return;
    pthread_mutex_lock(&undo_lock);
    inside = true;
    for (size_t i = undo_count; take_back && i > 0; i--) {
        struct undo *u = &undos[i - 1];
        if (u->device != info.st_dev || u->inode != info.st_ino)
            continue;
        ssize_t done = u->data == NULL ? 0 : REAL(pwrite)(descriptor, u->data, u->size, u->offset);
        (void)done;
        if (REAL(ftruncate)(descriptor, u->old_size) != 0)
            fputs("shim: could not take back\n", stderr);
    }
    for (size_t i = 0; i < undo_count; i++) {
        if (undos[i].device == info.st_dev && undos[i].inode == info.st_ino)
            free(undos[i].data);
        else
            undos[kept++] = undos[i];
    }
    undo_count = kept;
    inside = false;
    pthread_mutex_unlock(&undo_lock);
}

/* -------------------------------------------------------------------------------------------- */
/* The calls. */

int open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
    va_end(list);
    bool concerned = is_below(AT_FDCWD, path);
    if (fails(concerned, "open"))
        return -1;
    return track(REAL(open)(path, flags, mode), concerned);
}

int openat(int at, const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
    va_end(list);
    bool concerned = is_below(at, path);
    if (fails(concerned, "openat"))
        return -1;
    return track(REAL(openat)(at, path, flags, mode), concerned);
}

int __open_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);

int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

int __openat_2(int at, const char *path, int flags)
{
    return openat(at, path, flags);
}

int close(int descriptor)
{
    track(descriptor, false);
    return REAL(close)(descriptor);
}

/* How much of a read or write is done; -1: none, errno says why. */
static ssize_t part_of(int descriptor, size_t size, const char *name)
{
    if (!is_tracked(descriptor) || !hit(FAULT_FILE, name))
        return (ssize_t)size;
    if (fail_kind == FAULT_DROP)
        return (ssize_t)size;
    return fail_kind == FAULT_SHORT && size > 1 ? (ssize_t)(size / 2)
           : fail_kind == FAULT_SHORT           ? (ssize_t)size
                                                : -1;
}

ssize_t read(int descriptor, void *data, size_t size)
{
    ssize_t part = part_of(descriptor, size, "read");
    return part < 0 ? -1 : REAL(read)(descriptor, data, (size_t)part);
}

ssize_t pread(int descriptor, void *data, size_t size, off_t offset)
{
    ssize_t part = part_of(descriptor, size, "pread");
    return part < 0 ? -1 : REAL(pread)(descriptor, data, (size_t)part, offset);
}

ssize_t __read_chk(int descriptor, void *data, size_t size, size_t room);
ssize_t __pread_chk(int descriptor, void *data, size_t size, off_t offset, size_t room);

ssize_t __read_chk(int descriptor, void *data, size_t size, size_t room)
{
    (void)room;
    return read(descriptor, data, size);
}

ssize_t __pread_chk(int descriptor, void *data, size_t size, off_t offset, size_t room)
{
    (void)room;
    return pread(descriptor, data, size, offset);
}

ssize_t write(int descriptor, const void *data, size_t size)
{
    ssize_t part = part_of(descriptor, size, "write");
    if (is_tracked(descriptor))
        remember(descriptor, lseek(descriptor, 0, SEEK_CUR), size);
    return part < 0 ? -1 : REAL(write)(descriptor, data, (size_t)part);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    ssize_t part = part_of(descriptor, size, "pwrite");
    if (part >= 0 && is_tracked(descriptor))
        remember(descriptor, offset, size);
    return part < 0 ? -1 : REAL(pwrite)(descriptor, data, (size_t)part, offset);
}

static size_t sum(const struct iovec *parts, int count)
{
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    return size;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    size_t size = sum(parts, count);
    ssize_t part = part_of(descriptor, size, "writev");
    if (part < 0)
        return -1;
    if (is_tracked(descriptor))
        remember(descriptor, lseek(descriptor, 0, SEEK_CUR), size);
    if ((size_t)part < size) /* the first part alone is short enough */
        return REAL(write)(descriptor, parts[0].iov_base, (parts[0].iov_len + 1) / 2);
    return REAL(writev)(descriptor, parts, count);
}

/* Direct writes that are under way together: counted, and failed, one by one where they end. */
long syscall(long number, ...)
{
    long a[6];
    va_list arguments;

    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    struct iocb **blocks = (struct iocb **)a[2];
    struct io_event *events = (struct io_event *)a[3];
    for (long i = 0; number == SYS_io_submit && i < a[1]; i++) {
        if (is_tracked((int)blocks[i]->aio_fildes))
            remember((int)blocks[i]->aio_fildes, blocks[i]->aio_offset, blocks[i]->aio_nbytes);
    }
    long result = REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    for (long i = 0; number == SYS_io_getevents && i < result; i++) {
        const struct iocb *block = (const struct iocb *)(uintptr_t)events[i].obj;
        ssize_t part = part_of((int)block->aio_fildes, block->aio_nbytes, "io_submit");
        if (part < 0)
            events[i].res = -errno;
        else if (events[i].res > part)
            events[i].res = part;
    }
    return result;
}

/* -------------------------------------------------------------------------------------------- */
/* A group that goes through a ring: its entries are counted, and failed, one by one where they end.
 */

#define ENTRIES_MAX 64

static __thread struct io_uring_sqe entries[ENTRIES_MAX]; /* by their number (user_data) */

static void take_entries(struct io_uring *ring)
{
    for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
        const struct io_uring_sqe *entry = &ring->sq.sqes[i & ring->sq.ring_mask];
        if (entry->user_data >= ENTRIES_MAX) {
            fputs("shim: more entries than it knows\n", stderr);
            _exit(99);
        }
        entries[entry->user_data] = *entry;
        if (entry->opcode == IORING_OP_WRITE && is_tracked(entry->fd))
            remember(entry->fd, (off_t)entry->off, entry->len);
    }
}

static int end_of_entry(const struct io_uring_sqe *entry, int result)
{
    if (entry->opcode == IORING_OP_FSYNC) {
        bool fails =
            is_tracked(entry->fd) && hit(FAULT_FILE, "io_uring flush") && fail_kind != FAULT_SHORT;
        if (is_tracked(entry->fd))
            forget(entry->fd, fails && fail_kind == FAULT_DROP);
        return fails ? -error_of(fail_kind) : result;
    }
    ssize_t part = part_of(entry->fd, entry->len, "io_uring write");
    return part < 0 ? -errno : result > part ? (int)part : result;
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr)
{
    unsigned head = *ring->cq.khead;
    take_entries(ring);
    int result = REAL(io_uring_submit_and_wait)(ring, wait_nr);
    for (unsigned i = head; i != *ring->cq.ktail; i++) {
        struct io_uring_cqe *end = &ring->cq.cqes[i & ring->cq.ring_mask];
        end->res = end_of_entry(&entries[end->user_data], end->res);
    }
    return result;
}

/* -------------------------------------------------------------------------------------------- */

static int flush(int descriptor, const char *name, int (*real)(int))
{
    if (is_tracked(descriptor) && hit(FAULT_FILE, name) && fail_kind != FAULT_SHORT) {
        forget(descriptor, fail_kind == FAULT_DROP);
        errno = error_of(fail_kind);
        return -1;
    }
    if (is_tracked(descriptor))
        forget(descriptor, false);
    return real(descriptor);
}

int fsync(int descriptor)
{
    return flush(descriptor, "fsync", REAL(fsync));
}

int fdatasync(int descriptor)
{
    return flush(descriptor, "fdatasync", REAL(fdatasync));
}

int ftruncate(int descriptor, off_t size)
{
    return fails(is_tracked(descriptor) && !inside, "ftruncate")
               ? -1
               : REAL(ftruncate)(descriptor, size);
}

int fstat(int descriptor, struct stat *info)
{
    return fails(is_tracked(descriptor) && !inside, "fstat") ? -1 : REAL(fstat)(descriptor, info);
}

int unlinkat(int at, const char *path, int flags)
{
    return fails(is_below(at, path), "unlinkat") ? -1 : REAL(unlinkat)(at, path, flags);
}

int mkdirat(int at, const char *path, mode_t mode)
{
    return fails(is_below(at, path), "mkdirat") ? -1 : REAL(mkdirat)(at, path, mode);
}

int renameat(int from, const char *old, int to, const char *path)
{
    return fails(is_below(from, old), "renameat") ? -1 : REAL(renameat)(from, old, to, path);
}

int fcntl(int descriptor, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    bool locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK;
    if (fails(locks && is_tracked(descriptor), "fcntl"))
        return -1;
    return REAL(fcntl)(descriptor, command, argument);
}

void *mmap(void *place, size_t size, int protection, int flags, int descriptor, off_t offset)
{
    if (fails(is_tracked(descriptor), "mmap"))
        return MAP_FAILED;
    return REAL(mmap)(place, size, protection, flags, descriptor, offset);
}

void *malloc(size_t size)
{
    return hit(FAULT_MEMORY, "malloc") ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return hit(FAULT_MEMORY, "calloc") ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return hit(FAULT_MEMORY, "realloc") ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return hit(FAULT_MEMORY, "aligned_alloc") ? NULL : __libc_memalign(alignment, size);
}
