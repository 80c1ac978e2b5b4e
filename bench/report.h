/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - figures as a table for people, or as JSON. No judgement. */
#ifndef RSM_BENCH_REPORT_H
#define RSM_BENCH_REPORT_H

#include "bench/floor.h"
#include "bench/load.h"

#define REPORT_RUNS_MAX 16u

struct report {
    uint32_t replicas; /* 0: not started here */
    const char *directory;
    uint32_t record_size;
    uint32_t bundle; /* changes under one signature */
    struct floor_result floor;
    struct load_result runs[REPORT_RUNS_MAX];
    uint32_t run_count;
};

void report_print_table(const struct report *r);
void report_print_json(const struct report *r);

#endif
