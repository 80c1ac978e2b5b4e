/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.h - the journal read without touching it: for rsm-dump. */
#ifndef RSM_STORAGE_SCAN_H
#define RSM_STORAGE_SCAN_H

#include "storage/journal.h"

/* What journal_scan shows, beside the records. Borrowed during the call. */
struct journal_place {
    uint64_t segment;
    uint64_t offset; /* of the group */
    uint64_t group;
    bool after_damage; /* valid in itself, behind a doubtful place */
};

struct journal_segment_info {
    uint64_t segment;
    uint64_t size;
    uint64_t used; /* bytes up to the end of the last group that checks */
    uint64_t group_first;
    uint64_t group_end; /* half-open; equal when empty */
    bool sealed;
};

struct journal_scanner {
    void *context;
    void (*on_segment)(void *context, const struct journal_segment_info *info);
    void (*on_record)(void *context, const struct journal_place *place,
                      const struct record *record);
};

/*
 * Looks at everything and changes nothing: for rsm-dump, also on a journal that is being written
 * (then the last group may be on its way). `identity` NULL: taken from the first head that checks,
 * and given back in *identity_out. Always fills the report.
 * RSM_OK when something was read; RSM_NOT_FOUND when there is no segment.
 */
enum rsm_status journal_scan(struct disk *disk, const struct journal_identity *identity,
                             const struct journal_scanner *scanner,
                             struct journal_report *report_out,
                             struct journal_identity *identity_out);

#endif
