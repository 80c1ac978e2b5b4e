/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fork_node.h - one replica goes on alone, because persons signed it (fork_node.c). */
#ifndef RSM_TESTS_SIM_FORK_NODE_H
#define RSM_TESTS_SIM_FORK_NODE_H

#include "tests/sim/sim_node.h"

/* It dies, and does not come back by itself; and it does come back. */
void replica_leave(struct node_cluster *c, uint32_t id);
void replica_return(struct node_cluster *c, uint32_t id);
/* What `rsmd recover` says of the disk of `id`, read with nobody to talk to. */
void fork_statement(struct node_cluster *c, uint32_t id, struct writer *statement_out);
/*
 * Starts `id` with that body of cluster.recover. From here on it has judges of its own, who know
 * the log up to the statement's slot and nothing of what the others chose behind it; these have
 * kept theirs.
 */
void fork_begin(struct node_cluster *c, uint32_t id, struct bytes body);

#endif
