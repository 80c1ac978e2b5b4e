/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node.c - opening, the turn, and obeying the core's effects.
 *
 * One turn: frames, ticks and requests go into the core as they come (node_step); its appends go
 * into the journal's group, sends that need no flush leave at once. node_flush ends the turn:
 *
 *     cut a batch -> flush the group -> release the votes -> apply what was learned -> again,
 *     until nothing moves; then tell who waits what was chosen, and commit when it is time.
 *
 * While more than one slot is open, the flush goes on beside the turns that follow: node_on_flushed
 * ends it. What is appended meanwhile waits for the next one, and nothing else does.
 */
#include "src/daemon/node.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/staged.h"

/* A leader whose disk is low gives the lead up no sooner again. */
#define RESIGN_AGAIN_MS 10000u

#define TICKS_A_DEADLINE_LOOK                                                                      \
    50u /* half a second: ends of leases are not news for anybody sooner */

void node_config_default(struct node_config *config)
{
    *config = (struct node_config){
        .tick_ms = 10,
        .heartbeat_ticks = 5,
        .election_ticks_min = 15,
        .election_ticks_max = 30,
        .stall_ticks = 100,
        .window = 1024,
        .batch_entries = LIMIT_BATCH_ENTRIES,
        .segment_size = 16u << 20,
        .store_commit_ms = 1000,
        .store_commit_bytes = 8u << 20,
        .store_commit_rows = 24576, /* pages of 4 KiB: 96 MiB */
        .submit_timeout_ms = 10000,
        .clock_bound_ms = 10000,
        .snapshot_lag = 100000,
        .snapshot_rate = 8192,
        .snapshot_piece = 64u << 10, /* about 0.3 ms of the loop */
    };
}

const char *node_alarm_name(uint32_t bit)
{
    switch (bit) {
    case NODE_ALARM_DIVERGED:
        return "diverged";
    case NODE_ALARM_PEER_DIVERGED:
        return "peer-diverged";
    case NODE_ALARM_NOT_COMPARED:
        return "not-compared";
    case NODE_ALARM_JOURNAL_DAMAGED:
        return "journal-damaged";
    case NODE_ALARM_JOURNAL_UNCERTAIN:
        return "journal-uncertain";
    case NODE_ALARM_DISK_LOW:
        return "disk-low";
    case NODE_ALARM_STATE_DAMAGED:
        return "state-damaged";
    case NODE_ALARM_NO_QUORUM:
        return "no-quorum";
    case NODE_ALARM_DISK_DAMAGED:
        return "disk-damaged";
    case NODE_ALARM_AUDIT:
        return "audit-mismatch";
    case NODE_ALARM_PEER_DOUBLED:
        return "peer-doubled";
    case NODE_ALARM_CLOCK:
        return "clock-bound";
    case NODE_ALARM_NEWER_FORMAT:
        return "newer-format";
    case NODE_ALARM_POLICY:
        return "policy-unreadable";
    case NODE_ALARM_LEFT_BEHIND:
        return "left-behind";
    }
    return "unknown";
}

void node_raise(struct node *n, uint32_t alarm, uint64_t slot)
{
    if (n->alarms & alarm)
        return;
    n->alarms |= alarm;
    n->alarm_slot = slot;
    LOG(LOG_ERROR, "alarm", LOG_TEXT("alarm", node_alarm_name(alarm)), LOG_U64("slot", slot));
}

void node_clear(struct node *n, uint32_t alarm)
{
    if ((n->alarms & alarm) == 0)
        return;
    n->alarms &= ~alarm;
    LOG(LOG_INFO, "alarm-cleared", LOG_TEXT("alarm", node_alarm_name(alarm)));
}

void node_fail(struct node *n, enum rsm_status status, const char *text)
{
    if (n->dead)
        return;
    n->dead = true;
    LOG(LOG_ERROR, "fatal", LOG_TEXT("status", rsm_status_text(status)), LOG_TEXT("text", text));
    n->env.fatal(n->env.context, status, text);
}

enum rsm_status node_refuses(const struct node *n)
{
    if (n->stopping)
        return RSM_UNAVAILABLE;
    return node_is_doubtful(n) ? RSM_READ_ONLY : RSM_OK;
}

enum rsm_status node_refuses_clients(const struct node *n)
{
    enum rsm_status status = node_refuses(n);
    bool is_not_mine = (n->alarms & NODE_ALARM_CLOCK) != 0 || n->recovery_epoch != 0;
    return status == RSM_OK && is_not_mine ? RSM_READ_ONLY : status;
}

