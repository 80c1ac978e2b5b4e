/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * factor.c - see factor.h. P-256 is nettle's (FIPS 186-4, 6.4): it is in every process already,
 * below libknot's GnuTLS, has no configuration, no engines and no errors but yes and no, and works
 * on integers alone.
 */
#include "src/machine/factor.h"

#include <string.h>

#include <gmp.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <sodium.h>

#include "src/base/check.h"

#define HALF 32u /* of a P-256 point, of a signature */
#define FLAG_PRESENT 0x01u
#define FLAG_VERIFIED 0x04u
#define AUTHENTICATOR_SIZE_MIN 37u

void factor_encode(struct writer *out, const struct factor_record *f)
{
    writer_u8(out, (uint8_t)f->method);
    writer_u64(out, f->enrolled_slot);
    writer_u64(out, f->revoked_slot);
    writer_u64(out, f->last);
    writer_blob(out, f->public_half);
    writer_blob(out, f->relying_party);
}

enum rsm_status factor_decode(struct bytes value, struct factor_record *out)
{
    struct reader r = reader_make(value);
    uint8_t method = reader_u8(&r);
    out->enrolled_slot = reader_u64(&r);
    out->revoked_slot = reader_u64(&r);
    out->last = reader_u64(&r);
    out->public_half = reader_blob(&r, LIMIT_FACTOR_PUBLIC_SIZE);
    out->relying_party = reader_blob(&r, LIMIT_LABEL_SIZE);
    out->method = (enum rsm_factor_method)method;
    if (!reader_done(&r) || method < RSM_FACTOR_FIDO2_ES256 || method > RSM_FACTOR_TOTP ||
        out->public_half.size != rsm_factor_public_size(out->method))
        return RSM_DAMAGED;
    return RSM_OK;
}

void key_factor(struct key *k, struct bytes principal, struct bytes id)
{
    CHECK(principal.size <= LIMIT_PRINCIPAL_SIZE && id.size <= LIMIT_LABEL_SIZE);
    k->data[0] = (uint8_t)principal.size;
    memcpy(k->data + 1, principal.data, principal.size);
    if (id.size > 0)
        memcpy(k->data + 1 + principal.size, id.data, id.size);
    k->size = 1 + principal.size + id.size;
}

enum rsm_status factor_load(struct kv *kv, struct bytes principal, struct bytes id,
                            struct factor_record *out)
{
    struct key key;
    struct bytes value;
    key_factor(&key, principal, id);
    enum rsm_status status = kv_get(kv, TABLE_FACTOR, key_bytes(&key), &value);
    return status == RSM_OK ? factor_decode(value, out) : status;
}

bool authenticator_data_parse(struct bytes data, struct authenticator_data *out)
{
    if (data.size < AUTHENTICATOR_SIZE_MIN)
        return false;
    *out = (struct authenticator_data){.relying_party_hash = data.data,
                                       .is_present = (data.data[32] & FLAG_PRESENT) != 0,
                                       .is_verified = (data.data[32] & FLAG_VERIFIED) != 0,
                                       .counter = get_u32(data.data + 33)};
    return true;
}

static void import(mpz_t number, const uint8_t half[HALF])
{
    mpz_import(number, HALF, 1, 1, 1, 0, half);
}

/* r and s in their range and the point on the curve: both are looked at by the library. */
static bool verify_p256(const uint8_t public_half[2 * HALF], const uint8_t hash[HALF],
                        const uint8_t signature[2 * HALF])
{
    struct ecc_point point;
    struct dsa_signature rs;
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    dsa_signature_init(&rs);
    ecc_point_init(&point, nettle_get_secp_256r1());
    import(x, public_half);
    import(y, public_half + HALF);
    import(rs.r, signature);
    import(rs.s, signature + HALF);
    bool is_good = ecc_point_set(&point, x, y) == 1 && ecdsa_verify(&point, HALF, hash, &rs) == 1;
    ecc_point_clear(&point);
    dsa_signature_clear(&rs);
    mpz_clears(x, y, NULL);
    return is_good;
}

static void hash_two(struct bytes first, const uint8_t over[HALF], uint8_t out[HALF])
{
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, first.data, first.size);
    (void)crypto_hash_sha256_update(&state, over, HALF);
    (void)crypto_hash_sha256_final(&state, out);
}

enum rsm_status factor_verify(const struct factor_record *f, struct bytes data,
                              const uint8_t over[RSM_FACTOR_HASH_SIZE],
                              const uint8_t signature[RSM_FACTOR_SIGNATURE_SIZE])
{
    const struct signature_tag none = {"", 0};
    const uint8_t *key = f->public_half.data;
    struct bytes hash = bytes_make(over, RSM_FACTOR_HASH_SIZE);
    uint8_t both[HALF];
    bool is_good = false;
    switch (f->method) {
    case RSM_FACTOR_FIDO2_ES256:
        hash_two(data, over, both);
        is_good = verify_p256(key, both, signature);
        break;
    case RSM_FACTOR_KEY_ES256:
        is_good = data.size == 0 && verify_p256(key, over, signature);
        break;
    case RSM_FACTOR_FIDO2_EDDSA:
        is_good = signature_verify(key, none, data, hash, signature) == RSM_OK;
        break;
    case RSM_FACTOR_KEY_EDDSA:
        is_good =
            data.size == 0 && signature_verify(key, FACTOR_TAG, data, hash, signature) == RSM_OK;
        break;
    case RSM_FACTOR_TOTP:
        break;
    }
    return is_good ? RSM_OK : RSM_BAD_SIGNATURE;
}
