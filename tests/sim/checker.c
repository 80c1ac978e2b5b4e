/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * checker.c - what it keeps, for each slot: every (ballot, value) that was proposed or voted for,
 * with the set of replicas whose vote is durable; the chosen value, as soon as a quorum of durable
 * votes exists, whether or not any replica knows it. Values are compared by a hash of their bytes.
 */
#include "tests/sim/checker.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "tests/sim/refpaxos.h"

#define VOTERS_MAX 64u

struct vote {
    struct ballot ballot;
    uint64_t value;
    uint32_t durable; /* set of replicas: it was on their disk once */
    uint32_t held;    /* and is in their memory still */
    bool recovered;   /* it was proposed as not fresh */
};

struct slot_history {
    struct vote *votes;
    uint32_t count;
    uint32_t capacity;
    bool chosen;
    uint64_t chosen_value;
    struct ballot chosen_ballot; /* the first one in which a quorum formed */
    uint64_t acknowledged;       /* value; 0: not */
};

struct replica_history {
    struct ballot promise_durable;  /* on the disk: of promises and of votes */
    struct ballot promise_appended; /* handed to the disk by the present process */
    struct ballot prepared;         /* the highest own ballot that left */
    struct ballot prepared_before;  /* by an earlier process */
    uint64_t closed; /* up to this round nobody counts votes in its ballots any more: close_own */
    uint64_t learned_next;
};

struct voters {
    uint64_t first; /* slot */
    uint32_t set;
};

struct checker {
    struct sim *sim;
    struct refpaxos *ref;
    struct voters voters[VOTERS_MAX]; /* ascending */
    uint32_t voters_count;
    uint32_t rejoining;
    struct slot_history *slots;
    uint64_t slot_capacity;
    struct replica_history replicas[REPLICA_MAX + 1];
    uint64_t read_floor;
    uint64_t acknowledged_last;
};

struct checker *checker_new(struct sim *sim, uint32_t voters)
{
    struct checker *c = mem_alloc(sizeof(*c));
    c->sim = sim;
    c->ref = ref_new(sim, voters);
    c->voters[0] = (struct voters){1, voters};
    c->voters_count = 1;
    for (uint32_t r = 0; r <= REPLICA_MAX; r++)
        c->replicas[r].learned_next = 1;
    return c;
}

void checker_free(struct checker *c)
{
    for (uint64_t i = 0; i < c->slot_capacity; i++)
        mem_free(c->slots[i].votes);
    ref_free(c->ref);
    mem_free(c->slots);
    mem_free(c);
}

void checker_set_voters(struct checker *c, uint64_t first, uint32_t voters)
{
    CHECK(c->voters_count < VOTERS_MAX);
    c->voters[c->voters_count++] = (struct voters){first, voters};
    ref_set_voters(c->ref, first, voters);
}

static struct slot_history *checker_slot(struct checker *c, uint64_t slot)
{
    CHECK(slot < (UINT64_C(1) << 24));
    if (slot >= c->slot_capacity) {
        uint64_t capacity = c->slot_capacity == 0 ? 256 : c->slot_capacity;
        while (capacity <= slot)
            capacity *= 2;
        c->slots = mem_realloc(c->slots, capacity * sizeof(*c->slots));
        memset(c->slots + c->slot_capacity, 0, (capacity - c->slot_capacity) * sizeof(*c->slots));
        c->slot_capacity = capacity;
    }
    return &c->slots[slot];
}

/* The entry of (slot, ballot), made when it is new; another value there is a failure. */
static struct vote *checker_vote(struct checker *c, uint32_t replica, uint64_t slot,
                                 struct ballot ballot, uint64_t value)
{
    struct slot_history *s = checker_slot(c, slot);
    for (uint32_t i = 0; i < s->count; i++) {
        if (!ballot_equal(s->votes[i].ballot, ballot))
            continue;
        if (s->votes[i].value != value)
            sim_fail(c->sim, "I4: replica %u: two values in slot %" PRIu64 " ballot %" PRIu64 ".%u",
                     replica, slot, ballot.round, ballot.replica);
        return &s->votes[i];
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 2 : 2 * s->capacity;
        s->votes = mem_realloc(s->votes, s->capacity * sizeof(*s->votes));
    }
    if (s->chosen && ballot_compare(ballot, s->chosen_ballot) > 0 && value != s->chosen_value)
        sim_fail(c->sim,
                 "I6: replica %u: slot %" PRIu64 " was chosen in %" PRIu64
                 ".%u, another value comes in %" PRIu64 ".%u",
                 replica, slot, s->chosen_ballot.round, s->chosen_ballot.replica, ballot.round,
                 ballot.replica);
    s->votes[s->count] = (struct vote){.ballot = ballot, .value = value};
    return &s->votes[s->count++];
}

