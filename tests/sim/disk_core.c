/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk_core.c - the disk of a simulated replica: a list of records and a mark up to which they are
 * durable, and the log. A flush takes what is there when it begins; a crash loses all behind the
 * mark, but for some records of a flush that was under way. Records that the store covers are
 * dropped, and promise_kept stands for their promises.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "tests/sim/node_core.h"

void store_put(struct core_node *n, uint64_t slot, struct blob *value)
{
    if (slot >= n->log_capacity) {
        uint64_t capacity = n->log_capacity == 0 ? 256 : n->log_capacity;
        while (capacity <= slot)
            capacity *= 2;
        n->log = mem_realloc(n->log, capacity * sizeof(struct blob *));
        memset(n->log + n->log_capacity, 0, (capacity - n->log_capacity) * sizeof(struct blob *));
        n->log_capacity = capacity;
    }
    blob_ref(value);
    blob_unref(n->log[slot]);
    n->log[slot] = value;
}

static struct memory_record as_memory(const struct paxos_append *r)
{
    struct memory_record record = {.ballot = r->ballot, .slot = r->slot, .end = r->slot_end};
    switch (r->type) {
    case PAXOS_RECORD_PROMISE:
        record.kind = MEMORY_PROMISE;
        break;
    case PAXOS_RECORD_ACCEPT:
        record.kind = MEMORY_VOTE;
        record.value = memory_value_hash(blob_bytes(r->value));
        break;
    case PAXOS_RECORD_CHOSEN:
        record.kind = MEMORY_CHOSEN;
        break;
    }
    return record;
}

void disk_make_durable(struct core_node *n, size_t count)
{
    for (; n->durable_count < count; n->durable_count++) {
        struct memory_record record = as_memory(&n->records[n->durable_count]);
        checker_on_durable(n->cluster->checker, n->replica, &record);
    }
}

void disk_push(struct core_node *n, const struct paxos_append *record)
{
    if (n->record_count == n->record_capacity) {
        n->record_capacity = n->record_capacity == 0 ? 64 : 2 * n->record_capacity;
        n->records = mem_realloc(n->records, n->record_capacity * sizeof(*n->records));
    }
    n->records[n->record_count] = *record;
    blob_ref(record->value);
    n->record_count++;
}

void disk_append(struct core_node *n, const struct paxos_append *record)
{
    CHECK(record->seq == n->seq_next);
    n->seq_next++;
    disk_push(n, record);
    struct memory_record said = as_memory(record);
    checker_on_append(n->cluster->checker, n->replica, &said);
}

void disk_drop(struct core_node *n)
{
    size_t count = 0;
    while (count < n->durable_count && n->flush_count == 0) {
        const struct paxos_append *r = &n->records[count];
        bool covered = r->type == PAXOS_RECORD_PROMISE ||
                       (r->type == PAXOS_RECORD_ACCEPT && r->slot <= n->stored) ||
                       (r->type == PAXOS_RECORD_CHOSEN && r->slot_end <= n->stored + 1);
        if (!covered)
            break;
        bool is_vote = !ballot_equal(r->ballot, PAXOS_BALLOT_CHOSEN);
        if (is_vote && ballot_compare(r->ballot, n->promise_kept) > 0)
            n->promise_kept = r->ballot;
        blob_unref(r->value);
        count++;
    }
    n->record_count -= count;
    n->durable_count -= count;
    if (count > 0)
        memmove(n->records, n->records + count, n->record_count * sizeof(*n->records));
}

void disk_crash(struct core_node *n)
{
    if (n->flush_count > n->durable_count)
        disk_make_durable(n, (size_t)sim_range(&n->cluster->sim, n->durable_count, n->flush_count));
    while (n->record_count > n->durable_count)
        blob_unref(n->records[--n->record_count].value);
    n->flush_count = 0;
}
