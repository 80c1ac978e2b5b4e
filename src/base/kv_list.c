/* SPDX-License-Identifier: Apache-2.0 */
/* kv_list.c - see kv_list.h. */
#include "src/base/kv_list.h"

#include <stddef.h>
#include <string.h>

#include "src/base/check.h"
#include "src/base/kv.h"
#include "src/base/kv_order.h"
#include "src/base/mem.h"

#define BUCKETS_MIN 32u
#define PIECE_SIZE_MIN (8u << 10)
#define PIECE_SIZE_MAX (1u << 20)

/* ---- memory ---- */

struct kv_piece {
    struct kv_piece *older;
    size_t size, used;
    _Alignas(max_align_t) uint8_t bytes[];
};

static struct kv_piece *add_piece(struct kv_list *list, size_t size_min)
{
    size_t size = list->pieces != NULL ? 2 * list->pieces->size : PIECE_SIZE_MIN;
    if (size > PIECE_SIZE_MAX)
        size = PIECE_SIZE_MAX;
    if (size < size_min)
        size = size_min;
    struct kv_piece *piece = mem_alloc_unset(sizeof *piece + size);
    piece->older = list->pieces;
    piece->size = size;
    piece->used = 0;
    list->pieces = piece;
    return piece;
}

/* Not zeroed. */
static inline void *take(struct kv_list *list, size_t size)
{
    struct kv_piece *piece = list->pieces;
    size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    if (piece == NULL || size > piece->size - piece->used)
        piece = add_piece(list, size);
    void *place = piece->bytes + piece->used;
    piece->used += size;
    return place;
}

/* All pieces but the oldest, which is small and will be needed again. */
static void drop_pieces(struct kv_list *list)
{
    struct kv_piece *piece = list->pieces;
    while (piece != NULL && piece->older != NULL) {
        struct kv_piece *older = piece->older;
        mem_free(piece);
        piece = older;
    }
    list->pieces = piece;
    if (piece != NULL)
        piece->used = 0;
}

/* Memory of one value; in a ring of its list alone, so that it can leave it. */
struct kv_large {
    struct kv_large *next, **link; /* what points at it */
    uint8_t bytes[];
};

static void link_large(struct kv_list *list, struct kv_large *large)
{
    large->next = list->large;
    large->link = &list->large;
    if (large->next != NULL)
        large->next->link = &large->next;
    list->large = large;
}

static void unlink_large(struct kv_large *large)
{
    *large->link = large->next;
    if (large->next != NULL)
        large->next->link = large->link;
}

static struct kv_large *large_of(struct kv_node *node)
{
    CHECK(node->is_large);
    return (struct kv_large *)(void *)(node->value - offsetof(struct kv_large, bytes));
}

static void drop_large(struct kv_list *list)
{
    while (list->large != NULL) {
        struct kv_large *large = list->large;
        list->large = large->next;
        mem_free(large);
    }
}

/* ---- by key ---- */

_Static_assert(KV_SEED_SIZE == 2 * sizeof(uint64_t), "both seeds");
static uint64_t seeds[2] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xc2b2ae3d27d4eb4f)};

void kv_seed(const uint8_t seed[KV_SEED_SIZE])
{
    memcpy(seeds, seed, sizeof seeds);
    seeds[0] |= 1;
    seeds[1] |= 1;
}

/* Both halves of a product: what multiplication alone leaves in its low bits is folded away. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* Less than 8 bytes: two halves, which may share some, from 4 bytes on. */
static uint64_t short_word(struct bytes text)
{
    uint64_t word = 0;
    if (text.size >= 4)
        return (uint64_t)get_u32(text.data) << 32 | get_u32(text.data + text.size - 4);
    for (size_t i = 0; i < text.size; i++)
        word = word << 8 | text.data[i];
    return word;
}

/* Words of 8 bytes; the last two reach back over bytes that were taken before. */
uint32_t kv_list_hash(uint8_t table, struct bytes key)
{
    const uint8_t *end = key.data + key.size;
    uint64_t hash = seeds[0] ^ ((uint64_t)key.size << 8 | table);
    for (const uint8_t *at = key.data; end - at > 16; at += 16)
        hash = fold(word_at(at) ^ seeds[1], word_at(at + 8) ^ hash);
    uint64_t first = key.size < 8 ? short_word(key) : word_at(key.size < 16 ? key.data : end - 16);
    uint64_t last = key.size < 8 ? 0 : word_at(end - 8);
    hash = fold(first ^ seeds[1], last ^ hash);
    return (uint32_t)fold(hash ^ seeds[0], seeds[1]);
}

