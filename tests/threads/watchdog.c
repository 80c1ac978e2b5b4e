/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watchdog.c - a plain program: a loop that goes on is left alone, one that hangs is ended, also
 * when it is the flush beside it; one whose process was stopped meanwhile is left alone as well.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/io/clock.h"
#include "src/io/watchdog.h"

#define STOPPED_DEADLINE_MS 800u

/* Many short steps, over several deadlines. */
static void go_on(struct watchdog *w, uint64_t duration_ms)
{
    uint64_t end = clock_monotonic_ms() + duration_ms;

    while (clock_monotonic_ms() < end) {
        watchdog_step(w, WATCHDOG_LOOP, "events");
        watchdog_step(w, WATCHDOG_LOOP, "turn");
    }
    watchdog_step(w, WATCHDOG_LOOP, NULL);
}

static int end_of(pid_t child)
{
    int status = 0;

    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* In a child, so that its end can be seen; `second` may be NULL: no step. */
static int hang_in(const char *first, const char *second)
{
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        struct watchdog *w = NULL;
        CHECK(watchdog_start(50, &w) == RSM_OK);
        watchdog_step(w, WATCHDOG_LOOP, first);
        watchdog_step(w, WATCHDOG_LOOP, second);
        if (second == NULL) {
            usleep(200000);
            _exit(0);
        }
        for (;;)
            pause();
    }
    return end_of(child);
}

/* The flush hangs, beside a loop that goes on. */
static int hang_in_flush(void)
{
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        struct watchdog *w = NULL;
        CHECK(watchdog_start(50, &w) == RSM_OK);
        watchdog_step(w, WATCHDOG_FLUSH, "journal-flush");
        for (;;)
            go_on(w, 1000);
    }
    return end_of(child);
}

/* A step that needs a part of its time on the processor, whenever it gets that. */
static void work(uint64_t duration_ms)
{
    struct timespec now;
    uint64_t spent_ms;

    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        spent_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    } while (spent_ms < duration_ms);
}

/*
 * Stopped in the middle of a step for longer than the deadline: its clock says that the step is too
 * old, and the watchdog's thread, which waits, is sure to look before the step is over.
 */
static int be_stopped(void)
{
    int begun[2];
    char byte = 0;

    CHECK(pipe(begun) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct watchdog *w = NULL;
        CHECK(watchdog_start(STOPPED_DEADLINE_MS, &w) == RSM_OK);
        watchdog_step(w, WATCHDOG_LOOP, "turn");
        CHECK(write(begun[1], &byte, 1) == 1);
        work(STOPPED_DEADLINE_MS / 4);
        watchdog_step(w, WATCHDOG_LOOP, NULL);
        _exit(0);
    }
    CHECK(read(begun[0], &byte, 1) == 1);
    CHECK(kill(child, SIGSTOP) == 0);
    usleep(STOPPED_DEADLINE_MS * 1500);
    CHECK(kill(child, SIGCONT) == 0);
    close(begun[0]);
    close(begun[1]);
    return end_of(child);
}

int main(void)
{
    struct watchdog *w = NULL;

    CHECK(hang_in("turn", "events") == WATCHDOG_EXIT_STATUS);
    CHECK(hang_in("turn", NULL) == 0);
    CHECK(hang_in_flush() == WATCHDOG_EXIT_STATUS);
    CHECK(be_stopped() == 0);
    CHECK(watchdog_start(60000, &w) == RSM_OK);
    go_on(w, 100);
    watchdog_stop(w);
    watchdog_step(NULL, WATCHDOG_LOOP, "none"); /* without a watchdog nothing is watched */
    printf("5 passed, 0 failed\n");
    return 0;
}
