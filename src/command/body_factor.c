/* SPDX-License-Identifier: Apache-2.0 */
/* body_factor.c - second factors: their names, what they sign, their bodies (see body_factor.h). */
#include "src/command/body_factor.h"

#include <sodium.h>

#include "src/base/check.h"
#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/command/keyfile.h"
#include "src/command/public.h"

static const struct {
    const char *text;
    size_t public_size;
} methods[] = {[0] = {"unknown", 0},
#define METHOD_ROW(name, number, text, size) [number] = {text, size},
               RSM_FACTOR_LIST(METHOD_ROW)
#undef METHOD_ROW
};

#define METHOD_COUNT (sizeof methods / sizeof methods[0])

const char *rsm_factor_text(enum rsm_factor_method method)
{
    return methods[(size_t)method < METHOD_COUNT ? (size_t)method : 0].text;
}

size_t rsm_factor_public_size(enum rsm_factor_method method)
{
    return methods[(size_t)method < METHOD_COUNT ? (size_t)method : 0].public_size;
}

enum rsm_status rsm_factor_parse(struct rsm_bytes text, enum rsm_factor_method *method_out)
{
    for (size_t i = 1; i < METHOD_COUNT; i++) {
        *method_out = (enum rsm_factor_method)i;
        if (bytes_equal(bytes_of_public(text), bytes_of_string(methods[i].text)))
            return RSM_OK;
    }
    return RSM_NOT_FOUND;
}

void rsm_factor_hash(struct rsm_bytes change_digest, struct rsm_bytes principal,
                     uint8_t hash_out[RSM_FACTOR_HASH_SIZE])
{
    crypto_hash_sha256_state state;
    struct signature_tag tag = FACTOR_TAG;
    _Static_assert(crypto_hash_sha256_BYTES == RSM_FACTOR_HASH_SIZE, "SHA-256");
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, (const uint8_t *)tag.text, tag.size);
    (void)crypto_hash_sha256_update(&state, change_digest.data, change_digest.size);
    (void)crypto_hash_sha256_update(&state, principal.data, principal.size);
    (void)crypto_hash_sha256_final(&state, hash_out);
}

enum rsm_status rsm_factor_sign(const struct rsm_key *key, const uint8_t hash[RSM_FACTOR_HASH_SIZE],
                                uint8_t signature_out[RSM_FACTOR_SIGNATURE_SIZE])
{
    return key_sign(key, FACTOR_TAG, (struct bytes){NULL, 0},
                    bytes_make(hash, RSM_FACTOR_HASH_SIZE), signature_out);
}

static bool is_fido2(enum rsm_factor_method method)
{
    return method == RSM_FACTOR_FIDO2_ES256 || method == RSM_FACTOR_FIDO2_EDDSA;
}

static struct bytes take_word(struct unpack *u, size_t size_max)
{
    struct bytes word = unpack_str(u, size_max);
    if (unpack_ok(u) && !body_is_word(word))
        unpack_fail(u, RSM_MALFORMED);
    return word;
}

enum rsm_status body_enroll_decode(enum rsm_kind kind, struct bytes body, struct body_enroll *out)
{
    bool is_enroll = kind == RSM_KIND_FACTOR_ENROLL;
    CHECK(is_enroll || kind == RSM_KIND_FACTOR_REVOKE);
    struct unpack u = unpack_make(body);
    *out = (struct body_enroll){.principal = {NULL, 0}};
    unpack_array_exactly(&u, is_enroll ? 5 : 2);
    out->principal = take_word(&u, LIMIT_PRINCIPAL_SIZE);
    out->id = take_word(&u, LIMIT_LABEL_SIZE);
    if (is_enroll) {
        struct bytes method = unpack_str(&u, LIMIT_LABEL_SIZE);
        if (unpack_ok(&u) && rsm_factor_parse(bytes_to_public(method), &out->method) != RSM_OK)
            unpack_fail(&u, RSM_MALFORMED);
        out->public_half = unpack_bin(&u, LIMIT_FACTOR_PUBLIC_SIZE);
        out->relying_party = unpack_str(&u, LIMIT_LABEL_SIZE);
        if (unpack_ok(&u) && (out->public_half.size != rsm_factor_public_size(out->method) ||
                              (out->relying_party.size > 0) != is_fido2(out->method) ||
                              (out->relying_party.size > 0 && !body_is_word(out->relying_party))))
            unpack_fail(&u, RSM_MALFORMED);
    }
    if (!unpack_ok(&u))
        return u.status;
    return unpack_done(&u) ? RSM_OK : RSM_WRONG_TYPE;
}

void body_factor_take(struct unpack *u, struct body_factor *out)
{
    uint32_t count = unpack_array(u);
    *out = (struct body_factor){.id = {NULL, 0}};
    if (!unpack_ok(u) || count == 0)
        return;
    if (count != 4) {
        unpack_fail(u, RSM_MALFORMED);
        return;
    }
    out->id = take_word(u, LIMIT_LABEL_SIZE);
    out->over = bytes_make(unpack_bin_exactly(u, HASH_SIZE), HASH_SIZE);
    out->data = unpack_bin(u, FACTOR_DATA_SIZE_MAX);
    out->signature = bytes_make(unpack_bin_exactly(u, SIGNATURE_SIZE), SIGNATURE_SIZE);
}
