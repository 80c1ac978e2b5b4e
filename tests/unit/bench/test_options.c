/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_options.c - what is taken, and that everything else is refused. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

#include "bench/options.h"
#include "bench/run_options.h"

struct values {
    const char *text, *word;
    uint64_t number;
    struct numbers numbers;
    double real;
    bool flag;
};

static enum options_end parse(struct values *v, const char *const *arguments, const char **plain,
                              uint32_t *plain_count)
{
    const struct option rows[] = {
        {.name = "--text", .text = &v->text},
        {.name = "--word", .text = &v->word, .words = "one|two|three"},
        {.name = "--number", .number = &v->number, .min = 2, .max = 10},
        {.name = "--numbers", .numbers = &v->numbers, .min = 1, .max = 100},
        {.name = "--real", .real = &v->real, .max = 10},
        {.name = "--flag", .flag = &v->flag},
    };
    char copies[8][64], *list[8];
    int count = 0;
    for (; arguments[count] != NULL; count++) {
        (void)snprintf(copies[count], sizeof copies[count], "%s", arguments[count]);
        list[count] = copies[count];
    }
    memset(v, 0, sizeof *v);
    return options_parse(rows, sizeof rows / sizeof rows[0], count, list, plain,
                         plain != NULL ? 2 : 0, plain_count);
}

Test(options, good_ones_are_taken)
{
    struct values v;
    uint32_t plain_count;
    const char *plain[2];
    cr_redirect_stderr();
    const char *const first[] = {"--number", "10",     "--numbers", "1,8,100",
                                 "--flag",   "a.json", NULL};
    cr_assert_eq(parse(&v, first, plain, &plain_count), OPTIONS_GOOD);
    cr_assert_eq(v.number, 10);
    cr_assert_eq(v.numbers.count, 3);
    cr_assert_eq(v.numbers.values[2], 100);
    cr_assert(v.flag);
    cr_assert_eq(plain_count, 1);
    const char *const second[] = {"--real", "0.25", "--word", "two", "--text", "--odd", NULL};
    cr_assert_eq(parse(&v, second, plain, &plain_count), OPTIONS_GOOD);
    cr_assert_float_eq(v.real, 0.25, 1e-9);
    cr_assert_str_eq(v.word, "two");
    const char *const help[] = {"--number", "--help", NULL};
    cr_assert_eq(parse(&v, help, plain, &plain_count), OPTIONS_HELP);
}

Test(options, bad_ones_are_refused)
{
    static const char *const cases[][3] = {
        {"--number", "1", NULL},   {"--number", "11", NULL},
        {"--number", "5x", NULL},  {"--number", "-5", NULL},
        {"--number", "", NULL},    {"--number", "99999999999999999999", NULL},
        {"--number", NULL, NULL},  {"--numbers", "1,,2", NULL},
        {"--numbers", ",1", NULL}, {"--numbers", "1,", NULL},
        {"--numbers", "", NULL},   {"--numbers", "1,101", NULL},
        {"--real", "nan", NULL},   {"--real", "11", NULL},
        {"--real", "1s", NULL},    {"--real", "-1", NULL},
        {"--word", "tw", NULL},    {"--word", "two|three", NULL},
        {"--word", "", NULL},      {"--odd", "1", NULL},
        {"plain", NULL, NULL},     {"--numbers", "1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8", NULL},
    };
    cr_redirect_stderr();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct values v;
        uint32_t plain_count;
        cr_assert_eq(parse(&v, cases[i], NULL, &plain_count), OPTIONS_BAD, "case %zu: %s %s", i,
                     cases[i][0], cases[i][1]);
    }
}

/* What the rows cannot say. */
Test(options, of_a_run_that_contradict_each_other)
{
    struct run_options o;
    cr_redirect_stderr();
    run_options_default(&o);
    cr_assert(run_options_check(&o));
    o.endpoints = "127.0.0.1:1";
    cr_assert_not(run_options_check(&o));
    o.key = "admin.key";
    cr_assert(run_options_check(&o));
    o.bundle = 1024;
    o.changes = 5;
    cr_assert_not(run_options_check(&o));
    run_options_default(&o);
    o.processes.count = 1;
    cr_assert_not(run_options_check(&o));
}
