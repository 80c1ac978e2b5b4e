/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv_order.h - one table's entries in the order of their keys: a skip list (Pugh 1990). Heights are
 * drawn when an entry is made, from a generator with a fixed seed, so that the same operations give
 * the same list.
 */
#ifndef RSM_BASE_KV_ORDER_H
#define RSM_BASE_KV_ORDER_H

#include "src/base/kv_list.h"

struct kv_order {
    struct kv_node *head[KV_LIST_HEIGHT_MAX];
    uint32_t height;
};

/* No entries. It owns none: they are the list's. */
void kv_order_init(struct kv_order *order);
/* An entry with a key that the list has not got. */
void kv_order_add(struct kv_order *order, struct kv_node *node);
/* An entry that is in the list. */
void kv_order_remove(struct kv_order *order, struct kv_node *node);
/* The first at or behind the key, and in *before_out (may be NULL) the last in front of it. */
struct kv_node *kv_order_seek(const struct kv_order *order, struct bytes key,
                              struct kv_node **before_out);

#endif
