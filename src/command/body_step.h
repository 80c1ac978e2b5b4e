/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_step.h - the body of override.step (body.h), and the steps' names.
 *
 *     override.record  [session bin16, index uint, hash bin32, state uint 1 goes on, 2 ended, 3
 *                      failed]
 *     override.step  [freeze str, step str, skipped bool, evidence bin: of 32 bytes, or none]
 */
#ifndef RSM_COMMAND_BODY_STEP_H
#define RSM_COMMAND_BODY_STEP_H

#include <rsm/change.h>

#include "src/command/body.h"

struct body_step {
    struct bytes freeze; /* whose id the procedure has */
    enum rsm_step step;
    bool is_skipped;
    struct bytes evidence;
};

struct body_chunk {
    const uint8_t *session; /* 16 bytes */
    uint64_t index;
    const uint8_t *hash; /* 32 bytes */
    uint32_t state;      /* 1 to 3 */
};

enum rsm_status body_chunk_decode(struct bytes body, struct body_chunk *out);
enum rsm_status body_step_decode(struct bytes body, struct body_step *out);

#endif
