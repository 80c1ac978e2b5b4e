/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submitter.c - see rsm/submitter.h: callers hand in here, and the thread that serves them.
 *
 * The one place of librsm where threads meet. What they share is a list and a few numbers under one
 * lock, which is held for no longer than it takes to move pointers; callbacks run without it.
 */
#include "src/client/submitter.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/client/internal.h"

#define BUNDLE_USUAL 256u
#define IN_FLIGHT_USUAL 4u
#define IN_FLIGHT_MAX 64u
#define TIMEOUT_MS_USUAL 10000u
#define SLEEP_MS_MAX 100 /* the oldest that waits is looked at so often */

void request_push(struct request_list *list, struct request *request)
{
    request->next = NULL;
    if (list->last != NULL)
        list->last->next = request;
    else
        list->first = request;
    list->last = request;
    list->count++;
}

struct request *request_pop(struct request_list *list)
{
    struct request *r = list->first;
    CHECK(r != NULL);
    list->first = r->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    return r;
}

void submitter_answer(struct rsm_submitter *s, struct request *request,
                      const struct rsm_answer *answer)
{
    pthread_mutex_lock(&s->lock);
    s->counters.changes++;
    s->open_count--;
    pthread_mutex_unlock(&s->lock);
    request->on_answer(request->context, answer);
    mem_free(request);
}

void submitter_fail(struct rsm_submitter *s, struct request *request, enum rsm_status status,
                    const char *detail)
{
    struct rsm_answer answer = {.status = status,
                                .id = {rsm_text(rsm_key_name(s->key)), request->counter},
                                .detail = detail};
    memcpy(answer.digest, request->digest, sizeof answer.digest);
    submitter_answer(s, request, &answer);
}

/* ---- the thread ---- */

static void wake(struct rsm_submitter *s)
{
    const uint64_t one = 1;
    ssize_t done = write(s->wake, &one, sizeof one);
    (void)done; /* a full counter wakes as well */
}

/* Moves what was handed in to the queue. False when the submitter is to end. */
static bool take_incoming(struct rsm_submitter *s, bool is_to_sleep)
{
    pthread_mutex_lock(&s->lock);
    struct request_list incoming = s->incoming;
    s->incoming = (struct request_list){NULL, NULL, 0};
    s->is_awake = !is_to_sleep || incoming.count > 0;
    bool is_stopping = s->is_stopping;
    pthread_mutex_unlock(&s->lock);
    if (incoming.count > 0) {
        if (s->queue.last != NULL)
            s->queue.last->next = incoming.first;
        else
            s->queue.first = incoming.first;
        s->queue.last = incoming.last;
        s->queue.count += incoming.count;
    }
    return !is_stopping;
}

static void sleep_until_something_comes(struct rsm_submitter *s)
{
    struct pollfd files[2] = {{.fd = s->wake, .events = POLLIN},
                              {.fd = rsm_client_descriptor(s->client), .events = POLLIN}};
    int timeout_ms = rsm_client_timeout_ms(s->client);
    if (s->queue.count > 0 && (timeout_ms < 0 || timeout_ms > SLEEP_MS_MAX))
        timeout_ms = SLEEP_MS_MAX;
    (void)poll(files, 2, timeout_ms);
    if ((files[0].revents & POLLIN) != 0) {
        uint64_t count;
        ssize_t size = read(s->wake, &count, sizeof count);
        (void)size;
    }
}

static void *run(void *context)
{
    struct rsm_submitter *s = context;
    while (take_incoming(s, false)) {
        submitter_send(s);
        rsm_client_process(s->client, 0);
        submitter_send(s); /* its answers have made room */
        if (!take_incoming(s, true))
            break;
        /* What came in between is in the queue now; else whoever comes next wakes the thread. */
        if (s->is_off || s->queue.count == 0 || s->in_flight_count == s->options.in_flight_max)
            sleep_until_something_comes(s);
    }
    return NULL;
}

/* ---- life ---- */

static void free_parts(struct rsm_submitter *s)
{
    if (s->wake >= 0)
        close(s->wake);
    rsm_author_free(s->author);
    rsm_client_free(s->client);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static bool set_options(struct rsm_submitter *s, const struct rsm_submitter_options *options)
{
    struct rsm_submitter_options *o = &s->options;
    if (options != NULL)
        *o = *options;
    o->bundle_max = o->bundle_max == 0 ? BUNDLE_USUAL : o->bundle_max;
    o->in_flight_max = o->in_flight_max == 0 ? IN_FLIGHT_USUAL : o->in_flight_max;
    o->timeout_ms = o->timeout_ms == 0 ? TIMEOUT_MS_USUAL : o->timeout_ms;
    return o->bundle_max <= LIMIT_BUNDLE_COMMANDS && o->in_flight_max <= IN_FLIGHT_MAX;
}

/* The thread takes no signals: they are the program's. */
static enum rsm_status start_thread(struct rsm_submitter *s)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error == 0 ? RSM_OK : RSM_IO;
}

