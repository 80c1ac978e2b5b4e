/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_spec.h - what the speculation of a node remembers; for src/daemon/node*.c alone. */
#ifndef RSM_DAEMON_NODE_SPEC_H
#define RSM_DAEMON_NODE_SPEC_H

#include "src/base/blob.h"
#include "src/base/kv.h"
#include "src/machine/verdict.h"

/*
 * What judging a slot came to, so that applying it need not come to it again: `bytes` are the
 * verdicts', then the writes.
 */
struct outcome {
    struct verdicts verdicts; /* but their bytes */
    size_t verdicts_size;
    size_t writes_size;
    uint8_t bytes[];
};

struct speculated_slot {
    struct blob *value;      /* reference; NULL also for a no-op */
    struct outcome *outcome; /* owned; NULL: not kept, it will be judged again */
};

struct speculation {
    struct kv *overlay;            /* owned, over the applied overlay */
    uint64_t end;                  /* slots below are in it */
    struct speculated_slot *slots; /* owned, slot n at n % LIMIT_WINDOW */
    struct verdicts verdicts;      /* of the slot judged last */
    struct writer writes;          /* ditto */
    size_t outcome_bytes;          /* all outcomes together */
};

#endif
