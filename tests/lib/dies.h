/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dies.h - a CHECK that has to fail: in a child, which writes down what it ran (coverage.h). */
#ifndef RSM_TESTS_LIB_DIES_H
#define RSM_TESTS_LIB_DIES_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/coverage.h"

#define DIES_STATUS 77

static void dies_on_abort(int number)
{
    (void)number;
    coverage_write();
    _exit(DIES_STATUS);
}

/* True when `f` ended by abort(). */
static inline bool dies(void (*f)(void *context), void *context)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, dies_on_abort);
        f(context);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == DIES_STATUS;
}

#endif
