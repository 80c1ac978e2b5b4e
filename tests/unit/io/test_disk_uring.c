/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_disk_uring.c - a group through io_uring: what the system may answer to one, and a system
 * that has none.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "src/io/disk_flush.h"
#include "src/io/disk_posix.h"
#include "src/io/disk_uring.h"
#include "tests/lib/temp_dir.h"

#define NOBODY 99

/* What the next groups meet; -1 or 0: nothing of the kind. */
static struct {
    int no_ring;       /* error of every attempt to make one */
    unsigned features; /* a ring is made, and has not these */
    int submit_error;  /* of the next call; once */
    int submit_first;  /* the next call takes only so many, and the one after fails as above */
    int entry, result; /* of this entry, the result; as if it had been so */
    int is_short;      /* of this entry, so many bytes are written */
    unsigned calls, fdatasyncs;
    unsigned rings; /* made */
    int lock_error; /* of flock */
    unsigned locks;
} world;

int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params)
{
    if (world.no_ring != 0)
        return -world.no_ring;
    int error = __real_io_uring_queue_init_params(entries, ring, params);
    params->features &= ~world.features;
    world.rings += error == 0;
    return error;
}

/* Somebody holds a lock for one call, and lets go of it when it is waited for. */
int __real_flock(int descriptor, int how);
int __wrap_flock(int descriptor, int how);
int __wrap_flock(int descriptor, int how)
{
    world.locks++;
    errno = world.lock_error;
    if (errno == EWOULDBLOCK || errno == EINTR)
        world.lock_error = errno == EINTR ? 0 : EINTR; /* and a signal comes meanwhile */
    return errno != 0 ? -1 : __real_flock(descriptor, how);
}

int __real_fdatasync(int descriptor);
int __wrap_fdatasync(int descriptor);
int __wrap_fdatasync(int descriptor)
{
    world.fdatasyncs++;
    return __real_fdatasync(descriptor);
}

static void change_results(struct io_uring *ring)
{
    for (unsigned i = *ring->cq.khead; i != *ring->cq.ktail; i++) {
        struct io_uring_cqe *end = &ring->cq.cqes[i & ring->cq.ring_mask];
        if ((int)end->user_data == world.entry && world.result != 0)
            end->res = world.result;
    }
}

/* It begins when all that was handed over before it has ended; nothing says so but its flag. */
static void expect_the_flush_last(const struct io_uring *ring, unsigned tail)
{
    for (unsigned i = ring->sq.sqe_head; i != tail; i++) {
        const struct io_uring_sqe *entry = &ring->sq.sqes[i & ring->sq.ring_mask];
        bool is_last = i + 1 == tail;
        cr_assert_eq(entry->opcode, is_last ? IORING_OP_FSYNC : IORING_OP_WRITE);
        cr_assert_eq(entry->flags, is_last ? IOSQE_IO_DRAIN : 0);
        cr_assert(!is_last || entry->fsync_flags == IORING_FSYNC_DATASYNC);
    }
}

int __real_io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr);
int __wrap_io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr);
int __wrap_io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr)
{
    unsigned tail = ring->sq.sqe_tail;
    world.calls++;
    if (world.submit_first == 0 && world.submit_error != 0) {
        int error = world.submit_error;
        world.submit_error = 0;
        return -error;
    }
    if (world.submit_first > 0) {
        ring->sq.sqe_tail = ring->sq.sqe_head + (unsigned)world.submit_first;
        wait_nr = 0;
        world.submit_first = 0;
    }
    for (unsigned i = ring->sq.sqe_head; world.is_short > 0 && i != tail; i++) {
        struct io_uring_sqe *entry = &ring->sq.sqes[i & ring->sq.ring_mask];
        if ((int)entry->user_data == world.entry)
            entry->len = (unsigned)world.is_short;
    }
    expect_the_flush_last(ring, tail);
    int taken = __real_io_uring_submit_and_wait(ring, wait_nr);
    ring->sq.sqe_tail = tail;
    change_results(ring);
    return taken;
}

static void calm_world(void)
{
    memset(&world, 0, sizeof world);
    world.entry = NOBODY;
}

static bool is_had(const struct temp_dir *dir)
{
    if (disk_flush_is_had(DISK_FLUSH_IO_URING, dir->path))
        return true;
    printf("skipped: no io_uring, or no direct writes in %s\n", dir->path);
    return false;
}

