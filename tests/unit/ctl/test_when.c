/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_when.c - times on the command line: what each form names, and what is none. */
#include <criterion/criterion.h>

#include "tools/lib/when.h"

Test(when, forms)
{
    static const struct {
        const char *text;
        uint64_t first, last;
    } rows[] = {{"1970-01-01", 0, 999},
                {"2026-11-28", 1795824000000, 1795824000999},
                {"2026-11-28T12:00Z", 1795867200000, 1795867200999},
                {"2026-11-28T12:00:00Z", 1795867200000, 1795867200999},
                {"2026-11-28T12:00:00.000Z", 1795867200000, 1795867200000},
                {"2026-11-28T12:00:00.123Z", 1795867200123, 1795867200123},
                {"2026-11-23T15:00:00.25Z", 1795446000250, 1795446000250},
                {"2026-11-23T15:00:00.123456789Z", 1795446000123, 1795446000123},
                {"2024-02-29T00:00:00Z", 1709164800000, 1709164800999},
                {"2028-02-29", 1835395200000, 1835395200999}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t first = 1, last = 1;
        cr_assert(when_parse(rows[i].text, &first, &last), "%s", rows[i].text);
        cr_assert(first == rows[i].first && last == rows[i].last, "%s: %llu to %llu", rows[i].text,
                  (unsigned long long)first, (unsigned long long)last);
    }
}

Test(when, what_is_none)
{
    static const char *const texts[] = {"",
                                        "now",
                                        "10m",
                                        "-1",
                                        "1969-12-31",
                                        "2026-11-28T12:00:00",
                                        "2026-11-28T12:00:00.Z",
                                        "2026-11-28T12:00:00.5",
                                        "2026-11-28T12:00:00.-12Z",
                                        "2026-11-28T12:00:00+01:00",
                                        "2026-11-28T12:00:00Z ",
                                        "2026-13-01",
                                        "2026-04-31",
                                        "2026-02-29",
                                        "2026-11-28T25:00:00Z",
                                        "2026-11-23T24:00:00Z",
                                        "2026-11-23T23:59:60Z",
                                        "2026-11-23T10:00:60Z",
                                        " 2026-11-23T15:00:00Z",
                                        "2026-1-3T5:00:00Z",
                                        "2026-1-3",
                                        "1969-12-31T23:59:59Z",
                                        "tomorrow"};
    uint64_t first, last;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_assert_not(when_parse(texts[i], &first, &last), "%s", texts[i]);
}