static bool checker_is_quorum(const struct checker *c, uint64_t slot, uint32_t set)
{
    uint32_t i = c->voters_count - 1;
    while (i > 0 && c->voters[i].first > slot)
        i--;
    uint32_t voters = c->voters[i].set;
    return 2 * __builtin_popcount(set & voters) > __builtin_popcount(voters);
}

/* A durable vote: does a quorum hold now? */
static void checker_settle(struct checker *c, uint64_t slot, const struct vote *vote)
{
    struct slot_history *s = checker_slot(c, slot);
    /* With the vote of the ballot's owner: docs/decisions.md says why. */
    if (!checker_is_quorum(c, slot, vote->durable) ||
        ((vote->durable >> vote->ballot.replica) & 1) == 0 ||
        vote->ballot.round <= c->replicas[vote->ballot.replica].closed)
        return;
    if (s->chosen && s->chosen_value != vote->value) {
        sim_fail(c->sim, "I1: two values chosen in slot %" PRIu64, slot);
        return;
    }
    if (s->chosen && ballot_compare(s->chosen_ballot, vote->ballot) <= 0)
        return;
    s->chosen = true;
    s->chosen_value = vote->value;
    s->chosen_ballot = vote->ballot;
    for (uint32_t i = 0; i < s->count; i++) {
        if (ballot_compare(s->votes[i].ballot, vote->ballot) > 0 &&
            s->votes[i].value != vote->value)
            sim_fail(c->sim, "I6: slot %" PRIu64 ": chosen in %" PRIu64 ".%u against a later one",
                     slot, vote->ballot.round, vote->ballot.replica);
    }
}

static void raise(struct ballot *ballot, struct ballot to)
{
    if (ballot_compare(to, *ballot) > 0)
        *ballot = to;
}

void checker_on_append(struct checker *c, uint32_t replica, const struct memory_record *record)
{
    struct replica_history *r = &c->replicas[replica];
    if (record->kind == MEMORY_CHOSEN)
        return;
    if (record->kind == MEMORY_VOTE && !memory_is_vote(record)) {
        const struct slot_history *s = checker_slot(c, record->slot);
        if (!s->chosen || s->chosen_value != record->value)
            sim_fail(c->sim, "I1: replica %u takes slot %" PRIu64 " for chosen", replica,
                     record->slot);
        return;
    }
    int order = ballot_compare(record->ballot, r->promise_appended);
    if (order < 0 || (order == 0 && record->kind == MEMORY_PROMISE))
        sim_fail(c->sim, "I4: replica %u goes back from promise %" PRIu64 ".%u to %" PRIu64 ".%u",
                 replica, r->promise_appended.round, r->promise_appended.replica,
                 record->ballot.round, record->ballot.replica);
    raise(&r->promise_appended, record->ballot);
    if (record->kind == MEMORY_VOTE)
        checker_vote(c, replica, record->slot, record->ballot, record->value);
}

void checker_on_durable(struct checker *c, uint32_t replica, const struct memory_record *record)
{
    uint32_t bit = UINT32_C(1) << replica;
    ref_on_durable(c->ref, replica, record);
    if (record->kind == MEMORY_CHOSEN || (record->kind == MEMORY_VOTE && !memory_is_vote(record)))
        return;
    raise(&c->replicas[replica].promise_durable, record->ballot);
    if (record->kind != MEMORY_VOTE)
        return;
    struct vote *vote = checker_vote(c, replica, record->slot, record->ballot, record->value);
    vote->held |= bit;
    if ((c->rejoining & bit) != 0)
        return;
    vote->durable |= bit;
    checker_settle(c, record->slot, vote);
}

void checker_on_crash(struct checker *c, uint32_t replica)
{
    struct replica_history *r = &c->replicas[replica];
    r->promise_appended = r->promise_durable;
    r->prepared_before = r->prepared;
}

void checker_on_restart(struct checker *c, uint32_t replica, uint64_t slot)
{
    c->replicas[replica].learned_next = slot + 1;
}

/* An own ballot that no other disk has heard of was never used: nothing of that life arrives. */
static void forget_own_ballots(struct checker *c, uint32_t replica)
{
    struct ballot highest = {0, 0};
    for (uint32_t r = 1; r <= REPLICA_MAX; r++) {
        if (r != replica)
            raise(&highest, c->replicas[r].promise_durable);
    }
    struct replica_history *r = &c->replicas[replica];
    if (ballot_compare(r->prepared_before, highest) > 0)
        r->prepared_before = highest;
    if (ballot_compare(r->prepared, highest) > 0)
        r->prepared = highest;
}

