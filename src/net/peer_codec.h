/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer_codec.h - what replicas say to each other, as bytes. docs/formats.md has them all.
 *
 *   frame           version u8 = 2, type u8, body
 *   message    1    stamp, message type u8, granted u8, ballot, promised, chosen_end, slot_first,
 *                   slot_end, slot, round (u64 each), count u32, entries: slot u64, ballot,
 *                   fresh u8, value blob
 *   forward    2    envelope blob
 *   failed     3    digest 32 bytes, status blob (its stable text), text blob
 *   heads      4    stamp, slot u64, entry head 32 bytes, verdict head 32 bytes, its clock in ms
 * u64 offer      5    snapshot: slot u64 chunk      6    snapshot: slot u64, offset u64, bytes blob
 *   want       7    snapshot: slot u64, offset u64: send from here
 *
 * A stamp is three u64: how far the sender's journal is durable (the sequence), and what the sender
 * knows of the receiver: its incarnation, and the highest sequence that came from it. A replica
 * that is told of more than its journal holds has lost memory, whatever its disk says.
 *
 * ballot is round u64, replica u32; integers are big-endian; a blob is a size as u32 and the bytes.
 * The link puts a length in front (peer_link.h). Nothing is trusted before peer_decode said yes.
 */
#ifndef RSM_NET_PEER_CODEC_H
#define RSM_NET_PEER_CODEC_H

#include <rsm/status.h>

#include "consensus/message.h"
#include "src/base/blob.h"

#define PEER_VERSION 2u
#define PEER_TEXT_MAX 1024u
#define PEER_CHUNK_MAX (LIMIT_PEER_FRAME_SIZE - 64u)

enum peer_frame_type {
    PEER_MESSAGE = 1,
    PEER_FORWARD,
    PEER_FORWARD_FAILED,
    PEER_HEADS,
    PEER_SNAPSHOT_OFFER,
    PEER_SNAPSHOT_CHUNK,
    PEER_SNAPSHOT_WANT,
};

struct peer_stamp {
    uint64_t seq;              /* of the sender's journal */
    uint64_t seen_incarnation; /* of the receiver; 0: not met */
    uint64_t seen_seq;
};

/* A decoded frame. Owns its entries and their values; everything else borrows from the bytes. */
struct peer_frame {
    enum peer_frame_type type;
    struct peer_stamp stamp;      /* PEER_MESSAGE, PEER_HEADS */
    struct paxos_message message; /* checked; PEER_MESSAGE */
    struct paxos_entry *entries;  /* owned, what message.entries points at */
    struct bytes envelope;        /* PEER_FORWARD */
    const uint8_t *digest;        /* PEER_FORWARD_FAILED */
    enum rsm_status status;       /* PEER_FORWARD_FAILED */
    struct bytes text;            /* PEER_FORWARD_FAILED */
    uint64_t slot;                /* PEER_HEADS, snapshots */
    const uint8_t *entry_head;    /* PEER_HEADS */
    const uint8_t *verdict_head;  /* PEER_HEADS */
    uint64_t wall_ms;             /* PEER_HEADS */
    uint64_t offset;              /* PEER_SNAPSHOT_CHUNK, PEER_SNAPSHOT_WANT */
    struct bytes chunk;           /* PEER_SNAPSHOT_CHUNK */
};

/* Each gives a frame with one reference, owned by the caller. */
struct blob *peer_encode_message(const struct paxos_message *message,
                                 const struct peer_stamp *stamp);
struct blob *peer_encode_forward(struct bytes envelope);
struct blob *peer_encode_forward_failed(const uint8_t digest[HASH_SIZE], enum rsm_status status,
                                        const char *text);
struct blob *peer_encode_heads(uint64_t slot, const uint8_t entry_head[HASH_SIZE],
                               const uint8_t verdict_head[HASH_SIZE], uint64_t wall_ms,
                               const struct peer_stamp *stamp);
struct blob *peer_encode_snapshot_offer(uint64_t slot);
struct blob *peer_encode_snapshot_chunk(uint64_t slot, uint64_t offset, struct bytes chunk);
struct blob *peer_encode_snapshot_want(uint64_t slot, uint64_t offset);
/* Whether a frame, checked or not, may carry signed envelopes: accepts, parts of the log, forwards.
 */
bool peer_has_envelopes(struct bytes frame);
/* Whether an encoded frame carries values, and may wait behind those that carry none. */
bool peer_is_bulk(struct bytes frame);

/*
 * RSM_NEWER_FORMAT (another version or type), RSM_MALFORMED (too short, too long, a count or a
 * field out of bounds). After RSM_OK call peer_frame_deinit; `frame` must outlive *out.
 */
enum rsm_status peer_decode(struct bytes frame, struct peer_frame *out);
/* Frees what was decoded; the bytes of the frame are the caller's. */
void peer_frame_deinit(struct peer_frame *frame);

#endif
