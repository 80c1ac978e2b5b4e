/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_zonefile.c - any text as a master file of example.
 *
 * What is read is sorted and unique, can be written, and what was written reads the same again.
 * What is refused says why and leaves nothing.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "src/rr/zonefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t example[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

static void check_sets(const struct zonefile *z)
{
    uint64_t records = 0;
    for (size_t i = 0; i < z->rrset_count; i++) {
        const struct zonefile_rrset *set = &z->rrsets[i];
        CHECK(name_check(set->owner));
        CHECK(rr_type_is_storable(set->type));
        CHECK(set->count > 0);
        for (uint32_t k = 1; k < set->count; k++)
            CHECK(rr_data_compare(set->rdatas[k - 1], set->rdatas[k]) < 0);
        records += set->count;
    }
    CHECK(records == z->record_count);
}

static void check_equal(const struct zonefile *a, const struct zonefile *b)
{
    CHECK(a->rrset_count == b->rrset_count);
    for (size_t i = 0; i < a->rrset_count; i++) {
        const struct zonefile_rrset *x = &a->rrsets[i];
        const struct zonefile_rrset *y = &b->rrsets[i];
        CHECK(name_equal(x->owner, y->owner));
        CHECK(x->type == y->type);
        CHECK(x->ttl == y->ttl);
        CHECK(x->count == y->count);
        for (uint32_t k = 0; k < x->count; k++)
            CHECK(bytes_equal(x->rdatas[k], y->rdatas[k]));
    }
}

static void check_export(const struct zonefile *z, struct bytes origin)
{
    struct zonefile again;
    struct writer text;
    writer_init(&text, ZONEFILE_SIZE_MAX);
    for (size_t i = 0; i < z->rrset_count; i++) {
        const struct zonefile_rrset *set = &z->rrsets[i];
        for (uint32_t k = 0; k < set->count; k++)
            CHECK(zonefile_write(&text, set->owner, set->type, set->ttl, set->rdatas[k]) == RSM_OK);
    }
    CHECK(zonefile_parse(writer_result(&text), origin, 1, &again) == RSM_OK);
    check_equal(z, &again);
    zonefile_free(&again);
    writer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zonefile z;
    struct bytes origin = bytes_make(example, sizeof example);
    uint8_t *exact = mem_alloc(size > 0 ? size : 1);
    if (size > 0)
        memcpy(exact, data, size);
    if (zonefile_parse(bytes_make(exact, size), origin, 3600, &z) == RSM_OK) {
        CHECK(z.error_count == 0);
        check_sets(&z);
        check_export(&z, origin);
    } else {
        CHECK(z.error_count > 0);
        CHECK(z.rrset_count == 0);
    }
    zonefile_free(&z);
    mem_free(exact);
    return 0;
}
