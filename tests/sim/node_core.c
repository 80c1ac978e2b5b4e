/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_core.c - one replica: a core, and the smallest shell that obeys it.
 *
 * The store is the log of applied values up to `stored`; after a crash the rest of the log comes
 * back from the journal (disk_core.c), in its order, as paxos.h says.
 */
#include "tests/sim/node_core.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "tests/lib/script.h"

/* What travels: a message, or a snapshot (the log up to a slot). */
struct payload {
    struct paxos_message *message;
    struct blob **log;
    uint64_t log_end;
    struct members members;
};

struct node_call {
    struct core_node *node;
    uint64_t life;
};

static void node_step(struct core_node *n, const struct paxos_event *event);

static void *payload_copy(void *context, const void *payload)
{
    const struct payload *from = payload;
    struct payload *copy = mem_alloc(sizeof(*copy));
    (void)context;
    if (from->message != NULL)
        copy->message = message_copy(from->message);
    copy->log_end = from->log_end;
    copy->members = from->members;
    if (from->log != NULL)
        copy->log = mem_copy(from->log, from->log_end * sizeof(struct blob *));
    for (uint64_t i = 0; from->log != NULL && i < from->log_end; i++)
        blob_ref(copy->log[i]);
    return copy;
}

static void payload_free(void *context, void *argument)
{
    struct payload *payload = argument;
    (void)context;
    message_free(payload->message);
    for (uint64_t i = 0; payload->log != NULL && i < payload->log_end; i++)
        blob_unref(payload->log[i]);
    mem_free(payload->log);
    mem_free(payload);
}

static void call_free(void *context, void *argument)
{
    (void)context;
    mem_free(argument);
}

/* Calls `run` later, with the node, if it still lives the same life then. */
static void node_after(struct core_node *n, uint64_t delay, sim_run *run)
{
    struct node_call *call = mem_alloc(sizeof(*call));
    *call = (struct node_call){n, n->life};
    sim_after(&n->cluster->sim, delay, run, call_free, n->cluster, call);
}

/* The node of a call; NULL when it died meanwhile, or is paused: then the call comes again. */
static struct core_node *call_take(struct node_call *call, sim_run *again)
{
    struct core_node *n = call->node;
    struct sim *sim = &n->cluster->sim;
    bool alive = n->core != NULL && n->life == call->life;
    if (alive && n->paused_until > sim->now) {
        sim_after(sim, n->paused_until - sim->now, again, call_free, n->cluster, call);
        return NULL;
    }
    mem_free(call);
    return alive ? n : NULL;
}

/* ------------------------------------------------------------------------------------------- */
/* Disk */

static void node_begin_flush(struct core_node *n);

static void node_send_now(struct core_node *n, uint32_t to, struct paxos_message *message)
{
    struct payload *payload = mem_alloc(sizeof(*payload));
    payload->message = message;
    checker_on_send(n->cluster->checker, n->replica, message);
    sim_mix(&n->cluster->sim, ((uint64_t)message->type << 32) | (n->replica << 8) | to);
    net_send(&n->cluster->net, n->replica, to, 0, payload);
}

/* Sends what waited for records up to `seq`. */
static void node_release_sends(struct core_node *n, uint64_t seq)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->waiting_count; i++) {
        if (n->waiting[i].durable_seq <= seq)
            node_send_now(n, n->waiting[i].to, n->waiting[i].message);
        else
            n->waiting[kept++] = n->waiting[i];
    }
    n->waiting_count = kept;
}

static void node_flushed(void *context, void *argument)
{
    struct core_node *n = call_take(argument, node_flushed);
    (void)context;
    if (n == NULL)
        return;
    disk_make_durable(n, n->flush_count);
    n->flush_count = 0;
    n->seq_durable = n->records[n->durable_count - 1].seq;
    node_release_sends(n, n->seq_durable);
    node_begin_flush(n);
    node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_DURABLE, .number = n->seq_durable});
}

static void node_begin_flush(struct core_node *n)
{
    struct core_cluster *c = n->cluster;
    bool due = false;
    for (size_t i = n->durable_count; i < n->record_count && !due; i++)
        due = !n->records[i].lazy;
    if (n->flush_count != 0 || !due)
        return;
    n->flush_count = n->record_count;
    uint64_t delay = sim_range(&c->sim, c->options.flush_us_min, c->options.flush_us_max);
    if (n->slow_until > c->sim.now)
        delay += n->slow_until - c->sim.now;
    node_after(n, delay, node_flushed);
}

/* ------------------------------------------------------------------------------------------- */
/* Store and machine */

