/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_name.c - names: text and wire, limits, what is inside what. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/rr/name.h"

static const struct bytes none = {NULL, 0};

Test(name, text_there_and_back)
{
    static const char *const texts[] = {".",
                                        "example.",
                                        "www.example.org.",
                                        "a\\.b.example.",
                                        "\\000\\255.example.",
                                        "\\@\\$\\;\\(\\)\\\"\\\\.x.",
                                        "_sip._tcp.example.",
                                        "a\\]b\\+c\\'.0/25.example.",
                                        "*.example."};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t wire[NAME_SIZE_MAX];
        char text[NAME_TEXT_MAX];
        struct bytes name;
        cr_assert_eq(name_from_text(texts[i], none, wire, &name), RSM_OK, "%s", texts[i]);
        cr_assert(name_check(name));
        cr_assert_str_eq(name_to_text(name, text), texts[i]);
    }
}

Test(name, bad_texts_are_refused)
{
    static const char *const texts[] = {"", "..", ".a", "a..b.", "a\\", "\\256.", "\\12x."};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t wire[NAME_SIZE_MAX];
        struct bytes name;
        cr_assert_neq(name_from_text(texts[i], none, wire, &name), RSM_OK, "%s", texts[i]);
    }
}

Test(name, relative_names_get_the_origin_and_case_is_folded)
{
    uint8_t origin_wire[NAME_SIZE_MAX], wire[NAME_SIZE_MAX];
    char text[NAME_TEXT_MAX];
    struct bytes origin, name;
    name_from_text("Example.ORG.", none, origin_wire, &origin);
    cr_assert_eq(name_from_text("WWW", origin, wire, &name), RSM_OK);
    cr_assert_str_eq(name_to_text(name, text), "www.example.org.");
    cr_assert_eq(name_from_text("@", origin, wire, &name), RSM_OK);
    cr_assert_str_eq(name_to_text(name, text), "example.org.");
}

/* 255 octets are the most: four labels of 63, 63, 63 and 61, and the root. */
Test(name, longest_name_and_one_more)
{
    char text[300];
    uint8_t wire[NAME_SIZE_MAX];
    struct bytes name;
    memset(text, 'a', sizeof text);
    text[63] = text[127] = text[191] = '.';
    text[253] = '.';
    text[254] = '\0';
    cr_assert_eq(name_from_text(text, none, wire, &name), RSM_OK);
    cr_assert_eq(name.size, NAME_SIZE_MAX);
    text[253] = 'a';
    text[254] = '.';
    text[255] = '\0';
    cr_assert_eq(name_from_text(text, none, wire, &name), RSM_TOO_LARGE);
    memset(text, 'a', 64);
    text[64] = '.';
    text[65] = '\0';
    cr_assert_eq(name_from_text(text, none, wire, &name), RSM_TOO_LARGE);
}

Test(name, wire_names_are_checked)
{
    static const struct {
        uint8_t bytes[6];
        size_t size;
        bool good;
    } rows[] = {{{0}, 1, true},          {{1, 'a', 0}, 3, true},    {{1, 'a'}, 2, false},
                {{0, 0}, 2, false},      {{0xc0, 0}, 2, false},     {{64, 'a', 0}, 3, false},
                {{2, 'a', 0}, 3, false}, {{1, 'a', 0, 0}, 4, false}};
    cr_assert_not(name_check(none));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(name_check(bytes_make(rows[i].bytes, rows[i].size)), rows[i].good, "row %zu",
                     i);
}

Test(name, what_is_inside_what)
{
    static const struct {
        const char *name, *ancestor;
        bool inside;
    } rows[] = {{"www.example.", "example.", true},   {"example.", "example.", true},
                {"example.", "www.example.", false},  {"xexample.", "example.", false},
                {"www.example.", ".", true},          {".", "example.", false},
                {"a.example.org.", "example.", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t a[NAME_SIZE_MAX], b[NAME_SIZE_MAX];
        struct bytes name, ancestor;
        name_from_text(rows[i].name, none, a, &name);
        name_from_text(rows[i].ancestor, none, b, &ancestor);
        cr_assert_eq(name_is_at_or_below(name, ancestor), rows[i].inside, "%s in %s", rows[i].name,
                     rows[i].ancestor);
    }
}
