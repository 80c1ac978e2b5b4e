/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_serve.c - who may ask what, and that a replica that may be behind says so. */
#include "tests/unit/dns/fixture.h"

#define UPDATE_KEY "upd"
#define TRANSFER_KEY "xfr"

static struct serve_policy policy;

static void prepare(void)
{
    const char *why;
    policy = (struct serve_policy){.allow_unsigned_queries = false};
    cr_assert_eq(tsig_key_new(TRANSFER_KEY, "hmac-sha256", SECRET, TSIG_TRANSFER,
                              &policy.keys.keys[0], &why),
                 RSM_OK);
    cr_assert_eq(
        tsig_key_new(UPDATE_KEY, "hmac-sha512", SECRET, TSIG_UPDATE, &policy.keys.keys[1], &why),
        RSM_OK);
    policy.keys.count = 2;
}

static void clean(void)
{
    for (uint32_t i = 0; i < policy.keys.count; i++)
        tsig_key_free(policy.keys.keys[i]);
    policy.keys.count = 0;
}

static const struct tsig_key *key_named(const char *name)
{
    return name == NULL ? NULL : policy.keys.keys[strcmp(name, UPDATE_KEY) == 0 ? 1 : 0];
}

/* The bytes of a question; an IXFR has the serial. */
static struct blob *ask(const char *name, enum packet_opcode opcode, uint16_t type, uint32_t serial,
                        const char *key)
{
    struct draft *draft = draft_new();
    struct tsig_exchange x;
    struct bytes wire;
    tsig_begin(key_named(key), &x);
    draft_begin_question(draft, 7, opcode, wire_bytes(name), type, PACKET_CLASS_IN, tsig_size(&x));
    if (type == PACKET_TYPE_IXFR) {
        struct rsm_bytes soa = soa_rdata(serial);
        cr_assert(draft_put(draft, PACKET_AUTHORITY, wire_bytes(name), RR_TYPE_SOA, PACKET_CLASS_IN,
                            0, bytes_make(soa.data, soa.size)));
    }
    cr_assert_eq(tsig_sign(&x, draft, &wire), RSM_OK);
    struct blob *blob = blob_new(wire);
    draft_free(draft);
    return blob;
}

struct result {
    bool is_answered, is_signed, is_broken, is_truncated;
    enum serve_kind kind;
    unsigned rcode;
    uint32_t messages, records;
    size_t largest;
};

static struct result serve_one(struct world *w, struct blob *wire, enum serve_transport transport,
                               bool is_fresh)
{
    struct result out = {.is_answered = false};
    struct serve *s = serve_begin(&policy, blob_bytes(wire), transport);
    struct draft *draft = draft_new();
    struct serve_summary summary;
    struct bytes message;
    enum rsm_status status;
    blob_unref(wire);
    if (s != NULL) {
        out.kind = serve_kind(s);
        serve_set_slot(s, w->slot, is_fresh);
        while (out.kind != SERVE_UPDATE &&
               serve_next(s, w->kv, draft, &message, &out.is_broken, &status)) {
            struct packet *a;
            struct packet_record r;
            cr_assert_eq(packet_parse(message, &a), RSM_OK);
            out.is_answered = true;
            out.is_signed = packet_head(a)->has_tsig;
            out.is_truncated = packet_head(a)->is_truncated;
            out.rcode = packet_head(a)->rcode;
            out.messages++;
            while (packet_record(a, PACKET_ANSWER, 0, &r) &&
                   packet_record(a, PACKET_ANSWER, out.records, &r) && out.messages == 1)
                out.records++;
            if (message.size > out.largest)
                out.largest = message.size;
            packet_free(a);
        }
        serve_get_summary(s, &summary);
        cr_assert_eq(summary.message_count, out.messages);
    }
    serve_free(s);
    draft_free(draft);
    return out;
}

static struct world *world_with_zone(size_t extra)
{
    struct world *w = world_new();
    struct rsm_change *more = calloc(extra + 1, sizeof *more);
    char(*names)[32] = calloc(extra + 1, sizeof *names);
    /* body_zone copies; the ring of wire() holds few names, so they come in several changes */
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    for (size_t i = 0; i < extra; i++) {
        snprintf(names[i], sizeof names[i], "n%zu.example.", i);
        more[0] = change_a(names[i], (uint8_t)(i % 100 + 1), 100);
        cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, more, 1)));
    }
    free(more);
    free(names);
    return w;
}

