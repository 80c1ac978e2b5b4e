/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_rare.c - disks that answer what disk_mem does not: not yet, other bytes than a
 * moment ago, no space for anything; and states that only a crash at the one moment leaves.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/limits.h"
#include "storage/journal_renew.h"
#include "storage/journal_state.h"
#include "tests/unit/storage/rig_expect.h"

/* The calls of a disk_mem, some of them replaced. */
static struct disk_ops odd;
static const struct disk_ops *real;
static struct {
    unsigned busy;         /* so often a zeroing beside has not ended yet */
    unsigned lie_at;       /* the read with this number has other bytes; 0: none */
    unsigned remove_fails; /* the removal with this number; 0: none */
    unsigned reads, removals;
} now;

static void make_odd(struct journal_rig *rig)
{
    memset(&now, 0, sizeof now);
    real = rig->disk->disk.ops;
    odd = *real;
    rig->disk->disk.ops = &odd;
}

static enum rsm_status zero_later(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    if (now.busy > 0) {
        now.busy--;
        return RSM_BUSY;
    }
    enum rsm_status status = real->zero(disk, file, first, end);
    return status == RSM_OK ? real->flush(disk, file) : status;
}

static uint64_t prepared(struct journal_rig *rig)
{
    struct journal_counters counters;
    journal_get_counters(rig->journal, &counters);
    return counters.prepared;
}

/* A part of a segment that is being zeroed is asked for again and again, and is made once. */
Test(journal_rare, a_part_that_another_thread_zeroes_is_waited_for)
{
    struct journal_rig rig;
    unsigned calls = 0;
    rig_begin_sized(&rig, 1 << 20);
    make_odd(&rig);
    odd.zero_beside = zero_later;
    for (; prepared(&rig) == 0 && calls < 1000; calls++) {
        now.busy = calls % 4 == 0 ? 2 : now.busy;
        cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
    }
    cr_assert(calls > 16 && calls < 1000, "%u", calls);
    cr_assert_eq(rig_write(&rig, 50), RSM_OK);
    rig_reopen(&rig);
    rig_holds(&rig, 1, 50);
    rig_deinit(&rig);
}

/* It is needed before it is ready: the rest is zeroed at once, whatever is under way. */
Test(journal_rare, a_segment_is_needed_while_a_part_of_it_is_under_way)
{
    struct journal_rig rig;
    rig_begin_sized(&rig, 1 << 20);
    make_odd(&rig);
    odd.zero_beside = zero_later;
    cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
    now.busy = UINT32_MAX;
    cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
    cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK, "the same again");
    cr_assert_eq(prepared(&rig), 0);
    rig.value_size = 9000;
    while (journal_extent(rig.journal).segment == 1)
        cr_assert_eq(rig_write(&rig, 20), RSM_OK);
    rig_reopen(&rig);
    rig_holds(&rig, 1, rig.acknowledged);
    rig_deinit(&rig);
}

/* One is begun, and then a larger one is needed. */
Test(journal_rare, a_preparation_that_is_too_small_begins_anew)
{
    enum { LARGE = 2000000 };
    struct journal_rig rig;
    rig_begin_sized(&rig, 1 << 20);
    cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
    cr_assert_eq(rig.journal->preparing.segment, 2);
    rig_write_large(&rig, LARGE);
    cr_assert_gt(disk_mem_file(rig.disk, 2)->now_size, LARGE);
    rig_deinit(&rig);
}

static enum rsm_status take_all(struct disk *disk, uint64_t file)
{
    (void)disk, (void)file;
    return RSM_OK;
}

static enum rsm_status take_zeros(struct disk *disk, uint64_t file, uint64_t first, uint64_t end)
{
    (void)first, (void)end;
    return take_all(disk, file);
}

static enum rsm_status take_bytes(struct disk *disk, uint64_t file, uint64_t offset,
                                  const void *data, size_t size)
{
    (void)offset, (void)data, (void)size;
    return take_all(disk, file);
}

/* More means that the store does not commit: it is the same as a full disk. */
Test(journal_rare, there_are_no_more_segments_than_a_start_can_list)
{
    struct journal_rig rig;
    struct journal_counters counters;
    rig_begin(&rig);
    make_odd(&rig);
    odd.create = take_all;
    odd.remove = take_all;
    odd.flush = take_all;
    odd.zero = take_zeros;
    odd.zero_beside = take_zeros;
    odd.write = take_bytes;
    cr_assert_eq(journal_make_room(rig.journal, 100u << 20, 1000), RSM_DISK_FULL);
    journal_get_counters(rig.journal, &counters);
    cr_assert_eq(counters.segments + counters.prepared, LIMIT_SEGMENTS);
    rig.disk->disk.ops = real;
    rig_deinit(&rig);
}

