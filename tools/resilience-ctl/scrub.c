/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrub.c - every endpoint is told to read and check everything on its disk, now. */
#include "tools/resilience-ctl/ctl.h"

/* 0 when a pass has begun, or runs already. */
static int begin(struct ctl *ctl, const char *endpoint)
{
    struct rsm_client *client = NULL;
    struct rsm_buffer result = {NULL, 0};
    struct rsm_value none = {{NULL, 0}};
    enum rsm_status status = rsm_client_new(endpoint, &client);
    if (status == RSM_OK)
        status = rsm_client_call(client, "scrub", none, ctl->timeout_ms, &result);
    if (status == RSM_OK && ctl->output != CTL_OUTPUT_TABLE)
        ctl_print_json(rsm_value_of(rsm_buffer_bytes(&result)));
    else if (status == RSM_OK)
        printf("%-24s %s; resilience-ctl status --verbose shows what comes of it\n", endpoint,
               rsm_value_bool(rsm_value_get(rsm_value_of(rsm_buffer_bytes(&result)), "begun"))
                   ? "begun"
                   : "runs already");
    else
        fprintf(stderr, "%s: %s\n", endpoint, rsm_status_sentence(status));
    rsm_buffer_free(&result);
    rsm_client_free(client);
    return status == RSM_OK ? 0 : 1;
}

int ctl_scrub(struct ctl *ctl, int count, char **arguments)
{
    (void)count;
    (void)arguments;
    return ctl_each_endpoint(ctl, begin);
}
