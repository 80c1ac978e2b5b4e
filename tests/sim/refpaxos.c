/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * refpaxos.c - the state of Voting, for each slot: every (ballot, value) that was proposed or voted
 * for, who ever voted so, and whose memory still holds it; for each acceptor its promise.
 *
 * "Ever" decides what is chosen and is never taken back. "Holds" is what an acceptor answers from:
 * a vote leaves it only with a disk.
 */
#include "tests/sim/refpaxos.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

#define CONFIGS_MAX 64u

struct ref_vote {
    struct ballot ballot;
    uint64_t value;
    uint32_t ever;
    uint32_t holds;
    bool safe; /* shown once, and so for good */
};

struct ref_slot {
    struct ref_vote *votes;
    uint32_t count;
    uint32_t capacity;
    uint64_t chosen; /* value; 0: none */
};

struct ref_config {
    uint64_t first;
    uint32_t voters;
};

struct refpaxos {
    struct sim *sim;
    struct ref_slot *slots;
    uint64_t slot_capacity;
    struct ref_config configs[CONFIGS_MAX]; /* by `first`, ascending */
    uint32_t config_count;
    struct ballot promise[REPLICA_MAX + 1];
    uint64_t proposed[REPLICA_MAX + 1];      /* highest round of an own ballot with proposals */
    uint64_t closed[REPLICA_MAX + 1];        /* its owner forgot or rejoined: nobody counts in it */
    struct ballot rejoined[REPLICA_MAX + 1]; /* what it promised when it had rejoined */
    uint32_t forgot;                         /* takes no action */
    uint32_t rejoining;                      /* its new memory is being read */
    uint64_t events;
};

struct refpaxos *ref_new(struct sim *sim, uint32_t voters)
{
    struct refpaxos *ref = mem_alloc(sizeof(*ref));
    ref->sim = sim;
    ref->configs[0] = (struct ref_config){1, voters};
    ref->config_count = 1;
    return ref;
}

void ref_free(struct refpaxos *ref)
{
    for (uint64_t i = 0; i < ref->slot_capacity; i++)
        mem_free(ref->slots[i].votes);
    mem_free(ref->slots);
    mem_free(ref);
}

static void mismatch(struct refpaxos *ref, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void mismatch(struct refpaxos *ref, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    sim_fail(ref->sim, "reference, event %" PRIu64 ": %s", ref->events, text);
}

void ref_set_voters(struct refpaxos *ref, uint64_t first, uint32_t voters)
{
    CHECK(ref->config_count < CONFIGS_MAX);
    ref->configs[ref->config_count++] = (struct ref_config){first, voters};
}

static uint32_t voters_of(const struct refpaxos *ref, uint64_t slot)
{
    uint32_t i = ref->config_count - 1;
    while (i > 0 && ref->configs[i].first > slot)
        i--;
    return ref->configs[i].voters;
}

static uint32_t count_of(uint32_t set)
{
    return (uint32_t)__builtin_popcount(set);
}

static bool is_quorum(const struct refpaxos *ref, uint64_t slot, uint32_t set)
{
    uint32_t voters = voters_of(ref, slot);
    return 2 * count_of(set & voters) > count_of(voters);
}

static struct ref_slot *slot_at(struct refpaxos *ref, uint64_t slot)
{
    CHECK(slot < (UINT64_C(1) << 24));
    if (slot >= ref->slot_capacity) {
        uint64_t capacity = ref->slot_capacity == 0 ? 256 : ref->slot_capacity;
        while (capacity <= slot)
            capacity *= 2;
        ref->slots = mem_realloc(ref->slots, capacity * sizeof(*ref->slots));
        memset(ref->slots + ref->slot_capacity, 0,
               (capacity - ref->slot_capacity) * sizeof(*ref->slots));
        ref->slot_capacity = capacity;
    }
    return &ref->slots[slot];
}

/* The entry of (slot, ballot); NULL when the value there is another one: OneValuePerBallot. */
static struct ref_vote *vote_at(struct refpaxos *ref, uint64_t slot, struct ballot ballot,
                                uint64_t value)
{
    struct ref_slot *s = slot_at(ref, slot);
    for (uint32_t i = 0; i < s->count; i++) {
        if (!ballot_equal(s->votes[i].ballot, ballot))
            continue;
        if (s->votes[i].value == value)
            return &s->votes[i];
        mismatch(ref, "two values in slot %" PRIu64 " ballot %" PRIu64 ".%u", slot, ballot.round,
                 ballot.replica);
        return NULL;
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 2 : 2 * s->capacity;
        s->votes = mem_realloc(s->votes, s->capacity * sizeof(*s->votes));
    }
    s->votes[s->count] = (struct ref_vote){.ballot = ballot, .value = value};
    return &s->votes[s->count++];
}

/* The highest vote of an acceptor in a slot below a ballot; NULL: it did not vote. */
static const struct ref_vote *highest_below(const struct ref_slot *s, uint32_t acceptor,
                                            struct ballot ballot, bool earlier)
{
    const struct ref_vote *highest = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct ref_vote *v = &s->votes[i];
        uint32_t voters = earlier ? v->ever : v->holds;
        if (((voters >> acceptor) & 1) != 0 && ballot_compare(v->ballot, ballot) < 0 &&
            (highest == NULL || ballot_compare(v->ballot, highest->ballot) > 0))
            highest = v;
    }
    return highest;
}

