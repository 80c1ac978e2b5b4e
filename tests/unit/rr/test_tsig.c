/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_tsig.c - signatures: good ones, each kind of bad one, and streams of messages. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include <libdnssec/tsig.h>

#include "src/base/mem.h"
#include "src/rr/data.h"
#include "src/rr/tsig.h"

#define NAME(text) bytes_make(text, sizeof(text))
#define SECRET "c2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM="
#define OTHER "b3RoZXIgc2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0ZXM="
static const char zone[] = "\7example\4test";
static const uint8_t address[] = {192, 0, 2, 1};

static struct tsig_key *make(const char *name, const char *algorithm, const char *secret)
{
    struct tsig_key *key;
    const char *why;
    cr_assert_eq(tsig_key_new(name, algorithm, secret, TSIG_TRANSFER, &key, &why), RSM_OK, "%s",
                 why);
    return key;
}

static struct packet *parse(struct bytes wire)
{
    struct packet *p;
    cr_assert_eq(packet_parse(wire, &p), RSM_OK);
    return p;
}

/* A question signed with `key`, as it came in. */
static struct packet *ask(struct draft *m, const struct tsig_key *key, struct tsig_exchange *x)
{
    struct bytes wire;
    tsig_begin(key, x);
    draft_begin_question(m, 9, PACKET_QUERY, NAME(zone), RR_TYPE_SOA, PACKET_CLASS_IN,
                         tsig_size(x));
    cr_assert_eq(tsig_sign(x, m, &wire), RSM_OK);
    return parse(wire);
}

Test(tsig, keys_that_are_none_are_refused_with_the_reason)
{
    static const struct {
        const char *name, *algorithm, *secret, *why;
    } rows[] = {
        {"a..b", "hmac-sha256", SECRET, "the name"},
        {"k", "hmac-md5", SECRET, "the algorithm"},
        {"k", "hmac-sha1", SECRET, "the algorithm"},
        {"k", "hmac-sha256", "not base64!", "the secret is not"},
        {"k", "hmac-sha256", "c2hvcnQ=", "the secret has less"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsig_key *key;
        const char *why = "";
        cr_assert_eq(tsig_key_new(rows[i].name, rows[i].algorithm, rows[i].secret, 0, &key, &why),
                     RSM_MALFORMED);
        cr_assert_null(key);
        cr_assert_eq(strncmp(why, rows[i].why, strlen(rows[i].why)), 0, "%s", why);
    }
    struct tsig_key *key = make("XFR.Key", "hmac-sha256", SECRET);
    cr_assert(bytes_equal(tsig_key_name(key), NAME("\3xfr\3key")));
    tsig_key_free(key);
    cr_assert_eq(mem_live_count(), 0);
}

Test(tsig, each_verdict_and_its_answer)
{
    enum { SIGNED, BARE };
    static const struct {
        const char *name, *algorithm, *secret;
        enum tsig_verdict verdict;
        int answer;
        uint8_t error; /* low octet of the TSIG's */
    } rows[] = {
        {"xfr", "hmac-sha256", SECRET, TSIG_GOOD, SIGNED, 0},
        {"XFR", "hmac-sha256", SECRET, TSIG_GOOD, SIGNED, 0},
        {"five", "hmac-sha512", SECRET, TSIG_GOOD, SIGNED, 0},
        {"xfr", "hmac-sha256", OTHER, TSIG_BAD_SIG, BARE, 16},
        {"nobody", "hmac-sha256", SECRET, TSIG_BAD_KEY, BARE, 17},
        {"xfr", "hmac-sha512", SECRET, TSIG_BAD_KEY, BARE, 17},
    };
    struct tsig_key *own[2] = {make("xfr", "hmac-sha256", SECRET),
                               make("five", "hmac-sha512", SECRET)};
    struct tsig_keys keys = {.keys = {own[0], own[1]}, .count = 2};
    struct draft *m = draft_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsig_key *key = make(rows[i].name, rows[i].algorithm, rows[i].secret);
        struct tsig_exchange client, server;
        struct bytes wire;
        struct packet *q = ask(m, key, &client);
        cr_assert_eq(tsig_check_question(q, &keys, &server), rows[i].verdict, "row %zu", i);
        draft_begin_answer(m, q, PACKET_SIZE_MAX, tsig_size(&server));
        cr_assert_eq(tsig_sign(&server, m, &wire), RSM_OK);
        struct packet *a = parse(wire);
        cr_assert(packet_head(a)->has_tsig);
        cr_assert_eq(tsig_check_answer(&client, a), rows[i].answer == SIGNED, "row %zu", i);
        /* ... error u16, other size u16 */
        cr_assert_eq(wire.data[wire.size - 3], rows[i].error, "row %zu", i);
        packet_free(a);
        packet_free(q);
        tsig_key_free(key);
    }
    draft_free(m);
    tsig_key_free(own[0]);
    tsig_key_free(own[1]);
    cr_assert_eq(mem_live_count(), 0);
}

