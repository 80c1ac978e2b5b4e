/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replica_env.c - what a node asks of its surroundings, and what comes in: frames, requests.
 *
 * Each frame is taken apart as it leaves and shown to the checker, against what is durable on the
 * sender's disk at this moment.
 */
#include <inttypes.h>

#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/recovery.h"
#include "src/daemon/look_ahead.h"
#include "src/machine/tables.h"
#include "src/net/peer_codec.h"
#include "tests/sim/replica_node.h"

uint64_t replica_monotonic_us(const struct replica *r)
{
    uint64_t passed = r->cluster->sim.now - r->rate_since;
    return r->monotonic_then + passed * r->rate_permille / 1000;
}

uint64_t replica_wall_ms(const struct replica *r)
{
    uint64_t now = UINT64_C(1790000000000) + replica_monotonic_us(r) / 1000;
    return now + (uint64_t)r->wall_offset_ms;
}

static void judge_frame(struct replica *r, struct blob *blob)
{
    struct peer_frame frame;
    if (peer_decode(blob_bytes(blob), &frame) != RSM_OK) {
        sim_fail(&r->cluster->sim, "replica %u sends what does not decode", r->id);
        return;
    }
    if (frame.type == PEER_MESSAGE && frame.message.type == PAXOS_LEARN)
        sim_mark(r->cluster, SIM_MARK_CAUGHT_UP);
    if (frame.type == PEER_FORWARD)
        sim_mark(r->cluster, SIM_MARK_FORWARDED);
    if (frame.type == PEER_FORWARD_FAILED)
        sim_mark(r->cluster, SIM_MARK_FORWARD_FAILED);
    if (frame.type == PEER_MESSAGE)
        checker_on_send(replica_checker(r), r->id, &frame.message);
    peer_frame_deinit(&frame);
}

static void env_send(void *context, uint32_t to, struct blob *frame)
{
    struct replica *r = context;
    struct node_cluster *c = r->cluster;
    if (r->dying || c->sim.failed)
        return;
    judge_frame(r, frame);
    sim_mix(&c->sim, (uint64_t)r->id << 32 | to << 24 | frame->size);
    if (to >= 1 && to <= c->options.node_count)
        net_send(&c->net, r->id, to, r->turn_wait, blob_ref(frame));
}

/* Every link is narrow for a while now and then: no draw, for it says nothing of what is sent. */
static size_t env_backlog(void *context, uint32_t to)
{
    const struct replica *r = context;
    uint64_t period = replica_monotonic_us(r) / 200000;
    return (period + r->id * 5 + to) % 16 == 0 ? 1u << 20 : 0;
}

static void env_push(void *context)
{
    (void)context;
}

static uint64_t env_wall_ms(void *context)
{
    const struct replica *r = context;
    uint64_t now = replica_wall_ms(r);
    audit_on_clock(replica_audit(r), r->id, now);
    return now;
}

static uint64_t env_monotonic_ns(void *context)
{
    return replica_monotonic_us(context) * 1000;
}

static enum rsm_status end_commit(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    struct kv *frozen = r->committing;
    r->committing = NULL;
    if (r->store_full_until > c->sim.now) {
        sim_mark(c, SIM_MARK_STORE_FULL);
        return RSM_DISK_FULL;
    }
    store_sim_commit(r->store, frozen);
    if (r->node != NULL)
        audit_on_store(replica_audit(r), r->id, store_sim_kv(r->store));
    else
        r->audits_store = true; /* it replays what perhaps nobody has applied before it */
    if (r->spoils_commit)
        CHECK(kv_put(store_sim_kv(r->store), TABLE_META, bytes_of_string(META_VERDICT_HEAD),
                     bytes_of_string("another one")) == RSM_OK);
    node_read_back(r->committer, frozen, store_sim_kv(r->store));
    return RSM_OK;
}

static void replica_committed(void *context, void *argument)
{
    struct replica *r = replica_take(argument, replica_committed);
    (void)context;
    if (r == NULL || r->committing == NULL) /* the node has waited for it */
        return;
    node_on_committed(r->node, end_commit(r));
    replica_end_turn(r);
}

static enum rsm_status env_commit_wait(void *context)
{
    struct replica *r = context;
    CHECK(r->committing != NULL);
    sim_mark(r->cluster, SIM_MARK_REPLAY_COMMIT);
    return end_commit(r);
}

