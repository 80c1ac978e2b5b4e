/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_options.c - see run_options.h. */
#include "bench/run_options.h"

#include <string.h>

#include "bench/commands.h"
#include "bench/draw.h"

#define SECONDS_MAX 86400u

void run_options_default(struct run_options *o)
{
    *o = (struct run_options){.session = {.shape = {.seed = 1},
                                          .clients = {{1, 8, 64, 256}, 4},
                                          .seconds = 5,
                                          .warm_up = -1,
                                          .floor_count = 500,
                                          .timeout_ms = 20000,
                                          .level = "linearizable",
                                          .at = "leader",
                                          .distribution = "uniform"},
                              .replicas = 3,
                              .repeat = 1,
                              .bundle = 1,
                              .changes = 1,
                              .size = 256,
                              .zones = 1,
                              .keys = 1};
}

void run_options_rows(struct run_options *o, struct option rows[RUN_OPTION_COUNT])
{
    struct session_options *s = &o->session;
    const struct option all[] = {
        {.name = "--dir", .text = &o->dir},
        {.name = "--endpoints", .text = &o->endpoints},
        {.name = "--key", .text = &o->key},
        {.name = "--processes", .numbers = &o->processes, .min = 1, .max = INT32_MAX},
        {.name = "--replicas", .number = &o->replicas, .min = 1, .max = CLUSTER_REPLICAS_MAX},
        {.name = "--base-port", .number = &o->base_port, .min = 1, .max = 65000},
        {.name = "--at", .text = &s->at, .words = "leader|follower|any"},
        {.name = "--clients", .numbers = &s->clients, .min = 1, .max = LOAD_CLIENTS_MAX},
        {.name = "--rate", .numbers = &s->rates, .min = 1, .max = 10000000},
        {.name = "--seconds", .real = &s->seconds, .max = SECONDS_MAX},
        {.name = "--warm-up", .real = &s->warm_up, .max = SECONDS_MAX},
        {.name = "--count", .number = &s->count, .min = 1, .max = UINT32_MAX},
        {.name = "--repeat", .number = &o->repeat, .min = 1, .max = REPORT_REPETITIONS_MAX},
        {.name = "--timeout-ms", .number = &s->timeout_ms, .min = 1, .max = 3600000},
        {.name = "--size", .number = &o->size, .min = 16, .max = LOAD_SIZE_MAX},
        {.name = "--changes", .number = &o->changes, .min = 1, .max = LOAD_CHANGES_MAX},
        {.name = "--bundle", .number = &o->bundle, .min = 1, .max = LOAD_BUNDLE_MAX},
        {.name = "--zones", .number = &o->zones, .min = 1, .max = LOAD_ZONES_MAX},
        {.name = "--keys", .number = &o->keys, .min = 1, .max = DRAW_KEYS_MAX},
        {.name = "--distribution", .text = &s->distribution, .words = "uniform|zipf|once"},
        {.name = "--connections", .number = &o->connections, .max = LOAD_CLIENTS_MAX},
        {.name = "--shared", .flag = &s->shape.is_shared},
        {.name = "--reads", .number = &s->reads_percent, .max = 100},
        {.name = "--level", .text = &s->level, .words = "linearizable|stale"},
        {.name = "--seed", .number = &s->shape.seed, .max = UINT64_MAX},
        {.name = "--floor-count", .number = &s->floor_count, .max = 1000000},
    };
    _Static_assert(sizeof all / sizeof all[0] == RUN_OPTION_COUNT, "the rows");
    memcpy(rows, all, sizeof all);
}

bool run_options_check(struct run_options *o)
{
    struct load_shape *shape = &o->session.shape;
    const char *wrong = NULL;
    shape->bundle = (uint32_t)o->bundle;
    shape->changes = (uint32_t)o->changes;
    shape->envelope_size = (uint32_t)o->size;
    shape->zones = (uint32_t)o->zones;
    shape->keys = (uint32_t)o->keys;
    shape->connections = (uint32_t)o->connections;
    shape->first_key = (uint32_t)o->first_key;
    shape->is_zipf = strcmp(o->session.distribution, "zipf") == 0;
    shape->is_once = strcmp(o->session.distribution, "once") == 0;
    if (shape->is_once && o->session.warm_up < 0)
        o->session.warm_up = 0; /* all of them count */
    if ((o->endpoints != NULL) != (o->key != NULL))
        wrong = "--endpoints and --key go together";
    else if (o->processes.count > 0 && o->endpoints == NULL)
        wrong = "--processes goes with --endpoints";
    else if (o->processes.count > CLUSTER_REPLICAS_MAX)
        wrong = "--processes has more than there are replicas";
    else if (o->session.seconds < 0.01)
        wrong = "--seconds is 0.01 at least";
    else if (shape->is_shared && o->bundle > 1)
        wrong = "--shared bundles by itself: no --bundle beside it";
    else if (shape->is_once && (o->bundle > 1 || shape->is_shared || o->session.reads_percent > 0 ||
                                o->session.rates.count > 0))
        wrong = "--distribution once goes with no --bundle, --shared, --reads and --rate";
    else if (shape->first_key >= o->keys)
        wrong = "--first-key is below --keys";
    else if (shape->kept != NULL && shape->is_shared)
        wrong = "--world has an author for each client: no --shared beside it";
    else if (o->bundle * o->changes > LOAD_CHANGES_MAX)
        wrong = "--bundle times --changes is 4096 at most";
    if (wrong != NULL)
        (void)fprintf(stderr, "rsm-bench: %s\n", wrong);
    return wrong == NULL;
}

void run_options_describe(const char *command, int count, char **arguments, char *out, size_t size)
{
    int used = snprintf(out, size, "rsm-bench %s", command);
    for (int i = 0; i < count && used > 0 && (size_t)used < size; i++)
        used += snprintf(out + used, size - (size_t)used, " %s", arguments[i]);
}

enum rsm_status run_place_open(struct run_place *p, const struct run_options *o)
{
    *p = (struct run_place){.cluster = {.is_up = false}};
    enum rsm_status status = rsm_crypto_init();
    p->where = (struct session_cluster){
        .endpoints = o->endpoints, .key_path = o->key, .is_kept = o->endpoints != NULL};
    p->where.directory = p->described = o->dir != NULL ? o->dir : command_temporary();
    for (uint32_t i = 0; i < o->processes.count; i++)
        p->where.processes[i] = (pid_t)o->processes.values[i];
    if (status != RSM_OK || o->endpoints != NULL)
        return status;
    status = cluster_up(&p->cluster, o->dir, (uint32_t)o->replicas, (uint32_t)o->base_port);
    p->where.endpoints = p->cluster.endpoints;
    p->where.key_path = p->cluster.key_path;
    p->where.directory = p->cluster.directory;
    if (status == RSM_OK)
        cluster_processes(&p->cluster, p->where.processes);
    return status;
}

void run_place_close(struct run_place *p)
{
    cluster_down(&p->cluster);
}
