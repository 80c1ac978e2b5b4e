/* SPDX-License-Identifier: Apache-2.0 */
/* body_change.h - decoders of the bodies of change.* (see body.h), and the classes' names. */
#ifndef RSM_COMMAND_BODY_CHANGE_H
#define RSM_COMMAND_BODY_CHANGE_H

#include <rsm/change.h>

#include "src/command/body.h"
#include "src/command/body_factor.h"

struct body_request {
    enum rsm_class class_least;
    struct body_walk overrides; /* texts */
    enum rsm_kind kind;
    struct bytes body;     /* checked, as a body of its kind */
    const uint8_t *undone; /* digest of the change that it takes back; NULL: none */
    uint64_t restored;     /* what a zone was after this slot is brought forward; 0: no restore */
};

struct body_ballot {
    const uint8_t *change; /* HASH_SIZE bytes, as the effect */
    bool yes;              /* vote; and so are the next two */
    uint64_t slot;
    const uint8_t *effect;
    struct body_walk approvers; /* apply: texts */
    struct body_factor factor;  /* approve */
};

enum rsm_status body_request_decode(struct bytes body, struct body_request *out);
/* change.vote, .approve, .cancel, .apply */
enum rsm_status body_ballot_decode(enum rsm_kind kind, struct bytes body, struct body_ballot *out);
/*
 * A kind that may wait for votes, and that a request may wrap. Not a freeze, which is a brake; not
 * a lease, whose time would run; not reports, updates of clients, and what waiting is made of.
 */
bool body_may_be_requested(enum rsm_kind kind);

/* "standard", "critical", "emergency". */
const char *body_class_text(enum rsm_class class);
/* False for another text. */
bool body_class_parse(struct bytes text, enum rsm_class *out);

#endif
