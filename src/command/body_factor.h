/* SPDX-License-Identifier: Apache-2.0 */
/* body_factor.h - decoders of the bodies of factor.* and of the factor in an approval (body.h). */
#ifndef RSM_COMMAND_BODY_FACTOR_H
#define RSM_COMMAND_BODY_FACTOR_H

#include <rsm/factor.h>

#include "src/command/body.h"
#include "src/command/signature.h"

#define FACTOR_DATA_SIZE_MAX 1024u
#define FACTOR_TAG SIGNATURE_TAG("rsm factor v1")
#define TOTP_TAG SIGNATURE_TAG("rsm totp v1")
#define TOTP_DATA_SIZE 9u /* step u64, replica u8 */

struct body_enroll {
    struct bytes principal, id;
    enum rsm_factor_method method;
    struct bytes public_half, relying_party;
};

struct body_factor {
    struct bytes id, over, data, signature; /* id empty: there is none */
};

/* factor.enroll, factor.revoke (principal and id). */
enum rsm_status body_enroll_decode(enum rsm_kind kind, struct bytes body, struct body_enroll *out);
/* The array in change.approve: empty, or of four. Sticky, as unpack. */
void body_factor_take(struct unpack *u, struct body_factor *out);

#endif
