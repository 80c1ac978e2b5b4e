/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_rules.c - rules about record sets: each applied and refused, with its evidence. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."

static struct world *w;
static struct actor *root;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("a.b.example.", 3, 1),
                                change_name("alias.example.", RR_TYPE_CNAME, "www.example.")};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 3)), "%s",
              world_words(w));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(rules, .init = set_up, .fini = tear_down);

static bool do_change(struct rsm_change change)
{
    return actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1));
}

static void expect_refused(struct rsm_change change, enum rsm_rule rule, const char *evidence)
{
    uint32_t serial = world_serial(w, ZONE);
    cr_assert(!do_change(change), "applied, but %s was expected", rsm_rule_id(rule));
    cr_assert(world_refused(w, rule), "not %s but: %s", rsm_rule_id(rule), world_words(w));
    cr_assert(strstr(world_evidence(w, rule), evidence) != NULL, "no '%s' in: %s", evidence,
              world_words(w));
    cr_assert_eq(world_serial(w, ZONE), serial);
}

/* A change of what is served raises the serial by one; a change of nothing is refused. */
Test(rules, serial_follows_content)
{
    cr_assert_eq(world_serial(w, ZONE), 10);
    cr_assert(do_change(change_a("www.example.", 7, 1)));
    cr_assert_eq(world_serial(w, ZONE), 11);
    cr_assert_eq(world_address(w, ZONE, "www.example.", QUERY_NOW), 7);
    expect_refused(change_a("www.example.", 7, 1), RSM_RULE_NO_CHANGE, "so already");
    cr_assert(do_change(change_soa(ZONE, 50)));
    cr_assert_eq(world_serial(w, ZONE), 50);
    expect_refused(change_soa(ZONE, 20), RSM_RULE_NO_CHANGE, "so already");
    expect_refused(change_soa(ZONE, 50u + 0x80000000u), RSM_RULE_SERIAL_RANGE, "2^31");
}

/* A zone that is made again begins above every serial it had, whatever it asks for. */
Test(rules, serial_floor_survives_deletion)
{
    struct rsm_buffer body;
    cr_assert(do_change(change_a("www.example.", 7, 1)));
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ZONE_DELETE, body));
    cr_assert_eq(world_serial(w, ZONE), 0);
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    cr_assert_eq(world_serial(w, ZONE), 12);
    cr_assert_eq(world_count(w, ZONE, "www.example.", RR_TYPE_A), 0);
}

Test(rules, what_is_wrong_with_one_change)
{
    struct rsm_bytes bad = {(const uint8_t *)"\1\2\3", 3};
    struct rsm_bytes twice[2] = {address(1), address(1)};
    struct rsm_change change = change_a("www.example.", 9, 1);
    expect_refused(change_a("www.other.", 1, 1), RSM_RULE_OUT_OF_ZONE, "www.other. A");
    expect_refused(change_a("gone.example.", 1, 0), RSM_RULE_RRSET_UNKNOWN, "gone.example. A");
    change.ttl = 700000;
    expect_refused(change, RSM_RULE_TTL_RANGE, "700000");
    change = change_a("www.example.", 9, 1);
    change.rdatas = &bad;
    expect_refused(change, RSM_RULE_RDATA_BAD, "record 1: 3 bytes");
    change.rdatas = twice;
    change.rdata_count = 2;
    expect_refused(change, RSM_RULE_RDATA_BAD, "twice");
    change = change_a("www.example.", 9, 1);
    change.type = 255;
    expect_refused(change, RSM_RULE_TYPE_FORBIDDEN, "www.example.");
    struct rsm_change both[] = {change_a("www.example.", 9, 1), change_a("www.example.", 8, 1)};
    cr_assert(!actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, both, 2)));
    cr_assert(world_refused(w, RSM_RULE_DUPLICATE_CHANGE));
}

