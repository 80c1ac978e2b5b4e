/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doubled.c - see doubled.h. */
#include "src/daemon/doubled.h"

bool doubled_note(struct doubled *d, uint64_t incarnation, uint64_t sequence, uint64_t now_ms)
{
    if (d->incarnation != incarnation)
        *d = (struct doubled){.incarnation = incarnation};
    bool was_low = d->is_low;
    d->is_low = sequence < d->highest;
    if (!d->is_low) {
        d->highest = sequence;
        return false;
    }
    if (was_low)
        return false;
    d->fell_ms = now_ms;
    d->falls++;
    return d->falls == DOUBLED_FALLS;
}

bool doubled_is(struct doubled *d, uint64_t now_ms)
{
    if (now_ms - d->fell_ms > DOUBLED_CALM_MS)
        d->falls = 0;
    return d->falls >= DOUBLED_FALLS;
}
