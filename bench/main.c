/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * main.c - rsm-bench: commit latency and throughput, beside this machine's floor.
 *
 * Exit status: 0 all commits were applied; 1 some were refused or had no verdict; 2 wrong usage;
 * else that of what went wrong (rsm/status.h).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cluster.h"
#include "bench/report.h"

struct options {
    const char *dir, *endpoints, *key, *clients, *output;
    uint64_t replicas, count, size, bundle, base_port, floor_count;
    double seconds;
};

static const char HELP[] =
    "rsm-bench run [options]\n"
    "\n"
    "Signed changes in a closed loop, from several numbers of clients, beside what a flush costs,\n"
    "a flush behind a round trip, and a leader and two followers that do nothing else. Starts a\n"
    "local cluster unless told where one is.\n"
    "\n"
    "  --dir DIR          for the local cluster and the floor (a new one in $TMPDIR or /tmp)\n"
    "  --replicas N       of the local cluster (3)\n"
    "  --base-port N      of the local cluster\n"
    "  --endpoints A,B    a cluster that runs already\n"
    "  --key FILE         its administrator's key, plain\n"
    "  --clients N,N,...  (1,8,64,256)\n"
    "  --seconds S        for each number of clients (5)\n"
    "  --count N          end after so many commits, if sooner\n"
    "  --size N           bytes of a signed change (256; there is a least size)\n"
    "  --bundle N         changes under one signature (1)\n"
    "  --floor-count N    of each floor measurement (2000)\n"
    "  --output table|json\n"
    "\n"
    "example: rsm-bench run --clients 1,64 --seconds 2 --output json\n";

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return *end == 0 && value >= min && value <= max;
}

static bool set_option(struct options *o, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **text;
        uint64_t *number;
        uint64_t min, max;
    } rows[] = {
        {"--dir", &o->dir, NULL, 0, 0},
        {"--endpoints", &o->endpoints, NULL, 0, 0},
        {"--key", &o->key, NULL, 0, 0},
        {"--clients", &o->clients, NULL, 0, 0},
        {"--output", &o->output, NULL, 0, 0},
        {"--replicas", NULL, &o->replicas, 1, 9},
        {"--base-port", NULL, &o->base_port, 1, 65000},
        {"--count", NULL, &o->count, 1, UINT32_MAX},
        {"--size", NULL, &o->size, 16, 4096},
        {"--bundle", NULL, &o->bundle, 1, LOAD_BUNDLE_MAX},
        {"--floor-count", NULL, &o->floor_count, 1, 1000000},
    };
    if (strcmp(name, "--seconds") == 0) {
        char *end;
        o->seconds = strtod(value, &end);
        return end != value && *end == 0 && o->seconds >= 0.01 && o->seconds <= 3600;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(name, rows[i].name) != 0)
            continue;
        if (rows[i].text != NULL)
            *rows[i].text = value;
        return rows[i].text != NULL ||
               parse_number(value, rows[i].min, rows[i].max, rows[i].number);
    }
    return false;
}

static bool parse_options(struct options *o, int count, char **arguments)
{
    *o = (struct options){.clients = "1,8,64,256",
                          .output = "table",
                          .replicas = 3,
                          .size = 256,
                          .bundle = 1,
                          .floor_count = 2000,
                          .seconds = 5};
    for (int i = 0; i < count; i += 2) {
        if (i + 1 == count || !set_option(o, arguments[i], arguments[i + 1])) {
            (void)fprintf(stderr, "rsm-bench: wrong option or value: %s\n", arguments[i]);
            return false;
        }
    }
    if ((o->endpoints != NULL) != (o->key != NULL)) {
        (void)fprintf(stderr, "rsm-bench: --endpoints and --key go together\n");
        return false;
    }
    return strcmp(o->output, "table") == 0 || strcmp(o->output, "json") == 0;
}

/* "1,8,64": the numbers, and the largest. */
static bool parse_clients(const char *text, uint32_t *counts, uint32_t *count_out,
                          uint32_t *largest_out)
{
    char copy[256], *place = NULL;
    *count_out = *largest_out = 0;
    if (strlen(text) >= sizeof copy)
        return false;
    memcpy(copy, text, strlen(text) + 1);
    for (char *item = strtok_r(copy, ",", &place); item != NULL;
         item = strtok_r(NULL, ",", &place)) {
        uint64_t value;
        if (*count_out == REPORT_RUNS_MAX || !parse_number(item, 1, LOAD_CLIENTS_MAX, &value))
            return false;
        counts[(*count_out)++] = (uint32_t)value;
        if (value > *largest_out)
            *largest_out = (uint32_t)value;
    }
    return *count_out > 0;
}

