/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal_rig.c - see journal_rig.h. */
#include "tests/lib/journal_rig.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

void rig_init(struct journal_rig *rig)
{
    *rig = (struct journal_rig){0};
    rig->disk = disk_mem_new();
    memset(rig->identity.cluster, 0x5a, sizeof(rig->identity.cluster));
    rig->identity.replica = 2;
    rig->identity.incarnation = UINT64_C(0x1122334455667788);
    rig->options.segment_size = 32768;
    rig->options.prepared_count = 1;
    rig->options.create = true;
    rig->value_size = 40;
}

void rig_close(struct journal_rig *rig)
{
    journal_close(rig->journal);
    rig->journal = NULL;
}

void rig_deinit(struct journal_rig *rig)
{
    rig_close(rig);
    disk_free(&rig->disk->disk);
}

uint64_t rig_slot(uint64_t sequence)
{
    return sequence;
}

void rig_record(const struct journal_rig *rig, uint64_t sequence, uint8_t *value,
                struct record *record_out)
{
    uint64_t round = (sequence + 6) / 7; /* votes are in the ballot that was promised last */
    struct ballot ballot = {round, 1 + (uint32_t)(round % 3)};
    *record_out = (struct record){.sequence = sequence};
    if (sequence % 7 == 1) {
        record_out->kind = RECORD_PROMISE;
        record_out->ballot = ballot;
    } else if (sequence % 7 == 5) {
        record_out->kind = RECORD_CHOSEN;
        record_out->end = rig_slot(sequence);
    } else {
        size_t size = rig->value_size - sequence % 3;
        for (size_t i = 0; i < size; i++)
            value[i] = (uint8_t)(sequence * 31 + i);
        record_out->kind = RECORD_ACCEPT;
        record_out->slot = rig_slot(sequence);
        record_out->ballot = ballot;
        record_out->value = bytes_make(value, size);
    }
}

static bool same(const struct record *a, const struct record *b)
{
    return a->kind == b->kind && a->sequence == b->sequence && a->slot == b->slot &&
           a->end == b->end && ballot_equal(a->ballot, b->ballot) &&
           bytes_equal(a->value, b->value);
}

enum rsm_status rig_visit(void *context, const struct record *record, bool is_evidence)
{
    struct journal_rig *rig = context;
    struct record expected;

    if (record->kind == RECORD_CHECKPOINT)
        return RSM_OK;
    uint8_t *value = mem_alloc(rig->value_size);
    rig_record(rig, record->sequence, value, &expected);
    if (rig->visited == 0)
        rig->first = record->sequence;
    if ((!is_evidence && record->sequence != rig->first + rig->visited) || !same(record, &expected))
        rig->wrong = true;
    rig->visited += !is_evidence;
    rig->evidence += is_evidence;
    mem_free(value);
    return RSM_OK;
}

enum rsm_status rig_open(struct journal_rig *rig)
{
    CHECK(rig->journal == NULL);
    rig->visited = 0;
    rig->evidence = 0;
    rig->first = 0;
    rig->wrong = false;
    enum rsm_status status = journal_open(&rig->disk->disk, &rig->identity, &rig->options,
                                          rig_visit, rig, &rig->report, &rig->journal);
    rig->appended = rig->report.last_sequence;
    return status;
}

enum rsm_status rig_append(struct journal_rig *rig, unsigned count)
{
    uint8_t *value = mem_alloc(rig->value_size);
    enum rsm_status status = RSM_OK;
    struct record record;

    for (unsigned i = 0; i < count && status == RSM_OK; i++) {
        rig_record(rig, rig->appended + 1, value, &record);
        status = journal_append(rig->journal, &record);
        rig->appended += status == RSM_OK;
    }
    mem_free(value);
    return status;
}

enum rsm_status rig_write(struct journal_rig *rig, unsigned count)
{
    enum rsm_status status = rig_append(rig, count);

    if (status == RSM_OK)
        status = journal_flush(rig->journal);
    if (status == RSM_OK) {
        CHECK(journal_durable_seq(rig->journal) == rig->appended);
        rig->acknowledged = rig->appended;
    }
    return status;
}
