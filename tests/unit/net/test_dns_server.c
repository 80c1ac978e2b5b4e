/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_dns_server.c - sockets of a DNS server: framing, pipelining, answers of many messages to who
 * reads slowly, limits. Server and clients are in one thread; the loop runs until a condition
 * holds.
 */
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/net/dns_server.h"

#define STREAM 2000u /* messages of one answer */
#define PIECE 16000u

/*
 * The first byte of a question says what becomes of it: 'e' comes back, 's' is answered by STREAM
 * messages, 'h' is held, 'b' is broken off.
 */
struct world {
    struct event_base *base;
    struct dns_server *server;
    struct sockaddr_in address;
    struct dns_connection *held;
    uint32_t sent; /* of a stream */
    uint32_t messages, closed;
};

static void send_piece(struct world *w, struct dns_connection *c)
{
    static uint8_t piece[PIECE];
    if (w->sent == STREAM) {
        dns_connection_done(c);
        return;
    }
    w->sent++;
    dns_connection_send(c, bytes_make(piece, sizeof piece));
}

static void on_message(void *context, const struct dns_peer *from, struct bytes wire)
{
    struct world *w = context;
    w->messages++;
    if (from->connection == NULL) {
        dns_server_send(w->server, from, wire);
    } else if (wire.data[0] == 'e') {
        dns_connection_send(from->connection, wire);
        dns_connection_done(from->connection);
    } else if (wire.data[0] == 's') {
        w->sent = 0;
        send_piece(w, from->connection);
    } else if (wire.data[0] == 'b') {
        dns_connection_abort(from->connection);
    } else {
        w->held = from->connection;
    }
}

static void on_room(void *context, struct dns_connection *connection)
{
    struct world *w = context;
    if (connection != w->held && w->sent > 0)
        send_piece(w, connection);
}

static void on_closed(void *context, struct dns_connection *connection)
{
    struct world *w = context;
    w->closed++;
    if (connection == w->held)
        w->held = NULL;
}

/* On all addresses that `host` names. A free port: found by a socket that is closed again. */
static void world_make_on(struct world *w, const char *host)
{
    char text[256] = "", name[64];
    socklen_t size = sizeof w->address;
    *w = (struct world){.base = event_base_new()};
    w->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&w->address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&w->address, &size), 0);
    close(fd);
    struct dns_server_config config = {.base = w->base,
                                       .context = w,
                                       .on_message = on_message,
                                       .on_room = on_room,
                                       .on_closed = on_closed};
    w->server = dns_server_new(&config);
    snprintf(name, sizeof name, "%s:%u", host, ntohs(w->address.sin_port));
    cr_assert_eq(dns_server_listen(w->server, name, text), RSM_OK, "%s", text);
}

static void world_make(struct world *w)
{
    world_make_on(w, "127.0.0.1");
}

static void world_free(struct world *w)
{
    dns_server_close_all(w->server);
    dns_server_free(w->server);
    event_base_free(w->base);
    cr_assert_eq(mem_live_count(), 0);
}

static int dial(struct world *w, int type)
{
    int fd = socket(AF_INET, type, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&w->address, sizeof w->address), 0);
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Reads exactly so much, running the server meanwhile; false when the connection ended. */
static bool read_exactly(struct world *w, int fd, void *out, size_t size)
{
    uint8_t *at = out;
    while (size > 0) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        ssize_t got = recv(fd, at, size, 0);
        if (got == 0)
            return false;
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    return true;
}

static void say(int fd, const char *bytes, size_t size)
{
    cr_assert_eq(send(fd, bytes, size, 0), (ssize_t)size);
}

static void expect(struct world *w, int fd, const char *bytes, size_t size)
{
    char found[64];
    cr_assert(read_exactly(w, fd, found, size));
    cr_assert_arr_eq(found, bytes, size);
}

Test(dns_server, datagrams_come_back)
{
    struct world w;
    world_make(&w);
    int fd = dial(&w, SOCK_DGRAM);
    say(fd, "hello", 5);
    expect(&w, fd, "hello", 5);
    cr_assert_eq(dns_server_counters(w.server)->datagrams, 1);
    close(fd);
    world_free(&w);
}

/* A client takes an answer from the address that it asked alone, and a host has several. */
Test(dns_server, answers_leave_from_the_address_that_was_asked)
{
    static const struct {
        const char *listen;
        int family;
        const char *asked;
    } rows[] = {
        {"0.0.0.0", AF_INET, "127.0.0.1"},   {"0.0.0.0", AF_INET, "127.0.0.77"},
        {"127.0.0.9", AF_INET, "127.0.0.9"}, {"[::]", AF_INET6, "::1"},
        {"[::]", AF_INET, "127.0.0.77"},
    };
    struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int probe = socket(AF_INET6, SOCK_DGRAM, 0);
    bool has_ipv6 = probe >= 0 && bind(probe, (struct sockaddr *)&own, sizeof own) == 0;
    if (probe >= 0)
        close(probe);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        if (rows[i].listen[0] == '[' && !has_ipv6)
            continue;
        world_make_on(&w, rows[i].listen);
        struct sockaddr_in to = w.address;
        struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = w.address.sin_port};
        bool is_new = rows[i].family == AF_INET6;
        cr_assert_eq(inet_pton(rows[i].family, rows[i].asked,
                               is_new ? (void *)&to6.sin6_addr : (void *)&to.sin_addr),
                     1);
        int fd = socket(rows[i].family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        cr_assert_eq(connect(fd, is_new ? (struct sockaddr *)&to6 : (struct sockaddr *)&to,
                             is_new ? sizeof to6 : sizeof to),
                     0);
        say(fd, "hello", 5);
        while (w.messages == 0)
            event_base_loop(w.base, EVLOOP_ONCE);
        char found[8];
        cr_assert_eq(recv(fd, found, sizeof found, 0), 5, "row %zu: %s", i, rows[i].asked);
        close(fd);
        world_free(&w);
    }
}

