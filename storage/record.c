/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - encoder and decoder of the journal's records; the bytes are drawn in record.h. */
#include "storage/record.h"

#include "src/base/check.h"
#include "src/base/crc32c.h"
#include "src/base/limits.h"

#define CHECKED_HEAD_SIZE                                                                          \
    (RECORD_HEAD_SIZE - 4u) /* size, kind, sequence: what the check covers                         \
                             */

_Static_assert(LIMIT_SEGMENT_SIZE > 2u * LIMIT_VALUE_SIZE, "one record fits a segment with ease");

static size_t body_size(const struct record *record)
{
    switch (record->kind) {
    case RECORD_PROMISE:
        return 12;
    case RECORD_ACCEPT:
        return RECORD_ACCEPT_SIZE + record->value.size;
    case RECORD_CHOSEN:
        return 8;
    case RECORD_CHECKPOINT:
        return RECORD_CHECKPOINT_SIZE;
    }
    CHECK(false);
    return 0;
}

size_t record_size(const struct record *record)
{
    size_t size = RECORD_HEAD_SIZE + body_size(record);
    CHECK(size >= RECORD_HEAD_SIZE + 8); /* the shortest body */
    CHECK(record->kind == RECORD_ACCEPT || size <= RECORD_HEAD_SIZE + RECORD_CHECKPOINT_SIZE);
    return size;
}

static void encode_ballot(struct ballot ballot, struct writer *w)
{
    writer_u64(w, ballot.round);
    writer_u32(w, ballot.replica);
}

static void encode_body(const struct record *record, struct writer *w)
{
    switch (record->kind) {
    case RECORD_PROMISE:
        encode_ballot(record->ballot, w);
        break;
    case RECORD_ACCEPT:
        writer_u64(w, record->slot);
        encode_ballot(record->ballot, w);
        writer_bytes(w, record->value);
        break;
    case RECORD_CHOSEN:
        writer_u64(w, record->end);
        break;
    case RECORD_CHECKPOINT:
        encode_ballot(record->ballot, w);
        writer_u64(w, record->end);
        writer_u64(w, record->store_slot);
        writer_u64(w, record->next_sequence);
        break;
    }
}

void record_encode(const struct record *record, struct writer *w)
{
    size_t begin = w->size;

    CHECK(record->kind == RECORD_ACCEPT || record->value.size == 0);
    CHECK(record->kind == RECORD_ACCEPT || record->slot == 0);
    CHECK(record->kind == RECORD_CHECKPOINT || record->store_slot == 0);
    CHECK(record->kind == RECORD_CHECKPOINT || record->next_sequence == 0);
    CHECK(record->kind >= RECORD_CHOSEN || record->end == 0);
    CHECK(record->kind != RECORD_CHOSEN || record->ballot.replica == 0);
    CHECK(record->value.size <= LIMIT_VALUE_SIZE);
    writer_u32(w, 0);
    writer_u8(w, (uint8_t)record->kind);
    writer_u64(w, record->sequence);
    writer_u32(w, 0);
    encode_body(record, w);
    if (w->failed)
        return;
    size_t size = body_size(record);
    CHECK(w->size - begin == RECORD_HEAD_SIZE + size); /* what journal_plan made room for */
    put_u32(w->data + begin, (uint32_t)size);
    uint32_t check = crc32c(0, w->data + begin, CHECKED_HEAD_SIZE);
    check = crc32c(check, w->data + begin + RECORD_HEAD_SIZE, size);
    put_u32(w->data + begin + CHECKED_HEAD_SIZE, check);
}

static struct ballot decode_ballot(struct reader *r)
{
    struct ballot ballot = {0, 0};

    ballot.round = reader_u64(r);
    ballot.replica = reader_u32(r);
    return ballot;
}

/* A real ballot has an owner; a checkpoint may also say "nothing promised yet". */
static bool ballot_is_possible(struct ballot ballot, bool may_be_none)
{
    if (ballot.round == 0 && ballot.replica == 0)
        return may_be_none;
    return ballot.replica >= 1 && ballot.replica <= REPLICA_MAX;
}

/* The fields of a body that checked; false when they cannot be. */
static bool decode_body(struct reader *r, struct record *out)
{
    switch (out->kind) {
    case RECORD_PROMISE:
        out->ballot = decode_ballot(r);
        return ballot_is_possible(out->ballot, false) && reader_done(r);
    case RECORD_ACCEPT:
        out->slot = reader_u64(r);
        out->ballot = decode_ballot(r);
        out->value = reader_bytes(r, reader_left(r));
        return reader_done(r) && ballot_is_possible(out->ballot, false) && out->slot >= 1 &&
               out->slot <= SLOT_MAX && out->value.size <= LIMIT_VALUE_SIZE;
    case RECORD_CHOSEN:
        out->end = reader_u64(r);
        return out->end <= SLOT_MAX + 1 && reader_done(r);
    case RECORD_CHECKPOINT:
        out->ballot = decode_ballot(r);
        out->end = reader_u64(r);
        out->store_slot = reader_u64(r);
        out->next_sequence = reader_u64(r);
        return ballot_is_possible(out->ballot, true) && out->end <= SLOT_MAX + 1 &&
               out->store_slot <= SLOT_MAX && out->next_sequence == out->sequence + 1 &&
               reader_done(r);
    }
    return false;
}

bool record_decode(struct reader *r, struct record *record_out)
{
    *record_out = (struct record){0};
    struct bytes head = reader_bytes(r, RECORD_HEAD_SIZE);
    if (r->failed)
        return false;
    struct bytes body = reader_bytes(r, get_u32(head.data));
    if (r->failed)
        return false;
    uint32_t check = crc32c(0, head.data, CHECKED_HEAD_SIZE);
    check = crc32c(check, body.data, body.size);
    struct reader in = reader_make(body);
    record_out->kind = (enum record_kind)head.data[4];
    record_out->sequence = get_u64(head.data + 5);
    if (check != get_u32(head.data + CHECKED_HEAD_SIZE) || !decode_body(&in, record_out)) {
        *record_out = (struct record){0};
        r->failed = true;
        return false;
    }
    /* What is taken is what the writer makes: it would be as long, and of a real replica. */
    CHECK(record_size(record_out) == RECORD_HEAD_SIZE + body.size);
    CHECK(record_out->ballot.replica <= REPLICA_MAX);
    CHECK(record_out->kind >= RECORD_PROMISE && record_out->kind <= RECORD_CHECKPOINT);
    CHECK(record_out->kind == RECORD_ACCEPT ? record_out->slot >= 1 : record_out->slot == 0);
    CHECK(record_out->slot <= SLOT_MAX && record_out->end <= SLOT_MAX + 1);
    CHECK(record_out->store_slot <= SLOT_MAX);
    CHECK(record_out->value.size <= LIMIT_VALUE_SIZE);
    return true;
}

const char *record_kind_name(enum record_kind kind)
{
    switch (kind) {
    case RECORD_PROMISE:
        return "promise";
    case RECORD_ACCEPT:
        return "accept";
    case RECORD_CHOSEN:
        return "chosen";
    case RECORD_CHECKPOINT:
        return "checkpoint";
    }
    return "unknown";
}
