/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recover.c - the second pass of a recovery: all groups in order, and what stands where one is
 * missing.
 *
 * Segments are read in order of their numbers, groups one after the other. Where the next group is
 * not whole there is a *gap*, and what it means depends on what comes later:
 *
 *   sealed, zeros to the end, b is the last group      the segment's end: the next one must exist
 *   the next segment begins with just the group
 *     that is missing                                  the seal was lost (harmless)
 *   any later segment was used                         a group was lost: damaged
 *   otherwise                                          the tail: tail.c has the table
 *
 * Once something is damaged the walk goes on in *doubt*: groups that check are counted and shown to
 * the scanner, and their promises and votes are visited as evidence of what this replica said. What
 * they say of the gaps before them is loss.h's business.
 */
#include "storage/recover.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/loss.h"
#include "storage/tail.h"

struct walk {
    struct recovery *r;
    struct writer payload;
    bool doubt;
    uint64_t expected; /* number of the next group; 0: any */
    uint32_t previous; /* its `previous`, when expected is not 0 */
    bool sequence_is_known;
    uint64_t sequence; /* of the last record */
    /* In doubt. */
    uint64_t group; /* the last one taken; 0: none */
    uint32_t check;
    struct loss loss;
    /* The gap that the walk met and that is not explained yet. */
    struct recovered_segment *gap; /* NULL: none */
    uint64_t gap_offset;
    uint64_t gap_end; /* the end of what is not zero there */
    enum tail_rest gap_rest;
    struct segment_group gap_group;
};

/* All records of a group decode, fit each other, and continue the sequence. Visits nothing. */
static bool group_is_sound(const struct walk *w, const struct segment_group *group,
                           struct reader records, bool begins_segment)
{
    struct record record;
    uint64_t sequence = w->sequence;
    bool known = w->sequence_is_known;

    for (uint32_t i = 0; i < group->records; i++) {
        if (!record_decode(&records, &record))
            return false;
        bool is_checkpoint = record.kind == RECORD_CHECKPOINT;
        if (is_checkpoint != (begins_segment && i == 0))
            return false;
        if (known && record.sequence != sequence + (is_checkpoint ? 0 : 1))
            return false;
        if (record.kind == RECORD_ACCEPT &&
            (record.slot < group->slot_first || record.slot >= group->slot_end))
            return false;
        sequence = record.sequence;
        known = true;
    }
    return group->records > 0 && reader_done(&records);
}

static void note_record(struct recovery *r, const struct record *record)
{
    struct journal_report *report = r->report;

    CHECK(record->ballot.replica <= REPLICA_MAX); /* record_decode has seen to it, and to these */
    CHECK(record->slot <= SLOT_MAX && record->end <= SLOT_MAX + 1);
    CHECK(record->store_slot <= SLOT_MAX);
    if (ballot_compare(record->ballot, report->promise) > 0)
        report->promise = record->ballot;
    if (record->kind == RECORD_ACCEPT && record->slot >= report->accepted_end)
        report->accepted_end = record->slot + 1;
    if (record->end > report->chosen_end)
        report->chosen_end = record->end;
    if (record->store_slot > r->store_slot)
        r->store_slot = record->store_slot;
}

