/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service.h - services: what names are for, who answers for them, what they need.
 *
 *     TABLE_SERVICE        service text -> the body of the service.set that made it so
 *     TABLE_SERVICE_NAME   name in wire form | service text -> below u8
 *
 * A name belongs to each service that names it, or names a name above it with all below. What a
 * service needs are edges of the graph (EDGE_DECIDES, type 0): no cycle, and nothing that is not
 * there. The names of a service are no edges: they may come and go under it.
 */
#ifndef RSM_MACHINE_SERVICE_H
#define RSM_MACHINE_SERVICE_H

#include "src/base/kv.h"
#include "src/command/body_service.h"
#include "src/machine/tables.h"

/* RSM_NOT_FOUND, RSM_DAMAGED and as the kv; borrowed. */
enum rsm_status service_load(struct kv *kv, struct bytes service, struct body_service *out);

/* Walks the services that a name belongs to. Set `name`, zero the rest. */
struct service_walk {
    struct bytes name; /* and, as it goes on, names above it */
    bool is_above;
    struct key place;
    struct bytes service; /* of the last step, in `place` */
};

/* A service may come twice. RSM_NOT_FOUND at the end. */
enum rsm_status service_next(struct kv *kv, struct service_walk *w);

#endif
