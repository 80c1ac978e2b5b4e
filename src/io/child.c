/* SPDX-License-Identifier: GPL-3.0-or-later */
/* child.c - see child.h. */
#include "src/io/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/log.h"
#include "storage/store.h"

#define EXIT_DAMAGED 1
#define EXIT_NOT_CHECKED 2

static _Noreturn void be_child(int (*work)(void *context), void *context, uint32_t seconds_max)
{
    const struct rlimit none = {0, 0};
    const int faults[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGALRM};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        (void)signal(faults[i], SIG_DFL);
    alarm(seconds_max);
    int status = work(context);
    fflush(NULL);
    _exit(status & 0xff);
}

enum rsm_status child_run(int (*work)(void *context), void *context, uint32_t seconds_max,
                          struct child_end *end_out)
{
    int status = 0;
    pid_t waited = -1;

    *end_out = (struct child_end){0};
    fflush(NULL); /* or the child writes it again */
    pid_t child = fork();
    if (child < 0)
        return RSM_IO;
    if (child == 0)
        be_child(work, context, seconds_max);
    do {
        waited = waitpid(child, &status, 0);
    } while (waited < 0 && errno == EINTR);
    if (waited != child)
        return RSM_IO;
    end_out->exited = WIFEXITED(status);
    if (end_out->exited)
        end_out->exit_status = WEXITSTATUS(status);
    else
        end_out->signal = WTERMSIG(status);
    return RSM_OK;
}

static int verify(void *context)
{
    struct store_identity identity;
    struct store *store = NULL;
    char text[160];
    uint64_t count = 0;

    enum rsm_status status = store_open_read_only(context, false, &identity, &store);
    if (status == RSM_NOT_FOUND)
        return 0;
    if (status == RSM_OK)
        status = store_verify(store, text, sizeof(text), &count);
    else
        snprintf(text, sizeof(text), "%s", "cannot be opened");
    store_close(store);
    if (status == RSM_OK)
        return 0;
    LOG(LOG_ERROR, "store-check", LOG_TEXT("status", rsm_status_text(status)),
        LOG_TEXT("what", text));
    return status == RSM_DAMAGED ? EXIT_DAMAGED : EXIT_NOT_CHECKED;
}

/* Signals that damaged pages raise, or that end an endless walk. */
static bool is_fault(int signal)
{
    switch (signal) {
    case SIGBUS:
    case SIGSEGV:
    case SIGABRT:
    case SIGFPE:
    case SIGILL:
    case SIGALRM:
        return true;
    default:
        return false;
    }
}

enum rsm_status child_verify_store(const char *path, uint32_t seconds_max)
{
    struct child_end end;
    enum rsm_status status = child_run(verify, (void *)(uintptr_t)path, seconds_max, &end);

    if (status != RSM_OK)
        return status;
    if (end.exited && end.exit_status == 0)
        return RSM_OK;
    if (end.exited)
        return end.exit_status == EXIT_DAMAGED ? RSM_DAMAGED : RSM_IO;
    LOG(LOG_ERROR, "store-check", LOG_TEXT("what", "reading it killed the process"),
        LOG_U64("signal", (uint64_t)end.signal));
    return is_fault(end.signal) ? RSM_DAMAGED : RSM_IO;
}
