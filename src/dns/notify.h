/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * notify.h - which secondary is told of which zone, and when (RFC 1996).
 *
 * A changed zone is told at once. Changes within an interval after that are told together, when
 * it is over: a secondary that is still fetching gains nothing by being told more often. Each
 * target is told again after 1, 2, 4 and 8 seconds until it answers; then it is left to its own
 * polling. A newer serial begins anew.
 *
 * Only the leader sends: three NOTIFYs for one serial are three questions too many, and make some
 * secondaries wait. Elsewhere a change is held for NOTIFY_HOLD_MS, so that who leads next tells
 * what the former leader perhaps did not.
 *
 * Time comes in as a number of milliseconds, above 0, that never falls; messages go out by the
 * caller.
 */
#ifndef RSM_DNS_NOTIFY_H
#define RSM_DNS_NOTIFY_H

#include "src/rr/tsig.h"

#define NOTIFY_TARGETS_MAX 64u
#define NOTIFY_ZONES_MAX 65536u  /* that wait: further ones are left to polling */
#define NOTIFY_FLIGHTS_MAX 4096u /* messages without an answer yet; zones wait meanwhile */
#define NOTIFY_ATTEMPTS 5u
#define NOTIFY_HOLD_MS 10000u

struct notify;

/* Borrowed. */
struct notify_target {
    struct bytes zone;          /* wire name; empty: all zones */
    const struct tsig_key *key; /* NULL: not signed */
};

struct notify *notify_new(const struct notify_target *targets, uint32_t count, uint64_t seed);
/* NULL is ignored. */
void notify_free(struct notify *n);

/* The zone has a new serial; it is told of so often at most. */
void notify_changed(struct notify *n, struct bytes zone, uint64_t interval_ms, uint64_t now_ms);

/* A message to be sent now. Borrowed until the next call of any function here. */
struct notify_send {
    struct bytes zone;
    uint32_t target;
    uint16_t id;
    uint32_t attempt; /* from 1 */
    struct tsig_exchange *tsig;
};

/* False: nothing is due. Without the lead nothing ever is, and old changes are forgotten. */
bool notify_next(struct notify *n, uint64_t now_ms, bool is_leader, struct notify_send *out);

enum notify_answer {
    NOTIFY_UNKNOWN = 1, /* no answer to anything that was sent, or not signed as it must be */
    NOTIFY_TAKEN,
    NOTIFY_REFUSED, /* answered with an error: not told again */
};

/* An answer that came from the target's address; its zone is the packet's question. */
enum notify_answer notify_on_answer(struct notify *n, uint32_t target, const struct packet *answer);

struct notify_counters {
    uint64_t sent, answered, refused, given_up, forgotten;
};

/* Since it was made; borrowed. */
const struct notify_counters *notify_counters(const struct notify *n);

#endif
