/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_options.c - the tool's command line: times, numbers, the table of commands. */
#include <criterion/criterion.h>
#include <string.h>

#include "tools/resilience-ctl/ctl.h"

Test(options, durations)
{
    static const struct {
        const char *text;
        uint64_t ms;
        bool good;
    } rows[] = {{"250ms", 250, true},  {"30s", 30000, true},      {"5m", 300000, true},
                {"2h", 7200000, true}, {"1d", 86400000, true},    {"30", 0, false},
                {"s", 0, false},       {"-1s", 0, false},         {"1 s", 0, false},
                {"", 0, false},        {"99999999999s", 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t ms = 0;
        cr_assert_eq(ctl_parse_duration(rows[i].text, &ms), rows[i].good, "%s", rows[i].text);
        if (rows[i].good)
            cr_assert_eq(ms, rows[i].ms, "%s", rows[i].text);
    }
}

Test(options, numbers)
{
    uint64_t value;
    cr_assert(ctl_parse_number("18446744073709551615", &value) && value == UINT64_MAX);
    static const char *const bad[] = {"", "-1", "1x", " 1", "18446744073709551616", "0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(ctl_parse_number(bad[i], &value), "%s", bad[i]);
}

Test(table, every_command_is_whole_and_found)
{
    for (unsigned i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *c = &ctl_commands[i];
        bool known = false;
        cr_assert_not_null(c->run);
        cr_assert_eq(strncmp(c->example, "resilience-ctl ", 15), 0, "%s", c->noun);
        cr_assert_gt(strlen(c->summary), 0);
        cr_assert_eq(ctl_find(c->noun, c->verb, &known), c, "%s %s", c->noun, c->verb);
        cr_assert(c->arguments_max < 0 || c->arguments_max >= c->arguments_min);
    }
    bool known = false;
    cr_assert_null(ctl_find("zone", "explode", &known));
    cr_assert(known);
}
