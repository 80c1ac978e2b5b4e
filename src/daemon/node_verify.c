/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_verify.c - form, cluster and signature of an envelope, remembered by its digest.
 *
 * An envelope is met up to four times at one replica: when it is handed in, when it is forwarded,
 * before the vote, when it is applied. The signature is verified at the first. The memo is safe
 * because the digest covers the whole envelope, signature included.
 */
#include <string.h>

#include "src/base/bytes.h"
#include "src/daemon/node_internal.h"

_Static_assert((NODE_MEMO_SIZE & (NODE_MEMO_SIZE - 1)) == 0, "memo places are masked");

static uint8_t *memo_place(struct node *n, const uint8_t digest[HASH_SIZE])
{
    return n->memo[get_u32(digest) & (NODE_MEMO_SIZE - 1)];
}

void node_note_verified(struct node *n, const uint8_t digest[HASH_SIZE])
{
    memcpy(memo_place(n, digest), digest, HASH_SIZE);
}

enum rsm_status node_verify_envelope(struct node *n, struct bytes raw,
                                     const uint8_t digest[HASH_SIZE], struct envelope *out)
{
    enum rsm_status status = envelope_parse(raw, out);
    if (status != RSM_OK)
        return status;
    uint8_t *place = memo_place(n, digest);
    if (memcmp(place, digest, HASH_SIZE) == 0)
        return RSM_OK;
    status = envelope_verify(out, n->genesis.cluster_id);
    if (status == RSM_OK)
        memcpy(place, digest, HASH_SIZE);
    return status;
}
