/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_peer_codec.c - frames between replicas: there and back, cut, and out of their bounds. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/net/peer_codec.h"

static struct blob *sample(unsigned which)
{
    static const uint8_t hash[HASH_SIZE] = {1, 2, 3};
    static const uint8_t other[HASH_SIZE] = {4, 5, 6};
    struct blob *value = blob_new(bytes_of_string("value"));
    struct paxos_entry entries[2] = {{.slot = 7, .value = value, .fresh = true}, {.slot = 9}};
    struct paxos_message message = {.type = PAXOS_ACCEPT,
                                    .ballot = {3, 1},
                                    .chosen_end = 5,
                                    .entries = entries,
                                    .entry_count = 2};
    struct peer_stamp stamp = {.seq = 100, .seen_incarnation = 200, .seen_seq = 300};
    struct blob *frame = NULL;
    switch (which) {
    case 0:
        frame = peer_encode_message(&message, &stamp);
        break;
    case 1:
        frame = peer_encode_forward(bytes_of_string("envelope"));
        break;
    case 2:
        frame = peer_encode_forward_failed(hash, RSM_BUSY, "too much");
        break;
    case 3:
        frame = peer_encode_heads(12, hash, other, 77, &stamp);
        break;
    case 4:
        frame = peer_encode_snapshot_offer(77);
        break;
    case 5:
        frame = peer_encode_snapshot_chunk(77, 3, bytes_of_string("rows"));
        break;
    case 6:
        frame = peer_encode_snapshot_want(77, 4);
        break;
    }
    blob_unref(value);
    return frame;
}

/* What carries values is bulk. */
Test(peer_codec, bulk)
{
    static const bool bulk[7] = {true, true, false, false, false, true, false};
    struct peer_stamp stamp = {.seq = 1};
    for (unsigned i = 0; i < 7; i++) {
        struct blob *frame = sample(i);
        cr_assert_eq(peer_is_bulk(blob_bytes(frame)), bulk[i], "frame %u", i);
        cr_assert_eq(peer_has_envelopes(blob_bytes(frame)), bulk[i] && i != 5, "frame %u", i);
        blob_unref(frame);
    }
    for (int type = PAXOS_PREVOTE; type <= PAXOS_REJOIN_ANSWER; type++) {
        struct paxos_message message = {.type = (enum paxos_message_type)type};
        struct blob *frame = peer_encode_message(&message, &stamp);
        cr_assert_eq(peer_is_bulk(blob_bytes(frame)), type == PAXOS_ACCEPT || type == PAXOS_LEARN);
        cr_assert(!peer_is_bulk(bytes_make(frame->data, 20)), "cut");
        blob_unref(frame);
    }
}

Test(peer_codec, every_frame_there_and_back)
{
    struct peer_frame f;
    for (unsigned i = 0; i < 7; i++) {
        struct blob *frame = sample(i);
        cr_assert_eq(peer_decode(blob_bytes(frame), &f), RSM_OK, "frame %u", i);
        cr_assert_eq(f.type, PEER_MESSAGE + i);
        if (f.type == PEER_MESSAGE || f.type == PEER_HEADS)
            cr_assert(f.stamp.seq == 100 && f.stamp.seen_incarnation == 200 &&
                      f.stamp.seen_seq == 300);
        if (i == 0) {
            cr_assert_eq(f.message.entry_count, 2);
            cr_assert_eq(f.message.entries[0].slot, 7);
            cr_assert(f.message.entries[0].fresh);
            cr_assert(
                bytes_equal(blob_bytes(f.message.entries[0].value), bytes_of_string("value")));
            cr_assert_null(f.message.entries[1].value);
            cr_assert_eq(f.message.ballot.round, 3);
        }
        if (i == 2)
            cr_assert_eq(f.status, RSM_BUSY);
        if (i == 3)
            cr_assert_eq(f.verdict_head[1], 5);
        if (i == 5)
            cr_assert(bytes_equal(f.chunk, bytes_of_string("rows")) && f.offset == 3);
        peer_frame_deinit(&f);
        blob_unref(frame);
    }
    cr_assert_eq(mem_live_count(), 0);
}

Test(peer_codec, every_truncation_and_every_addition_is_refused)
{
    for (unsigned i = 0; i < 7; i++) {
        struct blob *frame = sample(i);
        struct peer_frame f;
        for (size_t size = 0; size < frame->size; size++) {
            uint8_t *cut = mem_copy(frame->data, size);
            cr_assert_neq(peer_decode(bytes_make(cut, size), &f), RSM_OK, "%u cut to %zu", i, size);
            mem_free(cut);
        }
        uint8_t *longer = mem_alloc(frame->size + 1);
        memcpy(longer, frame->data, frame->size);
        cr_assert_eq(peer_decode(bytes_make(longer, frame->size + 1), &f), RSM_MALFORMED);
        mem_free(longer);
        blob_unref(frame);
    }
    cr_assert_eq(mem_live_count(), 0);
}

Test(peer_codec, other_versions_and_types_are_newer)
{
    struct peer_frame f;
    uint8_t version[] = {PEER_VERSION + 1, 1}, type[] = {PEER_VERSION, 99};
    cr_assert_eq(peer_decode(bytes_make(version, 2), &f), RSM_NEWER_FORMAT);
    cr_assert_eq(peer_decode(bytes_make(type, 2), &f), RSM_NEWER_FORMAT);
}

/* A count is believed only when its bytes can be there. */
Test(peer_codec, a_count_without_bytes_takes_no_memory)
{
    struct blob *frame = sample(0);
    struct peer_frame f;
    put_u32(frame->data + 2 + 2 + 24 + 40, UINT32_MAX);
    cr_assert_eq(peer_decode(blob_bytes(frame), &f), RSM_MALFORMED);
    put_u32(frame->data + 2 + 2 + 24 + 40, LIMIT_BATCH_ENTRIES);
    cr_assert_eq(peer_decode(blob_bytes(frame), &f), RSM_MALFORMED);
    blob_unref(frame);
    cr_assert_eq(mem_live_count(), 0);
}