/* Hands out the records of a sound group and moves on to the next one. */
static enum rsm_status take_group(struct walk *w, struct recovered_segment *s, uint64_t offset,
                                  const struct segment_group *group, struct reader records)
{
    struct recovery *r = w->r;
    struct journal_place place = {s->segment, offset, group->group, w->doubt};
    struct record record;

    CHECK(offset >= SEGMENT_DATA_OFFSET && offset % DISK_SECTOR_SIZE == 0);
    CHECK(group->size > 0 && group->size % DISK_SECTOR_SIZE == 0 && group->records > 0);
    CHECK(w->gap == NULL); /* what is behind an open gap is not taken */
    if (w->doubt && (group->group != w->group + 1 || group->previous != w->check))
        loss_on_gap(&w->loss);
    for (uint32_t i = 0; i < group->records; i++) {
        enum rsm_status status = RSM_OK;
        bool is_record = record_decode(&records, &record);
        CHECK(is_record); /* it was one a moment ago, in the same memory */
        note_record(r, &record);
        if (r->scanner != NULL)
            r->scanner->on_record(r->scanner->context, &place, &record);
        w->sequence = record.sequence;
        w->sequence_is_known = true;
        loss_on_record(&w->loss, &record);
        if (!w->doubt) {
            r->report->records++;
            r->report->last_sequence = record.sequence;
        }
        if (r->visit != NULL)
            status = r->visit(r->context, &record, w->doubt);
        if (status != RSM_OK)
            return status;
    }
    CHECK(w->sequence_is_known);
    r->report->groups++;
    if (s->group_first == 0)
        s->group_first = group->group;
    s->group_end = group->group + 1;
    if (group->slot_end > s->slot_end)
        s->slot_end = group->slot_end;
    s->used = offset + group->size;
    s->is_used = true;
    w->group = group->group;
    w->check = group->check;
    w->expected = group->group + 1;
    w->previous = group->check;
    return RSM_OK;
}

/* A whole group at `offset` that may follow. */
static bool find_group(struct walk *w, const struct recovered_segment *s,
                       const struct segment_image *image, uint64_t offset,
                       struct segment_group *group_out, struct reader *records_out)
{
    struct bytes bytes = bytes_make(image->data, image->size);

    CHECK(offset >= SEGMENT_DATA_OFFSET && offset % DISK_SECTOR_SIZE == 0);
    CHECK(offset < image->size);
    if (!segment_group_decode(&w->r->identity, s->segment, bytes, offset, group_out, &w->payload,
                              records_out))
        return false;
    if (w->expected != 0 && !MUTANT(UNBOUND_CHECKSUM) &&
        (group_out->group != w->expected || group_out->previous != w->previous))
        return false;
    return group_is_sound(w, group_out, *records_out, offset == SEGMENT_DATA_OFFSET);
}

/* Takes groups from *offset on until there is none; *offset is then where it should have been. */
static enum rsm_status take_groups(struct walk *w, struct recovered_segment *s,
                                   const struct segment_image *image, uint64_t *offset)
{
    struct segment_group group;
    struct reader records;

    while (*offset < image->size && find_group(w, s, image, *offset, &group, &records)) {
        enum rsm_status status = take_group(w, s, *offset, &group, records);
        if (status != RSM_OK)
            return status;
        *offset += group.size;
    }
    CHECK(*offset <= image->size);
    CHECK(*offset % DISK_SECTOR_SIZE == 0 && *offset >= s->used);
    return RSM_OK;
}

/*
 * The bytes behind the last good group. *group_out is what its first sector says of the missing
 * group, if it checks; *end_out the end of what is not zero.
 */
static enum tail_rest classify_rest(const struct walk *w, const struct recovered_segment *s,
                                    const struct segment_image *image, uint64_t offset,
                                    struct segment_group *group_out, uint64_t *end_out)
{
    enum tail_rest rest = TAIL_REST_OLD;
    struct writer payload;
    struct reader records;
    uint64_t count = 0;

    CHECK(offset >= SEGMENT_DATA_OFFSET && offset <= image->size);
    writer_init(&payload, LIMIT_SEGMENT_SIZE);
    (void)segment_group_decode(&w->r->identity, s->segment, bytes_make(image->data, image->size),
                               offset, group_out, &payload, &records);
    writer_deinit(&payload);
    *end_out = offset;
    for (uint64_t at = offset; at < image->size; at += DISK_SECTOR_SIZE) {
        uint64_t group = 0;
        enum segment_sector sector =
            segment_sector_decode(&w->r->identity, s->segment, at, image->data + at, &group);
        if (sector == SEGMENT_SECTOR_ZERO)
            continue;
        *end_out = at + DISK_SECTOR_SIZE;
        if (sector == SEGMENT_SECTOR_BAD || group != w->expected)
            rest = TAIL_REST_NEITHER;
        else if (rest == TAIL_REST_OLD)
            rest = TAIL_REST_NEW;
        count++;
    }
    /* All there and yet not a group, or bytes of it where it does not reach: no torn write. */
    if (rest == TAIL_REST_NEW && group_out->size != 0 &&
        (count * DISK_SECTOR_SIZE >= group_out->size || *end_out > offset + group_out->size))
        rest = TAIL_REST_NEITHER;
    group_out->group = w->expected;
    CHECK(*end_out >= offset && *end_out <= image->size);
    CHECK((rest == TAIL_REST_OLD) == (*end_out == offset));
    return rest;
}

