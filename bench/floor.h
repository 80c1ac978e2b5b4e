/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor.h - what this machine needs for the least that a commit can be.
 *
 *   flush       pwrite of one record and fdatasync, into a file that is preallocated and
 *               zero-filled, so that no metadata changes
 *   quorum      a leader and two followers in processes of their own, which do nothing but that:
 * the record goes to the leader, from there to both followers, each flushes it, and the client has
 * its answer with the leader's flush and the first follower's round trip  the same in a second
 * thread, asked for over loopback TCP and answered
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
    struct histogram quorum;
    double flush_seconds, round_trip_seconds, quorum_seconds;
};

/* `count` of each, records of `size` bytes (1..65536). RSM_IO, RSM_DISK_FULL. */
enum rsm_status floor_measure(const char *directory, uint32_t size, uint32_t count,
                              struct floor_result *out);

/* The last of them alone. */
enum rsm_status floor_measure_quorum(const char *directory, uint32_t size, uint32_t count,
                                     struct floor_result *out);

uint64_t bench_now_ns(void);

#endif
