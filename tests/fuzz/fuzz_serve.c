/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_serve.c - any bytes as a question to a DNS server with a small zone: the first byte chooses
 * transport, policy and freshness, the rest is the message.
 *
 * 1. Each message of each answer parses, is an answer, and has the question's id.
 * 2. Over UDP there is one at most, no larger than the question allows.
 * 3. An answer ends.
 */
#include <string.h>

#include "src/base/check.h"
#include "src/dns/serve.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGES_MAX 16u /* the zone's records fit one */

static struct world *world;
static struct draft *draft;
static struct serve_policy policy;

static void prepare(void)
{
    static const char secret[] = "c2VjcmV0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM=";
    const char *why;
    if (world != NULL)
        return;
    world = world_new();
    world_policy(world, "dangling_allowed", 1);
    draft = draft_new();
    struct rsm_change more[] = {
        change_a("www.example.", 1, 2),
        change_name("alias.example.", RR_TYPE_CNAME, "www.example."),
        change_name("old.example.", RR_TYPE_DNAME, "longer.example."),
        change_a("*.wild.example.", 4, 1),
        change_name("sub.example.", RR_TYPE_NS, "ns.sub.example."),
        change_a("ns.sub.example.", 7, 1),
        change_a("a.b.c.example.", 8, 1),
        change_a("many.example.", 9, 60), /* more than an answer over UDP has room for */
    };
    struct actor *root = &world->actors[0];
    CHECK(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone("example.", 1, more, 8)));
    for (uint8_t i = 1; i < 4; i++) {
        struct rsm_change change = change_a("www.example.", (uint8_t)(10 * i), 2);
        CHECK(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change("example.", &change, 1)));
    }
    CHECK(tsig_key_new("xfr", "hmac-sha256", secret, TSIG_TRANSFER | TSIG_UPDATE,
                       &policy.keys.keys[0], &why) == RSM_OK);
    policy.keys.count = 1;
}

/*
 * The same question, signed: its head and authority section (an IXFR has a SOA there). Nobody finds
 * a signature by chance.
 */
static struct bytes sign(struct bytes question, uint8_t out[PACKET_SIZE_MAX])
{
    struct packet *p;
    struct packet_record record;
    struct tsig_exchange x;
    struct bytes wire = question;
    if (packet_parse(question, &p) != RSM_OK)
        return question;
    const struct packet_head *h = packet_head(p);
    if (h->has_question) {
        tsig_begin(policy.keys.keys[0], &x);
        draft_begin_question(draft, h->id, h->opcode, h->name, h->type, h->class, tsig_size(&x));
        for (uint32_t i = 0; packet_record(p, PACKET_AUTHORITY, i, &record); i++)
            (void)draft_put(draft, PACKET_AUTHORITY, record.owner, record.type, record.class,
                            record.ttl, record.rdata);
        CHECK(tsig_sign(&x, draft, &wire) == RSM_OK);
        memcpy(out, wire.data, wire.size);
        wire.data = out;
    }
    packet_free(p);
    return wire;
}

static void look_at(struct bytes question, struct bytes answer)
{
    struct packet *p;
    CHECK(packet_parse(answer, &p) == RSM_OK);
    CHECK(packet_head(p)->is_response && packet_head(p)->id == get_u16(question.data));
    packet_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t copy[PACKET_SIZE_MAX];
    struct bytes wire;
    bool is_broken;
    enum rsm_status status;
    uint32_t messages = 0;
    prepare();
    if (size < 1)
        return 0;
    struct bytes question = bytes_make(data + 1, size - 1);
    if ((data[0] & 16) != 0)
        question = sign(question, copy);
    enum serve_transport transport = (data[0] & 1) != 0 ? SERVE_UDP : SERVE_TCP;
    policy.allow_unsigned_queries = (data[0] & 2) != 0;
    policy.allow_unsigned_transfers = (data[0] & 4) != 0;
    struct serve *s = serve_begin(&policy, question, transport);
    if (s == NULL)
        return 0;
    if (serve_kind(s) == SERVE_UPDATE) {
        CHECK(serve_signature(s).size > 0 && serve_packet(s) != NULL);
        if (serve_answer(s, draft, RCODE_NOTIMP, PACKET_EDE_OTHER, "no", &wire))
            look_at(question, wire);
        serve_free(s);
        return 0;
    }
    serve_set_slot(s, world->slot, (data[0] & 8) == 0);
    while (serve_next(s, world->kv, draft, &wire, &is_broken, &status)) {
        CHECK(status == RSM_OK && ++messages <= MESSAGES_MAX);
        look_at(question, wire);
        CHECK(transport == SERVE_TCP || wire.size <= PACKET_EDNS_SIZE ||
              wire.size <= question.size + 23);
    }
    CHECK(!is_broken && status == RSM_OK);
    struct serve_summary summary;
    serve_get_summary(s, &summary);
    CHECK(summary.message_count == messages);
    CHECK(transport == SERVE_TCP || messages <= 1);
    serve_free(s);
    return 0;
}
