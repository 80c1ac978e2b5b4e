/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.c - see session.h. */
#include "bench/session.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/mem.h"

#define CALL_TIMEOUT_MS 15000u

static uint32_t largest(const struct numbers *n)
{
    uint64_t most = 1;
    for (uint32_t i = 0; i < n->count; i++)
        most = n->values[i] > most ? n->values[i] : most;
    return (uint32_t)most;
}

/* The endpoints that the clients get: all of them, or the leader's or a follower's alone. */
static void choose_endpoints(struct session *s)
{
    (void)snprintf(s->load_endpoints, sizeof s->load_endpoints, "%s", s->cluster->endpoints);
    bool wants_leader = strcmp(s->options->at, "leader") == 0;
    if (strcmp(s->options->at, "any") == 0)
        return;
    observe_now(&s->before);
    for (uint32_t i = 0; i < s->before.count; i++) {
        const struct observe_replica *r = &s->before.replicas[i];
        if (!r->is_known || r->is_leader != wants_leader)
            continue;
        (void)snprintf(s->load_endpoints, sizeof s->load_endpoints, "%s", r->endpoint);
        return;
    }
}

static enum rsm_status open_world(struct session *s)
{
    struct load_shape shape = s->options->shape;
    char text[256] = "";
    enum rsm_status status = rsm_key_load(s->cluster->key_path, NULL, 0, &s->key);
    if (status != RSM_OK) {
        (void)fprintf(stderr, "rsm-bench: %s: %s\n", s->cluster->key_path,
                      rsm_status_sentence(status));
        return status;
    }
    shape.endpoints = s->load_endpoints;
    shape.client_count = largest(&s->options->clients);
    shape.timeout_ms = s->options->timeout_ms < CALL_TIMEOUT_MS ? (uint32_t)s->options->timeout_ms
                                                                : CALL_TIMEOUT_MS;
    shape.fills = s->options->reads_percent > 0 && shape.kept == NULL;
    status = load_prepare(&shape, s->key, &s->world, text);
    if (status != RSM_OK)
        (void)fprintf(stderr, "rsm-bench: %s\n", text);
    return status;
}

enum rsm_status session_open(struct session *s, const struct session_options *options,
                             const struct session_cluster *cluster)
{
    *s = (struct session){.options = options, .cluster = cluster};
    enum rsm_status status =
        observe_init(&s->before, cluster->endpoints, cluster->processes, CLUSTER_REPLICAS_MAX);
    if (status == RSM_OK)
        status =
            observe_init(&s->after, cluster->endpoints, cluster->processes, CLUSTER_REPLICAS_MAX);
    if (status != RSM_OK) {
        (void)fprintf(stderr, "rsm-bench: endpoints are 1 to %u addresses\n", OBSERVE_REPLICAS_MAX);
        return status;
    }
    choose_endpoints(s);
    return open_world(s);
}

void session_close(struct session *s)
{
    load_clean_up(s->world,
                  s->cluster != NULL && s->cluster->is_kept && s->options->shape.kept == NULL);
    rsm_key_free(s->key);
    observe_deinit(&s->before);
    observe_deinit(&s->after);
    s->world = NULL;
}

enum rsm_status session_make_report(struct report *r, const struct session_options *options,
                                    const char *endpoints)
{
    uint32_t rates = options->rates.count > 0 ? options->rates.count : 1;
    time_t now = time(NULL);
    struct tm utc;
    r->shape = options->shape;
    r->reads_percent = (uint32_t)options->reads_percent;
    r->is_stale = strcmp(options->level, "stale") == 0;
    r->has_floor = options->floor_count > 0;
    if (gmtime_r(&now, &utc) != NULL)
        (void)strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (options->clients.count * rates > REPORT_POINTS_MAX) {
        (void)fprintf(stderr, "rsm-bench: at most %u pairs of --clients and --rate\n",
                      REPORT_POINTS_MAX);
        return RSM_USAGE;
    }
    r->points = mem_alloc(REPORT_POINTS_MAX * sizeof r->points[0]);
    for (uint32_t c = 0; c < options->clients.count; c++)
        for (uint32_t i = 0; i < rates; i++) {
            struct point *p = &r->points[r->point_count++];
            p->clients = (uint32_t)options->clients.values[c];
            p->rate = options->rates.count > 0 ? (double)options->rates.values[i] : 0;
            p->repetitions = mem_alloc(REPORT_REPETITIONS_MAX * sizeof p->repetitions[0]);
            if (observe_init(&p->observed, endpoints, NULL, 0) != RSM_OK)
                return RSM_USAGE;
        }
    return RSM_OK;
}

