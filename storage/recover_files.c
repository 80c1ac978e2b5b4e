/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recover_files.c - the first pass of a recovery: which files there are, their heads and marks. */
#include <string.h>

#include "storage/recover.h"

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"

/* Neither zeros nor, with its group number, anything whose check is right. */
#define UNREADABLE_BYTE 0xee

void recover_add_finding(struct recovery *r, enum journal_finding_kind kind, uint64_t segment,
                         uint64_t offset, const struct segment_group *group)
{
    struct journal_report *report = r->report;
    enum journal_verdict verdict = JOURNAL_DAMAGED;

    CHECK(kind >= JOURNAL_TORN_TAIL && kind <= JOURNAL_LEFTOVER);
    CHECK(report->verdict >= JOURNAL_CLEAN && report->verdict <= JOURNAL_DAMAGED);

    if (report->finding_count < JOURNAL_FINDINGS_MAX)
        report->findings[report->finding_count] = (struct journal_finding){
            kind, segment, offset, group->group, group->slot_first, group->slot_end};
    report->finding_count++;
    if (kind == JOURNAL_UNCERTAIN_TAIL || kind == JOURNAL_MARK_UNREADABLE)
        verdict = JOURNAL_UNCERTAIN;
    else if (kind == JOURNAL_TORN_TAIL)
        verdict = JOURNAL_CUT;
    else if (journal_finding_is_harmless(kind))
        verdict = JOURNAL_CLEAN;
    CHECK((verdict == JOURNAL_CLEAN || verdict == JOURNAL_CUT) ==
          journal_finding_is_harmless(kind));
    if (verdict > report->verdict)
        report->verdict = verdict;
    CHECK(report->verdict == JOURNAL_DAMAGED || kind != JOURNAL_LOST_GROUP);
}

/* One sector, the pattern where it cannot be read. */
static void read_sector(struct recovery *r, const struct recovered_segment *s, uint64_t offset,
                        uint8_t sector_out[DISK_SECTOR_SIZE])
{
    CHECK(offset % DISK_SECTOR_SIZE == 0);
    CHECK(offset < SEGMENT_DATA_OFFSET); /* a head or a mark: groups are read as a whole */
    if (offset + DISK_SECTOR_SIZE > s->file_size ||
        disk_read(r->disk, s->segment, offset, sector_out, DISK_SECTOR_SIZE) != RSM_OK)
        memset(sector_out, UNREADABLE_BYTE, DISK_SECTOR_SIZE);
}

static void read_marks(struct recovery *r, struct recovered_segment *s)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    struct segment_mark mark;

    s->marks_readable = 0;
    for (unsigned i = 0; i < SEGMENT_MARK_COUNT; i++) {
        read_sector(r, s, segment_mark_offset(i), sector);
        if (!segment_mark_decode(&r->identity, s->segment, i, sector, &mark))
            continue;
        if (s->marks_readable == 0 || mark.writes > s->mark.writes)
            s->mark = mark;
        s->marks_readable++;
        if (mark.a > s->a)
            s->a = mark.a;
        if (mark.b > s->b)
            s->b = mark.b;
        if (mark.first_segment > r->first_segment)
            r->first_segment = mark.first_segment;
        if (mark.base_slot > r->base_slot)
            r->base_slot = mark.base_slot;
        s->sealed = s->sealed || mark.sealed;
    }
    s->is_used = s->a > 0 || s->sealed;
    CHECK(s->marks_readable <= SEGMENT_MARK_COUNT && s->b <= s->a);
    CHECK(s->mark.a <= s->a && s->mark.b <= s->b); /* the newest is one of them, or none */
}