/*
 * dnspython 2.3 signed this at 1,000,000,000 seconds (2001): key xfr, SECRET, SOA example.test.
 * The answer says BADTIME, is signed, and has our time.
 */
static const uint8_t of_2001[] = {
    0,   9,   1,   0,   0,   1,   0,   0,   0,   0,   0,   1,   7,   101, 120, 97,  109, 112,
    108, 101, 4,   116, 101, 115, 116, 0,   0,   6,   0,   1,   3,   120, 102, 114, 0,   0,
    250, 0,   255, 0,   0,   0,   0,   0,   61,  11,  104, 109, 97,  99,  45,  115, 104, 97,
    50,  53,  54,  0,   0,   0,   59,  154, 202, 0,   1,   44,  0,   32,  32,  216, 94,  136,
    31,  139, 76,  172, 191, 151, 130, 113, 121, 226, 53,  163, 160, 75,  184, 90,  202, 64,
    16,  124, 14,  14,  153, 246, 148, 217, 24,  230, 0,   9,   0,   0,   0,   0};

Test(tsig, a_signature_of_long_ago_is_told_the_time)
{
    struct tsig_key *key = make("xfr", "hmac-sha256", SECRET);
    struct tsig_keys keys = {.keys = {key}, .count = 1};
    struct draft *m = draft_new();
    struct packet *q = parse(bytes_make(of_2001, sizeof of_2001));
    struct tsig_exchange x;
    struct bytes wire;
    cr_assert_eq(tsig_check_question(q, &keys, &x), TSIG_BAD_TIME);
    draft_begin_answer(m, q, PACKET_UDP_SIZE, tsig_size(&x));
    draft_set_error(m, RCODE_NOTAUTH, PACKET_EDE_NONE, NULL);
    cr_assert_eq(tsig_sign(&x, m, &wire), RSM_OK);
    /* error 18, 6 octets more: seconds of today */
    cr_assert_eq(get_u16(wire.data + wire.size - 10), 18);
    cr_assert_eq(get_u16(wire.data + wire.size - 8), 6);
    cr_assert(get_u32(wire.data + wire.size - 4) > 1700000000u);
    packet_free(q);
    /* With its MAC changed it is the signature that is bad, whatever the time says. */
    uint8_t changed[sizeof of_2001];
    memcpy(changed, of_2001, sizeof changed);
    changed[sizeof changed - 10] ^= 1;
    q = parse(bytes_make(changed, sizeof changed));
    cr_assert_eq(tsig_check_question(q, &keys, &x), TSIG_BAD_SIG);
    packet_free(q);
    draft_free(m);
    tsig_key_free(key);
}

