/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv_overlay.c - writes and deletions in memory over another kv.
 *
 * A walk merges two ordered sequences: the overlay's, deletions included, and what is below. Where
 * both have a key the overlay's word counts.
 */
#include <stdlib.h>

#include "src/base/check.h"
#include "src/base/kv.h"
#include "src/base/kv_list.h"
#include "src/base/mem.h"

#define FEW 64u /* entries that are sorted without memory of their own */

struct kv_overlay {
    struct kv kv;
    struct kv *below; /* borrowed */
    struct kv_list list;
};

/* Down through all overlays that lie above one another: the key is hashed once for them. */
static enum rsm_status overlay_get(struct kv *kv, uint8_t table, struct bytes key,
                                   struct bytes *value_out)
{
    uint32_t hash = kv_list_hash(table, key);
    const struct kv_node *node = NULL;
    for (; node == NULL && kv->ops->get == overlay_get; kv = ((struct kv_overlay *)kv)->below)
        node = kv_list_find(&((struct kv_overlay *)kv)->list, hash, table, key);
    if (node == NULL)
        return kv_get(kv, table, key, value_out);
    if (node->deleted)
        return RSM_NOT_FOUND;
    *value_out = kv_node_value(node);
    return RSM_OK;
}

static void set(struct kv *kv, uint8_t table, struct bytes key, struct bytes value, bool deleted)
{
    struct kv_list *list = &((struct kv_overlay *)kv)->list;
    kv_list_set(list, kv_list_hash(table, key), table, key, value, deleted);
}

static enum rsm_status overlay_put(struct kv *kv, uint8_t table, struct bytes key,
                                   struct bytes value)
{
    set(kv, table, key, value, false);
    return RSM_OK;
}

static enum rsm_status overlay_del(struct kv *kv, uint8_t table, struct bytes key)
{
    set(kv, table, key, (struct bytes){NULL, 0}, true);
    return RSM_OK;
}

/*
 * Both directions in one: `sign` is 1 forward and -1 backward. The overlay's candidate and the one
 * below are compared; the nearer one wins; a deletion hides its key below and the walk goes on.
 */
static enum rsm_status merge(struct kv_overlay *o, uint8_t table, struct bytes key, bool beyond,
                             int sign, struct bytes *key_out, struct bytes *value_out)
{
    const struct kv_node *node = sign > 0 ? kv_list_seek(&o->list, table, key, beyond)
                                          : kv_list_seek_back(&o->list, table, key, beyond);
    struct bytes below_key = key;
    struct bytes below_value;
    enum rsm_status below = sign > 0
                                ? kv_next(o->below, table, key, beyond, &below_key, &below_value)
                                : kv_prev(o->below, table, key, beyond, &below_key, &below_value);
    for (;;) {
        if (below != RSM_OK && below != RSM_NOT_FOUND)
            return below;
        if (node == NULL && below == RSM_NOT_FOUND)
            return RSM_NOT_FOUND;
        int order = node == NULL             ? 1
                    : below == RSM_NOT_FOUND ? -1
                                             : sign * bytes_compare(kv_node_key(node), below_key);
        if (order > 0) {
            *key_out = below_key;
            *value_out = below_value;
            return RSM_OK;
        }
        if (!node->deleted) {
            *key_out = kv_node_key(node);
            *value_out = kv_node_value(node);
            return RSM_OK;
        }
        if (order == 0)
            below =
                sign > 0
                    ? kv_next(o->below, table, kv_node_key(node), true, &below_key, &below_value)
                    : kv_prev(o->below, table, kv_node_key(node), true, &below_key, &below_value);
        node = sign > 0 ? node->next[0] : node->previous;
    }
}

static enum rsm_status overlay_next(struct kv *kv, uint8_t table, struct bytes key, bool after,
                                    struct bytes *key_out, struct bytes *value_out)
{
    return merge((struct kv_overlay *)kv, table, key, after, 1, key_out, value_out);
}

static enum rsm_status overlay_prev(struct kv *kv, uint8_t table, struct bytes key, bool before,
                                    struct bytes *key_out, struct bytes *value_out)
{
    return merge((struct kv_overlay *)kv, table, key, before, -1, key_out, value_out);
}

static void overlay_free(struct kv *kv)
{
    kv_list_deinit(&((struct kv_overlay *)kv)->list);
    mem_free(kv);
}

/* As overlay_get, down through all of them. */
static bool overlay_stamp(const struct kv *kv, uint8_t table, struct kv_stamp *stamp)
{
    for (; kv->ops->stamp == overlay_stamp; kv = ((const struct kv_overlay *)kv)->below)
        if (!kv_list_stamp(&((const struct kv_overlay *)kv)->list, table, stamp))
            return false;
    return kv_stamp_below(kv, table, stamp);
}

