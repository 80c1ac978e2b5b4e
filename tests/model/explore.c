/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * explore.c - walks through the states of three real cores, depth first, and looks in each for two
 * values in one slot.
 *
 *   explore [--states N] [--round R] [--ballots B] [--slots S] [--crashes C] [--seed S]
 *           [--mutant NAME]
 *
 * The messages that were sent are a set: each may be delivered at any time, again and again, or
 * never. A state of the world is what the replicas are (explore.h), the set, and what was left of
 * campaigns and crashes. It is known by 64 bits of hash. A walk goes depth first and stays at the
 * bottom for long: after R states it begins again at the top, and looks in another order. It ends
 * after N different states in all, or, with --round 0 (no new beginnings), when all is seen.
 *
 * Invariants, after each step: one learned value for each slot, ever (I1); one proposed value for
 * each ballot and slot (I4). Exit status 1: one is broken, and the steps to it are printed.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "tests/lib/mutant_switch.h"
#include "tests/model/explore.h"

enum {
    DEPTH_MAX = 200,
    SENT_MAX = 4096,
    LOCAL = REPLICAS * EVENT_MESSAGE,
    BALLOTS_KNOWN = 64,
};

struct frame {
    uint32_t states[REPLICAS];
    uint32_t campaigns;
    uint32_t crashes;
    uint32_t sent_count;
    uint64_t sent_hash;
    uint8_t agreed[SLOT_END];
    uint32_t cursor; /* actions tried */
    uint32_t turn;   /* the order of them */
    uint32_t replica;
    uint32_t event; /* what led here */
};

/* A set of hashes. */
struct seen {
    uint64_t *table;
    uint64_t size;
    uint64_t count;
};

static struct {
    struct frame frames[DEPTH_MAX];
    uint32_t depth;
    uint32_t depth_max;
    uint32_t sent[SENT_MAX]; /* in order of sending; a frame has the first sent_count of them */
    bool is_sent[1 << 16];
    uint8_t proposed[BALLOTS_KNOWN][SLOT_END];
    struct seen all;   /* in all rounds */
    struct seen round; /* in this one */
    uint64_t steps;
    uint64_t limit;
    uint64_t round_limit;
    uint64_t rounds;
    uint32_t ballots;
    uint32_t crashes;
    uint64_t seed;
} walk;

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ (hash >> 32);
}

static uint64_t frame_hash(const struct frame *f)
{
    uint64_t hash = mix(mix(walk.crashes, f->campaigns), f->crashes);
    for (int i = 0; i < REPLICAS; i++)
        hash = mix(hash, explore_hash(f->states[i]));
    for (int i = 1; i < SLOT_END; i++)
        hash = mix(hash, f->agreed[i]);
    return mix(hash, f->sent_hash) | 1;
}

/* True when it is new. */
static bool see(struct seen *s, uint64_t hash)
{
    uint64_t place = (hash >> 3) % s->size;
    while (s->table[place] != 0) {
        if (s->table[place] == hash)
            return false;
        place = (place + 1) % s->size;
    }
    CHECK(s->count + 1 < s->size);
    s->table[place] = hash;
    s->count++;
    return true;
}

static bool is_new(uint64_t hash)
{
    bool in_all = see(&walk.all, hash);
    return walk.round_limit == 0 ? in_all : see(&walk.round, hash);
}

static bool violation(const struct frame *last, const char *what)
{
    printf("violated: %s\n", what);
    for (uint32_t i = 1; i <= walk.depth; i++)
        explore_print_event(walk.frames[i].replica, walk.frames[i].event);
    explore_print_event(last->replica, last->event);
    return false;
}

/* False: I1 is broken. */
static bool agree(struct frame *f, uint32_t replica)
{
    for (uint32_t slot = 1; slot < SLOT_END; slot++) {
        uint8_t value = explore_learned(f->states[replica], slot);
        if (value == UNKNOWN)
            continue;
        if (f->agreed[slot] != UNKNOWN && f->agreed[slot] != value)
            return violation(f, "two values in one slot");
        f->agreed[slot] = value;
    }
    return true;
}

