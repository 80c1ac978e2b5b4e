/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * change_state.h - the states of a change, and the one table of what may follow what.
 *
 *     submitted   a replica has it, no slot has it as far as that replica knows
 *     chosen      a slot has it; its verdict has not fallen where it is asked for
 *     refused     rules, a replica's no, or somebody who took it back
 *     staged      good, but of a class that waits: for votes, for approvals
 *     live        it took effect
 *     expired     what it waited for did not come before its deadline
 *     superseded  what it was based on was overtaken while it waited
 *     rolled-back a later command took its effect back
 *
 * Submitted and chosen are known to the replica that is asked and stand in no state; all others are
 * the log's. refused, expired, superseded and rolled-back are final.
 */
#ifndef RSM_MACHINE_CHANGE_STATE_H
#define RSM_MACHINE_CHANGE_STATE_H

#include <stdbool.h>

/* The numbers are in the state, for ever. */
enum change_state {
    CHANGE_SUBMITTED = 1,
    CHANGE_REFUSED,
    CHANGE_STAGED,
    CHANGE_CHOSEN,
    CHANGE_LIVE,
    CHANGE_ROLLED_BACK,
    CHANGE_EXPIRED,
    CHANGE_SUPERSEDED,
    CHANGE_STATE_END,
};

bool change_state_may_follow(enum change_state from, enum change_state to);
/* "rolled-back" and so on; "unknown" outside the list. Static memory. */
const char *change_state_text(enum change_state state);

#endif
