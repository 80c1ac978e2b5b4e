/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_clock.c - what time it is, by more than one clock.
 *
 * An acceptor refuses a fresh proposal whose stamp is far from its own clock. That alone does not
 * hold a leader whose clock is wrong: its own vote is durable, so after the refusals it prepares
 * again, finds that vote, and must propose the very value again, which then is not fresh:
 *
 *   1. the leader's clock is set ahead by an hour; it votes for a value with that stamp
 *   2. both others refuse it; the leader prepares under a higher ballot and finds its own vote
 *   3. the others accept the value that may have been chosen: log time is an hour ahead, for good
 *
 * So a stamp is made with the median of the members' clocks in the first place: each says its own
 * with its heads, and it is kept against our monotonic clock, which nobody sets. Of an even number
 * the lower one of the middle counts: log time that lags catches up, what is ahead stays.
 *
 * A replica whose own clock is further from the median than the bound takes no commands, and does
 * not lead: its clock is nobody's, and the bound with which it judges others' stamps is wrong.
 */
#include "src/daemon/node_internal.h"

/* Older sayings do not count: the peer is gone, or its clock was set since. */
#define CLOCK_FRESH_TIMEOUTS 4u

static bool is_fresh(const struct node *n, uint32_t peer)
{
    uint64_t heard = n->heads.peers[peer].heard_tick;
    return peer != n->config.self && (n->members & (1u << peer)) != 0 && heard > 0 &&
           n->tick - heard <= CLOCK_FRESH_TIMEOUTS * (uint64_t)n->config.election_ticks_max;
}

uint64_t node_clock_ms(struct node *n)
{
    int64_t monotonic = (int64_t)node_now_ms(n);
    int64_t clocks[REPLICA_MAX + 1] = {(int64_t)n->env.wall_ms(n->env.context) - monotonic};
    size_t count = 1;
    for (uint32_t peer = 1; peer <= REPLICA_MAX; peer++) {
        if (!is_fresh(n, peer))
            continue;
        size_t at = count++;
        for (; at > 0 && clocks[at - 1] > n->peer_clock_ms[peer]; at--)
            clocks[at] = clocks[at - 1];
        clocks[at] = n->peer_clock_ms[peer];
    }
    int64_t now = monotonic + clocks[(count - 1) / 2];
    return now > 0 ? (uint64_t)now : 0;
}

void clock_judge(struct node *n)
{
    uint64_t own = n->env.wall_ms(n->env.context);
    uint64_t all = node_clock_ms(n);
    uint64_t apart = own > all ? own - all : all - own;
    if (apart > n->config.clock_bound_ms)
        node_raise(n, NODE_ALARM_CLOCK, 0);
    else
        node_clear(n, NODE_ALARM_CLOCK);
}
