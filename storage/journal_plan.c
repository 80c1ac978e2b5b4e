/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal_plan.c - where appended records will go, decided at once, so that a flush never lacks
 * space.
 *
 *   segment k                        segment k+1
 *   | group | group | pending 0 |    | checkpoint, pending 1            |
 *                     ^ offset                      ^ the open group: grows by appending
 *
 * A record that does not fit the segment of the open group begins a group in the next segment. A
 * record larger than a segment makes that segment larger.
 */
#include "storage/journal_state.h"

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/base/mem.h"

/*
 * Kept free of votes, so that promises and chosen marks still fit when votes are refused. And of
 * promises, which are asked for by others and may be asked for without end: a mark says what was
 * voted for, so that there are no more marks than votes.
 *
 *   room   | votes                | promises          | own promises, marks | marks of open votes |
 *                                 ^ VOTE_RESERVE_SIZE ^ PROMISE_RESERVE_SIZE end
 */
#define RESERVE_SIZE 8192u
/* The rest of a segment may be wasted on the way: what has to be left behind a vote. */
#define VOTE_RESERVE_SIZE (2u * RESERVE_SIZE)
#define PROMISE_RESERVE_SIZE 4096u
/* A promise, the group that it begins, and what it leaves empty in its last sector. */
#define PROMISE_SIZE (2u * DISK_SECTOR_SIZE)
/* The record that a slot is chosen, and its share of a sector's head. */
#define MARK_SIZE 32u
/* A writer that held a huge value is not kept. */
#define PAYLOAD_KEEP_MAX (4u << 20)

#define CHECKPOINT_SIZE (RECORD_HEAD_SIZE + RECORD_CHECKPOINT_SIZE)

_Static_assert(SEGMENT_SIZE_MIN - SEGMENT_DATA_OFFSET > 2 * RESERVE_SIZE,
               "the smallest segment takes votes");

/* What was appended and not yet written: each group behind the one before, in a segment's bounds.
 */
static void pending_check(const struct journal *j, size_t index)
{
    const struct journal_group *group = &j->pending[index];
    uint64_t before = index == 0 ? j->durable_sequence : group[-1].last_sequence;

    CHECK(group->records > 0 && group->payload.size > GROUP_HEAD_SIZE);
    CHECK(group->last_sequence >= before); /* a checkpoint alone repeats it */
    CHECK(group->segment >= j->segments[j->current].segment);
    CHECK(group->segment <= j->segments[j->segment_count - 1].segment);
    CHECK(group->offset ==
          (group->segment == j->segments[j->current].segment ? j->offset : SEGMENT_DATA_OFFSET));
    CHECK(group->slot_end <= j->voted_end);
}

void journal_state_check(const struct journal *j)
{
    CHECK(j->segment_size >= SEGMENT_SIZE_MIN && j->segment_size <= LIMIT_SEGMENT_SIZE);
    CHECK(j->prepared_count > 0);
    CHECK(j->pending_count <= j->pending_capacity);
    CHECK(j->durable_sequence <= j->last_sequence);
    CHECK(j->chosen_end <= SLOT_MAX + 1 && j->store_slot <= SLOT_MAX);
    if (j->dead || j->read_only)
        return;
    CHECK(j->current < j->segment_count);
    CHECK(j->segments[0].segment == j->base.segment); /* what must exist is the first */
    CHECK(j->offset >= SEGMENT_DATA_OFFSET && j->offset <= j->segments[j->current].size);
    CHECK(j->offset % DISK_SECTOR_SIZE == 0);
    /* Without a gap, the last and the current one where their numbers say. */
    CHECK(j->segments[j->segment_count - 1].segment == j->base.segment + j->segment_count - 1);
    CHECK(j->segments[j->current].segment == j->base.segment + j->current);
    bool is_under_way = j->flight.is_under_way;
    /* Groups are in it exactly when its end has moved. */
    uint64_t durable_end = j->offset - (is_under_way ? j->flight.size : 0);
    CHECK(j->segments[j->current].has_groups == (durable_end > SEGMENT_DATA_OFFSET));
    CHECK(!j->mark.sealed); /* then there is a next one, and it is the current one */
    CHECK(j->mark.b <= j->mark.a && j->mark.a <= j->durable_group + is_under_way);
    CHECK(!is_under_way || (j->mark.a == j->durable_group + 1 && j->mark.b == j->durable_group));
    CHECK(!is_under_way || j->flight.last_sequence <= j->last_sequence);
    CHECK(j->pending_count > 0 || is_under_way || j->durable_sequence == j->last_sequence);
    for (size_t i = 0; i < j->pending_count; i++)
        pending_check(j, i);
    CHECK(j->pending_count == 0 ||
          j->pending[j->pending_count - 1].last_sequence == j->last_sequence);
}