static void add_to_bucket(struct kv_list *list, struct kv_node *node)
{
    struct kv_bucket *bucket = kv_list_bucket(list, node->hash);
    node->chain = bucket->first;
    bucket->first = node;
    bucket->kinds |= kv_hash_kind(node->hash);
}

static void set_buckets(struct kv_list *list, size_t count)
{
    mem_free(list->buckets);
    list->buckets = mem_alloc(count * sizeof *list->buckets);
    list->bucket_count = count;
}

static void grow_buckets(struct kv_list *list)
{
    set_buckets(list, 4 * list->bucket_count);
    for (uint32_t t = kv_list_table(list, 0); t < KV_LIST_TABLES; t = kv_list_table(list, t + 1))
        for (struct kv_node *node = list->tables[t]->first; node != NULL; node = node->newer)
            add_to_bucket(list, node);
}

static bool is_entry(const struct kv_node *node, uint32_t hash, uint8_t table, struct bytes key)
{
    return node->hash == hash && node->table == table && node->key_size == key.size &&
           memcmp(&node->next[node->height], key.data, key.size) == 0;
}

struct kv_node *kv_bucket_find(const struct kv_bucket *bucket, uint32_t hash, uint8_t table,
                               struct bytes key)
{
    struct kv_node *node = bucket->first;
    while (node != NULL && !is_entry(node, hash, table, key))
        node = node->chain;
    return node;
}

/* ---- tables ---- */

static struct kv_table *table_of(struct kv_list *list, uint8_t table)
{
    struct kv_table *t = list->tables[table];
    if (t != NULL)
        return t;
    t = take(list, sizeof *t);
    *t = (struct kv_table){.order = NULL};
    list->tables[table] = t;
    list->used[table / 64] |= UINT64_C(1) << (table % 64);
    return t;
}

/* The order with all entries in it. */
static struct kv_order *order_of(struct kv_list *list, struct kv_table *t)
{
    if (t->order == NULL) {
        t->order = take(list, sizeof *t->order);
        kv_order_init(t->order);
    }
    for (; t->loose != NULL; t->loose = t->loose->newer)
        kv_order_add(t->order, t->loose);
    return t->order;
}

struct kv_node *kv_list_seek(struct kv_list *list, uint8_t table, struct bytes key, bool after)
{
    struct kv_table *t = list->tables[table];
    if (t == NULL)
        return NULL;
    struct kv_node *node = kv_order_seek(order_of(list, t), key, NULL);
    if (after && node != NULL && bytes_equal(kv_node_key(node), key))
        node = node->next[0];
    return node;
}

struct kv_node *kv_list_seek_back(struct kv_list *list, uint8_t table, struct bytes key,
                                  bool before)
{
    struct kv_table *t = list->tables[table];
    if (t == NULL)
        return NULL;
    struct kv_node *last;
    struct kv_node *node = kv_order_seek(order_of(list, t), key, &last);
    if (!before && node != NULL && bytes_equal(kv_node_key(node), key))
        return node;
    return last;
}

/* ---- writing ---- */

/*
 * Each level has a quarter of the entries of the one below it. The hash is as good as a draw:
 * nobody who chooses keys knows the seeds.
 */
static uint8_t height_of(uint32_t hash)
{
    uint32_t bits = (hash * UINT32_C(0x9e3779b1)) >> 1 | UINT32_C(1) << 31;
    uint8_t height = (uint8_t)(1 + __builtin_ctz(bits) / 2);
    return height < KV_LIST_HEIGHT_MAX ? height : KV_LIST_HEIGHT_MAX;
}

static inline void set_value(struct kv_list *list, struct kv_node *node, struct bytes value)
{
    if (value.size > node->value_capacity) {
        size_t capacity =
            value.size > 2u * node->value_capacity ? value.size : 2u * node->value_capacity;
        node->is_large = capacity >= KV_LARGE_SIZE;
        if (node->is_large) {
            struct kv_large *large = mem_alloc_unset(sizeof *large + capacity);
            link_large(list, large);
            node->value = large->bytes;
        } else {
            node->value = take(list, capacity);
        }
        node->value_capacity = (uint32_t)capacity;
        list->size += capacity;
    }
    if (value.size > 0)
        memmove(node->value, value.data, value.size);
    node->value_size = (uint32_t)value.size;
}

