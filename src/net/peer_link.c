/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer_link.c - states of a connection, and the function that makes each transition:
 *
 *   outgoing:  IDLE  -dial->  CONNECTING  -connected->  HELLO_SENT  -on_answer->  OPEN
 *   incoming:  (accepted)  WAIT_HELLO  -on_hello->  WAIT_PROOF  -on_proof->  OPEN
 *   either:    any error, any wrong byte, five seconds before OPEN   -drop->   IDLE or freed
 *
 * Sockets are read and written here, not through bufferevents: a frame must be on the wire before
 * the own flush begins, not one turn of the loop later.
 */
#include "src/net/peer_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <sodium.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/command/keyfile.h"
#include "src/command/signature.h"

#define LINK_VERSION 1u
#define HELLO_SIZE 69u /* "RSMP", version, cluster, from, to, incarnation, nonce */
#define ANSWER_HEAD_SIZE 40u
#define ANSWER_SIZE (ANSWER_HEAD_SIZE + SIGNATURE_SIZE)
#define NONCE_SIZE 32u
#define HANDSHAKE_SECONDS 5
#define DIAL_AGAIN_MS_MIN 20u
#define DIAL_AGAIN_MS_MAX 500u
#define OUTPUT_MAX (2u * LIMIT_PEER_FRAME_SIZE)
#define INCOMING_MAX 64u /* connections that are not proved yet, and proved ones */
#define READ_STEP (256u << 10)

enum link_state {
    LINK_IDLE = 1,
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
    uint32_t dial_again_ms;
    uint8_t transcript[HELLO_SIZE + ANSWER_HEAD_SIZE];
    struct link *next; /* incoming ones */
};

struct peer_links {
    struct peer_links_config config;
    struct evconnlistener *listener;
    struct link outgoing[REPLICA_MAX + 1];
    struct link *incoming;
    uint32_t incoming_count;
    struct peer_links_counters counters;
};

static const char acceptor_text[] = "rsm peer acceptor v1";
static const char dialler_text[] = "rsm peer dialler v1";
/* As SIGNATURE_TAG: the zero at the end is a part of it. */
static const struct signature_tag acceptor_tag = {acceptor_text, sizeof acceptor_text};
static const struct signature_tag dialler_tag = {dialler_text, sizeof dialler_text};

static void drop(struct link *l, const char *why);

static struct timeval milliseconds(uint32_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static void set_timer(struct link *l, uint32_t ms)
{
    struct timeval after = milliseconds(ms);
    event_add(l->timer, &after);
}

/* -------------------------------------------------------------------------------------------- */
/* Bytes. */

/* False when the connection is gone (and dropped). */
static bool write_out(struct link *l)
{
    while (evbuffer_get_length(l->out) > 0) {
        int written = evbuffer_write(l->out, l->fd);
        if (written > 0) {
            l->links->counters.bytes_out += (uint64_t)written;
            continue;
        }
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
            event_add(l->writable, NULL);
            return true;
        }
        drop(l, "the connection broke");
        return false;
    }
    return true;
}

static bool sign(struct link *l, struct signature_tag tag, uint8_t signature[SIGNATURE_SIZE])
{
    return key_sign(l->links->config.key, tag, (struct bytes){NULL, 0},
                    bytes_make(l->transcript, sizeof l->transcript), signature) == RSM_OK;
}

static bool verify(struct link *l, struct signature_tag tag, const uint8_t *signature)
{
    const struct genesis_member *member = genesis_member(l->links->config.genesis, l->peer);
    return member != NULL &&
           signature_verify(member->key, tag, (struct bytes){NULL, 0},
                            bytes_make(l->transcript, sizeof l->transcript), signature) == RSM_OK;
}

static void opened(struct link *l)
{
    l->state = LINK_OPEN;
    l->dial_again_ms = DIAL_AGAIN_MS_MIN;
    event_del(l->timer);
    LOG(LOG_INFO, "peer-link", LOG_U64("peer", l->peer),
        LOG_TEXT("direction", l->incoming ? "in" : "out"), LOG_TEXT("state", "open"));
}

/* False, and dropped, when the peer's disk is not the one that it had when we first met. */
static bool accept_incarnation(struct link *l)
{
    size_t place = l->incoming ? 29 : HELLO_SIZE;
    const struct peer_links_config *c = &l->links->config;
    if (c->accept(c->context, l->peer, get_u64(l->transcript + place)))
        return true;
    drop(l, "another incarnation: its disk was replaced or wiped; it must not vote as the old one");
    return false;
}

