/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_damage.c - one thing of the journal's bytes is wrong, for every such thing.
 *
 * What must hold whatever it is: no record is visited that was not written, in another order, or
 * changed; and a journal that calls itself clean or cut holds everything that was acknowledged.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "storage/scan.h"
#include "storage/segment.h"
#include "storage/journal_state.h"
#include "tests/lib/journal_rig.h"

#define SECTOR DISK_SECTOR_SIZE
#define GROUPS 10u

struct damage {
    struct journal_rig rig;
    struct disk_mem_file *segment; /* the current one */
    size_t used;                   /* bytes of it */
    size_t last_group;             /* where the last group begins */
    bool lazy_mark;                /* b was written for the last group */
};

static void on_segment(void *context, const struct journal_segment_info *info)
{
    (void)context;
    (void)info;
}

static void on_record(void *context, const struct journal_place *place, const struct record *record)
{
    if (!place->after_damage)
        (void)rig_visit(context, record, false);
}

/* Recovers without touching, asserts what must always hold, and gives the verdict. */
static enum journal_verdict verdict_of(struct damage *t, const char *what, size_t where)
{
    struct journal_scanner scanner = {&t->rig, on_segment, on_record};
    struct journal_identity found;

    t->rig.visited = 0;
    t->rig.wrong = false;
    enum rsm_status status =
        journal_scan(&t->rig.disk->disk, &t->rig.identity, &scanner, &t->rig.report, &found);
    cr_assert_eq(status, RSM_OK, "%s %zu: status %d", what, where, (int)status);
    cr_assert_not(t->rig.wrong, "%s %zu: a wrong record", what, where);
    cr_assert(t->rig.visited == 0 || t->rig.first == 1, "%s %zu", what, where);
    if (t->rig.report.verdict <= JOURNAL_CUT)
        cr_assert_eq(t->rig.visited, t->rig.acknowledged, "%s %zu: shorter", what, where);
    return t->rig.report.verdict;
}

/* Some groups in segment 1; segment 2 is prepared. */
static void set_up(struct damage *t, bool lazy_mark)
{
    *t = (struct damage){.lazy_mark = lazy_mark};
    rig_init(&t->rig);
    t->rig.value_size = 90;
    cr_assert_eq(rig_open(&t->rig), RSM_OK);
    cr_assert_eq(journal_prepare_next(t->rig.journal), RSM_OK);
    for (unsigned i = 0; i < GROUPS; i++)
        cr_assert_eq(rig_write(&t->rig, 4 + i % 5), RSM_OK);
    if (lazy_mark)
        cr_assert_eq(journal_prepare_next(t->rig.journal), RSM_OK);
    rig_close(&t->rig);
    t->segment = disk_mem_file(t->rig.disk, 1);
    for (size_t at = SEGMENT_DATA_OFFSET; at < t->segment->now_size; at += SECTOR) {
        uint64_t group = 0;
        if (segment_sector_decode(&t->rig.identity, 1, at, t->segment->now + at, &group) !=
            SEGMENT_SECTOR_GROUP)
            continue;
        t->used = at + SECTOR;
        if (group == GROUPS && t->last_group == 0)
            t->last_group = at;
    }
    cr_assert_gt(t->last_group, SEGMENT_DATA_OFFSET);
    cr_assert_geq(t->used - t->last_group, 2 * SECTOR);
    cr_assert_eq(verdict_of(t, "intact", 0), JOURNAL_CLEAN);
    cr_assert_eq(t->rig.report.finding_count, 0);
}

static void tear_down(struct damage *t)
{
    rig_deinit(&t->rig);
}

static bool is_mark(size_t offset)
{
    return offset / SECTOR * SECTOR == SEGMENT_MARK_OFFSET ||
           offset / SECTOR * SECTOR == SEGMENT_MARK_OFFSET + SEGMENT_MARK_STRIDE;
}

/* What one changed byte at this place must lead to. */
static enum journal_verdict expected_for_flip(size_t offset)
{
    if (is_mark(offset))
        return JOURNAL_UNCERTAIN;
    return offset < SEGMENT_DATA_OFFSET ? JOURNAL_CLEAN : JOURNAL_DAMAGED;
}

static void flip_all(bool lazy_mark)
{
    struct damage t;

    set_up(&t, lazy_mark);
    for (size_t offset = 0; offset < t.used + 2 * SECTOR; offset++) {
        size_t bit = offset % 8;
        t.segment->now[offset] ^= (uint8_t)(1u << bit);
        enum journal_verdict verdict = verdict_of(&t, "flip", offset);
        cr_assert_eq(verdict, expected_for_flip(offset), "offset %zu: %s", offset,
                     journal_verdict_name(verdict));
        if (offset < SECTOR)
            cr_assert_eq(t.rig.report.findings[0].kind, JOURNAL_BAD_HEAD);
        else if (verdict != JOURNAL_CLEAN)
            cr_assert_eq(t.rig.report.findings[0].segment, 1);
        if (offset >= SEGMENT_DATA_OFFSET && offset < t.used)
            cr_assert_leq(t.rig.report.findings[0].offset, offset);
        t.segment->now[offset] ^= (uint8_t)(1u << bit);
        if (offset == SECTOR) /* the pages between head and marks hold nothing */
            offset = SEGMENT_MARK_OFFSET - 1;
    }
    tear_down(&t);
}