Test(tsig, each_message_of_a_stream_is_signed_over_the_one_before)
{
    struct tsig_key *key = make("xfr", "hmac-sha512", SECRET);
    struct tsig_keys keys = {.keys = {key}, .count = 1};
    struct draft *m = draft_new();
    struct tsig_exchange client, server;
    uint8_t macs[3][TSIG_MAC_MAX];
    struct packet *q = ask(m, key, &client);
    cr_assert_eq(tsig_check_question(q, &keys, &server), TSIG_GOOD);
    for (int i = 0; i < 3; i++) {
        struct bytes wire;
        draft_begin_answer(m, q, PACKET_SIZE_MAX, tsig_size(&server));
        while (draft_put(m, PACKET_ANSWER, NAME(zone), RR_TYPE_A, PACKET_CLASS_IN, 1,
                         bytes_make(address, 4))) {
        }
        cr_assert_eq(tsig_sign(&server, m, &wire), RSM_OK, "a full message has room");
        struct packet *a = parse(wire);
        cr_assert_eq(tsig_check_answer(&client, a), i == 0, "only the first stands alone");
        packet_free(a);
        memcpy(macs[i], server.mac, TSIG_MAC_MAX);
    }
    cr_assert_eq(server.message_count, 3);
    cr_assert(memcmp(macs[0], macs[1], TSIG_MAC_MAX) != 0 && memcmp(macs[1], macs[2], 64) != 0);
    packet_free(q);
    draft_free(m);
    tsig_key_free(key);
    cr_assert_eq(mem_live_count(), 0);
}

/* Three answers to one question, signed one over the other; copies of their bytes. */
static void make_stream(struct tsig_exchange *client, const struct tsig_key *key,
                        struct bytes wires[3], uint8_t memory[3][1024])
{
    struct tsig_keys keys = {.keys = {NULL}, .count = 0};
    struct tsig_exchange server;
    struct draft *m = draft_new();
    keys.keys[keys.count++] = (void *)(uintptr_t)key;
    struct packet *q = ask(m, key, client);
    cr_assert_eq(tsig_check_question(q, &keys, &server), TSIG_GOOD);
    for (int i = 0; i < 3; i++) {
        struct bytes wire;
        draft_begin_answer(m, q, PACKET_SIZE_MAX, tsig_size(&server));
        cr_assert(draft_put(m, PACKET_ANSWER, NAME(zone), RR_TYPE_A, PACKET_CLASS_IN, 1,
                            bytes_make(address, 4)));
        cr_assert_eq(tsig_sign(&server, m, &wire), RSM_OK);
        memcpy(memory[i], wire.data, wire.size);
        wires[i] = bytes_make(memory[i], wire.size);
    }
    packet_free(q);
    draft_free(m);
}

/* Bit i of `kept`: message i arrives. The number of messages that checked, negative: not closed. */
static int check_stream(const struct tsig_exchange *client, const struct bytes wires[3],
                        unsigned kept)
{
    struct tsig_stream stream;
    int count = 0;
    tsig_stream_init(&stream, client);
    for (int i = 0; i < 3; i++) {
        if ((kept & (1u << i)) == 0)
            continue;
        struct packet *a = parse(wires[i]);
        bool is_good = tsig_stream_check(&stream, a);
        packet_free(a);
        if (!is_good)
            break;
        count++;
    }
    count = tsig_stream_is_closed(&stream) ? count : -count;
    tsig_stream_deinit(&stream);
    return count;
}

Test(tsig, a_stream_without_one_of_its_messages_is_seen)
{
    struct tsig_key *key = make("xfr", "hmac-sha256", SECRET);
    struct tsig_exchange client;
    struct bytes wires[3];
    uint8_t memory[3][1024];
    make_stream(&client, key, wires, memory);
    cr_assert_eq(check_stream(&client, wires, 7), 3);
    cr_assert_eq(check_stream(&client, wires, 5), 1, "the second is missing");
    cr_assert_eq(check_stream(&client, wires, 6), 0, "the first is missing");
    memory[1][12 + 14 + 4 + 9] ^= 1; /* its TTL */
    cr_assert_eq(check_stream(&client, wires, 7), 1, "the second was changed");
    struct tsig_exchange unsigned_client;
    tsig_begin(NULL, &unsigned_client);
    cr_assert_eq(check_stream(&unsigned_client, wires, 7), 0, "signed by a key we do not have");
    tsig_key_free(key);
}

