/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_rpc.c - the clients' side of the wire: a server and its clients in one thread, over a unix
 * socket; the loop runs until nothing is left to do.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "src/command/pack.h"
#include "src/net/rpc.h"
#include "tests/lib/temp_dir.h"

#define TEXT(literal) bytes_make(literal, sizeof(literal) - 1)
/* The same in a table. */
#define ROW(literal)                                                                               \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }
#define HELD_MAX 2048u

/* A server whose handler answers `echo` with its params, fails `fail`, keeps `hold`. */
struct world {
    struct temp_dir temp;
    char path[TEMP_DIR_SIZE + 64];
    struct event_base *base;
    struct rpc_server *server;
    struct rpc_request *held[HELD_MAX];
    uint32_t held_count;
    uint32_t closed;
};

static void on_request(void *context, struct rpc_request *request)
{
    struct world *w = context;
    if (bytes_equal(request->method, TEXT("echo"))) {
        rpc_answer(request, request->params);
    } else if (bytes_equal(request->method, TEXT("maps"))) {
        rpc_set_error_maps(request->connection, true);
        rpc_answer(request, TEXT("\xc0"));
    } else if (bytes_equal(request->method, TEXT("hold"))) {
        cr_assert_lt(w->held_count, HELD_MAX);
        w->held[w->held_count++] = request;
    } else {
        rpc_answer_error(request, RSM_NOT_LEADER, "leader=3 round=7", "go \xff there");
    }
}

static void on_closed(void *context, struct rpc_connection *connection)
{
    cr_assert_gt(rpc_connection_id(connection), 0);
    ((struct world *)context)->closed++;
}

static void world_make(struct world *w, uint32_t connections_max)
{
    char text[256] = "";
    *w = (struct world){.base = event_base_new()};
    temp_dir_make(&w->temp);
    temp_dir_path(&w->temp, "socket", w->path);
    struct rpc_config config = {.base = w->base,
                                .connections_max = connections_max,
                                .context = w,
                                .on_request = on_request,
                                .on_closed = on_closed};
    w->server = rpc_new(&config);
    cr_assert_eq(rpc_listen_unix(w->server, w->path, text), RSM_OK, "%s", text);
}

static void world_free(struct world *w)
{
    for (uint32_t i = 0; i < w->held_count; i++)
        rpc_answer(w->held[i], TEXT("\xc0"));
    rpc_free(w->server);
    event_base_free(w->base);
    temp_dir_remove(&w->temp);
    cr_assert_eq(mem_live_count(), 0);
}

/* Everything that can happen without further bytes has happened. */
static void settle(struct world *w)
{
    for (int i = 0; i < 8; i++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        rpc_push(w->server);
    }
}

/* The server has not looked yet. */
static int dial_unseen(struct world *w)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, w->path, strlen(w->path));
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int dial(struct world *w)
{
    int fd = dial_unseen(w);
    settle(w);
    return fd;
}

static void say(struct world *w, int fd, struct bytes bytes)
{
    cr_assert_eq(send(fd, bytes.data, bytes.size, MSG_NOSIGNAL), (ssize_t)bytes.size);
    settle(w);
}

/* What came, as it is; `open_out`: whether more may come. */
static struct bytes hear(int fd, uint8_t buffer[4096], bool *open_out)
{
    size_t size = 0;
    ssize_t got;
    while (size < 4096 && (got = recv(fd, buffer + size, 4096 - size, 0)) > 0)
        size += (size_t)got;
    *open_out = size == 4096 || got < 0;
    return bytes_make(buffer, size);
}

static void assert_hears(int fd, struct bytes expected, bool expect_open)
{
    uint8_t buffer[4096];
    bool open;
    struct bytes heard = hear(fd, buffer, &open);
    cr_assert(bytes_equal(heard, expected), "%zu bytes: %.*s", heard.size, (int)heard.size,
              (const char *)heard.data);
    cr_assert_eq(open, expect_open);
}

/* The connection was closed, with msgid 0 and an error that begins with the code. */
static void assert_closed_with(int fd, const char *code)
{
    uint8_t buffer[4096];
    bool open;
    struct bytes heard = hear(fd, buffer, &open);
    size_t head = 3 + (heard.size > 3 && buffer[3] == 0xd9 ? 2 : 1);
    cr_assert_not(open);
    cr_assert_geq(heard.size, head + strlen(code));
    cr_assert_eq(memcmp(buffer, "\x94\x01\x00", 3), 0);
    cr_assert_eq(memcmp(buffer + head, code, strlen(code)), 0, "%.*s", (int)heard.size, buffer);
    close(fd);
}

