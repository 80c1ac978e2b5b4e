/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_disk_posix.c - a directory as a disk. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/io/disk_direct.h"
#include "src/io/disk_posix.h"
#include "storage/journal.h"
#include "tests/lib/temp_dir.h"

static void open_disk(const struct temp_dir *dir, bool writable, struct disk **out)
{
    int directory = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    cr_assert_geq(directory, 0);
    cr_assert_eq(disk_posix_open(directory, "journal", writable, out), RSM_OK);
    close(directory);
}

/* Every way of flushing keeps what disk.h says. */
static void open_with(const struct temp_dir *dir, enum disk_flush flush, struct disk **disk)
{
    open_disk(dir, true, disk);
    disk_posix_set_flush(*disk, flush);
}

/* Files 3 and 7; of the latter's sectors some are written, some written and zeroed. */
static void write_two_files(struct disk *disk, const char sectors[1536])
{
    uint64_t files[4];
    uint64_t size = 0;
    size_t count = 0;

    cr_assert_eq(disk_list(disk, files, 4, &count), RSM_OK);
    cr_assert_eq(count, 0);
    cr_assert_eq(disk_create(disk, 7), RSM_OK);
    cr_assert_eq(disk_create(disk, 7), RSM_EXISTS);
    cr_assert_eq(disk_create(disk, 3), RSM_OK);
    cr_assert_eq(disk_zero(disk, 7, 0, 3 << 20), RSM_OK);
    cr_assert_eq(disk_size(disk, 7, &size), RSM_OK);
    cr_assert_eq(size, 3 << 20);
    cr_assert_eq(disk_write(disk, 7, 4096, sectors, 1536), RSM_OK);
    cr_assert_eq(disk_zero(disk, 7, 4608, 5120), RSM_OK);
    cr_assert_eq(disk_write(disk, 7, 100, "abcd", 4), RSM_OK);
    cr_assert_eq(disk_flush(disk, 7), RSM_OK);
    cr_assert_eq(disk_flush_directory(disk), RSM_OK);
}

static void read_what_was_written(struct disk *disk, const char sectors[1536])
{
    char text[4];
    char again[1536];
    uint8_t page[64];

    cr_assert_eq(disk_read(disk, 7, 100, text, 4), RSM_OK);
    cr_assert_arr_eq(text, "abcd", 4);
    cr_assert_eq(disk_read(disk, 7, 4096, again, sizeof(again)), RSM_OK);
    cr_assert_arr_eq(again, sectors, sizeof(again));
    cr_assert_eq(disk_read(disk, 7, (3 << 20) - 2, text, 4), RSM_IO, "beyond the end");
    cr_assert_eq(disk_zero(disk, 7, 101, 102), RSM_OK);
    cr_assert_eq(disk_read(disk, 7, 90, page, sizeof(page)), RSM_OK);
    cr_assert_arr_eq(page + 10, "a\0cd", 4);
    cr_assert_eq(disk_read(disk, 8, 0, text, 4), RSM_NOT_FOUND);
}

