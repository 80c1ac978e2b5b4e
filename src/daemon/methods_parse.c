/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * methods_parse.c - text to record sets, for clients that have no DNS library: parses only, changes
 * nothing.
 */
#include "src/daemon/methods_internal.h"
#include "src/rr/zonefile.h"

static enum rsm_status fail_parse(struct call *call, const struct zonefile *z)
{
    if (z->error_count == 0)
        return call_fail(call, RSM_TOO_LARGE, "the text is too large");
    return call_fail(call, RSM_BAD_PARAMS, "line %llu: %s (%llu errors)",
                     (unsigned long long)z->errors[0].line, z->errors[0].text,
                     (unsigned long long)z->error_count);
}

enum rsm_status read_rr_parse(struct call *call, struct writer *out)
{
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes origin, text;
    struct zonefile z;
    enum rsm_status status = param_name(call, "the origin", buffer, &origin);
    if (status == RSM_OK)
        status = param_text(call, "the text", &text);
    if (status != RSM_OK)
        return status;
    status = zonefile_parse(text, origin, 3600, &z);
    if (status == RSM_OK) {
        /* [[owner, type, ttl, rdatas]...]: what a command's body takes as `changes`. */
        pack_map(out, 1);
        pack_key(out, "changes");
        pack_array(out, (uint32_t)z.rrset_count);
        for (size_t i = 0; i < z.rrset_count; i++) {
            const struct zonefile_rrset *set = &z.rrsets[i];
            pack_array(out, 4);
            pack_bin(out, set->owner);
            pack_uint(out, set->type);
            pack_uint(out, set->ttl);
            pack_array(out, set->count);
            for (uint32_t k = 0; k < set->count; k++)
                pack_bin(out, set->rdatas[k]);
        }
    } else {
        status = fail_parse(call, &z);
    }
    zonefile_free(&z);
    return status;
}
