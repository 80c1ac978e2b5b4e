/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shared.c - see shared.h. */
#include "bench/shared.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench/floor.h"
#include "src/base/check.h"
#include "src/base/mem.h"

struct shared {
    struct rsm_submitter *submitter;
    int descriptor; /* an eventfd */

    pthread_mutex_t lock; /* of what follows */
    struct shared_end ends[SHARED_OPEN_MAX];
    uint32_t first, count;
};

/* One change on its way; made by the load's thread, freed by the submitter's. */
struct change {
    struct shared *shared;
    void *context;
};

/* The submitter's thread. */
static void on_answer(void *context, const struct rsm_answer *answer)
{
    struct change *change = context;
    struct shared *s = change->shared;
    const uint64_t one = 1;
    struct rsm_bytes words = rsm_text(answer->detail);
    if (answer->status == RSM_REFUSED)
        words = rsm_value_octets(rsm_value_get(rsm_value_at(answer->verdict.rules, 0), "evidence"));
    CHECK(pthread_mutex_lock(&s->lock) == 0);
    CHECK(s->count < SHARED_OPEN_MAX);
    struct shared_end *end = &s->ends[(s->first + s->count) % SHARED_OPEN_MAX];
    *end = (struct shared_end){change->context, answer->status, bench_now_ns(), ""};
    if (answer->status != RSM_OK)
        (void)snprintf(end->detail, sizeof end->detail, "%.*s", (int)words.size,
                       (const char *)words.data);
    s->count++;
    CHECK(pthread_mutex_unlock(&s->lock) == 0);
    CHECK(write(s->descriptor, &one, sizeof one) == (ssize_t)sizeof one);
    mem_free(change);
}

enum rsm_status shared_open(const char *endpoints, const struct rsm_key *key, uint32_t timeout_ms,
                            struct shared **shared_out)
{
    const struct rsm_submitter_options options = {.timeout_ms = timeout_ms};
    struct shared *s = mem_alloc(sizeof *s);
    CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
    s->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum rsm_status status =
        s->descriptor < 0 ? RSM_IO : rsm_submitter_new(endpoints, key, &options, &s->submitter);
    *shared_out = s;
    if (status != RSM_OK) {
        shared_close(s);
        *shared_out = NULL;
    }
    return status;
}

void shared_close(struct shared *s)
{
    if (s == NULL)
        return;
    rsm_submitter_free(s->submitter);
    if (s->descriptor >= 0)
        (void)close(s->descriptor);
    (void)pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

int shared_descriptor(const struct shared *s)
{
    return s->descriptor;
}

enum rsm_status shared_start(struct shared *s, struct rsm_bytes body, void *context)
{
    const struct rsm_request request = {.kind = RSM_KIND_RRSET_CHANGE, .body = body};
    struct change *change = mem_alloc(sizeof *change);
    *change = (struct change){s, context};
    enum rsm_status status = rsm_submitter_start(s->submitter, &request, on_answer, change);
    if (status != RSM_OK)
        mem_free(change);
    return status;
}

bool shared_next(struct shared *s, struct shared_end *out)
{
    uint64_t ended;
    CHECK(pthread_mutex_lock(&s->lock) == 0);
    bool found = s->count > 0;
    if (found) {
        *out = s->ends[s->first];
        s->first = (s->first + 1) % SHARED_OPEN_MAX;
        s->count--;
    }
    /* Read under the lock, so that no end comes between: an empty list is a silent descriptor. */
    if (s->count == 0 && read(s->descriptor, &ended, sizeof ended) < 0)
        ended = 0;
    CHECK(pthread_mutex_unlock(&s->lock) == 0);
    return found;
}
