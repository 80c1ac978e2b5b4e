/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_server.h - sockets of a DNS server: datagrams, and connections as RFC 7766 wants them.
 *
 * Bytes only: what a message means is the owner's business. A connection has one question in hand
 * at a time; what a client sends meanwhile (pipelining) waits in its buffer, and then in its
 * socket. An answer of many messages is fetched one by one as the client reads them (on_room), so
 * that at most about one message waits in memory for each connection.
 *
 * Limits: connections in all and of one address, the time for a question to come whole (counted
 * from the last answer: sending slowly does not lengthen it), the time in which a client must read
 * something of its answer.
 *
 * Thread: the main loop's.
 */
#ifndef RSM_NET_DNS_SERVER_H
#define RSM_NET_DNS_SERVER_H

#include <stdbool.h>
#include <sys/socket.h>

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/net/acceptor.h"
#include "src/net/datagram.h"

struct event_base;
struct dns_server;
struct dns_connection;

#define DNS_LISTEN_MAX ACCEPTOR_LISTEN_MAX

/* Where a message came from, and the answer goes to. To be copied. */
struct dns_peer {
    struct dns_connection *connection; /* NULL: a datagram */
    uint32_t socket;                   /* index of the listening address */
    socklen_t size;
    struct sockaddr_storage address;
    struct datagram_end at; /* of a datagram: which of our addresses it came to */
};

struct dns_server_config {
    struct event_base *base;
    void *context;
    /*
     * A message came: at least 1 and at most 65,535 bytes, borrowed. Of a connection nothing more
     * comes until dns_connection_done.
     */
    void (*on_message)(void *context, const struct dns_peer *from, struct bytes wire);
    /* All that was sent on the connection has gone to the system, and its question is in hand. */
    void (*on_room)(void *context, struct dns_connection *connection);
    /* It is gone; do not use it any more. Only told while its question is in hand. */
    void (*on_closed)(void *context, struct dns_connection *connection);
};

struct dns_server_counters {
    uint64_t connections; /* open now */
    uint64_t accepted;
    uint64_t refused;   /* over a limit */
    uint64_t timed_out; /* closed: idle, too slow, not reading */
    uint64_t datagrams; /* that came */
    uint64_t unsent;    /* datagrams that the system did not take */
};

/* Listens nowhere yet. Copies the configuration, whose pointers must outlive it. */
struct dns_server *dns_server_new(const struct dns_server_config *config);
/* Closes all connections; on_closed is told of those that are busy. */
void dns_server_close_all(struct dns_server *s);
/* After dns_server_close_all. NULL is ignored. */
void dns_server_free(struct dns_server *s);
/* UDP and TCP on "ip:port". RSM_IO: `text` (256 bytes) says why. */
enum rsm_status dns_server_listen(struct dns_server *s, const char *address, char *text);
/* Takes no more connections and no more questions. */
void dns_server_stop(struct dns_server *s);

/* One datagram; lost when the system has no room. */
void dns_server_send(struct dns_server *s, const struct dns_peer *to, struct bytes wire);
/* The index of a listening address of the same family, to send from; false: there is none. */
bool dns_server_socket_for(const struct dns_server *s, const struct sockaddr *to,
                           uint32_t *socket_out);

/* A message of the answer. */
void dns_connection_send(struct dns_connection *c, struct bytes wire);
/* The answer is complete: the next question may come. */
void dns_connection_done(struct dns_connection *c);
/* The answer cannot be completed: what was sent goes out, then it is closed, without on_closed. */
void dns_connection_abort(struct dns_connection *c);
/* The owner's own pointer; NULL at first. */
void dns_connection_set_owner(struct dns_connection *c, void *owner);
void *dns_connection_owner(const struct dns_connection *c);

/* Since it was made; borrowed. */
const struct dns_server_counters *dns_server_counters(const struct dns_server *s);

#endif
