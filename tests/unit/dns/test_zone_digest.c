/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_zone_digest.c - ZONEMD: the digest of a small zone, and digests in transfers. */
#include <rsm/setting.h>

#include "src/dns/zone_digest.h"
#include "tests/unit/dns/fixture.h"

/* As ldns-verify-zone has it. */
#define DIGEST                                                                                     \
    "ae40247aaa6a633d0b70fc0d3550828af6a403e68dcaa5f7c3ac105987f5c92c175100e5c1b4998a2dd34514e74c" \
    "ee2e"

/* In canonical order. */
static const struct {
    const char *owner;
    uint16_t type;
    const char *data;
} lines[] = {
    {"example.", RR_TYPE_NS, "ns1.example."},
    {"example.", RR_TYPE_NS, "ns2.example."},
    {"example.", RR_TYPE_SOA, "ns1.example. admin.example. 2018031900 1800 900 604800 86400"},
    {"ns1.example.", RR_TYPE_A, "203.0.113.63"},
    {"ns2.example.", RR_TYPE_AAAA, "2001:db8::63"},
};

#define RECORD_COUNT (sizeof lines / sizeof lines[0])

static struct rsm_bytes rdata_of(size_t i, struct writer *out)
{
    char error[128];
    size_t before = out->size;
    cr_assert_eq(
        rr_data_from_text(lines[i].type, lines[i].data, wire_bytes("."), out, error, sizeof error),
        RSM_OK, "%s", error);
    return rsm_bytes_make(out->data + before, out->size - before);
}

Test(zone_digest, of_a_small_zone)
{
    struct zonemd_hash *h = zonemd_hash_new();
    struct writer data;
    uint8_t rdata[ZONEMD_RDATA_SIZE];
    char hex[2 * ZONEMD_RDATA_SIZE + 1];
    writer_init(&data, 4096);
    for (size_t i = 0; i < RECORD_COUNT; i++) {
        struct rsm_bytes b = rdata_of(i, &data);
        cr_assert(zonemd_hash_add(h, wire_bytes(lines[i].owner), lines[i].type, 86400,
                                  bytes_make(b.data, b.size)));
    }
    cr_assert(zonemd_hash_end(h, 2018031900, rdata));
    hex_encode(hex, bytes_make(rdata, sizeof rdata));
    cr_assert_str_eq(hex, "7848b91c"
                          "01"
                          "01" DIGEST);
    zonemd_hash_free(h);
    zonemd_hash_free(zonemd_hash_new());
    writer_deinit(&data);
    cr_assert_eq(mem_live_count(), 0);
}

static void digest_of(struct world *w, uint64_t slot, uint32_t records,
                      uint8_t rdata[ZONEMD_RDATA_SIZE])
{
    struct zone_digest *d = zone_digest_begin(wire_bytes(ZONE), slot);
    bool is_done = false;
    while (!is_done)
        cr_assert_eq(zone_digest_step(d, w->kv, records, &is_done, rdata), RSM_OK);
    zone_digest_free(d);
}

static struct world *world_with_digests(void)
{
    struct world *w = world_new();
    struct rsm_zone_setting on = {RSM_SETTING_ZONEMD, 1};
    struct rsm_buffer body;
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    cr_assert_eq(rsm_body_zone_set(wire(ZONE), &on, 1, &body), RSM_OK);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_SET, body));
    return w;
}

Test(zone_digest, is_of_a_slot_however_it_is_walked)
{
    struct world *w = world_with_digests();
    uint8_t first[ZONEMD_RDATA_SIZE], again[ZONEMD_RDATA_SIZE];
    uint64_t slot = w->slot;
    digest_of(w, slot, 1000, first);
    cr_assert_eq(get_u32(first), 2, "setting it is a new serial");
    struct rsm_change change = change_a("www.example.", 1, 3);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    digest_of(w, slot, 1, again);
    cr_assert_arr_eq(first, again, ZONEMD_RDATA_SIZE);
    digest_of(w, w->slot, 1, again);
    cr_assert_eq(get_u32(again), 3);
    cr_assert_arr_neq(first + 6, again + 6, ZONEMD_RDATA_SIZE - 6);
    world_free(w);
}

