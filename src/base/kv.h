/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv.h - ordered tables of bytes: what the state machine's state lives in.
 *
 * A table is a small number, a key is 1..LIMIT_KEY_SIZE bytes, keys sort by memcmp order. Three
 * things have this interface: an ordered map in memory (kv_mem), a map in memory over another kv
 * (kv_overlay; deletions are remembered), and the LMDB store's snapshot (storage/store.h).
 *
 * The daemon stacks them:   speculation -> applied, not yet stored -> being stored -> LMDB
 *
 * Returned bytes are borrowed until the next write to the same kv or to one below it. Not
 * thread-safe. The order never depends on addresses or on a hash.
 */
#ifndef RSM_BASE_KV_H
#define RSM_BASE_KV_H

#include <rsm/status.h>

#include "src/base/bytes.h"

struct kv;

/*
 * Which writes what a kv says of one table comes from: a mark for each layer that has some. Two
 * equal stamps, of whichever kv, stand for the same rows; a write or deletion in the table, in
 * whichever layer, a layer that is emptied and another kv below each give a stamp that was never
 * there before, or that of the same rows. So what is derived from rows may be kept beside a stamp,
 * and is good as long as the stamp is.
 */
#define KV_STAMP_MARKS 8u
struct kv_stamp {
    uint32_t count;
    struct kv_mark {
        uint64_t source; /* kv_source_new; never 0 */
        uint64_t at;     /* grows with each write */
    } marks[KV_STAMP_MARKS];
};

struct kv_ops {
    enum rsm_status (*get)(struct kv *kv, uint8_t table, struct bytes key, struct bytes *value_out);
    enum rsm_status (*put)(struct kv *kv, uint8_t table, struct bytes key, struct bytes value);
    enum rsm_status (*del)(struct kv *kv, uint8_t table, struct bytes key);
    enum rsm_status (*next)(struct kv *kv, uint8_t table, struct bytes key, bool after,
                            struct bytes *key_out, struct bytes *value_out);
    enum rsm_status (*prev)(struct kv *kv, uint8_t table, struct bytes key, bool before,
                            struct bytes *key_out, struct bytes *value_out);
    void (*free)(struct kv *kv);
    /* Adds its marks to the stamp; false: it cannot say. NULL: it never can. */
    bool (*stamp)(const struct kv *kv, uint8_t table, struct kv_stamp *stamp);
};

/* The first member of every implementation. */
struct kv {
    const struct kv_ops *ops;
};

/* RSM_NOT_FOUND, RSM_DAMAGED (the stored value does not check), RSM_IO. */
enum rsm_status kv_get(struct kv *kv, uint8_t table, struct bytes key, struct bytes *value_out);
/* Copies key and value. A read-only kv answers RSM_READ_ONLY. */
enum rsm_status kv_put(struct kv *kv, uint8_t table, struct bytes key, struct bytes value);
/* RSM_OK also when there was nothing. */
enum rsm_status kv_del(struct kv *kv, uint8_t table, struct bytes key);
/*
 * The entry of the table with the smallest key that is at least `key` (with `after`: above it).
 * An empty `key` is below every key. RSM_NOT_FOUND at the end. Walk a prefix so: start with the
 * prefix, go on with after = true and the (copied) last key, stop where the prefix ends.
 */
enum rsm_status kv_next(struct kv *kv, uint8_t table, struct bytes key, bool after,
                        struct bytes *key_out, struct bytes *value_out);
/* The entry with the largest key that is at most `key` (with `before`: below it). */
enum rsm_status kv_prev(struct kv *kv, uint8_t table, struct bytes key, bool before,
                        struct bytes *key_out, struct bytes *value_out);
/* NULL is ignored. */
void kv_free(struct kv *kv);

/* The stamp of a table. False: there is none, what is derived from the table cannot be kept. */
bool kv_stamp_of(const struct kv *kv, uint8_t table, struct kv_stamp *out);
/* The same marks: nothing was written to the table between the two. */
bool kv_stamp_is(const struct kv_stamp *a, const struct kv_stamp *b);
/* For implementations: adds a mark, false when there is no room; and the marks of the map below. */
bool kv_stamp_add(struct kv_stamp *stamp, uint64_t source, uint64_t at);
bool kv_stamp_below(const struct kv *below, uint8_t table, struct kv_stamp *stamp);
/* A number that this process has given to nothing else. Any thread. */
uint64_t kv_source_new(void);

/*
 * What is in memory is found by a hash; this makes it unforeseeable for whoever chooses keys. Once,
 * before the first kv is made. No order and no result depends on it.
 */
#define KV_SEED_SIZE 16u
void kv_seed(const uint8_t seed[KV_SEED_SIZE]);

/* An empty ordered map in memory; owned by the caller, freed with kv_free. */
struct kv *kv_mem_new(void);

/* A map in memory over `below` (borrowed, must outlive it or be changed by kv_overlay_set_below).
 */
struct kv *kv_overlay_new(struct kv *below);
/* Another map below from now on, borrowed as the first one was. */
void kv_overlay_set_below(struct kv *overlay, struct kv *below);
/* Forgets all writes and deletions. Cheap when few. */
void kv_overlay_clear(struct kv *overlay);
/* Writes and deletions held, and the memory they take, in bytes. */
size_t kv_overlay_count(const struct kv *overlay);
size_t kv_overlay_size(const struct kv *overlay);

/* One write of an overlay, in (table, key) order. */
struct kv_write {
    uint8_t table;
    bool deleted;
    struct bytes key;
    struct bytes value; /* empty when deleted */
};

/*
 * Calls `visit` for each write and deletion in (table, key) order; stops at the first status that
 * is not RSM_OK and returns it. The overlay must not change meanwhile. (May be called from another
 * thread while nobody writes to the overlay: the store's thread does so.)
 */
enum rsm_status kv_overlay_visit(const struct kv *overlay,
                                 enum rsm_status (*visit)(void *context, const struct kv_write *w),
                                 void *context);
/* As kv_overlay_visit, in the order of tables and then of first writes: nothing has to be sorted.
 */
void kv_overlay_each(const struct kv *overlay,
                     void (*visit)(void *context, const struct kv_write *w), void *context);
/* Writes everything that `overlay` holds into `target` (usually the kv below it), then clears it.
 */
enum rsm_status kv_overlay_merge(struct kv *overlay, struct kv *target);

#endif
