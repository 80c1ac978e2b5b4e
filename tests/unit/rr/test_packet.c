/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_packet.c - messages: what is read, what is written, and how large it may get. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/packet.h"

#define NAME(text) bytes_make(text, sizeof(text))
static const char www[] = "\3www\7example\4test";
static const char zone[] = "\7example\4test";
static const uint8_t address[] = {192, 0, 2, 1};

/* A question for www.example.test A as a resolver with EDNS 1400 would send it, in odd case. */
static const uint8_t question[] = {0x12, 0x34, 0x01, 0x00, 0,   1,   0,   0,   0,   0,   0,   1,
                                   3,    'W',  'w',  'w',  7,   'E', 'x', 'a', 'm', 'p', 'l', 'e',
                                   4,    't',  'e',  's',  't', 0,   0,   1,   0,   1,   0,   0,
                                   41,   5,    120,  0,    0,   0,   0,   0,   0};

static struct packet *parse(const void *data, size_t size)
{
    struct packet *p;
    cr_assert_eq(packet_parse(bytes_make(data, size), &p), RSM_OK);
    return p;
}

Test(packet, a_question_is_read_and_its_name_folded)
{
    struct packet *p = parse(question, sizeof question);
    const struct packet_head *h = packet_head(p);
    cr_assert_eq(h->id, 0x1234);
    cr_assert_eq(h->opcode, PACKET_QUERY);
    cr_assert(h->recursion_desired && !h->is_response && h->has_question && !h->has_tsig);
    cr_assert(bytes_equal(h->name, NAME(www)));
    cr_assert(h->type == RR_TYPE_A && h->class == PACKET_CLASS_IN);
    cr_assert(h->has_edns && h->edns_version == 0 && h->edns_size == 1400);
    cr_assert_eq(packet_udp_limit(p), PACKET_EDNS_SIZE);
    packet_free(p);
    cr_assert_eq(mem_live_count(), 0);
}

Test(packet, bytes_that_are_no_message_are_refused)
{
    struct packet *p;
    uint8_t copy[sizeof question + 1];
    for (size_t size = 0; size < sizeof question; size++) {
        enum rsm_status status = packet_parse(bytes_make(question, size), &p);
        cr_assert_eq(status, RSM_MALFORMED, "%zu bytes", size);
    }
    memcpy(copy, question, sizeof question);
    copy[sizeof question] = 0;
    cr_assert_eq(packet_parse(bytes_make(copy, sizeof copy), &p), RSM_MALFORMED, "a byte behind");
    copy[5] = 2;
    cr_assert_eq(packet_parse(bytes_make(copy, sizeof question), &p), RSM_MALFORMED, "2 questions");
    copy[5] = 1;
    copy[12] = 0xc0;
    copy[13] = 12;
    cr_assert_eq(packet_parse(bytes_make(copy, sizeof question), &p), RSM_MALFORMED, "a loop");
    cr_assert_eq(mem_live_count(), 0);
}

/* RFC 6891, 6.1.2: the name of an OPT record is the root. */
Test(packet, an_opt_record_of_a_name_is_refused)
{
    enum { OPT_SIZE = 11 };
    struct packet *p;
    uint8_t named[sizeof question + 2];
    size_t before = sizeof question - OPT_SIZE;
    cr_assert(question[before] == 0 && question[before + 2] == 41, "the message ends with an OPT");
    memcpy(named, question, before);
    memcpy(named + before, "\1x", 2);
    memcpy(named + before + 2, question + before, OPT_SIZE);
    cr_assert_eq(packet_parse(bytes_make(named, sizeof named), &p), RSM_MALFORMED);
    cr_assert_eq(mem_live_count(), 0);
}

Test(packet, an_allocation_that_fails_is_no_message)
{
    struct packet *p = NULL;
    for (uint64_t n = 1; n < 50 && p == NULL; n++) {
        mem_fail_after(n);
        enum rsm_status status = packet_parse(bytes_make(question, sizeof question), &p);
        mem_fail_after(0);
        cr_assert((status == RSM_OK) == (p != NULL));
        cr_assert(status == RSM_OK || status == RSM_NO_MEMORY || status == RSM_MALFORMED);
    }
    cr_assert_not_null(p);
    packet_free(p);
    cr_assert_eq(mem_live_count(), 0);
}

Test(packet, an_answer_repeats_the_question_and_has_what_was_put)
{
    struct packet *q = parse(question, sizeof question);
    struct draft *m = draft_new();
    struct packet_record record;
    draft_begin_answer(m, q, PACKET_EDNS_SIZE, 0);
    draft_set_authoritative(m);
    cr_assert(draft_put(m, PACKET_ANSWER, NAME(www), RR_TYPE_A, PACKET_CLASS_IN, 300,
                        bytes_make(address, 4)));
    cr_assert(
        draft_put(m, PACKET_AUTHORITY, NAME(zone), RR_TYPE_NS, PACKET_CLASS_IN, 300, NAME(www)));
    struct bytes wire = draft_finish(m);
    cr_assert(wire.size < 90, "names are compressed: %zu", wire.size);
    struct packet *a = parse(wire.data, wire.size);
    const struct packet_head *h = packet_head(a);
    cr_assert(h->id == 0x1234 && h->is_response && h->is_authoritative && h->recursion_desired);
    cr_assert(h->rcode == RCODE_NOERROR && h->has_edns && h->edns_size == PACKET_EDNS_SIZE);
    cr_assert_arr_eq(wire.data + 12, question + 12, 18, "the case of the question comes back");
    cr_assert(packet_record(a, PACKET_ANSWER, 0, &record) &&
              !packet_record(a, PACKET_ANSWER, 1, &record));
    cr_assert(record.ttl == 300 && bytes_equal(record.rdata, bytes_make(address, 4)));
    cr_assert(packet_record(a, PACKET_AUTHORITY, 0, &record));
    cr_assert(bytes_equal(record.owner, NAME(zone)) && bytes_equal(record.rdata, NAME(www)));
    packet_free(a);
    packet_free(q);
    draft_free(m);
    cr_assert_eq(mem_live_count(), 0);
}