/*
 * Is there a quorum that shows `value` safe? Of those who promised `ballot`: take for c each of
 * their highest votes in turn (and "none"); those whose highest vote is not above c are the largest
 * set with this c, and it must hold somebody who voted in c, for `value`.
 *
 * `earlier`: a replica that has rejoined promised `ballot` perhaps before, and told what it had
 * voted for then, and nothing of what it has taken over since.
 */
static bool shows_safe(struct refpaxos *ref, uint64_t slot, struct ballot ballot, uint64_t value,
                       bool earlier)
{
    const struct ref_slot *s = slot_at(ref, slot);
    const struct ref_vote *highest[REPLICA_MAX + 1];
    uint32_t promised = 0;
    uint32_t silent = 0;
    for (uint32_t a = 1; a <= REPLICA_MAX; a++) {
        bool before = earlier && ballot_compare(ballot, ref->rejoined[a]) <= 0;
        highest[a] = highest_below(s, a, ballot, before);
        if (ballot_compare(ref->promise[a], ballot) < 0)
            continue;
        promised |= UINT32_C(1) << a;
        if (highest[a] == NULL)
            silent |= UINT32_C(1) << a;
    }
    if (is_quorum(ref, slot, silent))
        return true;
    for (uint32_t c = 1; c <= REPLICA_MAX; c++) {
        uint32_t set = silent;
        if (((promised >> c) & 1) == 0 || highest[c] == NULL || highest[c]->value != value)
            continue;
        for (uint32_t a = 1; a <= REPLICA_MAX; a++) {
            if (((promised >> a) & 1) != 0 && highest[a] != NULL &&
                ballot_compare(highest[a]->ballot, highest[c]->ballot) <= 0)
                set |= UINT32_C(1) << a;
        }
        if (is_quorum(ref, slot, set))
            return true;
    }
    return false;
}

static void require_safe(struct refpaxos *ref, uint32_t replica, const char *action, uint64_t slot,
                         struct ref_vote *vote)
{
    /* What is chosen is safe in every ballot; the check is cheaper and the theorem is Voting's. */
    if (vote->safe || slot_at(ref, slot)->chosen == vote->value)
        return;
    vote->safe = shows_safe(ref, slot, vote->ballot, vote->value, false) ||
                 shows_safe(ref, slot, vote->ballot, vote->value, true);
    if (!vote->safe)
        mismatch(ref,
                 "%s of replica %u: no quorum shows its value safe, slot %" PRIu64
                 " ballot %" PRIu64 ".%u",
                 action, replica, slot, vote->ballot.round, vote->ballot.replica);
}

static void settle(struct refpaxos *ref, uint64_t slot, const struct ref_vote *vote)
{
    struct ref_slot *s = slot_at(ref, slot);
    if (!is_quorum(ref, slot, vote->ever) || ((vote->ever >> vote->ballot.replica) & 1) == 0 ||
        vote->ballot.round <= ref->closed[vote->ballot.replica])
        return;
    if (s->chosen != 0 && s->chosen != vote->value)
        mismatch(ref, "two values are chosen in slot %" PRIu64, slot);
    s->chosen = vote->value;
}

static void on_promise(struct refpaxos *ref, uint32_t a, struct ballot ballot)
{
    if (ballot_compare(ballot, ref->promise[a]) < 0) {
        mismatch(ref, "IncreaseMaxBal: replica %u goes back to %" PRIu64 ".%u", a, ballot.round,
                 ballot.replica);
        return;
    }
    ref->promise[a] = ballot;
}

static void on_vote(struct refpaxos *ref, uint32_t a, const struct memory_record *record)
{
    uint32_t bit = UINT32_C(1) << a;
    struct ref_vote *vote = vote_at(ref, record->slot, record->ballot, record->value);
    if (vote == NULL)
        return;
    if ((ref->rejoining & bit) != 0) { /* taken over from others, or kept */
        vote->holds |= bit;
        return;
    }
    if (ballot_compare(record->ballot, ref->promise[a]) < 0)
        mismatch(ref, "VoteFor: replica %u votes in slot %" PRIu64 " below its promise", a,
                 record->slot);
    ref->promise[a] = record->ballot;
    require_safe(ref, a, "VoteFor", record->slot, vote);
    vote->ever |= bit;
    vote->holds |= bit;
    settle(ref, record->slot, vote);
}

void ref_know(struct refpaxos *ref, uint64_t slot, uint64_t value)
{
    slot_at(ref, slot)->chosen = value;
}

