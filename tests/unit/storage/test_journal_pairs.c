/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_pairs.c - two or three things wrong at once, all pairs of a list and many threes: a
 * record that was never appended is never shown, and what opens as sound holds all that was
 * flushed.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/mem.h"
#include "src/base/prng.h"
#include "storage/scan.h"
#include "storage/segment.h"
#include "tests/unit/storage/rig_expect.h"

/* Three segments in use and one prepared; the first number is 1, or another one was dropped. */
#define SEGMENTS 4u
#define NUMBER_MAX (SEGMENTS + 1)

enum damage {
    NO_HEAD = 1,
    HEAD_OF_ANOTHER_LIFE,
    HEAD_OF_ANOTHER_REPLICA,
    NO_FIRST_MARK,
    NO_SECOND_MARK,
    NO_MARKS,
    NO_FIRST_SECTOR,
    NO_LAST_GROUP,
    TORN_LAST_GROUP,
    NO_GROUPS,
    GARBAGE_BEHIND,
    UNREADABLE,
    SHORT,
    LONG,
    EMPTY,
    ALL_ZEROS,
    ONLY_ANOTHER_LIFE,
    GONE,
    DAMAGE_END
};

#define DAMAGES (SEGMENTS * (DAMAGE_END - 1))

static struct disk_mem *sound; /* what each case begins with */
static uint64_t last_group[NUMBER_MAX + 1];
static uint64_t dropped;       /* segments */
static uint64_t first_dropped; /* records in them */

static void zero(struct disk_mem_file *f, uint64_t first, uint64_t end)
{
    for (uint64_t at = first; at < end && at < f->now_size; at++)
        f->now[at] = 0;
}

static void put_head(const struct journal_rig *rig, struct disk_mem_file *f, unsigned replica,
                     uint64_t incarnation)
{
    struct journal_identity other = rig->identity;
    other.replica += replica;
    other.incarnation += incarnation;
    if (f->now_size >= DISK_SECTOR_SIZE)
        segment_head_encode(&other, f->file, 32768, f->now);
}

static void damage(struct journal_rig *rig, unsigned index)
{
    uint64_t file = dropped + 1 + index % SEGMENTS;
    struct disk_mem_file *f = disk_mem_file(rig->disk, file);
    if (f == NULL)
        return;
    switch ((enum damage)(1 + index / SEGMENTS)) {
    case NO_HEAD:
        zero(f, 0, DISK_SECTOR_SIZE);
        break;
    case HEAD_OF_ANOTHER_LIFE:
        put_head(rig, f, 0, 1);
        zero(f, SEGMENT_MARK_OFFSET, SEGMENT_DATA_OFFSET);
        break;
    case HEAD_OF_ANOTHER_REPLICA:
        put_head(rig, f, 1, 0);
        break;
    case NO_FIRST_MARK:
        zero(f, segment_mark_offset(0), segment_mark_offset(0) + DISK_SECTOR_SIZE);
        break;
    case NO_SECOND_MARK:
        zero(f, segment_mark_offset(1), segment_mark_offset(1) + DISK_SECTOR_SIZE);
        break;
    case NO_MARKS:
        zero(f, SEGMENT_MARK_OFFSET, SEGMENT_DATA_OFFSET);
        break;
    case NO_FIRST_SECTOR:
        zero(f, SEGMENT_DATA_OFFSET, SEGMENT_DATA_OFFSET + DISK_SECTOR_SIZE);
        break;
    case NO_LAST_GROUP:
        zero(f, last_group[file], f->now_size);
        break;
    case TORN_LAST_GROUP:
        zero(f, last_group[file] + DISK_SECTOR_SIZE, f->now_size);
        break;
    case NO_GROUPS:
        zero(f, SEGMENT_DATA_OFFSET, f->now_size);
        break;
    case GARBAGE_BEHIND:
        if (f->now_size > 0)
            f->now[f->now_size - 1] ^= 1;
        break;
    case UNREADABLE:
        rig->disk->bad_file = file;
        rig->disk->bad_sector = SEGMENT_DATA_OFFSET / DISK_SECTOR_SIZE + 2;
        break;
    case SHORT:
        disk_mem_resize(rig->disk, file, f->now_size / 2);
        break;
    case LONG:
        disk_mem_resize(rig->disk, file, f->now_size + 4096);
        break;
    case EMPTY:
        disk_mem_resize(rig->disk, file, 0);
        break;
    case ALL_ZEROS:
        zero(f, 0, f->now_size);
        break;
    case ONLY_ANOTHER_LIFE:
        zero(f, SEGMENT_MARK_OFFSET, f->now_size);
        put_head(rig, f, 0, 1);
        break;
    case GONE:
        disk_remove(&rig->disk->disk, file);
        break;
    case DAMAGE_END:
        break;
    }
}

