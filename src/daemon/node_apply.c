/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_apply.c - learned slots become state, heads and answers; the state becomes durable.
 *
 * Everything a slot changes is in one overlay: its entry, its verdicts, both heads, the applied
 * slot, and what the rules let it write. The store takes whole overlays, so that after a crash all
 * of it is there up to some slot, and nothing of it behind.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/machine/policy.h"

/* Of what makes a commit due, so much more may be applied while the one before runs. */
#define FAR_BEHIND 4u
#define REPLAY_PIECE_BYTES (16u << 20) /* of state, in memory, while the journal is replayed */

/* The digest that clients wait under: of the envelope, whether it was let in or refused. */
static bool envelope_of(const struct entry *entry, uint8_t digest_out[HASH_SIZE])
{
    struct rejection rejection;
    if (entry->kind == ENTRY_COMMANDS) {
        envelope_digest(entry->payload, digest_out);
        return true;
    }
    if (entry->kind == ENTRY_REJECTION && rejection_parse(entry->payload, &rejection) == RSM_OK) {
        memcpy(digest_out, rejection.digest, HASH_SIZE);
        return true;
    }
    return false;
}

static void add_to_chains(struct node *n, uint64_t slot, struct bytes value)
{
    const struct verdicts *v = &n->verdicts;
    chain_add_entry(&n->chain, slot, v->log_time_ms, value);
    chain_add_verdict(&n->chain, slot, verdicts_bytes(v), v->effects);
}

bool apply_is_newer(struct bytes value)
{
    struct entry entry;
    struct envelope envelope;
    enum rsm_status status = entry_parse(value, &entry);
    if (status == RSM_OK && entry.kind == ENTRY_COMMANDS)
        status = envelope_parse(entry.payload, &envelope);
    return status == RSM_NEWER_FORMAT || status == RSM_UNKNOWN_KIND;
}

enum rsm_status apply_slot(struct node *n, uint64_t slot, struct blob *value)
{
    CHECK(slot == n->applied_slot + 1);
    struct bytes bytes = blob_bytes(value);
    bool is_done = false;
    enum rsm_status status = spec_apply(n, slot, value, &n->verdicts, &is_done);
    if (status == RSM_OK && !is_done) {
        struct envelope envelope;
        struct machine_signatures signatures = node_signatures(n, bytes, &envelope);
        /* What was parsed can be read; asking first would walk each envelope twice in a replay. */
        if (signatures.envelope == NULL && apply_is_newer(bytes))
            return RSM_NEWER_FORMAT;
        status = machine_apply(n->machine, n->applied, slot, bytes, &signatures, &n->verdicts);
    }
    if (status != RSM_OK)
        return status;
    add_to_chains(n, slot, bytes);
    struct log_verdict row = {.entry_head = n->chain.entry,
                              .verdict_head = n->chain.verdict,
                              .log_time_ms = MUTANT(APPLY_LOCAL_CLOCK)
                                                 ? n->env.wall_ms(n->env.context)
                                                 : n->verdicts.log_time_ms,
                              .effects = n->verdicts.effects,
                              .verdicts = verdicts_bytes(&n->verdicts)};
    status = log_put(n->applied, slot, bytes, &row, &n->scratch);
    if (status != RSM_OK)
        return status;
    n->log_time_ms = n->verdicts.log_time_ms;
    n->counters.applied_commands += n->verdicts.applied_count;
    n->counters.refused_commands += n->verdicts.refused_count;
    spec_on_applied(n, slot, value);
    n->applied_slot = slot;
    stages_on_applied(n->stages, slot, node_now_ns(n));
    struct entry entry;
    uint8_t digest[HASH_SIZE];
    /* Nobody waits here, as on most replicas most of the time: nothing has to be hashed. */
    if (submissions_count(n->submissions) > 0 && entry_parse(bytes, &entry) == RSM_OK &&
        envelope_of(&entry, digest))
        submit_on_applied(n, digest, slot, &n->verdicts);
    return RSM_OK;
}

bool apply_is_unreadable(const struct node *n)
{
    return (n->alarms & (NODE_ALARM_NEWER_FORMAT | NODE_ALARM_POLICY)) != 0;
}

/*
 * Rows count beside bytes: in a large store nearly each row is on a page of its own, and LMDB has
 * the pages that a commit changes in memory until it ends.
 */
