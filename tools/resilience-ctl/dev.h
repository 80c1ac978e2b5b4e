/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dev.h - processes of the local cluster, for dev.c and dev_member.c alone. */
#ifndef RSM_CTL_DEV_H
#define RSM_CTL_DEV_H

#include <sys/types.h>

#include "src/base/limits.h"
#include "tools/resilience-ctl/ctl.h"

#define DEV_PATH_SIZE 4096u

extern const char *const dev_zones[LIMIT_REPLICAS];

/* --dir, else $RSM_DEV_DIR, else ./rsm-dev. */
void dev_choose_dir(struct ctl *ctl);
/* The highest number of a replica with a configuration; 0: no cluster. */
unsigned dev_count_replicas(const char *dir);
/* The replica's process, or 0. */
pid_t dev_find_process(const char *dir, unsigned replica);
/* The process of --replica, 0: it does not run; -1: no such replica (explained). */
pid_t dev_need_replica(struct ctl *ctl);
/* Begins it, unless it runs; prints what is wrong. */
bool dev_start_replica(const char *dir, unsigned replica);
/* False when it did not end in time. */
bool dev_wait_gone(const char *dir, unsigned replica);
/* Until `is_done` says so; false, and explained, when it does not in time. */
bool dev_wait_for(const char *dir, const char *endpoint, unsigned replica,
                  bool (*is_done)(const char *endpoint));
/* It runs and answers: all that can be waited for while it is no member. */
bool dev_is_up(const char *endpoint);
/* A port that is free now, held by *fd_out until the caller closes it; 0: none. If there is one, it
   is below those that connections are given. */
uint16_t dev_free_port(int *fd_out);
/* Owned by the caller; NULL (explained) when there is no cluster. */
char *dev_read_endpoints(const char *dir);
/* Endpoint `index` of a list, in `out`; false behind the last. */
bool dev_endpoint_at(const char *endpoints, unsigned index, char *out, size_t size);

#endif
