/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_admission.c - what one connection may hand in before anything is verified. */
#include <criterion/criterion.h>

#include "src/daemon/admission.h"

static struct admission a;

static bool take(uint64_t connection, size_t size, uint64_t now_ms, uint64_t wait_ms)
{
    uint64_t wait;
    bool is_taken = admission_take(&a, connection, size, now_ms, &wait);
    cr_assert_eq(wait, wait_ms, "%llu", (unsigned long long)wait);
    return is_taken;
}

/* A second's worth at once, then as fast as the rate; the wait is exact. */
Test(admission, a_bucket_of_a_second)
{
    admission_init(&a, 10);
    for (int i = 0; i < 10; i++)
        cr_assert(take(1, 100, 5000, 0));
    cr_assert(!take(1, 100, 5000, 100));
    cr_assert(!take(1, 100, 5099, 1));
    cr_assert(take(1, 100, 5100, 0));
    cr_assert(!take(1, 100, 5100, 100));
    for (int i = 0; i < 10; i++)
        cr_assert(take(1, 100, 999999, 0));
    cr_assert(!take(1, 100, 999999, 100));
}

/* Others are not slower for it, and a new connection in the same place begins anew. */
Test(admission, each_connection_by_itself)
{
    admission_init(&a, 2);
    cr_assert(take(1, 0, 1, 0) && take(1, 0, 1, 0) && !take(1, 0, 1, 500));
    cr_assert(take(2, 0, 1, 0) && take(2, 0, 1, 0));
    cr_assert(take(1 + LIMIT_CLIENT_CONNECTIONS, 0, 1, 0));
}

/* Bytes cost as well; one larger than the whole bucket waits for a full one. */
Test(admission, large_ones_cost_more)
{
    admission_init(&a, 10);
    cr_assert(take(1, 65536 * 8, 1, 0));
    cr_assert(take(1, 0, 1, 0));
    cr_assert(!take(1, 0, 1, 100));
    cr_assert(!take(1, LIMIT_ENVELOPE_SIZE, 1, 1000));
    cr_assert(take(1, LIMIT_ENVELOPE_SIZE, 1001, 0));
}

Test(admission, bad_signatures_cost_a_hundred)
{
    admission_init(&a, 200);
    cr_assert(take(1, 0, 1, 0));
    admission_punish(&a, 1);
    admission_punish(&a, 2); /* has no bucket yet */
    for (int i = 0; i < 99; i++)
        cr_assert(take(1, 0, 1, 0));
    cr_assert(!take(1, 0, 1, 5));
    admission_punish(&a, 1); /* it is empty, and stays so */
    cr_assert(!take(1, 0, 1, 5));
}

Test(admission, zero_is_no_limit)
{
    admission_init(&a, 0);
    for (int i = 0; i < 100000; i++)
        cr_assert(take(1, LIMIT_ENVELOPE_SIZE, 1, 0));
}
