/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_limit.h - the policy's lists "limits" and "times".
 *
 *     limits  [[name str, who str, acts uint, zone bin, label str, value str, count uint,
 *              share uint, window_ms uint, existing uint]...]                       at most 64
 *     times   [[zone bin, who str, days uint, from uint, to uint, offset uint, label str,
 *              value str]...]                                                      at most 64
 *
 * A limit: of the record sets of each zone that it is for, so many may be added (acts 1), altered
 * (2) or deleted (4) by one change (who "change", window 0), by one author ("author") or by all
 * automata together ("automata") within window_ms of log time. `count` is a number, `share` parts
 * in a thousand of the zone's record sets; 0: that one is not asked. The share is asked only where
 * the zone has `existing` record sets at least, so that a small zone can be worked on. An empty
 * zone is every zone; a label with its value narrows it to zones that have it.
 *
 * A time: the zone (empty: every zone) may be changed by `who` ("all", "automata") on `days` (bit
 * 0: Monday) from minute `from` to before minute `to` of the day, at a fixed offset from UTC: 1440
 * is UTC, 1500 is +01:00. Where some time is for a zone and an author, it has to be one of them.
 * Fixed offsets, for the rules of civil time change and a replay must not.
 *
 *     TABLE_VELOCITY   limit text, author text, zone wire name -> period u64 | 9 counts u64
 *
 * The window is counted in 8 parts and the one that is open, so that what is let through is never
 * more than the limit in any window, and a part of it less at worst.
 */
#ifndef RSM_MACHINE_POLICY_LIMIT_H
#define RSM_MACHINE_POLICY_LIMIT_H

#include "src/base/bytes.h"
#include "src/command/unpack.h"
#include "src/machine/verdict.h"

#define POLICY_LIMITS_MAX 64u
#define POLICY_TIMES_MAX 64u
#define LIMIT_NAME_MAX 64u /* a key has it beside an author and a zone */
#define LIMIT_WINDOW_MS_MIN 60000u
#define LIMIT_WINDOW_MS_MAX UINT64_C(2678400000) /* 31 days */
#define LIMIT_PARTS 8u

enum limit_act {
    LIMIT_ADD = 1,
    LIMIT_ALTER = 2,
    LIMIT_DELETE = 4,
};

enum limit_who {
    LIMIT_CHANGE = 1,
    LIMIT_AUTHOR,
    LIMIT_AUTOMATA,
};

struct policy_limit {
    struct bytes name;
    enum limit_who who;
    uint32_t acts;
    struct bytes zone, label, value;
    uint64_t count, share, window_ms, existing;
};

struct policy_time {
    struct bytes zone, label, value; /* empty: every zone; whatever its labels */
    bool is_for_automata;            /* only */
    uint32_t days, from, to, offset;
};

/* One item of a list's cursor; false: it is none. */
bool policy_limit_take(struct unpack *list, struct policy_limit *out);
bool policy_time_take(struct unpack *list, struct policy_time *out);
/* A whole list; reports what is wrong with it. */
void policy_limits_check(struct unpack *list, struct reasons *reasons);
void policy_times_check(struct unpack *list, struct reasons *reasons);

/* What was counted in a window. */
struct velocity {
    uint64_t period; /* the part that is open, in parts since the epoch */
    uint64_t counts[LIMIT_PARTS + 1];
};

void velocity_encode(struct writer *out, const struct velocity *v);
enum rsm_status velocity_decode(struct bytes value, struct velocity *out);
/* Moves it to `now_ms`; the sum of what is in the window. */
uint64_t velocity_sum(struct velocity *v, uint64_t window_ms, uint64_t now_ms);

/* True when `now_ms` is inside; else *next_ms_out is the next time that it begins. */
bool policy_time_is_in(const struct policy_time *t, uint64_t now_ms, uint64_t *next_ms_out);

#endif
