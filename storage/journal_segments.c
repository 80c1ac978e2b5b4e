/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal_segments.c - the life of segment files: prepared, marked, dropped. */
#include <string.h>

#include "storage/journal_state.h"

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"

/* Zeroed and flushed in one go in an idle moment: about 2 ms of the disk, a whole segment 50. */
#define PREPARE_SLICE (512u << 10)
/* Between appends: some 0.1 ms of the disk. */
#define PREPARE_SLICE_MIN (64u << 10)
/* The segment is needed now: whoever asks waits for it. */
#define SLICE_ALL LIMIT_SEGMENT_SIZE
/* While the disk is full, only each so many-th question finds work: each try costs a few calls. */
#define LOW_RETRY 64u

enum rsm_status journal_die(struct journal *j)
{
    j->dead = true;
    return RSM_IO;
}

/* Head and both marks of a segment that holds nothing yet. */
static enum rsm_status write_empty_head(struct disk *disk, const struct journal_identity *identity,
                                        uint64_t segment, uint64_t size, struct journal_base base)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    struct segment_mark mark = {.first_segment = base.segment, .base_slot = base.slot};

    CHECK(base.segment >= 1 && base.segment <= segment);

    segment_head_encode(identity, segment, size, sector);
    enum rsm_status status = disk_write(disk, segment, 0, sector, sizeof(sector));
    for (; status == RSM_OK && mark.writes < SEGMENT_MARK_COUNT; mark.writes++) {
        segment_mark_encode(identity, segment, &mark, sector);
        status =
            disk_write(disk, segment, segment_mark_offset(mark.writes), sector, sizeof(sector));
    }
    CHECK(status != RSM_OK || mark.writes == SEGMENT_MARK_COUNT);
    return status;
}

enum rsm_status journal_segment_prepare(struct disk *disk, const struct journal_identity *identity,
                                        uint64_t segment, uint64_t size, struct journal_base base)
{
    CHECK(size >= SEGMENT_SIZE_MIN && size <= LIMIT_SEGMENT_SIZE && size % DISK_SECTOR_SIZE == 0);
    CHECK(base.segment <= segment); /* or the first start would take it for a left-over */
    enum rsm_status status = disk_remove(disk, segment);
    if (status == RSM_OK)
        status = disk_create(disk, segment);
    if (status == RSM_OK)
        status = disk_zero(disk, segment, 0, size);
    if (status == RSM_OK)
        status = write_empty_head(disk, identity, segment, size, base);
    if (status == RSM_OK)
        status = disk_flush(disk, segment);
    if (status == RSM_OK)
        status = disk_flush_directory(disk);
    if (status == RSM_DISK_FULL && disk_remove(disk, segment) != RSM_OK)
        status = RSM_IO;
    return status;
}

/* The file of the segment that is being prepared, from nothing. */
static enum rsm_status begin_preparing(struct journal *j, uint64_t segment, uint64_t size)
{
    CHECK(size >= SEGMENT_SIZE_MIN && size <= LIMIT_SEGMENT_SIZE && size % DISK_SECTOR_SIZE == 0);
    CHECK(segment > j->segments[j->segment_count - 1].segment); /* never one that is in use */
    j->preparing = (struct journal_preparation){.segment = segment, .size = size};
    enum rsm_status status = disk_remove(j->disk, segment);
    return status == RSM_OK ? disk_create(j->disk, segment) : status;
}

/* A slice was begun and has not ended. */
static bool is_slice_under_way(const struct journal *j)
{
    CHECK(j->preparing.slice_end <= j->preparing.size);
    CHECK(j->preparing.done <= j->preparing.slice_end);
    return j->preparing.slice_end > j->preparing.done;
}

/*
 * The next `slice` bytes of it, or those under way, durable; RSM_BUSY: not yet. Head and directory
 * entry when it is whole.
 */
static enum rsm_status go_on_preparing(struct journal *j, uint64_t slice)
{
    struct journal_preparation *p = &j->preparing;
    if (!is_slice_under_way(j) || slice == SLICE_ALL)
        p->slice_end = p->size - p->done > slice ? p->done + slice : p->size;
    uint64_t end = p->slice_end;

