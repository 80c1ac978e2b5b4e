/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * histogram.h - times in nanoseconds, in buckets whose width grows with the value.
 *
 * Values below 256 are exact; above, each power of two has 128 buckets of equal width, and a bucket
 * is reported as its middle: at most 1/256 (0.4 %) from any value in it. Values above
 * HISTOGRAM_MAX_NS (18 minutes) count as that. Fixed size, no allocation.
 */
#ifndef RSM_BENCH_HISTOGRAM_H
#define RSM_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS 40u
#define HISTOGRAM_MAX_NS ((UINT64_C(1) << HISTOGRAM_BITS) - 1)
#define HISTOGRAM_BUCKETS (256u + (HISTOGRAM_BITS - 8u) * 128u)
#define HISTOGRAM_ERROR_PERCENT 0.4

struct histogram {
    uint64_t count;
    uint64_t max_ns; /* exact */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value_ns);
/*
 * The smallest value that at least `per_100000` of 100,000 values do not exceed (50000: the
 * median); 0 when there are none.
 */
uint64_t histogram_quantile_ns(const struct histogram *h, uint32_t per_100000);

#endif
