/* SPDX-License-Identifier: GPL-3.0-or-later */
/* histogram.c - see histogram.h. */
#include "bench/histogram.h"

#include <string.h>

void histogram_init(struct histogram *h)
{
    memset(h, 0, sizeof *h);
}

static uint32_t bucket_of(uint64_t value)
{
    if (value < 256)
        return (uint32_t)value;
    uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - 7u; /* value >> shift: 128..255 */
    return 256 + (shift - 1) * 128 + ((uint32_t)(value >> shift) - 128);
}

static uint64_t middle_of(uint32_t bucket)
{
    if (bucket < 256)
        return bucket;
    uint32_t shift = (bucket - 256) / 128 + 1;
    uint64_t first = (uint64_t)(128 + (bucket - 256) % 128) << shift;
    return first + (UINT64_C(1) << shift) / 2;
}

void histogram_add(struct histogram *h, uint64_t value_ns)
{
    if (value_ns > HISTOGRAM_MAX_NS)
        value_ns = HISTOGRAM_MAX_NS;
    if (value_ns > h->max_ns)
        h->max_ns = value_ns;
    h->buckets[bucket_of(value_ns)]++;
    h->count++;
}

uint64_t histogram_quantile_ns(const struct histogram *h, uint32_t per_100000)
{
    /* rank = ceil(count * q), without overflow for any count that fits a bench */
    uint64_t rank =
        h->count / 100000 * per_100000 + (h->count % 100000 * per_100000 + 99999) / 100000;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank && seen > 0)
            return middle_of(i) < h->max_ns ? middle_of(i) : h->max_ns;
    }
    return 0;
}
