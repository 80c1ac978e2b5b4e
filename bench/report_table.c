/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_table.c - the figures of a run for people. */
#include <string.h>

#include "bench/report.h"

static const char *name_of(const struct point *p, char *out, size_t size)
{
    if (p->rate > 0)
        (void)snprintf(out, size, "%u at %.0f/s", p->clients, p->rate);
    else
        (void)snprintf(out, size, "%u", p->clients);
    return out;
}

static void print_row(const char *what, const char *clients, double per_second,
                      const struct histogram *h, double ratio, FILE *out)
{
    struct summary s;
    summary_make(&s, h);
    (void)fprintf(out, "%-18s %14s %10.0f", what, clients, per_second);
    for (unsigned i = 0; i < QUANTILE_COUNT; i++)
        if (quantiles[i].per_100000 == 50000 || quantiles[i].per_100000 >= 99000)
            (void)fprintf(out, " %9.0f", s.values[i]);
    (void)fprintf(out, " %9.0f", s.max);
    if (ratio > 0)
        (void)fprintf(out, " %7.2f", ratio);
    (void)fputc('\n', out);
}

static double per_second(uint64_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0;
}

static void print_heading(FILE *out)
{
    (void)fprintf(out, "%-18s %14s %10s", "", "clients", "per second");
    for (unsigned i = 0; i < QUANTILE_COUNT; i++)
        if (quantiles[i].per_100000 == 50000 || quantiles[i].per_100000 >= 99000)
            (void)fprintf(out, " %9s", quantiles[i].heading);
    (void)fprintf(out, " %9s %7s\n", "max", "ratio");
}

static void print_floor_rows(const struct floor_result *floor, uint32_t clients, FILE *out)
{
    for (unsigned i = 0; i < FLOOR_COUNT; i++) {
        char what[32], count[16];
        const struct histogram *h = &floor->histograms[i];
        if (h->count == 0)
            continue;
        (void)snprintf(what, sizeof what, "floor: %s", floor_name((enum floor_part)i));
        (void)snprintf(count, sizeof count, "%u", i == FLOOR_GROUP ? clients : 1);
        print_row(what, count, per_second(h->count, floor->seconds[i]), h, 0, out);
    }
}

void report_print_floor(const struct floor_result *floor, uint32_t clients, FILE *out)
{
    (void)fprintf(out, "latencies in microseconds, within %.1f %%\n\n", HISTOGRAM_ERROR_PERCENT);
    print_heading(out);
    print_floor_rows(floor, clients, out);
    (void)fputc('\n', out);
    for (unsigned i = 0; i < FLOOR_COUNT; i++)
        (void)fprintf(out, "%-12s %s\n", floor_name((enum floor_part)i),
                      floor_what((enum floor_part)i));
}

static void print_trouble(const struct point *p, FILE *out)
{
    const struct load_result *l = &p->load;
    char name[48];
    if (l->refused + l->failed + l->busy + l->repeated > 0)
        (void)fprintf(out,
                      "clients %s: %llu refused, %llu failed, %llu busy, %llu sent again (%s)\n",
                      name_of(p, name, sizeof name), (unsigned long long)l->refused,
                      (unsigned long long)l->failed, (unsigned long long)l->busy,
                      (unsigned long long)l->repeated, l->trouble);
    if (l->late > 0)
        (void)fprintf(out,
                      "clients %s: %llu of %llu operations offered never began: the rate is above "
                      "what is carried; their waits are in the figures\n",
                      name_of(p, name, sizeof name), (unsigned long long)l->late,
                      (unsigned long long)l->offered);
}

