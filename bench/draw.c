/* SPDX-License-Identifier: GPL-3.0-or-later */
/* draw.c - see draw.h. */
#include "bench/draw.h"

#include <math.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void draw_init(struct draw *d, uint32_t key_count, bool is_zipf)
{
    double sum = 0;
    CHECK(key_count >= 1);
    CHECK(key_count <= DRAW_KEYS_MAX);
    *d = (struct draw){.key_count = key_count};
    if (!is_zipf || key_count == 1)
        return;
    d->cumulative = mem_alloc(key_count * sizeof d->cumulative[0]);
    for (uint32_t k = 0; k < key_count; k++) {
        sum += 1.0 / pow((double)k + 1, DRAW_ZIPF_EXPONENT);
        d->cumulative[k] = sum;
    }
    for (uint32_t k = 0; k < key_count; k++)
        d->cumulative[k] /= sum;
}

void draw_deinit(struct draw *d)
{
    mem_free(d->cumulative);
    d->cumulative = NULL;
}

uint32_t draw_key(const struct draw *d, struct prng *prng)
{
    if (d->cumulative == NULL)
        return d->key_count > 1 ? (uint32_t)prng_below(prng, d->key_count) : 0;
    double point = (double)(prng_next(prng) >> 11) / (double)(UINT64_C(1) << 53); /* [0, 1) */
    uint32_t first = 0, end = d->key_count - 1; /* the last is 1, above every point */
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (d->cumulative[middle] > point)
            end = middle;
        else
            first = middle + 1;
    }
    return first;
}