Test(serve, who_may_ask_what, .init = prepare, .fini = clean)
{
    enum { NONE, QUERIES = 1, TRANSFERS = 2 };
    static const struct {
        const char *key;
        enum packet_opcode opcode;
        uint16_t type;
        enum serve_transport transport;
        int allow;
        enum serve_kind kind;
        unsigned rcode;
        bool is_signed;
    } rows[] = {
        {NULL, PACKET_QUERY, RR_TYPE_SOA, SERVE_UDP, NONE, SERVE_REFUSAL, RCODE_REFUSED, false},
        {NULL, PACKET_QUERY, RR_TYPE_SOA, SERVE_UDP, QUERIES, SERVE_READ, 0, false},
        {NULL, PACKET_QUERY, PACKET_TYPE_AXFR, SERVE_TCP, QUERIES, SERVE_REFUSAL, RCODE_REFUSED,
         false},
        {NULL, PACKET_QUERY, PACKET_TYPE_AXFR, SERVE_TCP, TRANSFERS, SERVE_READ, 0, false},
        {TRANSFER_KEY, PACKET_QUERY, RR_TYPE_SOA, SERVE_UDP, NONE, SERVE_READ, 0, true},
        {TRANSFER_KEY, PACKET_QUERY, PACKET_TYPE_AXFR, SERVE_TCP, NONE, SERVE_READ, 0, true},
        {TRANSFER_KEY, PACKET_QUERY, PACKET_TYPE_AXFR, SERVE_UDP, NONE, SERVE_REFUSAL,
         RCODE_FORMERR, true},
        {TRANSFER_KEY, PACKET_QUERY, PACKET_TYPE_IXFR, SERVE_UDP, NONE, SERVE_READ, 0, true},
        {TRANSFER_KEY, PACKET_UPDATE, RR_TYPE_SOA, SERVE_TCP, NONE, SERVE_REFUSAL, RCODE_REFUSED,
         true},
        {UPDATE_KEY, PACKET_QUERY, RR_TYPE_SOA, SERVE_UDP, NONE, SERVE_READ, 0, true},
        {UPDATE_KEY, PACKET_QUERY, PACKET_TYPE_AXFR, SERVE_TCP, NONE, SERVE_REFUSAL, RCODE_REFUSED,
         true},
        {UPDATE_KEY, PACKET_UPDATE, RR_TYPE_SOA, SERVE_TCP, NONE, SERVE_UPDATE, 0, false},
        {NULL, PACKET_UPDATE, RR_TYPE_SOA, SERVE_TCP, QUERIES | TRANSFERS, SERVE_REFUSAL,
         RCODE_REFUSED, false},
        {TRANSFER_KEY, PACKET_NOTIFY, RR_TYPE_SOA, SERVE_UDP, NONE, SERVE_REFUSAL, RCODE_NOTAUTH,
         true},
        {TRANSFER_KEY, PACKET_QUERY, 253 /* MAILB */, SERVE_UDP, NONE, SERVE_REFUSAL, RCODE_NOTIMP,
         true},
    };
    struct world *w = world_with_zone(0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        policy.allow_unsigned_queries = (rows[i].allow & QUERIES) != 0;
        policy.allow_unsigned_transfers = (rows[i].allow & TRANSFERS) != 0;
        struct blob *wire = ask(ZONE, rows[i].opcode, rows[i].type, 1, rows[i].key);
        struct result r = serve_one(w, wire, rows[i].transport, true);
        cr_expect_eq(r.kind, rows[i].kind, "row %zu", i);
        cr_expect_eq(r.rcode, rows[i].rcode, "row %zu: %u", i, r.rcode);
        cr_expect_eq(r.is_signed, rows[i].is_signed, "row %zu", i);
    }
    world_free(w);
}