enum rsm_status rsm_submitter_new(const char *endpoints, const struct rsm_key *key,
                                  const struct rsm_submitter_options *options,
                                  struct rsm_submitter **submitter_out)
{
    *submitter_out = NULL;
    struct rsm_submitter *s = mem_try_alloc(sizeof *s);
    if (s == NULL)
        return RSM_NO_MEMORY;
    s->key = key;
    s->is_awake = true;
    (void)pthread_mutex_init(&s->lock, NULL);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum rsm_status status = s->wake < 0 ? RSM_IO : RSM_OK;
    if (status == RSM_OK && !set_options(s, options))
        status = RSM_USAGE;
    if (status == RSM_OK)
        status = rsm_client_new(endpoints, &s->client);
    if (status == RSM_OK)
        status = rsm_author_open(s->client, key, s->options.timeout_ms, &s->author);
    if (status == RSM_OK)
        status = start_thread(s);
    if (status != RSM_OK) {
        free_parts(s);
        return status;
    }
    *submitter_out = s;
    return RSM_OK;
}

void rsm_submitter_free(struct rsm_submitter *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_mutex_unlock(&s->lock);
    wake(s);
    pthread_join(s->thread, NULL);
    s->is_ending = true;
    (void)take_incoming(s, false);
    while (s->in_flight != NULL) {
        struct bundle *b = s->in_flight;
        s->in_flight = b->next;
        while (b->requests.count > 0)
            submitter_fail(s, request_pop(&b->requests), RSM_OUTCOME_UNKNOWN,
                           "the submitter was freed before an answer came");
        mem_free(b);
    }
    while (s->queue.count > 0)
        submitter_fail(s, request_pop(&s->queue), RSM_CLOSED, "the submitter was freed");
    free_parts(s);
}

/* ---- callers ---- */

static struct request *copy_request(const struct rsm_submitter *s, const struct rsm_request *from,
                                    rsm_on_answer on_answer, void *context)
{
    size_t reason = from->reason != NULL ? strlen(from->reason) : 0;
    size_t seen = from->seen.raw.size;
    struct request *r = mem_try_alloc(sizeof *r + from->body.size + seen + reason + 1);
    if (r == NULL)
        return NULL;
    r->on_answer = on_answer;
    r->context = context;
    r->kind = from->kind;
    r->deadline_ms = client_now_ms() + s->options.timeout_ms;
    r->body_size = from->body.size;
    r->seen_size = seen;
    r->reason_size = reason;
    if (from->body.size > 0)
        memcpy(r->bytes, from->body.data, from->body.size);
    if (seen > 0)
        memcpy(r->bytes + r->body_size, from->seen.raw.data, seen);
    if (reason > 0)
        memcpy(r->bytes + r->body_size + seen, from->reason, reason);
    return r;
}

enum rsm_status rsm_submitter_start(struct rsm_submitter *s, const struct rsm_request *request,
                                    rsm_on_answer on_answer, void *context)
{
    if (request->body.size > LIMIT_ENVELOPE_SIZE || request->seen.raw.size > LIMIT_ANSWER_SIZE)
        return RSM_TOO_LARGE;
    struct request *r = copy_request(s, request, on_answer, context);
    if (r == NULL)
        return RSM_NO_MEMORY;
    pthread_mutex_lock(&s->lock);
    bool is_full = s->open_count >= SUBMITTER_OPEN_MAX;
    bool is_asleep = !s->is_awake;
    if (!is_full) {
        s->open_count++;
        s->is_awake = true; /* it will be: one wake-up is enough for all who come meanwhile */
        request_push(&s->incoming, r);
    }
    pthread_mutex_unlock(&s->lock);
    if (is_full)
        mem_free(r);
    else if (is_asleep)
        wake(s);
    return is_full ? RSM_BUSY : RSM_OK;
}

struct waiting_caller {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool is_answered;
    enum rsm_status status;
    uint64_t slot;
    struct rsm_buffer *rules_out;
};

static void on_waited(void *context, const struct rsm_answer *answer)
{
    struct waiting_caller *w = context;
    enum rsm_status status = answer->status;
    if (status == RSM_REFUSED && w->rules_out != NULL) {
        struct rsm_bytes rules = answer->verdict.rules.raw;
        w->rules_out->data = mem_try_alloc(rules.size);
        if (w->rules_out->data != NULL && rules.size > 0) {
            memcpy(w->rules_out->data, rules.data, rules.size);
            w->rules_out->size = rules.size;
        }
    }
    pthread_mutex_lock(&w->lock);
    w->status = status;
    w->slot = answer->slot;
    w->is_answered = true;
    pthread_cond_signal(&w->answered);
    pthread_mutex_unlock(&w->lock);
}

enum rsm_status rsm_submitter_submit(struct rsm_submitter *s, const struct rsm_request *request,
                                     uint64_t *slot_out, struct rsm_buffer *rules_out)
{
    struct waiting_caller w = {.lock = PTHREAD_MUTEX_INITIALIZER,
                               .answered = PTHREAD_COND_INITIALIZER,
                               .rules_out = rules_out};
    if (rules_out != NULL)
        *rules_out = (struct rsm_buffer){NULL, 0};
    enum rsm_status status = rsm_submitter_start(s, request, on_waited, &w);
    if (status != RSM_OK)
        return status;
    pthread_mutex_lock(&w.lock);
    while (!w.is_answered)
        pthread_cond_wait(&w.answered, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.answered);
    pthread_mutex_destroy(&w.lock);
    if (slot_out != NULL)
        *slot_out = w.slot;
    return w.status;
}

void rsm_submitter_count(struct rsm_submitter *s, struct rsm_submitter_counters *counters_out)
{
    pthread_mutex_lock(&s->lock);
    *counters_out = s->counters;
    pthread_mutex_unlock(&s->lock);
}
