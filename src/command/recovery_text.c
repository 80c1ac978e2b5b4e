/* SPDX-License-Identifier: Apache-2.0 */
/* recovery_text.c - see recovery_text.h. */
#include "src/command/recovery_text.h"

#include <string.h>

#include <sodium.h>

#include "src/command/recovery.h"

void recovery_digest(struct bytes statement, uint8_t digest_out[HASH_SIZE])
{
    _Static_assert(crypto_hash_sha256_BYTES == HASH_SIZE, "SHA-256");
    (void)crypto_hash_sha256(digest_out, statement.data, statement.size);
}

static void put_hex(struct writer *out, const char *key, struct bytes value)
{
    char hex[2 * RECOVERY_SIZE_MAX + 1];
    if (value.size > RECOVERY_SIZE_MAX) {
        out->failed = true;
        return;
    }
    hex_encode(hex, value);
    writer_format(out, "%s = %s\n", key, hex);
}

void recovery_text_encode(struct writer *out, struct bytes statement)
{
    uint8_t digest[HASH_SIZE];
    recovery_digest(statement, digest);
    put_hex(out, "statement", statement);
    put_hex(out, "digest", bytes_make(digest, sizeof digest));
}

/* The value of the one line `key = value`; empty when there is none, or two. */
static struct bytes find(struct bytes text, const char *key)
{
    struct bytes found = {NULL, 0};
    size_t size = strlen(key), at = 0;
    bool is_twice = false;
    while (at < text.size) {
        const uint8_t *line = text.data + at;
        const uint8_t *end = memchr(line, '\n', text.size - at);
        size_t length = end != NULL ? (size_t)(end - line) : text.size - at;
        at += length + 1;
        if (length <= size + 3 || memcmp(line, key, size) != 0 ||
            memcmp(line + size, " = ", 3) != 0)
            continue;
        is_twice = found.size > 0;
        found = bytes_make(line + size + 3, length - size - 3);
    }
    return is_twice ? bytes_make(NULL, 0) : found;
}

static bool take_hex(struct bytes text, const char *key, uint8_t *out, size_t size)
{
    char copy[2 * RECOVERY_SIZE_MAX + 1]; /* hex_decode wants a string */
    struct bytes hex = find(text, key);
    if (hex.size != 2 * size || size > RECOVERY_SIZE_MAX)
        return false;
    memcpy(copy, hex.data, hex.size);
    copy[hex.size] = '\0';
    return hex_decode(out, size, copy);
}

enum rsm_status recovery_text_decode(struct bytes text, struct writer *statement_out)
{
    uint8_t bytes[RECOVERY_SIZE_MAX], said[HASH_SIZE], digest[HASH_SIZE];
    struct bytes hex = find(text, "statement");
    size_t size = hex.size / 2;
    if (size == 0 || size > sizeof bytes || !take_hex(text, "statement", bytes, size) ||
        !take_hex(text, "digest", said, sizeof said))
        return RSM_MALFORMED;
    recovery_digest(bytes_make(bytes, size), digest);
    if (memcmp(said, digest, sizeof said) != 0)
        return RSM_DAMAGED;
    writer_bytes(statement_out, bytes_make(bytes, size));
    return RSM_OK;
}

void recovery_approval_encode(struct writer *out, const struct recovery_approval_text *approval)
{
    put_hex(out, "digest", bytes_make(approval->digest, sizeof approval->digest));
    writer_format(out, "principal = %s\n", approval->principal);
    put_hex(out, "signature", bytes_make(approval->signature, sizeof approval->signature));
}

enum rsm_status recovery_approval_decode(struct bytes text, struct recovery_approval_text *out)
{
    struct bytes name = find(text, "principal");
    if (name.size == 0 || name.size > LIMIT_PRINCIPAL_SIZE || !body_is_word(name) ||
        !take_hex(text, "digest", out->digest, sizeof out->digest) ||
        !take_hex(text, "signature", out->signature, sizeof out->signature))
        return RSM_MALFORMED;
    memcpy(out->principal, name.data, name.size);
    out->principal[name.size] = '\0';
    return RSM_OK;
}
