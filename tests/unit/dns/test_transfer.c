/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_transfer.c - AXFR and IXFR: what a secondary has afterwards is what the zone was. */
#include "tests/unit/dns/fixture.h"

/* What the state says the zone is at a slot. */
static struct lines content_at(struct world *w, uint64_t slot)
{
    struct lines out = {NULL, 0};
    struct query_rrsets q = {.zone = wire_bytes(ZONE), .slot = slot};
    while (query_rrset_next(w->kv, &q) == RSM_OK) {
        struct bytes rdatas = q.item.record.rdatas;
        struct bytes rdata;
        while (rrset_rdata_next(&rdatas, &rdata)) {
            char line[2048];
            struct packet_record r = {.owner = q.item.owner,
                                      .type = q.item.type,
                                      .ttl = q.item.record.ttl,
                                      .rdata = rdata};
            say_record(&r, line, sizeof line);
            lines_add(&out, line);
        }
    }
    return out;
}

/* All messages of a transfer; `between` is called after each of them. */
static struct lines fetch(struct world *w, struct transfer *t, struct packet *q, size_t limit,
                          void (*between)(struct world *))
{
    struct lines out = {NULL, 0};
    struct draft *draft = draft_new();
    bool is_done = false;
    while (!is_done) {
        struct packet *answer;
        struct packet_record r;
        draft_begin_answer(draft, q, limit, 0);
        cr_assert_eq(transfer_fill(t, w->kv, draft, &is_done), RSM_OK);
        cr_assert_eq(packet_parse(draft_finish(draft), &answer), RSM_OK);
        for (uint32_t i = 0; packet_record(answer, PACKET_ANSWER, i, &r); i++) {
            char line[2048];
            say_record(&r, line, sizeof line);
            lines_add(&out, line);
        }
        packet_free(answer);
        if (between != NULL)
            between(w);
    }
    draft_free(draft);
    return out;
}

static bool is_soa(const char *line)
{
    return strncmp(line, ZONE " 300 SOA", 16) == 0;
}

/* As a secondary does it: between SOAs of the new serial are deletions and additions. */
static void apply_difference(struct lines *zone, const struct lines *ixfr)
{
    size_t i = 1;
    cr_assert(ixfr->count >= 4 && is_soa(ixfr->lines[0]));
    cr_assert_str_eq(ixfr->lines[0], ixfr->lines[ixfr->count - 1]);
    cr_assert(lines_remove(zone, ixfr->lines[i]), "the old SOA goes, as it was: %s",
              ixfr->lines[i]);
    for (i++; !is_soa(ixfr->lines[i]); i++)
        cr_assert(lines_remove(zone, ixfr->lines[i]), "it was not there: %s", ixfr->lines[i]);
    cr_assert_str_eq(ixfr->lines[i], ixfr->lines[0]);
    lines_add(zone, ixfr->lines[i]);
    for (i++; i + 1 < ixfr->count; i++) {
        cr_assert_not(is_soa(ixfr->lines[i]));
        cr_assert_not(lines_remove(zone, ixfr->lines[i]), "twice: %s", ixfr->lines[i]);
        lines_add(zone, ixfr->lines[i]);
    }
}

static void change_something(struct world *w, struct prng *p)
{
    static const char *const owners[] = {"a.example.", "b.example.", "c.b.example.", "d.example.",
                                         "e.example."};
    struct rsm_change changes[2];
    size_t count = 1 + prng_below(p, 2);
    size_t first = prng_below(p, 5);
    for (size_t i = 0; i < count; i++) {
        size_t rdatas = prng_below(p, 5); /* in an order that no compiler chooses */
        uint8_t least = (uint8_t)prng_range(p, 1, 200);
        changes[i] = change_a(owners[(first + i) % 5], least, rdatas);
    }
    (void)actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, changes, count));
}

enum { VERSIONS = 40 };

/* From any serial to any later one, through messages of any size, the difference fits. */
Test(transfer, a_difference_leads_from_each_serial_to_each_later_one)
{
    struct prng p;
    struct world *w = world_new();
    struct packet *q = question(ZONE, PACKET_TYPE_IXFR);
    uint64_t slots[VERSIONS + 1];
    uint32_t last = 0;
    prng_init(&p, 1);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    for (size_t i = 0; i < 3 * VERSIONS && last < VERSIONS; i++) {
        change_something(w, &p);
        last = world_serial(w, ZONE);
        slots[last] = w->slot;
    }
    cr_assert_eq(last, VERSIONS);
    for (uint32_t from = 2; from < VERSIONS; from++) {
        for (uint32_t to = from + 1; to <= VERSIONS; to += 3) {
            struct transfer *t;
            struct lines zone = content_at(w, slots[from]);
            struct lines wanted = content_at(w, slots[to]);
            cr_assert_eq(transfer_begin(w->kv, wire_bytes(ZONE), slots[to], &from, &t), RSM_OK);
            cr_assert_eq(transfer_serial(t), to);
            if (transfer_kind(t) == TRANSFER_DIFFERENCE) {
                struct lines ixfr = fetch(w, t, q, 512 + 97 * (from % 5), NULL);
                apply_difference(&zone, &ixfr);
                cr_assert(lines_equal(&zone, &wanted), "from %u to %u", from, to);
                lines_free(&ixfr);
            } else {
                cr_assert_eq(transfer_kind(t), TRANSFER_WHOLE, "more changed than there is");
            }
            transfer_free(t);
            lines_free(&zone);
            lines_free(&wanted);
        }
    }
    packet_free(q);
    world_free(w);
    cr_assert_eq(mem_live_count(), 0);
}

