/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tree.c - see tree.h. Nothing here recurses: a tree of n leaves is the ordered list of the perfect
 * subtrees that the bits of n name, and its root joins them from the right.
 */
#include "storage/tree.h"

#include <sodium.h>
#include <string.h>

#include "src/base/check.h"

/* The end mark is a part of it. */
static const char leaf_tag[] = "rsm leaf v1";

void tree_leaf_encode(struct writer *out, const struct tree_leaf *leaf)
{
    size_t begin = out->size;
    CHECK(leaf->effects != NULL);
    CHECK(leaf->slot >= 1 && leaf->slot <= SLOT_MAX); /* or the reader takes it for no leaf */
    writer_bytes(out, bytes_make(leaf_tag, sizeof leaf_tag));
    writer_u64(out, leaf->slot);
    writer_u64(out, leaf->log_time_ms);
    writer_u64(out, leaf->entry.size);
    writer_bytes(out, leaf->entry);
    writer_u64(out, leaf->verdicts.size);
    writer_bytes(out, leaf->verdicts);
    writer_bytes(out, bytes_make(leaf->effects, HASH_SIZE));
    CHECK(out->failed || out->size - begin == sizeof leaf_tag + 32 + leaf->entry.size +
                                                  leaf->verdicts.size + HASH_SIZE);
}

/* A size, and as many bytes. */
static struct bytes read_sized(struct reader *r)
{
    uint64_t size = reader_u64(r);
    if (size > reader_left(r)) {
        r->failed = true;
        return bytes_make(NULL, 0);
    }
    struct bytes found = reader_bytes(r, (size_t)size);
    CHECK(!r->failed || size == 0); /* so many are left */
    return found;
}

bool tree_leaf_decode(struct bytes bytes, struct tree_leaf *leaf_out)
{
    struct reader r = reader_make(bytes);
    struct bytes tag = reader_bytes(&r, sizeof leaf_tag);

    leaf_out->slot = reader_u64(&r);
    leaf_out->log_time_ms = reader_u64(&r);
    leaf_out->entry = read_sized(&r);
    leaf_out->verdicts = read_sized(&r);
    leaf_out->effects = reader_bytes(&r, HASH_SIZE).data;
    return reader_done(&r) && bytes_equal(tag, bytes_make(leaf_tag, sizeof leaf_tag)) &&
           leaf_out->slot > 0;
}

/* SHA-256 over a prefix and one or two parts. */
static void hash_parts(uint8_t prefix, struct bytes a, struct bytes b, struct tree_hash *out)
{
    crypto_hash_sha256_state state;

    CHECK(a.data != NULL || a.size == 0);
    CHECK(prefix <= 1 && (prefix == 0 || a.size + b.size == 2 * TREE_HASH_SIZE));
    CHECK(crypto_hash_sha256_init(&state) == 0);
    CHECK(crypto_hash_sha256_update(&state, &prefix, 1) == 0);
    CHECK(crypto_hash_sha256_update(&state, a.data, a.size) == 0);
    CHECK(crypto_hash_sha256_update(&state, b.data, b.size) == 0);
    CHECK(crypto_hash_sha256_final(&state, out->data) == 0);
}

void tree_leaf_hash(struct bytes leaf, struct tree_hash *hash_out)
{
    hash_parts(0, leaf, bytes_make(NULL, 0), hash_out);
}

/* `out` may be one of the two. */
static void join(const struct tree_hash *left, const struct tree_hash *right, struct tree_hash *out)
{
    struct tree_hash joined;

    hash_parts(1, bytes_make(left->data, TREE_HASH_SIZE), bytes_make(right->data, TREE_HASH_SIZE),
               &joined);
    *out = joined;
}

static bool is_equal(const struct tree_hash *a, const struct tree_hash *b)
{
    return memcmp(a->data, b->data, TREE_HASH_SIZE) == 0;
}

/* A perfect subtree for each bit of the count. */
static bool is_frontier(const struct tree_frontier *f)
{
    CHECK(f->depth <= TREE_PATH_MAX);
    return f->depth == (uint32_t)__builtin_popcountll(f->count);
}

void tree_frontier_add(struct tree_frontier *f, const struct tree_hash *leaf)
{
    CHECK(is_frontier(f) && f->count < UINT64_MAX);
    CHECK(f->depth < TREE_PATH_MAX);
    f->subtrees[f->depth++] = *leaf;
    f->count++;
    /* As many subtrees of equal size meet here as the count has zeros at its end. */
    for (uint64_t size = f->count; size % 2 == 0; size /= 2, f->depth--) {
        CHECK(f->depth >= 2);
        join(&f->subtrees[f->depth - 2], &f->subtrees[f->depth - 1], &f->subtrees[f->depth - 2]);
    }
    CHECK(is_frontier(f));
}

void tree_frontier_root(const struct tree_frontier *f, struct tree_hash *root_out)
{
    CHECK(is_frontier(f));
    if (f->count == 0) {
        (void)crypto_hash_sha256(root_out->data, NULL, 0);
        return;
    }
    CHECK(f->depth > 0 && f->depth <= TREE_PATH_MAX);
    *root_out = f->subtrees[f->depth - 1];
    for (uint32_t i = f->depth - 1; i > 0; i--)
        join(&f->subtrees[i - 1], root_out, root_out);
}