/* -------------------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct bytes sent, heard;
} calls[] = {
    {"a request",
     ROW("\x94\x00\x05\xa4"
         "echo"
         "\x91\x2a"),
     ROW("\x94\x01\x05\xc0\x91\x2a")},
    {"method as bin",
     ROW("\x94\x00\x05\xc4\x04"
         "echo"
         "\x90"),
     ROW("\x94\x01\x05\xc0\x90")},
    {"a wide msgid comes back as wide",
     ROW("\x94\x00\xcf\0\0\0\0\0\0\0\x07\xa4"
         "echo"
         "\x90"),
     ROW("\x94\x01\xcf\0\0\0\0\0\0\0\x07\xc0\x90")},
    {"wide headers",
     ROW("\xdc\0\x04\xcd\0\0\x05\xdb\0\0\0\x04"
         "echo"
         "\xdd\0\0\0\0"),
     ROW("\x94\x01\x05\xc0\xdd\0\0\0\0")},
    {"two in one segment",
     ROW("\x94\x00\x01\xa4"
         "echo"
         "\x90\x94\x00\x02\xa4"
         "echo"
         "\x91\xc3"),
     ROW("\x94\x01\x01\xc0\x90\x94\x01\x02\xc0\x91\xc3")},
    {"a notification is ignored",
     ROW("\x93\x02\xa4"
         "echo"
         "\x90"),
     ROW("")},
    {"a response is ignored", ROW("\x94\x01\x05\xc0\xc0"), ROW("")},
    {"params that are no array",
     ROW("\x94\x00\x05\xa4"
         "echo"
         "\x80"),
     ROW("\x94\x01\x05\xd9\x23"
         "BAD_PARAMS: params must be an array"
         "\xc0")},
    {"a method that is no string", ROW("\x94\x00\x05\x2a\x90"),
     ROW("\x94\x01\x05\xd9\x23"
         "WRONG_TYPE: the method is no string"
         "\xc0")},
    {"an error is one string, of UTF-8",
     ROW("\x94\x00\x05\xa4"
         "fail"
         "\x90"),
     ROW("\x94\x01\x05\xd9\x27"
         "NOT_LEADER leader=3 round=7: go ? there"
         "\xc0")},
};

Test(rpc, every_call_has_its_answer)
{
    struct world w;
    world_make(&w, 8);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int fd = dial(&w);
        say(&w, fd, calls[i].sent);
        uint8_t buffer[4096];
        bool open;
        struct bytes heard = hear(fd, buffer, &open);
        cr_assert(open, "%s", calls[i].what);
        cr_assert(bytes_equal(heard, calls[i].heard), "%s: %.*s", calls[i].what, (int)heard.size,
                  (const char *)heard.data);
        close(fd);
        settle(&w);
    }
    world_free(&w);
}

Test(rpc, one_byte_at_a_time)
{
    struct world w;
    world_make(&w, 8);
    int fd = dial(&w);
    for (size_t i = 0; i < calls[0].sent.size; i++) {
        assert_hears(fd, TEXT(""), true);
        say(&w, fd, bytes_make(calls[0].sent.data + i, 1));
    }
    assert_hears(fd, calls[0].heard, true);
    close(fd);
    world_free(&w);
}

Test(rpc, errors_are_maps_for_who_asked)
{
    struct world w;
    world_make(&w, 8);
    int fd = dial(&w);
    say(&w, fd,
        TEXT("\x94\x00\x01\xa4"
             "maps"
             "\x90"));
    assert_hears(fd, TEXT("\x94\x01\x01\xc0\xc0"), true);
    say(&w, fd,
        TEXT("\x94\x00\x02\xa4"
             "fail"
             "\x90"));
    assert_hears(fd,
                 TEXT("\x94\x01\x02\x83\xa4"
                      "code"
                      "\xaa"
                      "NOT_LEADER"
                      "\xa7"
                      "details"
                      "\x82\xa6"
                      "leader"
                      "\xa1"
                      "3"
                      "\xa5"
                      "round"
                      "\xa1"
                      "7"
                      "\xa4"
                      "text"
                      "\xaa"
                      "go ? there"
                      "\xc0"),
                 true);
    int other = dial(&w);
    say(&w, other,
        TEXT("\x94\x00\x05\xa4"
             "fail"
             "\x90"));
    assert_hears(other, calls[9].heard, true);
    close(fd);
    close(other);
    world_free(&w);
}

static const struct {
    struct bytes sent;
    const char *code;
} lost[] = {
    {ROW("\xc1"), "MALFORMED"},
    {ROW("GET / HTTP/1.1\r\n"), "MALFORMED"},
    {ROW("\x80"), "MALFORMED"},
    {ROW("\x95\x00\x05\xa4"
         "echo"
         "\x90\xc0"),
     "MALFORMED"},
    {ROW("\x94\x03\x05\xa4"
         "echo"
         "\x90"),
     "MALFORMED"},
    {ROW("\x93\x00\x05\xa4"
         "echo"),
     "MALFORMED"},
    {ROW("\x94\x00\xa1"
         "x"
         "\xa4"
         "echo"
         "\x90"),
     "MALFORMED"},
    {ROW("\x94\x00\x05\xdb\xff\xff\xff\xff"), "TOO_LARGE"},
    {ROW("\x94\x00\x05\xdd\xff\xff\xff\xff"), "TOO_"},
    {ROW("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"),
     "TOO_DEEP"},
};

Test(rpc, where_framing_is_lost_the_connection_ends)
{
    struct world w;
    world_make(&w, 8);
    int witness = dial(&w);
    size_t count = sizeof lost / sizeof lost[0];
    for (size_t i = 0; i < 2 * count; i++) {
        int fd = i < count ? dial(&w) : dial_unseen(&w); /* its first bytes come with it */
        say(&w, fd, lost[i % count].sent);
        assert_closed_with(fd, lost[i % count].code);
        cr_assert_eq(rpc_get_counters(w.server)->closed_bad, i + 1);
    }
    say(&w, witness, calls[0].sent);
    assert_hears(witness, calls[0].heard, true);
    close(witness);
    world_free(&w);
}