/* The ZONEMD serials of a transfer from a serial on (0: whole), as text. */
static const char *digests_in(struct world *w, uint32_t serial)
{
    static char out[256];
    struct transfer *t;
    struct transfer_want want;
    struct draft *draft = draft_new();
    struct packet *q = question(ZONE, serial > 0 ? PACKET_TYPE_IXFR : PACKET_TYPE_AXFR), *a;
    struct packet_record r;
    bool is_done;
    size_t used = 0;
    cr_assert_eq(transfer_begin(w->kv, wire_bytes(ZONE), w->slot, serial > 0 ? &serial : NULL, &t),
                 RSM_OK);
    while (transfer_wants_digest(t, &want)) {
        uint8_t rdata[ZONEMD_RDATA_SIZE];
        digest_of(w, want.slot, 10, rdata);
        cr_assert_eq(get_u32(rdata), want.serial);
        transfer_give_digest(t, rdata);
    }
    draft_begin_answer(draft, q, PACKET_SIZE_MAX, 0);
    cr_assert_eq(transfer_fill(t, w->kv, draft, &is_done), RSM_OK);
    cr_assert(is_done);
    cr_assert_eq(packet_parse(draft_finish(draft), &a), RSM_OK);
    out[0] = '\0';
    for (uint32_t i = 0; packet_record(a, PACKET_ANSWER, i, &r); i++)
        if (r.type == RR_TYPE_ZONEMD)
            used += (size_t)snprintf(out + used, sizeof out - used, " %u", get_u32(r.rdata.data));
    packet_free(a);
    packet_free(q);
    draft_free(draft);
    transfer_free(t);
    return out;
}

Test(zone_digest, is_in_whole_transfers_and_differences)
{
    struct world *w = world_with_digests();
    struct rsm_change change = change_a("www.example.", 1, 3);
    struct rsm_zone_setting off = {RSM_SETTING_ZONEMD, 0};
    struct rsm_buffer body;
    cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert_str_eq(digests_in(w, 0), " 3");
    cr_assert_str_eq(digests_in(w, 2), " 2 3", "the old one goes, the new one comes");
    cr_assert_str_eq(digests_in(w, 1), " 3", "before there was none");
    cr_assert_str_eq(digests_in(w, 3), "", "nothing is newer");
    cr_assert_eq(rsm_body_zone_set(wire(ZONE), &off, 1, &body), RSM_OK);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_SET, body), "%s", world_words(w));
    cr_assert_str_eq(digests_in(w, 3), " 3", "it goes");
    cr_assert_str_eq(digests_in(w, 0), "");
    world_free(w);
}

Test(zone_digest, nobody_writes_one_beside_it)
{
    struct world *w = world_with_digests();
    uint8_t data[ZONEMD_RDATA_SIZE] = {0, 0, 0, 1, 1, 1};
    struct rsm_bytes rdata = rsm_bytes_make(data, sizeof data);
    struct rsm_change change = {wire("example."), RR_TYPE_ZONEMD, 60, &rdata, 1};
    cr_assert_not(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert(world_refused_only(w, RSM_RULE_TYPE_FORBIDDEN), "%s", world_words(w));
    struct rsm_zone_setting item = {RSM_SETTING_ZONEMD, 0};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_zone_set(wire(ZONE), &item, 1, &body), RSM_OK);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_SET, body));
    cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    item.value = 1;
    cr_assert_eq(rsm_body_zone_set(wire(ZONE), &item, 1, &body), RSM_OK);
    cr_assert_not(actor_do(&w->actors[0], RSM_KIND_ZONE_SET, body));
    cr_assert(world_refused_only(w, RSM_RULE_TYPE_FORBIDDEN), "%s", world_words(w));
    world_free(w);
}
