/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * settle.h - at the end of each slot: changes that waited and need not wait any more.
 *
 *     taken back                                          -> refused
 *     a replica of any zone said no                       -> refused
 *     voted on, and a yes from every zone                 -> judged again, see below
 *     its deadline has come:
 *         voted on, zones_least is set and reached        -> judged again
 *         else                                            -> expired
 *     judged again, in the state of this very slot: live; superseded when that state has overtaken
 *     what it was based on; refused when another rule is against it now
 *
 * A zone has one vote, however many voters stand in it: no when one of them says no, yes when one
 * says yes and none no, silent else. The voters are those of the configuration that governed the
 * slot in which the change was staged.
 */
#ifndef RSM_MACHINE_SETTLE_H
#define RSM_MACHINE_SETTLE_H

#include "src/machine/machine.h"
#include "src/machine/members.h"
#include "src/machine/staged.h"

/* One zone of the voters, and what it says. */
struct zone_vote {
    const char *zone; /* in the configuration */
    bool yes, no;
};

struct tally {
    uint32_t count; /* zones */
    uint32_t yes, no;
    struct zone_vote zones[LIMIT_REPLICAS];
};

/* Ends what has ended; each gets a verdict in `out`. Writes to `kv` and to the effects. */
enum rsm_status settle_slot(struct machine *m, struct kv *kv, uint64_t slot, uint64_t now_ms,
                            struct verdicts *out);

#endif