/* Messages in between may be without a signature, but not the first, and not a hundred. */
Test(tsig, gaps_in_a_stream)
{
    struct tsig_key *key = make("xfr", "hmac-sha256", SECRET);
    struct tsig_exchange client;
    struct bytes wires[3];
    uint8_t memory[3][1024];
    struct tsig_stream stream;
    struct tsig_exchange none = {.key = NULL, .verdict = TSIG_NONE};
    make_stream(&client, key, wires, memory);
    struct draft *m = draft_new();
    struct packet *q = ask(m, NULL, &none);
    draft_begin_answer(m, q, PACKET_SIZE_MAX, 0);
    struct bytes bare_wire = draft_finish(m);
    struct packet *bare = parse(bare_wire), *first = parse(wires[0]), *second = parse(wires[1]);
    tsig_stream_init(&stream, &client);
    cr_assert(!tsig_stream_check(&stream, bare), "the first has to be signed");
    tsig_stream_deinit(&stream);
    tsig_stream_init(&stream, &client);
    cr_assert(tsig_stream_check(&stream, first) && tsig_stream_is_closed(&stream));
    for (unsigned i = 0; i < TSIG_UNSIGNED_MAX; i++)
        cr_assert(tsig_stream_check(&stream, bare) && !tsig_stream_is_closed(&stream));
    cr_assert(!tsig_stream_check(&stream, bare), "one too many");
    tsig_stream_deinit(&stream);
    tsig_stream_init(&stream, &client);
    cr_assert(tsig_stream_check(&stream, first) && tsig_stream_check(&stream, bare));
    cr_assert(!tsig_stream_check(&stream, second),
              "its signature does not cover what was slipped in");
    tsig_stream_deinit(&stream);
    packet_free(bare);
    packet_free(first);
    packet_free(second);
    packet_free(q);
    draft_free(m);
    tsig_key_free(key);
}

Test(tsig, a_changed_question_is_seen)
{
    struct tsig_key *key = make("xfr", "hmac-sha256", SECRET);
    struct tsig_keys keys = {.keys = {key}, .count = 1};
    struct draft *m = draft_new();
    struct tsig_exchange client, server;
    struct bytes wire;
    tsig_begin(key, &client);
    draft_begin_question(m, 9, PACKET_QUERY, NAME(zone), RR_TYPE_SOA, PACKET_CLASS_IN,
                         tsig_size(&client));
    cr_assert_eq(tsig_sign(&client, m, &wire), RSM_OK);
    uint8_t copy[512];
    memcpy(copy, wire.data, wire.size);
    copy[14] ^= 1; /* a letter of the name, not its case */
    struct packet *q = parse(bytes_make(copy, wire.size));
    cr_assert_eq(tsig_check_question(q, &keys, &server), TSIG_BAD_SIG);
    packet_free(q);
    draft_free(m);
    tsig_key_free(key);
}

/* A question signed with `key`, its bytes in `copy`, where they can be spoiled; their size. */
static size_t signed_question(const struct tsig_key *key, struct draft *m,
                              struct tsig_exchange *client, uint8_t copy[512])
{
    struct bytes wire;
    tsig_begin(key, client);
    draft_begin_question(m, 9, PACKET_QUERY, NAME(zone), RR_TYPE_SOA, PACKET_CLASS_IN,
                         tsig_size(client));
    cr_assert_eq(tsig_sign(client, m, &wire), RSM_OK);
    cr_assert_leq(wire.size, 512);
    memcpy(copy, wire.data, wire.size);
    return wire.size;
}

/* A signed question whose MAC, of 32 bytes, becomes `size` of them (33: one more), for hmac-sha256.
 */
