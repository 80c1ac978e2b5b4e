/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_record.c - the journal's records as bytes. */
#include <criterion/criterion.h>

#include "src/base/crc32c.h"
#include "src/base/limits.h"
#include "src/base/mem.h"
#include "storage/record.h"

static const uint8_t value_bytes[] = {0xde, 0xad, 0xbe, 0xef};

static const struct record samples[] = {
    {.kind = RECORD_PROMISE, .sequence = 1, .ballot = {7, 2}},
    {.kind = RECORD_ACCEPT,
     .sequence = 2,
     .ballot = {7, 2},
     .slot = 1201,
     .value = {value_bytes, sizeof(value_bytes)}},
    {.kind = RECORD_ACCEPT, .sequence = 3, .ballot = {UINT64_MAX, 9}, .slot = SLOT_MAX},
    {.kind = RECORD_CHOSEN, .sequence = 4, .end = 1202},
    {.kind = RECORD_CHECKPOINT,
     .sequence = 4,
     .ballot = {7, 2},
     .end = 1202,
     .store_slot = 1100,
     .next_sequence = 5},
    {.kind = RECORD_CHECKPOINT, .sequence = 0, .next_sequence = 1},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

Test(record, bytes_of_a_promise_are_those_of_the_drawing)
{
    struct writer w;
    uint8_t expected[29] = {0, 0, 0, 12, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0,
                            0, 0, 0, 0,  0, 0, 0, 0, 0, 7, 0, 0, 0, 2};

    uint32_t check = crc32c(crc32c(0, expected, 13), expected + 17, 12);
    put_u32(expected + 13, check);
    writer_init(&w, 1000);
    record_encode(&samples[0], &w);
    cr_assert_eq(w.size, sizeof(expected));
    cr_assert_arr_eq(w.data, expected, sizeof(expected));
    writer_deinit(&w);
}

Test(record, every_kind_comes_back_as_it_was)
{
    struct writer w;
    struct record out;

    writer_init(&w, 10000);
    for (size_t i = 0; i < SAMPLE_COUNT; i++)
        record_encode(&samples[i], &w);
    struct reader r = reader_make(writer_result(&w));
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct record *in = &samples[i];
        cr_assert(record_decode(&r, &out), "record %zu", i);
        cr_assert_eq(out.kind, in->kind);
        cr_assert_eq(out.sequence, in->sequence);
        cr_assert(ballot_equal(out.ballot, in->ballot));
        cr_assert_eq(out.slot, in->slot);
        cr_assert(bytes_equal(out.value, in->value));
        cr_assert_eq(out.end, in->end);
        cr_assert_eq(out.store_slot, in->store_slot);
        cr_assert_eq(out.next_sequence, in->next_sequence);
    }
    cr_assert(reader_done(&r));
    writer_deinit(&w);
}

Test(record, every_changed_bit_and_every_shorter_length_is_noticed)
{
    struct writer w;
    struct record out;

    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        writer_init(&w, 10000);
        record_encode(&samples[i], &w);
        for (size_t bit = 0; bit < w.size * 8; bit++) {
            w.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            struct reader r = reader_make(writer_result(&w));
            cr_assert_not(record_decode(&r, &out), "record %zu bit %zu", i, bit);
            cr_assert_eq(out.kind, 0);
            w.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t size = 0; size < w.size; size++) {
            struct reader r = reader_make(bytes_make(w.data, size));
            cr_assert_not(record_decode(&r, &out), "record %zu size %zu", i, size);
        }
        writer_deinit(&w);
    }
}

/* A right check does not make impossible fields possible. */
Test(record, impossible_fields_are_refused_though_the_check_is_right)
{
    static const struct record bad[] = {
        {.kind = RECORD_PROMISE, .sequence = 1, .ballot = {0, 0}},
        {.kind = RECORD_PROMISE, .sequence = 1, .ballot = {1, 0}},
        {.kind = RECORD_PROMISE, .sequence = 1, .ballot = {1, REPLICA_MAX + 1}},
        {.kind = RECORD_ACCEPT, .sequence = 1, .ballot = {1, 1}, .slot = 0},
        {.kind = RECORD_ACCEPT, .sequence = 1, .ballot = {1, 1}, .slot = SLOT_MAX + 1},
        {.kind = RECORD_ACCEPT, .sequence = 1, .ballot = {0, 0}, .slot = 1},
        {.kind = RECORD_CHOSEN, .sequence = 1, .end = SLOT_MAX + 2},
        {.kind = RECORD_CHECKPOINT, .sequence = 3, .next_sequence = 3},
        {.kind = RECORD_CHECKPOINT, .sequence = 3, .next_sequence = 4, .end = UINT64_MAX},
        {.kind = RECORD_CHECKPOINT, .sequence = 3, .next_sequence = 4, .store_slot = UINT64_MAX},
    };
    struct writer w;
    struct record out;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        writer_init(&w, 1000);
        record_encode(&bad[i], &w);
        struct reader r = reader_make(writer_result(&w));
        cr_assert_not(record_decode(&r, &out), "record %zu", i);
        writer_deinit(&w);
    }
}

