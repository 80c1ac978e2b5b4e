/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_peer.c - frames of a peer: whatever is taken is encoded to the same bytes again. */
#include "src/base/check.h"
#include "src/net/peer_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
