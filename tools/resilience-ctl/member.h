/* SPDX-License-Identifier: GPL-3.0-or-later */
/* member.h - what the member commands share: a look at the members, and waiting. */
#ifndef RSM_CTL_MEMBER_H
#define RSM_CTL_MEMBER_H

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "tools/resilience-ctl/ctl.h"

/* An answer of member.list. */
struct member_view {
    struct rsm_buffer bytes; /* owned */
    uint64_t slot;
    struct rsm_value current, newest; /* configurations; the same when none waits */
    uint64_t current_version, newest_version, newest_slot;
};

/* Asks; prints what is wrong. */
enum rsm_status member_look(struct ctl *ctl, struct member_view *view_out);
void member_view_free(struct member_view *view);
/* How the leader knows the members. */
struct member_known {
    struct rsm_incarnation items[LIMIT_REPLICAS];
    size_t count;
};

/*
 * Asks the leader itself, who compares what an addition or a promotion says of the others. The
 * author has seen what came. Prints what is wrong.
 */
enum rsm_status member_look_known(struct ctl *ctl, struct member_known *known_out);
/* The member's map in a configuration; "no value" when it is not in it. */
struct rsm_value member_find(struct rsm_value configuration, uint64_t id);

/* Time that is left of --wait (10 minutes unless said otherwise). */
struct member_deadline {
    uint64_t end_ms;
};

/* False when --wait is no time (explained). */
bool member_deadline_begin(struct ctl *ctl, struct member_deadline *out);

/*
 * Until the configuration governs, with progress on stderr. The leader may change meanwhile; what
 * cannot be asked now is asked again. RSM_TIMED_OUT when the time is over (explained).
 */
enum rsm_status member_wait_in_force(struct ctl *ctl, const struct member_deadline *deadline,
                                     uint64_t version);

/*
 * Submits the promotion until the replica has caught up: NOT_READY before that is progress, nothing
 * is logged, and it is signed anew, for the members may have changed. The exit status; the verdict
 * is printed.
 */
int member_promote_when_ready(struct ctl *ctl, const struct member_deadline *deadline, uint64_t id);

#endif