static void doubt(struct walk *w, enum journal_finding_kind kind, uint64_t segment, uint64_t offset,
                  const struct segment_group *group)
{
    CHECK(!journal_finding_is_harmless(kind));
    recover_add_finding(w->r, kind, segment, offset, group);
    CHECK(w->r->report->verdict == JOURNAL_DAMAGED);
    w->doubt = true;
    w->gap = NULL;
    loss_on_gap(&w->loss);
}

/* The walk met a gap at `offset`: the segment's end, damage, or something that later ones tell. */
static void meet_gap(struct walk *w, struct recovered_segment *s, const struct segment_image *image,
                     uint64_t offset)
{
    struct segment_group group = {0};
    uint64_t end = 0;

    CHECK(!w->doubt && w->gap == NULL);
    CHECK(offset >= s->used);
    enum tail_rest rest = classify_rest(w, s, image, offset, &group, &end);

    if (rest == TAIL_REST_OLD && s->sealed && w->expected != 0 && s->b + 1 == w->expected) {
        if (s->marks_readable != SEGMENT_MARK_COUNT)
            recover_add_finding(w->r, JOURNAL_BAD_HEAD, s->segment, SEGMENT_MARK_OFFSET,
                                &(struct segment_group){0});
        return;
    }
    if (rest == TAIL_REST_NEITHER && !MUTANT(STOP_AT_BAD_GROUP)) {
        if (MUTANT(SKIP_BAD_GROUP)) {
            w->expected = 0;
            w->sequence_is_known = false;
            return;
        }
        doubt(w, JOURNAL_BAD_GROUP, s->segment, offset, &group);
    } else if (w->expected == 0 || s->sealed) {
        doubt(w, JOURNAL_LOST_GROUP, s->segment, offset, &group);
    } else {
        w->gap = s;
        w->gap_offset = offset;
        w->gap_end = end;
        w->gap_rest = rest;
        w->gap_group = group;
    }
}

/* The next place from `offset` on where any whole group begins; the image's end when none. */
static uint64_t find_next(struct walk *w, const struct recovered_segment *s,
                          const struct segment_image *image, uint64_t offset)
{
    struct segment_group group;
    struct reader records;

    CHECK(w->doubt || MUTANT(SKIP_BAD_GROUP));
    w->expected = 0;
    w->sequence_is_known = false;
    while (offset < image->size && !find_group(w, s, image, offset, &group, &records))
        offset += DISK_SECTOR_SIZE;
    CHECK(offset % DISK_SECTOR_SIZE == 0);
    return offset;
}

/* Some sector of the groups' part checks: it was written once. */
static bool holds_groups(const struct walk *w, const struct recovered_segment *s,
                         const struct segment_image *image)
{
    uint64_t group = 0;

    CHECK(image->data != NULL && image->size % DISK_SECTOR_SIZE == 0);
    for (uint64_t at = SEGMENT_DATA_OFFSET; at < image->size; at += DISK_SECTOR_SIZE) {
        if (segment_sector_decode(&w->r->identity, s->segment, at, image->data + at, &group) ==
            SEGMENT_SECTOR_GROUP)
            return true;
    }
    return false;
}