/* However the bytes are cut, and with many questions at once: each is answered, in order. */
Test(dns_server, questions_in_pieces_and_in_heaps)
{
    struct world w;
    world_make(&w);
    int fd = dial(&w, SOCK_STREAM);
    static const char two[] = "\0\3e-1\0\4e--2";
    for (size_t i = 0; i < sizeof two - 1; i++) {
        say(fd, two + i, 1);
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    }
    expect(&w, fd, two, sizeof two - 1);
    for (int i = 0; i < 200; i++)
        say(fd, "\0\3eee", 5);
    for (int i = 0; i < 200; i++)
        expect(&w, fd, "\0\3eee", 5);
    /* Half closed: what was asked is answered before it ends. */
    say(fd, "\0\3eee", 5);
    shutdown(fd, SHUT_WR);
    expect(&w, fd, "\0\3eee", 5);
    char rest;
    cr_assert_not(read_exactly(&w, fd, &rest, 1), "and then it ends");
    close(fd);
    world_free(&w);
}

/* Who does not read gets no more made than waits in sockets; the next question waits behind it. */
Test(dns_server, an_answer_is_made_as_fast_as_it_is_read)
{
    struct world w;
    static uint8_t message[PIECE + 2];
    world_make(&w);
    int fd = dial(&w, SOCK_STREAM);
    say(fd, "\0\1s\0\3e-1", 8);
    for (int i = 0; i < 2000; i++)
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    cr_assert_lt(w.sent, STREAM, "32 MB are more than the sockets hold");
    cr_assert_eq(w.messages, 1);
    for (uint32_t i = 0; i < STREAM; i++) {
        cr_assert(read_exactly(&w, fd, message, sizeof message));
        cr_assert_eq(get_u16(message), PIECE);
    }
    expect(&w, fd, "\0\3e-1", 5);
    close(fd);
    world_free(&w);
}

Test(dns_server, an_owner_hears_of_the_end_while_it_is_busy)
{
    struct world w;
    world_make(&w);
    int fd = dial(&w, SOCK_STREAM);
    say(fd, "\0\1h", 3);
    while (w.held == NULL)
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    struct linger none = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none); /* a reset */
    close(fd);
    for (int i = 0; i < 100000 && w.closed == 0; i++)
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    cr_assert_eq(w.closed, 1);
    fd = dial(&w, SOCK_STREAM);
    say(fd, "\0\1b", 3);
    char rest;
    cr_assert_not(read_exactly(&w, fd, &rest, 1), "broken off");
    cr_assert_eq(w.closed, 1, "who breaks off is not told");
    close(fd);
    fd = dial(&w, SOCK_STREAM);
    say(fd, "\0\0", 2);
    cr_assert_not(read_exactly(&w, fd, &rest, 1), "a message of no bytes");
    close(fd);
    world_free(&w);
}

/* One host has a share of the connections; a further one is closed at once. */
Test(dns_server, a_host_has_its_share)
{
    struct world w;
    int held[LIMIT_DNS_CONNECTIONS_PER_HOST];
    char rest;
    world_make(&w);
    for (uint32_t i = 0; i < LIMIT_DNS_CONNECTIONS_PER_HOST; i++)
        held[i] = dial(&w, SOCK_STREAM);
    while (dns_server_counters(w.server)->accepted < LIMIT_DNS_CONNECTIONS_PER_HOST)
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    int fd = dial(&w, SOCK_STREAM);
    cr_assert_not(read_exactly(&w, fd, &rest, 1));
    close(fd);
    cr_assert_eq(dns_server_counters(w.server)->refused, 1);
    close(held[0]);
    while (dns_server_counters(w.server)->connections == LIMIT_DNS_CONNECTIONS_PER_HOST)
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    fd = dial(&w, SOCK_STREAM);
    say(fd, "\0\3eee", 5);
    expect(&w, fd, "\0\3eee", 5);
    close(fd);
    for (uint32_t i = 1; i < LIMIT_DNS_CONNECTIONS_PER_HOST; i++)
        close(held[i]);
    world_free(&w);
}

Test(dns_server, a_server_that_stops_takes_nothing)
{
    struct world w;
    char rest;
    world_make(&w);
    int fd = dial(&w, SOCK_STREAM);
    while (dns_server_counters(w.server)->accepted == 0)
        event_base_loop(w.base, EVLOOP_NONBLOCK);
    dns_server_stop(w.server);
    say(fd, "\0\3eee", 5);
    cr_assert_not(read_exactly(&w, fd, &rest, 1));
    cr_assert_eq(w.messages, 0);
    close(fd);
    world_free(&w);
}
