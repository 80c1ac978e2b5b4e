/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer_hello.c - encoders and decoders side by side (see peer_hello.h). */
#include "src/net/peer_hello.h"

#include <string.h>

#define VERSION 3u
#define FLAG_REJOIN 1u

static const uint8_t magic[4] = {'R', 'S', 'M', 'P'};

const char *peer_refusal_text(uint8_t code)
{
    static const char *const texts[] = {
        [0] = "an unknown reason",
        [PEER_REFUSED_VERSION] = "another version of the protocol",
        [PEER_REFUSED_CLUSTER] = "another cluster",
        [PEER_REFUSED_TARGET] = "it wants another replica",
        [PEER_REFUSED_MEMBER] = "no member of the cluster",
        [PEER_REFUSED_PROOF] = "the peer could not prove who it is",
        [PEER_REFUSED_INCARNATION] = ("another incarnation: its disk was replaced, wiped, restored "
                                      "or copied; it must not vote as the old one"),
    };
    return texts[code < sizeof texts / sizeof *texts ? code : 0];
}

/* incarnation u64, flags u8, former 8 times u64 */
#define INCARNATION_SIZE (9u + 8u * FORMER_MAX)

static void put_incarnation(const struct incarnation *incarnation, uint8_t *out)
{
    put_u64(out, incarnation->number);
    out[8] = incarnation->rejoins ? FLAG_REJOIN : 0;
    for (uint32_t i = 0; i < FORMER_MAX; i++)
        put_u64(out + 9 + (size_t)8 * i, incarnation->former[i]);
}

static bool get_incarnation(const uint8_t *in, struct incarnation *out)
{
    bool is_whole = in[8] <= FLAG_REJOIN;
    out->number = get_u64(in);
    out->rejoins = in[8] == FLAG_REJOIN;
    for (uint32_t i = 0; i < FORMER_MAX; i++) {
        out->former[i] = get_u64(in + 9 + (size_t)8 * i);
        is_whole = is_whole && (i == 0 || out->former[i] == 0 || out->former[i - 1] != 0);
    }
    return is_whole;
}

bool peer_hello_is_known(const uint8_t head[PEER_HELLO_HEAD_SIZE])
{
    return memcmp(head, magic, sizeof magic) == 0 && head[4] == VERSION;
}

void peer_hello_encode(const struct peer_hello *hello, uint8_t out[PEER_HELLO_SIZE])
{
    memcpy(out, magic, sizeof magic);
    out[4] = VERSION;
    memcpy(out + 5, hello->cluster_id, CLUSTER_ID_SIZE);
    put_u32(out + 21, hello->from);
    put_u32(out + 25, hello->to);
    put_incarnation(&hello->incarnation, out + 29);
    memcpy(out + 29 + INCARNATION_SIZE, hello->nonce, PEER_NONCE_SIZE);
}

uint8_t peer_hello_decode(const uint8_t in[PEER_HELLO_SIZE], const uint8_t *cluster_id,
                          uint32_t self, struct peer_hello *out)
{
    *out =
        (struct peer_hello){.cluster_id = in + 5, .from = get_u32(in + 21), .to = get_u32(in + 25)};
    bool is_whole = get_incarnation(in + 29, &out->incarnation);
    memcpy(out->nonce, in + 29 + INCARNATION_SIZE, PEER_NONCE_SIZE);
    if (!peer_hello_is_known(in) || !is_whole)
        return PEER_REFUSED_VERSION;
    if (memcmp(out->cluster_id, cluster_id, CLUSTER_ID_SIZE) != 0)
        return PEER_REFUSED_CLUSTER;
    if (out->to != self)
        return PEER_REFUSED_TARGET;
    if (out->from == self || out->from == 0 || out->from > REPLICA_MAX)
        return PEER_REFUSED_MEMBER;
    return 0;
}

void peer_answer_encode(const struct peer_hello *answer, uint8_t out[PEER_ANSWER_HEAD_SIZE])
{
    out[0] = 0;
    put_incarnation(&answer->incarnation, out + 1);
    memcpy(out + 1 + INCARNATION_SIZE, answer->nonce, PEER_NONCE_SIZE);
}

bool peer_answer_decode(const uint8_t in[PEER_ANSWER_HEAD_SIZE], struct peer_hello *out)
{
    *out = (struct peer_hello){.from = 0};
    bool is_whole = get_incarnation(in + 1, &out->incarnation);
    memcpy(out->nonce, in + 1 + INCARNATION_SIZE, PEER_NONCE_SIZE);
    return in[0] == 0 && is_whole;
}
