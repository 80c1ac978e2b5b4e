/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv_list.h - (table, key) -> value or deletion, in memory: what kv_mem and kv_overlay are made of.
 *
 * Three ways lead to an entry, each as dear as its use needs:
 *
 *     by key        a hash table; most questions to an overlay are about keys that it has not got
 *     as they came  a list for each table; enough for whoever wants all of them
 *     in order      a skip list for each table (Pugh 1990), brought up to date when somebody walks.
 *                   Most tables of an overlay are written, asked by key, and never walked.
 *
 * Entries, their keys and values lie in large pieces of memory that go back together: nothing is
 * freed before kv_list_clear, which costs little. A value that outgrows its place gets another one,
 * twice as large. The seed of the hash has no influence on any order.
 *
 * A value of KV_LARGE_SIZE bytes and more has memory of its own, which goes on to another list as
 * it is (kv_list_move):
 *
 *     command's layer  [ node ]--> large        before
 *     applied layer    [ node ]--> large        after: the node was made anew, the bytes stand
 * still
 */
#ifndef RSM_BASE_KV_LIST_H
#define RSM_BASE_KV_LIST_H

#include "src/base/bytes.h"
#include "src/base/kv.h"

#define KV_LIST_HEIGHT_MAX 16u /* enough for 4^16 entries at a quarter a level */
#define KV_LIST_TABLES 256u
#define KV_LARGE_SIZE 4096u /* from here on copying costs more than memory of its own */

struct kv_node {
    struct kv_node *chain;         /* the next one of the same bucket */
    struct kv_node *older, *newer; /* of the same table, as they came */
    struct kv_node *previous;      /* in order; NULL for the first */
    uint8_t *value;
    uint32_t value_size;
    uint32_t value_capacity;
    uint32_t hash;
    uint16_t key_size;
    uint8_t table;
    uint8_t height;
    bool deleted;
    bool is_large;          /* the value lies in memory of its own */
    struct kv_node *next[]; /* in order: `height` of them, then the key */
};

struct kv_order;

/* The entries of one table. */
struct kv_table {
    struct kv_node *first, *last; /* as they came */
    struct kv_node *loose;        /* the first that is not in `order` yet, nor are those after it */
    struct kv_order *order;       /* NULL until the table is walked */
    uint64_t written;             /* what `writes` was at the last write to it */
};

struct kv_piece;
struct kv_large;

/*
 * Entries whose hashes end alike. Most questions are about keys that are not there: `kinds` answers
 * those without a look at the entries, which lie anywhere in memory.
 */
struct kv_bucket {
    struct kv_node *first;
    uint64_t kinds; /* a bit for each of 64 beginnings of a hash; may have too many */
};

struct kv_list {
    struct kv_table *tables[KV_LIST_TABLES]; /* NULL: the table has no entries */
    uint64_t used[KV_LIST_TABLES / 64];      /* bits: which have */
    struct kv_bucket *buckets;
    size_t bucket_count;     /* a power of two */
    struct kv_piece *pieces; /* the newest first */
    struct kv_large *large;  /* owned: memory of single values, the newest first */
    uint64_t source;         /* kv_source_new */
    uint64_t writes;         /* all that there ever were; never falls */
    size_t count;
    size_t size; /* bytes of memory, about */
};

/* Empty. */
void kv_list_init(struct kv_list *list);
/* Frees all memory; it has to be initialised again. */
void kv_list_deinit(struct kv_list *list);
/* Forgets all entries. */
void kv_list_clear(struct kv_list *list);

static inline struct bytes kv_node_key(const struct kv_node *node)
{
    return bytes_make(&node->next[node->height], node->key_size);
}

static inline struct bytes kv_node_value(const struct kv_node *node)
{
    return bytes_make(node->value, node->value_size);
}

static inline struct kv_bucket *kv_list_bucket(const struct kv_list *list, uint32_t hash)
{
    return &list->buckets[hash & (list->bucket_count - 1)];
}

/* By the bits that buckets are chosen by last. */
static inline uint64_t kv_hash_kind(uint32_t hash)
{
    return UINT64_C(1) << (hash >> 26);
}

/* Among the entries of a bucket. */
struct kv_node *kv_bucket_find(const struct kv_bucket *bucket, uint32_t hash, uint8_t table,
                               struct bytes key);

/* What find and set want to know of a key: the same for all lists, for a key that is sought in
 * many.
 */
uint32_t kv_list_hash(uint8_t table, struct bytes key);
/* The entry with exactly this key, or NULL. Deletions are entries. */
static inline struct kv_node *kv_list_find(const struct kv_list *list, uint32_t hash, uint8_t table,
                                           struct bytes key)
{
    const struct kv_bucket *bucket = kv_list_bucket(list, hash);
    return list->tables[table] != NULL && (bucket->kinds & kv_hash_kind(hash)) != 0
               ? kv_bucket_find(bucket, hash, table, key)
               : NULL;
}

/* The first entry of the table at or (with `after`) behind the key, or NULL. */
struct kv_node *kv_list_seek(struct kv_list *list, uint8_t table, struct bytes key, bool after);
/* The last entry of the table at or (with `before`) in front of the key, or NULL. */
struct kv_node *kv_list_seek_back(struct kv_list *list, uint8_t table, struct bytes key,
                                  bool before);
/* Sets a value, or a deletion. The value may be borrowed from this list. */
void kv_list_set(struct kv_list *list, uint32_t hash, uint8_t table, struct bytes key,
                 struct bytes value, bool deleted);
/*
 * As kv_list_set with what the entry of another list says. A large value is not copied: it is the
 * other list's no more, whose entry has no value then, so that nothing is left to be asked of it
 * but kv_list_clear.
 */
void kv_list_move(struct kv_list *list, struct kv_list *from, struct kv_node *node);
/* Takes an entry out altogether; its memory comes back with kv_list_clear. */
void kv_list_remove(struct kv_list *list, uint8_t table, struct bytes key);

/* Adds a mark for the table's entries; none when it has none. False: no room. */
static inline bool kv_list_stamp(const struct kv_list *list, uint8_t table, struct kv_stamp *stamp)
{
    const struct kv_table *t = list->tables[table];
    return t == NULL || kv_stamp_add(stamp, list->source, t->written);
}

/* The first table from this one on that has entries, or KV_LIST_TABLES. */
static inline uint32_t kv_list_table(const struct kv_list *list, uint32_t from)
{
    for (uint32_t word = from / 64; word < KV_LIST_TABLES / 64; word++, from = word * 64) {
        uint64_t bits = list->used[word] >> (from % 64);
        if (bits != 0)
            return from + (uint32_t)__builtin_ctzll(bits);
    }
    return KV_LIST_TABLES;
}

#endif
