/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_zonefile.c - master files: all or nothing, errors with their lines, sets in order. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "src/rr/zonefile.h"

static const uint8_t example[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

static enum rsm_status parse(const char *text, struct zonefile *out)
{
    return zonefile_parse(bytes_of_string(text), bytes_make(example, sizeof example), 3600, out);
}

Test(zonefile, sets_are_sorted_and_unique)
{
    struct zonefile z;
    char text[NAME_TEXT_MAX];
    cr_assert_eq(parse("b 60 IN A 192.0.2.2\nb 60 IN A 192.0.2.1\nb 60 IN A 192.0.2.2\n"
                       "a.a IN A 192.0.2.9\n@ IN TXT x\nA 60 IN AAAA ::1\n",
                       &z),
                 RSM_OK);
    cr_assert_eq(z.rrset_count, 4);
    cr_assert_eq(z.record_count, 5);
    cr_assert_str_eq(name_to_text(z.rrsets[0].owner, text), "example.");
    cr_assert_str_eq(name_to_text(z.rrsets[1].owner, text), "a.example.");
    cr_assert_str_eq(name_to_text(z.rrsets[2].owner, text), "a.a.example.");
    cr_assert_str_eq(name_to_text(z.rrsets[3].owner, text), "b.example.");
    cr_assert_eq(z.rrsets[3].count, 2);
    cr_assert_eq(z.rrsets[3].rdatas[0].data[3], 1);
    zonefile_free(&z);
    cr_assert_eq(mem_live_count(), 0);
}

Test(zonefile, errors_name_their_lines_and_nothing_is_left)
{
    static const struct {
        const char *text;
        uint64_t line;
    } rows[] = {{"a IN A 192.0.2.1\na IN A nonsense\n", 2},
                {"a 60 IN A 192.0.2.1\na 61 IN A 192.0.2.2\n", 2},
                {"\n\n$INCLUDE /etc/passwd\n", 3},
                {"a CH TXT x\n", 1},
                {"b IN A 192.0.2.1\na IN TYPE64 \\# 11 0000000000000464394941\n", 2},
                {"a IN TYPE41 \\# 0\n", 1},
                {"a IN MINFO \\# 3 012001\n", 1},
                {"a IN A 192.0.2.1\nb IN NSEC3 1 1 1 - zz A\n", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zonefile z;
        cr_assert_eq(parse(rows[i].text, &z), RSM_MALFORMED, "row %zu", i);
        cr_assert_geq(z.error_count, 1);
        cr_assert_eq(z.errors[0].line, rows[i].line, "row %zu: line %lu: %s", i, z.errors[0].line,
                     z.errors[0].text);
        cr_assert_eq(z.rrset_count, 0);
        zonefile_free(&z);
    }
    cr_assert_eq(mem_live_count(), 0);
}

Test(zonefile, all_errors_are_counted)
{
    struct zonefile z;
    struct writer text;
    writer_init(&text, 65536);
    for (int i = 0; i < 50; i++)
        writer_format(&text, "a IN A bad%d\n", i);
    cr_assert_eq(zonefile_parse(writer_result(&text), bytes_make(example, sizeof example), 60, &z),
                 RSM_MALFORMED);
    cr_assert_eq(z.error_count, 50);
    cr_assert_eq(z.errors[ZONEFILE_ERRORS_MAX - 1].line, ZONEFILE_ERRORS_MAX);
    zonefile_free(&z);
    writer_deinit(&text);
}

Test(zonefile, what_is_written_is_read_again)
{
    struct zonefile z, again;
    struct writer text;
    cr_assert_eq(parse("@ SOA ns admin 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
                       "t TXT \"a\\\"b\" \"c;d\"\n\\@x CNAME ns\nu TYPE65280 \\# 2 0102\n",
                       &z),
                 RSM_OK);
    writer_init(&text, 65536);
    for (size_t i = 0; i < z.rrset_count; i++)
        for (uint32_t k = 0; k < z.rrsets[i].count; k++)
            cr_assert_eq(zonefile_write(&text, z.rrsets[i].owner, z.rrsets[i].type, z.rrsets[i].ttl,
                                        z.rrsets[i].rdatas[k]),
                         RSM_OK);
    cr_assert_eq(
        zonefile_parse(writer_result(&text), bytes_make(example, sizeof example), 1, &again),
        RSM_OK);
    cr_assert_eq(again.rrset_count, z.rrset_count);
    for (size_t i = 0; i < z.rrset_count; i++) {
        cr_assert(name_equal(z.rrsets[i].owner, again.rrsets[i].owner));
        cr_assert_eq(z.rrsets[i].ttl, again.rrsets[i].ttl);
        for (uint32_t k = 0; k < z.rrsets[i].count; k++)
            cr_assert(bytes_equal(z.rrsets[i].rdatas[k], again.rrsets[i].rdatas[k]));
    }
    zonefile_free(&z);
    zonefile_free(&again);
    writer_deinit(&text);
}

Test(zonefile, an_empty_text_is_an_empty_zone)
{
    struct zonefile z;
    cr_assert_eq(parse("", &z), RSM_OK);
    cr_assert_eq(z.rrset_count, 0);
    zonefile_free(&z);
    cr_assert_eq(parse("; nothing here\n", &z), RSM_OK);
    cr_assert_eq(z.rrset_count, 0);
    zonefile_free(&z);
}

/* A name with every octet that stands for itself or not, through an export and back. */
Test(zonefile, every_octet_of_a_name_survives_an_export)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        uint8_t owner[] = {3, 'x', (uint8_t)octet, 'y', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
        static const uint8_t address[] = {192, 0, 2, 1};
        uint8_t folded[NAME_SIZE_MAX];
        struct bytes name = name_lower(bytes_make(owner, sizeof owner), folded);
        struct writer text;
        struct zonefile z;
        writer_init(&text, 4096);
        cr_assert_eq(
            zonefile_write(&text, name, RR_TYPE_A, 60, bytes_make(address, sizeof address)),
            RSM_OK);
        cr_assert_eq(
            zonefile_parse(writer_result(&text), bytes_make(example, sizeof example), 1, &z),
            RSM_OK, "octet %u: %s", octet, z.errors[0].text);
        cr_assert_eq(z.rrset_count, 1);
        cr_assert(bytes_equal(z.rrsets[0].owner, name), "octet %u", octet);
        zonefile_free(&z);
        writer_deinit(&text);
    }
}
