/* SPDX-License-Identifier: Apache-2.0 */
/* note.c - notes, keys and signatures of note.h; note_proof.c has checkpoints and proofs. */
#include "src/command/note.h"

#include <sodium.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/command/keyfile.h"
#include "src/command/note_text.h"

#define KEY_ID_SIZE 4u
#define COSIGNATURE_SIZE (8u + SIGNATURE_SIZE)
#define SIGNATURE_BYTES_MAX 5120u /* of algorithms that we do not know */

static const char dash[] = "\xe2\x80\x94 "; /* em dash, blank */
/* Notes are signed as they are. */
static const struct signature_tag no_tag = {"", 0};

bool note_take_line(struct bytes *rest, struct bytes *line_out)
{
    const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    if (end == NULL)
        return false;
    *line_out = bytes_make(rest->data, (size_t)(end - rest->data));
    *rest = bytes_make(end + 1, rest->size - line_out->size - 1);
    return true;
}

bool note_take_prefix(struct bytes *rest, const char *prefix)
{
    size_t size = strlen(prefix);
    if (rest->size < size || memcmp(rest->data, prefix, size) != 0)
        return false;
    *rest = bytes_make(rest->data + size, rest->size - size);
    return true;
}

bool note_parse_number(struct bytes text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.size == 0 || text.size > 20 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

void note_base64_write(struct bytes data, struct writer *out)
{
    size_t size = sodium_base64_encoded_len(data.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = mem_alloc(size);
    (void)sodium_bin2base64(text, size, data.data, data.size, sodium_base64_VARIANT_ORIGINAL);
    writer_bytes(out, bytes_make(text, size - 1));
    mem_free(text);
}

/*
 * libsodium's reader takes some bytes above 127 for digits (1.0.18), so what was read is written
 * again: one spelling for one value.
 */
bool note_base64_read(struct bytes text, struct writer *out)
{
    size_t size_max = text.size / 4 * 3, size = 0;
    uint8_t *data = mem_alloc(size_max + 1);
    struct writer again;
    bool is_good = text.size % 4 == 0 &&
                   sodium_base642bin(data, size_max, (const char *)text.data, text.size, NULL,
                                     &size, NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
    writer_init(&again, text.size);
    if (is_good)
        note_base64_write(bytes_make(data, size), &again);
    is_good = is_good && bytes_equal(writer_result(&again), text);
    if (is_good)
        writer_bytes(out, bytes_make(data, size));
    writer_deinit(&again);
    mem_free(data);
    return is_good && !out->failed;
}

/* ---- keys ---- */

static bool is_name(struct bytes name)
{
    if (name.size == 0 || name.size >= NOTE_NAME_SIZE)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] == '+' || name.data[i] == 0x7f)
            return false;
    }
    /* U+0085, U+00A0 and the blanks of U+2000 to U+3000 are blanks as well: none is needed. */
    return memmem(name.data, name.size, "\xc2\x85", 2) == NULL &&
           memmem(name.data, name.size, "\xc2\xa0", 2) == NULL &&
           memmem(name.data, name.size, "\xe2\x80", 2) == NULL &&
           memmem(name.data, name.size, "\xe3\x80\x80", 3) == NULL;
}

/* The first four bytes of SHA-256(name | line end | type | public key). */
static uint32_t key_id(const struct note_key *key)
{
    crypto_hash_sha256_state state;
    uint8_t hash[crypto_hash_sha256_BYTES];
    uint8_t middle[2] = {'\n', (uint8_t)key->type};
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, (const uint8_t *)key->name, strlen(key->name));
    (void)crypto_hash_sha256_update(&state, middle, sizeof middle);
    (void)crypto_hash_sha256_update(&state, key->public_key, sizeof key->public_key);
    (void)crypto_hash_sha256_final(&state, hash);
    return get_u32(hash);
}

