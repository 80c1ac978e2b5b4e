/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_tail.c - the table of the journal's last group, every input of it. */
#include <criterion/criterion.h>

#include "storage/tail.h"

/* The rule again, written as sentences instead of rows. */
static enum journal_verdict expected(const struct tail *t)
{
    bool impossible_bytes = t->rest == TAIL_REST_NEITHER;
    bool was_acknowledged = t->b >= t->group || t->a > t->group;
    bool was_written = t->a == t->group;

    if (impossible_bytes || was_acknowledged)
        return JOURNAL_DAMAGED;
    if (was_written || !t->marks_are_whole)
        return JOURNAL_UNCERTAIN;
    return t->rest == TAIL_REST_NEW ? JOURNAL_CUT : JOURNAL_CLEAN;
}

Test(tail, every_input_of_the_table)
{
    unsigned seen[JOURNAL_DAMAGED + 1] = {0};

    for (unsigned rest = TAIL_REST_OLD; rest <= TAIL_REST_NEITHER; rest++) {
        for (uint64_t a = 8; a <= 12; a++) {
            for (uint64_t b = 8; b <= a; b++) {
                for (unsigned whole = 0; whole < 2; whole++) {
                    struct tail tail = {(enum tail_rest)rest, 10, a, b, whole == 1};
                    enum journal_finding_kind kind = (enum journal_finding_kind)99;
                    enum journal_verdict verdict = tail_decide(&tail, &kind);
                    cr_assert_eq(verdict, expected(&tail), "rest %u a %u b %u whole %u", rest,
                                 (unsigned)a, (unsigned)b, whole);
                    cr_assert_eq(kind == 0, verdict == JOURNAL_CLEAN);
                    if (kind != 0)
                        cr_assert_eq(journal_finding_is_harmless(kind), verdict == JOURNAL_CUT);
                    seen[verdict]++;
                }
            }
        }
    }
    for (unsigned verdict = JOURNAL_CLEAN; verdict <= JOURNAL_DAMAGED; verdict++)
        cr_assert_gt(seen[verdict], 0, "verdict %u never came", verdict);
}

Test(tail, names_are_stable)
{
    cr_assert_str_eq(journal_verdict_name(JOURNAL_UNCERTAIN), "uncertain");
    cr_assert_str_eq(journal_finding_name(JOURNAL_LOST_GROUP), "lost-group");
    cr_assert_str_eq(journal_finding_name((enum journal_finding_kind)99), "unknown");
    cr_assert_str_eq(journal_verdict_name((enum journal_verdict)99), "unknown");
}