/* There is a gap, and here is a later segment. True when this one is to be read as well. */
static bool explain_gap(struct walk *w, struct recovered_segment *s,
                        const struct segment_image *image)
{
    const struct segment_group none = {0};
    struct segment_group group;
    struct reader records;

    CHECK(w->gap != NULL && !w->doubt && w->gap < s);
    CHECK(w->gap->segment < s->segment);
    s->is_used = s->is_used || holds_groups(w, s, image);
    if (s->is_used && s->segment == w->gap->segment + 1 && w->gap_rest == TAIL_REST_OLD &&
        w->gap->a < w->expected && find_group(w, s, image, SEGMENT_DATA_OFFSET, &group, &records)) {
        recover_add_finding(w->r, JOURNAL_SEAL_LOST, w->gap->segment, w->gap_offset, &none);
        w->gap = NULL;
        return true;
    }
    if (s->is_used && !MUTANT(STOP_AT_BAD_GROUP)) {
        doubt(w, JOURNAL_LOST_GROUP, w->gap->segment, w->gap_offset, &w->gap_group);
        return true;
    }
    if (s->head != SEGMENT_HEAD_GOOD || s->marks_readable != SEGMENT_MARK_COUNT ||
        s->file_size != s->size ||
        !segment_is_zero(image->data + SEGMENT_DATA_OFFSET, image->size - SEGMENT_DATA_OFFSET)) {
        s->is_leftover = true;
        recover_add_finding(w->r, JOURNAL_LEFTOVER, s->segment, 0, &none);
    }
    return false;
}

/* What the file itself says, before its groups are read. */
static void check_file(struct walk *w, struct recovered_segment *s, const struct segment_image *im)
{
    const struct segment_group none = {0};
    bool is_ours = s->marks_readable > 0 || holds_groups(w, s, im);

    if (!is_ours && s->head != SEGMENT_HEAD_GOOD)
        doubt(w, JOURNAL_SEGMENT_MISSING, s->segment, 0, &none);
    else if (s->head != SEGMENT_HEAD_GOOD)
        recover_add_finding(w->r, JOURNAL_BAD_HEAD, s->segment, 0, &none);
    if (s->file_size != s->size)
        recover_add_finding(w->r, JOURNAL_SEGMENT_SIZE, s->segment, s->file_size, &none);
    if (im->unreadable)
        recover_add_finding(w->r, JOURNAL_UNREADABLE, s->segment, 0, &none);
    /* What is not as it should be was told. */
    CHECK(s->head == SEGMENT_HEAD_GOOD || w->r->report->finding_count > 0);
    CHECK(s->file_size == s->size || w->r->report->verdict == JOURNAL_DAMAGED);
    CHECK(!im->unreadable || w->r->report->verdict == JOURNAL_DAMAGED);
}

/*
 * In doubt, and this segment was read: could it be the last one, and is nothing missing behind its
 * last group? One that was prepared and holds nothing leaves that to the one before.
 */
static void judge_end(struct walk *w, const struct recovered_segment *s,
                      const struct segment_image *image)
{
    enum journal_finding_kind kind;
    struct segment_group group = {0};
    uint64_t end;
    bool are_marks_whole = s->marks_readable == SEGMENT_MARK_COUNT;

    CHECK(w->doubt && w->gap == NULL);
    CHECK(s->b <= s->a);
    if (s->group_end == 0) {
        if (s->head != SEGMENT_HEAD_GOOD || !are_marks_whole || s->a != 0 ||
            !segment_is_zero(image->data + SEGMENT_DATA_OFFSET, image->size - SEGMENT_DATA_OFFSET))
            w->loss.ends_well = false;
        return;
    }
    CHECK(s->used > SEGMENT_DATA_OFFSET && s->used <= image->size);
    w->expected = s->group_end;
    struct tail tail = {.group = s->group_end,
                        .a = s->a,
                        .b = s->b,
                        .marks_are_whole = are_marks_whole,
                        .rest = classify_rest(w, s, image, s->used, &group, &end)};
    w->loss.ends_well = !s->sealed && tail_decide(&tail, &kind) <= JOURNAL_CUT;
}

