/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stages.c - what each endpoint has measured of its commits, one table for each. */
#include <inttypes.h>

#include "tools/resilience-ctl/ctl.h"

static double us_of(struct rsm_value stage, const char *key)
{
    return (double)rsm_value_uint(rsm_value_get(stage, key)) / 1000.0;
}

static void print_table(const char *endpoint, struct rsm_value stages)
{
    struct rsm_walk walk = rsm_walk_begin(stages);
    struct rsm_value stage;
    printf("%s, in microseconds\n%-14s %10s %10s %10s %10s %10s  %s\n", endpoint, "stage", "count",
           "median", "p99", "p99.9", "max", "what");
    while (rsm_walk_next(&walk, &stage)) {
        struct rsm_bytes name = rsm_value_octets(rsm_value_get(stage, "stage"));
        struct rsm_bytes what = rsm_value_octets(rsm_value_get(stage, "what"));
        uint64_t count = rsm_value_uint(rsm_value_get(stage, "count"));
        if (count == 0)
            continue;
        printf("%-14.*s %10" PRIu64 " %10.1f %10.1f %10.1f %10.1f  %.*s\n", (int)name.size,
               (const char *)name.data, count, us_of(stage, "median_ns"), us_of(stage, "p99_ns"),
               us_of(stage, "p999_ns"), us_of(stage, "max_ns"), (int)what.size,
               (const char *)what.data);
    }
}

static int show(struct ctl *ctl, const char *endpoint)
{
    struct rsm_client *client = NULL;
    struct rsm_buffer result = {NULL, 0};
    struct rsm_value none = {{NULL, 0}};
    enum rsm_status status = rsm_client_new(endpoint, &client);
    if (status == RSM_OK)
        status = rsm_client_call(client, "stages", none, ctl->timeout_ms, &result);
    if (status == RSM_OK && ctl->output != CTL_OUTPUT_TABLE)
        ctl_print_json(rsm_value_of(rsm_buffer_bytes(&result)));
    else if (status == RSM_OK)
        print_table(endpoint, rsm_value_of(rsm_buffer_bytes(&result)));
    else
        fprintf(stderr, "%s: %s\n", endpoint, rsm_status_sentence(status));
    rsm_buffer_free(&result);
    rsm_client_free(client);
    return status == RSM_OK ? 0 : 1;
}

int ctl_stages(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    (void)arguments;
    return ctl_each_endpoint(ctl, show);
}
