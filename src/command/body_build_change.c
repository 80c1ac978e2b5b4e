/* SPDX-License-Identifier: Apache-2.0 */
/* body_build_change.c - builders of rsm/body.h: changes that wait for agreement, and overrides. */
#include <rsm/body.h>
#include <rsm/change.h>
#include <rsm/factor.h>

#include "src/base/limits.h"
#include "src/command/body_change.h"
#include "src/command/build.h"

struct request {
    enum rsm_class class_least;
    const struct rsm_bytes *overrides;
    size_t override_count;
    struct rsm_bytes undone;
    uint64_t restored_slot; /* 0: none */
};

enum rsm_status rsm_body_change_request(enum rsm_class class_least,
                                        const struct rsm_bytes *overrides, size_t override_count,
                                        const char *kind, struct rsm_bytes body,
                                        struct rsm_buffer *body_out)
{
    struct rsm_bytes none = {NULL, 0};
    return rsm_body_change_undo(class_least, overrides, override_count, none, kind, body, body_out);
}

static enum rsm_status build_request(const struct request *request, const char *kind,
                                     struct rsm_bytes body, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, request->restored_slot != 0 ? 6 : 5, body_out);
    pack_text(&w, body_class_text(request->class_least));
    enum rsm_status status = build_count(&w, request->override_count, LIMIT_OVERRIDES);
    for (size_t i = 0; i < request->override_count && status == RSM_OK; i++)
        build_put_str(&w, request->overrides[i]);
    pack_text(&w, kind);
    pack_raw(&w, bytes_of_public(body));
    build_put_bin(&w, request->undone);
    if (request->restored_slot != 0)
        pack_uint(&w, request->restored_slot);
    return build_end(&w, RSM_KIND_CHANGE_REQUEST, status, body_out);
}

enum rsm_status rsm_body_change_undo(enum rsm_class class_least, const struct rsm_bytes *overrides,
                                     size_t override_count, struct rsm_bytes undone,
                                     const char *kind, struct rsm_bytes body,
                                     struct rsm_buffer *body_out)
{
    struct request request = {.class_least = class_least,
                              .overrides = overrides,
                              .override_count = override_count,
                              .undone = undone};
    return build_request(&request, kind, body, body_out);
}

enum rsm_status rsm_body_change_restore(enum rsm_class class_least,
                                        const struct rsm_bytes *overrides, size_t override_count,
                                        uint64_t restored_slot, const char *kind,
                                        struct rsm_bytes body, struct rsm_buffer *body_out)
{
    struct request request = {.class_least = class_least,
                              .overrides = overrides,
                              .override_count = override_count,
                              .restored_slot = restored_slot};
    return build_request(&request, kind, body, body_out);
}

enum rsm_status rsm_body_change_vote(struct rsm_bytes change_digest, bool yes, uint64_t slot,
                                     struct rsm_bytes effect_hash, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 4, body_out);
    build_put_bin(&w, change_digest);
    pack_bool(&w, yes);
    pack_uint(&w, slot);
    build_put_bin(&w, effect_hash);
    return build_end(&w, RSM_KIND_CHANGE_VOTE, RSM_OK, body_out);
}

enum rsm_status rsm_body_change_approve(struct rsm_bytes change_digest,
                                        const struct rsm_factor *factor,
                                        struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 2, body_out);
    build_put_bin(&w, change_digest);
    pack_array(&w, factor != NULL ? 4 : 0);
    if (factor != NULL) {
        build_put_str(&w, factor->id);
        build_put_bin(&w, factor->over);
        build_put_bin(&w, factor->data);
        build_put_bin(&w, factor->signature);
    }
    return build_end(&w, RSM_KIND_CHANGE_APPROVE, RSM_OK, body_out);
}

enum rsm_status rsm_body_change_apply(struct rsm_bytes change_digest,
                                      const struct rsm_bytes *approvers, size_t approver_count,
                                      struct rsm_buffer *body_out)
{
    struct writer w;
    struct rsm_bytes sorted[LIMIT_APPROVERS];
    if (approver_count > LIMIT_APPROVERS)
        return RSM_TOO_MANY;
    for (size_t i = 0; i < approver_count; i++) {
        size_t at = i;
        for (; at > 0 &&
               bytes_compare(bytes_of_public(sorted[at - 1]), bytes_of_public(approvers[i])) > 0;
             at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = approvers[i];
    }
    build_begin(&w, 2, body_out);
    build_put_bin(&w, change_digest);
    pack_array(&w, (uint32_t)approver_count);
    for (size_t i = 0; i < approver_count; i++)
        build_put_str(&w, sorted[i]);
    return build_end(&w, RSM_KIND_CHANGE_APPLY, RSM_OK, body_out);
}

enum rsm_status rsm_body_change_cancel(struct rsm_bytes change_digest, struct rsm_buffer *body_out)
{
    return build_bin(RSM_KIND_CHANGE_CANCEL, change_digest, body_out);
}

/* ---- override ---- */

enum rsm_status rsm_body_override_step(struct rsm_bytes freeze, enum rsm_step step, bool is_skipped,
                                       struct rsm_bytes evidence, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 4, body_out);
    build_put_str(&w, freeze);
    pack_text(&w, rsm_step_text(step));
    pack_bool(&w, is_skipped);
    build_put_bin(&w, evidence);
    return build_end(&w, RSM_KIND_OVERRIDE_STEP, RSM_OK, body_out);
}

enum rsm_status rsm_body_override_record(const uint8_t session[16], uint64_t index,
                                         const uint8_t hash[32], uint32_t state,
                                         struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 4, body_out);
    pack_bin(&w, bytes_make(session, 16));
    pack_uint(&w, index);
    pack_bin(&w, bytes_make(hash, 32));
    pack_uint(&w, state);
    return build_end(&w, RSM_KIND_OVERRIDE_RECORD, RSM_OK, body_out);
}
