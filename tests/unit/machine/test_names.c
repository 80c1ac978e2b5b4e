/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_names.c - the set of names that every command uses anew. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "src/machine/names.h"

static struct bytes name_of(unsigned round, unsigned index, char text[32])
{
    (void)snprintf(text, 32, "%u.%u", round, index);
    return bytes_make(text, strlen(text));
}

/* Large and small ones in turns: what was in it before is never there, what is put in is. */
Test(names, a_cleared_set_has_nothing_of_before)
{
    static const unsigned counts[] = {0, 1, 5000, 1, 3, 0, 700, 2, 5000, 40, 1300, 1, 0, 2};
    struct name_set *set = name_set_new();
    char text[32];
    for (unsigned round = 0; round < sizeof counts / sizeof *counts; round++) {
        name_set_clear(set);
        cr_assert_eq(name_set_count(set), 0);
        for (unsigned i = 0; round > 0 && i < counts[round - 1]; i++)
            cr_assert(!name_set_has(set, name_of(round - 1, i, text)), "round %u", round);
        for (unsigned i = 0; i < counts[round]; i++) {
            size_t index;
            uint32_t walk;
            cr_assert(name_set_add(set, name_of(round, i, text), round, &index, &walk));
            cr_assert_eq(index, i);
            cr_assert(!name_set_add(set, name_of(round, i / 2, text), round + 1, &index, &walk));
            cr_assert(index == i / 2 && walk == round, "its first walk stays");
        }
        cr_assert_eq(name_set_count(set), counts[round]);
        for (unsigned i = 0; i < counts[round]; i++) {
            struct bytes name = name_of(round, i, text);
            cr_assert(name_set_has(set, name) && bytes_equal(name_set_at(set, i), name));
        }
        cr_assert(!name_set_has(set, name_of(round + 100, 0, text)));
    }
    name_set_free(set);
}