Test(rules, what_dns_forbids_beside)
{
    expect_refused(change_name("www.example.", RR_TYPE_CNAME, "a.b.example."),
                   RSM_RULE_CNAME_BESIDE, "beside A");
    expect_refused(change_a("alias.example.", 1, 1), RSM_RULE_CNAME_BESIDE, "alias.example.");
    expect_refused(change_name("b.example.", RR_TYPE_DNAME, "other."), RSM_RULE_DNAME_BESIDE,
                   "a.b.example. A would be below");
    cr_assert(do_change(change_name("d.example.", RR_TYPE_DNAME, "other.")), "%s", world_words(w));
    expect_refused(change_a("x.y.d.example.", 1, 1), RSM_RULE_DNAME_BESIDE, "d.example. DNAME");
    expect_refused(change_soa("www.example.", 1), RSM_RULE_SOA_SINGLE, "apex");
    struct rsm_change gone = change_soa(ZONE, 1);
    gone.rdata_count = 0;
    gone.ttl = 0;
    expect_refused(gone, RSM_RULE_SOA_SINGLE, "cannot be deleted");
    gone = change_name(ZONE, RR_TYPE_NS, "x.");
    gone.rdata_count = 0;
    gone.ttl = 0;
    expect_refused(gone, RSM_RULE_APEX_NS, "no NS");
}

/* A CNAME takes the place of other data in one change set. */
Test(rules, a_change_set_is_judged_as_a_whole)
{
    struct rsm_change set[] = {change_a("www.example.", 0, 0),
                               change_name("www.example.", RR_TYPE_CNAME, "a.b.example.")};
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, set, 2)), "%s",
              world_words(w));
    cr_assert_eq(world_count(w, ZONE, "www.example.", RR_TYPE_CNAME), 1);
    cr_assert_eq(world_count(w, ZONE, "www.example.", RR_TYPE_A), 0);
}

/* One bad change of three: nothing of the set is there afterwards. */
Test(rules, whole_or_not_at_all)
{
    struct rsm_change set[] = {change_a("n1.example.", 1, 1), change_a("n2.other.", 2, 1),
                               change_a("n3.example.", 3, 1)};
    cr_assert(!actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, set, 3)));
    cr_assert_eq(world_count(w, ZONE, "n1.example.", RR_TYPE_A), 0);
    cr_assert_eq(world_count(w, ZONE, "n3.example.", RR_TYPE_A), 0);
}

/* All rules that fail are named, not the first. */
Test(rules, all_reasons_at_once)
{
    struct rsm_change set[] = {change_a("www.example.", 1, 1), change_a("n.other.", 1, 1),
                               change_a("gone.example.", 0, 0), change_a("alias.example.", 1, 1)};
    set[0].ttl = 700000;
    cr_assert(!actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, set, 4)));
    cr_assert(world_refused(w, RSM_RULE_TTL_RANGE), "%s", world_words(w));
    cr_assert(world_refused(w, RSM_RULE_OUT_OF_ZONE), "%s", world_words(w));
    cr_assert(world_refused(w, RSM_RULE_RRSET_UNKNOWN), "%s", world_words(w));
    cr_assert(world_refused(w, RSM_RULE_CNAME_BESIDE), "%s", world_words(w));
    cr_assert_eq(world_reason_count(w), 4);
}

/* ---- cycles ---- */

Test(rules, cycles_of_aliases)
{
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone("other.", 1, NULL, 0)));
    world_policy(w, "dangling_allowed", 1);
    expect_refused(change_name("self.example.", RR_TYPE_CNAME, "self.example."), RSM_RULE_CYCLE,
                   "self.example. -> self.example.");
    cr_assert(do_change(change_name("x.example.", RR_TYPE_CNAME, "y.other.")));
    struct rsm_change back = change_name("y.other.", RR_TYPE_CNAME, "x.example.");
    cr_assert(!actor_do(root, RSM_KIND_RRSET_CHANGE, body_change("other.", &back, 1)));
    cr_assert(world_refused(w, RSM_RULE_CYCLE), "%s", world_words(w));
    cr_assert_str_eq(world_evidence(w, RSM_RULE_CYCLE),
                     "aliases lead back: y.other. -> x.example. -> y.other.");
    expect_refused(change_name("*.w.example.", RR_TYPE_CNAME, "q.w.example."), RSM_RULE_CYCLE,
                   "q.w.example. -> q.w.example.");
    expect_refused(change_name("d.example.", RR_TYPE_DNAME, "e.d.example."), RSM_RULE_CYCLE,
                   "grow");
    cr_assert(do_change(change_name("p.t.example.", RR_TYPE_CNAME, "p.s.example.")));
    expect_refused(change_name("s.example.", RR_TYPE_DNAME, "t.example."), RSM_RULE_CYCLE,
                   "p.t.example. -> p.s.example. -> p.t.example.");
}