static enum rsm_status create_nothing(struct disk *disk, uint64_t file)
{
    (void)disk, (void)file;
    return RSM_DISK_FULL;
}

static enum rsm_status remove_or_fail(struct disk *disk, uint64_t file)
{
    return ++now.removals == now.remove_fails ? RSM_IO : real->remove(disk, file);
}

/* Not even the old size fits any more, and then the segments behind it cannot be removed. */
Test(journal_rare, the_way_back_of_an_enlarging_fails)
{
    unsigned dead = 0, alive = 0;
    for (unsigned n = 1; n <= 8; n++) {
        struct journal_rig rig;
        rig_begin(&rig);
        cr_assert_eq(rig_write(&rig, 10), RSM_OK);
        cr_assert_eq(journal_make_room(rig.journal, 30000, 1000), RSM_OK);
        cr_assert_gt(prepared(&rig), 2);
        make_odd(&rig);
        odd.create = create_nothing;
        odd.remove = remove_or_fail;
        now.remove_fails = n;
        enum rsm_status status = journal_make_room(rig.journal, 30000, 30000);
        cr_assert(status == RSM_IO || status == RSM_DISK_FULL, "%d", (int)status);
        cr_assert_eq(journal_flush(rig.journal) == RSM_OK, status == RSM_DISK_FULL);
        dead += status == RSM_IO;
        alive += status == RSM_DISK_FULL;
        rig_close(&rig);
        rig.disk->disk.ops = real;
        cr_assert_eq(rig_open(&rig), RSM_OK);
        cr_assert_eq(rig.visited, 10);
        rig_deinit(&rig);
    }
    cr_assert(dead > 4 && alive > 0, "%u, %u", dead, alive);
}

static enum rsm_status read_or_lie(struct disk *disk, uint64_t file, uint64_t offset,
                                   void *data_out, size_t size)
{
    enum rsm_status status = real->read(disk, file, offset, data_out, size);
    if (++now.reads == now.lie_at && status == RSM_OK)
        memset(data_out, 0x5a, size);
    return status;
}

/* One read has other bytes than the rest: nothing wrong is shown, and nothing is written of it. */
Test(journal_rare, a_read_that_lies_once)
{
    unsigned failed = 0, n = 1;
    for (bool lied = true; lied; n++) {
        struct journal_rig rig;
        rig_begin(&rig);
        cr_assert_eq(rig_write(&rig, 600), RSM_OK);
        rig_close(&rig);
        make_odd(&rig);
        odd.read = read_or_lie;
        now.lie_at = n;
        enum rsm_status status = rig_open(&rig);
        lied = now.reads >= n;
        cr_assert_not(rig.wrong);
        cr_assert(status != RSM_OK || rig.visited == 600);
        failed += status == RSM_IO;
        rig_close(&rig);
        now.lie_at = 0;
        cr_assert_eq(rig_open(&rig), RSM_OK, "after read %u", n);
        cr_assert_eq(rig.visited, 600);
        rig_deinit(&rig);
    }
    cr_assert(failed > 0 && n > 5, "%u of %u", failed, n);
}

/* Dropped segments that are there again, as after a removal that the disk forgot. */
Test(journal_rare, segments_that_were_dropped_come_back)
{
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct journal_rig rig;
        rig_begin(&rig);
        cr_assert_eq(rig_write(&rig, 1100), RSM_OK);
        struct disk_mem *before = disk_mem_clone(rig.disk);
        cr_assert_eq(journal_drop_below(rig.journal, 1100), RSM_OK);
        rig_close(&rig);
        for (uint64_t file = 1; file <= 3; file++) {
            struct disk_mem_file *f = disk_mem_file(before, file);
            cr_assert_null(disk_mem_file(rig.disk, file));
            f->now[0] ^= (uint8_t)(file != 3); /* no good heads, but good marks */
            disk_mem_set(rig.disk, file, f->now, f->now_size);
        }
        disk_mem_fail(rig.disk, n, RSM_IO);
        (void)rig_open(&rig);
        failed = rig.disk->failed;
        cr_assert_not(rig.wrong);
        rig_close(&rig);
        rig.disk->fail_at = 0;
        cr_assert_eq(rig_open(&rig), RSM_OK);
        for (uint64_t file = 1; file <= 3; file++)
            cr_assert_null(disk_mem_file(rig.disk, file));
        if (!failed) /* one whose marks cannot be read may be of another life */
            cr_assert_eq(disk_mem_aside(rig.disk), 0);
        disk_free(&before->disk);
        rig_deinit(&rig);
    }
}

