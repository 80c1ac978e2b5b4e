/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_room.c - on a disk that stays full: what was asked for before is there. Votes leave
 * room for promises, these for what follows them, and each vote for the mark that it is chosen.
 */
#include <criterion/criterion.h>

#include "storage/journal_state.h"
#include "tests/unit/storage/rig_expect.h"

/* A vote and its record's head: what the daemon asks for. */
#define VOTE_SIZE 80u

static void open_rig(struct journal_rig *rig, unsigned segments)
{
    rig_init(rig);
    rig->disk->space = (uint64_t)segments * 32768;
    cr_assert_eq(rig_open(rig), RSM_OK);
}

/* Empty votes, each for a slot of its own, as long as there is room; returns one above the last. */
static uint64_t vote_all(struct journal_rig *rig)
{
    uint64_t slot = 1;
    while (journal_make_room(rig->journal, VOTE_SIZE, VOTE_SIZE) == RSM_OK) {
        struct record vote = {.kind = RECORD_ACCEPT, .slot = slot, .ballot = {1, 1}};
        cr_assert_eq(rig_append_other(rig, vote), RSM_OK);
        if (slot++ % 16 == 0)
            cr_assert_eq(journal_flush(rig->journal), RSM_OK);
    }
    cr_assert_eq(journal_flush(rig->journal), RSM_OK);
    return slot;
}

static unsigned promise_all(struct journal_rig *rig)
{
    unsigned count = 0;
    while (count < 1000 && journal_make_room_for_promise(rig->journal) == RSM_OK) {
        struct record promise = {.kind = RECORD_PROMISE, .ballot = {2 + count++, 3}};
        cr_assert_eq(rig_append_other(rig, promise), RSM_OK);
        cr_assert_eq(journal_flush(rig->journal), RSM_OK);
    }
    return count;
}

static void mark_each(struct journal_rig *rig, uint64_t end)
{
    for (uint64_t slot = 1; slot < end; slot++) {
        struct record mark = {.kind = RECORD_CHOSEN, .end = slot + 1};
        cr_assert_eq(rig_append_other(rig, mark), RSM_OK, "slot %lu", (unsigned long)slot);
    }
    cr_assert_eq(journal_flush(rig->journal), RSM_OK);
}

/* A mark is appended when its slot is chosen, whether there is room or not. */
Test(journal_room, each_vote_leaves_room_for_its_mark)
{
    struct journal_rig rig;
    open_rig(&rig, 12);
    uint64_t end = vote_all(&rig);
    cr_assert_gt(end, 1500);
    mark_each(&rig, end);
    rig_deinit(&rig);
}

Test(journal_room, promises_end_before_the_room_for_marks)
{
    struct journal_rig rig;
    open_rig(&rig, 6);
    uint64_t end = vote_all(&rig);
    unsigned promises = promise_all(&rig);
    cr_assert(promises > 10 && promises < 100, "%u", promises);
    cr_assert_eq(journal_make_room_for_promise(rig.journal), RSM_DISK_FULL);
    mark_each(&rig, end);
    cr_assert_gt(promise_all(&rig), 0, "that room is free now");
    for (unsigned i = 0; i < 6; i++) { /* own ones, which nobody asks for */
        struct record promise = {.kind = RECORD_PROMISE, .ballot = {5000 + i, 2}};
        cr_assert_eq(rig_append_other(&rig, promise), RSM_OK);
        cr_assert_eq(journal_flush(rig.journal), RSM_OK);
    }
    cr_assert_eq(journal_make_room(rig.journal, 1, 1), RSM_DISK_FULL);
    cr_assert_eq(journal_make_room_for_promise(rig.journal), RSM_DISK_FULL);
    cr_assert_eq(journal_space(rig.journal), 0);
    rig.disk->space = 0;
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_eq(journal_make_room_for_promise(rig.journal), RSM_OK);
    rig_deinit(&rig);
}

