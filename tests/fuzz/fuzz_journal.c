/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_journal.c - any bytes as a journal's segments, in memory.
 *
 * Byte 0: how many segments the rest is dealt out to, and whether heads, marks and the checks of
 * sectors are put right first (a fuzzer does not find CRCs by itself). Recovery must end with an
 * answer, call the same bytes the same thing twice, and what it calls sound must take an append.
 */
#include <string.h>

#include "src/base/check.h"
#include "storage/scan.h"
#include "storage/segment.h"
#include "tests/lib/disk_mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEGMENT_SIZE 20480u /* 16 sectors of groups; larger ones take longer */

static const struct journal_identity identity = {.replica = 1, .incarnation = 1};

struct seen {
    uint64_t records;
    uint64_t segments;
};

static void on_segment(void *context, const struct journal_segment_info *info)
{
    struct seen *seen = context;

    CHECK(info->used <= SEGMENT_SIZE);
    seen->segments++;
}

static void on_record(void *context, const struct journal_place *place, const struct record *record)
{
    struct seen *seen = context;

    CHECK(place->group > 0 && record_size(record) > 0);
    seen->records++;
}

static enum rsm_status visit(void *context, const struct record *record, bool is_evidence)
{
    *(uint64_t *)context += !is_evidence && record->kind >= RECORD_PROMISE;
    return RSM_OK;
}

/* What is wrong with a segment or its file, told by the input's first bytes. */
enum wrong {
    WRONG_BYTE = 1,    /* one is another */
    WRONG_SECTOR,      /* one was never written */
    WRONG_BEGINNING,   /* nothing; the journal begins later, or behind a slot of the store */
    WRONG_INCARNATION, /* the head is of a life before */
    WRONG_REPLICA,     /* the head is of another replica */
    WRONG_NUMBER,      /* the head is of another segment */
    WRONG_SIZE,        /* the file ends early */
    WRONG_MISSING,     /* there is no such file */
    WRONG_UNREADABLE,  /* a sector that the disk does not give */
    WRONG_NOTHING,
};

static enum wrong what_is_wrong(const uint8_t *data, size_t size)
{
    if (size <= 8)
        return WRONG_NOTHING;
    if (data[4] % 3 != 2)
        return data[4] % 3 == 0 ? WRONG_BYTE : WRONG_SECTOR;
    return (enum wrong)(WRONG_BEGINNING + data[7] % 8);
}

/* A segment whose head and marks are right; marks take a and b from the input's first bytes. */
static void put_head(uint8_t *segment, uint64_t number, const uint8_t *data, size_t size)
{
    struct segment_mark mark = {.first_segment = 1};
    struct journal_identity of = identity;
    enum wrong wrong = what_is_wrong(data, size);

    of.incarnation += wrong == WRONG_INCARNATION;
    of.replica += wrong == WRONG_REPLICA;
    segment_head_encode(&of, number + (wrong == WRONG_NUMBER), SEGMENT_SIZE, segment);
    if (wrong == WRONG_BEGINNING) {
        mark.first_segment = 1 + data[5] % number;
        mark.base_slot = data[6];
    }
    for (; mark.writes < SEGMENT_MARK_COUNT; mark.writes++) {
        mark.a = size > 1 ? data[1] % 32 : 0;
        mark.b = size > 2 && data[2] % 32 <= mark.a ? data[2] % 32 : 0;
        mark.sealed = size > 3 && (data[3] >> number & 1) != 0;
        segment_mark_encode(&identity, number, &mark, segment + segment_mark_offset(mark.writes));
    }
}

/* One record whose fields the input chooses; mostly the sequence goes on as it must. */
static void put_record(struct writer *payload, const uint8_t *data, uint64_t *sequence)
{
    struct record record = {.kind = (enum record_kind)(1 + data[0] % 3),
                            .ballot = {data[1], 1 + data[2] % 4u}};

    if (data[0] == 248 || data[0] == 249) { /* no record at all: its end, or its size and check */
        for (int i = data[0] == 248 ? 31 : 0; i < 32; i++)
            writer_u8(payload, data[1]);
        return;
    }
    *sequence += data[0] >= 250 ? data[3] % 3u : 1;
    record.sequence = *sequence;
    if (record.kind == RECORD_ACCEPT) {
        record.slot = 1 + data[3] % 16u;
        record.value = bytes_make(data, data[2] % 4u);
    } else if (record.kind == RECORD_CHOSEN) {
        record.ballot = (struct ballot){0, 0};
        record.end = data[3];
    }
    record_encode(&record, payload);
}

/* The first record of a segment, mostly as it must be. */
static void put_checkpoint(struct writer *payload, const uint8_t *data, uint64_t sequence)
{
    struct record record = {.kind = RECORD_CHECKPOINT,
                            .sequence = sequence + (data[0] == 255),
                            .ballot = {data[1], 1},
                            .end = data[2],
                            .store_slot = data[3]};

    record.next_sequence = record.sequence + 1;
    record_encode(&record, payload);
}

