/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * factor.h - second factors that are enrolled, and whether a signature by one is good.
 *
 *     TABLE_FACTOR      principal text, id -> method u8 | enrolled slot u64 | revoked slot u64 |
 *                       last u64 | public blob | relying party blob
 *     TABLE_FACTOR_KEY  public half -> principal blob | id blob; stays when it is revoked
 *
 * `last` is the highest signature counter of a FIDO2 authenticator, or the last step of a code.
 */
#ifndef RSM_MACHINE_FACTOR_H
#define RSM_MACHINE_FACTOR_H

#include <rsm/factor.h>

#include "src/base/kv.h"
#include "src/command/body_factor.h"
#include "src/machine/tables.h"

#define TOTP_STEP_MS 30000u
#define TOTP_STEPS_APART 2u /* between a code's step and log time */

struct factor_record {
    enum rsm_factor_method method;
    uint64_t enrolled_slot, revoked_slot; /* revoked 0: it is good */
    uint64_t last;
    struct bytes public_half, relying_party;
};

void factor_encode(struct writer *out, const struct factor_record *f);
enum rsm_status factor_decode(struct bytes value, struct factor_record *out);
void key_factor(struct key *k, struct bytes principal, struct bytes id);
/* RSM_NOT_FOUND, RSM_DAMAGED and as the kv. */
enum rsm_status factor_load(struct kv *kv, struct bytes principal, struct bytes id,
                            struct factor_record *out);

/* Of a FIDO2 authenticator (WebAuthn level 2, 6.1). */
struct authenticator_data {
    const uint8_t *relying_party_hash; /* SHA-256 of its id */
    bool is_present, is_verified;      /* the person: touched it; gave a PIN, a finger */
    uint64_t counter;
};

/* False: it is none such. Extensions behind it are not looked at, the signature covers them. */
bool authenticator_data_parse(struct bytes data, struct authenticator_data *out);

/*
 * A signature of that method (not totp) with `data`, over what rsm_factor_hash gave. Deterministic
 * and without state: RSM_OK or RSM_BAD_SIGNATURE, for any bytes.
 */
enum rsm_status factor_verify(const struct factor_record *f, struct bytes data,
                              const uint8_t over[RSM_FACTOR_HASH_SIZE],
                              const uint8_t signature[RSM_FACTOR_SIGNATURE_SIZE]);

#endif