static void node_commit(void *context, void *argument)
{
    struct core_node *n = call_take(argument, node_commit);
    struct core_cluster *c = context;
    if (n == NULL)
        return;
    n->stored = n->applied;
    n->members_stored = n->members;
    if (!n->in_doubt)
        disk_drop(n);
    node_after(n, sim_range(&c->sim, 1, c->options.store_us), node_commit);
}

/* Tried again with each tick: something may have to be decided or applied first. */
static void node_rejoin(struct core_node *n)
{
    if (n->core != NULL && n->in_doubt && life_renew(n))
        node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_REJOINED, .number = n->seq_durable});
}

static void node_apply(void *context, void *argument)
{
    struct core_node *n = call_take(argument, node_apply);
    struct core_cluster *c = context;
    if (n == NULL)
        return;
    n->apply_runs = false;
    if (n->applied >= n->learned)
        return;
    uint64_t end = sim_range(&c->sim, n->applied + 1, n->learned);
    while (n->applied < end && !c->sim.failed) {
        n->applied++;
        if (!life_take_value(n, n->applied, n->log[n->applied]))
            continue;
        node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_MEMBERS, .members = &n->members});
        node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_APPLIED, .number = n->applied});
    }
    sim_mix(&c->sim, n->applied);
    core_client_on_applied(c, n->replica, n->applied);
    if (n->applied < n->learned && !n->apply_runs) {
        n->apply_runs = true;
        node_after(n, sim_range(&c->sim, 1, c->options.apply_us_max), node_apply);
    }
    node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_APPLIED, .number = n->applied});
    node_rejoin(n);
}

/* A peer is behind: learn messages from the log, or all of it. */
static void node_serve_range(struct core_node *n, const struct paxos_range *range)
{
    struct core_cluster *c = n->cluster;
    if (range->slot_end - range->slot_first > c->options.snapshot_lag) {
        struct payload snapshot = {.log = n->log, .log_end = n->applied + 1, .members = n->members};
        sim_note(&c->sim, "%u sends %u a snapshot of %" PRIu64, n->replica, range->to, n->applied);
        net_send(&c->net, n->replica, range->to, 0, payload_copy(NULL, &snapshot));
        return;
    }
    struct paxos_entry entries[LIMIT_BATCH_ENTRIES];
    struct paxos_message message = {
        .type = PAXOS_LEARN, .chosen_end = paxos_chosen_end(n->core), .entries = entries};
    for (uint64_t slot = range->slot_first;
         slot < range->slot_end && message.entry_count < c->options.config.batch_entries; slot++)
        entries[message.entry_count++] = (struct paxos_entry){.slot = slot, .value = n->log[slot]};
    node_send_now(n, range->to, message_copy(&message));
}

static void node_install(struct core_node *n, const struct payload *snapshot)
{
    uint64_t slot = snapshot->log_end - 1;
    if (slot <= n->learned)
        return;
    for (uint64_t i = 1; i <= slot; i++)
        store_put(n, i, snapshot->log[i]);
    sim_note(&n->cluster->sim, "%u installs a snapshot of %" PRIu64, n->replica, slot);
    n->learned = slot;
    n->applied = slot;
    n->stored = slot;
    n->members = snapshot->members;
    n->members_stored = snapshot->members;
    checker_on_restart(n->cluster->checker, n->replica, slot);
    core_client_on_applied(n->cluster, n->replica, slot);
    node_step(n, &(struct paxos_event){
                     .type = PAXOS_EVENT_INSTALLED, .number = slot, .members = &n->members});
}

/* ------------------------------------------------------------------------------------------- */
/* The shell obeys */

static void node_trace_append(struct core_node *n, const struct paxos_append *r)
{
    static const char *const names[] = {"", "promise", "accept", "chosen"};
    sim_note(&n->cluster->sim,
             "%u appends %" PRIu64 " %s slot %" PRIu64 " ballot %" PRIu64 ".%u end %" PRIu64,
             n->replica, r->seq, names[r->type], r->slot, r->ballot.round, r->ballot.replica,
             r->slot_end);
}

static void node_trace_message(struct core_node *n, const char *verb, uint32_t peer,
                               const struct paxos_message *message)
{
    struct writer text;
    if (!n->cluster->sim.trace)
        return;
    writer_init(&text, 1u << 20);
    script_print_message(&text, message);
    sim_note(&n->cluster->sim, "%u %s %u: %.*s", n->replica, verb, peer, (int)text.size,
             (const char *)text.data);
    writer_deinit(&text);
}

