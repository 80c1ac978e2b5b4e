/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loss.c - see loss.h. */
#include "storage/loss.h"

#include "src/base/check.h"
#include "src/base/limits.h"

void loss_on_gap(struct loss *loss)
{
    *loss = (struct loss){.has_floor = loss->has_floor || loss->has_promise};
    CHECK(!loss->has_promise && !loss->has_chosen && !loss->ends_well); /* said of earlier gaps */
}

void loss_on_record(struct loss *loss, const struct record *record)
{
    CHECK(record->kind >= RECORD_PROMISE && record->kind <= RECORD_CHECKPOINT);
    CHECK(loss->has_chosen || loss->chosen_end == 0);
    bool is_promise = record->kind == RECORD_PROMISE || record->kind == RECORD_CHECKPOINT;
    /* What is only known to be chosen has no ballot of this replica: round 0. */
    bool is_vote = record->kind == RECORD_ACCEPT && record->ballot.round > 0;

    if (is_promise || (is_vote && loss->has_floor))
        loss->has_promise = true;
    if (record->kind == RECORD_CHOSEN && !loss->has_chosen) {
        loss->has_chosen = true;
        loss->chosen_end = record->end;
        CHECK(loss->chosen_end <= SLOT_MAX + 1);
    }
}

uint64_t loss_slot_end(const struct loss *loss)
{
    if (!loss->ends_well && !MUTANT(LOSS_WITHOUT_END))
        return LOSS_UNKNOWN;
    if (!loss->has_promise && !MUTANT(LOSS_WITHOUT_PROMISE))
        return LOSS_UNKNOWN;
    if (!loss->has_chosen || loss->chosen_end > SLOT_MAX)
        return LOSS_UNKNOWN;
    CHECK(loss->chosen_end <= SLOT_MAX && LIMIT_WINDOW < LOSS_UNKNOWN - SLOT_MAX);
    return loss->chosen_end + LIMIT_WINDOW;
}