static struct prng meanwhile;

static void commit_more(struct world *w)
{
    change_something(w, &meanwhile);
    change_something(w, &meanwhile);
}

/* Commits while a transfer runs change nothing of it: its serial, its content, its SOAs. */
Test(transfer, all_of_it_is_of_one_serial)
{
    struct world *w = world_new();
    struct packet *q = question(ZONE, PACKET_TYPE_AXFR);
    struct transfer *t;
    prng_init(&meanwhile, 3);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    for (int i = 0; i < 30; i++)
        change_something(w, &meanwhile);
    struct lines wanted = content_at(w, w->slot);
    uint32_t serial = world_serial(w, ZONE);
    cr_assert_eq(transfer_begin(w->kv, wire_bytes(ZONE), w->slot, NULL, &t), RSM_OK);
    struct lines axfr = fetch(w, t, q, 512, commit_more);
    cr_assert(world_serial(w, ZONE) > serial + 1, "the zone went on");
    cr_assert_eq(transfer_serial(t), serial);
    cr_assert_str_eq(axfr.lines[0], axfr.lines[axfr.count - 1]);
    free(axfr.lines[--axfr.count]);
    cr_assert(lines_equal(&axfr, &wanted));
    cr_assert_eq(transfer_record_count(t), axfr.count + 1);
    transfer_free(t);
    lines_free(&axfr);
    lines_free(&wanted);
    packet_free(q);
    world_free(w);
    cr_assert_eq(mem_live_count(), 0);
}

Test(transfer, what_an_ixfr_gets)
{
    struct world *w = world_new();
    struct prng p;
    prng_init(&p, 5);
    struct rsm_change more[] = {change_a("x.example.", 1, 9), change_a("y.example.", 1, 9)};
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 100, more, 2)));
    struct rsm_change change = change_a("x.example.", 5, 9);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    static const struct {
        uint32_t serial;
        enum transfer_kind kind;
    } rows[] = {
        {101, TRANSFER_CURRENT},
        {102, TRANSFER_CURRENT}, /* newer than ours: RFC 1995 2 */
        {100, TRANSFER_DIFFERENCE},
        {99, TRANSFER_WHOLE}, /* never served */
        {0, TRANSFER_WHOLE},
        {101u + 0x7fffffffu, TRANSFER_CURRENT},
        {101u + 0x80000001u, TRANSFER_WHOLE}, /* RFC 1982: older */
    };
    struct transfer *t;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(transfer_begin(w->kv, wire_bytes(ZONE), w->slot, &rows[i].serial, &t), RSM_OK);
        cr_assert_eq(transfer_kind(t), rows[i].kind, "serial %u", rows[i].serial);
        transfer_free(t);
    }
    cr_assert_eq(transfer_begin(w->kv, wire_bytes("other."), w->slot, NULL, &t), RSM_NOT_FOUND);
    world_free(w);
    cr_assert_eq(mem_live_count(), 0);
}

/* Made again, the zone goes on above its serials; a serial of the former life gets all of it. */
Test(transfer, a_former_life_has_no_difference)
{
    struct world *w = world_new();
    struct transfer *t;
    struct actor *root = &w->actors[0];
    uint32_t serial = 7;
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 7, NULL, 0)));
    struct rsm_buffer name;
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &name), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ZONE_DELETE, name), "%s", world_words(w));
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)), "%s",
              world_words(w));
    cr_assert_eq(world_serial(w, ZONE), 8);
    cr_assert_eq(transfer_begin(w->kv, wire_bytes(ZONE), w->slot, &serial, &t), RSM_OK);
    cr_assert_eq(transfer_kind(t), TRANSFER_WHOLE);
    transfer_free(t);
    world_free(w);
}

/* A SOA that only raises the serial is a change, of nothing but the serial. */
Test(transfer, a_serial_alone)
{
    struct world *w = world_new();
    struct transfer *t;
    struct packet *q = question(ZONE, PACKET_TYPE_IXFR);
    uint32_t serial = 1;
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    struct rsm_change soa = change_soa(ZONE, 50);
    cr_assert(actor_do(&w->actors[0], RSM_KIND_RRSET_CHANGE, body_change(ZONE, &soa, 1)));
    struct query_changed_zones changed = {.after = w->slot - 1, .slot = w->slot};
    cr_assert_eq(query_changed_zone_next(w->kv, &changed), RSM_OK);
    cr_assert(bytes_equal(changed.zone, wire_bytes(ZONE)));
    cr_assert_eq(query_changed_zone_next(w->kv, &changed), RSM_NOT_FOUND);
    cr_assert_eq(transfer_begin(w->kv, wire_bytes(ZONE), w->slot, &serial, &t), RSM_OK);
    cr_assert_eq(transfer_kind(t), TRANSFER_DIFFERENCE);
    struct lines ixfr = fetch(w, t, q, 512, NULL);
    cr_assert_eq(ixfr.count, 4);
    lines_free(&ixfr);
    transfer_free(t);
    packet_free(q);
    world_free(w);
}
