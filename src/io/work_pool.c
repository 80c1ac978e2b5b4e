/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work_pool.c - see work_pool.h. */
#include "src/io/work_pool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/io/again.h"

struct work_pool {
    /* The owner's. */
    int descriptor;
    uint32_t thread_count;
    size_t count;
    pthread_t threads[WORK_POOL_THREADS_MAX];
    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct work *first, *last; /* not collected, the oldest first */
    struct work *undone;       /* the first of them that no thread has taken */
    uint32_t idle;             /* threads that wait */
    bool is_signalled;         /* the owner has been woken and has not looked yet */
    bool is_stopping;
};

/* Under the lock. Nobody is woken for what waits behind an older work. */
static void wake_owner(struct work_pool *p)
{
    const uint64_t one = 1;
    if (p->is_signalled || p->first == NULL || !p->first->is_done)
        return;
    p->is_signalled = true;
    /* Fails only when the counter is full, and then it is readable anyway. */
    ssize_t done = write(p->descriptor, &one, sizeof one);
    (void)done;
}

static void *run(void *context)
{
    struct work_pool *p = context;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->undone == NULL && !p->is_stopping) {
            p->idle++;
            pthread_cond_wait(&p->changed, &p->lock);
            p->idle--;
        }
        if (p->is_stopping)
            break;
        struct work *work = p->undone;
        p->undone = work->next;
        pthread_mutex_unlock(&p->lock);
        work->run(work);
        pthread_mutex_lock(&p->lock);
        work->is_done = true;
        wake_owner(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* The threads take no signals: they are the main loop's. */
static enum rsm_status create_threads(struct work_pool *p, uint32_t count)
{
    sigset_t all;
    sigset_t old;
    int error = 0;
    again_signals_of_thread(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (p->thread_count < count && error == 0) {
        error = pthread_create(&p->threads[p->thread_count], NULL, run, p);
        p->thread_count += error == 0 ? 1 : 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error == 0 ? RSM_OK : RSM_IO;
}

enum rsm_status work_pool_start(uint32_t threads, struct work_pool **pool_out)
{
    CHECK(threads >= 1);
    CHECK(threads <= WORK_POOL_THREADS_MAX);
    struct work_pool *p = mem_alloc(sizeof *p);
    *pool_out = NULL;
    p->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->descriptor < 0) {
        mem_free(p);
        return RSM_IO;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    enum rsm_status status = create_threads(p, threads);
    if (status == RSM_OK)
        *pool_out = p;
    else
        (void)work_pool_stop(p);
    return status;
}

struct work *work_pool_stop(struct work_pool *p)
{
    if (p == NULL)
        return NULL;
    pthread_mutex_lock(&p->lock);
    p->is_stopping = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    for (uint32_t i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    struct work *left = p->first;
    close(p->descriptor);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
    return left;
}

void work_pool_add(struct work_pool *p, struct work *work)
{
    work->next = NULL;
    work->is_done = false;
    p->count++;
    pthread_mutex_lock(&p->lock);
    if (p->last != NULL)
        p->last->next = work;
    else
        p->first = work;
    p->last = work;
    if (p->undone == NULL)
        p->undone = work;
    bool must_wake = p->idle > 0;
    pthread_mutex_unlock(&p->lock);
    if (must_wake)
        pthread_cond_signal(&p->changed);
}

struct work *work_pool_collect(struct work_pool *p)
{
    uint64_t signals;
    pthread_mutex_lock(&p->lock);
    struct work *work = p->first;
    if (work != NULL && work->is_done) {
        p->first = work->next;
        if (p->first == NULL)
            p->last = NULL;
        p->count--;
    } else {
        work = NULL;
        if (p->is_signalled && read(p->descriptor, &signals, sizeof signals) < 0)
            signals = 0; /* EAGAIN: somebody emptied it before */
        p->is_signalled = false;
    }
    pthread_mutex_unlock(&p->lock);
    return work;
}

struct work *work_pool_await(struct work_pool *p)
{
    struct work *work = work_pool_collect(p);
    CHECK(p->count > 0 || work != NULL);
    while (work == NULL) {
        struct pollfd done = {.fd = p->descriptor, .events = POLLIN};
        CHECK(poll(&done, 1, -1) == 1 || errno == EINTR);
        work = work_pool_collect(p);
    }
    return work;
}

size_t work_pool_count(const struct work_pool *p)
{
    return p->count;
}

int work_pool_descriptor(const struct work_pool *p)
{
    return p->descriptor;
}
