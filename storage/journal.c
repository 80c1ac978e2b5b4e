/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal.c - opening, with what recovery allows to mend, and appending. journal_flush.c writes
 * what was appended.
 */
#include "storage/journal.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/journal_state.h"

static void set_options(struct journal *j, const struct journal_options *options)
{
    j->segment_size = SEGMENT_SIZE_DEFAULT;
    j->prepared_count = 2;
    if (options == NULL)
        return;
    uint32_t size = options->segment_size;
    if (size > LIMIT_SEGMENT_SIZE)
        size = LIMIT_SEGMENT_SIZE;
    if (size != 0)
        j->segment_size =
            size < SEGMENT_SIZE_MIN ? SEGMENT_SIZE_MIN : size / DISK_SECTOR_SIZE * DISK_SECTOR_SIZE;
    if (options->prepared_count != 0)
        j->prepared_count = options->prepared_count;
    CHECK(j->segment_size >= SEGMENT_SIZE_MIN && j->segment_size <= LIMIT_SEGMENT_SIZE);
    CHECK(j->segment_size % DISK_SECTOR_SIZE == 0);
}

struct journal *journal_new(struct disk *disk, const struct journal_identity *identity,
                            const struct journal_options *options)
{
    struct journal *j = mem_alloc(sizeof(*j));

    j->disk = disk;
    CHECK(identity->replica >= 1 && identity->replica <= REPLICA_MAX);
    CHECK(identity->incarnation != 0);
    j->identity = *identity;
    set_options(j, options);
    return j;
}

/* A first segment that was being made when the process died, and nothing else. */
static bool is_unfinished_creation(const struct recovery *r)
{
    CHECK(r->segment_count > 0 && r->segments != NULL); /* nothing at all is RSM_NOT_FOUND */
    return r->segment_count == 1 && r->segments[0].segment == 1 && !r->segments[0].is_used &&
           r->segments[0].head != SEGMENT_HEAD_OTHER_LIFE &&
           (r->segments[0].head != SEGMENT_HEAD_GOOD ||
            r->segments[0].marks_readable < SEGMENT_MARK_COUNT);
}

/* Runs the recovery; makes the first segment when allowed, and runs it again. */
static enum rsm_status recover(struct journal *j, struct recovery *r, bool create)
{
    CHECK(r->segments == NULL && r->segment_count == 0);
    enum rsm_status status = recover_run(r);
    bool is_new = status == RSM_NOT_FOUND || (status == RSM_OK && is_unfinished_creation(r));

    if (!create || !is_new)
        return status;
    recover_deinit(r);
    status = journal_segment_prepare(j->disk, &j->identity, 1, j->segment_size,
                                     (struct journal_base){1, 0});
    return status == RSM_OK ? recover_run(r) : status;
}

/* Writes the last good group again, as it is: see the file comment. */
static enum rsm_status rewrite_last_group(struct journal *j, const struct recovered_segment *s)
{
    struct segment_image image = {0};
    struct segment_group group = {0};
    struct reader records;
    struct writer payload;
    uint64_t offset = SEGMENT_DATA_OFFSET;
    enum rsm_status status = RSM_OK;

    if (s->used == 0)
        return RSM_OK;
    CHECK(s->used > SEGMENT_DATA_OFFSET && s->used % DISK_SECTOR_SIZE == 0);
    image.data = mem_try_alloc(s->used);
    if (image.data == NULL)
        return RSM_NO_MEMORY;
    writer_init(&payload, 2u * LIMIT_SEGMENT_SIZE);
    status = disk_read(j->disk, s->segment, 0, image.data, s->used);
    while (status == RSM_OK) {
        CHECK(offset < s->used);
        if (!segment_group_decode(&j->identity, s->segment, bytes_make(image.data, s->used), offset,
                                  &group, &payload, &records))
            status = RSM_IO; /* it was good a moment ago */
        else if (offset + group.size < s->used)
            offset += group.size;
        else
            break;
    }
    CHECK(status != RSM_OK || offset + group.size == s->used); /* the last one, whole */
    if (status == RSM_OK)
        status = disk_write(j->disk, s->segment, offset, image.data + offset, s->used - offset);
    writer_deinit(&payload);
    mem_free(image.data);
    return status;
}

