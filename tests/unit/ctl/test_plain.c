/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_plain.c - what others wrote does not command the terminal of whoever reads it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/lib/plain.h"
#include "tools/resilience-ctl/ctl.h"

/* What is shown is text as it was; all else is one "?" each. */
static const struct {
    const char *what, *text, *shown;
} rows[] = {
    {"plain", "a new host", "a new host"},
    {"empty", "", ""},
    {"letters of the world", "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x8c\x8d",
     "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x8c\x8d"},
    {"colours", "\033[31mred", "?[31mred"},
    {"a title", "\033]0;t\007", "?]0;t?"},
    {"over the line before", "good\rbad\b\b", "good?bad??"},
    {"more lines", "one\ntwo\tthree", "one?two?three"},
    {"DEL", "a\x7f", "a?"},
    {"CSI in one code point",
     "\xc2\x9b"
     "31m",
     "?31m"},
    {"the last of C1, the first behind", "\xc2\x9f\xc2\xa0", "?\xc2\xa0"},
    {"right to left override",
     "txt.\xe2\x80\xae"
     "exe",
     "txt.?exe"},
    {"isolates", "\xe2\x81\xa6x\xe2\x81\xa9", "?x?"},
    {"marks", "\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "???"},
    {"a line that is not \\n",
     "a\xe2\x80\xa8"
     "b",
     "a?b"},
    {"cut off", "caf\xc3", "caf?"},
    {"cut off in the middle", "\xe6\x97", "??"},
    {"no UTF-8", "\xff\xc0\x80", "???"},
};

Test(plain, what_is_shown)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s", rows[i].text);
        cr_assert_str_eq(plain_text(text, ""), rows[i].shown, "%s", rows[i].what);
        cr_assert_str_eq(plain_text(text, ""), rows[i].shown, "%s, again", rows[i].what);
    }
    char lines[] = "one\ntwo\033";
    cr_assert_str_eq(plain_text(lines, "\n"), "one\ntwo?");
}

/* Cells of tables are cut where they end; none ends within a letter. */
Test(plain, cells_of_tables)
{
    struct rsm_pack *pack = rsm_pack_new();
    char cell[8];
    rsm_pack_text(pack, "\xc2\x9b"
                        "abcd\xc3\xa9");
    cr_assert_str_eq(ctl_cell(rsm_value_of(rsm_pack_result(pack)), cell, sizeof cell), "?abcd?");
    rsm_pack_free(pack);
}
