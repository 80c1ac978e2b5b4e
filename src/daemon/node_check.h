/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_check.h - a command judged without proposing it. */
#ifndef RSM_DAEMON_NODE_CHECK_H
#define RSM_DAEMON_NODE_CHECK_H

#include "src/daemon/node.h"
#include "src/machine/machine.h"

/*
 * Judges an envelope of one command as if it stood in the next slot, without proposing it. Its
 * writes are in `overlay` (over node_state) when *judgement_out is MACHINE_ACCEPT, as long as no
 * slot is applied. `verdicts_out` is initialised. RSM_TOO_MANY: a bundle; else as envelope_verify,
 * and the kv's.
 */
enum rsm_status node_check(struct node *n, struct bytes envelope, struct kv *overlay,
                           struct verdicts *verdicts_out, enum machine_judgement *judgement_out);

/* The same for a cluster.recover of this replica with that body. RSM_UNAVAILABLE: it cannot sign.
 */
enum rsm_status node_check_recovery(struct node *n, struct bytes body, struct kv *overlay,
                                    struct verdicts *verdicts_out,
                                    enum machine_judgement *judgement_out);

#endif