static enum rsm_status read_groups(struct walk *w, struct recovered_segment *s,
                                   const struct segment_image *image)
{
    uint64_t offset = SEGMENT_DATA_OFFSET;
    enum rsm_status status = RSM_OK;

    CHECK(w->gap == NULL);                      /* it was explained, or there was none */
    CHECK(s->group_first == 0 && s->used == 0); /* each is read once */
    check_file(w, s, image);
    for (;;) {
        uint64_t from = offset;
        if (w->doubt)
            offset = find_next(w, s, image, offset);
        if (w->doubt && offset > from && offset < image->size)
            loss_on_gap(&w->loss);
        status = take_groups(w, s, image, &offset);
        if (status != RSM_OK)
            break;
        if (!w->doubt)
            meet_gap(w, s, image, offset);
        if (MUTANT(SKIP_BAD_GROUP) && !w->doubt && w->expected == 0)
            offset = find_next(w, s, image, offset);
        else if (!w->doubt || offset >= image->size)
            break;
    }
    if (w->doubt && status == RSM_OK)
        judge_end(w, s, image);
    CHECK(!w->doubt || w->gap == NULL);
    return status;
}

/*
 * In doubt: the last file, nothing but zeros, behind an end where nothing is missing. The process
 * ended while it prepared a segment. (Without doubt explain_gap says the same.)
 */
static bool is_unfinished(const struct walk *w, const struct recovered_segment *s,
                          const struct segment_image *image)
{
    return w->doubt && w->loss.ends_well && s == &w->r->segments[w->r->segment_count - 1] &&
           segment_is_zero(image->data, image->size); /* what cannot be read is none */
}

/* Of a life before this one, and nothing in it is of this one. */
static bool is_of_other_life(const struct walk *w, const struct recovered_segment *s,
                             const struct segment_image *image)
{
    return s->head == SEGMENT_HEAD_OTHER_LIFE && s->marks_readable == 0 &&
           !holds_groups(w, s, image);
}

/* One file: belongs before the beginning, behind the end, or to the journal. */
static enum rsm_status walk_segment(struct walk *w, struct recovered_segment *s,
                                    const struct recovered_segment *before)
{
    const struct segment_group none = {0};
    struct segment_image image;

    CHECK(before == NULL || before->segment < s->segment);
    CHECK(w->gap == NULL || !w->doubt);
    if (s->segment < w->r->first_segment) {
        s->is_leftover = true;
        recover_add_finding(w->r, JOURNAL_LEFTOVER, s->segment, 0, &none);
        return RSM_OK;
    }
    enum rsm_status status = recover_load(w->r, s, &image);
    if (status != RSM_OK)
        return status;
    if (is_of_other_life(w, s, &image) || is_unfinished(w, s, &image)) {
        s->is_leftover = true;
        recover_add_finding(w->r, JOURNAL_LEFTOVER, s->segment, 0, &none);
        return RSM_OK;
    }
    if (s->head >= SEGMENT_HEAD_FOREIGN)
        recover_add_finding(w->r, JOURNAL_SEGMENT_FOREIGN, s->segment, 0, &none);
    if (!w->doubt && w->gap == NULL && before != NULL && s->segment != before->segment + 1)
        doubt(w, JOURNAL_SEGMENT_MISSING, before->segment + 1, 0, &none);
    if (image.size < SEGMENT_DATA_OFFSET + DISK_SECTOR_SIZE) {
        s->is_leftover = w->gap != NULL;
        if (s->is_leftover)
            recover_add_finding(w->r, JOURNAL_LEFTOVER, s->segment, 0, &none);
        else if (!w->doubt)
            doubt(w, JOURNAL_SEGMENT_MISSING, s->segment, 0, &none);
        w->loss.ends_well = false;
    } else if (w->gap == NULL || explain_gap(w, s, &image)) {
        status = read_groups(w, s, &image);
    }
    CHECK(!s->is_leftover || (s->used == 0 && s->group_end == 0)); /* nothing of it was counted */
    if (status == RSM_OK && w->r->scanner != NULL) {
        struct journal_segment_info info = {s->segment,     s->file_size, s->used,
                                            s->group_first, s->group_end, s->sealed};
        w->r->scanner->on_segment(w->r->scanner->context, &info);
    }
    return status;
}

