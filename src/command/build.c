/* SPDX-License-Identifier: Apache-2.0 */
/* build.c - see build.h. */
#include "src/command/build.h"

#include "src/base/limits.h"
#include "src/command/body.h"
#include "src/command/canonical.h"

void build_begin(struct writer *w, uint32_t field_count, struct rsm_buffer *body_out)
{
    *body_out = (struct rsm_buffer){NULL, 0};
    writer_init(w, LIMIT_ENVELOPE_SIZE);
    pack_array(w, field_count);
}

enum rsm_status build_end(struct writer *w, enum rsm_kind kind, enum rsm_status status,
                          struct rsm_buffer *body_out)
{
    if (status == RSM_OK && w->failed)
        status = RSM_TOO_LARGE;
    if (status == RSM_OK)
        status = scan_whole(SCAN_CANONICAL, writer_result(w), LIMIT_ENVELOPE_SIZE);
    if (status == RSM_NOT_CANONICAL)
        status = RSM_MALFORMED; /* text that is not UTF-8, a label twice */
    if (status == RSM_OK)
        status = body_check(kind, writer_result(w));
    if (status == RSM_OK)
        *body_out = buffer_of_writer(w);
    else
        writer_deinit(w);
    return status;
}

enum rsm_status build_count(struct writer *w, size_t count, size_t count_max)
{
    if (count > count_max)
        return RSM_TOO_MANY;
    pack_array(w, (uint32_t)count);
    return RSM_OK;
}

enum rsm_status build_str(enum rsm_kind kind, struct rsm_bytes text, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 1, body_out);
    build_put_str(&w, text);
    return build_end(&w, kind, RSM_OK, body_out);
}

enum rsm_status build_bin(enum rsm_kind kind, struct rsm_bytes value, struct rsm_buffer *body_out)
{
    struct writer w;
    build_begin(&w, 1, body_out);
    build_put_bin(&w, value);
    return build_end(&w, kind, RSM_OK, body_out);
}