static bool holds_enough(const struct node *n, uint32_t bytes)
{
    return kv_overlay_size(n->applied) >= bytes ||
           kv_overlay_count(n->applied) >= n->config.store_commit_rows;
}

/*
 * A leader proposes nothing while its store is behind (apply_store_is_behind); who follows one with
 * a faster store stops applying, and once the core's window is full it takes no more votes. So
 * what is in memory is bounded here as well, and the others go on without this one.
 */
static bool is_far_behind(const struct node *n)
{
    return n->frozen != NULL && !n->commit_again &&
           (kv_overlay_size(n->applied) / FAR_BEHIND >= n->config.store_commit_bytes ||
            kv_overlay_count(n->applied) / FAR_BEHIND >= n->config.store_commit_rows);
}

bool apply_is_held(const struct node *n)
{
    /* Once nothing is missing any more, everything that is applied has to be stored once. */
    if (n->missing_slot != 0 && n->frozen != NULL && n->applied_slot >= n->missing_slot)
        return true;
    if (is_far_behind(n))
        return true;
    return apply_is_unreadable(n); /* a version that can read it has to be started */
}

void apply_later(struct node *n, uint64_t slot, struct blob *value)
{
    learned_add(&n->learned, slot, value);
}

void apply_learned(struct node *n)
{
    if (learned_count(&n->learned) == 0 || apply_is_held(n))
        return;
    for (; learned_count(&n->learned) > 0 && !is_far_behind(n); learned_drop(&n->learned, 1)) {
        struct learned_slot next = *learned_at(&n->learned, 0);
        enum rsm_status status = apply_slot(n, next.slot, next.value);
        if (status == RSM_NEWER_FORMAT) {
            /* To take it for nothing, as an older version would, were to differ from the others. */
            node_raise(n, NODE_ALARM_NEWER_FORMAT, next.slot);
            break;
        }
        if (status != RSM_OK) {
            /* The overlay is half written: only a restart from the store brings a whole state. */
            node_raise(n, NODE_ALARM_STATE_DAMAGED, next.slot);
            node_fail(n, status, "a slot could not be applied: the store's state does not check");
            return;
        }
    }
    heads_advance(&n->heads, n->applied_slot, apply_heads_at, n);
    members_follow(n);
    struct paxos_event event = {.type = PAXOS_EVENT_APPLIED, .number = n->applied_slot};
    node_step(n, &event);
}

bool apply_heads_at(void *context, uint64_t slot, struct heads *heads_out)
{
    struct node *n = context;
    struct log_verdict row;
    heads_out->slot = slot;
    if (slot == 0) {
        struct chain_heads first;
        chain_begin(blob_bytes(n->genesis_bytes), &first);
        memcpy(heads_out->entry, first.entry, HASH_SIZE);
        memcpy(heads_out->verdict, first.verdict, HASH_SIZE);
        return true;
    }
    if (log_get_verdict(n->applied, slot, &row) != RSM_OK)
        return false;
    memcpy(heads_out->entry, row.entry_head, HASH_SIZE);
    memcpy(heads_out->verdict, row.verdict_head, HASH_SIZE);
    return true;
}

void apply_judge_policy(struct node *n)
{
    struct policy policy;
    if (policy_load(n->applied, &policy) == RSM_OK)
        node_clear(n, NODE_ALARM_POLICY);
    else
        node_raise(n, NODE_ALARM_POLICY, n->applied_slot);
}

/* -------------------------------------------------------------------------------------------- */
/* The store. */

static bool commit_is_due(struct node *n)
{
    if (n->frozen != NULL || n->frozen_slot == n->applied_slot)
        return false;
    return n->commit_now || (n->missing_slot != 0 && n->applied_slot >= n->missing_slot) ||
           holds_enough(n, n->config.store_commit_bytes) ||
           node_now_ms(n) - n->last_commit_ms >= n->config.store_commit_ms;
}

/*
 *     applied                 applied (new, empty)
 *        |          =>           |
 *        |                    frozen (the former applied), read by the store's thread
 *        |                       |
 *      base                    base
 */