/* False: I4 is broken. What was sent on other paths is not undone: a ballot has one life here. */
static bool propose_once(struct frame *f, uint32_t message)
{
    uint32_t ballot = 0;
    uint32_t slot = 0;
    uint8_t value = 0;
    for (uint32_t i = 0; i < f->sent_count; i++) {
        for (uint32_t k = 0; explore_accept(walk.sent[i], k, &ballot, &slot, &value); k++)
            walk.proposed[ballot][slot] = value;
    }
    bool good = true;
    for (uint32_t k = 0; explore_accept(message, k, &ballot, &slot, &value); k++) {
        if (walk.proposed[ballot][slot] != UNKNOWN && walk.proposed[ballot][slot] != value)
            good = violation(f, "two values in one ballot and slot");
    }
    for (uint32_t i = 0; i < f->sent_count; i++) {
        for (uint32_t k = 0; explore_accept(walk.sent[i], k, &ballot, &slot, &value); k++)
            walk.proposed[ballot][slot] = UNKNOWN;
    }
    return good;
}

static bool send(struct frame *f, uint32_t message)
{
    if (walk.is_sent[message])
        return true;
    uint32_t ballot = 0;
    uint32_t slot = 0;
    uint8_t value = 0;
    if (explore_accept(message, 0, &ballot, &slot, &value) && !propose_once(f, message))
        return false;
    CHECK(f->sent_count < SENT_MAX);
    walk.is_sent[message] = true;
    walk.sent[f->sent_count++] = message;
    f->sent_hash += mix(99, message);
    return true;
}

static void unsend(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        walk.is_sent[walk.sent[i]] = false;
}

/*
 * In each round, after each campaign, some links are down: without it nearly everything arrives
 * before something else happens. 64 patterns, half of the time none.
 */
static bool is_down(const struct frame *f, uint32_t from, uint32_t to)
{
    uint64_t pattern = mix(mix(walk.seed, f->campaigns), 5);
    if (walk.round_limit == 0 || (pattern & 64) != 0)
        return false;
    return (pattern >> (from * 2 + (to > from ? to - 1 : to)) & 1) != 0;
}

/* The n-th action of a frame; false when it may not be. */
static bool pick(const struct frame *f, uint32_t n, uint32_t *replica_out, uint32_t *event_out)
{
    uint32_t usual = REPLICAS * EVENT_CAMPAIGN + f->sent_count;
    uint32_t rare = LOCAL - REPLICAS * EVENT_CAMPAIGN;
    /* Campaigns and crashes come when nothing else is left, or now and then first. */
    bool rare_first = f->turn % 8 == 0;
    if (rare_first ? n < rare : n >= usual) {
        uint32_t k = (rare_first ? n : n - usual) + f->turn / 8;
        *replica_out = k % REPLICAS;
        *event_out = EVENT_CAMPAIGN + k / REPLICAS % 2;
        return *event_out == EVENT_CRASH ? f->crashes < walk.crashes : f->campaigns < walk.ballots;
    }
    uint32_t k = ((rare_first ? n - rare : n) + f->turn / 8) % usual;
    if (k < REPLICAS * EVENT_CAMPAIGN) {
        *replica_out = k / EVENT_CAMPAIGN;
        *event_out = k % EVENT_CAMPAIGN;
        return true;
    }
    uint32_t message = walk.sent[k - REPLICAS * EVENT_CAMPAIGN];
    *replica_out = explore_message_to(message);
    *event_out = EVENT_MESSAGE + message;
    return !is_down(f, explore_message_from(message), *replica_out);
}

