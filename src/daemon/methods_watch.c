/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods_watch.c - following the log: watches (notifications) and polls (answers that wait).
 *
 * A watch is a place in the log and a connection. Whole slots in order, nothing left out: each
 * notification `event` is [slot as in log.range, with the watch's number]; who reconnects asks
 * again from the slot behind the last one that came. A connection that does not read is left alone
 * until its output has gone down: the place waits, no memory grows.
 */
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/daemon/methods_internal.h"

#define WATCHES_PER_CONNECTION 64u
#define POLL_MS_MAX 60000u
#define POLLS_MAX 4096u

struct watch {
    uint64_t id;
    struct rpc_connection *connection; /* valid until on_closed */
    uint64_t next_slot;
    struct bytes author; /* owned copy; empty: all */
    struct watch *next;
};

/* A poll is a request that waits for a slot. */
struct poll {
    struct rpc_request *request; /* owned */
    uint64_t slot;
    uint64_t ticks_left;
    struct poll *next;
};

static void send_slots(struct methods *m, struct watch *w)
{
    uint64_t changes = m->watch_changes;
    struct kv *kv = node_state(m->node);
    uint64_t applied = node_applied(m->node);
    while (w->next_slot <= applied) {
        writer_reset(&m->out);
        pack_array(&m->out, 1);
        enum rsm_status status = pack_slot(&m->out, kv, w->next_slot, w->author, w->id);
        if (status == RSM_OK) {
            if (!rpc_has_room(w->connection))
                return;
            if (!rpc_notify(w->connection, "event", writer_result(&m->out)) ||
                changes != m->watch_changes)
                return; /* closed: on_closed has freed the watch */
        }
        w->next_slot++;
    }
}

/* A connection that closes meanwhile takes its watches with it: then from the beginning again. */
static void send_all(struct methods *m)
{
    struct watch *w = m->watches;
    while (w != NULL) {
        uint64_t changes = m->watch_changes;
        struct watch *next = w->next;
        send_slots(m, w);
        w = changes == m->watch_changes ? next : m->watches;
    }
}

static uint32_t count_watches(const struct methods *m, const struct rpc_connection *connection)
{
    uint32_t count = 0;
    for (const struct watch *w = m->watches; w != NULL; w = w->next)
        count += w->connection == connection;
    return count;
}

/* watch FIRST [options], 0 is "from now": {"watch": id, "slot": the first that will come}. */
void watch_begin(struct call *call)
{
    struct methods *m = call->m;
    struct rpc_request *request = call->request;
    struct bytes author = {NULL, 0};
    call->params = unpack_make(request->params);
    uint32_t count = unpack_array(&call->params);
    uint64_t from = unpack_uint(&call->params);
    if (count < 1 || count > 2 || !unpack_ok(&call->params)) {
        rpc_answer_error(request, RSM_BAD_PARAMS, NULL,
                         "watch takes the first slot and a map of options");
        return;
    }
    if (count == 2 && unpack_peek(&call->params) == UNPACK_MAP)
        unpack_find_octets(unpack_raw(&call->params), "author", &author);
    if (count_watches(m, request->connection) >= WATCHES_PER_CONNECTION) {
        rpc_answer_error(request, RSM_TOO_MANY, NULL, "64 watches are enough for one connection");
        return;
    }
    struct watch *w = mem_alloc(sizeof *w);
    w->id = ++m->next_watch;
    w->connection = request->connection;
    w->next_slot = from > 0 ? from : node_applied(m->node) + 1;
    if (author.size > 0)
        w->author = bytes_make(mem_copy(author.data, author.size), author.size);
    w->next = m->watches;
    m->watches = w;
    writer_reset(&m->out);
    pack_map(&m->out, 2);
    pack_key(&m->out, "watch");
    pack_uint(&m->out, w->id);
    pack_key(&m->out, "slot");
    pack_uint(&m->out, w->next_slot);
    uint64_t id = w->id;
    rpc_answer(request, writer_result(&m->out));
    if (m->watches != NULL && m->watches->id == id)
        send_slots(m, m->watches);
}

static void free_watch(struct watch *w)
{
    mem_free((void *)(uintptr_t)w->author.data);
    mem_free(w);
}

/* unwatch ID */
void watch_end(struct call *call)
{
    struct methods *m = call->m;
    struct rpc_request *request = call->request;
    call->params = unpack_make(request->params);
    unpack_array_exactly(&call->params, 1);
    uint64_t id = unpack_uint(&call->params);
    for (struct watch **at = &m->watches; *at != NULL; at = &(*at)->next) {
        struct watch *w = *at;
        if (w->id != id || w->connection != request->connection)
            continue;
        *at = w->next;
        free_watch(w);
        writer_reset(&m->out);
        pack_map(&m->out, 0);
        rpc_answer(request, writer_result(&m->out));
        return;
    }
    rpc_answer_error(request, RSM_NOT_FOUND, NULL, "this connection has no such watch");
}

void watch_on_closed(struct methods *m, struct rpc_connection *connection)
{
    struct watch **at = &m->watches;
    while (*at != NULL) {
        struct watch *w = *at;
        if (w->connection != connection) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        m->watch_changes++;
        free_watch(w);
    }
}

/* -------------------------------------------------------------------------------------------- */

/* poll SLOT [options]: answers {"slot": n} as soon as SLOT is applied, or after `timeout_ms`. */
void poll_begin(struct call *call)
{
    struct methods *m = call->m;
    struct rpc_request *request = call->request;
    uint64_t timeout_ms = 10000;
    uint32_t waiting = 0;
    call->params = unpack_make(request->params);
    uint32_t count = unpack_array(&call->params);
    uint64_t slot = unpack_uint(&call->params);
    if (count < 1 || count > 2 || !unpack_ok(&call->params)) {
        rpc_answer_error(request, RSM_BAD_PARAMS, NULL, "poll takes a slot and a map of options");
        return;
    }
    if (count == 2 && unpack_peek(&call->params) == UNPACK_MAP)
        unpack_find_uint(unpack_raw(&call->params), "timeout_ms", &timeout_ms);
    for (const struct poll *p = m->polls; p != NULL; p = p->next)
        waiting++;
    if (waiting >= POLLS_MAX) {
        rpc_answer_error(request, RSM_BUSY, NULL, "too many polls wait");
        return;
    }
    struct poll *p = mem_alloc(sizeof *p);
    p->request = request;
    p->slot = slot;
    p->ticks_left = (timeout_ms < POLL_MS_MAX ? timeout_ms : POLL_MS_MAX) / m->tick_ms + 1;
    p->next = m->polls;
    m->polls = p;
    watch_on_applied(m);
}

static void end_polls(struct methods *m, bool time_passes)
{
    uint64_t applied = node_applied(m->node);
    struct poll **at = &m->polls;
    while (*at != NULL) {
        struct poll *p = *at;
        if (time_passes && p->ticks_left > 0)
            p->ticks_left--;
        if (p->slot > applied && p->ticks_left > 0) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        writer_reset(&m->out);
        pack_map(&m->out, 1);
        pack_key(&m->out, "slot");
        pack_uint(&m->out, applied);
        rpc_answer(p->request, writer_result(&m->out));
        mem_free(p);
    }
}

void watch_on_applied(struct methods *m)
{
    send_all(m);
    end_polls(m, false);
}

void watch_on_tick(struct methods *m)
{
    send_all(m); /* watches that waited for their client to read go on here */
    end_polls(m, true);
}

void watch_free_all(struct methods *m)
{
    while (m->watches != NULL) {
        struct watch *w = m->watches;
        m->watches = w->next;
        free_watch(w);
    }
    while (m->polls != NULL) {
        struct poll *p = m->polls;
        m->polls = p->next;
        rpc_answer_error(p->request, RSM_UNAVAILABLE, NULL, "this replica is stopping");
        mem_free(p);
    }
}
