/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor_ask.c - the clients of a floor measurement: each has one record on its way, and sends the
 * next when its answer is there. Answers of a connection come in the order of its records.
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/floor_parts.h"
#include "src/base/mem.h"

struct connection {
    int socket;
    uint32_t on_way;    /* records */
    uint64_t *begin_ns; /* of each, a ring of as many; owned */
    uint32_t first;
    uint8_t part[FLOOR_ANSWER_SIZE]; /* of an answer */
    size_t part_size;
};

struct asker {
    struct connection *connections;
    uint32_t connection_count;
    uint32_t size, count, sent, answered;
    uint8_t *records; /* as many as a connection has on its way */
    uint64_t first_ns;
    struct histogram *histogram;
};

static bool send_records(struct asker *a, struct connection *c, uint32_t count)
{
    if (count > a->count - a->sent)
        count = a->count - a->sent;
    a->sent += count;
    return floor_write_whole(c->socket, a->records, (size_t)count * a->size);
}

static void take_answer(struct asker *a, struct connection *c, uint64_t now_ns)
{
    if (a->answered == FLOOR_WARM_UP)
        a->first_ns = now_ns;
    if (a->answered >= FLOOR_WARM_UP)
        histogram_add(a->histogram, now_ns - c->begin_ns[c->first]);
    a->answered++;
    c->first = (c->first + 1) % c->on_way;
}

/* As many records as answers came go off again, in one write. */
static bool take_answers(struct asker *a, struct connection *c)
{
    uint8_t data[4096];
    memcpy(data, c->part, c->part_size);
    ssize_t n = recv(c->socket, data + c->part_size, sizeof data - c->part_size, 0);
    if (n <= 0)
        return false;
    uint64_t now_ns = bench_now_ns();
    size_t size = c->part_size + (size_t)n;
    uint32_t count = (uint32_t)(size / FLOOR_ANSWER_SIZE), first = c->first;
    for (uint32_t i = 0; i < count; i++)
        take_answer(a, c, now_ns);
    c->part_size = size % FLOOR_ANSWER_SIZE;
    memcpy(c->part, data + size - c->part_size, c->part_size);
    now_ns = bench_now_ns();
    for (uint32_t i = 0; i < count; i++)
        c->begin_ns[(first + i) % c->on_way] = now_ns;
    return count == 0 || send_records(a, c, count);
}

static bool begin(struct asker *a, const struct sockaddr_in *address, uint32_t clients, int poll)
{
    for (uint32_t i = 0; i < a->connection_count; i++) {
        struct connection *c = &a->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        c->on_way = clients / a->connection_count + (i < clients % a->connection_count ? 1 : 0);
        c->begin_ns = mem_alloc(c->on_way * sizeof c->begin_ns[0]);
        c->socket = floor_connect(address);
        if (c->socket < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, c->socket, &event) != 0)
            return false;
    }
    a->records = mem_alloc((size_t)a->connections[0].on_way * a->size);
    for (uint32_t i = 0; i < a->connection_count; i++) {
        struct connection *c = &a->connections[i];
        for (uint32_t k = 0; k < c->on_way; k++)
            c->begin_ns[k] = bench_now_ns();
        if (!send_records(a, c, c->on_way))
            return false;
    }
    return true;
}

enum rsm_status floor_ask(const struct sockaddr_in *address, uint32_t size, uint32_t clients,
                          uint32_t connections, uint32_t count, struct histogram *histogram,
                          double *seconds)
{
    struct asker a = {.connection_count =
                          connections == 0 || connections > clients ? clients : connections,
                      .size = size,
                      .count = FLOOR_WARM_UP + (count > 16 * clients ? count : 16 * clients),
                      .histogram = histogram};
    struct epoll_event events[64];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0)
        return RSM_IO;
    a.connections = mem_alloc(a.connection_count * sizeof a.connections[0]);
    for (uint32_t i = 0; i < a.connection_count; i++)
        a.connections[i].socket = -1;
    bool good = begin(&a, address, clients, poll);
    while (good && a.answered < a.count) {
        int ready = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < ready && good; i++)
            good = take_answers(&a, events[i].data.ptr);
    }
    *seconds += (double)(bench_now_ns() - a.first_ns) / 1e9;
    for (uint32_t i = 0; i < a.connection_count; i++) {
        if (a.connections[i].socket >= 0)
            (void)close(a.connections[i].socket);
        mem_free(a.connections[i].begin_ns);
    }
    (void)close(poll);
    mem_free(a.records);
    mem_free(a.connections);
    return good ? RSM_OK : RSM_IO;
}
