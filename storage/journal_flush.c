/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal_flush.c - groups become durable, in their turn or beside their owner.
 *
 * What a crash can leave, step by step of journal_flush, and what recovery makes of it:
 *
 *   1. (only when the next segment is begun) mark of the old segment: sealed; flush of the old one
 *          crash: not sealed, the tail of the old one; or sealed, and the new one is empty: clean
 *   2. the group's sectors and its mark a = g, b = g - 1, in no order
 *          crash: torn or absent, a < g: cut. Mark there and not all sectors: uncertain
 *   3. flush
 *          crash: as 2, or the group is whole: it counts, acknowledged or not
 *
 * A process that dies leaves its writes to the system, which may write them or lose them later. So
 * journal_open writes the last group again and flushes before anybody hears of it.
 */
#include "storage/journal_state.h"

#include "src/base/check.h"
#include "src/base/mem.h"

/* The current segment takes no more groups: says so, and moves on to the next, prepared one. */
static enum rsm_status seal_current(struct journal *j)
{
    CHECK(j->current + 1 < j->segment_count);
    CHECK(!j->mark.sealed);
    j->mark.a = j->durable_group;
    j->mark.b = j->durable_group;
    j->mark.sealed = true;
    enum rsm_status status = journal_write_mark(j);
    if (status == RSM_OK)
        status = journal_flush_current(j);
    if (status != RSM_OK)
        return status;
    j->current++;
    CHECK(!j->segments[j->current].has_groups);
    CHECK(j->segments[j->current].slot_end == 0);
    CHECK(j->segments[j->current].segment == j->segments[j->current - 1].segment + 1);
    j->mark = (struct segment_mark){.writes = SEGMENT_MARK_COUNT - 1};
    j->offset = SEGMENT_DATA_OFFSET;
    return RSM_OK;
}

/* The sectors of the next group and its mark: two parts. Where it stands is its flight. */
static void encode_group(struct journal *j, const struct journal_group *pending,
                         struct disk_part parts_out[2])
{
    const struct journal_segment *s = &j->segments[j->current];
    struct journal_flight *f = &j->flight;

    CHECK(!f->is_under_way); /* or the sectors are the disk's */
    CHECK(s->segment == pending->segment && j->offset == pending->offset);
    CHECK(pending->records > 0 && pending->last_sequence >= j->durable_sequence);
    CHECK(pending->slot_first <= pending->slot_end);
    *f = (struct journal_flight){.size = segment_group_size(pending->payload.size),
                                 .group = {.group = j->durable_group + 1,
                                           .records = pending->records,
                                           .previous = j->durable_check,
                                           .slot_first = pending->slot_first,
                                           .slot_end = pending->slot_end},
                                 .last_sequence = pending->last_sequence};
    CHECK(j->offset + f->size <= s->size);
    CHECK(f->last_sequence <= j->last_sequence); /* nothing is written that was not appended */
    if (j->sectors_size < f->size) {
        j->sectors = mem_realloc(j->sectors, f->size);
        j->sectors_size = f->size;
    }
    segment_group_encode(&j->identity, s->segment, j->offset, &f->group, pending->payload.data,
                         pending->payload.size, j->sectors);
    CHECK(f->group.size == f->size); /* all its sectors, and no more of them */
    j->mark.a = f->group.group;
    j->mark.b = j->durable_group;
    parts_out[0] = (struct disk_part){j->offset, j->sectors, f->size};
    parts_out[1] = journal_next_mark(j, j->mark_sector);
    j->offset += f->size;
}

/* The group of the flight is durable. */
static void group_is_durable(struct journal *j)
{
    const struct journal_flight *f = &j->flight;
    struct journal_segment *s = &j->segments[j->current];

    CHECK(f->group.group == j->durable_group + 1 && f->last_sequence >= j->durable_sequence);
    CHECK(j->mark.a == f->group.group); /* its mark went with the same flush */
    CHECK(j->mark.b == j->durable_group);
    s->has_groups = true;
    if (f->group.slot_end > s->slot_end)
        s->slot_end = f->group.slot_end;
    j->durable_group = f->group.group;
    j->durable_check = f->group.check;
    j->durable_sequence = f->last_sequence;
    CHECK(j->offset <= s->size && j->durable_sequence <= j->last_sequence);
    j->counters.flushes++;
    j->counters.groups++;
    j->counters.bytes += f->size;
}