void ref_on_durable(struct refpaxos *ref, uint32_t acceptor, const struct memory_record *record)
{
    ref->events++;
    if (((ref->forgot >> acceptor) & 1) != 0 && record->kind != MEMORY_CHOSEN)
        mismatch(ref, "replica %u has lost its memory and writes on", acceptor);
    switch (record->kind) {
    case MEMORY_PROMISE:
        if (!record->again || ballot_compare(record->ballot, ref->promise[acceptor]) > 0)
            on_promise(ref, acceptor, record->ballot);
        break;
    case MEMORY_VOTE:
        if (memory_is_vote(record))
            on_vote(ref, acceptor, record);
        else if (slot_at(ref, record->slot)->chosen != record->value)
            mismatch(ref, "replica %u takes a value for chosen in slot %" PRIu64, acceptor,
                     record->slot);
        break;
    case MEMORY_CHOSEN:
        break;
    }
}

static void require_memory(struct refpaxos *ref, uint32_t replica, const char *action)
{
    if (((ref->forgot >> replica) & 1) != 0)
        mismatch(ref, "%s of replica %u, which has lost its memory", action, replica);
}

void ref_on_send(struct refpaxos *ref, uint32_t replica, const struct paxos_message *m)
{
    ref->events++;
    if (m->type == PAXOS_PROMISE) {
        require_memory(ref, replica, "Phase1b");
        if (ballot_compare(ref->promise[replica], m->ballot) < 0)
            mismatch(ref, "Phase1b of replica %u before its promise is durable", replica);
    }
    if (m->type == PAXOS_ACCEPTED)
        require_memory(ref, replica, "Phase2b");
    for (size_t i = 0; m->type == PAXOS_ACCEPT && i < m->entry_count; i++) {
        const struct paxos_entry *e = &m->entries[i];
        struct ref_vote *vote =
            vote_at(ref, e->slot, m->ballot, memory_value_hash(blob_bytes(e->value)));
        if (m->ballot.round > ref->proposed[replica])
            ref->proposed[replica] = m->ballot.round;
        if (vote != NULL)
            require_safe(ref, replica, "Phase2a", e->slot, vote);
    }
    for (size_t i = 0; m->type == PAXOS_ACCEPTED && i < m->entry_count; i++) {
        const struct ref_slot *s = slot_at(ref, m->entries[i].slot);
        uint32_t voted = 0;
        for (uint32_t k = 0; k < s->count; k++) {
            if (ballot_equal(s->votes[k].ballot, m->ballot))
                voted = s->votes[k].ever;
        }
        if (((voted >> replica) & 1) == 0)
            mismatch(ref, "Phase2b of replica %u without its vote in slot %" PRIu64, replica,
                     m->entries[i].slot);
    }
}

void ref_on_learned(struct refpaxos *ref, uint32_t replica, uint64_t slot, uint64_t value)
{
    ref->events++;
    if (slot_at(ref, slot)->chosen != value)
        mismatch(ref, "Learn: replica %u, slot %" PRIu64 ": not what was chosen", replica, slot);
}

void ref_forget(struct refpaxos *ref, uint32_t acceptor)
{
    ref->events++;
    ref->forgot |= UINT32_C(1) << acceptor;
    ref->closed[acceptor] = ref->proposed[acceptor]; /* who led in it is gone, and so is its vote */
}

void ref_rejoin(struct refpaxos *ref, uint32_t acceptor)
{
    uint32_t bit = UINT32_C(1) << acceptor;
    ref->events++;
    ref->forgot &= ~bit;
    ref->rejoining |= bit;
    ref->closed[acceptor] = ref->proposed[acceptor];
    ref->promise[acceptor] = (struct ballot){0, 0};
    for (uint64_t slot = 0; slot < ref->slot_capacity; slot++) {
        for (uint32_t i = 0; i < ref->slots[slot].count; i++)
            ref->slots[slot].votes[i].holds &= ~bit;
    }
}

/*
 * A vote that was taken over in the very ballot that is promised counts like one given now: VoteFor
 * allows it. In a lower ballot it is what the acceptor tells candidates, and no more.
 */
void ref_rejoined(struct refpaxos *ref, uint32_t acceptor)
{
    uint32_t bit = UINT32_C(1) << acceptor;
    ref->rejoining &= ~bit;
    ref->rejoined[acceptor] = ref->promise[acceptor];
    for (uint64_t slot = 0; slot < ref->slot_capacity; slot++) {
        for (uint32_t i = 0; i < ref->slots[slot].count; i++) {
            struct ref_vote *v = &ref->slots[slot].votes[i];
            if ((v->holds & bit) == 0 || !ballot_equal(v->ballot, ref->promise[acceptor]))
                continue;
            require_safe(ref, acceptor, "Rejoin", slot, v);
            v->ever |= bit;
            settle(ref, slot, v);
        }
    }
}

uint64_t ref_event_count(const struct refpaxos *ref)
{
    return ref->events;
}
