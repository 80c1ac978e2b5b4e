/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats.c - see stats.h. */
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>

#include "src/base/check.h"
#include "src/base/mem.h"

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_sorted(const double *values, uint32_t count)
{
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double stats_median(const double *values, uint32_t count)
{
    CHECK(count >= 1);
    double *sorted = mem_copy(values, count * sizeof values[0]);
    qsort(sorted, count, sizeof sorted[0], by_size);
    double median = median_of_sorted(sorted, count);
    mem_free(sorted);
    return median;
}

/*
 * P(U = u) for samples of i and j: the largest value is one of the i (then it is above all j, and
 * U was u - j without it) with a chance of i / (i + j), or one of the j. Row i of the table is for
 * i values, and j grows from 0; a row is overwritten from its end, so that what is read is older.
 */
static double *distribution(uint32_t a, uint32_t b)
{
    uint32_t width = a * b + 1;
    double *table = mem_alloc((size_t)(a + 1) * width * sizeof table[0]);
    for (uint32_t i = 0; i <= a; i++)
        table[(size_t)i * width] = 1;
    for (uint32_t j = 1; j <= b; j++)
        for (uint32_t i = 1; i <= a; i++) {
            double *row = table + (size_t)i * width;
            const double *above = row - width;
            double share = (double)i / (double)(i + j);
            for (uint32_t u = i * j + 1; u-- > 0;)
                row[u] = row[u] * (1 - share) + (u >= j ? above[u - j] * share : 0);
        }
    return table;
}

uint32_t stats_rank(uint32_t a, uint32_t b, double confidence)
{
    CHECK(a >= 1);
    CHECK(b >= 1);
    CHECK(a <= STATS_SAMPLES_MAX);
    CHECK(b <= STATS_SAMPLES_MAX);
    double *table = distribution(a, b), below = 0;
    const double *row = table + (size_t)a * (a * b + 1);
    uint32_t k = 0;
    /* a hair of tolerance: 2 / 40 is 5 %, whatever it is in binary */
    while (k < a * b / 2 && 2 * (below + row[k]) <= 1 - confidence + 1e-12)
        below += row[k++];
    mem_free(table);
    return k;
}

uint32_t stats_least(double confidence)
{
    uint32_t least = 1;
    while (least < STATS_SAMPLES_MAX && stats_rank(least, least, confidence) == 0)
        least++;
    return least;
}

struct stats_ratio stats_compare(const double *a, uint32_t a_count, const double *b,
                                 uint32_t b_count, double confidence)
{
    uint32_t count = a_count * b_count, k = stats_rank(a_count, b_count, confidence);
    double *differences = mem_alloc(count * sizeof differences[0]);
    for (uint32_t i = 0; i < a_count; i++)
        for (uint32_t j = 0; j < b_count; j++)
            differences[i * b_count + j] = log(b[j]) - log(a[i]);
    qsort(differences, count, sizeof differences[0], by_size);
    struct stats_ratio result = {.ratio = exp(median_of_sorted(differences, count)),
                                 .has_interval = k > 0};
    if (k > 0) {
        result.low = exp(differences[k - 1]);
        result.high = exp(differences[count - k]);
    }
    mem_free(differences);
    return result;
}
