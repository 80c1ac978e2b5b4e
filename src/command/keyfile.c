/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile.c - the text of a key file, both ways. Its form is in keyfile.h.
 *
 * Secrets (seed, text of a plain file, derived key) are in sodium_malloc memory only: guarded,
 * locked where the system lets us, left out of core dumps, wiped when freed.
 */
#include "src/command/keyfile.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/canonical.h"
#include "src/command/key.h"

#define CIPHER_NONE "none"
#define CIPHER_BOX "argon2id-xchacha20poly1305"
#define SALT_SIZE crypto_pwhash_SALTBYTES
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define BOX_SIZE (KEYFILE_SEED_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define PASSPHRASE_SIZE_MIN 8u

_Static_assert(SALT_SIZE == 16 && NONCE_SIZE == 24 && BOX_SIZE == 48, "as keyfile.h says");
_Static_assert(KEYFILE_SEED_SIZE == crypto_sign_SEEDBYTES, "Ed25519");

enum field {
    FIELD_FORMAT = 0,
    FIELD_PRINCIPAL,
    FIELD_PUBLIC,
    FIELD_CIPHER,
    FIELD_SEED,
    FIELD_OPS,
    FIELD_MEMORY,
    FIELD_SALT,
    FIELD_NONCE,
    FIELD_BOX,
    FIELD_COUNT,
};

static const char *const FIELD_NAMES[FIELD_COUNT] = {
    "rsm-key", "principal", "public", "cipher", "seed", "ops", "memory", "salt", "nonce", "box",
};

/* The lines, borrowed from the text. */
struct lines {
    struct bytes values[FIELD_COUNT]; /* data NULL: no such line */
    size_t box_offset;                /* where the line of the box begins */
    enum field last;
};

/* ---- reading ---- */

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]) != NULL &&
           text.data[text.size - 1] != 0)
        text.size--;
    return text;
}

static enum rsm_status read_line(struct lines *lines, struct bytes line, bool is_first)
{
    const uint8_t *sign = memchr(line.data, '=', line.size);
    if (sign == NULL)
        return RSM_MALFORMED;
    size_t name_size = (size_t)(sign - line.data);
    struct bytes name = trim(bytes_make(line.data, name_size));
    struct bytes value = trim(bytes_make(sign + 1, line.size - name_size - 1));
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        if (!bytes_equal(name, bytes_of_string(FIELD_NAMES[i])))
            continue;
        if (lines->values[i].data != NULL || is_first != (i == FIELD_FORMAT) || value.size == 0)
            return RSM_MALFORMED;
        lines->values[i] = value;
        lines->last = (enum field)i;
        return RSM_OK;
    }
    return RSM_MALFORMED;
}

static enum rsm_status read_lines(struct bytes text, struct lines *out)
{
    *out = (struct lines){.box_offset = 0};
    bool is_first = true;
    size_t offset = 0;
    if (text.size > KEYFILE_SIZE_MAX)
        return RSM_MALFORMED;
    while (offset < text.size) {
        const uint8_t *end = memchr(text.data + offset, '\n', text.size - offset);
        size_t size = end != NULL ? (size_t)(end - text.data) - offset : text.size - offset;
        struct bytes line = trim(bytes_make(text.data + offset, size));
        if (line.size > 0 && line.data[0] != '#') {
            if (out->values[FIELD_BOX].data == NULL)
                out->box_offset = offset;
            enum rsm_status status = read_line(out, line, is_first);
            if (status != RSM_OK)
                return status;
            is_first = false;
        }
        offset += size + 1;
    }
    return is_first ? RSM_MALFORMED : RSM_OK;
}

/* Hexadecimal digits, exactly `size` bytes of them. */
static bool read_hex(struct bytes text, uint8_t *out, size_t size)
{
    size_t read = 0;
    return text.data != NULL && text.size == 2 * size &&
           sodium_hex2bin(out, size, (const char *)text.data, text.size, NULL, &read, NULL) == 0 &&
           read == size;
}

/* A decimal number in [min, max], without a sign. */
static bool read_number(struct bytes text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.data == NULL || text.size > 18)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    return value >= min && value <= max;
}

/* Which lines must be there, and which must not: a bit each. */
static bool has_exactly(const struct lines *lines, uint32_t wanted)
{
    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        if ((lines->values[i].data != NULL) != ((wanted >> i & 1) != 0))
            return false;
    return true;
}