/* Reads the heads; takes over the first good identity when none is known. */
static enum rsm_status read_heads(struct recovery *r)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    struct journal_identity found;
    size_t ours = 0;
    size_t foreign = 0;

    for (size_t i = 0; i < r->segment_count; i++) {
        struct recovered_segment *s = &r->segments[i];
        enum rsm_status status = disk_size(r->disk, s->segment, &s->file_size);
        if (status == RSM_NOT_FOUND)
            return RSM_IO; /* it was listed a moment ago */
        if (status != RSM_OK)
            s->file_size = 0;
        read_sector(r, s, 0, sector);
        s->head = segment_head_decode(r->identity_is_known ? &r->identity : NULL, s->segment,
                                      sector, &found, &s->size);
        if (s->head == SEGMENT_HEAD_NEWER)
            return RSM_NEWER_FORMAT;
        if (s->head == SEGMENT_HEAD_GOOD && !r->identity_is_known) {
            r->identity = found;
            r->identity_is_known = true;
        }
        ours += s->head == SEGMENT_HEAD_GOOD || s->head == SEGMENT_HEAD_MOVED ||
                s->head == SEGMENT_HEAD_OTHER_LIFE;
        foreign += s->head == SEGMENT_HEAD_FOREIGN;
        if (s->head != SEGMENT_HEAD_GOOD || s->size > LIMIT_SEGMENT_SIZE ||
            s->size < SEGMENT_SIZE_MIN || s->size % DISK_SECTOR_SIZE != 0)
            s->size = s->file_size / DISK_SECTOR_SIZE * DISK_SECTOR_SIZE;
        CHECK(s->size % DISK_SECTOR_SIZE == 0);
    }
    CHECK(ours + foreign <= r->segment_count);
    return foreign > 0 && ours == 0 ? RSM_WRONG_IDENTITY : RSM_OK;
}

enum rsm_status recover_files(struct recovery *r)
{
    uint64_t *numbers = mem_alloc(LIMIT_SEGMENTS * sizeof(*numbers));
    size_t count = 0;
    enum rsm_status status = disk_list(r->disk, numbers, LIMIT_SEGMENTS, &count);

    if (status == RSM_NOT_FOUND) /* the directory: that is no empty journal */
        status = RSM_IO;
    if (status == RSM_OK && count == 0)
        status = RSM_NOT_FOUND;
    if (status == RSM_OK && count > LIMIT_SEGMENTS)
        status = RSM_TOO_MANY;
    if (status != RSM_OK)
        goto out;
    CHECK(r->segments == NULL);
    r->segments = mem_alloc(count * sizeof(*r->segments));
    r->segment_count = count;
    for (size_t i = 0; i < count; i++)
        r->segments[i].segment = numbers[i];
    status = read_heads(r);
    CHECK(status != RSM_OK || r->segment_count == count);
    if (status != RSM_OK)
        goto out;
    for (size_t i = 0; i < count; i++)
        read_marks(r, &r->segments[i]);
out:
    mem_free(numbers);
    return status;
}

/* Memory for so many bytes, and one that is never read; NULL: there is none. */
static uint8_t *image_of(struct recovery *r, uint64_t size)
{
    CHECK(size <= LIMIT_SEGMENT_SIZE);
    if (r->image == NULL || r->image_capacity < size) {
        mem_free(r->image);
        r->image = mem_try_alloc(size + 1);
        r->image_capacity = size;
    }
    CHECK(r->image_capacity >= size);
    return r->image;
}

enum rsm_status recover_load(struct recovery *r, const struct recovered_segment *s,
                             struct segment_image *image_out)
{
    uint64_t present = s->file_size;

    *image_out = (struct segment_image){0};
    image_out->size = s->size > LIMIT_SEGMENT_SIZE ? LIMIT_SEGMENT_SIZE : s->size;
    image_out->data = image_of(r, image_out->size);
    if (image_out->data == NULL)
        return RSM_NO_MEMORY;
    CHECK(image_out->size <= LIMIT_SEGMENT_SIZE && image_out->size % DISK_SECTOR_SIZE == 0);
    if (present > image_out->size)
        present = image_out->size;
    memset(image_out->data + present, UNREADABLE_BYTE, image_out->size - present);
    if (present == 0 || disk_read(r->disk, s->segment, 0, image_out->data, present) == RSM_OK)
        return RSM_OK;
    for (uint64_t at = 0; at < present; at += DISK_SECTOR_SIZE) {
        size_t part = present - at < DISK_SECTOR_SIZE ? present - at : DISK_SECTOR_SIZE;
        if (disk_read(r->disk, s->segment, at, image_out->data + at, part) == RSM_OK)
            continue;
        memset(image_out->data + at, UNREADABLE_BYTE, part);
        image_out->unreadable = true;
    }
    return RSM_OK;
}

void recover_deinit(struct recovery *r)
{
    CHECK(r->segments != NULL || r->segment_count == 0);
    mem_free(r->image);
    r->image = NULL;
    mem_free(r->segments);
    r->segments = NULL;
    r->segment_count = 0;
}
