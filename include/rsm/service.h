/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - bodies of service.set and service.delete: what names are for, who answers for them,
 * and what they need. As rsm/body.h: same statuses.
 */
#ifndef RSM_SERVICE_H
#define RSM_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rsm_service_name {
    struct rsm_bytes name; /* wire form */
    bool below;            /* and all names below it */
};

/* What a service needs to work: a name in wire form, or another service. */
struct rsm_service_need {
    struct rsm_bytes name;    /* empty: `service` */
    struct rsm_bytes service; /* text */
};

struct rsm_service {
    struct rsm_bytes name;  /* text; and so are the next two */
    struct rsm_bytes owner; /* a person or a team */
    struct rsm_bytes tier;  /* such as "critical" */
    const struct rsm_service_name *names;
    size_t name_count; /* at most 256, as the needs */
    const struct rsm_service_need *needs;
    size_t need_count;
};

/* The whole service as it shall be. */
enum rsm_status rsm_body_service_set(const struct rsm_service *service,
                                     struct rsm_buffer *body_out);
enum rsm_status rsm_body_service_delete(struct rsm_bytes name, struct rsm_buffer *body_out);

#ifdef __cplusplus
}
#endif
#endif
