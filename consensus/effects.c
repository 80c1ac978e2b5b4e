/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * effects.c - the arrays that a step fills and gives to the caller.
 *
 * They are allocated once, for the largest step there can be. Records, entries, learned slots and
 * lost proposals always fit (CHECKed): a step makes at most one of each for a slot of the window
 * and a few more. Of entries: a leader's tick proposes each slot once, and sends a batch to each
 * peer again; a promise or an answer has each slot of the window at most once. Messages may be
 * dropped when their array is full, as the network may drop them.
 */
#include "consensus/core.h"

#include <string.h>

#include "src/base/mem.h"

static void effects_check(const struct effect_lists *e)
{
    CHECK(e->append_count <= e->append_capacity);
    CHECK(e->send_count <= e->send_capacity);
    CHECK(e->entry_count <= e->entry_capacity);
    CHECK(e->learned_count <= e->learned_capacity);
    CHECK(e->lost_count <= e->lost_capacity);
    CHECK(e->read_count <= e->read_capacity);
    CHECK(e->range_count <= e->range_capacity);
}

void effects_init(struct paxos *p)
{
    struct effect_lists *e = &p->effects;
    uint32_t capacity = p->config.capacity;
    uint32_t batch = p->config.batch_entries;

    CHECK(capacity >= 1 && batch >= 1);
    CHECK(batch <= LIMIT_BATCH_ENTRIES);
    CHECK(e->appends == NULL && e->ranges == NULL); /* each once in a life */
    /* Each slot: an accept and a chosen mark; and a promise. */
    e->append_capacity = 2 * capacity + 8;
    e->appends = mem_alloc(sizeof(*e->appends) * e->append_capacity);
    /* A promise may need a message for each slot. */
    e->send_capacity = capacity + 16 * LIMIT_REPLICAS;
    e->sends = mem_alloc(sizeof(*e->sends) * e->send_capacity);
    /* The whole window once, and a batch for each peer. */
    e->entry_capacity = capacity + 2 * batch * LIMIT_REPLICAS;
    e->entries = mem_alloc(sizeof(*e->entries) * e->entry_capacity);
    e->learned_capacity = capacity;
    e->learned = mem_alloc(sizeof(*e->learned) * e->learned_capacity);
    e->lost_capacity = capacity + LIMIT_PROPOSALS;
    e->lost = mem_alloc(sizeof(*e->lost) * e->lost_capacity);
    e->read_capacity = LIMIT_READS_WAITING + 1;
    e->reads = mem_alloc(sizeof(*e->reads) * e->read_capacity);
    e->range_capacity = LIMIT_REPLICAS;
    e->ranges = mem_alloc(sizeof(*e->ranges) * e->range_capacity);
}

void effects_deinit(struct paxos *p)
{
    struct effect_lists *e = &p->effects;
    CHECK(e->appends != NULL && e->ranges != NULL);
    effects_check(e);
    mem_free(e->appends);
    mem_free(e->sends);
    mem_free(e->entries);
    mem_free(e->learned);
    mem_free(e->lost);
    mem_free(e->reads);
    mem_free(e->ranges);
    memset(e, 0, sizeof(*e));
}

void effects_reset(struct paxos *p)
{
    struct effect_lists *e = &p->effects;
    VERIFY(e->append_count <= e->append_capacity && e->send_count <= e->send_capacity);
    e->append_count = 0;
    e->send_count = 0;
    e->entry_count = 0;
    e->learned_count = 0;
    e->lost_count = 0;
    e->read_count = 0;
    e->range_count = 0;
}

static struct paxos_append *effects_append(struct paxos *p, enum paxos_record_type type)
{
    struct effect_lists *e = &p->effects;
    CHECK(p->started); /* what a recovery finds is in the journal already */
    CHECK(e->append_count < e->append_capacity);
    struct paxos_append *append = &e->appends[e->append_count++];
    CHECK(p->seq_next > p->seq_durable && p->seq_next > p->seq_waited);
    memset(append, 0, sizeof(*append));
    append->type = type;
    append->seq = p->seq_next++;
    append->lazy = type == PAXOS_RECORD_CHOSEN;
    if (!append->lazy) {
        if (p->seq_waited <= p->seq_durable)
            p->durable_tick = p->tick;
        p->seq_waited = append->seq;
    }
    return append;
}

uint64_t effects_append_promise(struct paxos *p, struct ballot ballot)
{
    struct paxos_append *append = effects_append(p, PAXOS_RECORD_PROMISE);
    CHECK(ballot.replica >= 1 && ballot.replica <= REPLICA_MAX);
    CHECK(ballot_equal(ballot, p->promised)); /* what is written is what is kept to */
    append->ballot = ballot;
    return append->seq;
}

