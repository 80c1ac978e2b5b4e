/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_thread.c - commits in the background; see store_thread.h. */
#include "src/io/store_thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "storage/store.h"
#include "src/io/again.h"

/* Behind the main loop where both want a processor, but never without its turn: a leader waits for
 * a store that does not keep up. */
#define NICE_BEHIND 10

enum state {
    STATE_IDLE = 1,
    STATE_BUSY,
    STATE_DONE,
};

struct store_thread {
    /* Fixed. */
    int descriptor;
    pthread_t thread;
    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct store *store; /* borrowed */
    enum state state;
    bool stopping;
    const struct kv *frozen;
    store_thread_look *look;
    void *look_context;
    enum rsm_status status;
};

static void signal_done(struct store_thread *t)
{
    const uint64_t one = 1;

    /* Fails only when the counter is full, and then it is readable anyway. */
    ssize_t done = write(t->descriptor, &one, sizeof(one));
    (void)done;
}

static enum rsm_status commit_and_look(struct store *store, const struct kv *frozen,
                                       store_thread_look *look, void *context)
{
    enum rsm_status status = store_commit(store, frozen);
    if (status != RSM_OK || look == NULL)
        return status;
    struct kv *cut = store_cut(store);
    if (cut == NULL)
        return RSM_LOCKED;
    look(context, frozen, cut);
    kv_free(cut);
    return RSM_OK;
}

static void *run(void *context)
{
    struct store_thread *t = context;

    (void)setpriority(PRIO_PROCESS, 0, NICE_BEHIND); /* of this thread; may be refused */
    pthread_mutex_lock(&t->lock);
    for (;;) {
        while (t->state != STATE_BUSY && !t->stopping)
            pthread_cond_wait(&t->changed, &t->lock);
        if (t->state != STATE_BUSY)
            break;
        const struct kv *frozen = t->frozen;
        struct store *store = t->store;
        store_thread_look *look = t->look;
        void *look_context = t->look_context;
        pthread_mutex_unlock(&t->lock);
        enum rsm_status status = commit_and_look(store, frozen, look, look_context);
        pthread_mutex_lock(&t->lock);
        t->status = status;
        t->state = STATE_DONE;
        signal_done(t);
        pthread_cond_broadcast(&t->changed);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* The thread takes no signals: they are the main loop's. */
static int create_thread(struct store_thread *t)
{
    sigset_t all;
    sigset_t old;

    again_signals_of_thread(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&t->thread, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

enum rsm_status store_thread_start(struct store *store, struct store_thread **thread_out)
{
    struct store_thread *t = mem_alloc(sizeof(*t));

    *thread_out = NULL;
    t->store = store;
    t->state = STATE_IDLE;
    t->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->descriptor < 0) {
        mem_free(t);
        return RSM_IO;
    }
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    if (create_thread(t) != 0) {
        close(t->descriptor);
        pthread_cond_destroy(&t->changed);
        pthread_mutex_destroy(&t->lock);
        mem_free(t);
        return RSM_IO;
    }
    *thread_out = t;
    return RSM_OK;
}

void store_thread_stop(struct store_thread *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    close(t->descriptor);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

void store_thread_set_store(struct store_thread *t, struct store *store)
{
    pthread_mutex_lock(&t->lock);
    CHECK(t->state == STATE_IDLE);
    t->store = store;
    pthread_mutex_unlock(&t->lock);
}

void store_thread_commit(struct store_thread *t, const struct kv *frozen, store_thread_look *look,
                         void *context)
{
    pthread_mutex_lock(&t->lock);
    CHECK(t->state == STATE_IDLE);
    t->frozen = frozen;
    t->look = look;
    t->look_context = context;
    t->state = STATE_BUSY;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

int store_thread_descriptor(const struct store_thread *t)
{
    return t->descriptor;
}

bool store_thread_collect(struct store_thread *t, enum rsm_status *status_out)
{
    uint64_t count = 0;

    pthread_mutex_lock(&t->lock);
    bool done = t->state == STATE_DONE;
    if (done) {
        ssize_t size = read(t->descriptor, &count, sizeof(count));
        (void)size; /* EAGAIN: somebody emptied it before; the state counts */
        *status_out = t->status;
        t->state = STATE_IDLE;
        t->frozen = NULL;
    }
    pthread_mutex_unlock(&t->lock);
    return done;
}

void store_thread_wait(struct store_thread *t)
{
    pthread_mutex_lock(&t->lock);
    CHECK(t->state != STATE_IDLE);
    while (t->state == STATE_BUSY)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

bool store_thread_is_busy(const struct store_thread *thread)
{
    struct store_thread *t = (struct store_thread *)(uintptr_t)thread;

    pthread_mutex_lock(&t->lock);
    bool busy = t->state != STATE_IDLE;
    pthread_mutex_unlock(&t->lock);
    return busy;
}
