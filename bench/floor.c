/* SPDX-License-Identifier: GPL-3.0-or-later */
/* floor.c - see floor.h. */
#include "bench/floor.h"

#include "bench/floor_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/base/check.h"

#define FILE_SIZE (16u << 20)

uint64_t bench_now_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool floor_append_and_flush(struct floor_target *t)
{
    if (t->offset + (off_t)t->size > (off_t)FILE_SIZE)
        t->offset = 0;
    t->record[0]++;
    if (pwrite(t->file, t->record, t->size, t->offset) != (ssize_t)t->size)
        return false;
    t->offset += (off_t)t->size;
    return fdatasync(t->file) == 0;
}

enum rsm_status floor_open_target(struct floor_target *t, const char *directory, uint32_t size)
{
    char path[512];
    static const uint8_t zeros[1u << 16];
    memset(t, 0, sizeof *t);
    t->size = size;
    (void)snprintf(path, sizeof path, "%s/rsm-bench-floor-%ld", directory, (long)getpid());
    t->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (t->file < 0)
        return RSM_IO;
    (void)unlink(path);
    for (size_t done = 0; done < FILE_SIZE; done += sizeof zeros)
        if (write(t->file, zeros, sizeof zeros) != (ssize_t)sizeof zeros)
            return errno == ENOSPC ? RSM_DISK_FULL : RSM_IO;
    return fsync(t->file) == 0 ? RSM_OK : RSM_IO;
}

bool floor_read_whole(int socket, uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = recv(socket, data + done, size - done, 0);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool floor_write_whole(int socket, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(socket, data + done, size - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

struct server {
    int listener;
    struct floor_target *target;
};

/* Thread: owns the target while it runs. Ends when the asker closes. */
static void *serve(void *context)
{
    struct server *server = context;
    int socket = floor_accept(server->listener);
    if (socket < 0)
        return NULL;
    while (floor_read_whole(socket, server->target->record, server->target->size))
        if (!floor_append_and_flush(server->target) ||
            !floor_write_whole(socket, server->target->record, FLOOR_ANSWER_SIZE))
            break;
    (void)close(socket);
    return NULL;
}

int floor_listen(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return -1;
    if (bind(listener, (const struct sockaddr *)address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)address, &size) != 0) {
        (void)close(listener);
        return -1;
    }
    return listener;
}

static void send_at_once(int socket)
{
    const int on = 1;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int floor_accept(int listener)
{
    int socket = accept(listener, NULL, NULL);
    if (socket >= 0)
        send_at_once(socket);
    return socket;
}

int floor_connect(const struct sockaddr_in *address)
{
    int asker = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (asker < 0)
        return -1;
    send_at_once(asker);
    if (connect(asker, (const struct sockaddr *)address, sizeof *address) == 0)
        return asker;
    (void)close(asker);
    return -1;
}

static enum rsm_status ask(const struct sockaddr_in *address, uint32_t size, uint32_t count,
                           struct floor_result *out)
{
    static uint8_t record[FLOOR_RECORD_MAX], answer[FLOOR_ANSWER_SIZE];
    int asker = floor_connect(address);
    enum rsm_status status = RSM_IO;
    if (asker < 0)
        return RSM_IO;
    uint64_t first_ns = 0;
    for (uint32_t i = 0; i < FLOOR_WARM_UP + count; i++) {
        uint64_t begin_ns = bench_now_ns();
        if (!floor_write_whole(asker, record, size) ||
            !floor_read_whole(asker, answer, sizeof answer))
            goto out;
        if (i == FLOOR_WARM_UP)
            first_ns = begin_ns;
        if (i >= FLOOR_WARM_UP)
            histogram_add(&out->round_trip, bench_now_ns() - begin_ns);
    }
    out->round_trip_seconds = (double)(bench_now_ns() - first_ns) / 1e9;
    status = RSM_OK;
out:
    (void)close(asker);
    return status;
}

static enum rsm_status measure_round_trip(struct floor_target *target, uint32_t count,
                                          struct floor_result *out)
{
    struct sockaddr_in address;
    struct server server = {floor_listen(&address), target};
    pthread_t thread;
    if (server.listener < 0)
        return RSM_IO;
    if (pthread_create(&thread, NULL, serve, &server) != 0) {
        (void)close(server.listener);
        return RSM_IO;
    }
    enum rsm_status status = ask(&address, target->size, count, out);
    if (status != RSM_OK)
        (void)shutdown(server.listener, SHUT_RDWR); /* wakes a thread that still accepts */
    (void)pthread_join(thread, NULL);
    (void)close(server.listener);
    return status;
}

static enum rsm_status measure_flush(struct floor_target *target, uint32_t count,
                                     struct floor_result *out)
{
    uint64_t first_ns = 0;
    for (uint32_t i = 0; i < FLOOR_WARM_UP + count; i++) {
        uint64_t begin_ns = bench_now_ns();
        if (!floor_append_and_flush(target))
            return RSM_IO;
        if (i == FLOOR_WARM_UP)
            first_ns = begin_ns;
        if (i >= FLOOR_WARM_UP)
            histogram_add(&out->flush, bench_now_ns() - begin_ns);
    }
    out->flush_seconds = (double)(bench_now_ns() - first_ns) / 1e9;
    return RSM_OK;
}

enum rsm_status floor_measure(const char *directory, uint32_t size, uint32_t count,
                              struct floor_result *out)
{
    static struct floor_target target;
    CHECK(size >= 16);
    CHECK(size <= FLOOR_RECORD_MAX);
    histogram_init(&out->flush);
    histogram_init(&out->round_trip);
    histogram_init(&out->quorum);
    enum rsm_status status = floor_open_target(&target, directory, size);
    if (status == RSM_OK)
        status = measure_flush(&target, count, out);
    if (status == RSM_OK)
        status = measure_round_trip(&target, count, out);
    if (status == RSM_OK)
        status = floor_measure_quorum(directory, size, count, out);
    if (target.file >= 0)
        (void)close(target.file);
    return status;
}
