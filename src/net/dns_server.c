/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_server.c - see dns_server.h.
 *
 * A connection: waiting (for a question: IDLE_SECONDS) -> busy (the owner answers: on_message to
 * dns_connection_done; WRITE_SECONDS without progress end it) -> waiting. Closing: the output goes
 * out, nothing is read any more.
 */
#include "src/net/dns_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/net/acceptor.h"

#define MESSAGE_MAX 65535u
#define IDLE_SECONDS 10
#define WRITE_SECONDS 30
#define DATAGRAMS_A_TURN 64  /* then others get their turn */
#define DESCRIPTORS_KEPT 64u /* for the journal, the store, peers and clients */

struct dns_connection {
    struct dns_server *server;
    struct bufferevent *stream; /* owned */
    struct event *timer;        /* owned */
    struct dns_peer peer;
    void *owner;
    bool busy, closing, ended; /* ended: the client sends nothing more */
    struct dns_connection *next, *previous;
};

struct dns_socket {
    struct dns_server *server;
    struct event *readable; /* owned */
    evutil_socket_t fd;     /* owned: of the datagrams */
    int family;
    uint32_t index;
};

struct dns_server {
    struct dns_server_config config;
    struct dns_socket sockets[DNS_LISTEN_MAX];
    uint32_t socket_count;
    struct acceptor *acceptor; /* owned */
    struct dns_connection *connections;
    bool stopping;
    struct dns_server_counters counters;
    uint8_t buffer[MESSAGE_MAX];
};

/* -------------------------------------------------------------------------------------------- */
/* Connections. */

static void set_timer(struct dns_connection *c, long seconds)
{
    struct timeval time = {.tv_sec = seconds};
    event_add(c->timer, &time);
}

static void free_connection(struct dns_connection *c)
{
    struct dns_server *s = c->server;
    bufferevent_free(c->stream);
    event_free(c->timer);
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        s->connections = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    s->counters.connections--;
    mem_free(c);
}

static void close_connection(struct dns_connection *c)
{
    if (c->busy && !c->closing)
        c->server->config.on_closed(c->server->config.context, c);
    free_connection(c);
}

/* Lets the output go, then closes. The connection may be gone when it returns. */
static void close_after_output(struct dns_connection *c)
{
    c->closing = true;
    bufferevent_disable(c->stream, EV_READ);
    if (evbuffer_get_length(bufferevent_get_output(c->stream)) == 0)
        free_connection(c);
    else
        set_timer(c, WRITE_SECONDS);
}

static void on_late(evutil_socket_t fd, short what, void *context)
{
    struct dns_connection *c = context;
    (void)fd;
    (void)what;
    c->server->counters.timed_out++;
    close_connection(c);
}

/* A whole question in the buffer, or nothing yet. */
static void read_question(struct dns_connection *c)
{
    struct dns_server *s = c->server;
    struct evbuffer *in = bufferevent_get_input(c->stream);
    uint8_t head[2];
    if (c->busy || c->closing)
        return;
    size_t size = 0;
    if (evbuffer_copyout(in, head, sizeof head) == sizeof head)
        size = get_u16(head);
    bool has_head = evbuffer_get_length(in) >= sizeof head;
    if (!has_head || evbuffer_get_length(in) < sizeof head + size) {
        if (c->ended)
            close_after_output(c);
        return;
    }
    if (size == 0 || s->stopping) {
        close_after_output(c);
        return;
    }
    evbuffer_drain(in, sizeof head);
    evbuffer_remove(in, s->buffer, size);
    c->busy = true;
    set_timer(c, WRITE_SECONDS);
    s->config.on_message(s->config.context, &c->peer, bytes_make(s->buffer, size));
}

static void on_read(struct bufferevent *stream, void *context)
{
    (void)stream;
    read_question(context);
}

static void on_written(struct bufferevent *stream, void *context)
{
    struct dns_connection *c = context;
    (void)stream;
    if (c->closing) {
        free_connection(c);
        return;
    }
    if (!c->busy)
        return;
    set_timer(c, WRITE_SECONDS);
    c->server->config.on_room(c->server->config.context, c);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    struct dns_connection *c = context;
    (void)stream;
    if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_ERROR) == 0) {
        c->ended = true;
        if (c->busy) /* it may have closed its half only: the answer goes out first */
            return;
        read_question(c);
        return;
    }
    close_connection(c);
}

void dns_connection_send(struct dns_connection *c, struct bytes wire)
{
    uint8_t head[2];
    CHECK(wire.size <= MESSAGE_MAX && c->busy);
    put_u16(head, (uint16_t)wire.size);
    bufferevent_write(c->stream, head, sizeof head);
    bufferevent_write(c->stream, wire.data, wire.size);
}

