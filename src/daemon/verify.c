/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.c - see verify.h. */
#include "src/daemon/verify.h"

#include <string.h>

#include <event2/event.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/daemon/stages.h"
#include "src/io/clock.h"
#include "src/io/work_pool.h"
#include "src/machine/entry.h"
#include "src/net/peer_codec.h"

/* One request or frame. The threads read `bytes` and write `good`. */
struct job {
    struct work work;       /* first */
    struct blob *bytes;     /* owned: an envelope, or a frame */
    const uint8_t *cluster; /* borrowed */
    uint32_t peer;          /* 0: a request */
    bool is_dropped;
    uint64_t token, came_ns, begin_ns; /* of a request */
    uint8_t (*good)[HASH_SIZE];        /* owned: digests that verify */
    size_t good_count, good_capacity;
};

struct verify {
    struct node *node;
    struct work_pool *pool; /* NULL: no threads */
    struct event *done;
    const uint8_t *cluster_id;
    bool is_turn_used;                 /* something was verified here in this turn */
    size_t bytes;                      /* of all jobs */
    uint32_t waiting[REPLICA_MAX + 1]; /* jobs of each peer */
    struct job *line[VERIFY_WORKS_MAX];
    size_t line_first, line_count; /* the jobs in the pool, as they came: a ring */
};

/* ---- in a thread ---- */

static void add_good(struct job *job, const uint8_t digest[HASH_SIZE])
{
    if (job->good_count == job->good_capacity) {
        job->good_capacity = 2 * job->good_capacity + 1;
        job->good = mem_realloc(job->good, job->good_capacity * sizeof *job->good);
    }
    memcpy(job->good[job->good_count++], digest, HASH_SIZE);
}

static void verify_envelope(struct job *job, struct bytes raw)
{
    struct envelope envelope;
    uint8_t digest[HASH_SIZE];
    if (raw.size == 0 || envelope_parse(raw, &envelope) != RSM_OK ||
        envelope_verify(&envelope, job->cluster) != RSM_OK)
        return;
    envelope_digest(raw, digest);
    add_good(job, digest);
}

static void verify_value(struct job *job, struct bytes value)
{
    struct bytes raw;
    if (entry_envelope(value, &raw))
        verify_envelope(job, raw);
}

static void run_request(struct work *work)
{
    struct job *job = (struct job *)work;
    verify_envelope(job, blob_bytes(job->bytes));
}

static void run_frame(struct work *work)
{
    struct job *job = (struct job *)work;
    struct peer_frame frame;
    if (peer_decode(blob_bytes(job->bytes), &frame) != RSM_OK)
        return; /* the node will say so */
    if (frame.type == PEER_FORWARD)
        verify_envelope(job, frame.envelope);
    for (size_t i = 0; frame.type == PEER_MESSAGE && i < frame.message.entry_count; i++)
        verify_value(job, blob_bytes(frame.message.entries[i].value));
    peer_frame_deinit(&frame);
}

/* It only keeps its place. */
static void run_nothing(struct work *work)
{
    (void)work;
}

/* ---- in the loop ---- */

static void free_job(struct job *job)
{
    blob_unref(job->bytes);
    mem_free(job->good);
    mem_free(job);
}

static bool has_room(const struct verify *v, size_t size)
{
    return v->line_count < VERIFY_WORKS_MAX && size <= VERIFY_BYTES_MAX - v->bytes;
}

static struct job *add_job(struct verify *v, void (*run)(struct work *), uint32_t peer,
                           struct blob *bytes)
{
    struct job *job = mem_alloc(sizeof *job);
    job->work.run = run;
    job->bytes = bytes;
    job->cluster = v->cluster_id;
    job->peer = peer;
    v->bytes += bytes->size;
    v->waiting[peer]++;
    v->line[(v->line_first + v->line_count++) % VERIFY_WORKS_MAX] = job;
    return job;
}

