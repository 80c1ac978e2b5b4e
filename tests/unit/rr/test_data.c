/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_data.c - record data: every type there and back, and hostile bytes of every type. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/prng.h"
#include "src/rr/data.h"
#include "src/rr/form.h"
#include "src/rr/name.h"

static const uint8_t root[] = {0};

/* Types and texts, one of each at least; the texts are as libknot writes them. */
static const struct {
    const char *type, *text;
} samples[] = {
    {"A", "192.0.2.1"},
    {"NS", "ns1.example."},
    {"CNAME", "www.example."},
    {"SOA", "ns1.example. admin.example. 1 7200 900 1209600 300"},
    {"PTR", "host.example."},
    {"HINFO", "\"PC\" \"Linux\""},
    {"MINFO", "a.example. b.example."},
    {"MX", "10 mail.example."},
    {"TXT", "\"one\" \"two words\" \"\\\"quoted\\\"\""},
    {"RP", "a.example. b.example."},
    {"AFSDB", "1 afs.example."},
    {"RT", "10 relay.example."},
    {"KEY", "256 3 8 AQAB"},
    {"AAAA", "2001:db8::1"},
    {"LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000.00m 10.00m"},
    {"SRV", "10 60 5060 sip.example."},
    {"NAPTR", "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" ."},
    {"KX", "10 kx.example."},
    {"CERT", "1 12345 8 AQAB"},
    {"DNAME", "other.example."},
    {"APL", "1:192.0.2.0/24 !2:2001:db8::/32"},
    {"DS", "60485 8 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A"},
    {"SSHFP", "1 1 123456789ABCDEF67890123456789ABCDEF67890"},
    {"IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="},
    {"RRSIG", "A 8 2 3600 1700000000 1690000000 12345 example. AQAB"},
    {"NSEC", "host.example. A MX RRSIG NSEC TYPE1234"},
    {"DNSKEY", "257 3 8 AQAB"},
    {"DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="},
    {"NSEC3", "1 1 12 AABBCCDD 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"},
    {"NSEC3PARAM", "1 0 12 AABBCCDD"},
    {"TLSA", "3 1 1 D2ABDE240D7CD3EE6B4B28C54DF034B97983A1D16E8A410E4561CB106618E971"},
    {"SMIMEA", "3 1 1 D2ABDE240D7CD3EE6B4B28C54DF034B97983A1D16E8A410E4561CB106618E971"},
    {"CDS", "0 0 0 00"},
    {"CDNSKEY", "257 3 8 AQAB"},
    {"OPENPGPKEY", "AQAB"},
    {"CSYNC", "66 3 A NS AAAA"},
    {"ZONEMD", "2018031900 1 1 "
               "C68090D90A7AED716BC459F9340E3D7C1370D4D24B7E2FC3A1DDC0B9A87153B9A9713B3C9AE5CC27777"
               "F98B8E730044C"},
    {"SVCB", "1 svc.example. alpn=h2 port=8443"},
    {"HTTPS", "1 . alpn=h2,h3"},
    {"SPF", "\"v=spf1 -all\""},
    {"NID", "10 0014:4fff:ff20:ee64"},
    {"L32", "10 10.1.2.0"},
    {"L64", "10 2001:0db8:1140:1000"},
    {"LP", "10 l64.example."},
    {"EUI48", "00-00-5e-00-53-2a"},
    {"EUI64", "00-00-5e-ef-10-00-00-2a"},
    {"URI", "10 1 \"https://example.com/\""},
    {"CAA", "0 issue \"ca.example\""},
    {"TYPE65280", "\\# 3 010203"},
};

#define SAMPLE_COUNT (sizeof samples / sizeof samples[0])

/* The sample's wire form in `out`. */
static uint16_t wire_of(size_t i, struct writer *out)
{
    uint16_t type;
    char error[128] = "";
    cr_assert_eq(rr_type_from_text(samples[i].type, &type), RSM_OK);
    enum rsm_status status =
        rr_data_from_text(type, samples[i].text, bytes_make(root, 1), out, error, sizeof error);
    cr_assert_eq(status, RSM_OK, "%s %s: %s", samples[i].type, samples[i].text, error);
    return type;
}

Test(data, every_type_survives_text_and_back)
{
    static char text[RR_DATA_TEXT_MAX];
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct writer wire, again;
        char error[128];
        writer_init(&wire, 65536);
        writer_init(&again, 65536);
        uint16_t type = wire_of(i, &wire);
        cr_assert_eq(rr_data_check(type, writer_result(&wire)), RSM_OK, "%s", samples[i].type);
        cr_assert_eq(rr_data_to_text(type, writer_result(&wire), text, sizeof text), RSM_OK);
        cr_assert_eq(
            rr_data_from_text(type, text, bytes_make(root, 1), &again, error, sizeof error), RSM_OK,
            "%s: %s", samples[i].type, text);
        cr_assert(bytes_equal(writer_result(&wire), writer_result(&again)), "%s: %s",
                  samples[i].type, text);
        writer_deinit(&wire);
        writer_deinit(&again);
    }
}