    CHECK(p->done < end && end <= p->size);
    CHECK(p->segment == j->segments[j->segment_count - 1].segment + 1); /* the next one */
    CHECK(p->done % DISK_SECTOR_SIZE == 0 && end % DISK_SECTOR_SIZE == 0);
    enum rsm_status status = slice == SLICE_ALL
                                 ? disk_zero(j->disk, p->segment, p->done, end)
                                 : disk_zero_beside(j->disk, p->segment, p->done, end);
    if (status == RSM_BUSY)
        return status;
    if (status == RSM_OK && end == p->size) {
        status = write_empty_head(j->disk, &j->identity, p->segment, p->size, j->base);
        if (status == RSM_OK)
            status = disk_flush(j->disk, p->segment);
        if (status == RSM_OK)
            status = disk_flush_directory(j->disk);
    }
    p->done = end;
    return status;
}

/*
 * Goes on with a segment of at least `size` bytes behind the last one: at most `slice` bytes of
 * zeros, flushed. When it is whole it is added as prepared. RSM_DISK_FULL: it is gone again. Kills
 * the journal on RSM_IO.
 */
static enum rsm_status journal_prepare_some(struct journal *j, uint64_t size, uint64_t slice)
{
    CHECK(j->segment_count > 0 && !j->dead && !j->read_only);
    uint64_t segment = j->segments[j->segment_count - 1].segment + 1;
    enum rsm_status status = RSM_OK;

    if (size < j->segment_size)
        size = j->segment_size;
    if (j->segment_count >= LIMIT_SEGMENTS)
        return RSM_DISK_FULL;
    if (j->preparing.segment != segment || j->preparing.size < size)
        status = begin_preparing(j, segment, size);
    if (status == RSM_OK)
        status = go_on_preparing(j, slice);
    if (status == RSM_BUSY || (status == RSM_OK && j->preparing.done < j->preparing.size))
        return RSM_OK;
    size = j->preparing.size;
    j->preparing = (struct journal_preparation){0};
    if (status == RSM_DISK_FULL && disk_remove(j->disk, segment) == RSM_OK) {
        j->low = true;
        return RSM_DISK_FULL;
    }
    if (status != RSM_OK)
        return journal_die(j);
    j->segments = mem_realloc(j->segments, (j->segment_count + 1) * sizeof(*j->segments));
    CHECK(segment == j->segments[j->segment_count - 1].segment + 1); /* no gap */
    CHECK(size >= j->segment_size);
    j->segments[j->segment_count++] = (struct journal_segment){.segment = segment, .size = size};
    j->low = false;
    CHECK(j->segment_count <= LIMIT_SEGMENTS);
    return RSM_OK;
}

enum rsm_status journal_prepare_one(struct journal *j, uint64_t size)
{
    CHECK(size <= LIMIT_SEGMENT_SIZE);
    CHECK(j->segment_count > 0 && j->segment_count <= LIMIT_SEGMENTS);
    size_t count = j->segment_count;
    enum rsm_status status = journal_prepare_some(j, size, SLICE_ALL);
    CHECK(status != RSM_OK || (j->segment_count == count + 1 && j->segments[count].size >= size));
    return status;
}

enum rsm_status journal_enlarge(struct journal *j, size_t index, uint64_t size)
{
    struct journal_segment *s = &j->segments[index];

    CHECK(index > j->current && index < j->segment_count && !s->has_groups);
    CHECK(size <= LIMIT_SEGMENT_SIZE && size % DISK_SECTOR_SIZE == 0);
    CHECK(s->slot_end == 0); /* no vote is in it, or it would be gone */
    if (s->size >= size)
        return RSM_OK;
    enum rsm_status status =
        journal_segment_prepare(j->disk, &j->identity, s->segment, size, j->base);
    if (status == RSM_OK) {
        s->size = size;
        return RSM_OK;
    }
    if (status != RSM_DISK_FULL)
        return journal_die(j);
    /* Back to what it was: it belongs to the reserve. */
    j->low = true;
    status = journal_segment_prepare(j->disk, &j->identity, s->segment, s->size, j->base);
    if (status == RSM_OK)
        return RSM_DISK_FULL;
    /* Not even that: the later ones would leave a gap. */
    for (size_t i = index + 1; status == RSM_DISK_FULL && i < j->segment_count; i++) {
        if (disk_remove(j->disk, j->segments[i].segment) != RSM_OK)
            status = RSM_IO;
    }
    j->segment_count = index;
    return status == RSM_DISK_FULL ? RSM_DISK_FULL : journal_die(j);
}

