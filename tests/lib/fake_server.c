/* SPDX-License-Identifier: Apache-2.0 */
/* fake_server.c - see fake_server.h. */
#include "tests/lib/fake_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/check.h"

static void *run(void *context)
{
    struct fake *fake = context;
    fake->script(fake);
    if (fake->connection >= 0)
        fake_close(fake);
    return NULL;
}

static void listen_unix(struct fake *fake, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    (void)snprintf(fake->endpoint, sizeof fake->endpoint, "unix:%s", path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(fake->listener, (const struct sockaddr *)&address, sizeof address) == 0);
}

static void listen_inet(struct fake *fake)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    fake->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fake->listener, (const struct sockaddr *)&address, sizeof address) == 0);
    CHECK(getsockname(fake->listener, (struct sockaddr *)&address, &size) == 0);
    (void)snprintf(fake->endpoint, sizeof fake->endpoint, "127.0.0.1:%u", ntohs(address.sin_port));
}

void fake_start(struct fake *fake, const char *unix_path, void (*script)(struct fake *),
                void *context)
{
    fake->connection = -1;
    fake->in_size = 0;
    fake->script = script;
    fake->context = context;
    if (unix_path != NULL)
        listen_unix(fake, unix_path);
    else
        listen_inet(fake);
    CHECK(listen(fake->listener, 8) == 0);
    CHECK(pthread_create(&fake->thread, NULL, run, fake) == 0);
}

void fake_stop(struct fake *fake)
{
    CHECK(pthread_join(fake->thread, NULL) == 0);
    CHECK(close(fake->listener) == 0);
}

void fake_accept(struct fake *fake)
{
    CHECK(fake->connection < 0);
    fake->connection = accept(fake->listener, NULL, NULL);
    CHECK(fake->connection >= 0);
    fake->in_size = 0;
}

void fake_close(struct fake *fake)
{
    CHECK(close(fake->connection) == 0);
    fake->connection = -1;
}

static size_t read_more(struct fake *fake)
{
    CHECK(fake->in_size < sizeof fake->in);
    ssize_t n = read(fake->connection, fake->in + fake->in_size, sizeof fake->in - fake->in_size);
    if (n < 0 && errno == ECONNRESET)
        n = 0;
    CHECK(n >= 0);
    fake->in_size += (size_t)n;
    return (size_t)n;
}

struct fake_request fake_read(struct fake *fake)
{
    static _Thread_local uint8_t taken[1u << 17];
    struct scan scan;
    size_t size = 0;
    scan_init(&scan, SCAN_WELL_FORMED, sizeof fake->in);
    for (;;) {
        CHECK(scan_continue(&scan, bytes_make(fake->in, fake->in_size), &size) == RSM_OK);
        if (size > 0)
            break;
        CHECK(read_more(fake) > 0);
    }
    memcpy(taken, fake->in, size);
    fake->in_size -= size;
    memmove(fake->in, fake->in + size, fake->in_size);

    struct fake_request request = {.raw = bytes_make(taken, size)};
    struct unpack u = unpack_make(request.raw);
    unpack_array_exactly(&u, 4);
    CHECK(unpack_uint(&u) == 0);
    request.msgid = (uint32_t)unpack_uint_max(&u, UINT32_MAX);
    request.method = unpack_str(&u, 100);
    CHECK(unpack_peek(&u) == UNPACK_ARRAY);
    request.params = unpack_raw(&u);
    CHECK(unpack_done(&u));
    return request;
}

struct fake_request fake_expect(struct fake *fake, const char *method)
{
    struct fake_request request = fake_read(fake);
    CHECK(bytes_equal(request.method, bytes_of_string(method)));
    return request;
}

void fake_expect_end(struct fake *fake)
{
    CHECK(fake->in_size == 0);
    CHECK(read_more(fake) == 0);
}

void fake_write(struct fake *fake, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t n = send(fake->connection, at, size, MSG_NOSIGNAL);
        if (n < 0)
            return; /* the client has had enough, which is its right */
        at += n;
        size -= (size_t)n;
    }
}

static void write_packed(struct fake *fake, struct writer *w)
{
    CHECK(!w->failed);
    fake_write(fake, w->data, w->size);
    writer_deinit(w);
}

void fake_answer(struct fake *fake, uint32_t msgid, struct bytes result)
{
    struct writer w;
    writer_init(&w, 1u << 20);
    pack_array(&w, 4);
    pack_uint(&w, 1);
    pack_uint(&w, msgid);
    pack_nil(&w);
    pack_raw(&w, result);
    write_packed(fake, &w);
}

void fake_answer_number(struct fake *fake, uint32_t msgid, uint64_t number)
{
    struct writer w;
    writer_init(&w, 16);
    pack_uint(&w, number);
    fake_answer(fake, msgid, writer_result(&w));
    writer_deinit(&w);
}

void fake_refuse(struct fake *fake, uint32_t msgid, const char *text)
{
    struct writer w;
    writer_init(&w, 1024);
    pack_array(&w, 4);
    pack_uint(&w, 1);
    pack_uint(&w, msgid);
    pack_text(&w, text);
    pack_nil(&w);
    write_packed(fake, &w);
}

void fake_notify(struct fake *fake, const char *method, uint64_t watch, uint64_t slot,
                 const char *error)
{
    struct writer w;
    writer_init(&w, 1024);
    pack_array(&w, 3);
    pack_uint(&w, 2);
    pack_text(&w, method);
    pack_array(&w, 1);
    pack_map(&w, error != NULL ? 3 : 2);
    pack_text(&w, "watch");
    pack_uint(&w, watch);
    pack_text(&w, "slot");
    pack_uint(&w, slot);
    if (error != NULL) {
        pack_text(&w, "error");
        pack_text(&w, error);
    }
    write_packed(fake, &w);
}
