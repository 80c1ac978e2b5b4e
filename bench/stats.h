/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stats.h - whether two sets of repetitions differ, without assuming how they are distributed.
 *
 * The shift between two samples is estimated as Hodges and Lehmann have it (1963): the median of
 * all differences between one of A and one of B. Its confidence interval is that of the test of
 * Mann and Whitney (1947): the k-th smallest and the k-th largest of these differences, k from the
 * exact distribution of U. Taken over logarithms, so that a shift is a ratio. One bad repetition
 * moves neither; few repetitions give no interval at all: 4 and 4 for 95 %, 5 and 5 for 99 %.
 */
#ifndef RSM_BENCH_STATS_H
#define RSM_BENCH_STATS_H

#include <stdbool.h>
#include <stdint.h>

#define STATS_SAMPLES_MAX 100u

/* 1 to any number of values. */
double stats_median(const double *values, uint32_t count);

/*
 * The k of above for samples of `a` and `b` values, 1 to STATS_SAMPLES_MAX each: the largest k with
 * 2 P(U < k) <= 1 - confidence; 0: there is none, the samples are too small.
 */
uint32_t stats_rank(uint32_t a, uint32_t b, double confidence);

/* The smallest number of values on each side that has an interval. */
uint32_t stats_least(double confidence);

struct stats_ratio {
    double ratio; /* of B to A */
    bool has_interval;
    double low, high;
};

/* All values above 0. */
struct stats_ratio stats_compare(const double *a, uint32_t a_count, const double *b,
                                 uint32_t b_count, double confidence);

#endif
