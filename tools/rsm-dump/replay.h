/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay.h - the state built again from the genesis and the log, slot by slot, in memory. */
#ifndef RSM_TOOLS_REPLAY_H
#define RSM_TOOLS_REPLAY_H

#include "src/machine/machine.h"
#include "tools/rsm-dump/dump.h"

struct replay {
    struct dump *d;
    struct machine *machine;  /* owned */
    struct kv *kv;            /* owned: state and log after `slot` */
    struct chain_heads heads; /* after `slot` */
    struct verdicts verdicts; /* of `slot` */
    struct writer scratch;
    uint64_t slot;
    uint64_t log_time_ms;
};

/* State 0. False (with a finding) when the genesis cannot be had; replay_deinit in any case. */
bool replay_init(struct replay *r, struct dump *d);
void replay_deinit(struct replay *r);

/* The envelope of an entry (empty: it has none), and whether form, cluster and signature are good.
 */
enum rsm_status replay_envelope(const struct dump *d, struct bytes value, struct bytes *raw_out);

/* Applies `value` as the next slot, and writes its rows as a replica does. */
enum rsm_status replay_step(struct replay *r, struct bytes value);

/* Applies slots from the log up to `slot`. False, with a finding, at one that cannot be. */
bool replay_to(struct replay *r, uint64_t slot);

#endif