/* Takes the job out of all counts and hands it to the node. */
static void hand_on(struct verify *v, struct job *job)
{
    v->line_first = (v->line_first + 1) % VERIFY_WORKS_MAX;
    v->line_count--;
    v->waiting[job->peer]--;
    v->bytes -= job->bytes->size;
    for (size_t i = 0; i < job->good_count; i++)
        node_note_verified(v->node, job->good[i]);
    if (job->peer == 0) {
        struct stages *stages = node_stages(v->node);
        stages->decode_ns = job->came_ns;
        stages->verify_ns = job->begin_ns;
        node_submit(v->node, job->token, job->bytes);
        stages->verify_ns = 0;
    } else if (!job->is_dropped) {
        node_on_frame(v->node, job->peer, blob_bytes(job->bytes));
    }
    free_job(job);
}

static void on_done(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct verify *v = context;
    struct work *work;
    while ((work = work_pool_collect(v->pool)) != NULL)
        hand_on(v, (struct job *)work);
}

/* Nothing waits, and nothing was verified here in this turn. */
static bool may_do_it_here(struct verify *v)
{
    if (v->pool == NULL)
        return true;
    bool may = v->line_count == 0 && !v->is_turn_used;
    v->is_turn_used = true;
    return may;
}

bool verify_submit(struct verify *v, uint64_t token, struct blob *envelope)
{
    if (may_do_it_here(v)) {
        node_submit(v->node, token, envelope);
        return true;
    }
    if (!has_room(v, envelope->size))
        return false;
    struct stages *stages = node_stages(v->node);
    struct job *job = add_job(v, run_request, 0, blob_ref(envelope));
    job->token = token;
    job->came_ns = stages->decode_ns;
    job->begin_ns = clock_monotonic_ns();
    stages->decode_ns = 0;
    work_pool_add(v->pool, &job->work);
    return true;
}

void verify_frame(struct verify *v, uint32_t from, struct bytes frame)
{
    bool is_signed = peer_has_envelopes(frame);
    CHECK(from <= REPLICA_MAX);
    if (v->waiting[from] == 0 && (!is_signed || may_do_it_here(v))) {
        node_on_frame(v->node, from, frame);
        return;
    }
    if (!has_room(v, frame.size))
        return;
    struct job *job = add_job(v, is_signed ? run_frame : run_nothing, from, blob_new(frame));
    work_pool_add(v->pool, &job->work);
}

void verify_drop_peer(struct verify *v, uint32_t peer)
{
    for (size_t i = 0; i < v->line_count; i++) {
        struct job *job = v->line[(v->line_first + i) % VERIFY_WORKS_MAX];
        job->is_dropped |= job->peer != 0 && (peer == 0 || job->peer == peer);
    }
}

void verify_end_turn(struct verify *v)
{
    v->is_turn_used = false;
}

bool verify_is_idle(const struct verify *v)
{
    return v->line_count == 0;
}

enum rsm_status verify_new(uint32_t threads, struct node *node, struct event_base *base,
                           const uint8_t *cluster_id, struct verify **verify_out)
{
    struct verify *v = mem_alloc(sizeof *v);
    v->node = node;
    v->cluster_id = cluster_id;
    *verify_out = v;
    if (threads == 0)
        return RSM_OK;
    enum rsm_status status = work_pool_start(threads, &v->pool);
    if (status != RSM_OK) {
        mem_free(v);
        *verify_out = NULL;
        return status;
    }
    v->done =
        mem_made(event_new(base, work_pool_descriptor(v->pool), EV_READ | EV_PERSIST, on_done, v));
    event_add(v->done, NULL);
    return RSM_OK;
}

void verify_free(struct verify *v)
{
    if (v == NULL)
        return;
    if (v->done != NULL)
        event_free(v->done);
    struct work *work = work_pool_stop(v->pool);
    while (work != NULL) {
        struct job *job = (struct job *)work;
        work = work->next;
        free_job(job);
    }
    mem_free(v);
}