static const struct kv_ops overlay_ops = {overlay_get,  overlay_put,  overlay_del,  overlay_next,
                                          overlay_prev, overlay_free, overlay_stamp};

static struct kv_overlay *overlay_of(struct kv *kv)
{
    CHECK(kv->ops == &overlay_ops);
    return (struct kv_overlay *)kv;
}

static const struct kv_overlay *overlay_of_const(const struct kv *kv)
{
    CHECK(kv->ops == &overlay_ops);
    return (const struct kv_overlay *)kv;
}

struct kv *kv_overlay_new(struct kv *below)
{
    struct kv_overlay *o = mem_alloc(sizeof *o);
    o->kv.ops = &overlay_ops;
    o->below = below;
    kv_list_init(&o->list);
    return &o->kv;
}

void kv_overlay_set_below(struct kv *overlay, struct kv *below)
{
    overlay_of(overlay)->below = below;
}

void kv_overlay_clear(struct kv *overlay)
{
    kv_list_clear(&overlay_of(overlay)->list);
}

size_t kv_overlay_count(const struct kv *overlay)
{
    return overlay_of_const(overlay)->list.count;
}

size_t kv_overlay_size(const struct kv *overlay)
{
    return overlay_of_const(overlay)->list.size;
}

static struct kv_write write_of(const struct kv_node *node)
{
    return (struct kv_write){.table = node->table,
                             .deleted = node->deleted,
                             .key = kv_node_key(node),
                             .value = kv_node_value(node)};
}

/* ---- all of them ---- */

static int by_key(const void *a, const void *b)
{
    const struct kv_node *const *left = a;
    const struct kv_node *const *right = b;
    return bytes_compare(kv_node_key(*left), kv_node_key(*right));
}

/*
 * One table's entries sorted by key. The skip list is no help: it may lack some, and another thread
 * may be putting them in, for a walk, while this one visits.
 */
static void sort_entries(const struct kv_node **nodes, size_t count)
{
    bool is_sorted = true;
    for (size_t i = 1; i < count && is_sorted; i++)
        is_sorted = by_key(&nodes[i - 1], &nodes[i]) < 0;
    if (!is_sorted)
        qsort(nodes, count, sizeof *nodes, by_key);
}

enum rsm_status kv_overlay_visit(const struct kv *overlay,
                                 enum rsm_status (*visit)(void *context, const struct kv_write *w),
                                 void *context)
{
    const struct kv_list *list = &overlay_of_const(overlay)->list;
    const struct kv_node *few[FEW];
    const struct kv_node **nodes =
        list->count <= FEW ? few : mem_alloc(list->count * sizeof *nodes);
    enum rsm_status status = RSM_OK;
    for (uint32_t t = kv_list_table(list, 0); t < KV_LIST_TABLES && status == RSM_OK;
         t = kv_list_table(list, t + 1)) {
        size_t count = 0;
        for (const struct kv_node *node = list->tables[t]->first; node != NULL; node = node->newer)
            nodes[count++] = node;
        sort_entries(nodes, count);
        for (size_t i = 0; i < count && status == RSM_OK; i++) {
            struct kv_write w = write_of(nodes[i]);
            status = visit(context, &w);
        }
    }
    if (nodes != few)
        mem_free(nodes);
    return status;
}

void kv_overlay_each(const struct kv *overlay,
                     void (*visit)(void *context, const struct kv_write *w), void *context)
{
    const struct kv_list *list = &overlay_of_const(overlay)->list;
    for (uint32_t t = kv_list_table(list, 0); t < KV_LIST_TABLES; t = kv_list_table(list, t + 1))
        for (const struct kv_node *node = list->tables[t]->first; node != NULL;
             node = node->newer) {
            struct kv_write w = write_of(node);
            visit(context, &w);
        }
}

static enum rsm_status write_node(struct kv *target, struct kv_list *from, struct kv_node *node)
{
    if (target->ops == &overlay_ops) {
        kv_list_move(&overlay_of(target)->list, from, node);
        return RSM_OK;
    }
    return node->deleted ? kv_del(target, node->table, kv_node_key(node))
                         : kv_put(target, node->table, kv_node_key(node), kv_node_value(node));
}

enum rsm_status kv_overlay_merge(struct kv *overlay, struct kv *target)
{
    struct kv_list *list = &overlay_of(overlay)->list;
    for (uint32_t t = kv_list_table(list, 0); t < KV_LIST_TABLES; t = kv_list_table(list, t + 1))
        for (struct kv_node *node = list->tables[t]->first; node != NULL; node = node->newer) {
            enum rsm_status status = write_node(target, list, node);
            if (status != RSM_OK)
                return status;
        }
    kv_overlay_clear(overlay);
    return RSM_OK;
}