/* Or rr_text_of would take what only needs more room for what cannot be said. */
Test(data, a_text_without_room_is_too_large_at_every_size)
{
    static char text[RR_DATA_TEXT_MAX], small[RR_DATA_TEXT_MAX];
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct writer wire;
        writer_init(&wire, 65536);
        uint16_t type = wire_of(i, &wire);
        cr_assert_eq(rr_data_to_text(type, writer_result(&wire), text, sizeof text), RSM_OK);
        for (size_t size = 0; size <= strlen(text); size++)
            cr_assert_eq(rr_data_to_text(type, writer_result(&wire), small, size), RSM_TOO_LARGE,
                         "%s: %s, %zu bytes", samples[i].type, text, size);
        writer_deinit(&wire);
    }
}

/* A TXT of that many octets, in strings of 255, each octet said by four characters. */
static void make_long_text(struct writer *out, size_t octets)
{
    for (size_t done = 0; done < octets;) {
        size_t part = octets - done < 255 ? octets - done : 255;
        uint8_t string[256] = {(uint8_t)part};
        memset(string + 1, 0xfe, part);
        writer_bytes(out, bytes_make(string, part + 1));
        done += part;
    }
}

/* Short and long ones in turns; each is what the room for the longest makes of it. */
Test(data, a_text_is_the_same_however_much_room_it_needs)
{
    static char text[RR_DATA_TEXT_MAX];
    const uint16_t txt = 16;
    const char *said;
    struct rr_text texts;
    rr_text_init(&texts);
    for (size_t octets = 1; octets <= 65000; octets = octets < 1200 ? octets + 1 : 2 * octets) {
        struct writer wire;
        writer_init(&wire, 65536);
        make_long_text(&wire, octets);
        cr_assert_eq(rr_data_to_text(txt, writer_result(&wire), text, sizeof text), RSM_OK);
        cr_assert_eq(rr_text_of(&texts, txt, writer_result(&wire), &said), RSM_OK);
        cr_assert_str_eq(said, text);
        writer_deinit(&wire);
        cr_assert_eq(rr_text_of(&texts, RR_TYPE_A, bytes_make("\1\2\3\4", 4), &said), RSM_OK);
        cr_assert_str_eq(said, "1.2.3.4");
    }
    cr_assert_eq(rr_text_of(&texts, RR_TYPE_A, bytes_make("\1\2\3", 3), &said), RSM_MALFORMED);
    cr_assert_str_eq(said, "");
    rr_text_deinit(&texts);
}

/* What is taken can be exported, and what is exported is the same again. */
static void assert_round_trip(uint16_t type, struct bytes rdata)
{
    static char text[RR_DATA_TEXT_MAX];
    struct writer again;
    char error[128] = "";
    writer_init(&again, 65536);
    cr_assert_eq(rr_data_to_text(type, rdata, text, sizeof text), RSM_OK, "type %u", type);
    cr_assert_eq(rr_data_from_text(type, text, bytes_make(root, 1), &again, error, sizeof error),
                 RSM_OK, "type %u: %s: %s", type, text, error);
    cr_assert(bytes_equal(writer_result(&again), rdata), "type %u: %s", type, text);
    writer_deinit(&again);
}

/*
 * A record cut short is refused, or it is a whole record of its own: then it survives text and
 * back. Types whose last field has a size of its own are never whole when cut.
 */
