/* SPDX-License-Identifier: GPL-3.0-or-later */
/* change_state.c - see change_state.h. */
#include "src/machine/change_state.h"

#include <stdint.h>

#define TO(state) (1u << CHANGE_##state)

/* Bit n of row s: state n may follow state s. */
static const uint32_t followers[CHANGE_STATE_END] = {
    /* a leader's rejection takes its place, or a slot has it */
    [CHANGE_SUBMITTED] = TO(REFUSED) | TO(CHOSEN),
    /* its verdict falls when the slot is applied */
    [CHANGE_CHOSEN] = TO(REFUSED) | TO(STAGED) | TO(LIVE),
    /* settle.c */
    [CHANGE_STAGED] = TO(REFUSED) | TO(LIVE) | TO(EXPIRED) | TO(SUPERSEDED),
    [CHANGE_LIVE] = TO(ROLLED_BACK),
    [CHANGE_REFUSED] = 0,
    [CHANGE_ROLLED_BACK] = 0,
    [CHANGE_EXPIRED] = 0,
    [CHANGE_SUPERSEDED] = 0,
};

bool change_state_may_follow(enum change_state from, enum change_state to)
{
    return from > 0 && from < CHANGE_STATE_END && to > 0 && to < CHANGE_STATE_END &&
           (followers[from] & (1u << to)) != 0;
}

const char *change_state_text(enum change_state state)
{
    static const char *const texts[CHANGE_STATE_END] = {
        [CHANGE_SUBMITTED] = "submitted", [CHANGE_REFUSED] = "refused",
        [CHANGE_STAGED] = "staged",       [CHANGE_CHOSEN] = "chosen",
        [CHANGE_LIVE] = "live",           [CHANGE_ROLLED_BACK] = "rolled-back",
        [CHANGE_EXPIRED] = "expired",     [CHANGE_SUPERSEDED] = "superseded",
    };
    return state > 0 && state < CHANGE_STATE_END ? texts[state] : "unknown";
}
