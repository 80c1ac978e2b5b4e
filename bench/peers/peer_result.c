/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer_result.c - see peer_result.h. */
#include "bench/peers/peer_result.h"

#include <stdio.h>
#include <time.h>

uint64_t peer_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void peer_begin(struct peer_load *l)
{
    l->measure_from_ns = peer_now_ns() + (uint64_t)(l->warm_up * 1e9);
    l->end_ns = l->measure_from_ns + (uint64_t)(l->seconds * 1e9);
}

bool peer_count(struct peer_load *l, uint64_t begin_ns, uint64_t now_ns)
{
    if (begin_ns >= l->measure_from_ns && begin_ns < l->end_ns)
        histogram_add(&l->latency, now_ns - begin_ns);
    if (now_ns >= l->measure_from_ns && now_ns < l->end_ns)
        l->in_time++;
    return now_ns < l->end_ns;
}

static void print_latency(const struct histogram *h)
{
    static const struct {
        const char *name;
        uint32_t per_100000;
    } quantiles[] = {{"median_us", 50000}, {"p75_us", 75000}, {"p90_us", 90000},
                     {"p95_us", 95000},    {"p99_us", 99000}, {"p999_us", 99900},
                     {"p9999_us", 99990}};
    printf("{\"count\": %llu, \"mean_us\": %.3f", (unsigned long long)h->count,
           (double)histogram_mean_ns(h) / 1000);
    for (unsigned i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        printf(", \"%s\": %.3f", quantiles[i].name,
               (double)histogram_quantile_ns(h, quantiles[i].per_100000) / 1000);
    printf(", \"max_us\": %.3f}", (double)h->max_ns / 1000);
}

void peer_print(const struct peer_load *l, const char *what)
{
    const char *done = l->reads ? "reads_per_second" : "writes_per_second";
    printf("{\"format\": 1, \"system\": \"%s\", \"settings\": {\"record_bytes\": %u}, \"runs\": "
           "[{\"clients\": %u, \"rate\": 0.0, \"repetitions\": [{\"seconds\": %.3f, \"%s\": %.1f, "
           "\"%s\": ",
           what, l->size, l->clients, l->seconds, done, (double)l->in_time / l->seconds,
           l->reads ? "read" : "write");
    print_latency(&l->latency);
    printf("}]}]}\n");
}
