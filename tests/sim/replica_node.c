/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replica_node.c - one whole node and its surroundings: env, disk, store, life and death.
 *
 * A turn is: one thing handed in, then node_flush. A turn that flushed keeps the replica busy for a
 * while: what comes meanwhile waits. After each turn what was newly applied is compared with what
 * other replicas applied in the same slots, both heads.
 */
#include "tests/sim/sim_node.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/machine/logtable.h"
#include "src/machine/tables.h"

struct replica {
    struct node_cluster *cluster;
    uint32_t id;
    struct node *node; /* NULL: down */
    uint64_t life;
    uint64_t busy_until;
    uint64_t tick_us;
    int64_t skew_ms;
    struct disk_mem *disk; /* survives */
    struct kv *store;      /* survives: as of the last commit */
    struct kv *committing; /* the node's, while a commit runs */
    uint64_t checked;      /* slots up to here were compared in this life */
    uint64_t flushes;
    bool doomed; /* env.fatal was called: dies at the end of the turn */
    bool torn;   /* its death is a power cut */
};

struct call {
    struct replica *replica;
    uint64_t life;
};

struct delayed_frame {
    struct call call;
    uint32_t from;
    struct blob *frame;
};

static struct replica *replica_at(const struct node_cluster *c, uint32_t id)
{
    return &c->replicas[id];
}

/* ------------------------------------------------------------------------------------------- */
/* Events that belong to one life of a replica. */

static void call_free(void *context, void *argument)
{
    (void)context;
    mem_free(argument);
}

static void replica_after(struct replica *r, uint64_t delay, sim_run *run)
{
    struct call *call = mem_alloc(sizeof(*call));
    *call = (struct call){r, r->life};
    sim_after(&r->cluster->sim, delay, run, call_free, r->cluster, call);
}

static struct replica *call_take(struct call *call, sim_run *again)
{
    struct replica *r = call->replica;
    struct sim *sim = &r->cluster->sim;
    bool alive = r->node != NULL && r->life == call->life;
    if (alive && r->busy_until > sim->now) {
        sim_after(sim, r->busy_until - sim->now, again, call_free, r->cluster, call);
        return NULL;
    }
    mem_free(call);
    return alive ? r : NULL;
}

/* ------------------------------------------------------------------------------------------- */
/* After a turn */

static struct slot_fact *fact_at(struct node_cluster *c, uint64_t slot)
{
    if (slot >= c->fact_capacity) {
        uint64_t capacity = c->fact_capacity == 0 ? 256 : c->fact_capacity;
        while (capacity <= slot)
            capacity *= 2;
        c->facts = mem_realloc(c->facts, capacity * sizeof(*c->facts));
        memset(c->facts + c->fact_capacity, 0, (capacity - c->fact_capacity) * sizeof(*c->facts));
        c->fact_capacity = capacity;
    }
    return &c->facts[slot];
}

static void replica_compare(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    uint64_t applied = node_applied(r->node);
    for (; r->checked < applied && !c->sim.failed; r->checked++) {
        uint64_t slot = r->checked + 1;
        struct slot_fact *fact = fact_at(c, slot);
        struct log_verdict row;
        if (log_get_verdict(node_state(r->node), slot, &row) != RSM_OK) {
            sim_fail(&c->sim, "replica %u applied slot %" PRIu64 " and has no verdict", r->id,
                     slot);
            return;
        }
        if (fact->known && memcmp(fact->entry_head, row.entry_head, HASH_SIZE) != 0)
            sim_fail(&c->sim, "I7: replica %u: another entry in slot %" PRIu64, r->id, slot);
        else if (fact->known && memcmp(fact->verdict_head, row.verdict_head, HASH_SIZE) != 0)
            sim_fail(&c->sim, "I8: replica %u: another verdict in slot %" PRIu64, r->id, slot);
        fact->known = true;
        memcpy(fact->entry_head, row.entry_head, HASH_SIZE);
        memcpy(fact->verdict_head, row.verdict_head, HASH_SIZE);
        sim_mix(&c->sim, get_u64(row.entry_head));
    }
}

static bool keep_some(void *context, size_t index)
{
    struct sim *sim = context;
    (void)index;
    return sim_chance(sim, 500000);
}

static bool keep_all(void *context, size_t index)
{
    (void)context;
    (void)index;
    return true;
}

static void replica_die(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    struct node *node = r->node;
    sim_note(&c->sim, "%u dies%s", r->id, r->torn ? ", and sectors are lost" : "");
    c->report->crashes++;
    r->life++;
    r->node = NULL;
    r->committing = NULL;
    /* Freed, not closed: a crash says nothing to anybody. Its last words go nowhere. */
    r->disk->fail_at = r->disk->calls + 1;
    r->disk->fail_with = RSM_IO;
    r->disk->failed = false;
    node_close(node);
    r->disk->fail_at = 0;
    disk_mem_crash(r->disk, r->torn ? keep_some : keep_all, &c->sim);
    r->torn = false;
    r->doomed = false;
    r->busy_until = 0;
    author_on_crash(c, r->id);
}