static struct journal_group *open_group(struct journal *j)
{
    CHECK(j->pending_count <= j->pending_capacity);
    return j->pending_count == 0 ? NULL : &j->pending[j->pending_count - 1];
}

/* Index of the segment of the open group, or of the one that the next group would begin in. */
static size_t planned_index(const struct journal *j)
{
    if (j->pending_count == 0)
        return j->current;
    size_t index = (size_t)(j->pending[j->pending_count - 1].segment - j->segments[0].segment);
    CHECK(index >= j->current && index < j->segment_count);
    CHECK(j->segments[index].segment == j->pending[j->pending_count - 1].segment); /* no gap */
    return index;
}

/* Payload bytes that the open group (or a new one) would have with `size` more. */
static uint64_t payload_with(const struct journal *j, uint64_t size)
{
    if (j->pending_count > 0) {
        CHECK(j->pending[j->pending_count - 1].payload.size >= GROUP_HEAD_SIZE);
        return j->pending[j->pending_count - 1].payload.size + size;
    }
    CHECK(j->offset >= SEGMENT_DATA_OFFSET);
    uint64_t head = j->offset == SEGMENT_DATA_OFFSET ? CHECKPOINT_SIZE : 0;
    return GROUP_HEAD_SIZE + head + size;
}

static bool fits_here(const struct journal *j, uint64_t size)
{
    uint64_t offset = j->pending_count > 0 ? j->pending[j->pending_count - 1].offset : j->offset;

    CHECK(size <= LIMIT_SEGMENT_SIZE); /* or the sum might come round */
    return offset + segment_group_size(payload_with(j, size)) <= j->segments[planned_index(j)].size;
}

static void begin_group(struct journal *j, uint64_t segment, uint64_t offset)
{
    if (j->pending_count == j->pending_capacity) {
        j->pending_capacity = j->pending_capacity == 0 ? 2 : j->pending_capacity * 2;
        j->pending = mem_realloc(j->pending, j->pending_capacity * sizeof(*j->pending));
        for (size_t i = j->pending_count; i < j->pending_capacity; i++) {
            j->pending[i] = (struct journal_group){0};
            writer_init(&j->pending[i].payload, LIMIT_SEGMENT_SIZE);
        }
    }
    struct journal_group *group = &j->pending[j->pending_count++];
    /* Places rise: a flush writes the groups in their order, and each once. */
    CHECK(j->pending_count == 1 || segment > j->pending[j->pending_count - 2].segment);
    CHECK(group->payload.size == 0); /* nothing of a group before */
    CHECK(offset >= SEGMENT_DATA_OFFSET && offset % DISK_SECTOR_SIZE == 0);
    const uint8_t head[GROUP_HEAD_SIZE] = {0};
    group->segment = segment;
    group->offset = offset;
    group->records = 0;
    group->slot_first = 0;
    group->slot_end = 0;
    group->last_sequence = j->last_sequence;
    writer_bytes(&group->payload, bytes_make(head, sizeof(head)));
    CHECK(!group->payload.failed && group->payload.size == GROUP_HEAD_SIZE);
    if (offset != SEGMENT_DATA_OFFSET)
        return;
    CHECK(j->promise.round == 0 || (j->promise.replica >= 1 && j->promise.replica <= REPLICA_MAX));
    CHECK(j->chosen_end <= SLOT_MAX + 1 && j->store_slot <= SLOT_MAX);
    struct record checkpoint = {.kind = RECORD_CHECKPOINT,
                                .sequence = j->last_sequence,
                                .ballot =
                                    MUTANT(CHECKPOINT_FORGETS) ? (struct ballot){0, 0} : j->promise,
                                .end = j->chosen_end,
                                .store_slot = j->store_slot,
                                .next_sequence = j->last_sequence + 1};
    record_encode(&checkpoint, &group->payload);
    CHECK(group->payload.size == GROUP_HEAD_SIZE + CHECKPOINT_SIZE);
    group->records = 1;
}

