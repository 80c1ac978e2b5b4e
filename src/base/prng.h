/* SPDX-License-Identifier: Apache-2.0 */
/* prng.h - a seeded generator for timeouts and tests (xoshiro256**, Blackman and Vigna 2018). Never
 * for keys. */
#ifndef RSM_BASE_PRNG_H
#define RSM_BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t state[4];
};

/* Any seed, 0 included, gives a good state (splitmix64). */
void prng_init(struct prng *p, uint64_t seed);
/* 64 uniform bits. */
uint64_t prng_next(struct prng *p);
/* Uniform in [0, bound); bound above 0. */
uint64_t prng_below(struct prng *p, uint64_t bound);
/* Uniform in [first, last]. */
uint64_t prng_range(struct prng *p, uint64_t first, uint64_t last);
/* True with a chance of `parts` in a million. */
bool prng_chance(struct prng *p, uint32_t parts_per_million);

#endif
