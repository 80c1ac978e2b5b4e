/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_ready.h - asked by the leader before it proposes: see node_ready.c. */
#ifndef RSM_DAEMON_NODE_READY_H
#define RSM_DAEMON_NODE_READY_H

#include "src/daemon/node_internal.h"

/* The envelope adds or promotes a replica, and it is not the time for it; `text` says why. */
bool node_is_not_ready(struct node *n, struct bytes envelope, char *text, size_t size);

#endif
