/* SPDX-License-Identifier: Apache-2.0 */
/* kv_mem.c - an ordered map in memory. */
#include "src/base/kv.h"
#include "src/base/kv_list.h"
#include "src/base/mem.h"

struct kv_mem {
    struct kv kv;
    struct kv_list list;
};

static struct kv_list *list_of(struct kv *kv)
{
    return &((struct kv_mem *)kv)->list;
}

static enum rsm_status mem_get(struct kv *kv, uint8_t table, struct bytes key,
                               struct bytes *value_out)
{
    const struct kv_node *node = kv_list_find(list_of(kv), kv_list_hash(table, key), table, key);
    if (node == NULL)
        return RSM_NOT_FOUND;
    *value_out = kv_node_value(node);
    return RSM_OK;
}

static enum rsm_status mem_put(struct kv *kv, uint8_t table, struct bytes key, struct bytes value)
{
    kv_list_set(list_of(kv), kv_list_hash(table, key), table, key, value, false);
    return RSM_OK;
}

static enum rsm_status mem_del(struct kv *kv, uint8_t table, struct bytes key)
{
    kv_list_remove(list_of(kv), table, key);
    return RSM_OK;
}

static enum rsm_status give(const struct kv_node *node, struct bytes *key_out,
                            struct bytes *value_out)
{
    if (node == NULL)
        return RSM_NOT_FOUND;
    *key_out = kv_node_key(node);
    *value_out = kv_node_value(node);
    return RSM_OK;
}

static enum rsm_status mem_next(struct kv *kv, uint8_t table, struct bytes key, bool after,
                                struct bytes *key_out, struct bytes *value_out)
{
    return give(kv_list_seek(list_of(kv), table, key, after), key_out, value_out);
}

static enum rsm_status mem_prev(struct kv *kv, uint8_t table, struct bytes key, bool before,
                                struct bytes *key_out, struct bytes *value_out)
{
    return give(kv_list_seek_back(list_of(kv), table, key, before), key_out, value_out);
}

static void mem_kv_free(struct kv *kv)
{
    kv_list_deinit(list_of(kv));
    mem_free(kv);
}

static bool mem_stamp(const struct kv *kv, uint8_t table, struct kv_stamp *stamp)
{
    return kv_list_stamp(&((const struct kv_mem *)kv)->list, table, stamp);
}

static const struct kv_ops mem_ops = {mem_get,  mem_put,     mem_del,  mem_next,
                                      mem_prev, mem_kv_free, mem_stamp};

struct kv *kv_mem_new(void)
{
    struct kv_mem *m = mem_alloc(sizeof *m);
    m->kv.ops = &mem_ops;
    kv_list_init(&m->list);
    return &m->kv;
}
