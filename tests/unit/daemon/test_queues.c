/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_queues.c - what was learned and what is held: the order, and each reference given back. */
#include <criterion/criterion.h>

#include "src/base/mem.h"
#include "src/daemon/held.h"
#include "src/daemon/learned.h"

#define BLOBS 200u

static struct blob *blobs[BLOBS];

static void set_up(void)
{
    for (uint32_t i = 0; i < BLOBS; i++)
        blobs[i] = blob_new(bytes_make((const uint8_t *)&i, sizeof i));
}

static void tear_down(void)
{
    for (uint32_t i = 0; i < BLOBS; i++) {
        cr_assert_eq(blobs[i]->references, 1, "blob %u", i);
        blob_unref(blobs[i]);
    }
    cr_assert_eq(mem_live_count(), 0);
}

TestSuite(queues, .init = set_up, .fini = tear_down);

static void holds(const struct learned *l, uint64_t first, uint64_t end)
{
    cr_assert_eq(learned_count(l), end - first);
    for (uint64_t slot = first; slot < end; slot++) {
        const struct learned_slot *s = learned_at(l, (size_t)(slot - first));
        cr_assert_eq(s->slot, slot);
        cr_assert_eq(s->value, slot % 7 == 0 ? NULL : blobs[slot]);
    }
}

/* Added at the end, taken at the beginning, in any rhythm; the room of what is gone is used again.
 */
Test(queues, learned_in_order)
{
    for (uint64_t added = 1; added < 9; added++) {
        for (uint64_t taken = 1; taken <= added; taken++) {
            struct learned l = {.slots = NULL};
            uint64_t first = 0, end = 0;
            while (end + added < BLOBS) {
                for (uint64_t i = 0; i < added; i++, end++)
                    learned_add(&l, end, end % 7 == 0 ? NULL : blobs[end]);
                learned_drop(&l, taken);
                first += taken;
                holds(&l, first, end);
            }
            if (taken == added)
                cr_assert_leq(l.capacity, 2 * added, "it does not grow");
            learned_deinit(&l);
        }
    }
}

/* Up to a slot: none, some, one that is between two, all. */
Test(queues, learned_up_to_a_slot)
{
    static const struct {
        uint64_t slot;
        size_t left;
    } rows[] = {{9, 4}, {10, 3}, {11, 3}, {19, 3}, {20, 2}, {40, 0}, {99, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct learned l = {.slots = NULL};
        for (uint64_t k = 1; k <= 4; k++)
            learned_add(&l, 10 * k, blobs[k]);
        learned_drop_to(&l, rows[i].slot);
        cr_assert_eq(learned_count(&l), rows[i].left, "up to %llu",
                     (unsigned long long)rows[i].slot);
        learned_deinit(&l);
    }
}

static struct {
    uint32_t to[BLOBS];
    struct blob *frames[BLOBS];
    size_t count;
} sent;

static void send_one(void *context, uint32_t to, struct blob *frame)
{
    cr_assert_eq(context, &sent);
    sent.to[sent.count] = to;
    sent.frames[sent.count++] = frame;
}

/* Those that are durable leave in the order in which they came; the others stay in theirs. */
Test(queues, held_until_durable)
{
    struct held h = {.frames = NULL};
    for (uint32_t i = 0; i < BLOBS; i++)
        held_add(&h, i % 3, i % 10, blobs[i]);
    sent.count = 0;
    for (uint64_t seq = 0; seq < 9; seq++) {
        size_t before = sent.count;
        cr_assert(held_release(&h, seq, send_one, &sent));
        cr_assert(!held_release(&h, seq, send_one, &sent), "once");
        cr_assert_eq(sent.count - before, BLOBS / 10);
        for (size_t i = 0; i < BLOBS / 10; i++) {
            cr_assert_eq(sent.frames[before + i], blobs[seq + 10 * i]);
            cr_assert_eq(sent.to[before + i], (seq + 10 * i) % 3);
        }
    }
    cr_assert_eq(h.count, BLOBS / 10);
    held_deinit(&h);
}
