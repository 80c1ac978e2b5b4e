/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_beside.c - a flush that goes on while the journal's owner appends: what it covers,
 * what waits for it, and what a crash or a failing call in the middle leaves.
 */
#include <criterion/criterion.h>

#include "src/base/prng.h"
#include "tests/lib/journal_rig.h"

static void open_rig(struct journal_rig *rig)
{
    rig_init(rig);
    rig->value_size = 150;
    rig->options.segment_size = 128u << 10;
    rig->options.prepared_count = 2;
    cr_assert_eq(rig_open(rig), RSM_OK);
    cr_assert_eq(journal_prepare_next(rig->journal), RSM_OK);
    rig->disk->is_beside = true;
}

/* `count` records more, whose flush has begun. */
static void begin(struct journal_rig *rig, unsigned count)
{
    cr_assert_eq(rig_append(rig, count), RSM_OK);
    cr_assert_eq(journal_flush_begin(rig->journal), RSM_BUSY);
}

static void close_and_look(struct journal_rig *rig, uint64_t records)
{
    rig_close(rig);
    rig->disk->is_beside = false;
    cr_assert_eq(rig_open(rig), RSM_OK);
    cr_assert_eq(rig->report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig->visited, records);
    cr_assert_not(rig->wrong);
    rig_deinit(rig);
}

Test(journal_beside, covers_what_was_appended_before_it)
{
    struct journal_rig rig;
    open_rig(&rig);
    struct journal_extent empty = journal_extent(rig.journal);
    begin(&rig, 3);
    cr_assert_eq(rig_append(&rig, 2), RSM_OK);
    cr_assert_eq(journal_flush_end(rig.journal), RSM_BUSY);
    cr_assert_eq(journal_durable_seq(rig.journal), 0);
    cr_assert_eq(journal_extent(rig.journal).offset, empty.offset, "it can still be half written");
    rig.disk->is_over = true;
    cr_assert_eq(journal_flush_end(rig.journal), RSM_OK);
    cr_assert_eq(journal_durable_seq(rig.journal), 3, "and not 5");
    cr_assert_gt(journal_extent(rig.journal).offset, empty.offset);
    cr_assert_eq(journal_flush_end(rig.journal), RSM_OK, "nothing is under way");
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_BUSY);
    rig.disk->is_over = true;
    cr_assert_eq(journal_flush_end(rig.journal), RSM_OK);
    cr_assert_eq(journal_durable_seq(rig.journal), 5);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_OK, "nothing waits");
    close_and_look(&rig, 5);
}

/* A flush for each group, as without. */
Test(journal_beside, one_flush_for_a_group)
{
    struct journal_rig rig;
    struct journal_counters counters;
    open_rig(&rig);
    uint64_t flushes = rig.disk->flushes;
    for (unsigned i = 1; i <= 5; i++) {
        begin(&rig, i);
        rig.disk->is_over = true;
        cr_assert_eq(journal_flush_end(rig.journal), RSM_OK);
    }
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(rig.disk->flushes - flushes, 5);
    cr_assert_eq(counters.flushes, 5);
    cr_assert_eq(counters.groups, 5);
    close_and_look(&rig, 15);
}

static enum rsm_status drop(struct journal *j)
{
    return journal_drop_below(j, rig_slot(40));
}

/* The disk of the tests aborts when a file is touched in which a flush is under way. */
Test(journal_beside, whatever_needs_the_segment_waits)
{
    enum rsm_status (*const calls[])(struct journal *) = {journal_flush, journal_turn,
                                                          journal_prepare_next, drop};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct journal_rig rig;
        open_rig(&rig);
        rig.disk->is_beside = false;
        cr_assert_eq(rig_write(&rig, 40), RSM_OK);
        cr_assert_eq(journal_turn(rig.journal), RSM_OK); /* a segment that can be dropped */
        rig.disk->is_beside = true;
        begin(&rig, 2);
        cr_assert_eq(calls[i](rig.journal), RSM_OK, "call %zu", i);
        cr_assert_eq(rig.disk->under_way, 0, "call %zu", i);
        cr_assert_eq(journal_durable_seq(rig.journal), rig.appended, "call %zu", i);
        cr_assert_eq(journal_flush_end(rig.journal), RSM_OK);
        uint64_t dropped = calls[i] == drop ? 40 : 0;
        close_and_look(&rig, rig.appended - dropped);
    }
}

/* Zeros of the next segments go on beside it: they are other files. */
Test(journal_beside, segments_are_prepared_meanwhile)
{
    struct journal_rig rig;
    struct journal_counters counters = {0};
    open_rig(&rig);
    begin(&rig, 1);
    for (unsigned i = 0; i < 64 && counters.prepared < 2; i++) {
        cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
        journal_get_counters(rig.journal, &counters);
    }
    cr_assert_eq(counters.prepared, 2);
    cr_assert_neq(rig.disk->under_way, 0);
    close_and_look(&rig, 1);
}