/* Takes over what recovery read: segments, the place to go on, the state of the next checkpoint. */
static void take_over(struct journal *j, const struct recovery *r)
{
    const struct recovered_segment *current = &r->segments[r->current];

    CHECK(r->current < r->segment_count && r->next_group > 0);
    j->segments = mem_alloc((r->segment_count + 1) * sizeof(*j->segments));
    for (size_t i = 0; i < r->segment_count; i++) {
        const struct recovered_segment *s = &r->segments[i];
        bool follows =
            j->segment_count == 0 || s->segment == j->segments[j->segment_count - 1].segment + 1;
        if (s->is_leftover || !follows)
            continue;
        if (i == r->current)
            j->current = j->segment_count;
        j->segments[j->segment_count++] =
            (struct journal_segment){s->segment, s->size, s->slot_end, s->group_first != 0};
    }
    j->base = (struct journal_base){r->first_segment, r->base_slot};
    j->mark = current->mark;
    j->offset = r->offset;
    j->durable_group = r->next_group - 1;
    j->durable_check = r->previous;
    j->mark.a = current->a;
    j->mark.b = current->b;
    CHECK(j->segment_count > 0 && j->current < j->segment_count);
    CHECK(j->segments[j->current].segment == current->segment);
    CHECK(j->segments[0].segment == j->base.segment); /* what must exist does */
    CHECK(j->offset >= SEGMENT_DATA_OFFSET && j->offset % DISK_SECTOR_SIZE == 0);
    CHECK(j->mark.b <= j->mark.a && j->mark.a <= j->durable_group);
}

/* A segment of an earlier incarnation: a renewal was interrupted after it had become valid. */
static bool is_earlier_life(const struct recovery *r, const struct recovered_segment *s)
{
    return s->segment < r->first_segment && s->head != SEGMENT_HEAD_GOOD && s->marks_readable == 0;
}

/* Removes leftovers, and prepared segments behind a gap; sets an earlier incarnation's aside. */
static enum rsm_status remove_leftovers(struct journal *j, const struct recovery *r)
{
    CHECK(j->segment_count > 0 && j->segment_count <= r->segment_count);
    uint64_t last = j->segments[j->segment_count - 1].segment;
    enum rsm_status status = RSM_OK;
    bool removed = false;

    for (size_t i = 0; i < r->segment_count && status == RSM_OK; i++) {
        const struct recovered_segment *s = &r->segments[i];
        if (!s->is_leftover && s->segment <= last)
            continue;
        CHECK(s->segment != j->segments[j->current].segment); /* it is gone on with */
        status = is_earlier_life(r, s) ? disk_set_aside(j->disk, s->segment)
                                       : disk_remove(j->disk, s->segment);
        removed = true;
    }
    if (status == RSM_OK && removed)
        status = disk_flush_directory(j->disk);
    return status;
}

/* Heads that do not check, of segments whose groups do. */
static enum rsm_status mend_heads(struct journal *j, const struct recovery *r)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    enum rsm_status status = RSM_OK;

    for (size_t i = 0; i < r->segment_count && status == RSM_OK; i++) {
        const struct recovered_segment *s = &r->segments[i];
        if (s->is_leftover || s->head == SEGMENT_HEAD_GOOD)
            continue;
        CHECK(s->used <= s->size && s->size % DISK_SECTOR_SIZE == 0);
        segment_head_encode(&j->identity, s->segment, s->size, sector);
        status = disk_write(j->disk, s->segment, 0, sector, sizeof(sector));
        if (status == RSM_OK)
            status = disk_flush(j->disk, s->segment);
    }
    return status;
}

/* Everything that a clean or cut journal needs before it is appended to. */
static enum rsm_status mend(struct journal *j, const struct recovery *r)
{
    const struct recovered_segment *current = &r->segments[r->current];
    CHECK(r->report->verdict <= JOURNAL_CUT); /* in doubt the disk stays as it is */
    CHECK(r->cut_end >= r->offset && r->cut_end <= current->size);
    CHECK(current->used == 0 ||
          current->used == j->offset); /* the last group ends where we go on */
    enum rsm_status status = remove_leftovers(j, r);

    if (status == RSM_OK)
        status = mend_heads(j, r);
    if (status == RSM_OK && r->cut_end > r->offset && !MUTANT(KEEP_TORN_TAIL))
        status = disk_zero(j->disk, current->segment, r->offset, r->cut_end);
    if (status == RSM_OK)
        status = rewrite_last_group(j, current);
    if (status == RSM_OK)
        status = disk_flush(j->disk, current->segment);
    if (status != RSM_OK || current->used == 0)
        return status;
    /* From here on a crash finds no doubt about the last group. */
    j->mark.a = j->durable_group;
    j->mark.b = j->durable_group;
    status = journal_write_mark(j);
    if (status == RSM_OK)
        status = journal_flush_current(j);
    return status;
}

static void take_report(struct journal *j, const struct recovery *r)
{
    j->durable_sequence = r->report->last_sequence;
    j->last_sequence = r->report->last_sequence;
    j->promise = r->report->promise;
    j->chosen_end = r->report->chosen_end;
    j->store_slot = r->store_slot;
    j->voted_end = r->report->accepted_end;
    CHECK(j->voted_end <= SLOT_MAX + 1 && j->promise.replica <= REPLICA_MAX);
    CHECK(j->chosen_end <= SLOT_MAX + 1 && j->store_slot <= SLOT_MAX);
}

