/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_rpc.c - any bytes as what a client sends to a replica's server.
 *
 * Every request that the handler gets is answered exactly once, the answers are whole objects that
 * the strict scan takes, and the server stays usable for a client that behaves.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/command/canonical.h"
#include "src/net/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BIG_SIZE (256u * 1024u) /* more than a socket takes at once */
#define BIG_MAX 3u              /* such answers in one execution */

static struct event_base *base;
static struct rpc_server *server;
static char path[108]; /* as much as the system takes */

/* Answered late, perhaps after their connection has gone. */
static struct rpc_request *held[LIMIT_IN_FLIGHT_PER_CONNECTION];
static size_t held_count;
static unsigned big_count;

static void answer_held(void)
{
    static const uint8_t empty[] = {0x90};
    while (held_count > 0)
        rpc_answer(held[--held_count], bytes_make(empty, 1));
}

static void answer_with_maps(struct rpc_request *request)
{
    rpc_set_error_maps(request->connection, true);
    rpc_answer(request, request->params);
}

static void answer_big(struct rpc_request *request)
{
    static uint8_t big[BIG_SIZE] = {0xc6, 0, 3, 0xff, 0xfb}; /* bin of the rest */
    if (big_count++ < BIG_MAX)
        rpc_answer(request, bytes_make(big, sizeof big));
    else
        rpc_answer_error(request, RSM_BUSY, "", "\xff is no UTF-8");
}

static void on_request(void *context, struct rpc_request *request)
{
    (void)context;
    CHECK(request->params.size > 0);
    uint8_t kind = request->method.size > 0 ? request->method.data[0] : 0;
    if (kind == 'h' && held_count < LIMIT_IN_FLIGHT_PER_CONNECTION)
        held[held_count++] = request;
    else if (kind == 'm')
        answer_with_maps(request);
    else if (kind == 'b')
        answer_big(request);
    else if (kind < 'a')
        rpc_answer(request, request->params);
    else
        rpc_answer_error(request, RSM_FAILED, "a=1 b=2", "words");
}

static void on_closed(void *context, struct rpc_connection *connection)
{
    (void)context;
    (void)connection;
}

static void end(void)
{
    rpc_free(server);
    event_base_free(base);
}

/* The server lives as long as the process: it has to stay usable. */
static void begin(void)
{
    char text[256];
    struct rpc_config config = {
        .connections_max = 4, .on_request = on_request, .on_closed = on_closed};
    if (server != NULL)
        return;
    signal(SIGPIPE, SIG_IGN); /* as rsmd does */
    base = event_base_new();
    config.base = base;
    server = rpc_new(&config);
    const char *temporary = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/rsm-fuzz-rpc.%ld", temporary != NULL ? temporary : "/tmp",
             (long)getpid());
    CHECK(rpc_listen_unix(server, path, text) == RSM_OK);
    CHECK(atexit(end) == 0);
}

/* A connection whose other end is the server's. */
static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, path, strlen(path));
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static void settle(void)
{
    for (int i = 0; i < 4; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        rpc_push(server); /* as at the end of each turn of the daemon's loop */
    }
}

/* What came is whole objects, each an answer; gives how many. */
static size_t take_answers(int fd)
{
    static uint8_t buffer[1 << 20];
    size_t size = 0, count = 0;
    ssize_t got;
    while (size < sizeof buffer && (got = recv(fd, buffer + size, sizeof buffer - size, 0)) > 0)
        size += (size_t)got;
    for (size_t at = 0; at < size; count++) {
        struct scan scan;
        size_t whole = 0;
        scan_init(&scan, SCAN_WELL_FORMED, LIMIT_FRAME_SIZE);
        CHECK(scan_continue(&scan, bytes_make(buffer + at, size - at), &whole) == RSM_OK);
        CHECK(whole > 0 && buffer[at] == 0x94 && buffer[at + 1] == 0x01);
        at += whole;
    }
    return count;
}

/* The bytes in two pieces, and what comes of them; a second client is there meanwhile. */
static void talk(const uint8_t *data, size_t size)
{
    int fd = dial(), other = dial();
    settle();
    for (size_t at = 0; at < size; at += size / 2 + 1) {
        size_t part = size - at < size / 2 + 1 ? size - at : size / 2 + 1;
        if (send(fd, data + at, part, MSG_NOSIGNAL) != (ssize_t)part)
            break; /* closed after the first half */
        settle();
    }
    if (size % 2 == 0) {
        answer_held();
        settle();
    }
    if (big_count == 0) /* else it may be closed with half an answer written */
        take_answers(fd);
    close(fd);
    settle();
    answer_held();
    close(other);
    settle();
    CHECK(rpc_get_counters(server)->connections == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t good[] = {0x94, 0x00, 0x05, 0xa1, 'A', 0x90};
    if (size > 32768)
        return 0;
    begin();
    big_count = 0;
    talk(data, size);
    int fd = dial();
    settle();
    CHECK(send(fd, good, sizeof good, MSG_NOSIGNAL) == (ssize_t)sizeof good);
    settle();
    CHECK(take_answers(fd) == 1);
    close(fd);
    settle();
    CHECK(rpc_get_counters(server)->connections == 0);
    return 0;
}
