/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal_state.h - the inside of a journal, shared by storage/journal*.c only.
 *
 * `segments` is ascending and without a gap:
 *
 *     0 .. current-1     sealed
 *     current            holds the last durable group, or is the first one and empty
 *     current+1 .. end   prepared; groups that wait for the flush may be planned for them
 *
 * Invariants: segments[0].segment == base.segment; durable_group is 0 or in `current` or (when
 * nothing was written to `current` yet) in the one before; pending groups have rising places,
 * behind the one that is under way. While one is, nothing else is written to `current`.
 */
#ifndef RSM_STORAGE_JOURNAL_STATE_H
#define RSM_STORAGE_JOURNAL_STATE_H

#include "storage/journal.h"
#include "storage/recover.h"
#include "storage/segment.h"

struct journal_segment {
    uint64_t segment;
    uint64_t size;
    uint64_t slot_end; /* one above the highest slot voted for; 0 none */
    bool has_groups;
};

/* What was dropped; in every mark. */
struct journal_base {
    uint64_t segment; /* the first that must exist */
    uint64_t slot;    /* votes up to here need not be there: the store held them, durably */
};

/* A group that was planned and not written. */
struct journal_group {
    uint64_t segment;
    uint64_t offset;
    struct writer payload; /* with room for its head */
    uint32_t records;
    uint64_t slot_first;
    uint64_t slot_end;
    uint64_t last_sequence;
};

/* A group that is being written and flushed beside the owner. */
struct journal_flight {
    bool is_under_way;
    uint64_t size;
    struct segment_group group;
    uint64_t last_sequence;
};

/* A segment that is being zero-filled, slice by slice. */
struct journal_preparation {
    uint64_t segment; /* 0: none */
    uint64_t size;
    uint64_t done;
    uint64_t slice_end; /* above `done`: up to here it is under way */
};

struct journal {
    /* Fixed. */
    struct disk *disk; /* borrowed */
    struct journal_identity identity;
    uint32_t segment_size;
    uint32_t prepared_count;

    bool dead;      /* a write or flush failed */
    bool read_only; /* uncertain or damaged */
    bool low;       /* the last preparation found no space */

    struct journal_segment *segments; /* owned */
    size_t segment_count;
    size_t current;
    struct journal_preparation preparing;
    uint32_t asked_while_low;
    uint64_t bytes_at_slice; /* counters.bytes when journal_prepare_ahead made its last slice */
    struct journal_base base;
    struct segment_mark mark; /* the newest of the current segment */
    uint64_t offset;          /* end of the last group in it, durable or under way */
    uint64_t durable_group;
    uint32_t durable_check; /* that group's check */
    uint64_t durable_sequence;

    /* What was appended. */
    struct journal_group *pending; /* owned */
    size_t pending_count;
    size_t pending_capacity;
    uint64_t last_sequence;
    struct ballot promise; /* for the next checkpoint, as are the next two */
    uint64_t chosen_end;
    uint64_t store_slot;
    uint64_t voted_end; /* one above the highest slot voted for; 0 none */

    uint8_t *sectors; /* owned: a group on its way to the disk */
    size_t sectors_size;
    uint8_t mark_sector[DISK_SECTOR_SIZE]; /* and its mark */
    struct journal_flight flight;
    struct journal_counters counters;
};

/* journal.c */

/* A journal without segments. */
struct journal *journal_new(struct disk *disk, const struct journal_identity *identity,
                            const struct journal_options *options);

/* journal_flush.c */

/* Waits for the group that is under way: after it the current segment can be written to. */
enum rsm_status journal_settle(struct journal *j);

/* journal_segments.c */

/* Zero-fills and flushes a new segment and its directory entry. RSM_DISK_FULL: it is gone again. */
enum rsm_status journal_segment_prepare(struct disk *disk, const struct journal_identity *identity,
                                        uint64_t segment, uint64_t size, struct journal_base base);
/* Adds one prepared segment of at least `size` bytes at the end; kills the journal on RSM_IO. */
enum rsm_status journal_prepare_one(struct journal *j, uint64_t size);
/* Makes the prepared segment at `index` at least `size` bytes large. */
enum rsm_status journal_enlarge(struct journal *j, size_t index, uint64_t size);
/* The next mark of the current segment, a and b as in j->mark, made in `sector`: to be written. */
struct disk_part journal_next_mark(struct journal *j, uint8_t sector[DISK_SECTOR_SIZE]);
/* Writes it. Does not flush. */
enum rsm_status journal_write_mark(struct journal *j);
/* Flushes the current segment. */
enum rsm_status journal_flush_current(struct journal *j);
/* Writes parts of the current segment and flushes it. */
enum rsm_status journal_write_current(struct journal *j, const struct disk_part *parts,
                                      size_t count);
/* Says RSM_IO from now on, whatever the status was. */
enum rsm_status journal_die(struct journal *j);

/* journal_plan.c */

/* The whole object, between two calls; aborts on the first thing that is not so. */
void journal_state_check(const struct journal *j);
/*
 * Finds a place for `size` more bytes of records and makes j->pending's last group the one that
 * takes them. RSM_DISK_FULL: nothing changed. `is_vote`: leave the reserve alone.
 */
enum rsm_status journal_plan(struct journal *j, size_t size, bool is_vote);
/* Plans a group with nothing but the checkpoint in the next segment. RSM_DISK_FULL, RSM_IO. */
enum rsm_status journal_plan_turn(struct journal *j);
void journal_forget_pending(struct journal *j);
/*
 * Bytes of votes that still fit, the reserve for promises and marks apart: a vote of this size is
 * taken. UINT64_MAX unless the last try to prepare a segment found no space.
 */
uint64_t journal_space(const struct journal *j);

#endif
