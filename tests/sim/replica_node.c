/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replica_node.c - one whole node: its turns, its life and death, and what is durable of it.
 *
 * A turn is one thing handed in, then node_flush, as in the daemon's loop; a flush keeps the
 * replica busy for a while, and what comes meanwhile waits. After each turn what was newly applied
 * goes to the audit. A death leaves the disk's sectors as the kind of death says, and the store as
 * of its last commit; the journal's image is then read again, and whoever lost something that was
 * durable must not speak as an acceptor any more.
 */
#include "tests/sim/replica_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/keyfile.h"
#include "src/daemon/look_ahead.h"
#include "src/machine/logtable.h"
#include "src/machine/query.h"

struct call {
    struct replica *replica;
    uint64_t life;
};

static void call_free(void *context, void *argument)
{
    (void)context;
    mem_free(argument);
}

void replica_after(struct replica *r, uint64_t delay, sim_run *run)
{
    struct call *call = mem_alloc(sizeof(*call));
    *call = (struct call){r, r->life};
    sim_after(&r->cluster->sim, delay, run, call_free, r->cluster, call);
}

struct replica *replica_take(void *argument, sim_run *again)
{
    struct call *call = argument;
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
/* What is durable */

void replica_on_record(void *context, const struct memory_record *record)
{
    struct replica *r = context;
    checker_on_durable(replica_checker(r), r->id, record);
}

void replica_on_flushed(void *context, uint64_t file)
{
    struct replica *r = context;
    image_read(&r->image, r->disk, file);
}

/* I19: the votes in a segment that is dropped are all in the store, durably. */
void replica_on_removed(void *context, uint64_t file)
{
    struct replica *r = context;
    const struct image_segment *s = image_segment(&r->image, file);
    if (s == NULL || r->announced != r->incarnation) /* in doubt, it clears away what it replaces */
        return;
    uint64_t stored = store_sim_applied(r->store);
    if (s->slot_end > stored + 1)
        sim_fail(&r->cluster->sim,
                 "I19: replica %u drops votes up to slot %" PRIu64 ", its store has %" PRIu64,
                 r->id, s->slot_end - 1, stored);
    if (s->slot_end > 0)
        sim_mark(r->cluster, SIM_MARK_SEGMENT_DROPPED);
    image_drop(&r->image, file);
}

/* ------------------------------------------------------------------------------------------- */
/* Turns */

static void audit_applied(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    uint64_t applied = node_applied(r->node);
    /* A leader counts on with what it heard of a clock, also while nobody reads that clock. */
    for (uint32_t id = 1; r->checked < applied && id <= c->options.node_count; id++)
        audit_on_clock(replica_audit(r), id, replica_wall_ms(replica_at(c, id)));
    while (r->checked < applied && !c->sim.failed) {
        audit_on_applied(replica_audit(r), r->id, ++r->checked, node_state(r->node));
        member_on_applied(r, r->checked);
    }
    if (r->audits_store && !c->sim.failed)
        audit_on_store(replica_audit(r), r->id, store_sim_kv(r->store));
    r->audits_store = false;
}

void replica_judge_acknowledged(struct node_cluster *c, uint32_t id, uint64_t slot)
{
    struct replica *r = replica_at(c, id);
    struct bytes entry;
    if (log_get_entry(node_state(r->node), slot, &entry) != RSM_OK)
        sim_fail(&c->sim, "I11: replica %u acknowledges slot %" PRIu64 " and has it not", id, slot);
    else
        checker_on_acknowledged(replica_checker(r), slot, memory_value_hash(entry));
}

void replica_judge_read(struct node_cluster *c, uint32_t id, struct bytes zone, struct bytes owner)
{
    struct replica *r = replica_at(c, id);
    struct query_rrset set;
    uint32_t found = 0;
    audit_applied(r);
    if (query_rrset(node_state(r->node), zone, owner, 1, QUERY_NOW, &set) == RSM_OK &&
        set.record.rdatas.size >= 4)
        found = get_u32(set.record.rdatas.data + set.record.rdatas.size - 4);
    uint32_t right = recount_address(audit_recount(replica_audit(r)), owner, node_applied(r->node));
    if (found != right && !c->sim.failed)
        sim_fail(&c->sim, "I12: a read at %u saw address %x, at its slot it is %x", id, found,
                 right);
}

static void revive(void *context, void *argument)
{
    struct replica *r = argument;
    struct node_cluster *c = context;
    r->restarts = false;
    if (r->node == NULL && !r->is_gone && !c->sim.failed)
        replica_start(c, r->id);
}

static void set_revival(struct replica *r)
{
    struct sim *sim = &r->cluster->sim;
    if (r->restarts)
        return;
    r->restarts = true;
    sim_after(sim, sim_range(sim, 50 * SIM_MS, SIM_SECOND), revive, NULL, r->cluster, r);
}

/* The process is gone; the disk keeps what `how` says. */
static void lose_process(struct replica *r, enum disk_sim_crash how)
{
    struct node_cluster *c = r->cluster;
    struct node *node = r->node;
    r->life++;
    r->node = NULL;
    r->dying = true;
    /* A commit under way reached the disk, or did not. */
    if (r->committing != NULL && sim_chance(&c->sim, 300000)) {
        store_sim_commit(r->store, r->committing);
        audit_on_store(replica_audit(r), r->id, store_sim_kv(r->store));
    }
    if (r->committing != NULL && store_sim_applied(r->store) >= r->checked && r->checked > 0)
        sim_mark(c, SIM_MARK_COMMIT_SURVIVED);
    r->committing = NULL;
    r->disk->under_way = 0; /* what was on its way is there or not, as all that was not flushed */
    r->disk->fail_at = 1;   /* freed, not closed: a crash writes nothing more */
    r->disk->fail_with = RSM_IO;
    r->disk->fail_once = false;
    node_close(node);
    store_sim_crash(r->store);
    r->dying = false;
    if (disk_sim_crash(r->disk, how, &c->sim.prng) > 0) {
        r->may_doubt = true;
        sim_mark(c, SIM_MARK_TORN_FLUSH);
    }
}

void replica_die(struct replica *r, enum disk_sim_crash how)
{
    struct node_cluster *c = r->cluster;
    sim_note(&c->sim, "%u dies%s", r->id,
             how == DISK_SIM_KEEPS_ALL ? "" : ", its unflushed sectors are lost");
    c->report->crashes++;
    bool lied = r->disk->lied;
    r->lost_silently = r->disk->lied_whole;
    lose_process(r, how);
    checker_on_crash(replica_checker(r), r->id);
    if (lied && how != DISK_SIM_KEEPS_ALL)
        r->may_doubt = true;
    uint64_t groups = r->image.group_next;
    bool is_whole = image_reread(&r->image, r->disk);
    if (is_whole && r->image.group_next > groups)
        sim_mark(c, SIM_MARK_GROUP_SURVIVED);
    if (!is_whole) {
        sim_mark(c, SIM_MARK_GROUPS_LOST);
        if (!r->may_doubt)
            sim_fail(&c->sim, "replica %u: durable groups are gone", r->id);
        sim_note(&c->sim, "%u has lost durable groups", r->id);
        r->has_lost = true;
        c->is_beyond = c->is_beyond || r->lost_silently;
        checker_on_loss(replica_checker(r), r->id);
    }
    r->doomed = false;
    r->dies_in_flush = false;
    r->awaits_flush = false;
    r->audits_store = false;
    r->busy_until = 0;
    author_on_crash(c, r->id);
    set_revival(r);
}

void replica_replace(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    if (r->node != NULL)
        replica_die(r, DISK_SIM_KEEPS_ALL);
    sim_note(&c->sim, "%u gets a new disk", r->id);
    disk_sim_wipe(r->disk);
    store_sim_wipe(r->store);
    r->disk->bad_file = 0;
    r->disk->lied_whole = false;
    r->incarnation = ++r->incarnation_last;
    r->announced = r->incarnation;
    r->joined = r->incarnation;
    r->doubted = 0;
    r->is_old = false;
    r->may_doubt = false;
    r->has_lost = false;
    r->lost_silently = false;
    r->members_version = 0;
    net_announce(&c->net, r->id, r->announced, false);
    net_forget(&c->net, r->id);
    net_set_members(&c->net, r->id, 0);
    image_begin(&r->image, r->incarnation);
    checker_on_rejoin(replica_checker(r), r->id); /* with nothing */
    checker_on_rejoined(replica_checker(r), r->id);
}

static uint64_t flush_time(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    uint64_t time = sim_range(&c->sim, 1, c->options.flush_us_max);
    if (r->slow_until > c->sim.now)
        time *= 20;
    if (r->hung_until > c->sim.now)
        time += r->hung_until - c->sim.now;
    return time;
}

/* The disk has ended what went on beside the turns. */
static void flush_is_over(void *context, void *argument)
{
    struct replica *r = replica_take(argument, flush_is_over);
    (void)context;
    if (r == NULL)
        return;
    r->awaits_flush = false;
    r->disk->is_over = true;
    node_on_flushed(r->node);
    r->flushes = r->disk->flushes; /* it kept nobody busy */
    replica_end_turn(r);
}

static void await_flush(struct replica *r)
{
    if (r->disk->under_way == 0 || r->awaits_flush)
        return;
    sim_mark(r->cluster, SIM_MARK_FLUSH_BESIDE);
    r->awaits_flush = true;
    replica_after(r, flush_time(r), flush_is_over);
}

void replica_end_turn(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    if (!r->doomed)
        node_flush(r->node);
    r->turn_wait = 0;
    if (r->doomed) {
        replica_die(r, r->dies_in_flush ? r->dies_how : DISK_SIM_KEEPS_ALL);
        return;
    }
    audit_applied(r);
    member_follow(r);
    if (r->disk->flushes > r->flushes)
        r->busy_until = c->sim.now + flush_time(r);
    r->flushes = r->disk->flushes;
    await_flush(r);
}

static void mark_disk_low(struct replica *r)
{
    struct node_status said;
    node_get_status(r->node, &said);
    if ((said.alarms & NODE_ALARM_DISK_LOW) != 0)
        sim_mark(r->cluster, SIM_MARK_DISK_LOW);
}

static void free_disk_in_time(struct replica *r)
{
    if (r->disk->space > 0 && r->disk_full_until <= r->cluster->sim.now)
        r->disk->space = 0;
}

static void replica_tick(void *context, void *argument)
{
    struct replica *r = replica_take(argument, replica_tick);
    (void)context;
    if (r == NULL)
        return;
    replica_after(r, r->tick_us * 1000 / r->rate_permille, replica_tick);
    free_disk_in_time(r);
    node_tick(r->node);
    if (r->store_full_until > r->cluster->sim.now || r->disk->space > 0)
        mark_disk_low(r);
    r->cluster->net.ends[r->id].is_stranger = !node_is_voter(r->node);
    replica_end_turn(r);
}

/* ------------------------------------------------------------------------------------------- */
/* Life */

size_t replica_size(void)
{
    return sizeof(struct replica);
}

void replica_make_key(struct node_cluster *c, uint32_t id)
{
    uint8_t seed[KEYFILE_SEED_SIZE];
    char name[16];
    memset(seed, (int)id + 99, sizeof(seed));
    snprintf(name, sizeof(name), "replica:%u", id);
    CHECK(key_from_seed(name, seed, &replica_at(c, id)->key) == RSM_OK);
}

const uint8_t *replica_public_key(const struct node_cluster *c, uint32_t id)
{
    return rsm_key_public(replica_at(c, id)->key);
}

void replica_zone(uint32_t id, char out[REPLICA_ZONE_SIZE])
{
    snprintf(out, REPLICA_ZONE_SIZE, "us-east-1%c", (char)('a' + (id - 1) % 3));
}

void replica_init(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    int64_t skew = c->options.skew_ms_max;
    r->cluster = c;
    r->id = id;
    r->incarnation = 1;
    r->incarnation_last = 1;
    r->joined = id > c->options.voter_count ? r->incarnation : 0;
    r->disk = disk_sim_new();
    r->disk->is_beside = c->options.flushes_beside;
    r->disk->on_flushed = replica_on_flushed;
    r->disk->on_removed = replica_on_removed;
    r->disk->context = r;
    r->store = store_sim_new(c->cluster_id, id, c->options.real_store);
    image_init(&r->image, c->cluster_id, id, replica_on_record, r);
    image_begin(&r->image, r->incarnation);
    r->tick_us = sim_range(&c->sim, 9 * SIM_MS, 11 * SIM_MS);
    r->rate_permille = 1000;
    r->skew_ms = (int64_t)sim_range(&c->sim, 0, (uint64_t)(2 * skew)) - skew;
    r->wall_offset_ms = r->skew_ms;
}

void replica_deinit(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    (void)c;
    if (r->node != NULL)
        lose_process(r, DISK_SIM_KEEPS_ALL);
    r->disk->on_removed = NULL;
    image_deinit(&r->image);
    blob_unref(r->recovery);
    disk_free(&r->disk->disk);
    store_sim_free(r->store);
    rsm_key_free(r->key);
}

/* A journal that is there opens on a full disk; the first one of an empty disk needs some space. */
static bool has_no_space_to_begin(const struct replica *r, enum rsm_status status)
{
    return status == RSM_DISK_FULL && r->disk->space == DISK_SIM_FULL_WHEN_EMPTY;
}

/* It does not start: rightly so only where an error was planted. */
static void start_failed(struct replica *r, bool died, enum rsm_status status, const char *text)
{
    struct node_cluster *c = r->cluster;
    sim_note(&c->sim, "%u does not start: %s: %s", r->id, rsm_status_text(status), text);
    bool excused = died || r->disk->failed || r->may_fail || r->disk->bad_was_read ||
                   has_no_space_to_begin(r, status);
    if (!excused || ++r->fail_starts > 100)
        sim_fail(&c->sim, "replica %u does not start: %s: %s", r->id, rsm_status_text(status),
                 text);
    sim_mark(c, died ? SIM_MARK_DIED_IN_RECOVERY : SIM_MARK_START_FAILED);
    died = died || (r->disk->failed && !r->disk->fail_once);
    r->disk->fail_at = 0;
    r->disk->failed = false;
    if (disk_sim_crash(r->disk, died ? r->dies_how : DISK_SIM_KEEPS_ALL, &c->sim.prng) > 0)
        r->may_doubt = true;
    if (!image_reread(&r->image, r->disk)) {
        if (!r->may_doubt)
            sim_fail(&c->sim, "replica %u: a recovery lost durable groups", r->id);
        r->has_lost = true;
        checker_on_loss(replica_checker(r), r->id);
    }
    set_revival(r);
}

static void judge_start(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    struct node_status said;
    node_get_status(r->node, &said);
    if ((said.alarms & NODE_ALARM_JOURNAL_UNCERTAIN) != 0)
        sim_mark(c, SIM_MARK_UNCERTAIN);
    if ((said.alarms & NODE_ALARM_JOURNAL_DAMAGED) != 0)
        sim_mark(c, SIM_MARK_DAMAGED);
    if (r->doubted != 0 && r->doubted != r->incarnation && r->announced_before != 0)
        sim_mark(c, SIM_MARK_DOUBT_LASTED);
    sim_note(&c->sim, "%u starts: stored %" PRIu64 ", applied %" PRIu64 "%s", r->id, said.stored,
             said.applied, said.is_voting ? "" : ", it does not vote");
    if (!said.is_voting && !r->may_doubt && node_is_voter(r->node))
        sim_fail(&c->sim, "replica %u does not vote, though its disk lost nothing", r->id);
    if (said.is_voting && r->has_lost && !r->lost_silently)
        sim_fail(&c->sim, "I16: replica %u votes, and has lost what was durable", r->id);
}

void replica_start(struct node_cluster *c, uint32_t id)
{
    struct replica *r = replica_at(c, id);
    struct node_config config = c->options.config;
    struct node_env env = replica_env;
    const char *text = NULL;
    env.context = r;
    config.self = id;
    config.incarnation = r->incarnation;
    config.joined = r->joined;
    config.fresh = !r->is_old;
    r->announced_before = r->doubted;
    config.in_doubt = r->doubted != 0 && r->doubted != r->incarnation;
    r->announced = r->incarnation;
    net_announce(&c->net, id, r->announced, false);
    if (r->is_old && disk_sim_next(r->disk, 0) == 0)
        r->may_doubt = true; /* the first start did not come to the journal */
    r->is_old = true;
    config.seed = prng_next(&c->sim.prng);
    free_disk_in_time(r);
    r->life++;
    r->checked = store_sim_applied(r->store);
    if (r->checked < r->fork_slot)
        r->checked = r->fork_slot;
    config.recovery = blob_bytes(r->recovery);
    checker_on_restart(replica_checker(r), id, r->checked);
    r->disk->failed = false;
    r->disk->fail_at = 0;
    if (r->dies_in_recovery != 0) {
        r->dies_how = DISK_SIM_KEEPS_SOME;
        r->disk->fail_at = r->disk->calls + r->dies_in_recovery;
        r->disk->fail_with = RSM_IO;
        r->disk->fail_once = false;
        r->dies_in_recovery = 0;
    }
    CHECK(look_ahead_new(0, c->cluster_id, &r->ahead) == RSM_OK);
    enum rsm_status status = node_open(&r->node, &config, &env, writer_result(&c->genesis),
                                       &r->disk->disk, store_sim_kv(r->store), &text);
    look_ahead_free(r->ahead);
    r->ahead = NULL;
    if (status != RSM_OK) {
        r->node = NULL;
        start_failed(r, false, status, text);
        return;
    }
    if (r->disk->failed && !r->disk->fail_once) { /* it died there, whatever it made of it */
        lose_process(r, r->dies_how);
        start_failed(r, true, RSM_IO, "it died while it started");
        return;
    }
    r->fail_starts = 0;
    judge_start(r);
    if (c->sim.failed)
        return;
    member_follow(r);
    replica_set_voice(c, id, r->voice);
    r->flushes = r->disk->flushes;
    replica_after(r, sim_range(&c->sim, 1, r->tick_us), replica_tick);
    replica_end_turn(r);
}

void replica_crash(struct node_cluster *c, uint32_t id, enum disk_sim_crash how)
{
    struct replica *r = replica_at(c, id);
    if (r->node != NULL)
        replica_die(r, how);
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

uint64_t replica_clock_ms(const struct node_cluster *c, uint32_t id)
{
    return replica_wall_ms(replica_at(c, id));
}

void replica_status(const struct node_cluster *c, uint32_t id, struct node_status *status_out)
{
    node_get_status(replica_at(c, id)->node, status_out);
}

struct kv *replica_state(const struct node_cluster *c, uint32_t id)
{
    return node_state(replica_at(c, id)->node);
}

bool replica_may_doubt(const struct node_cluster *c, uint32_t id)
{
    return replica_at(c, id)->may_doubt;
}

void replica_set_voice(struct node_cluster *c, uint32_t id, enum replica_voice voice)
{
    struct replica *r = replica_at(c, id);
    r->voice = voice;
    if (r->node != NULL)
        node_on_scrubbed(r->node, voice == VOICE_NO);
}

const struct rsm_key *replica_key(const struct node_cluster *c, uint32_t id)
{
    return replica_at(c, id)->key;
}
