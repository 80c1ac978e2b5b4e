/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ledger.h - the log judged again, slot by slot, from the genesis on: what rsm-dump and rsm-auditor
 * make of entries, without asking any replica.
 *
 * The state lives in a kv of the caller's, who can go on later with what the kv holds. One thread.
 */
#ifndef RSM_TOOLS_LEDGER_H
#define RSM_TOOLS_LEDGER_H

#include "src/command/genesis.h"
#include "src/machine/machine.h"
#include "storage/chain.h"

struct ledger {
    uint8_t cluster[CLUSTER_ID_SIZE];
    struct kv *kv;            /* borrowed: state and log after `slot` */
    struct machine *machine;  /* owned */
    struct verdicts verdicts; /* of `slot`, once a step was taken */
    struct writer scratch;
    struct chain_heads heads; /* after `slot` */
    uint64_t slot;
    uint64_t log_time_ms;
};

/*
 * Begins with state 0 in an empty kv, or goes on with what is in it. RSM_DAMAGED, RSM_IO, and what
 * machine_genesis says. ledger_deinit in any case.
 */
enum rsm_status ledger_init(struct ledger *l, struct kv *kv, struct bytes genesis_bytes,
                            const struct genesis *genesis);
void ledger_deinit(struct ledger *l);

/*
 * The envelope of an entry (empty: it has none), and whether form, cluster and signature are good:
 * RSM_OK, or why not.
 */
enum rsm_status ledger_envelope(const uint8_t cluster[CLUSTER_ID_SIZE], struct bytes value,
                                struct bytes *raw_out);

/* Applies `value` as the next slot, and writes its rows as a replica does. As machine_apply. */
enum rsm_status ledger_step(struct ledger *l, struct bytes value);

#endif