static enum rsm_status check_lines(const struct lines *lines, bool *encrypted_out)
{
    const uint32_t common =
        1u << FIELD_FORMAT | 1u << FIELD_PRINCIPAL | 1u << FIELD_PUBLIC | 1u << FIELD_CIPHER;
    const uint32_t sealed = 1u << FIELD_OPS | 1u << FIELD_MEMORY | 1u << FIELD_SALT |
                            1u << FIELD_NONCE | 1u << FIELD_BOX;
    uint64_t format;
    if (!read_number(lines->values[FIELD_FORMAT], 1, UINT32_MAX, &format))
        return RSM_MALFORMED;
    if (format > 1)
        return RSM_NEWER_FORMAT;
    struct bytes cipher = lines->values[FIELD_CIPHER];
    *encrypted_out = bytes_equal(cipher, bytes_of_string(CIPHER_BOX));
    if (*encrypted_out)
        return has_exactly(lines, common | sealed) && lines->last == FIELD_BOX ? RSM_OK
                                                                               : RSM_MALFORMED;
    if (!bytes_equal(cipher, bytes_of_string(CIPHER_NONE)))
        return RSM_MALFORMED;
    return has_exactly(lines, common | 1u << FIELD_SEED) ? RSM_OK : RSM_MALFORMED;
}

enum rsm_status keyfile_is_encrypted(struct bytes text, bool *encrypted_out)
{
    struct lines lines;
    *encrypted_out = false;
    enum rsm_status status = read_lines(text, &lines);
    return status == RSM_OK ? check_lines(&lines, encrypted_out) : status;
}

