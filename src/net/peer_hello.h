/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer_hello.h - the bytes of the handshake between replicas, version 3 (see peer_link.h).
 *
 *   hello    "RSMP", version u8, cluster 16, from u32, to u32, incarnation u64, flags u8,
 *            former 8 times u64, nonce 32
 *   answer   0 u8, incarnation u64, flags u8, former 8 times u64, nonce 32, signature 64
 *   refusal  a code u8, in the place of the answer or later, then the connection is closed. Behind
 *            codes 4 and 6, when the log of the acceptor was recovered by force: size u16, the body
 *            of the newest cluster.recover (src/daemon/left_behind.h), at most PEER_PROOF_SIZE_MAX
 *   proof    signature 64
 *
 * Flag 1, rejoin: the sender's journal is doubtful, and it has taken this incarnation to get its
 * vote back (docs/storage.md). Former: what it was before it was in doubt, the last one first, then
 * zeros; who knows it by one of these knows it (src/daemon/incarnations.h). The transcript that
 * both sides sign is the hello and the answer up to its nonce.
 */
#ifndef RSM_NET_PEER_HELLO_H
#define RSM_NET_PEER_HELLO_H

#include <stdbool.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"

#define PEER_NONCE_SIZE 32u
#define PEER_HELLO_SIZE 134u
#define PEER_HELLO_HEAD_SIZE 5u
#define PEER_ANSWER_HEAD_SIZE 106u
#define PEER_PROOF_SIZE_MAX 4096u
#define PEER_TRANSCRIPT_SIZE (PEER_HELLO_SIZE + PEER_ANSWER_HEAD_SIZE)

/* On the wire, for ever. */
enum peer_refusal {
    PEER_REFUSED_VERSION = 1, /* another version of the handshake */
    PEER_REFUSED_CLUSTER,     /* another cluster */
    PEER_REFUSED_TARGET,      /* the hello was meant for another replica */
    PEER_REFUSED_MEMBER,      /* the dialler is no member: not yet, or not any more */
    PEER_REFUSED_PROOF,       /* the signature is not the member's */
    PEER_REFUSED_INCARNATION, /* the member has another data directory */
};

/* For people; static memory, also for numbers outside the list. */
const char *peer_refusal_text(uint8_t code);

/* One side's part of the transcript. */
struct peer_hello {
    const uint8_t *cluster_id; /* CLUSTER_ID_SIZE bytes; not in an answer */
    uint32_t from, to;         /* not in an answer */
    struct incarnation incarnation;
    uint8_t nonce[PEER_NONCE_SIZE];
};

/* False: another version, whose hello may have another size; it hears so before it is whole. */
bool peer_hello_is_known(const uint8_t head[PEER_HELLO_HEAD_SIZE]);
void peer_hello_encode(const struct peer_hello *hello, uint8_t out[PEER_HELLO_SIZE]);
/* 0, or why the bytes are no hello for `self` of that cluster. `out` borrows from `in`. */
uint8_t peer_hello_decode(const uint8_t in[PEER_HELLO_SIZE], const uint8_t *cluster_id,
                          uint32_t self, struct peer_hello *out);
void peer_answer_encode(const struct peer_hello *answer, uint8_t out[PEER_ANSWER_HEAD_SIZE]);
/* False: a flag that this version does not know, or a number behind the last of its list. */
bool peer_answer_decode(const uint8_t in[PEER_ANSWER_HEAD_SIZE], struct peer_hello *out);

#endif
