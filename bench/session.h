/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session.h - loads against one cluster that is up, each between two looks at its replicas and
 * behind a slice of the floor.
 */
#ifndef RSM_BENCH_SESSION_H
#define RSM_BENCH_SESSION_H

#include "bench/cluster.h"
#include "bench/options.h"
#include "bench/report.h"

/* What is measured; see HELP in run.c. */
struct session_options {
    struct load_shape shape; /* endpoints and client_count are set by session_open */
    struct numbers clients, rates;
    double seconds, warm_up; /* warm_up below 0: a tenth, half a second at least */
    uint64_t count, floor_count, timeout_ms, reads_percent;
    const char *level, *at, *distribution;
    bool shows_progress;
};

/* Where. */
struct session_cluster {
    const char *endpoints, *key_path, *directory;
    pid_t processes[CLUSTER_REPLICAS_MAX];
    bool is_kept; /* it stays after the run: what was made in it is deleted */
};

struct session {
    const struct session_options *options;
    const struct session_cluster *cluster;
    char load_endpoints[1024];
    struct rsm_key *key; /* the administrator's; the world borrows it */
    struct load_world *world;
    struct observe before, after;
    uint32_t points_done, points_all; /* for the progress line */
};

/* Says on stderr what went wrong. Closed with session_close, also when it failed. */
enum rsm_status session_open(struct session *s, const struct session_options *options,
                             const struct session_cluster *cluster);
void session_close(struct session *s);

/* Points for every number of clients and every rate. Freed with session_free_report. */
enum rsm_status session_make_report(struct report *r, const struct session_options *options,
                                    const char *endpoints);
void session_free_report(struct report *r);

/* Each point once: adds a repetition to each. */
enum rsm_status session_repeat(struct session *s, struct report *r);

#endif
