/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_child.c - work that crashes, hangs or ends, and clocks that go on. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/io/child.h"
#include "src/io/clock.h"
#include "tests/lib/temp_dir.h"

Test(clock, a_test_sets_it)
{
    struct temp_dir directory;
    char path[TEMP_DIR_SIZE + 64];
    temp_dir_make(&directory);
    temp_dir_path(&directory, "clock", path);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(file, 0);
    uint64_t before = clock_wall_ms();
    cr_assert(clock_follow(path));
    cr_assert_geq(clock_wall_ms(), before, "an empty file is no offset");
    cr_assert_eq(pwrite(file, "-3600000\n", 9, 0), 9);
    cr_assert_lt(clock_wall_ms(), before);
    cr_assert_eq(pwrite(file, "315360000000\n", 13, 0), 13);
    cr_assert_geq(clock_wall_ms(), before + 315360000000u);
    cr_assert_eq(pwrite(file, "-99999999999999\n", 16, 0), 16);
    cr_assert_eq(clock_wall_ms(), 0, "not before 1970");
    cr_assert_not(clock_follow("/nowhere/at/all"));
    close(file);
    temp_dir_remove(&directory);
}

static int end_with(void *context)
{
    return *(int *)context;
}

static int crash(void *context)
{
    (void)context;
    abort();
}

/* Touches a page behind the end of a mapped file, as a damaged store does. */
static int raise_bus_error(void *context)
{
    (void)context;
    FILE *file = tmpfile();
    if (file == NULL)
        return 1;
    volatile const char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    return page[0];
}

static int hang(void *context)
{
    while (context == NULL)
        pause();
    return 0;
}

Test(child, an_end_a_crash_and_a_hang_are_told_apart)
{
    struct child_end end;
    int status = 7;

    cr_assert_eq(child_run(end_with, &status, 10, &end), RSM_OK);
    cr_assert(end.exited && end.exit_status == 7);
    cr_assert_eq(child_run(raise_bus_error, NULL, 10, &end), RSM_OK);
    cr_assert(!end.exited && end.signal == SIGBUS);
    cr_assert_eq(child_run(crash, NULL, 10, &end), RSM_OK);
    cr_assert(!end.exited && end.signal == SIGABRT);
    cr_assert_eq(child_run(hang, NULL, 1, &end), RSM_OK);
    cr_assert(!end.exited && end.signal == SIGALRM);
}

Test(clock, goes_on_and_never_back)
{
    uint64_t before = clock_monotonic_us();
    uint64_t wall = clock_wall_ms();

    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = clock_monotonic_us();
        cr_assert_geq(now, before);
        before = now;
    }
    cr_assert_leq(clock_monotonic_ms(), clock_monotonic_us() / 1000);
    cr_assert_gt(wall, UINT64_C(1500000000000), "a date of this century, in ms");
}
