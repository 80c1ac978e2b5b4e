/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_beside.c - a plain program (Criterion does not start under ThreadSanitizer): while a thread
 * zeroes one file of the journal's disk, the owner writes and flushes another; whatever it does
 * with the first one comes after the zeros.
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

/* One round: zeros begin in file 2, something else is done, and the end is waited for. */
static void round_of(struct disk *disk, struct prng *prng)
{
    uint8_t found[512];
    uint64_t end = prng_range(prng, 1, SIZE / 512) * 512;
    enum rsm_status status = disk_zero_beside(disk, 2, 0, end);
    CHECK(status == RSM_BUSY);
    const struct disk_part parts[] = {{4096, bytes, 512}, {8192, bytes + 512, 1024}};
    CHECK(disk_write_parts(disk, 1, parts, 2) == RSM_OK);
    CHECK(disk_flush(disk, 1) == RSM_OK);
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

    memset(bytes, 'x', sizeof bytes);
    prng_init(&prng, 1);
    temp_dir_make(&dir);
    for (int flush = DISK_FLUSH_FDATASYNC; flush <= DISK_FLUSH_ODIRECT; flush++) {
        CHECK(disk_posix_open(AT_FDCWD, dir.path, true, &disk) == RSM_OK);
        disk_posix_set_flush(disk, (enum disk_flush)flush);
        CHECK(disk_posix_start_beside(disk, NULL) == RSM_OK);
        for (uint64_t file = 1; file <= 2; file++) {
            CHECK(disk_remove(disk, file) == RSM_OK);
            CHECK(disk_create(disk, file) == RSM_OK);
            CHECK(disk_write(disk, file, 0, bytes, SIZE) == RSM_OK);
        }
        for (uint32_t i = 0; i < ROUNDS; i++)
            round_of(disk, &prng);
        (void)disk_zero_beside(disk, 2, 0, SIZE);
        disk_free(disk);
    }
    temp_dir_remove(&dir);
    printf("note: %u rounds each\n3 passed, 0 failed\n", ROUNDS); /* kinds of flush */
    return 0;
}