/* Bytes of records that fit into `size` bytes of sectors as one group. */
static uint64_t room_in(uint64_t size)
{
    uint64_t payload = size / DISK_SECTOR_SIZE * SECTOR_PAYLOAD_SIZE;
    uint64_t heads = GROUP_HEAD_SIZE + CHECKPOINT_SIZE + RECORD_HEAD_SIZE;

    CHECK(size % DISK_SECTOR_SIZE == 0);
    CHECK(payload <= size); /* each sector has a head of its own */
    return payload > heads ? payload - heads : 0;
}

/* Bytes of records that fit the rest of the segment that is written, or would be, next. */
static uint64_t room_of_planned(const struct journal *j)
{
    size_t index = planned_index(j);
    uint64_t used = j->offset;

    if (j->pending_count > 0) {
        const struct journal_group *group = &j->pending[j->pending_count - 1];
        used = group->offset + segment_group_size(group->payload.size);
    }
    CHECK(used >= j->offset || index > j->current);
    CHECK(used <= j->segments[index].size);
    return room_in(j->segments[index].size - used);
}

/* Bytes of records that fit the prepared segments. */
static uint64_t room_behind(const struct journal *j)
{
    uint64_t room = 0;
    for (size_t i = planned_index(j) + 1; i < j->segment_count; i++) {
        CHECK(j->segments[i].size >= SEGMENT_SIZE_MIN && !j->segments[i].has_groups);
        room += room_in(j->segments[i].size - SEGMENT_DATA_OFFSET);
    }
    return room;
}

/* Bytes of records that fit, prepared segments included. */
static uint64_t journal_room(const struct journal *j)
{
    return room_of_planned(j) + room_behind(j);
}

/* Bytes for the marks of what was voted for and is not known to be chosen. */
static uint64_t marks_size(const struct journal *j)
{
    uint64_t end = j->chosen_end > j->store_slot ? j->chosen_end : j->store_slot + 1;
    uint64_t open = j->voted_end > end ? j->voted_end - end : 0;

    CHECK(j->voted_end <= SLOT_MAX + 1);
    CHECK(j->chosen_end <= SLOT_MAX + 1 && j->store_slot <= SLOT_MAX);
    return MARK_SIZE * (open < LIMIT_WINDOW ? open : LIMIT_WINDOW); /* the core has no more */
}

/* Bytes that fit what is there beside `reserve` and the marks of open votes. */
static uint64_t room_beside(const struct journal *j, uint64_t reserve)
{
    uint64_t room = journal_room(j);
    uint64_t kept = reserve + marks_size(j);
    return room > kept ? room - kept : 0;
}

/* Bytes of votes that fit what is there. */
static uint64_t vote_room(const struct journal *j)
{
    return room_beside(j, VOTE_RESERVE_SIZE);
}

/* The size of a segment that takes a group with `size` bytes of records. */
static uint64_t segment_size_for(uint64_t size)
{
    uint64_t wanted =
        SEGMENT_DATA_OFFSET + segment_group_size(GROUP_HEAD_SIZE + CHECKPOINT_SIZE + size);
    CHECK(wanted <= LIMIT_SEGMENT_SIZE && wanted % DISK_SECTOR_SIZE == 0);
    CHECK(room_in(wanted - SEGMENT_DATA_OFFSET) + RECORD_HEAD_SIZE >= size); /* the two agree */
    return wanted;
}

/* The segment behind the planned one exists and takes a group with `size` bytes of records. */
static enum rsm_status need_next_segment(struct journal *j, size_t size)
{
    size_t next = planned_index(j) + 1;
    uint64_t wanted = segment_size_for(size);

    CHECK(next <= j->segment_count && next > j->current);
    if (next < j->segment_count)
        return journal_enlarge(j, next, wanted);
    j->counters.prepared_late++;
    enum rsm_status status = journal_prepare_one(j, wanted);
    CHECK(status != RSM_OK || next + 1 == j->segment_count); /* just behind the planned one */
    return status;
}

enum rsm_status journal_plan(struct journal *j, size_t size, bool is_vote)
{
    CHECK(!j->dead && !j->read_only);
    bool here = fits_here(j, size);
    enum rsm_status status = here ? RSM_OK : need_next_segment(j, size);

