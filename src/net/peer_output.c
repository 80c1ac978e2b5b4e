/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer_output.c - what waits on its way to a peer.
 *
 *   out    what is being written; anything goes straight in while the socket takes it
 *   bulk   frames that came after the socket had refused to take more: each moves to `out`, whole,
 *          when that is empty
 *
 * So a frame that is not bulk waits for at most one that is, and for what the kernel has taken.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "src/base/bytes.h"
#include "src/base/check.h"
#include "src/base/crc32c.h"
#include "src/base/limits.h"
#include "src/net/peer_link_internal.h"

#define OUTPUT_MAX (2u * LIMIT_PEER_FRAME_SIZE)
/* More than a moment's accepts; at 1 Mbit a second four seconds. */
#define BULK_MAX (512u << 10)
/* What the kernel takes beyond what the network does: at 1 Mbit a second an eighth of a second. */
#define UNSENT_MAX (16 << 10)
/* Bytes unconfirmed for so long, and the peer unheard of for so long: the connection is made anew.
 */
#define UNCONFIRMED_MS 3000u
#define SILENT_S 5
#define PROBE_S 3
#define PROBES 3

static void set_option(int fd, int level, int option, int value)
{
    /* Each has a default that is right, if slower: an old kernel may refuse one. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

void link_set_socket(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNCONFIRMED_MS);
    /* The side that only reads would never learn that the other one is gone. */
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, SILENT_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* Moves one frame of the bulk. False when there is none. */
static bool next_bulk(struct link *l)
{
    uint8_t size[4];
    if (evbuffer_copyout(l->bulk, size, sizeof size) < (ev_ssize_t)sizeof size)
        return false;
    size_t whole = LINK_FRAME_HEAD_SIZE + (size_t)get_u32(size);
    int moved = evbuffer_remove_buffer(l->bulk, l->out, whole);
    CHECK(moved >= 0 && (size_t)moved == whole);
    return true;
}

bool link_write_out(struct link *l)
{
    while (evbuffer_get_length(l->out) > 0 || next_bulk(l)) {
        int written = evbuffer_write(l->out, l->fd);
        if (written > 0) {
            l->links->counters.bytes_out += (uint64_t)written;
            continue;
        }
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
            event_add(l->writable, NULL);
            return true;
        }
        link_drop(l,
                  errno == ETIMEDOUT ? "the peer's host does not answer" : "the connection broke");
        return false;
    }
    return true;
}

/* The socket has not taken all: `writable` will go on. */
static bool is_blocked(const struct link *l)
{
    return event_pending(l->writable, EV_WRITE, NULL) != 0;
}

void peer_links_send(struct peer_links *links, uint32_t to, struct blob *frame, bool is_bulk)
{
    CHECK(to >= 1 && to <= REPLICA_MAX);
    struct link *l = &links->outgoing[to];
    uint8_t head[LINK_FRAME_HEAD_SIZE];
    bool waits = l->state == LINK_OPEN && is_bulk && is_blocked(l);
    if (l->state != LINK_OPEN || evbuffer_get_length(l->out) + frame->size > OUTPUT_MAX ||
        (waits && evbuffer_get_length(l->bulk) >= BULK_MAX)) {
        links->counters.dropped++;
        return;
    }
    struct evbuffer *queue = waits ? l->bulk : l->out;
    put_u32(head, frame->size);
    put_u32(head + 4, crc32c(0, frame->data, frame->size));
    put_u32(head + 8, crc32c(0, head, 8));
    evbuffer_add(queue, head, sizeof head);
    evbuffer_add(queue, frame->data, frame->size);
    links->counters.frames_out++;
}

size_t peer_links_backlog(const struct peer_links *links, uint32_t to)
{
    CHECK(to >= 1 && to <= REPLICA_MAX);
    const struct link *l = &links->outgoing[to];
    int unconfirmed = 0;
    if (l->state != LINK_OPEN)
        return 0;
    if (ioctl(l->fd, SIOCOUTQ, &unconfirmed) != 0)
        unconfirmed = 0;
    return evbuffer_get_length(l->out) + evbuffer_get_length(l->bulk) + (size_t)unconfirmed;
}

void peer_links_push(struct peer_links *links)
{
    for (uint32_t peer = 1; peer <= REPLICA_MAX; peer++) {
        struct link *l = &links->outgoing[peer];
        if (l->state == LINK_OPEN && evbuffer_get_length(l->out) > 0 && !is_blocked(l))
            link_write_out(l);
    }
}