static void replica_revive(void *context, void *argument)
{
    struct replica *r = context;
    (void)argument;
    if (r->node == NULL)
        replica_start(r->cluster, r->id);
}

static void replica_end_turn(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    if (!r->doomed)
        node_flush(r->node);
    if (r->doomed) {
        replica_die(r);
        sim_after(&c->sim, sim_range(&c->sim, 100 * SIM_MS, SIM_SECOND), replica_revive, NULL, r,
                  NULL);
        return;
    }
    replica_compare(r);
    if (r->disk->flushes > r->flushes)
        r->busy_until = c->sim.now + sim_range(&c->sim, 1, c->options.flush_us_max);
    r->flushes = r->disk->flushes;
}

/* ------------------------------------------------------------------------------------------- */
/* The env */

static void env_send(void *context, uint32_t to, struct blob *frame)
{
    struct replica *r = context;
    if (r->node == NULL && r->life > 0 && r->disk->fail_at != 0)
        return; /* dying */
    sim_mix(&r->cluster->sim, (uint64_t)r->id << 32 | to << 24 | frame->size);
    net_send(&r->cluster->net, r->id, to, blob_ref(frame));
}

static void env_push(void *context)
{
    (void)context;
}

static uint64_t env_wall_ms(void *context)
{
    const struct replica *r = context;
    return UINT64_C(1790000000000) + r->cluster->sim.now / 1000 + (uint64_t)r->skew_ms;
}

static uint64_t env_monotonic_us(void *context)
{
    const struct replica *r = context;
    return r->cluster->sim.now;
}

static enum rsm_status store_write(void *context, const struct kv_write *w)
{
    struct kv *store = context;
    return w->deleted ? kv_del(store, w->table, w->key) : kv_put(store, w->table, w->key, w->value);
}

static void replica_committed(void *context, void *argument)
{
    struct replica *r = call_take(argument, replica_committed);
    (void)context;
    if (r == NULL)
        return;
    struct kv *frozen = r->committing;
    r->committing = NULL;
    CHECK(kv_overlay_visit(frozen, store_write, r->store) == RSM_OK);
    node_on_committed(r->node, RSM_OK);
    replica_end_turn(r);
}

static void env_commit(void *context, struct kv *frozen)
{
    struct replica *r = context;
    struct node_cluster *c = r->cluster;
    CHECK(r->committing == NULL);
    r->committing = frozen;
    replica_after(r, sim_range(&c->sim, 1, c->options.commit_us_max), replica_committed);
}

static struct kv *env_snapshot(void *context)
{
    struct replica *r = context;
    struct kv *cut = kv_mem_new();
    for (uint8_t table = 1; table < TABLE_END; table++) {
        struct bytes key, value;
        uint8_t last[LIMIT_KEY_SIZE];
        size_t size = 0;
        while (kv_next(r->store, table, bytes_make(last, size), size > 0, &key, &value) == RSM_OK) {
            CHECK(kv_put(cut, table, key, value) == RSM_OK);
            size = key.size;
            memcpy(last, key.data, size);
        }
    }
    return cut;
}

static void env_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct replica *r = context;
    if (r->node != NULL)
        author_on_outcome(r->cluster, token, outcome);
}

static void env_read_ready(void *context, uint64_t token, enum rsm_status status, uint64_t slot)
{
    struct replica *r = context;
    (void)slot;
    if (r->node != NULL)
        author_on_read(r->cluster, r->id, token, status);
}

static void env_applied(void *context, uint64_t slot)
{
    (void)context;
    (void)slot;
}

static void env_fatal(void *context, enum rsm_status status, const char *text)
{
    struct replica *r = context;
    struct sim *sim = &r->cluster->sim;
    sim_note(sim, "%u: fatal: %s: %s", r->id, rsm_status_text(status), text);
    if (!r->disk->failed)
        sim_fail(sim, "replica %u ends by itself: %s: %s", r->id, rsm_status_text(status), text);
    r->doomed = true;
}

/* ------------------------------------------------------------------------------------------- */
/* What comes in */

static void replica_tick(void *context, void *argument)
{
    struct replica *r = call_take(argument, replica_tick);
    (void)context;
    if (r == NULL)
        return;
    replica_after(r, r->tick_us, replica_tick);
    node_tick(r->node);
    replica_end_turn(r);
}

static void *frame_copy(void *context, const void *payload)
{
    (void)context;
    return blob_new(blob_bytes(payload));
}

static void frame_free(void *context, void *payload)
{
    (void)context;
    blob_unref(payload);
}

static void delayed_free(void *context, void *argument)
{
    struct delayed_frame *d = argument;
    (void)context;
    blob_unref(d->frame);
    mem_free(d);
}

static void frame_arrive(void *context, uint32_t from, uint32_t to, void *payload);

static void delayed_run(void *context, void *argument)
{
    struct delayed_frame *d = argument;
    if (d->call.replica->life == d->call.life)
        frame_arrive(context, d->from, d->call.replica->id, d->frame);
    delayed_free(context, d);
}

