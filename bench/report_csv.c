/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_csv.c - the figures of a run as CSV: a line for each repetition and what was measured in
 * it; then, of all repetitions together, what client and replicas used for a command, and each
 * stage. Fields that do not go with a line are empty.
 */
#include "bench/report.h"

static void csv_begin(const struct point *p, const char *repetition, const char *what, FILE *out)
{
    (void)fprintf(out, "%u,%.3f,%s,%s,", p->clients, p->rate, repetition, what);
}

static void csv_latency(const struct summary *s, FILE *out)
{
    (void)fprintf(out, "%llu,%.3f", (unsigned long long)s->count, s->mean);
    for (unsigned i = 0; i < QUANTILE_COUNT; i++)
        (void)fprintf(out, ",%.3f", s->values[i]);
    (void)fprintf(out, ",%.3f", s->max);
}

/* So many fields that do not go with a line. */
static void csv_nothing(unsigned count, FILE *out)
{
    for (unsigned i = 0; i < count; i++)
        (void)fputc(',', out);
}

#define CSV_LATENCY (QUANTILE_COUNT + 3u)
#define CSV_USE 7u

static void csv_row(const struct point *p, uint32_t repetition, const char *what, double per_second,
                    const struct summary *s, FILE *out)
{
    char number[16];
    if (s->count == 0)
        return;
    (void)snprintf(number, sizeof number, "%u", repetition);
    csv_begin(p, number, what, out);
    (void)fprintf(out, "%.1f,", per_second);
    csv_latency(s, out);
    csv_nothing(CSV_USE, out);
    (void)fputc('\n', out);
}

/* What the client and each replica used for a command, in all repetitions together. */
static void csv_use(const struct point *p, FILE *out)
{
    double operations = p->load.operations > 0 ? (double)p->load.operations : 1;
    csv_begin(p, "all", "client", out);
    csv_nothing(CSV_LATENCY, out);
    (void)fprintf(out, ",%.3f,%.3f", (double)p->load.cpu_ns / 1000.0 / operations,
                  (double)p->load.switches / operations);
    csv_nothing(CSV_USE - 2, out);
    (void)fputc('\n', out);
    for (uint32_t i = 0; i < p->observed.count; i++) {
        const struct observe_replica *r = &p->observed.replicas[i];
        const struct use_of_command use = report_use(r);
        char what[32];
        (void)snprintf(what, sizeof what, "replica %u", r->replica);
        if (!r->is_known)
            continue;
        csv_begin(p, "all", what, out);
        csv_nothing(CSV_LATENCY, out);
        if (r->has_use)
            (void)fprintf(out, ",%.3f,%.3f,%.1f", use.cpu_us, use.switches, use.written_bytes);
        else
            csv_nothing(3, out);
        (void)fprintf(out, ",%.1f,%.4f,%.4f,%.3f\n", use.journal_bytes, use.flushes,
                      use.store_commits, use.frames);
    }
}

static void csv_stages(const struct point *p, FILE *out)
{
    for (uint32_t i = 0; i < p->observed.count; i++) {
        const struct observe_replica *r = &p->observed.replicas[i];
        for (uint32_t k = 0; k < r->stage_count; k++) {
            char what[64];
            struct summary s;
            if (r->stages[k].times.count == 0)
                continue;
            summary_make(&s, &r->stages[k].times);
            (void)snprintf(what, sizeof what, "replica %u %s", r->replica, r->stages[k].name);
            csv_begin(p, "all", what, out);
            (void)fputc(',', out);
            csv_latency(&s, out);
            csv_nothing(CSV_USE, out);
            (void)fputc('\n', out);
        }
    }
}

void report_print_csv(const struct report *r, FILE *out)
{
    (void)fprintf(out, "clients,rate,repetition,what,per_second,count,mean_us");
    for (unsigned i = 0; i < QUANTILE_COUNT; i++)
        (void)fprintf(out, ",%s", quantiles[i].name);
    (void)fprintf(out, ",max_us,cpu_us,context_switches,written_bytes,journal_bytes,flushes,"
                       "store_commits,frames\n");
    for (uint32_t i = 0; i < r->point_count; i++) {
        const struct point *p = &r->points[i];
        for (uint32_t k = 0; k < p->repetition_count; k++) {
            const struct repetition *one = &p->repetitions[k];
            csv_row(p, k + 1, "write", one->writes_per_second, &one->write, out);
            csv_row(p, k + 1, "read", one->reads_per_second, &one->read, out);
            csv_row(p, k + 1, "floor", one->floor_per_second, &one->floor, out);
        }
        csv_use(p, out);
        csv_stages(p, out);
    }
}