static enum rsm_status run_loads(const struct options *o, const char *endpoints,
                                 const struct rsm_key *key, bool keeps_cluster, struct report *r)
{
    uint32_t counts[REPORT_RUNS_MAX], largest;
    struct load_world *world;
    char text[256] = "";
    if (!parse_clients(o->clients, counts, &r->run_count, &largest)) {
        (void)fprintf(stderr, "rsm-bench: --clients %s: 1 to %u numbers up to %u\n", o->clients,
                      REPORT_RUNS_MAX, LOAD_CLIENTS_MAX);
        return RSM_USAGE;
    }
    enum rsm_status status = load_prepare(endpoints, key, largest, &world, text);
    if (status != RSM_OK) {
        (void)fprintf(stderr, "rsm-bench: %s\n", text);
        return status;
    }
    for (uint32_t i = 0; i < r->run_count && status == RSM_OK; i++) {
        const struct load_options options = {.client_count = counts[i],
                                             .envelope_size = (uint32_t)o->size,
                                             .bundle = (uint32_t)o->bundle,
                                             .seconds = o->seconds,
                                             .count = o->count};
        if (isatty(STDERR_FILENO))
            (void)fprintf(stderr, "rsm-bench: %u clients\n", counts[i]);
        status = load_run(world, &options, &r->runs[i]);
    }
    load_clean_up(world, keeps_cluster);
    return status;
}

static enum rsm_status run(const struct options *o, struct report *r)
{
    struct cluster cluster = {.is_up = false};
    struct rsm_key *key = NULL;
    const char *endpoints = o->endpoints, *key_path = o->key;
    enum rsm_status status = rsm_crypto_init();
    if (status == RSM_OK && endpoints == NULL) {
        status = cluster_up(&cluster, o->dir, (uint32_t)o->replicas, (uint32_t)o->base_port);
        endpoints = cluster.endpoints;
        key_path = cluster.key_path;
        r->replicas = (uint32_t)o->replicas;
    }
    const char *temporary = getenv("TMPDIR");
    const char *elsewhere = o->dir != NULL ? o->dir : temporary != NULL ? temporary : "/tmp";
    const char *directory = cluster.is_up ? cluster.directory : elsewhere;
    r->record_size = (uint32_t)o->size;
    r->bundle = (uint32_t)o->bundle;
    r->directory = cluster.owns_directory ? (temporary != NULL ? temporary : "/tmp") : directory;
    if (status == RSM_OK) {
        status = floor_measure(directory, (uint32_t)o->size, (uint32_t)o->floor_count, &r->floor);
        if (status != RSM_OK)
            (void)fprintf(stderr, "rsm-bench: the floor in %s: %s\n", directory,
                          rsm_status_sentence(status));
    }
    if (status == RSM_OK) {
        status = rsm_key_load(key_path, NULL, 0, &key);
        if (status != RSM_OK)
            (void)fprintf(stderr, "rsm-bench: %s: %s\n", key_path, rsm_status_sentence(status));
    }
    if (status == RSM_OK)
        status = run_loads(o, endpoints, key, !cluster.is_up, r);
    rsm_key_free(key);
    cluster_down(&cluster);
    return status;
}

/* The first ^C ends the run and stops the local cluster; a second one ends this process. */
static void on_signal(int signal_number)
{
    (void)signal_number;
    load_interrupt();
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

int main(int count, char **arguments)
{
    static struct report report;
    struct options options;
    if (count > 1 && (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "help") == 0)) {
        (void)fputs(HELP, stdout);
        return 0;
    }
    if (count < 2 || strcmp(arguments[1], "run") != 0 ||
        !parse_options(&options, count - 2, arguments + 2)) {
        (void)fputs(HELP, stderr);
        return rsm_status_exit(RSM_USAGE);
    }
    catch_signals();
    enum rsm_status status = run(&options, &report);
    if (status != RSM_OK)
        return rsm_status_exit(status);
    if (strcmp(options.output, "json") == 0)
        report_print_json(&report);
    else
        report_print_table(&report);
    uint64_t bad = 0;
    for (uint32_t i = 0; i < report.run_count; i++)
        bad += report.runs[i].refused + report.runs[i].failed;
    return bad > 0 ? 1 : 0;
}
