/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * relay.c - a bad network between replicas, for users: a TCP relay with orders.
 *
 * relay ID:LISTEN-PORT:TARGET-PORT... - on 127.0.0.1. The genesis names the listen ports as the
 * peers' addresses. Who dials is read from the handshake's first bytes, so that each direction
 * between two replicas is a link of its own: the connection that I opened to J carries I's messages
 * to J. (TCP gives back what was sent in order or not at all, so nothing is reordered or lost
 * inside a connection: what a network does to packets shows here as stalls and as broken
 * connections.)
 *
 * Orders come by stdin, one a line, FROM and TO are ids or 0 for all; each is answered by "ok":
 *
 *   set FROM TO cut 1|0          nothing passes, nothing is lost
 *   set FROM TO delay MS         and up to half as much again, in order
 *   set FROM TO rate BYTES       a second; 0: as fast as it goes
 *   set FROM TO single 1|0       one byte at a time
 *   set FROM TO flip BYTES       about one bit in so many bytes is flipped; 0: none
 *   do FROM TO reset             a reset after half of what comes next, in mid-frame
 *   do FROM TO half              the target's side is closed, the dialler is told nothing
 *   do FROM TO garbage           64 random bytes in front of what comes next
 *   heal                         all orders forgotten, half-open connections closed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "src/base/bytes.h"
#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/base/prng.h"
#include "src/net/peer_hello.h"

#define IDS 10u
#define HELLO_FROM 21u
#define HELD_MAX (256u << 10)
#define STEP_MS 2

struct rule {
    uint64_t cut, delay_ms, rate, single, flip;
};

struct chunk {
    uint64_t due_us;
    size_t size, sent;
    struct chunk *next;
    uint8_t data[];
};

/* Bytes one way: read from `from`, held, written to `to`. */
struct pipe {
    struct connection *connection;
    int from, to;
    struct event *readable, *timer;
    struct chunk *first, **last;
    size_t held;
    uint64_t due_us;   /* of the youngest chunk */
    uint64_t spent_us; /* the rate's: until then nothing passes */
    bool is_forward;   /* from the dialler */
};

struct connection {
    struct connection *next;
    unsigned dialler, target;
    bool is_connected, reset_next, garbage_next, is_half;
    struct pipe pipes[2];
};

struct member {
    unsigned id;
    uint16_t listen_port, target_port;
    struct evconnlistener *listener;
};

static struct event_base *base;
static struct rule rules[IDS][IDS];
static struct member members[IDS];
static unsigned member_count;
static struct connection *connections;
static struct prng dice;

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static const struct rule *rule_of(const struct connection *c)
{
    return &rules[c->dialler][c->target];
}

static void wake(struct pipe *p, uint64_t us)
{
    struct timeval after = {.tv_sec = (time_t)(us / 1000000),
                            .tv_usec = (suseconds_t)(us % 1000000)};
    event_add(p->timer, &after);
}

/* ---- ends ---- */

static void pipe_deinit(struct pipe *p)
{
    while (p->first != NULL) {
        struct chunk *chunk = p->first;
        p->first = chunk->next;
        mem_free(chunk);
    }
    event_free(p->readable);
    event_free(p->timer);
}

static void close_connection(struct connection *c, bool by_reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    struct connection **at = &connections;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    int fds[2] = {c->pipes[0].from, c->pipes[1].from};
    pipe_deinit(&c->pipes[0]);
    pipe_deinit(&c->pipes[1]);
    for (int i = 0; i < 2; i++) {
        if (fds[i] < 0)
            continue;
        if (by_reset)
            setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fds[i]);
    }
    mem_free(c);
}

/* ---- bytes ---- */

/* What may pass now; 0 and an alarm when it is not time. */
static size_t allowance(struct pipe *p)
{
    const struct rule *rule = rule_of(p->connection);
    const struct chunk *chunk = p->first;
    uint64_t now = now_us();
    if (rule->cut || (p->is_forward && !p->connection->is_connected))
        return 0; /* heal, or the connection, wakes it */
    uint64_t due = chunk->due_us > p->spent_us ? chunk->due_us : p->spent_us;
    if (due > now) {
        wake(p, due - now);
        return 0;
    }
    size_t size = chunk->size - chunk->sent;
    if (rule->single && size > 1)
        size = 1;
    if (rule->rate > 0) {
        if (size > 1460)
            size = 1460;
        p->spent_us =
            (p->spent_us + 20000 > now ? p->spent_us : now) + size * UINT64_C(1000000) / rule->rate;
    }
    return size;
}