enum rsm_status journal_open(struct disk *disk, const struct journal_identity *identity,
                             const struct journal_options *options, journal_visit *visit,
                             void *context, struct journal_report *report_out,
                             struct journal **journal_out)
{
    struct journal *j = journal_new(disk, identity, options);
    struct recovery r = {.disk = disk,
                         .identity = *identity,
                         .identity_is_known = true,
                         .visit = visit,
                         .context = context,
                         .report = report_out};

    *journal_out = NULL;
    enum rsm_status status = recover(j, &r, options != NULL && options->create);
    if (status == RSM_OK && report_out->verdict > JOURNAL_CUT) {
        j->read_only = true;
        j->segment_count = r.segment_count;
        take_report(j, &r);
        status = report_out->verdict == JOURNAL_UNCERTAIN ? RSM_UNCERTAIN : RSM_DAMAGED;
    } else if (status == RSM_OK) {
        take_over(j, &r);
        take_report(j, &r);
        status = mend(j, &r);
    }
    recover_deinit(&r);
    CHECK(status != RSM_OK || !j->read_only); /* who may not append is told so */
    if (status == RSM_OK)
        journal_state_check(j);
    CHECK(!j->dead || status != RSM_OK);
    if (status == RSM_OK || j->read_only)
        *journal_out = j;
    else
        journal_close(j);
    return status;
}

enum rsm_status journal_base(struct disk *disk, const struct journal_identity *identity,
                             uint64_t *slot_out)
{
    struct journal_report report = {0};
    struct recovery r = {
        .disk = disk, .identity = *identity, .identity_is_known = true, .report = &report};
    enum rsm_status status = recover_files(&r);

    CHECK(status == RSM_OK || r.base_slot == 0); /* no mark was read */
    CHECK(r.image == NULL);                      /* heads and marks alone */
    *slot_out = r.base_slot;
    recover_deinit(&r);
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

void journal_close(struct journal *j)
{
    if (j == NULL)
        return;
    (void)journal_settle(j); /* its sectors are the disk's until then */
    CHECK(j->pending_count <= j->pending_capacity);
    CHECK(j->sectors != NULL || j->sectors_size == 0);
    for (size_t i = 0; i < j->pending_capacity; i++)
        writer_deinit(&j->pending[i].payload);
    mem_free(j->pending);
    mem_free(j->segments);
    mem_free(j->sectors);
    mem_free(j);
}

enum rsm_status journal_append(struct journal *j, const struct record *record)
{
    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    CHECK(record->kind >= RECORD_PROMISE && record->kind <= RECORD_CHOSEN);
    CHECK(record->sequence == j->last_sequence + 1);
    CHECK(record->value.size <= LIMIT_VALUE_SIZE);
    /* What the reader asks for: nothing is written that a restart would take for damage. */
    CHECK(record->kind == RECORD_CHOSEN ||
          (record->ballot.replica >= 1 && record->ballot.replica <= REPLICA_MAX));
    CHECK(record->kind != RECORD_ACCEPT || (record->slot >= 1 && record->slot <= SLOT_MAX));
    CHECK(record->end <= SLOT_MAX + 1);
    bool is_vote = record->kind == RECORD_ACCEPT;
    enum rsm_status status = journal_plan(j, record_size(record), is_vote);
    if (status != RSM_OK)
        return status;

    CHECK(j->pending_count > 0);
    struct journal_group *group = &j->pending[j->pending_count - 1];
    record_encode(record, &group->payload);
    CHECK(!group->payload.failed);
    CHECK(group->payload.size <= LIMIT_SEGMENT_SIZE);
    group->records++;
    group->last_sequence = record->sequence;
    j->last_sequence = record->sequence;
    if (is_vote && (group->slot_end == 0 || record->slot < group->slot_first))
        group->slot_first = record->slot;
    if (is_vote && record->slot >= group->slot_end)
        group->slot_end = record->slot + 1;
    if (ballot_compare(record->ballot, j->promise) > 0)
        j->promise = record->ballot;
    if (record->end > j->chosen_end)
        j->chosen_end = record->end;
    if (group->slot_end > j->voted_end)
        j->voted_end = group->slot_end;
    CHECK(group->slot_end == 0 || group->slot_first < group->slot_end);
    CHECK(j->last_sequence > j->durable_sequence);
    return RSM_OK;
}

struct journal_extent journal_extent(const struct journal *j)
{
    if (j->read_only)
        return (struct journal_extent){0, 0, 0};
    CHECK(j->current < j->segment_count && j->segments[0].segment == j->base.segment);
    uint64_t under_way = j->flight.is_under_way ? j->flight.size : 0;
    CHECK(j->offset >= SEGMENT_DATA_OFFSET + under_way);
    return (struct journal_extent){j->segments[0].segment, j->segments[j->current].segment,
                                   j->offset - under_way};
}

uint64_t journal_durable_seq(const struct journal *j)
{
    CHECK(j->durable_sequence <= j->last_sequence);
    return j->durable_sequence;
}