Test(data, every_truncation_is_refused_or_whole)
{
    static const char *const sized[] = {"A", "AAAA", "MX", "SOA", "SRV", "CNAME"};
    size_t refused = 0;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct writer wire;
        writer_init(&wire, 65536);
        uint16_t type = wire_of(i, &wire);
        for (size_t size = 0; size < wire.size; size++) {
            uint8_t *exact = malloc(size + 1); /* so that a read behind the end is seen */
            memcpy(exact, wire.data, size);
            if (rr_data_check(type, bytes_make(exact, size)) == RSM_OK) {
                assert_round_trip(type, bytes_make(exact, size));
                for (size_t k = 0; k < sizeof sized / sizeof sized[0]; k++)
                    cr_assert_str_neq(samples[i].type, sized[k], "cut to %zu", size);
            } else {
                refused++;
            }
            free(exact);
        }
        writer_deinit(&wire);
    }
    cr_assert_gt(refused, SAMPLE_COUNT);
}

/* Half of the octets are small, so that counts and sizes are often possible ones. */
static size_t draw_rdata(struct prng *p, uint8_t bytes[64])
{
    size_t size = prng_below(p, 64);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(prng_chance(p, 500000) ? prng_below(p, 4) : prng_next(p));
    return size;
}

Test(data, random_bytes_that_are_taken_survive_the_round_trip)
{
    struct prng p;
    unsigned taken = 0;
    prng_init(&p, 7);
    for (unsigned round = 0; round < 30; round++) {
        for (uint16_t type = 1; type < 300; type++) {
            uint8_t bytes[64];
            size_t size = draw_rdata(&p, bytes);
            if (!rr_type_is_storable(type) ||
                rr_data_check(type, bytes_make(bytes, size)) != RSM_OK)
                continue;
            assert_round_trip(type, bytes_make(bytes, size));
            taken++;
        }
    }
    cr_assert_gt(taken, 1000, "%u", taken);
}

/* A sample with one octet changed is often still of its form: the harder half of the same. */
Test(data, changed_samples_that_are_taken_survive_the_round_trip)
{
    struct prng p;
    prng_init(&p, 8);
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct writer wire;
        writer_init(&wire, 65536);
        uint16_t type = wire_of(i, &wire);
        for (unsigned round = 0; round < 60; round++) {
            size_t at = prng_below(&p, wire.size);
            uint8_t before = wire.data[at];
            wire.data[at] = (uint8_t)prng_next(&p);
            if (rr_data_check(type, writer_result(&wire)) == RSM_OK)
                assert_round_trip(type, writer_result(&wire));
            wire.data[at] = before;
        }
        writer_deinit(&wire);
    }
}

/* What made libknot's dump read behind the end: a next hashed owner longer than the data. */
Test(data, short_nsec3_is_refused)
{
    static const uint8_t rdata[] = {0x01, 0x29, 0x07, 0x65, 0x78, 0x61,
                                    0x6d, 0x70, 0x6c, 0x65, 0x00};
    cr_assert_eq(rr_data_check(50, bytes_make(rdata, sizeof rdata)), RSM_MALFORMED);
}

/* A type that no record has (AXFR) is no type to be signed, and no text names it there. */
Test(data, a_signature_covers_a_type_of_records)
{
    uint8_t rdata[18 + 1 + 4] = {0, 1, 13, 2, 0, 0, 0, 60, 0x6a, 0, 0, 0, 0x69, 0, 0, 0, 0, 7};
    cr_assert_eq(rr_data_check(46, bytes_make(rdata, sizeof rdata)), RSM_OK);
    rdata[1] = 252;
    cr_assert_eq(rr_data_check(46, bytes_make(rdata, sizeof rdata)), RSM_MALFORMED);
}

Test(data, upper_case_names_are_not_canonical)
{
    static const uint8_t upper[] = {2, 'N', 'S', 0};
    uint8_t folded[sizeof upper];
    cr_assert_eq(rr_data_check(RR_TYPE_NS, bytes_make(upper, sizeof upper)), RSM_MALFORMED);
    cr_assert_eq(rr_data_canonical(RR_TYPE_NS, bytes_make(upper, sizeof upper), folded), RSM_OK);
    cr_assert_eq(rr_data_check(RR_TYPE_NS, bytes_make(folded, sizeof folded)), RSM_OK);
}