/* The group that begins a segment is written as ever: the one before has to be sealed first. */
Test(journal_beside, the_next_segment_is_begun_at_once)
{
    struct journal_rig rig;
    unsigned beside = 0;
    rig_init(&rig);
    rig.value_size = 9000;
    rig.options.segment_size = 64u << 10;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    rig.disk->is_beside = true;
    for (unsigned i = 0; i < 40; i++) {
        cr_assert_eq(rig_append(&rig, 1), RSM_OK);
        enum rsm_status status = journal_flush_begin(rig.journal);
        cr_assert(status == RSM_OK || status == RSM_BUSY);
        beside += status == RSM_BUSY;
        if (i % 3 == 0) /* planned behind what is under way, perhaps in the next segment */
            cr_assert_eq(rig_append(&rig, 1), RSM_OK);
        rig.disk->is_over = true;
        cr_assert_eq(journal_flush_end(rig.journal), RSM_OK);
    }
    cr_assert_gt(beside, 20);
    cr_assert_lt(beside, 40);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    cr_assert_gt(journal_extent(rig.journal).segment, 4);
    close_and_look(&rig, rig.appended);
}

static bool keep_some(void *context, size_t index)
{
    (void)index;
    return prng_below(context, 2) == 0;
}

/* A power cut in the middle, with records that wait behind it: none of them was acknowledged. */
Test(journal_beside, a_power_cut_takes_nothing_that_was_acknowledged)
{
    unsigned survived = 0, lost = 0, uncertain = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct journal_rig rig;
        struct prng prng;
        prng_init(&prng, seed);
        open_rig(&rig);
        for (unsigned i = 0; i < 3; i++) {
            begin(&rig, 1 + (unsigned)prng_below(&prng, 6));
            rig.disk->is_over = true;
            cr_assert_eq(journal_flush_end(rig.journal), RSM_OK);
        }
        rig.acknowledged = rig.appended;
        unsigned count = 1 + (unsigned)prng_below(&prng, 6);
        begin(&rig, count);
        cr_assert_eq(rig_append(&rig, 2), RSM_OK);
        disk_mem_crash(rig.disk, keep_some, &prng);
        rig_close(&rig);
        rig.disk->is_beside = false;
        enum rsm_status status = rig_open(&rig);
        cr_assert(status == RSM_OK || status == RSM_UNCERTAIN, "seed %lu: %d", seed, status);
        cr_assert_not(rig.wrong);
        cr_assert_geq(rig.visited, rig.acknowledged, "seed %lu", seed);
        cr_assert_leq(rig.visited, rig.acknowledged + count, "what waited was nowhere");
        survived += rig.visited > rig.acknowledged;
        lost += status == RSM_OK && rig.visited == rig.acknowledged;
        uncertain += status == RSM_UNCERTAIN;
        rig_deinit(&rig);
    }
    cr_assert(survived > 0 && lost > 0 && uncertain > 0);
}

/* Each call fails, one after the other: the journal is dead from then on, and says so. */
Test(journal_beside, a_failing_call_kills_it)
{
    bool is_through = false;
    for (uint64_t n = 1; !is_through; n++) {
        struct journal_rig rig;
        open_rig(&rig);
        disk_mem_fail(rig.disk, n, RSM_IO);
        cr_assert_eq(rig_append(&rig, 3), RSM_OK);
        enum rsm_status status = journal_flush_begin(rig.journal);
        if (status == RSM_BUSY) {
            cr_assert_eq(rig_append(&rig, 1), RSM_OK);
            rig.disk->is_over = true;
            status = journal_flush_end(rig.journal);
        }
        is_through = !rig.disk->failed;
        cr_assert_eq(status, is_through ? RSM_OK : RSM_IO, "call %lu", n);
        if (!is_through) {
            cr_assert_eq(journal_flush_end(rig.journal), RSM_IO);
            cr_assert_eq(journal_flush_begin(rig.journal), RSM_IO);
            cr_assert_eq(journal_flush(rig.journal), RSM_IO);
            cr_assert_eq(rig_append(&rig, 1), RSM_IO);
            cr_assert_eq(journal_durable_seq(rig.journal), 0);
        }
        cr_assert_leq(n, 4, "two writes and a flush");
        rig_deinit(&rig);
    }
}

/* A failure is told to whoever waits for it, too. */
Test(journal_beside, who_waits_hears_of_a_failure)
{
    enum rsm_status (*const calls[])(struct journal *) = {journal_flush, journal_turn,
                                                          journal_prepare_next};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct journal_rig rig;
        open_rig(&rig);
        begin(&rig, 2);
        disk_mem_fail(rig.disk, 1, RSM_IO);
        cr_assert_eq(calls[i](rig.journal), RSM_IO, "call %zu", i);
        cr_assert_eq(journal_flush_end(rig.journal), RSM_IO);
        cr_assert_eq(journal_durable_seq(rig.journal), 0);
        rig_deinit(&rig);
    }
}
