/* SPDX-License-Identifier: GPL-3.0-or-later */
/* effects.c - the one file of the machine that includes libsodium, for its hash alone. */
#include "src/machine/effects.h"

#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/limits.h"

#define HASH_AT_ONCE 4096u /* bytes of what is kept: while they are still in the cache */

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(((struct effects *)0)->state),
               "room for libsodium's state");
_Static_assert(crypto_generichash_BYTES == HASH_SIZE, "BLAKE2b-256");

static crypto_generichash_state *state_of(struct effects *e)
{
    return (crypto_generichash_state *)(void *)e->state;
}

static void add(struct effects *e, const void *data, size_t size)
{
    if (size > 0)
        (void)crypto_generichash_update(state_of(e), data, size);
}

static void begin(struct effects *e, const char *tag)
{
    (void)crypto_generichash_init(state_of(e), NULL, 0, HASH_SIZE);
    add(e, tag, strlen(tag) + 1);
}

void effects_begin(struct effects *e)
{
    begin(e, "rsm effects v1");
    e->hashed = 0;
    if (e->kept != NULL)
        writer_reset(e->kept);
}

/* What is kept and not hashed yet. */
static void hash_kept(struct effects *e)
{
    if (e->kept == NULL)
        return;
    add(e, e->kept->data + e->hashed, e->kept->size - e->hashed);
    e->hashed = e->kept->size;
}

/* Whole, or not at all: then `kept` has failed, and has no more than it had. */
static bool keep(struct effects *e, struct bytes first, struct bytes value)
{
    uint8_t *at = e->kept != NULL ? writer_grow(e->kept, first.size + value.size) : NULL;
    if (at == NULL)
        return false;
    memcpy(at, first.data, first.size);
    if (value.size > 0)
        memcpy(at + first.size, value.data, value.size);
    return true;
}

/* What is hashed of a write and what is kept of it are the same bytes: these are hashed together.
 */
void effects_add(struct effects *e, const struct kv_write *write)
{
    uint8_t head[1 + 1 + 4 + LIMIT_KEY_SIZE + 4];
    CHECK(write->key.size <= LIMIT_KEY_SIZE);
    head[0] = write->table;
    head[1] = write->deleted ? 1 : 0;
    put_u32(head + 2, (uint32_t)write->key.size);
    memcpy(head + 6, write->key.data, write->key.size);
    put_u32(head + 6 + write->key.size, (uint32_t)write->value.size);
    struct bytes first = bytes_make(head, 6 + write->key.size + 4);
    if (keep(e, first, write->value)) {
        if (e->kept->size - e->hashed >= HASH_AT_ONCE)
            hash_kept(e);
        return;
    }
    hash_kept(e);
    add(e, first.data, first.size);
    add(e, write->value.data, write->value.size);
}

enum rsm_status effects_replay(struct bytes kept, struct kv *kv)
{
    struct reader r = reader_make(kept);
    enum rsm_status status = RSM_OK;
    while (status == RSM_OK && reader_left(&r) > 0) {
        uint8_t table = reader_u8(&r);
        bool deleted = reader_u8(&r) != 0;
        struct bytes key = reader_blob(&r, LIMIT_KEY_SIZE);
        struct bytes value = reader_blob(&r, LIMIT_VALUE_SIZE);
        if (r.failed)
            return RSM_DAMAGED;
        status = deleted ? kv_del(kv, table, key) : kv_put(kv, table, key, value);
    }
    return status;
}

static enum rsm_status visit(void *context, const struct kv_write *write)
{
    effects_add(context, write);
    return RSM_OK;
}

enum rsm_status effects_add_overlay(struct effects *e, const struct kv *overlay)
{
    return kv_overlay_visit(overlay, visit, e);
}

void effects_end(struct effects *e, uint8_t hash_out[HASH_SIZE])
{
    hash_kept(e);
    (void)crypto_generichash_final(state_of(e), hash_out, HASH_SIZE);
}

void effects_hash_parts(const char *tag, struct bytes first, struct bytes second,
                        uint8_t hash_out[HASH_SIZE])
{
    struct effects e = {.kept = NULL};
    begin(&e, tag);
    add(&e, first.data, first.size);
    add(&e, second.data, second.size);
    effects_end(&e, hash_out);
}
