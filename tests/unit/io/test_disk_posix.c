/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_disk_posix.c - a directory as a disk. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
static void does_what_disk_h_says(enum disk_flush flush)
{
    struct temp_dir dir;
    struct disk *disk = NULL;
    uint64_t files[4];
    uint64_t size = 0;
    size_t count = 0;
    char path[TEMP_DIR_SIZE + 64];
    struct stat info;
    char text[4];
    char sectors[1536];
    char again[1536];
    uint8_t page[64];

    temp_dir_make(&dir);
    open_disk(&dir, true, &disk);
    disk_posix_set_flush(disk, flush);
    cr_assert_eq(disk_list(disk, files, 4, &count), RSM_OK);
    cr_assert_eq(count, 0);
    cr_assert_eq(disk_create(disk, 7), RSM_OK);
    cr_assert_eq(disk_create(disk, 7), RSM_EXISTS);
    cr_assert_eq(disk_create(disk, 3), RSM_OK);
    cr_assert_eq(disk_zero(disk, 7, 0, 3 << 20), RSM_OK);
    cr_assert_eq(disk_size(disk, 7, &size), RSM_OK);
    cr_assert_eq(size, 3 << 20);
    memset(sectors, 's', sizeof(sectors));
    cr_assert_eq(disk_write(disk, 7, 4096, sectors, sizeof(sectors)), RSM_OK);
    cr_assert_eq(disk_zero(disk, 7, 4608, 5120), RSM_OK);
    cr_assert_eq(disk_write(disk, 7, 100, "abcd", 4), RSM_OK);
    cr_assert_eq(disk_flush(disk, 7), RSM_OK);
    cr_assert_eq(disk_flush_directory(disk), RSM_OK);
    disk_free(disk);

    open_disk(&dir, true, &disk);
    disk_posix_set_flush(disk, flush);
    cr_assert_eq(disk_read(disk, 7, 100, text, 4), RSM_OK);
    cr_assert_arr_eq(text, "abcd", 4);
    memset(sectors + 512, 0, 512);
    cr_assert_eq(disk_read(disk, 7, 4096, again, sizeof(again)), RSM_OK);
    cr_assert_arr_eq(again, sectors, sizeof(sectors));
    cr_assert_eq(disk_read(disk, 7, (3 << 20) - 2, text, 4), RSM_IO, "beyond the end");
    cr_assert_eq(disk_zero(disk, 7, 101, 102), RSM_OK);
    cr_assert_eq(disk_read(disk, 7, 90, page, sizeof(page)), RSM_OK);
    cr_assert_arr_eq(page + 10, "a\0cd", 4);
    cr_assert_eq(disk_read(disk, 8, 0, text, 4), RSM_NOT_FOUND);
    cr_assert_eq(disk_size(disk, 8, &size), RSM_NOT_FOUND);
    cr_assert_eq(disk_list(disk, files, 4, &count), RSM_OK);
    cr_assert_eq(count, 2);
    cr_assert(files[0] == 3 && files[1] == 7);
    cr_assert_eq(disk_list(disk, files, 1, &count), RSM_OK);
    cr_assert(count == 2 && files[0] == 3);
    cr_assert_eq(stat(temp_dir_path(&dir, "journal/00000000000000000007.seg", path), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    cr_assert_eq(stat(temp_dir_path(&dir, "journal", path), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0700);
    cr_assert_eq(disk_remove(disk, 7), RSM_OK);
    cr_assert_eq(disk_remove(disk, 7), RSM_OK);
    cr_assert_eq(disk_size(disk, 7, &size), RSM_NOT_FOUND);
    disk_free(disk);
    temp_dir_remove(&dir);
}

Test(disk_posix, does_what_disk_h_says)
{
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_ODIRECT; flush++) {
        enum disk_flush parsed;
        does_what_disk_h_says((enum disk_flush)flush);
        cr_assert(disk_flush_parse(disk_flush_name((enum disk_flush)flush), &parsed));
        cr_assert_eq(parsed, (enum disk_flush)flush);
    }
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
    for (unsigned turn = 0; turn < 7; turn++) { /* each way after each other one */
        open_disk(&dir, true, &disk);
        disk_posix_set_flush(disk, (enum disk_flush)(turn % 3 + 1));
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
