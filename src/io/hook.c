/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hook.c - see hook.h. */
#include "src/io/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/base/mem.h"

struct run {
    pid_t child; /* 0: free */
    uint64_t began_ms;
};

struct hook {
    char *path; /* owned */
    struct run runs[HOOK_RUNS_MAX];
};

struct hook *hook_new(const char *path)
{
    struct hook *hook = mem_alloc(sizeof *hook);
    memset(hook, 0, sizeof *hook);
    hook->path = mem_copy_text(path, strlen(path));
    return hook;
}

static void end_run(struct run *run)
{
    (void)kill(-run->child, SIGKILL);
    while (waitpid(run->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    run->child = 0;
}

void hook_free(struct hook *hook)
{
    if (hook == NULL)
        return;
    for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++)
        if (hook->runs[i].child != 0)
            end_run(&hook->runs[i]);
    mem_free(hook->path);
    mem_free(hook);
}

static enum rsm_status check_program(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return RSM_NOT_FOUND;
    bool is_ours = found.st_uid == 0 || found.st_uid == geteuid();
    if (!S_ISREG(found.st_mode) || !is_ours || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return RSM_NOT_ALLOWED;
    return access(path, X_OK) == 0 ? RSM_OK : RSM_NOT_ALLOWED;
}

/* A file without a name: however much or little the program reads, nobody waits for it. */
static int make_input(struct bytes text)
{
    int fd = memfd_create("rsm-hook", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write(fd, text.data, text.size) == (ssize_t)text.size && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

static int spawn(const char *path, int input, pid_t *child_out)
{
    char name[] = "hook", where[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    char *arguments[] = {name, NULL}, *environment[] = {where, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int error = posix_spawn(child_out, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

enum rsm_status hook_run(struct hook *hook, struct bytes text, uint64_t now_ms)
{
    struct run *run = NULL;
    for (uint32_t i = 0; i < HOOK_RUNS_MAX && run == NULL; i++)
        run = hook->runs[i].child == 0 ? &hook->runs[i] : NULL;
    if (run == NULL)
        return RSM_BUSY;
    enum rsm_status status = check_program(hook->path);
    if (status != RSM_OK)
        return status;
    int input = make_input(text);
    if (input < 0)
        return RSM_IO;
    int error = spawn(hook->path, input, &run->child);
    close(input);
    run->began_ms = now_ms;
    if (error == 0)
        return RSM_OK;
    run->child = 0;
    return RSM_IO;
}

static void look_at(struct hook *hook, struct run *run, uint64_t now_ms)
{
    int end = 0;
    pid_t ended = waitpid(run->child, &end, WNOHANG);
    if (ended == run->child) {
        if (!WIFEXITED(end) || WEXITSTATUS(end) != 0)
            LOG(LOG_WARNING, "hook-failed", LOG_TEXT("path", hook->path),
                LOG_U64("status", WIFEXITED(end) ? (uint64_t)WEXITSTATUS(end) : 0),
                LOG_U64("signal", WIFSIGNALED(end) ? (uint64_t)WTERMSIG(end) : 0));
        (void)kill(-run->child, SIGKILL); /* what it left behind in its group */
        run->child = 0;
    } else if (now_ms - run->began_ms >= HOOK_TIME_MS) {
        LOG(LOG_WARNING, "hook-killed", LOG_TEXT("path", hook->path),
            LOG_U64("after_ms", now_ms - run->began_ms));
        end_run(run);
    }
}

void hook_on_tick(struct hook *hook, uint64_t now_ms)
{
    for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++)
        if (hook->runs[i].child != 0)
            look_at(hook, &hook->runs[i], now_ms);
}

uint32_t hook_running(const struct hook *hook)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++)
        count += hook->runs[i].child != 0 ? 1 : 0;
    return count;
}
