/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pace.h - when the operations of an open loop shall begin: one every 1/rate seconds, whatever
 * became of those before. A latency counts from that moment, so that a stall is seen by all that
 * should have begun in it, not by the few that had ("coordinated omission", Gil Tene).
 */
#ifndef RSM_BENCH_PACE_H
#define RSM_BENCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t start_ns, end_ns;
    double interval_ns;
    uint64_t next; /* operations handed out so far */
};

/* `rate` a second, above 0, from start_ns up to end_ns. */
void pace_init(struct pace *p, uint64_t start_ns, uint64_t end_ns, double rate);
/* When the next one shall begin; UINT64_MAX: there is none any more. */
uint64_t pace_next_ns(const struct pace *p);
/* Hands it out when its time has come by `now_ns`. */
bool pace_take(struct pace *p, uint64_t now_ns, uint64_t *intended_ns_out);

#endif