static void node_send(struct core_node *n, const struct paxos_send *send)
{
    CHECK(paxos_message_check(&send->message));
    node_trace_message(n, "sends", send->to, &send->message);
    struct paxos_message *copy = message_copy(&send->message);
    if (send->durable_seq <= n->seq_durable) {
        node_send_now(n, send->to, copy);
        return;
    }
    if (n->waiting_count == n->waiting_capacity) {
        n->waiting_capacity = n->waiting_capacity == 0 ? 16 : 2 * n->waiting_capacity;
        n->waiting = mem_realloc(n->waiting, n->waiting_capacity * sizeof(*n->waiting));
    }
    n->waiting[n->waiting_count++] = (struct waiting_send){send->durable_seq, send->to, copy};
}

static void node_take_learned(struct core_node *n, const struct paxos_learned *learned)
{
    struct core_cluster *c = n->cluster;
    sim_note(&c->sim, "%u learns slot %" PRIu64, n->replica, learned->slot);
    checker_on_learned(c->checker, n->replica, learned->slot,
                       memory_value_hash(blob_bytes(learned->value)));
    store_put(n, learned->slot, learned->value);
    n->learned = learned->slot;
    if (learned->cookie != 0)
        core_client_on_learned(c, n->replica, learned->cookie, learned->slot);
    if (!n->apply_runs) {
        n->apply_runs = true;
        node_after(n, sim_range(&c->sim, 1, c->options.apply_us_max), node_apply);
    }
}

static void node_obey(struct core_node *n, const struct paxos_effects *e)
{
    struct core_cluster *c = n->cluster;
    for (size_t i = 0; i < e->append_count; i++) {
        node_trace_append(n, &e->appends[i]);
        if (n->in_doubt) /* as a learner's, its memory is the store */
            n->seq_durable = n->seq_next++;
        else
            disk_append(n, &e->appends[i]);
    }
    node_begin_flush(n);
    for (size_t i = 0; i < e->send_count; i++)
        node_send(n, &e->sends[i]);
    for (size_t i = 0; i < e->learned_count; i++)
        node_take_learned(n, &e->learned[i]);
    for (size_t i = 0; i < e->lost_count; i++)
        core_client_on_lost(c, e->lost[i].cookie);
    for (size_t i = 0; i < e->read_count; i++)
        core_client_on_read_end(c, n->replica, e->reads[i].read_id, e->reads[i].confirmed);
    for (size_t i = 0; i < e->range_count; i++)
        node_serve_range(n, &e->ranges[i]);
    if (e->leader_changed) {
        sim_note(&c->sim, "%u follows %u in %" PRIu64 ".%u%s", n->replica, e->leader,
                 e->leader_ballot.round, e->leader_ballot.replica, e->ready ? ", ready" : "");
        if (e->ready)
            c->report->elections++;
    }
}

static void node_step(struct core_node *n, const struct paxos_event *event)
{
    struct paxos_effects effects;
    uint64_t allocations = mem_total_count();
    if (n->core == NULL || n->cluster->sim.failed)
        return;
    paxos_step(n->core, event, &effects);
    if (mem_total_count() != allocations)
        sim_fail(&n->cluster->sim, "replica %u: the core allocated memory in a step", n->replica);
    sim_mix(&n->cluster->sim, (uint64_t)event->type << 8 | n->replica);
    sim_mix(&n->cluster->sim, effects.append_count << 16 | effects.send_count);
    node_obey(n, &effects);
}

static void node_announce(void *context, void *argument)
{
    struct core_node *n = call_take(argument, node_announce);
    (void)context;
    if (n != NULL)
        node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_ANNOUNCE});
}

static void node_tick(void *context, void *argument)
{
    struct core_node *n = call_take(argument, node_tick);
    struct core_cluster *c = context;
    if (n == NULL)
        return;
    node_after(n, n->tick_us, node_tick);
    life_tell_links(n);
    if (c->options.announce)
        node_after(n, n->tick_us / 3, node_announce);
    node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_TICK});
    node_rejoin(n);
}

struct late_packet {
    struct core_cluster *cluster;
    uint32_t from;
    uint32_t to;
    struct payload *payload;
};

static void node_receive(void *context, uint32_t from, uint32_t to, void *argument);

static void late_run(void *context, void *argument)
{
    struct late_packet *late = argument;
    node_receive(context, late->from, late->to, late->payload);
    payload_free(NULL, late->payload);
    mem_free(late);
}

static void late_drop(void *context, void *argument)
{
    struct late_packet *late = argument;
    (void)context;
    payload_free(NULL, late->payload);
    mem_free(late);
}