Test(journal_damage, every_byte_flipped)
{
    flip_all(true);
}

Test(journal_damage, every_byte_flipped_before_the_lazy_mark)
{
    flip_all(false);
}

/* A segment that is only prepared holds nothing: whatever happens to it, nothing is lost. */
Test(journal_damage, every_sector_of_a_prepared_segment_rotten)
{
    struct damage t;

    set_up(&t, true);
    struct disk_mem_file *prepared = disk_mem_file(t.rig.disk, 2);
    cr_assert_not_null(prepared);
    for (size_t offset = 0; offset < prepared->now_size; offset += 101) {
        prepared->now[offset] ^= 0x10;
        cr_assert_eq(verdict_of(&t, "prepared", offset), JOURNAL_CLEAN);
        prepared->now[offset] ^= 0x10;
    }
    tear_down(&t);
}

static enum journal_verdict expected_for_zeros(const struct damage *t, size_t offset)
{
    if (is_mark(offset))
        return JOURNAL_UNCERTAIN;
    if (offset < SEGMENT_DATA_OFFSET || offset >= t->used)
        return JOURNAL_CLEAN;
    /* In the last group it looks like a torn write: the marks know more. */
    if (offset >= t->last_group && !t->lazy_mark)
        return JOURNAL_UNCERTAIN;
    return JOURNAL_DAMAGED;
}

static void zero_all(bool lazy_mark)
{
    uint8_t saved[SECTOR];
    struct damage t;

    set_up(&t, lazy_mark);
    for (size_t offset = 0; offset < t.segment->now_size; offset += SECTOR) {
        memcpy(saved, t.segment->now + offset, SECTOR);
        memset(t.segment->now + offset, 0, SECTOR);
        enum journal_verdict verdict = verdict_of(&t, "zeros", offset);
        cr_assert_eq(verdict, expected_for_zeros(&t, offset), "offset %zu: %s", offset,
                     journal_verdict_name(verdict));
        memcpy(t.segment->now + offset, saved, SECTOR);
    }
    tear_down(&t);
}

Test(journal_damage, every_sector_zeroed)
{
    zero_all(true);
}

Test(journal_damage, every_sector_zeroed_before_the_lazy_mark)
{
    zero_all(false);
}

/* Two sectors change places: each still checks in itself, but not where it lies. */
Test(journal_damage, every_two_sectors_swapped)
{
    uint8_t saved[SECTOR];
    struct damage t;

    set_up(&t, true);
    for (size_t a = SEGMENT_DATA_OFFSET; a < t.used; a += SECTOR) {
        for (size_t b = a + SECTOR; b < t.used; b += SECTOR) {
            uint8_t *x = t.segment->now + a;
            uint8_t *y = t.segment->now + b;
            memcpy(saved, x, SECTOR);
            memcpy(x, y, SECTOR);
            memcpy(y, saved, SECTOR);
            cr_assert_eq(verdict_of(&t, "swap", a), JOURNAL_DAMAGED);
            memcpy(y, x, SECTOR);
            memcpy(x, saved, SECTOR);
        }
    }
    tear_down(&t);
}

/* The journal of another replica, incarnation or cluster, by `kind`; 3: of the same one. */
static void begin_twin(struct damage *twin, unsigned kind)
{
    *twin = (struct damage){0};
    rig_init(&twin->rig);
    twin->rig.identity.replica += kind == 0;
    twin->rig.identity.incarnation += kind == 1;
    twin->rig.identity.cluster[0] ^= kind == 2;
    twin->rig.value_size = 90;
    cr_assert_eq(rig_open(&twin->rig), RSM_OK);
}

/* Sectors of the same place in another replica's, incarnation's, cluster's or segment's file. */
Test(journal_damage, every_sector_from_a_twin)
{
    uint8_t saved[SECTOR];
    struct damage t;
    struct damage twin;

    set_up(&t, true);
    for (unsigned kind = 0; kind < 4; kind++) {
        begin_twin(&twin, kind);
        cr_assert_eq(rig_write(&twin.rig, kind == 3 ? 600 : 90), RSM_OK);
        struct disk_mem_file *other = disk_mem_file(twin.rig.disk, kind == 3 ? 2 : 1);
        for (size_t offset = SEGMENT_DATA_OFFSET; offset < t.used; offset += SECTOR) {
            memcpy(saved, t.segment->now + offset, SECTOR);
            memcpy(t.segment->now + offset, other->now + offset, SECTOR);
            cr_assert_eq(verdict_of(&t, "twin", offset), JOURNAL_DAMAGED);
            memcpy(t.segment->now + offset, saved, SECTOR);
        }
        rig_deinit(&twin.rig);
    }
    tear_down(&t);
}

