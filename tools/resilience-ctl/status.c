/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.c - every endpoint is asked for itself: one that is down is a line, not an error alone. */
#include <string.h>

#include "tools/resilience-ctl/status_zones.h"

static void print_row(struct ctl *ctl, const char *endpoint, struct rsm_value s)
{
    char alarms[256], zone[64], waits[64];
    struct rsm_value waits_for = rsm_value_get(s, "rejoin_waits_for");
    const char *role = rsm_value_bool(rsm_value_get(s, "is_leader")) ? "leader" : "follower";
    if (!rsm_value_bool(rsm_value_get(s, "voting")))
        role = "learner";
    ctl_cell(rsm_value_get(s, "alarms"), alarms, sizeof alarms);
    ctl_cell(waits_for, waits, sizeof waits);
    printf("%-24s replica %llu  %-12s %-9s %-9s slot %llu  stored %llu  leader %llu%s%s%s%s\n",
           endpoint, (unsigned long long)rsm_value_uint(rsm_value_get(s, "replica")),
           ctl_cell(rsm_value_get(s, "zone"), zone, sizeof zone), role,
           rsm_value_bool(rsm_value_get(s, "ready")) ? "ready" : "NOT READY",
           (unsigned long long)rsm_value_uint(rsm_value_get(s, "slot")),
           (unsigned long long)rsm_value_uint(rsm_value_get(s, "stored")),
           (unsigned long long)rsm_value_uint(rsm_value_get(s, "leader")),
           *alarms != '\0' ? "  ALARM " : "", alarms,
           rsm_value_count(waits_for) > 0 ? "  waits for replica " : "",
           rsm_value_count(waits_for) > 0 ? waits : "");
    if (ctl->verbose)
        ctl_print_map(ctl, s);
}

/* 0 when the endpoint is healthy. */
static int ask(struct ctl *ctl, const char *endpoint, struct status_zones *zones)
{
    struct rsm_client *client = NULL;
    struct rsm_buffer result = {NULL, 0};
    struct rsm_value none = {{NULL, 0}};
    uint32_t timeout = ctl->timeout_ms < 2000 ? ctl->timeout_ms : 2000;
    enum rsm_status status = rsm_client_new(endpoint, &client);
    if (status == RSM_OK)
        status = rsm_client_call(client, "status", none, timeout, &result);
    bool good = status == RSM_OK;
    if (good) {
        struct rsm_value s = rsm_value_of(rsm_buffer_bytes(&result));
        good = rsm_value_bool(rsm_value_get(s, "ready")) &&
               rsm_value_count(rsm_value_get(s, "alarms")) == 0;
        if (ctl->output == CTL_OUTPUT_TABLE)
            print_row(ctl, endpoint, s);
        else
            ctl_print_json(s);
        /* Only what serves DNS has counters of it. */
        if (rsm_value_count(rsm_value_get(s, "dns_counters")) > 0)
            (void)status_zones_ask(zones, client, timeout);
    } else if (ctl->output == CTL_OUTPUT_TABLE) {
        printf("%-24s %s\n", endpoint, rsm_status_sentence(status));
    } else {
        printf("{\"endpoint\":\"%s\",\"error\":\"%s\"}\n", endpoint, rsm_status_text(status));
    }
    rsm_buffer_free(&result);
    rsm_client_free(client);
    return good ? 0 : 1;
}

int ctl_status(struct ctl *ctl, int count, char **arguments)
{
    char list[4096];
    int unhealthy = 0, total = 0;
    struct status_zones *zones;
    (void)count;
    (void)arguments;
    if (ctl->endpoints == NULL)
        return ctl_fail(RSM_USAGE, "where is the cluster? --endpoints or RSM_ENDPOINTS says it");
    snprintf(list, sizeof list, "%s", ctl->endpoints);
    char *rest = list;
    zones = status_zones_new();
    while (rest != NULL) {
        char *endpoint = strsep(&rest, ",");
        if (*endpoint == '\0')
            continue;
        unhealthy += ask(ctl, endpoint, zones);
        total++;
    }
    status_zones_print(ctl, zones);
    status_zones_free(zones);
    if (unhealthy == 0)
        return 0;
    fprintf(stderr, "%d of %d endpoints are not healthy\n", unhealthy, total);
    return rsm_status_exit(unhealthy == total ? RSM_CANNOT_CONNECT : RSM_FAILED);
}
