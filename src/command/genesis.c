/* SPDX-License-Identifier: Apache-2.0 */
/* genesis.c - encode and parse the genesis, side by side. */
#include "src/command/genesis.h"

#include <string.h>

#include <sodium.h>

#include "src/command/body.h"
#include "src/command/canonical.h"
#include "src/command/envelope.h"
#include "src/command/pack.h"
#include "src/command/unpack.h"

static const char HEAD_TAG[] = "rsm genesis v1"; /* hashed without its end mark */

enum rsm_status genesis_encode(const struct genesis *g, struct writer *out)
{
    if (g->member_count > LIMIT_REPLICAS)
        return RSM_MALFORMED;
    pack_array(out, 6);
    pack_uint(out, 1);
    pack_str(out, g->name);
    pack_bin(out, bytes_make(g->salt, GENESIS_SALT_SIZE));
    pack_array(out, g->member_count);
    for (uint32_t i = 0; i < g->member_count; i++) {
        const struct genesis_member *m = &g->members[i];
        pack_array(out, 5);
        pack_uint(out, m->id);
        pack_str(out, m->zone);
        pack_bin(out, bytes_make(m->key, GENESIS_KEY_SIZE));
        pack_str(out, m->peer_address);
        pack_str(out, m->client_address);
    }
    pack_array(out, 3);
    pack_str(out, g->admin_principal);
    pack_str(out, g->admin_person);
    pack_bin(out, bytes_make(g->admin_key, GENESIS_KEY_SIZE));
    pack_uint(out, g->created_ms);

    struct genesis parsed;
    if (out->failed || genesis_parse(writer_result(out), &parsed) != RSM_OK)
        return RSM_MALFORMED;
    return RSM_OK;
}

static struct bytes take_word(struct unpack *u, size_t size_max)
{
    struct bytes word = unpack_str(u, size_max);
    if (unpack_ok(u) && !body_is_word(word))
        unpack_fail(u, RSM_MALFORMED);
    return word;
}

static struct bytes take_address(struct unpack *u, bool may_be_unix)
{
    struct bytes address = take_word(u, GENESIS_ADDRESS_SIZE);
    if (unpack_ok(u) && !body_is_address(address, may_be_unix))
        unpack_fail(u, RSM_MALFORMED);
    return address;
}

static void take_member(struct unpack *u, struct genesis_member *out)
{
    unpack_array_exactly(u, 5);
    out->id = (uint32_t)unpack_uint_max(u, UINT32_MAX);
    if (unpack_ok(u) && (out->id == 0 || out->id > REPLICA_MAX))
        unpack_fail(u, RSM_MALFORMED);
    out->zone = take_word(u, LIMIT_LABEL_SIZE);
    out->key = unpack_bin_exactly(u, GENESIS_KEY_SIZE);
    out->peer_address = take_address(u, false);
    out->client_address = take_address(u, true);
}

/* Members are sorted; keys and peer addresses are everyone's own. */
static bool members_are_distinct(const struct genesis *g)
{
    for (uint32_t i = 0; i < g->member_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (g->members[k].id >= g->members[i].id ||
                memcmp(g->members[k].key, g->members[i].key, GENESIS_KEY_SIZE) == 0 ||
                bytes_equal(g->members[k].peer_address, g->members[i].peer_address))
                return false;
    return true;
}

static void take_members(struct unpack *u, struct genesis *out)
{
    uint32_t count = unpack_array(u);
    if (unpack_ok(u) && count == 0)
        unpack_fail(u, RSM_MALFORMED);
    if (unpack_ok(u) && count > LIMIT_REPLICAS)
        unpack_fail(u, RSM_TOO_MANY);
    for (uint32_t i = 0; i < count && unpack_ok(u); i++)
        take_member(u, &out->members[i]);
    out->member_count = unpack_ok(u) ? count : 0;
    if (!members_are_distinct(out))
        unpack_fail(u, RSM_MALFORMED);
}

static void compute_hashes(struct bytes data, struct genesis *out)
{
    crypto_generichash_state state;
    (void)crypto_generichash(out->cluster_id, CLUSTER_ID_SIZE, data.data, data.size, NULL, 0);
    (void)crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
    (void)crypto_generichash_update(&state, (const uint8_t *)HEAD_TAG, sizeof HEAD_TAG - 1);
    (void)crypto_generichash_update(&state, data.data, data.size);
    (void)crypto_generichash_final(&state, out->head, HASH_SIZE);
}

enum rsm_status genesis_parse(struct bytes data, struct genesis *out)
{
    *out = (struct genesis){.member_count = 0};
    enum rsm_status status = scan_whole(SCAN_CANONICAL, data, GENESIS_SIZE_MAX);
    if (status != RSM_OK)
        return status;
    struct unpack u = unpack_make(data);
    unpack_format(&u, 1, 6);
    if (!unpack_ok(&u))
        return u.status;
    out->name = take_word(&u, LIMIT_LABEL_SIZE);
    out->salt = unpack_bin_exactly(&u, GENESIS_SALT_SIZE);
    take_members(&u, out);
    unpack_array_exactly(&u, 3);
    out->admin_principal = take_word(&u, LIMIT_PRINCIPAL_SIZE);
    out->admin_person = take_word(&u, LIMIT_PRINCIPAL_SIZE);
    out->admin_key = unpack_bin_exactly(&u, GENESIS_KEY_SIZE);
    out->created_ms = unpack_uint_max(&u, ENVELOPE_COUNTER_MAX);
    if (!unpack_done(&u))
        return unpack_ok(&u) ? RSM_WRONG_TYPE : u.status;
    compute_hashes(data, out);
    return RSM_OK;
}

const struct genesis_member *genesis_member(const struct genesis *g, uint32_t id)
{
    for (uint32_t i = 0; i < g->member_count; i++)
        if (g->members[i].id == id)
            return &g->members[i];
    return NULL;
}
