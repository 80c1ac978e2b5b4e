/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_turn.c - the turn and its end, flushes, and the tick.
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
#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/staged.h"

/* A leader whose disk is low gives the lead up no sooner again. */
#define RESIGN_AGAIN_MS 10000u

#define TICKS_A_DEADLINE_LOOK                                                                      \
    50u /* half a second: ends of leases are not news for anybody sooner */

/* What this replica says itself: votes, alarms. */
static void own_when_due(struct node *n)
{
    recover_when_due(n);
    if (n->recovery_epoch != 0)
        return; /* nothing comes before it */
    vote_when_due(n);
    trip_when_due(n);
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
