/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor.h - what this machine needs for the least that a commit can be, by the plainest code.
 *
 *   flush       pwrite of one record and fdatasync, into a file that is preallocated and
 *               zero-filled, so that no metadata changes
 *   round-trip  a record over loopback TCP to another thread and a short answer back
 *   quorum      a leader and two followers in processes of their own, which do nothing but that:
 *               the record goes to the leader, from there to both followers, each flushes it, and
 *               the client has its answer with the leader's flush and the first follower's
 *   group       the same with as many clients as the load has; what has come when a flush ends
 *               goes into the next one together
 *   sign        Ed25519 over one record
 *   verify      and its verification
 *   signed      a record signed once and verified by each replica, on all processors at once: what
 *               commands signed one by one can reach at most where all share this machine
 *
 * In the directory where the replicas' journals are.
 */
#ifndef RSM_BENCH_FLOOR_H
#define RSM_BENCH_FLOOR_H

#include <rsm/status.h>

#include "src/base/histogram.h"

/* X(name, text, what it is) */
#define FLOOR_LIST(X)                                                                              \
    X(FLUSH, "flush", "write and flush one record")                                                \
    X(ROUND_TRIP, "round-trip", "a record over loopback TCP, and an answer")                       \
    X(QUORUM, "quorum", "client, leader, two followers, flush, answer")                            \
    X(GROUP, "group", "the same from many clients, with group commit")                             \
    X(SIGN, "sign", "Ed25519 over one record")                                                     \
    X(VERIFY, "verify", "and its verification")                                                    \
    X(SIGNED, "signed", "signed once, verified by each replica, on all processors at once")

enum floor_part {
#define FLOOR_ENUM(name, text, what) FLOOR_##name,
    FLOOR_LIST(FLOOR_ENUM)
#undef FLOOR_ENUM
        FLOOR_COUNT
};

struct floor_result {
    struct histogram histograms[FLOOR_COUNT];
    double seconds[FLOOR_COUNT]; /* of each, without its warm-up */
};

struct floor_options {
    const char *directory;
    uint32_t size;        /* of a record, 16..65536 */
    uint32_t count;       /* of each measurement; of a group at least 16 a client */
    uint32_t clients;     /* of the group; 1: it is the quorum, and is not measured */
    uint32_t connections; /* that the group's clients share; 0: each has its own */
    uint32_t replicas;    /* that verify a signature, 1 or more */
};

const char *floor_name(enum floor_part part);
const char *floor_what(enum floor_part part);

/* Adds to *out, so that slices can be measured between other things. RSM_IO, RSM_DISK_FULL. */
enum rsm_status floor_measure(const struct floor_options *options, struct floor_result *out);

/* What a commit can hope for: the group's histogram, or the quorum's for one client. */
enum floor_part floor_of_clients(uint32_t clients);

/* How many processors SIGNED uses: those of this machine, 64 at most. */
uint32_t floor_processors(void);

uint64_t bench_now_ns(void);

#endif