/* False when the connection is gone. */
static bool pass(struct pipe *p)
{
    while (p->first != NULL) {
        size_t size = allowance(p);
        struct chunk *chunk = p->first;
        if (size == 0)
            return true;
        ssize_t n =
            p->to < 0 ? (ssize_t)size : send(p->to, chunk->data + chunk->sent, size, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            wake(p, STEP_MS * 1000);
            return true;
        }
        if (n < 0) {
            close_connection(p->connection, true);
            return false;
        }
        chunk->sent += (size_t)n;
        p->held -= (size_t)n;
        if (chunk->sent == chunk->size) {
            p->first = chunk->next;
            if (p->first == NULL)
                p->last = &p->first;
            mem_free(chunk);
        }
        if (rule_of(p->connection)->single && p->first != NULL) {
            wake(p, 50);
            return true;
        }
    }
    return true;
}

static void hold(struct pipe *p, const uint8_t *data, size_t size)
{
    const struct rule *rule = rule_of(p->connection);
    struct chunk *chunk = mem_alloc(sizeof *chunk + size);
    memcpy(chunk->data, data, size);
    chunk->size = size;
    if (rule->flip > 0 && prng_below(&dice, rule->flip) < size)
        chunk->data[prng_below(&dice, size)] ^= (uint8_t)(1u << prng_below(&dice, 8));
    chunk->due_us = now_us();
    if (rule->delay_ms > 0)
        chunk->due_us += prng_range(&dice, rule->delay_ms * 1000, rule->delay_ms * 1500);
    if (chunk->due_us < p->due_us)
        chunk->due_us = p->due_us; /* TCP keeps the order */
    p->due_us = chunk->due_us;
    *p->last = chunk;
    p->last = &chunk->next;
    p->held += size;
}

/* Half of it, and the end. */
static void reset_in_the_middle(struct pipe *p, const uint8_t *data, size_t size)
{
    struct connection *c = p->connection;
    if (p->first == NULL && size > 1 && p->to >= 0)
        (void)!send(p->to, data, size / 2, MSG_NOSIGNAL);
    close_connection(c, true);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct pipe *p = context;
    struct connection *c = p->connection;
    static uint8_t data[65536];
    (void)what;
    /* Reading stops as the other side would stop: by what is held. */
    if (p->held >= HELD_MAX || (rule_of(c)->cut && c->dialler != 0)) {
        event_del(p->readable);
        wake(p, STEP_MS * 1000);
        return;
    }
    ssize_t n = recv(fd, data, sizeof data, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_connection(c, n < 0);
        return;
    }
    if (c->dialler == 0 && p->is_forward) {
        if (n >= (ssize_t)PEER_HELLO_SIZE && memcmp(data, "RSMP", 4) == 0)
            c->dialler = get_u32(data + HELLO_FROM) % IDS;
    } else if (c->reset_next && p->is_forward) {
        reset_in_the_middle(p, data, (size_t)n);
        return;
    } else if (c->garbage_next && p->is_forward) {
        uint8_t garbage[64];
        for (size_t i = 0; i < sizeof garbage; i++)
            garbage[i] = (uint8_t)prng_next(&dice);
        hold(p, garbage, sizeof garbage);
        c->garbage_next = false;
    }
    hold(p, data, (size_t)n);
    (void)pass(p);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct pipe *p = context;
    const struct rule *rule = rule_of(p->connection);
    (void)fd;
    (void)what;
    if (!pass(p))
        return;
    if (p->held < HELD_MAX && !rule->cut && p->from >= 0)
        event_add(p->readable, NULL);
    else if (!rule->cut)
        wake(p, STEP_MS * 1000);
}

/* ---- connections ---- */

static void on_connected(evutil_socket_t fd, short what, void *context)
{
    struct connection *c = context;
    int error = 0;
    socklen_t size = sizeof error;
    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        close_connection(c, true);
        return;
    }
    c->is_connected = true;
    event_assign(c->pipes[1].readable, base, fd, EV_READ | EV_PERSIST, on_readable, &c->pipes[1]);
    event_add(c->pipes[1].readable, NULL);
    (void)pass(&c->pipes[0]);
}

static void pipe_init(struct pipe *p, struct connection *c, int from, int to)
{
    int on = 1;
    *p = (struct pipe){.connection = c, .from = from, .to = to, .is_forward = p == &c->pipes[0]};
    p->last = &p->first;
    p->timer = evtimer_new(base, on_timer, p);
    setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int size, void *context)
{
    const struct member *member = context;
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(member->target_port)};
    (void)listener;
    (void)address;
    (void)size;
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int out = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out < 0) {
        close(fd);
        return;
    }
    struct connection *c = mem_alloc(sizeof *c);
    c->target = member->id;
    c->next = connections;
    connections = c;
    pipe_init(&c->pipes[0], c, fd, out);
    pipe_init(&c->pipes[1], c, out, fd);
    c->pipes[0].readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, &c->pipes[0]);
    c->pipes[1].readable = event_new(base, out, EV_WRITE, on_connected, c);
    if (connect(out, (struct sockaddr *)&target, sizeof target) != 0 && errno != EINPROGRESS) {
        close_connection(c, true);
        return;
    }
    event_add(c->pipes[0].readable, NULL);
    event_add(c->pipes[1].readable, NULL);
}

