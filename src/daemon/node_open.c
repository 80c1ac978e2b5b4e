/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_open.c - from the disk to a running replica, and back.
 *
 *   1. base has no state: the genesis is written into the applied overlay (and committed with the
 *      first commit). Else its applied slot, log time and heads are read.
 *   2. the journal is recovered; its records go to the core. A chosen mark lets the slots below it
 *      be applied, from the values that the core restored: the store may be behind. The last few
 *      wait for those who look ahead (look_ahead.h), and for the journal's end at most.
 *   3. the core starts. A journal that is damaged or uncertain makes it a learner, until it has
 *      rejoined (node_rejoin.c).
 */
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/daemon/look_ahead.h"
#include "src/daemon/node_internal.h"
#include "src/machine/logtable.h"

static const char *open_text; /* words for the last failure; only static strings */

/* -------------------------------------------------------------------------------------------- */
/* The state. */

static enum rsm_status open_state(struct node *n)
{
    n->applied = kv_overlay_new(n->base);
    chain_begin(blob_bytes(n->genesis_bytes), &n->chain);
    enum rsm_status status = log_get_applied(n->base, &n->applied_slot);
    if (status == RSM_NOT_FOUND) {
        open_text = "the genesis could not be written into the state";
        n->applied_slot = 0;
        n->commit_now = true;
        status = machine_genesis(n->applied, &n->genesis);
        if (status != RSM_OK)
            return status;
        return log_get_time(n->applied, &n->log_time_ms);
    }
    open_text = "the store's state could not be read";
    if (status == RSM_OK)
        status = log_get_time(n->base, &n->log_time_ms);
    if (status == RSM_OK && n->applied_slot > 0)
        status = log_get_heads(n->base, n->chain.entry, n->chain.verdict);
    n->stored_slot = n->applied_slot;
    n->frozen_slot = n->applied_slot;
    return status;
}

/* -------------------------------------------------------------------------------------------- */
/* The journal's records. */

/* Chosen slots below `end`, from the values that the core restored. */
static enum rsm_status apply_restored(struct node *n, uint64_t end)
{
    while (n->applied_slot + 1 < end && !apply_is_unreadable(n)) {
        struct ballot ballot;
        struct blob *value;
        uint64_t slot = n->applied_slot + 1;
        CHECK(paxos_accepted(n->paxos, slot, &ballot, &value));
        enum rsm_status status = apply_slot(n, slot, value);
        if (status == RSM_NEWER_FORMAT) {
            node_raise(n, NODE_ALARM_NEWER_FORMAT, slot);
            break;
        }
        if (status == RSM_OK)
            status = apply_commit_replayed(n);
        if (status != RSM_OK) {
            open_text = "a slot of the journal could not be applied";
            return status;
        }
    }
    paxos_restore_applied(n->paxos, n->applied_slot);
    return RSM_OK;
}

/* Those that were left behind for those who look ahead. */
static enum rsm_status apply_rest(struct node *n)
{
    return apply_restored(n, paxos_chosen_end(n->paxos));
}

static enum rsm_status restore_chosen(struct node *n, uint64_t end)
{
    uint64_t before = paxos_chosen_end(n->paxos);
    if (!paxos_restore_chosen(n->paxos, end)) {
        enum rsm_status status = apply_restored(n, before);
        if (status != RSM_OK)
            return status;
        open_text = "the journal's chosen mark has no values below it";
        n->missing_slot = end - 1;
        return RSM_DAMAGED;
    }
    uint64_t behind = n->env.look_ahead != NULL ? LOOK_AHEAD_SLOTS : 0;
    uint64_t chosen = paxos_chosen_end(n->paxos);
    return chosen > behind ? apply_restored(n, chosen - behind) : RSM_OK;
}