static void begin_commit(struct node *n)
{
    CHECK(n->frozen == NULL);
    n->commit_now = false;
    n->last_commit_ms = node_now_ms(n);
    n->frozen = n->applied;
    n->frozen_slot = n->applied_slot;
    n->applied = kv_overlay_new(n->frozen);
    kv_overlay_set_below(n->spec.overlay, n->applied);
    n->env.commit(n->env.context, n, n->frozen);
}

/*
 * As much is applied as makes a commit due while the one before still runs: a leader proposes
 * nothing more until it ends, so that what is in memory does not grow with what comes. A store that
 * is full is another matter: there what is applied waits for its space.
 */
bool apply_store_is_behind(const struct node *n)
{
    return n->frozen != NULL && !n->commit_again && holds_enough(n, n->config.store_commit_bytes);
}

void apply_commit_when_due(struct node *n)
{
    if (!n->dead && commit_is_due(n))
        begin_commit(n);
}

/* For the time after: nobody has to wait for what is in no store. */
static void wait_for_commit(struct node *n)
{
    if (n->frozen != NULL && !n->commit_again)
        node_on_committed(n, n->env.commit_wait(n->env.context));
}

/*
 * While the journal is replayed there is no loop whose turns begin and end commits. Two pieces are
 * in memory at most, one that the store's thread writes and one that grows, whatever the journal
 * holds; a store that is full stops that, and the rest waits in memory for its space, as it does
 * later.
 */
enum rsm_status apply_commit_replayed(struct node *n)
{
    uint32_t piece = n->config.store_commit_bytes < REPLAY_PIECE_BYTES
                         ? n->config.store_commit_bytes
                         : REPLAY_PIECE_BYTES;
    if (n->env.commit == NULL || !holds_enough(n, piece) || n->commit_again)
        return RSM_OK;
    wait_for_commit(n);
    if (n->dead)
        return RSM_IO;
    if (n->frozen == NULL)
        begin_commit(n);
    return RSM_OK;
}

void apply_commit_abandon(struct node *n)
{
    if (n->frozen != NULL && !n->commit_again)
        (void)n->env.commit_wait(n->env.context);
}

void apply_commit_again(struct node *n)
{
    if (!n->commit_again)
        return;
    n->commit_again = false;
    n->env.commit(n->env.context, n, n->frozen);
}

void node_commit_now(struct node *n)
{
    n->commit_now = true;
    apply_commit_when_due(n);
}

void node_read_back(struct node *n, const struct kv *frozen, struct kv *store)
{
    (void)audit_commit(&n->audit, frozen, store);
}

void node_on_committed(struct node *n, enum rsm_status status)
{
    CHECK(n->frozen != NULL);
    if (n->dead)
        return;
    if (MUTANT(BELIEVE_FULL_STORE) && status == RSM_DISK_FULL) {
        node_read_back(n, n->frozen, n->base);
        status = RSM_OK;
    }
    if (status == RSM_DISK_FULL) {
        node_raise(n, NODE_ALARM_DISK_LOW, n->frozen_slot);
        n->commit_again = true; /* with the next heartbeat */
        n->is_store_full = true;
        return;
    }
    if (status != RSM_OK) {
        node_fail(n, status, "the store could not be committed");
        return;
    }
    CHECK(n->audit.commits == n->counters.store_commits + 1);
    if (!n->audit.has_failed)
        node_clear(n, NODE_ALARM_AUDIT);
    else
        node_raise(n, NODE_ALARM_AUDIT, n->frozen_slot);
    kv_overlay_set_below(n->applied, n->base);
    kv_free(n->frozen);
    n->frozen = NULL;
    n->stored_slot = n->frozen_slot;
    n->counters.store_commits++;
    n->is_store_full = false;
    if (!n->journal_writable || !journal_is_low(n->journal))
        node_clear(n, NODE_ALARM_DISK_LOW);
    apply_on_stored(n);
}

void apply_on_stored(struct node *n)
{
    if (n->missing_slot != 0 && n->stored_slot >= n->missing_slot &&
        n->stored_slot == n->applied_slot)
        node_resume(n);
    if (!n->journal_writable || n->dead)
        return;
    enum rsm_status status =
        journal_drop_below(n->journal, MUTANT(DROP_APPLIED) ? n->applied_slot : n->stored_slot);
    if (status != RSM_OK)
        node_fail(n, status, "old journal segments could not be removed");
}
