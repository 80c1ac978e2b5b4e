/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_forgotten.c - what is easily forgotten in a journal: that a vote is a promise as
 * well, that the first group of a segment begins with a checkpoint, that a system may forget what
 * it could not write and go on showing it. Each was planted as a mistake by somebody who had not
 * seen the tests (tests/mutants/outside).
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/limits.h"
#include "storage/journal_renew.h"
#include "storage/segment.h"
#include "storage/journal_state.h"
#include "tests/unit/storage/rig_expect.h"

static enum rsm_status append_vote(struct journal_rig *rig, uint64_t sequence, struct ballot ballot,
                                   uint64_t slot, size_t size)
{
    static const uint8_t value[SEGMENT_SIZE_MIN];
    struct record record = {.kind = RECORD_ACCEPT,
                            .sequence = sequence,
                            .ballot = ballot,
                            .slot = slot,
                            .value = bytes_make(value, size)};
    return journal_append(rig->journal, &record);
}

/* An acceptor that votes in a ballot that it never promised in so many words has promised it. */
Test(journal_forgotten, a_checkpoint_has_the_ballots_of_votes)
{
    struct journal_rig rig;
    uint64_t sequence = 1;
    rig_begin(&rig);
    cr_assert_eq(append_vote(&rig, sequence, (struct ballot){9, 2}, 1, 100), RSM_OK);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    cr_assert_eq(journal_turn(rig.journal), RSM_OK);
    cr_assert_eq(journal_drop_below(rig.journal, 1), RSM_OK);
    cr_assert_eq(journal_extent(rig.journal).first, 2); /* the vote's own record is gone */
    rig_reopen(&rig);
    cr_assert_eq(rig.report.promise.round, 9);
    cr_assert_eq(rig.report.promise.replica, 2);
    rig_deinit(&rig);
}

/* The first group of a segment, one record, of each size around the one that just fits. */
Test(journal_forgotten, a_record_that_fits_but_for_the_checkpoint_goes_to_the_next_segment)
{
    size_t room =
        (SEGMENT_SIZE_MIN - SEGMENT_DATA_OFFSET) / DISK_SECTOR_SIZE * SECTOR_PAYLOAD_SIZE -
        GROUP_HEAD_SIZE - RECORD_HEAD_SIZE - RECORD_ACCEPT_SIZE;
    unsigned in_first = 0;

    for (size_t size = room - 2u * RECORD_HEAD_SIZE - 2u * RECORD_CHECKPOINT_SIZE; size <= room;
         size++) {
        struct journal_rig rig;
        rig_begin_sized(&rig, SEGMENT_SIZE_MIN);
        cr_assert_eq(append_vote(&rig, 1, (struct ballot){9, 2}, 1, size), RSM_OK);
        cr_assert_eq(journal_flush(rig.journal), RSM_OK);
        in_first += journal_extent(rig.journal).segment == 1;
        journal_close(rig.journal);
        rig.journal = NULL;
        cr_assert_eq(journal_open(&rig.disk->disk, &rig.identity, &rig.options, NULL, NULL,
                                  &rig.report, &rig.journal),
                     RSM_OK);
        cr_assert_eq(rig.report.last_sequence, 1, "%zu bytes", size);
        rig_deinit(&rig);
    }
    cr_assert_gt(in_first, 0);
}

/* After a flush that failed nothing counts as durable that did not before. */
Test(journal_forgotten, a_failed_flush_makes_nothing_durable)
{
    struct journal_rig rig;
    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 3), RSM_OK);
    cr_assert_eq(rig_append(&rig, 2), RSM_OK);
    disk_mem_fail(rig.disk, 1, RSM_IO);
    cr_assert_eq(journal_flush(rig.journal), RSM_IO);
    cr_assert_eq(journal_durable_seq(rig.journal), 3);
    rig_deinit(&rig);
}

static bool keep_none(void *context, size_t index)
{
    (void)context;
    (void)index;
    return false;
}

static bool keep_mask(void *context, size_t index)
{
    return index < 8 && (*(unsigned *)context >> index & 1u) != 0;
}

