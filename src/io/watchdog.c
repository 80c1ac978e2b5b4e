/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watchdog.c - see watchdog.h.
 *
 * Each line publishes the name and the beginning of its step in two atomics; the thread looks a few
 * times per deadline. It reads name and time apart: a name of the wrong step can get into the
 * log line. A step is over its time when the thread has seen it in all looks of a deadline, and the
 * clock agrees. The clock alone would not do: a process that was stopped (SIGSTOP, a paused
 * machine) wakes up with a step that is old, and which of its threads runs first is chance.
 */
#include "src/io/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/io/clock.h"
#include "src/io/again.h"

#define LOOKS_PER_DEADLINE 8u

struct line {
    /* Shared. */
    _Atomic(const char *) name;
    _Atomic uint64_t began_us; /* 0: in no step */
    /* The watchdog's. */
    uint64_t seen_us;
    unsigned looks; /* that saw the step which began at seen_us */
};

struct watchdog {
    /* Fixed. */
    uint64_t deadline_us;
    pthread_t thread;
    /* Shared. */
    struct line lines[WATCHDOG_LINES];
    pthread_mutex_t lock;
    pthread_cond_t stop_signal;
    bool stopping; /* under the lock */
};

static void expire(struct watchdog *w, struct line *line, uint64_t age_us)
{
    LOG(LOG_ERROR, "watchdog", LOG_TEXT("step", atomic_load(&line->name)),
        LOG_U64("age_ms", age_us / 1000), LOG_U64("deadline_ms", w->deadline_us / 1000));
    _exit(WATCHDOG_EXIT_STATUS);
}

/* Waits a part of the deadline; true when the watchdog is to stop. The lock is held. */
static bool wait_a_while(struct watchdog *w)
{
    struct timespec until;
    uint64_t now_us = clock_monotonic_us() + w->deadline_us / LOOKS_PER_DEADLINE + 1;

    until.tv_sec = (time_t)(now_us / 1000000);
    until.tv_nsec = (long)(now_us % 1000000) * 1000;
    if (!w->stopping)
        (void)pthread_cond_timedwait(&w->stop_signal, &w->lock, &until);
    return w->stopping;
}

static void look(struct watchdog *w, struct line *line)
{
    uint64_t began_us = atomic_load(&line->began_us);
    uint64_t now_us = clock_monotonic_us();
    line->looks = began_us == line->seen_us ? line->looks + 1 : 1;
    line->seen_us = began_us;
    if (began_us != 0 && line->looks > LOOKS_PER_DEADLINE && now_us - began_us > w->deadline_us)
        expire(w, line, now_us - began_us);
}

static void *run(void *context)
{
    struct watchdog *w = context;

    pthread_mutex_lock(&w->lock);
    while (!wait_a_while(w)) {
        for (unsigned i = 0; i < WATCHDOG_LINES; i++)
            look(w, &w->lines[i]);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int create_thread(struct watchdog *w)
{
    sigset_t all;
    sigset_t old;

    again_signals_of_thread(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

enum rsm_status watchdog_start(uint32_t deadline_ms, struct watchdog **watchdog_out)
{
    struct watchdog *w = mem_alloc(sizeof(*w));
    pthread_condattr_t attributes;

    CHECK(deadline_ms > 0);
    *watchdog_out = NULL;
    w->deadline_us = (uint64_t)deadline_ms * 1000;
    for (unsigned i = 0; i < WATCHDOG_LINES; i++) {
        atomic_init(&w->lines[i].name, "none");
        atomic_init(&w->lines[i].began_us, 0);
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->stop_signal, &attributes);
    pthread_condattr_destroy(&attributes);
    if (create_thread(w) != 0) {
        pthread_cond_destroy(&w->stop_signal);
        pthread_mutex_destroy(&w->lock);
        mem_free(w);
        return RSM_IO;
    }
    *watchdog_out = w;
    return RSM_OK;
}

void watchdog_stop(struct watchdog *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->stop_signal);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->stop_signal);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

void watchdog_step(struct watchdog *w, enum watchdog_line line, const char *name)
{
    CHECK(line < WATCHDOG_LINES);
    if (w == NULL)
        return;
    atomic_store(&w->lines[line].name, name != NULL ? name : "none");
    atomic_store(&w->lines[line].began_us, name != NULL ? clock_monotonic_us() : 0);
}
