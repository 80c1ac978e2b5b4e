/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_packet.c - any bytes as a DNS message, signed or not.
 *
 * 1. What parses has names that are names and records within their limits.
 * 2. Each question has an answer: within its limit, signed as the verdict asks, a message again.
 */
#include "src/base/check.h"
#include "src/base/limits.h"
#include "src/rr/name.h"
#include "src/rr/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct draft *draft;
static struct tsig_keys keys;

static void prepare(void)
{
    static const char secret[] = "c2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM=";
    struct tsig_key *key;
    const char *why;
    if (draft != NULL)
        return;
    draft = draft_new();
    CHECK(tsig_key_new("xfr", "hmac-sha256", secret, TSIG_TRANSFER, &key, &why) == RSM_OK);
    keys.keys[keys.count++] = key;
}

static void parse_again(struct bytes wire)
{
    struct packet *p;
    CHECK(packet_parse(wire, &p) == RSM_OK);
    CHECK(packet_head(p)->is_response);
    packet_free(p);
}

/* All records of the question come back, as many as there is room for. */
static void answer(const struct packet *q, size_t size)
{
    struct tsig_exchange x;
    struct packet_record record;
    struct bytes wire;
    bool has_room = true;
    enum tsig_verdict verdict = tsig_check_question(q, &keys, &x);
    CHECK((verdict == TSIG_NONE) == !packet_head(q)->has_tsig);
    draft_begin_answer(draft, q, packet_udp_limit(q), tsig_size(&x));
    for (int section = PACKET_ANSWER; section <= PACKET_AUTHORITY; section++) {
        for (uint32_t i = 0; packet_record(q, (enum packet_section)section, i, &record); i++) {
            CHECK(name_check(record.owner) && record.rdata.size <= LIMIT_RDATA_SIZE);
            has_room = has_room && draft_put(draft, (enum packet_section)section, record.owner,
                                             record.type, record.class, record.ttl, record.rdata);
        }
    }
    if (!has_room)
        draft_truncate(draft);
    draft_set_error(draft, RCODE_REFUSED, PACKET_EDE_OTHER, "words");
    CHECK(tsig_sign(&x, draft, &wire) == RSM_OK);
    CHECK(wire.size <= packet_udp_limit(q) || wire.size <= size + 23); /* an OPT of ours */
    parse_again(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packet *q;
    prepare();
    if (packet_parse(bytes_make(data, size), &q) != RSM_OK) {
        if (draft_begin_failure(draft, bytes_make(data, size), RCODE_FORMERR))
            parse_again(draft_finish(draft));
        return 0;
    }
    const struct packet_head *h = packet_head(q);
    CHECK(!h->has_question || name_check(h->name));
    answer(q, size);
    packet_free(q);
    return 0;
}
