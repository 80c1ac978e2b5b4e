/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_journal_forged.c - groups whose checks are all right and whose content cannot be: only a
 * mistake of a program makes them, and they are damage all the same, never records.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/journal_state.h"
#include "tests/unit/storage/rig_expect.h"

struct forged {
    struct journal_rig rig;
    struct writer payload;
    struct segment_group group;
    uint64_t segment;
    uint64_t offset;
};

/* A journal of six records, closed; the next group is about to be forged. */
static void begin(struct forged *f)
{
    const uint8_t head[GROUP_HEAD_SIZE] = {0};

    *f = (struct forged){0};
    rig_init(&f->rig);
    cr_assert_eq(rig_open(&f->rig), RSM_OK);
    cr_assert_eq(rig_write(&f->rig, 6), RSM_OK);
    f->group = (struct segment_group){.group = f->rig.journal->durable_group + 1,
                                      .previous = f->rig.journal->durable_check};
    f->segment = journal_extent(f->rig.journal).segment;
    f->offset = journal_extent(f->rig.journal).offset;
    rig_close(&f->rig);
    writer_init(&f->payload, 1 << 16);
    writer_bytes(&f->payload, bytes_make(head, sizeof(head)));
}

static void add(struct forged *f, struct record record)
{
    record_encode(&record, &f->payload);
    f->group.records++;
}

static void add_model(struct forged *f, uint64_t sequence)
{
    uint8_t value[64];
    struct record record;

    rig_record(&f->rig, sequence, value, &record);
    if (record.kind == RECORD_ACCEPT) {
        f->group.slot_first = f->group.slot_end == 0 ? record.slot : f->group.slot_first;
        f->group.slot_end = record.slot + 1;
    }
    add(f, record);
}

/* The body of the record that was added last is changed, and its check made right again. */
static void change_last(struct forged *f, size_t record_bytes, size_t at, uint64_t value)
{
    uint8_t *record = f->payload.data + f->payload.size - record_bytes;
    put_u64(record + RECORD_HEAD_SIZE + at, value);
    uint32_t check = crc32c(0, record, 13);
    put_u32(record + 13, crc32c(check, record + RECORD_HEAD_SIZE, record_bytes - RECORD_HEAD_SIZE));
}

/* Writes it behind the last group and opens. */
static void expect(struct forged *f, enum rsm_status expected, const char *what)
{
    uint64_t size = segment_group_size(f->payload.size);
    uint8_t *bytes = mem_alloc(size);

    segment_group_encode(&f->rig.identity, f->segment, f->offset, &f->group, f->payload.data,
                         f->payload.size, bytes);
    cr_assert_eq(disk_write(&f->rig.disk->disk, f->segment, f->offset, bytes, size), RSM_OK);
    cr_assert_eq(disk_flush(&f->rig.disk->disk, f->segment), RSM_OK);
    mem_free(bytes);
    enum rsm_status status = rig_open(&f->rig);
    cr_assert_eq(status, expected, "%s: %d", what, (int)status);
    cr_assert_not(f->rig.wrong, "%s", what);
    cr_assert_eq(f->rig.visited, expected == RSM_OK ? 6 + f->group.records : 6, "%s", what);
    writer_deinit(&f->payload);
    rig_deinit(&f->rig);
}

Test(journal_forged, the_forger_can_write_a_good_one)
{
    struct forged f;

    begin(&f);
    add_model(&f, 7);
    add_model(&f, 8);
    expect(&f, RSM_OK, "good");
}

Test(journal_forged, groups_that_cannot_be)
{
    struct forged f;

    begin(&f);
    expect(&f, RSM_DAMAGED, "no record");
    begin(&f);
    add_model(&f, 8);
    expect(&f, RSM_DAMAGED, "a sequence that is missing");
    begin(&f);
    add_model(&f, 6);
    expect(&f, RSM_DAMAGED, "a sequence again");
    begin(&f);
    add_model(&f, 7);
    f.group.records = 2;
    expect(&f, RSM_DAMAGED, "fewer records than it says");
    begin(&f);
    add_model(&f, 7);
    add_model(&f, 8);
    f.group.records = 1;
    expect(&f, RSM_DAMAGED, "more records than it says");
    begin(&f);
    add_model(&f, 7);
    f.group.previous++;
    expect(&f, RSM_DAMAGED, "of another chain");
    begin(&f);
    add_model(&f, 7);
    f.group.group++;
    expect(&f, RSM_DAMAGED, "another number");
    begin(&f);
    add(&f, (struct record){
                .kind = RECORD_CHECKPOINT, .sequence = 6, .ballot = {1, 1}, .next_sequence = 7});
    expect(&f, RSM_DAMAGED, "a checkpoint in the middle");
    for (unsigned side = 0; side < 2; side++) {
        begin(&f);
        add_model(&f, 7);
        f.group.slot_first = side == 0 ? 8 : 1;
        f.group.slot_end = side == 0 ? 9 : 7;
        expect(&f, RSM_DAMAGED, "a vote outside the slots that it says");
    }
}

