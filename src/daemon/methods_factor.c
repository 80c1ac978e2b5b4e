/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_factor.c - codes that this replica attests. */
#include "src/daemon/methods_internal.h"
#include "src/daemon/totp.h"
#include "src/io/clock.h"

/* factor.attest DIGEST PRINCIPAL ID CODE: this replica's word that the code is right, now. */
enum rsm_status read_factor_attest(struct call *call, struct writer *out)
{
    uint8_t over[RSM_FACTOR_HASH_SIZE], data[TOTP_DATA_SIZE], signature[RSM_FACTOR_SIGNATURE_SIZE];
    struct totp_question q = {
        .over = over, .wall_ms = clock_wall_ms(), .monotonic_ms = clock_monotonic_ms()};
    struct bytes digest;
    enum rsm_status status = param_text(call, "the digest", &digest);
    if (status == RSM_OK)
        status = param_text(call, "the principal", &q.principal);
    if (status == RSM_OK)
        status = param_text(call, "the factor", &q.id);
    if (status == RSM_OK)
        status = param_text(call, "the code", &q.code);
    if (status != RSM_OK)
        return status;
    if (serving(call)->m->totp == NULL)
        return call_fail(call, RSM_NOT_FOUND, "this replica checks no codes: no totp_file");
    rsm_factor_hash((struct rsm_bytes){digest.data, digest.size},
                    (struct rsm_bytes){q.principal.data, q.principal.size}, over);
    status = totp_attest(serving(call)->m->totp, &q, data, signature);
    if (status != RSM_OK)
        return call_fail(call, status, "%s",
                         status == RSM_REFUSED        ? "that is not the code of now"
                         : status == RSM_RATE_LIMITED ? "too many wrong codes; wait 15 minutes"
                         : status == RSM_NOT_FOUND    ? "this replica has no such secret"
                                                      : rsm_status_sentence(status));
    pack_map(out, 2);
    pack_key(out, "data");
    pack_bin(out, bytes_make(data, sizeof data));
    pack_key(out, "signature");
    pack_bin(out, bytes_make(signature, sizeof signature));
    return RSM_OK;
}