static void env_commit(void *context, struct node *node, struct kv *frozen)
{
    struct replica *r = context;
    struct node_cluster *c = r->cluster;
    CHECK(r->committing == NULL);
    r->committing = frozen;
    r->committer = node;
    replica_after(r, sim_range(&c->sim, 1, c->options.commit_us_max), replica_committed);
}

static struct kv *env_snapshot(void *context)
{
    struct replica *r = context;
    return store_sim_cut(r->store);
}

static void env_incoming_drop(void *context)
{
    struct replica *r = context;
    kv_free(r->incoming);
    r->incoming = NULL;
}

static enum rsm_status env_incoming_begin(void *context)
{
    struct replica *r = context;
    env_incoming_drop(r);
    if (r->store_full_until > r->cluster->sim.now)
        return RSM_DISK_FULL;
    r->incoming = kv_mem_new();
    return RSM_OK;
}

static enum rsm_status write_row(void *context, const struct kv_write *w)
{
    return kv_put(context, w->table, w->key, w->value);
}

static enum rsm_status env_incoming_put(void *context, struct kv *rows)
{
    struct replica *r = context;
    if (r->store_full_until > r->cluster->sim.now)
        return RSM_DISK_FULL;
    return kv_overlay_visit(rows, write_row, r->incoming);
}

static struct kv *env_incoming_state(void *context)
{
    return ((struct replica *)context)->incoming;
}

static enum rsm_status env_incoming_install(void *context, struct kv **base_out)
{
    struct replica *r = context;
    CHECK(r->committing == NULL);
    sim_mark(r->cluster, SIM_MARK_SNAPSHOT);
    store_sim_install(r->store, r->incoming);
    r->incoming = NULL;
    audit_on_store(replica_audit(r), r->id, store_sim_kv(r->store));
    *base_out = store_sim_kv(r->store);
    return RSM_OK;
}

/* No signature, but nobody here forges: who it is of, and what it is of. */
static void sign_as(uint32_t replica, struct bytes text, uint8_t signature_out[64])
{
    memset(signature_out, 0, 64);
    put_u32(signature_out, replica);
    put_u32(signature_out + 4, crc32c(0, text.data, text.size));
}

static void env_sign(void *context, struct bytes text, uint8_t signature_out[64])
{
    sign_as(((struct replica *)context)->id, text, signature_out);
}

static struct blob *env_sign_command(void *context, struct bytes command)
{
    struct replica *r = context;
    struct rsm_buffer envelope;
    if (r->voice == VOICE_SILENT)
        return NULL;
    CHECK(rsm_command_sign(r->key, r->cluster->cluster_id,
                           (struct rsm_bytes){command.data, command.size}, &envelope) == RSM_OK);
    struct blob *blob = blob_new(bytes_make(envelope.data, envelope.size));
    rsm_buffer_free(&envelope);
    audit_on_submitted(replica_audit(r), blob_bytes(blob));
    return blob;
}

static bool env_verify(void *context, uint32_t replica, struct bytes text,
                       const uint8_t signature[64])
{
    uint8_t expected[64];
    (void)context;
    sign_as(replica, text, expected);
    return memcmp(expected, signature, 64) == 0;
}

static void env_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct replica *r = context;
    if (!r->dying)
        author_on_outcome(r->cluster, token, outcome);
}

static void env_read_ready(void *context, uint64_t token, enum rsm_status status, uint64_t slot)
{
    struct replica *r = context;
    (void)slot;
    if (!r->dying)
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
    if (r->disk->failed && r->disk->fail_once)
        sim_mark(r->cluster, SIM_MARK_DISK_ERROR_ENDS);
    bool is_told = status == RSM_DAMAGED && r->may_doubt; /* a peer has seen more of it */
    if (is_told)
        sim_mark(r->cluster, SIM_MARK_TOLD_BY_PEER);
    if (!r->disk->failed && !r->may_fail && !is_told)
        sim_fail(sim, "replica %u ends by itself: %s: %s", r->id, rsm_status_text(status), text);
    r->doomed = true;
}

