/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer_link.h - connections between replicas.
 *
 * Each replica dials each other one and sends on the connection it dialled; what it receives comes
 * on the connections that it accepted. So a pair has two one-way connections, either may fail
 * alone, and there is no question who dials.
 *
 *   dialler -> acceptor   hello:   "RSMP", version u8, cluster 16, from u32, to u32,
 *                                  incarnation u64, nonce 32
 *   acceptor -> dialler   answer:  incarnation u64, nonce 32, signature 64
 *   dialler -> acceptor   proof:   signature 64
 *   dialler -> acceptor   frames:  size u32, bytes (peer_codec.h)
 *
 * A signature is Ed25519 by the replica's key, pinned in the genesis, over a tag that names the
 * side, and hello and answer up to the nonce: so each side proves its key for this very connection,
 * and the identity of a link is never taken from a message. Nothing is encrypted: see `plaintext`
 * in the configuration.
 *
 * Thread: the main loop's. A frame that cannot be sent is dropped: the core sends again.
 */
#ifndef RSM_NET_PEER_LINK_H
#define RSM_NET_PEER_LINK_H

#include <rsm/key.h>

#include "src/base/blob.h"
#include "src/command/genesis.h"

struct event_base;
struct peer_links;

struct peer_links_config {
    struct event_base *base;
    const struct genesis *genesis; /* borrowed */
    const struct rsm_key *key;     /* this replica's; borrowed */
    uint32_t self;
    uint64_t incarnation;
    const char *listen; /* "ip:port" */
    void *context;
    /* Whether a peer that has proved its key may be talked to under this incarnation. */
    bool (*accept)(void *context, uint32_t peer, uint64_t incarnation);
    /* A frame came from a proven peer; borrowed during the call. */
    void (*on_frame)(void *context, uint32_t from, struct bytes frame);
    /* A connection from or to a peer that had been proved is gone. */
    void (*on_lost)(void *context, uint32_t peer);
};

struct peer_links_counters {
    uint64_t refused; /* handshakes that failed */
    uint64_t dropped; /* frames that found no connection or a full buffer */
    uint64_t frames_in, frames_out;
    uint64_t bytes_in, bytes_out;
};

/* Listens and begins to dial. RSM_IO: `text` (of 256 bytes) says why. */
enum rsm_status peer_links_new(const struct peer_links_config *config,
                               struct peer_links **links_out, char *text);
/* Closes all; NULL is ignored. */
void peer_links_free(struct peer_links *links);

/* Queues a frame; peer_links_push sends what is queued. */
void peer_links_send(struct peer_links *links, uint32_t to, struct blob *frame);
/* Writes what is queued to the sockets, as far as they take it; the rest goes when they can. */
void peer_links_push(struct peer_links *links);

const struct peer_links_counters *peer_links_get_counters(const struct peer_links *links);

#endif
