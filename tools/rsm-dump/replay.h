/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay.h - the state built again from the genesis and the log, slot by slot, in memory. */
#ifndef RSM_TOOLS_REPLAY_H
#define RSM_TOOLS_REPLAY_H

#include "tools/lib/ledger.h"
#include "tools/rsm-dump/dump.h"

struct replay {
    struct dump *d;
    struct kv *kv; /* owned: state and log after ledger.slot */
    struct ledger ledger;
};

/* State 0. False (with a finding) when the genesis cannot be had; replay_deinit in any case. */
bool replay_init(struct replay *r, struct dump *d);
void replay_deinit(struct replay *r);

/* Applies slots from the log up to `slot`. False, with a finding, at one that cannot be. */
bool replay_to(struct replay *r, uint64_t slot);

/* What the store says otherwise of the slot just replayed; NULL: nothing. It is in the store. */
const char *replay_compare(const struct replay *r, const struct slot_view *view);

#endif