static void print_shares(const struct report *r, const struct point *p, FILE *out)
{
    char name[48];
    const char *separator = ":";
    const struct shares s = report_shares(r, p);
    if (p->load.write.count == 0 || (s.of_floor <= 0 && s.processors <= 0))
        return;
    (void)fprintf(out, "clients %s", name_of(p, name, sizeof name));
    if (s.of_floor > 0) {
        (void)fprintf(out, ": %.1f %% of the floor's changes a second with as many in flight",
                      100 * s.of_floor);
        separator = ";";
    }
    if (s.of_signing > 0) { /* not without the floor */
        (void)fprintf(out, "; %.1f %% of what signing and %u verifications allow on %u processors",
                      100 * s.of_signing, p->observed.count, floor_processors());
    }
    if (s.processors > 0)
        (void)fprintf(out, "%s client and replicas use %.0f us of processor a change, %.2f of %u",
                      separator, s.change_us, s.processors, floor_processors());
    (void)fputc('\n', out);
}

/* What a command costs the client and each replica. */
static void print_use(const struct point *p, FILE *out)
{
    char name[48];
    double operations = p->load.operations > 0 ? (double)p->load.operations : 1;
    (void)fprintf(
        out, "\nfor each command, clients: %s%s\n%-18s %9s %9s %9s %9s %9s %9s %9s\n",
        name_of(p, name, sizeof name),
        p->load.read.count > 0 ? " (replicas: for each change; client: each operation)" : "", "",
        "cpu us", "switches", "dirtied B", "journal B", "flushes", "store c.", "frames");
    (void)fprintf(out, "%-18s %9.1f %9.2f\n", "client",
                  (double)p->load.cpu_ns / 1000.0 / operations,
                  (double)p->load.switches / operations);
    if (p->disk_written > 0)
        (void)fprintf(out, "%-18s %9s %9s %9.0f  by all that write to it\n", "this disk", "", "",
                      (double)p->disk_written / operations);
    for (uint32_t i = 0; i < p->observed.count; i++) {
        const struct observe_replica *r = &p->observed.replicas[i];
        const struct use_of_command use = report_use(r);
        if (!r->is_known) {
            (void)fprintf(out, "%-18s did not answer\n", r->endpoint);
            continue;
        }
        (void)fprintf(out, "replica %u%-9s", r->replica, r->is_leader ? ", leader" : "");
        if (r->has_use)
            (void)fprintf(out, " %9.1f %9.2f %9.0f", use.cpu_us, use.switches, use.written_bytes);
        else
            (void)fprintf(out, " %9s %9s %9s", "-", "-", "-");
        (void)fprintf(out, " %9.0f %9.3f %9.4f %9.3f\n", use.journal_bytes, use.flushes,
                      use.store_commits, use.frames);
    }
}

static void print_stage(const char *where, const struct observe_stage *s, double whole_us,
                        FILE *out)
{
    struct summary sum;
    summary_make(&sum, &s->times);
    (void)fprintf(out, "  %-11s %-13s %9.1f", where, s->name, sum.mean);
    if (whole_us > 0)
        (void)fprintf(out, " %5.1f %%", 100 * sum.mean / whole_us);
    else
        (void)fprintf(out, " %7s", "");
    (void)fprintf(out, " %9.1f %9.1f %9.1f  %s\n", sum.values[0], sum.values[4], sum.values[5],
                  s->what);
}

static void print_mean(const char *where, const char *name, double us, double whole_us,
                       const char *what, FILE *out)
{
    if (us < 0)
        return;
    (void)fprintf(out, "  %-11s %-13s %9.1f", where, name, us);
    if (whole_us > 0)
        (void)fprintf(out, " %5.1f %%", 100 * us / whole_us);
    else
        (void)fprintf(out, " %7s", "");
    (void)fprintf(out, " %9s %9s %9s  %s\n", "", "", "", what);
}

static void print_replica(const struct observe_replica *r, bool on_path, double whole_us, FILE *out)
{
    char where[32];
    (void)snprintf(where, sizeof where, "replica %u%s", r->replica, r->is_leader ? " *" : "");
    for (uint32_t i = 0; i < r->stage_count; i++)
        if (r->stages[i].times.count > 0 && report_is_on_path(r->stages[i].name) == on_path)
            print_stage(where, &r->stages[i], on_path ? whole_us : 0, out);
}