static void list_and_remove(const struct temp_dir *dir, struct disk *disk)
{
    uint64_t files[4];
    uint64_t size = 0;
    size_t count = 0;
    char path[TEMP_DIR_SIZE + 64];
    struct stat info;

    cr_assert_eq(disk_size(disk, 8, &size), RSM_NOT_FOUND);
    cr_assert_eq(disk_list(disk, files, 4, &count), RSM_OK);
    cr_assert_eq(count, 2);
    cr_assert(files[0] == 3 && files[1] == 7);
    cr_assert_eq(disk_list(disk, files, 1, &count), RSM_OK);
    cr_assert(count == 2 && files[0] == 3);
    cr_assert_eq(stat(temp_dir_path(dir, "journal/00000000000000000007.seg", path), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    cr_assert_eq(stat(temp_dir_path(dir, "journal", path), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0700);
    cr_assert_eq(disk_remove(disk, 7), RSM_OK);
    cr_assert_eq(disk_remove(disk, 7), RSM_OK);
    cr_assert_eq(disk_size(disk, 7, &size), RSM_NOT_FOUND);
}

static void does_what_disk_h_says(enum disk_flush flush)
{
    struct temp_dir dir;
    struct disk *disk = NULL;
    char sectors[1536];

    memset(sectors, 's', sizeof(sectors));
    temp_dir_make(&dir);
    open_with(&dir, flush, &disk);
    write_two_files(disk, sectors);
    disk_free(disk);

    memset(sectors + 512, 0, 512);
    open_with(&dir, flush, &disk);
    read_what_was_written(disk, sectors);
    list_and_remove(&dir, disk);
    disk_free(disk);
    temp_dir_remove(&dir);
}

Test(disk_posix, does_what_disk_h_says)
{
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_IO_URING; flush++) {
        enum disk_flush parsed;
        does_what_disk_h_says((enum disk_flush)flush);
        cr_assert(disk_flush_parse(disk_flush_name((enum disk_flush)flush), &parsed));
        cr_assert_eq(parsed, (enum disk_flush)flush);
    }
}

struct parts_case {
    const char *what;
    struct disk_part parts[DISK_PARTS_MAX]; /* of `bytes` */
    size_t count;
};

static uint8_t bytes[2u << 20];

static const struct parts_case parts_cases[] = {
    {"a group and its mark", {{12288, bytes, 1024}, {4096, bytes + 1024, 512}}, 2},
    {"one alone", {{4096, bytes, 512}}, 1},
    {"as many as there may be",
     {{0, bytes, 512}, {1024, bytes + 512, 512}, {4096, bytes + 1024, 512}, {8192, bytes, 4096}},
     4},
    {"more than is copied at once", {{0, bytes, 1u << 20}, {1u << 20, bytes, 512}}, 2},
    {"no whole sectors", {{0, bytes, 512}, {1000, bytes + 512, 100}}, 2},
    {"behind the end", {{3u << 20, bytes, 512}, {4096, bytes + 512, 512}}, 2},
};

static void expect_parts(struct disk *disk, uint64_t file, const struct parts_case *c)
{
    static uint8_t again[sizeof bytes];
    for (size_t k = 0; k < c->count; k++) {
        const struct disk_part *p = &c->parts[k];
        cr_assert_eq(disk_read(disk, file, p->offset, again, p->size), RSM_OK);
        cr_assert_arr_eq(again, p->data, p->size, "%s, part %zu", c->what, k);
    }
}

Test(disk_posix, parts_of_one_write)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 512);
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_IO_URING; flush++) {
        for (size_t i = 0; i < sizeof parts_cases / sizeof parts_cases[0]; i++) {
            const struct parts_case *c = &parts_cases[i];
            struct temp_dir dir;
            struct disk *disk = NULL;
            temp_dir_make(&dir);
            open_disk(&dir, true, &disk);
            disk_posix_set_flush(disk, (enum disk_flush)flush);
            cr_assert_eq(disk_create(disk, 1), RSM_OK);
            cr_assert_eq(disk_zero(disk, 1, 0, 2u << 20), RSM_OK);
            cr_assert_eq(disk_write_parts(disk, 1, c->parts, c->count), RSM_OK, "%s", c->what);
            cr_assert_eq(disk_flush(disk, 1), RSM_OK);
            expect_parts(disk, 1, c);
            cr_assert_eq(disk_create(disk, 3), RSM_OK);
            cr_assert_eq(disk_write_durably(disk, 3, c->parts, c->count), RSM_OK, "%s", c->what);
            expect_parts(disk, 3, c);
            cr_assert_eq(disk_write_parts(disk, 2, c->parts, c->count), RSM_NOT_FOUND);
            cr_assert_eq(disk_write_durably(disk, 2, c->parts, c->count), RSM_NOT_FOUND);
            disk_free(disk);
            temp_dir_remove(&dir);
        }
    }
}

