/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counted.c - see counted.h. */
#include "tests/lib/counted.h"

#include "src/base/mem.h"

static struct counted *counted_of(struct kv *kv)
{
    return (struct counted *)kv;
}

static enum rsm_status counted_get(struct kv *kv, uint8_t table, struct bytes key,
                                   struct bytes *value_out)
{
    counted_of(kv)->gets++;
    return kv_get(counted_of(kv)->below, table, key, value_out);
}

static enum rsm_status counted_put(struct kv *kv, uint8_t table, struct bytes key,
                                   struct bytes value)
{
    counted_of(kv)->writes++;
    return kv_put(counted_of(kv)->below, table, key, value);
}

static enum rsm_status counted_del(struct kv *kv, uint8_t table, struct bytes key)
{
    counted_of(kv)->writes++;
    return kv_del(counted_of(kv)->below, table, key);
}

static enum rsm_status counted_next(struct kv *kv, uint8_t table, struct bytes key, bool after,
                                    struct bytes *key_out, struct bytes *value_out)
{
    counted_of(kv)->walks++;
    return kv_next(counted_of(kv)->below, table, key, after, key_out, value_out);
}

static enum rsm_status counted_prev(struct kv *kv, uint8_t table, struct bytes key, bool before,
                                    struct bytes *key_out, struct bytes *value_out)
{
    counted_of(kv)->walks++;
    return kv_prev(counted_of(kv)->below, table, key, before, key_out, value_out);
}

static void counted_free(struct kv *kv)
{
    kv_free(counted_of(kv)->below);
    mem_free(kv);
}

static bool counted_stamp(const struct kv *kv, uint8_t table, struct kv_stamp *stamp)
{
    return kv_stamp_below(((const struct counted *)kv)->below, table, stamp);
}

struct counted *counted_new(struct kv *below)
{
    static const struct kv_ops ops = {counted_get,  counted_put,  counted_del,  counted_next,
                                      counted_prev, counted_free, counted_stamp};
    struct counted *c = mem_alloc(sizeof *c);
    c->kv.ops = &ops;
    c->below = below;
    return c;
}

void counted_free_layer(struct counted *c)
{
    mem_free(c);
}