static size_t with_mac_of(uint8_t *wire, size_t before, size_t size)
{
    enum { WHOLE = 32, TAIL = 6, ALGORITHM = 13, RDATA = ALGORITHM + 10 + WHOLE + TAIL };
    uint8_t *mac = wire + before - TAIL - WHOLE;
    uint8_t tail[TAIL];
    memcpy(tail, mac + WHOLE, TAIL);
    put_u16(wire + before - RDATA - 2, (uint16_t)(RDATA - WHOLE + size));
    put_u16(mac - 2, (uint16_t)size);
    if (size > WHOLE)
        memset(mac + WHOLE, 0, size - WHOLE);
    memcpy(mac + size, tail, TAIL);
    return before - WHOLE + size;
}

/* RFC 8945 5.2.2.1 and 5.2.4: sizes that may not be, and those that may and are not taken here. */
Test(tsig, macs_that_are_not_whole)
{
    static const struct {
        size_t size;
        enum tsig_verdict verdict;
        uint16_t error; /* of the answer's TSIG; 0: it has none */
    } rows[] = {
        {32, TSIG_GOOD, 0},       {33, TSIG_BAD_FORM, 0}, {31, TSIG_BAD_TRUNC, 22},
        {16, TSIG_BAD_TRUNC, 22}, {15, TSIG_BAD_FORM, 0}, {10, TSIG_BAD_FORM, 0},
        {9, TSIG_BAD_FORM, 0},    {0, TSIG_BAD_FORM, 0},
    };
    struct tsig_key *key = make("xfr", "hmac-sha256", SECRET);
    struct tsig_keys keys = {.keys = {key}, .count = 1};
    struct draft *m = draft_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsig_exchange client, server;
        struct bytes wire;
        uint8_t copy[512];
        size_t size = signed_question(key, m, &client, copy);
        struct packet *q = parse(bytes_make(copy, with_mac_of(copy, size, rows[i].size)));
        cr_assert_eq(tsig_check_question(q, &keys, &server), rows[i].verdict, "%zu bytes",
                     rows[i].size);
        draft_begin_answer(m, q, PACKET_UDP_SIZE, tsig_size(&server));
        cr_assert_eq(tsig_sign(&server, m, &wire), RSM_OK);
        struct packet *a = parse(wire);
        cr_assert_eq(packet_head(a)->has_tsig, rows[i].verdict != TSIG_BAD_FORM);
        if (rows[i].error != 0)
            cr_assert_eq(get_u16(wire.data + wire.size - 4), rows[i].error);
        cr_assert_eq(tsig_check_answer(&client, a), rows[i].verdict == TSIG_GOOD);
        packet_free(a);
        packet_free(q);
    }
    draft_free(m);
    tsig_key_free(key);
    cr_assert_eq(mem_live_count(), 0);
}

/* RFC 8945 4.2: class ANY, TTL 0, and nothing else. */
Test(tsig, records_that_are_none)
{
    static const struct {
        size_t offset; /* from behind the question: name of 5 bytes, type, class, TTL */
        uint8_t value;
    } rows[] = {{7, 1}, {8, 1}, {9, 1}, {12, 5}};
    struct tsig_key *key = make("xfr", "hmac-sha256", SECRET);
    struct tsig_keys keys = {.keys = {key}, .count = 1};
    struct draft *m = draft_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsig_exchange client, server;
        uint8_t copy[512];
        size_t size = signed_question(key, m, &client, copy);
        copy[PACKET_HEADER_SIZE + sizeof zone + 4 + rows[i].offset] = rows[i].value;
        struct packet *q = parse(bytes_make(copy, size));
        cr_assert(packet_head(q)->has_tsig);
        cr_assert_eq(tsig_check_question(q, &keys, &server), TSIG_BAD_FORM, "row %zu", i);
        packet_free(q);
    }
    draft_free(m);
    tsig_key_free(key);
}

