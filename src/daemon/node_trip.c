/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_trip.c - a replica that doubts itself or a peer stops automata from coming back.
 *
 * What a replica finds on its own disk, or in its peers' heads, is in nobody's log. While automata
 * come back from a freeze (src/machine/resume.h) it is put there, so that all replicas stop them in
 * the same slot.
 */
#include <stdio.h>

#include <rsm/freeze.h>

#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/query.h"
#include "src/machine/resume.h"

#define TRIPPING                                                                                   \
    (NODE_ALARM_DIVERGED | NODE_ALARM_PEER_DIVERGED | NODE_ALARM_AUDIT |                           \
     NODE_ALARM_STATE_DAMAGED | NODE_ALARM_DISK_DAMAGED | NODE_ALARM_JOURNAL_DAMAGED)

/* Some automata are watched, or wait for their time. */
static bool somebody_comes_back(struct node *n)
{
    struct query_list freezes = {.started = false};
    bool is_running = false;
    while (!is_running && query_freeze_next(n->applied, &freezes) == RSM_OK)
        if (freezes.freeze.resumed_ms != 0 &&
            resume_is_running(n->applied, freezes.name, n->log_time_ms, &is_running) != RSM_OK)
            return false;
    return is_running;
}

void trip_when_due(struct node *n)
{
    char cause[80];
    struct rsm_buffer body;
    uint32_t bad = n->alarms & TRIPPING;
    if (bad == 0 || resume_count(n->applied) == 0 || !own_may_submit(n) || !somebody_comes_back(n))
        return;
    (void)snprintf(cause, sizeof cause, "replica %u has the alarm %s", n->config.self,
                   node_alarm_name(bad & (~bad + 1)));
    if (rsm_body_freeze_trip(rsm_text(cause), &body) == RSM_OK &&
        own_submit(n, RSM_KIND_FREEZE_TRIP, &body, NULL, cause))
        LOG(LOG_WARNING, "trip", LOG_TEXT("cause", cause));
}
