/* SPDX-License-Identifier: GPL-3.0-or-later */
/* look_ahead.c - see look_ahead.h. */
#include "src/daemon/look_ahead.h"

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/io/work_pool.h"
#include "src/machine/entry.h"

/* One value. The threads read `value` and write what stands below it. */
struct job {
    struct work work; /* first */
    const uint8_t *cluster;
    struct blob *value; /* a reference */
    bool is_good;
    struct envelope envelope; /* points into the value */
    uint8_t *digests;         /* owned: HASH_SIZE for each of its commands */
};

struct look_ahead {
    const uint8_t *cluster;
    struct work_pool *pool;              /* NULL: no threads */
    struct job *line[LOOK_AHEAD_VALUES]; /* as they came: a ring */
    size_t first, count;
    size_t collected;  /* of those in line, the first so many are done */
    struct job *taken; /* what was given last; NULL: nothing */
};

/* ---- in a thread ---- */

static void run(struct work *work)
{
    struct job *job = (struct job *)work;
    struct bytes raw;
    if (!entry_envelope(blob_bytes(job->value), &raw) ||
        envelope_parse(raw, &job->envelope) != RSM_OK ||
        envelope_verify(&job->envelope, job->cluster) != RSM_OK)
        return;
    job->is_good = true;
    job->digests = mem_alloc_unset((size_t)job->envelope.command_count * HASH_SIZE);
    struct envelope_walk walk = envelope_commands(&job->envelope);
    struct command command;
    for (uint32_t i = 0; envelope_next(&walk, &command); i++)
        command_digest(command.raw, job->envelope.key, job->digests + (size_t)i * HASH_SIZE);
}

/* ---- the owner's ---- */

static void free_job(struct job *job)
{
    if (job == NULL)
        return;
    blob_unref(job->value);
    mem_free(job->digests);
    mem_free(job);
}

static struct job *job_at(const struct look_ahead *a, size_t i)
{
    return a->line[(a->first + i) % LOOK_AHEAD_VALUES];
}

void look_ahead_add(struct look_ahead *a, struct blob *value)
{
    if (a->count == LOOK_AHEAD_VALUES)
        return;
    struct job *job = mem_alloc(sizeof *job);
    job->work.run = run;
    job->cluster = a->cluster;
    job->value = blob_ref(value);
    a->line[(a->first + a->count++) % LOOK_AHEAD_VALUES] = job;
    if (a->pool != NULL) {
        work_pool_add(a->pool, &job->work);
        return;
    }
    run(&job->work);
    a->collected++;
}

/* The first in line, once it is done. */
static struct job *pop(struct look_ahead *a)
{
    if (a->collected == 0) {
        (void)work_pool_await(a->pool);
        a->collected++;
    }
    struct job *job = job_at(a, 0);
    a->first = (a->first + 1) % LOOK_AHEAD_VALUES;
    a->count--;
    a->collected--;
    return job;
}

bool look_ahead_take(struct look_ahead *a, struct bytes value, struct machine_signatures *out)
{
    size_t place = 0;
    while (place < a->count && blob_bytes(job_at(a, place)->value).data != value.data)
        place++;
    if (place == a->count)
        return false;
    for (size_t i = 0; i <= place; i++) {
        free_job(a->taken);
        a->taken = pop(a);
    }
    const struct job *job = a->taken;
    CHECK(blob_bytes(job->value).size == value.size);
    *out = (struct machine_signatures){.verified = job->is_good,
                                       .envelope = job->is_good ? &job->envelope : NULL,
                                       .digests = job->digests};
    return true;
}

enum rsm_status look_ahead_new(uint32_t threads, const uint8_t *cluster_id, struct look_ahead **out)
{
    struct look_ahead *a = mem_alloc(sizeof *a);
    a->cluster = cluster_id;
    enum rsm_status status = threads > 0 ? work_pool_start(threads, &a->pool) : RSM_OK;
    if (status != RSM_OK) {
        mem_free(a);
        a = NULL;
    }
    *out = a;
    return status;
}

void look_ahead_free(struct look_ahead *a)
{
    if (a == NULL)
        return;
    (void)work_pool_stop(a->pool); /* what it has not given back is in the line */
    for (size_t i = 0; i < a->count; i++)
        free_job(job_at(a, i));
    free_job(a->taken);
    mem_free(a);
}
