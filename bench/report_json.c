/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_json.c - the figures of a run as JSON: docs/performance.md has every field. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/report.h"

#define FORMAT 1

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *summary_json(const struct summary *s)
{
    json_t *object = json_object();
    set(object, "count", number(s->count));
    set(object, "mean_us", json_real(s->mean));
    for (unsigned i = 0; i < QUANTILE_COUNT; i++)
        set(object, quantiles[i].name, json_real(s->values[i]));
    set(object, "max_us", json_real(s->max));
    return object;
}

/* With all buckets that are not empty: [middle in ns, count], ... */
static json_t *histogram_json(const struct histogram *h, bool has_buckets)
{
    struct summary s;
    summary_make(&s, h);
    json_t *object = summary_json(&s), *buckets = json_array();
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && has_buckets; i++)
        if (h->buckets[i] > 0)
            (void)json_array_append_new(
                buckets,
                json_pack("[I,I]", (json_int_t)histogram_bucket_ns(i), (json_int_t)h->buckets[i]));
    if (has_buckets)
        set(object, "buckets", buckets);
    else
        json_decref(buckets);
    return object;
}

json_t *report_json_floor(const struct floor_result *floor)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < FLOOR_COUNT; i++) {
        const struct histogram *h = &floor->histograms[i];
        if (h->count == 0)
            continue;
        json_t *part = histogram_json(h, true);
        set(part, "per_second",
            json_real(floor->seconds[i] > 0 ? (double)h->count / floor->seconds[i] : 0));
        set(object, floor_name((enum floor_part)i), part);
    }
    return object;
}

static json_t *repetition_json(const struct repetition *r)
{
    return json_pack(
        "{s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:o, s:o}", "seconds",
        r->seconds, "writes_per_second", r->writes_per_second, "reads_per_second",
        r->reads_per_second, "floor_per_second", r->floor_per_second, "refused",
        (json_int_t)r->refused, "failed", (json_int_t)r->failed, "busy", (json_int_t)r->busy,
        "offered", (json_int_t)r->offered, "late", (json_int_t)r->late, "repeated",
        (json_int_t)r->repeated, "ratio_to_floor", r->ratio, "write", summary_json(&r->write),
        "read", summary_json(&r->read), "floor", summary_json(&r->floor));
}

static json_t *replica_json(const struct observe_replica *r)
{
    const struct use_of_command use = report_use(r);
    json_t *stages = json_array();
    for (uint32_t i = 0; i < r->stage_count; i++) {
        json_t *stage = histogram_json(&r->stages[i].times, false);
        set(stage, "stage", json_string(r->stages[i].name));
        set(stage, "what", json_string(r->stages[i].what));
        (void)json_array_append_new(stages, stage);
    }
    json_t *object =
        json_pack("{s:s, s:b, s:i, s:b, s:I, s:I, s:f, s:f, s:f, s:f, s:o}", "endpoint",
                  r->endpoint, "answered", (int)r->is_known, "replica", (int)r->replica, "leader",
                  (int)r->is_leader, "commands", (json_int_t)r->commands, "slots",
                  (json_int_t)r->slots, "journal_bytes", use.journal_bytes, "flushes", use.flushes,
                  "store_commits", use.store_commits, "frames", use.frames, "stages", stages);
    set(object, "cpu_us", r->has_use ? json_real(use.cpu_us) : json_null());
    set(object, "context_switches", r->has_use ? json_real(use.switches) : json_null());
    set(object, "written_bytes", r->has_use ? json_real(use.written_bytes) : json_null());
    set(object, "minor_faults", r->has_use ? json_real(use.minor_faults) : json_null());
    set(object, "major_faults", r->has_use ? json_real(use.major_faults) : json_null());
    set(object, "resident_anonymous_bytes",
        r->has_use ? number(r->use.anonymous_bytes) : json_null());
    set(object, "resident_bytes", r->has_use ? number(r->use.resident_bytes) : json_null());
    return object;
}