/* A system that has no such calls, and files that take no such writes. */
Test(disk_posix, parts_go_one_by_one_where_they_must)
{
    const struct disk_part parts[] = {{4096, bytes, 512}, {8192, bytes + 512, 512}};
    const struct disk_part crooked[] = {{100, bytes, 512}, {8192, bytes + 512, 100}};
    struct direct_queue queue = {.context = 0}, none = {.is_tried = true};
    struct direct_buffer buffer = {NULL, NULL};
    struct temp_dir dir;
    char path[TEMP_DIR_SIZE + 64];
    uint8_t again[512];
    bool is_refused = true;

    temp_dir_make(&dir);
    int file = open(temp_dir_path(&dir, "f", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(file, 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 3 + i / 512);
    cr_assert_eq(direct_write_parts(&none, file, parts, 2, &buffer, &is_refused), RSM_OK);
    cr_assert(!is_refused);
    cr_assert_eq(pread(file, again, 512, 8192), 512);
    cr_assert_arr_eq(again, bytes + 512, 512);
    int direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (direct >= 0) {
        cr_assert_eq(direct_write_parts(&queue, direct, crooked, 2, &buffer, &is_refused), RSM_OK);
        close(direct);
    }
    int reading = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(direct_write_parts(&queue, reading, parts, 2, &buffer, &is_refused), RSM_IO);
    cr_assert(!is_refused);
    close(reading);
    close(file);
    direct_queue_deinit(&queue);
    direct_buffer_deinit(&buffer);
    temp_dir_remove(&dir);
}

static bool is_zero(struct disk *disk, uint64_t first, uint64_t end)
{
    uint8_t *found = mem_alloc(end - first);
    cr_assert_eq(disk_read(disk, 1, first, found, end - first), RSM_OK);
    bool zero = true;
    for (size_t i = 0; i < end - first; i++)
        zero = zero && found[i] == 0;
    mem_free(found);
    return zero;
}

/* Asked until it is there; whatever else is done with the file waits for it by itself. */
Test(disk_posix, zeros_beside)
{
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_IO_URING; flush++) {
        for (int with_thread = 0; with_thread < 2; with_thread++) {
            struct temp_dir dir;
            struct disk *disk = NULL;
            uint64_t size = 0;
            enum rsm_status status = RSM_OK;
            memset(bytes, 'x', sizeof bytes);
            temp_dir_make(&dir);
            open_disk(&dir, true, &disk);
            disk_posix_set_flush(disk, (enum disk_flush)flush);
            if (with_thread)
                cr_assert_eq(disk_posix_start_beside(disk, NULL), RSM_OK);
            cr_assert_eq(disk_zero_beside(disk, 1, 0, 4096), RSM_NOT_FOUND);
            cr_assert_eq(disk_create(disk, 1), RSM_OK);
            cr_assert_eq(disk_create(disk, 2), RSM_OK);
            cr_assert_eq(disk_write(disk, 1, 0, bytes, 1u << 20), RSM_OK);
            cr_assert_eq(disk_zero_beside(disk, 1, 0, 512u << 10), with_thread ? RSM_BUSY : RSM_OK);
            cr_assert_eq(disk_write(disk, 1, 0, "head", 4), RSM_OK, "behind the zeros");
            while (with_thread && (status = disk_zero_beside(disk, 1, 0, 512u << 10)) == RSM_BUSY)
                ;
            cr_assert_eq(status, RSM_OK);
            cr_assert(is_zero(disk, 4, 512u << 10));
            cr_assert(!is_zero(disk, 0, 4) && !is_zero(disk, 512u << 10, (512u << 10) + 1));
            /* No sectors, and behind the end. */
            while ((status = disk_zero_beside(disk, 1, (1u << 20) - 7, (1u << 20) + 7)) == RSM_BUSY)
                ;
            cr_assert_eq(status, RSM_OK);
            cr_assert(is_zero(disk, (1u << 20) - 7, (1u << 20) + 7));
            cr_assert_eq(disk_size(disk, 1, &size), RSM_OK);
            cr_assert_eq(size, (1u << 20) + 7);
            /* Another file, another range, gone, closed: each while something is under way. */
            (void)disk_zero_beside(disk, 1, 0, 1u << 20);
            (void)disk_zero_beside(disk, 2, 0, 1u << 20);
            (void)disk_zero_beside(disk, 2, 0, 512);
            cr_assert_eq(disk_remove(disk, 2), RSM_OK);
            cr_assert_eq(disk_zero_beside(disk, 2, 0, 512), RSM_NOT_FOUND);
            (void)disk_zero_beside(disk, 1, 0, 1u << 20);
            disk_free(disk);
            temp_dir_remove(&dir);
        }
    }
}

/* Written and durable when it says so; whatever else is done with the file waits for it. */
Test(disk_posix, a_group_beside)
{
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_IO_URING; flush++) {
        for (int with_thread = 0; with_thread < 2; with_thread++) {
            struct temp_dir dir;
            struct disk *disk = NULL;
            uint8_t found[1024];
            temp_dir_make(&dir);
            open_disk(&dir, true, &disk);
            disk_posix_set_flush(disk, (enum disk_flush)flush);
            if (with_thread)
                cr_assert_eq(disk_posix_start_beside(disk, NULL), RSM_OK);
            memset(bytes, 'x', 4096);
            /* Sectors; and what is none of them, so that it goes through the page cache. */
            const struct disk_part parts[2][2] = {{{512, bytes, 1024}, {4096, bytes, 512}},
                                                  {{7, bytes, 1000}, {5000, bytes, 3}}};
            cr_assert_eq(disk_write_begin(disk, 1, parts[0], 2), RSM_NOT_FOUND);
            cr_assert_eq(disk_create(disk, 1), RSM_OK);
            cr_assert_eq(disk_zero(disk, 1, 0, 8192), RSM_OK);
            for (int i = 0; i < 2; i++) {
                enum rsm_status status = disk_write_begin(disk, 1, parts[i], 2);
                cr_assert_eq(status, with_thread ? RSM_BUSY : RSM_OK);
                cr_assert_eq(disk_read(disk, 1, parts[i][0].offset, found, parts[i][0].size),
                             RSM_OK);
                cr_assert_eq(memcmp(found, bytes, parts[i][0].size), 0, "read behind it");
                if (with_thread)
                    cr_assert_eq(disk_write_end(disk, i == 0), RSM_OK, "it is over by now");
            }
            if (with_thread) { /* its file is removed, and the disk closed, while it is under way */
                cr_assert_eq(disk_write_begin(disk, 1, parts[0], 2), RSM_BUSY);
                cr_assert_eq(disk_remove(disk, 1), RSM_OK);
                cr_assert_eq(disk_write_end(disk, false), RSM_OK);
                cr_assert_eq(disk_create(disk, 2), RSM_OK);
                cr_assert_eq(disk_write_begin(disk, 2, parts[0], 2), RSM_BUSY);
            }
            disk_free(disk);
            temp_dir_remove(&dir);
        }
    }
}

