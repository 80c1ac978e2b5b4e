/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_tree.c - the Merkle tree: the vectors that implementations of RFC 6962 share, every path and
 * every consistency proof of small trees, and what nobody may take for one.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "storage/tree.h"

#define SMALL 33u

/* The eight leaves that implementations of RFC 6962 test with. */
static const struct {
    const char *digits;
    size_t size;
} inputs[] = {
    {"", 0},
    {"00", 1},
    {"10", 1},
    {"2021", 2},
    {"3031", 2},
    {"40414243", 4},
    {"5051525354555657", 8},
    {"606162636465666768696a6b6c6d6e6f", 16},
};
#define INPUT_COUNT (sizeof(inputs) / sizeof(inputs[0]))

/* The roots of the trees of the first 1 to 8 of them. */
static const char *const roots[] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void input_hashes(struct tree_hash out[INPUT_COUNT])
{
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        uint8_t data[16];
        cr_assert(hex_decode(data, inputs[i].size, inputs[i].digits));
        tree_leaf_hash(bytes_make(data, inputs[i].size), &out[i]);
    }
}

static void some_hashes(struct tree_hash *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t data[8];
        put_u64(data, i);
        tree_leaf_hash(bytes_make(data, sizeof data), &out[i]);
    }
}

static void assert_root(const struct tree_hash *root, const char *digits)
{
    char text[2 * TREE_HASH_SIZE + 1];

    hex_encode(text, bytes_make(root->data, TREE_HASH_SIZE));
    cr_assert_str_eq(text, digits);
}

Test(tree, the_roots_are_those_of_other_implementations)
{
    struct tree_hash leaves[INPUT_COUNT];
    struct tree_hash root;

    input_hashes(leaves);
    tree_root(NULL, 0, &root);
    assert_root(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < INPUT_COUNT; i++) {
        tree_root(leaves, i + 1, &root);
        assert_root(&root, roots[i]);
    }
}

