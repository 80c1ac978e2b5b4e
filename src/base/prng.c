/* SPDX-License-Identifier: Apache-2.0 */
/* prng.c - xoshiro256** seeded by splitmix64 (Blackman and Vigna 2018; Steele et al. 2014). */
#include "src/base/prng.h"

#include "src/base/check.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

void prng_init(struct prng *p, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        p->state[i] = splitmix64(&seed);
}

uint64_t prng_next(struct prng *p)
{
    uint64_t *s = p->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *p, uint64_t bound)
{
    CHECK(bound > 0);
    /* Values at or above the largest multiple of `bound` would favour small results: draw again. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value;
    do
        value = prng_next(p);
    while (value >= limit);
    return value % bound;
}

uint64_t prng_range(struct prng *p, uint64_t first, uint64_t last)
{
    CHECK(first <= last);
    if (last - first == UINT64_MAX)
        return prng_next(p);
    return first + prng_below(p, last - first + 1);
}

bool prng_chance(struct prng *p, uint32_t parts_per_million)
{
    return prng_below(p, 1000000) < parts_per_million;
}
