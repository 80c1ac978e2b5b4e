/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_service.h - the decoder of service.set and service.delete (see body.h).
 *
 *     service.set       [name str, owner str, tier str, names [[name bin, below bool]...],
 *                        needs [name bin or service str...]]
 *     service.delete    [name str]
 */
#ifndef RSM_COMMAND_BODY_SERVICE_H
#define RSM_COMMAND_BODY_SERVICE_H

#include <rsm/service.h>

#include "src/command/body.h"

struct body_service {
    struct bytes name, owner, tier;
    struct body_walk names, needs;
};

struct body_service_name {
    struct bytes name;
    bool below;
};

struct body_service_need {
    struct bytes name;    /* empty: `service` */
    struct bytes service; /* else empty */
};

/* For service.delete only `name`. Statuses as body_check. */
enum rsm_status body_service_decode(enum rsm_kind kind, struct bytes body,
                                    struct body_service *out);
bool body_next_service_name(struct body_walk *walk, struct body_service_name *out);
bool body_next_service_need(struct body_walk *walk, struct body_service_need *out);
/* With its lists, to their ends. */
enum rsm_status body_service_check(enum rsm_kind kind, struct bytes body);

#endif
