/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_hook.c - programs of the operator's: which are run, with what, how many, and their end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/io/hook.h"
#include "tests/lib/temp_dir.h"

static struct temp_dir folder;
static char program[TEMP_DIR_SIZE + 64], output[TEMP_DIR_SIZE + 64];

static void write_program(const char *text, mode_t mode)
{
    FILE *file = fopen(program, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fprintf(file, "#!/bin/sh\n%s\n", text), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(program, mode), 0);
}

static void set_up(void)
{
    temp_dir_make(&folder);
    temp_dir_path(&folder, "program", program);
    temp_dir_path(&folder, "output", output);
}

static void tear_down(void)
{
    temp_dir_remove(&folder);
}

TestSuite(hook, .init = set_up, .fini = tear_down);

static void wait_for_end(struct hook *hook, uint64_t now_ms)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < 20000 && hook_running(hook) > 0; i++) {
        nanosleep(&pause, NULL);
        hook_on_tick(hook, now_ms);
    }
    cr_assert_eq(hook_running(hook), 0);
}

Test(hook, it_has_the_text_and_nothing_else)
{
    char script[2048], text[256] = "";
    (void)snprintf(
        script, sizeof script,
        "{ cat; env | grep -v ^PATH= | grep -v ^PWD=; ls /proc/self/fd; } >%s.new; mv %s.new %s",
        output, output, output);
    write_program(script, 0700);
    struct hook *hook = hook_new(program);
    cr_assert_eq(hook_run(hook, bytes_of_string("hello\n"), 0), RSM_OK);
    wait_for_end(hook, 0);
    FILE *file = fopen(output, "r");
    cr_assert_not_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    cr_assert(strncmp(text, "hello\n", 6) == 0, "%s", text);
    cr_assert(strstr(text, "HOME") == NULL && strstr(text, "\n9\n") == NULL, "%s", text);
    hook_free(hook);
}

Test(hook, what_is_not_run)
{
    static const struct {
        mode_t mode;
        enum rsm_status status;
    } cases[] = {{0700, RSM_OK},
                 {0755, RSM_OK},
                 {0720, RSM_NOT_ALLOWED},
                 {0702, RSM_NOT_ALLOWED},
                 {0600, RSM_NOT_ALLOWED}};
    struct hook *hook = hook_new(program);
    cr_assert_eq(hook_run(hook, bytes_of_string("x"), 0), RSM_NOT_FOUND);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_program("exit 3", cases[i].mode);
        cr_assert_eq(hook_run(hook, bytes_of_string("x"), 0), cases[i].status, "%o",
                     (unsigned)cases[i].mode);
        wait_for_end(hook, 0);
    }
    hook_free(hook);
}

/* Eight at most; those that go on for too long are ended, and what they started as well. */
Test(hook, they_end)
{
    write_program("sleep 1000 & sleep 1000", 0700);
    struct hook *hook = hook_new(program);
    for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++)
        cr_assert_eq(hook_run(hook, bytes_of_string("x"), 5), RSM_OK);
    cr_assert_eq(hook_run(hook, bytes_of_string("x"), 5), RSM_BUSY);
    hook_on_tick(hook, 5 + HOOK_TIME_MS - 1);
    cr_assert_eq(hook_running(hook), HOOK_RUNS_MAX);
    hook_on_tick(hook, 5 + HOOK_TIME_MS);
    cr_assert_eq(hook_running(hook), 0);
    cr_assert_eq(hook_run(hook, bytes_of_string("x"), 5), RSM_OK);
    hook_free(hook);
}
