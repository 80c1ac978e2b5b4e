/* SPDX-License-Identifier: GPL-3.0-or-later */
/* staged.c - see staged.h. */
#include "src/machine/staged.h"

#include <string.h>

#include "src/base/check.h"
#include "src/machine/verdict.h"

#define REASONS_SIZE_MAX (LIMIT_REASONS_PER_VERDICT * (EVIDENCE_SIZE_MAX + 8u))
#define VOTE_YES 1u
#define VOTE_LATE 2u

static const uint8_t *read_hash(struct reader *r)
{
    return reader_bytes(r, HASH_SIZE).data;
}

static enum rsm_status finish(const struct reader *r)
{
    return reader_done(r) ? RSM_OK : RSM_DAMAGED;
}

void staged_encode(struct writer *out, const struct staged_record *s)
{
    const uint64_t numbers[] = {s->staged_ms, s->deadline_ms,  s->approved_ms,   s->members,
                                s->touched,   s->settled_slot, s->settled_index, s->settled_ms,
                                s->token_ms,  s->voting_ms};
    writer_u8(out, (uint8_t)s->state);
    writer_u8(out, (uint8_t)s->class);
    writer_u8(out, (uint8_t)s->zones_least);
    writer_u8(out, (uint8_t)s->root_needed);
    writer_u64(out, s->slot);
    writer_u32(out, s->index);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        writer_u64(out, numbers[i]);
    writer_bytes(out, bytes_make(s->basis, HASH_SIZE));
    writer_bytes(out, bytes_make(s->key, RSM_PUBLIC_KEY_SIZE));
    writer_u8(out, (uint8_t)s->kind);
    writer_u64(out, s->counter);
    writer_blob(out, s->author);
    writer_blob(out, s->person);
    writer_blob(out, s->overrides);
    writer_blob(out, s->reasons);
}

enum rsm_status staged_decode(struct bytes value, struct staged_record *out)
{
    struct reader r = reader_make(value);
    uint8_t state = reader_u8(&r);
    uint8_t class = reader_u8(&r);
    out->zones_least = reader_u8(&r);
    out->root_needed = reader_u8(&r);
    out->slot = reader_u64(&r);
    out->index = reader_u32(&r);
    uint64_t *const numbers[] = {&out->staged_ms,     &out->deadline_ms, &out->approved_ms,
                                 &out->members,       &out->touched,     &out->settled_slot,
                                 &out->settled_index, &out->settled_ms,  &out->token_ms,
                                 &out->voting_ms};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = reader_u64(&r);
    out->basis = read_hash(&r);
    out->key = reader_bytes(&r, RSM_PUBLIC_KEY_SIZE).data;
    uint8_t kind = reader_u8(&r);
    out->counter = reader_u64(&r);
    out->author = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->person = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->overrides = reader_blob(&r, 4 * LIMIT_OVERRIDES);
    out->reasons = reader_blob(&r, REASONS_SIZE_MAX);
    if (state < CHANGE_REFUSED || state >= CHANGE_STATE_END || class < RSM_CLASS_STANDARD ||
        class > RSM_CLASS_EMERGENCY || kind < RSM_KIND_ZONE_CREATE || out->overrides.size % 4 != 0)
        return RSM_DAMAGED;
    out->state = (enum change_state)state;
    out->class = (enum rsm_class) class;
    out->kind = (enum rsm_kind)kind;
    return finish(&r);
}

void vote_encode(struct writer *out, const struct vote_record *v)
{
    writer_u8(out, (uint8_t)((v->yes ? VOTE_YES : 0) | (v->late ? VOTE_LATE : 0)));
    writer_u64(out, v->slot);
    writer_u64(out, v->ms);
    writer_u64(out, v->checked_slot);
    writer_bytes(out, bytes_make(v->effect, HASH_SIZE));
    writer_blob(out, v->zone);
    writer_blob(out, v->reason);
}

enum rsm_status vote_decode(struct bytes value, struct vote_record *out)
{
    struct reader r = reader_make(value);
    uint8_t flags = reader_u8(&r);
    out->yes = (flags & VOTE_YES) != 0;
    out->late = (flags & VOTE_LATE) != 0;
    out->slot = reader_u64(&r);
    out->ms = reader_u64(&r);
    out->checked_slot = reader_u64(&r);
    out->effect = read_hash(&r);
    out->zone = reader_blob(&r, LIMIT_LABEL_SIZE);
    out->reason = reader_blob(&r, LIMIT_REASON_SIZE);
    return flags > (VOTE_YES | VOTE_LATE) ? RSM_DAMAGED : finish(&r);
}

void approval_encode(struct writer *out, const struct approval_record *a)
{
    writer_u64(out, a->slot);
    writer_u64(out, a->ms);
    writer_bytes(out, bytes_make(a->key, RSM_PUBLIC_KEY_SIZE));
    writer_blob(out, a->factor);
    writer_blob(out, a->principal);
    writer_blob(out, a->reason);
}

