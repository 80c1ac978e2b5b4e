/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_answer.c - any bytes as what a replica sends to a client that has calls and a watch open.
 *
 * Each callback runs at most once for a call, whatever comes; a watch's slots only grow; the client
 * stays usable, and what it holds of the bytes is bounded by what came.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/client/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    unsigned answers[2];
    uint64_t slot; /* the highest told */
    bool has_ended;
};

static void on_result(void *context, const struct rsm_result *result)
{
    unsigned *answers = context;
    CHECK(++*answers == 1);
    CHECK(result->detail != NULL);
    CHECK(result->status != RSM_OK || rsm_value_type(result->value) != RSM_TYPE_NONE);
}

static void on_notice(void *context, const struct rsm_notice *notice)
{
    struct seen *seen = context;
    CHECK(!seen->has_ended);
    seen->has_ended =
        notice->status != RSM_OK && notice->status != RSM_COMPACTED && notice->status != RSM_RESET;
    if (notice->status == RSM_RESET &&
        rsm_value_type(rsm_value_get(notice->value, "zone")) == RSM_TYPE_NONE)
        seen->slot = notice->slot; /* another log: it may be shorter */
    if (notice->status != RSM_OK)
        return;
    CHECK(notice->slot > seen->slot || seen->slot == 0);
    seen->slot = notice->slot;
}

/* An open connection to `descriptor`, without any address. */
static void adopt(struct rsm_client *client, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN};
    client->connection.descriptor = descriptor;
    CHECK(epoll_ctl(client->poll, EPOLL_CTL_ADD, descriptor, &event) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    struct rsm_client *client;
    struct seen seen = {{0, 0}, 0, false}, from_now = {{0, 0}, 0, false};
    const struct rsm_value none = {{NULL, 0}};
    if (size > 65536)
        return 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    CHECK(rsm_client_new("unix:/nobody/listens/here", &client) == RSM_OK);
    adopt(client, ends[0]);
    /* The first calls of a client have the msgids 1024, 2049, 3074 and 4099 (src/client/calls.c).
     */
    CHECK(rsm_client_start(client, "x", none, 60000, on_result, &seen.answers[0], NULL) == RSM_OK);
    CHECK(rsm_client_start_submit(client, rsm_text("e"), 60000, on_result, &seen.answers[1],
                                  NULL) == RSM_OK);
    CHECK(rsm_client_watch(client, none, 1, on_notice, &seen, NULL) == RSM_OK);
    CHECK(rsm_client_watch(client, none, 0, on_notice, &from_now, NULL) == RSM_OK);
    CHECK(write(ends[1], data, size / 2) == (ssize_t)(size / 2));
    rsm_client_process(client, 0);
    if (connection_is_open(&client->connection)) {
        CHECK(write(ends[1], data + size / 2, size - size / 2) == (ssize_t)(size - size / 2));
        rsm_client_process(client, 0);
        rsm_client_process(client, 0);
    }
    if (size % 2 == 1) {
        (void)shutdown(ends[1], SHUT_WR);
        rsm_client_process(client, 0);
    }
    CHECK(client->connection.in_capacity <= 4u * 65536u + 4u * size);
    rsm_client_free(client);
    (void)close(ends[1]);
    return 0;
}
