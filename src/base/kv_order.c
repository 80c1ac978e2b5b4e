/* SPDX-License-Identifier: Apache-2.0 */
/* kv_order.c - see kv_order.h. */
#include "src/base/kv_order.h"

#include "src/base/check.h"

void kv_order_init(struct kv_order *order)
{
    *order = (struct kv_order){.height = 1};
}

/*
 * Where a search for the key ends: path[i] is the address of the link on level i that leads to the
 * first node not below the key. Returns the node before it, or NULL.
 */
static struct kv_node *descend(const struct kv_order *order, struct bytes key,
                               struct kv_node **path[KV_LIST_HEIGHT_MAX])
{
    struct kv_node *before = NULL;
    const struct kv_node *reached = NULL; /* not below the key, as a level above has found */
    for (uint32_t level = order->height; level-- > 0;) {
        struct kv_node *const *link = before != NULL ? &before->next[level] : &order->head[level];
        while (*link != NULL && *link != reached && bytes_compare(kv_node_key(*link), key) < 0) {
            before = *link;
            link = &before->next[level];
        }
        reached = *link;
        if (path != NULL)
            path[level] = (struct kv_node **)(uintptr_t)link;
    }
    return before;
}

struct kv_node *kv_order_seek(const struct kv_order *order, struct bytes key,
                              struct kv_node **before_out)
{
    struct kv_node *before = descend(order, key, NULL);
    if (before_out != NULL)
        *before_out = before;
    return before != NULL ? before->next[0] : order->head[0];
}

void kv_order_add(struct kv_order *order, struct kv_node *node)
{
    struct kv_node **path[KV_LIST_HEIGHT_MAX];
    struct kv_node *before = descend(order, kv_node_key(node), path);
    for (; order->height < node->height; order->height++)
        path[order->height] = &order->head[order->height];
    for (uint32_t level = 0; level < node->height; level++) {
        node->next[level] = *path[level];
        *path[level] = node;
    }
    node->previous = before;
    if (node->next[0] != NULL)
        node->next[0]->previous = node;
}

void kv_order_remove(struct kv_order *order, struct kv_node *node)
{
    struct kv_node **path[KV_LIST_HEIGHT_MAX];
    (void)descend(order, kv_node_key(node), path);
    CHECK(*path[0] == node);
    if (node->next[0] != NULL)
        node->next[0]->previous = node->previous;
    for (uint32_t level = 0; level < node->height; level++)
        *path[level] = node->next[level];
}
