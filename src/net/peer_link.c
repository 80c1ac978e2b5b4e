/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer_link.c - states of a connection, and the function that makes each transition:
 *
 *   outgoing:  IDLE  -dial->  CONNECTING  -connected->  HELLO_SENT  -on_answer->  OPEN
 *   incoming:  (accepted)  WAIT_HELLO  -on_hello->  WAIT_PROOF  -on_proof->  OPEN
 *   either:    any error, any wrong byte, five seconds before OPEN   -drop->   IDLE or freed
 *              the peer is no member any more                        -close->  unused or freed
 *
 * Sockets are read and written here, not through bufferevents: a frame must be on the wire before
 * the own flush begins, not one turn of the loop later.
 */
#include "src/net/peer_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/util.h>

#include "src/base/bytes.h"
#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/net/peer_link_internal.h"

#define HANDSHAKE_SECONDS 5
#define DIAL_AGAIN_MS_MIN 20u
#define DIAL_AGAIN_MS_MAX 500u
#define REFUSED_AGAIN_MS_MAX 4000u /* whoever was refused waits for a person */
#define INCOMING_MAX 64u           /* connections that are not proved yet, and proved ones */

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

void link_dial_soon(struct link *l)
{
    l->dial_again_ms = DIAL_AGAIN_MS_MIN;
    if (l->state == LINK_IDLE)
        set_timer(l, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct link *l = context;
    (void)what;
    size_t size;
    switch (inlet_read(l->links->inlet, fd, l->in, &size)) {
    case INLET_BYTES:
        l->links->counters.bytes_in += size;
        link_advance(l);
        return;
    case INLET_NOTHING:
        return;
    case INLET_CLOSED:
        link_drop(l, "the peer closed the connection");
        return;
    case INLET_BROKEN:
        link_drop(l, "the connection broke");
        return;
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    struct link *l = context;
    (void)what;
    if (l->state == LINK_CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
            link_drop(l, "cannot connect");
            return;
        }
        event_add(l->readable, NULL);
        link_send_hello(l);
        return;
    }
    link_write_out(l);
}

/* -------------------------------------------------------------------------------------------- */
/* Connections. */

static void watch(struct link *l, int fd)
{
    l->fd = fd;
    link_set_socket(fd);
    l->readable =
        mem_made(event_new(l->links->config.base, fd, EV_READ | EV_PERSIST, on_readable, l));
    l->writable = mem_made(event_new(l->links->config.base, fd, EV_WRITE, on_writable, l));
    l->in = mem_made(evbuffer_new());
    l->out = mem_made(evbuffer_new());
    l->bulk = mem_made(evbuffer_new());
}

static void close_socket(struct link *l)
{
    if (l->fd < 0)
        return;
    event_free(l->readable);
    event_free(l->writable);
    if (l->in != NULL)
        evbuffer_free(l->in);
    evbuffer_free(l->out);
    evbuffer_free(l->bulk);
    close(l->fd);
    l->fd = -1;
}

static void dial(struct link *l)
{
    const struct peer *peer = &l->links->peers[l->peer];
    const char *text = peer->addresses[peer->addresses[1][0] != '\0' ? l->dials % 2 : 0];
    struct sockaddr_storage address;
    int size = (int)sizeof address;
    l->dials++;
    set_timer(l, HANDSHAKE_SECONDS * 1000);
    if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &size) != 0) {
        link_drop(l, "its address is none");
        return;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        link_drop(l, "no socket is to be had");
        return;
    }
    watch(l, fd);
    l->state = LINK_CONNECTING;
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)size) != 0 && errno != EINPROGRESS) {
        link_drop(l, "cannot connect");
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
        link_drop(l, "the handshake took too long");
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

const char *peer_links_refusal(const struct peer_links *links, uint32_t peer)
{
    CHECK(peer >= 1 && peer <= REPLICA_MAX);
    uint8_t code = links->peers[peer].refused;
    return code != 0 ? peer_refusal_text(code) : "";
}

/* A peer that is refused again and again for the same reason is logged once. */
static enum log_level level_of(struct link *l, const char *why)
{
    struct peer *peer = l->peer <= REPLICA_MAX ? &l->links->peers[l->peer] : &l->links->peers[0];
    uint8_t code = 0;
    for (uint8_t i = PEER_REFUSED_VERSION; i <= PEER_REFUSED_INCARNATION; i++)
        if (strcmp(why, peer_refusal_text(i)) == 0)
            code = i;
    if (code != 0 && code == peer->refused)
        return LOG_DEBUG;
    peer->refused = code != 0 ? code : peer->refused;
    return LOG_WARNING;
}

/* Back to where it began: an outgoing link is idle, an incoming one is gone. */
static void end(struct link *l, const char *why)
{
    struct peer_links *links = l->links;
    bool was_open = l->state == LINK_OPEN;
    uint32_t peer = l->peer;
    if (was_open && !l->refused)
        l->dial_again_ms = DIAL_AGAIN_MS_MIN;
    enum log_level level = LOG_DEBUG;
    if (was_open || l->incoming || l->state == LINK_HELLO_SENT)
        level = level_of(l, why);
    if (level != LOG_DEBUG)
        LOG(level, "peer-link", LOG_U64("peer", peer),
            LOG_TEXT("direction", l->incoming ? "in" : "out"), LOG_TEXT("state", "closed"),
            LOG_TEXT("why", why));
    if (!was_open && (l->incoming || l->state == LINK_HELLO_SENT))
        links->counters.refused++;
    if (links->handling == l) {
        links->handling = NULL;
        links->handled = l->in;
        l->in = NULL;
    }
    close_socket(l);
    if (l->incoming)
        unlink_incoming(l);
    else
        l->state = LINK_IDLE;
    if (was_open)
        links->config.on_lost(links->config.context, peer);
}

void link_drop(struct link *l, const char *why)
{
    bool is_incoming = l->incoming;
    end(l, why);
    if (is_incoming)
        return; /* freed */
    uint32_t most = l->refused ? REFUSED_AGAIN_MS_MAX : DIAL_AGAIN_MS_MAX;
    set_timer(l, l->dial_again_ms);
    l->dial_again_ms = l->dial_again_ms * 2 > most ? most : l->dial_again_ms * 2;
    l->refused = false;
}

void link_close_other_incarnations(struct link *l)
{
    static const char why[] = "the peer has another incarnation now";
    struct link *outgoing = &l->links->outgoing[l->peer];
    struct link *next;
    if (outgoing != l && outgoing->state == LINK_OPEN &&
        outgoing->incarnation.number != l->incarnation.number)
        link_drop(outgoing, why);
    for (struct link *i = l->links->incoming; i != NULL; i = next) {
        next = i->next;
        if (i != l && i->peer == l->peer && i->state == LINK_OPEN &&
            i->incarnation.number != l->incarnation.number)
            link_drop(i, why);
    }
}

static bool on_connection(void *context, uint32_t index, int fd, const struct sockaddr *address,
                          socklen_t size)
{
    struct peer_links *links = context;
    (void)index;
    (void)address;
    (void)size;
    if (links->incoming_count >= INCOMING_MAX)
        return false;
    struct link *l = mem_alloc(sizeof *l);
    l->links = links;
    l->incoming = true;
    l->state = LINK_WAIT_HELLO;
    l->timer = mem_made(evtimer_new(links->config.base, on_timer, l));
    watch(l, fd);
    l->next = links->incoming;
    links->incoming = l;
    links->incoming_count++;
    set_timer(l, HANDSHAKE_SECONDS * 1000);
    event_add(l->readable, NULL);
    return true;
}

/* -------------------------------------------------------------------------------------------- */

static enum rsm_status listen_on(struct peer_links *links, char *text)
{
    struct acceptor_config config = {.base = links->config.base,
                                     .context = links,
                                     .event = "peer-accept",
                                     .descriptors_kept = 0, /* the others keep some for us */
                                     .refused = &links->counters.refused,
                                     .on_connection = on_connection};
    links->acceptor = acceptor_new(&config);
    return acceptor_listen_on(links->acceptor, links->config.listen, text);
}

enum rsm_status peer_links_new(const struct peer_links_config *config,
                               struct peer_links **links_out, char *text)
{
    struct peer_links *links = mem_alloc(sizeof *links);
    links->inlet = mem_alloc(sizeof *links->inlet);
    links->config = *config;
    enum rsm_status status = listen_on(links, text);
    if (status != RSM_OK) {
        acceptor_free(links->acceptor);
        mem_free(links->inlet);
        mem_free(links);
        *links_out = NULL;
        return status;
    }
    for (uint32_t peer = 1; peer <= REPLICA_MAX; peer++) {
        struct link *l = &links->outgoing[peer];
        l->links = links;
        l->peer = peer;
        l->fd = -1;
        l->state = LINK_UNUSED;
        l->timer = mem_made(evtimer_new(config->base, on_timer, l));
    }
    *links_out = links;
    return RSM_OK;
}

/* -------------------------------------------------------------------------------------------- */
/* Members. */

static void close_incoming(struct peer_links *links, uint32_t peer, const char *why)
{
    struct link *next;
    for (struct link *i = links->incoming; i != NULL; i = next) {
        next = i->next;
        if (i->peer == peer && i->state != LINK_WAIT_HELLO)
            link_drop(i, why);
    }
}

static void close_peer(struct peer_links *links, uint32_t peer, const char *why)
{
    struct link *l = &links->outgoing[peer];
    close_incoming(links, peer, why);
    if (l->state == LINK_UNUSED)
        return;
    end(l, why);
    event_del(l->timer);
    l->state = LINK_UNUSED;
}

static struct peer peer_of(const struct member *old, const struct member *newer)
{
    struct peer peer = {.is_member = old != NULL || newer != NULL};
    const struct member *first = newer != NULL ? newer : old;
    if (first == NULL)
        return peer;
    memcpy(peer.key, first->key, sizeof peer.key);
    memcpy(peer.addresses[0], first->peer_address, sizeof peer.addresses[0]);
    if (old != NULL && newer != NULL && strcmp(old->peer_address, newer->peer_address) != 0)
        memcpy(peer.addresses[1], old->peer_address, sizeof peer.addresses[1]);
    return peer;
}

static void set_member(struct peer_links *links, uint32_t id, const struct peer *wanted)
{
    struct peer *peer = &links->peers[id];
    struct link *l = &links->outgoing[id];
    bool is_moved = memcmp(peer->addresses, wanted->addresses, sizeof peer->addresses) != 0;
    if (peer->is_member && !wanted->is_member)
        close_peer(links, id, "it is no member any more");
    else if (peer->is_member && memcmp(peer->key, wanted->key, sizeof peer->key) != 0)
        close_peer(links, id, "the member has another key now");
    uint8_t refused = peer->refused;
    *peer = *wanted;
    peer->refused = refused;
    if (!peer->is_member || id == links->config.self)
        return;
    if (l->state == LINK_UNUSED) {
        l->state = LINK_IDLE;
        link_dial_soon(l);
    } else if (is_moved) {
        link_dial_soon(l);
    }
}

void peer_links_set_members(struct peer_links *links, const struct member_config *current,
                            const struct member_config *next)
{
    for (uint32_t id = 1; id <= REPLICA_MAX; id++) {
        struct peer wanted = peer_of(member_config_find(current, id),
                                     next->version != 0 ? member_config_find(next, id) : NULL);
        set_member(links, id, &wanted);
    }
}

void peer_links_set_proof(struct peer_links *links, struct bytes proof)
{
    CHECK(proof.size <= sizeof links->proof);
    if (proof.size > 0)
        memcpy(links->proof, proof.data, proof.size);
    links->proof_size = proof.size;
}

static void recheck(struct link *l)
{
    const struct peer_links_config *c = &l->links->config;
    struct incarnation its = l->incarnation;
    its.rejoins = false; /* who was in doubt was taken then */
    if (l->state == LINK_OPEN && !c->accept(c->context, l->peer, &its))
        link_drop(l, peer_refusal_text(PEER_REFUSED_INCARNATION));
}

void peer_links_recheck(struct peer_links *links)
{
    struct link *next;
    for (uint32_t id = 1; id <= REPLICA_MAX; id++)
        recheck(&links->outgoing[id]);
    for (struct link *i = links->incoming; i != NULL; i = next) {
        next = i->next;
        recheck(i);
    }
}

void peer_links_set_identity(struct peer_links *links, const struct incarnation *incarnation)
{
    links->config.incarnation = *incarnation;
    for (uint32_t id = 1; id <= REPLICA_MAX; id++) {
        struct link *l = &links->outgoing[id];
        close_incoming(links, id, "this replica has another incarnation now");
        if (l->state == LINK_UNUSED)
            continue;
        if (l->state != LINK_IDLE)
            end(l, "this replica has another incarnation now");
        link_dial_soon(l);
    }
}

/* -------------------------------------------------------------------------------------------- */

uint16_t peer_links_port(const struct peer_links *links)
{
    return acceptor_port(links->acceptor, 0);
}

bool peer_links_is_open(const struct peer_links *links, uint32_t peer)
{
    CHECK(peer >= 1 && peer <= REPLICA_MAX);
    return links->outgoing[peer].state == LINK_OPEN;
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
        close_socket(l);
        event_free(l->timer);
    }
    acceptor_free(links->acceptor);
    mem_free(links->inlet);
    mem_free(links);
}

const struct peer_links_counters *peer_links_get_counters(const struct peer_links *links)
{
    return &links->counters;
}