/* The slots of a group are those between its lowest and its highest vote, in any order. */
Test(journal_rare, votes_in_any_order)
{
    static const uint64_t slots[] = {9, 5, 7, 12, 6};
    struct journal_rig rig;
    rig_begin(&rig);
    for (size_t i = 0; i < 5; i++) {
        struct record vote = {.kind = RECORD_ACCEPT, .slot = slots[i], .ballot = {1, 1}};
        cr_assert_eq(rig_append_other(&rig, vote), RSM_OK);
    }
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    rig_close(&rig);
    cr_assert_eq(journal_open(&rig.disk->disk, &rig.identity, &rig.options, NULL, NULL, &rig.report,
                              &rig.journal),
                 RSM_OK);
    cr_assert_eq(rig.report.accepted_end, 13);
    cr_assert_eq(rig.report.records, 6, "and the checkpoint");
    rig_deinit(&rig);
}

/* Files of others go, those of its own stay, also the one that is being made. */
Test(journal_rare, a_segment_that_is_being_made_is_its_own)
{
    struct journal_rig rig;
    rig_begin_sized(&rig, 1 << 20);
    cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_OK);
    cr_assert_eq(rig.journal->preparing.segment, 2);
    cr_assert_eq(disk_create(&rig.disk->disk, 50), RSM_OK);
    cr_assert_eq(journal_set_others_aside(rig.journal), RSM_OK);
    cr_assert_eq(disk_mem_aside(rig.disk), 1);
    cr_assert_not_null(disk_mem_file(rig.disk, 2));
    cr_assert_null(disk_mem_file(rig.disk, 50));
    rig_deinit(&rig);
}

/* A head of another life over marks of the old one: it may be the old one's after all. */
Test(journal_rare, a_renewal_removes_nothing_that_may_be_of_the_old_life)
{
    struct journal_rig rig;
    struct journal *renewed = NULL;
    uint8_t sector[DISK_SECTOR_SIZE];
    struct journal_renewal renewal = {.promise = {1, 1}, .next_sequence = 1};
    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 600), RSM_OK);
    struct journal_identity other = rig.identity;
    other.incarnation += 5;
    segment_head_encode(&other, 1, 32768, sector);
    cr_assert_eq(disk_write(&rig.disk->disk, 1, 0, sector, sizeof sector), RSM_OK);
    other.incarnation++;
    cr_assert_eq(
        journal_renew(&rig.disk->disk, rig.journal, &other, &rig.options, &renewal, &renewed),
        RSM_OK);
    cr_assert_not_null(disk_mem_file(rig.disk, 1));
    journal_close(renewed);
    cr_assert_eq(disk_create(&rig.disk->disk, UINT64_MAX), RSM_OK);
    renewed = NULL;
    cr_assert_eq(journal_renew(&rig.disk->disk, NULL, &other, &rig.options, &renewal, &renewed),
                 RSM_TOO_MANY, "no number is above the last one");
    cr_assert_null(renewed);
    rig_deinit(&rig);
}

/* Space was short once, and all that is wanted is ready. */
Test(journal_rare, low_is_only_what_lacks_its_reserve)
{
    struct journal_rig rig;
    rig_init(&rig);
    rig.disk->space = UINT64_C(4) * 32768;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_make_room(rig.journal, 1 << 20, 1000), RSM_DISK_FULL);
    cr_assert_eq(prepared(&rig), 3);
    cr_assert_not(journal_is_low(rig.journal));
    cr_assert_neq(journal_space(rig.journal), UINT64_MAX, "but it counts what is there");
    while (rig_write(&rig, 1) == RSM_OK)
        continue;
    cr_assert_eq(rig_append(&rig, 1), RSM_DISK_FULL, "tried already");
    cr_assert(journal_is_low(rig.journal));
    rig_deinit(&rig);
}

static enum rsm_status refuse_evidence(void *context, const struct record *record, bool is_evidence)
{
    (void)record;
    *(unsigned *)context += is_evidence;
    return is_evidence ? RSM_NO_MEMORY : RSM_OK;
}

Test(journal_rare, what_the_visit_says_of_evidence_ends_the_opening)
{
    struct journal_rig rig;
    unsigned seen = 0;
    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 600), RSM_OK);
    rig_close(&rig);
    disk_remove(&rig.disk->disk, 1);
    cr_assert_eq(journal_open(&rig.disk->disk, &rig.identity, &rig.options, refuse_evidence, &seen,
                              &rig.report, &rig.journal),
                 RSM_NO_MEMORY);
    cr_assert_eq(seen, 1);
    cr_assert_null(rig.journal);
    rig_deinit(&rig);
}

