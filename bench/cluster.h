/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster.h - a local cluster for one run, through `resilience-ctl dev up` and `dev down`. */
#ifndef RSM_BENCH_CLUSTER_H
#define RSM_BENCH_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rsm/status.h>

#define CLUSTER_REPLICAS_MAX 9u

struct cluster {
    char directory[256];
    bool owns_directory; /* made here: removed again */
    bool is_up;
    char endpoints[1024];
    char key_path[512]; /* the administrator's */
    uint32_t replicas;
};

/*
 * Starts replicas in `directory` (NULL: a new one below $TMPDIR or /tmp) and waits until they are
 * ready. On failure the tool has said why on stderr.
 */
enum rsm_status cluster_up(struct cluster *c, const char *directory, uint32_t replicas,
                           uint32_t base_port);
/* Stops it, adds the lines to each replica's configuration, and starts it again. */
enum rsm_status cluster_configure(struct cluster *c, const char *lines);
/* Whether a replica would take the lines as well; else `why` has its words. Changes nothing. */
bool cluster_takes(const struct cluster *c, const char *lines, char *why, size_t size);
/* The replicas' processes, in the order of the endpoints; 0: not known. */
void cluster_processes(const struct cluster *c, pid_t processes[CLUSTER_REPLICAS_MAX]);
/* Stops it; removes the directory that cluster_up made. */
void cluster_down(struct cluster *c);

#endif