Test(packet, what_does_not_fit_is_not_put_and_the_room_that_is_kept_stays)
{
    struct packet *q = parse(question, sizeof question);
    struct draft *m = draft_new();
    uint8_t data[4] = {10, 0, 0, 0};
    uint32_t count = 0;
    draft_begin_answer(m, q, 600, 100);
    while (draft_put(m, PACKET_ANSWER, NAME(www), RR_TYPE_A, PACKET_CLASS_IN, 1,
                     bytes_make(data, 4))) {
        put_u16(data + 2, (uint16_t)++count);
    }
    struct bytes wire = draft_finish(m);
    cr_assert(count > 20 && count == get_u16(wire.data + 6)); /* RFC 1035 4.1.1: ANCOUNT */
    cr_assert(wire.size <= 500 && wire.size > 480, "%zu", wire.size);
    draft_begin_answer(m, q, 600, 0);
    cr_assert(
        draft_put(m, PACKET_ANSWER, NAME(www), RR_TYPE_A, PACKET_CLASS_IN, 1, bytes_make(data, 4)));
    draft_truncate(m);
    wire = draft_finish(m);
    struct packet *a = parse(wire.data, wire.size);
    struct packet_record record;
    cr_assert(packet_head(a)->is_truncated && !packet_record(a, PACKET_ANSWER, 0, &record));
    cr_assert(packet_head(a)->has_edns && packet_head(a)->has_question);
    packet_free(a);
    packet_free(q);
    draft_free(m);
}

Test(packet, an_error_has_its_words_in_the_opt_record)
{
    struct packet *q = parse(question, sizeof question);
    struct draft *m = draft_new();
    draft_begin_answer(m, q, 512, 0);
    draft_set_error(m, RCODE_REFUSED, PACKET_EDE_PROHIBITED, "causal-3: overtaken");
    struct bytes wire = draft_finish(m);
    cr_assert_not_null(memmem(wire.data, wire.size,
                              "\0\x0f\0\x15\0\x12"
                              "causal-3: overtaken",
                              25));
    cr_assert_eq(wire.data[3] & 15, RCODE_REFUSED);
    /* BADVERS: its high bits are in the OPT record. */
    draft_begin_answer(m, q, 512, 0);
    draft_set_error(m, RCODE_BADVERS, PACKET_EDE_NONE, NULL);
    wire = draft_finish(m);
    cr_assert_eq(wire.data[3] & 15, 0);
    cr_assert_eq(wire.data[wire.size - 6], 1);
    packet_free(q);
    draft_free(m);
}

Test(packet, bytes_without_sense_are_answered_by_a_header)
{
    struct draft *m = draft_new();
    uint8_t bad[14] = {0xab, 0xcd, 0x28, 0, 0, 9};
    cr_assert_not(draft_begin_failure(m, bytes_make(bad, 11), RCODE_FORMERR));
    cr_assert(draft_begin_failure(m, bytes_make(bad, 14), RCODE_FORMERR));
    struct bytes wire = draft_finish(m);
    cr_assert_eq(wire.size, 12);
    cr_assert(wire.data[0] == 0xab && wire.data[2] == 0xa8 && wire.data[3] == RCODE_FORMERR);
    bad[2] = 0x80;
    cr_assert_not(draft_begin_failure(m, bytes_make(bad, 14), RCODE_FORMERR), "an answer");
    draft_free(m);
}

/* RFC 2136: a record of class ANY or NONE without data, which no zone could have. */
Test(packet, an_update_keeps_its_classes_and_empty_data)
{
    struct draft *m = draft_new();
    struct packet_record record;
    draft_begin_question(m, 7, PACKET_UPDATE, NAME(zone), RR_TYPE_SOA, PACKET_CLASS_IN, 0);
    cr_assert(draft_put(m, PACKET_ANSWER, NAME(www), PACKET_TYPE_ANY, PACKET_CLASS_NONE, 0,
                        (struct bytes){NULL, 0}));
    cr_assert(draft_put(m, PACKET_AUTHORITY, NAME(www), RR_TYPE_A, PACKET_CLASS_ANY, 0,
                        (struct bytes){NULL, 0}));
    struct bytes wire = draft_finish(m);
    struct packet *p = parse(wire.data, wire.size);
    cr_assert_eq(packet_head(p)->opcode, PACKET_UPDATE);
    cr_assert(packet_record(p, PACKET_ANSWER, 0, &record));
    cr_assert(record.class == PACKET_CLASS_NONE && record.type == PACKET_TYPE_ANY);
    cr_assert_eq(record.rdata.size, 0);
    cr_assert(packet_record(p, PACKET_AUTHORITY, 0, &record));
    cr_assert(record.class == PACKET_CLASS_ANY && record.type == RR_TYPE_A);
    packet_free(p);
    draft_free(m);
}