/* A vote beyond the window: some of it may only wait to be applied. */
static enum rsm_status restore_accept(struct node *n, const struct record *record)
{
    struct blob *value = record->value.size > 0 ? blob_new(record->value) : NULL;
    bool is_restored = paxos_restore_accept(n->paxos, record->slot, record->ballot, value);
    enum rsm_status status = is_restored ? RSM_OK : apply_rest(n);
    if (!is_restored && status == RSM_OK)
        is_restored = paxos_restore_accept(n->paxos, record->slot, record->ballot, value);
    if (is_restored && value != NULL && record->slot > n->applied_slot && n->env.look_ahead != NULL)
        n->env.look_ahead(n->env.context, value);
    blob_unref(value);
    if (is_restored || status != RSM_OK)
        return status;
    open_text = "the journal has a vote far behind the store: records are missing";
    n->missing_slot = record->slot - LIMIT_WINDOW;
    return RSM_DAMAGED;
}

/*
 * Chosen, and not applied: what this version cannot judge. It is held as what is learned later is,
 * until a version that can starts.
 */
static void hold_chosen(struct node *n)
{
    CHECK(learned_count(&n->learned) == 0);
    for (uint64_t slot = n->applied_slot + 1; slot < paxos_chosen_end(n->paxos); slot++) {
        struct ballot ballot;
        struct blob *value;
        CHECK(apply_is_unreadable(n) && paxos_accepted(n->paxos, slot, &ballot, &value));
        apply_later(n, slot, value);
    }
    if (learned_count(&n->learned) > 0)
        paxos_restore_held(n->paxos);
}

/*
 * What stands behind a damaged place: promises and votes that were given, for the others that ask.
 * A chosen mark says which votes are chosen values, and the one that it means may be missing.
 */
static void restore_evidence(struct node *n, const struct record *record)
{
    if (record->kind == RECORD_ACCEPT) {
        struct blob *value = record->value.size > 0 ? blob_new(record->value) : NULL;
        /* Beyond the window: what is missing is so anyway. */
        (void)paxos_restore_accept(n->paxos, record->slot, record->ballot, value);
        blob_unref(value);
    } else if (record->kind != RECORD_CHOSEN && record->ballot.round > 0) {
        paxos_restore_promise(n->paxos, record->ballot);
    }
}

static enum rsm_status restore_record(void *context, const struct record *record, bool is_evidence)
{
    struct node *n = context;
    if (is_evidence) {
        enum rsm_status status = apply_rest(n); /* as far as the window can reach */
        if (status == RSM_OK)
            restore_evidence(n, record);
        return status;
    }
    switch (record->kind) {
    case RECORD_PROMISE:
    case RECORD_CHECKPOINT:
        if (record->ballot.round > 0)
            paxos_restore_promise(n->paxos, record->ballot);
        return RSM_OK;
    case RECORD_ACCEPT:
        return restore_accept(n, record);
    case RECORD_CHOSEN:
        return restore_chosen(n, record->end);
    }
    return RSM_DAMAGED;
}

static void log_findings(const struct journal_report *report)
{
    uint32_t count =
        report->finding_count < JOURNAL_FINDINGS_MAX ? report->finding_count : JOURNAL_FINDINGS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct journal_finding *f = &report->findings[i];
        LOG(journal_finding_is_harmless(f->kind) ? LOG_WARNING : LOG_ERROR, "journal-finding",
            LOG_TEXT("finding", journal_finding_name(f->kind)), LOG_U64("segment", f->segment),
            LOG_U64("offset", f->offset), LOG_U64("group", f->group));
    }
}

static void open_core(struct node *n);

/* Without its journal: it learns, and says nothing of what it promised or voted. */
static enum rsm_status go_without(struct node *n)
{
    LOG(LOG_ERROR, "state-missing", LOG_U64("stored", n->stored_slot),
        LOG_U64("needed", n->missing_slot));
    if (!apply_is_unreadable(n)) /* more is held than the core's window takes; nothing is damaged */
        node_raise(n, NODE_ALARM_STATE_DAMAGED, n->missing_slot);
    paxos_free(n->paxos); /* it may have taken some of the journal's records */
    open_core(n);
    return RSM_OK;
}