/* What the groups of all segments share. */
struct build {
    uint64_t group;
    uint32_t previous;
    uint64_t sequence;
};

/*
 * The input as groups: a byte with the number of records (0 to 7), then four bytes for each. Slots
 * named by the group's head are right unless the number's byte is above 247.
 */
static void put_groups(uint8_t *segment, uint64_t number, struct build *build, const uint8_t *data,
                       size_t size)
{
    uint8_t sectors[4096];
    uint64_t offset = SEGMENT_DATA_OFFSET;
    const uint8_t head[GROUP_HEAD_SIZE] = {0};
    struct writer payload;

    writer_init(&payload, 3000);
    while (size > 4) {
        uint32_t count = data[0] % 8;
        struct segment_group g = {.group = build->group++, .previous = build->previous};
        g.slot_first = 1;
        g.slot_end = data[0] > 247 ? 3 : 17;
        writer_reset(&payload);
        writer_bytes(&payload, bytes_make(head, sizeof(head)));
        if (offset == SEGMENT_DATA_OFFSET && data[0] != 247) {
            put_checkpoint(&payload, data + 1, build->sequence);
            g.records++;
        }
        data++;
        size--;
        for (; count > 0 && size >= 4; count--, data += 4, size -= 4) {
            put_record(&payload, data, &build->sequence);
            g.records++;
        }
        if (offset + segment_group_size(payload.size) > SEGMENT_SIZE)
            break;
        segment_group_encode(&identity, number, offset, &g, payload.data, payload.size, sectors);
        memcpy(segment + offset, sectors, g.size);
        build->previous = g.check;
        offset += g.size;
    }
    writer_deinit(&payload);
}

/* Sets the file, with what is wrong with it. */
static void spoil(struct disk_mem *disk, uint64_t number, uint8_t *segment, const uint8_t *from,
                  size_t size)
{
    size_t at = size > 8 ? get_u16(from + 5) % SEGMENT_SIZE : 0;
    size_t sector = size > 8 ? get_u16(from + 5) % (SEGMENT_SIZE / 512) : 0;
    enum wrong wrong = what_is_wrong(from, size);

    if (wrong == WRONG_BYTE)
        segment[at] ^= from[7];
    if (wrong == WRONG_SECTOR)
        memset(segment + sector * 512, 0, 512);
    if (wrong == WRONG_UNREADABLE) {
        disk->bad_file = number;
        disk->bad_sector = sector;
    }
    if (wrong != WRONG_MISSING)
        disk_mem_set(disk, number, segment, wrong == WRONG_SIZE ? at : SEGMENT_SIZE);
}

static void fill(struct disk_mem *disk, const uint8_t *data, size_t size)
{
    static uint8_t segment[SEGMENT_SIZE];
    unsigned count = 1 + data[0] % 3;
    bool raw = data[0] % 16 >= 12;
    size_t part = size / count;
    struct build build = {.group = 1};

    for (unsigned i = 0; i < count; i++) {
        const uint8_t *from = data + i * part;
        memset(segment, 0, sizeof(segment));
        if (raw) {
            disk_mem_set(disk, i + 1, from, part);
            continue;
        }
        put_head(segment, i + 1, from, part);
        put_groups(segment, i + 1, &build, from + (part > 8 ? 8 : part), part > 8 ? part - 8 : 0);
        spoil(disk, i + 1, segment, from, part);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {0, 0};
    struct journal_scanner scanner = {&seen, on_segment, on_record};
    struct journal_options options = {.segment_size = SEGMENT_SIZE, .prepared_count = 1};
    struct journal_report scanned;
    struct journal_report opened;
    struct journal_identity found;
    struct journal *journal = NULL;
    uint64_t visited = 0;

    if (size == 0)
        return 0;
    struct disk_mem *disk = disk_mem_new();
    fill(disk, data, size);
    enum rsm_status status = journal_scan(&disk->disk, &identity, &scanner, &scanned, &found);
    if (status == RSM_OK) {
        status = journal_open(&disk->disk, &identity, &options, visit, &visited, &opened, &journal);
        CHECK(opened.verdict == scanned.verdict && opened.records == scanned.records);
        CHECK(visited == opened.records && visited <= seen.records);
        CHECK(journal == NULL || (opened.verdict <= JOURNAL_CUT) == (status == RSM_OK));
        CHECK((status == RSM_OK) == (opened.verdict <= JOURNAL_CUT));
    }
    if (status == RSM_OK) {
        struct record record = {.kind = RECORD_CHOSEN, .sequence = opened.last_sequence + 1};
        CHECK(journal_append(journal, &record) == RSM_OK);
        CHECK(journal_flush(journal) == RSM_OK);
        journal_close(journal);
        CHECK(journal_open(&disk->disk, &identity, &options, visit, &visited, &opened, &journal) ==
              RSM_OK);
        CHECK(opened.last_sequence == record.sequence);
    }
    journal_close(journal);
    disk_free(&disk->disk);
    return 0;
}
