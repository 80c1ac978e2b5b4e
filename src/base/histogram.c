/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.c - see histogram.h. */
#include "src/base/histogram.h"

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

uint64_t histogram_bucket_ns(uint32_t bucket)
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
    h->sum_ns += value_ns;
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
            return histogram_bucket_ns(i) < h->max_ns ? histogram_bucket_ns(i) : h->max_ns;
    }
    return 0;
}

uint64_t histogram_mean_ns(const struct histogram *h)
{
    return h->count > 0 ? h->sum_ns / h->count : 0;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        h->buckets[i] += other->buckets[i];
    h->count += other->count;
    h->sum_ns += other->sum_ns;
    if (other->max_ns > h->max_ns)
        h->max_ns = other->max_ns;
}

void histogram_take_away(struct histogram *h, const struct histogram *before)
{
    uint64_t highest = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        h->buckets[i] -= before->buckets[i];
        if (h->buckets[i] > 0)
            highest = histogram_bucket_ns(i);
    }
    h->count -= before->count;
    h->sum_ns -= before->sum_ns;
    if (h->max_ns == before->max_ns)
        h->max_ns = highest;
}

bool histogram_put(struct histogram *h, uint32_t bucket, uint64_t count)
{
    if (bucket >= HISTOGRAM_BUCKETS)
        return false;
    uint64_t value = histogram_bucket_ns(bucket);
    h->buckets[bucket] += count;
    h->count += count;
    h->sum_ns += count * value;
    if (count > 0 && value > h->max_ns)
        h->max_ns = value;
    return true;
}
