/* SPDX-License-Identifier: Apache-2.0 */
/* connection.c - see connection.h. */
#include "src/client/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"

#define READ_SIZE 65536u
/* Read in one go; then others have their turn. */
#define READ_SIZE_PER_TURN (1u << 20)

void connection_init(struct connection *c, int poll)
{
    *c = (struct connection){.poll = poll, .descriptor = -1};
    writer_init(&c->out, CONNECTION_OUTPUT_SIZE_MAX);
    scan_init(&c->scan, SCAN_WELL_FORMED, CONNECTION_MESSAGE_SIZE_MAX);
}

void connection_deinit(struct connection *c)
{
    connection_close(c);
    writer_deinit(&c->out);
    mem_free(c->in);
    c->in = NULL;
}

bool connection_is_closed(const struct connection *c)
{
    return c->descriptor < 0;
}

bool connection_is_open(const struct connection *c)
{
    return c->descriptor >= 0 && !c->is_connecting;
}

/* Closes the descriptor; what was received stays until it is taken. */
static void disconnect(struct connection *c)
{
    if (c->descriptor >= 0)
        (void)close(c->descriptor);
    c->descriptor = -1;
    c->is_connecting = false;
    c->out_sent = 0;
    writer_reset(&c->out);
}

void connection_close(struct connection *c)
{
    disconnect(c);
    c->in_first = c->in_end = 0;
    scan_init(&c->scan, SCAN_WELL_FORMED, CONNECTION_MESSAGE_SIZE_MAX);
}

static enum rsm_status watch_descriptor(struct connection *c, int operation)
{
    c->wants_write = c->is_connecting || c->out_sent < c->out.size;
    struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? (uint32_t)EPOLLOUT : 0)};
    return epoll_ctl(c->poll, operation, c->descriptor, &event) == 0 ? RSM_OK : RSM_IO;
}

static enum rsm_status rewatch(struct connection *c)
{
    bool wants_write = c->is_connecting || c->out_sent < c->out.size;
    return wants_write == c->wants_write ? RSM_OK : watch_descriptor(c, EPOLL_CTL_MOD);
}

/* A watch may be silent for long: it is keep-alive that finds out that the other side is gone. */
static void set_options(int descriptor)
{
    const int on = 1, idle_s = 15, interval_s = 5, count = 3;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

enum rsm_status connection_open(struct connection *c, const struct endpoint *endpoint)
{
    CHECK(c->descriptor < 0);
    connection_close(c);
    int family = endpoint->address.ss_family;
    c->descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->descriptor < 0)
        return RSM_IO;
    if (family != AF_UNIX)
        set_options(c->descriptor);
    int result =
        connect(c->descriptor, (const struct sockaddr *)&endpoint->address, endpoint->address_size);
    c->is_connecting = result != 0 && errno == EINPROGRESS;
    enum rsm_status status = result == 0 || c->is_connecting ? RSM_OK : RSM_CANNOT_CONNECT;
    if (status == RSM_OK)
        status = watch_descriptor(c, EPOLL_CTL_ADD);
    if (status != RSM_OK)
        connection_close(c);
    return status;
}

static enum rsm_status flush(struct connection *c)
{
    while (c->out_sent < c->out.size) {
        ssize_t n =
            send(c->descriptor, c->out.data + c->out_sent, c->out.size - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return rewatch(c);
        if (n < 0) {
            disconnect(c);
            return RSM_CLOSED;
        }
        c->out_sent += (size_t)n;
    }
    c->out_sent = 0;
    writer_reset(&c->out);
    return rewatch(c);
}

enum rsm_status connection_send(struct connection *c, struct bytes message)
{
    if (!connection_is_open(c))
        return RSM_CLOSED;
    if (message.size > CONNECTION_OUTPUT_SIZE_MAX - c->out.size)
        return RSM_BUSY;
    writer_bytes(&c->out, message);
    return flush(c);
}

/* Room behind in_end: by moving what is there to the front, else by growing. */
static void make_room(struct connection *c)
{
    size_t held = c->in_end - c->in_first;
    if (c->in_capacity - c->in_end >= READ_SIZE)
        return;
    if (held > 0 && c->in_first > 0)
        memmove(c->in, c->in + c->in_first, held);
    c->in_first = 0;
    c->in_end = held;
    if (c->in_capacity - held < READ_SIZE) {
        c->in_capacity = c->in_capacity < READ_SIZE ? 2 * READ_SIZE : 2 * c->in_capacity;
        c->in = mem_realloc(c->in, c->in_capacity);
    }
}

/* At most one whole message and a turn's bytes are held: connection_take runs between the turns. */
static enum rsm_status receive(struct connection *c, bool *received_out)
{
    for (size_t turn = 0; turn < READ_SIZE_PER_TURN;) {
        make_room(c);
        ssize_t n = recv(c->descriptor, c->in + c->in_end, c->in_capacity - c->in_end, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return RSM_OK;
        if (n <= 0) {
            disconnect(c);
            return RSM_CLOSED;
        }
        *received_out = true;
        c->in_end += (size_t)n;
        turn += (size_t)n;
        if (c->in_end < c->in_capacity)
            return RSM_OK; /* less than there was room for: there is no more now */
    }
    return RSM_OK;
}

enum rsm_status connection_ready(struct connection *c, bool *received_out)
{
    *received_out = false;
    if (c->descriptor < 0)
        return RSM_CLOSED;
    if (c->is_connecting) {
        int error = 0;
        socklen_t size = sizeof error;
        struct sockaddr_storage peer;
        socklen_t peer_size = sizeof peer;
        if (getsockopt(c->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
            connection_close(c);
            return RSM_CANNOT_CONNECT;
        }
        if (getpeername(c->descriptor, (struct sockaddr *)&peer, &peer_size) != 0)
            return RSM_OK; /* not yet */
        c->is_connecting = false;
    }
    enum rsm_status status = flush(c);
    return status == RSM_OK ? receive(c, received_out) : status;
}

enum rsm_status connection_take(struct connection *c, struct bytes *message_out)
{
    size_t size = 0;
    *message_out = bytes_make(NULL, 0);
    if (c->in_first == c->in_end)
        return RSM_OK;
    struct bytes held = bytes_make(c->in + c->in_first, c->in_end - c->in_first);
    enum rsm_status status = scan_continue(&c->scan, held, &size);
    if (status != RSM_OK || size == 0)
        return status;
    *message_out = bytes_make(held.data, size);
    c->in_first += size;
    scan_init(&c->scan, SCAN_WELL_FORMED, CONNECTION_MESSAGE_SIZE_MAX);
    return RSM_OK;
}
