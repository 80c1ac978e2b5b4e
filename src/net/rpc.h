/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rpc.h - MessagePack-RPC for clients, to the letter of its specification.
 *
 *     request       [0, msgid, method, params]      response   [1, msgid, error, result]
 *     notification  [2, method, params]
 *
 * Raw TCP or a unix socket; the objects follow each other in the stream; nothing comes first.
 * Tolerant of what real clients send (docs/protocol.md): method names as str or bin, integers of
 * any width, unknown notifications (ignored), responses that nobody asked for (ignored). The bytes
 * of an object are scanned before anything is allocated for it (src/command/canonical.h). Where
 * framing is lost the connection is closed, otherwise each request has its answer.
 *
 * Limits: connections in all, requests in flight, frame size, output that is not read, and half a
 * minute for a frame that has begun.
 *
 * Thread: the main loop's.
 */
#ifndef RSM_NET_RPC_H
#define RSM_NET_RPC_H

#include <rsm/status.h>

#include "src/base/bytes.h"

struct event_base;
struct rpc_server;
struct rpc_connection;

/* One request; the handler owns it until rpc_answer or rpc_answer_error, now or later. */
struct rpc_request {
    struct rpc_connection *connection; /* owned reference */
    struct bytes method;               /* in `bytes` */
    struct bytes params;               /* an array, as it came */
    uint8_t *bytes;                    /* owned: method and params */
    uint8_t msgid[9];                  /* as it came, to be echoed */
    uint8_t msgid_size;
};

struct rpc_config {
    struct event_base *base;
    uint32_t connections_max;
    void *context;
    void (*on_request)(void *context, struct rpc_request *request);
    /* The connection is gone; its id is never used again. */
    void (*on_closed)(void *context, struct rpc_connection *connection);
};

struct rpc_counters {
    uint64_t connections; /* open now */
    uint64_t accepted;
    uint64_t refused; /* connections over the limit */
    uint64_t requests;
    uint64_t errors;
    uint64_t closed_bad; /* framing lost, too slow, not reading */
};

/* Listens nowhere yet. Copies the configuration, whose pointers must outlive it. */
struct rpc_server *rpc_new(const struct rpc_config *config);
/* Closes everything; answers to requests still held are dropped. NULL is ignored. */
void rpc_free(struct rpc_server *server);

/* "ip:port". RSM_IO: `text` (256 bytes) says why. */
enum rsm_status rpc_listen(struct rpc_server *server, const char *address, char *text);
/* A stale socket file is replaced, one that somebody listens on is not (RSM_LOCKED). Mode 0600. */
enum rsm_status rpc_listen_unix(struct rpc_server *server, const char *path, char *text);
/* Takes no more connections and no more requests; answers still go out. */
void rpc_stop_accepting(struct rpc_server *server);
/* True when every answer has been handed to the system. */
bool rpc_is_drained(const struct rpc_server *server);
/*
 * Ends a turn of the loop: what was answered since the last one goes to the sockets, each
 * connection's answers together, without waiting for the event that it may be written to.
 */
void rpc_push(struct rpc_server *server);

/* `result` is one packed object. Frees the request. */
void rpc_answer(struct rpc_request *request, struct bytes result);
/*
 * "CODE details: text", details of the form "key=value key=value" (each with a value without
 * spaces or '=', 255 bytes in all) or NULL. Frees the request.
 */
void rpc_answer_error(struct rpc_request *request, enum rsm_status status, const char *details,
                      const char *text);

/*
 * From now on errors of this connection are maps {"code", "details", "text"} instead of strings.
 * Existing clients break on maps, so that they are only sent to who asked for them (`hello`).
 */
void rpc_set_error_maps(struct rpc_connection *connection, bool on);

/* Sends [2, method, params]; `params` is one packed array. False when the client does not read:
 * the connection is then about to be closed. */
bool rpc_notify(struct rpc_connection *connection, const char *method, struct bytes params);

/* True while the client reads fast enough that more may be sent; see rpc_notify. */
bool rpc_has_room(const struct rpc_connection *connection);

/* A number for each connection, in the order of arrival, from 1. */
uint64_t rpc_connection_id(const struct rpc_connection *connection);

/* Since it was made; borrowed. */
const struct rpc_counters *rpc_get_counters(const struct rpc_server *server);

#endif
