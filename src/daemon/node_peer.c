/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_peer.c - frames from and to the other replicas.
 *
 * A frame that needs the journal is encoded at once (the core's effects live for one step only) and
 * held until the flush that covers it; all others leave at once, before the own flush begins.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/net/peer_codec.h"

/* What a frame to `to` says of both journals; `seq`: durable when the frame leaves. */
static struct peer_stamp stamp_for(struct node *n, uint32_t to, uint64_t seq)
{
    return (struct peer_stamp){.seq = seq > n->seq_durable ? seq : n->seq_durable,
                               .seen_incarnation = n->seen[to].incarnation,
                               .seen_seq = n->seen[to].seq};
}

void peer_send_message(struct node *n, const struct paxos_send *send)
{
    struct peer_stamp stamp = stamp_for(n, send->to, send->durable_seq);
    n->counters.sent[send->message.type]++;
    struct blob *frame = peer_encode_message(&send->message, &stamp);
    if (send->message.type == PAXOS_HEARTBEAT)
        stages_on_heartbeat(n->stages, send->to, node_now_ns(n));
    if (send->durable_seq <= n->seq_durable || MUTANT(SEND_BEFORE_FLUSH))
        n->env.send(n->env.context, send->to, frame);
    else
        held_add(&n->held, send->to, send->durable_seq, frame);
    blob_unref(frame);
}

bool peer_release_held(struct node *n)
{
    return held_release(&n->held, n->seq_durable, n->env.send, n->env.context);
}

/* An answer with a part of the log: a second of a link of 1 Mbit, on which heartbeats wait for it.
 */
#define RANGE_BYTES (128u << 10)

/* Chosen entries out of the own log, for a peer that is behind the core's window. */
void peer_send_range(struct node *n, const struct paxos_range *range)
{
    struct paxos_entry entries[LIMIT_BATCH_ENTRIES];
    size_t count = 0;
    size_t bytes = 0;
    if (snapshot_offer(n, range))
        return;
    if (n->env.backlog(n->env.context, range->to) > RANGE_BYTES)
        return; /* what it asked for before is on its way; it asks again */
    for (uint64_t slot = range->slot_first; slot < range->slot_end && slot <= n->applied_slot &&
                                            count < LIMIT_BATCH_ENTRIES && bytes < RANGE_BYTES;
         slot++) {
        struct bytes value;
        if (log_get_entry(n->applied, slot, &value) != RSM_OK)
            break;
        entries[count++] =
            (struct paxos_entry){.slot = slot, .value = value.size > 0 ? blob_new(value) : NULL};
        bytes += value.size;
    }
    if (count > 0) {
        struct paxos_message message = {.type = PAXOS_LEARN,
                                        .chosen_end = paxos_chosen_end(n->paxos),
                                        .entries = entries,
                                        .entry_count = count};
        struct peer_stamp stamp = stamp_for(n, range->to, 0);
        struct blob *frame = peer_encode_message(&message, &stamp);
        n->env.send(n->env.context, range->to, frame);
        blob_unref(frame);
    }
    for (size_t i = 0; i < count; i++)
        blob_unref(entries[i].value);
}

/* -------------------------------------------------------------------------------------------- */
/* Incoming. */

/* A leader's clock may be off: what is fresh must be near the own clock, and never go back. */
static bool is_timely(struct node *n, const struct entry *entry)
{
    if (entry->kind == ENTRY_NOOP)
        return true;
    uint64_t now = n->env.wall_ms(n->env.context);
    uint64_t stamp = entry->timestamp_ms;
    uint64_t distance = stamp > now ? stamp - now : now - stamp;
    /* Log time may be ahead of a clock that was set back: then it stands still, and is in order. */
    return distance <= n->config.clock_bound_ms || stamp == n->log_time_ms || MUTANT(ANY_TIME);
}

static enum paxos_opinion opinion_of(struct node *n, const struct paxos_entry *e)
{
    struct entry entry;
    if (entry_parse(blob_bytes(e->value), &entry) != RSM_OK || !is_timely(n, &entry))
        return PAXOS_OPINION_REFUSED;
    switch (spec_judge(n, e->slot, e->value, NULL)) {
    case JUDGED_OK:
        return PAXOS_OPINION_OK;
    case JUDGED_DUPLICATE:
        return spec_take(n, e->value) ? PAXOS_OPINION_OK : PAXOS_OPINION_WAIT;
    case JUDGED_WAIT:
        return PAXOS_OPINION_WAIT;
    case JUDGED_REFUSED:
    case JUDGED_BAD:
        return PAXOS_OPINION_REFUSED;
    }
    return PAXOS_OPINION_REFUSED;
}

static void on_message(struct node *n, uint32_t from, const struct paxos_message *m,
                       uint64_t came_ns)
{
    uint8_t opinions[LIMIT_BATCH_ENTRIES];
    struct paxos_event event = {.type = PAXOS_EVENT_MESSAGE, .from = from, .message = m};
    if (!space_is_for_message(n, m))
        return; /* as if it were lost: the sender will ask again */
    if (m->type == PAXOS_ACCEPT) {
        for (size_t i = 0; i < m->entry_count; i++)
            opinions[i] = m->entries[i].fresh ? (uint8_t)opinion_of(n, &m->entries[i])
                                              : (uint8_t)PAXOS_OPINION_OK;
        event.opinions = opinions;
    }
    if (m->type == PAXOS_ACCEPT)
        stages_on_accept(n->stages, came_ns, node_now_ns(n));
    for (size_t i = 0; m->type == PAXOS_ACCEPTED && i < m->entry_count; i++)
        stages_on_peer_vote(n->stages, m->entries[i].slot, came_ns);
    if (m->type == PAXOS_HEARTBEAT_ANSWER)
        stages_on_heartbeat_answer(n->stages, from, came_ns);
    node_step(n, &event);
    if (!n->dead && (m->type == PAXOS_ACCEPT || m->type == PAXOS_LEARN))
        spec_compare(n, m);
}

static void on_failed(struct node *n, const struct peer_frame *frame)
{
    char text[PEER_TEXT_MAX + 1] = {0};
    if (frame->text.size > 0)
        memcpy(text, frame->text.data, frame->text.size);
    submit_on_forward_failed(n, frame->digest, frame->status, text);
}

static void on_heads(struct node *n, uint32_t from, const struct peer_frame *frame)
{
    struct heads said = {.slot = frame->slot};
    if (doubled_note(&n->doubled[from], n->seen[from].incarnation, frame->stamp.seq,
                     node_now_ms(n)))
        LOG(LOG_ERROR, "peer-doubled", LOG_U64("peer", from),
            LOG_U64("incarnation", n->seen[from].incarnation),
            LOG_TEXT("text", "two processes speak as this replica: a copy of its directory runs"));
    memcpy(said.entry, frame->entry_head, HASH_SIZE);
    memcpy(said.verdict, frame->verdict_head, HASH_SIZE);
    n->peer_clock_ms[from] = (int64_t)(frame->wall_ms - node_now_ms(n));
    heads_note(&n->heads, from, &said, n->applied_slot, n->tick, apply_heads_at, n);
}

/*
 * Remembers how far the peer's journal was, and hears how far ours was. False: we have forgotten
 * what we said; the process ends, and comes back in doubt.
 */
static bool take_stamp(struct node *n, uint32_t from, const struct peer_stamp *stamp)
{
    uint64_t incarnation = n->env.incarnation_of(n->env.context, from);
    if (n->seen[from].incarnation != incarnation) {
        n->seen[from].incarnation = incarnation;
        n->seen[from].seq = 0;
    }
    if (stamp->seq > n->seen[from].seq)
        n->seen[from].seq = stamp->seq;
    bool is_lost = n->journal_writable && stamp->seen_incarnation == n->config.incarnation &&
                   stamp->seen_seq > n->seq_durable;
    if (!is_lost || MUTANT(BELIEVE_OWN_DISK))
        return true;
    LOG(LOG_ERROR, "memory-lost", LOG_U64("peer", from), LOG_U64("seen", stamp->seen_seq),
        LOG_U64("durable", n->seq_durable));
    rejoin_begin_doubt(n, NODE_ALARM_JOURNAL_DAMAGED, true);
    node_fail(n, RSM_DAMAGED, "a peer has seen more of the journal than it holds");
    return false;
}

void node_on_frame(struct node *n, uint32_t from, struct bytes bytes)
{
    if (n->dead || from == n->config.self || from > REPLICA_MAX || (n->members & (1u << from)) == 0)
        return;
    struct peer_frame frame;
    uint64_t came_ns = node_now_ns(n);
    if (peer_decode(bytes, &frame) != RSM_OK) {
        n->counters.bad_frames++;
        return;
    }
    n->peer_heard_ms[from] = came_ns / 1000000;
    bool is_stamped = frame.type == PEER_MESSAGE || frame.type == PEER_HEADS;
    if (is_stamped && !take_stamp(n, from, &frame.stamp)) {
        peer_frame_deinit(&frame);
        return;
    }
    switch (frame.type) {
    case PEER_MESSAGE:
        on_message(n, from, &frame.message, came_ns);
        break;
    case PEER_FORWARD:
        submit_on_forward(n, from, frame.envelope);
        break;
    case PEER_FORWARD_FAILED:
        on_failed(n, &frame);
        break;
    case PEER_HEADS:
        on_heads(n, from, &frame);
        break;
    case PEER_SNAPSHOT_OFFER:
        snapshot_on_offer(n, from, frame.slot);
        break;
    case PEER_SNAPSHOT_CHUNK:
        snapshot_on_chunk(n, from, frame.slot, frame.offset, frame.chunk);
        break;
    case PEER_SNAPSHOT_WANT:
        snapshot_on_want(n, from, frame.slot, frame.offset);
        break;
    }
    peer_frame_deinit(&frame);
}

/* -------------------------------------------------------------------------------------------- */
/* Heads. */

void peer_send_heads(struct node *n)
{
    for (uint32_t r = 1; r <= REPLICA_MAX; r++) {
        if (r == n->config.self || (n->members & (1u << r)) == 0)
            continue;
        struct peer_stamp stamp = stamp_for(n, r, 0);
        struct blob *frame = peer_encode_heads(n->applied_slot, n->chain.entry, n->chain.verdict,
                                               n->env.wall_ms(n->env.context), &stamp);
        n->env.send(n->env.context, r, frame);
        blob_unref(frame);
    }
}

/* Peers whose heads were not compared for longer than this many election timeouts are an alarm. */
#define NOT_COMPARED_TIMEOUTS 20u

static bool all_compared(const struct node *n)
{
    uint64_t patience = (uint64_t)NOT_COMPARED_TIMEOUTS * n->config.election_ticks_max;
    for (uint32_t r = 1; r <= REPLICA_MAX; r++) {
        const struct heads_peer *p = &n->heads.peers[r];
        if (r == n->config.self || (n->members & (1u << r)) == 0)
            continue;
        if (p->heard_tick + patience < n->tick)
            return false;
    }
    return true;
}

static void judge_doubled(struct node *n)
{
    bool is_any = false;
    for (uint32_t r = 1; r <= REPLICA_MAX; r++)
        is_any = doubled_is(&n->doubled[r], node_now_ms(n)) || is_any;
    if (is_any)
        node_raise(n, NODE_ALARM_PEER_DOUBLED, 0);
    else
        node_clear(n, NODE_ALARM_PEER_DOUBLED);
}

void peer_judge_heads(struct node *n)
{
    judge_doubled(n);
    uint32_t equal;
    uint32_t different;
    heads_count(&n->heads, n->members, n->config.self, &equal, &different);
    if (heads_must_stop(equal, different, (uint32_t)__builtin_popcount(n->members)))
        node_raise(n, NODE_ALARM_DIVERGED, n->applied_slot);
    else
        node_clear(n, NODE_ALARM_DIVERGED);
    if (different > 0)
        node_raise(n, NODE_ALARM_PEER_DIVERGED, n->applied_slot);
    else
        node_clear(n, NODE_ALARM_PEER_DIVERGED);
    if (all_compared(n))
        node_clear(n, NODE_ALARM_NOT_COMPARED);
    else
        node_raise(n, NODE_ALARM_NOT_COMPARED, 0);
}
