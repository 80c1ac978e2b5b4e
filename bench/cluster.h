/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster.h - a local cluster for one run, through `resilience-ctl dev up` and `dev down`. */
#ifndef RSM_BENCH_CLUSTER_H
#define RSM_BENCH_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include <rsm/status.h>

struct cluster {
    char directory[256];
    bool owns_directory; /* made here: removed again */
    bool is_up;
    char endpoints[1024];
    char key_path[512]; /* the administrator's */
};

/*
 * Starts replicas in `directory` (NULL: a new one below $TMPDIR or /tmp) and waits until they are
 * ready. On failure the tool has said why on stderr.
 */
enum rsm_status cluster_up(struct cluster *c, const char *directory, uint32_t replicas,
                           uint32_t base_port);
/* Stops it; removes the directory that cluster_up made. */
void cluster_down(struct cluster *c);

#endif
