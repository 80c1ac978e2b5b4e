/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rig_expect.h - what most tests of the journal do with a rig and expect of it at once. */
#ifndef RSM_TESTS_UNIT_STORAGE_RIG_EXPECT_H
#define RSM_TESTS_UNIT_STORAGE_RIG_EXPECT_H

#include <criterion/criterion.h>

#include "src/base/mem.h"
#include "tests/lib/journal_rig.h"

/* A new journal, open, of segments of `segment_size` bytes; 0: as the rig has them. */
static inline void rig_begin_sized(struct journal_rig *rig, uint32_t segment_size)
{
    rig_init(rig);
    if (segment_size != 0)
        rig->options.segment_size = segment_size;
    cr_assert_eq(rig_open(rig), RSM_OK);
}

static inline void rig_begin(struct journal_rig *rig)
{
    rig_begin_sized(rig, 0);
}

/* Closed, and open again: sound or cut. */
static inline void rig_reopen(struct journal_rig *rig)
{
    rig_close(rig);
    cr_assert_eq(rig_open(rig), RSM_OK);
}

/* What the last opening visited: the records from `first` to `last`, each as it was appended. */
static inline void rig_holds(const struct journal_rig *rig, uint64_t first, uint64_t last)
{
    cr_assert_not(rig->wrong);
    cr_assert_eq(rig->visited, last - first + 1);
    cr_assert_eq(rig->first, first);
    cr_assert_eq(rig->report.last_sequence, last);
}

/* Appends a record that is not the model's as the next one. */
static inline enum rsm_status rig_append_other(struct journal_rig *rig, struct record record)
{
    record.sequence = rig->appended + 1;
    enum rsm_status status = journal_append(rig->journal, &record);
    rig->appended += status == RSM_OK;
    return status;
}

/* A vote of `size` bytes for slot 1, appended and flushed. */
static inline void rig_write_large(struct journal_rig *rig, size_t size)
{
    uint8_t *value = mem_alloc(size);
    struct record vote = {
        .kind = RECORD_ACCEPT, .slot = 1, .ballot = {1, 1}, .value = {value, size}};
    cr_assert_eq(rig_append_other(rig, vote), RSM_OK);
    cr_assert_eq(journal_flush(rig->journal), RSM_OK);
    mem_free(value);
}

#endif
