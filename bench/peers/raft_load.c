/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * raft_load.c - the C raft library (libraft, with its libuv disk and network): three processes on
 * loopback, and commands from inside the leader, CLIENTS on their way.
 *
 *   raft_load DIR CLIENTS SIZE SECONDS shipped|rare
 *
 * No clients over sockets, no signatures, an empty state machine: what the library alone takes.
 * `shipped` leaves its settings, `rare` makes snapshots so rare that none falls into the load.
 * TCP_NODELAY is the library's to set, and it does not; it is set here by no trick.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <raft.h>
#include <raft/uv.h>
#include <uv.h>

#include "bench/peers/peer_result.h"
#include "src/base/mem.h"

#define SERVERS 3u
#define CLIENTS_MAX 1024u
#define SETTLE_MS 2000u

struct server {
    struct peer_load peer;
    struct uv_loop_s loop;
    struct raft_uv_transport transport;
    struct raft_io io;
    struct raft_fsm fsm;
    struct raft raft;
    struct uv_timer_s timer;
    char addresses[SERVERS][32];
    uint32_t in_flight;
    bool is_loaded, failed;
};

struct command {
    struct raft_apply request;
    struct server *server;
    uint64_t begin_ns;
};

/* The library frees what is applied with raft_free, which is free by default. */
static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buffer, void **result)
{
    (void)fsm;
    (void)buffer;
    *result = NULL;
    return 0;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *buffers[], unsigned *count)
{
    (void)fsm;
    *count = 1;
    *buffers = raft_malloc(sizeof **buffers);
    (*buffers)[0].len = 8;
    (*buffers)[0].base = raft_calloc(1, 8);
    return 0;
}

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buffer)
{
    (void)fsm;
    raft_free(buffer->base);
    return 0;
}

static void submit(struct command *c);

static void on_applied(struct raft_apply *request, int status, void *result)
{
    struct command *c = request->data;
    struct server *s = c->server;
    (void)result;
    s->in_flight--;
    if (status != 0) {
        s->failed = true;
        uv_stop(&s->loop);
    } else if (peer_count(&s->peer, c->begin_ns, peer_now_ns())) {
        submit(c);
    } else if (s->in_flight == 0) {
        uv_stop(&s->loop);
    }
}

static void submit(struct command *c)
{
    struct server *s = c->server;
    struct raft_buffer buffer = {.len = (s->peer.size + 7) / 8 * 8};
    buffer.base = raft_calloc(1, buffer.len);
    c->request.data = c;
    c->begin_ns = peer_now_ns();
    s->in_flight++;
    if (raft_apply(&s->raft, &c->request, &buffer, 1, on_applied) != 0) {
        (void)fprintf(stderr, "raft_load: %s\n", raft_errmsg(&s->raft));
        s->failed = true;
        uv_stop(&s->loop);
    }
}

/* Twice a second until this server leads; then the load begins. A follower never stops by itself.
 */
static void on_timer(struct uv_timer_s *timer)
{
    struct server *s = timer->data;
    if (s->is_loaded || raft_state(&s->raft) != RAFT_LEADER)
        return;
    struct command *commands = mem_alloc(s->peer.clients * sizeof commands[0]);
    s->is_loaded = true;
    peer_begin(&s->peer);
    for (uint32_t i = 0; i < s->peer.clients && !s->failed; i++) {
        commands[i].server = s;
        submit(&commands[i]);
    }
}

