/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loss.h - how much a damaged journal can have lost, as what stands behind the damage says.
 *
 * Recovery does not know what was in a group that it cannot read. But a journal is written in order
 * by an acceptor whose promise never falls and whose votes are for slots in its window. So what is
 * read behind the last gap bounds what was in all gaps:
 *
 *   promise   a later promise or checkpoint is at or above every lost one. So is a later vote, when
 * a checkpoint or a promise was read before the gap: a vote that was only taken over (a fresh
 *             journal begins with those) may be lower, but not than what was read there, and
 * nothing was promised in between votes     a later chosen mark of end e: each lost vote was for a
 * slot below e plus the window end       the end of the journal is one that the table of tail.h
 * calls clean or cut
 *
 * With all three, a store that holds every slot below the bound has all that was lost: the votes
 * are for slots whose chosen value it has. Without one of them nobody knows, and the bound is
 * infinite.
 */
#ifndef RSM_STORAGE_LOSS_H
#define RSM_STORAGE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/record.h"

#define LOSS_UNKNOWN UINT64_MAX

struct loss {
    bool has_floor; /* a checkpoint or a promise stands somewhere before the last gap */
    /* Behind it. */
    bool has_promise;
    bool has_chosen;
    uint64_t chosen_end; /* of the first mark there */
    bool ends_well;
};

/* A gap: what stood behind an earlier one says nothing of this one. */
void loss_on_gap(struct loss *loss);
/* Every record, in order. */
void loss_on_record(struct loss *loss, const struct record *record);
/* One above the highest slot that a lost vote can be for; LOSS_UNKNOWN. */
uint64_t loss_slot_end(const struct loss *loss);

#endif