/* Three records durable; two more in the system's cache, whose flush failed. The process ends. */
static void leave_in_cache(struct journal_rig *rig)
{
    rig_begin(rig);
    cr_assert_eq(rig_write(rig, 3), RSM_OK);
    cr_assert_eq(rig_append(rig, 2), RSM_OK);
    rig->disk->cache_stays = true;
    disk_mem_fail(rig->disk, 3, RSM_IO); /* two parts are written, and then flushed */
    cr_assert_eq(journal_flush(rig->journal), RSM_IO);
    cr_assert(rig->disk->failed);
    rig->disk->fail_at = 0;
    rig_close(rig);
}

/*
 * A flush fails; the system goes on showing what it could not write, and takes it for written. The
 * next process reads it, so it has to write it again: its own flush says nothing of it.
 */
Test(journal_forgotten, what_was_read_at_a_start_is_durable_then)
{
    struct journal_rig rig;
    leave_in_cache(&rig);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    uint64_t seen = rig.report.last_sequence;
    cr_assert_eq(seen, 5);
    rig_close(&rig);
    disk_mem_crash(rig.disk, keep_none, NULL);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig.report.last_sequence, seen);
    rig_deinit(&rig);
}

/* A power cut at each call of that start, with some of its sectors: never damage. */
Test(journal_forgotten, a_start_that_is_cut_off_vouches_for_nothing_that_is_not_there)
{
    for (unsigned n = 1;; n++) {
        bool failed = false;
        for (unsigned keep = 0; keep < 16; keep++) {
            struct journal_rig rig;
            leave_in_cache(&rig);
            rig.disk->failed = false;
            rig.disk->dies = true;
            disk_mem_fail(rig.disk, n, RSM_IO);
            enum rsm_status status = rig_open(&rig);
            failed = rig.disk->failed;
            rig.disk->fail_at = 0;
            rig_close(&rig);
            rig.disk->dies = false;
            disk_mem_crash(rig.disk, keep_mask, &keep);
            if (failed && status != RSM_OK) {
                status = rig_open(&rig);
                cr_assert_neq(rig.report.verdict, JOURNAL_DAMAGED, "call %u, sectors %x", n, keep);
                cr_assert(status == RSM_OK || status == RSM_UNCERTAIN);
                cr_assert_geq(rig.report.last_sequence, 3);
            }
            rig_deinit(&rig);
        }
        if (!failed)
            break;
    }
}

/* A segment was sealed, and the process died before it wrote to the next one. */
Test(journal_forgotten, no_segment_goes_before_the_next_has_a_checkpoint)
{
    struct journal_rig rig;
    rig_begin(&rig);
    cr_assert_eq(append_vote(&rig, 1, (struct ballot){9, 2}, 1, 100), RSM_OK);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    while (journal_is_idle_work_due(rig.journal))
        cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    rig.disk->dies = true;
    disk_mem_fail(rig.disk, 3, RSM_IO); /* the seal, its flush, and then the group */
    cr_assert_eq(journal_turn(rig.journal), RSM_IO);
    rig.disk->fail_at = 0;
    rig.disk->dies = false;
    rig_close(&rig);
    disk_mem_crash(rig.disk, keep_none, NULL);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(journal_extent(rig.journal).segment, 2);
    cr_assert_eq(journal_drop_below(rig.journal, 1), RSM_OK);
    cr_assert_eq(journal_extent(rig.journal).first, 1);
    rig_reopen(&rig);
    cr_assert_eq(rig.report.promise.round, 9);
    rig_deinit(&rig);
}

static uint64_t used_bytes(const struct disk_mem *d)
{
    uint64_t used = 0;
    for (size_t i = 0; i < d->file_count; i++)
        used += d->files[i].exists ? d->files[i].now_size : 0;
    return used;
}

/*
 * Large records while the disk is full: each is refused, not the first alone, though there is room
 * enough in many small segments; and when there is space again nothing of it stays.
 */
Test(journal_forgotten, a_full_disk_refuses_as_often_as_it_is_asked_and_is_forgotten_afterwards)
{
    struct journal_rig rig;
    rig_init(&rig);
    rig.options.segment_size = SEGMENT_SIZE_MIN;
    rig.options.prepared_count = 12;
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_assert_eq(rig_write(&rig, 3), RSM_OK);
    while (journal_is_idle_work_due(rig.journal))
        cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    rig.disk->space = used_bytes(rig.disk);
    uint64_t sequence = journal_durable_seq(rig.journal) + 1;
    for (unsigned i = 0; i < 3; i++) {
        static const uint8_t value[2 * SEGMENT_SIZE_MIN];
        struct record record = {.kind = RECORD_ACCEPT,
                                .sequence = sequence,
                                .ballot = {500, 1},
                                .slot = 7,
                                .value = bytes_make(value, sizeof(value))};
        cr_assert_eq(journal_append(rig.journal, &record), RSM_DISK_FULL, "%u", i);
    }
    cr_assert_neq(journal_space(rig.journal), UINT64_MAX);
    rig.disk->space = 0;
    while (journal_is_idle_work_due(rig.journal))
        cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_eq(journal_space(rig.journal), UINT64_MAX);
    rig_deinit(&rig);
}

