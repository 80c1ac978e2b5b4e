/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_chain.c - the two hash chains, against hashes put together by hand. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#include "storage/chain.h"

/* BLAKE2b-256 of a hand-made buffer. */
static void hash(const uint8_t *data, size_t size, uint8_t out[HASH_SIZE])
{
    cr_assert_eq(crypto_generichash(out, HASH_SIZE, data, size, NULL, 0), 0);
}

Test(chain, heads_of_slot_0_are_hashes_of_the_genesis)
{
    struct chain_heads heads;
    uint8_t expected[HASH_SIZE];

    chain_begin(bytes_of_string("GENESIS"), &heads);
    hash((const uint8_t *)"rsm genesis v1GENESIS", 21, expected);
    cr_assert_arr_eq(heads.entry, expected, HASH_SIZE);
    hash((const uint8_t *)"rsm verdict genesis v1GENESIS", 29, expected);
    cr_assert_arr_eq(heads.verdict, expected, HASH_SIZE);
}

Test(chain, the_cluster_id_is_blake2b_128_of_the_genesis)
{
    uint8_t id[CLUSTER_ID_SIZE];
    char text[2 * CLUSTER_ID_SIZE + 1];

    chain_cluster_id(bytes_of_string("abc"), id);
    hex_encode(text, bytes_make(id, sizeof(id)));
    cr_assert_str_eq(text, "cf4ab791c62b8d2b2109c90275287816");
}

Test(chain, an_entry_head_covers_tag_head_slot_time_and_bytes)
{
    struct chain_heads heads;
    uint8_t buffer[13 + HASH_SIZE + 16 + 3];
    uint8_t expected[HASH_SIZE];

    memset(&heads, 0x11, sizeof(heads));
    memcpy(buffer, "rsm entry v1", 13);
    memset(buffer + 13, 0x11, HASH_SIZE);
    put_u64(buffer + 45, 7);
    put_u64(buffer + 53, 1234567);
    memcpy(buffer + 61, "abc", 3);
    hash(buffer, sizeof(buffer), expected);
    chain_add_entry(&heads, 7, 1234567, bytes_of_string("abc"));
    cr_assert_arr_eq(heads.entry, expected, HASH_SIZE);
    cr_assert_eq(heads.verdict[0], 0x11, "the other chain is left alone");
}

Test(chain, a_verdict_head_covers_tag_head_slot_size_verdicts_and_effects)
{
    struct chain_heads heads;
    uint8_t effects[HASH_SIZE];
    uint8_t buffer[15 + HASH_SIZE + 16 + 2 + HASH_SIZE];
    uint8_t expected[HASH_SIZE];

    memset(&heads, 0x22, sizeof(heads));
    memset(effects, 0x33, sizeof(effects));
    memcpy(buffer, "rsm verdict v1", 15);
    memset(buffer + 15, 0x22, HASH_SIZE);
    put_u64(buffer + 47, 9);
    put_u64(buffer + 55, 2);
    memcpy(buffer + 63, "vv", 2);
    memset(buffer + 65, 0x33, HASH_SIZE);
    hash(buffer, sizeof(buffer), expected);
    chain_add_verdict(&heads, 9, bytes_of_string("vv"), effects);
    cr_assert_arr_eq(heads.verdict, expected, HASH_SIZE);
    cr_assert_eq(heads.entry[0], 0x22, "the other chain is left alone");
}

Test(chain, a_no_op_moves_the_head_too)
{
    struct chain_heads heads;
    struct chain_heads before;

    chain_begin(bytes_of_string("g"), &heads);
    before = heads;
    chain_add_entry(&heads, 1, 5, bytes_make(NULL, 0));
    cr_assert_neq(memcmp(heads.entry, before.entry, HASH_SIZE), 0);
}