/* Reading pauses at the limit of requests in flight, and goes on when half of them are answered. */
Test(rpc, requests_in_flight_are_bounded)
{
    struct world w;
    struct writer many;
    world_make(&w, 8);
    int fd = dial(&w);
    writer_init(&many, 1 << 20);
    for (uint32_t i = 0; i < LIMIT_IN_FLIGHT_PER_CONNECTION + 10; i++)
        writer_bytes(&many, TEXT("\x94\x00\x05\xa4"
                                 "hold"
                                 "\x90"));
    say(&w, fd, writer_result(&many));
    cr_assert_eq(w.held_count, LIMIT_IN_FLIGHT_PER_CONNECTION);
    for (uint32_t i = 0; i < LIMIT_IN_FLIGHT_PER_CONNECTION; i++)
        rpc_answer(w.held[i], TEXT("\xc0"));
    w.held_count = 0;
    settle(&w);
    cr_assert_eq(w.held_count, 10);
    writer_deinit(&many);
    close(fd);
    settle(&w);
    cr_assert_eq(w.closed, 1);
    world_free(&w);
}

Test(rpc, connections_are_bounded)
{
    struct world w;
    world_make(&w, 2);
    int first = dial(&w), second = dial(&w), third = dial(&w);
    say(&w, second, calls[0].sent);
    assert_hears(second, calls[0].heard, true);
    assert_hears(third, TEXT(""), false);
    cr_assert_eq(rpc_get_counters(w.server)->refused, 1);
    close(first);
    settle(&w);
    int fourth = dial(&w);
    say(&w, fourth, calls[0].sent);
    assert_hears(fourth, calls[0].heard, true);
    close(second);
    close(third);
    close(fourth);
    world_free(&w);
}

/* Answers that nobody reads fill a bounded buffer; then the connection is closed. */
Test(rpc, who_does_not_read_is_closed)
{
    struct world w;
    static uint8_t big[1 << 20];
    world_make(&w, 8);
    int fd = dial(&w);
    big[0] = 0xc6; /* a bin32 of all the rest */
    big[2] = 0x0f;
    big[3] = 0xff;
    big[4] = 0xfb;
    for (int i = 0; i < 40; i++)
        say(&w, fd,
            TEXT("\x94\x00\x05\xa4"
                 "hold"
                 "\x90"));
    cr_assert_eq(w.held_count, 40);
    for (int i = 0; i < 40; i++)
        rpc_answer(w.held[i], bytes_make(big, sizeof big));
    w.held_count = 0;
    cr_assert_eq(w.closed, 1);
    cr_assert_eq(rpc_get_counters(w.server)->closed_bad, 1);
    close(fd);
    world_free(&w);
}

Test(rpc, a_stopping_server_takes_nothing_new)
{
    struct world w;
    uint8_t buffer[4096];
    bool open;
    world_make(&w, 8);
    int fd = dial(&w);
    say(&w, fd,
        TEXT("\x94\x00\x05\xa4"
             "hold"
             "\x90"));
    rpc_stop_accepting(w.server);
    say(&w, fd, calls[0].sent);
    struct bytes heard = hear(fd, buffer, &open);
    cr_assert(open && heard.size > 16 && memcmp(buffer + 5, "UNAVAILABLE", 11) == 0);
    rpc_answer(w.held[0], TEXT("\xc3"));
    w.held_count = 0;
    settle(&w);
    assert_hears(fd, TEXT("\x94\x01\x05\xc0\xc3"), true);
    cr_assert(rpc_is_drained(w.server));
    close(fd);
    world_free(&w);
}

Test(rpc, a_socket_in_use_is_left_alone)
{
    struct world w;
    char text[256], path[TEMP_DIR_SIZE + 64];
    world_make(&w, 8);
    cr_assert_eq(rpc_listen_unix(w.server, w.path, text), RSM_LOCKED);
    temp_dir_path(&w.temp, "file", path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    cr_assert_eq(rpc_listen_unix(w.server, path, text), RSM_LOCKED);
    cr_assert_eq(access(path, F_OK), 0);
    /* A file that a killed server left: nobody answers there. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    temp_dir_path(&w.temp, "stale", path);
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    cr_assert_eq(rpc_listen_unix(w.server, path, text), RSM_OK, "%s", text);
    world_free(&w);
}
