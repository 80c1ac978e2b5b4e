/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_change.h - what a node knows of a change that no applied slot has (node_status.c). */
#ifndef RSM_DAEMON_NODE_CHANGE_H
#define RSM_DAEMON_NODE_CHANGE_H

#include "src/base/bytes.h"
#include "src/daemon/node.h"
#include "src/machine/change_state.h"

/*
 * A change that no applied slot has, as far as this replica knows: submitted (it waits here),
 * chosen (a slot has it that is not applied here yet), or 0. It is named by `author_or_digest` and
 * `counter`, or with counter 0 by the digest alone. digest_out: the command's.
 */
enum change_state node_change_state(struct node *node, struct bytes author_or_digest,
                                    uint64_t counter, uint8_t digest_out[HASH_SIZE]);

#endif