static json_t *point_json(const struct report *r, const struct point *p)
{
    const struct load_result *l = &p->load;
    double operations = l->operations > 0 ? (double)l->operations : 1;
    json_t *repetitions = json_array(), *replicas = json_array();
    for (uint32_t i = 0; i < p->repetition_count; i++)
        (void)json_array_append_new(repetitions, repetition_json(&p->repetitions[i]));
    for (uint32_t i = 0; i < p->observed.count; i++)
        (void)json_array_append_new(replicas, replica_json(&p->observed.replicas[i]));
    json_t *object = json_pack(
        "{s:i, s:f, s:i, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "clients", (int)p->clients,
        "rate", p->rate, "change_bytes", (int)l->change_size, "seconds", l->seconds, "applied",
        (json_int_t)l->applied, "refused", (json_int_t)l->refused, "failed", (json_int_t)l->failed,
        "busy", (json_int_t)l->busy, "offered", (json_int_t)l->offered, "late", (json_int_t)l->late,
        "repeated", (json_int_t)l->repeated, "ratio_to_floor",
        report_ratio(&l->write, &p->floor, p->clients));
    set(object, "trouble", json_string(l->trouble));
    set(object, "writes_per_second",
        json_real(l->seconds > 0 ? (double)l->writes_in_time / l->seconds : 0));
    set(object, "reads_per_second",
        json_real(l->seconds > 0 ? (double)l->reads_in_time / l->seconds : 0));
    set(object, "write", histogram_json(&l->write, true));
    set(object, "read", histogram_json(&l->read, true));
    set(object, "hello", histogram_json(&l->round_trip, false));
    set(object, "floor", report_json_floor(&p->floor));
    set(object, "client",
        json_pack("{s:f, s:f}", "cpu_us", (double)l->cpu_ns / 1000.0 / operations,
                  "context_switches", (double)l->switches / operations));
    const struct shares shares = report_shares(r, p);
    set(object, "share_of_floor", json_real(shares.of_floor));
    set(object, "share_of_signing", json_real(shares.of_signing));
    set(object, "change_cpu_us", json_real(shares.change_us));
    set(object, "processors_busy", json_real(shares.processors));
    set(object, "disk_written_bytes", json_real((double)p->disk_written / operations));
    set(object, "client_to_and_from_us", json_real(report_client_us(p)));
    set(object, "passed_on_us", json_real(report_passed_us(&p->observed)));
    set(object, "network_us", json_real(report_network_us(&p->observed)));
    set(object, "repetitions", repetitions);
    set(object, "replicas", replicas);
    return object;
}

json_t *report_json_machine(void)
{
    struct utsname name;
    if (uname(&name) != 0)
        return json_null();
    return json_pack("{s:s, s:s, s:i}", "kernel", name.release, "architecture", name.machine,
                     "processors", (int)sysconf(_SC_NPROCESSORS_ONLN));
}

json_t *report_json(const struct report *r)
{
    json_t *runs = json_array();
    for (uint32_t i = 0; i < r->point_count; i++)
        (void)json_array_append_new(runs, point_json(r, &r->points[i]));
    json_t *settings = json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:s, s:i, s:s}", "record_bytes",
        (int)r->shape.envelope_size, "bundle", (int)r->shape.bundle, "changes",
        (int)r->shape.changes, "zones", (int)r->shape.zones, "keys", (int)r->shape.keys,
        "connections", (int)r->shape.connections, "shared", (int)r->shape.is_shared, "distribution",
        r->shape.is_once   ? "once"
        : r->shape.is_zipf ? "zipf"
                           : "uniform",
        "reads_percent", (int)r->reads_percent, "level", r->is_stale ? "stale" : "linearizable");
    return json_pack("{s:i, s:s, s:s, s:s, s:i, s:f, s:o, s:o, s:o}", "format", FORMAT, "version",
                     RSM_VERSION, "started", r->started, "command", r->command, "replicas",
                     (int)r->replicas, "histogram_error_percent", HISTOGRAM_ERROR_PERCENT,
                     "machine", report_json_machine(), "settings", settings, "runs", runs);
}