static void frame_arrive(void *context, uint32_t from, uint32_t to, void *payload)
{
    struct node_cluster *c = context;
    struct replica *r = replica_at(c, to);
    if (r->node == NULL || c->sim.failed)
        return;
    if (r->busy_until > c->sim.now) {
        struct delayed_frame *d = mem_alloc(sizeof(*d));
        *d = (struct delayed_frame){{r, r->life}, from, blob_ref(payload)};
        sim_after(&c->sim, r->busy_until - c->sim.now, delayed_run, delayed_free, c, d);
        return;
    }
    node_on_frame(r->node, from, blob_bytes(payload));
    replica_end_turn(r);
}

const struct net_calls replica_net_calls = {frame_copy, frame_free, frame_arrive};

void replica_submit(struct node_cluster *c, uint32_t id, uint64_t token, struct blob *envelope)
{
    struct replica *r = replica_at(c, id);
    node_submit(r->node, token, envelope);
    replica_end_turn(r);
}

void replica_read(struct node_cluster *c, uint32_t id, uint64_t token)
{
    struct replica *r = replica_at(c, id);
    node_read(r->node, token);
    replica_end_turn(r);
}

/* ------------------------------------------------------------------------------------------- */
/* Life */

size_t replica_size(void)
{
    return sizeof(struct replica);
}

void replica_init(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    int64_t skew = c->options.skew_ms_max;
    r->cluster = c;
    r->id = id;
    r->disk = disk_mem_new();
    r->store = kv_mem_new();
    r->tick_us = sim_range(&c->sim, 9 * SIM_MS, 11 * SIM_MS);
    r->skew_ms = (int64_t)sim_range(&c->sim, 0, (uint64_t)(2 * skew)) - skew;
}

void replica_deinit(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    struct node *node = r->node;
    r->node = NULL;
    r->disk->fail_at = r->disk->calls + 1;
    r->disk->fail_with = RSM_IO;
    node_close(node);
    disk_free(&r->disk->disk);
    kv_free(r->store);
}

void replica_start(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    struct node_config config = c->options.config;
    struct node_env env = {.context = r,
                           .send = env_send,
                           .push = env_push,
                           .wall_ms = env_wall_ms,
                           .monotonic_us = env_monotonic_us,
                           .commit = env_commit,
                           .snapshot = env_snapshot,
                           .submitted = env_submitted,
                           .read_ready = env_read_ready,
                           .applied = env_applied,
                           .fatal = env_fatal};
    const char *text = NULL;
    config.self = id;
    config.seed = prng_next(&c->sim.prng);
    uint64_t segment;
    size_t segments = 0;
    r->life++;
    r->checked = 0;
    r->disk->failed = false;
    config.fresh = disk_list(&r->disk->disk, &segment, 1, &segments) == RSM_OK && segments == 0;
    enum rsm_status status = node_open(&r->node, &config, &env, writer_result(&c->genesis),
                                       &r->disk->disk, r->store, &text);
    if (status != RSM_OK) {
        sim_fail(&c->sim, "replica %u does not start: %s: %s", id, rsm_status_text(status), text);
        return;
    }
    struct node_status said;
    node_get_status(r->node, &said);
    sim_note(&c->sim, "%u starts: stored %" PRIu64 ", applied %" PRIu64 "%s", id, said.stored,
             said.applied, said.is_voting ? "" : ", it does not vote");
    if (!said.is_voting && c->torn != id)
        sim_fail(&c->sim, "replica %u does not vote, though its disk lost nothing", id);
    r->flushes = r->disk->flushes;
    replica_after(r, sim_range(&c->sim, 1, r->tick_us), replica_tick);
    replica_end_turn(r);
}

void replica_disarm(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    if (r->disk->fail_at == 0 || r->disk->failed)
        return;
    r->disk->fail_at = 0;
    if (r->torn)
        c->torn = 0;
    r->torn = false;
}

void replica_crash(struct node_cluster *c, uint32_t id)
{
    if (replica_at(c, id)->node != NULL)
        replica_die(replica_at(c, id));
}

void replica_crash_in_flush(struct node_cluster *c, uint32_t id, bool torn)
{
    struct replica *r = replica_at(c, id);
    if (r->node == NULL)
        return;
    r->torn = torn;
    if (torn)
        c->torn = id;
    r->disk->failed = false;
    r->disk->fail_with = RSM_IO;
    r->disk->fail_at = r->disk->calls + sim_range(&c->sim, 1, 6);
}

void replica_pause(struct node_cluster *c, uint32_t id, uint64_t duration)
{
    replica_at(c, id)->busy_until = c->sim.now + duration;
}

bool replica_is_up(const struct node_cluster *c, uint32_t id)
{
    return replica_at(c, id)->node != NULL;
}

bool replica_is_busy(const struct node_cluster *c, uint32_t id)
{
    return replica_at(c, id)->busy_until > c->sim.now;
}

uint64_t replica_applied(const struct node_cluster *c, uint32_t id)
{
    return node_applied(replica_at(c, id)->node);
}

void replica_status(const struct node_cluster *c, uint32_t id, struct node_status *status_out)
{
    node_get_status(replica_at(c, id)->node, status_out);
}

struct kv *replica_state(const struct node_cluster *c, uint32_t id)
{
    return node_state(replica_at(c, id)->node);
}