bool node_is_doubtful(const struct node *n)
{
    return (n->alarms & (NODE_ALARM_DIVERGED | NODE_ALARM_STATE_DAMAGED | NODE_ALARM_AUDIT |
                         NODE_ALARM_NEWER_FORMAT | NODE_ALARM_POLICY | NODE_ALARM_LEFT_BEHIND)) !=
           0;
}

/* What this replica says itself: votes, alarms. */
static void own_when_due(struct node *n)
{
    recover_when_due(n);
    if (n->recovery_epoch != 0)
        return; /* nothing comes before it */
    vote_when_due(n);
    trip_when_due(n);
}

/* -------------------------------------------------------------------------------------------- */
/* Effects. */

static void obey_appends(struct node *n, const struct paxos_effects *effects)
{
    for (size_t i = 0; i < effects->append_count; i++) {
        const struct paxos_append *a = &effects->appends[i];
        n->seq_last = a->seq;
        if (!n->journal_writable)
            continue; /* a learner's memory is its store */
        struct record record = {.sequence = a->seq, .ballot = a->ballot};
        switch (a->type) {
        case PAXOS_RECORD_PROMISE:
            record.kind = RECORD_PROMISE;
            break;
        case PAXOS_RECORD_ACCEPT:
            record.kind = RECORD_ACCEPT;
            record.slot = a->slot;
            record.value = blob_bytes(a->value);
            break;
        case PAXOS_RECORD_CHOSEN:
            record.kind = RECORD_CHOSEN;
            record.ballot = (struct ballot){0, 0};
            record.end = a->slot_end;
            break;
        }
        enum rsm_status status = journal_append(n->journal, &record);
        if (status != RSM_OK) {
            /* The core has voted in memory already: it must not live on without the record. */
            node_fail(n, status, "a record could not be appended to the journal");
            return;
        }
        n->flush_wanted |= !a->lazy;
    }
}

static void obey_learned(struct node *n, const struct paxos_effects *effects)
{
    uint64_t now_ns = effects->learned_count > 0 ? node_now_ns(n) : 0;
    for (size_t i = 0; i < effects->learned_count; i++) {
        const struct paxos_learned *l = &effects->learned[i];
        stages_on_learned(n->stages, l->slot, now_ns);
        apply_later(n, l->slot, l->value);
    }
    n->chosen_to_announce |= effects->learned_count > 0;
}

static void obey_leader(struct node *n, const struct paxos_effects *effects)
{
    n->counters.leader_changes++;
    LOG(LOG_INFO, "leader", LOG_U64("leader", effects->leader),
        LOG_U64("round", effects->leader_ballot.round), LOG_U64("ready", effects->ready),
        LOG_U64("applied", n->applied_slot));
    spec_reset(n);
    submit_on_leader_changed(n);
    if (effects->leader != 0)
        space_on_leader(n);
}

static void obey(struct node *n, const struct paxos_effects *effects)
{
    obey_appends(n, effects);
    if (n->dead)
        return;
    for (size_t i = 0; i < effects->send_count; i++)
        peer_send_message(n, &effects->sends[i]);
    obey_learned(n, effects);
    for (size_t i = 0; i < effects->range_count; i++)
        peer_send_range(n, &effects->ranges[i]);
    for (size_t i = 0; i < effects->read_count; i++) {
        const struct paxos_read_end *r = &effects->reads[i];
        if (r->confirmed)
            stages_on_read_ready(n->stages, r->read_id, node_now_ns(n));
        n->env.read_ready(n->env.context, r->read_id, r->confirmed ? RSM_OK : RSM_NO_LEADER,
                          r->slot);
    }
    for (size_t i = 0; i < effects->lost_count; i++)
        submit_on_lost(n, &effects->lost[i]);
    if (effects->leader_changed)
        obey_leader(n, effects);
    if (effects->rejoin)
        n->rejoin_due = true; /* in the turn's own time: it writes and flushes */
}

void node_step(struct node *n, const struct paxos_event *event)
{
    if (n->dead)
        return;
    struct paxos_effects effects;
    paxos_step(n->paxos, event, &effects);
    obey(n, &effects);
}

void node_resign(struct node *n)
{
    struct paxos_event event = {.type = PAXOS_EVENT_RESIGN};
    node_step(n, &event);
}

/*
 * Tells the followers what was chosen. The next accept or heartbeat does so anyway (each message
 * has chosen_end), and to one client after the other that is soon: frames of their own would wake
 * each follower once more for each commit. So they leave
 *
 *   at once     when a follower waits for it: it forwarded the command and owes a client the
 *               verdict, or a change waits for what each replica says of it
 *   with a tick when nothing has taken it along until then
 */
