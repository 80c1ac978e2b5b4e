/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gateway.c - see gateway.h.
 *
 * What is signed stays the same bytes until its verdict is known: an outcome that is unknown is no
 * reason to sign another command with the same counter, for then one of two would be lost, and
 * nobody could say which.
 */
#include "src/daemon/gateway_internal.h"

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"

struct gateway *gateway_new(const struct gateway_config *config)
{
    struct gateway *g = mem_alloc(sizeof *g);
    g->config = *config;
    g->batch_max = GATEWAY_BATCH_MAX;
    memcpy(g->cluster_id, config->cluster_id, CLUSTER_ID_SIZE);
    return g;
}

static void drop_body(struct gateway *g, struct request *r)
{
    g->waiting_bytes -= r->body.size;
    mem_free(r->body.data);
    r->body = (struct rsm_buffer){NULL, 0};
}

void gateway_free(struct gateway *g)
{
    if (g == NULL)
        return;
    while (g->oldest != NULL)
        request_drop(g, g->oldest);
    blob_unref(g->batch.envelope);
    mem_free(g);
}

/* ---- requests ---- */

static struct request **bucket_of(struct gateway *g, const uint8_t identity[HASH_SIZE])
{
    return &g->buckets[get_u32(identity) % GATEWAY_BUCKETS];
}

static struct request *find(struct gateway *g, const uint8_t identity[HASH_SIZE])
{
    struct request *r = *bucket_of(g, identity);
    while (r != NULL && memcmp(r->identity, identity, HASH_SIZE) != 0)
        r = r->bucket_next;
    return r;
}

void request_drop(struct gateway *g, struct request *r)
{
    struct request **at = bucket_of(g, r->identity);
    while (*at != r)
        at = &(*at)->bucket_next;
    *at = r->bucket_next;
    if (r->older != NULL)
        r->older->newer = r->newer;
    else
        g->oldest = r->newer;
    if (r->newer != NULL)
        r->newer->older = r->older;
    else
        g->newest = r->older;
    if (r->state != REQUEST_DONE)
        g->counters.waiting--;
    g->request_count--;
    drop_body(g, r);
    mem_free(r);
}

static struct request *add(struct gateway *g, const struct gateway_request *request,
                           uint64_t now_ms)
{
    struct request *r = mem_try_alloc(sizeof *r);
    uint8_t *body = mem_try_alloc(request->body.size);
    if (r == NULL || body == NULL) {
        mem_free(r);
        mem_free(body);
        return NULL;
    }
    r->state = REQUEST_WAITING;
    memcpy(r->identity, request->identity, HASH_SIZE);
    memcpy(body, request->body.data, request->body.size);
    r->body = (struct rsm_buffer){body, request->body.size};
    CHECK(request->zone.size <= sizeof r->zone);
    memcpy(r->zone, request->zone.data, request->zone.size);
    r->zone_size = request->zone.size;
    (void)snprintf(r->reason, sizeof r->reason, "%s", request->reason);
    r->since_ms = now_ms;
    struct request **bucket = bucket_of(g, r->identity);
    r->bucket_next = *bucket;
    *bucket = r;
    r->older = g->newest;
    if (g->newest != NULL)
        g->newest->newer = r;
    else
        g->oldest = r;
    g->newest = r;
    g->request_count++;
    g->waiting_bytes += r->body.size;
    g->counters.taken++;
    g->counters.waiting++;
    return r;
}

/* Makes room out of answers that are kept, the oldest first. */
static bool has_room(struct gateway *g, size_t size)
{
    struct request *next;
    for (struct request *r = g->oldest; r != NULL && g->request_count >= GATEWAY_REQUESTS_MAX;
         r = next) {
        next = r->newer;
        if (r->state == REQUEST_DONE)
            request_drop(g, r);
    }
    return g->request_count < GATEWAY_REQUESTS_MAX &&
           g->waiting_bytes + size <= GATEWAY_WAITING_BYTES_MAX;
}