static void node_receive(void *context, uint32_t from, uint32_t to, void *argument)
{
    struct core_cluster *c = context;
    struct core_node *n = &c->nodes[to];
    struct payload *payload = argument;
    uint8_t opinions[LIMIT_BATCH_ENTRIES];
    if (n->core == NULL)
        return;
    if (n->paused_until > c->sim.now) {
        struct late_packet *late = mem_alloc(sizeof(*late));
        *late = (struct late_packet){c, from, to, payload_copy(NULL, payload)};
        sim_after(&c->sim, n->paused_until - c->sim.now, late_run, late_drop, c, late);
        return;
    }
    if (payload->message == NULL) {
        node_install(n, payload);
        return;
    }
    node_trace_message(n, "hears", from, payload->message);
    for (size_t i = 0; i < payload->message->entry_count && i < LIMIT_BATCH_ENTRIES; i++) {
        opinions[i] = PAXOS_OPINION_OK;
        if (c->faults && sim_chance(&c->sim, c->options.wait_ppm))
            opinions[i] = PAXOS_OPINION_WAIT;
        if (c->faults && sim_chance(&c->sim, c->options.refuse_ppm))
            opinions[i] = PAXOS_OPINION_REFUSED;
    }
    node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_MESSAGE,
                                       .from = from,
                                       .message = payload->message,
                                       .opinions = opinions});
}

const struct net_calls core_net_calls = {payload_copy, payload_free, node_receive};

/* ------------------------------------------------------------------------------------------- */
/* Life */

size_t core_node_size(void)
{
    return sizeof(struct core_node);
}

void core_node_init(struct core_cluster *c, uint32_t replica)
{
    struct core_node *n = &c->nodes[replica];
    n->cluster = c;
    n->replica = replica;
    n->seq_next = 1;
    n->incarnation = 1;
    n->incarnation_last = 1;
    n->members = c->members;
    n->members_stored = c->members;
    n->tick_us = sim_range(&c->sim, 9 * SIM_MS, 11 * SIM_MS);
}

static void node_restore(struct core_node *n)
{
    struct sim *sim = &n->cluster->sim;
    paxos_restore_base(n->core, n->stored);
    paxos_restore_members(n->core, &n->members);
    paxos_restore_promise(n->core, n->promise_kept);
    for (size_t i = 0; i < n->record_count; i++) {
        const struct paxos_append *r = &n->records[i];
        bool fits = true;
        switch (r->type) {
        case PAXOS_RECORD_PROMISE:
            paxos_restore_promise(n->core, r->ballot);
            break;
        case PAXOS_RECORD_ACCEPT:
            fits = paxos_restore_accept(n->core, r->slot, r->ballot, r->value);
            break;
        case PAXOS_RECORD_CHOSEN:
            fits = paxos_restore_chosen(n->core, r->slot_end);
            break;
        }
        if (!fits)
            sim_fail(sim, "replica %u: record %" PRIu64 " of the journal does not fit", n->replica,
                     r->seq);
        while (fits && n->applied + 1 < paxos_chosen_end(n->core)) {
            struct ballot ballot;
            struct blob *value = NULL;
            n->applied++;
            CHECK(paxos_accepted(n->core, n->applied, &ballot, &value));
            checker_on_learned(n->cluster->checker, n->replica, n->applied,
                               memory_value_hash(blob_bytes(value)));
            store_put(n, n->applied, value);
            if (life_take_value(n, n->applied, value))
                paxos_restore_members(n->core, &n->members);
        }
        paxos_restore_applied(n->core, n->applied);
    }
    n->learned = n->applied;
    (void)members_advance(&n->members, n->applied);
    paxos_restore_members(n->core, &n->members);
}

void core_node_start(struct core_cluster *c, uint32_t replica)
{
    struct core_node *n = &c->nodes[replica];
    struct paxos_config config = c->options.config;
    CHECK(n->core == NULL);
    config.self = replica;
    config.seed = prng_next(&c->sim.prng);
    n->life++;
    n->applied = n->stored;
    n->members = n->members_stored;
    n->apply_runs = false;
    life_begin(n);
    n->core = paxos_new(&config);
    checker_on_restart(c->checker, replica, n->stored);
    node_restore(n);
    /* Records that a crash took do not exist: their numbers are free again. */
    if (n->record_count > 0)
        n->seq_next = n->records[n->record_count - 1].seq + 1;
    else
        n->seq_next = n->seq_durable + 1;
    n->seq_durable = n->seq_next - 1;
    if (c->sim.failed)
        return;
    sim_note(&c->sim, "%u starts, stored %" PRIu64 ", applied %" PRIu64, replica, n->stored,
             n->applied);
    paxos_start(n->core, n->seq_next, life_standing(n));
    node_after(n, sim_range(&c->sim, 1, n->tick_us), node_tick);
    node_after(n, sim_range(&c->sim, 1, c->options.store_us), node_commit);
}