/* The descriptor wakes the owner, once for each. */
Test(disk_posix, who_waits_for_a_group_is_woken)
{
    struct temp_dir dir;
    struct disk *disk = NULL;
    temp_dir_make(&dir);
    open_disk(&dir, true, &disk);
    disk_posix_set_flush(disk, DISK_FLUSH_ODIRECT);
    cr_assert_eq(disk_posix_start_beside(disk, NULL), RSM_OK);
    cr_assert_eq(disk_create(disk, 1), RSM_OK);
    const struct disk_part part = {0, bytes, 512};
    struct pollfd file = {.fd = disk_posix_descriptor(disk), .events = POLLIN};
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(disk_write_begin(disk, 1, &part, 1), RSM_BUSY);
        cr_assert_eq(poll(&file, 1, 10000), 1);
        cr_assert_eq(disk_write_end(disk, false), RSM_OK);
        cr_assert_eq(poll(&file, 1, 0), 0, "nothing more to be heard");
    }
    disk_free(disk);
    temp_dir_remove(&dir);
}

/* What came of zeros that nobody asked for again says nothing of a new file with the old number. */
Test(disk_posix, zeros_beside_of_a_file_that_is_gone)
{
    struct temp_dir dir;
    struct disk *disk = NULL;
    uint64_t size = 0;
    enum rsm_status status;

    temp_dir_make(&dir);
    open_disk(&dir, true, &disk);
    cr_assert_eq(disk_posix_start_beside(disk, NULL), RSM_OK);
    for (int is_aside = 0; is_aside < 2; is_aside++) {
        cr_assert_eq(disk_create(disk, 1), RSM_OK);
        cr_assert_eq(disk_zero_beside(disk, 1, 0, 4096), RSM_BUSY);
        cr_assert_eq(is_aside ? disk_set_aside(disk, 1) : disk_remove(disk, 1), RSM_OK);
        cr_assert_eq(disk_create(disk, 1), RSM_OK);
        while ((status = disk_zero_beside(disk, 1, 0, 4096)) == RSM_BUSY)
            ;
        cr_assert_eq(status, RSM_OK);
        cr_assert_eq(disk_size(disk, 1, &size), RSM_OK);
        cr_assert_eq(size, 4096, "the new file has %llu bytes", (unsigned long long)size);
        cr_assert_eq(disk_remove(disk, 1), RSM_OK);
    }
    disk_free(disk);
    temp_dir_remove(&dir);
}

