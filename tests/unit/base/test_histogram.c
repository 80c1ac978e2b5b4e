/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_histogram.c - quantiles beside a sorted array, and the stated error. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "src/base/histogram.h"
#include "src/base/prng.h"

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Whole percent of the value in ten thousandths: 40 is 0.4 %. */
static void check_near(uint64_t value, uint64_t wanted, const char *what)
{
    uint64_t difference = value > wanted ? value - wanted : wanted - value;
    cr_assert(difference * 10000 <= wanted * 40, "%s: %llu instead of %llu", what,
              (unsigned long long)value, (unsigned long long)wanted);
}

/* One value alone comes back within 0.4 %, whatever its size; below 256 exactly. */
Test(histogram, error_is_bounded)
{
    static struct histogram h;
    for (uint64_t value = 0; value < HISTOGRAM_MAX_NS; value += 1 + value / 3000 * 30) {
        histogram_init(&h);
        histogram_add(&h, value);
        histogram_add(&h, HISTOGRAM_MAX_NS); /* so that the maximum does not clip the middle */
        uint64_t median = histogram_quantile_ns(&h, 50000);
        if (value < 256)
            cr_assert(median == value);
        check_near(median, value, "one value");
    }
}

Test(histogram, quantiles_as_of_a_sorted_array)
{
    enum { COUNT = 100003 };
    static uint64_t values[COUNT];
    static struct histogram h;
    static const uint32_t quantiles[] = {1, 1000, 25000, 50000, 90000, 99000, 99900, 99999, 100000};
    struct prng p;
    prng_init(&p, 3);
    histogram_init(&h);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = prng_next(&p) >> (24 + prng_below(&p, 30));
        histogram_add(&h, values[i]);
    }
    qsort(values, COUNT, sizeof values[0], compare);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        uint64_t rank = ((uint64_t)COUNT * quantiles[i] + 99999) / 100000;
        check_near(histogram_quantile_ns(&h, quantiles[i]), values[rank - 1], "quantile");
    }
    cr_assert(h.max_ns == values[COUNT - 1] && h.count == COUNT);
}

Test(histogram, edges)
{
    static struct histogram h;
    histogram_init(&h);
    cr_assert(histogram_quantile_ns(&h, 50000) == 0, "nothing");
    histogram_add(&h, UINT64_MAX);
    check_near(histogram_quantile_ns(&h, 99900), HISTOGRAM_MAX_NS, "clipped, not lost");
    histogram_init(&h);
    for (int i = 0; i < 999; i++)
        histogram_add(&h, 10);
    histogram_add(&h, 200);
    cr_assert(histogram_quantile_ns(&h, 99900) == 10, "999 of 1000 do not exceed it");
    cr_assert(histogram_quantile_ns(&h, 99901) == 200);
}

/* What is taken away is what was there before: the rest is what came since, and merging undoes it.
 */
Test(histogram, the_difference_of_two_moments)
{
    static struct histogram h, before, since;
    histogram_init(&h);
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_add(&h, i * 1000);
    before = h;
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(&h, i);
    since = h;
    histogram_take_away(&since, &before);
    cr_assert_eq(since.count, 100);
    cr_assert_eq(histogram_mean_ns(&since), 50);
    cr_assert_eq(histogram_quantile_ns(&since, 50000), 50);
    cr_assert_eq(since.max_ns, 100);
    histogram_merge(&since, &before);
    cr_assert_arr_eq(since.buckets, h.buckets, sizeof h.buckets);
    cr_assert_eq(since.count, h.count);
    cr_assert_eq(since.max_ns, h.max_ns);
}

/* Buckets that travel one by one make the same histogram, sums within the stated error. */
Test(histogram, buckets_put_back)
{
    static struct histogram h, again;
    struct prng p;
    prng_init(&p, 5);
    histogram_init(&h);
    histogram_init(&again);
    for (int i = 0; i < 1000; i++)
        histogram_add(&h, prng_below(&p, 1u << 30));
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        cr_assert(histogram_put(&again, i, h.buckets[i]));
    cr_assert_not(histogram_put(&again, HISTOGRAM_BUCKETS, 1));
    cr_assert_arr_eq(again.buckets, h.buckets, sizeof h.buckets);
    check_near(again.sum_ns, h.sum_ns, "the sum");
    check_near(histogram_quantile_ns(&again, 99000), histogram_quantile_ns(&h, 99000), "p99");
}
