/* SPDX-License-Identifier: GPL-3.0-or-later */
/* axfr_fetch.c - a transfer over TCP, and the key file for it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/client/endpoint.h"
#include "tools/resilience-ctl/axfr.h"
#include "tools/resilience-ctl/ctl.h"

#define KEY_FILE_MAX 4096u

static enum rsm_status fail(char *error, enum rsm_status status, const char *what)
{
    (void)snprintf(error, AXFR_ERROR_SIZE, "%s", what);
    return status;
}

/* "host:port", "[ip6]:port", "host", "ip6". */
static bool split_server(const char *server, char host[256], char port[8])
{
    const char *colon = strrchr(server, ':');
    size_t size = strlen(server);
    (void)snprintf(port, 8, "53");
    if (server[0] == '[') {
        const char *end = strchr(server, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        size = (size_t)(end - ++server);
        colon = end[1] == ':' ? end + 1 : NULL;
    } else if (colon != NULL && strchr(server, ':') == colon) {
        size = (size_t)(colon - server);
    } else {
        colon = NULL;
    }
    if (size == 0 || size >= 256 || (colon != NULL && strlen(colon + 1) >= 8))
        return false;
    (void)snprintf(host, 256, "%.*s", (int)size, server);
    if (colon != NULL)
        (void)snprintf(port, 8, "%s", colon + 1);
    return true;
}

/* Waits until the socket is ready; false when the time is over. */
static bool wait_for(int fd, short events, uint32_t timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int result;
    do
        result = poll(&p, 1, (int)timeout_ms);
    while (result < 0 && errno == EINTR);
    return result > 0;
}

static int dial(const struct endpoint *server, uint32_t timeout_ms)
{
    int failed = 0;
    socklen_t size = sizeof failed;
    int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&server->address, server->address_size) == 0)
        return fd;
    if (errno == EINPROGRESS && wait_for(fd, POLLOUT, timeout_ms) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static enum rsm_status dial_server(const struct axfr_source *source, int *fd_out, char *error)
{
    char host[256], port[8], text[sizeof host + sizeof port + 4];
    struct endpoint server;
    unsigned count;
    *fd_out = -1;
    if (!split_server(source->server, host, port))
        return fail(error, RSM_USAGE, "a server is IP, IP:PORT or [IP]:PORT");
    (void)snprintf(text, sizeof text, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
    if (endpoint_parse_list(text, &server, 1, &count) != RSM_OK ||
        server.address.ss_family == AF_UNIX)
        return fail(error, RSM_USAGE,
                    "a server is IP, IP:PORT or [IP]:PORT; names are looked up nowhere");
    *fd_out = dial(&server, source->timeout_ms);
    return *fd_out >= 0 ? RSM_OK : fail(error, RSM_CANNOT_CONNECT, "nobody answers there");
}

static enum rsm_status write_all(int fd, struct bytes bytes, uint32_t timeout_ms, char *error)
{
    while (bytes.size > 0) {
        if (!wait_for(fd, POLLOUT, timeout_ms))
            return fail(error, RSM_TIMED_OUT, "the server does not read the question");
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return fail(error, RSM_CLOSED, "the server closed the connection");
        if (sent > 0)
            bytes = bytes_make(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return RSM_OK;
}

static enum rsm_status read_exactly(int fd, uint8_t *out, size_t size, uint32_t timeout_ms,
                                    char *error)
{
    while (size > 0) {
        if (!wait_for(fd, POLLIN, timeout_ms))
            return fail(error, RSM_TIMED_OUT, "the transfer stopped before its end: nothing taken");
        ssize_t got = recv(fd, out, size, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return fail(error, RSM_CLOSED, "the transfer was cut before its end: nothing taken");
        if (got > 0) {
            out += got;
            size -= (size_t)got;
        }
    }
    return RSM_OK;
}

static enum rsm_status exchange(int fd, const struct axfr_source *source, struct bytes zone,
                                struct axfr_result *out, char *error)
{
    uint8_t prefix[2];
    uint8_t *message = mem_alloc(PACKET_SIZE_MAX);
    struct bytes question;
    struct axfr *a = axfr_new(zone, source->key, &question);
    bool is_done = false;
    put_u16(prefix, (uint16_t)question.size);
    enum rsm_status status = write_all(fd, bytes_make(prefix, 2), source->timeout_ms, error);
    if (status == RSM_OK)
        status = write_all(fd, question, source->timeout_ms, error);
    while (status == RSM_OK && !is_done) {
        status = read_exactly(fd, prefix, 2, source->timeout_ms, error);
        if (status == RSM_OK)
            status = read_exactly(fd, message, get_u16(prefix), source->timeout_ms, error);
        if (status == RSM_OK)
            status = axfr_take(a, bytes_make(message, get_u16(prefix)), &is_done, error);
    }
    if (status == RSM_OK)
        status = axfr_end(a, out, error);
    axfr_free(a);
    mem_free(message);
    return status;
}

enum rsm_status axfr_fetch(const struct axfr_source *source, struct bytes zone,
                           struct axfr_result *out, char *error)
{
    int fd;
    *out = (struct axfr_result){.serial = 0};
    enum rsm_status status = dial_server(source, &fd, error);
    if (status != RSM_OK)
        return status;
    status = exchange(fd, source, zone, out, error);
    (void)close(fd);
    return status;
}

/* ---- keys ---- */

/* The value behind a word of the file, up to a blank, a quote, a brace or a semicolon. */
static bool word_behind(const char *text, const char *word, char out[256])
{
    const char *at = strstr(text, word);
    if (at == NULL)
        return false;
    at += strlen(word);
    at += strspn(at, " \t\r\n\"");
    size_t size = strcspn(at, " \t\r\n\"{};");
    if (size == 0 || size >= 256)
        return false;
    memcpy(out, at, size);
    out[size] = '\0';
    return true;
}

static enum rsm_status axfr_key_parse(const char *text, struct tsig_key **key_out, char *error)
{
    char name[256], algorithm[256], secret[256];
    const char *why = "neither hmac-sha256:NAME:SECRET nor key \"NAME\" { algorithm; secret; }";
    *key_out = NULL;
    text += strspn(text, " \t\r\n");
    bool is_good = sscanf(text, "%255[a-z0-9-]:%255[^: \t\r\n]:%255[A-Za-z0-9+/=]", algorithm, name,
                          secret) == 3;
    if (!is_good)
        is_good = strncmp(text, "key", 3) == 0 && word_behind(text, "key", name) &&
                  word_behind(text, "algorithm", algorithm) && word_behind(text, "secret", secret);
    enum rsm_status status = RSM_MALFORMED;
    if (is_good)
        status = tsig_key_new(name, algorithm, secret, TSIG_TRANSFER, key_out, &why);
    explicit_bzero(secret, sizeof secret);
    return status == RSM_OK ? status : fail(error, status, why);
}

enum rsm_status axfr_key_load(const char *path, struct tsig_key **key_out, char *error)
{
    char text[KEY_FILE_MAX + 1];
    struct stat info;
    *key_out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &info) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return fail(error, errno == ENOENT ? RSM_NOT_FOUND : RSM_NOT_ALLOWED, strerror(errno));
    }
    ssize_t size = -1;
    bool is_exposed = !S_ISREG(info.st_mode) || (info.st_mode & 077) != 0;
    if (!is_exposed)
        size = read(fd, text, KEY_FILE_MAX);
    (void)close(fd);
    if (is_exposed)
        return fail(error, RSM_KEY_EXPOSED, "others can read it: chmod 600");
    if (size < 0)
        return fail(error, RSM_IO, "it cannot be read");
    text[size] = '\0';
    enum rsm_status status = axfr_key_parse(text, key_out, error);
    explicit_bzero(text, sizeof text);
    return status;
}
