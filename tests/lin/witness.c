/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * witness.c - the slots that answers carry are an order already; is it a right one? O(n log n).
 *
 *   1 time     a call that began after another had returned has no smaller slot; a change a larger
 *   2 place    a slot holds one change
 *   3 value    a read gives the last value written at or below its slot, also a stale one
 *   4 ghost    what a refused change would have written is never seen
 *   5 verdict  a change was applied, or refused, as the value below its slot demands
 *   6 again    the same bytes get the same verdict and slot
 *
 * It trusts the slots, so it is not enough alone: see blackbox.c. A write without an answer gets
 * its slot from whoever reads it.
 */
#include "tests/lin/history.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/mem.h"

#define FINDINGS_MAX 8u

struct write {
    uint64_t slot;
    uint32_t key, value;
    const struct lin_op *op;
};

struct witness {
    const struct lin_history *h;
    FILE *out;
    unsigned findings;
    const struct lin_op **writers; /* by value; NULL: nobody wrote it */
    uint64_t *slots;               /* by value; 0: not known */
    struct write *writes;          /* by key, then by slot */
    size_t write_count;
    uint64_t *open_since; /* by key: the call of the first write whose slot nobody knows */
};

static void find(struct witness *w, const char *what, const struct lin_op *op,
                 const struct lin_op *other)
{
    if (w->findings++ >= FINDINGS_MAX || w->out == NULL)
        return;
    fprintf(w->out, "%s:\n", what);
    lin_op_print(w->h, op, w->out);
    if (other != NULL)
        lin_op_print(w->h, other, w->out);
}

/* ---- 1: time ---- */

static int by_call(const void *a, const void *b)
{
    const struct lin_op *const *x = a, *const *y = b;
    return (*x)->call_ns < (*y)->call_ns ? -1 : (*x)->call_ns > (*y)->call_ns;
}

static int by_return(const void *a, const void *b)
{
    const struct lin_op *const *x = a, *const *y = b;
    return (*x)->done_ns < (*y)->done_ns ? -1 : (*x)->done_ns > (*y)->done_ns;
}

static void check_time(struct witness *w)
{
    size_t count = 0, returned = 0;
    const struct lin_op **calls = mem_alloc((w->h->count + 1) * sizeof(struct lin_op *));
    const struct lin_op **returns = mem_alloc((w->h->count + 1) * sizeof(struct lin_op *));
    for (size_t i = 0; i < w->h->count; i++)
        if (w->h->ops[i].slot != 0)
            calls[count++] = &w->h->ops[i];
    memcpy(returns, calls, count * sizeof(struct lin_op *));
    qsort(calls, count, sizeof(struct lin_op *), by_call);
    qsort(returns, count, sizeof(struct lin_op *), by_return);
    const struct lin_op *highest = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct lin_op *op = calls[i];
        for (; returned < count && returns[returned]->done_ns < op->call_ns; returned++)
            if (highest == NULL || returns[returned]->slot > highest->slot)
                highest = returns[returned];
        if (highest == NULL || op->kind == LIN_STALE)
            continue;
        if (op->slot < highest->slot || (op->kind == LIN_CHANGE && op->slot == highest->slot))
            find(w, "began after the other had ended, but its slot is not behind it", op, highest);
    }
    mem_free(calls);
    mem_free(returns);
}

/* ---- who wrote what, and where ---- */

static void learn_writers(struct witness *w)
{
    for (size_t i = 0; i < w->h->count; i++) {
        const struct lin_op *op = &w->h->ops[i];
        if (op->kind != LIN_CHANGE)
            continue;
        if (w->writers[op->value] != NULL)
            find(w, "two changes write the same value: the history is of no use", op,
                 w->writers[op->value]);
        w->writers[op->value] = op;
        if (op->outcome == LIN_APPLIED)
            w->slots[op->value] = op->slot;
    }
}

/* 4, and the slots of writes without an answer. */
static void learn_reads(struct witness *w)
{
    for (size_t i = 0; i < w->h->count; i++) {
        const struct lin_op *op = &w->h->ops[i];
        if (op->kind == LIN_CHANGE || op->outcome != LIN_VALUE || op->value == LIN_NOTHING)
            continue;
        const struct lin_op *writer = w->writers[op->value];
        if (writer == NULL || writer->key != op->key) {
            find(w, "a value that nobody wrote here", op, writer);
        } else if (writer->outcome != LIN_APPLIED && writer->outcome != LIN_UNKNOWN) {
            find(w, "a change that was refused, or never was, took effect", op, writer);
        } else if (w->slots[op->value] == 0) {
            w->slots[op->value] = op->written;
        } else if (w->slots[op->value] != op->written) {
            find(w, "a value that was written in another slot", op, writer);
        }
    }
}

