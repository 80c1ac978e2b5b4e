/* SPDX-License-Identifier: GPL-3.0-or-later */
/* members.c - configurations in the state, and which of them governs a slot (see members.h). */
#include "src/machine/members.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/body.h"
#include "src/command/genesis.h"
#include "src/machine/tables.h"

static void set_text(char *out, struct bytes text)
{
    CHECK(text.size <= LIMIT_ADDRESS_SIZE);
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

void members_of_genesis(const struct genesis *genesis, struct member_config *out)
{
    *out =
        (struct member_config){.version = 1, .effective_slot = 1, .count = genesis->member_count};
    for (uint32_t i = 0; i < genesis->member_count; i++) {
        const struct genesis_member *from = &genesis->members[i];
        struct member *to = &out->members[i];
        to->id = from->id;
        to->voter = true;
        memcpy(to->key, from->key, sizeof to->key);
        set_text(to->zone, from->zone);
        set_text(to->peer_address, from->peer_address);
        set_text(to->client_address, from->client_address);
    }
}

/* ---- rows ---- */

void members_encode(struct writer *out, const struct member_config *config)
{
    writer_u64(out, config->effective_slot);
    writer_u8(out, (uint8_t)config->count);
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *m = &config->members[i];
        writer_u8(out, (uint8_t)m->id);
        writer_u8(out, m->voter ? 1 : 0);
        writer_u64(out, m->incarnation);
        writer_bytes(out, bytes_make(m->key, sizeof m->key));
        writer_blob(out, bytes_of_string(m->zone));
        writer_blob(out, bytes_of_string(m->peer_address));
        writer_blob(out, bytes_of_string(m->client_address));
    }
}

/* A text that has no 0 inside and is not empty. */
static void take_text(struct reader *r, char *out, size_t size_max)
{
    struct bytes text = reader_blob(r, size_max);
    if (!r->failed && !body_is_word(text))
        r->failed = true;
    if (!r->failed)
        set_text(out, text);
}

static void take_member(struct reader *r, struct member *out, uint32_t id_before)
{
    out->id = reader_u8(r);
    uint8_t voter = reader_u8(r);
    out->voter = voter == 1;
    out->incarnation = reader_u64(r);
    reader_copy(r, out->key, sizeof out->key);
    take_text(r, out->zone, LIMIT_LABEL_SIZE);
    take_text(r, out->peer_address, LIMIT_ADDRESS_SIZE);
    take_text(r, out->client_address, LIMIT_ADDRESS_SIZE);
    if (voter > 1 || out->id <= id_before || out->id > REPLICA_MAX)
        r->failed = true;
}

enum rsm_status members_decode(struct bytes key, struct bytes value, struct member_config *out)
{
    *out = (struct member_config){.version = 0};
    struct reader r = reader_make(value);
    if (key.size != 8)
        return RSM_DAMAGED;
    out->effective_slot = reader_u64(&r);
    uint32_t count = reader_u8(&r);
    if (count == 0 || count > LIMIT_REPLICAS)
        return RSM_DAMAGED;
    for (uint32_t i = 0; i < count && !r.failed; i++)
        take_member(&r, &out->members[i], i > 0 ? out->members[i - 1].id : 0);
    if (!reader_done(&r))
        return RSM_DAMAGED;
    out->version = get_u64(key.data);
    out->count = count;
    return RSM_OK;
}

enum rsm_status members_begin(struct kv *kv, const struct genesis *genesis)
{
    struct member_config config;
    struct writer value;
    uint8_t key[8];
    members_of_genesis(genesis, &config);
    put_u64(key, config.version);
    writer_init(&value, LIMIT_VALUE_SIZE);
    members_encode(&value, &config);
    enum rsm_status status =
        kv_put(kv, TABLE_MEMBER, bytes_make(key, sizeof key), writer_result(&value));
    writer_deinit(&value);
    return status;
}

enum rsm_status members_below(struct kv *kv, uint64_t version, struct member_config *out)
{
    struct bytes found, value;
    uint8_t key[8];
    put_u64(key, version);
    enum rsm_status status =
        kv_prev(kv, TABLE_MEMBER, bytes_make(key, sizeof key), true, &found, &value);
    return status == RSM_OK ? members_decode(found, value, out) : status;
}

/* ---- questions ---- */

enum rsm_status machine_members_version(struct kv *kv, uint64_t *version_out)
{
    struct bytes found, value;
    uint8_t key[8];
    put_u64(key, UINT64_MAX);
    *version_out = 1;
    enum rsm_status status =
        kv_prev(kv, TABLE_MEMBER, bytes_make(key, sizeof key), true, &found, &value);
    if (status == RSM_NOT_FOUND)
        return RSM_OK;
    if (status == RSM_OK && found.size != sizeof key)
        return RSM_DAMAGED;
    if (status == RSM_OK)
        *version_out = get_u64(found.data);
    return status;
}

static enum rsm_status newest(struct kv *kv, const struct genesis *genesis,
                              struct member_config *out)
{
    enum rsm_status status = members_below(kv, UINT64_MAX, out);
    if (status != RSM_NOT_FOUND)
        return status;
    if (genesis == NULL)
        return RSM_DAMAGED;
    members_of_genesis(genesis, out);
    return RSM_OK;
}

enum rsm_status machine_members_at(struct kv *kv, const struct genesis *genesis, uint64_t slot,
                                   struct member_config *out)
{
    CHECK(slot > 0);
    enum rsm_status status = newest(kv, genesis, out);
    while (status == RSM_OK && out->effective_slot > slot)
        status = members_below(kv, out->version, out);
    return status == RSM_NOT_FOUND ? RSM_DAMAGED : status;
}

static enum rsm_status applied_slot(struct kv *kv, uint64_t *slot_out)
{
    struct bytes value;
    *slot_out = 0;
    enum rsm_status status = kv_get(kv, TABLE_META, bytes_of_string(META_APPLIED), &value);
    if (status == RSM_NOT_FOUND)
        return RSM_OK;
    if (status == RSM_OK && value.size != 8)
        return RSM_DAMAGED;
    if (status == RSM_OK)
        *slot_out = get_u64(value.data);
    return status;
}

enum rsm_status machine_members(struct kv *kv, const struct genesis *genesis,
                                struct member_config *current_out, struct member_config *next_out)
{
    uint64_t applied;
    next_out->version = 0;
    next_out->count = 0;
    enum rsm_status status = applied_slot(kv, &applied);
    if (status == RSM_OK)
        status = newest(kv, genesis, current_out);
    if (status != RSM_OK || current_out->effective_slot <= applied + 1)
        return status;
    *next_out = *current_out;
    return machine_members_at(kv, genesis, applied + 1, current_out);
}