static uint8_t bytes[8192];

static struct disk *open_disk(const struct temp_dir *dir)
{
    struct disk *disk = NULL;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 512 + 1);
    int directory = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(disk_posix_open(directory, "journal", true, &disk), RSM_OK);
    close(directory);
    disk_posix_set_flush(disk, DISK_FLUSH_IO_URING);
    cr_assert_eq(disk_create(disk, 1), RSM_OK);
    cr_assert_eq(disk_zero(disk, 1, 0, 64u << 10), RSM_OK);
    cr_assert_eq(disk_flush(disk, 1), RSM_OK);
    world.calls = world.fdatasyncs = 0;
    return disk;
}

static const struct disk_part parts[] = {{12288, bytes, 2048}, {4096, bytes + 4096, 1024}};

static void expect_written(struct disk *disk, const char *what)
{
    uint8_t again[2048];

    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(disk_read(disk, 1, parts[i].offset, again, parts[i].size), RSM_OK);
        cr_assert_arr_eq(again, parts[i].data, parts[i].size, "%s: part %zu", what, i);
    }
}

struct answer_case {
    const char *what;
    int submit_error, submit_first, entry, result, is_short;
    enum rsm_status status;
    unsigned calls, fdatasyncs; /* of the group */
    unsigned rings;             /* of two groups, the second undisturbed */
};

/* Entries 0 and 1 are the writes, 2 the flush. */
static const struct answer_case answers[] = {
    {"all is well", .entry = NOBODY, .status = RSM_OK, .calls = 1, .rings = 1},
    {"interrupted before it began", EINTR, .entry = NOBODY, .calls = 2, .rings = 1},
    {"taken in two parts", .submit_first = 1, .entry = NOBODY, .calls = 2, .rings = 1},
    {"taken in two parts, interrupted between", EINTR, 2, NOBODY, .calls = 3, .rings = 1},
    {"nothing is taken", EAGAIN, .entry = NOBODY, .calls = 1, .fdatasyncs = 1, .rings = 2},
    {"nothing is taken for good", EBUSY, .entry = NOBODY, .calls = 1, .fdatasyncs = 1, .rings = 2},
    {"one is taken, no more", EAGAIN, 1, NOBODY, .calls = 2, .fdatasyncs = 1, .rings = 2},
    {"the writes are taken, no flush", ENOMEM, 2, NOBODY, .calls = 2, .fdatasyncs = 1, .rings = 2},
    {"the first is short", .is_short = 512, .entry = 0, .calls = 1, .fdatasyncs = 1, .rings = 1},
    {"the second is short", .is_short = 512, .entry = 1, .calls = 1, .fdatasyncs = 1, .rings = 1},
    {"one was interrupted", .entry = 1, .result = -EINTR, .calls = 1, .fdatasyncs = 1, .rings = 1},
    {"one is to be tried again", .entry = 0, .result = -EAGAIN, .calls = 1, .fdatasyncs = 1,
     .rings = 1},
    {"the first fails", .entry = 0, .result = -EIO, .status = RSM_IO, .calls = 1, .rings = 1},
    {"no space", .entry = 1, .result = -ENOSPC, .status = RSM_DISK_FULL, .calls = 1, .rings = 1},
    {"a quota", .entry = 1, .result = -EDQUOT, .status = RSM_DISK_FULL, .calls = 1, .rings = 1},
    {"read-only by now", .entry = 0, .result = -EROFS, .status = RSM_READ_ONLY, .calls = 1,
     .rings = 1},
    {"cancelled", .entry = 0, .result = -ECANCELED, .status = RSM_IO, .calls = 1, .rings = 1},
    {"the flush fails", .entry = 2, .result = -EIO, .status = RSM_IO, .calls = 1, .rings = 1},
    {"the flush finds no space", .entry = 2, .result = -ENOSPC, .status = RSM_DISK_FULL, .calls = 1,
     .rings = 1},
    {"an interrupted flush is not tried again", .entry = 2, .result = -EINTR, .status = RSM_IO,
     .calls = 1, .rings = 1},
    {"nor one that the system puts off", .entry = 2, .result = -EAGAIN, .status = RSM_IO,
     .calls = 1, .rings = 1},
    {"nor one that it does not know", .entry = 2, .result = -EINVAL, .status = RSM_IO, .calls = 1,
     .rings = 1},
    {"the flush was cancelled", .entry = 2, .result = -ECANCELED, .status = RSM_IO, .calls = 1,
     .rings = 1},
    {"direct writes are refused", .entry = 0, .result = -EINVAL, .calls = 1, .fdatasyncs = 1,
     .rings = 1},
};