void report_print_stages(const struct point *p, FILE *out)
{
    char name[48];
    const struct observe *o = &p->observed;
    if (o->count == 0 || !o->replicas[observe_leader(o)].is_known || p->load.all_writes == 0)
        return;
    double whole_us = (double)p->load.all_writes_ns / 1000.0 / (double)p->load.all_writes;
    (void)fprintf(out,
                  "\nwhere the time goes, clients: %s (microseconds; * leader)\n"
                  "  %-11s %-13s %9s %7s %9s %9s %9s\n",
                  name_of(p, name, sizeof name), "", "stage", "mean", "share", "median", "p99",
                  "p99.9");
    print_mean("client", "to and from", report_client_us(p), whole_us,
               "to the replica that is asked and back, and the client's own", out);
    for (uint32_t i = 0; i < o->count; i++) /* of one that passes on: decode and reply */
        if (i != observe_leader(o))
            print_replica(&o->replicas[i], true, whole_us, out);
    print_mean("", "passed on", report_passed_us(o), whole_us,
               "from a follower to the leader, and back until it knows the verdict", out);
    print_replica(&o->replicas[observe_leader(o)], true, whole_us, out);
    print_mean("client", "latency", whole_us, whole_us, "as the client sees it, warm-up included",
               out);
    (void)fprintf(out, "  beside the path, or parts of it:\n");
    for (uint32_t i = 0; i < o->count; i++)
        print_replica(&o->replicas[i], false, 0, out);
    print_mean("", "network", report_network_us(o), 0,
               "of `peer`, what is not the follower's `vote`: both ways, and waking up", out);
    if (p->load.round_trip.count > 0) {
        struct observe_stage probe = {.name = "hello",
                                      .what = "a call that does nothing, 50 a "
                                              "second, while the load runs"};
        probe.times = p->load.round_trip;
        print_stage("client", &probe, 0, out);
    }
}

void report_print_table(const struct report *r, FILE *out)
{
    char name[48];
    (void)fprintf(out,
                  "changes: signed change sets of %u bytes, %u record sets each, %u under one "
                  "signature\n",
                  r->point_count > 0 ? r->points[0].load.change_size : 0, r->shape.changes,
                  r->shape.bundle);
    if (r->has_floor)
        (void)fprintf(out, "floor: records of %u bytes in %s, measured between the loads\n",
                      r->shape.envelope_size, r->directory);
    (void)fprintf(out,
                  "latencies in microseconds, within %.1f %%; ratio: of the median to that of the "
                  "floor with as many clients\n\n",
                  HISTOGRAM_ERROR_PERCENT);
    print_heading(out);
    for (uint32_t i = 0; i < r->point_count; i++) {
        const struct point *p = &r->points[i];
        const struct load_result *l = &p->load;
        print_floor_rows(&p->floor, p->clients, out);
        if (l->write.count > 0)
            print_row("change", name_of(p, name, sizeof name),
                      per_second(l->writes_in_time, l->seconds), &l->write,
                      report_ratio(&l->write, &p->floor, p->clients), out);
        if (l->read.count > 0)
            print_row(r->is_stale ? "read, stale" : "read, linearizable",
                      name_of(p, name, sizeof name), per_second(l->reads_in_time, l->seconds),
                      &l->read, 0, out);
        print_trouble(p, out);
    }
    (void)fputc('\n', out);
    for (uint32_t i = 0; i < r->point_count; i++)
        print_shares(r, &r->points[i], out);
    for (uint32_t i = 0; i < r->point_count; i++)
        print_use(&r->points[i], out);
    for (uint32_t i = 0; i < r->point_count; i++)
        report_print_stages(&r->points[i], out);
}
