/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body_step.h - the body of override.step (body.h), and the steps' names.
 *
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

enum rsm_status body_step_decode(struct bytes body, struct body_step *out);

#endif