/* A chain of 100,000 names needs no deep stack, and closing it is found. */
Test(rules, a_long_chain)
{
    enum { HALF = 50000 };
    struct rsm_change *set = calloc(HALF, sizeof *set);
    uint8_t(*names)[32] = calloc(HALF + 1, sizeof *names);
    struct rsm_bytes *targets = calloc(HALF, sizeof *targets);
    world_policy(w, "dangling_allowed", 1);
    for (unsigned part = 0; part < 2; part++) {
        for (unsigned i = 0; i <= HALF; i++) {
            char label[16];
            (void)snprintf(label, sizeof label, "n%07u", part * HALF + i);
            names[i][0] = 8;
            memcpy(names[i] + 1, label, 8);
            memcpy(names[i] + 9, "\7example", 9);
        }
        for (unsigned i = 0; i < HALF; i++) {
            targets[i] = (struct rsm_bytes){names[i + 1], 18};
            set[i] = (struct rsm_change){.owner = {names[i], 18},
                                         .type = RR_TYPE_CNAME,
                                         .ttl = 60,
                                         .rdatas = &targets[i],
                                         .rdata_count = 1};
        }
        cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, set, HALF)), "%s",
                  world_words(w));
    }
    expect_refused(change_name("n0100000.example.", RR_TYPE_CNAME, "n0000000.example."),
                   RSM_RULE_CYCLE, "(99993 more)");
    free(set);
    free(names);
    free(targets);
}

/* The root is a zone like any other, and a chain finds its way from zone to zone. */
Test(rules, the_root_zone)
{
    struct rsm_change more[] = {change_name("org.", RR_TYPE_NS, "ns.example."),
                                change_name("to.org.", RR_TYPE_CNAME, "loop.example.")};
    struct rsm_change loop = change_name("loop.example.", RR_TYPE_CNAME, "to.org.");
    world_policy(w, "dangling_allowed", 1);
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(".", 1, more, 2)), "%s",
              world_words(w));
    cr_assert_eq(world_count(w, ".", "org.", RR_TYPE_NS), 1);
    expect_refused(loop, RSM_RULE_CYCLE, "loop.example. -> to.org. -> loop.example.");
    struct query_zones zones = {.slot = QUERY_NOW};
    cr_assert_eq(query_zone_next(w->kv, &zones), RSM_OK);
    cr_assert_eq(zones.zone.size, 1);
    cr_assert_eq(query_zone_next(w->kv, &zones), RSM_OK);
    cr_assert(bytes_equal(zones.zone, wire_bytes(ZONE)));
    cr_assert_eq(query_zone_next(w->kv, &zones), RSM_NOT_FOUND);
}

/* Names of control octets have long keys: the longest are refused, others are kept apart. */
Test(rules, octets_0_and_1)
{
    static uint8_t name[255];
    size_t used = 0;
    for (size_t label = 0; label < 3; label++) {
        name[used++] = 63;
        memset(name + used, (int)(label % 2), 63);
        used += 63;
    }
    memcpy(name + used, "\7example", 9);
    struct rsm_change change = change_a("x.example.", 1, 1);
    change.owner = (struct rsm_bytes){name, used + 9};
    expect_refused(change, RSM_RULE_QUOTA, "too many octets 0 and 1");
    cr_assert(do_change(change_a("\\000.example.", 5, 1)));
    cr_assert(do_change(change_a("\\001.example.", 6, 1)));
    cr_assert(do_change(change_a("\\000\\001.example.", 7, 1)));
    cr_assert_eq(world_address(w, ZONE, "\\000.example.", QUERY_NOW), 5);
    cr_assert_eq(world_address(w, ZONE, "\\001.example.", QUERY_NOW), 6);
    cr_assert_eq(world_address(w, ZONE, "\\000\\001.example.", QUERY_NOW), 7);
}
