/* SPDX-License-Identifier: GPL-3.0-or-later */
/* methods_outcome.c - `outcome` of what has a verdict, or is on its way to one here. */
#include "src/daemon/methods_internal.h"

/* No slot that is applied here has it: on its way, or not known at all. */
static enum rsm_status read_on_its_way(struct call *call, struct writer *out)
{
    struct unpack params = unpack_make(serving(call)->request->params);
    (void)unpack_array(&params);
    struct bytes first = unpack_octets(&params, LIMIT_PRINCIPAL_SIZE);
    uint64_t counter = call->param_count == 2 ? unpack_uint(&params) : 0;
    uint8_t digest[HASH_SIZE];
    enum change_state state = node_change_state(serving(call)->m->node, first, counter, digest);
    if (state == 0)
        return RSM_NOT_FOUND;
    call->text[0] = '\0';
    result_begin(call, out, 3);
    pack_number(out, "index", 0);
    pack_key(out, "verdicts");
    pack_array(out, 0);
    pack_key(out, "change");
    return pack_change(call->kv, out, digest, 0, state);
}

enum rsm_status read_outcome_here(struct call *call, struct writer *out)
{
    enum rsm_status status = read_outcome(call, out);
    return status == RSM_NOT_FOUND ? read_on_its_way(call, out) : status;
}