/*
 * The process that led in its ballots has ended, and its disk has forgotten, or begins anew: a vote
 * that somebody gives or takes over from now on makes no quorum with a vote that is not there.
 * (With votes that are still there it does: whoever leads next may find it.)
 */
static void close_own(struct checker *c, uint32_t replica)
{
    c->replicas[replica].closed = c->replicas[replica].prepared.round;
}

void checker_on_loss(struct checker *c, uint32_t replica)
{
    close_own(c, replica);
    ref_forget(c->ref, replica);
}

void checker_on_rejoin(struct checker *c, uint32_t replica)
{
    uint32_t bit = UINT32_C(1) << replica;
    c->rejoining |= bit;
    forget_own_ballots(c, replica);
    close_own(c, replica);
    c->replicas[replica].promise_durable = (struct ballot){0, 0};
    for (uint64_t slot = 0; slot < c->slot_capacity; slot++) {
        for (uint32_t i = 0; i < c->slots[slot].count; i++)
            c->slots[slot].votes[i].held &= ~bit;
    }
    ref_rejoin(c->ref, replica);
}

void checker_on_rejoined(struct checker *c, uint32_t replica)
{
    uint32_t bit = UINT32_C(1) << replica;
    struct ballot promise = c->replicas[replica].promise_durable;
    c->rejoining &= ~bit;
    c->replicas[replica].promise_appended = promise;
    for (uint64_t slot = 0; slot < c->slot_capacity; slot++) {
        for (uint32_t i = 0; i < c->slots[slot].count; i++) {
            struct vote *vote = &c->slots[slot].votes[i];
            if ((vote->held & bit) == 0 || !ballot_equal(vote->ballot, promise))
                continue;
            vote->durable |= bit;
            checker_settle(c, slot, vote);
        }
    }
    ref_rejoined(c->ref, replica);
}

static bool has_durable_vote(struct checker *c, uint32_t replica, uint64_t slot,
                             struct ballot ballot)
{
    const struct slot_history *s = checker_slot(c, slot);
    for (uint32_t i = 0; i < s->count; i++) {
        if (ballot_equal(s->votes[i].ballot, ballot))
            return ((s->votes[i].held >> replica) & 1) != 0;
    }
    return false;
}

/* Every durable vote of a lower ballot that the promise covers is in it, or a later one is. */
static void checker_on_promise(struct checker *c, uint32_t replica, const struct paxos_message *m)
{
    if (ballot_compare(c->replicas[replica].promise_durable, m->ballot) < 0)
        sim_fail(c->sim, "I3: replica %u: a promise left before it was durable", replica);
    size_t entry = 0;
    uint64_t first = m->slot_first > m->chosen_end ? m->slot_first : m->chosen_end;
    for (uint64_t slot = first; slot < m->slot_end && slot < c->slot_capacity; slot++) {
        struct ballot highest = {0, 0};
        const struct slot_history *s = &c->slots[slot];
        for (uint32_t i = 0; i < s->count; i++) {
            if (((s->votes[i].held >> replica) & 1) != 0 &&
                ballot_compare(s->votes[i].ballot, m->ballot) < 0)
                raise(&highest, s->votes[i].ballot);
        }
        while (entry < m->entry_count && m->entries[entry].slot < slot)
            entry++;
        bool reported = entry < m->entry_count && m->entries[entry].slot == slot &&
                        (ballot_equal(m->entries[entry].ballot, PAXOS_BALLOT_CHOSEN) ||
                         ballot_compare(m->entries[entry].ballot, highest) >= 0);
        if (highest.round != 0 && !reported)
            sim_fail(c->sim,
                     "I3: replica %u: its promise of %" PRIu64 ".%u leaves out the vote in slot "
                     "%" PRIu64,
                     replica, m->ballot.round, m->ballot.replica, slot);
    }
}

static void checker_on_prepare(struct checker *c, uint32_t replica, const struct paxos_message *m)
{
    struct replica_history *r = &c->replicas[replica];
    if (ballot_compare(m->ballot, r->prepared_before) <= 0)
        sim_fail(c->sim, "I4: replica %u uses ballot %" PRIu64 ".%u again after a restart", replica,
                 m->ballot.round, m->ballot.replica);
    raise(&r->prepared, m->ballot);
}

