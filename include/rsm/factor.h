/* SPDX-License-Identifier: Apache-2.0 */
/*
 * factor.h - a second factor: a second signature over the digest of a change, by something that is
 * not the key which signs commands. As rsm/body.h: same statuses.
 */
#ifndef RSM_FACTOR_H
#define RSM_FACTOR_H

#include <stdint.h>

#include <rsm/key.h>
#include <rsm/status.h>
#include <rsm/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RSM_FACTOR_HASH_SIZE 32
#define RSM_FACTOR_SIGNATURE_SIZE 64

/*
 * X(name, number, text, bytes of the public half). ES256 is ECDSA over P-256 with SHA-256 (x and y,
 * big-endian), EdDSA is Ed25519.
 */
#define RSM_FACTOR_LIST(X)                                                                         \
    X(FIDO2_ES256, 1, "fido2-es256", 64) /* an assertion of a FIDO2 authenticator */               \
    X(FIDO2_EDDSA, 2, "fido2-eddsa", 32)                                                           \
    X(KEY_ES256, 3, "key-es256", 64) /* another key: on a PKCS#11 token, in another file */        \
    X(KEY_EDDSA, 4, "key-eddsa", 32)                                                               \
    X(TOTP, 5, "totp", 0) /* a code that a replica has checked, and says so */

enum rsm_factor_method {
#define RSM_FACTOR_ENUM(name, number, text, size) RSM_FACTOR_##name = number,
    RSM_FACTOR_LIST(RSM_FACTOR_ENUM)
#undef RSM_FACTOR_ENUM
};

/* "fido2-es256" and so on; "unknown" outside the list. Static memory. */
const char *rsm_factor_text(enum rsm_factor_method method);
/* RSM_NOT_FOUND for another text. */
enum rsm_status rsm_factor_parse(struct rsm_bytes text, enum rsm_factor_method *method_out);
/* Bytes of the public half that is enrolled; 0 for totp, and outside the list. */
size_t rsm_factor_public_size(enum rsm_factor_method method);

/*
 * What the factor says yes to: SHA-256 over "rsm factor v1" 00, the change's digest, and the name
 * of the principal that approves. FIDO2 signs the authenticator's data and this (it is the "client
 * data hash"); key-es256 is ECDSA over this hash; key-eddsa signs "rsm factor v1" 00 and this.
 */
void rsm_factor_hash(struct rsm_bytes change_digest, struct rsm_bytes principal,
                     uint8_t hash_out[RSM_FACTOR_HASH_SIZE]);
/* The signature of key-eddsa, by a key that is not the one which signs commands. */
enum rsm_status rsm_factor_sign(const struct rsm_key *key, const uint8_t hash[RSM_FACTOR_HASH_SIZE],
                                uint8_t signature_out[RSM_FACTOR_SIGNATURE_SIZE]);

/* Beside an approval. */
struct rsm_factor {
    struct rsm_bytes id;        /* of the enrolled one: text */
    struct rsm_bytes over;      /* the hash above */
    struct rsm_bytes data;      /* FIDO2: the authenticator's data; TOTP: step u64, replica u8 */
    struct rsm_bytes signature; /* RSM_FACTOR_SIGNATURE_SIZE bytes: r and s, or Ed25519's */
};

/*
 * A second factor of a principal, under an id of its own; and one that is none any more. As
 * rsm/body.h. `relying_party`: FIDO2's RP ID, for example "rsm"; empty for other methods.
 */
enum rsm_status rsm_body_factor_enroll(struct rsm_bytes principal, struct rsm_bytes id,
                                       enum rsm_factor_method method, struct rsm_bytes public_half,
                                       struct rsm_bytes relying_party, struct rsm_buffer *body_out);
enum rsm_status rsm_body_factor_revoke(struct rsm_bytes principal, struct rsm_bytes id,
                                       struct rsm_buffer *body_out);

#ifdef __cplusplus
}
#endif
#endif