static int by_key_and_slot(const void *a, const void *b)
{
    const struct write *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int by_slot(const void *a, const void *b)
{
    const struct lin_op *const *x = a, *const *y = b;
    return (*x)->slot < (*y)->slot ? -1 : (*x)->slot > (*y)->slot;
}

static void order_writes(struct witness *w)
{
    for (uint32_t value = 0; value < w->h->values.count; value++) {
        const struct lin_op *op = w->writers[value];
        if (op == NULL)
            continue;
        if (w->slots[value] != 0)
            w->writes[w->write_count++] = (struct write){w->slots[value], op->key, value, op};
        else if (op->outcome == LIN_UNKNOWN && op->call_ns < w->open_since[op->key])
            w->open_since[op->key] = op->call_ns;
    }
    qsort(w->writes, w->write_count, sizeof *w->writes, by_key_and_slot);
}

/* 2 */
static void check_places(struct witness *w)
{
    size_t count = 0;
    const struct lin_op **changes = mem_alloc((w->h->count + 1) * sizeof(struct lin_op *));
    for (size_t i = 0; i < w->h->count; i++)
        if (w->h->ops[i].kind == LIN_CHANGE && w->h->ops[i].slot != 0)
            changes[count++] = &w->h->ops[i];
    qsort(changes, count, sizeof(struct lin_op *), by_slot);
    for (size_t i = 1; i < count; i++)
        if (changes[i]->slot == changes[i - 1]->slot)
            find(w, "two changes in one slot", changes[i], changes[i - 1]);
    mem_free(changes);
}

/* The last write of a key at or below a slot; NULL: none. */
static const struct write *last_write(const struct witness *w, uint32_t key, uint64_t slot)
{
    size_t first = 0, end = w->write_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        const struct write *at = &w->writes[middle];
        if (at->key < key || (at->key == key && at->slot <= slot))
            first = middle + 1;
        else
            end = middle;
    }
    return first > 0 && w->writes[first - 1].key == key ? &w->writes[first - 1] : NULL;
}

/* ---- 3 and 5 ---- */

/* A read that was told no slot: that there is nothing. */
static void check_nothing(struct witness *w, const struct lin_op *op)
{
    for (size_t i = 0; i < w->write_count && op->kind == LIN_READ; i++) {
        const struct write *write = &w->writes[i];
        if (write->key == op->key && write->op->done_ns < op->call_ns) {
            find(w, "nothing was found, long after it was written", op, write->op);
            return;
        }
    }
}

static void check_read(struct witness *w, const struct lin_op *op)
{
    if (op->slot == 0) {
        check_nothing(w, op);
        return;
    }
    const struct write *last = last_write(w, op->key, op->slot);
    uint32_t value = last != NULL ? last->value : LIN_NOTHING;
    if (op->written > op->slot)
        find(w, "a read as of a slot below that of its value", op, NULL);
    else if (value != op->value)
        find(w, "not the last value at or below the slot of the read", op,
             last != NULL ? last->op : NULL);
}

static void check_verdict(struct witness *w, const struct lin_op *op)
{
    const struct write *last = last_write(w, op->key, op->slot - 1);
    uint32_t after;
    if (op->outcome == LIN_OTHER ||
        lin_step(w->h, op, last != NULL ? last->value : LIN_NOTHING, &after))
        return;
    /* A write that nobody has an answer of may be what it met: that is for the black box. */
    if (w->open_since[op->key] < op->done_ns)
        return;
    find(w, "not the verdict that the value below its slot demands", op,
         last != NULL ? last->op : NULL);
}

static void check_answers(struct witness *w)
{
    for (size_t i = 0; i < w->h->count; i++) {
        const struct lin_op *op = &w->h->ops[i];
        if (op->kind != LIN_CHANGE && op->outcome == LIN_VALUE)
            check_read(w, op);
        if (op->kind == LIN_CHANGE && op->slot != 0)
            check_verdict(w, op);
        if (op->again != 0 && op->outcome != LIN_UNKNOWN &&
            (op->again != op->outcome || op->again_slot != op->slot))
            find(w, "the same bytes got another verdict", op, NULL);
    }
}

enum lin_result lin_witness(const struct lin_history *h, FILE *out)
{
    struct witness w = {.h = h, .out = out};
    w.writers = mem_alloc((h->values.count + 1) * sizeof(struct lin_op *));
    w.slots = mem_alloc((h->values.count + 1) * sizeof *w.slots);
    w.writes = mem_alloc((h->values.count + 1) * sizeof *w.writes);
    w.open_since = mem_alloc((h->keys.count + 1) * sizeof *w.open_since);
    for (uint32_t i = 0; i < h->keys.count; i++)
        w.open_since[i] = LIN_NEVER;
    check_time(&w);
    learn_writers(&w);
    learn_reads(&w);
    order_writes(&w);
    check_places(&w);
    check_answers(&w);
    if (w.findings > FINDINGS_MAX && out != NULL)
        fprintf(out, "... and %u more\n", w.findings - FINDINGS_MAX);
    mem_free(w.writers);
    mem_free(w.slots);
    mem_free(w.writes);
    mem_free(w.open_since);
    return w.findings == 0 ? LIN_GOOD : LIN_BAD;
}
