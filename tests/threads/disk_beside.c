/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_beside.c - a plain program (Criterion does not start under ThreadSanitizer): while a thread
 * zeroes one file of the journal's disk, and another one writes and flushes a second, the owner
 * writes and flushes a third; whatever it does with the first two comes after the threads.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/prng.h"
#include "src/io/disk_posix.h"
#include "tests/lib/temp_dir.h"

#define ROUNDS 300u
#define SIZE (64u << 10)

static uint8_t bytes[SIZE];

/* A group is on its way to file 3; its owner asks, waits, or needs the file. */
static void end_group(struct disk *disk, struct prng *prng, const struct disk_part *part)
{
    uint8_t found[1024];
    enum rsm_status status = RSM_BUSY;
    switch (prng_below(prng, 3)) {
    case 0:
        CHECK(disk_read(disk, 3, part->offset, found, part->size) == RSM_OK);
        CHECK(memcmp(found, part->data, part->size) == 0);
        break;
    case 1:
        status = disk_write_end(disk, true);
        break;
    default:
        break;
    }
    while (status == RSM_BUSY)
        status = disk_write_end(disk, false);
    CHECK(status == RSM_OK);
    CHECK(disk_read(disk, 3, part->offset, found, part->size) == RSM_OK);
    CHECK(memcmp(found, part->data, part->size) == 0);
}

/* One round: zeros begin in file 2, something else is done, and the end is waited for. */
static void round_of(struct disk *disk, struct prng *prng)
{
    uint8_t found[512];
    uint64_t end = prng_range(prng, 1, SIZE / 512) * 512;
    enum rsm_status status = disk_zero_beside(disk, 2, 0, end);
    CHECK(status == RSM_BUSY);
    const uint64_t place = prng_below(prng, SIZE / 1024) * 1024;
    const struct disk_part group[] = {{place, bytes + place, 1024}, {SIZE, bytes, 512}};
    CHECK(disk_write_begin(disk, 3, group, 2) == RSM_BUSY);
    const struct disk_part parts[] = {{4096, bytes, 512}, {8192, bytes + 512, 1024}};
    CHECK(disk_write_parts(disk, 1, parts, 2) == RSM_OK);
    CHECK(disk_flush(disk, 1) == RSM_OK);
    CHECK(disk_write_durably(disk, 1, parts, 2) == RSM_OK); /* the loop has a ring of its own */
    end_group(disk, prng, &group[0]);
    switch (prng_below(prng, 4)) {
    case 0: /* it is not there any more */
        CHECK(disk_remove(disk, 2) == RSM_OK);
        CHECK(disk_create(disk, 2) == RSM_OK);
        CHECK(disk_write(disk, 2, 0, bytes, SIZE) == RSM_OK);
        return;
    case 1: /* the head of a segment, behind its zeros */
        CHECK(disk_write(disk, 2, 0, bytes, 512) == RSM_OK);
        CHECK(disk_read(disk, 2, 0, found, 512) == RSM_OK);
        CHECK(memcmp(found, bytes, 512) == 0);
        break;
    default:
        break;
    }
    while ((status = disk_zero_beside(disk, 2, 0, end)) == RSM_BUSY)
        ;
    CHECK(status == RSM_OK);
    CHECK(disk_read(disk, 2, end - 512, found, 512) == RSM_OK);
    CHECK(end == 512 || (found[0] == 0 && memcmp(found, found + 1, 511) == 0));
    CHECK(disk_write(disk, 2, 0, bytes, SIZE) == RSM_OK);
}

int main(void)
{
    struct temp_dir dir;
    struct disk *disk = NULL;
    struct prng prng;
    int had = 0;

    prng_init(&prng, 1);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)('a' + prng_below(&prng, 26));
    temp_dir_make(&dir);
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_IO_URING; flush++) {
        CHECK(disk_posix_open(AT_FDCWD, dir.path, true, &disk) == RSM_OK);
        disk_posix_set_flush(disk, (enum disk_flush)flush);
        CHECK(disk_posix_start_beside(disk, NULL) == RSM_OK);
        for (uint64_t file = 1; file <= 3; file++) {
            CHECK(disk_remove(disk, file) == RSM_OK);
            CHECK(disk_create(disk, file) == RSM_OK);
            CHECK(disk_write(disk, file, 0, bytes, SIZE) == RSM_OK);
        }
        for (uint32_t i = 0; i < ROUNDS; i++)
            round_of(disk, &prng);
        const struct disk_part last = {0, bytes, SIZE};
        (void)disk_zero_beside(disk, 2, 0, SIZE);
        CHECK(disk_write_begin(disk, 3, &last, 1) == RSM_BUSY);
        disk_free(disk); /* waits for both */
        if (disk_flush_is_had((enum disk_flush)flush, dir.path))
            had++;
        else
            printf("skipped: %s is not to be had here\n", disk_flush_name((enum disk_flush)flush));
    }
    temp_dir_remove(&dir);
    printf("note: %u rounds each\n%d passed, 0 failed, %d skipped\n", ROUNDS, had,
           DISK_FLUSH_IO_URING - had); /* kinds of flush */
    return 0;
}
