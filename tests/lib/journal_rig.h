/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal_rig.h - a journal on a disk_mem, and a model of what it must hold.
 *
 * The n-th record (sequence n) of the rig is a function of n alone, so that a visitor can tell a
 * right record from a wrong one without a list.
 */
#ifndef RSM_TESTS_LIB_JOURNAL_RIG_H
#define RSM_TESTS_LIB_JOURNAL_RIG_H

#include "storage/journal.h"
#include "tests/lib/disk_mem.h"

struct journal_rig {
    struct disk_mem *disk; /* owned */
    struct journal_identity identity;
    struct journal_options options;
    struct journal *journal; /* owned; NULL when closed */
    struct journal_report report;
    uint64_t appended;     /* sequence of the last record given to journal_append */
    uint64_t acknowledged; /* of the last one whose flush returned RSM_OK */
    size_t value_size;     /* of votes */
    /* What the last journal_open visited. */
    uint64_t visited;  /* records, checkpoints apart */
    uint64_t first;    /* the first sequence */
    uint64_t evidence; /* records behind a damaged place, checkpoints apart */
    bool wrong;        /* a record that was never appended, or out of order */
};

void rig_init(struct journal_rig *rig);
void rig_deinit(struct journal_rig *rig);
/* Opens (creating it when new) and visits. */
enum rsm_status rig_open(struct journal_rig *rig);
void rig_close(struct journal_rig *rig);
/* Appends the next `count` records of the model as one group and flushes. */
enum rsm_status rig_write(struct journal_rig *rig, unsigned count);
/* Appends, without a flush. */
enum rsm_status rig_append(struct journal_rig *rig, unsigned count);

/* The record with this sequence. `value` has room for rig->value_size bytes. */
void rig_record(const struct journal_rig *rig, uint64_t sequence, uint8_t *value,
                struct record *record_out);
/* A journal_visit; the context is the rig. */
enum rsm_status rig_visit(void *context, const struct record *record, bool is_evidence);

/* What the slot of a vote with this sequence is. */
uint64_t rig_slot(uint64_t sequence);

#endif
