/* SPDX-License-Identifier: Apache-2.0 */
/* body_freeze.h - decoders of the bodies of freeze.*; included by body.h. */
#ifndef RSM_COMMAND_BODY_FREEZE_H
#define RSM_COMMAND_BODY_FREEZE_H

#include <rsm/freeze.h>

struct body_freeze {
    struct bytes id; /* .trip: the cause */
    enum rsm_freeze_scope scope;
    struct bytes subject;
    bool everybody; /* people too */
    uint64_t until_ms;
    struct bytes az; /* .resume, as what follows */
    bool gradual;
    uint64_t trips;
};

/* Of freeze.set, .clear, .resume and .trip. */
enum rsm_status body_freeze_decode(enum rsm_kind kind, struct bytes body, struct body_freeze *out);

/* "global", "zone", "author", "az", "kind". */
const char *body_freeze_scope_text(enum rsm_freeze_scope scope);

#endif