static void note_record(void *context, const struct journal_place *place,
                        const struct record *record)
{
    (void)context;
    if (record->kind == RECORD_CHECKPOINT || place->offset < last_group[place->segment])
        return;
    last_group[place->segment] = place->offset;
}

static void note_segment(void *context, const struct journal_segment_info *info)
{
    (void)context;
    cr_assert_leq(info->segment, NUMBER_MAX);
}

static void look(struct journal_rig *rig)
{
    struct journal_scanner scanner = {.on_record = note_record, .on_segment = note_segment};
    struct journal_identity found;
    cr_assert_eq(journal_scan(&rig->disk->disk, &rig->identity, &scanner, &rig->report, &found),
                 RSM_OK);
}

static void begin(struct journal_rig *rig, uint64_t drop_count)
{
    rig_begin(rig);
    dropped = drop_count;
    first_dropped = 0;
    memset(last_group, 0, sizeof last_group);
    while (journal_extent(rig->journal).segment < SEGMENTS - 1 + dropped ||
           journal_extent(rig->journal).offset < 20000) {
        if (journal_extent(rig->journal).segment <= dropped)
            first_dropped = rig->appended;
        cr_assert_eq(rig_write(rig, 13), RSM_OK);
    }
    cr_assert_eq(journal_prepare_next(rig->journal), RSM_OK);
    if (dropped > 0)
        cr_assert_eq(journal_drop_below(rig->journal, first_dropped + 13), RSM_OK);
    cr_assert_eq(journal_extent(rig->journal).first, dropped + 1);
    rig_reopen(rig);
    first_dropped = rig->first - 1;
    rig_close(rig);
    look(rig);
    sound = disk_mem_clone(rig->disk);
}

static void end(struct journal_rig *rig)
{
    disk_free(&sound->disk);
    rig_deinit(rig);
}

/* Damages given as indices; the third may be the same as another one. */
static enum rsm_status open_with(struct journal_rig *rig, unsigned a, unsigned b, unsigned c)
{
    uint64_t acknowledged = rig->acknowledged;
    disk_free(&rig->disk->disk);
    rig->disk = disk_mem_clone(sound);
    damage(rig, a);
    damage(rig, b);
    damage(rig, c);
    enum rsm_status status = rig_open(rig);
    cr_assert_not(rig->wrong, "%u %u %u", a, b, c);
    if (status == RSM_OK)
        cr_assert_eq(first_dropped + rig->visited, acknowledged, "%u %u %u", a, b, c);
    rig_close(rig);
    return status;
}

Test(journal_pairs, every_two_damages)
{
    for (unsigned drop_count = 0; drop_count < 2; drop_count++) {
        struct journal_rig rig;
        unsigned sound_count = 0, count = 0;
        begin(&rig, drop_count);
        for (unsigned a = 0; a < DAMAGES; a++) {
            for (unsigned b = a; b < DAMAGES; b++) {
                sound_count += open_with(&rig, a, b, b) == RSM_OK;
                count++;
            }
        }
        cr_assert(sound_count > 10 && sound_count < count / 4, "%u of %u", sound_count, count);
        end(&rig);
    }
}

Test(journal_pairs, many_threes)
{
    for (unsigned drop_count = 0; drop_count < 2; drop_count++) {
        struct journal_rig rig;
        struct prng prng;
        begin(&rig, drop_count);
        prng_init(&prng, 1 + drop_count);
        for (unsigned i = 0; i < 3000; i++) {
            unsigned a = (unsigned)prng_below(&prng, DAMAGES);
            unsigned b = (unsigned)prng_below(&prng, DAMAGES);
            (void)open_with(&rig, a, b, (unsigned)prng_below(&prng, DAMAGES));
        }
        end(&rig);
    }
}
