/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_journal.c - the journal where nothing is wrong: groups, segments, checkpoints, space. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/scan.h"
#include "storage/journal_state.h"
#include "tests/unit/storage/rig_expect.h"

Test(journal, a_new_journal_is_empty_and_clean)
{
    struct journal_rig rig;

    rig_init(&rig);
    rig.options.create = false;
    cr_assert_eq(rig_open(&rig), RSM_NOT_FOUND);
    rig.options.create = true;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig.visited, 0);
    cr_assert_eq(journal_durable_seq(rig.journal), 0);
    rig_deinit(&rig);
}

Test(journal, what_was_flushed_is_there_after_a_crash_and_the_rest_is_not)
{
    struct journal_rig rig;

    rig_begin(&rig);
    for (unsigned count = 1; count <= 10; count++)
        cr_assert_eq(rig_write(&rig, count), RSM_OK);
    cr_assert_eq(rig_append(&rig, 3), RSM_OK);
    cr_assert_eq(journal_durable_seq(rig.journal), 55);
    rig_reopen(&rig);
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig.report.finding_count, 0);
    cr_assert_eq(rig.report.groups, 10);
    rig_holds(&rig, 1, 55);
    rig_deinit(&rig);
}

Test(journal, one_flush_a_group_and_none_for_nothing)
{
    struct journal_rig rig;

    rig_begin(&rig);
    uint64_t flushes = rig.disk->flushes;
    cr_assert_eq(rig_write(&rig, 20), RSM_OK);
    cr_assert_eq(rig.disk->flushes, flushes + 1);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    cr_assert_eq(rig.disk->flushes, flushes + 1);
    rig_deinit(&rig);
}

/* The reopened journal goes on where the old one ended, many times over. */
/* Bytes written for groups and marks, by those of the values in them: 7 records in a group, 5
 * votes. */
static double bytes_for_a_byte(size_t value_size)
{
    struct journal_rig rig;
    struct journal_counters before, after;
    uint64_t values = 0;

    rig_init(&rig);
    rig.value_size = value_size;
    rig.options.segment_size = 4u << 20;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    journal_get_counters(rig.journal, &before);
    for (unsigned i = 0; i < 30; i++)
        cr_assert_eq(rig_write(&rig, 7), RSM_OK);
    journal_get_counters(rig.journal, &after);
    uint8_t *value = mem_alloc(value_size);
    for (uint64_t sequence = 1; sequence <= rig.appended; sequence++) {
        struct record record;
        rig_record(&rig, sequence, value, &record);
        values += record.value.size;
    }
    mem_free(value);
    rig_deinit(&rig);
    cr_assert_gt(values, 0);
    return (double)(after.bytes - before.bytes) / (double)values;
}

/* With groups as large as they are when much is to do, framing and padding cost less than half. */
Test(journal, a_byte_of_a_vote_costs_at_most_one_and_a_half)
{
    cr_assert_leq(bytes_for_a_byte(500), 1.5);
    cr_assert_leq(bytes_for_a_byte(1500), 1.2);
    cr_assert_leq(bytes_for_a_byte(8400), 1.05);
}

Test(journal, reopened_again_and_again)
{
    struct journal_rig rig;

    rig_init(&rig);
    for (unsigned turn = 0; turn < 60; turn++) {
        cr_assert_eq(rig_open(&rig), RSM_OK);
        cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
        cr_assert_eq(rig.report.finding_count, 0);
        cr_assert_not(rig.wrong);
        cr_assert_eq(rig.visited, rig.acknowledged);
        cr_assert_eq(rig_write(&rig, 1 + turn % 13), RSM_OK);
        if (turn % 3 == 0)
            cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
        rig_close(&rig);
    }
    rig_deinit(&rig);
}

Test(journal, segments_follow_each_other_with_a_checkpoint_first)
{
    struct journal_rig rig;
    struct journal_counters counters;

    rig_begin(&rig);
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_eq(rig_write(&rig, 10), RSM_OK);
        while (journal_is_idle_work_due(rig.journal))
            cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    }
    journal_get_counters(rig.journal, &counters);
    cr_assert_gt(counters.segments, 3);
    cr_assert_eq(counters.prepared, 1);
    cr_assert_eq(counters.prepared_late, 0, "never on the commit path");
    rig_reopen(&rig);
    cr_assert_eq(rig.report.finding_count, 0);
    cr_assert_eq(rig.report.segments, counters.segments);
    rig_holds(&rig, 1, 1000);
    rig_deinit(&rig);
}

