/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.c - see image.h. */
#include "tests/sim/image.h"

#include <string.h>

#include "src/base/crc32c.h"
#include "src/base/mem.h"

#define DATA_OFFSET 12288u
#define SECTOR 512u
#define SECTOR_HEAD 12u
#define SECTOR_PAYLOAD (SECTOR - SECTOR_HEAD)
#define GROUP_HEAD 32u
#define RECORD_HEAD 17u

void image_init(struct image *image, const uint8_t cluster[CLUSTER_ID_SIZE], uint32_t replica,
                image_visit *visit, void *context)
{
    *image = (struct image){.replica = replica, .visit = visit, .context = context};
    memcpy(image->cluster, cluster, CLUSTER_ID_SIZE);
}

void image_deinit(struct image *image)
{
    mem_free(image->segments);
}

void image_begin(struct image *image, uint64_t incarnation)
{
    image->incarnation = incarnation;
    image->group_next = 1;
    image->segment_count = 0;
}

const struct image_segment *image_segment(const struct image *image, uint64_t file)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        if (image->segments[i].file == file)
            return &image->segments[i];
    }
    return NULL;
}

void image_drop(struct image *image, uint64_t file)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        if (image->segments[i].file == file)
            image->segments[i--] = image->segments[--image->segment_count];
    }
}

static struct image_segment *segment_of(struct image *image, uint64_t file)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        if (image->segments[i].file == file)
            return &image->segments[i];
    }
    image->segments =
        mem_realloc(image->segments, (image->segment_count + 1) * sizeof(*image->segments));
    image->segments[image->segment_count] =
        (struct image_segment){.file = file, .offset = DATA_OFFSET};
    return &image->segments[image->segment_count++];
}

/* The file is a segment of this replica in this incarnation. */
static bool head_is_ours(const struct image *image, const uint8_t *data, size_t size)
{
    return size >= DATA_OFFSET && memcmp(data, "rsmjrnl\n", 8) == 0 &&
           memcmp(data + 12, image->cluster, CLUSTER_ID_SIZE) == 0 &&
           get_u32(data + 28) == image->replica && get_u64(data + 32) == image->incarnation;
}

static bool sector_is_good(const struct image *image, uint64_t file, uint64_t offset,
                           const uint8_t *sector, uint64_t group)
{
    uint8_t bound[52];
    memcpy(bound, image->cluster, CLUSTER_ID_SIZE);
    put_u32(bound + 16, image->replica);
    put_u64(bound + 20, image->incarnation);
    put_u64(bound + 28, file);
    put_u64(bound + 36, group);
    put_u64(bound + 44, offset);
    return get_u64(sector + 4) == group &&
           get_u32(sector) == crc32c(crc32c(0, bound, sizeof(bound)), sector + 4, SECTOR - 4);
}

static struct ballot ballot_at(const uint8_t *at)
{
    return (struct ballot){get_u64(at), get_u32(at + 8)};
}

/* One record; 0: the bytes are none. Else its size. */
static size_t visit_record(struct image *image, struct image_segment *s, const uint8_t *at,
                           size_t left)
{
    struct memory_record record = {0};
    size_t body = left < RECORD_HEAD ? left : get_u32(at);
    if (left < RECORD_HEAD || body > left - RECORD_HEAD)
        return 0;
    const uint8_t *data = at + RECORD_HEAD;
    if (at[4] == 1 || at[4] == 4) {
        record.kind = MEMORY_PROMISE;
        record.again = at[4] == 4;
        record.ballot = ballot_at(data);
    } else if (at[4] == 2) {
        record.kind = MEMORY_VOTE;
        record.slot = get_u64(data);
        record.ballot = ballot_at(data + 8);
        record.value = memory_value_hash(bytes_make(data + 20, body - 20));
        if (record.slot >= s->slot_end)
            s->slot_end = record.slot + 1;
    } else {
        record.kind = MEMORY_CHOSEN;
        record.end = get_u64(data);
    }
    if (record.kind != MEMORY_PROMISE || record.ballot.round > 0)
        image->visit(image->context, &record);
    return RECORD_HEAD + body;
}

