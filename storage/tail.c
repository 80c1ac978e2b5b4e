/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tail.c - the table of tail.h. */
#include "storage/tail.h"

#include "src/base/check.h"

/*
 *    rest      b      a      marks    verdict
 * A  neither   any    any    any      damaged    no torn write leaves such bytes
 * B  any       >= g   any    any      damaged    g was acknowledged, the write was lost
 * C  any       < g    > g    any      damaged    so was it: g + 1 was written after its flush
 * D  any       < g    = g    any      uncertain  written; whether it was acknowledged is not known
 * E  any       < g    < g    not all  uncertain  the mark that cannot be read may have said a = g
 * F  new       < g    < g    all      cut        the flush of g never ended: nobody was told
 * G  old       < g    < g    all      clean      nothing was being written
 *
 * The first row that fits counts. Row F in steps: the group is written, then its mark, then both
 * are flushed. A crash before the end of the flush may leave the one without the other; the mark
 * still says g - 1, so the flush had not ended (it covers the mark), so no vote had left.
 */
enum journal_verdict tail_decide(const struct tail *tail, enum journal_finding_kind *kind_out)
{
    CHECK(tail->group > 0);
    CHECK(tail->rest >= TAIL_REST_OLD && tail->rest <= TAIL_REST_NEITHER);
    if (tail->rest == TAIL_REST_NEITHER && !MUTANT(STOP_AT_BAD_GROUP)) {
        *kind_out = JOURNAL_BAD_GROUP; /* A */
        return JOURNAL_DAMAGED;
    }
    if (tail->b >= tail->group || tail->a > tail->group) {
        *kind_out = JOURNAL_LOST_GROUP; /* B, C */
        return JOURNAL_DAMAGED;
    }
    if (tail->a == tail->group && !MUTANT(CUT_UNCERTAIN_TAIL)) {
        *kind_out = JOURNAL_UNCERTAIN_TAIL; /* D */
        return JOURNAL_UNCERTAIN;
    }
    if (!tail->marks_are_whole && !MUTANT(CUT_UNCERTAIN_TAIL)) {
        *kind_out = JOURNAL_MARK_UNREADABLE; /* E */
        return JOURNAL_UNCERTAIN;
    }
    if (tail->rest != TAIL_REST_OLD) {
        *kind_out = JOURNAL_TORN_TAIL; /* F */
        return JOURNAL_CUT;
    }
    *kind_out = (enum journal_finding_kind)0; /* G */
    return JOURNAL_CLEAN;
}
