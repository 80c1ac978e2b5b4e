/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer_link.h - connections between replicas.
 *
 * Each replica dials each other one and sends on the connection it dialled; what it receives comes
 * on the connections that it accepted. So a pair has two one-way connections, either may fail
 * alone, and there is no question who dials.
 *
 *   dialler -> acceptor   hello
 *   acceptor -> dialler   answer, or a refusal
 *   dialler -> acceptor   proof
 *   dialler -> acceptor   frames:  size u32, CRC-32C of the bytes, CRC-32C of both, bytes
 *                         (peer_codec.h)
 *
 * peer_hello.h has the bytes. A signature is Ed25519 by the replica's key, which the members' table
 * names, over a tag that names the side, and the transcript: so each side proves its key for this
 * very connection, and the identity of a link is never taken from a message. Nothing is encrypted:
 * see `plaintext` in the configuration.
 *
 * The table changes at run time, as members come and go. Who is in it is dialled, whatever became
 * of it before; who is not is refused with a code, and tries again, at longer and longer intervals.
 *
 * A data directory's incarnation is proved with the key, and `accept` says whether the peer may be
 * talked to under it. All open links of a peer are of one incarnation: when another one is
 * accepted, those of the old one are closed before the new link takes its first frame.
 *
 * Behind a narrow link bulk (values: accepts, pieces of the log, of a snapshot) would make
 * heartbeats and votes wait for minutes: it has a queue of its own, a short one, and the kernel's
 * is kept short as well. A connection whose bytes are not confirmed for some seconds is made anew,
 * so that a link that comes back is not waited for as long as it was away.
 *
 * Thread: the main loop's. A frame that cannot be sent is dropped: the core sends again.
 */
#ifndef RSM_NET_PEER_LINK_H
#define RSM_NET_PEER_LINK_H

#include <rsm/key.h>

#include "src/base/blob.h"
#include "src/machine/members.h"

struct event_base;
struct peer_links;

struct peer_links_config {
    struct event_base *base;
    const uint8_t *cluster_id; /* CLUSTER_ID_SIZE bytes; borrowed */
    const struct rsm_key *key; /* this replica's; borrowed */
    uint32_t self;
    struct incarnation incarnation; /* said to the peers: see peer_hello.h */
    const char *listen;             /* "ip:port" */
    void *context;
    /*
     * Whether a peer that has proved its key may be talked to as what it says it is. Asked for
     * each connection. What it accepts is accepted for good: it is durable when this returns.
     */
    bool (*accept)(void *context, uint32_t peer, const struct incarnation *incarnation);
    /* A frame came from a proven peer; borrowed during the call. */
    void (*on_frame)(void *context, uint32_t from, struct bytes frame);
    /*
     * A peer refused this replica, and sent what its log was recovered with; as it came, of at most
     * PEER_PROOF_SIZE_MAX bytes. May be NULL.
     */
    void (*on_left_behind)(void *context, struct bytes body);
    /* A connection from or to a peer that had been proved is gone. */
    void (*on_lost)(void *context, uint32_t peer);
};

struct peer_links_counters {
    uint64_t refused; /* handshakes that failed */
    uint64_t dropped; /* frames that found no connection or a full buffer */
    uint64_t frames_in, frames_out;
    uint64_t bytes_in, bytes_out;
};

/* Listens; nobody is a member yet. RSM_IO: `text` (of 256 bytes) says why. */
enum rsm_status peer_links_new(const struct peer_links_config *config,
                               struct peer_links **links_out, char *text);
/* Closes all; NULL is ignored. */
void peer_links_free(struct peer_links *links);

/*
 * The members from now on: those of `current`, and of `next` when its version is not 0. New ones
 * are dialled, those that are gone are closed, an address that changed is dialled beside the old
 * one until one of them answers. Where both name a member, `next` has the key. Copied. Not from
 * inside a callback of the links.
 */
void peer_links_set_members(struct peer_links *links, const struct member_config *current,
                            const struct member_config *next);
/* What `accept` says may have changed: open links whose incarnation it does not take are closed. */
void peer_links_recheck(struct peer_links *links);
/* This replica goes on under another incarnation: all connections are closed and made anew. */
void peer_links_set_identity(struct peer_links *links, const struct incarnation *incarnation);

/* What is sent with a refusal of a disk or member that is none any more; copied, empty: nothing. */
void peer_links_set_proof(struct peer_links *links, struct bytes proof);

/* The port that it listens on. */
uint16_t peer_links_port(const struct peer_links *links);
/* True when frames can be sent to the peer now. */
bool peer_links_is_open(const struct peer_links *links, uint32_t peer);

/*
 * Why the peer talks to this replica no more, or is talked to no more, when one of them refused the
 * other last; else "". Static memory.
 */
const char *peer_links_refusal(const struct peer_links *links, uint32_t peer);

/*
 * Queues a frame; peer_links_push sends what is queued. While a slow connection has not taken what
 * was queued before, bulk waits behind what is not bulk, and is dropped when much of it waits.
 */
void peer_links_send(struct peer_links *links, uint32_t to, struct blob *frame, bool is_bulk);
/* Bytes that were sent to the peer and that its host has not confirmed; 0 when there is no link. */
size_t peer_links_backlog(const struct peer_links *links, uint32_t to);
/* Writes what is queued to the sockets, as far as they take it; the rest goes when they can. */
void peer_links_push(struct peer_links *links);

/* Since they were made; borrowed. */
const struct peer_links_counters *peer_links_get_counters(const struct peer_links *links);

#endif