static void node_forget(struct core_node *n)
{
    const uint64_t *marks = paxos_marks(n->core);
    for (size_t i = 0; i < PAXOS_MARK_COUNT; i++)
        n->cluster->report->marks[i] += marks[i];
    paxos_free(n->core);
    n->core = NULL;
    while (n->waiting_count > 0)
        message_free(n->waiting[--n->waiting_count].message);
}

void core_node_crash(struct core_cluster *c, uint32_t replica)
{
    struct core_node *n = &c->nodes[replica];
    if (n->core == NULL)
        return;
    sim_note(&c->sim, "%u crashes", replica);
    c->report->crashes++;
    node_forget(n);
    disk_crash(n);
    n->paused_until = 0;
    checker_on_crash(c->checker, replica);
    core_client_on_crash(c, replica);
}

void core_node_deinit(struct core_cluster *c, uint32_t replica)
{
    struct core_node *n = &c->nodes[replica];
    if (n->core != NULL)
        node_forget(n);
    while (n->record_count > 0)
        blob_unref(n->records[--n->record_count].value);
    for (uint64_t i = 0; i < n->log_capacity; i++)
        blob_unref(n->log[i]);
    mem_free(n->records);
    mem_free(n->log);
    mem_free(n->waiting);
}

void core_node_lose_memory(struct core_cluster *c, uint32_t replica, uint64_t salt)
{
    core_node_crash(c, replica);
    life_lose_memory(&c->nodes[replica], salt);
}

void core_node_doubt(struct core_cluster *c, uint32_t replica)
{
    core_node_crash(c, replica);
    c->nodes[replica].in_doubt = true;
}

void core_node_pause(struct core_cluster *c, uint32_t replica, uint64_t duration)
{
    if (c->nodes[replica].core == NULL)
        return;
    sim_note(&c->sim, "%u is paused for %" PRIu64 " us", replica, duration);
    c->nodes[replica].paused_until = c->sim.now + duration;
}

void core_node_slow_disk(struct core_cluster *c, uint32_t replica, uint64_t until)
{
    sim_note(&c->sim, "%u: its disk hangs until %" PRIu64, replica, until);
    c->nodes[replica].slow_until = until;
}

void core_node_peer_lost(struct core_cluster *c, uint32_t replica, uint32_t peer)
{
    node_step(&c->nodes[replica],
              &(struct paxos_event){.type = PAXOS_EVENT_PEER_LOST, .from = peer});
}

bool core_node_waits_for_change(const struct core_cluster *c, uint32_t replica)
{
    return c->nodes[replica].core != NULL && life_waits_for_change(&c->nodes[replica]);
}

bool core_node_is_in_doubt(const struct core_cluster *c, uint32_t replica)
{
    return c->nodes[replica].in_doubt;
}

bool core_node_is_up(const struct core_cluster *c, uint32_t replica)
{
    return c->nodes[replica].core != NULL;
}

const struct paxos *core_node_paxos(const struct core_cluster *c, uint32_t replica)
{
    return c->nodes[replica].core;
}

uint64_t core_node_applied(const struct core_cluster *c, uint32_t replica)
{
    return c->nodes[replica].applied;
}

bool core_node_is_flushing(const struct core_cluster *c, uint32_t replica)
{
    return c->nodes[replica].flush_count != 0;
}

void core_node_check_log(struct core_cluster *c, uint32_t replica)
{
    const struct core_node *n = &c->nodes[replica];
    for (uint64_t slot = 1; slot <= n->applied; slot++)
        checker_on_log(c->checker, replica, slot, memory_value_hash(blob_bytes(n->log[slot])));
}

bool core_node_propose(struct core_cluster *c, uint32_t replica, uint64_t cookie,
                       struct blob *value)
{
    struct core_node *n = &c->nodes[replica];
    struct paxos_proposal proposal = {value, cookie};
    if (n->core == NULL || n->paused_until > c->sim.now || paxos_room(n->core) == 0)
        return false;
    node_step(n, &(struct paxos_event){
                     .type = PAXOS_EVENT_PROPOSE, .proposals = &proposal, .proposal_count = 1});
    return true;
}

void core_node_read(struct core_cluster *c, uint32_t replica, uint64_t read_id)
{
    struct core_node *n = &c->nodes[replica];
    if (n->paused_until > c->sim.now) {
        core_client_on_read_end(c, replica, read_id, false);
        return;
    }
    node_step(n, &(struct paxos_event){.type = PAXOS_EVENT_READ, .number = read_id});
}