Test(disk_uring, what_the_system_answers)
{
    struct temp_dir dir;

    temp_dir_make(&dir);
    calm_world();
    size_t count = is_had(&dir) ? sizeof answers / sizeof answers[0] : 0;
    for (size_t i = 0; i < count; i++) {
        const struct answer_case *c = &answers[i];
        calm_world();
        struct disk *disk = open_disk(&dir);
        world.submit_error = c->submit_error;
        world.submit_first = c->submit_first;
        world.entry = c->entry;
        world.result = c->result;
        world.is_short = c->is_short;
        cr_assert_eq(disk_write_durably(disk, 1, parts, 2), c->status, "%s", c->what);
        cr_assert_eq(world.calls, c->calls, "%s: %u calls", c->what, world.calls);
        cr_assert_eq(world.fdatasyncs, c->fdatasyncs, "%s: %u flushes", c->what, world.fdatasyncs);
        if (c->status == RSM_OK)
            expect_written(disk, c->what);
        unsigned rings = world.rings;
        world.entry = NOBODY;
        world.is_short = 0;
        cr_assert_eq(disk_write_durably(disk, 1, &parts[1], 1), RSM_OK, "%s, and after", c->what);
        cr_assert_eq(world.rings, rings + (c->rings == 2), "%s: rings", c->what);
        cr_assert_eq(disk_remove(disk, 1), RSM_OK);
        disk_free(disk);
    }
    temp_dir_remove(&dir);
}

/* A ring that broke and is not to be had again: its groups are written without. */
Test(disk_uring, no_second_ring)
{
    struct temp_dir dir;

    temp_dir_make(&dir);
    calm_world();
    if (is_had(&dir)) {
        calm_world();
        struct disk *disk = open_disk(&dir);
        world.submit_error = EAGAIN;
        world.no_ring = EMFILE;
        for (unsigned i = 1; i <= 3; i++) {
            cr_assert_eq(disk_write_durably(disk, 1, parts, 2), RSM_OK);
            cr_assert(world.fdatasyncs == i && world.calls == 1);
        }
        expect_written(disk, "without");
        world.no_ring = 0;
        cr_assert_eq(disk_write_durably(disk, 1, parts, 2), RSM_OK);
        cr_assert(world.fdatasyncs == 3 && world.calls == 2, "there it is again");
        disk_free(disk);
    }
    temp_dir_remove(&dir);
}

/* The system has none, forbids it, is short of something, or is too old: odirect takes its place.
 */
Test(disk_uring, a_system_without)
{
    static const int errors[] = {ENOSYS, EPERM, ENOMEM, EMFILE, 0};
    struct temp_dir dir;

    temp_dir_make(&dir);
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct uring *ring = NULL;
        calm_world();
        world.no_ring = errors[i];
        world.features = errors[i] == 0 ? IORING_FEAT_RW_CUR_POS : 0;
        int error = uring_open(&ring);
        cr_assert(error != 0 && ring == NULL && (errors[i] == 0 || error == errors[i]));
        cr_assert_not(disk_flush_is_had(DISK_FLUSH_IO_URING, dir.path));
        struct disk *disk = open_disk(&dir);
        for (int with_thread = 0; with_thread < 2; with_thread++) {
            if (with_thread)
                cr_assert_eq(disk_posix_start_beside(disk, NULL), RSM_OK);
            enum rsm_status status = disk_write_begin(disk, 1, parts, 2);
            cr_assert_eq(status, with_thread ? RSM_BUSY : RSM_OK);
            if (with_thread)
                cr_assert_eq(disk_write_end(disk, true), RSM_OK);
            expect_written(disk, "without");
        }
        cr_assert_eq(world.calls, 0);
        cr_assert_eq(disk_remove(disk, 1), RSM_OK);
        disk_free(disk);
    }
    uring_close(NULL);
    temp_dir_remove(&dir);
}

