/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_peer.c - frames and hellos of a peer: what is taken is encoded to the same bytes again. */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/net/peer_codec.h"
#include "src/net/peer_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The cluster and the target are what the hello says, so that it gets that far. */
static void take_hello(const uint8_t data[PEER_HELLO_SIZE])
{
    static const uint8_t other[CLUSTER_ID_SIZE] = {0xee};
    uint8_t again[PEER_HELLO_SIZE];
    struct peer_hello hello;
    if (peer_hello_decode(data, data + 5, get_u32(data + 25), &hello) != 0)
        return;
    CHECK(hello.from >= 1 && hello.from <= REPLICA_MAX && hello.from != hello.to);
    peer_hello_encode(&hello, again);
    CHECK(memcmp(again, data, sizeof again) == 0);
    CHECK(peer_hello_decode(data, other, hello.to, &hello) != 0 ||
          memcmp(other, data + 5, sizeof other) == 0);
}

static void take_answer(const uint8_t data[PEER_ANSWER_HEAD_SIZE])
{
    uint8_t again[PEER_ANSWER_HEAD_SIZE];
    struct peer_hello answer;
    if (!peer_answer_decode(data, &answer))
        return;
    peer_answer_encode(&answer, again);
    CHECK(memcmp(again, data, sizeof again) == 0);
}

/* Out of its fields; NULL: a refusal, whose words may end early. */
static struct blob *encode_again(const struct peer_frame *frame)
{
    switch (frame->type) {
    case PEER_MESSAGE:
        return peer_encode_message(&frame->message, &frame->stamp);
    case PEER_FORWARD:
        return peer_encode_forward(frame->envelope);
    case PEER_HEADS:
        return peer_encode_heads(frame->slot, frame->entry_head, frame->verdict_head,
                                 frame->wall_ms, &frame->stamp);
    case PEER_SNAPSHOT_OFFER:
        return peer_encode_snapshot_offer(frame->slot);
    case PEER_SNAPSHOT_CHUNK:
        return peer_encode_snapshot_chunk(frame->slot, frame->offset, frame->chunk);
    case PEER_SNAPSHOT_WANT:
        return peer_encode_snapshot_want(frame->slot, frame->offset);
    case PEER_FORWARD_FAILED:
        break;
    }
    return NULL;
}

static void take_refusal(const struct peer_frame *frame)
{
    struct peer_frame same;
    char *text = mem_copy_text(frame->text.data, frame->text.size);
    struct blob *again = peer_encode_forward_failed(frame->digest, frame->status, text);
    CHECK(peer_decode(blob_bytes(again), &same) == RSM_OK);
    CHECK(same.status == frame->status && same.text.size == strlen(text));
    CHECK(memcmp(same.digest, frame->digest, HASH_SIZE) == 0);
    peer_frame_deinit(&same);
    blob_unref(again);
    mem_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    struct peer_frame frame;
    if (size == PEER_HELLO_SIZE)
        take_hello(data);
    if (size == PEER_ANSWER_HEAD_SIZE)
        take_answer(data);
    bool has_envelopes = peer_has_envelopes(input), is_bulk = peer_is_bulk(input);
    if (peer_decode(input, &frame) != RSM_OK)
        return 0;
    CHECK(!has_envelopes || is_bulk);
    CHECK(frame.type != PEER_FORWARD || has_envelopes);
    CHECK(frame.type != PEER_SNAPSHOT_CHUNK || is_bulk);
    struct blob *again = encode_again(&frame);
    if (again != NULL)
        CHECK(bytes_equal(blob_bytes(again), input));
    else
        take_refusal(&frame);
    blob_unref(again);
    peer_frame_deinit(&frame);
    return 0;
}
