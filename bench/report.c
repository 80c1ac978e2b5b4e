/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - gathering the figures of a run; see report.h. */
#include "bench/report.h"

#include <string.h>

#include "src/base/check.h"

const struct quantile quantiles[QUANTILE_COUNT] = {
#define QUANTILE_ROW(name, heading, per_100000) {name, heading, per_100000},
    QUANTILE_LIST(QUANTILE_ROW)
#undef QUANTILE_ROW
};

void summary_make(struct summary *s, const struct histogram *h)
{
    s->count = h->count;
    s->mean = (double)histogram_mean_ns(h) / 1000.0;
    s->max = (double)h->max_ns / 1000.0;
    for (unsigned i = 0; i < QUANTILE_COUNT; i++)
        s->values[i] = (double)histogram_quantile_ns(h, quantiles[i].per_100000) / 1000.0;
}

double report_ratio(const struct histogram *write, const struct floor_result *floor,
                    uint32_t clients)
{
    uint64_t floor_ns = histogram_quantile_ns(&floor->histograms[floor_of_clients(clients)], 50000);
    return floor_ns > 0 ? (double)histogram_quantile_ns(write, 50000) / (double)floor_ns : 0;
}

static void add_load(struct load_result *sum, const struct load_result *load)
{
    histogram_merge(&sum->write, &load->write);
    histogram_merge(&sum->read, &load->read);
    histogram_merge(&sum->round_trip, &load->round_trip);
    sum->change_size = load->change_size;
    sum->seconds += load->seconds;
    sum->applied += load->applied;
    sum->refused += load->refused;
    sum->failed += load->failed;
    sum->busy += load->busy;
    sum->offered += load->offered;
    sum->repeated += load->repeated;
    sum->late += load->late;
    sum->writes_in_time += load->writes_in_time;
    sum->reads_in_time += load->reads_in_time;
    sum->cpu_ns += load->cpu_ns;
    sum->switches += load->switches;
    sum->operations += load->operations;
    sum->all_writes += load->all_writes;
    sum->all_writes_ns += load->all_writes_ns;
    if (sum->trouble[0] == 0)
        memcpy(sum->trouble, load->trouble, sizeof sum->trouble);
}

void report_add(struct point *p, const struct load_result *load, const struct floor_result *floor)
{
    CHECK(p->repetition_count < REPORT_REPETITIONS_MAX);
    struct repetition *r = &p->repetitions[p->repetition_count++];
    *r = (struct repetition){.seconds = load->seconds,
                             .refused = load->refused,
                             .failed = load->failed,
                             .busy = load->busy,
                             .offered = load->offered,
                             .late = load->late,
                             .repeated = load->repeated,
                             .ratio = report_ratio(&load->write, floor, p->clients)};
    if (load->seconds > 0) {
        r->writes_per_second = (double)load->writes_in_time / load->seconds;
        r->reads_per_second = (double)load->reads_in_time / load->seconds;
    }
    double floor_seconds = floor->seconds[floor_of_clients(p->clients)];
    if (floor_seconds > 0)
        r->floor_per_second =
            (double)floor->histograms[floor_of_clients(p->clients)].count / floor_seconds;
    summary_make(&r->write, &load->write);
    summary_make(&r->read, &load->read);
    summary_make(&r->floor, &floor->histograms[floor_of_clients(p->clients)]);
    add_load(&p->load, load);
    for (unsigned i = 0; i < FLOOR_COUNT; i++) {
        histogram_merge(&p->floor.histograms[i], &floor->histograms[i]);
        p->floor.seconds[i] += floor->seconds[i];
    }
}

struct use_of_command report_use(const struct observe_replica *r)
{
    if (r->commands == 0)
        return (struct use_of_command){0};
    double count = (double)r->commands;
    return (struct use_of_command){.cpu_us = (double)r->use.cpu_ns / 1000.0 / count,
                                   .switches = (double)r->use.switches / count,
                                   .written_bytes = (double)r->use.written_bytes / count,
                                   .journal_bytes = (double)r->journal_bytes / count,
                                   .minor_faults = (double)r->use.minor_faults / count,
                                   .major_faults = (double)r->use.major_faults / count,
                                   .flushes = (double)r->flushes / count,
                                   .store_commits = (double)r->store_commits / count,
                                   .frames = (double)r->frames_out / count};
}

