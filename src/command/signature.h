/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature.h - Ed25519 (RFC 8032, pure) over tag || prefix || payload, and what counts as valid.
 *
 * A valid signature is what libsodium 1.0.18 takes: S below L, no small-order key or R, canonical
 * key, the equation without the cofactor. signature_init holds the library to that with vectors:
 * replicas whose libraries differ would reach different states.
 */
#ifndef RSM_COMMAND_SIGNATURE_H
#define RSM_COMMAND_SIGNATURE_H

#include <rsm/status.h>

#include "src/base/bytes.h"

#define SIGNATURE_SIZE 64u
#define SIGNATURE_KEY_SIZE 32u
#define SIGNATURE_SECRET_SIZE 64u /* libsodium's: seed, then public key */

/* A domain tag; the zero at its end is a part of it, so that no tag begins with another. */
struct signature_tag {
    const char *text;
    size_t size;
};

#define SIGNATURE_TAG(text) ((struct signature_tag){(text), sizeof(text)})

/* See rsm_crypto_init. */
enum rsm_status signature_init(void);

/* RSM_NO_MEMORY for a large payload. */
enum rsm_status signature_sign(const uint8_t secret[SIGNATURE_SECRET_SIZE],
                               struct signature_tag tag, struct bytes prefix, struct bytes payload,
                               uint8_t signature_out[SIGNATURE_SIZE]);

/* RSM_BAD_SIGNATURE, RSM_NO_MEMORY. */
enum rsm_status signature_verify(const uint8_t key[SIGNATURE_KEY_SIZE], struct signature_tag tag,
                                 struct bytes prefix, struct bytes payload,
                                 const uint8_t signature[SIGNATURE_SIZE]);

#endif
