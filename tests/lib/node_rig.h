/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_rig.h - a node_pair whose administrator counts what of its commands was done. */
#ifndef RSM_TESTS_LIB_NODE_RIG_H
#define RSM_TESTS_LIB_NODE_RIG_H

#include "tests/lib/node_pair.h"

#define NODE_RIG_NEVER_MS 100000000u

struct node_rig {
    struct node_pair pair;
    struct node_pair_replica *leader, *other, *third;
    uint64_t counter; /* of the administrator's commands */
    uint64_t ended, done;
    enum rsm_status status; /* of the last one that ended, and its slot */
    uint64_t slot;
};

/* `count` replicas, one of which leads. No command's time is ever over, whatever `config` says. */
struct node_rig *node_rig_open(uint32_t count, struct node_config *config);
/* The same, and its members have keys: they vote on changes that wait for votes. */
struct node_rig *node_rig_open_with_keys(uint32_t count, struct node_config *config);
void node_rig_close(struct node_rig *r);
/* After another election: who leads, and who are the others. */
void node_rig_find_leader(struct node_rig *r);
/* So many commands in pieces of eight, so that the journal has groups; then `turns`. All are done.
 */
void node_rig_commit(struct node_rig *r, unsigned count, unsigned turns);

#endif
