/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_state.c - history at any slot, determinism, atomicity of faults, keys of tables. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "src/base/prng.h"
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."

/* Every version of a set can be read back at its slot, by time, and in the set's history. */
Test(state, history_at_slots)
{
    enum { VERSIONS = 20 };
    struct world *w = world_new();
    struct actor *root = &w->actors[0];
    uint64_t slots[VERSIONS], created;
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    created = w->slot;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct rsm_change change = change_a("www.example.", (uint8_t)(i + 1), i % 5 == 4 ? 0 : 1);
        w->now_ms += 10;
        cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)), "%s",
                  world_words(w));
        slots[i] = w->slot;
    }
    for (size_t i = 0; i < VERSIONS; i++) {
        uint64_t slot;
        struct query_rrset soa;
        cr_assert_eq(world_address(w, ZONE, "www.example.", slots[i]), i % 5 == 4 ? 0 : i + 1);
        cr_assert_eq(log_slot_at(w->kv, WORLD_START_MS + 10 * (i + 1) + 5, &slot), RSM_OK);
        cr_assert_eq(slot, slots[i]);
        cr_assert_eq(
            query_rrset(w->kv, wire_bytes(ZONE), wire_bytes(ZONE), RR_TYPE_SOA, slots[i], &soa),
            RSM_OK);
        cr_assert_eq(
            rr_soa_serial(bytes_make(soa.record.rdatas.data + 2, soa.record.rdatas.size - 2)),
            i + 2);
        cr_assert_eq(soa.slot, slots[i]);
    }
    struct query_history h = {
        .zone = wire_bytes(ZONE), .owner = wire_bytes("www.example."), .type = RR_TYPE_A};
    for (size_t i = VERSIONS; i > 0; i--) {
        cr_assert_eq(query_history_next(w->kv, &h), RSM_OK);
        cr_assert_eq(h.slot, slots[i - 1]);
        cr_assert_eq(h.record.deleted, i % 5 == 0);
    }
    cr_assert_eq(query_history_next(w->kv, &h), RSM_NOT_FOUND);
    cr_assert_eq(world_address(w, ZONE, "www.example.", created), 0);
    world_free(w);
}

static size_t count_sets(struct world *w, uint64_t slot, const char *owner)
{
    struct query_rrsets *q = calloc(1, sizeof *q);
    size_t count = 0;
    q->zone = wire_bytes(ZONE);
    q->slot = slot;
    if (owner != NULL)
        q->only_owner = wire_bytes(owner);
    while (query_rrset_next(w->kv, q) == RSM_OK)
        count++;
    free(q);
    return count;
}

/* Lists at a slot, over the deletion of a zone and its next life; history goes over lives. */
Test(state, lists_over_lives)
{
    struct world *w = world_new();
    struct actor *root = &w->actors[0];
    struct rsm_change more[] = {change_a("b.example.", 1, 1), change_a("a.example.", 2, 1),
                                change_a("x.a.example.", 3, 1)};
    struct rsm_change other = change_a("a.example.", 9, 1);
    struct rsm_buffer body;
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, more, 3)));
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ZONE_DELETE, body));
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, &other, 1)));
    cr_assert_eq(count_sets(w, 1, NULL), 5);
    cr_assert_eq(count_sets(w, 2, NULL), 0);
    cr_assert_eq(count_sets(w, 3, NULL), 3);
    cr_assert_eq(count_sets(w, QUERY_NOW, NULL), 3);
    cr_assert_eq(count_sets(w, 1, "a.example."), 1);
    cr_assert_eq(count_sets(w, QUERY_NOW, ZONE), 2);
    struct query_history h = {
        .zone = wire_bytes(ZONE), .owner = wire_bytes("a.example."), .type = RR_TYPE_A};
    cr_assert_eq(query_history_next(w->kv, &h), RSM_OK);
    cr_assert_eq(h.slot, 3);
    cr_assert_eq(query_history_next(w->kv, &h), RSM_OK);
    cr_assert_eq(h.slot, 1);
    cr_assert_eq(query_history_next(w->kv, &h), RSM_NOT_FOUND);
    struct query_zones zones = {.slot = 2};
    cr_assert_eq(query_zone_next(w->kv, &zones), RSM_NOT_FOUND);
    zones = (struct query_zones){.slot = 1};
    cr_assert_eq(query_zone_next(w->kv, &zones), RSM_OK);
    cr_assert_eq(query_zone_next(w->kv, &zones), RSM_NOT_FOUND);
    world_free(w);
}