Test(journal_forged, records_that_cannot_be)
{
    static const struct {
        const char *what;
        enum record_kind kind;
        size_t at;
        uint64_t value;
    } cases[] = {
        {"a promise of nobody", RECORD_PROMISE, 4, 0},
        {"a promise of replica 10", RECORD_PROMISE, 4, 10},
        {"a vote for slot 0", RECORD_ACCEPT, 0, 0},
        {"a vote beyond the last slot", RECORD_ACCEPT, 0, SLOT_MAX + 1},
        {"a vote of nobody", RECORD_ACCEPT, 12, 0},
        {"a chosen end beyond the last slot", RECORD_CHOSEN, 0, SLOT_MAX + 2},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct forged f;
        struct record record = {.kind = cases[i].kind, .sequence = 7};
        begin(&f);
        if (record.kind != RECORD_CHOSEN)
            record.ballot = (struct ballot){9, 1};
        if (record.kind == RECORD_ACCEPT)
            record.slot = 7;
        f.group.slot_first = record.kind == RECORD_ACCEPT ? 7 : 0;
        f.group.slot_end = record.kind == RECORD_ACCEPT ? 8 : 0;
        add(&f, record);
        change_last(&f, record_size(&record), cases[i].at, cases[i].value);
        expect(&f, RSM_DAMAGED, cases[i].what);
    }
}

Test(journal_forged, checkpoints_that_cannot_be)
{
    static const struct {
        size_t at;
        uint64_t value;
    } cases[] = {{4, 10}, {12, SLOT_MAX + 2}, {20, SLOT_MAX + 1}, {28, 99}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct record record = {
            .kind = RECORD_CHECKPOINT, .sequence = 6, .ballot = {1, 1}, .next_sequence = 7};
        struct record found;
        struct forged f = {.rig = {0}};
        writer_init(&f.payload, 4096);
        add(&f, record);
        struct reader good = reader_make(writer_result(&f.payload));
        cr_assert(record_decode(&good, &found));
        change_last(&f, record_size(&record), cases[i].at, cases[i].value);
        struct reader bad = reader_make(writer_result(&f.payload));
        cr_assert_not(record_decode(&bad, &found));
        writer_deinit(&f.payload);
    }
}

/* Marks whose checks are right and whose numbers cannot be. */
Test(journal_forged, marks_that_cannot_be)
{
    struct journal_identity identity = {.replica = 1, .incarnation = 9};
    uint8_t sector[DISK_SECTOR_SIZE];
    struct segment_mark mark = {.writes = 4, .a = 7, .b = 7, .first_segment = 1};
    struct segment_mark found;

    segment_mark_encode(&identity, 3, &mark, sector);
    cr_assert(segment_mark_decode(&identity, 3, 0, sector, &found));
    cr_assert_not(segment_mark_decode(&identity, 3, 1, sector, &found), "in the other's place");
    mark.b = 8;
    segment_mark_encode(&identity, 3, &mark, sector);
    cr_assert_not(segment_mark_decode(&identity, 3, 0, sector, &found), "b above a");
}

/* What the check of a mark or a sector is bound to (segment.h), and goes on with. */
static uint32_t bound(const struct journal_identity *identity, uint64_t segment, uint64_t group,
                      uint64_t offset, const uint8_t *bytes, size_t size)
{
    uint8_t head[52];

    memcpy(head, identity->cluster, CLUSTER_ID_SIZE);
    put_u32(head + 16, identity->replica);
    put_u64(head + 20, identity->incarnation);
    put_u64(head + 28, segment);
    put_u64(head + 36, group);
    put_u64(head + 44, offset);
    return crc32c(crc32c(0, head, sizeof(head)), bytes, size);
}

Test(journal_forged, marks_of_the_other_parity_and_half_sealed_ones)
{
    struct journal_identity identity = {.replica = 1, .incarnation = 9};
    uint8_t sector[DISK_SECTOR_SIZE];
    struct segment_mark mark = {.writes = 4, .a = 7, .b = 7, .first_segment = 1};
    struct segment_mark found;

    segment_mark_encode(&identity, 3, &mark, sector);
    put_u32(sector + 508, bound(&identity, 3, 0, segment_mark_offset(0), sector, 508));
    cr_assert(segment_mark_decode(&identity, 3, 0, sector, &found), "the forger can do it");
    sector[36] = 2;
    put_u32(sector + 508, bound(&identity, 3, 0, segment_mark_offset(0), sector, 508));
    cr_assert_not(segment_mark_decode(&identity, 3, 0, sector, &found));
    sector[36] = 1;
    put_u64(sector + 4, 5);
    put_u32(sector + 508, bound(&identity, 3, 0, segment_mark_offset(0), sector, 508));
    cr_assert_not(segment_mark_decode(&identity, 3, 0, sector, &found));
}

