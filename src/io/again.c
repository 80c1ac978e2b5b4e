/* SPDX-License-Identifier: GPL-3.0-or-later */
/* again.c - see again.h. Everything that the signal handler needs is made before. */
#include "src/io/again.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"

#define TIMES_MAX 5u
#define LATELY_SECONDS 60
#define VARIABLE "RSMD_AGAIN="
#define PROGRAM "/proc/self/exe"

static const int faults[] = {SIGBUS, SIGSEGV, SIGABRT};
static char **arguments;
static char **environment; /* owned, for ever; its last entry but NULL is `variable` */
static char variable[64];  /* VARIABLE, times, cause */
static uint32_t times;
static time_t begun;
static volatile sig_atomic_t never;

static time_t now_seconds(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* "RSMD_AGAIN=t,nn": without stdio, for a handler may be in the middle of it. */
static void write_variable(uint32_t count, unsigned cause)
{
    char *to = variable + sizeof(VARIABLE) - 1;

    *to++ = (char)('0' + count % 10);
    *to++ = ',';
    *to++ = (char)('0' + cause / 10 % 10);
    *to++ = (char)('0' + cause % 10);
    *to = '\0';
}

/* Returns when it may not be, or does not work. */
static void begin_again(unsigned cause)
{
    uint32_t count = now_seconds() - begun < LATELY_SECONDS ? times + 1 : 1;
    sigset_t none;

    if (environment == NULL || never != 0 || count > TIMES_MAX)
        return;
    write_variable(count, cause);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(PROGRAM, arguments, environment);
}

static void on_fault(int number)
{
    begin_again((unsigned)number);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void again_signals_of_thread(sigset_t *set_out)
{
    (void)sigfillset(set_out);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        (void)sigdelset(set_out, faults[i]);
}

void again_never(void)
{
    never = 1;
}

void again_now(void)
{
    begin_again(0);
}

/* All of it, without an old variable and with the new one. */
static void make_environment(void)
{
    size_t count = 0;
    size_t kept = 0;

    while (environ[count] != NULL)
        count++;
    environment = mem_alloc((count + 2) * sizeof(*environment));
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], VARIABLE, sizeof(VARIABLE) - 1) != 0)
            environment[kept++] = mem_copy_string(environ[i]);
    }
    memcpy(variable, VARIABLE, sizeof(VARIABLE));
    environment[kept] = variable;
}

uint32_t again_prepare(char **args, int *signal_out)
{
    const char *before = getenv("RSMD_AGAIN");
    struct sigaction action = {0};
    struct sigaction old;
    unsigned count = 0;
    int cause = 0;

    CHECK(environment == NULL);
    if (before == NULL || sscanf(before, "%1u,%2d", &count, &cause) != 2)
        count = 0;
    times = count;
    *signal_out = count > 0 ? cause : 0;
    arguments = args;
    begun = now_seconds();
    make_environment();
    action.sa_handler = on_fault;
    action.sa_flags = SA_NODEFER;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (sigaction(faults[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            (void)sigaction(faults[i], &action, NULL);
    }
    return count;
}