/* Pages of a list, from each place in it, make up the list; owners come in canonical order. */
Test(state, pages)
{
    struct world *w = world_new();
    struct rsm_change more[] = {change_a("a.example.", 2, 1), change_a("z.a.example.", 3, 1),
                                change_a("aa.example.", 1, 1), change_a("\\000.example.", 4, 1)};
    static const char *const order[] = {"example.",   "example.",     "\\000.example.",
                                        "a.example.", "z.a.example.", "aa.example."};
    cr_assert(actor_do(&w->actors[0], RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, more, 4)));
    for (int pass = 0; pass < 2; pass++) {
        uint64_t slot = pass == 0 ? QUERY_NOW : 1;
        struct query_rrsets *q = calloc(2, sizeof *q);
        struct query_rrsets *page = q + 1;
        q->zone = page->zone = wire_bytes(ZONE);
        q->slot = page->slot = slot;
        for (size_t i = 0; i < 6; i++) {
            cr_assert_eq(query_rrset_next(w->kv, q), RSM_OK);
            cr_assert(bytes_equal(q->item.owner, wire_bytes(order[i])), "place %zu", i);
            cr_assert_eq(query_rrset_next(w->kv, page), RSM_OK);
            cr_assert(bytes_equal(page->item.owner, q->item.owner));
            cr_assert_eq(page->item.type, q->item.type);
            struct bytes owner = wire_bytes(order[i]);
            uint16_t type = page->item.type;
            *page = (struct query_rrsets){.zone = wire_bytes(ZONE), .slot = slot};
            query_rrset_after(w->kv, page, owner, type);
        }
        cr_assert_eq(query_rrset_next(w->kv, q), RSM_NOT_FOUND);
        cr_assert_eq(query_rrset_next(w->kv, page), RSM_NOT_FOUND);
        free(q);
    }
    world_free(w);
}

/* ---- determinism ---- */

/* Some thousand random commands, good and bad ones. */
static void wander(struct world *w, uint64_t seed, size_t count)
{
    static const char *const owners[] = {"a.example.", "b.example.", "c.a.example.", "d.example."};
    struct prng prng;
    prng_init(&prng, seed);
    struct actor *root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    world_policy(w, "dangling_allowed", 1);
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    for (size_t i = 0; i < count; i++) {
        struct actor *a = prng_below(&prng, 2) == 0 ? root : bob;
        const char *owner = owners[prng_below(&prng, 4)];
        struct rsm_change set[2] = {
            change_a(owner, (uint8_t)prng_below(&prng, 200), prng_below(&prng, 3)),
            change_name(owners[prng_below(&prng, 4)], RR_TYPE_CNAME, owner)};
        if (prng_below(&prng, 2) == 0)
            actor_see_all(a);
        w->now_ms += prng_below(&prng, 3);
        (void)actor_do(a, RSM_KIND_RRSET_CHANGE,
                       body_change(ZONE, set, prng_below(&prng, 3) == 0 ? 2 : 1));
    }
}

/* The same log over a map and over overlays, judged first or not: same verdicts, effects, state. */
Test(state, the_same_log_twice)
{
    struct world *w = world_new();
    wander(w, 11, 2000);
    struct world *again = world_empty_copy(w);
    struct kv *applied = kv_overlay_new(again->kv);
    struct verdicts verdicts;
    verdicts_init(&verdicts);
    struct machine_signatures signatures = {.verified = true};
    uint64_t applied_count = 0, refused_count = 0;
    for (uint64_t i = 0; i < w->slot; i++) {
        struct kv *speculation = kv_overlay_new(applied);
        enum machine_judgement judgement;
        struct bytes value = blob_bytes(w->log[i]);
        cr_assert_eq(machine_judge(again->machine, speculation, i + 1, value, &signatures,
                                   &verdicts, &judgement),
                     RSM_OK);
        uint32_t judged_applied = verdicts.applied_count;
        cr_assert_eq(machine_apply(again->machine, applied, i + 1, value, &signatures, &verdicts),
                     RSM_OK);
        cr_assert_eq(verdicts.applied_count, judged_applied);
        applied_count += verdicts.applied_count;
        refused_count += verdicts.refused_count;
        kv_free(speculation);
        if (i % 100 == 99)
            cr_assert_eq(kv_overlay_merge(applied, again->kv), RSM_OK);
    }
    cr_assert_gt(applied_count, 300);
    cr_assert_gt(refused_count, 300);
    cr_assert_eq(memcmp(verdicts.effects, w->last.effects, HASH_SIZE), 0);
    cr_assert_eq(kv_overlay_merge(applied, again->kv), RSM_OK);
    uint8_t one[HASH_SIZE], two[HASH_SIZE];
    world_hash(w->kv, one);
    world_hash(again->kv, two);
    cr_assert_eq(memcmp(one, two, HASH_SIZE), 0);
    verdicts_deinit(&verdicts);
    kv_free(applied);
    world_free(again);
    world_free(w);
}

