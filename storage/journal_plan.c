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

/* Kept free of votes, so that promises and chosen marks still fit when votes are refused. */
#define RESERVE_SIZE 8192u
/* The rest of a segment may be wasted on the way: what has to be left behind a vote. */
#define VOTE_RESERVE_SIZE (2u * RESERVE_SIZE)
/* A writer that held a huge value is not kept. */
#define PAYLOAD_KEEP_MAX (4u << 20)

#define CHECKPOINT_SIZE (RECORD_HEAD_SIZE + RECORD_CHECKPOINT_SIZE)

_Static_assert(SEGMENT_SIZE_MIN - SEGMENT_DATA_OFFSET > 2 * RESERVE_SIZE,
               "the smallest segment takes votes");

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
    CHECK(j->mark.b <= j->mark.a && j->mark.a <= j->durable_group);
    CHECK(j->pending_count > 0 || j->durable_sequence == j->last_sequence);
}

static struct journal_group *open_group(struct journal *j)
{
    return j->pending_count == 0 ? NULL : &j->pending[j->pending_count - 1];
}

/* Index of the segment of the open group, or of the one that the next group would begin in. */
static size_t planned_index(const struct journal *j)
{
    if (j->pending_count == 0)
        return j->current;
    size_t index = (size_t)(j->pending[j->pending_count - 1].segment - j->segments[0].segment);
    CHECK(index >= j->current && index < j->segment_count);
    return index;
}

/* Payload bytes that the open group (or a new one) would have with `size` more. */
static uint64_t payload_with(const struct journal *j, uint64_t size)
{
    if (j->pending_count > 0) {
        CHECK(j->pending[j->pending_count - 1].payload.size >= GROUP_HEAD_SIZE);
        return j->pending[j->pending_count - 1].payload.size + size;
    }
    uint64_t head = j->offset == SEGMENT_DATA_OFFSET ? CHECKPOINT_SIZE : 0;
    return GROUP_HEAD_SIZE + head + size;
}

static bool fits_here(const struct journal *j, uint64_t size)
{
    uint64_t offset = j->pending_count > 0 ? j->pending[j->pending_count - 1].offset : j->offset;

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
    return payload > heads ? payload - heads : 0;
}

/* Bytes of records that fit, prepared segments included. */
static uint64_t journal_room(const struct journal *j)
{
    size_t index = planned_index(j);
    uint64_t used = j->offset;
    uint64_t room = 0;

    if (j->pending_count > 0) {
        const struct journal_group *group = &j->pending[j->pending_count - 1];
        used = group->offset + segment_group_size(group->payload.size);
    }
    CHECK(used <= j->segments[index].size);
    room = room_in(j->segments[index].size - used);
    for (size_t i = index + 1; i < j->segment_count; i++)
        room += room_in(j->segments[i].size - SEGMENT_DATA_OFFSET);
    return room;
}

/* The segment behind the planned one exists and takes a group with `size` bytes of records. */
static enum rsm_status need_next_segment(struct journal *j, size_t size)
{
    size_t next = planned_index(j) + 1;
    uint64_t wanted = SEGMENT_DATA_OFFSET +
                      segment_group_size(GROUP_HEAD_SIZE + CHECKPOINT_SIZE + (uint64_t)size);

    CHECK(wanted <= LIMIT_SEGMENT_SIZE && next <= j->segment_count);
    if (next < j->segment_count)
        return journal_enlarge(j, next, wanted);
    j->counters.prepared_late++;
    return journal_prepare_one(j, wanted);
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
}

/* Bytes of votes that fit what is there. */
static uint64_t vote_room(const struct journal *j)
{
    uint64_t room = journal_room(j);
    return room > VOTE_RESERVE_SIZE ? room - VOTE_RESERVE_SIZE : 0;
}

uint64_t journal_space(const struct journal *j)
{
    if (j->read_only || j->dead)
        return 0;
    journal_state_check(j);
    return j->low ? vote_room(j) : UINT64_MAX;
}

/*
 * Twice: a record that does not fit the rest of a segment leaves as much of it empty. And groups
 * begin with a sector of their own.
 */
enum rsm_status journal_make_room(struct journal *j, uint64_t size)
{
    uint64_t wanted = 2 * size + DISK_SECTOR_SIZE;
    enum rsm_status status = RSM_OK;

    if (j->dead)
        return RSM_IO;
    if (j->read_only)
        return RSM_READ_ONLY;
    journal_state_check(j);
    while (status == RSM_OK && vote_room(j) < wanted) {
        if (journal_space(j) < wanted) /* tried already; journal_prepare_next tries again */
            return RSM_DISK_FULL;
        j->counters.prepared_late++;
        status = journal_prepare_one(j, j->segment_size);
    }
    CHECK(status != RSM_OK || vote_room(j) >= wanted);
    return status;
}
