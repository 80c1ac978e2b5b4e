/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tail.h - what the end of the journal means: the case analysis, alone.
 *
 * Recovery read all groups up to g - 1 and does not find a whole group g. Was g never acknowledged
 * (then it is cut), or acknowledged and lost (then it must not be taken as absent)? Its own bytes
 * cannot say. The marks can, as long as not both places are lost at once:
 *
 *   a  the newest group, written after the group's data and with the same flush. a = g says that
 *      the write of g was begun to the end; its flush may have been reported done.
 *   b  the newest group whose flush was reported done, written later. b >= g says that g was
 *      acknowledged. a > g says the same, since g + 1 is written only after the flush of g.
 */
#ifndef RSM_STORAGE_TAIL_H
#define RSM_STORAGE_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/report.h"

/* The bytes from where g should begin to the end of the file. */
enum tail_rest {
    TAIL_REST_OLD = 1, /* zeros */
    TAIL_REST_NEW,     /* zeros and sectors of g, not all of them */
    TAIL_REST_NEITHER, /* something else as well */
};

struct tail {
    enum tail_rest rest;
    uint64_t group; /* g, above 0 */
    uint64_t a;     /* the highest of the marks that can be read */
    uint64_t b;
    bool marks_are_whole; /* both can be read */
};

/* *kind_out is the finding; 0 for JOURNAL_CLEAN. */
enum journal_verdict tail_decide(const struct tail *tail, enum journal_finding_kind *kind_out);

#endif
