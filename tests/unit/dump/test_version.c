/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_version.c - the semantic version of a zone, by what became of it. */
#include <criterion/criterion.h>

#include "tools/rsm-dump/git_object.h"
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

static void expect_id(const uint8_t id[GIT_ID_SIZE], const char *hex)
{
    char found[2 * GIT_ID_SIZE + 1];
    hex_encode(found, bytes_make(id, GIT_ID_SIZE));
    cr_assert_str_eq(found, hex);
}

/* As `git hash-object` and `git mktree` have them. */
Test(git_object, ids)
{
    uint8_t id[GIT_ID_SIZE];
    struct git_file files[] = {{.name = "b.zone"}, {.name = "@.zone"}};
    git_object_id("blob", (struct bytes){NULL, 0}, id);
    expect_id(id, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    git_object_id("blob", bytes_of_string("hello\n"), id);
    expect_id(id, "ce013625030ba8dba906f756967f9e9ca394464a");
    git_tree_id("zones", NULL, 0, id);
    expect_id(id, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    git_object_id("blob", (struct bytes){NULL, 0}, files[0].id);
    git_object_id("blob", bytes_of_string("hello\n"), files[1].id);
    git_tree_id("zones", files, 2, id);
    expect_id(id, "21512137053377ffa7432526f0800997830952b5");
    cr_assert_str_eq(files[0].name, "@.zone", "git sorts by bytes");
}
