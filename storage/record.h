/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record.h - what an acceptor remembers: the records of the journal, as bytes.
 *
 *   record    size u32      bytes of the body
 *             kind u8       1 promise, 2 accept, 3 chosen, 4 checkpoint
 *             sequence u64  the caller's number, +1 each; a checkpoint repeats the last one
 *             check u32     CRC-32C over size, kind, sequence and body
 *             body
 *   promise     ballot
 *   accept      slot u64, ballot, value (the rest)
 *   chosen      end u64                every slot below is known to be chosen
 *   checkpoint  promise ballot, chosen end u64, store slot u64, next sequence u64
 *   ballot      round u64, replica u32
 *
 * All integers are big-endian.
 */
#ifndef RSM_STORAGE_RECORD_H
#define RSM_STORAGE_RECORD_H

#include <stdbool.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"

enum record_kind {
    RECORD_PROMISE = 1, /* no ballot below this one will be helped any more */
    RECORD_ACCEPT,      /* a vote: slot, ballot and value; it raises the promise as well */
    RECORD_CHOSEN,      /* slots below `end` are chosen */
    RECORD_CHECKPOINT,  /* begins each segment; written by the journal itself */
};

#define RECORD_HEAD_SIZE 17u
#define RECORD_ACCEPT_SIZE 20u     /* body of an accept without its value */
#define RECORD_CHECKPOINT_SIZE 36u /* body of a checkpoint */

/* Fields that a kind does not have are 0 and empty. */
struct record {
    enum record_kind kind;
    uint64_t sequence;
    struct ballot ballot;   /* promise, accept, checkpoint */
    uint64_t slot;          /* accept */
    struct bytes value;     /* accept; borrowed */
    uint64_t end;           /* chosen, checkpoint */
    uint64_t store_slot;    /* checkpoint: the store held slots up to here, durably */
    uint64_t next_sequence; /* checkpoint */
};

/* Bytes of the record, head and body. */
size_t record_size(const struct record *record);
/* Appends it to `w`. The kind is one of the list (a bug otherwise). */
void record_encode(const struct record *record, struct writer *w);
/*
 * Reads one record. False, and r->failed, when the bytes are none: too short, an unknown kind, a
 * wrong check, fields out of bounds (a ballot without owner, a slot of 0 or above SLOT_MAX).
 * record_out->value borrows from the reader's bytes.
 */
bool record_decode(struct reader *r, struct record *record_out);

/* "promise", "accept", "chosen", "checkpoint"; "unknown" for other numbers. Static memory. */
const char *record_kind_name(enum record_kind kind);

#endif
