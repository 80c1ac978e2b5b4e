/* SPDX-License-Identifier: Apache-2.0 */
/* test_client.c - calls and submissions against a scripted server. */
#include <criterion/criterion.h>

#include <unistd.h>

#include "src/base/mem.h"
#include "tests/lib/temp_dir.h"
#include "tests/unit/client/fixture.h"

static void serve_one(struct fake *fake)
{
    fake_accept(fake);
    struct fake_request r = fake_expect(fake, "echo");
    CHECK(r.params.size == 3);
    fake_answer(fake, r.msgid, r.params);
    fake_expect_end(fake);
}

Test(client, call)
{
    struct fake fake;
    struct rsm_buffer result;
    fake_start(&fake, NULL, serve_one, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    struct rsm_value params = rsm_value_of(rsm_bytes_make("\x92\x01\x02", 3));
    cr_assert(rsm_client_call(client, "echo", params, LONG_MS, &result) == RSM_OK);
    cr_assert(result.size == 3 && result.data[0] == 0x92);
    rsm_buffer_free(&result);
    rsm_client_free(client);
    fake_stop(&fake);
}

Test(client, unix_socket)
{
    struct fake fake;
    struct rsm_buffer result;
    struct temp_dir directory;
    char path[TEMP_DIR_SIZE + 64];
    temp_dir_make(&directory);
    temp_dir_path(&directory, "socket", path);
    fake_start(&fake, path, serve_one, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    struct rsm_value params = rsm_value_of(rsm_bytes_make("\x92\x01\x02", 3));
    cr_assert(rsm_client_call(client, "echo", params, LONG_MS, &result) == RSM_OK);
    rsm_buffer_free(&result);
    rsm_client_free(client);
    fake_stop(&fake);
    temp_dir_remove(&directory);
}

static void serve_errors(struct fake *fake)
{
    fake_accept(fake);
    fake_refuse(fake, fake_read(fake).msgid, "NOT_FOUND zone=a.: no such zone");
    fake_refuse(fake, fake_read(fake).msgid, "NEWER_CODE: of a newer server");
    struct writer w; /* an error that is a map, against the protocol */
    writer_init(&w, 100);
    pack_array(&w, 4);
    pack_uint(&w, 1);
    pack_uint(&w, fake_read(fake).msgid);
    pack_map(&w, 0);
    pack_nil(&w);
    fake_write(fake, w.data, w.size);
    writer_deinit(&w);
    fake_answer_number(fake, fake_read(fake).msgid, 4);
}

Test(client, errors_and_their_words)
{
    struct fake fake;
    enum rsm_status status;
    fake_start(&fake, NULL, serve_errors, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(call_number(client, "a", LONG_MS, &status) == -1 && status == RSM_NOT_FOUND);
    cr_assert(strcmp(rsm_client_error(client), "NOT_FOUND zone=a.: no such zone") == 0);
    cr_assert(call_number(client, "b", LONG_MS, &status) == -1 && status == RSM_FAILED);
    cr_assert(call_number(client, "c", LONG_MS, &status) == -1 && status == RSM_FAILED);
    cr_assert(call_number(client, "d", LONG_MS, &status) == 4 && status == RSM_OK);
    cr_assert(rsm_client_error(client)[0] == 0);
    rsm_client_free(client);
    fake_stop(&fake);
}

/* ---- many in flight ---- */

static void serve_backwards(struct fake *fake)
{
    uint32_t msgids[3];
    fake_accept(fake);
    for (int i = 0; i < 3; i++)
        msgids[i] = fake_read(fake).msgid;
    fake_answer_number(fake, 77777, 99); /* nobody asked */
    for (int i = 2; i >= 0; i--)
        fake_answer_number(fake, msgids[i], (uint64_t)i);
    fake_expect_end(fake);
}

/* Answers in any order find their calls; an answer to nothing is nothing. */
Test(client, answers_out_of_order)
{
    struct fake fake;
    struct outcome outcomes[3] = {{0}};
    fake_start(&fake, NULL, serve_backwards, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    for (int i = 0; i < 3; i++)
        cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, &outcomes[i],
                                   NULL) == RSM_OK);
    cr_assert(outcomes[0].count == 0, "no callback from inside the start");
    while (outcomes[0].count == 0)
        rsm_client_process(client, 100);
    for (uint64_t i = 0; i < 3; i++)
        cr_assert(outcomes[i].count == 1 && outcomes[i].number == i);
    rsm_client_free(client);
    fake_stop(&fake);
}

static void serve_thousand(struct fake *fake)
{
    fake_accept(fake);
    for (uint64_t i = 0; i < 2 * CLIENT_CALLS_MAX; i++)
        fake_answer_number(fake, fake_read(fake).msgid, 5);
}

static void on_outcome_start_again(void *context, const struct rsm_result *result)
{
    struct rsm_client *client = *(struct rsm_client **)context;
    struct outcome *outcome = (struct outcome *)((struct rsm_client **)context + 1);
    on_outcome(outcome, result);
    if (outcome->count == 1)
        CHECK(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, outcome, NULL) ==
              RSM_OK);
}

/* The table holds 1024; one more is refused; callbacks start the next ones. */
Test(client, many_in_flight)
{
    static struct {
        struct rsm_client *client;
        struct outcome outcome;
    } calls[CLIENT_CALLS_MAX];
    struct fake fake;
    struct outcome extra = {0};
    fake_start(&fake, NULL, serve_thousand, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    for (size_t i = 0; i < CLIENT_CALLS_MAX; i++) {
        calls[i].client = client;
        cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome_start_again,
                                   &calls[i], NULL) == RSM_OK);
    }
    cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, &extra, NULL) ==
              RSM_TOO_MANY);
    while (client->call_count > 0)
        rsm_client_process(client, 100);
    for (size_t i = 0; i < CLIENT_CALLS_MAX; i++)
        cr_assert(calls[i].outcome.count == 2 && calls[i].outcome.status == RSM_OK, "%zu", i);
    cr_assert(extra.count == 0 && rsm_client_timeout_ms(client) == -1);
    rsm_client_free(client);
    fake_stop(&fake);
}