/*
 * While groups are written a segment is prepared in small steps, as fast as the journal grows, so
 * that no group ever waits for a whole one; and the marks are left to the groups.
 */
Test(journal, preparing_stays_ahead_of_what_is_written)
{
    struct journal_rig rig;
    struct journal_counters before, after;
    unsigned calls = 0;

    rig_init(&rig);
    rig.options.segment_size = 1 << 20;
    rig.options.prepared_count = 1;
    rig.value_size = 1000;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    for (journal_get_counters(rig.journal, &before); before.prepared == 0; calls++) {
        cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
        journal_get_counters(rig.journal, &before);
    }
    cr_assert_eq(calls, 16, "64 KiB a call while nothing is written");
    for (unsigned turn = 0; turn < 60; turn++) {
        cr_assert_eq(rig_write(&rig, 100), RSM_OK); /* tens of KB */
        journal_get_counters(rig.journal, &before);
        cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
        journal_get_counters(rig.journal, &after);
        cr_assert_eq(after.bytes, before.bytes, "no mark");
    }
    cr_assert_gt(after.segments, 2);
    cr_assert_eq(after.prepared_late, 0);
    cr_assert(journal_is_idle_work_due(rig.journal), "the mark of the last group");
    rig_deinit(&rig);
}

/* A large segment is prepared in slices; whoever needs it before, gets the rest done at once. */
Test(journal, preparing_goes_on_in_slices)
{
    struct journal_rig rig;
    struct journal_counters counters;
    unsigned calls = 0;

    rig_init(&rig);
    rig.options.segment_size = 2 << 20;
    rig.value_size = 60000;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    for (; journal_is_idle_work_due(rig.journal); calls++)
        cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_eq(calls, 4);
    cr_assert_eq(rig_write(&rig, 50), RSM_OK); /* into the second segment */
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.segments, 2);
    cr_assert_eq(counters.prepared, 0);
    struct disk_mem *crashed = disk_mem_clone(rig.disk);
    cr_assert_eq(rig_write(&rig, 50), RSM_OK); /* into the half-made third */
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.segments, 3);
    cr_assert_eq(counters.prepared_late, 1);
    rig_reopen(&rig);
    rig_holds(&rig, 1, 100);
    cr_assert_eq(rig.report.finding_count, 0);
    rig_close(&rig);

    struct disk_mem *whole = rig.disk;
    rig.disk = crashed;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    rig_holds(&rig, 1, 50);
    cr_assert_eq(rig.report.findings[0].kind, JOURNAL_LEFTOVER);
    disk_free(&whole->disk);
    rig_deinit(&rig);
}

/* A group that would not fit is parted; each part is durable when journal_flush returns. */
Test(journal, more_than_a_segment_in_one_flush)
{
    struct journal_rig rig;

    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 2000), RSM_OK);
    disk_mem_crash(rig.disk, NULL, NULL); /* everything is flushed: nothing to decide */
    rig_reopen(&rig);
    cr_assert_eq(rig.report.finding_count, 0);
    rig_holds(&rig, 1, 2000);
    rig_deinit(&rig);
}

static enum rsm_status keep_checkpoint(void *context, const struct record *record, bool is_evidence)
{
    struct record *last = context;

    cr_assert(!is_evidence);
    if (record->kind == RECORD_CHECKPOINT)
        *last = *record;
    return RSM_OK;
}

Test(journal, dropped_segments_are_those_the_store_covers_and_the_promise_stays)
{
    struct journal_rig rig;
    struct journal_counters before;
    struct journal_counters after;
    struct record checkpoint = {0};

    rig_begin(&rig);
    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(rig_write(&rig, 10), RSM_OK);
    journal_get_counters(rig.journal, &before);
    cr_assert_eq(journal_drop_below(rig.journal, 0), RSM_OK);
    cr_assert_eq(journal_drop_below(rig.journal, 500), RSM_OK);
    journal_get_counters(rig.journal, &after);
    cr_assert_gt(after.dropped, 0);
    cr_assert_eq(after.segments + after.dropped, before.segments);
    rig_close(&rig);

    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig.report.finding_count, 0);
    cr_assert_not(rig.wrong);
    cr_assert_eq(rig.report.last_sequence, 1000);
    cr_assert_leq(rig.first, 501, "nothing that the store does not hold is gone");
    cr_assert_eq(rig.report.promise.round, 1000 / 7 + 1);
    cr_assert_eq(rig_write(&rig, 10), RSM_OK);
    cr_assert_eq(journal_drop_below(rig.journal, 5000), RSM_OK);
    rig_close(&rig);

    struct journal_report report;
    struct journal *journal = NULL;
    cr_assert_eq(journal_open(&rig.disk->disk, &rig.identity, &rig.options, keep_checkpoint,
                              &checkpoint, &report, &journal),
                 RSM_OK);
    cr_assert_eq(report.segments, 1);
    cr_assert_gt(checkpoint.ballot.round, 100, "the one segment left holds the promise");
    cr_assert_gt(checkpoint.end, 700);
    journal_close(journal);
    rig_deinit(&rig);
}

