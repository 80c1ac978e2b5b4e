/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * segment.h - the bytes of one segment file.
 *
 *   0      head     "rsmjrnl\n", format u32, cluster 16, replica u32, incarnation u64, segment u64,
 *                   file size u64, zeros, check u32 (the last four bytes of the sector)
 *   4096   mark 0   "mark", writes u64, a u64, b u64, first segment u64, sealed u8,
 *                   base slot u64, zeros, check
 *   8192   mark 1   the same; the two are written in turn
 *   12288  groups   one after the other, zeros behind the last one
 *
 * Each of these is one sector of 512 bytes in a page of its own: damage to one page leaves the
 * others. A group is a whole number of sectors:
 *
 *   sector   check u32, group u64, 500 bytes of the group's payload (the rest of the last: zeros)
 *   payload  size u32 (of the payload), records u32, previous u32, slot first u64, slot end u64,
 *            check u32, records (record.h)
 *
 * The check of a sector or a mark is a CRC-32C over cluster, replica, incarnation, segment, group
 * (0 for a mark), byte offset, and what follows it in the sector: bytes that lie where they do not
 * belong never check. A file begins as zeros and is not used twice, so that each sector of a group
 * that was being written is recognisably *new* (it checks with that group's number), *old* (zeros)
 * or *neither*. The check of a group covers its whole payload (without the check itself), and with
 * it `previous`, the check of the group before: a chain over all groups of all segments.
 *
 * Marks (the rule is in recover.c): `a` is the newest group of this segment, written with the same
 * flush as the group. `b` is the newest group whose flush was reported done; it goes to the disk
 * with the next mark. `sealed` says that b is the segment's last group and that the next segment
 * is ready. `first segment` is the lowest one that must exist; dropping votes raises `base slot`.
 */
#ifndef RSM_STORAGE_SEGMENT_H
#define RSM_STORAGE_SEGMENT_H

#include "storage/journal.h"

#define SEGMENT_MARK_OFFSET 4096u
#define SEGMENT_MARK_STRIDE 4096u
#define SEGMENT_MARK_COUNT 2u
#define SEGMENT_DATA_OFFSET 12288u
#define SEGMENT_SIZE_MIN 32768u
#define SEGMENT_SIZE_DEFAULT (16u << 20)
#define SECTOR_HEAD_SIZE 12u
#define SECTOR_PAYLOAD_SIZE (DISK_SECTOR_SIZE - SECTOR_HEAD_SIZE)
#define GROUP_HEAD_SIZE 32u

_Static_assert(SEGMENT_DATA_OFFSET % DISK_SECTOR_SIZE == 0, "groups begin at a sector");

struct segment_mark {
    uint64_t writes; /* counts the marks of this segment; the parity is the place */
    uint64_t a;
    uint64_t b;
    uint64_t first_segment;
    uint64_t base_slot; /* votes up to here may be missing: see journal_base */
    bool sealed;
};

/* What a head sector is. */
enum segment_head {
    SEGMENT_HEAD_GOOD = 1,
    SEGMENT_HEAD_ZERO,
    SEGMENT_HEAD_BAD,        /* does not check */
    SEGMENT_HEAD_NEWER,      /* checks, of a newer format */
    SEGMENT_HEAD_FOREIGN,    /* checks, of another cluster or replica */
    SEGMENT_HEAD_MOVED,      /* checks, of another segment number */
    SEGMENT_HEAD_OTHER_LIFE, /* checks, of another incarnation of this replica */
};

void segment_head_encode(const struct journal_identity *identity, uint64_t segment, uint64_t size,
                         uint8_t sector_out[DISK_SECTOR_SIZE]);
/* *identity_out and *size_out are filled when it checks and is not newer. */
enum segment_head segment_head_decode(const struct journal_identity *expected, uint64_t segment,
                                      const uint8_t sector[DISK_SECTOR_SIZE],
                                      struct journal_identity *identity_out, uint64_t *size_out);

/* Where the mark with this count goes. */
uint64_t segment_mark_offset(uint64_t writes);
void segment_mark_encode(const struct journal_identity *identity, uint64_t segment,
                         const struct segment_mark *mark, uint8_t sector_out[DISK_SECTOR_SIZE]);
/* False when it does not check. `index` is 0 or 1. */
bool segment_mark_decode(const struct journal_identity *identity, uint64_t segment, unsigned index,
                         const uint8_t sector[DISK_SECTOR_SIZE], struct segment_mark *mark_out);

/* What a sector of the groups' part is. */
enum segment_sector {
    SEGMENT_SECTOR_ZERO = 1,
    SEGMENT_SECTOR_GROUP, /* checks, with the group's number in *group_out */
    SEGMENT_SECTOR_BAD,
};

enum segment_sector segment_sector_decode(const struct journal_identity *identity, uint64_t segment,
                                          uint64_t offset, const uint8_t sector[DISK_SECTOR_SIZE],
                                          uint64_t *group_out);

/* Bytes on disk of a group with so many bytes of payload. */
uint64_t segment_group_size(uint64_t payload_size);

/* What a group says of itself. */
struct segment_group {
    uint64_t group;
    uint64_t size; /* bytes on disk */
    uint32_t records;
    uint32_t previous;
    uint32_t check;
    uint64_t slot_first; /* votes in it, half-open; 0, 0 when none */
    uint64_t slot_end;
};

/*
 * Fills in the head of a payload (its first GROUP_HEAD_SIZE bytes) and spreads it over sectors into
 * `out` (segment_group_size bytes). group->check comes back.
 */
void segment_group_encode(const struct journal_identity *identity, uint64_t segment,
                          uint64_t offset, struct segment_group *group, uint8_t *payload,
                          size_t payload_size, uint8_t *out);

/*
 * Reads the group at `offset` of a segment's bytes. True when every sector and the whole check:
 * `payload` then holds the records (the reader's bytes are borrowed from it). False otherwise;
 * group_out->group, slot_first and slot_end are then filled when its first sector checks.
 */
bool segment_group_decode(const struct journal_identity *identity, uint64_t segment,
                          struct bytes image, uint64_t offset, struct segment_group *group_out,
                          struct writer *payload, struct reader *records_out);

bool segment_is_zero(const uint8_t *data, size_t size);

#endif
