/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain.c - the hash chains of chain.h. */
#include "storage/chain.h"

#include <sodium.h>
#include <string.h>

_Static_assert(HASH_SIZE == crypto_generichash_BYTES, "BLAKE2b-256");

/* Tags that are followed by fields of their own have their end mark hashed as well. */
static const char tag_genesis[] = "rsm genesis v1";
static const char tag_verdict_genesis[] = "rsm verdict genesis v1";
static const char tag_entry[] = "rsm entry v1";
static const char tag_verdict[] = "rsm verdict v1";

/* A head that was not computed is none: each step of a hash says whether it was done. */
static void begin(crypto_generichash_state *state)
{
    CHECK(crypto_generichash_init(state, NULL, 0, HASH_SIZE) == 0);
}

static void add(crypto_generichash_state *state, const void *data, size_t size)
{
    CHECK(data != NULL || size == 0);
    CHECK(crypto_generichash_update(state, data, size) == 0);
}

static void end(crypto_generichash_state *state, uint8_t out[HASH_SIZE])
{
    CHECK(crypto_generichash_final(state, out, HASH_SIZE) == 0);
}

static void add_u64(crypto_generichash_state *state, uint64_t value)
{
    uint8_t bytes[8];

    put_u64(bytes, value);
    add(state, bytes, sizeof(bytes));
}

static void hash_genesis(const char *tag, struct bytes genesis, uint8_t out[HASH_SIZE])
{
    crypto_generichash_state state;

    CHECK(genesis.size > 0); /* or the tag without an end mark would not end */
    CHECK(genesis.data != NULL);
    begin(&state);
    add(&state, tag, strlen(tag));
    add(&state, genesis.data, genesis.size);
    end(&state, out);
}

void chain_begin(struct bytes genesis, struct chain_heads *heads_out)
{
    hash_genesis(tag_genesis, genesis, heads_out->entry);
    hash_genesis(tag_verdict_genesis, genesis, heads_out->verdict);
    CHECK(memcmp(heads_out->entry, heads_out->verdict, HASH_SIZE) != 0); /* two chains, two tags */
}

void chain_cluster_id(struct bytes genesis, uint8_t id_out[CLUSTER_ID_SIZE])
{
    CHECK(genesis.size > 0);
    CHECK(crypto_generichash(id_out, CLUSTER_ID_SIZE, genesis.data, genesis.size, NULL, 0) == 0);
}

void chain_add_entry(struct chain_heads *heads, uint64_t slot, uint64_t timestamp_ms,
                     struct bytes entry)
{
    crypto_generichash_state state;
    struct chain_heads before = *heads;

    CHECK(entry.data != NULL || entry.size == 0);
    begin(&state);
    add(&state, tag_entry, sizeof(tag_entry));
    add(&state, heads->entry, HASH_SIZE);
    CHECK(slot >= 1 && slot <= SLOT_MAX);
    add_u64(&state, slot);
    add_u64(&state, timestamp_ms);
    add(&state, entry.data, entry.size);
    end(&state, heads->entry);
    CHECK(memcmp(heads->entry, before.entry, HASH_SIZE) != 0);
    CHECK(memcmp(heads->verdict, before.verdict, HASH_SIZE) == 0); /* the other chain's */
}

void chain_add_verdict(struct chain_heads *heads, uint64_t slot, struct bytes verdicts,
                       const uint8_t effects[HASH_SIZE])
{
    crypto_generichash_state state;
    struct chain_heads before = *heads;

    CHECK(verdicts.data != NULL || verdicts.size == 0);
    begin(&state);
    add(&state, tag_verdict, sizeof(tag_verdict));
    add(&state, heads->verdict, HASH_SIZE);
    CHECK(slot >= 1 && slot <= SLOT_MAX);
    add_u64(&state, slot);
    add_u64(&state, verdicts.size);
    add(&state, verdicts.data, verdicts.size);
    add(&state, effects, HASH_SIZE);
    end(&state, heads->verdict);
    CHECK(memcmp(heads->verdict, before.verdict, HASH_SIZE) != 0);
    CHECK(memcmp(heads->entry, before.entry, HASH_SIZE) == 0);
}
