/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer_link_internal.h - for peer_link.c (connections, members) and peer_handshake.c alone. */
#ifndef RSM_NET_PEER_LINK_INTERNAL_H
#define RSM_NET_PEER_LINK_INTERNAL_H

#include <event2/buffer.h>
#include <event2/event.h>

#include "src/base/limits.h"
#include "src/net/acceptor.h"
#include "src/net/inlet.h"
#include "src/net/peer_hello.h"
#include "src/net/peer_link.h"

/*
 * In front of a frame. TCP's own sum lets one damaged segment in some ten thousand pass, and a bit
 * that is another one in a slot or a value would be believed: it is chosen under another digest.
 */
#define LINK_FRAME_HEAD_SIZE 12u

enum link_state {
    LINK_UNUSED = 0, /* outgoing: the peer is no member */
    LINK_IDLE,
    LINK_CONNECTING,
    LINK_HELLO_SENT,
    LINK_WAIT_HELLO,
    LINK_WAIT_PROOF,
    LINK_OPEN,
};

struct link {
    struct peer_links *links;
    enum link_state state;
    uint32_t peer; /* outgoing: whom we dial; incoming: who it says it is, from WAIT_PROOF on */
    bool incoming;
    int fd;
    struct event *readable; /* owned */
    struct event *writable; /* owned */
    struct event *timer;    /* owned: the handshake's limit, or when to dial again */
    struct evbuffer *in;    /* owned */
    struct evbuffer *out;   /* owned */
    struct evbuffer *bulk;  /* owned: whole frames that leave when `out` is empty */
    uint32_t dial_again_ms;
    bool refused; /* outgoing: the last try was, with a code */
    uint32_t dials;
    struct incarnation incarnation; /* the peer's; valid from the answer or the hello on */
    uint8_t transcript[PEER_TRANSCRIPT_SIZE];
    struct link *next; /* incoming ones */
};

struct peer {
    bool is_member;
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    char addresses[2][LIMIT_ADDRESS_SIZE + 1]; /* dialled in turn; the second may be empty */
    uint8_t refused; /* the last reason that was logged; 0: none since a link was open */
};

struct peer_links {
    struct peer_links_config config;
    struct acceptor *acceptor; /* owned */
    struct inlet *inlet;       /* owned */
    struct peer peers[REPLICA_MAX + 1];
    struct link outgoing[REPLICA_MAX + 1];
    struct link *incoming;
    uint32_t incoming_count;
    /* A frame may end its own link (an incarnation changes): then its bytes stay until it is done.
     */
    struct link *handling;    /* whose frame is being handled; NULL: none, or that link has ended */
    struct evbuffer *handled; /* owned: the bytes of one that has ended */
    struct peer_links_counters counters;
    uint8_t proof[PEER_PROOF_SIZE_MAX];
    size_t proof_size;
};

/* ---- peer_link.c ---- */

/* Closes; an outgoing link dials again later, an incoming one is freed. */
void link_drop(struct link *l, const char *why);
/* Dial now, if it waits. */
void link_dial_soon(struct link *l);
/* Drops the open links of the peer that are not of the incarnation of `l`. */
void link_close_other_incarnations(struct link *l);

/* ---- peer_output.c ---- */

/* How the sockets of both sides wait, and for how long. */
void link_set_socket(int fd);
/* False when the connection is gone (and dropped). */
bool link_write_out(struct link *l);

/* ---- peer_handshake.c ---- */

/* The connection stands; false when it is gone already (and dropped). */
bool link_send_hello(struct link *l);
/* Bytes have come: takes what is whole. False when the link was dropped. */
bool link_advance(struct link *l);

#endif
