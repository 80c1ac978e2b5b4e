/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_nearest.c - what somebody may have meant. */
#include <criterion/criterion.h>
#include <getopt.h>
#include <string.h>

#include "src/base/nearest.h"

static const char *of(const char *word, const char *const *list)
{
    struct nearest n = nearest_begin(word);
    for (; *list != NULL; list++)
        nearest_offer(&n, *list);
    return n.best;
}

static const char *const words[] = {"list",      "set", "export", "import",
                                    "endpoints", "on",  "verify", NULL};

/* A letter too many, too few, another one, two in the wrong order; and what is no mistake. */
Test(nearest, one_that_was_mistyped)
{
    static const struct {
        const char *typed, *meant;
    } cases[] = {{"lst", "list"},
                 {"lisst", "list"},
                 {"lisr", "list"},
                 {"lsit", "list"},
                 {"exprot", "export"},
                 {"inport", "import"},
                 {"endpiont", "endpoints"},
                 {"endpoints", "endpoints"},
                 {"vrefiy", "verify"},
                 {"o", "on"},
                 {"", NULL},
                 {"x", NULL},
                 {"delete", NULL},
                 {"expected", NULL},
                 {"take", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = of(cases[i].typed, words);
        if (cases[i].meant == NULL)
            cr_assert_null(found, "%s: %s", cases[i].typed, found);
        else
            cr_assert(found != NULL && strcmp(found, cases[i].meant) == 0, "%s: %s", cases[i].typed,
                      found);
    }
}

/* The first of several that are as near. */
Test(nearest, the_order_decides)
{
    static const char *const alike[] = {"port", "sort", "fort", NULL};
    cr_assert_str_eq(of("xort", alike), "port");
}

/* The table has room for the longest, and none is read behind its end. */
Test(nearest, long_words)
{
    char longest[NEAREST_SIZE], more[NEAREST_SIZE + 1];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    memset(more, 'a', sizeof more);
    more[sizeof more - 1] = '\0';
    const char *const list[] = {longest, NULL}, *const too_long[] = {more, NULL};
    longest[7] = 'b';
    cr_assert_eq(of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", list),
                 longest);
    cr_assert_null(of(more, list));
    cr_assert_null(of(longest, too_long));
}

Test(nearest, an_option)
{
    static const struct option options[] = {{"output", required_argument, NULL, 1},
                                            {"once", no_argument, NULL, 2},
                                            {"only", no_argument, NULL, 3},
                                            {NULL, 0, NULL, 0}};
    cr_assert_str_eq(nearest_option(options, "--ouput"), "output");
    cr_assert_str_eq(nearest_option(options, "--ouput=json"), "output");
    cr_assert_str_eq(nearest_option(options, "--onec"), "once");
    cr_assert_null(nearest_option(options, "--output"), "its value is missing");
    cr_assert_null(nearest_option(options, "--on"), "getopt says which ones begin so");
    cr_assert_null(nearest_option(options, "--"));
    cr_assert_null(nearest_option(options, "-o"));
    cr_assert_null(nearest_option(options, "ouput"));
    cr_assert_null(nearest_option(options, "--something"));
    char much[2 * NEAREST_SIZE];
    memset(much, '-', sizeof much);
    much[sizeof much - 1] = '\0';
    cr_assert_null(nearest_option(options, much));
}
