/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_fences.c - bytes and marks guard each other; here one of the two is taken away, and
 * the other alone has to hold. Each was planted as a mistake that nothing found, for the second
 * fence stood (tests/mutants/outside).
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/loss.h"
#include "storage/segment.h"
#include "tests/unit/storage/rig_expect.h"

/* Both marks of a segment say the same, durably. */
static void put_marks(struct journal_rig *rig, uint64_t segment, struct segment_mark mark)
{
    struct disk_mem_file *f = disk_mem_file(rig->disk, segment);
    uint8_t *bytes = mem_copy(f->now, f->now_size);

    mark.first_segment = 1;
    for (mark.writes = 8; mark.writes < 8 + SEGMENT_MARK_COUNT; mark.writes++)
        segment_mark_encode(&rig->identity, segment, &mark,
                            bytes + segment_mark_offset(mark.writes));
    disk_mem_set(rig->disk, segment, bytes, f->now_size);
    mem_free(bytes);
}

static void zero(struct journal_rig *rig, uint64_t segment, uint64_t first, uint64_t end)
{
    struct disk_mem_file *f = disk_mem_file(rig->disk, segment);
    uint8_t *bytes = mem_copy(f->now, f->now_size);

    memset(bytes + first, 0, end - first);
    disk_mem_set(rig->disk, segment, bytes, f->now_size);
    mem_free(bytes);
}

/* Four groups of three records in the first segment; *offsets: where each ends. */
static void write_four(struct journal_rig *rig, uint64_t offsets[4])
{
    rig_begin(rig);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(rig_write(rig, 3), RSM_OK);
        offsets[i] = journal_extent(rig->journal).offset;
    }
    rig_close(rig);
}

/* Marks that are far behind, as after lost writes: what lies behind the gap says enough. */
Test(journal_fences, a_later_group_is_no_part_of_a_torn_one)
{
    struct journal_rig rig;
    uint64_t offsets[4];
    write_four(&rig, offsets);
    zero(&rig, 1, offsets[1], offsets[2]);
    put_marks(&rig, 1, (struct segment_mark){.a = 1, .b = 1});
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(rig.report.verdict, JOURNAL_DAMAGED);
    rig_deinit(&rig);
}

/* What is found behind damage is evidence: the journal itself ends before it. */
Test(journal_fences, records_behind_damage_are_not_the_journals)
{
    struct journal_rig rig;
    uint64_t offsets[4];
    write_four(&rig, offsets);
    zero(&rig, 1, offsets[1], offsets[2]);
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(rig.evidence, 3);
    cr_assert_eq(rig.report.last_sequence, 6);
    cr_assert_eq(rig.report.records, rig.visited + 1); /* a checkpoint */
    rig_deinit(&rig);
}

/* Small segments until three are in use, and none is prepared behind them. */
static void write_three_segments(struct journal_rig *rig)
{
    rig_init(rig);
    rig->options.segment_size = SEGMENT_SIZE_MIN;
    rig->value_size = 3000;
    cr_assert_eq(rig_open(rig), RSM_OK);
    while (journal_extent(rig->journal).segment < 3)
        cr_assert_eq(rig_write(rig, 2), RSM_OK);
    rig_reopen(rig);
    cr_assert_eq(rig->report.verdict, JOURNAL_CLEAN);
    rig_close(rig);
    for (uint64_t segment = 4; disk_mem_file(rig->disk, segment) != NULL; segment++)
        cr_assert_eq(disk_remove(&rig->disk->disk, segment), RSM_OK);
    cr_assert_eq(disk_flush_directory(&rig->disk->disk), RSM_OK);
}

/* The seal is gone and the mark says that one more group was written here: it is not elsewhere. */
Test(journal_fences, a_group_that_its_mark_knows_is_not_the_next_segments)
{
    struct journal_rig rig;
    struct segment_group group;
    struct writer payload;
    struct reader records;
    write_three_segments(&rig);
    writer_init(&payload, LIMIT_SEGMENT_SIZE);
    const struct disk_mem_file *f = disk_mem_file(rig.disk, 2);
    cr_assert(segment_group_decode(&rig.identity, 2, bytes_make(f->now, f->now_size),
                                   SEGMENT_DATA_OFFSET, &group, &payload, &records));
    writer_deinit(&payload);
    put_marks(&rig, 1, (struct segment_mark){.a = group.group - 1, .b = group.group - 1});
    cr_assert_eq(rig_open(&rig), RSM_OK); /* the seal alone */
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    rig_close(&rig);
    put_marks(&rig, 1, (struct segment_mark){.a = group.group, .b = group.group - 1});
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    rig_deinit(&rig);
}

/* In doubt already, and the last segment is gone: nobody knows what was in it. */
Test(journal_fences, behind_a_sealed_segment_there_was_another_one)
{
    struct journal_rig rig;
    write_three_segments(&rig);
    zero(&rig, 1, SEGMENT_DATA_OFFSET, SEGMENT_DATA_OFFSET + DISK_SECTOR_SIZE);
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_neq(rig.report.lost_slot_end, LOSS_UNKNOWN); /* all behind the damage was read */
    rig_close(&rig);
    cr_assert_eq(disk_remove(&rig.disk->disk, 3), RSM_OK);
    cr_assert_eq(disk_flush_directory(&rig.disk->disk), RSM_OK);
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(rig.report.lost_slot_end, LOSS_UNKNOWN);
    rig_deinit(&rig);
}

static uint64_t newest_mark(struct journal_rig *rig)
{
    const struct disk_mem_file *f = disk_mem_file(rig->disk, 1);
    struct segment_mark mark;
    uint64_t newest = 0;

    for (unsigned i = 0; i < SEGMENT_MARK_COUNT; i++) {
        cr_assert(
            segment_mark_decode(&rig->identity, 1, i, f->now + segment_mark_offset(i), &mark));
        newest = mark.writes > newest ? mark.writes : newest;
    }
    return newest;
}

/* A mark that is torn takes itself along and not the one before: they take turns, over a start. */
Test(journal_fences, a_start_writes_over_the_older_mark)
{
    for (unsigned groups = 1; groups <= 2; groups++) {
        struct journal_rig rig;
        rig_begin(&rig);
        for (unsigned i = 0; i < groups; i++)
            cr_assert_eq(rig_write(&rig, 1), RSM_OK);
        rig_close(&rig);
        uint64_t before = newest_mark(&rig);
        cr_assert_eq(rig_open(&rig), RSM_OK);
        cr_assert_eq(newest_mark(&rig), before + 1);
        rig_deinit(&rig);
    }
}

/* Bytes of a disk, not a bug: the head is gone, and the file is longer than any segment may be. */
Test(journal_fences, a_segment_without_its_head_may_be_of_any_length)
{
    struct journal_rig rig;
    uint64_t offsets[4];
    write_four(&rig, offsets);
    zero(&rig, 1, 0, DISK_SECTOR_SIZE);
    disk_mem_resize(rig.disk, 1, LIMIT_SEGMENT_SIZE + (1u << 20));
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig.visited, 12);
    rig.acknowledged = rig.report.last_sequence;
    rig.appended = rig.report.last_sequence;
    cr_assert_eq(rig_write(&rig, 3), RSM_OK);
    rig_reopen(&rig);
    cr_assert_eq(rig.report.last_sequence, 15);
    rig_deinit(&rig);
}