/*
 * A whole group, written to the wrong disk: the chain alone would take it, since both journals have
 * the same history. Only what the checks are bound to tells them apart.
 */
Test(journal_damage, the_last_group_of_a_twin_with_the_same_history)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        struct damage t;
        struct damage twin;
        set_up(&t, false);
        begin_twin(&twin, kind);
        for (unsigned i = 0; i + 1 < GROUPS; i++)
            cr_assert_eq(rig_write(&twin.rig, 4 + i % 5), RSM_OK);
        twin.rig.value_size = 200;
        cr_assert_eq(rig_write(&twin.rig, 5), RSM_OK);
        const struct disk_mem_file *other = disk_mem_file(twin.rig.disk, 1);
        memcpy(t.segment->now + t.last_group, other->now + t.last_group,
               t.segment->now_size - t.last_group);
        cr_assert_eq(verdict_of(&t, "twin's last group", kind), JOURNAL_DAMAGED);
        rig_deinit(&twin.rig);
        tear_down(&t);
    }
}

Test(journal_damage, every_length_of_the_file)
{
    struct damage t;

    set_up(&t, true);
    size_t size = t.segment->now_size;
    uint8_t *bytes = mem_copy(t.segment->now, size);
    for (size_t length = 0; length < size; length += length < t.used ? 1 : 97) {
        disk_mem_resize(t.rig.disk, 1, length);
        cr_assert_eq(verdict_of(&t, "length", length), JOURNAL_DAMAGED);
        disk_mem_set(t.rig.disk, 1, bytes, size);
        if (length == 0) /* shorter than the head they are all alike */
            length = SEGMENT_MARK_OFFSET - 8;
    }
    disk_mem_resize(t.rig.disk, 1, size + SECTOR);
    cr_assert_eq(verdict_of(&t, "longer", size), JOURNAL_DAMAGED);
    mem_free(bytes);
    tear_down(&t);
}

/* An error of the disk while reading is damage at that place, not absence. */
Test(journal_damage, every_sector_unreadable)
{
    struct damage t;

    set_up(&t, true);
    t.rig.disk->bad_file = 1;
    for (size_t offset = 0; offset < t.segment->now_size; offset += SECTOR) {
        t.rig.disk->bad_sector = offset / SECTOR;
        enum journal_verdict verdict = verdict_of(&t, "unreadable", offset);
        cr_assert_eq(verdict, JOURNAL_DAMAGED, "offset %zu", offset);
    }
    tear_down(&t);
}

/* What is damaged is left as it is, the journal takes nothing more, and says so every time. */
Test(journal_damage, a_damaged_journal_is_for_reading_only)
{
    struct record record = {.kind = RECORD_PROMISE, .sequence = 1, .ballot = {1, 1}};
    struct damage t;

    set_up(&t, true);
    t.segment->now[SEGMENT_DATA_OFFSET + 700] ^= 1;
    struct disk_mem *before = disk_mem_clone(t.rig.disk);
    for (unsigned turn = 0; turn < 2; turn++) {
        cr_assert_eq(rig_open(&t.rig), RSM_DAMAGED);
        cr_assert_not_null(t.rig.journal);
        cr_assert_eq(journal_append(t.rig.journal, &record), RSM_READ_ONLY);
        cr_assert_eq(journal_flush(t.rig.journal), RSM_OK);
        cr_assert_eq(journal_prepare_next(t.rig.journal), RSM_READ_ONLY);
        cr_assert_eq(journal_drop_below(t.rig.journal, 100), RSM_READ_ONLY);
        cr_assert_eq(journal_space(t.rig.journal), 0);
        cr_assert_gt(t.rig.report.promise.round, 1, "promises behind the damage are seen");
        rig_close(&t.rig);
        cr_assert(disk_mem_equal(before, t.rig.disk));
    }
    disk_free(&before->disk);
    tear_down(&t);
}

Test(journal_damage, a_bad_head_is_mended)
{
    struct damage t;

    set_up(&t, true);
    t.segment->now[20] ^= 1;
    cr_assert_eq(rig_open(&t.rig), RSM_OK);
    cr_assert_eq(t.rig.report.findings[0].kind, JOURNAL_BAD_HEAD);
    rig_close(&t.rig);
    cr_assert_eq(rig_open(&t.rig), RSM_OK);
    cr_assert_eq(t.rig.report.finding_count, 0);
    tear_down(&t);
}