static enum rsm_status open_journal(struct node *n)
{
    struct journal_identity identity = {.replica = n->config.self,
                                        .incarnation = n->config.incarnation};
    memcpy(identity.cluster, n->genesis.cluster_id, CLUSTER_ID_SIZE);
    n->missing_slot = 0;
    open_text = "the journal could not be looked at";
    uint64_t base = 0;
    enum rsm_status status = journal_base(n->disk, &identity, &base);
    if (status == RSM_OK && base > n->stored_slot) {
        n->missing_slot = base;
        return go_without(n);
    }
    if (status != RSM_OK)
        return status;
    /* A directory that is not new, and has no journal, has lost its memory. */
    struct journal_options options = {.segment_size = n->config.segment_size,
                                      .create = n->config.fresh || MUTANT(VOTE_WITHOUT_JOURNAL)};
    struct journal_report report;
    open_text = "the journal could not be opened";
    n->is_replaying = true;
    status = journal_open(n->disk, &identity, &options, restore_record, n, &report, &n->journal);
    enum rsm_status rest = n->journal != NULL ? apply_rest(n) : RSM_OK;
    n->is_replaying = false;
    log_findings(&report);
    if (rest != RSM_OK)
        return rest;
    /* What is whole now was not then, or a peer knew of more: something was lost. */
    if (status == RSM_OK && n->config.in_doubt && !members_are_self_alone(n) &&
        !MUTANT(FORGET_DOUBT))
        status = RSM_DAMAGED;
    bool renews = status == RSM_OK && recover_is_renewal_due(n);
    n->journal_writable = status == RSM_OK && !renews;
    if (status == RSM_DAMAGED && n->journal == NULL && n->missing_slot > n->applied_slot)
        return go_without(n);
    n->missing_slot = 0;
    /* All that is gone is for slots that the store holds: no loss, for whoever asks. */
    bool is_covered = report.verdict == JOURNAL_DAMAGED && !n->config.in_doubt &&
                      report.lost_slot_end <= n->stored_slot + 1;
    if ((status == RSM_DAMAGED && n->journal != NULL) || status == RSM_NOT_FOUND)
        rejoin_begin_doubt(n, NODE_ALARM_JOURNAL_DAMAGED, !is_covered);
    else if (status == RSM_UNCERTAIN || renews)
        rejoin_begin_doubt(n, NODE_ALARM_JOURNAL_UNCERTAIN, false);
    else if (status != RSM_OK)
        return status;
    n->seq_last = report.last_sequence;
    n->seq_durable = report.last_sequence;
    LOG(LOG_INFO, "recovered", LOG_TEXT("journal", journal_verdict_name(report.verdict)),
        LOG_U64("records", report.records), LOG_U64("stored", n->stored_slot),
        LOG_U64("applied", n->applied_slot),
        LOG_U64("commits", n->counters.store_commits + (n->frozen != NULL ? 1 : 0)));
    return RSM_OK;
}

/* -------------------------------------------------------------------------------------------- */

static void open_core(struct node *n)
{
    const struct node_config *c = &n->config;
    struct paxos_config config = {.self = c->self,
                                  .window = c->window,
                                  .capacity = LIMIT_WINDOW,
                                  .batch_entries = c->batch_entries,
                                  .batch_bytes = LIMIT_BATCH_BYTES,
                                  .heartbeat_ticks = c->heartbeat_ticks,
                                  .election_ticks_min = c->election_ticks_min,
                                  .election_ticks_max = c->election_ticks_max,
                                  .start_ticks_max = c->election_ticks_min,
                                  .resend_ticks = c->heartbeat_ticks,
                                  .stall_ticks = c->stall_ticks,
                                  .seed = c->seed,
                                  .accepts_loss = c->accepts_loss};
    /* Until the state's members are handed in, before the start. */
    for (uint32_t i = 0; i < n->genesis.member_count; i++)
        config.voters[config.voter_count++] = n->genesis.members[i].id;
    config.distance = MEMBER_DISTANCE;
    n->paxos = paxos_new(&config);
    paxos_restore_base(n->paxos, n->applied_slot);
}

static enum rsm_status start_core(struct node *n)
{
    struct members members;
    open_text = "the state's members could not be read";
    enum rsm_status status = members_read(n, &members);
    if (status == RSM_WRONG_IDENTITY)
        open_text = "nobody votes but the disk that had this number before: there is none to join";
    if (status != RSM_OK)
        return status;
    paxos_restore_members(n->paxos, &members);
    hold_chosen(n);
    paxos_start(n->paxos, n->seq_last + 1,
                n->journal_writable || MUTANT(VOTE_IN_DOUBT) ? PAXOS_WHOLE
                : n->missing_slot != 0                       ? PAXOS_UNREAD
                : n->has_lost                                ? PAXOS_LOST
                                                             : PAXOS_IN_DOUBT);
    return RSM_OK;
}

