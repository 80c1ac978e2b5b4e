/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind_record.c - chunks of a recorded terminal (recording.h): one after the other, by one author.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/command/body_step.h"
#include "src/machine/recording.h"

void recording_encode(struct writer *out, const struct recording_record *r)
{
    writer_blob(out, r->author);
    writer_u64(out, r->opened_slot);
    writer_u64(out, r->last_slot);
    writer_u64(out, r->chunks);
    writer_bytes(out, bytes_make(r->chain, HASH_SIZE));
    writer_u8(out, (uint8_t)r->state);
}

enum rsm_status recording_decode(struct bytes value, struct recording_record *out)
{
    struct reader r = reader_make(value);
    out->author = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->opened_slot = reader_u64(&r);
    out->last_slot = reader_u64(&r);
    out->chunks = reader_u64(&r);
    reader_copy(&r, out->chain, HASH_SIZE);
    uint8_t state = reader_u8(&r);
    out->state = (enum recording_state)state;
    return reader_done(&r) && state >= RECORDING_OPEN && state < RECORDING_STATE_END ? RSM_OK
                                                                                     : RSM_DAMAGED;
}

enum rsm_status recording_load(struct kv *kv, struct bytes session, struct recording_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_RECORDING, session, &value);
    return status == RSM_OK ? recording_decode(value, out) : status;
}

enum rsm_status recording_next(struct kv *kv, struct key *place, struct recording_record *out)
{
    struct bytes key, value;
    enum rsm_status status =
        kv_next(kv, TABLE_RECORDING, key_bytes(place), place->size > 0, &key, &value);
    if (status != RSM_OK)
        return status;
    if (key.size != RECORDING_SESSION_SIZE)
        return RSM_DAMAGED;
    place->size = key.size;
    memcpy(place->data, key.data, key.size);
    return recording_decode(value, out);
}

void recording_link(uint8_t chain[HASH_SIZE], const uint8_t hash[HASH_SIZE])
{
    uint8_t both[2 * HASH_SIZE];
    memcpy(both, chain, HASH_SIZE);
    memcpy(both + HASH_SIZE, hash, HASH_SIZE);
    (void)crypto_hash_sha256(chain, both, sizeof both);
}

const char *recording_state_text(enum recording_state state)
{
    return state == RECORDING_ENDED ? "ended" : state == RECORDING_FAILED ? "failed" : "open";
}

#define refuse(j, ...) judge_refuse(j, RSM_RULE_RECORDING, __VA_ARGS__)

static void check(struct judge *j, const struct body_chunk *body, const struct recording_record *r)
{
    if (!bytes_equal(r->author, j->command->author))
        refuse(j, "this recording is by %.*s", TEXT_ARGUMENTS(r->author));
    if (r->state != RECORDING_OPEN)
        refuse(j, "this recording %s", recording_state_text(r->state));
    if (body->index != r->chunks)
        refuse(j, "the next chunk is %" PRIu64 ", not %" PRIu64, r->chunks, body->index);
}

void kind_override_record(struct judge *j)
{
    struct body_chunk body;
    struct recording_record r = {
        .author = j->command->author, .opened_slot = j->slot, .state = RECORDING_OPEN};
    enum rsm_status status = body_chunk_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    rule_rights_general(j);
    struct bytes session = bytes_make(body.session, RECORDING_SESSION_SIZE);
    (void)judge_found(j, recording_load(j->kv, session, &r));
    check(j, &body, &r);
    if (!MUTANT(RECORDING_UNCHAINED))
        recording_link(r.chain, body.hash);
    r.chunks = body.index + 1;
    r.last_slot = j->slot;
    r.state = (enum recording_state)body.state;
    struct writer w;
    writer_init(&w, LIMIT_VALUE_SIZE);
    recording_encode(&w, &r);
    judge_put_writer(j, TABLE_RECORDING, session, &w);
    writer_deinit(&w);
}