/* Where direct writes are refused, what was to be written is written all the same. */
Test(disk_posix, direct_writes_that_are_refused)
{
    char sector[512];
    struct direct_buffer buffer = {NULL, NULL};
    bool is_refused = false;
    int ends[2];

    memset(sector, 'x', sizeof(sector));
    cr_assert_eq(direct_open(AT_FDCWD, "/proc/self/comm"), -1, "no direct writes there");
    /* The kernel's own word for it, from a place that is no sector. */
    struct temp_dir dir;
    char path[TEMP_DIR_SIZE + 64];
    temp_dir_make(&dir);
    int file = open(temp_dir_path(&dir, "f", path), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
    if (file >= 0) {
        enum rsm_status status = direct_write(file, 100, sector, 100, &buffer, &is_refused);
        cr_assert_eq(status, RSM_OK);
        close(file);
    }
    cr_assert_eq(pipe(ends), 0);
    cr_assert_neq(direct_write(ends[1], 0, sector, sizeof(sector), &buffer, &is_refused), RSM_OK,
                  "a pipe has no places");
    cr_assert(!is_refused);
    close(ends[0]);
    close(ends[1]);
    direct_buffer_deinit(&buffer);
    temp_dir_remove(&dir);
}

Test(disk_posix, opened_for_reading_it_writes_nothing)
{
    struct temp_dir dir;
    struct disk *disk = NULL;

    temp_dir_make(&dir);
    int directory = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(disk_posix_open(directory, "journal", false, &disk), RSM_NOT_FOUND);
    open_disk(&dir, true, &disk);
    cr_assert_eq(disk_create(disk, 1), RSM_OK);
    disk_free(disk);
    open_disk(&dir, false, &disk);
    cr_assert_eq(disk_create(disk, 2), RSM_READ_ONLY);
    cr_assert_eq(disk_write(disk, 1, 0, "x", 1), RSM_READ_ONLY);
    cr_assert_eq(disk_zero(disk, 1, 0, 1), RSM_READ_ONLY);
    cr_assert_eq(disk_flush(disk, 1), RSM_READ_ONLY);
    const struct disk_part part = {0, "x", 1};
    cr_assert_eq(disk_write_durably(disk, 1, &part, 1), RSM_READ_ONLY);
    cr_assert_eq(disk_write_begin(disk, 1, &part, 1), RSM_READ_ONLY);
    cr_assert_eq(disk_remove(disk, 1), RSM_READ_ONLY);
    cr_assert_eq(disk_flush_directory(disk), RSM_READ_ONLY);
    disk_free(disk);
    close(directory);
    temp_dir_remove(&dir);
}

/* Other names are not ours; a link or a fifo under a name of ours is no file. */
Test(disk_posix, strange_names_and_kinds_of_files)
{
    static const char *const names[] = {"journal/1.seg", "journal/00000000000000000001.seg.tmp",
                                        "journal/0000000000000000000x.seg",
                                        "journal/99999999999999999999.seg"};
    struct temp_dir dir;
    struct disk *disk = NULL;
    uint64_t files[4];
    size_t count = 0;
    uint64_t size = 0;
    char path[TEMP_DIR_SIZE + 64];

    temp_dir_make(&dir);
    open_disk(&dir, true, &disk);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        close(open(temp_dir_path(&dir, names[i], path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    cr_assert_eq(disk_list(disk, files, 4, &count), RSM_OK);
    cr_assert_eq(count, 0);
    temp_dir_path(&dir, "journal/00000000000000000001.seg", path);
    cr_assert_eq(symlink("/etc/passwd", path), 0);
    cr_assert_neq(disk_size(disk, 1, &size), RSM_OK);
    temp_dir_path(&dir, "journal/00000000000000000002.seg", path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_neq(disk_size(disk, 2, &size), RSM_OK);
    temp_dir_path(&dir, "journal/00000000000000000003.seg", path);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_neq(disk_size(disk, 3, &size), RSM_OK);
    disk_free(disk);
    temp_dir_remove(&dir);
}

static enum rsm_status count_records(void *context, const struct record *record, bool is_evidence)
{
    *(unsigned *)context += !is_evidence && record->kind == RECORD_CHOSEN;
    return RSM_OK;
}

Test(disk_posix, a_journal_on_it_comes_back)
{
    struct temp_dir dir;
    struct disk *disk = NULL;
    struct journal *journal = NULL;
    struct journal_report report;
    struct journal_identity identity = {.replica = 1, .incarnation = 9};
    struct journal_options options = {.segment_size = 32768, .create = true};
    unsigned count = 0;

    temp_dir_make(&dir);
    for (unsigned turn = 0; turn < 9; turn++) { /* each way after each other one */
        open_disk(&dir, true, &disk);
        disk_posix_set_flush(disk, (enum disk_flush)(turn % 4 + 1));
        count = 0;
        cr_assert_eq(
            journal_open(disk, &identity, &options, count_records, &count, &report, &journal),
            RSM_OK);
        cr_assert_eq(report.verdict, JOURNAL_CLEAN);
        cr_assert_eq(count, turn * 500);
        for (unsigned i = 0; i < 500; i++) {
            struct record record = {
                .kind = RECORD_CHOSEN, .sequence = turn * 500 + i + 1, .end = i};
            cr_assert_eq(journal_append(journal, &record), RSM_OK);
            if (i % 50 == 49)
                cr_assert_eq(journal_flush(journal), RSM_OK);
        }
        journal_close(journal);
        disk_free(disk);
    }
    temp_dir_remove(&dir);
}
