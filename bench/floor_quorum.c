/* SPDX-License-Identifier: GPL-3.0-or-later */
/* floor_quorum.c - the floor of a replicated commit: see floor.h. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/floor.h"
#include "bench/floor_parts.h"
#include "src/base/bytes.h"

#define FOLLOWERS 2u

/* One of three processes; in a child of this one. */
struct part {
    int listener;
    struct sockaddr_in address;
    pid_t process;
};

/* A follower: flushes what comes, and answers with the number in front of it. */
static void follow(const struct part *self, struct floor_target *target)
{
    int leader = floor_accept(self->listener);
    while (leader >= 0 && floor_read_whole(leader, target->record, target->size)) {
        uint8_t number[FLOOR_ANSWER_SIZE];
        memcpy(number, target->record, sizeof number);
        if (!floor_append_and_flush(target) || !floor_write_whole(leader, number, sizeof number))
            break;
    }
}

/* Until one follower has answered for `number`; answers to earlier ones come late, and are passed.
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

static void lead(const struct part *self, const struct part *others, struct floor_target *target)
{
    int followers[FOLLOWERS];
    uint8_t record[FLOOR_RECORD_MAX];
    for (unsigned i = 0; i < FOLLOWERS; i++)
        followers[i] = floor_connect(&others[i].address);
    int client = floor_accept(self->listener);
    for (uint64_t number = 1; client >= 0; number++) {
        bool good = floor_read_whole(client, record, target->size);
        put_u64(record, number);
        for (unsigned i = 0; i < FOLLOWERS; i++)
            good = good && floor_write_whole(followers[i], record, target->size);
        if (!good || !floor_append_and_flush(target) || !await_vote(followers, number) ||
            !floor_write_whole(client, record, FLOOR_ANSWER_SIZE))
            break;
    }
}

/* `others` is NULL for a follower. The child ends with the first socket that closes, or with us. */
static enum rsm_status begin(struct part *p, const char *directory, uint32_t size,
                             const struct part *others)
{
    static struct floor_target target;
    pid_t parent = getpid();
    p->process = fork();
    if (p->process != 0)
        return p->process > 0 ? RSM_OK : RSM_IO;
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    enum rsm_status status =
        getppid() == parent ? floor_open_target(&target, directory, size) : RSM_IO;
    if (status == RSM_OK && others != NULL)
        lead(p, others, &target);
    else if (status == RSM_OK)
        follow(p, &target);
    _exit(rsm_status_exit(status));
}

static enum rsm_status ask(const struct sockaddr_in *leader, uint32_t size, uint32_t count,
                           struct floor_result *out)
{
    static uint8_t record[FLOOR_RECORD_MAX], answer[FLOOR_ANSWER_SIZE];
    uint64_t first_ns = 0;
    int asker = floor_connect(leader);
    if (asker < 0)
        return RSM_IO;
    bool good = true;
    for (uint32_t i = 0; i < FLOOR_WARM_UP + count && good; i++) {
        uint64_t begin_ns = bench_now_ns();
        good = floor_write_whole(asker, record, size) &&
               floor_read_whole(asker, answer, sizeof answer);
        if (i == FLOOR_WARM_UP)
            first_ns = begin_ns;
        if (i >= FLOOR_WARM_UP && good)
            histogram_add(&out->quorum, bench_now_ns() - begin_ns);
    }
    out->quorum_seconds = (double)(bench_now_ns() - first_ns) / 1e9;
    (void)close(asker);
    return good ? RSM_OK : RSM_IO;
}

enum rsm_status floor_measure_quorum(const char *directory, uint32_t size, uint32_t count,
                                     struct floor_result *out)
{
    struct part parts[FOLLOWERS + 1] = {{.listener = -1}};
    enum rsm_status status = RSM_OK;
    unsigned begun = 0;
    for (unsigned i = 0; i <= FOLLOWERS && status == RSM_OK; i++) {
        parts[i].listener = floor_listen(&parts[i].address);
        status = parts[i].listener >= 0
                     ? begin(&parts[i], directory, size, i == FOLLOWERS ? parts : NULL)
                     : RSM_IO;
        begun += status == RSM_OK ? 1 : 0;
    }
    if (status == RSM_OK)
        status = ask(&parts[FOLLOWERS].address, size, count, out);
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
