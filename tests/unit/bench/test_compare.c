/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_compare.c - the statistics against published values, and verdicts about made-up results. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/compare.h"
#include "src/base/prng.h"

/* Critical values of U, two-sided: Mann and Whitney 1947 and any book's table; k = U_crit + 1. */
Test(stats, ranks_of_the_published_tables)
{
    static const struct {
        uint32_t a, b;
        double confidence;
        uint32_t k;
    } rows[] = {
        {3, 3, 0.95, 0},  {3, 5, 0.95, 1},   {4, 4, 0.95, 1},    {5, 5, 0.95, 3},
        {8, 8, 0.95, 14}, {8, 10, 0.95, 18}, {10, 10, 0.95, 24}, {20, 20, 0.95, 128},
        {4, 4, 0.99, 0},  {5, 5, 0.99, 1},   {10, 10, 0.99, 17}, {20, 20, 0.99, 106},
        {1, 1, 0.95, 0},  {3, 3, 0.90, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(stats_rank(rows[i].a, rows[i].b, rows[i].confidence), rows[i].k,
                     "%u and %u values, %.2f: k %u, wanted %u", rows[i].a, rows[i].b,
                     rows[i].confidence, stats_rank(rows[i].a, rows[i].b, rows[i].confidence),
                     rows[i].k);
}

Test(stats, least_repetitions)
{
    cr_assert_eq(stats_least(0.95), 4);
    cr_assert_eq(stats_least(0.99), 5);
    cr_assert_eq(stats_least(0.5), 2);
}

Test(stats, ratio_of_hodges_and_lehmann)
{
    static const double a[] = {100, 110, 90, 105, 95}, b[] = {200, 220, 180, 210, 190};
    const struct stats_ratio r = stats_compare(a, 5, b, 5, 0.95);
    cr_assert_float_eq(r.ratio, 2, 0.02);
    cr_assert(r.has_interval);
    cr_assert(r.low > 1.6 && r.low < 2 && r.high > 2 && r.high < 2.5, "%f %f", r.low, r.high);
    /* One bad repetition moves the ratio hardly, where a mean would be 3 times as large. */
    static const double spoiled[] = {200, 220, 180, 210, 5000};
    cr_assert_float_eq(stats_compare(a, 5, spoiled, 5, 0.95).ratio, 2, 0.2);
    cr_assert_float_eq(stats_median(b, 4), 205, 1e-9);
    cr_assert_float_eq(stats_median(b, 5), 200, 1e-9);
}

/* Of intervals with 95 %, one in twenty misses the truth, whatever the distribution. */
Test(stats, intervals_hold_what_they_promise)
{
    struct prng prng;
    uint32_t missed = 0;
    prng_init(&prng, 3);
    for (uint32_t i = 0; i < 4000; i++) {
        double a[8], b[8];
        for (uint32_t k = 0; k < 8; k++) { /* a long tail */
            a[k] = 100 - 30 * log((double)(1 + prng_below(&prng, 1000000)) / 1e6);
            b[k] = 100 - 30 * log((double)(1 + prng_below(&prng, 1000000)) / 1e6);
        }
        const struct stats_ratio r = stats_compare(a, 8, b, 8, 0.95);
        missed += r.low > 1 || r.high < 1 ? 1 : 0;
    }
    cr_assert(missed > 100 && missed < 250, "%u of 4000", missed);
}

/* A result with one point and so many repetitions around a median and a rate. */
static json_t *result(uint32_t clients, uint32_t repetitions, double median_us, double per_second)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < repetitions; i++) {
        double factor = 1 + 0.001 * i;
        json_array_append_new(
            list, json_pack("{s:f, s:f, s:{s:f, s:f}, s:{s:f, s:f}, s:{s:f}}", "writes_per_second",
                            per_second * factor, "reads_per_second", 0.0, "write", "median_us",
                            median_us * factor, "p99_us", 3 * median_us * factor, "read",
                            "median_us", 0.0, "p99_us", 0.0, "floor", "median_us", median_us / 2));
    }
    return json_pack("{s:i, s:[{s:i, s:f, s:o}]}", "format", 1, "runs", "clients", (int)clients,
                     "rate", 0.0, "repetitions", list);
}

static enum compare_verdict judge(json_t *a, json_t *b, bool is_relative, uint32_t *rows)
{
    struct comparison c;
    compare_init(&c);
    c.is_relative = is_relative;
    cr_assert_eq(compare_add(&c, 0, a), RSM_OK);
    cr_assert_eq(compare_add(&c, 1, b), RSM_OK);
    *rows = compare_match(&c);
    enum compare_verdict verdict = compare_judge_all(&c);
    compare_deinit(&c);
    json_decref(a);
    json_decref(b);
    return verdict;
}

Test(compare, verdicts)
{
    uint32_t rows;
    cr_assert_eq(judge(result(8, 8, 100, 500), result(8, 8, 100, 500), false, &rows), COMPARE_SAME);
    cr_assert_eq(rows, 3, "median, p99, writes a second");
    cr_assert_eq(judge(result(8, 8, 100, 500), result(8, 8, 101.5, 500), false, &rows),
                 COMPARE_SAME, "real, but below the threshold");
    cr_assert_eq(judge(result(8, 8, 100, 500), result(8, 8, 110, 500), false, &rows),
                 COMPARE_SLOWER);
    cr_assert_eq(judge(result(8, 8, 100, 500), result(8, 8, 90, 500), false, &rows),
                 COMPARE_FASTER);
    cr_assert_eq(judge(result(8, 8, 100, 500), result(8, 8, 90, 400), false, &rows), COMPARE_SLOWER,
                 "one figure is enough");
    cr_assert_eq(judge(result(8, 3, 100, 500), result(8, 3, 200, 500), false, &rows),
                 COMPARE_UNKNOWN);
    cr_assert_eq(judge(result(8, 8, 100, 500), result(8, 8, 200, 500), true, &rows), COMPARE_SAME,
                 "beside a floor that is twice as slow as well");
    cr_assert_eq(rows, 2);
    (void)judge(result(8, 8, 100, 500), result(9, 8, 100, 500), false, &rows);
    cr_assert_eq(rows, 0, "no point in common");
}

Test(compare, what_is_no_result_is_refused)
{
    static const char *const texts[] = {"[]",
                                        "{}",
                                        "{\"format\": 1}",
                                        "{\"format\": 1, \"runs\": []}",
                                        "{\"format\": 2, \"runs\": [{}]}",
                                        "{\"format\": 1, \"runs\": [5]}",
                                        "{\"format\": 1, \"runs\": [{\"repetitions\": []}]}"};
    struct comparison c;
    compare_init(&c);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *root = json_loads(texts[i], 0, NULL);
        cr_assert_eq(compare_add(&c, 0, root), RSM_MALFORMED, "%s", texts[i]);
        json_decref(root);
    }
    json_t *many = result(1, STATS_SAMPLES_MAX + 1, 1, 1);
    cr_assert_eq(compare_add(&c, 0, many), RSM_TOO_MANY);
    json_decref(many);
    compare_deinit(&c);
}
