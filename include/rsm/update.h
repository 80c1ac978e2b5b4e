/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.h - the body of rrset.update: a dynamic update (RFC 2136). Part of body.h, whose rules for
 * builders hold here as well.
 */
#ifndef RSM_UPDATE_H
#define RSM_UPDATE_H

#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 2136's classes: IN is 1. */
#define RSM_CLASS_IN 1u
#define RSM_CLASS_NONE 254u
#define RSM_CLASS_ANY 255u

#define RSM_REQUEST_SIZE 32u
/* Log time; twice what a TSIG's clock may be off (RFC 8945 10), to either side. */
#define RSM_REQUEST_WINDOW_MS 600000u

/* A record as a dynamic update has it (RFC 2136 2.4 and 2.5): its class says what it means. */
struct rsm_record {
    struct rsm_bytes owner;
    uint16_t record_class; /* RSM_CLASS_IN, RSM_CLASS_NONE, RSM_CLASS_ANY */
    uint16_t type;         /* 255: any */
    uint32_t ttl;
    struct rsm_bytes rdata;
};

/* A dynamic update: what must be there when it is applied, and what it then does, in order. */
struct rsm_update {
    struct rsm_bytes principal; /* on whose behalf a gateway signs; empty: the author's own */
    /*
     * What the client's message is known by, RSM_REQUEST_SIZE bytes, or empty: of all updates of
     * one principal with the same bytes here, for RSM_REQUEST_WINDOW_MS, one is applied.
     */
    struct rsm_bytes request;
    struct rsm_bytes zone;
    const struct rsm_record *prerequisites;
    size_t prerequisite_count;
    const struct rsm_record *updates;
    size_t update_count;
};

/* All of `update` is borrowed until it returns. */
enum rsm_status rsm_body_rrset_update(const struct rsm_update *update, struct rsm_buffer *body_out);

#ifdef __cplusplus
}
#endif
#endif