/* ---- orders ---- */

static bool is_meant(const struct connection *c, unsigned from, unsigned to)
{
    return c->dialler != 0 && (from == 0 || c->dialler == from) && (to == 0 || c->target == to);
}

static void wake_all(void)
{
    for (struct connection *c = connections; c != NULL; c = c->next)
        for (int i = 0; i < 2; i++)
            if (c->is_connected && !c->is_half)
                wake(&c->pipes[i], 0);
}

static bool set_rule(unsigned from, unsigned to, const char *what, uint64_t value)
{
    for (unsigned i = 1; i < IDS; i++) {
        for (unsigned j = 1; j < IDS; j++) {
            struct rule *rule = &rules[i][j];
            if ((from != 0 && from != i) || (to != 0 && to != j))
                continue;
            if (strcmp(what, "cut") == 0)
                rule->cut = value;
            else if (strcmp(what, "delay") == 0)
                rule->delay_ms = value;
            else if (strcmp(what, "rate") == 0)
                rule->rate = value;
            else if (strcmp(what, "single") == 0)
                rule->single = value;
            else if (strcmp(what, "flip") == 0)
                rule->flip = value;
            else
                return false;
        }
    }
    wake_all();
    return true;
}

static void make_half(struct connection *c)
{
    int out = c->pipes[0].to;
    if (c->is_half || !c->is_connected)
        return;
    c->is_half = true;
    event_del(c->pipes[1].readable);
    event_del(c->pipes[1].timer);
    c->pipes[0].to = -1; /* swallowed */
    c->pipes[1].from = -1;
    close(out);
}

static bool act(unsigned from, unsigned to, const char *what)
{
    for (struct connection *c = connections; c != NULL; c = c->next) {
        if (!is_meant(c, from, to))
            continue;
        if (strcmp(what, "reset") == 0)
            c->reset_next = true;
        else if (strcmp(what, "garbage") == 0)
            c->garbage_next = true;
        else if (strcmp(what, "half") == 0)
            make_half(c);
        else
            return false;
    }
    return true;
}

static void heal(void)
{
    memset(rules, 0, sizeof rules);
    for (struct connection *c = connections, *next; c != NULL; c = next) {
        next = c->next;
        c->reset_next = c->garbage_next = false;
        if (c->is_half)
            close_connection(c, true);
    }
    wake_all();
}

static bool obey(const char *line)
{
    unsigned from, to;
    unsigned long long value;
    char what[16];
    if (strcmp(line, "heal") == 0) {
        heal();
        return true;
    }
    if (sscanf(line, "set %u %u %15s %llu", &from, &to, what, &value) == 4)
        return set_rule(from, to, what, value);
    if (sscanf(line, "do %u %u %15s", &from, &to, what) == 3)
        return act(from, to, what);
    return false;
}

static void on_order(evutil_socket_t fd, short what, void *context)
{
    static char text[4096];
    static size_t size;
    (void)what;
    (void)context;
    ssize_t n = read(fd, text + size, sizeof text - 1 - size);
    if (n <= 0) {
        event_base_loopbreak(base);
        return;
    }
    size += (size_t)n;
    text[size] = '\0';
    char *rest = text, *end;
    while ((end = strchr(rest, '\n')) != NULL) {
        *end = '\0';
        puts(obey(rest) ? "ok" : "no such order");
        rest = end + 1;
    }
    fflush(stdout);
    size -= (size_t)(rest - text);
    memmove(text, rest, size);
}

static bool add_member(const char *text)
{
    unsigned id, listen_port, target_port;
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (sscanf(text, "%u:%u:%u", &id, &listen_port, &target_port) != 3 || id == 0 || id >= IDS ||
        member_count == IDS)
        return false;
    struct member *m = &members[member_count++];
    *m = (struct member){id, (uint16_t)listen_port, (uint16_t)target_port, NULL};
    address.sin_port = htons(m->listen_port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    m->listener = evconnlistener_new_bind(
        base, on_accept, m, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 64,
        (struct sockaddr *)&address, sizeof address);
    return m->listener != NULL;
}

int main(int argc, char **argv)
{
    base = event_base_new();
    CHECK(base != NULL);
    prng_init(&dice, (uint64_t)getpid());
    for (int i = 1; i < argc; i++) {
        if (!add_member(argv[i])) {
            printf("%s: %s\n", argv[i], strerror(errno));
            return 1;
        }
    }
    struct event *orders = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_order, NULL);
    CHECK(orders != NULL);
    event_add(orders, NULL);
    puts("ok");
    fflush(stdout);
    event_base_dispatch(base);
    return 0;
}
