/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * image.h - a small second reader of the journal's bytes: it follows what is durable, group by
 * group, and says each promise, vote and chosen mark in it. From storage/ it has nothing but the
 * drawing of the bytes (storage/segment.h, storage/record.h).
 *
 * Groups are numbered without a gap over all segments. image_read goes on in a file from where it
 * stopped, as long as the next group is whole; image_reread begins again after a crash and says
 * whether all that was once read is still there.
 */
#ifndef RSM_TESTS_SIM_IMAGE_H
#define RSM_TESTS_SIM_IMAGE_H

#include "src/base/ids.h"
#include "tests/sim/disk_sim.h"
#include "tests/sim/memory.h"

typedef void image_visit(void *context, const struct memory_record *record);

struct image_segment {
    uint64_t file;
    uint64_t offset;   /* behind the last whole group */
    uint64_t last;     /* where that group begins; 0: none */
    uint64_t slot_end; /* one above the highest slot voted for; 0: none */
};

struct image {
    /* fixed */
    uint8_t cluster[CLUSTER_ID_SIZE];
    uint32_t replica;
    image_visit *visit;
    void *context;
    /* of one incarnation */
    uint64_t incarnation;
    uint64_t group_next;
    struct image_segment *segments; /* owned */
    size_t segment_count;
    uint64_t groups_now; /* read by the last image_reread */
};

void image_init(struct image *image, const uint8_t cluster[CLUSTER_ID_SIZE], uint32_t replica,
                image_visit *visit, void *context);
void image_deinit(struct image *image);
/* Nothing was read yet, of this incarnation. */
void image_begin(struct image *image, uint64_t incarnation);
/* The file is durable: reads on. */
void image_read(struct image *image, struct disk_sim *disk, uint64_t file);
/* After a crash. Groups that were not known to be durable are visited. False: some are gone. */
bool image_reread(struct image *image, struct disk_sim *disk);
/* What is known of a file; NULL: no group of it was read. */
const struct image_segment *image_segment(const struct image *image, uint64_t file);
void image_drop(struct image *image, uint64_t file);

#endif
