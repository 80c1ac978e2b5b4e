/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - see report.h. */
#include "bench/report.h"

#include <stdio.h>

#include <jansson.h>

static double us(const struct histogram *h, uint32_t per_100000)
{
    return (double)histogram_quantile_ns(h, per_100000) / 1000.0;
}

static double per_second(uint64_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0;
}

/* The median beside the floor's: what one client could hope for. */
static double ratio(const struct report *r, const struct histogram *h)
{
    double floor_us = us(&r->floor.quorum, 50000);
    return floor_us > 0 ? us(h, 50000) / floor_us : 0;
}

static void print_row(const struct report *r, const char *what, const char *clients,
                      const struct histogram *h, double seconds)
{
    printf("%-22s %8s %11.0f %11.0f %11.0f %11.0f %8.2f\n", what, clients,
           per_second(h->count, seconds), us(h, 50000), us(h, 99000), us(h, 99900), ratio(r, h));
}

void report_print_table(const struct report *r)
{
    printf("commits: signed changes of %u bytes, %u under one signature, from submit to verdict\n",
           r->run_count > 0 ? r->runs[0].change_size : 0, r->bundle);
    printf("floor: records of %u bytes in %s\n", r->record_size, r->directory);
    printf("latencies in microseconds, within %.1f %%; ratio: to the floor with two followers\n\n",
           HISTOGRAM_ERROR_PERCENT);
    printf("%-22s %8s %11s %11s %11s %11s %8s\n", "", "clients", "per second", "median", "p99",
           "p99.9", "ratio");
    print_row(r, "floor: flush", "1", &r->floor.flush, r->floor.flush_seconds);
    print_row(r, "floor: with round trip", "1", &r->floor.round_trip, r->floor.round_trip_seconds);
    print_row(r, "floor: two followers", "1", &r->floor.quorum, r->floor.quorum_seconds);
    for (uint32_t i = 0; i < r->run_count; i++) {
        char clients[16];
        (void)snprintf(clients, sizeof clients, "%u", r->runs[i].client_count);
        print_row(r, "commit", clients, &r->runs[i].latency, r->runs[i].seconds);
    }
    for (uint32_t i = 0; i < r->run_count; i++)
        if (r->runs[i].refused + r->runs[i].failed > 0)
            printf("with %u clients: %llu refused, %llu without a verdict (%s)\n",
                   r->runs[i].client_count, (unsigned long long)r->runs[i].refused,
                   (unsigned long long)r->runs[i].failed, r->runs[i].trouble);
}

static json_t *latency_json(const struct histogram *h)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "median_us", us(h, 50000), "p99_us", us(h, 99000),
                     "p999_us", us(h, 99900), "max_us", (double)h->max_ns / 1000.0);
}

void report_print_json(const struct report *r)
{
    json_t *runs = json_array();
    for (uint32_t i = 0; i < r->run_count; i++) {
        const struct load_result *run = &r->runs[i];
        json_array_append_new(
            runs,
            json_pack("{s:i, s:i, s:f, s:I, s:I, s:I, s:f, s:f, s:o}", "clients",
                      (int)run->client_count, "change_bytes", (int)run->change_size, "seconds",
                      run->seconds, "applied", (json_int_t)run->applied, "refused",
                      (json_int_t)run->refused, "failed", (json_int_t)run->failed, "per_second",
                      per_second(run->latency.count, run->seconds), "ratio_to_floor",
                      ratio(r, &run->latency), "latency", latency_json(&run->latency)));
    }
    json_t *root =
        json_pack("{s:i, s:i, s:i, s:f, s:{s:o, s:f, s:o, s:f, s:o, s:f}, s:o}", "replicas",
                  (int)r->replicas, "bundle", (int)r->bundle, "record_bytes", (int)r->record_size,
                  "histogram_error_percent", HISTOGRAM_ERROR_PERCENT, "floor", "flush",
                  latency_json(&r->floor.flush), "flush_per_second",
                  per_second(r->floor.flush.count, r->floor.flush_seconds), "flush_and_round_trip",
                  latency_json(&r->floor.round_trip), "flush_and_round_trip_per_second",
                  per_second(r->floor.round_trip.count, r->floor.round_trip_seconds),
                  "two_followers", latency_json(&r->floor.quorum), "two_followers_per_second",
                  per_second(r->floor.quorum.count, r->floor.quorum_seconds), "runs", runs);
    if (root != NULL)
        (void)json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void)putchar('\n');
    json_decref(root);
}
