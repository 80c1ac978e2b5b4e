/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns.c - questions: those that wait for a confirmed read, and those being answered.
 *
 * An exchange: begun (on_message) -> waiting for the read, or answering -> gone. Datagrams are
 * answered in one go; a connection's exchange lives as long as its answer has messages, each made
 * when the one before has left.
 */
#include "src/daemon/dns.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/daemon/config.h"
#include "src/daemon/dns_internal.h"
#include "src/io/clock.h"

/* -------------------------------------------------------------------------------------------- */
/* Exchanges. */

void exchange_link(struct exchange *x, struct exchange_list *list)
{
    x->list = list;
    x->previous = list->last;
    if (list->last != NULL)
        list->last->next = x;
    else
        list->first = x;
    list->last = x;
    list->count++;
}

static void exchange_unlink(struct exchange *x)
{
    struct exchange_list *list = x->list;
    if (list == NULL)
        return;
    x->list = NULL;
    if (x->previous != NULL)
        x->previous->next = x->next;
    else
        list->first = x->next;
    if (x->next != NULL)
        x->next->previous = x->previous;
    else
        list->last = x->previous;
    x->next = x->previous = NULL;
    list->count--;
}

static void dns_exchange_free(struct exchange *x)
{
    exchange_unlink(x);
    serve_free(x->serve);
    mem_free(x);
}

static void log_transfer(const struct exchange *x, const char *end)
{
    struct serve_summary s;
    char zone[NAME_TEXT_MAX], key[NAME_TEXT_MAX];
    serve_get_summary(x->serve, &s);
    if (!s.is_transfer)
        return;
    LOG(LOG_INFO, "dns-transfer", LOG_TEXT("end", end),
        LOG_TEXT("zone", name_to_text(s.zone, zone)), LOG_U64("serial", s.serial),
        LOG_TEXT("kind", s.is_whole ? "whole" : "difference"), LOG_U64("records", s.record_count),
        LOG_U64("messages", s.message_count),
        LOG_TEXT("key", s.key.size > 0 ? name_to_text(s.key, key) : "none"));
}

static void dns_exchange_send(struct exchange *x, struct bytes wire)
{
    if (x->peer.connection != NULL)
        dns_connection_send(x->peer.connection, wire);
    else
        dns_server_send(x->dns->server, &x->peer, wire);
}

/* The next message. The exchange may be gone when it returns. */
static void produce(struct exchange *x)
{
    struct dns *d = x->dns;
    struct bytes wire;
    bool is_broken;
    enum rsm_status status;
    bool has_message =
        serve_next(x->serve, node_state(d->node), d->draft, &wire, &is_broken, &status);
    if (status == RSM_DAMAGED)
        node_on_damage(d->node);
    if (has_message) {
        dns_exchange_send(x, wire);
        if (x->peer.connection != NULL)
            return;
    }
    log_transfer(x, is_broken ? "broken off" : "complete");
    if (!is_broken)
        dns_holders_note(x);
    if (x->peer.connection != NULL && is_broken)
        dns_connection_abort(x->peer.connection);
    else if (x->peer.connection != NULL)
        dns_connection_done(x->peer.connection);
    dns_exchange_free(x);
}

void dns_exchange_answer(struct exchange *x)
{
    exchange_unlink(x);
    if (dns_digest_ready(x))
        produce(x);
}

void dns_exchange_end(struct exchange *x, enum packet_rcode rcode, enum packet_ede ede,
                      const char *text)
{
    struct bytes wire;
    if (serve_answer(x->serve, x->dns->draft, rcode, ede, text, &wire))
        dns_exchange_send(x, wire);
    if (x->peer.connection != NULL)
        dns_connection_done(x->peer.connection);
    dns_exchange_free(x);
}

static void answer(struct exchange *x, bool is_fresh)
{
    serve_set_slot(x->serve, node_applied(x->dns->node), is_fresh);
    dns_exchange_answer(x);
}

/* -------------------------------------------------------------------------------------------- */
/* Confirmation. */

static bool is_fresh(const struct dns *d)
{
    return d->confirmed_ms != 0 && clock_monotonic_ms() - d->confirmed_ms <= DNS_FRESH_MS &&
           node_has_state(d->node);
}

static void begin_read(struct dns *d)
{
    if (d->read_began_ms != 0)
        return;
    d->read_began_ms = clock_monotonic_ms();
    d->read_token = DNS_TOKEN_BIT | ++d->read_count;
    node_read(d->node, d->read_token);
}

static void answer_waiting(struct dns *d, bool fresh)
{
    while (d->waiting.first != NULL)
        answer(d->waiting.first, fresh);
}

bool dns_on_read_ready(struct dns *d, uint64_t token, enum rsm_status status)
{
    if ((token & DNS_TOKEN_BIT) == 0)
        return false;
    if (d == NULL || token != d->read_token || d->read_began_ms == 0)
        return true;
    if (status == RSM_OK) {
        d->confirmed_ms = d->read_began_ms;
        d->is_doubtful = false;
    }
    d->read_began_ms = 0;
    d->read_failed = status != RSM_OK;
    event_active(d->work, EV_TIMEOUT, 0); /* the node is in the middle of a step */
    return true;
}

static void give_up_reading(struct dns *d)
{
    d->read_began_ms = 0;
    d->read_failed = false;
    d->is_doubtful = true;
    answer_waiting(d, false);
}