/* The thread beside the loop has a ring of its own; without one it writes as with odirect. */
Test(disk_uring, beside_the_loop)
{
    struct temp_dir dir;

    temp_dir_make(&dir);
    calm_world();
    int ways = is_had(&dir) ? 2 : 0;
    for (int is_refused = 0; is_refused < ways; is_refused++) {
        calm_world();
        struct disk *disk = open_disk(&dir);
        world.no_ring = is_refused ? EMFILE : 0;
        cr_assert_eq(disk_posix_start_beside(disk, NULL), RSM_OK);
        cr_assert_eq(world.rings, is_refused ? 1 : 2);
        cr_assert_eq(disk_write_begin(disk, 1, parts, 2), RSM_BUSY);
        cr_assert_eq(disk_write_end(disk, true), RSM_OK);
        cr_assert_eq(world.calls, is_refused ? 0 : 1);
        cr_assert_eq(world.fdatasyncs, is_refused ? 1 : 0);
        expect_written(disk, "beside");
        cr_assert_eq(disk_write_durably(disk, 1, parts, 2), RSM_OK, "by the loop");
        cr_assert_eq(world.calls, is_refused ? 1 : 2);
        cr_assert_eq(disk_remove(disk, 1), RSM_OK);
        disk_free(disk);
    }
    temp_dir_remove(&dir);
}

/* What a ring has under way outlives its process, and so does the lock: of the file of the writes.
 */
Test(disk_uring, whoever_comes_next_waits)
{
    struct temp_dir dir;
    char path[TEMP_DIR_SIZE + 64];

    temp_dir_make(&dir);
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_IO_URING; flush++) {
        calm_world();
        struct disk *disk = NULL;
        cr_assert_eq(disk_posix_open(AT_FDCWD, dir.path, true, &disk), RSM_OK);
        disk_posix_set_flush(disk, (enum disk_flush)flush);
        world.lock_error = EWOULDBLOCK;
        cr_assert_eq(disk_create(disk, 1), RSM_OK);
        cr_assert(world.lock_error == 0 && world.locks == 3, "%u calls", world.locks);
        int other = open(temp_dir_path(&dir, "00000000000000000001.seg", path), O_RDWR | O_CLOEXEC);
        cr_assert_geq(other, 0);
        cr_assert_eq(__real_flock(other, LOCK_EX | LOCK_NB), -1, "as long as it is open");
        disk_free(disk);
        cr_assert_eq(__real_flock(other, LOCK_EX | LOCK_NB), 0);
        close(other);
        cr_assert_eq(disk_posix_open(AT_FDCWD, dir.path, true, &disk), RSM_OK);
        cr_assert_eq(disk_remove(disk, 1), RSM_OK);
        disk_free(disk);
    }
    temp_dir_remove(&dir);
}

/* A file system without locks: nobody would wait, so nothing goes through a ring. */
Test(disk_uring, no_locks)
{
    struct temp_dir dir;

    temp_dir_make(&dir);
    calm_world();
    world.lock_error = ENOLCK;
    struct disk *disk = open_disk(&dir);
    cr_assert_eq(disk_posix_start_beside(disk, NULL), RSM_OK);
    cr_assert_eq(disk_write_durably(disk, 1, parts, 2), RSM_OK);
    cr_assert_eq(disk_write_begin(disk, 1, parts, 2), RSM_BUSY);
    cr_assert_eq(disk_write_end(disk, true), RSM_OK);
    expect_written(disk, "without locks");
    cr_assert(world.calls == 0 && world.fdatasyncs == 2);
    disk_free(disk);
    temp_dir_remove(&dir);
}

Test(disk_uring, what_is_to_be_had_where)
{
    struct temp_dir dir;
    char path[TEMP_DIR_SIZE + 64];

    temp_dir_make(&dir);
    calm_world();
    cr_assert(disk_flush_is_had(DISK_FLUSH_FDATASYNC, dir.path));
    cr_assert(disk_flush_is_had(DISK_FLUSH_ODSYNC, dir.path));
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_IO_URING; flush++)
        cr_assert_not(disk_flush_is_had((enum disk_flush)flush, "/nowhere"));
    cr_assert_not(disk_flush_is_had(DISK_FLUSH_ODIRECT, "/proc/self"), "no files are made there");
    (void)disk_flush_is_had(DISK_FLUSH_IO_URING, dir.path);
    cr_assert_neq(access(temp_dir_path(&dir, "flush.try", path), F_OK), 0, "it is gone");
    temp_dir_remove(&dir);
}
