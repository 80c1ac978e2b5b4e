/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gateway.h - an author inside the daemon: signs updates for clients who cannot sign commands.
 *
 * A *request* is a message of a client, known by a hash of its bytes. Whoever waits for its answer
 * is a *waiter*, a number of the owner's; a message that comes again adds a waiter, and gets the
 * answer that the first one got. Its states:
 *
 *     WAITING   not signed                                     -> SIGNED (gateway_turn)
 *     SIGNED    in the batch that is on its way                -> DONE with its verdict, or WAITING
 *                                                                 when the gateway's own clocks
 *                                                                 were behind
 *     DONE      its answer is kept for a while
 *
 * One batch is on its way at a time, because the counters of an author have no gaps: each command
 * of it has its own verdict. What is signed is handed in until it has its verdict, however long
 * that takes; a waiter is told SERVFAIL when GATEWAY_ANSWER_MS have passed.
 *
 * Thread: the main loop's. No clock, no sockets: all comes by calls and leads to `submit` and
 * `done`.
 */
#ifndef RSM_DAEMON_GATEWAY_H
#define RSM_DAEMON_GATEWAY_H

#include <stdbool.h>

#include <rsm/key.h>
#include <rsm/wire.h>

#include "src/base/blob.h"
#include "src/base/ids.h"
#include "src/base/kv.h"
#include "src/daemon/node_env.h"
#include "src/dns/update.h"

/* Clients ask again after 3 to 5 seconds; a new leader needs 1 to 2. */
#define GATEWAY_ANSWER_MS 5000u
/* Answers are kept as long as a TSIG's time lets the same bytes in (RFC 8945 10). */
#define GATEWAY_KEEP_MS 300000u
/* Requests that wait or are kept, and the bytes of those that wait. */
#define GATEWAY_REQUESTS_MAX 8192u
#define GATEWAY_WAITING_BYTES_MAX (16u << 20)
/* Waiters of one request: a client that sends faster than it reads is no reason to grow. */
#define GATEWAY_WAITERS_MAX 8u
/* Commands under one signature. */
#define GATEWAY_BATCH_MAX 64u

struct gateway;

struct gateway_config {
    const struct rsm_key *key; /* borrowed: the gateway principal's */
    const uint8_t *cluster_id; /* CLUSTER_ID_SIZE bytes, copied */
    void *context;
    /* The applied state, borrowed until `submit`. */
    struct kv *(*state)(void *context);
    /* As node_submit; gateway_on_submitted ends it, perhaps before this returns. */
    void (*submit)(void *context, struct blob *envelope);
    /* Ends a waiter. */
    void (*done)(void *context, uint64_t waiter, const struct update_reply *reply);
};

struct gateway *gateway_new(const struct gateway_config *config);
/* Waiters are not told. NULL is ignored. */
void gateway_free(struct gateway *g);

struct gateway_request {
    uint64_t waiter;
    uint8_t identity[HASH_SIZE]; /* of the message */
    struct bytes zone;           /* wire name */
    struct rsm_bytes body;       /* of an rrset.update, checked; copied */
    const char *reason;          /* for the log: who sent it, and how */
};

/* Takes a request in; `done` comes later, or at once for one that has its answer, or no room. */
void gateway_take(struct gateway *g, const struct gateway_request *request, uint64_t now_ms);
/* Signs what waits when the line is free, tells waiters whose time is over. Every turn, and ticks.
 */
void gateway_turn(struct gateway *g, uint64_t now_ms);
/* What came of `submit`. Does not submit anything itself. */
void gateway_on_submitted(struct gateway *g, const struct node_outcome *outcome);

struct gateway_counters {
    uint64_t taken, applied, refused, repeated; /* requests; repeated: messages that came again */
    uint64_t late;                              /* waiters told SERVFAIL */
    uint64_t waiting;                           /* now: not DONE */
};

const struct gateway_counters *gateway_counters(const struct gateway *g);

#endif
