/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watchdog.c - a plain program: a loop that goes on is left alone, one that hangs is ended.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/io/clock.h"
#include "src/io/watchdog.h"

/* Many short steps, over several deadlines, nested ones among them. */
static void go_on(struct watchdog *w, uint64_t duration_ms)
{
    uint64_t end = clock_monotonic_ms() + duration_ms;

    while (clock_monotonic_ms() < end) {
        watchdog_begin(w, "step");
        watchdog_begin(w, "flush");
        watchdog_end(w);
        watchdog_end(w);
    }
}

/* A child, so that its end can be seen. */
static int hang_in(const char *outer, const char *inner)
{
    int status = 0;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        struct watchdog *w = NULL;
        CHECK(watchdog_start(50, &w) == RSM_OK);
        watchdog_begin(w, outer);
        if (inner != NULL)
            watchdog_begin(w, inner);
        for (;;)
            pause();
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(void)
{
    struct watchdog *w = NULL;

    CHECK(hang_in("step", NULL) == WATCHDOG_EXIT_STATUS);
    CHECK(hang_in("step", "flush") == WATCHDOG_EXIT_STATUS);
    CHECK(watchdog_start(60000, &w) == RSM_OK);
    go_on(w, 100);
    watchdog_stop(w);
    watchdog_begin(NULL, "none"); /* without a watchdog nothing is watched */
    watchdog_end(NULL);
    printf("4 passed, 0 failed\n");
    return 0;
}
