/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_peer.c - frames and hellos of a peer: what is taken is encoded to the same bytes again. */
#include <string.h>

#include "src/base/check.h"
#include "src/net/peer_codec.h"
#include "src/net/peer_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The cluster and the target are what the hello says, so that it gets that far. */
static void take_hello(const uint8_t data[PEER_HELLO_SIZE])
{
    uint8_t again[PEER_HELLO_SIZE];
    struct peer_hello hello;
    if (peer_hello_decode(data, data + 5, get_u32(data + 25), &hello) != 0)
        return;
    CHECK(hello.from >= 1 && hello.from <= REPLICA_MAX && hello.from != hello.to);
    peer_hello_encode(&hello, again);
    CHECK(memcmp(again, data, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == PEER_HELLO_SIZE)
        take_hello(data);
    struct peer_frame frame;
    if (peer_decode(bytes_make(data, size), &frame) != RSM_OK)
        return 0;
    if (frame.type == PEER_MESSAGE) {
        struct blob *again = peer_encode_message(&frame.message, &frame.stamp);
        CHECK(bytes_equal(blob_bytes(again), bytes_make(data, size)));
        blob_unref(again);
    }
    peer_frame_deinit(&frame);
    return 0;
}