static enum rsm_status write_group(struct journal *j, const struct journal_group *pending)
{
    struct disk_part parts[2];

    encode_group(j, pending, parts);
    enum rsm_status status = journal_write_current(j, parts, 2);
    if (status == RSM_OK)
        group_is_durable(j);
    CHECK(status != RSM_OK || j->durable_sequence == pending->last_sequence);
    CHECK(status == RSM_OK || j->dead); /* nobody flushes it a second time */
    return status;
}

/* The disk says what came of the group that was under way. */
static enum rsm_status end_flight(struct journal *j, bool waits)
{
    if (!j->flight.is_under_way)
        return j->dead ? RSM_IO : RSM_OK;
    CHECK(j->flight.size > 0 && j->flight.size <= j->sectors_size);
    CHECK(j->offset >= SEGMENT_DATA_OFFSET + j->flight.size); /* it ends where the next begins */
    enum rsm_status status = disk_write_end(j->disk, waits);
    if (status == RSM_BUSY)
        return status;
    j->flight.is_under_way = false;
    if (status != RSM_OK)
        return journal_die(j);
    group_is_durable(j);
    journal_state_check(j);
    return RSM_OK;
}

enum rsm_status journal_settle(struct journal *j)
{
    enum rsm_status status = end_flight(j, true);
    CHECK(!j->flight.is_under_way); /* who waited may write */
    CHECK(status == RSM_OK || j->dead);
    return status;
}

enum rsm_status journal_flush_end(struct journal *j)
{
    enum rsm_status status = end_flight(j, false);
    CHECK((status == RSM_BUSY) == j->flight.is_under_way);
    CHECK(status != RSM_IO || j->dead);
    return status;
}

enum rsm_status journal_flush_begin(struct journal *j)
{
    struct disk_part parts[2];

    if (j->dead)
        return RSM_IO;
    bool is_one = j->pending_count == 1 && !j->flight.is_under_way &&
                  j->pending[0].segment == j->segments[j->current].segment;
    if (!is_one) /* a segment is sealed on the way, or nothing is there to be written */
        return journal_flush(j);
    journal_state_check(j);
    encode_group(j, &j->pending[0], parts);
    enum rsm_status status = disk_write_begin(j->disk, j->segments[j->current].segment, parts, 2);
    CHECK(j->flight.last_sequence == j->last_sequence); /* all that was appended */
    journal_forget_pending(j);
    if (status != RSM_OK && status != RSM_BUSY)
        return journal_die(j);
    if (status == RSM_OK)
        group_is_durable(j);
    j->flight.is_under_way = status == RSM_BUSY;
    journal_state_check(j);
    return status;
}

enum rsm_status journal_flush(struct journal *j)
{
    enum rsm_status status = journal_settle(j);

    CHECK(!j->read_only || j->pending_count == 0); /* nothing was appended to it */
    for (size_t i = 0; i < j->pending_count && status == RSM_OK; i++) {
        if (j->pending[i].segment != j->segments[j->current].segment)
            status = seal_current(j);
        if (status == RSM_OK)
            status = write_group(j, &j->pending[i]);
    }
    if (status == RSM_OK)
        journal_forget_pending(j);
    journal_state_check(j);
    CHECK(status != RSM_OK || j->read_only || j->durable_sequence == j->last_sequence);
    return status;
}

enum rsm_status journal_turn(struct journal *j)
{
    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    enum rsm_status status = journal_settle(j);
    if (status != RSM_OK || !j->segments[j->current].has_groups)
        return status; /* it is new as it is */
    uint64_t before = j->segments[j->current].segment;
    status = journal_plan_turn(j);
    if (status == RSM_OK)
        status = journal_flush(j);
    CHECK(status != RSM_OK || j->segments[j->current].segment == before + 1);
    CHECK(status != RSM_OK || j->segments[j->current].has_groups); /* its checkpoint */
    return status;
}
