/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer_result.h - what the loads of other systems have in common: options, clock, and the result in
 * the form of `rsm-bench run --json`. */
#ifndef RSM_BENCH_PEER_RESULT_H
#define RSM_BENCH_PEER_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/histogram.h"

/* A closed loop: `clients` with one operation each on its way. */
struct peer_load {
    uint32_t clients, size;
    double seconds, warm_up;
    bool reads;
    uint64_t measure_from_ns, end_ns; /* set by peer_begin */
    uint64_t in_time;                 /* operations that ended while it was measured */
    struct histogram latency;
};

uint64_t peer_now_ns(void);
/* The times begin now. */
void peer_begin(struct peer_load *l);
/* One operation ended; false: nothing new begins any more. */
bool peer_count(struct peer_load *l, uint64_t begin_ns, uint64_t now_ns);
/* One point with one repetition, on stdout. */
void peer_print(const struct peer_load *l, const char *what);

#endif