    /* What is left after a vote: the rest of its segment does not count, it may be a small one. */
    if (status == RSM_OK && is_vote && journal_room(j) < size + VOTE_RESERVE_SIZE) {
        if (j->low) /* tried already; journal_prepare_next tries again */
            return RSM_DISK_FULL;
        j->counters.prepared_late++;
        status = journal_prepare_one(j, j->segment_size);
    }
    CHECK(status == RSM_OK || status == RSM_DISK_FULL || j->dead);
    if (status != RSM_OK)
        return status;
    if (!here)
        begin_group(j, j->segments[planned_index(j) + 1].segment, SEGMENT_DATA_OFFSET);
    else if (open_group(j) == NULL)
        begin_group(j, j->segments[j->current].segment, j->offset);
    CHECK(fits_here(j, size)); /* a flush never lacks space for what was appended */
    return RSM_OK;
}

enum rsm_status journal_plan_turn(struct journal *j)
{
    CHECK(j->pending_count == 0);
    enum rsm_status status = need_next_segment(j, 0);
    /* What is left of the current one is given up: the reserve has to be behind it. */
    while (status == RSM_OK && room_behind(j) < VOTE_RESERVE_SIZE + marks_size(j)) {
        j->counters.prepared_late++;
        status = journal_prepare_one(j, j->segment_size);
    }
    if (status == RSM_OK)
        begin_group(j, j->segments[j->current + 1].segment, SEGMENT_DATA_OFFSET);
    CHECK(status != RSM_OK || (j->pending_count == 1 && fits_here(j, 0)));
    return status;
}

void journal_forget_pending(struct journal *j)
{
    for (size_t i = 0; i < j->pending_count; i++) {
        if (j->pending[i].payload.capacity > PAYLOAD_KEEP_MAX) {
            writer_deinit(&j->pending[i].payload);
            writer_init(&j->pending[i].payload, LIMIT_SEGMENT_SIZE);
        }
        writer_reset(&j->pending[i].payload);
        CHECK(j->pending[i].payload.size == 0);
    }
    j->pending_count = 0;
    CHECK(open_group(j) == NULL);
}

uint64_t journal_space(const struct journal *j)
{
    if (j->read_only || j->dead)
        return 0;
    journal_state_check(j);
    return j->low ? vote_room(j) : UINT64_MAX;
}

/*
 * The first segment behind the planned one that `wanted` bytes of records may come to, and that
 * could not take a record of `largest`; j->segment_count: none.
 */
static size_t find_too_small(const struct journal *j, uint64_t wanted, uint64_t largest)
{
    size_t index = planned_index(j) + 1;
    uint64_t room = room_of_planned(j);

    CHECK(largest < wanted);
    while (index < j->segment_count && room < wanted &&
           j->segments[index].size >= segment_size_for(largest)) {
        room += room_in(j->segments[index].size - SEGMENT_DATA_OFFSET);
        index++;
    }
    CHECK(index <= j->segment_count && index > j->current);
    return room < wanted ? index : j->segment_count;
}

/*
 * Twice: a record that does not fit the rest of a segment leaves as much of it empty. And groups
 * begin with a sector of their own.
 */
enum rsm_status journal_make_room(struct journal *j, uint64_t size, uint64_t largest)
{
    uint64_t wanted = 2 * size + DISK_SECTOR_SIZE;
    enum rsm_status status = RSM_OK;

    CHECK(largest <= size && wanted > size);
    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    while (status == RSM_OK) {
        size_t small = find_too_small(j, wanted, largest);
        if (small == j->segment_count && vote_room(j) >= wanted)
            return RSM_OK;
        if (j->low) /* tried already; journal_prepare_next tries again */
            return RSM_DISK_FULL;
        j->counters.prepared_late++;
        status = small < j->segment_count ? journal_enlarge(j, small, segment_size_for(largest))
                                          : journal_prepare_one(j, segment_size_for(largest));
    }
    CHECK(status == RSM_DISK_FULL || j->dead);
    return status;
}

enum rsm_status journal_make_room_for_promise(struct journal *j)
{
    enum rsm_status status = RSM_OK;

    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    while (status == RSM_OK && room_beside(j, PROMISE_RESERVE_SIZE) < PROMISE_SIZE) {
        if (j->low)
            return RSM_DISK_FULL;
        j->counters.prepared_late++;
        status = journal_prepare_one(j, j->segment_size);
    }
    CHECK(status == RSM_OK || status == RSM_DISK_FULL || j->dead);
    CHECK(status != RSM_OK || journal_room(j) >= PROMISE_SIZE);
    return status;
}
