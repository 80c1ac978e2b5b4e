/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_loss.c - what stands behind a damage bounds what was lost, or nobody knows: the table of
 * loss.h on records, and on journals of which groups are taken out.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/limits.h"
#include "storage/journal.h"
#include "storage/loss.h"
#include "storage/segment.h"
#include "tests/lib/journal_rig.h"

#define PROMISE                                                                                    \
    {                                                                                              \
        .kind = RECORD_PROMISE, .ballot = { 7, 1 }                                                 \
    }
#define CHECKPOINT                                                                                 \
    {                                                                                              \
        .kind = RECORD_CHECKPOINT                                                                  \
    }
#define VOTE                                                                                       \
    {                                                                                              \
        .kind = RECORD_ACCEPT, .slot = 30, .ballot = { 7, 1 }                                      \
    }
#define LEARNED                                                                                    \
    {                                                                                              \
        .kind = RECORD_ACCEPT, .slot = 30, .ballot = { 0, REPLICA_MAX }                            \
    }
#define CHOSEN(slot)                                                                               \
    {                                                                                              \
        .kind = RECORD_CHOSEN, .end = (slot)                                                       \
    }
#define GAP                                                                                        \
    {                                                                                              \
        .sequence = UINT64_MAX                                                                     \
    }
#define RECORDS_MAX 6

struct bound_case {
    const char *what;
    struct record records[RECORDS_MAX]; /* up to one of kind 0 */
    bool is_open;                       /* the end is in doubt */
    uint64_t end;                       /* of the chosen slots that bound it; 0: unknown */
};

static const struct bound_case bound_cases[] = {
    {"promise and mark behind the gap", {GAP, PROMISE, CHOSEN(20)}, false, 20},
    {"a checkpoint will do", {GAP, CHECKPOINT, CHOSEN(20)}, false, 20},
    {"the first mark counts", {GAP, PROMISE, CHOSEN(20), CHOSEN(40)}, false, 20},
    {"a vote, where a checkpoint was read before", {CHECKPOINT, GAP, VOTE, CHOSEN(20)}, false, 20},
    {"a vote, where a promise was", {PROMISE, GAP, VOTE, CHOSEN(20)}, false, 20},
    {"a vote alone may have been taken over", {GAP, VOTE, CHOSEN(20)}, false, 0},
    {"or with a vote before it", {VOTE, GAP, VOTE, CHOSEN(20)}, false, 0},
    {"what is only learned promises nothing", {PROMISE, GAP, LEARNED, CHOSEN(20)}, false, 0},
    {"no mark behind the gap", {CHOSEN(20), GAP, PROMISE}, false, 0},
    {"no promise behind the gap", {PROMISE, GAP, CHOSEN(20)}, false, 0},
    {"the last gap counts", {GAP, PROMISE, CHOSEN(20), GAP, CHOSEN(30)}, false, 0},
    {"and what is behind it", {GAP, PROMISE, CHOSEN(20), GAP, VOTE, CHOSEN(30)}, false, 30},
    {"nothing behind it", {PROMISE, CHOSEN(20), GAP}, false, 0},
    {"an end that may hide more", {GAP, PROMISE, CHOSEN(20)}, true, 0},
    {"a mark that cannot be", {GAP, PROMISE, CHOSEN(SLOT_MAX + 1)}, false, 0},
};

Test(loss, bounds)
{
    for (size_t i = 0; i < sizeof(bound_cases) / sizeof(bound_cases[0]); i++) {
        const struct bound_case *c = &bound_cases[i];
        struct loss loss = {.ends_well = false};
        for (size_t k = 0; k < RECORDS_MAX; k++) {
            if (c->records[k].sequence == UINT64_MAX)
                loss_on_gap(&loss);
            else if (c->records[k].kind != 0)
                loss_on_record(&loss, &c->records[k]);
        }
        loss.ends_well = !c->is_open;
        uint64_t expected = c->end == 0 ? LOSS_UNKNOWN : c->end + LIMIT_WINDOW;
        cr_expect_eq(loss_slot_end(&loss), expected, "%s", c->what);
    }
}

/* Groups of seven records, so that each has a promise and a mark; `end` is the last one's. */
static uint64_t fill(struct journal_rig *rig, unsigned groups)
{
    cr_assert_eq(rig_open(rig), RSM_OK);
    for (unsigned i = 0; i < groups; i++) {
        cr_assert_eq(rig_write(rig, 7), RSM_OK);
        cr_assert_eq(journal_prepare_next(rig->journal), RSM_OK);
    }
    rig_close(rig);
    return rig->appended;
}

static void flip(struct journal_rig *rig, uint64_t segment, uint64_t offset)
{
    disk_mem_file(rig->disk, segment)->now[offset] ^= 0x10;
    disk_mem_file(rig->disk, segment)->durable[offset] ^= 0x10;
}

struct flip_case {
    const char *what;
    uint64_t groups[3]; /* sectors behind the beginning of the groups in segment 1; 0: none */
    bool in_last;       /* and the last group */
    bool is_known;
};

