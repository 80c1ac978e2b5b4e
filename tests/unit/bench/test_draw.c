/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_draw.c - keys are drawn with the chances that are promised. */
#include <criterion/criterion.h>
#include <math.h>

#include "bench/draw.h"

#define KEYS 100u
#define DRAWS 200000u

static void count_draws(bool is_zipf, uint32_t counts[KEYS])
{
    struct draw draw;
    struct prng prng;
    prng_init(&prng, 7);
    draw_init(&draw, KEYS, is_zipf);
    for (uint32_t i = 0; i < DRAWS; i++) {
        uint32_t key = draw_key(&draw, &prng);
        cr_assert_lt(key, KEYS);
        counts[key]++;
    }
    draw_deinit(&draw);
}

Test(draw, uniform_gives_every_key_its_share)
{
    uint32_t counts[KEYS] = {0};
    count_draws(false, counts);
    for (uint32_t k = 0; k < KEYS; k++)
        cr_assert(counts[k] > DRAWS / KEYS * 8 / 10 && counts[k] < DRAWS / KEYS * 12 / 10,
                  "key %u: %u of %u", k, counts[k], DRAWS);
}

/* The k-th key has 1/k^0.99 of the first one's share, within what so many draws scatter. */
Test(draw, zipf_prefers_the_first_keys)
{
    uint32_t counts[KEYS] = {0};
    double sum = 0;
    count_draws(true, counts);
    for (uint32_t k = 1; k <= KEYS; k++)
        sum += pow(k, -DRAW_ZIPF_EXPONENT);
    for (uint32_t k = 0; k < KEYS; k++) {
        double wanted = DRAWS * pow(k + 1, -DRAW_ZIPF_EXPONENT) / sum;
        cr_assert(fabs(counts[k] - wanted) < 6 * sqrt(wanted), "key %u: %u, wanted %.0f", k,
                  counts[k], wanted);
    }
}

Test(draw, one_key_is_always_that_one)
{
    struct draw draw;
    struct prng prng;
    prng_init(&prng, 1);
    draw_init(&draw, 1, true);
    cr_assert_eq(draw_key(&draw, &prng), 0);
    draw_deinit(&draw);
}
