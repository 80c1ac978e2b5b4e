/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gateway_internal.h - what gateway.c (requests, waiters) and gateway_batch.c (signing) share. */
#ifndef RSM_DAEMON_GATEWAY_INTERNAL_H
#define RSM_DAEMON_GATEWAY_INTERNAL_H

#include "src/base/limits.h"
#include "src/daemon/gateway.h"

#define GATEWAY_BUCKETS 1024u
#define GATEWAY_REASON_MAX 160u
#define GATEWAY_EXPIRE_EVERY_MS 100u
/* Between two tries of the same envelope, and after a verdict that says that our clocks are behind.
 */
#define GATEWAY_PAUSE_MS 50u
/* Times that a request is signed again because our clocks were behind; then it is told why. */
#define GATEWAY_BEHIND_MAX 20u
/* Bodies of one batch: far below LIMIT_ENVELOPE_SIZE, and one step of the leader. */
#define GATEWAY_BATCH_BYTES (1u << 20)

enum request_state { REQUEST_WAITING = 1, REQUEST_SIGNED, REQUEST_DONE };

struct request {
    enum request_state state;
    uint8_t identity[HASH_SIZE];
    uint8_t zone[LIMIT_NAME_SIZE];
    size_t zone_size;
    char reason[GATEWAY_REASON_MAX];
    struct rsm_buffer body; /* owned, until it is DONE */
    uint64_t since_ms;
    uint32_t behind_count;
    uint64_t waiters[GATEWAY_WAITERS_MAX];
    uint64_t waiter_since_ms[GATEWAY_WAITERS_MAX];
    uint32_t waiter_count;
    struct update_reply reply; /* DONE */
    struct request *bucket_next, *older, *newer;
};

/* What is signed and has no verdict yet. */
struct batch {
    struct blob *envelope; /* owned reference; NULL: none */
    struct request *items[GATEWAY_BATCH_MAX];
    uint32_t count;
    uint64_t counter;       /* of the first */
    bool is_out;            /* `submit` was called and has not come back */
    bool is_open;           /* an outcome was unknown: only a verdict ends it now */
    uint64_t not_before_ms; /* of the next `submit` */
};

struct gateway {
    struct gateway_config config;
    uint8_t cluster_id[CLUSTER_ID_SIZE];
    struct request *buckets[GATEWAY_BUCKETS];
    struct request *oldest, *newest; /* by arrival */
    uint32_t request_count;
    size_t waiting_bytes;
    struct batch batch;
    uint32_t batch_max; /* 1 to GATEWAY_BATCH_MAX, a power of two */
    uint64_t counter;   /* highest that was applied, as far as known */
    uint64_t lamport;   /* highest that was signed */
    uint64_t now_ms;
    uint64_t expired_ms;
    char failure[PACKET_ERROR_TEXT_MAX / 2]; /* why the last `submit` came back without verdicts */
    struct gateway_counters counters;
};

/* Signs the oldest requests that wait. False: none could be; those that failed have been told. */
bool batch_sign(struct gateway *g, uint64_t now_ms);
/* It has its answer. */
void request_finish(struct gateway *g, struct request *r, const struct update_reply *reply);
/* Takes it out and frees it, waiters untold. */
void request_drop(struct gateway *g, struct request *r);

#endif
