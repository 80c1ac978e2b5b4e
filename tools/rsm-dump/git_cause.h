/* SPDX-License-Identifier: GPL-3.0-or-later */
/* git_cause.h - whose change a slot made, why, and who approved it: for the slot's commit. */
#ifndef RSM_DUMP_GIT_CAUSE_H
#define RSM_DUMP_GIT_CAUSE_H

#include "src/base/bytes.h"
#include "src/base/kv.h"
#include "tools/rsm-dump/dump.h"

/* All owned: git_cause_deinit. Text that git and a terminal show as it is. */
struct git_cause {
    struct writer author;
    struct writer reason;    /* the kind of the command, when nobody said one */
    struct writer approvals; /* "Approved-by: NAME" lines, by person */
    uint64_t counter;
};

/* `state` is the one right after the slot. What cannot be read is left out. */
void git_cause_find(struct dump *d, struct kv *state, uint64_t slot, struct git_cause *out);
void git_cause_deinit(struct git_cause *cause);
/* A name for a person's line and for trailers: without what ends either. */
void git_write_person(struct writer *out, struct bytes name);

#endif
