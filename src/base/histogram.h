/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h - times in nanoseconds, in buckets whose width grows with the value.
 *
 * Values below 256 are exact; above, each power of two has 128 buckets of equal width, and a bucket
 * is reported as its middle: at most 1/256 (0.4 %) from any value in it. Values above
 * HISTOGRAM_MAX_NS (18 minutes) count as that. Fixed size, no allocation.
 */
#ifndef RSM_BASE_HISTOGRAM_H
#define RSM_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_BITS 40u
#define HISTOGRAM_MAX_NS ((UINT64_C(1) << HISTOGRAM_BITS) - 1)
#define HISTOGRAM_BUCKETS (256u + (HISTOGRAM_BITS - 8u) * 128u)
#define HISTOGRAM_ERROR_PERCENT 0.4

struct histogram {
    uint64_t count;
    uint64_t sum_ns; /* exact */
    uint64_t max_ns; /* exact, but after histogram_take_away */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Empty. */
void histogram_init(struct histogram *h);
/* One value; above HISTOGRAM_MAX_NS it counts as that. */
void histogram_add(struct histogram *h, uint64_t value_ns);
/*
 * The smallest value that at least `per_100000` of 100,000 values do not exceed (50000: the
 * median); 0 when there are none.
 */
uint64_t histogram_quantile_ns(const struct histogram *h, uint32_t per_100000);
/* Exact, rounded down; 0 when there are none. */
uint64_t histogram_mean_ns(const struct histogram *h);
/* As if the values of `other` had been added here as well. */
void histogram_merge(struct histogram *h, const struct histogram *other);
/* What came since `before` was a copy of it. The maximum is that of the highest bucket left. */
void histogram_take_away(struct histogram *h, const struct histogram *before);
/* The value that a bucket is reported as. */
uint64_t histogram_bucket_ns(uint32_t bucket);
/* As if `count` values had come into that bucket; false when there is no such bucket. */
bool histogram_put(struct histogram *h, uint32_t bucket, uint64_t count);

#endif
