/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal_renew.c - a fresh journal for a new incarnation, beside the old one.
 *
 *   number   1 2 3          4 5            6 7
 *            dropped        the old one    the new one: first segment 6
 *
 * Which of the two is in force says the identity file alone: every head and every check is bound to
 * its incarnation. A crash at any moment:
 *
 *   before the identity names the new incarnation   6, 7 are of another life or unfinished:
 *                                                   left-overs; the old one is what it was
 *   afterwards                                      6, 7 are whole and flushed; 4, 5 lie below
 *                                                   `first segment`: left-overs, set aside
 */
#include "storage/journal_renew.h"

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/journal_state.h"

/* Votes are flushed in between when so much waits. */
#define FLUSH_BYTES (4u << 20)

/* All file numbers; *numbers_out is owned by the caller, also when it fails. */
static enum rsm_status list_files(struct disk *disk, uint64_t **numbers_out, size_t *count_out)
{
    *numbers_out = mem_alloc(LIMIT_SEGMENTS * sizeof(**numbers_out));
    enum rsm_status status = disk_list(disk, *numbers_out, LIMIT_SEGMENTS, count_out);
    return status == RSM_OK && *count_out > LIMIT_SEGMENTS ? RSM_TOO_MANY : status;
}

/* A whole file of zeros, or an empty one: a preparation that a crash ended. */
static bool is_blank(struct disk *disk, uint64_t file)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    uint64_t size = 0;

    if (disk_size(disk, file, &size) != RSM_OK)
        return false;
    for (uint64_t at = 0; at < size; at += DISK_SECTOR_SIZE) {
        size_t part = size - at < DISK_SECTOR_SIZE ? (size_t)(size - at) : DISK_SECTOR_SIZE;
        if (disk_read(disk, file, at, sector, part) != RSM_OK || !segment_is_zero(sector, part))
            return false;
    }
    return true;
}

/* Made by an earlier renewal that never came into force: of neither life, and not the old one's. */
static bool is_abandoned(struct disk *disk, const struct journal_identity *old, uint64_t file)
{
    struct journal_identity found;
    struct segment_mark mark;
    uint8_t sector[DISK_SECTOR_SIZE];
    uint64_t size = 0;

    CHECK(old->incarnation != 0);
    CHECK(old->replica >= 1 && old->replica <= REPLICA_MAX);
    if (disk_read(disk, file, 0, sector, sizeof(sector)) != RSM_OK)
        return is_blank(disk, file);
    enum segment_head head = segment_head_decode(old, file, sector, &found, &size);
    if (head == SEGMENT_HEAD_ZERO)
        return is_blank(disk, file);
    if (head != SEGMENT_HEAD_OTHER_LIFE)
        return false;
    for (unsigned i = 0; i < SEGMENT_MARK_COUNT; i++) {
        if (disk_read(disk, file, segment_mark_offset(i), sector, sizeof(sector)) != RSM_OK ||
            segment_mark_decode(old, file, i, sector, &mark))
            return false;
    }
    return true;
}

/* Space first: what was set aside before, and what interrupted renewals left. */
static enum rsm_status clear_away(struct disk *disk, const struct journal *old,
                                  const uint64_t *numbers, size_t count)
{
    enum rsm_status status = disk_drop_aside(disk);

    CHECK(count <= LIMIT_SEGMENTS);
    CHECK(old == NULL || old->read_only); /* it takes nothing any more */
    for (size_t i = 0; old != NULL && i < count && status == RSM_OK; i++) {
        if (is_abandoned(disk, &old->identity, numbers[i]))
            status = disk_remove(disk, numbers[i]);
    }
    return status == RSM_OK ? disk_flush_directory(disk) : status;
}

/* The first segment of the new life; its first group holds the checkpoint, whatever else follows.
 */
static enum rsm_status begin(struct journal *j, uint64_t number)
{
    CHECK(number > 0 && j->segment_count == 0);
    j->base = (struct journal_base){number, j->store_slot};
    enum rsm_status status =
        journal_segment_prepare(j->disk, &j->identity, number, j->segment_size, j->base);

    if (status != RSM_OK)
        return status;
    j->segments = mem_alloc(sizeof(*j->segments));
    j->segments[0] = (struct journal_segment){.segment = number, .size = j->segment_size};
    j->segment_count = 1;
    j->mark = (struct segment_mark){.writes = SEGMENT_MARK_COUNT - 1};
    j->offset = SEGMENT_DATA_OFFSET;
    CHECK(j->durable_group == 0 && j->pending_count == 0); /* the first group of a life is 1 */
    status = journal_plan(j, 0, false);
    CHECK(status != RSM_OK || j->pending_count == 1); /* the checkpoint, and what follows it */
    return status;
}

