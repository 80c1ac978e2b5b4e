/* SPDX-License-Identifier: Apache-2.0 */
/* test_pace.c - bytes by a clock of the test's own: never faster than the rate, nor much slower. */
#include <criterion/criterion.h>

#include "src/base/pace.h"

#define SECOND UINT64_C(1000000)

/* Takes pieces whenever that is allowed, looking every `tick_us`; the bytes that were taken. */
static uint64_t run(struct pace *pace, uint64_t piece, uint64_t tick_us, uint64_t from_us,
                    uint64_t duration_us)
{
    uint64_t bytes = 0;
    for (uint64_t now_us = from_us; now_us < from_us + duration_us; now_us += tick_us) {
        while (pace_wait_us(pace, now_us) == 0) {
            pace_take(pace, piece, now_us);
            bytes += piece;
        }
    }
    return bytes;
}

struct rate_case {
    uint64_t rate;
    uint64_t piece;
    uint64_t tick_us;
};

/* What the daemon has: snapshot pieces by ticks, rows of the scrubber, the bounds of both rates. */
static const struct rate_case rates[] = {
    {8u << 20, 64u << 10, 10000},
    {8u << 20, 64u << 10, 1000},
    {64u << 10, 64u << 10, 10000},
    {64u << 20, 100, 1000},
    {64u << 20, 1, 10},
    {64u << 10, 10, 1000},
    {7, 3, 1000},
    {UINT64_C(1) << 40, 1u << 20, 10000},
};

Test(pace, is_the_rate)
{
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        const struct rate_case *c = &rates[i];
        struct pace pace = {.rate = c->rate, .burst_us = 20000};
        uint64_t began_us = 5 * SECOND;
        uint64_t bytes = run(&pace, c->piece, c->tick_us, began_us, 4 * SECOND);
        uint64_t most = 4 * c->rate + c->rate / 50 + c->piece; /* the burst, and one piece ahead */
        cr_expect_leq(bytes, most, "case %zu: %lu", i, (unsigned long)bytes);
        cr_expect_geq(bytes + c->piece, 4 * c->rate - c->rate / 100, "case %zu: %lu", i,
                      (unsigned long)bytes);
    }
}

Test(pace, what_was_not_taken_in_time_is_lost_but_for_a_burst)
{
    struct pace pace = {.rate = 1000000, .burst_us = 20000};
    (void)run(&pace, 1000, 1000, SECOND, SECOND);
    /* Idle for an hour: 20 ms of it are made up for, and one piece goes beyond. */
    uint64_t now_us = 3600 * SECOND;
    cr_expect_eq(run(&pace, 1000, 1000, now_us, 1), 21000);
    cr_expect_eq(pace_wait_us(&pace, now_us), 1000);
}

Test(pace, what_was_taken_too_early_is_waited_for)
{
    struct pace pace = {.rate = 1000000, .burst_us = 0};
    pace_take(&pace, 500000, SECOND);
    pace_take(&pace, 500000, SECOND);
    cr_expect_eq(pace_wait_us(&pace, SECOND), SECOND);
    cr_expect_eq(pace_wait_us(&pace, 2 * SECOND - 1), 1);
    cr_expect_eq(pace_wait_us(&pace, 2 * SECOND), 0);
}

/* A third of a microsecond each: without the rest all of them would be free. */
Test(pace, small_pieces_are_not_free)
{
    struct pace pace = {.rate = 3000000, .burst_us = 0};
    for (int i = 0; i < 3000; i++)
        pace_take(&pace, 1, SECOND);
    cr_expect_eq(pace_wait_us(&pace, SECOND), 1000);
}
