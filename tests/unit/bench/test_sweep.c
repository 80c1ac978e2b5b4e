/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_sweep.c - the settings of a sweep: how they are written, and what becomes of them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/sweep.h"
#include "tests/lib/temp_dir.h"

Test(sweep, settings_are_taken_apart)
{
    static struct sweep s;
    char line[128];
    cr_assert(sweep_parse(&s, "window=1,64;pin=one"));
    cr_assert_eq(s.count, 4);
    cr_assert_str_eq(s.variants[0].knob, "", "the first is without a setting");
    cr_assert_str_eq(s.variants[2].knob, "window");
    cr_assert_str_eq(s.variants[2].value, "64");
    cr_assert(sweep_config_line(&s.variants[2], line, sizeof line));
    cr_assert_str_eq(line, "window = 64\n");
    cr_assert_not(sweep_config_line(&s.variants[0], line, sizeof line));
    cr_assert_not(sweep_config_line(&s.variants[3], line, sizeof line), "no key of the daemon's");
    cr_assert(sweep_parse(&s, NULL), "the list of its own");
    cr_assert_gt(s.count, 10);
}

Test(sweep, what_is_no_setting_is_refused)
{
    static const char *const texts[] = {"",          "window",      "window=",     "=1",
                                        "window=1,", "window=1,,2", "window=1;",   ";window=1",
                                        "a b=1",     "a=1\nb=2",    "a=1#comment", "a=1 "};
    static struct sweep s;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_assert_not(sweep_parse(&s, texts[i]), "%s", texts[i]);
    char many[512] = "k=0";
    for (unsigned i = 1; i <= SWEEP_VARIANTS_MAX; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), ",1");
    cr_assert_not(sweep_parse(&s, many), "too many");
}

/* What takes the place of a way to flush is not measured under its name. */
Test(sweep, what_is_not_to_be_had_here)
{
    static const struct sweep_variant had[] = {{"", ""},
                                               {"window", "1"},
                                               {"journal_flush", "fdatasync"},
                                               {"journal_flush", "odsync"},
                                               {"journal_flush", "odd"}};
    static const struct sweep_variant not_had[] = {{"journal_flush", "odirect"},
                                                   {"journal_flush", "io_uring"}};
    struct temp_dir dir;
    char why[128];
    temp_dir_make(&dir);
    for (size_t i = 0; i < sizeof had / sizeof had[0]; i++) {
        cr_assert(sweep_is_had(&had[i], dir.path, why, sizeof why), "%s", had[i].value);
        cr_assert_str_eq(why, "");
    }
    for (size_t i = 0; i < sizeof not_had / sizeof not_had[0]; i++) {
        cr_assert_not(sweep_is_had(&not_had[i], "/proc/self", why, sizeof why));
        cr_assert(strstr(why, "takes no direct writes") != NULL, "%s", why);
    }
    temp_dir_remove(&dir);
}

Test(sweep, pins_a_process)
{
    pid_t processes[] = {getpid(), 0};
    cr_assert_not(sweep_pin("odd", processes, 2));
    cr_assert(sweep_pin("one", processes, 2));
    cr_assert(sweep_pin("spread", processes, 2));
}