/* A removal that a crash interrupted leaves files that need not exist: they are removed later. */
Test(journal, an_interrupted_removal_is_finished_at_the_next_start)
{
    struct journal_rig rig;

    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 1000), RSM_OK);
    struct disk_mem *old = disk_mem_clone(rig.disk);
    cr_assert_eq(journal_drop_below(rig.journal, 1000), RSM_OK);
    struct disk_mem_file *first = disk_mem_file(old, 1);
    disk_mem_set(rig.disk, 1, first->now, first->now_size);
    rig_reopen(&rig);
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig.report.findings[0].kind, JOURNAL_LEFTOVER);
    cr_assert_null(disk_mem_file(rig.disk, 1));
    disk_free(&old->disk);
    rig_deinit(&rig);
}

Test(journal, the_largest_value_gets_a_segment_of_its_own)
{
    struct journal_rig rig;
    uint8_t *value = mem_alloc(LIMIT_VALUE_SIZE);
    struct record record = {.kind = RECORD_ACCEPT,
                            .sequence = 8,
                            .slot = 3,
                            .ballot = {9, 1},
                            .value = {value, LIMIT_VALUE_SIZE}};

    rig_init(&rig);
    memset(value, 0xab, LIMIT_VALUE_SIZE);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig_write(&rig, 7), RSM_OK);
    cr_assert_eq(journal_append(rig.journal, &record), RSM_OK);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    rig.appended = 8;
    cr_assert_eq(rig_write(&rig, 5), RSM_OK);
    rig_close(&rig);
    (void)rig_open(&rig);
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig.report.last_sequence, 13);
    cr_assert_eq(rig.visited, 13);
    cr_assert_eq(rig.report.finding_count, 0);
    mem_free(value);
    rig_deinit(&rig);
}

/* Room that was made is there: whoever asked before a vote may begin it. */
Test(journal, room_for_votes_is_made_or_refused)
{
    struct journal_rig rig;
    struct journal_counters counters;

    rig_init(&rig);
    rig.disk->space = UINT64_C(4) * 32768;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_make_room(rig.journal, 1000, 1000), RSM_OK);
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.prepared, 0, "it is there as it is");
    cr_assert_eq(journal_make_room(rig.journal, 25000, 1000), RSM_OK);
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.prepared, 3, "at once");
    cr_assert_eq(journal_make_room(rig.journal, 125000, 1000), RSM_DISK_FULL);
    for (unsigned i = 0; i < 200; i++) /* enough is ready: it may be tried again */
        cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.prepared, 3);
    cr_assert_eq(journal_space(rig.journal), UINT64_MAX);
    cr_assert_eq(journal_make_room(rig.journal, 125000, 1000), RSM_DISK_FULL);
    cr_assert_eq(journal_make_room(rig.journal, 25000, 1000), RSM_OK, "what fits is still taken");
    uint64_t before = rig.appended;
    while (journal_make_room(rig.journal, 200, 200) == RSM_OK)
        cr_assert_eq(rig_write(&rig, 2), RSM_OK);
    cr_assert_gt(rig.appended, before + 20);
    rig.disk->space = 0;
    cr_assert_eq(journal_make_room(rig.journal, 200, 200), RSM_DISK_FULL, "it was tried already");
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_eq(journal_make_room(rig.journal, 200, 200), RSM_OK);
    rig_deinit(&rig);
}

/* The first run left nothing ready, and this one has tried nothing yet. */
Test(journal, room_after_a_start_on_a_full_disk_is_what_is_there)
{
    struct journal_rig rig;

    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 30), RSM_OK);
    rig_close(&rig);
    rig.disk->space = UINT64_C(1) * 32768;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_make_room(rig.journal, 10000, 1000), RSM_DISK_FULL);
    cr_assert(journal_is_low(rig.journal));
    rig.disk->space = 0;
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    disk_mem_fail(rig.disk, 1, RSM_IO);
    cr_assert_eq(journal_make_room(rig.journal, 100000, 1000), RSM_IO);
    cr_assert_eq(journal_make_room(rig.journal, 1, 1), RSM_IO);
    rig_deinit(&rig);
}

