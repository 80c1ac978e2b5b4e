/* SPDX-License-Identifier: Apache-2.0 */
/* body_step.c - see body_step.h. */
#include "src/command/body_step.h"

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "src/command/public.h"

static const char *const steps[] = {[0] = "unknown",
#define STEP_TEXT(name, number, text) [number] = text,
                                    RSM_STEP_LIST(STEP_TEXT)
#undef STEP_TEXT
};

#define STEP_COUNT (sizeof steps / sizeof steps[0])

const char *rsm_step_text(enum rsm_step step)
{
    return steps[(size_t)step < STEP_COUNT ? (size_t)step : 0];
}

enum rsm_status rsm_step_parse(struct rsm_bytes text, enum rsm_step *step_out)
{
    for (size_t i = 1; i < STEP_COUNT; i++) {
        *step_out = (enum rsm_step)i;
        if (bytes_equal(bytes_of_public(text), bytes_of_string(steps[i])))
            return RSM_OK;
    }
    return RSM_NOT_FOUND;
}

enum rsm_status body_step_decode(struct bytes body, struct body_step *out)
{
    struct unpack u = unpack_make(body);
    *out = (struct body_step){.freeze = {NULL, 0}};
    unpack_array_exactly(&u, 4);
    out->freeze = unpack_str(&u, LIMIT_LABEL_SIZE);
    if (unpack_ok(&u) && !body_is_word(out->freeze))
        unpack_fail(&u, RSM_MALFORMED);
    struct bytes step = unpack_str(&u, LIMIT_LABEL_SIZE);
    if (unpack_ok(&u) && rsm_step_parse(bytes_to_public(step), &out->step) != RSM_OK)
        unpack_fail(&u, RSM_MALFORMED);
    out->is_skipped = unpack_bool(&u);
    out->evidence = unpack_bin(&u, HASH_SIZE);
    if (unpack_ok(&u) && out->evidence.size != 0 && out->evidence.size != HASH_SIZE)
        unpack_fail(&u, RSM_MALFORMED);
    if (!unpack_ok(&u))
        return u.status;
    return unpack_done(&u) ? RSM_OK : RSM_WRONG_TYPE;
}

enum rsm_status body_chunk_decode(struct bytes body, struct body_chunk *out)
{
    struct unpack u = unpack_make(body);
    *out = (struct body_chunk){.session = NULL};
    unpack_array_exactly(&u, 4);
    out->session = unpack_bin_exactly(&u, 16);
    out->index = unpack_uint_max(&u, SLOT_MAX);
    out->hash = unpack_bin_exactly(&u, HASH_SIZE);
    out->state = (uint32_t)unpack_uint_max(&u, 3);
    if (unpack_ok(&u) && out->state == 0)
        unpack_fail(&u, RSM_MALFORMED);
    if (!unpack_ok(&u))
        return u.status;
    return unpack_done(&u) ? RSM_OK : RSM_WRONG_TYPE;
}