/* The next group, of three sectors and more; its bytes. */
static uint8_t *encode_next(struct forged *f, uint64_t offset)
{
    uint8_t *bytes = mem_alloc(segment_group_size(f->payload.size));
    segment_group_encode(&f->rig.identity, f->segment, offset, &f->group, f->payload.data,
                         f->payload.size, bytes);
    return bytes;
}

static void expect_sectors(struct forged *f, const uint8_t *bytes, uint64_t offset, size_t size)
{
    cr_assert_eq(disk_write(&f->rig.disk->disk, f->segment, offset, bytes, size), RSM_OK);
    cr_assert_eq(disk_flush(&f->rig.disk->disk, f->segment), RSM_OK);
}

/* Every sector checks, and the group does not: its parts are of two groups of one number. */
Test(journal_forged, sectors_that_check_of_a_group_that_does_not)
{
    struct forged f;
    begin(&f);
    add_model(&f, 7);
    add_model(&f, 8);
    uint8_t *bytes = encode_next(&f, f.offset);
    bytes[SECTOR_HEAD_SIZE + GROUP_HEAD_SIZE + 3] ^= 1;
    put_u32(bytes, bound(&f.rig.identity, f.segment, f.group.group, f.offset, bytes + 4,
                         DISK_SECTOR_SIZE - 4));
    expect_sectors(&f, bytes, f.offset, segment_group_size(f.payload.size));
    mem_free(bytes);
    cr_assert_eq(rig_open(&f.rig), RSM_DAMAGED);
    cr_assert_eq(f.rig.visited, 6);
    writer_deinit(&f.payload);
    rig_deinit(&f.rig);
}

/* A torn group, and bytes of its number behind where it ends: no torn write leaves that. */
Test(journal_forged, a_torn_group_with_bytes_behind_its_end)
{
    for (unsigned is_behind = 0; is_behind < 2; is_behind++) {
        struct forged f;
        uint8_t value[1400] = {1};
        struct record vote = {.kind = RECORD_ACCEPT,
                              .sequence = 7,
                              .slot = 7,
                              .ballot = {9, 1},
                              .value = {value, sizeof(value)}};
        begin(&f);
        add(&f, vote);
        f.group.slot_first = 7;
        f.group.slot_end = 8;
        uint8_t *bytes = encode_next(&f, f.offset);
        expect_sectors(&f, bytes, f.offset, DISK_SECTOR_SIZE);
        mem_free(bytes);
        uint64_t offset = f.offset + (is_behind ? 6u : 1u) * DISK_SECTOR_SIZE;
        bytes = encode_next(&f, offset);
        expect_sectors(&f, bytes, offset, DISK_SECTOR_SIZE);
        mem_free(bytes);
        cr_assert_eq(rig_open(&f.rig), is_behind ? RSM_DAMAGED : RSM_OK);
        cr_assert_eq(f.rig.report.verdict, is_behind ? JOURNAL_DAMAGED : JOURNAL_CUT);
        cr_assert_eq(f.rig.visited, 6);
        writer_deinit(&f.payload);
        rig_deinit(&f.rig);
    }
}

/* A head of a newer format, and one with sizes that cannot be. */
Test(journal_forged, heads)
{
    static const uint64_t sizes[] = {0, 511, SEGMENT_SIZE_MIN - 512, LIMIT_SEGMENT_SIZE + 512,
                                     SEGMENT_SIZE_MIN + 1};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct journal_rig rig;
        uint8_t sector[DISK_SECTOR_SIZE];
        rig_begin(&rig);
        cr_assert_eq(rig_write(&rig, 9), RSM_OK);
        rig_close(&rig);
        segment_head_encode(&rig.identity, 1, sizes[i], sector);
        cr_assert_eq(disk_write(&rig.disk->disk, 1, 0, sector, sizeof(sector)), RSM_OK);
        cr_assert_eq(rig_open(&rig), RSM_OK, "the file's own size counts");
        cr_assert_eq(rig.visited, 9);
        rig_close(&rig);
        put_u32(sector + 8, JOURNAL_FORMAT + 1);
        put_u32(sector + 508, crc32c(0, sector, 508));
        cr_assert_eq(disk_write(&rig.disk->disk, 1, 0, sector, sizeof(sector)), RSM_OK);
        cr_assert_eq(rig_open(&rig), RSM_NEWER_FORMAT);
        uint64_t base = 0;
        cr_assert_eq(journal_base(&rig.disk->disk, &rig.identity, &base), RSM_NEWER_FORMAT);
        rig_deinit(&rig);
    }
}