static enum rsm_status add(struct journal *j, struct record *record, size_t *waiting)
{
    CHECK(record->kind == RECORD_ACCEPT || record->kind == RECORD_CHOSEN);
    CHECK(j->segment_count > 0 && !j->read_only);
    CHECK(*waiting < FLUSH_BYTES);
    record->sequence = j->last_sequence + 1;
    enum rsm_status status = journal_append(j, record);
    *waiting += record->value.size;
    if (status == RSM_OK && *waiting >= FLUSH_BYTES) {
        status = journal_flush(j);
        *waiting = 0;
    }
    return status;
}

static enum rsm_status fill(struct journal *j, const struct journal_renewal *renewal)
{
    struct record record = {0};
    enum rsm_status status = RSM_OK;
    size_t waiting = 0;

    while (status == RSM_OK && renewal->next_vote != NULL &&
           renewal->next_vote(renewal->context, &record)) {
        record.kind = RECORD_ACCEPT;
        record.end = 0;
        status = add(j, &record, &waiting);
    }
    record = (struct record){.kind = RECORD_CHOSEN, .end = renewal->chosen_end};
    if (status == RSM_OK && record.end > 0)
        status = add(j, &record, &waiting);
    if (status == RSM_OK)
        status = journal_flush(j);
    if (status != RSM_OK)
        return status;
    CHECK(j->last_sequence >= renewal->next_sequence - 1);
    /* Its last group is beyond doubt before anybody relies on it. */
    CHECK(j->durable_group > 0 && j->durable_sequence == j->last_sequence);
    j->mark.a = j->durable_group;
    j->mark.b = j->durable_group;
    status = journal_write_mark(j);
    return status == RSM_OK ? journal_flush_current(j) : status;
}

/* The disk is full: back to what was there. */
static enum rsm_status undo(struct journal *j)
{
    enum rsm_status status = RSM_OK;

    CHECK(!j->dead); /* a full disk is no failed write */
    CHECK(j->segment_count == 0 || j->segments[0].segment == j->base.segment);
    for (size_t i = 0; i < j->segment_count && status == RSM_OK; i++)
        status = disk_remove(j->disk, j->segments[i].segment);
    if (status == RSM_OK)
        status = disk_flush_directory(j->disk);
    return status == RSM_OK ? RSM_DISK_FULL : RSM_IO;
}

enum rsm_status journal_renew(struct disk *disk, struct journal *old,
                              const struct journal_identity *identity,
                              const struct journal_options *options,
                              const struct journal_renewal *renewal, struct journal **journal_out)
{
    uint64_t *numbers = NULL;
    size_t count = 0;

    CHECK(renewal->next_sequence > 0);
    CHECK(renewal->store_slot <= SLOT_MAX && renewal->chosen_end <= SLOT_MAX + 1);
    CHECK(old == NULL || old->identity.incarnation != identity->incarnation);
    *journal_out = NULL;
    if (old != NULL)
        old->read_only = true;
    enum rsm_status status = list_files(disk, &numbers, &count);
    if (status == RSM_OK)
        status = clear_away(disk, old, numbers, count);
    uint64_t number = count == 0 || status != RSM_OK ? 1 : numbers[count - 1] + 1;
    mem_free(numbers);
    if (status == RSM_OK && (number == 0 || number > UINT64_MAX - LIMIT_SEGMENTS))
        status = RSM_TOO_MANY;
    if (status != RSM_OK)
        return status;

    struct journal *j = journal_new(disk, identity, options);
    j->promise = renewal->promise;
    j->chosen_end = renewal->chosen_end;
    j->store_slot = renewal->store_slot;
    j->last_sequence = renewal->next_sequence - 1;
    j->durable_sequence = j->last_sequence;
    status = begin(j, number);
    if (status == RSM_OK)
        status = fill(j, renewal);
    if (status == RSM_DISK_FULL)
        status = undo(j);
    CHECK(status != RSM_OK || j->segments[0].segment == number);
    CHECK(status != RSM_OK || (j->mark.a == j->durable_group && j->mark.b == j->durable_group));
    if (status == RSM_OK)
        *journal_out = j;
    else
        journal_close(j);
    return status;
}

static bool is_own(const struct journal *j, uint64_t number)
{
    CHECK(j->segment_count > 0); /* or the journal in force would be set aside as well */
    return number == j->preparing.segment || (number >= j->segments[0].segment &&
                                              number <= j->segments[j->segment_count - 1].segment);
}

enum rsm_status journal_set_others_aside(struct journal *j)
{
    uint64_t *numbers = NULL;
    size_t count = 0;

    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    enum rsm_status status = list_files(j->disk, &numbers, &count);
    for (size_t i = 0; i < count && status == RSM_OK; i++) {
        if (!is_own(j, numbers[i]))
            status = disk_set_aside(j->disk, numbers[i]);
    }
    if (status == RSM_OK)
        status = disk_flush_directory(j->disk);
    mem_free(numbers);
    return status == RSM_OK ? RSM_OK : journal_die(j);
}
