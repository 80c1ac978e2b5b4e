/* SPDX-License-Identifier: Apache-2.0 */
/* body_update.h - the decoder of rrset.update's body (RFC 2136). Included by body.h. */
#ifndef RSM_COMMAND_BODY_UPDATE_H
#define RSM_COMMAND_BODY_UPDATE_H

#include <rsm/update.h>

#include "src/command/body.h"

/* A record of a dynamic update (RFC 2136 2.4, 2.5); as a prerequisite its ttl is 0. */
struct body_record {
    struct bytes owner;
    uint16_t record_class; /* RSM_CLASS_IN, RSM_CLASS_NONE or RSM_CLASS_ANY */
    uint16_t type;         /* BODY_TYPE_ANY: any */
    uint32_t ttl;
    struct bytes rdata;
};

#define BODY_TYPE_ANY 255u

struct body_update {
    struct bytes principal; /* empty: the author itself */
    struct bytes request;   /* RSM_REQUEST_SIZE bytes, or empty */
    struct bytes zone;
    struct body_walk prerequisites; /* records */
    struct body_walk updates;       /* records */
};

/* As the others of body.h. */
enum rsm_status body_update_decode(struct bytes body, struct body_update *out);
bool body_next_record(struct body_walk *walk, struct body_record *out);

#endif
