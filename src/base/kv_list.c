/* SPDX-License-Identifier: Apache-2.0 */
/* kv_list.c - see kv_list.h. */
#include "src/base/kv_list.h"

#include <string.h>

#include "src/base/mem.h"

void kv_list_init(struct kv_list *list)
{
    *list = (struct kv_list){.height = 1};
    prng_init(&list->prng, 1);
}

struct bytes kv_node_key(const struct kv_node *node)
{
    return bytes_make(&node->next[node->height], node->key_size);
}

struct bytes kv_node_value(const struct kv_node *node)
{
    return bytes_make(node->value, node->value_size);
}

static uint8_t *first_place(struct kv_node *node)
{
    return (uint8_t *)&node->next[node->height] + node->key_size;
}

static void free_node(struct kv_node *node)
{
    if (node->value != first_place(node))
        mem_free(node->value);
    mem_free(node);
}

void kv_list_clear(struct kv_list *list)
{
    struct kv_node *node = list->head[0];
    while (node != NULL) {
        struct kv_node *next = node->next[0];
        free_node(node);
        node = next;
    }
    memset(list->head, 0, sizeof list->head);
    list->last = NULL;
    list->height = 1;
    list->count = 0;
    list->size = 0;
}

static int compare(const struct kv_node *node, uint8_t table, struct bytes key)
{
    if (node->table != table)
        return node->table < table ? -1 : 1;
    return bytes_compare(kv_node_key(node), key);
}

/*
 * Where a search for the key ends: path[i] is the address of the link on level i that leads to the
 * first node not below the key. Returns the node before it, or NULL.
 */
static struct kv_node *descend(const struct kv_list *list, uint8_t table, struct bytes key,
                               struct kv_node **path[KV_LIST_HEIGHT_MAX])
{
    struct kv_node *before = NULL;
    for (uint32_t level = list->height; level-- > 0;) {
        struct kv_node *const *link = before != NULL ? &before->next[level] : &list->head[level];
        while (*link != NULL && compare(*link, table, key) < 0) {
            before = *link;
            link = &before->next[level];
        }
        if (path != NULL)
            path[level] = (struct kv_node **)(uintptr_t)link;
    }
    return before;
}

struct kv_node *kv_list_seek(const struct kv_list *list, uint8_t table, struct bytes key,
                             bool after)
{
    struct kv_node *before = descend(list, table, key, NULL);
    struct kv_node *node = before != NULL ? before->next[0] : list->head[0];
    if (after && node != NULL && compare(node, table, key) == 0)
        node = node->next[0];
    return node;
}

struct kv_node *kv_list_seek_back(const struct kv_list *list, uint8_t table, struct bytes key,
                                  bool before)
{
    struct kv_node *node = descend(list, table, key, NULL);
    struct kv_node *at = node != NULL ? node->next[0] : list->head[0];
    if (!before && at != NULL && compare(at, table, key) == 0)
        return at;
    return node;
}

struct kv_node *kv_list_find(const struct kv_list *list, uint8_t table, struct bytes key)
{
    struct kv_node *node = kv_list_seek(list, table, key, false);
    return node != NULL && compare(node, table, key) == 0 ? node : NULL;
}

static uint8_t draw_height(struct kv_list *list)
{
    uint64_t bits = prng_next(&list->prng);
    uint8_t height = 1;
    while (height < KV_LIST_HEIGHT_MAX && (bits & 3) == 0) {
        height++;
        bits >>= 2;
    }
    return height;
}

static void set_value(struct kv_list *list, struct kv_node *node, struct bytes value, bool deleted)
{
    if (deleted)
        value.size = 0;
    if (value.size > node->value_capacity) {
        /* The new value may borrow from the old one: copy first, free afterwards. */
        uint8_t *copy = mem_copy(value.data, value.size);
        list->size += value.size - node->value_capacity;
        if (node->value != first_place(node))
            mem_free(node->value);
        node->value = copy;
        node->value_capacity = (uint32_t)value.size;
    } else if (value.size > 0) {
        memmove(node->value, value.data, value.size);
    }
    node->value_size = (uint32_t)value.size;
    node->deleted = deleted;
}

/* One allocation for an entry whose value does not grow, which is what most of them are. */
static struct kv_node *make_node(struct kv_list *list, uint8_t table, struct bytes key,
                                 size_t value_size)
{
    uint8_t height = draw_height(list);
    size_t size =
        sizeof(struct kv_node) + height * sizeof(struct kv_node *) + key.size + value_size;
    struct kv_node *node = mem_alloc(size);
    node->table = table;
    node->height = height;
    node->key_size = (uint16_t)key.size;
    node->value_capacity = (uint32_t)value_size;
    memcpy(&node->next[height], key.data, key.size);
    node->value = first_place(node);
    list->size += size;
    list->count++;
    return node;
}

void kv_list_set(struct kv_list *list, uint8_t table, struct bytes key, struct bytes value,
                 bool deleted)
{
    struct kv_node **path[KV_LIST_HEIGHT_MAX];
    struct kv_node *before = descend(list, table, key, path);
    struct kv_node *at = *path[0];
    if (at != NULL && compare(at, table, key) == 0) {
        set_value(list, at, value, deleted);
        return;
    }
    struct kv_node *node = make_node(list, table, key, deleted ? 0 : value.size);
    for (; list->height < node->height; list->height++)
        path[list->height] = &list->head[list->height];
    for (uint32_t level = 0; level < node->height; level++) {
        node->next[level] = *path[level];
        *path[level] = node;
    }
    node->previous = before;
    if (node->next[0] != NULL)
        node->next[0]->previous = node;
    else
        list->last = node;
    set_value(list, node, value, deleted);
}

void kv_list_remove(struct kv_list *list, uint8_t table, struct bytes key)
{
    struct kv_node **path[KV_LIST_HEIGHT_MAX];
    descend(list, table, key, path);
    struct kv_node *node = *path[0];
    if (node == NULL || compare(node, table, key) != 0)
        return;
    if (node->next[0] != NULL)
        node->next[0]->previous = node->previous;
    else
        list->last = node->previous;
    for (uint32_t level = 0; level < node->height; level++)
        *path[level] = node->next[level];
    list->count--;
    list->size -= sizeof(struct kv_node) + node->height * sizeof(struct kv_node *) +
                  node->key_size + node->value_capacity;
    free_node(node);
}
