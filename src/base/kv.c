/* SPDX-License-Identifier: Apache-2.0 */
/* kv.c - dispatch, and the bounds of keys in one place. */
#include "src/base/kv.h"

#include "src/base/check.h"
#include "src/base/limits.h"

enum rsm_status kv_get(struct kv *kv, uint8_t table, struct bytes key, struct bytes *value_out)
{
    CHECK(key.size >= 1 && key.size <= LIMIT_KEY_SIZE);
    return kv->ops->get(kv, table, key, value_out);
}

enum rsm_status kv_put(struct kv *kv, uint8_t table, struct bytes key, struct bytes value)
{
    CHECK(key.size >= 1 && key.size <= LIMIT_KEY_SIZE);
    CHECK(value.size <= LIMIT_VALUE_SIZE);
    return kv->ops->put(kv, table, key, value);
}

enum rsm_status kv_del(struct kv *kv, uint8_t table, struct bytes key)
{
    CHECK(key.size >= 1 && key.size <= LIMIT_KEY_SIZE);
    return kv->ops->del(kv, table, key);
}

enum rsm_status kv_next(struct kv *kv, uint8_t table, struct bytes key, bool after,
                        struct bytes *key_out, struct bytes *value_out)
{
    CHECK(key.size <= LIMIT_KEY_SIZE);
    return kv->ops->next(kv, table, key, after, key_out, value_out);
}

enum rsm_status kv_prev(struct kv *kv, uint8_t table, struct bytes key, bool before,
                        struct bytes *key_out, struct bytes *value_out)
{
    CHECK(key.size <= LIMIT_KEY_SIZE);
    return kv->ops->prev(kv, table, key, before, key_out, value_out);
}

void kv_free(struct kv *kv)
{
    if (kv != NULL)
        kv->ops->free(kv);
}
