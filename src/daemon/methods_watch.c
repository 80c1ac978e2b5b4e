/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods_watch.c - following the log: watches (notifications) and polls (answers that wait).
 *
 * A watch is a place in the log and a connection. Whole slots in order, nothing left out: each
 * notification `event` is [slot as in log.range, with the watch's number]; who reconnects asks
 * again from the slot behind the last one that came. A connection that does not read is left alone
 * until its output has gone down: the place waits, no memory grows.
 *
 * `reset` says that what was derived of the log is to be read again, as it is right after `slot`:
 * of a zone that the slot restored, before the slot itself is told; and, without a zone,
 * everything, when whoever watches comes from a log that is not this one (a recovery by force began
 * it anew, or another cluster answers). That is known by the entry head that it brings; a slot that
 * is not there yet is another log's when a majority does not know it either.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/daemon/methods_internal.h"
#include "src/daemon/methods_reset.h"
#include "src/machine/logtable.h"

#define WATCHES_PER_CONNECTION 64u
#define POLL_MS_MAX 60000u
#define POLLS_MAX 4096u

struct watch {
    uint64_t id;
    struct rpc_connection *connection; /* valid until on_closed */
    uint64_t next_slot;
    uint64_t reset_slot; /* its restores are told already; 0: none */
    bool is_foreign;     /* comes from another log, and was not told yet */
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

/* Sends m->out. False: there is no room, or the connection is closed and the watch is freed. */
static bool notify(struct methods *m, struct watch *w, const char *method)
{
    uint64_t changes = m->watch_changes;
    return rpc_has_room(w->connection) &&
           rpc_notify(w->connection, method, writer_result(&m->out)) && changes == m->watch_changes;
}

static void pack_restore(struct writer *out, const struct watch *w, const struct reset *restored)
{
    writer_reset(out);
    pack_array(out, 1);
    pack_map(out, 6);
    pack_number(out, "watch", w->id);
    pack_number(out, "slot", w->next_slot);
    pack_key(out, "cause");
    pack_text(out, "restore");
    pack_name_fields(out, "zone", "zone_wire", restored->zone);
    pack_number(out, "restored_slot", restored->restored_slot);
}

/* It goes on behind the last slot, and is from now on known by that one's head. */
static void pack_another_log(struct writer *out, const struct watch *w, struct kv *kv)
{
    struct log_verdict row;
    bool has_row = log_get_verdict(kv, w->next_slot - 1, &row) == RSM_OK;
    writer_reset(out);
    pack_array(out, 1);
    pack_map(out, has_row ? 4 : 3);
    pack_number(out, "watch", w->id);
    pack_number(out, "slot", w->next_slot - 1);
    pack_key(out, "cause");
    pack_text(out, "another-log");
    if (has_row) {
        pack_key(out, "entry_head");
        pack_hash(out, row.entry_head);
    }
}

/* What the next slot restored. RSM_BUSY: there is no room, or no watch any more. */
static enum rsm_status send_restores(struct methods *m, struct watch *w)
{
    struct reset_walk walk;
    struct reset restored;
    if (w->reset_slot == w->next_slot)
        return RSM_OK;
    enum rsm_status status = reset_begin(&walk, node_state(m->node), w->next_slot);
    while (status == RSM_OK && (status = reset_next(&walk, &restored)) == RSM_OK) {
        pack_restore(&m->out, w, &restored);
        if (!notify(m, w, "reset"))
            return RSM_BUSY;
    }
    if (status != RSM_NOT_FOUND)
        return status;
    w->reset_slot = w->next_slot; /* without room for the slot itself they are not told twice */
    return RSM_OK;
}

static void free_watch(struct watch *w)
{
    mem_free((void *)(uintptr_t)w->author.data);
    mem_free(w);
}

/* A slot that no notification can hold: the watch ends, and whoever watches knows where. */
static void end_at_slot(struct methods *m, struct watch *w)
{
    struct watch **at = &m->watches;
    char error[160];
    snprintf(error, sizeof error,
             "TOO_LARGE slot=%llu: a notification cannot hold that slot; read it with log.raw, and "
             "watch from the next one on",
             (unsigned long long)w->next_slot);
    writer_reset(&m->out);
    pack_array(&m->out, 1);
    pack_map(&m->out, 3);
    pack_number(&m->out, "watch", w->id);
    pack_number(&m->out, "slot", w->next_slot);
    pack_key(&m->out, "error");
    pack_text(&m->out, error);
    if (!notify(m, w, "watch_end"))
        return; /* later, when there is room; or it is closed */
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    m->watch_changes++;
    free_watch(w);
}

static void send_slots(struct methods *m, struct watch *w)
{
    struct kv *kv = node_state(m->node);
    uint64_t applied = node_applied(m->node);
    if (w->is_foreign) {
        pack_another_log(&m->out, w, kv);
        if (!notify(m, w, "reset"))
            return;
        w->is_foreign = false;
    }
    while (w->next_slot <= applied) {
        enum rsm_status status = send_restores(m, w);
        if (status == RSM_OK) {
            writer_reset(&m->out);
            pack_array(&m->out, 1);
            status = pack_slot(&m->out, kv, w->next_slot, w->author, w->id);
        }
        if (status == RSM_DAMAGED)
            node_on_damage(m->node);
        if (status == RSM_OK && m->out.failed) {
            end_at_slot(m, w);
            return;
        }
        if (status == RSM_OK && !notify(m, w, "event"))
            return;
        if (status != RSM_OK && status != RSM_NOT_FOUND)
            return; /* nothing is left out: it goes on from there, here or elsewhere */
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

/* What a watch asks for; borrowed from the request. */
struct watch_params {
    uint64_t from;
    struct bytes author; /* empty: all */
    struct bytes after;  /* entry head of the slot before `from`; empty: not said */
};

static bool take_watch(struct rpc_request *request, struct watch_params *out)
{
    *out = (struct watch_params){.from = 0};
    struct unpack params = unpack_make(request->params);
    uint32_t count = unpack_array(&params);
    out->from = unpack_uint(&params);
    if (count < 1 || count > 2 || !unpack_ok(&params))
        return false;
    if (count == 1 || unpack_peek(&params) != UNPACK_MAP)
        return true;
    struct bytes options = unpack_raw(&params);
    unpack_find_octets(options, "author", &out->author);
    return !unpack_find_octets(options, "after", &out->after) ||
           (out->after.size == HASH_SIZE && out->from > 1);
}

bool watch_needs_majority(struct methods *m, struct rpc_request *request)
{
    struct watch_params params;
    return take_watch(request, &params) && params.after.size > 0 &&
           params.from - 1 > node_applied(m->node);
}

/* watch FIRST [options], 0 is "from now": {"watch": id, "slot": the first that will come}. */
void watch_begin(struct methods *m, struct rpc_request *request)
{
    struct watch_params params;
    if (!take_watch(request, &params)) {
        rpc_answer_error(request, RSM_BAD_PARAMS, NULL,
                         "watch takes the first slot and a map of options; `after` is the entry "
                         "head of the slot before it, 32 bytes");
        return;
    }
    if (count_watches(m, request->connection) >= WATCHES_PER_CONNECTION) {
        rpc_answer_error(request, RSM_TOO_MANY, NULL, "64 watches are enough for one connection");
        return;
    }
    enum rsm_status known = RSM_OK;
    if (params.after.size > 0)
        known = node_has_state(m->node)
                    ? reset_is_known(node_state(m->node), params.from - 1, params.after)
                    : RSM_UNAVAILABLE;
    if (known != RSM_OK && known != RSM_NOT_FOUND) {
        rpc_answer_error(request, known, NULL, "this replica cannot read its log; ask another one");
        return;
    }
    struct watch *w = mem_alloc(sizeof *w);
    w->id = ++m->next_watch;
    w->connection = request->connection;
    w->is_foreign = known == RSM_NOT_FOUND;
    w->next_slot = params.from > 0 && !w->is_foreign ? params.from : node_applied(m->node) + 1;
    if (params.author.size > 0)
        w->author =
            bytes_make(mem_copy(params.author.data, params.author.size), params.author.size);
    w->next = m->watches;
    m->watches = w;
    writer_reset(&m->out);
    pack_map(&m->out, 2);
    pack_number(&m->out, "watch", w->id);
    pack_number(&m->out, "slot", w->next_slot);
    uint64_t id = w->id;
    rpc_answer(request, writer_result(&m->out));
    if (m->watches != NULL && m->watches->id == id)
        send_slots(m, m->watches);
}

/* unwatch ID */
void watch_end(struct methods *m, struct rpc_request *request)
{
    struct unpack params = unpack_make(request->params);
    unpack_array_exactly(&params, 1);
    uint64_t id = unpack_uint(&params);
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
void poll_begin(struct methods *m, struct rpc_request *request)
{
    uint64_t timeout_ms = 10000;
    uint32_t waiting = 0;
    struct unpack params = unpack_make(request->params);
    uint32_t count = unpack_array(&params);
    uint64_t slot = unpack_uint(&params);
    if (count < 1 || count > 2 || !unpack_ok(&params)) {
        rpc_answer_error(request, RSM_BAD_PARAMS, NULL, "poll takes a slot and a map of options");
        return;
    }
    if (count == 2 && unpack_peek(&params) == UNPACK_MAP)
        unpack_find_uint(unpack_raw(&params), "timeout_ms", &timeout_ms);
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
        pack_number(&m->out, "slot", applied);
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