/* SERVFAIL, signed, to whatever is asked: a blank secondary would take an old serial from us. */
Test(serve, a_replica_that_may_be_behind_says_servfail, .init = prepare, .fini = clean)
{
    static const uint16_t types[] = {RR_TYPE_SOA, PACKET_TYPE_AXFR, PACKET_TYPE_IXFR, RR_TYPE_A};
    struct world *w = world_with_zone(0);
    for (size_t i = 0; i < 4; i++) {
        struct result r =
            serve_one(w, ask(ZONE, PACKET_QUERY, types[i], 1, TRANSFER_KEY), SERVE_TCP, false);
        cr_assert(r.is_answered && r.is_signed && r.records == 0 && r.messages == 1);
        cr_assert_eq(r.rcode, RCODE_SERVFAIL);
    }
    world_free(w);
}

Test(serve, a_transfer_comes_in_messages_and_each_is_signed, .init = prepare, .fini = clean)
{
    struct world *w = world_with_zone(20);
    struct result r =
        serve_one(w, ask(ZONE, PACKET_QUERY, PACKET_TYPE_AXFR, 0, TRANSFER_KEY), SERVE_TCP, true);
    cr_assert(r.messages > 1 && r.is_signed && !r.is_broken);
    cr_assert(r.largest >= TRANSFER_MESSAGE_SIZE && r.largest < TRANSFER_MESSAGE_SIZE + 512);
    /* Over UDP a difference that does not fit is the SOA: come by TCP (RFC 1995 2). */
    r = serve_one(w, ask(ZONE, PACKET_QUERY, PACKET_TYPE_IXFR, 20, TRANSFER_KEY), SERVE_UDP, true);
    cr_assert(r.messages == 1 && r.records == 1 && r.largest <= 512 && !r.is_truncated);
    r = serve_one(w, ask(ZONE, PACKET_QUERY, PACKET_TYPE_IXFR, 20, TRANSFER_KEY), SERVE_TCP, true);
    cr_assert(r.messages == 1 && r.records == 104);
    r = serve_one(w, ask("no.such.", PACKET_QUERY, PACKET_TYPE_AXFR, 0, TRANSFER_KEY), SERVE_TCP,
                  true);
    cr_assert(r.messages == 1 && r.rcode == RCODE_NOTAUTH);
    world_free(w);
}

Test(serve, bytes_that_are_no_question, .init = prepare, .fini = clean)
{
    struct world *w = world_with_zone(0);
    static const uint8_t rubbish[20] = {1, 2, 0, 0, 0, 1};
    static const uint8_t answer[20] = {1, 2, 0x80, 0, 0, 0};
    struct result r = serve_one(w, blob_new(bytes_make(rubbish, 20)), SERVE_UDP, true);
    cr_assert(r.is_answered && r.rcode == RCODE_FORMERR && r.largest == 12);
    r = serve_one(w, blob_new(bytes_make(rubbish, 11)), SERVE_UDP, true);
    cr_assert_not(r.is_answered);
    r = serve_one(w, blob_new(bytes_make(answer, 20)), SERVE_UDP, true);
    cr_assert_not(r.is_answered, "an answer gets none");
    world_free(w);
}

/* The id in the header is not signed but beside the signature (RFC 8945 4.2): the message stays. */
Test(serve, the_signature_names_the_message, .init = prepare, .fini = clean)
{
    struct blob *one = ask(ZONE, PACKET_UPDATE, RR_TYPE_SOA, 1, UPDATE_KEY);
    struct bytes wire = blob_bytes(one);
    uint8_t other_id[512];
    memcpy(other_id, wire.data, wire.size);
    other_id[0] ^= 1;
    struct serve *first = serve_begin(&policy, wire, SERVE_UDP);
    struct serve *again = serve_begin(&policy, bytes_make(other_id, wire.size), SERVE_UDP);
    cr_assert(serve_kind(first) == SERVE_UPDATE && serve_kind(again) == SERVE_UPDATE);
    cr_assert(serve_signature(first).size >= 32);
    cr_assert(bytes_equal(serve_signature(first), serve_signature(again)));
    other_id[13] ^= 1; /* a letter of the zone: another message, which nobody signed */
    struct serve *other = serve_begin(&policy, bytes_make(other_id, wire.size), SERVE_UDP);
    cr_assert_eq(serve_kind(other), SERVE_REFUSAL);
    serve_free(first);
    serve_free(again);
    serve_free(other);
    blob_unref(one);
}