static double floor_per_second(const struct point *p, enum floor_part part)
{
    double seconds = p->floor.seconds[part];
    return seconds > 0 ? (double)p->floor.histograms[part].count / seconds : 0;
}

/* Below 0: of one of them it is not known. */
static double change_us(const struct point *p)
{
    double sum = (double)p->load.cpu_ns / 1000.0 / (double)p->load.operations;
    for (uint32_t i = 0; i < p->observed.count; i++) {
        const struct observe_replica *replica = &p->observed.replicas[i];
        if (!replica->is_known || !replica->has_use || replica->commands == 0)
            return -1;
        sum += report_use(replica).cpu_us;
    }
    return p->observed.count > 0 ? sum : -1;
}

struct shares report_shares(const struct report *r, const struct point *p)
{
    struct shares s = {0};
    double changes = p->load.seconds > 0 ? (double)p->load.writes_in_time / p->load.seconds : 0;
    double floor = floor_per_second(p, floor_of_clients(p->clients));
    double signing = floor_per_second(p, FLOOR_SIGNED) * r->shape.bundle;
    if (floor > 0)
        s.of_floor = changes / floor;
    if (signing > 0 && !r->shape.is_shared)
        s.of_signing = changes / signing;
    if (p->load.read.count == 0 && p->load.operations > 0 && change_us(p) > 0) {
        s.change_us = change_us(p);
        s.processors = s.change_us * changes / 1e6;
    }
    return s;
}

double report_client_us(const struct point *p)
{
    uint64_t count = 0, sum_ns = 0;
    for (uint32_t i = 0; i < p->observed.count; i++) {
        const struct observe_stage *total = observe_find(&p->observed.replicas[i], "total");
        count += total != NULL ? total->times.count : 0;
        sum_ns += total != NULL ? total->times.sum_ns : 0;
    }
    if (count == 0 || p->load.all_writes == 0)
        return -1;
    return ((double)p->load.all_writes_ns / (double)p->load.all_writes -
            (double)sum_ns / (double)count) /
           1000.0;
}

bool report_is_on_path(const char *stage)
{
    static const char *const path[] = {"decode", "verify", "queue", "validate", "write",
                                       "flush",  "votes",  "apply", "reply"};
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++)
        if (strcmp(stage, path[i]) == 0)
            return true;
    return false;
}

double report_passed_us(const struct observe *o)
{
    uint64_t asked = 0, passed = 0, total_ns = 0, path_ns = 0;
    for (uint32_t i = 0; i < o->count; i++) {
        const struct observe_replica *r = &o->replicas[i];
        for (uint32_t k = 0; k < r->stage_count; k++) {
            const struct observe_stage *s = &r->stages[k];
            if (strcmp(s->name, "total") == 0) {
                asked += s->times.count;
                passed += r->is_leader ? 0 : s->times.count;
                total_ns += s->times.sum_ns;
            } else if (report_is_on_path(s->name)) {
                path_ns += s->times.sum_ns;
            }
        }
    }
    return passed > 0 && total_ns >= path_ns ? (double)(total_ns - path_ns) / 1000.0 / (double)asked
                                             : -1;
}

double report_network_us(const struct observe *o)
{
    uint64_t count = 0, sum_ns = 0;
    const struct observe_stage *peer =
        o->count > 0 ? observe_find(&o->replicas[observe_leader(o)], "peer") : NULL;
    for (uint32_t i = 0; i < o->count; i++) {
        const struct observe_stage *vote = observe_find(&o->replicas[i], "vote");
        count += vote != NULL ? vote->times.count : 0;
        sum_ns += vote != NULL ? vote->times.sum_ns : 0;
    }
    if (peer == NULL || peer->times.count == 0 || count == 0)
        return -1;
    return ((double)histogram_mean_ns(&peer->times) - (double)sum_ns / (double)count) / 1000.0;
}