/* Opens the box with the passphrase. `above` is the text that the box vouches for. */
static enum rsm_status unseal(const struct lines *lines, struct bytes above, const char *passphrase,
                              size_t passphrase_size, uint8_t *seed_out)
{
    uint8_t salt[SALT_SIZE], nonce[NONCE_SIZE], box[BOX_SIZE];
    uint64_t ops, memory;
    if (!read_number(lines->values[FIELD_OPS], crypto_pwhash_OPSLIMIT_MIN, KEYFILE_OPS_MAX, &ops) ||
        !read_number(lines->values[FIELD_MEMORY], crypto_pwhash_MEMLIMIT_MIN, KEYFILE_MEMORY_MAX,
                     &memory) ||
        !read_hex(lines->values[FIELD_SALT], salt, sizeof salt) ||
        !read_hex(lines->values[FIELD_NONCE], nonce, sizeof nonce) ||
        !read_hex(lines->values[FIELD_BOX], box, sizeof box))
        return RSM_MALFORMED;
    if (passphrase == NULL)
        return RSM_BAD_PASSPHRASE;
    uint8_t *secret = sodium_malloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (secret == NULL)
        return RSM_NO_MEMORY;
    enum rsm_status status = RSM_OK;
    if (crypto_pwhash(secret, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase,
                      passphrase_size, salt, ops, (size_t)memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        status = RSM_NO_MEMORY;
    else if (crypto_aead_xchacha20poly1305_ietf_decrypt(seed_out, NULL, NULL, box, sizeof box,
                                                        above.data, above.size, nonce, secret) != 0)
        status = RSM_BAD_PASSPHRASE;
    sodium_free(secret);
    return status;
}

enum rsm_status keyfile_parse(struct bytes text, const char *passphrase, size_t passphrase_size,
                              struct rsm_key **key_out)
{
    struct lines lines;
    bool is_encrypted;
    uint8_t public_key[RSM_PUBLIC_KEY_SIZE];
    char name[LIMIT_PRINCIPAL_SIZE + 1] = {0};
    *key_out = NULL;
    enum rsm_status status = read_lines(text, &lines);
    if (status == RSM_OK)
        status = check_lines(&lines, &is_encrypted);
    if (status != RSM_OK)
        return status;
    struct bytes principal = lines.values[FIELD_PRINCIPAL];
    if (principal.size > LIMIT_PRINCIPAL_SIZE ||
        !read_hex(lines.values[FIELD_PUBLIC], public_key, sizeof public_key))
        return RSM_MALFORMED;
    memcpy(name, principal.data, principal.size);

    uint8_t *seed = sodium_malloc(KEYFILE_SEED_SIZE);
    if (seed == NULL)
        return RSM_NO_MEMORY;
    if (is_encrypted)
        status = unseal(&lines, bytes_make(text.data, lines.box_offset), passphrase,
                        passphrase_size, seed);
    else if (!read_hex(lines.values[FIELD_SEED], seed, KEYFILE_SEED_SIZE))
        status = RSM_MALFORMED;
    if (status == RSM_OK)
        status = strlen(name) == principal.size ? key_from_seed(name, seed, key_out)
                                                : RSM_MALFORMED; /* a zero byte in the name */
    sodium_free(seed);
    if (status == RSM_OK && memcmp(rsm_key_public(*key_out), public_key, sizeof public_key) != 0) {
        rsm_key_free(*key_out);
        *key_out = NULL;
        status = RSM_MALFORMED;
    }
    return status;
}

/* ---- writing ---- */

/* Appends to a text of at most KEYFILE_SIZE_MAX bytes, all of them bounded by the caller. */
static void put_line(char *out, size_t *size, const char *name, const char *value)
{
    int written = snprintf(out + *size, KEYFILE_SIZE_MAX - *size, "%s = %s\n", name, value);
    CHECK(written > 0);
    CHECK((size_t)written < KEYFILE_SIZE_MAX - *size);
    *size += (size_t)written;
}

static void put_hex_line(char *out, size_t *size, const char *name, const uint8_t *value,
                         size_t value_size)
{
    put_line(out, size, name, "");
    (*size)--; /* over the end of line */
    CHECK(2 * value_size + 2 < KEYFILE_SIZE_MAX - *size);
    (void)sodium_bin2hex(out + *size, 2 * value_size + 1, value, value_size);
    *size += 2 * value_size;
    out[(*size)++] = '\n';
}

static void put_number_line(char *out, size_t *size, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_line(out, size, name, text);
}

static enum rsm_status seal(const struct rsm_key *key, const char *passphrase,
                            size_t passphrase_size, const struct keyfile_cost *cost, char *out,
                            size_t *size)
{
    uint8_t salt[SALT_SIZE], nonce[NONCE_SIZE], box[BOX_SIZE];
    if (passphrase_size < PASSPHRASE_SIZE_MIN)
        return RSM_BAD_PASSPHRASE;
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(nonce, sizeof nonce);
    put_number_line(out, size, FIELD_NAMES[FIELD_OPS], cost->ops);
    put_number_line(out, size, FIELD_NAMES[FIELD_MEMORY], cost->memory);
    put_hex_line(out, size, FIELD_NAMES[FIELD_SALT], salt, sizeof salt);
    put_hex_line(out, size, FIELD_NAMES[FIELD_NONCE], nonce, sizeof nonce);
    uint8_t *secret = sodium_malloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (secret == NULL)
        return RSM_NO_MEMORY;
    int result = crypto_pwhash(secret, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase,
                               passphrase_size, salt, cost->ops, (size_t)cost->memory,
                               crypto_pwhash_ALG_ARGON2ID13);
    if (result == 0)
        result = crypto_aead_xchacha20poly1305_ietf_encrypt(box, NULL, key_seed(key),
                                                            KEYFILE_SEED_SIZE, (const uint8_t *)out,
                                                            *size, NULL, nonce, secret);
    sodium_free(secret);
    if (result != 0)
        return RSM_NO_MEMORY;
    put_hex_line(out, size, FIELD_NAMES[FIELD_BOX], box, sizeof box);
    return RSM_OK;
}

enum rsm_status keyfile_format(const struct rsm_key *key, const char *passphrase,
                               size_t passphrase_size, const struct keyfile_cost *cost, char *out,
                               size_t *size_out)
{
    static const struct keyfile_cost usual = {crypto_pwhash_OPSLIMIT_MODERATE,
                                              crypto_pwhash_MEMLIMIT_MODERATE};
    size_t size = 0;
    put_line(out, &size, FIELD_NAMES[FIELD_FORMAT], "1");
    put_line(out, &size, FIELD_NAMES[FIELD_PRINCIPAL], rsm_key_name(key));
    put_hex_line(out, &size, FIELD_NAMES[FIELD_PUBLIC], rsm_key_public(key), RSM_PUBLIC_KEY_SIZE);
    put_line(out, &size, FIELD_NAMES[FIELD_CIPHER], passphrase != NULL ? CIPHER_BOX : CIPHER_NONE);
    enum rsm_status status = RSM_OK;
    if (passphrase != NULL)
        status = seal(key, passphrase, passphrase_size, cost != NULL ? cost : &usual, out, &size);
    else
        put_hex_line(out, &size, FIELD_NAMES[FIELD_SEED], key_seed(key), KEYFILE_SEED_SIZE);
    *size_out = status == RSM_OK ? size : 0;
    return status;
}