struct disk_part journal_next_mark(struct journal *j, uint8_t sector[DISK_SECTOR_SIZE])
{
    /* While segments are dropped the base is above the first one already. */
    CHECK(j->base.segment >= j->segments[0].segment);
    CHECK(j->base.segment <= j->segments[j->current].segment && !j->read_only);
    CHECK(j->mark.first_segment <= j->base.segment); /* what was dropped stays dropped */
    CHECK(j->mark.a <= j->durable_group + 1);        /* the group that goes with it, at most */
    j->mark.writes++;
    j->mark.first_segment = j->base.segment;
    j->mark.base_slot = j->base.slot;
    CHECK(j->mark.b <= j->mark.a); /* or the reader takes it for damage */
    segment_mark_encode(&j->identity, j->segments[j->current].segment, &j->mark, sector);
    j->counters.bytes += DISK_SECTOR_SIZE;
    return (struct disk_part){segment_mark_offset(j->mark.writes), sector, DISK_SECTOR_SIZE};
}

enum rsm_status journal_write_mark(struct journal *j)
{
    uint8_t sector[DISK_SECTOR_SIZE];
    struct disk_part mark = journal_next_mark(j, sector);
    CHECK(!j->flight.is_under_way); /* nothing else is written to `current` meanwhile */
    CHECK(mark.offset + mark.size <= SEGMENT_DATA_OFFSET); /* never over a group */
    enum rsm_status status =
        disk_write(j->disk, j->segments[j->current].segment, mark.offset, mark.data, mark.size);

    return status == RSM_OK ? RSM_OK : journal_die(j);
}

/*
 * A flush that failed says that some bytes did not reach the disk, and the system may have
 * forgotten which: a second one would succeed without them. So there is no second one.
 */
enum rsm_status journal_flush_current(struct journal *j)
{
    CHECK(!j->dead && !j->read_only); /* after a flush that failed there is no other */
    CHECK(!j->flight.is_under_way);
    enum rsm_status status = disk_flush(j->disk, j->segments[j->current].segment);

    if (status != RSM_OK && MUTANT(RETRY_FLUSH))
        status = disk_flush(j->disk, j->segments[j->current].segment);
    return status == RSM_OK ? RSM_OK : journal_die(j);
}

enum rsm_status journal_write_current(struct journal *j, const struct disk_part *parts,
                                      size_t count)
{
    CHECK(!j->dead && !j->read_only);
    uint64_t segment = j->segments[j->current].segment;
    enum rsm_status status = disk_write_durably(j->disk, segment, parts, count);

    if (status != RSM_OK && MUTANT(RETRY_FLUSH))
        status = disk_flush(j->disk, segment);
    return status == RSM_OK ? RSM_OK : journal_die(j);
}

static size_t prepared(const struct journal *j)
{
    CHECK(j->current < j->segment_count);
    return j->segment_count - j->current - 1;
}

/* The `b` of the last group is still to be written. */
static bool owes_mark(const struct journal *j)
{
    CHECK(j->mark.b <= j->durable_group); /* a mark vouches for no group that is to come */
    CHECK(j->current < j->segment_count);
    return j->mark.b < j->durable_group && j->segments[j->current].has_groups;
}

static bool is_segment_due(struct journal *j)
{
    if (j->dead || j->read_only)
        return false;
    if (j->low) /* also with all that is wanted ready: more was asked for than that */
        return ++j->asked_while_low % LOW_RETRY == 0;
    return prepared(j) < j->prepared_count;
}

bool journal_is_idle_work_due(struct journal *j)
{
    return (!j->dead && !j->read_only && owes_mark(j)) || is_segment_due(j);
}

