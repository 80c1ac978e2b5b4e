/* SPDX-License-Identifier: GPL-3.0-or-later */
/* segment.c - encoder and decoder of heads, marks, sectors and groups; drawn in segment.h. */
#include "storage/segment.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/crc32c.h"
#include "src/base/limits.h"

#define CHECK_OFFSET (DISK_SECTOR_SIZE - 4u) /* of heads and marks */
#define GROUP_CHECK_OFFSET 28u
#define BINDING_SIZE 52u

static const uint8_t head_magic[8] = {'r', 's', 'm', 'j', 'r', 'n', 'l', '\n'};
static const uint8_t mark_magic[4] = {'m', 'a', 'r', 'k'};

bool segment_is_zero(const uint8_t *data, size_t size)
{
    CHECK(data != NULL || size == 0);
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* The CRC of everything that bytes are bound to; the bytes themselves continue it. */
static uint32_t binding(const struct journal_identity *identity, uint64_t segment, uint64_t group,
                        uint64_t offset)
{
    uint8_t bytes[BINDING_SIZE];

    CHECK(offset % DISK_SECTOR_SIZE == 0); /* what is bound lies at a sector of its own */
    if (MUTANT(UNBOUND_CHECKSUM))
        return 0;
    memcpy(bytes, identity->cluster, CLUSTER_ID_SIZE);
    put_u32(bytes + 16, identity->replica);
    put_u64(bytes + 20, identity->incarnation);
    put_u64(bytes + 28, segment);
    put_u64(bytes + 36, group);
    put_u64(bytes + 44, offset);
    return crc32c(0, bytes, sizeof(bytes));
}

void segment_head_encode(const struct journal_identity *identity, uint64_t segment, uint64_t size,
                         uint8_t sector_out[DISK_SECTOR_SIZE])
{
    CHECK(identity->replica >= 1 && identity->replica <= REPLICA_MAX);
    CHECK(identity->incarnation != 0);
    memset(sector_out, 0, DISK_SECTOR_SIZE);
    memcpy(sector_out, head_magic, sizeof(head_magic));
    put_u32(sector_out + 8, JOURNAL_FORMAT);
    memcpy(sector_out + 12, identity->cluster, CLUSTER_ID_SIZE);
    put_u32(sector_out + 28, identity->replica);
    put_u64(sector_out + 32, identity->incarnation);
    put_u64(sector_out + 40, segment);
    put_u64(sector_out + 48, size);
    put_u32(sector_out + CHECK_OFFSET, crc32c(0, sector_out, CHECK_OFFSET));
}

enum segment_head segment_head_decode(const struct journal_identity *expected, uint64_t segment,
                                      const uint8_t sector[DISK_SECTOR_SIZE],
                                      struct journal_identity *identity_out, uint64_t *size_out)
{
    *identity_out = (struct journal_identity){0};
    *size_out = 0;
    if (segment_is_zero(sector, DISK_SECTOR_SIZE))
        return SEGMENT_HEAD_ZERO;
    if (memcmp(sector, head_magic, sizeof(head_magic)) != 0 ||
        get_u32(sector + CHECK_OFFSET) != crc32c(0, sector, CHECK_OFFSET))
        return SEGMENT_HEAD_BAD;
    if (get_u32(sector + 8) > JOURNAL_FORMAT)
        return SEGMENT_HEAD_NEWER;
    memcpy(identity_out->cluster, sector + 12, CLUSTER_ID_SIZE);
    identity_out->replica = get_u32(sector + 28);
    identity_out->incarnation = get_u64(sector + 32);
    *size_out = get_u64(sector + 48);
    if (expected != NULL &&
        (memcmp(expected->cluster, identity_out->cluster, CLUSTER_ID_SIZE) != 0 ||
         expected->replica != identity_out->replica))
        return SEGMENT_HEAD_FOREIGN;
    if (get_u64(sector + 40) != segment)
        return SEGMENT_HEAD_MOVED;
    if (expected != NULL && expected->incarnation != identity_out->incarnation)
        return SEGMENT_HEAD_OTHER_LIFE;
    CHECK(expected == NULL || expected->replica == identity_out->replica);
    CHECK(expected == NULL || expected->incarnation == identity_out->incarnation);
    return SEGMENT_HEAD_GOOD;
}

uint64_t segment_mark_offset(uint64_t writes)
{
    uint64_t offset = SEGMENT_MARK_OFFSET + (writes % SEGMENT_MARK_COUNT) * SEGMENT_MARK_STRIDE;
    CHECK(offset >= DISK_SECTOR_SIZE && offset + DISK_SECTOR_SIZE <= SEGMENT_DATA_OFFSET);
    return offset;
}

static uint32_t mark_check(const struct journal_identity *identity, uint64_t segment,
                           uint64_t offset, const uint8_t *sector)
{
    return crc32c(binding(identity, segment, 0, offset), sector, CHECK_OFFSET);
}

void segment_mark_encode(const struct journal_identity *identity, uint64_t segment,
                         const struct segment_mark *mark, uint8_t sector_out[DISK_SECTOR_SIZE])
{
    CHECK(mark->first_segment >= 1 && mark->first_segment <= segment);
    CHECK(identity->replica >= 1 && identity->replica <= REPLICA_MAX);
    CHECK(identity->incarnation != 0);
    memset(sector_out, 0, DISK_SECTOR_SIZE);
    memcpy(sector_out, mark_magic, sizeof(mark_magic));
    put_u64(sector_out + 4, mark->writes);
    put_u64(sector_out + 12, mark->a);
    put_u64(sector_out + 20, mark->b);
    put_u64(sector_out + 28, mark->first_segment);
    sector_out[36] = mark->sealed ? 1 : 0;
    put_u64(sector_out + 37, mark->base_slot);
    put_u32(sector_out + CHECK_OFFSET,
            mark_check(identity, segment, segment_mark_offset(mark->writes), sector_out));
}

bool segment_mark_decode(const struct journal_identity *identity, uint64_t segment, unsigned index,
                         const uint8_t sector[DISK_SECTOR_SIZE], struct segment_mark *mark_out)
{
    CHECK(index < SEGMENT_MARK_COUNT);
    *mark_out = (struct segment_mark){0};
    if (memcmp(sector, mark_magic, sizeof(mark_magic)) != 0 ||
        get_u32(sector + CHECK_OFFSET) !=
            mark_check(identity, segment, segment_mark_offset(index), sector))
        return false;
    mark_out->writes = get_u64(sector + 4);
    mark_out->a = get_u64(sector + 12);
    mark_out->b = get_u64(sector + 20);
    mark_out->first_segment = get_u64(sector + 28);
    mark_out->sealed = sector[36] == 1;
    mark_out->base_slot = get_u64(sector + 37);
    return sector[36] <= 1 && mark_out->b <= mark_out->a &&
           mark_out->writes % SEGMENT_MARK_COUNT == index;
}

static uint32_t sector_check(const struct journal_identity *identity, uint64_t segment,
                             uint64_t group, uint64_t offset, const uint8_t *sector)
{
    return crc32c(binding(identity, segment, group, offset), sector + 4, DISK_SECTOR_SIZE - 4);
}

enum segment_sector segment_sector_decode(const struct journal_identity *identity, uint64_t segment,
                                          uint64_t offset, const uint8_t sector[DISK_SECTOR_SIZE],
                                          uint64_t *group_out)
{
    uint64_t group = get_u64(sector + 4);

    CHECK(offset % DISK_SECTOR_SIZE == 0);
    CHECK(offset >= SEGMENT_DATA_OFFSET); /* heads and marks have checks of their own */
    *group_out = 0;
    if (segment_is_zero(sector, DISK_SECTOR_SIZE))
        return SEGMENT_SECTOR_ZERO;
    if (group == 0 || get_u32(sector) != sector_check(identity, segment, group, offset, sector))
        return SEGMENT_SECTOR_BAD;
    *group_out = group;
    return SEGMENT_SECTOR_GROUP;
}

uint64_t segment_group_size(uint64_t payload_size)
{
    uint64_t size =
        (payload_size + SECTOR_PAYLOAD_SIZE - 1) / SECTOR_PAYLOAD_SIZE * DISK_SECTOR_SIZE;
    CHECK(size >= payload_size);
    return size;
}

static uint32_t group_check(const uint8_t *payload, size_t size)
{
    CHECK(size >= GROUP_HEAD_SIZE);
    uint32_t check = crc32c(0, payload, GROUP_CHECK_OFFSET);

    return crc32c(check, payload + GROUP_HEAD_SIZE, size - GROUP_HEAD_SIZE);
}

void segment_group_encode(const struct journal_identity *identity, uint64_t segment,
                          uint64_t offset, struct segment_group *group, uint8_t *payload,
                          size_t payload_size, uint8_t *out)
{
    CHECK(payload_size >= GROUP_HEAD_SIZE && payload_size <= LIMIT_SEGMENT_SIZE);
    CHECK(group->group > 0 && offset % DISK_SECTOR_SIZE == 0);
    CHECK(offset >= SEGMENT_DATA_OFFSET);
    CHECK(group->slot_first <= group->slot_end && group->slot_end <= SLOT_MAX + 1);
    CHECK(identity->incarnation != 0);
    put_u32(payload, (uint32_t)payload_size);
    put_u32(payload + 4, group->records);
    put_u32(payload + 8, group->previous);
    put_u64(payload + 12, group->slot_first);
    put_u64(payload + 20, group->slot_end);
    group->check = group_check(payload, payload_size);
    group->size = segment_group_size(payload_size);
    put_u32(payload + GROUP_CHECK_OFFSET, group->check);
    uint64_t end = offset + group->size;
    for (size_t done = 0; done < payload_size; done += SECTOR_PAYLOAD_SIZE) {
        size_t part = payload_size - done;
        if (part > SECTOR_PAYLOAD_SIZE)
            part = SECTOR_PAYLOAD_SIZE;
        put_u64(out + 4, group->group);
        memcpy(out + SECTOR_HEAD_SIZE, payload + done, part);
        memset(out + SECTOR_HEAD_SIZE + part, 0, SECTOR_PAYLOAD_SIZE - part);
        put_u32(out, sector_check(identity, segment, group->group, offset, out));
        out += DISK_SECTOR_SIZE;
        offset += DISK_SECTOR_SIZE;
    }
    CHECK(offset == end);
}

/* Collects the payload of the sectors [offset, end) while they belong to `group`. */
static bool gather(const struct journal_identity *identity, uint64_t segment, struct bytes image,
                   uint64_t offset, uint64_t end, uint64_t group, struct writer *payload)
{
    CHECK(end <= image.size && (end - offset) % DISK_SECTOR_SIZE == 0);
    CHECK(group != 0);
    CHECK(payload->size == 0 && offset < end);
    for (; offset < end; offset += DISK_SECTOR_SIZE) {
        const uint8_t *sector = image.data + offset;
        uint64_t found = 0;
        if (segment_sector_decode(identity, segment, offset, sector, &found) !=
                SEGMENT_SECTOR_GROUP ||
            found != group)
            return false;
        writer_bytes(payload, bytes_make(sector + SECTOR_HEAD_SIZE, SECTOR_PAYLOAD_SIZE));
    }
    return !payload->failed;
}

bool segment_group_decode(const struct journal_identity *identity, uint64_t segment,
                          struct bytes image, uint64_t offset, struct segment_group *group_out,
                          struct writer *payload, struct reader *records_out)
{
    CHECK(offset >= SEGMENT_DATA_OFFSET && offset % DISK_SECTOR_SIZE == 0);
    *group_out = (struct segment_group){0};
    *records_out = reader_make(bytes_make(NULL, 0));
    writer_reset(payload);
    if (offset + DISK_SECTOR_SIZE > image.size ||
        segment_sector_decode(identity, segment, offset, image.data + offset, &group_out->group) !=
            SEGMENT_SECTOR_GROUP)
        return false;
    const uint8_t *head = image.data + offset + SECTOR_HEAD_SIZE;
    size_t size = get_u32(head);
    group_out->records = get_u32(head + 4);
    group_out->previous = get_u32(head + 8);
    group_out->slot_first = get_u64(head + 12);
    group_out->slot_end = get_u64(head + 20);
    group_out->check = get_u32(head + GROUP_CHECK_OFFSET);
    group_out->size = segment_group_size(size);
    if (size < GROUP_HEAD_SIZE || group_out->size > image.size - offset)
        return false;
    if (!gather(identity, segment, image, offset, offset + group_out->size, group_out->group,
                payload))
        return false;
    CHECK(payload->size >= size && payload->size - size < SECTOR_PAYLOAD_SIZE);
    if (!segment_is_zero(payload->data + size, payload->size - size) ||
        group_check(payload->data, size) != group_out->check)
        return false;
    CHECK(group_out->group != 0 && group_out->size <= image.size - offset);
    *records_out = reader_make(bytes_make(payload->data + GROUP_HEAD_SIZE, size - GROUP_HEAD_SIZE));
    return true;
}