static void tell(struct gateway *g, uint64_t waiter, enum packet_ede ede, const char *text)
{
    struct update_reply reply;
    update_reply_failure(&reply, ede, text);
    g->counters.late++;
    g->config.done(g->config.context, waiter, &reply);
}

void gateway_take(struct gateway *g, const struct gateway_request *request, uint64_t now_ms)
{
    struct request *r = find(g, request->identity);
    if (r != NULL) {
        g->counters.repeated++;
        if (r->state == REQUEST_DONE) {
            g->config.done(g->config.context, request->waiter, &r->reply);
            return;
        }
        if (r->waiter_count == GATEWAY_WAITERS_MAX) {
            tell(g, request->waiter, PACKET_EDE_NOT_READY, "this message waits already");
            return;
        }
    } else if (!has_room(g, request->body.size) || (r = add(g, request, now_ms)) == NULL) {
        tell(g, request->waiter, PACKET_EDE_NOT_READY, "too many updates wait at this replica");
        return;
    }
    r->waiters[r->waiter_count] = request->waiter;
    r->waiter_since_ms[r->waiter_count++] = now_ms;
}

void request_finish(struct gateway *g, struct request *r, const struct update_reply *reply)
{
    r->state = REQUEST_DONE;
    r->reply = *reply;
    g->counters.waiting--;
    drop_body(g, r);
    for (uint32_t i = 0; i < r->waiter_count; i++)
        g->config.done(g->config.context, r->waiters[i], &r->reply);
    r->waiter_count = 0;
}

/* ---- time ---- */

static void expire_waiters(struct gateway *g, struct request *r, uint64_t now_ms)
{
    char text[PACKET_ERROR_TEXT_MAX];
    uint32_t kept = 0;
    (void)snprintf(text, sizeof text, "no verdict in %u ms%s%s; %s", GATEWAY_ANSWER_MS,
                   g->failure[0] != '\0' ? ": " : "", g->failure,
                   r->state == REQUEST_SIGNED ? "the update may still be done"
                                              : "the update was not done");
    for (uint32_t i = 0; i < r->waiter_count; i++) {
        if (now_ms - r->waiter_since_ms[i] >= GATEWAY_ANSWER_MS) {
            tell(g, r->waiters[i], PACKET_EDE_NOT_READY, text);
            continue;
        }
        r->waiters[kept] = r->waiters[i];
        r->waiter_since_ms[kept++] = r->waiter_since_ms[i];
    }
    r->waiter_count = kept;
}

/* Not signed and nobody waits: it was never done, and its bytes may come again as new ones. */
static void expire(struct gateway *g, uint64_t now_ms)
{
    struct request *next;
    if (g->expired_ms != 0 && now_ms - g->expired_ms < GATEWAY_EXPIRE_EVERY_MS)
        return;
    g->expired_ms = now_ms;
    for (struct request *r = g->oldest; r != NULL; r = next) {
        next = r->newer;
        if (r->state != REQUEST_DONE)
            expire_waiters(g, r, now_ms);
        if ((r->state == REQUEST_WAITING && r->waiter_count == 0) ||
            (r->state == REQUEST_DONE && now_ms - r->since_ms >= GATEWAY_KEEP_MS))
            request_drop(g, r);
    }
}

void gateway_turn(struct gateway *g, uint64_t now_ms)
{
    expire(g, now_ms);
    struct batch *b = &g->batch;
    if (b->is_out || now_ms < b->not_before_ms)
        return;
    g->now_ms = now_ms;
    if (b->count == 0 && (g->counters.waiting == 0 || !batch_sign(g, now_ms)))
        return;
    b->is_out = true;
    g->config.submit(g->config.context, b->envelope);
}

const struct gateway_counters *gateway_counters(const struct gateway *g)
{
    return &g->counters;
}