/*
 * No mark: the next group brings it. And no more zeros than twice what was written since the last
 * call, but 64 KiB: a flush may wait behind them, and the segment is ready before it is needed.
 */
enum rsm_status journal_prepare_ahead(struct journal *j)
{
    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    CHECK(j->bytes_at_slice <= j->counters.bytes);
    if (!is_segment_due(j))
        return RSM_OK;
    if (prepared(j) >= j->prepared_count) {
        j->low = false;
        return RSM_OK;
    }
    if (is_slice_under_way(j))
        return journal_prepare_some(j, j->segment_size, PREPARE_SLICE_MIN);
    uint64_t slice = 2 * (j->counters.bytes - j->bytes_at_slice);
    slice -= slice % DISK_SECTOR_SIZE; /* a count of bytes of whole sectors all the same */
    if (slice < PREPARE_SLICE_MIN)
        slice = PREPARE_SLICE_MIN;
    if (slice > PREPARE_SLICE)
        slice = PREPARE_SLICE;
    CHECK(slice % DISK_SECTOR_SIZE == 0);
    j->bytes_at_slice = j->counters.bytes;
    return journal_prepare_some(j, j->segment_size, slice);
}

enum rsm_status journal_prepare_next(struct journal *j)
{
    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    enum rsm_status status = journal_settle(j);
    if (status != RSM_OK)
        return status;
    if (owes_mark(j)) {
        j->mark.a = j->durable_group;
        j->mark.b = j->durable_group;
        status = journal_write_mark(j);
        if (status == RSM_OK)
            status = journal_flush_current(j);
        if (status != RSM_OK)
            return status;
        CHECK(!owes_mark(j));
    }
    if (prepared(j) < j->prepared_count)
        return journal_prepare_some(j, j->segment_size, PREPARE_SLICE);
    j->low = false;
    return RSM_OK;
}

/* Removes the first `count` segments: first it is written down that they need not exist. */
static enum rsm_status drop(struct journal *j, size_t count)
{
    CHECK(count > 0 && count <= j->current);
    CHECK(j->segments[j->current].has_groups); /* its checkpoint has the promise of those that go */
    CHECK(j->segments[count - 1].slot_end <= j->store_slot + 1); /* the store holds them */
    CHECK(j->segments[count].segment > j->base.segment);
    enum rsm_status status = journal_settle(j);
    if (status != RSM_OK)
        return status;
    j->base = (struct journal_base){j->segments[count].segment, j->store_slot};
    j->mark.a = j->durable_group;
    j->mark.b = j->durable_group;
    status = journal_write_mark(j);
    if (status == RSM_OK)
        status = journal_flush_current(j);
    for (size_t i = 0; i < count && status == RSM_OK; i++)
        status = disk_remove(j->disk, j->segments[i].segment);
    if (status == RSM_OK)
        status = disk_flush_directory(j->disk);
    if (status != RSM_OK)
        return journal_die(j);
    j->segment_count -= count;
    j->current -= count;
    memmove(j->segments, j->segments + count, j->segment_count * sizeof(*j->segments));
    j->counters.dropped += count;
    CHECK(j->segments[0].segment == j->base.segment && j->current < j->segment_count);
    return RSM_OK;
}

enum rsm_status journal_drop_below(struct journal *j, uint64_t slot)
{
    size_t count = 0;

    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    CHECK(slot <= SLOT_MAX);
    if (slot > j->store_slot)
        j->store_slot = slot;
    while (count < j->current && j->segments[count].slot_end <= slot + 1)
        count++;
    CHECK(count <= j->current && j->store_slot >= slot);
    /* The current one must hold its checkpoint: the promise would go with the others. */
    if (count == 0 || !j->segments[j->current].has_groups)
        return RSM_OK;
    return drop(j, count);
}

bool journal_is_low(const struct journal *j)
{
    return j->low && prepared(j) < j->prepared_count;
}

void journal_get_counters(const struct journal *j, struct journal_counters *counters_out)
{
    *counters_out = j->counters;
    CHECK(j->counters.groups <= j->durable_group || j->read_only);
    counters_out->segments = j->read_only ? j->segment_count : j->current + 1;
    counters_out->prepared = j->read_only ? 0 : prepared(j);
}
