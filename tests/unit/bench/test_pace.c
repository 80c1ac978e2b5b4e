/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_pace.c - arrivals of an open loop come when they should, whatever became of those before. */
#include <criterion/criterion.h>

#include "bench/pace.h"
#include "src/base/histogram.h"

#define SECOND UINT64_C(1000000000)

Test(pace, one_each_interval_and_none_after_the_end)
{
    struct pace pace;
    uint64_t intended, count = 0;
    pace_init(&pace, 5 * SECOND, 6 * SECOND, 1000);
    cr_assert_not(pace_take(&pace, 5 * SECOND - 1, &intended));
    while (pace_take(&pace, 100 * SECOND, &intended)) {
        cr_assert_eq(intended, 5 * SECOND + count * 1000000);
        count++;
    }
    cr_assert_eq(count, 1000);
    cr_assert_eq(pace_next_ns(&pace), UINT64_MAX);
}

/* No rounding adds up: the last arrival of an hour at an odd rate is where it belongs. */
Test(pace, does_not_drift)
{
    struct pace pace;
    pace_init(&pace, 0, 3600 * SECOND, 7777);
    pace.next = 3599 * 7777;
    uint64_t intended = pace_next_ns(&pace);
    cr_assert(intended >= 3599 * SECOND - 1000 && intended <= 3599 * SECOND + 1000, "%llu",
              (unsigned long long)intended);
}

/*
 * Coordinated omission: a server answers at once, but stands still for one second of ten. A loop
 * that waits for its answers has one late one among thousands; counted from the intended start, a
 * tenth is late.
 */
Test(pace, a_stall_is_seen_by_all_that_should_have_begun_in_it)
{
    static struct histogram from_intended, from_begin;
    struct pace pace;
    uint64_t intended, now = 0;
    pace_init(&pace, 0, 10 * SECOND, 1000);
    while (pace_next_ns(&pace) != UINT64_MAX) {
        if (now < pace_next_ns(&pace))
            now = pace_next_ns(&pace);
        cr_assert(pace_take(&pace, now, &intended));
        uint64_t begin = now;
        now += 100000; /* the answer's time */
        if (begin >= 4 * SECOND && begin < 5 * SECOND)
            now = 5 * SECOND; /* it stands still */
        histogram_add(&from_intended, now - intended);
        histogram_add(&from_begin, now - begin);
    }
    cr_assert_geq(histogram_quantile_ns(&from_intended, 99900), SECOND / 2);
    cr_assert_geq(histogram_quantile_ns(&from_intended, 95000), SECOND / 10);
    cr_assert_leq(histogram_quantile_ns(&from_begin, 99900), 200000, "the other way hides it");
}