static void on_work(evutil_socket_t fd, short what, void *context)
{
    struct dns *d = context;
    (void)fd;
    (void)what;
    if (d->read_failed)
        give_up_reading(d);
    else if (is_fresh(d))
        answer_waiting(d, true);
    else if (d->waiting.first != NULL)
        begin_read(d); /* the one that ended began too long ago */
    dns_notify_work(d);
    dns_update_turn(d);
}

static void wait_for_read(struct exchange *x)
{
    struct dns *d = x->dns;
    if (d->is_doubtful || d->waiting.count == LIMIT_DNS_WAITING) {
        begin_read(d);
        answer(x, false);
        return;
    }
    exchange_link(x, &d->waiting);
    begin_read(d);
}

/* -------------------------------------------------------------------------------------------- */
/* From the sockets. */

static void on_message(void *context, const struct dns_peer *from, struct bytes wire)
{
    struct dns *d = context;
    if (from->connection == NULL && dns_notify_take_answer(d, from, wire))
        return;
    struct serve *serve =
        serve_begin(&d->policy, wire, from->connection != NULL ? SERVE_TCP : SERVE_UDP);
    if (serve == NULL) {
        if (from->connection != NULL)
            dns_connection_abort(from->connection);
        return;
    }
    struct exchange *x = mem_alloc(sizeof *x);
    x->dns = d;
    x->serve = serve;
    x->peer = *from;
    x->began_ms = clock_monotonic_ms();
    if (from->connection != NULL)
        dns_connection_set_owner(from->connection, x);
    switch (serve_kind(serve)) {
    case SERVE_REFUSAL:
        produce(x);
        break;
    case SERVE_UPDATE:
        dns_update_begin(x);
        break;
    case SERVE_READ:
        if (is_fresh(d))
            answer(x, true);
        else
            wait_for_read(x);
        break;
    }
}

static void on_room(void *context, struct dns_connection *connection)
{
    struct exchange *x = dns_connection_owner(connection);
    (void)context;
    if (x != NULL && x->list == NULL)
        produce(x);
}

static void on_closed(void *context, struct dns_connection *connection)
{
    struct exchange *x = dns_connection_owner(connection);
    (void)context;
    if (x == NULL)
        return;
    log_transfer(x, "the secondary closed");
    dns_exchange_free(x);
}

/* -------------------------------------------------------------------------------------------- */
/* Life. */

static enum rsm_status listen_on_all(struct dns *d, const struct config_dns *config, char *text)
{
    char why[256] = "";
    enum rsm_status status = RSM_OK;
    for (uint32_t i = 0; status == RSM_OK && i < config->listen_count; i++)
        status = dns_server_listen(d->server, config->listen[i], why);
    if (status != RSM_OK)
        snprintf(text, CONFIG_ERROR_SIZE, "dns: %s", why);
    return status;
}

enum rsm_status dns_new(const struct config_dns *config, struct event_base *base, struct node *node,
                        const uint8_t *cluster_id, struct dns **dns_out, char *text)
{
    char why[CONFIG_DNS_WHY_SIZE] = "";
    struct dns *d = mem_alloc(sizeof *d);
    *dns_out = NULL;
    d->node = node;
    d->config = config;
    d->draft = draft_new();
    d->holders = holders_new();
    dns_digest_open(d, base);
    d->policy.allow_unsigned_queries = config->allow_unsigned_queries;
    d->policy.allow_unsigned_transfers = config->allow_unsigned_transfers;
    d->work = mem_made(event_new(base, -1, 0, on_work, d));
    struct dns_server_config server = {.base = base,
                                       .context = d,
                                       .on_message = on_message,
                                       .on_room = on_room,
                                       .on_closed = on_closed};
    d->server = dns_server_new(&server);
    enum rsm_status status = dns_keys_read(config, &d->policy.keys, why);
    if (status != RSM_OK)
        snprintf(text, CONFIG_ERROR_SIZE, "tsig_key: %s", why);
    else
        status = listen_on_all(d, config, text);
    if (status == RSM_OK)
        status = dns_notify_open(d, config, text);
    if (status == RSM_OK)
        status = dns_update_open(d, config, cluster_id, text);
    if (status != RSM_OK) {
        dns_free(d);
        return status;
    }
    *dns_out = d;
    return RSM_OK;
}

void dns_free(struct dns *d)
{
    if (d == NULL)
        return;
    if (d->server != NULL)
        dns_server_close_all(d->server); /* on_closed frees each exchange */
    while (d->waiting.first != NULL)
        dns_exchange_free(d->waiting.first);
    while (d->digesting.first != NULL)
        dns_exchange_free(d->digesting.first);
    while (d->updating.first != NULL)
        dns_exchange_free(d->updating.first);
    dns_update_close(d);
    dns_server_free(d->server);
    notify_free(d->notify);
    dns_keys_free(&d->policy.keys);
    holders_free(d->holders);
    dns_digest_close(d);
    draft_free(d->draft);
    event_free(d->work);
    mem_free(d);
}

void dns_stop_accepting(struct dns *d)
{
    if (d != NULL)
        dns_server_stop(d->server);
}

void dns_on_applied(struct dns *d, uint64_t slot)
{
    (void)slot;
    if (d != NULL && d->target_count > 0)
        event_active(d->work, EV_TIMEOUT, 0);
}

void dns_on_tick(struct dns *d)
{
    if (d == NULL)
        return;
    if (d->read_began_ms != 0 && clock_monotonic_ms() - d->read_began_ms > DNS_CONFIRM_MS)
        give_up_reading(d);
    dns_notify_work(d);
    dns_update_turn(d);
}
