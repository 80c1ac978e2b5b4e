/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_submissions.c - what waits is bounded, by number and by bytes, and in the order of arrival.
 */
#include <criterion/criterion.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/daemon/submissions.h"

static enum rsm_status add(struct submissions *s, uint32_t number, struct blob *envelope)
{
    uint8_t digest[HASH_SIZE] = {0};
    struct submission *added = NULL;
    put_u32(digest, number); /* what buckets are chosen by: real digests are uniform there */
    return submissions_add(s, digest, envelope, number, &added);
}

Test(submissions, the_number_is_bounded)
{
    struct submissions *s = submissions_new();
    struct blob *small = blob_new(bytes_make("x", 1));
    uint32_t count = 0;
    while (count < 2 * LIMIT_PENDING_COUNT && add(s, count, small) == RSM_OK)
        count++;
    cr_assert_eq(count, LIMIT_PENDING_COUNT);
    cr_assert(submissions_is_full(s, 0));
    cr_assert_eq(add(s, LIMIT_PENDING_COUNT, small), RSM_BUSY);
    cr_assert_eq(submissions_oldest(s)->since_ms, 0);
    submissions_remove(s, submissions_oldest(s));
    cr_assert_eq(submissions_oldest(s)->since_ms, 1, "the next one that came");
    cr_assert_not(submissions_is_full(s, 1));
    cr_assert_eq(add(s, LIMIT_PENDING_COUNT, small), RSM_OK);
    submissions_free(s);
    blob_unref(small);
    cr_assert_eq(mem_live_count(), 0);
}

Test(submissions, the_bytes_are_bounded)
{
    struct submissions *s = submissions_new();
    static uint8_t bytes[1u << 20];
    struct blob *large = blob_new(bytes_make(bytes, sizeof bytes));
    uint32_t count = 0;
    while (add(s, count, large) == RSM_OK)
        count++;
    cr_assert_eq(count, LIMIT_PENDING_BYTES >> 20);
    cr_assert(submissions_is_full(s, 1));
    cr_assert_not(submissions_is_full(s, 0));
    submissions_free(s);
    blob_unref(large);
}
