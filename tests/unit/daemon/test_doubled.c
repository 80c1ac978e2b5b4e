/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_doubled.c - what peers say of their journals, and whether one process can have said it. */
#include <criterion/criterion.h>

#include "src/daemon/doubled.h"

#define SAID_MAX 12

struct case_of {
    const char *what;
    uint64_t said[SAID_MAX]; /* sequences, up to a 0 */
    bool is_doubled;
};

static const struct case_of cases[] = {
    {"one that grows", {1, 2, 2, 3, 9, 9, 20}, false},
    {"one that stands still", {7, 7, 7, 7, 7, 7}, false},
    {"an older disk falls once, and goes on from there", {9, 4, 4, 5, 6, 7, 8, 12, 13}, false},
    {"twice is not enough", {9, 4, 10, 4, 11, 12}, false},
    {"a copy that stays behind, in turns", {9, 4, 10, 4, 11, 4, 12}, true},
    {"also when neither writes", {9, 4, 4, 9, 4, 9, 4, 4}, true},
    {"what is low for long is one fall", {9, 1, 2, 3, 4, 5, 6, 7, 8}, false},
};

Test(doubled, by_what_is_said)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct doubled d = {0};
        unsigned told = 0;
        for (size_t k = 0; k < SAID_MAX && cases[i].said[k] != 0; k++)
            told += doubled_note(&d, 5, cases[i].said[k], 1000 + k);
        cr_expect_eq(doubled_is(&d, 2000), cases[i].is_doubled, "%s", cases[i].what);
        cr_expect_eq(told, cases[i].is_doubled, "%s: told %u times", cases[i].what, told);
    }
}

Test(doubled, is_over_when_none_falls_any_more)
{
    struct doubled d = {0};
    for (uint64_t k = 0; k < 10; k++)
        (void)doubled_note(&d, 5, k % 2 == 0 ? 9 : 4, 1000 + k);
    cr_expect(doubled_is(&d, 1010));
    cr_expect(doubled_is(&d, 1009 + DOUBLED_CALM_MS));
    cr_expect_not(doubled_is(&d, 1011 + DOUBLED_CALM_MS));
    cr_expect_not(doubled_is(&d, 1012)); /* forgotten */
}

Test(doubled, another_incarnation_is_another_journal)
{
    struct doubled d = {0};
    for (uint64_t k = 0; k < 10; k++)
        cr_expect_not(doubled_note(&d, k / 2, k % 2 == 0 ? 9 : 4, 1000 + k));
    cr_expect_not(doubled_is(&d, 1010));
}
