/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tree.h - the Merkle tree beside the chains (RFC 6962 section 2.1, SHA-256).
 *
 * A chain proves a whole log; a tree proves one entry of it with O(log n) hashes, and that a longer
 * log begins with a shorter one. Slot n is leaf n - 1. Its leaf is what the log holds of it:
 *
 *     "rsm leaf v1\0" | slot u64 | log time ms u64 | size of entry u64 | entry |
 *     size of verdicts u64 | verdicts | effects hash 32
 *
 *     hash of a leaf   SHA-256(00 | leaf)
 *     hash of a node   SHA-256(01 | left | right)
 *     hash of nothing  SHA-256()
 *
 * The functions allocate nothing. Hashes lie one after the other, 32 bytes each.
 */
#ifndef RSM_STORAGE_TREE_H
#define RSM_STORAGE_TREE_H

#include <stdbool.h>

#include "src/base/bytes.h"
#include "src/base/ids.h"

#define TREE_HASH_SIZE 32u
/* A tree of 2^63 leaves has no longer path. */
#define TREE_PATH_MAX 64u

struct tree_hash {
    uint8_t data[TREE_HASH_SIZE];
};

/* What a leaf is made of; borrowed. `effects` has HASH_SIZE bytes. */
struct tree_leaf {
    uint64_t slot;
    uint64_t log_time_ms;
    struct bytes entry;
    struct bytes verdicts;
    const uint8_t *effects;
};

/* Appends the leaf's bytes; the writer fails when its limit is below. */
void tree_leaf_encode(struct writer *out, const struct tree_leaf *leaf);
/* Borrows from `bytes`. False for bytes that are no such leaf. */
bool tree_leaf_decode(struct bytes bytes, struct tree_leaf *leaf_out);
/* The hash of a leaf's bytes. */
void tree_leaf_hash(struct bytes leaf, struct tree_hash *hash_out);

/* A tree that grows: its perfect subtrees, the largest first. Begin with zeros. */
struct tree_frontier {
    uint64_t count; /* leaves */
    uint32_t depth; /* subtrees */
    struct tree_hash subtrees[TREE_PATH_MAX];
};

void tree_frontier_add(struct tree_frontier *f, const struct tree_hash *leaf);
void tree_frontier_root(const struct tree_frontier *f, struct tree_hash *root_out);

/* The root over leaf hashes; `count` 0: of nothing. */
void tree_root(const struct tree_hash *leaves, uint64_t count, struct tree_hash *root_out);

/*
 * PATH(index, D[count]) (RFC 6962 2.1.1), from the leaf's sibling up: what has to be hashed with
 * leaf `index` (below `count`) to come to the root. Room for TREE_PATH_MAX. Returns how many.
 */
uint32_t tree_path(const struct tree_hash *leaves, uint64_t count, uint64_t index,
                   struct tree_hash *path_out);

/*
 * PROOF(first, D[count]) (RFC 6962 2.1.2): that the tree of `count` begins with the tree of `first`
 * leaves, 0 < first <= count. Room for TREE_PATH_MAX. Returns how many.
 */
uint32_t tree_consistency(const struct tree_hash *leaves, uint64_t count, uint64_t first,
                          struct tree_hash *proof_out);

/* Both take any numbers and any hashes, as they come from outside (RFC 9162 2.1.3.2, 2.1.4.2). */
bool tree_path_is_good(const struct tree_hash *leaf, uint64_t index, uint64_t count,
                       const struct tree_hash *path, uint32_t path_count,
                       const struct tree_hash *root);
bool tree_consistency_is_good(uint64_t first, const struct tree_hash *first_root, uint64_t count,
                              const struct tree_hash *root, const struct tree_hash *proof,
                              uint32_t proof_count);

#endif