uint64_t effects_append_accept(struct paxos *p, uint64_t slot, struct ballot ballot,
                               struct blob *value)
{
    struct paxos_append *append = effects_append(p, PAXOS_RECORD_ACCEPT);
    const struct slot *vote = slots_at(&p->slots, slot);
    /* A record is of the vote in memory: a restart finds what was answered. */
    CHECK(ballot.replica != 0 && ballot_equal(vote->ballot, ballot));
    CHECK(vote->value == value);
    CHECK(slot >= p->chosen_end); /* a vote for what is learned says nothing any more */
    append->ballot = ballot;
    append->slot = slot;
    append->value = value;
    return append->seq;
}

void effects_append_chosen(struct paxos *p, uint64_t end)
{
    struct paxos_append *append = effects_append(p, PAXOS_RECORD_CHOSEN);
    CHECK(end == p->chosen_end && end == p->marked_end);
    append->slot_end = end;
}

void effects_send(struct paxos *p, uint32_t to, uint64_t durable_seq, struct paxos_message message)
{
    struct effect_lists *e = &p->effects;
    CHECK(to != p->config.self);
    CHECK(to >= 1 && to <= REPLICA_MAX);
    CHECK(durable_seq < p->seq_next); /* or it would wait for a record that nobody wrote */
    if (e->send_count == e->send_capacity) {
        mark(p, PAXOS_MARK_SEND_DROPPED);
        return;
    }
    message.chosen_end = p->chosen_end;
    e->sends[e->send_count++] = (struct paxos_send){to, durable_seq, message};
}

void effects_send_voters(struct paxos *p, uint64_t durable_seq, struct paxos_message message)
{
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        if (replica != p->config.self && members_is_voter(&p->members, replica))
            effects_send(p, replica, durable_seq, message);
    }
}

void effects_send_members(struct paxos *p, uint64_t durable_seq, struct paxos_message message)
{
    for (uint32_t replica = 1; replica <= REPLICA_MAX; replica++) {
        if (replica != p->config.self && members_is_member(&p->members, replica))
            effects_send(p, replica, durable_seq, message);
    }
}

struct paxos_entry *effects_entry(struct paxos *p)
{
    struct effect_lists *e = &p->effects;
    CHECK(e->entry_count < e->entry_capacity);
    struct paxos_entry *entry = &e->entries[e->entry_count++];
    memset(entry, 0, sizeof(*entry));
    return entry;
}

void effects_take_entries(struct paxos *p, uint32_t first, struct paxos_message *message)
{
    struct effect_lists *e = &p->effects;
    CHECK(first <= e->entry_count);
    message->entries = &e->entries[first];
    message->entry_count = e->entry_count - first;
    CHECK(message->entry_count <= LIMIT_BATCH_ENTRIES); /* or the receiver refuses it */
}

void effects_learned(struct paxos *p, uint64_t slot, uint64_t cookie, struct blob *value)
{
    struct effect_lists *e = &p->effects;
    CHECK(e->learned_count < e->learned_capacity);
    CHECK(slot == p->chosen_end && slot > p->applied); /* in order, each once */
    e->learned[e->learned_count++] = (struct paxos_learned){slot, cookie, value};
}

void effects_lost(struct paxos *p, uint64_t cookie, uint64_t slot, bool refused)
{
    struct effect_lists *e = &p->effects;
    if (cookie == 0)
        return;
    CHECK(e->lost_count < e->lost_capacity);
    CHECK(slot == 0 || slot > p->applied); /* what is applied was learned */
    CHECK(!refused || slot != 0);
    e->lost[e->lost_count++] = (struct paxos_lost){cookie, slot, refused};
}

void effects_read_end(struct paxos *p, uint64_t read_id, bool confirmed, uint64_t slot)
{
    struct effect_lists *e = &p->effects;
    CHECK(e->read_count < e->read_capacity);
    CHECK(confirmed || slot == 0);
    CHECK(slot <= p->applied || MUTANT(READ_BEFORE_APPLIED));
    if (!confirmed)
        mark(p, PAXOS_MARK_READ_FAILED);
    e->reads[e->read_count++] = (struct paxos_read_end){read_id, confirmed, slot};
}

void effects_range(struct paxos *p, uint32_t to, uint64_t first, uint64_t end)
{
    struct effect_lists *e = &p->effects;
    CHECK(e->range_count < e->range_capacity);
    CHECK(to != p->config.self && to >= 1 && to <= REPLICA_MAX);
    CHECK(first >= 1 && first < end);
    CHECK(end <= p->applied + 1); /* what the shell has in its log */
    mark(p, PAXOS_MARK_RANGE_FROM_STORE);
    e->ranges[e->range_count++] = (struct paxos_range){to, first, end};
}