void session_free_report(struct report *r)
{
    for (uint32_t i = 0; i < r->point_count; i++) {
        observe_deinit(&r->points[i].observed);
        mem_free(r->points[i].repetitions);
    }
    mem_free(r->points);
    *r = (struct report){.point_count = 0};
}

struct progress_line {
    const struct session *session;
    const struct point *point;
};

static void show_progress(void *context, const struct load_progress *progress)
{
    const struct progress_line *line = context;
    const struct load_result *l = progress->so_far;
    const struct histogram *h = l->write.count > 0 ? &l->write : &l->read;
    double seconds = progress->seconds > 0 ? progress->seconds : 1;
    (void)fprintf(stderr, "rsm-bench: %u of %u: %u clients", line->session->points_done + 1,
                  line->session->points_all, line->point->clients);
    if (line->point->rate > 0)
        (void)fprintf(stderr, " at %.0f a second", line->point->rate);
    if (progress->seconds < 0)
        (void)fprintf(stderr, ": warming up");
    else
        (void)fprintf(stderr, ": %.0f s, %.0f a second, median %.0f us, p99 %.0f us",
                      progress->seconds, (double)(l->writes_in_time + l->reads_in_time) / seconds,
                      (double)histogram_quantile_ns(h, 50000) / 1000.0,
                      (double)histogram_quantile_ns(h, 99000) / 1000.0);
    (void)fputs(isatty(STDERR_FILENO) ? "\033[K\r" : "\n", stderr);
}

static enum rsm_status measure_floor(struct session *s, const struct point *p,
                                     struct floor_result *out)
{
    const struct floor_options options = {
        .directory = s->cluster->directory,
        .size = s->options->shape.envelope_size,
        .count = (uint32_t)s->options->floor_count,
        .clients = p->clients,
        .connections = s->options->shape.is_shared ? 1 : s->options->shape.connections,
        .replicas = s->before.count};
    if (options.count == 0)
        return RSM_OK;
    enum rsm_status status = floor_measure(&options, out);
    if (status != RSM_OK)
        (void)fprintf(stderr, "rsm-bench: the floor in %s: %s\n", options.directory,
                      rsm_status_sentence(status));
    return status;
}

static enum rsm_status measure_load(struct session *s, struct point *p, struct load_result *out)
{
    const struct session_options *o = s->options;
    struct progress_line line = {s, p};
    double tenth = o->seconds / 10 > 0.5 ? o->seconds / 10 : 0.5;
    const struct load_options options = {.client_count = p->clients,
                                         .rate = p->rate,
                                         .reads_percent = (uint32_t)o->reads_percent,
                                         .is_stale = strcmp(o->level, "stale") == 0,
                                         .warm_up = o->warm_up >= 0 ? o->warm_up : tenth,
                                         .seconds = o->seconds,
                                         .count = o->count,
                                         .timeout_ms = (uint32_t)o->timeout_ms,
                                         .on_progress = o->shows_progress ? show_progress : NULL,
                                         .context = &line};
    observe_now(&s->before);
    uint64_t written = process_disk_written(s->cluster->directory);
    enum rsm_status status = load_run(s->world, &options, out);
    p->disk_written += process_disk_written(s->cluster->directory) - written;
    observe_now(&s->after);
    observe_add_difference(&p->observed, &s->before, &s->after);
    return status;
}

enum rsm_status session_repeat(struct session *s, struct report *r)
{
    struct load_result *load = mem_alloc(sizeof *load);
    struct floor_result *floor = mem_alloc(sizeof *floor);
    enum rsm_status status = RSM_OK;
    for (uint32_t i = 0; i < r->point_count && status == RSM_OK; i++) {
        memset(floor, 0, sizeof *floor);
        status = measure_floor(s, &r->points[i], floor);
        if (status == RSM_OK && load_is_interrupted())
            status = RSM_FAILED;
        if (status == RSM_OK)
            status = measure_load(s, &r->points[i], load);
        if (status == RSM_OK)
            report_add(&r->points[i], load, floor);
        s->points_done++;
    }
    mem_free(load);
    mem_free(floor);
    return status;
}
