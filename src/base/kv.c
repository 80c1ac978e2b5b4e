/* SPDX-License-Identifier: Apache-2.0 */
/* kv.c - dispatch, and the bounds of keys in one place. */
#include "src/base/kv.h"

#include <stdatomic.h>

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

/* ---- stamps ---- */

uint64_t kv_source_new(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

bool kv_stamp_add(struct kv_stamp *stamp, uint64_t source, uint64_t at)
{
    if (stamp->count == KV_STAMP_MARKS)
        return false;
    stamp->marks[stamp->count++] = (struct kv_mark){.source = source, .at = at};
    return true;
}

bool kv_stamp_below(const struct kv *below, uint8_t table, struct kv_stamp *stamp)
{
    return below->ops->stamp != NULL && below->ops->stamp(below, table, stamp);
}

bool kv_stamp_of(const struct kv *kv, uint8_t table, struct kv_stamp *out)
{
    out->count = 0;
    return kv_stamp_below(kv, table, out);
}

bool kv_stamp_is(const struct kv_stamp *a, const struct kv_stamp *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->marks[i].source != b->marks[i].source || a->marks[i].at != b->marks[i].at)
            return false;
    return true;
}