enum rsm_status note_key_of(const struct rsm_key *key, struct note_key *out)
{
    struct bytes name = bytes_of_string(rsm_key_name(key));
    *out = (struct note_key){.type = NOTE_ED25519};
    if (!is_name(name))
        return RSM_MALFORMED;
    memcpy(out->name, name.data, name.size);
    memcpy(out->public_key, rsm_key_public(key), RSM_PUBLIC_KEY_SIZE);
    out->id = key_id(out);
    return RSM_OK;
}

void note_key_format(const struct note_key *key, struct writer *out)
{
    uint8_t bytes[1 + RSM_PUBLIC_KEY_SIZE];
    bytes[0] = (uint8_t)key->type;
    memcpy(bytes + 1, key->public_key, RSM_PUBLIC_KEY_SIZE);
    writer_format(out, "%s+%08x+", key->name, (unsigned)key->id);
    note_base64_write(bytes_make(bytes, sizeof bytes), out);
}

enum rsm_status note_key_parse(const char *text, struct note_key *out)
{
    uint8_t id[KEY_ID_SIZE];
    char digits[2 * KEY_ID_SIZE + 1] = {0};
    struct writer bytes;
    const char *plus = strchr(text, '+');
    *out = (struct note_key){.type = NOTE_ED25519};
    if (plus == NULL || strlen(plus) < 2 + 2 * KEY_ID_SIZE || plus[1 + 2 * KEY_ID_SIZE] != '+' ||
        strlen(text) > NOTE_SIZE_MAX)
        return RSM_MALFORMED;
    struct bytes name = bytes_make(text, (size_t)(plus - text));
    memcpy(digits, plus + 1, 2 * KEY_ID_SIZE);
    if (strpbrk(digits, "ABCDEF") != NULL) /* one spelling for one key */
        return RSM_MALFORMED;
    if (!is_name(name) || !hex_decode(id, sizeof id, digits))
        return RSM_MALFORMED;
    memcpy(out->name, name.data, name.size);
    out->id = get_u32(id);
    writer_init(&bytes, NOTE_SIZE_MAX);
    bool is_good = note_base64_read(bytes_of_string(plus + 2 + 2 * KEY_ID_SIZE), &bytes);
    enum rsm_status status = is_good && bytes.size > 0 ? RSM_OK : RSM_MALFORMED;
    if (status == RSM_OK && bytes.data[0] != NOTE_ED25519 && bytes.data[0] != NOTE_COSIGNATURE)
        status = RSM_UNKNOWN_KEY;
    if (status == RSM_OK && bytes.size != 1 + RSM_PUBLIC_KEY_SIZE)
        status = RSM_MALFORMED;
    if (status == RSM_OK) {
        out->type = (enum note_key_type)bytes.data[0];
        memcpy(out->public_key, bytes.data + 1, RSM_PUBLIC_KEY_SIZE);
        status = key_id(out) == out->id ? RSM_OK : RSM_MALFORMED;
    }
    writer_deinit(&bytes);
    return status;
}

/* ---- notes ---- */

struct signature_line {
    struct bytes name;
    uint32_t key_id;
    uint8_t data[SIGNATURE_BYTES_MAX];
    size_t size; /* behind the key's id */
};

static bool parse_signature(struct bytes line, struct signature_line *out)
{
    struct writer bytes;
    if (!note_take_prefix(&line, dash))
        return false;
    const uint8_t *blank = line.size > 0 ? memchr(line.data, ' ', line.size) : NULL;
    if (blank == NULL)
        return false;
    out->name = bytes_make(line.data, (size_t)(blank - line.data));
    if (!is_name(out->name))
        return false;
    writer_init(&bytes, KEY_ID_SIZE + SIGNATURE_BYTES_MAX);
    bool is_good = note_base64_read(bytes_make(blank + 1, line.size - out->name.size - 1), &bytes);
    is_good = is_good && bytes.size > KEY_ID_SIZE;
    if (is_good) {
        out->key_id = get_u32(bytes.data);
        out->size = bytes.size - KEY_ID_SIZE;
        memcpy(out->data, bytes.data + KEY_ID_SIZE, out->size);
    }
    writer_deinit(&bytes);
    return is_good;
}