Test(data, types_of_questions_are_not_stored)
{
    static const uint16_t forbidden[] = {0, 41, 128, 249, 250, 251, 252, 255};
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        cr_assert_not(rr_type_is_storable(forbidden[i]), "%u", forbidden[i]);
    cr_assert(rr_type_is_storable(1));
    cr_assert(rr_type_is_storable(65280));
}

Test(data, soa_serial_is_set_in_its_place)
{
    struct writer wire;
    writer_init(&wire, 65536);
    wire_of(3, &wire);
    cr_assert_eq(rr_soa_serial(writer_result(&wire)), 1);
    cr_assert_eq(rr_soa_minimum(writer_result(&wire)), 300);
    rr_soa_set_serial(wire.data, wire.size, 4000000000u);
    cr_assert_eq(rr_soa_serial(writer_result(&wire)), 4000000000u);
    cr_assert_eq(rr_soa_minimum(writer_result(&wire)), 300);
    writer_deinit(&wire);
}

Test(data, targets_of_pointing_types)
{
    static const struct {
        const char *type, *text, *target;
    } rows[] = {{"CNAME", "a.example.", "a.example."},
                {"MX", "5 m.example.", "m.example."},
                {"SRV", "1 2 3 s.example.", "s.example."},
                {"HTTPS", "1 h.example.", "h.example."}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer wire;
        struct bytes target;
        uint16_t type;
        char error[64], text[NAME_TEXT_MAX];
        writer_init(&wire, 65536);
        rr_type_from_text(rows[i].type, &type);
        rr_data_from_text(type, rows[i].text, bytes_make(root, 1), &wire, error, sizeof error);
        cr_assert(rr_data_target(type, writer_result(&wire), &target));
        cr_assert_str_eq(name_to_text(target, text), rows[i].target);
        writer_deinit(&wire);
    }
}

/* The scanner does not look inside "\\#" data of most types; what it takes must have the form. */
Test(data, opaque_text_of_a_known_type_has_its_form)
{
    static const struct {
        const char *type, *text;
        enum rsm_status status;
    } rows[] = {{"MINFO", "\\# 3 012001", RSM_MALFORMED}, {"MINFO", "\\# 4 01610000", RSM_OK},
                {"MINFO", "\\# 2 0000", RSM_OK},          {"A", "\\# 4 c0000201", RSM_OK},
                {"A", "\\# 3 c00002", RSM_MALFORMED},     {"TYPE65280", "\\# 0", RSM_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct writer wire;
        uint16_t type;
        char error[64] = "";
        writer_init(&wire, 65536);
        cr_assert_eq(rr_type_from_text(rows[i].type, &type), RSM_OK);
        cr_assert_eq(
            rr_data_from_text(type, rows[i].text, bytes_make(root, 1), &wire, error, sizeof error),
            rows[i].status, "%s %s: %s", rows[i].type, rows[i].text, error);
        writer_deinit(&wire);
    }
}

/* Each type that is kept without a known form: what one program names, the other has to read. */
Test(data, every_opaque_type_survives_text_and_back)
{
    static const uint8_t rdata[] = {1, 2, 3};
    char text[64], error[64];
    for (uint32_t i = 1; i < 65536; i += i < 400 ? 1 : 997) {
        uint16_t type = (uint16_t)i;
        if (!rr_type_is_storable(type) || form_is_known(type))
            continue;
        for (size_t size = 0; size <= sizeof rdata; size += sizeof rdata) {
            struct writer again;
            writer_init(&again, 64);
            cr_assert_eq(rr_data_check(type, bytes_make(rdata, size)), RSM_OK, "type %u", type);
            cr_assert_eq(rr_data_to_text(type, bytes_make(rdata, size), text, sizeof text), RSM_OK);
            cr_assert_eq(
                rr_data_from_text(type, text, bytes_make(root, 1), &again, error, sizeof error),
                RSM_OK, "type %u: %s", type, error);
            cr_assert(bytes_equal(writer_result(&again), bytes_make(rdata, size)));
            writer_deinit(&again);
        }
    }
}
