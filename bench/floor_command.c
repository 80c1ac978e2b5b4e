/* SPDX-License-Identifier: GPL-3.0-or-later */
/* floor_command.c - rsm-bench floor. */
#include <string.h>

#include "bench/cluster.h"
#include "bench/commands.h"
#include "bench/floor_parts.h"
#include "bench/report.h"
#include "src/base/mem.h"

const char HELP_FLOOR[] =
    "rsm-bench floor [options]\n"
    "\n"
    "What this machine needs for the least that a commit can be: one flush, a loopback round trip, "
    "a\n"
    "leader and two followers that only flush and answer, the same with group commit for many\n"
    "clients, Ed25519, and how much of that all processors can do. No replica takes part.\n"
    "\n"
    "  --dir DIR          where the files are: on the disk that the journals are on ($TMPDIR or "
    "/tmp)\n"
    "  --size N           bytes of a record (256)\n"
    "  --clients N        of the group (64)\n"
    "  --connections N    that they share (0: each its own)\n"
    "  --replicas N       that verify each signature (3)\n"
    "  --count N          of each measurement (2000)\n"
    "  --output table|json\n"
    "  --json FILE        there as well; --force overwrites it\n"
    "\n"
    "example: rsm-bench floor --dir /var/lib/rsm --clients 256\n";

struct floor_command {
    const char *dir, *output, *json;
    uint64_t size, clients, connections, count, replicas;
    bool force;
};

static enum options_end parse(struct floor_command *c, int count, char **arguments)
{
    *c = (struct floor_command){.dir = command_temporary(),
                                .output = "table",
                                .size = 256,
                                .clients = 64,
                                .count = 2000,
                                .replicas = 3};
    const struct option rows[] = {
        {.name = "--dir", .text = &c->dir},
        {.name = "--output", .text = &c->output, .words = "table|json"},
        {.name = "--json", .text = &c->json},
        {.name = "--size", .number = &c->size, .min = FLOOR_ANSWER_SIZE, .max = LOAD_SIZE_MAX},
        {.name = "--clients", .number = &c->clients, .min = 1, .max = LOAD_CLIENTS_MAX},
        {.name = "--connections", .number = &c->connections, .max = LOAD_CLIENTS_MAX},
        {.name = "--count", .number = &c->count, .min = 1, .max = 1000000},
        {.name = "--replicas", .number = &c->replicas, .min = 1, .max = CLUSTER_REPLICAS_MAX},
        {.name = "--force", .flag = &c->force},
    };
    uint32_t plain_count;
    return options_parse(rows, sizeof rows / sizeof rows[0], count, arguments, NULL, 0,
                         &plain_count);
}

static bool dump(const struct floor_command *c, const struct floor_result *floor, FILE *out)
{
    json_t *root = json_pack("{s:i, s:i, s:i, s:f, s:o, s:o}", "record_bytes", (int)c->size,
                             "clients", (int)c->clients, "connections", (int)c->connections,
                             "histogram_error_percent", HISTOGRAM_ERROR_PERCENT, "machine",
                             report_json_machine(), "floor", report_json_floor(floor));
    int result = root != NULL ? json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) : -1;
    (void)fputc('\n', out);
    json_decref(root);
    return result == 0;
}

static int show(const struct floor_command *c, const struct floor_result *floor)
{
    bool good = true;
    if (c->json != NULL) {
        FILE *out = command_output(c->json, c->force);
        good = out != NULL && dump(c, floor, out);
        good = out != NULL && fclose(out) == 0 && good;
    }
    if (strcmp(c->output, "json") == 0)
        good = dump(c, floor, stdout) && good;
    else
        report_print_floor(floor, (uint32_t)c->clients, stdout);
    return good ? 0 : 1;
}

int command_floor(int count, char **arguments)
{
    struct floor_command c;
    enum options_end end = parse(&c, count, arguments);
    if (end != OPTIONS_GOOD)
        return command_help(end, HELP_FLOOR);
    if (c.json != NULL && !command_may_write(c.json, c.force))
        return rsm_status_exit(RSM_USAGE);
    struct floor_result *floor = mem_alloc(sizeof *floor);
    const struct floor_options options = {.directory = c.dir,
                                          .size = (uint32_t)c.size,
                                          .count = (uint32_t)c.count,
                                          .clients = (uint32_t)c.clients,
                                          .connections = (uint32_t)c.connections,
                                          .replicas = (uint32_t)c.replicas};
    enum rsm_status status = floor_measure(&options, floor);
    if (status != RSM_OK)
        (void)fprintf(stderr, "rsm-bench: the floor in %s: %s\n", c.dir,
                      rsm_status_sentence(status));
    int result = status == RSM_OK ? show(&c, floor) : rsm_status_exit(status);
    mem_free(floor);
    return result;
}
