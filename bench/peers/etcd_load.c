/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * etcd_load.c - a closed loop of puts, or of linearizable reads, against etcd's own gRPC, over
 * HTTP/2 by libnghttp2: a client that is as small as ours, so that etcd is measured and not its
 * client.
 *
 *   etcd_load PORT CLIENTS SIZE SECONDS put|get
 *
 * Each client has a connection and one call on its way. The protobuf messages (etcd's rpc.proto):
 * PutRequest {1: key, 2: value}, RangeRequest {1: key}; a gRPC message has a byte 0 and its size in
 * front. A call has ended when its stream is closed with grpc-status 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>

#include "bench/peers/peer_result.h"
#include "src/base/mem.h"

#define CLIENTS_MAX 1024u
#define SIZE_MAX_ 65536u
#define MESSAGE_MAX (SIZE_MAX_ + 64u)

struct client {
    struct load *load;
    int socket;
    nghttp2_session *session;
    uint8_t message[MESSAGE_MAX];
    size_t message_size, message_sent;
    uint64_t begin_ns, sequence;
    uint32_t index;
    bool was_good; /* grpc-status 0 came */
};

struct load {
    struct peer_load peer;
    uint16_t port;
    uint32_t in_flight;
    uint64_t failed;
    struct client *clients;
};

static size_t put_varint(uint8_t *out, uint64_t value)
{
    size_t size = 0;
    for (; value >= 128; value >>= 7)
        out[size++] = (uint8_t)(value | 128);
    out[size++] = (uint8_t)value;
    return size;
}

static size_t put_field(uint8_t *out, unsigned field, const uint8_t *data, size_t size)
{
    size_t used = put_varint(out, field << 3 | 2);
    used += put_varint(out + used, size);
    memcpy(out + used, data, size);
    return used + size;
}

/* As large as our envelope: the value is what the key leaves of it. */
static void make_message(struct client *c)
{
    static uint8_t value[SIZE_MAX_];
    char key[32];
    size_t size = 5, key_size = (size_t)snprintf(key, sizeof key, "client-%04u", c->index);
    size += put_field(c->message + size, 1, (const uint8_t *)key, key_size);
    if (!c->load->peer.reads) {
        size_t value_size = c->load->peer.size > key_size ? c->load->peer.size - key_size : 1;
        (void)snprintf((char *)value, sizeof value, "%012llu", (unsigned long long)c->sequence++);
        size += put_field(c->message + size, 2, value, value_size);
    }
    c->message[0] = 0;
    for (unsigned i = 0; i < 4; i++)
        c->message[1 + i] = (uint8_t)((size - 5) >> (24 - 8 * i));
    c->message_size = size;
    c->message_sent = 0;
}

static ssize_t read_message(nghttp2_session *session, int32_t stream, uint8_t *out, size_t size,
                            uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct client *c = source->ptr;
    size_t left = c->message_size - c->message_sent;
    (void)session;
    (void)stream;
    (void)context;
    if (size > left)
        size = left;
    memcpy(out, c->message + c->message_sent, size);
    c->message_sent += size;
    if (c->message_sent == c->message_size)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

static bool flush(struct client *c)
{
    for (;;) {
        const uint8_t *data;
        ssize_t size = nghttp2_session_mem_send(c->session, &data);
        if (size <= 0)
            return size == 0;
        for (ssize_t done = 0; done < size;) {
            ssize_t n = send(c->socket, data + done, (size_t)(size - done), MSG_NOSIGNAL);
            if (n <= 0)
                return false;
            done += n;
        }
    }
}

static nghttp2_nv header(const char *name, const char *value)
{
    static uint8_t texts[16][64];
    static unsigned next;
    uint8_t *n = texts[next++ % 16], *v = texts[next++ % 16];
    (void)snprintf((char *)n, 64, "%s", name);
    (void)snprintf((char *)v, 64, "%s", value);
    return (nghttp2_nv){n, v, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static bool begin_call(struct client *c)
{
    const nghttp2_nv headers[] = {
        header(":method", "POST"),
        header(":scheme", "http"),
        header(":path", c->load->peer.reads ? "/etcdserverpb.KV/Range" : "/etcdserverpb.KV/Put"),
        header(":authority", "127.0.0.1"),
        header("content-type", "application/grpc"),
        header("te", "trailers")};
    const nghttp2_data_provider body = {.source.ptr = c, .read_callback = read_message};
    make_message(c);
    c->was_good = false;
    c->begin_ns = peer_now_ns();
    c->load->in_flight++;
    return nghttp2_submit_request(c->session, NULL, headers, sizeof headers / sizeof headers[0],
                                  &body, c) >= 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *context)
{
    struct client *c = context;
    (void)session;
    (void)frame;
    (void)flags;
    if (name_size == 11 && memcmp(name, "grpc-status", 11) == 0)
        c->was_good = value_size == 1 && value[0] == '0';
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context)
{
    struct client *c = context;
    struct load *l = c->load;
    (void)session;
    (void)stream;
    l->in_flight--;
    if (error != 0 || !c->was_good) {
        l->failed++;
        return 0;
    }
    if (peer_count(&l->peer, c->begin_ns, peer_now_ns()))
        return begin_call(c) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static bool open_client(struct client *c, int poll)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(c->load->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    /* Wide windows, so that no answer waits for an update of them. */
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1u << 30},
                                               {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    nghttp2_session_callbacks *callbacks;
    c->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->socket < 0 || connect(c->socket, (const struct sockaddr *)&address, sizeof address) != 0)
        return false;
    (void)setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return false;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    bool good = nghttp2_session_client_new(&c->session, callbacks, c) == 0 &&
                nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 2) == 0;
    nghttp2_session_callbacks_del(callbacks);
    return good && epoll_ctl(poll, EPOLL_CTL_ADD, c->socket, &event) == 0 && flush(c);
}

static bool take_input(struct client *c)
{
    static uint8_t data[65536];
    ssize_t n = recv(c->socket, data, sizeof data, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    return n > 0 && nghttp2_session_mem_recv(c->session, data, (size_t)n) == n && flush(c);
}

static bool run(struct load *l)
{
    struct epoll_event events[64];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    bool good = poll >= 0;
    for (uint32_t i = 0; i < l->peer.clients && good; i++) {
        l->clients[i].load = l;
        l->clients[i].index = i;
        good = open_client(&l->clients[i], poll);
    }
    peer_begin(&l->peer);
    for (uint32_t i = 0; i < l->peer.clients && good; i++)
        good = begin_call(&l->clients[i]) && flush(&l->clients[i]);
    while (good && l->in_flight > 0) {
        int ready = epoll_wait(poll, events, 64, 30000);
        good = ready > 0;
        for (int i = 0; i < ready && good; i++)
            good = take_input(events[i].data.ptr);
    }
    return good && l->failed == 0;
}

int main(int count, char **arguments)
{
    struct load *l = mem_alloc(sizeof *l);
    if (count != 6) {
        (void)fprintf(stderr, "usage: etcd_load PORT CLIENTS SIZE SECONDS put|get\n");
        return 2;
    }
    l->port = (uint16_t)strtoul(arguments[1], NULL, 10);
    l->peer.clients = (uint32_t)strtoul(arguments[2], NULL, 10);
    l->peer.size = (uint32_t)strtoul(arguments[3], NULL, 10);
    l->peer.seconds = strtod(arguments[4], NULL);
    l->peer.warm_up = l->peer.seconds / 10 > 0.5 ? l->peer.seconds / 10 : 0.5;
    l->peer.reads = strcmp(arguments[5], "get") == 0;
    if (l->peer.clients < 1 || l->peer.clients > CLIENTS_MAX || l->peer.size > SIZE_MAX_ ||
        !(l->peer.seconds > 0)) {
        (void)fprintf(stderr, "etcd_load: 1 to %u clients, up to %u bytes\n", CLIENTS_MAX,
                      SIZE_MAX_);
        return 2;
    }
    l->clients = mem_alloc(l->peer.clients * sizeof l->clients[0]);
    if (!run(l)) {
        (void)fprintf(stderr, "etcd_load: a call failed, or a connection: %s\n", strerror(errno));
        return 1;
    }
    peer_print(&l->peer, "etcd");
    return 0;
}