void dns_connection_done(struct dns_connection *c)
{
    CHECK(c->busy);
    c->busy = false;
    c->owner = NULL;
    set_timer(c, IDLE_SECONDS);
    /* What came meanwhile raises no event of its own. Not now: others first, and no recursion. */
    bufferevent_trigger(c->stream, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void dns_connection_abort(struct dns_connection *c)
{
    c->owner = NULL;
    close_after_output(c);
}

void dns_connection_set_owner(struct dns_connection *c, void *owner)
{
    c->owner = owner;
}

void *dns_connection_owner(const struct dns_connection *c)
{
    return c->owner;
}

/* -------------------------------------------------------------------------------------------- */
/* Listening. */

static bool is_same_host(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    if (a->ss_family != b->sa_family)
        return false;
    if (b->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

static bool is_over_limit(const struct dns_server *s, const struct sockaddr *address)
{
    uint32_t of_host = 0;
    if (s->counters.connections >= LIMIT_DNS_CONNECTIONS)
        return true;
    for (const struct dns_connection *c = s->connections; c != NULL; c = c->next)
        of_host += is_same_host(&c->peer.address, address) ? 1 : 0;
    return of_host >= LIMIT_DNS_CONNECTIONS_PER_HOST;
}

static bool on_connection(void *context, uint32_t index, int fd, const struct sockaddr *address,
                          socklen_t size)
{
    struct dns_server *s = context;
    if (size == 0 || is_over_limit(s, address))
        return false;
    struct dns_connection *c = mem_alloc(sizeof *c);
    c->server = s;
    c->stream = mem_made(bufferevent_socket_new(s->config.base, fd, BEV_OPT_CLOSE_ON_FREE));
    c->timer = mem_made(evtimer_new(s->config.base, on_late, c));
    c->peer = (struct dns_peer){.connection = c, .socket = index, .size = size};
    memcpy(&c->peer.address, address, size);
    c->next = s->connections;
    if (c->next != NULL)
        c->next->previous = c;
    s->connections = c;
    s->counters.connections++;
    s->counters.accepted++;
    bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->stream, EV_READ, 0, 2 + MESSAGE_MAX);
    bufferevent_enable(c->stream, EV_READ | EV_WRITE);
    set_timer(c, IDLE_SECONDS);
    return true;
}

static void on_datagrams(evutil_socket_t fd, short what, void *context)
{
    struct dns_socket *socket = context;
    struct dns_server *s = socket->server;
    (void)what;
    for (int i = 0; i < DATAGRAMS_A_TURN && !s->stopping; i++) {
        struct dns_peer from = {.socket = socket->index};
        ssize_t size =
            datagram_receive(fd, s->buffer, sizeof s->buffer, &from.address, &from.size, &from.at);
        if (size < 0)
            return; /* none left, or an error of an earlier answer: the next turn tells */
        s->counters.datagrams++;
        if (size > 0)
            s->config.on_message(s->config.context, &from, bytes_make(s->buffer, (size_t)size));
    }
}

struct dns_server *dns_server_new(const struct dns_server_config *config)
{
    struct dns_server *s = mem_alloc(sizeof *s);
    s->config = *config;
    struct acceptor_config acceptor = {.base = config->base,
                                       .context = s,
                                       .event = "dns-accept",
                                       .descriptors_kept = DESCRIPTORS_KEPT,
                                       .refused = &s->counters.refused,
                                       .on_connection = on_connection};
    s->acceptor = acceptor_new(&acceptor);
    return s;
}

enum rsm_status dns_server_listen(struct dns_server *s, const char *address, char *text)
{
    struct sockaddr_storage parsed;
    socklen_t size;
    CHECK(s->socket_count < DNS_LISTEN_MAX);
    struct dns_socket *socket = &s->sockets[s->socket_count];
    struct sockaddr *target = (struct sockaddr *)&parsed;
    if (acceptor_parse(address, &parsed, &size, text) != RSM_OK)
        return RSM_IO;
    *socket =
        (struct dns_socket){.server = s, .family = target->sa_family, .index = s->socket_count};
    socket->fd = datagram_bind(target, size);
    if (socket->fd < 0) {
        snprintf(text, 256, "cannot listen on %s: %s", address, strerror(errno));
        return RSM_IO;
    }
    if (acceptor_listen(s->acceptor, target, size, address, text) != RSM_OK) {
        close(socket->fd);
        return RSM_IO;
    }
    socket->readable =
        mem_made(event_new(s->config.base, socket->fd, EV_READ | EV_PERSIST, on_datagrams, socket));
    event_add(socket->readable, NULL);
    s->socket_count++;
    return RSM_OK;
}

void dns_server_stop(struct dns_server *s)
{
    s->stopping = true;
    acceptor_stop(s->acceptor);
    for (uint32_t i = 0; i < s->socket_count; i++)
        event_del(s->sockets[i].readable);
}

void dns_server_close_all(struct dns_server *s)
{
    while (s->connections != NULL)
        close_connection(s->connections);
}

void dns_server_free(struct dns_server *s)
{
    if (s == NULL)
        return;
    CHECK(s->connections == NULL);
    for (uint32_t i = 0; i < s->socket_count; i++) {
        event_free(s->sockets[i].readable);
        close(s->sockets[i].fd);
    }
    acceptor_free(s->acceptor);
    mem_free(s);
}

void dns_server_send(struct dns_server *s, const struct dns_peer *to, struct bytes wire)
{
    CHECK(to->connection == NULL && to->socket < s->socket_count);
    if (!datagram_send(s->sockets[to->socket].fd, (const struct sockaddr *)&to->address, to->size,
                       &to->at, wire))
        s->counters.unsent++;
}

bool dns_server_socket_for(const struct dns_server *s, const struct sockaddr *to,
                           uint32_t *socket_out)
{
    for (uint32_t i = 0; i < s->socket_count; i++) {
        if (s->sockets[i].family == to->sa_family) {
            *socket_out = i;
            return true;
        }
    }
    return false;
}

const struct dns_server_counters *dns_server_counters(const struct dns_server *s)
{
    return &s->counters;
}