/* -------------------------------------------------------------------------------------------- */
/* The handshake. */

static bool send_hello(struct link *l)
{
    const struct peer_links_config *c = &l->links->config;
    uint8_t *h = l->transcript;
    memcpy(h, "RSMP", 4);
    h[4] = LINK_VERSION;
    memcpy(h + 5, c->genesis->cluster_id, CLUSTER_ID_SIZE);
    put_u32(h + 21, c->self);
    put_u32(h + 25, l->peer);
    put_u64(h + 29, c->incarnation);
    randombytes_buf(h + 37, NONCE_SIZE);
    evbuffer_add(l->out, h, HELLO_SIZE);
    l->state = LINK_HELLO_SENT;
    return write_out(l);
}

/* Acceptor: who is it, and for whom? Then our nonce and our proof. */
static bool on_hello(struct link *l)
{
    const struct peer_links_config *c = &l->links->config;
    uint8_t *h = l->transcript;
    if (evbuffer_get_length(l->in) < HELLO_SIZE)
        return true;
    evbuffer_remove(l->in, h, HELLO_SIZE);
    const char *wrong = NULL;
    l->peer = get_u32(h + 21);
    if (memcmp(h, "RSMP", 4) != 0)
        wrong = "no replica of this kind";
    else if (h[4] != LINK_VERSION)
        wrong = "another version of the protocol";
    else if (memcmp(h + 5, c->genesis->cluster_id, CLUSTER_ID_SIZE) != 0)
        wrong = "another cluster";
    else if (get_u32(h + 25) != c->self)
        wrong = "it wants another replica";
    else if (l->peer == c->self || genesis_member(c->genesis, l->peer) == NULL)
        wrong = "no member";
    if (wrong != NULL) {
        drop(l, wrong);
        return false;
    }
    uint8_t signature[SIGNATURE_SIZE];
    put_u64(h + HELLO_SIZE, c->incarnation);
    randombytes_buf(h + HELLO_SIZE + 8, NONCE_SIZE);
    if (!sign(l, acceptor_tag, signature)) {
        drop(l, "cannot sign");
        return false;
    }
    evbuffer_add(l->out, h + HELLO_SIZE, ANSWER_HEAD_SIZE);
    evbuffer_add(l->out, signature, sizeof signature);
    l->state = LINK_WAIT_PROOF;
    return write_out(l);
}

static bool on_answer(struct link *l)
{
    uint8_t signature[SIGNATURE_SIZE];
    if (evbuffer_get_length(l->in) < ANSWER_SIZE)
        return true;
    evbuffer_remove(l->in, l->transcript + HELLO_SIZE, ANSWER_HEAD_SIZE);
    evbuffer_remove(l->in, signature, sizeof signature);
    if (!verify(l, acceptor_tag, signature) || !sign(l, dialler_tag, signature)) {
        drop(l, "the peer could not prove who it is");
        return false;
    }
    if (!accept_incarnation(l))
        return false;
    evbuffer_add(l->out, signature, sizeof signature);
    opened(l);
    return write_out(l);
}

static bool on_proof(struct link *l)
{
    uint8_t signature[SIGNATURE_SIZE];
    if (evbuffer_get_length(l->in) < SIGNATURE_SIZE)
        return true;
    evbuffer_remove(l->in, signature, sizeof signature);
    if (!verify(l, dialler_tag, signature)) {
        drop(l, "the peer could not prove who it is");
        return false;
    }
    if (!accept_incarnation(l))
        return false;
    opened(l);
    return true;
}

/* -------------------------------------------------------------------------------------------- */
/* Frames. */

static bool on_frames(struct link *l)
{
    if (!l->incoming) {
        if (evbuffer_get_length(l->in) > 0) {
            drop(l, "bytes where none may come");
            return false;
        }
        return true;
    }
    for (;;) {
        uint8_t head[4];
        if (evbuffer_copyout(l->in, head, sizeof head) < (ssize_t)sizeof head)
            return true;
        uint32_t size = get_u32(head);
        if (size == 0 || size > LIMIT_PEER_FRAME_SIZE) {
            drop(l, "a frame of an impossible size");
            return false;
        }
        if (evbuffer_get_length(l->in) < sizeof head + size)
            return true;
        const uint8_t *bytes = evbuffer_pullup(l->in, (ssize_t)(sizeof head + size));
        if (bytes == NULL) {
            drop(l, "no memory for a frame");
            return false;
        }
        l->links->counters.frames_in++;
        l->links->config.on_frame(l->links->config.context, l->peer,
                                  bytes_make(bytes + sizeof head, size));
        evbuffer_drain(l->in, sizeof head + size);
    }
}