/* What judging a slot wrote, written again into an equal state, is what applying it writes. */
Test(state, kept_writes_are_what_applying_writes)
{
    struct world *w = world_new();
    wander(w, 12, 1000);
    struct world *again = world_empty_copy(w);
    struct writer writes;
    struct verdicts verdicts;
    struct machine_signatures signatures = {.verified = true};
    uint64_t replayed = 0;
    uint8_t one[HASH_SIZE], two[HASH_SIZE];
    writer_init(&writes, 1u << 20);
    verdicts_init(&verdicts);
    machine_keep_writes(again->machine, &writes);
    for (uint64_t i = 0; i < w->slot; i++) {
        struct kv *beside = kv_overlay_new(again->kv);
        struct bytes value = blob_bytes(w->log[i]);
        enum machine_judgement judgement;
        cr_assert_eq(
            machine_judge(again->machine, beside, i + 1, value, &signatures, &verdicts, &judgement),
            RSM_OK);
        kv_free(beside);
        if (judgement == MACHINE_ACCEPT) {
            cr_assert(!writes.failed && writes.size > 0);
            cr_assert_eq(machine_replay(again->kv, i + 1, writer_result(&writes)), RSM_OK);
            replayed++;
        } else {
            cr_assert_eq(
                machine_apply(again->machine, again->kv, i + 1, value, &signatures, &verdicts),
                RSM_OK);
        }
    }
    cr_assert_gt(replayed, 150);
    world_hash(w->kv, one);
    world_hash(again->kv, two);
    cr_assert_eq(memcmp(one, two, HASH_SIZE), 0);
    writer_drop_front(&writes, 1);
    cr_assert_eq(machine_replay(again->kv, w->slot + 1, writer_result(&writes)), RSM_DAMAGED);
    machine_keep_writes(again->machine, NULL);
    verdicts_deinit(&verdicts);
    writer_deinit(&writes);
    world_free(again);
    world_free(w);
}

/* A zone's counts are those of its record sets, whatever was done. */
Test(state, counts_are_true)
{
    struct world *w = world_new();
    wander(w, 5, 1500);
    struct query_rrsets *q = calloc(1, sizeof *q);
    uint64_t sets = 0, records = 0, aliases = 0;
    q->zone = wire_bytes(ZONE);
    q->slot = QUERY_NOW;
    while (query_rrset_next(w->kv, q) == RSM_OK) {
        sets++;
        records += q->item.record.rdata_count;
        aliases += q->item.type == RR_TYPE_CNAME ? 1 : 0;
    }
    free(q);
    struct zone_record row;
    cr_assert_eq(query_zone(w->kv, wire_bytes(ZONE), QUERY_NOW, &row), RSM_OK);
    cr_assert_eq(row.rrset_count, sets);
    cr_assert_eq(row.record_count, records);
    cr_assert_eq(row.alias_count, aliases);
    world_free(w);
}

/* Values of tables and entries that are cut or altered are refused, and never read past. */
Test(state, damaged_rows)
{
    struct world *w = world_new();
    wander(w, 3, 50);
    struct bytes key, value;
    struct zone_record zone;
    cr_assert_eq(kv_next(w->kv, TABLE_ZONE, (struct bytes){NULL, 0}, false, &key, &value), RSM_OK);
    for (size_t size = 0; size < value.size; size++) {
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, value.data, size);
        cr_assert_eq(zone_decode(bytes_make(cut, size), &zone), RSM_DAMAGED);
        free(cut);
    }
    cr_assert_eq(kv_put(w->kv, TABLE_ZONE, key, bytes_make("x", 1)), RSM_OK);
    struct rsm_change change = change_a("a.example.", 1, 1);
    struct rsm_buffer body = body_change(ZONE, &change, 1);
    struct blob *envelope = actor_envelope(&w->actors[0], RSM_KIND_RRSET_CHANGE, &body);
    struct writer entry;
    writer_init(&entry, LIMIT_VALUE_SIZE);
    entry_encode(&entry, ENTRY_COMMANDS, w->now_ms, blob_bytes(envelope));
    struct machine_signatures signatures = {.verified = true};
    cr_assert_eq(
        machine_apply(w->machine, w->kv, w->slot + 1, writer_result(&entry), &signatures, &w->last),
        RSM_DAMAGED);
    writer_deinit(&entry);
    blob_unref(envelope);
    world_free(w);
}