static void announce(struct node *n)
{
    n->chosen_to_announce = false;
    n->announce_now = false;
    struct paxos_event event = {.type = PAXOS_EVENT_ANNOUNCE};
    node_step(n, &event);
}

static void announce_when_due(struct node *n)
{
    if (n->chosen_to_announce && (n->announce_now || pending_count(n->applied) > 0))
        announce(n);
}

/* -------------------------------------------------------------------------------------------- */
/* The turn. */

/* What was appended up to `seq` is durable: the core counts it, and what waited for it leaves. */
static void flush_ended(struct node *n, uint64_t seq, uint64_t begin_ns)
{
    CHECK(seq >= n->seq_durable && seq <= n->seq_last);
    n->seq_durable = seq;
    stages_on_flushed(n->stages, begin_ns, node_now_ns(n));
    struct paxos_event event = {.type = PAXOS_EVENT_DURABLE, .number = n->seq_durable};
    node_step(n, &event);
    if (peer_release_held(n))
        n->env.push(n->env.context); /* votes: nothing that is to be applied goes before them */
    stages_on_vote(n->stages, node_now_ns(n));
}

/*
 * More than one slot is open: while the disk works something else is likely to come that can be
 * taken, judged and sent. To one command after the other a thread would cost two wake-ups, and
 * there is nothing that the loop could do meanwhile (docs/decisions.md).
 */
static bool is_line_busy(const struct node *n)
{
    return paxos_accepted_end(n->paxos) > paxos_chosen_end(n->paxos) + 1;
}

static void flush_journal(struct node *n)
{
    enum rsm_status status = RSM_OK;
    n->env.push(n->env.context);
    uint64_t begin_ns = node_now_ns(n);
    stages_on_sent(n->stages, begin_ns);
    stages_on_flush(n->stages);
    n->flush_wanted = false;
    if (n->journal_writable)
        status = is_line_busy(n) ? journal_flush_begin(n->journal) : journal_flush(n->journal);
    if (status == RSM_BUSY && !MUTANT(FLUSH_NOT_AWAITED)) {
        n->flushing_seq = n->seq_last;
        n->flushing_ns = begin_ns;
    } else if (status == RSM_OK || status == RSM_BUSY) {
        flush_ended(n, n->seq_last, begin_ns);
    } else {
        node_fail(n, status, "the journal could not be flushed");
    }
}

void node_on_flushed(struct node *n)
{
    if (n->dead || n->flushing_seq == 0)
        return;
    enum rsm_status status = journal_flush_end(n->journal);
    if (status == RSM_BUSY)
        return;
    uint64_t seq = n->flushing_seq;
    n->flushing_seq = 0;
    if (MUTANT(FLUSH_COVERS_LATER))
        seq = n->seq_last;
    if (status == RSM_OK)
        flush_ended(n, seq, n->flushing_ns);
    else
        node_fail(n, status, "the journal could not be flushed");
}

void node_flush(struct node *n)
{
    bool moved = true;
    /* Whoever needs the segment waits for the flush, and then no event comes of it. */
    if (n->flushing_seq != 0 && journal_durable_seq(n->journal) >= n->flushing_seq)
        node_on_flushed(n);
    rejoin_finish(n);
    while (moved && !n->dead) {
        uint64_t applied = n->applied_slot;
        submit_propose(n);
        if (n->dead)
            return;
        bool flushed = n->flush_wanted && n->flushing_seq == 0;
        if (flushed)
            flush_journal(n);
        apply_learned(n);
        if (n->applied_slot != applied)
            own_when_due(n);
        moved = flushed || n->applied_slot != applied ||
                (learned_count(&n->learned) > 0 && !apply_is_held(n));
    }
    if (n->dead)
        return;
    submit_forward(n);
    announce_when_due(n);
    if (n->applied_told != n->applied_slot) {
        n->applied_told = n->applied_slot;
        n->env.applied(n->env.context, n->applied_slot);
    }
    n->env.push(n->env.context);
    if (n->flushing_seq != 0) /* their flush comes later */
        stages_on_sent(n->stages, node_now_ns(n));
    snapshot_install_when_due(n);
    apply_commit_when_due(n);
}

static void watch_contact(struct node *n)
{
    if (paxos_has_contact(n->paxos)) {
        n->contact_ms = node_now_ms(n);
        node_clear(n, NODE_ALARM_NO_QUORUM);
    } else if (n->tick > 2u * n->config.election_ticks_max) {
        node_raise(n, NODE_ALARM_NO_QUORUM, 0);
    }
}

