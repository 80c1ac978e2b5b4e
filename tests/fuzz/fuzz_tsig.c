/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_tsig.c - signed questions and their answers with bits turned over, and any text as a secret.
 *
 *     data[0]     bit 0: which key; bits 1, 2: how many answers less one; bit 3: which is touched
 *     data[1, 2]  the bit of the question that is turned over
 *     data[3, 4]  the bit of that answer; data[4] 255: its signature is left away instead
 *     rest        a text for a secret, and a message for an answer
 *
 * 1. What was signed is good; with one bit of it another it is not, but for the id, which a
 *    signature does not cover (RFC 8945 5.2), and the case of names in the record of the signature.
 * 2. A stream of answers is good up to the one that was touched, and none behind it.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/rr/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_SIZE 5u
#define QUESTION_END (12u + 9u + 4u) /* behind the question about example. */

static const uint8_t zone[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
static struct draft *draft;
static struct tsig_keys keys;

static void prepare(void)
{
    static const char secret[] = "c2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM=";
    const char *why;
    if (draft != NULL)
        return;
    draft = draft_new();
    CHECK(tsig_key_new("a", "hmac-sha256", secret, TSIG_TRANSFER, &keys.keys[0], &why) == RSM_OK);
    CHECK(tsig_key_new("b", "hmac-sha512", secret, TSIG_TRANSFER, &keys.keys[1], &why) == RSM_OK);
    keys.count = 2;
}

/*
 * The message with a bit of its first `end` bytes turned over that its signature covers; false: the
 * bit is none such.
 */
static bool turn(struct bytes wire, size_t end, const uint8_t place[2],
                 uint8_t out[PACKET_SIZE_MAX])
{
    size_t bit = get_u16(place) % (8 * end);
    memcpy(out, wire.data, wire.size);
    out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return bit / 8 >= 2 && !(bit / 8 >= QUESTION_END && bit % 8 == 5);
}

static void take_secret(struct bytes rest)
{
    struct tsig_key *key = NULL;
    const char *why = NULL;
    char *text = mem_copy_text((const char *)rest.data, rest.size);
    if (tsig_key_new("name", "hmac-sha256", text, TSIG_UPDATE, &key, &why) == RSM_OK)
        CHECK(tsig_key_purposes(key) == TSIG_UPDATE && tsig_key_name(key).size == 6);
    else
        CHECK(why != NULL);
    tsig_key_free(key);
    CHECK(tsig_key_new("name", "hmac-md5", text, 0, &key, &why) != RSM_OK);
    (void)tsig_key_new(text, "hmac-sha512", "c2VjcmV0IG9mIDMyIGJ5dGVz", 0, &key, &why);
    tsig_key_free(key);
    mem_free(text);
}

/* What a question's verdict asks for: a refusal that can be sent, signed or not. */
static void refuse(const struct packet *question)
{
    struct tsig_exchange x;
    struct packet *answer;
    struct bytes wire;
    CHECK(tsig_check_question(question, &keys, &x) != TSIG_GOOD);
    draft_begin_answer(draft, question, PACKET_SIZE_MAX, tsig_size(&x));
    CHECK(tsig_sign(&x, draft, &wire) == RSM_OK);
    CHECK(packet_parse(wire, &answer) == RSM_OK);
    CHECK(!packet_head(answer)->has_tsig || packet_head(question)->has_tsig);
    packet_free(answer);
}

/* Nobody but us has the key: a message from outside is no answer, unless nothing is signed. */
static void take_foreign(const struct tsig_exchange *x, struct bytes rest)
{
    const struct tsig_exchange unsigned_one = {.key = NULL};
    struct tsig_stream stream;
    struct packet *p;
    if (packet_parse(rest, &p) != RSM_OK)
        return;
    CHECK(!tsig_check_answer(x, p));
    CHECK(tsig_check_answer(&unsigned_one, p) == !packet_head(p)->has_tsig);
    tsig_stream_init(&stream, &unsigned_one);
    CHECK(tsig_stream_check(&stream, p) == !packet_head(p)->has_tsig);
    CHECK(tsig_stream_is_closed(&stream));
    tsig_stream_deinit(&stream);
    refuse(p);
    packet_free(p);
}

static void turn_question(struct bytes wire, const uint8_t place[2])
{
    uint8_t other[PACKET_SIZE_MAX];
    struct tsig_exchange x;
    struct packet *p;
    if (!turn(wire, wire.size, place, other) ||
        packet_parse(bytes_make(other, wire.size), &p) != RSM_OK)
        return;
    CHECK(tsig_check_question(p, &keys, &x) != TSIG_GOOD);
    packet_free(p);
}

/* True: as it was signed. */
static bool write_answer(struct tsig_exchange *server, const struct packet *question,
                         const uint8_t *place, struct packet **answer_out)
{
    uint8_t other[PACKET_SIZE_MAX];
    struct bytes wire;
    *answer_out = NULL;
    draft_begin_answer(draft, question, PACKET_SIZE_MAX, tsig_size(server));
    draft_set_authoritative(draft);
    CHECK(draft_size(draft) == QUESTION_END);
    if (place != NULL && place[1] == 255) {
        CHECK(packet_parse(draft_finish(draft), answer_out) == RSM_OK);
        return false;
    }
    CHECK(tsig_sign(server, draft, &wire) == RSM_OK);
    /* Behind the first, the signature's own record is not covered but for its times (RFC
     * 8945 5.3.1). */
    size_t end = server->message_count == 1 ? wire.size : QUESTION_END;
    bool is_turned = place != NULL && turn(wire, end, place, other);
    if (is_turned)
        wire.data = other;
    CHECK(packet_parse(wire, answer_out) == RSM_OK || is_turned);
    return !is_turned;
}

static void exchange(const uint8_t *head, const struct packet *question,
                     const struct tsig_exchange *client)
{
    struct tsig_exchange server;
    struct tsig_stream stream;
    struct packet *answer = NULL;
    uint32_t count = 1u + (head[0] >> 1 & 3u), touched = (head[0] & 8u) != 0 ? 0 : count - 1;
    bool was_good = true;
    CHECK(tsig_check_question(question, &keys, &server) == TSIG_GOOD);
    tsig_stream_init(&stream, client);
    for (uint32_t i = 0; i < count && was_good; i++) {
        bool is_as_signed =
            write_answer(&server, question, i == touched ? head + 3 : NULL, &answer);
        /* An unsigned one behind the first is good until the next signature does not cover it. */
        bool is_open = !is_as_signed && head[4] == 255 && i > 0;
        was_good = answer != NULL && tsig_stream_check(&stream, answer);
        CHECK(was_good == (is_as_signed || is_open));
        CHECK(tsig_stream_is_closed(&stream) == is_as_signed || !was_good);
        packet_free(answer);
    }
    tsig_stream_deinit(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t copy[PACKET_SIZE_MAX];
    struct tsig_exchange client;
    struct bytes wire;
    struct packet *question;
    prepare();
    if (size < HEAD_SIZE)
        return 0;
    struct bytes rest = bytes_make(data + HEAD_SIZE, size - HEAD_SIZE);
    tsig_begin(keys.keys[data[0] & 1], &client);
    draft_begin_question(draft, 4711, PACKET_QUERY, bytes_make(zone, sizeof zone), 252,
                         PACKET_CLASS_IN, tsig_size(&client));
    CHECK(tsig_sign(&client, draft, &wire) == RSM_OK);
    memcpy(copy, wire.data, wire.size);
    wire.data = copy;
    CHECK(packet_parse(wire, &question) == RSM_OK);
    turn_question(wire, data + 1);
    exchange(data, question, &client);
    packet_free(question);
    take_secret(rest);
    take_foreign(&client, rest);
    return 0;
}