static void serve_cancelled(struct fake *fake)
{
    fake_accept(fake);
    uint32_t first = fake_read(fake).msgid, second = fake_read(fake).msgid;
    fake_answer_number(fake, first, 1);
    fake_answer_number(fake, second, 2);
    fake_expect_end(fake);
}

Test(client, cancelled_calls_are_silent)
{
    struct fake fake;
    struct outcome first = {0}, second = {0};
    uint64_t call;
    fake_start(&fake, NULL, serve_cancelled, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, &first, &call) ==
              RSM_OK);
    cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_outcome, &second, NULL) ==
              RSM_OK);
    while (!connection_is_open(&client->connection))
        rsm_client_process(client, 100);
    rsm_client_cancel(client, call);
    rsm_client_cancel(client, call);
    while (second.count == 0)
        rsm_client_process(client, 100);
    cr_assert(first.count == 0 && second.number == 2);
    rsm_client_free(client);
    fake_stop(&fake);
}

/* ---- streams ---- */

static void serve_in_pieces(struct fake *fake)
{
    struct writer w;
    fake_accept(fake);
    uint32_t first = fake_read(fake).msgid, second = fake_read(fake).msgid;
    writer_init(&w, 200000);
    const uint32_t msgids[] = {first, second};
    for (uint64_t i = 0; i < 2; i++) {
        static uint8_t text[70000];
        pack_array(&w, 4);
        pack_uint(&w, 1);
        pack_uint(&w, msgids[i]);
        pack_nil(&w);
        pack_bin(&w, bytes_make(text, sizeof text));
    }
    for (size_t at = 0; at < w.size;) { /* odd pieces, across the border of the two */
        size_t piece = at < 100 ? 1 : 997;
        piece = piece < w.size - at ? piece : w.size - at;
        fake_write(fake, w.data + at, piece);
        at += piece;
    }
    writer_deinit(&w);
    fake_expect_end(fake);
}

static void on_size(void *context, const struct rsm_result *result)
{
    *(size_t *)context = rsm_value_octets(result->value).size;
}

