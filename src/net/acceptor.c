/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acceptor.c - see acceptor.h. */
#include "src/net/acceptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define PAUSE_MS 100
#define BACKLOG 512

struct listening {
    struct acceptor *acceptor;
    struct evconnlistener *listener; /* owned */
};

struct acceptor {
    struct acceptor_config config;
    struct listening sockets[ACCEPTOR_LISTEN_MAX];
    uint32_t count;
    struct event *again; /* owned */
    bool stopping;
};

/* The system gives the lowest free descriptor: this one tells how many are left. */
static bool is_reserved(const struct acceptor *a, evutil_socket_t fd)
{
    struct rlimit files;
    return getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
           (rlim_t)fd + a->config.descriptors_kept >= files.rlim_cur;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int size, void *context)
{
    const struct listening *l = context;
    struct acceptor *a = l->acceptor;
    int on = 1;
    (void)listener;
    if (address->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!a->stopping && size >= 0 && (size_t)size <= sizeof(struct sockaddr_storage) &&
        !is_reserved(a, fd) &&
        a->config.on_connection(a->config.context, (uint32_t)(l - a->sockets), fd, address,
                                (socklen_t)size))
        return;
    ++*a->config.refused;
    close(fd);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
    struct acceptor *a = context;
    (void)fd;
    (void)what;
    for (uint32_t i = 0; i < a->count && !a->stopping; i++)
        evconnlistener_enable(a->sockets[i].listener);
}

/* No descriptor is free: a listener left on would call here without end. */
static void on_error(struct evconnlistener *listener, void *context)
{
    struct acceptor *a = ((struct listening *)context)->acceptor;
    struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
    LOG(LOG_WARNING, a->config.event, LOG_TEXT("text", strerror(errno)));
    evconnlistener_disable(listener);
    event_add(a->again, &pause);
}

struct acceptor *acceptor_new(const struct acceptor_config *config)
{
    struct acceptor *a = mem_alloc(sizeof *a);
    a->config = *config;
    a->again = mem_made(evtimer_new(config->base, on_again, a));
    return a;
}

void acceptor_free(struct acceptor *a)
{
    if (a == NULL)
        return;
    for (uint32_t i = 0; i < a->count; i++)
        evconnlistener_free(a->sockets[i].listener);
    event_free(a->again);
    mem_free(a);
}

enum rsm_status acceptor_listen(struct acceptor *a, const struct sockaddr *address, socklen_t size,
                                const char *name, char *text)
{
    CHECK(a->count < ACCEPTOR_LISTEN_MAX);
    struct listening *l = &a->sockets[a->count];
    l->acceptor = a;
    l->listener =
        evconnlistener_new_bind(a->config.base, on_accept, l,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                BACKLOG, address, (int)size);
    if (l->listener == NULL) {
        (void)snprintf(text, 256, "cannot listen on %.200s: %s", name, strerror(errno));
        return RSM_IO;
    }
    evconnlistener_set_error_cb(l->listener, on_error);
    a->count++;
    return RSM_OK;
}

enum rsm_status acceptor_parse(const char *address, struct sockaddr_storage *out,
                               socklen_t *size_out, char *text)
{
    int size = (int)sizeof *out;
    if (evutil_parse_sockaddr_port(address, (struct sockaddr *)out, &size) != 0) {
        (void)snprintf(text, 256, "%.200s is no address", address);
        return RSM_IO;
    }
    *size_out = (socklen_t)size;
    return RSM_OK;
}

enum rsm_status acceptor_listen_on(struct acceptor *a, const char *address, char *text)
{
    struct sockaddr_storage parsed;
    socklen_t size;
    enum rsm_status status = acceptor_parse(address, &parsed, &size, text);
    if (status == RSM_OK)
        status = acceptor_listen(a, (const struct sockaddr *)&parsed, size, address, text);
    return status;
}

uint16_t acceptor_port(const struct acceptor *a, uint32_t index)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    CHECK(index < a->count);
    if (getsockname(evconnlistener_get_fd(a->sockets[index].listener), (struct sockaddr *)&address,
                    &size) != 0)
        return 0;
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
    return 0;
}

void acceptor_stop(struct acceptor *a)
{
    a->stopping = true;
    for (uint32_t i = 0; i < a->count; i++)
        evconnlistener_disable(a->sockets[i].listener);
}
