/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor_quorum.c - the floor of a replicated commit: a leader and two followers; see floor.h.
 *
 * The leader takes what its clients have sent by now as one group: to both followers (a head of 16
 * bytes: number, size; then the records), into its own file with one flush, and when one follower
 * has answered with the number, an answer for each record.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/floor_parts.h"
#include "src/base/bytes.h"
#include "src/base/mem.h"

#define FOLLOWERS 2u
#define HEAD_SIZE 16u

/* One of three processes; in a child of this one. */
struct part {
    int listener;
    struct sockaddr_in address;
    pid_t process;
};

/* What the leader has of one client connection. */
struct source {
    int socket;
    uint8_t *data; /* owned; room for all that may be on its way */
    size_t size, room;
    uint32_t answers; /* that it gets with the group in hand */
};

struct leader {
    int followers[FOLLOWERS];
    struct source *sources;
    uint32_t source_count, size;
    struct floor_target target;
    uint8_t *group; /* HEAD_SIZE bytes, then records */
    size_t group_size;
    uint64_t number;
};

/* A follower: flushes what comes, and answers with the number in front of it. */
static void follow(const struct part *self, struct floor_target *target, size_t group_max)
{
    uint8_t head[HEAD_SIZE], *data = mem_alloc(group_max);
    int leader = floor_accept(self->listener);
    while (leader >= 0 && floor_read_whole(leader, head, sizeof head)) {
        size_t size = get_u64(head + 8);
        if (!floor_read_whole(leader, data, size) || !floor_append_and_flush(target, data, size) ||
            !floor_write_whole(leader, head, FLOOR_ANSWER_SIZE))
            break;
    }
}

/*
 * Until one follower has answered for `number`; answers to earlier ones come late, and are passed.
 */
static bool await_vote(const int followers[FOLLOWERS], uint64_t number)
{
    for (;;) {
        struct pollfd polls[FOLLOWERS];
        for (unsigned i = 0; i < FOLLOWERS; i++)
            polls[i] = (struct pollfd){.fd = followers[i], .events = POLLIN};
        if (poll(polls, FOLLOWERS, -1) <= 0)
            return false;
        for (unsigned i = 0; i < FOLLOWERS; i++) {
            uint8_t answer[FLOOR_ANSWER_SIZE];
            if (polls[i].revents == 0)
                continue;
            if (!floor_read_whole(followers[i], answer, sizeof answer))
                return false;
            if (get_u64(answer) == number)
                return true;
        }
    }
}

/* All whole records that have come join the group. False when the connection is gone. */
static bool take_records(struct leader *l, struct source *s)
{
    ssize_t n = recv(s->socket, s->data + s->size, s->room - s->size, MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    s->size += (size_t)n;
    size_t whole = s->size - s->size % l->size;
    memcpy(l->group + HEAD_SIZE + l->group_size, s->data, whole);
    memmove(s->data, s->data + whole, s->size - whole);
    l->group_size += whole;
    s->size -= whole;
    s->answers = (uint32_t)(whole / l->size);
    return true;
}

static bool commit_group(struct leader *l)
{
    put_u64(l->group, ++l->number);
    put_u64(l->group + 8, l->group_size);
    for (unsigned i = 0; i < FOLLOWERS; i++)
        if (!floor_write_whole(l->followers[i], l->group, HEAD_SIZE + l->group_size))
            return false;
    return floor_append_and_flush(&l->target, l->group + HEAD_SIZE, l->group_size) &&
           await_vote(l->followers, l->number);
}

static bool answer(struct source *s)
{
    static const uint8_t answers[64 * FLOOR_ANSWER_SIZE];
    while (s->answers > 0) {
        uint32_t count = s->answers < 64 ? s->answers : 64;
        if (!floor_write_whole(s->socket, answers, (size_t)count * FLOOR_ANSWER_SIZE))
            return false;
        s->answers -= count;
    }
    return true;
}

static void lead(struct leader *l, int poll)
{
    struct epoll_event events[1024];
    for (bool good = true; good;) {
        int ready = epoll_wait(poll, events, 1024, -1);
        l->group_size = 0;
        for (int i = 0; i < ready && good; i++)
            good = take_records(l, events[i].data.ptr);
        if (!good || l->group_size == 0)
            continue;
        good = commit_group(l);
        for (int i = 0; i < ready && good; i++)
            good = answer(events[i].data.ptr);
    }
}

static void begin_lead(const struct part *self, const struct part *others, struct leader *l,
                       uint32_t clients)
{
    int poll = epoll_create1(EPOLL_CLOEXEC);
    size_t room = (size_t)((clients + l->source_count - 1) / l->source_count) * l->size;
    l->sources = mem_alloc(l->source_count * sizeof l->sources[0]);
    l->group = mem_alloc(HEAD_SIZE + (size_t)clients * l->size);
    for (unsigned i = 0; i < FOLLOWERS; i++)
        l->followers[i] = floor_connect(&others[i].address);
    for (uint32_t i = 0; i < l->source_count; i++) {
        struct source *s = &l->sources[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
        *s = (struct source){
            .socket = floor_accept(self->listener), .data = mem_alloc(room), .room = room};
        if (s->socket < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, s->socket, &event) != 0)
            return;
    }
    lead(l, poll);
}

/* `others` is NULL for a follower. The child ends with the first socket that closes, or with us. */
static enum rsm_status begin(struct part *p, const struct floor_options *o, uint32_t clients,
                             uint32_t connections, const struct part *others)
{
    pid_t parent = getpid();
    struct leader l = {.size = o->size, .source_count = connections};
    p->process = fork();
    if (p->process != 0)
        return p->process > 0 ? RSM_OK : RSM_IO;
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    enum rsm_status status =
        getppid() == parent ? floor_open_target(&l.target, o->directory) : RSM_IO;
    if (status == RSM_OK && others != NULL)
        begin_lead(p, others, &l, clients);
    else if (status == RSM_OK)
        follow(p, &l.target, (size_t)clients * o->size);
    _exit(rsm_status_exit(status));
}

enum rsm_status floor_measure_quorum(const struct floor_options *options, uint32_t clients,
                                     uint32_t connections, enum floor_part part,
                                     struct floor_result *out)
{
    struct part parts[FOLLOWERS + 1] = {{.listener = -1}};
    enum rsm_status status = RSM_OK;
    unsigned begun = 0;
    if (connections == 0 || connections > clients)
        connections = clients;
    for (unsigned i = 0; i <= FOLLOWERS && status == RSM_OK; i++) {
        parts[i].listener = floor_listen(&parts[i].address);
        status = parts[i].listener >= 0 ? begin(&parts[i], options, clients, connections,
                                                i == FOLLOWERS ? parts : NULL)
                                        : RSM_IO;
        begun += status == RSM_OK ? 1 : 0;
    }
    if (status == RSM_OK)
        status = floor_ask(&parts[FOLLOWERS].address, options->size, clients, connections,
                           options->count, &out->histograms[part], &out->seconds[part]);
    for (unsigned i = 0; i < begun; i++) {
        int ended = 0;
        (void)kill(parts[i].process, SIGKILL);
        (void)waitpid(parts[i].process, &ended, 0);
        (void)close(parts[i].listener);
        if (status == RSM_IO && WIFEXITED(ended) &&
            WEXITSTATUS(ended) == rsm_status_exit(RSM_DISK_FULL))
            status = RSM_DISK_FULL;
    }
    return status;
}