void checker_on_send(struct checker *c, uint32_t replica, const struct paxos_message *m)
{
    ref_on_send(c->ref, replica, m);
    switch (m->type) {
    case PAXOS_PREPARE:
        checker_on_prepare(c, replica, m);
        break;
    case PAXOS_PROMISE:
        checker_on_promise(c, replica, m);
        break;
    case PAXOS_ACCEPT:
        for (size_t i = 0; i < m->entry_count; i++) {
            struct vote *vote = checker_vote(c, replica, m->entries[i].slot, m->ballot,
                                             memory_value_hash(blob_bytes(m->entries[i].value)));
            vote->recovered = vote->recovered || !m->entries[i].fresh;
        }
        break;
    case PAXOS_ACCEPTED:
        for (size_t i = 0; i < m->entry_count; i++) {
            if (!has_durable_vote(c, replica, m->entries[i].slot, m->ballot))
                sim_fail(c->sim, "I3: replica %u: a vote left before it was durable", replica);
        }
        break;
    case PAXOS_REFUSED:
        for (size_t i = 0; i < m->entry_count; i++) {
            const struct slot_history *s = checker_slot(c, m->entries[i].slot);
            for (uint32_t k = 0; k < s->count; k++) {
                if (ballot_equal(s->votes[k].ballot, m->ballot) && s->votes[k].recovered)
                    sim_fail(c->sim, "replica %u refused a recovered value", replica);
            }
        }
        break;
    case PAXOS_PREVOTE:
    case PAXOS_PREVOTE_ANSWER:
    case PAXOS_PREEMPTED:
    case PAXOS_HEARTBEAT:
    case PAXOS_HEARTBEAT_ANSWER:
    case PAXOS_CHOSEN:
    case PAXOS_LEARN:
    case PAXOS_CATCH_UP:
    case PAXOS_READ:
    case PAXOS_READ_ANSWER:
    case PAXOS_REJOIN:
    case PAXOS_REJOIN_ANSWER:
    case PAXOS_MESSAGE_TYPE_END:
        break;
    }
}

void checker_on_learned(struct checker *c, uint32_t replica, uint64_t slot, uint64_t value)
{
    struct replica_history *r = &c->replicas[replica];
    const struct slot_history *s = checker_slot(c, slot);
    if (slot != r->learned_next)
        sim_fail(c->sim, "I9: replica %u learned slot %" PRIu64 ", not %" PRIu64, replica, slot,
                 r->learned_next);
    r->learned_next = slot + 1;
    if (!s->chosen)
        sim_fail(c->sim, "I1: replica %u learned slot %" PRIu64 " that no quorum holds", replica,
                 slot);
    else if (s->chosen_value != value)
        sim_fail(c->sim, "I1: replica %u learned another value in slot %" PRIu64, replica, slot);
    ref_on_learned(c->ref, replica, slot, value);
}

void checker_know(struct checker *c, uint64_t slot, uint64_t value)
{
    struct slot_history *s = checker_slot(c, slot);
    s->chosen = true;
    s->chosen_value = value;
    ref_know(c->ref, slot, value);
}

void checker_on_acknowledged(struct checker *c, uint64_t slot, uint64_t value)
{
    struct slot_history *s = checker_slot(c, slot);
    if (!s->chosen || s->chosen_value != value)
        sim_fail(c->sim, "I11: slot %" PRIu64 " was acknowledged and is not chosen", slot);
    s->acknowledged = value;
    if (slot > c->read_floor)
        c->read_floor = slot;
    if (slot > c->acknowledged_last)
        c->acknowledged_last = slot;
}

uint64_t checker_read_begin(const struct checker *c)
{
    return c->read_floor;
}

void checker_read_end(struct checker *c, uint32_t replica, uint64_t floor, uint64_t applied)
{
    if (applied < floor)
        sim_fail(c->sim, "I12: a read at replica %u saw slot %" PRIu64 ", %" PRIu64 " was done",
                 replica, applied, floor);
    if (applied > c->read_floor)
        c->read_floor = applied;
}

void checker_on_log(struct checker *c, uint32_t replica, uint64_t slot, uint64_t value)
{
    const struct slot_history *s = checker_slot(c, slot);
    if (s->acknowledged != 0 && s->acknowledged != value)
        sim_fail(c->sim, "I11: replica %u lost the acknowledged command in slot %" PRIu64, replica,
                 slot);
    if (!s->chosen || s->chosen_value != value)
        sim_fail(c->sim, "I1: replica %u has another value in slot %" PRIu64, replica, slot);
}

uint64_t checker_acknowledged_last(const struct checker *c)
{
    return c->acknowledged_last;
}

uint64_t checker_events(const struct checker *c)
{
    return ref_event_count(c->ref);
}
