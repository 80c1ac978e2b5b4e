/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer_codec.c - encoder and decoder side by side; see peer_codec.h. */
#include "src/net/peer_codec.h"

#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"

#define ENTRY_SIZE_MIN 25u /* slot, ballot, fresh, size of the value */

static void begin(struct writer *w, enum peer_frame_type type)
{
    writer_init(w, LIMIT_PEER_FRAME_SIZE);
    writer_u8(w, PEER_VERSION);
    writer_u8(w, (uint8_t)type);
}

/* What we encode fits by construction: batches are bounded where they are cut. */
static struct blob *end(struct writer *w)
{
    CHECK(!w->failed);
    struct blob *frame = blob_new(writer_result(w));
    writer_deinit(w);
    return frame;
}

static void put_ballot(struct writer *w, struct ballot ballot)
{
    writer_u64(w, ballot.round);
    writer_u32(w, ballot.replica);
}

static struct ballot get_ballot(struct reader *r)
{
    uint64_t round = reader_u64(r);
    return (struct ballot){round, reader_u32(r)};
}

static void put_stamp(struct writer *w, const struct peer_stamp *stamp)
{
    writer_u64(w, stamp->seq);
    writer_u64(w, stamp->seen_incarnation);
    writer_u64(w, stamp->seen_seq);
}

static struct peer_stamp get_stamp(struct reader *r)
{
    struct peer_stamp stamp;
    stamp.seq = reader_u64(r);
    stamp.seen_incarnation = reader_u64(r);
    stamp.seen_seq = reader_u64(r);
    return stamp;
}

struct blob *peer_encode_message(const struct paxos_message *m, const struct peer_stamp *stamp)
{
    struct writer w;
    begin(&w, PEER_MESSAGE);
    put_stamp(&w, stamp);
    writer_u8(&w, (uint8_t)m->type);
    writer_u8(&w, m->granted);
    put_ballot(&w, m->ballot);
    put_ballot(&w, m->promised);
    writer_u64(&w, m->chosen_end);
    writer_u64(&w, m->slot_first);
    writer_u64(&w, m->slot_end);
    writer_u64(&w, m->slot);
    writer_u64(&w, m->round);
    writer_u32(&w, (uint32_t)m->entry_count);
    for (size_t i = 0; i < m->entry_count; i++) {
        const struct paxos_entry *e = &m->entries[i];
        writer_u64(&w, e->slot);
        put_ballot(&w, e->ballot);
        writer_u8(&w, e->fresh);
        writer_blob(&w, blob_bytes(e->value));
    }
    return end(&w);
}

/* A flag is 0 or 1: one encoding for one frame. */
static bool get_flag(struct reader *r)
{
    uint8_t value = reader_u8(r);
    if (value > 1)
        r->failed = true;
    return value == 1;
}

static void decode_entries(struct reader *r, struct peer_frame *out)
{
    uint32_t count = reader_u32(r);
    if (count > LIMIT_BATCH_ENTRIES || count > reader_left(r) / ENTRY_SIZE_MIN)
        r->failed = true;
    if (r->failed || count == 0)
        return;
    out->entries = mem_alloc(count * sizeof *out->entries);
    out->message.entries = out->entries;
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        struct paxos_entry *e = &out->entries[i];
        e->slot = reader_u64(r);
        e->ballot = get_ballot(r);
        e->fresh = get_flag(r);
        struct bytes value = reader_blob(r, LIMIT_VALUE_SIZE);
        if (value.size > 0)
            e->value = blob_new(value);
        out->message.entry_count = i + 1;
    }
}

static void decode_message(struct reader *r, struct peer_frame *out)
{
    struct paxos_message *m = &out->message;
    out->stamp = get_stamp(r);
    uint8_t type = reader_u8(r);
    if (type < PAXOS_PREVOTE || type >= PAXOS_MESSAGE_TYPE_END) {
        r->failed = true;
        return;
    }
    m->type = (enum paxos_message_type)type;
    m->granted = get_flag(r);
    m->ballot = get_ballot(r);
    m->promised = get_ballot(r);
    m->chosen_end = reader_u64(r);
    m->slot_first = reader_u64(r);
    m->slot_end = reader_u64(r);
    m->slot = reader_u64(r);
    m->round = reader_u64(r);
    decode_entries(r, out);
    if (!r->failed && !paxos_message_check(m))
        r->failed = true;
}

struct blob *peer_encode_forward(struct bytes envelope)
{
    struct writer w;
    begin(&w, PEER_FORWARD);
    writer_blob(&w, envelope);
    return end(&w);
}

struct blob *peer_encode_forward_failed(const uint8_t digest[HASH_SIZE], enum rsm_status status,
                                        const char *text)
{
    struct writer w;
    struct bytes words = bytes_of_string(text);
    if (words.size > PEER_TEXT_MAX)
        words.size = PEER_TEXT_MAX;
    begin(&w, PEER_FORWARD_FAILED);
    writer_bytes(&w, bytes_make(digest, HASH_SIZE));
    writer_blob(&w, bytes_of_string(rsm_status_text(status)));
    writer_blob(&w, words);
    return end(&w);
}