/* Room for the first value comes behind the key, unless it is large. */
static inline struct kv_node *make_node(struct kv_list *list, uint32_t hash, uint8_t table,
                                        struct bytes key, size_t value_size)
{
    uint8_t height = height_of(hash);
    value_size = value_size < KV_LARGE_SIZE ? value_size : 0;
    size_t size =
        sizeof(struct kv_node) + height * sizeof(struct kv_node *) + key.size + value_size;
    struct kv_node *node = take(list, size);
    *node = (struct kv_node){.hash = hash,
                             .table = table,
                             .height = height,
                             .key_size = (uint16_t)key.size,
                             .value_capacity = (uint32_t)value_size};
    uint8_t *place = (uint8_t *)&node->next[height];
    memcpy(place, key.data, key.size);
    node->value = place + key.size;
    list->size += size;
    list->count++;
    return node;
}

static void link_node(struct kv_list *list, struct kv_table *t, struct kv_node *node)
{
    add_to_bucket(list, node);
    node->older = t->last;
    if (t->last != NULL)
        t->last->newer = node;
    else
        t->first = node;
    t->last = node;
    if (t->loose == NULL)
        t->loose = node;
}

/* Each write comes by here: whoever keeps what was read of the table sees that it is old. */
static void note_write(struct kv_list *list, struct kv_table *t)
{
    list->writes++;
    if (t->written == 0 || !MUTANT(STAMP_STAYS))
        t->written = list->writes;
}

/* The entry that is written to, with room for a value of so many bytes if it is new. */
static struct kv_node *node_to_write(struct kv_list *list, uint32_t hash, uint8_t table,
                                     struct bytes key, size_t value_size)
{
    struct kv_table *t = table_of(list, table);
    note_write(list, t);
    struct kv_node *node = kv_list_find(list, hash, table, key);
    if (node == NULL) {
        if (list->count >= list->bucket_count)
            grow_buckets(list);
        node = make_node(list, hash, table, key, value_size);
        link_node(list, t, node);
    }
    return node;
}

void kv_list_set(struct kv_list *list, uint32_t hash, uint8_t table, struct bytes key,
                 struct bytes value, bool deleted)
{
    if (deleted)
        value.size = 0;
    struct kv_node *node = node_to_write(list, hash, table, key, value.size);
    set_value(list, node, value);
    node->deleted = deleted;
}

void kv_list_move(struct kv_list *list, struct kv_list *from, struct kv_node *node)
{
    CHECK(list != from);
    if (!node->is_large || node->deleted) {
        kv_list_set(list, node->hash, node->table, kv_node_key(node), kv_node_value(node),
                    node->deleted);
        return;
    }
    struct kv_node *to = node_to_write(list, node->hash, node->table, kv_node_key(node), 0);
    unlink_large(large_of(node));
    link_large(list, large_of(node));
    to->value = node->value;
    to->value_size = node->value_size;
    to->value_capacity = node->value_capacity;
    to->is_large = true;
    to->deleted = false;
    list->size += node->value_capacity;
    from->size -= node->value_capacity;
    node->value_size = node->value_capacity = 0;
    node->is_large = false;
}

void kv_list_remove(struct kv_list *list, uint8_t table, struct bytes key)
{
    struct kv_node *node = kv_list_find(list, kv_list_hash(table, key), table, key);
    if (node == NULL)
        return;
    struct kv_table *t = list->tables[table];
    note_write(list, t);
    struct kv_node **link = &kv_list_bucket(list, node->hash)->first;
    kv_order_remove(order_of(list, t), node);
    while (*link != node)
        link = &(*link)->chain;
    *link = node->chain;
    *(node->older != NULL ? &node->older->newer : &t->first) = node->newer;
    *(node->newer != NULL ? &node->newer->older : &t->last) = node->older;
    list->count--;
    list->size -= sizeof(struct kv_node) + node->height * sizeof(struct kv_node *) +
                  node->key_size + node->value_capacity;
}

/* ---- beginning and end ---- */

void kv_list_init(struct kv_list *list)
{
    *list = (struct kv_list){.source = kv_source_new()};
    set_buckets(list, BUCKETS_MIN);
}

void kv_list_clear(struct kv_list *list)
{
    for (uint32_t t = kv_list_table(list, 0); t < KV_LIST_TABLES; t = kv_list_table(list, t + 1))
        list->tables[t] = NULL;
    memset(list->used, 0, sizeof list->used);
    if (list->bucket_count > BUCKETS_MIN)
        set_buckets(list, BUCKETS_MIN);
    else if (list->count > 0)
        memset(list->buckets, 0, BUCKETS_MIN * sizeof *list->buckets);
    drop_pieces(list);
    drop_large(list);
    list->count = 0;
    list->size = 0;
}

void kv_list_deinit(struct kv_list *list)
{
    kv_list_clear(list);
    mem_free(list->pieces);
    mem_free(list->buckets);
    *list = (struct kv_list){.pieces = NULL};
}
