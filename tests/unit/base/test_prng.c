/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_prng.c - the generator against its authors' vectors, and the bounds of what it draws. */
#include <criterion/criterion.h>
#include <signal.h>

#include "src/base/prng.h"

/* splitmix64 of seed 0, then xoshiro256** of the state 1, 2, 3, 4: published by the authors. */
Test(prng, gives_the_published_numbers)
{
    static const uint64_t seeded[4] = {UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4),
                                       UINT64_C(0x06c45d188009454f), UINT64_C(0xf88bb8a8724c81ec)};
    static const uint64_t wanted[] = {11520, 0, 1509978240, UINT64_C(1215971899390074240),
                                      UINT64_C(1216172134540287360)};
    struct prng p;
    prng_init(&p, 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(p.state[i], seeded[i]);
    p = (struct prng){{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        cr_assert_eq(prng_next(&p), wanted[i], "number %zu", i);
}

/* Every value of a small range is drawn, and none outside it. */
Test(prng, ranges_are_kept_and_filled)
{
    struct prng p;
    prng_init(&p, 1);
    for (uint64_t bound = 1; bound < 20; bound++) {
        uint32_t below = 0;
        uint32_t within = 0;
        for (int i = 0; i < 2000; i++) {
            uint64_t value = prng_below(&p, bound);
            cr_assert_lt(value, bound);
            below |= 1u << value;
            value = prng_range(&p, 5, 5 + bound);
            cr_assert(value >= 5 && value <= 5 + bound);
            within |= 1u << (value - 5);
        }
        cr_assert_eq(below, (1u << bound) - 1);
        cr_assert_eq(within, (1u << (bound + 1)) - 1);
    }
    cr_assert_eq(prng_range(&p, 7, 7), 7);
    prng_range(&p, 0, UINT64_MAX);
}

Test(prng, chances_at_both_ends)
{
    struct prng p;
    prng_init(&p, 1);
    for (int i = 0; i < 1000; i++) {
        cr_assert_not(prng_chance(&p, 0));
        cr_assert(prng_chance(&p, 1000000));
    }
}

Test(prng, nothing_is_below_0, .signal = SIGABRT)
{
    struct prng p;
    prng_init(&p, 1);
    prng_below(&p, 0);
}
