/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - the life of a client, the endpoints' turn, and the one loop: rsm_client_process.
 *
 * One connection at a time. It is given up when it is lost, when an attempt takes too long, when
 * something is awaited and nothing comes, when what comes is no MessagePack-RPC, and when the
 * replica says that it cannot serve; then the next endpoint has its turn. After a whole round
 * without a byte received, the rounds are spaced out.
 */
#include "src/client/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/public.h"
#include "src/command/unpack.h"

static const struct client_patience USUAL_PATIENCE = {
    .connect_ms_max = 2000,
    .silence_ms_max = 5000,
    .backoff_ms_first = 50,
    .backoff_ms_max = 1000,
};

uint64_t client_now_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum rsm_status rsm_client_new(const char *endpoints, struct rsm_client **client_out)
{
    *client_out = NULL;
    struct rsm_client *client = mem_try_alloc(sizeof *client);
    if (client == NULL)
        return RSM_NO_MEMORY;
    enum rsm_status status = endpoint_parse_list(endpoints, client->endpoints, ENDPOINT_COUNT_MAX,
                                                 &client->endpoint_count);
    client->poll = status == RSM_OK ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (status == RSM_OK && client->poll < 0)
        status = RSM_IO;
    if (status != RSM_OK) {
        mem_free(client);
        return status;
    }
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = client_now_ms() ^ (uint64_t)getpid() << 32; /* only for the order and the pauses */
    prng_init(&client->prng, seed);
    client->endpoint_index = (unsigned)prng_below(&client->prng, client->endpoint_count);
    client->patience = USUAL_PATIENCE;
    connection_init(&client->connection, client->poll);
    *client_out = client;
    return RSM_OK;
}

void rsm_client_free(struct rsm_client *client)
{
    if (client == NULL)
        return;
    CHECK(!client->is_processing);
    connection_deinit(&client->connection);
    (void)close(client->poll);
    calls_free(client);
    watches_free(client);
    mem_free(client);
}

void client_fail_connection(struct rsm_client *client, enum rsm_status why)
{
    (void)snprintf(client->trouble, sizeof client->trouble, "%s: %s",
                   client->endpoints[client->endpoint_index].text, rsm_status_sentence(why));
    connection_close(&client->connection);
    calls_lost(client);
    watches_lost(client);
    client->endpoint_index = (client->endpoint_index + 1) % client->endpoint_count;
    client->failures++;
    client->wants_rotation = false;
    uint64_t pause = 0;
    unsigned rounds = client->failures / client->endpoint_count;
    if (client->failures % client->endpoint_count == 0 && rounds > 0) {
        pause = (uint64_t)client->patience.backoff_ms_first << (rounds < 10 ? rounds - 1 : 9);
        if (pause > client->patience.backoff_ms_max)
            pause = client->patience.backoff_ms_max;
        pause = pause / 2 + prng_below(&client->prng, pause / 2 + 1);
    }
    client->connect_at_ms = client_now_ms() + pause;
}

static bool is_needed(const struct rsm_client *client)
{
    return client->call_count > 0 || client->watch_count > 0;
}

static void connect_when_due(struct rsm_client *client, uint64_t now_ms)
{
    if (!connection_is_closed(&client->connection) || !is_needed(client) ||
        client->connect_at_ms > now_ms)
        return;
    enum rsm_status status =
        connection_open(&client->connection, &client->endpoints[client->endpoint_index]);
    client->connect_deadline_ms = now_ms + client->patience.connect_ms_max;
    if (status != RSM_OK)
        client_fail_connection(client, status);
    client->received_ms = now_ms;
}

static void connect_and_send(struct rsm_client *client, uint64_t now_ms)
{
    connect_when_due(client, now_ms);
    if (!connection_is_open(&client->connection))
        return;
    watches_start(client);
    calls_send(client, now_ms);
}

/*
 * One message of the server, which connection_take has scanned: what stands behind the last member
 * but one is the last one. False: it is not MessagePack-RPC, or a request, which it may
 * not.
 */
