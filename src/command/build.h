/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build.h - what the builders of rsm/body.h share.
 *
 * What a builder wrote is scanned and checked as a replica would (command/body.h), so that there is
 * one definition of a good body, and a builder's mistake cannot leave this process.
 */
#ifndef RSM_COMMAND_BUILD_H
#define RSM_COMMAND_BUILD_H

#include <rsm/command.h>
#include <rsm/status.h>

#include "src/command/pack.h"
#include "src/command/public.h"

/* A body of so many fields. *body_out is empty until build_end; `w` is the caller's. */
void build_begin(struct writer *w, uint32_t field_count, struct rsm_buffer *body_out);
/*
 * The end of every builder: frees `w`, or hands its bytes to *body_out, which is the caller's then.
 * `status` is that of its parts, given back when it is not RSM_OK. RSM_TOO_LARGE above
 * LIMIT_ENVELOPE_SIZE, RSM_MALFORMED for what the kind does not take, and as body_check.
 */
enum rsm_status build_end(struct writer *w, enum rsm_kind kind, enum rsm_status status,
                          struct rsm_buffer *body_out);

/* An array's header. RSM_TOO_MANY above the limit: what follows is not read then. */
enum rsm_status build_count(struct writer *w, size_t count, size_t count_max);

/* Bodies that are one text, or one name or digest. Errors as build_end. */
enum rsm_status build_str(enum rsm_kind kind, struct rsm_bytes text, struct rsm_buffer *body_out);
enum rsm_status build_bin(enum rsm_kind kind, struct rsm_bytes value, struct rsm_buffer *body_out);

static inline void build_put_str(struct writer *w, struct rsm_bytes text)
{
    pack_str(w, bytes_of_public(text));
}

static inline void build_put_bin(struct writer *w, struct rsm_bytes value)
{
    pack_bin(w, bytes_of_public(value));
}

#endif
