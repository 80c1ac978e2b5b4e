/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster.h - the files of a new cluster: keys, genesis, configurations. */
#ifndef RSM_CTL_CLUSTER_H
#define RSM_CTL_CLUSTER_H

#include "src/base/ids.h"
#include "src/base/limits.h"
#include "tools/resilience-ctl/ctl.h"

struct cluster_member {
    uint32_t id;
    char zone[64];
    char peer[128];   /* "ip:port" */
    char client[128]; /* "ip:port" */
};

struct cluster_plan {
    const char *dir, *name, *admin, *person;
    bool plain;     /* the administrator's key has no passphrase */
    bool plaintext; /* addresses are not all loopback */
    bool join;      /* the genesis is there, and does not name these */
    unsigned member_count;
    struct cluster_member members[LIMIT_REPLICAS];
};

/*
 * Makes DIR with genesis, admin.key, and replica-N/ with replica.key and rsmd.conf. Nothing is
 * overwritten: RSM_EXISTS. What is wrong is printed.
 */
enum rsm_status cluster_make(const struct cluster_plan *plan);

/* Makes DIR/replica-N/ of members[0], which joins the cluster that DIR has. As cluster_make. */
enum rsm_status cluster_make_joining(const struct cluster_plan *plan);

#endif
