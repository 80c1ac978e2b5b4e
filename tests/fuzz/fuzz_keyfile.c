/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_keyfile.c - any text as a key file, without a passphrase: a sealed one stops before Argon2.
 *
 * A plain key that is read is written and read back as the same key.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/command/keyfile.h"
#include "tests/fuzz/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rsm_key *key, *again;
    bool is_encrypted;
    char text[KEYFILE_SIZE_MAX];
    size_t text_size;
    crypto_begin();
    (void)keyfile_is_encrypted(bytes_make(data, size), &is_encrypted);
    if (keyfile_parse(bytes_make(data, size), NULL, 0, &key) != RSM_OK)
        return 0;
    CHECK(keyfile_format(key, NULL, 0, NULL, text, &text_size) == RSM_OK);
    CHECK(keyfile_parse(bytes_make(text, text_size), NULL, 0, &again) == RSM_OK);
    CHECK(strcmp(rsm_key_name(key), rsm_key_name(again)) == 0);
    CHECK(memcmp(rsm_key_public(key), rsm_key_public(again), RSM_PUBLIC_KEY_SIZE) == 0);
    rsm_key_free(key);
    rsm_key_free(again);
    return 0;
}