/* Nothing is ready yet, and nothing was tried: a promise finds out. */
Test(journal_room, a_promise_makes_room_where_there_is_some)
{
    struct journal_rig rig;
    open_rig(&rig, 1);
    while (journal_space(rig.journal) == UINT64_MAX && rig_write(&rig, 20) == RSM_OK)
        continue;
    rig_reopen(&rig);
    unsigned before = promise_all(&rig);
    cr_assert_lt(before, 100);
    cr_assert(journal_is_low(rig.journal));
    rig_close(&rig);
    rig.disk->space = UINT64_C(4) * 32768;
    cr_assert_neq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(journal_make_room_for_promise(rig.journal), RSM_OK);
    rig.disk->space = 0;
    cr_assert_gt(promise_all(&rig), 100, "segments are made as they are needed");
    rig_deinit(&rig);
}

/* The rest of the current segment is given up by a turn: the reserve has to be behind it. */
Test(journal_room, a_turn_does_not_give_up_the_room_for_marks)
{
    struct journal_rig rig;
    open_rig(&rig, 6);
    uint64_t end = vote_all(&rig);
    struct journal_extent before = journal_extent(rig.journal);
    cr_assert_eq(journal_turn(rig.journal), RSM_DISK_FULL);
    cr_assert_eq(journal_extent(rig.journal).segment, before.segment);
    mark_each(&rig, end);
    rig.disk->space = 0;
    cr_assert_eq(journal_turn(rig.journal), RSM_OK);
    cr_assert_gt(journal_extent(rig.journal).segment, before.segment);
    rig_deinit(&rig);
}

/* Room in small segments is none for a record that is larger than they. */
Test(journal_room, a_record_larger_than_the_segments_gets_a_larger_one)
{
    enum { LARGE = 50000 };
    struct journal_rig rig;
    open_rig(&rig, 10);
    cr_assert_eq(journal_make_room(rig.journal, 80000, 1000), RSM_OK);
    cr_assert_eq(journal_make_room(rig.journal, LARGE + VOTE_SIZE, LARGE + VOTE_SIZE),
                 RSM_DISK_FULL);
    cr_assert_eq(journal_make_room(rig.journal, 30000, 1000), RSM_OK, "small ones have room");
    rig.disk->space = 0;
    cr_assert_eq(journal_prepare_next(rig.journal), RSM_OK);
    cr_assert_eq(journal_make_room(rig.journal, LARGE + VOTE_SIZE, LARGE + VOTE_SIZE), RSM_OK);
    rig.disk->space = 1; /* nothing more */
    rig_write_large(&rig, LARGE);
    rig_deinit(&rig);
}

Test(journal_room, a_journal_whose_disk_fails_or_is_in_doubt_gives_none)
{
    struct journal_rig rig;
    open_rig(&rig, 10);
    cr_assert_eq(journal_make_room(rig.journal, 30000, 1000), RSM_OK);
    disk_mem_fail(rig.disk, 1, RSM_IO);
    cr_assert_eq(journal_make_room(rig.journal, 30000, 30000), RSM_IO);
    cr_assert_eq(journal_make_room(rig.journal, 1, 1), RSM_IO);
    cr_assert_eq(journal_make_room_for_promise(rig.journal), RSM_IO);
    cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_IO);
    rig_deinit(&rig);

    open_rig(&rig, 10);
    cr_assert_eq(rig_write(&rig, 900), RSM_OK);
    rig_close(&rig);
    disk_remove(&rig.disk->disk, 1);
    cr_assert_eq(rig_open(&rig), RSM_DAMAGED);
    cr_assert_eq(journal_make_room_for_promise(rig.journal), RSM_READ_ONLY);
    cr_assert_eq(journal_prepare_ahead(rig.journal), RSM_READ_ONLY);
    cr_assert_eq(journal_turn(rig.journal), RSM_READ_ONLY);
    rig_deinit(&rig);
}
