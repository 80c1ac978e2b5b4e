/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory.h - what an acceptor's disk says, as the judges see it: one record, and the hash that
 * stands for a value.
 */
#ifndef RSM_TESTS_SIM_MEMORY_H
#define RSM_TESTS_SIM_MEMORY_H

#include <string.h>

#include "consensus/message.h"
#include "src/base/bytes.h"

enum memory_kind {
    MEMORY_PROMISE = 1, /* ballot; also what a checkpoint carries on */
    MEMORY_VOTE,        /* slot, ballot, value; PAXOS_BALLOT_CHOSEN: was told that it is chosen */
    MEMORY_CHOSEN,      /* slots below `end` are chosen */
};

struct memory_record {
    enum memory_kind kind;
    bool again; /* a checkpoint's promise: it repeats what earlier records said */
    struct ballot ballot;
    uint64_t slot;
    uint64_t value; /* memory_value_hash */
    uint64_t end;
};

/* A hash of the bytes, eight at a time; a no-op is 1, and nothing is 0, so that 0 can mean "none".
 */
static inline uint64_t memory_value_hash(struct bytes bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ bytes.size;
    size_t i = 0;
    if (bytes.size == 0)
        return 1;
    for (; i + 8 <= bytes.size; i += 8) {
        uint64_t word;
        memcpy(&word, bytes.data + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; i < bytes.size; i++)
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 29;
    return hash | 2;
}

static inline bool memory_is_vote(const struct memory_record *record)
{
    return record->kind == MEMORY_VOTE && !ballot_equal(record->ballot, PAXOS_BALLOT_CHOSEN);
}

#endif
