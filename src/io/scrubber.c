/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrubber.c - starts a pass and collects what it says; see scrubber.h. */
#include "src/io/scrubber.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/mem.h"

#define PROGRAM "/proc/self/exe"
#define OUTPUT_MAX 8192u

struct scrubber {
    char *data; /* owned */
    uint64_t rate;
    pid_t child; /* 0: none runs */
    int output;
    char text[OUTPUT_MAX + 1];
    size_t size;
};

struct scrubber *scrubber_new(const char *data, uint64_t rate)
{
    struct scrubber *s = mem_alloc(sizeof(*s));

    s->data = mem_copy_string(data);
    s->rate = rate;
    s->output = -1;
    return s;
}

/* Ends and reaps; the child's status. */
static int end_child(struct scrubber *s)
{
    int status = 0;

    while (waitpid(s->child, &status, 0) < 0 && errno == EINTR)
        ;
    close(s->output);
    s->output = -1;
    s->child = 0;
    return status;
}

void scrubber_free(struct scrubber *s)
{
    if (s == NULL)
        return;
    if (s->child != 0) {
        (void)kill(s->child, SIGKILL);
        (void)end_child(s);
    }
    mem_free(s->data);
    mem_free(s);
}

bool scrubber_is_running(const struct scrubber *s)
{
    return s->child != 0;
}

/* The child has the pipe as its stdout; faults and signals are as in a fresh process. */
static int spawn(struct scrubber *s, char **arguments, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&s->child, PROGRAM, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

enum rsm_status scrubber_start(struct scrubber *s, struct journal_extent extent)
{
    char option[] = "--" SCRUB_OPTION;
    char name[] = "rsmd";
    char segment[24];
    char offset[24];
    char rate[24];
    char *arguments[] = {name, option, s->data, segment, offset, rate, NULL};
    int ends[2];

    if (s->child != 0)
        return RSM_EXISTS;
    snprintf(segment, sizeof(segment), "%" PRIu64, extent.segment);
    snprintf(offset, sizeof(offset), "%" PRIu64, extent.offset);
    snprintf(rate, sizeof(rate), "%" PRIu64, s->rate);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return RSM_IO;
    int error = spawn(s, arguments, ends[1]);
    close(ends[1]);
    if (error != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        close(ends[0]);
        s->child = error != 0 ? 0 : s->child;
        return RSM_IO;
    }
    s->output = ends[0];
    s->size = 0;
    return RSM_OK;
}

static void add_finding(struct scrub_result *r, const char *text)
{
    if (r->findings++ == 0)
        snprintf(r->text, sizeof(r->text), "%s", text);
}

static void take_line(struct scrub_result *r, const char *line)
{
    uint64_t number = 0;
    char name[32];

    if (sscanf(line, "journal-records %" SCNu64, &number) == 1) {
        r->records = number;
    } else if (sscanf(line, "store-rows %" SCNu64, &number) == 1) {
        r->rows = number;
    } else if (sscanf(line, "journal-finding %31s %" SCNu64, name, &number) == 2) {
        add_finding(r, line);
        if (number > r->journal_segment)
            r->journal_segment = number;
    } else if (strncmp(line, "store-finding ", 14) == 0) {
        add_finding(r, line);
        r->store_damaged = true;
    } else if (strncmp(line, "failed ", 7) == 0) {
        snprintf(r->text, sizeof(r->text), "%s", line + 7);
    } else if (strcmp(line, "end") == 0) {
        r->complete = true;
    }
}

/* Signals that reading damaged pages raises. */
static bool is_fault(int number)
{
    return number == SIGBUS || number == SIGSEGV || number == SIGABRT || number == SIGALRM ||
           number == SIGFPE || number == SIGILL;
}

static void judge(struct scrubber *s, int status, struct scrub_result *r)
{
    char *rest = s->text;

    *r = (struct scrub_result){.complete = false};
    s->text[s->size] = '\0';
    while (rest != NULL) {
        const char *line = strsep(&rest, "\n");
        take_line(r, line);
    }
    if (WIFSIGNALED(status) && is_fault(WTERMSIG(status))) {
        add_finding(r, "store-finding reading it killed the process");
        r->store_damaged = true;
        r->complete = true;
    }
}

bool scrubber_collect(struct scrubber *s, struct scrub_result *result_out)
{
    if (s->child == 0)
        return false;
    for (;;) {
        char spare[256];
        bool full = s->size == OUTPUT_MAX;
        ssize_t got = full ? read(s->output, spare, sizeof(spare))
                           : read(s->output, s->text + s->size, OUTPUT_MAX - s->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return false;
        if (got <= 0)
            break;
        s->size += full ? 0 : (size_t)got;
    }
    judge(s, end_child(s), result_out);
    return true;
}