/* One action of the frame on top; false: an invariant is broken. */
static bool act(struct frame *f, uint32_t n)
{
    struct frame next = *f;
    if (!pick(f, n, &next.replica, &next.event))
        return true;
    const struct outcome *o = explore_event(f->states[next.replica], next.event);
    walk.steps++;
    if (o->next == f->states[next.replica] && o->send_count == 0)
        return true;
    next.states[next.replica] = o->next;
    next.campaigns += next.event == EVENT_CAMPAIGN;
    next.crashes += next.event == EVENT_CRASH;
    bool good = agree(&next, next.replica);
    for (uint32_t i = 0; good && i < o->send_count; i++)
        good = send(&next, o->sends[i]);
    if (!good)
        return false;
    uint64_t hash = frame_hash(&next);
    if (walk.depth + 1 == DEPTH_MAX || !is_new(hash)) {
        unsend(f->sent_count, next.sent_count);
        return true;
    }
    next.cursor = 0;
    next.turn = (uint32_t)(mix(hash, walk.seed) >> 40);
    walk.frames[++walk.depth] = next;
    if (walk.depth > walk.depth_max)
        walk.depth_max = walk.depth;
    return true;
}

static void begin_round(void)
{
    struct frame *first = &walk.frames[0];
    unsend(0, walk.frames[walk.depth].sent_count);
    walk.depth = 0;
    walk.rounds++;
    walk.seed++;
    first->cursor = 0;
    first->turn = (uint32_t)(mix(1, walk.seed) >> 40);
    if (walk.round_limit != 0) {
        memset(walk.round.table, 0, walk.round.size * sizeof(*walk.round.table));
        walk.round.count = 0;
    }
    is_new(frame_hash(first));
}

/* False: an invariant is broken. */
static bool walk_all(void)
{
    struct frame *first = &walk.frames[0];
    memset(first->agreed, UNKNOWN, sizeof(first->agreed));
    memset(walk.proposed, UNKNOWN, sizeof(walk.proposed));
    for (uint32_t i = 0; i < REPLICAS; i++)
        first->states[i] = explore_first(i);
    begin_round();
    while (walk.all.count < walk.limit) {
        struct frame *f = &walk.frames[walk.depth];
        uint32_t actions = LOCAL + f->sent_count;
        if (walk.round_limit != 0 && walk.round.count >= walk.round_limit) {
            begin_round();
        } else if (f->cursor < actions) {
            if (!act(f, f->cursor++))
                return false;
        } else if (walk.depth == 0) {
            return true;
        } else {
            walk.depth--;
            unsend(walk.frames[walk.depth].sent_count, f->sent_count);
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"states", required_argument, NULL, 'n'},  {"round", required_argument, NULL, 'o'},
        {"ballots", required_argument, NULL, 'b'}, {"slots", required_argument, NULL, 's'},
        {"crashes", required_argument, NULL, 'c'}, {"seed", required_argument, NULL, 'r'},
        {"mutant", required_argument, NULL, 'm'},  {NULL, 0, NULL, 0}};
    uint32_t slots = 2;
    walk.limit = 1000000;
    walk.round_limit = 60;
    walk.ballots = 3;
    walk.crashes = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        uint64_t number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        if (c == 'n')
            walk.limit = number;
        else if (c == 'o')
            walk.round_limit = number;
        else if (c == 'b')
            walk.ballots = (uint32_t)number;
        else if (c == 's')
            slots = (uint32_t)number;
        else if (c == 'c')
            walk.crashes = (uint32_t)number;
        else if (c == 'r')
            walk.seed = number;
        else if (c != 'm' || !mutant_set(optarg))
            return 2;
    }
    walk.all.size = walk.limit * 2 + 1024;
    walk.all.table = mem_alloc(walk.all.size * sizeof(*walk.all.table));
    walk.round.size = walk.round_limit * 4 + 64;
    walk.round.table = mem_alloc(walk.round.size * sizeof(*walk.round.table));
    explore_init(slots);
    bool good = walk_all();
    printf("explored: %llu states, %llu steps, %u of a replica, %u messages, depth %u, %llu "
           "rounds%s\n",
           (unsigned long long)walk.all.count, (unsigned long long)walk.steps,
           explore_state_count(), explore_message_count(), walk.depth_max,
           (unsigned long long)walk.rounds,
           good && walk.all.count < walk.limit ? ", complete" : "");
    mem_free(walk.all.table);
    mem_free(walk.round.table);
    return good ? 0 : 1;
}