/* Where the signatures begin: behind the last empty line. */
static const uint8_t *find_signatures(struct bytes raw)
{
    for (size_t i = raw.size; i >= 2; i--) {
        if (raw.data[i - 1] == '\n' && raw.data[i - 2] == '\n')
            return raw.data + i;
    }
    return NULL;
}

enum rsm_status note_parse(struct bytes raw, struct note *out)
{
    struct signature_line signature;
    struct bytes line;
    *out = (struct note){.signature_count = 0};
    if (raw.size > NOTE_SIZE_MAX)
        return RSM_TOO_LARGE;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] < ' ' && raw.data[i] != '\n')
            return RSM_MALFORMED;
    }
    const uint8_t *signatures = find_signatures(raw);
    if (signatures == NULL || signatures - raw.data < 3)
        return RSM_MALFORMED;
    out->text = bytes_make(raw.data, (size_t)(signatures - raw.data) - 1);
    out->signatures = bytes_make(signatures, raw.size - out->text.size - 1);
    struct bytes rest = out->signatures;
    while (rest.size > 0) {
        if (!note_take_line(&rest, &line) || !parse_signature(line, &signature))
            return RSM_MALFORMED;
        if (++out->signature_count > NOTE_SIGNATURES_MAX)
            return RSM_TOO_MANY;
    }
    return out->signature_count > 0 ? RSM_OK : RSM_MALFORMED;
}

/* A signature of that very key. */
static enum rsm_status verify_line(const struct note *note, const struct note_key *key,
                                   const struct signature_line *line, uint64_t *seconds_out)
{
    char prefix[64] = {0};
    const uint8_t *signature = line->data;
    size_t size = line->size;
    *seconds_out = 0;
    if (key->type == NOTE_COSIGNATURE) {
        if (size != COSIGNATURE_SIZE)
            return RSM_BAD_SIGNATURE;
        *seconds_out = get_u64(line->data);
        (void)snprintf(prefix, sizeof prefix, "cosignature/v1\ntime %llu\n",
                       (unsigned long long)*seconds_out);
        signature += 8;
        size -= 8;
    }
    if (size != SIGNATURE_SIZE)
        return RSM_BAD_SIGNATURE;
    return signature_verify(key->public_key, no_tag, bytes_of_string(prefix), note->text,
                            signature);
}

enum rsm_status note_verify(const struct note *note, const struct note_key *key,
                            uint64_t *seconds_out)
{
    struct signature_line signature;
    struct bytes rest = note->signatures, line;
    enum rsm_status status = RSM_NOT_FOUND;
    *seconds_out = 0;
    while (note_take_line(&rest, &line)) {
        if (!parse_signature(line, &signature))
            return RSM_BAD_SIGNATURE;
        if (signature.key_id != key->id || !bytes_equal(signature.name, bytes_of_string(key->name)))
            continue;
        status = verify_line(note, key, &signature, seconds_out);
        if (status != RSM_OK)
            return status;
    }
    return status;
}

enum rsm_status note_sign(const struct rsm_key *key, struct bytes text, struct writer *out)
{
    uint8_t bytes[KEY_ID_SIZE + SIGNATURE_SIZE];
    struct note_key signer;
    enum rsm_status status = note_key_of(key, &signer);
    if (status == RSM_OK)
        status = key_sign(key, no_tag, bytes_make(NULL, 0), text, bytes + KEY_ID_SIZE);
    if (status != RSM_OK)
        return status;
    put_u32(bytes, signer.id);
    writer_bytes(out, text);
    writer_format(out, "\n%s%s ", dash, signer.name);
    note_base64_write(bytes_make(bytes, sizeof bytes), out);
    writer_u8(out, '\n');
    return out->failed ? RSM_TOO_LARGE : RSM_OK;
}