Test(client, half_frames)
{
    struct fake fake;
    size_t sizes[2] = {0};
    fake_start(&fake, NULL, serve_in_pieces, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    for (int i = 0; i < 2; i++)
        cr_assert(rsm_client_start(client, "x", NO_PARAMS, LONG_MS, on_size, &sizes[i], NULL) ==
                  RSM_OK);
    while (sizes[1] == 0)
        rsm_client_process(client, 100);
    cr_assert(sizes[0] == 70000 && sizes[1] == 70000);
    rsm_client_free(client);
    fake_stop(&fake);
}

struct garbage {
    const char *what;
    const char *data;
    size_t size;
};

#define GARBAGE(what, data)                                                                        \
    {                                                                                              \
        what, data, sizeof(data) - 1                                                               \
    }

static void serve_garbage(struct fake *fake)
{
    const struct garbage *garbage = fake->context;
    fake_accept(fake);
    (void)fake_read(fake);
    fake_write(fake, garbage->data, garbage->size);
    fake_expect_end(fake); /* the client hangs up by itself */
}

/* Bytes that are no MessagePack-RPC end the connection, and the other replica is asked. */
Test(client, garbage_goes_elsewhere)
{
    static const struct garbage rows[] = {
        GARBAGE("HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"),
        GARBAGE("never used", "\xc1"),
        GARBAGE("a map", "\x80"),
        GARBAGE("an array of nothing", "\x90"),
        GARBAGE("a response without a result", "\x93\x01\x01\xc0"),
        GARBAGE("a request", "\x94\x00\x01\xa1x\x90"),
        GARBAGE("another type of message", "\x94\x07\x01\xc0\xc0"),
        GARBAGE("a negative msgid", "\x94\x01\xff\xc0\xc0"),
        GARBAGE("6.4 GB of array", "\xdd\x0f\xff\xff\xff"),
        GARBAGE("4 GiB of bin", "\x94\x01\x00\xc0\xc6\xff\xff\xff\xff"),
        GARBAGE("too deep", "\x94\x01\x00\xc0\x91\x91\x91\x91\x91\x91\x91\x91"
                            "\x91\x91\x91\x91\x91\x91\x91\x91\x90"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake bad, good;
        enum rsm_status status;
        struct garbage garbage = rows[i];
        fake_start(&bad, NULL, serve_garbage, &garbage);
        fake_start(&good, NULL, serve_number, NULL);
        struct rsm_client *client = connect_to(&bad, &good);
        cr_assert(call_number(client, "x", LONG_MS, &status) == 42, "%s: %s", rows[i].what,
                  rsm_status_text(status));
        rsm_client_free(client);
        fake_stop(&bad);
        fake_stop(&good);
    }
}

/* ---- input of the program ---- */

Test(client, endpoints)
{
    static const struct {
        const char *text;
        unsigned count; /* 0: refused */
    } rows[] = {
        {"127.0.0.1:1", 1},
        {"[::1]:65535", 1},
        {"localhost:4001", 1},
        {"unix:/run/x.sock", 1},
        {"10.0.0.1:1, 10.0.0.2:2 ,unix:/a", 3},
        {"", 0},
        {"127.0.0.1", 0},
        {"127.0.0.1:", 0},
        {"127.0.0.1:0", 0},
        {"127.0.0.1:65536", 0},
        {"127.0.0.1:1,", 0},
        {"::1:80", 0},
        {"[::1:80", 0},
        {"example.com:80", 0},
        {"unix:relative", 0},
        {"a:1,a:1", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint endpoints[ENDPOINT_COUNT_MAX];
        unsigned count;
        enum rsm_status status =
            endpoint_parse_list(rows[i].text, endpoints, ENDPOINT_COUNT_MAX, &count);
        cr_assert(count == rows[i].count && (status == RSM_OK) == (count > 0), "%s", rows[i].text);
    }
    struct endpoint two[2];
    unsigned count;
    cr_assert(endpoint_parse_list("127.0.0.1:1,127.0.0.1:2,127.0.0.1:3", two, 2, &count) ==
              RSM_USAGE);
}

/* What fails for want of memory says so and leaves nothing behind. */
Test(client, no_memory)
{
    struct rsm_client *client;
    uint64_t live = mem_live_count();
    mem_fail_after(1);
    cr_assert(rsm_client_new("127.0.0.1:1", &client) == RSM_NO_MEMORY && client == NULL);
    mem_fail_after(1);
    cr_assert(rsm_pack_new() == NULL);
    mem_fail_after(0);
    cr_assert(rsm_client_new("nowhere", &client) == RSM_USAGE && client == NULL);
    cr_assert(mem_live_count() == live);
}

Test(client, too_large_to_send)
{
    struct fake fake;
    static uint8_t envelope[LIMIT_ENVELOPE_SIZE + 1];
    fake_start(&fake, NULL, serve_nothing, NULL);
    struct rsm_client *client = connect_to(&fake, NULL);
    cr_assert(rsm_client_submit(client, rsm_bytes_make(envelope, sizeof envelope), LONG_MS, NULL) ==
              RSM_TOO_LARGE);
    rsm_client_free(client);
    fake_stop(&fake);
}
