/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h - one stream to a replica: bytes out, whole MessagePack objects in.
 *
 *   closed -- connection_open --> connecting -- connection_ready --> open
 *   any -- an error, the peer's end, bytes that are no object, connection_close --> closed
 *
 * Registers its descriptor with an epoll that belongs to the client. What the other side may make
 * us hold is bounded by CONNECTION_MESSAGE_SIZE_MAX; its bytes pass the scan before anybody else
 * sees them.
 */
#ifndef RSM_CLIENT_CONNECTION_H
#define RSM_CLIENT_CONNECTION_H

#include <rsm/status.h>

#include "src/base/bytes.h"
#include "src/base/limits.h"
#include "src/client/endpoint.h"
#include "src/command/canonical.h"

#define CONNECTION_MESSAGE_SIZE_MAX (LIMIT_ANSWER_SIZE + 4096u)
#define CONNECTION_OUTPUT_SIZE_MAX (64u << 20)

struct connection {
    int poll;       /* borrowed */
    int descriptor; /* -1 when closed */
    bool is_connecting;
    bool wants_write; /* what epoll was told */

    struct writer out; /* not sent yet: from out_sent on */
    size_t out_sent;

    uint8_t *in; /* owned; received and not taken yet: [in_first, in_end) */
    size_t in_first, in_end, in_capacity;
    struct scan scan; /* of the object that begins at in_first */
};

void connection_init(struct connection *c, int poll);
void connection_deinit(struct connection *c);

/* Begins to connect. RSM_CANNOT_CONNECT, RSM_IO: closed. */
enum rsm_status connection_open(struct connection *c, const struct endpoint *endpoint);
/* Drops what was not sent and what was not taken. */
void connection_close(struct connection *c);
bool connection_is_closed(const struct connection *c);
bool connection_is_open(const struct connection *c);

/* Sends at once what the system takes, keeps the rest. RSM_CLOSED: closed; RSM_BUSY: no room. */
enum rsm_status connection_send(struct connection *c, struct bytes message);

/*
 * After epoll said that there is something: finishes connecting, writes, reads. *received_out:
 * bytes came. RSM_CANNOT_CONNECT, RSM_CLOSED: closed, but what came before may still be taken.
 */
enum rsm_status connection_ready(struct connection *c, bool *received_out);

/*
 * The next whole object, borrowed until the next call of connection_ready; empty when there is
 * none. RSM_MALFORMED and the scan's other statuses: framing is lost; the caller closes.
 */
enum rsm_status connection_take(struct connection *c, struct bytes *message_out);

#endif
