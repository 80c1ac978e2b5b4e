/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status_zones.h - how long the secondaries of each zone will still answer (status_zones.c). */
#ifndef RSM_CTL_STATUS_ZONES_H
#define RSM_CTL_STATUS_ZONES_H

#include "tools/resilience-ctl/ctl.h"

/* A secondary by the row of one replica; without an address: the zone alone. */
struct held {
    char *zone, *address, *key; /* owned by the list */
    bool is_known;              /* what it has */
    uint32_t serial;
    uint64_t age_ms, expire_ms; /* since it was refreshed with that serial; of its SOA */
    uint32_t told_serial;
    uint64_t told_age_ms;
};

struct zone_rest {
    const char *zone;           /* borrowed from the list */
    uint32_t known, unknown;    /* secondaries */
    uint64_t first_ms, last_ms; /* until the first and the last of the known ones stops answering */
};

struct status_zones;

struct status_zones *status_zones_new(void);
void status_zones_free(struct status_zones *z);
/* Adds what an endpoint knows. */
enum rsm_status status_zones_ask(struct status_zones *z, struct rsm_client *client,
                                 uint32_t timeout_ms);
/* One zone of an answer to secondary.list. */
void status_zones_add(struct status_zones *z, struct rsm_value zone);
/* Puts it together, by zone; the array is the caller's (mem_free). */
size_t status_zones_rest(struct status_zones *z, struct zone_rest **rests_out);
void status_zones_print(struct ctl *ctl, struct status_zones *z);

#endif
