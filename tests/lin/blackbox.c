/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blackbox.c - is there an order? Wing and Gong's search with a memory (Lowe 2017; Horn and
 * Kroening 2015), by keys: a history is linearizable when each key's is (Herlihy and Wing,
 * locality).
 *
 * The calls and returns of one key are a list, by time. From its head, a call whose step is legal
 * is lifted out together with its return, and the search goes on from the head; a set of lifted
 * calls with the state they led to is never tried twice. A return that is reached belongs to a call
 * that should have been lifted: back. When no operation with a known outcome is left, the order
 * stands: those of unknown outcome that were not needed come last, or never were.
 *
 * It knows nothing of slots. Reads without an answer say nothing and are left out.
 */
#include "tests/lin/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/base/prng.h"

uint64_t lin_blackbox_states;

struct mark {
    uint64_t a, b;
};

struct entry {
    uint64_t time;
    uint32_t op; /* index of search.ops */
    bool is_return;
};

struct search {
    const struct lin_history *h;
    const struct lin_op **ops;
    uint32_t count;
    uint32_t known;        /* operations with an outcome that are not lifted */
    uint32_t *next, *back; /* of calls 2*op+1 and returns 2*op+2; 0 is the head */
    struct mark *marks;    /* one random mark an operation */
    uint32_t *stack, *states;
    uint32_t depth;
    struct mark *seen; /* {0, 0} is free */
    uint64_t seen_size, seen_count, limit;
    uint32_t *best; /* the longest order found */
    uint32_t best_depth, best_known;
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static bool place(struct mark *table, uint64_t size, struct mark mark)
{
    uint64_t at = mark.a & (size - 1);
    while (table[at].a != 0 || table[at].b != 0) {
        if (table[at].a == mark.a && table[at].b == mark.b)
            return false;
        at = (at + 1) & (size - 1);
    }
    table[at] = mark;
    return true;
}

/* False when this set with this state was seen before. */
static bool is_new(struct search *s, struct mark set, uint32_t state)
{
    struct mark mark = {mix(set.a + state) | 1, mix(set.b ^ (uint64_t)state << 32)};
    if (2 * s->seen_count >= s->seen_size) {
        uint64_t size = s->seen_size == 0 ? 1024 : 4 * s->seen_size;
        struct mark *larger = mem_alloc(size * sizeof *larger);
        for (uint64_t i = 0; i < s->seen_size; i++)
            if (s->seen[i].a != 0)
                (void)place(larger, size, s->seen[i]);
        mem_free(s->seen);
        s->seen = larger;
        s->seen_size = size;
    }
    if (!place(s->seen, s->seen_size, mark))
        return false;
    s->seen_count++;
    lin_blackbox_states++;
    return true;
}

static void lift(struct search *s, uint32_t op)
{
    for (uint32_t node = 2 * op + 1; node <= 2 * op + 2; node++) {
        s->next[s->back[node]] = s->next[node];
        s->back[s->next[node]] = s->back[node];
    }
    s->known -= s->ops[op]->outcome != LIN_UNKNOWN;
}

static void put_back(struct search *s, uint32_t op)
{
    for (uint32_t node = 2 * op + 2; node >= 2 * op + 1; node--) {
        s->next[s->back[node]] = node;
        s->back[s->next[node]] = node;
    }
    s->known += s->ops[op]->outcome != LIN_UNKNOWN;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    if (x->is_return != y->is_return)
        return x->is_return ? 1 : -1; /* calls first: what touches is concurrent */
    return x->op < y->op ? -1 : x->op > y->op;
}

static void build_list(struct search *s)
{
    struct entry *entries = mem_alloc((2 * (size_t)s->count + 1) * sizeof *entries);
    for (uint32_t i = 0; i < s->count; i++) {
        entries[2 * i] = (struct entry){s->ops[i]->call_ns, i, false};
        entries[2 * i + 1] = (struct entry){s->ops[i]->done_ns, i, true};
    }
    qsort(entries, 2 * (size_t)s->count, sizeof *entries, compare_entries);
    uint32_t last = 0;
    for (uint32_t i = 0; i < 2 * s->count; i++) {
        uint32_t node = 2 * entries[i].op + (entries[i].is_return ? 2u : 1u);
        s->next[last] = node;
        s->back[node] = last;
        last = node;
    }
    s->next[last] = 0;
    s->back[0] = last;
    mem_free(entries);
}

static void search_init(struct search *s, const struct lin_history *h, uint32_t key)
{
    struct prng prng;
    s->h = h;
    s->ops = mem_alloc((h->count + 1) * sizeof(struct lin_op *));
    for (size_t i = 0; i < h->count; i++) {
        const struct lin_op *op = &h->ops[i];
        bool counts = op->kind == LIN_READ ? op->outcome == LIN_VALUE
                                           : op->kind == LIN_CHANGE && op->outcome <= LIN_ABSENT;
        if (op->key == key && counts)
            s->ops[s->count++] = op;
    }
    size_t nodes = 2 * (size_t)s->count + 1;
    s->next = mem_alloc(nodes * sizeof *s->next);
    s->back = mem_alloc(nodes * sizeof *s->back);
    s->marks = mem_alloc((s->count + 1) * sizeof *s->marks);
    s->stack = mem_alloc((s->count + 1) * sizeof *s->stack);
    s->states = mem_alloc((s->count + 1) * sizeof *s->states);
    s->best = mem_alloc((s->count + 1) * sizeof *s->best);
    prng_init(&prng, key + 1);
    for (uint32_t i = 0; i < s->count; i++) {
        s->marks[i] = (struct mark){prng_next(&prng), prng_next(&prng)};
        s->known += s->ops[i]->outcome != LIN_UNKNOWN;
    }
    s->best_known = s->known;
    build_list(s);
}

static void search_deinit(struct search *s)
{
    mem_free(s->ops);
    mem_free(s->next);
    mem_free(s->back);
    mem_free(s->marks);
    mem_free(s->stack);
    mem_free(s->states);
    mem_free(s->best);
    mem_free(s->seen);
}

static void remember_best(struct search *s)
{
    if (s->known >= s->best_known)
        return;
    s->best_known = s->known;
    s->best_depth = s->depth;
    memcpy(s->best, s->stack, s->depth * sizeof *s->best);
}

static enum lin_result run(struct search *s)
{
    struct mark set = {0, 0};
    uint32_t state = LIN_NOTHING, after, node = s->next[0];
    while (s->known > 0) {
        CHECK(node != 0); /* a known return is ahead of the end */
        uint32_t op = (node - 1) / 2;
        bool is_return = node == 2 * op + 2;
        struct mark with = {set.a ^ s->marks[op].a, set.b ^ s->marks[op].b};
        if (!is_return && lin_step(s->h, s->ops[op], state, &after) && is_new(s, with, after)) {
            s->stack[s->depth] = op;
            s->states[s->depth++] = state;
            lift(s, op);
            state = after;
            set = with;
            node = s->next[0];
            remember_best(s);
        } else if (!is_return) {
            node = s->next[node];
        } else {
            if (s->depth == 0)
                return LIN_BAD;
            op = s->stack[--s->depth];
            state = s->states[s->depth];
            put_back(s, op);
            set = (struct mark){set.a ^ s->marks[op].a, set.b ^ s->marks[op].b};
            node = s->next[2 * op + 1];
        }
        if (s->seen_count > s->limit)
            return LIN_UNDECIDED;
    }
    return LIN_GOOD;
}

/* The end of the longest order, and the calls that were open where it got stuck. */
static void explain(struct search *s, uint32_t key, enum lin_result result, FILE *out)
{
    bool *used = mem_alloc(s->count + 1);
    uint64_t first_end = LIN_NEVER;
    fprintf(out, "key %s: %s after %" PRIu64 " states; the longest order has %u of %u operations\n",
            s->h->keys.items[key].text, result == LIN_BAD ? "not linearizable" : "undecided",
            s->seen_count, s->best_depth, s->count);
    for (uint32_t i = 0; i < s->best_depth; i++) {
        used[s->best[i]] = true;
        if (i + 8 >= s->best_depth)
            lin_op_print(s->h, s->ops[s->best[i]], out);
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (!used[i] && s->ops[i]->done_ns < first_end)
            first_end = s->ops[i]->done_ns;
    fprintf(out, "stuck, one of these must come next:\n");
    for (uint32_t i = 0; i < s->count; i++)
        if (!used[i] && s->ops[i]->call_ns <= first_end)
            lin_op_print(s->h, s->ops[i], out);
    mem_free(used);
}

enum lin_result lin_blackbox(const struct lin_history *h, uint64_t states_max, FILE *out)
{
    enum lin_result worst = LIN_GOOD;
    for (uint32_t key = 0; key < h->keys.count; key++) {
        struct search search = {.limit = states_max};
        search_init(&search, h, key);
        enum lin_result result = run(&search);
        if (result != LIN_GOOD && out != NULL)
            explain(&search, key, result, out);
        if (result != LIN_GOOD && worst != LIN_BAD)
            worst = result;
        search_deinit(&search);
    }
    return worst;
}