/* A body of this kind and size, all of it ones or whatever `bytes` says, under a right check. */
static bool decodes(uint8_t kind, const uint8_t *bytes, size_t size)
{
    struct record out;
    struct writer w;

    writer_init(&w, RECORD_HEAD_SIZE + size);
    writer_u32(&w, (uint32_t)size);
    writer_u8(&w, kind);
    writer_u64(&w, 3);
    writer_u32(&w, 0);
    writer_bytes(&w, bytes_make(bytes, size));
    uint32_t check = crc32c(0, w.data, RECORD_HEAD_SIZE - 4);
    check = crc32c(check, w.data + RECORD_HEAD_SIZE, size);
    put_u32(w.data + RECORD_HEAD_SIZE - 4, check);
    struct reader r = reader_make(writer_result(&w));
    bool good = record_decode(&r, &out);
    writer_deinit(&w);
    return good;
}

/* Nor a body of the wrong size, a kind that there is not, or a value that is larger than any. */
Test(record, bodies_have_the_size_of_their_kind)
{
    static const size_t sizes[] = {
        [RECORD_PROMISE] = 12, [RECORD_CHOSEN] = 8, [RECORD_CHECKPOINT] = 36};
    size_t room = 20 + LIMIT_VALUE_SIZE + 1;
    uint8_t *bytes = mem_alloc(room);

    bytes[7] = 1;  /* a round, a slot, an end */
    bytes[11] = 1; /* a replica; of an accept the round is behind the slot */
    bytes[15] = 1;
    bytes[19] = 1;
    for (uint8_t kind = RECORD_PROMISE; kind <= RECORD_CHECKPOINT; kind++) {
        if (kind == RECORD_ACCEPT)
            continue;
        bytes[35] = 4; /* the next sequence of a checkpoint, whose own is 3 */
        bytes[15] = kind == RECORD_ACCEPT;
        cr_expect(decodes(kind, bytes, sizes[kind]), "kind %u", kind);
        cr_expect_not(decodes(kind, bytes, sizes[kind] + 1), "kind %u, longer", kind);
        cr_expect_not(decodes(kind, bytes, sizes[kind] - 1), "kind %u, shorter", kind);
    }
    bytes[35] = 0;
    bytes[15] = 1;
    cr_expect(decodes(RECORD_ACCEPT, bytes, 20));
    cr_expect(decodes(RECORD_ACCEPT, bytes, room - 1));
    cr_expect_not(decodes(RECORD_ACCEPT, bytes, room));
    cr_expect_not(decodes(RECORD_ACCEPT, bytes, 19));
    cr_expect_not(decodes(0, bytes, 12));
    cr_expect_not(decodes(RECORD_CHECKPOINT + 1, bytes, 12));
    mem_free(bytes);
}

Test(record, what_does_not_fit_is_not_half_written)
{
    const struct record record = {.kind = RECORD_CHOSEN, .sequence = 1, .end = 2};
    struct writer w;
    writer_init(&w, RECORD_HEAD_SIZE + 7);
    record_encode(&record, &w);
    cr_assert(w.failed);
    writer_deinit(&w);
}

/* A body that ends too early, and whose check is right. */
Test(record, short_bodies_are_refused_though_the_check_is_right)
{
    for (size_t size = 0; size < RECORD_ACCEPT_SIZE; size++) {
        uint8_t bytes[RECORD_HEAD_SIZE + RECORD_ACCEPT_SIZE];
        memset(bytes, 1, sizeof bytes);
        put_u32(bytes, (uint32_t)size);
        bytes[4] = RECORD_ACCEPT;
        uint32_t check = crc32c(0, bytes, 13);
        put_u32(bytes + 13, crc32c(check, bytes + RECORD_HEAD_SIZE, size));
        struct reader r = reader_make(bytes_make(bytes, RECORD_HEAD_SIZE + size));
        struct record record;
        cr_assert_not(record_decode(&r, &record), "%zu", size);
        cr_assert(r.failed);
    }
}