static bool advance(struct link *l)
{
    enum link_state before;
    do {
        before = l->state;
        bool alive = true;
        switch (l->state) {
        case LINK_IDLE:
        case LINK_CONNECTING:
            break;
        case LINK_HELLO_SENT:
            alive = on_answer(l);
            break;
        case LINK_WAIT_HELLO:
            alive = on_hello(l);
            break;
        case LINK_WAIT_PROOF:
            alive = on_proof(l);
            break;
        case LINK_OPEN:
            alive = on_frames(l);
            break;
        }
        if (!alive)
            return false;
    } while (l->state != before);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct link *l = context;
    (void)what;
    int got = evbuffer_read(l->in, fd, READ_STEP);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(l, got == 0 ? "the peer closed the connection" : "the connection broke");
        return;
    }
    l->links->counters.bytes_in += (uint64_t)got;
    advance(l);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    struct link *l = context;
    (void)what;
    if (l->state == LINK_CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
            drop(l, "cannot connect");
            return;
        }
        event_add(l->readable, NULL);
        send_hello(l);
        return;
    }
    write_out(l);
}

/* -------------------------------------------------------------------------------------------- */
/* Connections. */

static void watch(struct link *l, int fd)
{
    l->fd = fd;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    l->readable = event_new(l->links->config.base, fd, EV_READ | EV_PERSIST, on_readable, l);
    l->writable = event_new(l->links->config.base, fd, EV_WRITE, on_writable, l);
    l->in = evbuffer_new();
    l->out = evbuffer_new();
    CHECK(l->readable != NULL && l->writable != NULL && l->in != NULL && l->out != NULL);
}

static void close_socket(struct link *l)
{
    if (l->fd < 0)
        return;
    event_free(l->readable);
    event_free(l->writable);
    evbuffer_free(l->in);
    evbuffer_free(l->out);
    close(l->fd);
    l->fd = -1;
}

static void dial(struct link *l)
{
    const struct genesis_member *member = genesis_member(l->links->config.genesis, l->peer);
    char text[GENESIS_ADDRESS_SIZE + 1] = {0};
    struct sockaddr_storage address;
    int size = (int)sizeof address;
    memcpy(text, member->peer_address.data, member->peer_address.size);
    set_timer(l, HANDSHAKE_SECONDS * 1000);
    if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &size) != 0) {
        drop(l, "its address in the genesis is none");
        return;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        drop(l, "no socket is to be had");
        return;
    }
    watch(l, fd);
    l->state = LINK_CONNECTING;
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)size) != 0 && errno != EINPROGRESS) {
        drop(l, "cannot connect");
        return;
    }
    event_add(l->writable, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct link *l = context;
    (void)fd;
    (void)what;
    if (l->state == LINK_IDLE)
        dial(l);
    else
        drop(l, "the handshake took too long");
}

static void unlink_incoming(struct link *l)
{
    struct link **at = &l->links->incoming;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    l->links->incoming_count--;
    event_free(l->timer);
    mem_free(l);
}

static void drop(struct link *l, const char *why)
{
    struct peer_links *links = l->links;
    bool was_open = l->state == LINK_OPEN;
    uint32_t peer = l->peer;
    if (was_open || l->incoming || l->state == LINK_HELLO_SENT)
        LOG(LOG_WARNING, "peer-link", LOG_U64("peer", peer),
            LOG_TEXT("direction", l->incoming ? "in" : "out"), LOG_TEXT("state", "closed"),
            LOG_TEXT("why", why));
    if (!was_open && (l->incoming || l->state == LINK_HELLO_SENT))
        links->counters.refused++;
    close_socket(l);
    if (l->incoming) {
        unlink_incoming(l);
    } else {
        l->state = LINK_IDLE;
        set_timer(l, l->dial_again_ms);
        l->dial_again_ms =
            l->dial_again_ms * 2 > DIAL_AGAIN_MS_MAX ? DIAL_AGAIN_MS_MAX : l->dial_again_ms * 2;
    }
    if (was_open)
        links->config.on_lost(links->config.context, peer);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int size, void *context)
{
    struct peer_links *links = context;
    (void)listener;
    (void)address;
    (void)size;
    if (links->incoming_count >= INCOMING_MAX) {
        links->counters.refused++;
        close(fd);
        return;
    }
    struct link *l = mem_alloc(sizeof *l);
    l->links = links;
    l->incoming = true;
    l->state = LINK_WAIT_HELLO;
    l->timer = evtimer_new(links->config.base, on_timer, l);
    CHECK(l->timer != NULL);
    watch(l, fd);
    l->next = links->incoming;
    links->incoming = l;
    links->incoming_count++;
    set_timer(l, HANDSHAKE_SECONDS * 1000);
    event_add(l->readable, NULL);
}