/* Marks and segments: all of it while nothing is appended, a small part at a time else. */
static void spare_disk_work(struct node *n)
{
    bool is_busy = n->flush_wanted || n->flushing_seq != 0 || n->seq_last != n->seq_at_tick;
    n->seq_at_tick = n->seq_last;
    if (!n->journal_writable || (!is_busy && !journal_is_idle_work_due(n->journal)))
        return;
    enum rsm_status status =
        is_busy ? journal_prepare_ahead(n->journal) : journal_prepare_next(n->journal);
    if (status == RSM_DISK_FULL)
        node_raise(n, NODE_ALARM_DISK_LOW, 0);
    else if (status != RSM_OK)
        node_fail(n, status, "a journal segment could not be prepared");
    else if (!journal_is_low(n->journal) && !n->is_store_full)
        node_clear(n, NODE_ALARM_DISK_LOW);
}

/*
 * A leader whose disk is low refuses what all others forward to it, and soon what it would have to
 * append itself. Whether another one's disk is better is not known here: when all are low, as on
 * one full file system, the lead must not go round and round, so it is given up at times only.
 */
static bool leads_in_vain(struct node *n)
{
    return (n->alarms & NODE_ALARM_DISK_LOW) != 0 && !MUTANT(LEAD_WITH_LOW_DISK) &&
           (n->resigned_ms == 0 || node_now_ms(n) - n->resigned_ms >= RESIGN_AGAIN_MS);
}

/* Who takes no commands does not lead: the others may have nothing against them. */
static void resign_when_read_only(struct node *n)
{
    bool is_low = leads_in_vain(n);
    if ((node_refuses(n) != RSM_READ_ONLY && !is_low) || paxos_role(n->paxos) != PAXOS_LEADER)
        return;
    if (is_low)
        n->resigned_ms = node_now_ms(n);
    node_resign(n);
}

void node_tick(struct node *n)
{
    n->tick++;
    space_before_tick(n);
    struct paxos_event event = {.type = PAXOS_EVENT_TICK};
    node_step(n, &event);
    if (n->dead)
        return;
    if (n->chosen_to_announce)
        announce(n);
    watch_contact(n);
    spare_disk_work(n);
    snapshot_on_tick(n); /* each tick: at each heartbeat it would waste half of snapshot_rate */
    if (n->tick % n->config.heartbeat_ticks == 0) {
        peer_send_heads(n);
        peer_judge_heads(n);
        clock_judge(n);
        resign_when_read_only(n);
        submit_expire(n);
        own_when_due(n);
        apply_commit_again(n);
        repair_on_tick(n);
        rejoin_on_heartbeat(n);
    }
    if (n->tick % TICKS_A_DEADLINE_LOOK == 0) {
        submit_time(n);
    }
}

void node_on_peer_lost(struct node *n, uint32_t peer)
{
    struct paxos_event event = {.type = PAXOS_EVENT_PEER_LOST, .from = peer};
    node_step(n, &event);
}

void node_read(struct node *n, uint64_t token)
{
    if (n->missing_slot != 0) { /* the core begins anew before it could end */
        n->env.read_ready(n->env.context, token, RSM_UNAVAILABLE, 0);
        return;
    }
    if (apply_is_unreadable(n) &&
        learned_count(&n->learned) > 0) { /* what it holds it never applies */
        n->env.read_ready(n->env.context, token, RSM_READ_ONLY, 0);
        return;
    }
    stages_on_read(n->stages, token, node_now_ns(n));
    struct paxos_event event = {.type = PAXOS_EVENT_READ, .number = token};
    node_step(n, &event);
}

void node_stop_accepting(struct node *n)
{
    if (n->stopping)
        return;
    n->stopping = true;
    node_resign(n);
}

void node_drop_cuts(struct node *n)
{
    snapshot_drop_sender(n);
}

bool node_is_idle(const struct node *n)
{
    return n->frozen == NULL && !submissions_has_tokens(n->submissions);
}

struct kv *node_state(struct node *n)
{
    return n->applied;
}

void node_on_damage(struct node *n)
{
    node_raise(n, NODE_ALARM_STATE_DAMAGED, n->applied_slot);
    node_fail(n, RSM_DAMAGED, "a stored row does not check");
}

bool node_has_state(const struct node *n)
{
    return n->missing_slot == 0;
}

bool node_is_voter(const struct node *n)
{
    return members_is_voter(paxos_members(n->paxos), n->config.self);
}

struct stages *node_stages(struct node *n)
{
    return n->stages;
}

void node_on_request(struct node *n)
{
    n->stages->decode_ns = node_now_ns(n);
}

uint64_t node_applied(const struct node *n)
{
    return n->applied_slot;
}