static bool start(struct server *s, const char *directory, uint32_t index, bool is_rare)
{
    struct raft_configuration configuration;
    int result = uv_loop_init(&s->loop);
    s->transport.data = NULL;
    s->fsm = (struct raft_fsm){
        .version = 1, .apply = fsm_apply, .snapshot = fsm_snapshot, .restore = fsm_restore};
    if (result == 0)
        result = raft_uv_tcp_init(&s->transport, &s->loop);
    if (result == 0)
        result = raft_uv_init(&s->io, &s->loop, directory, &s->transport);
    if (result == 0)
        result = raft_init(&s->raft, &s->io, &s->fsm, index + 1, s->addresses[index]);
    raft_configuration_init(&configuration);
    for (uint32_t i = 0; i < SERVERS && result == 0; i++)
        result = raft_configuration_add(&configuration, i + 1, s->addresses[i], RAFT_VOTER);
    if (result == 0)
        result = raft_bootstrap(&s->raft, &configuration);
    raft_configuration_close(&configuration);
    raft_uv_set_connect_retry_delay(&s->io, 100);
    /* The first server shall lead. */
    raft_set_election_timeout(&s->raft, index == 0 ? 500 : 5000);
    raft_set_heartbeat_timeout(&s->raft, 100);
    if (is_rare) {
        raft_set_snapshot_threshold(&s->raft, 1u << 30);
        raft_set_snapshot_trailing(&s->raft, 1u << 20);
    }
    if (result == 0)
        result = raft_start(&s->raft);
    if (result != 0)
        (void)fprintf(stderr, "raft_load: %s\n", raft_errmsg(&s->raft));
    return result == 0;
}

/* Never returns. */
static void serve(struct server *s, const char *parent, uint32_t index, bool is_rare)
{
    char directory[512];
    (void)snprintf(directory, sizeof directory, "%s/raft-%u", parent, index + 1);
    if (mkdir(directory, 0700) != 0 || !start(s, directory, index, is_rare))
        _exit(1);
    s->timer.data = s;
    if (index == 0) {
        (void)uv_timer_init(&s->loop, &s->timer);
        (void)uv_timer_start(&s->timer, on_timer, SETTLE_MS, 500);
    }
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    if (s->is_loaded && !s->failed)
        peer_print(&s->peer, "C raft");
    (void)fflush(stdout);
    _exit(s->is_loaded && !s->failed ? 0 : 1);
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = holder >= 0 && bind(holder, (struct sockaddr *)&address, size) == 0 &&
                getsockname(holder, (struct sockaddr *)&address, &size) == 0;
    if (holder >= 0)
        (void)close(holder);
    return good ? ntohs(address.sin_port) : 0;
}

static int run(struct server *s, const char *directory, bool is_rare)
{
    pid_t children[SERVERS];
    int ended = 0;
    for (uint32_t i = 0; i < SERVERS; i++)
        (void)snprintf(s->addresses[i], sizeof s->addresses[i], "127.0.0.1:%u", free_port());
    for (uint32_t i = SERVERS; i-- > 0;) { /* the leader last: it finds the others */
        children[i] = fork();
        if (children[i] != 0)
            continue;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(s, directory, i, is_rare);
    }
    (void)waitpid(children[0], &ended, 0);
    for (uint32_t i = 1; i < SERVERS; i++) {
        (void)kill(children[i], SIGKILL);
        (void)waitpid(children[i], NULL, 0);
    }
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 1;
}

int main(int count, char **arguments)
{
    struct server *s = mem_alloc(sizeof *s);
    if (count != 6) {
        (void)fprintf(stderr, "usage: raft_load DIR CLIENTS SIZE SECONDS shipped|rare\n");
        return 2;
    }
    s->peer.clients = (uint32_t)strtoul(arguments[2], NULL, 10);
    s->peer.size = (uint32_t)strtoul(arguments[3], NULL, 10);
    s->peer.seconds = strtod(arguments[4], NULL);
    s->peer.warm_up = s->peer.seconds / 10 > 0.5 ? s->peer.seconds / 10 : 0.5;
    if (s->peer.clients < 1 || s->peer.clients > CLIENTS_MAX || s->peer.size < 1 ||
        !(s->peer.seconds > 0)) {
        (void)fprintf(stderr, "raft_load: 1 to %u clients, at least a byte\n", CLIENTS_MAX);
        return 2;
    }
    return run(s, arguments[1], strcmp(arguments[5], "rare") == 0);
}