/* A group says of which slots it has votes: those of its own, not of the one before. */
Test(journal_forgotten, a_group_says_its_own_slots)
{
    struct journal_rig rig;
    struct segment_group group;
    struct writer payload;
    struct reader records;
    rig_begin(&rig);
    cr_assert_eq(append_vote(&rig, 1, (struct ballot){9, 2}, 40, 100), RSM_OK);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    uint64_t offset = journal_extent(rig.journal).offset;
    cr_assert_eq(append_vote(&rig, 2, (struct ballot){9, 2}, 7, 100), RSM_OK);
    cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    writer_init(&payload, LIMIT_SEGMENT_SIZE);
    const struct disk_mem_file *f = disk_mem_file(rig.disk, 1);
    cr_assert(segment_group_decode(&rig.identity, 1, bytes_make(f->now, f->now_size), offset,
                                   &group, &payload, &records));
    cr_assert_eq(group.slot_first, 7);
    cr_assert_eq(group.slot_end, 8);
    writer_deinit(&payload);
    rig_deinit(&rig);
}

/* Six votes of a MiB: more than one group. */
static bool next_large_vote(void *context, struct record *out)
{
    static const uint8_t value[1u << 20];
    uint64_t *slot = context;
    *out = (struct record){
        .slot = ++*slot, .ballot = {9, 2}, .value = bytes_make(value, sizeof(value))};
    return *slot <= 6;
}

/* Who has rejoined has said what its new journal holds: what is gone from its end is lost. */
Test(journal_forgotten, the_end_of_a_renewed_journal_is_vouched_for)
{
    struct journal_rig rig;
    struct journal *fresh = NULL;
    uint64_t slot = 0;
    struct journal_renewal renewal = {.promise = {9, 2},
                                      .chosen_end = 5,
                                      .next_sequence = 10,
                                      .next_vote = next_large_vote,
                                      .context = &slot};
    rig_begin(&rig);
    cr_assert_eq(rig_write(&rig, 3), RSM_OK);
    rig.identity.incarnation++;
    cr_assert_eq(
        journal_renew(&rig.disk->disk, rig.journal, &rig.identity, &rig.options, &renewal, &fresh),
        RSM_OK);
    cr_assert_eq(journal_set_others_aside(fresh), RSM_OK);
    struct journal_extent extent = journal_extent(fresh);
    rig_close(&rig);
    journal_close(fresh);
    struct disk_mem_file *f = disk_mem_file(rig.disk, extent.segment);
    memset(f->now + extent.offset - DISK_SECTOR_SIZE, 0, DISK_SECTOR_SIZE);
    cr_assert_eq(journal_open(&rig.disk->disk, &rig.identity, &rig.options, NULL, NULL, &rig.report,
                              &rig.journal),
                 RSM_DAMAGED);
    rig_deinit(&rig);
}

/* Who has no thread writes the zeros of a segment at once; they are durable when it says so. */
Test(journal_forgotten, zeros_are_durable)
{
    enum { SEGMENT = 1, BYTES = 16 * DISK_SECTOR_SIZE };
    static uint8_t old[BYTES];
    struct disk_mem *d = disk_mem_new();
    memset(old, 0xa5, sizeof old);
    disk_mem_set(d, SEGMENT, old, sizeof old);
    cr_assert_eq(disk_zero_beside(&d->disk, SEGMENT, 0, BYTES), RSM_OK);
    cr_assert_eq(disk_mem_unflushed(d), 0);
    disk_mem_crash(d, NULL, NULL); /* everything is flushed: nothing to decide */
    const struct disk_mem_file *f = disk_mem_file(d, SEGMENT);
    for (size_t i = 0; i < BYTES; i++)
        cr_assert_eq(f->now[i], 0);
    disk_free(&d->disk);
}