/* Everything was read: where do we go on? */
static void finish(struct walk *w, const struct recovered_segment *last)
{
    const struct segment_group none = {0};
    struct recovery *r = w->r;
    enum journal_finding_kind kind = (enum journal_finding_kind)0;

    if (!w->doubt && w->gap == NULL) /* the last one was sealed */
        doubt(w, JOURNAL_SEGMENT_MISSING, last == NULL ? r->first_segment : last->segment + 1, 0,
              &none);
    if (w->doubt)
        return;
    CHECK(w->gap != NULL && !w->gap->is_leftover);
    struct tail tail = {w->gap_rest, w->expected, w->gap->a, w->gap->b,
                        w->gap->marks_readable == SEGMENT_MARK_COUNT};
    (void)tail_decide(&tail, &kind);
    if (kind != 0)
        recover_add_finding(r, kind, w->gap->segment, w->gap_offset, &w->gap_group);
    if (r->report->verdict > JOURNAL_CUT)
        return;
    r->current = (size_t)(w->gap - r->segments);
    r->next_group = w->expected;
    r->previous = w->previous;
    r->offset = w->gap_offset;
    r->cut_end = w->gap_end;
    r->report->cut_bytes = w->gap_end - w->gap_offset;
    CHECK(r->current < r->segment_count && r->next_group > 0);
    CHECK(r->cut_end >= r->offset && r->offset >= SEGMENT_DATA_OFFSET);
    CHECK(r->offset % DISK_SECTOR_SIZE == 0 && r->cut_end % DISK_SECTOR_SIZE == 0);
}

/* The lowest that may be of this incarnation. */
static uint64_t lowest_segment(const struct recovery *r)
{
    size_t i = 0;

    CHECK(r->segment_count > 0);
    while (i + 1 < r->segment_count && r->segments[i].head == SEGMENT_HEAD_OTHER_LIFE)
        i++;
    return r->segments[i].segment;
}

enum rsm_status recover_run(struct recovery *r)
{
    struct walk w = {.r = r};
    const struct recovered_segment *before = NULL;
    enum rsm_status status = RSM_OK;

    *r->report = (struct journal_report){.verdict = JOURNAL_CLEAN};
    status = recover_files(r);
    r->current = r->segment_count;
    if (status != RSM_OK)
        return status;
    if (r->first_segment == 0) /* no mark can be read: the lowest there is */
        r->first_segment = lowest_segment(r);
    w.expected = r->first_segment == 1 ? 1 : 0;
    writer_init(&w.payload, 2u * LIMIT_SEGMENT_SIZE);
    for (size_t i = 0; i < r->segment_count && status == RSM_OK; i++) {
        struct recovered_segment *s = &r->segments[i];
        if (before == NULL && s->segment > r->first_segment && !w.doubt)
            doubt(&w, JOURNAL_SEGMENT_MISSING, r->first_segment, 0, &(struct segment_group){0});
        status = walk_segment(&w, s, before);
        if (!s->is_leftover) {
            before = s;
            r->report->segments += s->is_used;
        }
    }
    if (status == RSM_OK)
        finish(&w, before);
    /* What may be gone on with has a place to go on at; what may not says what it can have lost. */
    CHECK(status != RSM_OK || r->report->verdict > JOURNAL_CUT || r->current < r->segment_count);
    CHECK(status != RSM_OK || !w.doubt || r->report->verdict == JOURNAL_DAMAGED);
    CHECK(r->report->segments <= r->segment_count);
    if (r->report->verdict > JOURNAL_CUT)
        r->report->lost_slot_end = w.doubt ? loss_slot_end(&w.loss) : LOSS_UNKNOWN;
    writer_deinit(&w.payload);
    return status;
}