/* In doubt: from now on the peers hear of a new incarnation, and of no other. */
static uint64_t env_doubt(void *context)
{
    struct replica *r = context;
    if (r->disk->failed && !r->disk->fail_once)
        return 0;             /* this process is dead already */
    struct body_recover body; /* this is the doubt that it goes on alone with */
    if (body_recover_decode(blob_bytes(r->recovery), &body) == RSM_OK &&
        body.statement.former == r->incarnation)
        r->incarnation_last = body.statement.incarnation - 1;
    r->announced = ++r->incarnation_last;
    r->doubted = r->announced;
    net_announce(&r->cluster->net, r->id, r->announced, true);
    r->cluster->report->doubts++;
    for (uint32_t other = 1; other <= r->cluster->options.node_count; other++) {
        if (other != r->id && r->cluster->net.ends[other].rejoins)
            sim_mark(r->cluster, SIM_MARK_TWO_IN_DOUBT);
    }
    sim_note(&r->cluster->sim, "%u is in doubt, and calls itself incarnation %" PRIu64, r->id,
             r->announced);
    return r->announced;
}

/* The fresh journal is durable: what is in it is the acceptor's memory from here on. */
static enum rsm_status env_renewed(void *context, uint64_t incarnation, uint64_t joined)
{
    struct replica *r = context;
    struct node_cluster *c = r->cluster;
    sim_note(&c->sim, "%u has rejoined as incarnation %" PRIu64, r->id, incarnation);
    r->incarnation = incarnation;
    r->joined = joined;
    net_announce(&c->net, r->id, incarnation, false);
    r->may_doubt = false;
    r->has_lost = false;
    r->lost_silently = false;
    r->disk->lied_whole = false;
    r->disk->bad_file = 0;
    c->report->rejoins++;
    sim_mark(c, SIM_MARK_REJOINED);
    checker_on_rejoin(replica_checker(r), r->id);
    image_begin(&r->image, incarnation);
    if (!image_reread(&r->image, r->disk) || r->image.groups_now == 0)
        sim_fail(&c->sim, "replica %u: its fresh journal is not durable", r->id);
    checker_on_rejoined(replica_checker(r), r->id);
    return RSM_OK;
}

static uint64_t known_as(const struct replica *r, uint32_t peer)
{
    return r->cluster->net.ends[r->id].known[peer];
}

static uint64_t env_incarnation_of(void *context, uint32_t replica)
{
    return known_as(context, replica);
}

static void env_look_ahead(void *context, struct blob *value)
{
    struct replica *r = context;
    if (r->ahead != NULL)
        look_ahead_add(r->ahead, value);
}

static bool env_looked_ahead(void *context, struct bytes value, struct machine_signatures *out)
{
    struct replica *r = context;
    return r->ahead != NULL && look_ahead_take(r->ahead, value, out);
}

const struct node_env replica_env = {.send = env_send,
                                     .backlog = env_backlog,
                                     .push = env_push,
                                     .wall_ms = env_wall_ms,
                                     .monotonic_ns = env_monotonic_ns,
                                     .commit = env_commit,
                                     .commit_wait = env_commit_wait,
                                     .look_ahead = env_look_ahead,
                                     .looked_ahead = env_looked_ahead,
                                     .snapshot = env_snapshot,
                                     .incoming_begin = env_incoming_begin,
                                     .incoming_put = env_incoming_put,
                                     .incoming_state = env_incoming_state,
                                     .incoming_install = env_incoming_install,
                                     .incoming_drop = env_incoming_drop,
                                     .sign = env_sign,
                                     .verify = env_verify,
                                     .sign_command = env_sign_command,
                                     .submitted = env_submitted,
                                     .read_ready = env_read_ready,
                                     .applied = env_applied,
                                     .doubt = env_doubt,
                                     .renewed = env_renewed,
                                     .incarnation_of = env_incarnation_of,
                                     .fatal = env_fatal};

/* ------------------------------------------------------------------------------------------- */
/* What comes in */

struct delayed_frame {
    struct replica *replica;
    uint64_t life;
    uint64_t incarnation; /* of the sender */
    uint32_t from;
    struct blob *frame;
};

static void *frame_copy(void *context, const void *payload)
{
    (void)context;
    return blob_ref((struct blob *)(uintptr_t)payload);
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
    /* What waits in a connection goes with it, when the peer comes back as another one. */
    if (d->replica->life == d->life && known_as(d->replica, d->from) == d->incarnation)
        frame_arrive(context, d->from, d->replica->id, d->frame);
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
        *d = (struct delayed_frame){r, r->life, known_as(r, from), from, blob_ref(payload)};
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

void replica_peer_lost(struct node_cluster *c, uint32_t id, uint32_t peer)
{
    struct replica *r = replica_at(c, id);
    if (r->node == NULL || r->busy_until > c->sim.now || id == peer)
        return;
    node_on_peer_lost(r->node, peer);
    replica_end_turn(r);
}