/* A fixed piece of the frame; NULL when it is not there. */
static const uint8_t *get_hash(struct reader *r)
{
    return reader_bytes(r, HASH_SIZE).data;
}

static void decode_forward_failed(struct reader *r, struct peer_frame *out)
{
    char name[32] = {0};
    out->digest = get_hash(r);
    struct bytes status = reader_blob(r, sizeof name - 1);
    if (status.size > 0)
        memcpy(name, status.data, status.size);
    out->status = rsm_status_parse(name);
    out->text = reader_blob(r, PEER_TEXT_MAX);
    if (out->status == RSM_OK)
        r->failed = true;
}

struct blob *peer_encode_heads(uint64_t slot, const uint8_t entry_head[HASH_SIZE],
                               const uint8_t verdict_head[HASH_SIZE], uint64_t wall_ms,
                               const struct peer_stamp *stamp)
{
    struct writer w;
    begin(&w, PEER_HEADS);
    put_stamp(&w, stamp);
    writer_u64(&w, slot);
    writer_bytes(&w, bytes_make(entry_head, HASH_SIZE));
    writer_bytes(&w, bytes_make(verdict_head, HASH_SIZE));
    writer_u64(&w, wall_ms);
    return end(&w);
}

struct blob *peer_encode_snapshot_offer(uint64_t slot)
{
    struct writer w;
    begin(&w, PEER_SNAPSHOT_OFFER);
    writer_u64(&w, slot);
    return end(&w);
}

struct blob *peer_encode_snapshot_chunk(uint64_t slot, uint64_t offset, struct bytes chunk)
{
    struct writer w;
    begin(&w, PEER_SNAPSHOT_CHUNK);
    writer_u64(&w, slot);
    writer_u64(&w, offset);
    writer_blob(&w, chunk);
    return end(&w);
}

struct blob *peer_encode_snapshot_want(uint64_t slot, uint64_t offset)
{
    struct writer w;
    begin(&w, PEER_SNAPSHOT_WANT);
    writer_u64(&w, slot);
    writer_u64(&w, offset);
    return end(&w);
}

/* False for a type that this version does not know. */
static bool decode_body(struct reader *r, uint8_t type, struct peer_frame *out)
{
    switch (type) {
    case PEER_MESSAGE:
        decode_message(r, out);
        return true;
    case PEER_FORWARD:
        out->envelope = reader_blob(r, LIMIT_ENVELOPE_SIZE);
        return true;
    case PEER_FORWARD_FAILED:
        decode_forward_failed(r, out);
        return true;
    case PEER_HEADS:
        out->stamp = get_stamp(r);
        out->slot = reader_u64(r);
        out->entry_head = get_hash(r);
        out->verdict_head = get_hash(r);
        out->wall_ms = reader_u64(r);
        return true;
    case PEER_SNAPSHOT_OFFER:
        out->slot = reader_u64(r);
        return true;
    case PEER_SNAPSHOT_CHUNK:
        out->slot = reader_u64(r);
        out->offset = reader_u64(r);
        out->chunk = reader_blob(r, PEER_CHUNK_MAX);
        return true;
    case PEER_SNAPSHOT_WANT:
        out->slot = reader_u64(r);
        out->offset = reader_u64(r);
        return true;
    }
    return false;
}

enum rsm_status peer_decode(struct bytes frame, struct peer_frame *out)
{
    *out = (struct peer_frame){0};
    struct reader r = reader_make(frame);
    uint8_t version = reader_u8(&r);
    uint8_t type = reader_u8(&r);
    if (r.failed)
        return RSM_MALFORMED;
    if (version != PEER_VERSION || !decode_body(&r, type, out))
        return RSM_NEWER_FORMAT;
    out->type = (enum peer_frame_type)type;
    if (reader_done(&r) && out->slot <= SLOT_MAX)
        return RSM_OK;
    peer_frame_deinit(out);
    return RSM_MALFORMED;
}

bool peer_has_envelopes(struct bytes frame)
{
    struct reader r = reader_make(frame);
    reader_u8(&r);
    uint8_t type = reader_u8(&r);
    if (type != PEER_MESSAGE)
        return type == PEER_FORWARD;
    get_stamp(&r);
    uint8_t message = reader_u8(&r);
    return message == PAXOS_ACCEPT || message == PAXOS_LEARN;
}

bool peer_is_bulk(struct bytes frame)
{
    return (frame.size > 1 && frame.data[1] == PEER_SNAPSHOT_CHUNK) || peer_has_envelopes(frame);
}

void peer_frame_deinit(struct peer_frame *frame)
{
    for (size_t i = 0; i < frame->message.entry_count && frame->entries != NULL; i++)
        blob_unref(frame->entries[i].value);
    mem_free(frame->entries);
    *frame = (struct peer_frame){0};
}
