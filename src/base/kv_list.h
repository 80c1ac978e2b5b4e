/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv_list.h - a skip list of (table, key) -> value or deletion (Pugh 1990): what kv_mem and
 * kv_overlay are made of. Heights come from a generator with a fixed seed, so that the same
 * operations give the same list.
 */
#ifndef RSM_BASE_KV_LIST_H
#define RSM_BASE_KV_LIST_H

#include "src/base/bytes.h"
#include "src/base/prng.h"

#define KV_LIST_HEIGHT_MAX 20u /* enough for 4^20 entries at a quarter a level */

struct kv_node {
    struct kv_node *previous; /* on the lowest level; NULL for the first */
    uint8_t *value;           /* behind the key, or owned when it has outgrown that place */
    uint32_t value_size;
    uint32_t value_capacity;
    uint16_t key_size;
    uint8_t table;
    uint8_t height;
    bool deleted;
    struct kv_node *next[]; /* `height` of them, then the key, then room for the first value */
};

struct kv_list {
    struct kv_node *head[KV_LIST_HEIGHT_MAX];
    struct kv_node *last;
    uint32_t height;
    struct prng prng;
    size_t count;
    size_t size; /* bytes of memory, about */
};

void kv_list_init(struct kv_list *list);
/* Frees all entries; the list is empty and usable afterwards. */
void kv_list_clear(struct kv_list *list);

struct bytes kv_node_key(const struct kv_node *node);
struct bytes kv_node_value(const struct kv_node *node);

/* The entry with exactly this key, or NULL. Deletions are entries. */
struct kv_node *kv_list_find(const struct kv_list *list, uint8_t table, struct bytes key);
/* The first entry at or (with `after`) behind the key, in any table from this one on; or NULL. */
struct kv_node *kv_list_seek(const struct kv_list *list, uint8_t table, struct bytes key,
                             bool after);
/* The last entry at or (with `before`) in front of the key, in any table up to this one; or NULL.
 */
struct kv_node *kv_list_seek_back(const struct kv_list *list, uint8_t table, struct bytes key,
                                  bool before);
/* Sets a value, or a deletion. */
void kv_list_set(struct kv_list *list, uint8_t table, struct bytes key, struct bytes value,
                 bool deleted);
/* Takes an entry out altogether. */
void kv_list_remove(struct kv_list *list, uint8_t table, struct bytes key);

#endif