Test(tree, a_known_path_and_a_known_consistency_proof)
{
    struct tree_hash leaves[INPUT_COUNT];
    struct tree_hash proof[TREE_PATH_MAX];

    input_hashes(leaves);
    cr_assert_eq(tree_path(leaves, 8, 5, proof), 3);
    assert_root(&proof[0], "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b");
    assert_root(&proof[1], "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
    assert_root(&proof[2], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
    cr_assert_eq(tree_consistency(leaves, 8, 6, proof), 3);
    assert_root(&proof[0], "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a");
    assert_root(&proof[1], "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
    assert_root(&proof[2], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
}

Test(tree, every_leaf_of_every_small_tree_has_a_path_and_no_other_place)
{
    struct tree_hash leaves[SMALL];
    struct tree_hash path[TREE_PATH_MAX];
    struct tree_hash root;

    some_hashes(leaves, SMALL);
    for (uint64_t count = 1; count <= SMALL; count++) {
        tree_root(leaves, count, &root);
        for (uint64_t i = 0; i < count; i++) {
            uint32_t size = tree_path(leaves, count, i, path);
            for (uint64_t at = 0; at <= count; at++)
                cr_assert_eq(tree_path_is_good(&leaves[i], at, count, path, size, &root), at == i,
                             "leaf %u of %u at %u", (unsigned)i, (unsigned)count, (unsigned)at);
            cr_assert_not(tree_path_is_good(&leaves[(i + 1) % SMALL], i, count, path, size, &root));
        }
    }
}

Test(tree, every_small_tree_begins_with_every_smaller_one)
{
    struct tree_hash leaves[SMALL];
    struct tree_hash proof[TREE_PATH_MAX];
    struct tree_hash before;
    struct tree_hash after;

    some_hashes(leaves, SMALL);
    for (uint64_t count = 1; count <= SMALL; count++) {
        for (uint64_t first = 1; first <= count; first++) {
            uint32_t size = tree_consistency(leaves, count, first, proof);
            tree_root(leaves, first, &before);
            tree_root(leaves, count, &after);
            cr_assert(tree_consistency_is_good(first, &before, count, &after, proof, size));
            cr_assert_eq(tree_consistency_is_good(first, &after, count, &before, proof, size),
                         first == count);
            if (size > 0) {
                cr_assert_not(
                    tree_consistency_is_good(first, &before, count, &after, proof, size - 1));
                proof[size] = proof[size - 1];
                cr_assert_not(
                    tree_consistency_is_good(first, &before, count, &after, proof, size + 1));
            }
        }
        cr_assert_not(tree_consistency_is_good(0, &before, count, &after, proof, 0));
        cr_assert_not(tree_consistency_is_good(count + 1, &before, count, &after, proof, 0));
    }
}

Test(tree, no_bit_of_a_proof_can_be_another)
{
    struct tree_hash leaves[SMALL];
    struct tree_hash path[TREE_PATH_MAX];
    struct tree_hash root;
    struct tree_hash before;

    some_hashes(leaves, SMALL);
    tree_root(leaves, 21, &root);
    tree_root(leaves, 13, &before);
    uint32_t size = tree_path(leaves, 21, 13, path);
    for (uint32_t bit = 0; bit < size * TREE_HASH_SIZE * 8; bit++) {
        uint8_t *byte = &path[bit / 256].data[bit % 256 / 8];
        *byte ^= (uint8_t)(1u << bit % 8);
        cr_assert_not(tree_path_is_good(&leaves[13], 13, 21, path, size, &root));
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert(tree_path_is_good(&leaves[13], 13, 21, path, size, &root));
    size = tree_consistency(leaves, 21, 13, path);
    for (uint32_t bit = 0; bit < size * TREE_HASH_SIZE * 8; bit++) {
        uint8_t *byte = &path[bit / 256].data[bit % 256 / 8];
        *byte ^= (uint8_t)(1u << bit % 8);
        cr_assert_not(tree_consistency_is_good(13, &before, 21, &root, path, size));
        *byte ^= (uint8_t)(1u << bit % 8);
    }
}

Test(tree, huge_counts_from_outside_end)
{
    struct tree_hash hashes[TREE_PATH_MAX];

    memset(hashes, 7, sizeof hashes);
    cr_assert_not(
        tree_path_is_good(hashes, UINT64_MAX - 1, UINT64_MAX, hashes, TREE_PATH_MAX, hashes));
    cr_assert_not(tree_path_is_good(hashes, UINT64_MAX, UINT64_MAX, hashes, 3, hashes));
    cr_assert_not(tree_consistency_is_good(UINT64_MAX - 1, hashes, UINT64_MAX, hashes, hashes,
                                           TREE_PATH_MAX));
    cr_assert_not(tree_consistency_is_good(1, hashes, UINT64_MAX, hashes, hashes, 0));
}

Test(tree, a_leaf_is_read_as_it_was_written_and_nothing_else_is_one)
{
    uint8_t effects[HASH_SIZE];
    struct writer out;
    struct tree_leaf back;

    memset(effects, 9, sizeof effects);
    struct tree_leaf leaf = {7, 1234567, bytes_of_string("entry"), bytes_of_string("verdicts"),
                             effects};
    writer_init(&out, 1024);
    tree_leaf_encode(&out, &leaf);
    cr_assert(tree_leaf_decode(writer_result(&out), &back));
    cr_assert_eq(back.slot, 7);
    cr_assert_eq(back.log_time_ms, 1234567);
    cr_assert(bytes_equal(back.entry, leaf.entry));
    cr_assert(bytes_equal(back.verdicts, leaf.verdicts));
    cr_assert_arr_eq(back.effects, effects, HASH_SIZE);
    for (size_t size = 0; size < out.size; size++)
        cr_assert_not(tree_leaf_decode(bytes_make(out.data, size), &back));
    writer_u8(&out, 0);
    cr_assert_not(tree_leaf_decode(writer_result(&out), &back));
    out.size--;
    put_u64(out.data + 28, UINT64_MAX); /* the size of the entry */
    cr_assert_not(tree_leaf_decode(writer_result(&out), &back));
    writer_deinit(&out);
}

Test(tree, a_proof_that_is_too_short_or_too_long_is_none)
{
    struct tree_hash hashes[7];
    struct tree_hash root3, root7;
    some_hashes(hashes, 7);
    tree_root(hashes, 3, &root3);
    tree_root(hashes, 7, &root7);
    cr_assert(tree_consistency_is_good(7, &root7, 7, &root7, hashes, 0));
    cr_assert_not(tree_consistency_is_good(7, &root7, 7, &root7, hashes, 1));
    cr_assert_not(tree_consistency_is_good(7, &root3, 7, &root7, hashes, 0));
    cr_assert_not(tree_consistency_is_good(3, &root3, 7, &root7, hashes, 0));
}

Test(tree, a_leaf_of_slot_0_or_with_another_tag_is_none)
{
    const uint8_t effects[HASH_SIZE] = {7};
    struct tree_leaf leaf = {.slot = 1, .effects = effects};
    struct tree_leaf back;
    struct writer out;
    writer_init(&out, 1024);
    tree_leaf_encode(&out, &leaf);
    cr_assert(tree_leaf_decode(writer_result(&out), &back));
    size_t slot_at = out.size - HASH_SIZE - 4 * 8;
    out.data[slot_at + 7] = 0;
    cr_assert_not(tree_leaf_decode(writer_result(&out), &back));
    out.data[slot_at + 7] = 1;
    out.data[0] ^= 1;
    cr_assert_not(tree_leaf_decode(writer_result(&out), &back));
    writer_deinit(&out);
}
