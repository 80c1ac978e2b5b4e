/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - the figures of a run: gathered, and as a table for people, as JSON and as CSV. No
 * judgement. */
#ifndef RSM_BENCH_REPORT_H
#define RSM_BENCH_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "bench/floor.h"
#include "bench/load.h"
#include "bench/observe.h"

#define REPORT_POINTS_MAX 16u
#define REPORT_REPETITIONS_MAX 100u

/* X(name in JSON and CSV, heading, per 100,000) */
#define QUANTILE_LIST(X)                                                                           \
    X("median_us", "median", 50000)                                                                \
    X("p75_us", "p75", 75000)                                                                      \
    X("p90_us", "p90", 90000)                                                                      \
    X("p95_us", "p95", 95000)                                                                      \
    X("p99_us", "p99", 99000)                                                                      \
    X("p999_us", "p99.9", 99900)                                                                   \
    X("p9999_us", "p99.99", 99990)

#define QUANTILE_COUNT 7u

struct quantile {
    const char *name, *heading;
    uint32_t per_100000;
};
extern const struct quantile quantiles[QUANTILE_COUNT];

/* Of one histogram, in microseconds. */
struct summary {
    uint64_t count;
    double mean, max, values[QUANTILE_COUNT];
};

struct repetition {
    double seconds, writes_per_second, reads_per_second, floor_per_second;
    uint64_t refused, failed, busy, offered, late, repeated;
    struct summary write, read, floor;
    double ratio; /* the writes' median to the floor's; 0: one of them was not measured */
};

/* One number of clients and one rate. */
struct point {
    uint32_t clients;
    double rate; /* 0: closed loop */
    struct load_result load;
    struct floor_result floor;
    struct observe observed;
    uint64_t
        disk_written; /* by everybody, to the disk of the floor's directory, during the loads */
    struct repetition *repetitions; /* owned, REPORT_REPETITIONS_MAX of them */
    uint32_t repetition_count;
};

struct report {
    char started[32];  /* UTC */
    char command[512]; /* what was asked for */
    uint32_t replicas; /* 0: not started here */
    const char *directory;
    struct load_shape shape;
    uint32_t reads_percent;
    bool is_stale, has_floor;
    struct point *points; /* owned */
    uint32_t point_count;
};

void summary_make(struct summary *s, const struct histogram *h);
/* The repetition's row is made, and its figures join the point's. */
void report_add(struct point *p, const struct load_result *load, const struct floor_result *floor);
/* The median to the floor's with as many clients; 0: unknown. */
double report_ratio(const struct histogram *write, const struct floor_result *floor,
                    uint32_t clients);

/* What a point's changes a second are of what this machine could do at most; 0: not known. */
struct shares {
    double of_floor; /* of the floor's a second, with as many in flight */
    double
        of_signing;   /* its signatures, of those that SIGNED can do; not where callers share one */
    double change_us; /* processor time of client and replicas for a change, none of them a read */
    double processors; /* that they keep busy with it */
};
struct shares report_shares(const struct report *r, const struct point *p);

/* What one replica used for each command that it applied; see report_use. */
struct use_of_command {
    double cpu_us, switches, written_bytes, journal_bytes, flushes, store_commits, frames;
    double minor_faults, major_faults;
};
struct use_of_command report_use(const struct observe_replica *r);

/*
 * Mean time, in microseconds, that is not in any stage of a replica: from the client to the replica
 * that it asks, and back. Below 0: unknown.
 */
double report_client_us(const struct point *p);
/*
 * Mean time of a command that a follower was asked for which is in no stage of the two replicas: on
 * its way to the leader, and until the follower has its verdict. Below 0: none was, or unknown.
 */
double report_passed_us(const struct observe *o);
/* Whether a stage is one of a commit's path, which follow each other. */
bool report_is_on_path(const char *stage);
/*
 * Mean time from the leader's frames to a vote that is not the follower's own: the network both
 * ways, and waking up. Below 0: unknown.
 */
double report_network_us(const struct observe *o);

void report_print_table(const struct report *r, FILE *out);
void report_print_stages(const struct point *p, FILE *out);
/* Owned: json_decref. */
json_t *report_json(const struct report *r);
json_t *report_json_floor(const struct floor_result *floor);
void report_print_csv(const struct report *r, FILE *out);
void report_print_floor(const struct floor_result *floor, uint32_t clients, FILE *out);
/* Name, processors and kernel of this machine. */
json_t *report_json_machine(void);

#endif