/* Gathers the group at `offset`; empty: it is not whole. Owned by the caller. */
static struct bytes gather(const struct image *image, const uint8_t *file_data, size_t file_size,
                           uint64_t file, uint64_t offset, uint64_t group)
{
    const uint8_t *first = file_data + offset;
    if (offset + SECTOR > file_size || !sector_is_good(image, file, offset, first, group))
        return (struct bytes){NULL, 0};
    size_t size = get_u32(first + SECTOR_HEAD);
    size_t sectors = (size + SECTOR_PAYLOAD - 1) / SECTOR_PAYLOAD;
    if (size < GROUP_HEAD || sectors > (file_size - offset) / SECTOR)
        return (struct bytes){NULL, 0};
    uint8_t *payload = mem_alloc(sectors * SECTOR_PAYLOAD);
    for (size_t i = 0; i < sectors; i++) {
        const uint8_t *sector = first + i * SECTOR;
        if (!sector_is_good(image, file, offset + i * SECTOR, sector, group)) {
            mem_free(payload);
            return (struct bytes){NULL, 0};
        }
        memcpy(payload + i * SECTOR_PAYLOAD, sector + SECTOR_HEAD, SECTOR_PAYLOAD);
    }
    return bytes_make(payload, size);
}

/* Groups up to `known` were visited before. */
static void read_on(struct image *image, struct disk_sim *disk, uint64_t file, uint64_t known,
                    bool needs_head)
{
    const struct disk_sim_file *f = disk_sim_file(disk, file);
    if (f == NULL || (needs_head && !head_is_ours(image, f->data, f->size)))
        return;
    struct image_segment *s = segment_of(image, file);
    for (;;) {
        struct bytes group = gather(image, f->data, f->size, file, s->offset, image->group_next);
        if (group.data == NULL)
            return;
        size_t at = GROUP_HEAD;
        bool is_new = image->group_next > known;
        while (at < group.size && is_new) {
            size_t size = visit_record(image, s, group.data + at, group.size - at);
            if (size == 0)
                break;
            at += size;
        }
        s->last = s->offset;
        s->offset += (group.size + SECTOR_PAYLOAD - 1) / SECTOR_PAYLOAD * SECTOR;
        image->group_next++;
        image->groups_now++;
        mem_free((void *)(uintptr_t)group.data);
    }
}

void image_read(struct image *image, struct disk_sim *disk, uint64_t file)
{
    read_on(image, disk, file, 0, true);
}

bool image_reread(struct image *image, struct disk_sim *disk)
{
    uint64_t known = image->group_next;
    image->groups_now = 0;
    struct image_segment *before = image->segments;
    size_t before_count = image->segment_count;
    image->segments = NULL;
    image->segment_count = 0;
    for (uint64_t file = disk_sim_next(disk, 0); file != 0; file = disk_sim_next(disk, file)) {
        const struct disk_sim_file *f = disk_sim_file(disk, file);
        /* A head that went bad is written again: what the segment holds checks without it. */
        bool is_known = false;
        for (size_t i = 0; i < before_count; i++)
            is_known = is_known || before[i].file == file;
        if ((!is_known && !head_is_ours(image, f->data, f->size)) || f->size < DATA_OFFSET + SECTOR)
            continue;
        if (image->segment_count == 0 && get_u64(f->data + DATA_OFFSET + 4) > 0)
            image->group_next = get_u64(f->data + DATA_OFFSET + 4);
        read_on(image, disk, file, known - 1, !is_known);
    }
    bool whole = image->group_next >= known;
    for (size_t i = 0; i < before_count; i++) {
        struct image_segment *s = segment_of(image, before[i].file);
        if (s->offset < before[i].offset)
            whole = false;
        if (s->slot_end < before[i].slot_end)
            s->slot_end = before[i].slot_end;
    }
    mem_free(before);
    if (image->group_next < known)
        image->group_next = known;
    return whole;
}
