/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_update.c - messages of opcode UPDATE as command bodies, and verdicts as RCODEs. */
#include <criterion/criterion.h>

#include <string.h>

#include <rsm/update.h>

#include "src/command/body.h"
#include "src/dns/update.h"
#include "src/machine/stage.h"
#include "src/rr/data.h"
#include "src/rr/name.h"

static struct draft *draft;

static void set_up(void)
{
    draft = draft_new();
}

static void tear_down(void)
{
    draft_free(draft);
}

TestSuite(update, .init = set_up, .fini = tear_down);

static struct bytes wire(const char *text)
{
    static uint8_t ring[8][NAME_SIZE_MAX];
    static size_t next;
    struct bytes name;
    uint8_t *out = ring[next++ % 8];
    cr_assert(name_from_text(text, (struct bytes){NULL, 0}, out, &name) == RSM_OK);
    return name;
}

static const uint8_t address[4] = {192, 0, 2, 1};

/* One record a section; `size` 0: no data. */
struct row {
    uint16_t zone_type, zone_class;
    uint16_t class[2], type[2];
    uint32_t ttl[2];
    size_t size[2];
    enum packet_rcode rcode;
};

static bool build(const struct row *row, struct rsm_buffer *body, struct update_reply *reply)
{
    static const enum packet_section sections[2] = {PACKET_ANSWER, PACKET_AUTHORITY};
    struct packet *p;
    draft_begin_question(draft, 7, PACKET_UPDATE, wire("Example."), row->zone_type, row->zone_class,
                         0);
    for (size_t i = 0; i < 2; i++)
        cr_assert(draft_put(draft, sections[i], wire("www.example."), row->type[i], row->class[i],
                            row -> ttl[i], bytes_make(address, row->size[i])));
    cr_assert(packet_parse(draft_finish(draft), &p) == RSM_OK);
    bool is_good = update_build(p, "acme", rsm_text(""), body, reply);
    packet_free(p);
    return is_good;
}

/* RFC 2136 3.1.1, 3.2.5 and 3.4.1.3, by what a record must and must not have. */
Test(update, forms)
{
    static const struct row rows[] = {
        {6, 1, {255, 1}, {255, 1}, {0, 60}, {0, 4}, RCODE_NOERROR},
        {6, 1, {254, 255}, {255, 255}, {0, 0}, {0, 0}, RCODE_NOERROR},
        {6, 1, {255, 255}, {1, 1}, {0, 0}, {0, 0}, RCODE_NOERROR},
        {6, 1, {254, 254}, {1, 1}, {0, 0}, {0, 4}, RCODE_NOERROR},
        {6, 1, {1, 1}, {1, 1}, {0, 0}, {4, 4}, RCODE_NOERROR},
        {1, 1, {255, 1}, {255, 1}, {0, 60}, {0, 4}, RCODE_FORMERR}, /* the zone: not a SOA */
        {6, 3, {255, 1}, {255, 1}, {0, 60}, {0, 4}, RCODE_NOTAUTH}, /* CH */
        {6, 1, {255, 1}, {255, 1}, {1, 60}, {0, 4}, RCODE_FORMERR}, /* prerequisite with a TTL */
        {6, 1, {254, 1}, {1, 1}, {1, 60}, {0, 4}, RCODE_FORMERR},
        {6, 1, {1, 1}, {1, 1}, {1, 60}, {4, 4}, RCODE_FORMERR},
        {6, 1, {3, 1}, {1, 1}, {0, 60}, {4, 4}, RCODE_FORMERR},      /* of class CH */
        {6, 1, {255, 255}, {255, 1}, {0, 1}, {0, 0}, RCODE_FORMERR}, /* deletion with a TTL */
        {6, 1, {255, 254}, {255, 1}, {0, 1}, {0, 4}, RCODE_FORMERR},
        {6, 1, {255, 3}, {255, 1}, {0, 60}, {0, 4}, RCODE_FORMERR},    /* update of class CH */
        {6, 1, {255, 255}, {255, 252}, {0, 0}, {0, 0}, RCODE_FORMERR}, /* AXFR */
        {6, 1, {255, 254}, {255, 255}, {0, 0}, {0, 0}, RCODE_FORMERR}, /* one of any type */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rsm_buffer body;
        struct update_reply reply = {.rcode = RCODE_NOERROR};
        bool is_good = build(&rows[i], &body, &reply);
        cr_assert_eq(is_good, rows[i].rcode == RCODE_NOERROR, "row %zu: %s", i, reply.text);
        cr_assert_eq(reply.rcode, rows[i].rcode, "row %zu: %d", i, (int)reply.rcode);
        if (is_good)
            cr_assert(body_check(RSM_KIND_RRSET_UPDATE, bytes_make(body.data, body.size)) ==
                      RSM_OK);
        rsm_buffer_free(&body);
    }
}

Test(update, what_a_body_has)
{
    static const struct row row = {6, 1, {254, 1}, {255, 1}, {0, 60}, {0, 4}, RCODE_NOERROR};
    struct rsm_buffer body;
    struct update_reply reply;
    struct body_update u;
    struct body_record r;
    cr_assert(build(&row, &body, &reply));
    cr_assert(body_update_decode(bytes_make(body.data, body.size), &u) == RSM_OK);
    cr_assert(bytes_equal(u.zone, wire("example.")));
    cr_assert(bytes_equal(u.principal, bytes_of_string("acme")));
    cr_assert(u.prerequisites.left == 1 && u.updates.left == 1);
    cr_assert(body_next_record(&u.prerequisites, &r) && r.record_class == RSM_CLASS_NONE &&
              r.type == BODY_TYPE_ANY);
    cr_assert(body_next_record(&u.updates, &r) && r.ttl == 60 &&
              bytes_equal(r.rdata, bytes_make(address, 4)));
    rsm_buffer_free(&body);
}

