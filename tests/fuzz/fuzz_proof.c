/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_proof.c - any bytes as a proof about a log of known leaves.
 *
 * What is taken is the one proof that there is: of that leaf, in that place, with that path (or of
 * that growth). And a proof that is right is taken, and not any more with one bit of it another.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/command/note.h"
#include "storage/tree.h"
#include "tests/fuzz/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEAVES 70u
#define PROOF_MAX 8u /* hashes */

static struct tree_hash leaves[LEAVES];
static struct tree_hash roots[LEAVES + 1]; /* of the first so many */

/* The proofs of a place, made when they are asked for first: there are a few thousand of them. */
struct place {
    bool is_made;
    uint32_t depth, growth_size;
    struct tree_hash path[PROOF_MAX], growth[PROOF_MAX];
};

static const struct place *place(uint64_t index, uint64_t count)
{
    static struct place places[LEAVES][LEAVES];
    struct place *p = &places[index][count - 1];
    struct tree_hash hashes[TREE_PATH_MAX];
    if (p->is_made)
        return p;
    p->is_made = true;
    p->depth = tree_path(leaves, count, index, hashes);
    CHECK(p->depth <= PROOF_MAX);
    memcpy(p->path, hashes, p->depth * sizeof *hashes);
    p->growth_size = tree_consistency(leaves, count, index + 1, hashes);
    CHECK(p->growth_size <= PROOF_MAX);
    memcpy(p->growth, hashes, p->growth_size * sizeof *hashes);
    return p;
}

static void prepare(void)
{
    static bool is_done;
    if (is_done)
        return;
    is_done = true;
    crypto_begin();
    for (uint32_t i = 0; i < LEAVES; i++) {
        uint8_t leaf[5] = {'l', 'e', 'a', 'f', (uint8_t)i};
        tree_leaf_hash(bytes_make(leaf, sizeof leaf), &leaves[i]);
    }
    for (uint32_t i = 1; i <= LEAVES; i++)
        tree_root(leaves, i, &roots[i]);
}

static bool same(const struct tree_hash *a, uint32_t a_count, const struct tree_hash *b,
                 uint32_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

static void look_at_inclusion(const struct note_proof *proof, const struct tree_hash *path,
                              uint64_t count)
{
    struct tree_hash leaf, right[TREE_PATH_MAX];
    struct writer extra;
    writer_init(&extra, 1u << 20);
    if (note_base64_read(proof->extra, &extra)) {
        tree_leaf_hash(writer_result(&extra), &leaf);
        if (tree_path_is_good(&leaf, proof->number, count, path, proof->hash_count,
                              &roots[count])) {
            CHECK(proof->number < count);
            CHECK(memcmp(&leaf, &leaves[proof->number], sizeof leaf) == 0);
            uint32_t depth = tree_path(leaves, count, proof->number, right);
            CHECK(same(path, proof->hash_count, right, depth));
        }
    }
    writer_deinit(&extra);
}

static void look_at_growth(const struct note_proof *proof, const struct tree_hash *hashes,
                           uint64_t count)
{
    struct tree_hash right[TREE_PATH_MAX];
    uint64_t first = proof->number;
    if (first == 0 || first > LEAVES)
        return;
    if (!tree_consistency_is_good(first, &roots[first], count, &roots[count], hashes,
                                  proof->hash_count))
        return;
    CHECK(first <= count);
    CHECK(same(hashes, proof->hash_count, right, tree_consistency(leaves, count, first, right)));
}

/* The right proofs of a place that the bytes choose, and one bit of them turned over. */
static void turn_a_bit(const uint8_t *data, uint64_t count)
{
    const struct tree_hash *root = &roots[count];
    struct tree_hash hashes[PROOF_MAX];
    uint64_t index = data[0] % count;
    uint8_t *bytes = hashes[0].data;
    const struct tree_hash *old = &roots[index + 1];
    const struct place *right = place(index, count);
    uint32_t depth = right->depth, size = right->growth_size;
    memcpy(hashes, right->path, sizeof hashes);
    CHECK(tree_path_is_good(&leaves[index], index, count, hashes, depth, root));
    CHECK(!tree_path_is_good(&leaves[(index + 1) % LEAVES], index, count, hashes, depth, root));
    if (depth > 0) {
        bytes[data[1] % (depth * TREE_HASH_SIZE)] ^= (uint8_t)(1u << (data[2] & 7u));
        CHECK(!tree_path_is_good(&leaves[index], index, count, hashes, depth, root));
    }
    memcpy(hashes, right->growth, sizeof hashes);
    CHECK(tree_consistency_is_good(index + 1, old, count, root, hashes, size));
    if (size > 0) {
        bytes[data[1] % (size * TREE_HASH_SIZE)] ^= (uint8_t)(1u << (data[2] & 7u));
        CHECK(!tree_consistency_is_good(index + 1, old, count, root, hashes, size));
    }
}

/* A leaf that is read is written back the same. */
static void take_leaf(struct bytes raw)
{
    struct tree_leaf leaf;
    struct writer again;
    if (!tree_leaf_decode(raw, &leaf) || leaf.slot > SLOT_MAX)
        return;
    writer_init(&again, raw.size);
    tree_leaf_encode(&again, &leaf);
    CHECK(bytes_equal(writer_result(&again), raw));
    writer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note_proof proof;
    struct note note;
    struct note_checkpoint checkpoint;
    struct tree_hash hashes[NOTE_HASHES_MAX];
    prepare();
    take_leaf(bytes_make(data, size));
    if (size >= 4)
        turn_a_bit(data, 1 + data[3] % LEAVES);
    if (note_proof_parse(bytes_make(data, size), &proof) != RSM_OK ||
        note_parse(proof.checkpoint, &note) != RSM_OK ||
        note_checkpoint_parse(note.text, &checkpoint) != RSM_OK || checkpoint.size == 0 ||
        checkpoint.size > LEAVES)
        return 0;
    memcpy(hashes, proof.hashes, sizeof hashes);
    if (proof.kind == NOTE_INCLUSION)
        look_at_inclusion(&proof, hashes, checkpoint.size);
    else
        look_at_growth(&proof, hashes, checkpoint.size);
    return 0;
}