Test(journal, a_full_disk_refuses_votes_while_promises_still_fit)
{
    struct journal_rig rig;
    struct record promise = {.kind = RECORD_PROMISE};

    rig_init(&rig);
    rig.disk->space = UINT64_C(3) * 32768;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    enum rsm_status status = RSM_OK;
    while (status == RSM_OK)
        status = rig_write(&rig, 2);
    cr_assert_eq(status, RSM_DISK_FULL);
    cr_assert_lt(journal_space(rig.journal), 16384);
    uint64_t votes = rig.appended;
    for (unsigned i = 0; i < 16; i++) {
        promise.sequence = ++rig.appended;
        promise.ballot = (struct ballot){1000 + i, 3};
        cr_assert_eq(journal_append(rig.journal, &promise), RSM_OK);
        cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    }
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_DISK_FULL);
    cr_assert(journal_is_low(rig.journal));
    cr_assert_not(journal_is_idle_work_due(rig.journal), "not at once again");
    unsigned questions = 0;
    while (questions < 1000 && !journal_is_idle_work_due(rig.journal))
        questions++;
    cr_assert_lt(questions, 100, "but now and then");
    rig.disk->space = 0; /* somebody made room */
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_not(journal_is_low(rig.journal));
    cr_assert_eq(rig_write(&rig, 20), RSM_OK);
    rig_close(&rig);
    (void)rig_open(&rig);
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig.report.last_sequence, votes + 36);
    rig_deinit(&rig);
}

/* A number from a configuration file is never a crash. */
Test(journal, any_segment_size_is_brought_within_bounds)
{
    static const uint32_t sizes[] = {1, 511, 33000, 100001, UINT32_MAX};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct journal_rig rig;
        rig_begin_sized(&rig, sizes[i]);
        cr_assert_eq(rig_write(&rig, 100), RSM_OK);
        rig_reopen(&rig);
        rig_holds(&rig, 1, 100);
        cr_assert_eq(disk_mem_file(rig.disk, 1)->now_size % DISK_SECTOR_SIZE, 0);
        rig_deinit(&rig);
    }
}

Test(journal, another_identity_and_a_newer_format_are_refused)
{
    struct journal_rig rig;
    struct journal_identity own;

    rig_init(&rig);
    own = rig.identity;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig_write(&rig, 30), RSM_OK);
    rig_close(&rig);
    rig.identity.replica = 3;
    cr_assert_eq(rig_open(&rig), RSM_WRONG_IDENTITY);
    cr_assert_null(rig.journal);
    rig.identity = own;
    rig.identity.incarnation++; /* its own journal is gone: that is damage */
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(rig.visited, 0);
    rig_close(&rig);
    rig.identity = own;
    rig.identity.cluster[3] ^= 1;
    cr_assert_eq(rig_open(&rig), RSM_WRONG_IDENTITY);
    rig.identity = own;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    rig_deinit(&rig);
}

struct scan_count {
    unsigned segments;
    unsigned records;
    unsigned checkpoints;
};

static void count_segment(void *context, const struct journal_segment_info *info)
{
    struct scan_count *count = context;

    count->segments += info->group_end > info->group_first;
}

static void count_record(void *context, const struct journal_place *place,
                         const struct record *record)
{
    struct scan_count *count = context;

    cr_assert_not(place->after_damage);
    count->records += record->kind != RECORD_CHECKPOINT;
    count->checkpoints += record->kind == RECORD_CHECKPOINT;
}

Test(journal, a_scan_sees_all_and_changes_nothing)
{
    struct journal_rig rig;
    struct scan_count count = {0};
    struct journal_scanner scanner = {&count, count_segment, count_record};
    struct journal_identity found;

    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 1500), RSM_OK);
    struct disk_mem *before = disk_mem_clone(rig.disk);
    uint64_t writes = rig.disk->writes;
    cr_assert_eq(journal_scan(&rig.disk->disk, NULL, &scanner, &rig.report, &found), RSM_OK);
    cr_assert_eq(rig.disk->writes, writes);
    cr_assert(disk_mem_equal(before, rig.disk));
    cr_assert_eq(count.records, 1500);
    cr_assert_eq(count.segments, count.checkpoints);
    cr_assert_eq(found.incarnation, rig.identity.incarnation);
    disk_free(&before->disk);
    rig_deinit(&rig);
}
