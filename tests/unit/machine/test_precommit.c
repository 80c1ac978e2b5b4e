/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_precommit.c - what would be written, held against what was signed. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/machine/judge.h"

static const struct version author_version = {
    .author = {(const uint8_t *)"bob", 3}, .counter = 7, .lamport = 9, .slot = 12};

static const struct {
    const char *why; /* NULL: no difference */
    struct rrset_record record;
} effects[] = {
    {NULL, {.ttl = 300, .rdata_count = 0, .deleted = true, .version = {.counter = 7, .slot = 12}}},
    {"not deleted", {.ttl = 300, .rdata_count = 1, .version = {.counter = 7, .slot = 12}}},
    {"another number of records",
     {.deleted = true, .rdata_count = 1, .version = {.counter = 7, .slot = 12}}},
    {"another author", {.deleted = true, .version = {.counter = 8, .slot = 12}}},
    {"another author", {.deleted = true, .version = {.counter = 7, .slot = 11}}},
};

/* What would be written must be what the author signed: each field that differs is told. */
Test(precommit, an_effect_that_differs_from_the_change_is_told)
{
    struct change deletion = {.rdata_count = 0};
    for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++) {
        struct rrset_record record = effects[i].record;
        record.version.author = author_version.author;
        const char *why = precommit_difference(&deletion, &record, &author_version);
        cr_assert((why == NULL) == (effects[i].why == NULL), "row %zu: %s", i, why);
        cr_assert(why == NULL || strcmp(why, effects[i].why) == 0, "row %zu: %s", i, why);
    }
    struct change change = {.rdata_count = 0, .ttl = 60};
    struct rrset_record record = {.version = author_version, .ttl = 61};
    record.deleted = true;
    cr_assert_null(precommit_difference(&change, &record, &author_version));
}