static enum rsm_status open_recovery(struct node *n)
{
    enum rsm_status status = recover_open(n);
    if (status != RSM_OK)
        open_text = "the file `recovery` is none for this directory; remove it";
    return status;
}

enum rsm_status node_open(struct node **node_out, const struct node_config *config,
                          const struct node_env *env, struct bytes genesis, struct disk *disk,
                          struct kv *base, const char **text_out)
{
    struct node *n = mem_alloc(sizeof *n);
    n->config = *config;
    n->env = *env;
    n->genesis_bytes = blob_new(genesis);
    n->disk = disk;
    n->base = base;
    n->memo = mem_alloc(NODE_MEMO_SIZE * sizeof *n->memo);
    n->machine = machine_new();
    n->stages = mem_alloc(sizeof *n->stages);
    n->submissions = submissions_new();
    writer_init(&n->scratch, LIMIT_VALUE_SIZE + LIMIT_BATCH_BYTES);
    verdicts_init(&n->verdicts);
    n->contact_ms = node_now_ms(n);
    open_text = "the genesis is not well-formed";
    enum rsm_status status = genesis_parse(blob_bytes(n->genesis_bytes), &n->genesis);
    if (status == RSM_OK)
        status = open_state(n);
    if (status == RSM_OK)
        status = open_recovery(n);
    if (status == RSM_OK) {
        open_core(n);
        spec_init(n);
        audit_init(&n->audit);
        apply_judge_policy(n);
        status = open_journal(n);
    }
    if (status == RSM_OK)
        status = start_core(n);
    if (status != RSM_OK) {
        *text_out = open_text;
        apply_commit_abandon(n);
        node_close(n);
        *node_out = NULL;
        return status;
    }
    n->applied_told = n->applied_slot;
    *node_out = n;
    return RSM_OK;
}

void node_resume(struct node *n)
{
    CHECK(n->missing_slot != 0 && n->stored_slot >= n->missing_slot);
    CHECK(n->stored_slot == n->applied_slot && n->held.count == 0);
    learned_deinit(&n->learned); /* the new core learns them again */
    paxos_free(n->paxos);
    n->config.seed++;
    open_core(n);
    spec_reset(n);
    enum rsm_status status = open_journal(n);
    if (status == RSM_OK)
        status = start_core(n);
    if (status != RSM_OK) {
        node_fail(n, status, open_text);
        return;
    }
    if (n->missing_slot == 0) {
        node_clear(n, NODE_ALARM_STATE_DAMAGED);
        LOG(LOG_INFO, "state-complete", LOG_U64("applied", n->applied_slot));
    }
    n->flush_wanted = false;
    heads_advance(&n->heads, n->applied_slot, apply_heads_at, n);
    submit_on_leader_changed(n);
}

void node_close(struct node *n)
{
    if (n == NULL)
        return;
    submit_fail_all(n, RSM_UNAVAILABLE, "this replica is stopping");
    if (n->journal != NULL && n->journal_writable && !n->dead &&
        journal_flush(n->journal) != RSM_OK)
        LOG(LOG_ERROR, "close", LOG_TEXT("text", "the journal's last flush failed"));
    journal_close(n->journal);
    spec_deinit(n);
    audit_deinit(&n->audit);
    learned_deinit(&n->learned);
    held_deinit(&n->held);
    snapshot_drop_sender(n);
    snapshot_drop_receiver(n);
    paxos_free(n->paxos);
    machine_free(n->machine);
    submissions_free(n->submissions);
    verdicts_deinit(&n->verdicts);
    writer_deinit(&n->scratch);
    kv_free(n->applied);
    kv_free(n->frozen);
    blob_unref(n->genesis_bytes);
    mem_free(n->memo);
    mem_free(n->stages);
    mem_free(n);
}
