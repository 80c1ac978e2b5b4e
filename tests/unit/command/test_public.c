/* SPDX-License-Identifier: Apache-2.0 */
/* test_public.c - calls of librsm that no program of this project makes, as their headers say. */
#include <criterion/criterion.h>

#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

#include <rsm/stage.h>
#include <rsm/wire.h>

#include "tests/unit/command/fixture.h"

Test(public, a_text_that_does_not_end)
{
    static const char text[] = {'a', '\0', 'b'};
    struct rsm_pack *pack = rsm_pack_new();
    rsm_pack_array(pack, 2);
    rsm_pack_str(pack, rsm_bytes_make(text, sizeof text));
    rsm_pack_str(pack, rsm_bytes_make(NULL, 0));
    struct rsm_bytes packed = rsm_pack_result(pack);
    cr_assert_eq(packed.size, 6);
    cr_assert_arr_eq(packed.data,
                     "\x92\xa3"
                     "a\0b\xa0",
                     6);
    rsm_pack_free(pack);
}

/* The same bytes have the same digest, in any place; one bit more or less has another. */
Test(public, an_envelope_has_one_digest)
{
    struct rsm_key *key = fixture_key("alice", 1);
    struct rsm_buffer buffer = fixture_envelope(key, 9);
    struct rsm_bytes envelope = rsm_buffer_bytes(&buffer);
    struct bytes copy = fixture_exact(envelope.data, envelope.size);
    uint8_t digest[RSM_DIGEST_SIZE], other[RSM_DIGEST_SIZE];
    rsm_envelope_digest(envelope, digest);
    rsm_envelope_digest(rsm_bytes_make(copy.data, copy.size), other);
    cr_assert_arr_eq(digest, other, RSM_DIGEST_SIZE);
    rsm_envelope_digest(rsm_bytes_make(copy.data, copy.size - 1), other);
    cr_assert_neq(memcmp(digest, other, RSM_DIGEST_SIZE), 0);
    fixture_free(copy);
    uint8_t plain[RSM_DIGEST_SIZE];
    crypto_generichash(plain, sizeof plain, envelope.data, envelope.size, NULL, 0);
    cr_assert_neq(memcmp(digest, plain, RSM_DIGEST_SIZE), 0, "a tag stands before the bytes");
    rsm_buffer_free(&buffer);
    rsm_key_free(key);
}

/* A key says whether its memory is locked as the system says whether memory can be. */
Test(public, a_key_says_whether_it_is_locked)
{
    static uint8_t page[4096];
    bool can_lock = mlock(page, sizeof page) == 0;
    struct rsm_key *key;
    cr_assert_eq(rsm_key_generate("alice", &key), RSM_OK);
    cr_assert_eq(rsm_key_is_locked(key), can_lock);
    rsm_key_free(key);
}

Test(public, stages_have_words)
{
    cr_assert_str_eq(rsm_stage_text(RSM_STAGE_CAUSAL),
                     "clocks, order, dependencies, cycles, prerequisites");
    for (uint32_t stage = RSM_STAGE_PREFLIGHT; stage <= RSM_STAGE_POSTCOMMIT; stage++)
        cr_assert_neq(strcmp(rsm_stage_text(stage), rsm_stage_text(0)), 0);
    cr_assert_str_eq(rsm_stage_text(0), rsm_stage_text(RSM_STAGE_POSTCOMMIT + 1));
    cr_assert_str_eq(rsm_stage_id(RSM_STAGE_POSTCOMMIT + 1), "unknown");
}