void tree_root(const struct tree_hash *leaves, uint64_t count, struct tree_hash *root_out)
{
    struct tree_frontier frontier = {.count = 0, .depth = 0};

    CHECK(leaves != NULL || count == 0);
    for (uint64_t i = 0; i < count; i++)
        tree_frontier_add(&frontier, &leaves[i]);
    CHECK(frontier.count == count);
    tree_frontier_root(&frontier, root_out);
}

/* The largest power of two below `count`, which is above 1: where RFC 6962 cuts a tree. */
static uint64_t split_of(uint64_t count)
{
    uint64_t split = 1;

    CHECK(count > 1);
    while (split < count - split)
        split *= 2;
    CHECK(split < count && count - split <= split);
    return split;
}

/* What is gathered from the root down is told from the leaf up. */
static void turn_round(struct tree_hash *hashes, uint32_t count)
{
    CHECK(count <= TREE_PATH_MAX);
    for (uint32_t i = 0; i < count / 2; i++) {
        struct tree_hash kept = hashes[i];
        hashes[i] = hashes[count - 1 - i];
        hashes[count - 1 - i] = kept;
    }
}

uint32_t tree_path(const struct tree_hash *leaves, uint64_t count, uint64_t index,
                   struct tree_hash *path_out)
{
    uint32_t found = 0;
    bool is_alone = count == 1; /* the leaf is the root */

    CHECK(index < count);
    while (count > 1) {
        uint64_t split = split_of(count);
        CHECK(found < TREE_PATH_MAX);
        if (index < split) {
            tree_root(leaves + split, count - split, &path_out[found++]);
            count = split;
        } else {
            tree_root(leaves, split, &path_out[found++]);
            leaves += split;
            index -= split;
            count -= split;
        }
    }
    CHECK(index == 0); /* the leaf itself is left */
    CHECK(found <= TREE_PATH_MAX);
    CHECK((found == 0) == is_alone);
    turn_round(path_out, found);
    return found;
}

uint32_t tree_consistency(const struct tree_hash *leaves, uint64_t count, uint64_t first,
                          struct tree_hash *proof_out)
{
    uint32_t found = 0;
    bool is_same = first == count;
    bool is_known = true; /* the subtree is the first tree itself: whoever asks has its root */

    CHECK(first > 0);
    CHECK(first <= count);
    while (first < count) {
        uint64_t split = split_of(count);
        CHECK(found < TREE_PATH_MAX);
        if (first <= split) {
            tree_root(leaves + split, count - split, &proof_out[found++]);
            count = split;
        } else {
            tree_root(leaves, split, &proof_out[found++]);
            leaves += split;
            first -= split;
            count -= split;
            is_known = false;
        }
    }
    CHECK(first == count); /* the first tree's last subtree is left */
    if (!is_known) {
        CHECK(found < TREE_PATH_MAX);
        tree_root(leaves, count, &proof_out[found++]);
    }
    CHECK((found == 0) == is_same); /* what the reader asks for */
    turn_round(proof_out, found);
    return found;
}

bool tree_path_is_good(const struct tree_hash *leaf, uint64_t index, uint64_t count,
                       const struct tree_hash *path, uint32_t path_count,
                       const struct tree_hash *root)
{
    struct tree_hash hash = *leaf;

    if (index >= count)
        return false;
    uint64_t place = index;
    uint64_t last = count - 1;
    for (uint32_t i = 0; i < path_count; i++) {
        CHECK(place <= last); /* a place of its row */
        if (last == 0)
            return false;
        if (place % 2 == 1 || place == last) {
            join(&path[i], &hash, &hash);
            /* The last of its row has no sibling there: it goes up until it has one on its left. */
            while (place % 2 == 0) {
                CHECK(place != 0); /* the first of a row is not its last, or all is joined */
                place /= 2;
                last /= 2;
            }
        } else {
            join(&hash, &path[i], &hash);
        }
        place /= 2;
        last /= 2;
    }
    return last == 0 && is_equal(&hash, root);
}

bool tree_consistency_is_good(uint64_t first, const struct tree_hash *first_root, uint64_t count,
                              const struct tree_hash *root, const struct tree_hash *proof,
                              uint32_t proof_count)
{
    if (first == 0 || first > count)
        return false;
    if (first == count)
        return proof_count == 0 && is_equal(first_root, root);
    uint64_t place = first - 1;
    uint64_t last = count - 1;
    uint32_t next = 0;
    while (place % 2 == 1) {
        place /= 2;
        last /= 2;
    }
    struct tree_hash old = *first_root; /* a perfect tree is not told again */
    if (place > 0) {
        if (proof_count == 0)
            return false;
        old = proof[next++];
    }
    struct tree_hash new = old;
    for (; next < proof_count; next++) {
        CHECK(place <= last);
        if (last == 0)
            return false;
        if (place % 2 == 1 || place == last) {
            join(&proof[next], &old, &old);
            join(&proof[next], &new, &new);
            while (place % 2 == 0) {
                CHECK(place != 0); /* the first of a row is not its last, or all is joined */
                place /= 2;
                last /= 2;
            }
        } else {
            join(&new, &proof[next], &new);
        }
        place /= 2;
        last /= 2;
    }
    return last == 0 && is_equal(&old, first_root) && is_equal(&new, root);
}