static bool keep_all(void *context, size_t index)
{
    (void)context, (void)index;
    return true;
}

/* Every call of a change of segments is the last one: what is there is gone on with. */
Test(journal_rare, a_death_between_the_seal_and_the_first_group)
{
    unsigned empty = 0;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct journal_rig rig;
        rig_begin(&rig);
        while (journal_extent(rig.journal).offset < 31000)
            cr_assert_eq(rig_write(&rig, 5), RSM_OK);
        cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
        disk_mem_fail(rig.disk, n, RSM_IO);
        rig.disk->dies = true;
        enum rsm_status status = RSM_OK;
        for (unsigned i = 0; i < 10 && status == RSM_OK; i++)
            status = rig_write(&rig, 20);
        failed = rig.disk->failed;
        uint64_t acknowledged = rig.acknowledged;
        rig_close(&rig);
        rig.disk->fail_at = 0;
        rig.disk->dies = false;
        disk_mem_crash(rig.disk, keep_all, NULL);
        cr_assert_eq(rig_open(&rig), RSM_OK, "call %u", n);
        cr_assert_geq(rig.visited, acknowledged);
        empty += !rig.journal->segments[rig.journal->current].has_groups;
        cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
        cr_assert_eq(rig_write(&rig, 3), RSM_OK);
        rig_deinit(&rig);
    }
    cr_assert_gt(empty, 0);
}

/* A disk that writes nothing beside: a flush that was begun is over, or has failed. */
Test(journal_rare, a_flush_that_ends_as_it_begins)
{
    struct journal_rig rig;
    rig_begin(&rig);
    make_odd(&rig);
    odd.write_begin = NULL;
    odd.write_end = NULL;
    cr_assert_eq(rig_append(&rig, 9), RSM_OK);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_OK);
    cr_assert_eq(journal_durable_seq(rig.journal), 9);
    cr_assert_eq(journal_flush_end(rig.journal), RSM_OK);
    cr_assert_eq(rig_append(&rig, 1), RSM_OK);
    disk_mem_fail(rig.disk, 1, RSM_IO);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_IO);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_IO);
    rig_reopen(&rig);
    rig_holds(&rig, 1, 9);
    rig_deinit(&rig);
}

/* The group that waits goes into the next segment: that is not begun beside, it is done. */
Test(journal_rare, a_flush_that_changes_the_segment_is_done_at_once)
{
    struct journal_rig rig;
    rig_init(&rig);
    rig.value_size = 9000;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig_write(&rig, 3), RSM_OK);
    cr_assert_eq(journal_extent(rig.journal).segment, 1);
    cr_assert_eq(rig_append(&rig, 1), RSM_OK);
    cr_assert_eq(rig.journal->pending_count, 1);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_OK);
    cr_assert_eq(journal_extent(rig.journal).segment, 2);
    cr_assert_eq(journal_durable_seq(rig.journal), 4);
    rig_deinit(&rig);
}

/* One is under way already: it ends first, and the next one is done. */
Test(journal_rare, a_flush_that_is_begun_behind_another)
{
    struct journal_rig rig;
    rig_begin(&rig);
    rig.disk->is_beside = true;
    cr_assert_eq(rig_append(&rig, 2), RSM_OK);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_BUSY);
    cr_assert_eq(rig_append(&rig, 1), RSM_OK);
    cr_assert_eq(rig.journal->pending_count, 1);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_OK);
    cr_assert_eq(journal_durable_seq(rig.journal), 3);
    rig_deinit(&rig);
}

static enum rsm_status end_badly(struct disk *disk, bool waits)
{
    (void)real->write_end(disk, waits);
    return RSM_IO;
}

/* What is under way has to end before a segment is dropped, and it fails. */
Test(journal_rare, nothing_is_dropped_when_what_is_under_way_fails)
{
    struct journal_rig rig;
    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 600), RSM_OK);
    rig.disk->is_beside = true;
    cr_assert_eq(rig_append(&rig, 1), RSM_OK);
    cr_assert_eq(journal_flush_begin(rig.journal), RSM_BUSY);
    make_odd(&rig);
    odd.write_end = end_badly;
    cr_assert_eq(journal_drop_below(rig.journal, 600), RSM_IO);
    cr_assert_not_null(disk_mem_file(rig.disk, 1));
    cr_assert_eq(journal_flush(rig.journal), RSM_IO);
    rig_deinit(&rig);
}