enum rsm_status approval_decode(struct bytes value, struct approval_record *out)
{
    struct reader r = reader_make(value);
    out->slot = reader_u64(&r);
    out->ms = reader_u64(&r);
    out->key = reader_bytes(&r, RSM_PUBLIC_KEY_SIZE).data;
    out->factor = reader_blob(&r, LIMIT_LABEL_SIZE);
    out->principal = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    out->reason = reader_blob(&r, LIMIT_REASON_SIZE);
    return finish(&r);
}

/* ---- keys ---- */

void key_pending(struct key *k, uint64_t slot, uint32_t index)
{
    put_u64(k->data, slot);
    put_u16(k->data + 8, (uint16_t)index);
    k->size = 10;
}

static void begin_digest(struct key *k, const uint8_t digest[HASH_SIZE])
{
    memcpy(k->data, digest, HASH_SIZE);
    k->size = HASH_SIZE;
}

void key_vote(struct key *k, const uint8_t digest[HASH_SIZE], uint32_t replica)
{
    begin_digest(k, digest);
    k->data[k->size++] = (uint8_t)replica;
}

void key_approval(struct key *k, const uint8_t digest[HASH_SIZE], struct bytes person)
{
    CHECK(person.size <= LIMIT_PRINCIPAL_SIZE);
    begin_digest(k, digest);
    memcpy(k->data + k->size, person.data, person.size);
    k->size += person.size;
}

/* ---- rows ---- */

enum rsm_status staged_load(struct kv *kv, const uint8_t digest[HASH_SIZE],
                            struct staged_record *out)
{
    struct bytes value;
    enum rsm_status status = kv_get(kv, TABLE_STAGED, bytes_make(digest, HASH_SIZE), &value);
    return status == RSM_OK ? staged_decode(value, out) : status;
}

enum rsm_status vote_load(struct kv *kv, const uint8_t digest[HASH_SIZE], uint32_t replica,
                          struct vote_record *out)
{
    struct key key;
    struct bytes value;
    key_vote(&key, digest, replica);
    enum rsm_status status = kv_get(kv, TABLE_VOTE, key_bytes(&key), &value);
    return status == RSM_OK ? vote_decode(value, out) : status;
}

enum rsm_status approval_next(struct kv *kv, const uint8_t digest[HASH_SIZE], struct key *place,
                              struct bytes *person_out, struct approval_record *out)
{
    struct bytes key, value;
    bool is_first = place->size == 0;
    if (is_first)
        begin_digest(place, digest);
    enum rsm_status status = kv_next(kv, TABLE_APPROVAL, key_bytes(place), !is_first, &key, &value);
    if (status != RSM_OK)
        return status;
    if (!key_begins_with(key, bytes_make(digest, HASH_SIZE)))
        return RSM_NOT_FOUND;
    if (key.size > sizeof place->data)
        return RSM_DAMAGED;
    place->size = key.size;
    memcpy(place->data, key.data, key.size);
    *person_out = bytes_make(place->data + HASH_SIZE, key.size - HASH_SIZE);
    return approval_decode(value, out);
}

enum rsm_status pending_next(struct kv *kv, struct key *place, uint8_t *digest_out)
{
    struct bytes key, value;
    enum rsm_status status =
        kv_next(kv, TABLE_PENDING, key_bytes(place), place->size > 0, &key, &value);
    if (status != RSM_OK)
        return status;
    if (key.size != 10 || value.size != HASH_SIZE)
        return RSM_DAMAGED;
    memcpy(place->data, key.data, key.size);
    place->size = key.size;
    memcpy(digest_out, value.data, HASH_SIZE);
    return RSM_OK;
}

uint64_t pending_count(struct kv *kv)
{
    struct bytes value;
    if (kv_get(kv, TABLE_META, bytes_of_string(META_PENDING), &value) != RSM_OK || value.size != 8)
        return 0;
    return get_u64(value.data);
}

/* ---- names ---- */

static bool begins_with(struct bytes text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

uint32_t replica_of_author(struct bytes author)
{
    size_t size = strlen(REPLICA_AUTHOR);
    if (!begins_with(author, REPLICA_AUTHOR) || author.size != size + 1)
        return 0;
    uint8_t digit = author.data[size];
    return digit >= '1' && digit <= '0' + REPLICA_MAX ? (uint32_t)(digit - '0') : 0;
}

bool is_reserved_author(struct bytes author)
{
    return begins_with(author, REPLICA_AUTHOR) || begins_with(author, EFFECT_AUTHOR) ||
           begins_with(author, PLAN_OWNER);
}

struct bytes author_behind(struct bytes author)
{
    size_t size = strlen(EFFECT_AUTHOR);
    return begins_with(author, EFFECT_AUTHOR) ? bytes_make(author.data + size, author.size - size)
                                              : author;
}
