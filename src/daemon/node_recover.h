/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_recover.h - a replica that goes on alone (node_recover.c).
 *
 * node_config.recovery is the body of a cluster.recover for its disk. Until the state has that
 * epoch the replica is the one voter, and takes nobody's commands.
 */
#ifndef RSM_DAEMON_NODE_RECOVER_H
#define RSM_DAEMON_NODE_RECOVER_H

#include "src/daemon/node.h"

/* It goes on alone, and the log does not say so yet. */
bool node_is_recovering(struct node *node);
/* What it would go on with: above all slots that it has applied or voted for. */
uint64_t node_votes_end(const struct node *node);

/* Persons let another replica go on without this one (left_behind.h): the alarm left-behind. */
void node_leave_behind(struct node *node, uint64_t slot);
bool node_is_left_behind(const struct node *node);

#endif