/* Out of descriptors: accept again later, the listener would fire without end. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    struct peer_links *links = context;
    LOG(LOG_ERROR, "accept", LOG_TEXT("text", strerror(errno)));
    evconnlistener_disable(listener);
    links->counters.refused++;
}

static void on_listener_again(struct peer_links *links)
{
    /* evconnlistener_enable does nothing when it is enabled. */
    evconnlistener_enable(links->listener);
}

/* -------------------------------------------------------------------------------------------- */

static enum rsm_status listen_on(struct peer_links *links, char *text)
{
    struct sockaddr_storage address;
    int size = (int)sizeof address;
    if (evutil_parse_sockaddr_port(links->config.listen, (struct sockaddr *)&address, &size) == 0)
        links->listener = evconnlistener_new_bind(links->config.base, on_accept, links,
                                                  LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
                                                      LEV_OPT_REUSEABLE,
                                                  64, (struct sockaddr *)&address, size);
    if (links->listener == NULL) {
        snprintf(text, 256, "cannot listen on %s: %s", links->config.listen, strerror(errno));
        return RSM_IO;
    }
    evconnlistener_set_error_cb(links->listener, on_accept_error);
    return RSM_OK;
}

enum rsm_status peer_links_new(const struct peer_links_config *config,
                               struct peer_links **links_out, char *text)
{
    struct peer_links *links = mem_alloc(sizeof *links);
    links->config = *config;
    enum rsm_status status = listen_on(links, text);
    if (status != RSM_OK) {
        mem_free(links);
        *links_out = NULL;
        return status;
    }
    for (uint32_t i = 0; i < config->genesis->member_count; i++) {
        uint32_t peer = config->genesis->members[i].id;
        if (peer == config->self)
            continue;
        struct link *l = &links->outgoing[peer];
        l->links = links;
        l->peer = peer;
        l->fd = -1;
        l->state = LINK_IDLE;
        l->dial_again_ms = DIAL_AGAIN_MS_MIN;
        l->timer = evtimer_new(config->base, on_timer, l);
        CHECK(l->timer != NULL);
        set_timer(l, 0);
    }
    *links_out = links;
    return RSM_OK;
}

void peer_links_free(struct peer_links *links)
{
    if (links == NULL)
        return;
    while (links->incoming != NULL) {
        close_socket(links->incoming);
        unlink_incoming(links->incoming);
    }
    for (uint32_t peer = 1; peer <= REPLICA_MAX; peer++) {
        struct link *l = &links->outgoing[peer];
        if (l->links == NULL)
            continue;
        close_socket(l);
        event_free(l->timer);
    }
    evconnlistener_free(links->listener);
    mem_free(links);
}

void peer_links_send(struct peer_links *links, uint32_t to, struct blob *frame)
{
    CHECK(to >= 1 && to <= REPLICA_MAX);
    struct link *l = &links->outgoing[to];
    uint8_t head[4];
    if (l->links == NULL || l->state != LINK_OPEN ||
        evbuffer_get_length(l->out) + frame->size > OUTPUT_MAX) {
        links->counters.dropped++;
        return;
    }
    put_u32(head, frame->size);
    evbuffer_add(l->out, head, sizeof head);
    evbuffer_add(l->out, frame->data, frame->size);
    links->counters.frames_out++;
}

void peer_links_push(struct peer_links *links)
{
    on_listener_again(links);
    for (uint32_t peer = 1; peer <= REPLICA_MAX; peer++) {
        struct link *l = &links->outgoing[peer];
        if (l->links != NULL && l->state == LINK_OPEN && evbuffer_get_length(l->out) > 0 &&
            !event_pending(l->writable, EV_WRITE, NULL))
            write_out(l);
    }
}

const struct peer_links_counters *peer_links_get_counters(const struct peer_links *links)
{
    return &links->counters;
}
