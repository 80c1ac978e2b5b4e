/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * approvers.h - those who may approve are told that an emergency waits for them: the leader runs
 * the program `approval_hook` for each (src/io/hook.h), with one line of JSON on its stdin:
 *
 *     {"event":"approval-wanted","digest":HEX,"author":TEXT,"slot":N,"deadline_ms":N}
 *
 * At least once: who takes the lead tells all that wait, for the former leader may have died
 * between a slot and its program. The digest is the same each time.
 */
#ifndef RSM_DAEMON_APPROVERS_H
#define RSM_DAEMON_APPROVERS_H

#include "src/daemon/node.h"

struct approvers;

/* NULL when `hook_path` is NULL: nobody is told. Owned by the caller. */
struct approvers *approvers_new(const char *hook_path);
void approvers_free(struct approvers *a);
/* NULL is ignored. */
void approvers_on_tick(struct approvers *a, struct node *node);

#endif
