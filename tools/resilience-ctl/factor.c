/* SPDX-License-Identifier: GPL-3.0-or-later */
/* factor.c - second factors: enrolling, revoking, listing (factor_ask.c uses them). */
#include <string.h>

#include "src/base/limits.h"
#include "tools/resilience-ctl/factor.h"
#include "tools/resilience-ctl/lists.h"

int ctl_factor_enroll(struct ctl *ctl, int count, char **arguments)
{
    uint8_t public_half[LIMIT_FACTOR_PUBLIC_SIZE];
    enum rsm_factor_method method;
    struct rsm_buffer body = {NULL, 0};
    if (rsm_factor_parse(rsm_text(arguments[2]), &method) != RSM_OK)
        return ctl_fail(RSM_USAGE,
                        "a method is fido2-es256, fido2-eddsa, key-es256, key-eddsa or "
                        "totp, not \"%s\"",
                        arguments[2]);
    size_t size = rsm_factor_public_size(method);
    bool is_fido2 = method == RSM_FACTOR_FIDO2_ES256 || method == RSM_FACTOR_FIDO2_EDDSA;
    const char *hex = count > 3 ? arguments[3] : "";
    if (size == 64 && strlen(hex) == 130 && hex[0] == '0' && hex[1] == '4')
        hex += 2; /* an uncompressed point, as SEC 1 has it */
    if (strlen(hex) != 2 * size || (size > 0 && !hex_decode(public_half, size, hex)))
        return ctl_fail(RSM_USAGE, "%s has a public half of %zu digits", arguments[2], 2 * size);
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "principal.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    const char *rp = !is_fido2 ? "" : ctl->rp != NULL ? ctl->rp : "rsm";
    status = rsm_body_factor_enroll(rsm_text(arguments[0]), rsm_text(arguments[1]), method,
                                    rsm_bytes_make(public_half, size), rsm_text(rp), &body);
    return ctl_change(ctl, RSM_KIND_FACTOR_ENROLL, status, &body, "enrolled");
}

int ctl_factor_revoke(struct ctl *ctl, int count, char **arguments)
{
    struct rsm_buffer body = {NULL, 0};
    (void)count;
    enum rsm_status status = ctl_sign_in(ctl);
    if (status == RSM_OK)
        status = ctl_see_list(ctl, "principal.list");
    if (status != RSM_OK)
        return rsm_status_exit(status);
    status = rsm_body_factor_revoke(rsm_text(arguments[0]), rsm_text(arguments[1]), &body);
    return ctl_change(ctl, RSM_KIND_FACTOR_REVOKE, status, &body, "revoked");
}

int ctl_factor_list(struct ctl *ctl, int count, char **arguments)
{
    static const struct ctl_column columns[] = {{"PRINCIPAL", "principal"},
                                                {"ID", "id"},
                                                {"METHOD", "method"},
                                                {"ENROLLED", "enrolled_slot"},
                                                {"REVOKED", "revoked_slot"}};
    (void)count;
    (void)arguments;
    return ctl_show_list(ctl, "factor.list", "factors", columns, 5);
}
