/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recover.h - reads all segments, decides what the journal is worth, and says how to go on.
 *
 * It writes nothing: journal.c mends what may be mended, rsm-dump only shows it.
 */
#ifndef RSM_STORAGE_RECOVER_H
#define RSM_STORAGE_RECOVER_H

#include "storage/scan.h"
#include "storage/segment.h"

/* One file of the journal. */
struct recovered_segment {
    uint64_t segment;
    uint64_t file_size;
    uint64_t size; /* as the head says; the file's size when it does not check */
    enum segment_head head;
    uint32_t marks_readable;
    struct segment_mark mark; /* the newest that can be read; zeros when none */
    uint64_t a;               /* the highest of any readable mark */
    uint64_t b;
    bool sealed;
    bool is_used;     /* holds a group or says that it did */
    bool is_leftover; /* to be removed: dropped already, or its preparation was not finished */
    uint64_t used;    /* bytes up to the end of the last good group */
    uint64_t group_first;
    uint64_t group_end;
    uint64_t slot_end; /* one above the highest slot voted for; 0 none */
};

struct recovery {
    /* In. */
    struct disk *disk;
    struct journal_identity identity;
    bool identity_is_known;
    journal_visit *visit; /* may be NULL */
    void *context;
    const struct journal_scanner *scanner; /* may be NULL */

    /* Out: valid when recover_run returned RSM_OK. */
    struct journal_report *report;
    struct recovered_segment *segments; /* owned, ascending */
    size_t segment_count;
    size_t current; /* index of the segment that the next group goes to; segment_count: none */
    uint64_t first_segment;
    uint64_t base_slot;
    uint64_t next_group;
    uint32_t previous;   /* check of group next_group - 1 */
    uint64_t offset;     /* where it goes */
    uint64_t cut_end;    /* zeros from `offset` to here before anything is appended */
    uint64_t store_slot; /* as the last checkpoint says */

    /* Between: one segment after the other is read into the same memory. */
    uint8_t *image; /* owned; NULL before the first */
    uint64_t image_capacity;
};

/*
 * RSM_OK: decided, see report->verdict. RSM_NOT_FOUND (no file), RSM_WRONG_IDENTITY,
 * RSM_NEWER_FORMAT, RSM_IO (the directory), RSM_TOO_MANY (segments), RSM_NO_MEMORY, or what the
 * visit said. Call recover_deinit in any case.
 */
enum rsm_status recover_run(struct recovery *r);
void recover_deinit(struct recovery *r);

/* One segment file as bytes; places that cannot be read hold a pattern that never checks. */
struct segment_image {
    uint8_t *data; /* the recovery's, until the next one is loaded */
    uint64_t size; /* whole sectors */
    bool unreadable;
};

/* recover_files.c: lists the files and reads heads and marks into r->segments. */
enum rsm_status recover_files(struct recovery *r);
enum rsm_status recover_load(struct recovery *r, const struct recovered_segment *s,
                             struct segment_image *image_out);
void recover_add_finding(struct recovery *r, enum journal_finding_kind kind, uint64_t segment,
                         uint64_t offset, const struct segment_group *group);

#endif