/* ---- verdicts ---- */

/* What each verdict has beside its reasons; borrowed until the next call. */
static struct bytes stages_of(void)
{
    static struct writer record;
    struct stages_made made;
    writer_deinit(&record);
    writer_init(&record, STAGES_SIZE_MAX);
    stages_begin(&made);
    stages_encode(&record, &made, 0);
    return writer_result(&record);
}

static void refuse(struct update_reply *out, const enum rsm_rule *rules, size_t count)
{
    struct verdicts list;
    struct reasons reasons;
    struct verdict v;
    static const uint8_t digest[HASH_SIZE];
    verdicts_init(&list);
    reasons_init(&reasons);
    for (size_t i = 0; i < count; i++)
        reasons_add(&reasons, rules[i], "evidence %zu", i);
    verdicts_add_refused(&list,
                         &(struct verdict_id){.author = bytes_of_string("gate"),
                                              .counter = 1,
                                              .digest = digest,
                                              .stages = stages_of()},
                         &reasons);
    cr_assert(verdict_at(verdicts_bytes(&list), 0, &v) == RSM_OK);
    update_reply_of(&v, out);
    reasons_deinit(&reasons);
    verdicts_deinit(&list);
}

Test(update, rules_as_rcodes)
{
    static const struct {
        enum rsm_rule rules[3];
        enum packet_rcode rcode;
        const char *text;
    } rows[] = {
        {{RSM_RULE_ZONE_UNKNOWN}, RCODE_NOTAUTH, "zone-unknown: evidence 0"},
        {{RSM_RULE_OUT_OF_ZONE}, RCODE_NOTZONE, "out-of-zone: evidence 0"},
        {{RSM_RULE_RIGHTS}, RCODE_REFUSED, "rights: evidence 0"},
        {{RSM_RULE_FROZEN}, RCODE_REFUSED, "frozen: evidence 0"},
        {{RSM_RULE_PREREQ_NXDOMAIN}, RCODE_NXDOMAIN, "prereq-nxdomain: evidence 0"},
        {{RSM_RULE_PREREQ_YXDOMAIN}, RCODE_YXDOMAIN, "prereq-yxdomain: evidence 0"},
        {{RSM_RULE_PREREQ_NXRRSET}, RCODE_NXRRSET, "prereq-nxrrset: evidence 0"},
        {{RSM_RULE_PREREQ_YXRRSET}, RCODE_YXRRSET, "prereq-yxrrset: evidence 0"},
        {{RSM_RULE_TYPE_FORBIDDEN}, RCODE_FORMERR, "type-forbidden: evidence 0"},
        {{RSM_RULE_RDATA_BAD}, RCODE_FORMERR, "rdata-bad: evidence 0"},
        {{RSM_RULE_STALE}, RCODE_SERVFAIL, "stale: evidence 0"},
        {{RSM_RULE_KEY_INVALID}, RCODE_SERVFAIL, "key-invalid: evidence 0"},
        {{RSM_RULE_ENDPOINT_EMPTY}, RCODE_REFUSED, "endpoint-empty: evidence 0"},
        {{RSM_RULE_CYCLE}, RCODE_REFUSED, "cycle: evidence 0"},
        {{RSM_RULE_PREREQ_PLAN}, RCODE_REFUSED, "prereq-plan: evidence 0"},
        {{RSM_RULE_BUDGET}, RCODE_REFUSED, "budget: evidence 0"},
        {{RSM_RULE_REQUEST_DONE}, RCODE_NOERROR, "request-done: evidence 0"},
        /* The first prerequisite decides; rights come before, what a rule forbids behind. */
        {{RSM_RULE_PREREQ_NXRRSET, RSM_RULE_PREREQ_YXDOMAIN, RSM_RULE_CYCLE},
         RCODE_NXRRSET,
         "prereq-nxrrset: evidence 0"},
        {{RSM_RULE_CYCLE, RSM_RULE_PREREQ_YXDOMAIN}, RCODE_YXDOMAIN, "prereq-yxdomain: evidence 1"},
        {{RSM_RULE_PREREQ_YXDOMAIN, RSM_RULE_RIGHTS}, RCODE_REFUSED, "rights: evidence 1"},
        {{RSM_RULE_RIGHTS, RSM_RULE_ZONE_UNKNOWN}, RCODE_NOTAUTH, "zone-unknown: evidence 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct update_reply reply;
        size_t count = 0;
        while (count < 3 && rows[i].rules[count] != 0)
            count++;
        refuse(&reply, rows[i].rules, count);
        cr_assert_eq(reply.rcode, rows[i].rcode, "row %zu: %d", i, (int)reply.rcode);
        cr_assert_str_eq(reply.text, rows[i].text);
    }
}

Test(update, applied_is_no_error)
{
    struct verdicts list;
    struct verdict v;
    struct update_reply reply;
    static const uint8_t digest[HASH_SIZE];
    verdicts_init(&list);
    verdicts_add_applied(&list,
                         &(struct verdict_id){.author = bytes_of_string("gate"),
                                              .counter = 1,
                                              .digest = digest,
                                              .stages = stages_of()},
                         bytes_of_string("\x80"));
    cr_assert(verdict_at(verdicts_bytes(&list), 0, &v) == RSM_OK);
    update_reply_of(&v, &reply);
    cr_assert(reply.rcode == RCODE_NOERROR && reply.ede == PACKET_EDE_NONE);
    verdicts_deinit(&list);
}
