/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_version.c - the semantic version of a zone, by what became of it. */
#include <criterion/criterion.h>

#include "tools/rsm-dump/git_version.h"

Test(git_version, what_each_level_makes_of_a_version)
{
    static const struct {
        struct zone_version before;
        enum version_level level;
        struct zone_version after;
    } cases[] = {
        {{0, 0, 0}, VERSION_PATCH, {1, 0, 0}}, /* whatever it begins with */
        {{0, 0, 0}, VERSION_MAJOR, {1, 0, 0}},  {{1, 0, 0}, VERSION_PATCH, {1, 0, 1}},
        {{1, 4, 9}, VERSION_PATCH, {1, 4, 10}}, {{1, 4, 9}, VERSION_MINOR, {1, 5, 0}},
        {{1, 4, 9}, VERSION_MAJOR, {2, 0, 0}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct zone_version v = cases[i].before;
        zone_version_raise(&v, cases[i].level);
        cr_assert_eq(v.major, cases[i].after.major, "case %zu", i);
        cr_assert_eq(v.minor, cases[i].after.minor, "case %zu", i);
        cr_assert_eq(v.patch, cases[i].after.patch, "case %zu", i);
    }
}
