/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor.h - what this machine needs for the least that a commit can be.
 *
 *   flush       pwrite of one record and fdatasync, into a file that is preallocated and
 *               zero-filled, so that no metadata changes
 *   round trip  the same in a second thread, asked for over loopback TCP and answered
 *
 * Measured with one asker, in the directory where the replicas' journals are.
 */
#ifndef RSM_BENCH_FLOOR_H
#define RSM_BENCH_FLOOR_H

#include <rsm/status.h>

#include "src/base/histogram.h"

struct floor_result {
    struct histogram flush;
    struct histogram round_trip;
    double flush_seconds, round_trip_seconds;
};

/* `count` of each, records of `size` bytes (1..65536). RSM_IO, RSM_DISK_FULL. */
enum rsm_status floor_measure(const char *directory, uint32_t size, uint32_t count,
                              struct floor_result *out);

uint64_t bench_now_ns(void);

#endif