/* The first group is the checkpoint and what came with it; here each group is a few sectors. */
static const struct flip_case flip_cases[] = {
    {"the first group", {1}, false, true},
    {"one in the middle", {9}, false, true},
    {"two in different places", {9, 21}, false, true},
    {"the first and one in the middle", {1, 15}, false, true},
    {"the last", {0}, true, false},
    {"one in the middle and the last", {9}, true, false},
};

Test(loss, journals_with_bad_groups)
{
    for (size_t i = 0; i < sizeof(flip_cases) / sizeof(flip_cases[0]); i++) {
        const struct flip_case *c = &flip_cases[i];
        struct journal_rig rig;
        rig_init(&rig);
        uint64_t last = fill(&rig, 40);
        for (size_t k = 0; k < 3; k++)
            if (c->groups[k] != 0)
                flip(&rig, 1, SEGMENT_DATA_OFFSET + (c->groups[k] - 1) * DISK_SECTOR_SIZE + 60);
        struct journal_extent extent = {1, 1, 0};
        if (c->in_last) {
            struct journal_rig other = rig; /* where does it end? */
            rig_init(&other);
            (void)fill(&other, 40);
            cr_assert_eq(rig_open(&other), RSM_OK);
            extent = journal_extent(other.journal);
            rig_deinit(&other);
            flip(&rig, extent.segment, extent.offset - DISK_SECTOR_SIZE + 20);
        }
        cr_assert_eq(rig_open(&rig), RSM_DAMAGED, "%s", c->what);
        cr_expect(!rig.wrong, "%s", c->what);
        cr_expect_eq(rig.report.lost_slot_end != LOSS_UNKNOWN, c->is_known, "%s: %lu", c->what,
                     (unsigned long)rig.report.lost_slot_end);
        cr_expect_lt(rig.visited + rig.evidence, last, "%s", c->what);
        if (c->is_known) {
            cr_expect_gt(rig.evidence, 0, "%s", c->what);
            cr_expect_leq(rig.report.lost_slot_end, last + LIMIT_WINDOW, "%s", c->what);
        }
        rig_deinit(&rig);
    }
}

struct behind_case {
    const char *what;
    size_t size;      /* of the file behind the last segment */
    uint64_t written; /* the byte there that is not zero; 0: none is */
    bool in_last;     /* the last group is bad as well */
    bool is_known;
};

/* A process that dies while it prepares a segment leaves some zeros and no head. */
static const struct behind_case behind_cases[] = {
    {"a file that was only made", 0, 0, false, true},
    {"its first bytes", 4096, 0, false, true},
    {"a part of it", 40 * DISK_SECTOR_SIZE, 0, false, true},
    {"all of it, without a head", 0x10000, 0, false, true},
    {"something was written there", 40 * DISK_SECTOR_SIZE, 30 * DISK_SECTOR_SIZE, false, false},
    {"something at the very end", 40 * DISK_SECTOR_SIZE, 40 * DISK_SECTOR_SIZE - 1, false, false},
    {"the end of what is before it is bad", 40 * DISK_SECTOR_SIZE, 0, true, false},
};

static uint64_t last_file(const struct journal_rig *rig)
{
    uint64_t last = 0;
    for (size_t i = 0; i < rig->disk->file_count; i++)
        if (rig->disk->files[i].exists && rig->disk->files[i].file > last)
            last = rig->disk->files[i].file;
    return last;
}

Test(loss, behind_it_a_segment_was_being_prepared)
{
    for (size_t i = 0; i < sizeof(behind_cases) / sizeof(behind_cases[0]); i++) {
        const struct behind_case *c = &behind_cases[i];
        struct journal_rig rig;
        rig_init(&rig);
        (void)fill(&rig, 40);
        cr_assert_eq(rig_open(&rig), RSM_OK);
        struct journal_extent extent = journal_extent(rig.journal);
        rig_close(&rig);
        flip(&rig, 1, SEGMENT_DATA_OFFSET + 8u * DISK_SECTOR_SIZE + 60u);
        if (c->in_last)
            flip(&rig, extent.segment, extent.offset - DISK_SECTOR_SIZE + 20u);
        uint64_t behind = last_file(&rig) + 1;
        disk_mem_set(rig.disk, behind, "", 0);
        disk_mem_resize(rig.disk, behind, c->size);
        if (c->written != 0)
            flip(&rig, behind, c->written);
        cr_assert_eq(rig_open(&rig), RSM_DAMAGED, "%s", c->what);
        cr_expect_eq(rig.report.lost_slot_end != LOSS_UNKNOWN, c->is_known, "%s", c->what);
        rig_deinit(&rig);
    }
}

Test(loss, of_a_sound_journal_is_none)
{
    struct journal_rig rig;
    rig_init(&rig);
    (void)fill(&rig, 40);
    cr_assert_eq(rig_open(&rig), RSM_OK);
    cr_expect_eq(rig.report.lost_slot_end, 0);
    cr_expect_eq(rig.evidence, 0);
    rig_deinit(&rig);
}