/* Signs a question by hand, for key xfr with SECRET; how many bytes it has then. */
static size_t sign_at(uint8_t *wire, size_t size, uint64_t seconds, uint16_t fudge)
{
    static const uint8_t head[] = "\3xfr\0\0\372\0\377\0\0\0\0\0\75\13hmac-sha256";
    static const uint8_t covered_head[] = "\3xfr\0\0\377\0\0\0\0\13hmac-sha256";
    uint8_t variables[64] = {0};
    uint8_t secret[] = "secret of 32 bytes for the tests";
    size_t at = sizeof covered_head;
    dnssec_tsig_ctx_t *context;
    const dnssec_binary_t key = {.size = sizeof secret - 1, .data = secret};
    memcpy(variables, covered_head, sizeof covered_head);
    put_u16(variables + at, (uint16_t)(seconds >> 32));
    put_u32(variables + at + 2, (uint32_t)seconds);
    put_u16(variables + at + 6, fudge);
    const dnssec_binary_t message = {.size = size, .data = wire};
    const dnssec_binary_t rest = {.size = at + 12, .data = variables}; /* no error, no other data */
    cr_assert_eq(dnssec_tsig_new(&context, DNSSEC_TSIG_HMAC_SHA256, &key), 0);
    cr_assert_eq(dnssec_tsig_add(context, &message), 0);
    cr_assert_eq(dnssec_tsig_add(context, &rest), 0);
    memcpy(wire + size, head, sizeof head);
    memcpy(wire + size + sizeof head, variables + at, 8);
    size += sizeof head + 8;
    put_u16(wire + size, 32);
    cr_assert_eq(dnssec_tsig_write(context, wire + size + 2), 0);
    dnssec_tsig_free(context);
    memcpy(wire + size + 34, wire, 2); /* the id; no error, no other data */
    memset(wire + size + 36, 0, 4);
    put_u16(wire + 10, 1);
    return size + 40;
}

/* The client's fudge counts when it is less than ours: what is old would outlive our memory of it.
 */
Test(tsig, a_large_fudge_buys_no_time)
{
    static const struct {
        int32_t seconds;
        uint16_t fudge;
        enum tsig_verdict verdict;
    } rows[] = {
        {0, 300, TSIG_GOOD},         {-250, 300, TSIG_GOOD},
        {250, 300, TSIG_GOOD},       {-250, 200, TSIG_BAD_TIME},
        {250, 200, TSIG_BAD_TIME},   {-350, 300, TSIG_BAD_TIME},
        {-250, 65535, TSIG_GOOD},    {-350, 65535, TSIG_BAD_TIME},
        {350, 65535, TSIG_BAD_TIME}, {-65000, 65535, TSIG_BAD_TIME},
        {0, 65535, TSIG_GOOD},
    };
    struct tsig_key *key = make("xfr", "hmac-sha256", SECRET);
    struct tsig_keys keys = {.keys = {key}, .count = 1};
    struct draft *m = draft_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t copy[512];
        struct tsig_exchange x;
        draft_begin_question(m, 9, PACKET_QUERY, NAME(zone), RR_TYPE_SOA, PACKET_CLASS_IN, 0);
        struct bytes wire = draft_finish(m);
        memcpy(copy, wire.data, wire.size);
        uint64_t when = (uint64_t)(time(NULL) + rows[i].seconds);
        struct packet *q = parse(bytes_make(copy, sign_at(copy, wire.size, when, rows[i].fudge)));
        cr_assert_eq(tsig_check_question(q, &keys, &x), rows[i].verdict, "row %zu", i);
        draft_begin_answer(m, q, PACKET_UDP_SIZE, tsig_size(&x));
        cr_assert_eq(tsig_sign(&x, m, &wire), RSM_OK);
        struct packet *a = parse(wire);
        cr_assert(packet_head(a)->has_tsig, "and each answer is signed");
        packet_free(a);
        packet_free(q);
    }
    draft_free(m);
    tsig_key_free(key);
    cr_assert_eq(mem_live_count(), 0);
}
