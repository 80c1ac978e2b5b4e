/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_journal_segments.c - whole segment files lost, emptied, exchanged, or half made. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "storage/segment.h"
#include "tests/unit/storage/rig_expect.h"

/* Four segments in use and one prepared. */
static void set_up(struct journal_rig *rig)
{
    rig_begin(rig);
    cr_assert_eq(rig_write(rig, 1100), RSM_OK);
    cr_assert_eq(journal_prepare_next(rig->journal), RSM_OK);
    rig_reopen(rig);
    cr_assert_eq(rig->report.segments, 4);
    cr_assert_eq(rig->visited, 1100);
    rig_close(rig);
}

/* Opens; a journal that opens as sound must hold everything. */
static enum rsm_status open_soundly(struct journal_rig *rig)
{
    enum rsm_status status = rig_open(rig);

    cr_assert_not(rig->wrong);
    if (status == RSM_OK)
        cr_assert_eq(rig->visited, rig->acknowledged);
    return status;
}

Test(journal_segments, each_one_missing)
{
    for (uint64_t file = 1; file <= 5; file++) {
        struct journal_rig rig;
        set_up(&rig);
        disk_remove(&rig.disk->disk, file);
        enum rsm_status status = open_soundly(&rig);
        cr_assert_eq(status, file == 5 ? RSM_OK : RSM_DAMAGED, "segment %d", (int)file);
        rig_deinit(&rig);
    }
}

Test(journal_segments, each_one_emptied_or_all_zeros)
{
    for (uint64_t file = 1; file <= 5; file++) {
        for (unsigned zeros = 0; zeros < 2; zeros++) {
            struct journal_rig rig;
            set_up(&rig);
            disk_mem_resize(rig.disk, file, 0);
            disk_mem_resize(rig.disk, file, zeros * 32768);
            enum rsm_status status = open_soundly(&rig);
            cr_assert_eq(status, file == 5 ? RSM_OK : RSM_DAMAGED, "segment %d", (int)file);
            rig_deinit(&rig);
        }
    }
}

/* The file of one segment under the number of another, both ways round. */
Test(journal_segments, every_two_exchanged)
{
    for (uint64_t a = 1; a <= 5; a++) {
        for (uint64_t b = a + 1; b <= 5; b++) {
            struct journal_rig rig;
            set_up(&rig);
            struct disk_mem_file *x = disk_mem_file(rig.disk, a);
            struct disk_mem_file *y = disk_mem_file(rig.disk, b);
            uint8_t *bytes = mem_copy(x->now, x->now_size);
            memcpy(x->now, y->now, x->now_size);
            memcpy(y->now, bytes, y->now_size);
            cr_assert_eq(open_soundly(&rig), RSM_DAMAGED);
            mem_free(bytes);
            rig_deinit(&rig);
        }
    }
}

/* The current segment as it was when it was prepared: all flushes to it were lies. */
Test(journal_segments, the_current_one_as_new)
{
    struct journal_rig rig;

    set_up(&rig);
    struct disk_mem *young = disk_mem_clone(rig.disk);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig_write(&rig, 300), RSM_OK);
    rig_close(&rig);
    struct disk_mem_file *f = disk_mem_file(young, 5);
    disk_mem_set(rig.disk, 5, f->now, f->now_size);
    disk_remove(&rig.disk->disk, 6);
    enum rsm_status status = rig_open(&rig);
    cr_assert_not(rig.wrong);
    cr_assert(status == RSM_OK || status == RSM_DAMAGED);
    if (status == RSM_OK) /* one flush group was in it: marks and data lost together */
        cr_assert_leq(rig.acknowledged - rig.visited, 300);
    disk_free(&young->disk);
    rig_deinit(&rig);
}

Test(journal_segments, a_lost_seal_is_harmless_when_the_next_segment_follows)
{
    for (unsigned mark = 0; mark < 2; mark++) {
        struct journal_rig rig;
        set_up(&rig);
        struct disk_mem_file *f = disk_mem_file(rig.disk, 2);
        f->now[segment_mark_offset(mark) + 40] ^= 1;
        cr_assert_eq(open_soundly(&rig), RSM_OK);
        cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
        cr_assert_gt(rig.report.finding_count, 0);
        rig_deinit(&rig);
    }
}

