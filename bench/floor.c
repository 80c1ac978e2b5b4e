/* SPDX-License-Identifier: GPL-3.0-or-later */
/* floor.c - see floor.h. */
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

#include <sodium.h>

#include "src/base/check.h"

#define FILE_SIZE (16u << 20)

uint64_t bench_now_ns(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const char *const names[FLOOR_COUNT] = {
#define FLOOR_NAME(name, text, what) text,
    FLOOR_LIST(FLOOR_NAME)
#undef FLOOR_NAME
};

static const char *const whats[FLOOR_COUNT] = {
#define FLOOR_WHAT(name, text, what) what,
    FLOOR_LIST(FLOOR_WHAT)
#undef FLOOR_WHAT
};

const char *floor_name(enum floor_part part)
{
    return names[part];
}

const char *floor_what(enum floor_part part)
{
    return whats[part];
}

enum floor_part floor_of_clients(uint32_t clients)
{
    return clients > 1 ? FLOOR_GROUP : FLOOR_QUORUM;
}

bool floor_append_and_flush(struct floor_target *t, const uint8_t *data, size_t size)
{
    if (t->offset + (off_t)size > (off_t)FILE_SIZE)
        t->offset = 0;
    if (pwrite(t->file, data, size, t->offset) != (ssize_t)size)
        return false;
    t->offset += (off_t)size;
    return fdatasync(t->file) == 0;
}

enum rsm_status floor_open_target(struct floor_target *t, const char *directory)
{
    char path[512];
    static const uint8_t zeros[1u << 16];
    memset(t, 0, sizeof *t);
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

int floor_listen(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return -1;
    if (bind(listener, (const struct sockaddr *)address, size) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
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

struct server {
    int listener;
    uint32_t size;
};

/* Thread: answers what comes, until the asker closes. */
static void *serve(void *context)
{
    static uint8_t record[FLOOR_RECORD_MAX];
    const struct server *server = context;
    int socket = floor_accept(server->listener);
    if (socket < 0)
        return NULL;
    while (floor_read_whole(socket, record, server->size))
        if (!floor_write_whole(socket, record, FLOOR_ANSWER_SIZE))
            break;
    (void)close(socket);
    return NULL;
}

static enum rsm_status measure_round_trip(const struct floor_options *o, struct floor_result *out)
{
    struct sockaddr_in address;
    struct server server = {floor_listen(&address), o->size};
    pthread_t thread;
    if (server.listener < 0)
        return RSM_IO;
    if (pthread_create(&thread, NULL, serve, &server) != 0) {
        (void)close(server.listener);
        return RSM_IO;
    }
    enum rsm_status status =
        floor_ask(&address, o->size, 1, 1, o->count, &out->histograms[FLOOR_ROUND_TRIP],
                  &out->seconds[FLOOR_ROUND_TRIP]);
    if (status != RSM_OK)
        (void)shutdown(server.listener, SHUT_RDWR); /* wakes a thread that still accepts */
    (void)pthread_join(thread, NULL);
    (void)close(server.listener);
    return status;
}

static enum rsm_status measure_flush(const struct floor_options *o, struct floor_result *out)
{
    static uint8_t record[FLOOR_RECORD_MAX];
    struct floor_target target;
    enum rsm_status status = floor_open_target(&target, o->directory);
    uint64_t first_ns = 0;
    for (uint32_t i = 0; i < FLOOR_WARM_UP + o->count && status == RSM_OK; i++) {
        uint64_t begin_ns = bench_now_ns();
        record[0]++;
        if (!floor_append_and_flush(&target, record, o->size))
            status = RSM_IO;
        if (i == FLOOR_WARM_UP)
            first_ns = begin_ns;
        if (i >= FLOOR_WARM_UP)
            histogram_add(&out->histograms[FLOOR_FLUSH], bench_now_ns() - begin_ns);
    }
    out->seconds[FLOOR_FLUSH] += (double)(bench_now_ns() - first_ns) / 1e9;
    if (target.file >= 0)
        (void)close(target.file);
    return status;
}

static enum rsm_status measure_signatures(const struct floor_options *o, struct floor_result *out)
{
    static uint8_t record[FLOOR_RECORD_MAX];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    if (sodium_init() < 0 || crypto_sign_keypair(public_key, secret_key) != 0)
        return RSM_FAILED;
    for (uint32_t i = 0; i < o->count; i++) {
        uint8_t signature[crypto_sign_BYTES];
        record[0]++;
        uint64_t begin_ns = bench_now_ns();
        CHECK(crypto_sign_detached(signature, NULL, record, o->size, secret_key) == 0);
        uint64_t signed_ns = bench_now_ns();
        CHECK(crypto_sign_verify_detached(signature, record, o->size, public_key) == 0);
        uint64_t verified_ns = bench_now_ns();
        histogram_add(&out->histograms[FLOOR_SIGN], signed_ns - begin_ns);
        histogram_add(&out->histograms[FLOOR_VERIFY], verified_ns - signed_ns);
        out->seconds[FLOOR_SIGN] += (double)(signed_ns - begin_ns) / 1e9;
        out->seconds[FLOOR_VERIFY] += (double)(verified_ns - signed_ns) / 1e9;
    }
    sodium_memzero(secret_key, sizeof secret_key);
    return RSM_OK;
}

enum rsm_status floor_measure(const struct floor_options *options, struct floor_result *out)
{
    CHECK(options->size >= FLOOR_ANSWER_SIZE);
    CHECK(options->size <= FLOOR_RECORD_MAX);
    CHECK(options->replicas >= 1);
    enum rsm_status status = measure_flush(options, out);
    if (status == RSM_OK)
        status = measure_round_trip(options, out);
    if (status == RSM_OK)
        status = floor_measure_quorum(options, 1, 1, FLOOR_QUORUM, out);
    if (status == RSM_OK && options->clients > 1)
        status =
            floor_measure_quorum(options, options->clients, options->connections, FLOOR_GROUP, out);
    if (status == RSM_OK)
        status = measure_signatures(options, out);
    return status == RSM_OK ? floor_measure_signed(options, out) : status;
}