static bool on_message(struct rsm_client *client, struct bytes message)
{
    struct unpack u = unpack_make(message);
    uint32_t count = unpack_array(&u);
    uint64_t type = unpack_uint(&u);
    if (!unpack_ok(&u))
        return false;
    if (type == RSM_MESSAGE_RESPONSE && count == 4) {
        uint32_t msgid = (uint32_t)unpack_uint_max(&u, UINT32_MAX);
        struct bytes error = bytes_make(NULL, 0);
        if (!unpack_nil(&u))
            error = unpack_raw(&u);
        struct bytes result = unpack_rest(&u);
        if (!unpack_done(&u))
            return false;
        calls_answer(client, msgid, error, result);
        return true;
    }
    if (type == RSM_MESSAGE_NOTIFICATION && count == 3) {
        struct bytes method = unpack_octets(&u, LIMIT_LABEL_SIZE);
        struct bytes params = unpack_rest(&u);
        if (!unpack_done(&u))
            return false;
        watches_notify(client, method, params);
        return true;
    }
    return false;
}

/* False: the connection was given up. */
static bool take_messages(struct rsm_client *client)
{
    for (;;) {
        struct bytes message;
        enum rsm_status status = connection_take(&client->connection, &message);
        if (status == RSM_OK && message.size == 0)
            return true;
        if (status == RSM_OK && !on_message(client, message))
            status = RSM_MALFORMED;
        if (status != RSM_OK) {
            client_fail_connection(client, status);
            return false;
        }
        client->failures = 0; /* somebody who speaks our language */
    }
}

static void on_ready(struct rsm_client *client)
{
    bool received;
    if (connection_is_closed(&client->connection))
        return;
    enum rsm_status status = connection_ready(&client->connection, &received);
    if (received)
        client->received_ms = client_now_ms();
    if (take_messages(client) && status != RSM_OK)
        client_fail_connection(client, status);
}

static bool is_awaiting(const struct rsm_client *client)
{
    return connection_is_open(&client->connection) && calls_await_answer(client);
}

static void check_patience(struct rsm_client *client, uint64_t now_ms)
{
    bool is_connecting =
        !connection_is_closed(&client->connection) && !connection_is_open(&client->connection);
    if (is_connecting && client->connect_deadline_ms <= now_ms)
        client_fail_connection(client, RSM_TIMED_OUT);
    else if (is_awaiting(client) && client->endpoint_count > 1 &&
             client->received_ms + client->patience.silence_ms_max <= now_ms)
        client_fail_connection(client, RSM_TIMED_OUT);
    else if (client->wants_rotation && client->endpoint_count > 1)
        client_fail_connection(client, RSM_UNAVAILABLE);
    client->wants_rotation = false;
}

int rsm_client_descriptor(const struct rsm_client *client)
{
    return client->poll;
}

/* The earliest moment at which check_patience, connect_when_due or the calls have work. */
static uint64_t due_ms(const struct rsm_client *client)
{
    uint64_t due = calls_due_ms(client);
    uint64_t other = CLIENT_NEVER;
    if (connection_is_closed(&client->connection))
        other = is_needed(client) ? client->connect_at_ms : CLIENT_NEVER;
    else if (!connection_is_open(&client->connection))
        other = client->connect_deadline_ms;
    else if (client->endpoint_count > 1 && calls_await_answer(client))
        other = client->received_ms + client->patience.silence_ms_max;
    return due < other ? due : other;
}

int rsm_client_timeout_ms(const struct rsm_client *client)
{
    uint64_t due = due_ms(client), now_ms = client_now_ms();
    if (due == CLIENT_NEVER)
        return -1;
    if (due <= now_ms)
        return 0;
    return due - now_ms < 3600000 ? (int)(due - now_ms) : 3600000;
}

/* True when the connection should be looked at. */
static bool wait_for_it(const struct rsm_client *client, uint32_t wait_ms)
{
    /* Who does not wait has a loop of his own, and was told by it: reading says the rest. */
    if (wait_ms == 0 && connection_is_open(&client->connection))
        return true;
    int timeout_ms = rsm_client_timeout_ms(client);
    if (timeout_ms < 0 || (uint32_t)timeout_ms > wait_ms)
        timeout_ms = wait_ms < 3600000 ? (int)wait_ms : 3600000;
    struct epoll_event event;
    return epoll_wait(client->poll, &event, 1, timeout_ms) > 0;
}

void rsm_client_process(struct rsm_client *client, uint32_t wait_ms)
{
    if (client->is_processing)
        return;
    client->is_processing = true;
    connect_and_send(client, client_now_ms());
    if (wait_for_it(client, wait_ms))
        on_ready(client);
    uint64_t now_ms = client_now_ms();
    check_patience(client, now_ms);
    calls_expire(client, now_ms);
    connect_and_send(client, now_ms);
    client->is_processing = false;
}