/* A crash at any point of making a segment, or the first one of all. */
Test(journal_segments, an_unfinished_preparation_is_done_again)
{
    for (size_t length = 0; length <= 32768; length += 4096) {
        struct journal_rig rig;
        set_up(&rig);
        disk_mem_resize(rig.disk, 5, 0);
        disk_mem_resize(rig.disk, 5, length);
        cr_assert_eq(open_soundly(&rig), RSM_OK);
        cr_assert_eq(rig.report.findings[0].kind, JOURNAL_LEFTOVER);
        cr_assert_eq(rig_write(&rig, 600), RSM_OK);
        rig_close(&rig);
        cr_assert_eq(open_soundly(&rig), RSM_OK);
        cr_assert_eq(rig.report.finding_count, 0);
        rig_deinit(&rig);

        rig_init(&rig);
        disk_mem_set(rig.disk, 1, NULL, 0);
        disk_mem_resize(rig.disk, 1, length);
        rig.options.create = false;
        cr_assert_eq(rig_open(&rig), RSM_DAMAGED, "not new: it may have held anything");
        rig_close(&rig);
        rig.options.create = true;
        cr_assert_eq(rig_open(&rig), RSM_OK);
        cr_assert_eq(rig_write(&rig, 9), RSM_OK);
        rig_deinit(&rig);
    }
}

/* What the journal relies on the store for; nothing while it has all that was ever voted. */
Test(journal_segments, the_base_rises_with_a_drop_and_not_before)
{
    struct journal_rig rig;
    uint64_t base = 1;

    rig_init(&rig);
    cr_assert_eq(journal_base(&rig.disk->disk, &rig.identity, &base), RSM_OK);
    cr_assert_eq(base, 0);
    rig_deinit(&rig);
    set_up(&rig);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_drop_below(rig.journal, 3), RSM_OK);
    rig_close(&rig);
    cr_assert_eq(journal_base(&rig.disk->disk, &rig.identity, &base), RSM_OK);
    cr_assert_eq(base, 0, "nothing was dropped");
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_drop_below(rig.journal, 400), RSM_OK);
    cr_assert_eq(journal_drop_below(rig.journal, 300), RSM_OK);
    rig_close(&rig);
    for (unsigned mark = 0; mark < 2; mark++) {
        cr_assert_eq(journal_base(&rig.disk->disk, &rig.identity, &base), RSM_OK);
        cr_assert_eq(base, 400);
        cr_assert_eq(rig_open(&rig), RSM_OK);
        rig_close(&rig);
    }
    rig.identity.replica++;
    cr_assert_eq(journal_base(&rig.disk->disk, &rig.identity, &base), RSM_WRONG_IDENTITY);
    rig_deinit(&rig);
}

/* Old segments that the store covers may be gone only when a mark says so. */
Test(journal_segments, the_first_one_may_be_missing_only_after_a_drop)
{
    struct journal_rig rig;

    set_up(&rig);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_drop_below(rig.journal, 400), RSM_OK);
    rig_close(&rig);
    cr_assert_null(disk_mem_file(rig.disk, 1));
    uint64_t base = 0;
    cr_assert_eq(journal_base(&rig.disk->disk, &rig.identity, &base), RSM_OK);
    cr_assert_eq(base, 400);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_not(rig.wrong);
    cr_assert_eq(rig.report.last_sequence, 1100);
    rig_close(&rig);
    disk_remove(&rig.disk->disk, 2);
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(rig.report.findings[0].kind, JOURNAL_SEGMENT_MISSING);
    cr_assert_eq(rig.report.findings[0].segment, 2);
    rig_deinit(&rig);
}

/* Damage in the current segment, found while the journal is open: memory still knows everything. */
Test(journal_segments, a_turn_lets_even_the_current_segment_go)
{
    struct journal_rig rig;

    set_up(&rig);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    struct journal_extent before = journal_extent(rig.journal);
    struct disk_mem_file *f = disk_mem_file(rig.disk, before.segment);
    f->now[12288 + 20] ^= 1;
    f->durable[12288 + 20] ^= 1;
    cr_assert_eq(journal_turn(rig.journal), RSM_OK);
    cr_assert_eq(journal_turn(rig.journal), RSM_OK);
    struct journal_extent after = journal_extent(rig.journal);
    cr_assert_eq(after.segment, before.segment + 2);
    cr_assert_eq(journal_drop_below(rig.journal, 1100), RSM_OK);
    cr_assert_eq(journal_extent(rig.journal).first, after.segment);
    cr_assert_eq(rig_write(&rig, 5), RSM_OK);
    rig_reopen(&rig);
    cr_assert_eq(rig.report.verdict, JOURNAL_CLEAN);
    cr_assert_eq(rig.report.last_sequence, 1105);
    cr_assert_gt(rig.report.promise.round, 100);
    cr_assert_not(rig.wrong);
    rig_deinit(&rig);
}

Test(journal_segments, a_turn_is_refused_by_what_cannot_be_written)
{
    struct journal_rig rig;

    set_up(&rig);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    disk_mem_fail(rig.disk, 1, RSM_IO);
    cr_assert_eq(journal_turn(rig.journal), RSM_IO);
    cr_assert_eq(journal_turn(rig.journal), RSM_IO);
    rig_close(&rig);
    rig.disk->fail_at = 0;
    disk_remove(&rig.disk->disk, 2);
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(journal_turn(rig.journal), RSM_READ_ONLY);
    cr_assert_eq(journal_extent(rig.journal).segment, 0);
    rig_deinit(&rig);
}
