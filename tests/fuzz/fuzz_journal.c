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

#define SEGMENT_SIZE 32768u

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

static enum rsm_status visit(void *context, const struct record *record)
{
    *(uint64_t *)context += record->kind >= RECORD_PROMISE;
    return RSM_OK;
}

/* A segment whose head and marks are right; marks take a and b from the input's first bytes. */
static void put_head(uint8_t *segment, uint64_t number, const uint8_t *data, size_t size)
{
    struct segment_mark mark = {.first_segment = 1};

    segment_head_encode(&identity, number, SEGMENT_SIZE, segment);
    for (; mark.writes < SEGMENT_MARK_COUNT; mark.writes++) {
        mark.a = size > 1 ? data[1] % 8 : 0;
        mark.b = size > 2 && data[2] % 8 <= mark.a ? data[2] % 8 : 0;
        mark.sealed = size > 3 && data[3] % 4 == number % 4;
        segment_mark_encode(&identity, number, &mark, segment + segment_mark_offset(mark.writes));
    }
}

/* The input as payloads of groups 1, 2, ...: each byte pair is a size. */
static void put_groups(uint8_t *segment, uint64_t number, uint64_t *group, const uint8_t *data,
                       size_t size)
{
    uint8_t payload[2048];
    uint8_t sectors[4096];
    uint64_t offset = SEGMENT_DATA_OFFSET;
    uint32_t previous = 0;

    while (size > 3) {
        size_t part = 1 + data[0] * 5u;
        if (part > size - 1)
            part = size - 1;
        struct segment_group g = {.group = (*group)++, .records = data[1], .previous = previous};
        g.slot_end = data[2];
        memset(payload, 0, sizeof(payload));
        memcpy(payload + GROUP_HEAD_SIZE, data + 1, part);
        uint64_t need = segment_group_size(GROUP_HEAD_SIZE + part);
        if (offset + need > SEGMENT_SIZE)
            return;
        segment_group_encode(&identity, number, offset, &g, payload, GROUP_HEAD_SIZE + part,
                             sectors);
        memcpy(segment + offset, sectors, need);
        previous = g.check;
        offset += need;
        data += part + 1;
        size -= part + 1;
    }
}

static void fill(struct disk_mem *disk, const uint8_t *data, size_t size)
{
    static uint8_t segment[SEGMENT_SIZE];
    unsigned count = 1 + data[0] % 3;
    bool raw = data[0] % 16 >= 12;
    size_t part = size / count;
    uint64_t group = 1;

    for (unsigned i = 0; i < count; i++) {
        const uint8_t *from = data + i * part;
        memset(segment, 0, sizeof(segment));
        if (raw) {
            disk_mem_set(disk, i + 1, from, part);
            continue;
        }
        put_head(segment, i + 1, from, part);
        put_groups(segment, i + 1, &group, from, part);
        if (part > 8 && from[4] % 3 == 0) /* and something wrong somewhere */
            segment[get_u16(from + 5) % SEGMENT_SIZE] ^= from[7];
        disk_mem_set(disk, i + 1, segment, SEGMENT_SIZE);
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
