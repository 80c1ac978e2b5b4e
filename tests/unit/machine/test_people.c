/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_people.c - rights, principals, roles, policy, freezes, leases. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/command/pack.h"
#include "src/machine/policy.h"
#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."

static struct world *w;
static struct actor *root, *bob;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("mail.example.", 3, 1)};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 2)));
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    actor_see_all(bob);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(people, .init = set_up, .fini = tear_down);

static bool write_address(struct actor *a, const char *owner, uint8_t n)
{
    struct rsm_change change = change_a(owner, n, 1);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1));
}

/* ---- rights ---- */

Test(people, default_deny)
{
    struct actor *eve = world_principal(w, "eve", RSM_PRINCIPAL_PERSON, "reader");
    actor_see_all(eve);
    cr_assert(!write_address(eve, "www.example.", 5));
    EXPECT(RSM_RULE_RIGHTS, "no role of eve grants rrset.change on rrset www.example. A");
    struct actor *ghost = world_actor(w, "ghost");
    actor_see_all(ghost);
    cr_assert(!write_address(ghost, "www.example.", 5));
    EXPECT(RSM_RULE_KEY_INVALID, "there is no principal ghost");
    bob->key[0] ^= 1;
    cr_assert(!write_address(bob, "www.example.", 5));
    EXPECT(RSM_RULE_KEY_INVALID, "is not one of bob");
}

/* A grant for a zone, a suffix and types lets in these, and nothing else. */
Test(people, narrow_grants)
{
    uint16_t type = RR_TYPE_A;
    struct rsm_grant grant = {.verb = text_bytes("rrset.change"),
                              .zone = wire(ZONE),
                              .suffix = wire("dyn.example."),
                              .types = &type,
                              .type_count = 1};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_role_set(text_bytes("dyn"), &grant, 1, &body), RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ROLE_SET, body));
    struct actor *dyn = world_principal(w, "dyn", RSM_PRINCIPAL_AUTOMATON, "dyn");
    actor_see_all(dyn);
    cr_assert(write_address(dyn, "h1.dyn.example.", 5), "%s", world_words(w));
    cr_assert(!write_address(dyn, "www.example.", 5));
    EXPECT(RSM_RULE_RIGHTS, "www.example. A");
    struct rsm_change alias = change_name("h2.dyn.example.", RR_TYPE_CNAME, "www.example.");
    cr_assert(!actor_do(dyn, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &alias, 1)));
    EXPECT(RSM_RULE_RIGHTS, "CNAME");
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(!actor_do(dyn, RSM_KIND_ZONE_DELETE, body));
    EXPECT(RSM_RULE_RIGHTS, "zone.delete");
}

/* An automaton's grants name their zone, when it gets them and when it uses them. */
Test(people, automata_have_a_scope)
{
    struct actor *bot = world_actor(w, "bot");
    struct rsm_bytes key = {bot->key, sizeof bot->key};
    struct rsm_bytes role = text_bytes("operator");
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_principal_set(text_bytes("bot"), RSM_PRINCIPAL_AUTOMATON,
                                        text_bytes("team"), rsm_text(""), &key, 1, &role, 1, NULL,
                                        &body),
                 RSM_OK);
    actor_see_all(root);
    cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_SET, body));
    EXPECT(RSM_RULE_AUTOMATON_SCOPE, "role operator has a grant that names no zone");
    world_role(w, "r", "rrset.*", ZONE);
    struct actor *good = world_principal(w, "good", RSM_PRINCIPAL_AUTOMATON, "r");
    world_role(w, "r", "*", NULL);
    actor_see_all(good);
    cr_assert(!write_address(good, "www.example.", 5));
    EXPECT(RSM_RULE_AUTOMATON_SCOPE, "not by a grant that names the zone");
}

Test(people, an_administrator_remains)
{
    struct rsm_bytes key = {root->key, sizeof root->key};
    struct rsm_bytes role = text_bytes("operator");
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert_eq(rsm_body_principal_delete(text_bytes("root"), &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_DELETE, body));
    EXPECT(RSM_RULE_LAST_ADMINISTRATOR, "no person with the role admin");
    cr_assert_eq(rsm_body_principal_set(text_bytes("root"), RSM_PRINCIPAL_PERSON,
                                        text_bytes("Root"), rsm_text(""), &key, 1, &role, 1, NULL,
                                        &body),
                 RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_SET, body));
    EXPECT(RSM_RULE_LAST_ADMINISTRATOR, "no person");
    cr_assert_eq(rsm_body_role_delete(text_bytes("admin"), &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_ROLE_DELETE, body));
    EXPECT(RSM_RULE_LAST_ADMINISTRATOR, "stays as it is");
    (void)world_principal(w, "second", RSM_PRINCIPAL_PERSON, "admin");
    cr_assert_eq(rsm_body_principal_delete(text_bytes("root"), &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_DELETE, body), "%s", world_words(w));
}

Test(people, unknown_things)
{
    struct rsm_bytes role = text_bytes("none");
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert_eq(rsm_body_principal_set(text_bytes("x"), RSM_PRINCIPAL_PERSON, text_bytes("X"),
                                        rsm_text(""), NULL, 0, &role, 1, NULL, &body),
                 RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_SET, body));
    EXPECT(RSM_RULE_ROLE_UNKNOWN, "no role none");
    cr_assert_eq(rsm_body_principal_delete(text_bytes("x"), &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_DELETE, body));
    EXPECT(RSM_RULE_PRINCIPAL_UNKNOWN, "no principal x");
    cr_assert_eq(rsm_body_role_delete(text_bytes("x"), &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_ROLE_DELETE, body));
    EXPECT(RSM_RULE_ROLE_UNKNOWN, "no role x");
    cr_assert_eq(rsm_body_freeze_clear(text_bytes("x"), &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_FREEZE_CLEAR, body));
    EXPECT(RSM_RULE_FREEZE_UNKNOWN, "no freeze x");
    cr_assert_eq(rsm_body_zone_delete(wire("no."), &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_ZONE_DELETE, body));
    EXPECT(RSM_RULE_ZONE_UNKNOWN, "no zone no.");
    cr_assert(!actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    EXPECT(RSM_RULE_ZONE_EXISTS, "since slot 1");
}

/* ---- policy ---- */

static bool set_policy(const char *name, uint64_t value)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 1024);
    pack_map(&map, 1);
    pack_text(&map, name);
    pack_uint(&map, value);
    struct rsm_bytes bytes = {map.data, map.size};
    cr_assert_eq(rsm_body_policy_set(bytes, &body), RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_POLICY_SET, body);
}

static bool protect(const char *owner, uint32_t floor)
{
    struct writer map;
    struct rsm_buffer body;
    struct bytes zone = wire_bytes(ZONE), name = wire_bytes(owner);
    writer_init(&map, 4096);
    pack_map(&map, 1);
    pack_text(&map, "protected");
    pack_array(&map, 1);
    pack_array(&map, 4);
    pack_bin(&map, zone);
    pack_bin(&map, name);
    pack_uint(&map, RR_TYPE_A);
    pack_uint(&map, floor);
    struct rsm_bytes bytes = {map.data, map.size};
    cr_assert_eq(rsm_body_policy_set(bytes, &body), RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_POLICY_SET, body);
}

Test(people, policy_is_bounded)
{
    cr_assert(!set_policy("ttl_max", 10));
    EXPECT(RSM_RULE_POLICY_BAD, "ttl_max is 10, but must be 60 to");
    cr_assert(!set_policy("no_such_thing", 10));
    EXPECT(RSM_RULE_POLICY_BAD, "no_such_thing is no policy");
    cr_assert(set_policy("ttl_max", 100));
    cr_assert(!set_policy("ttl_max", 100));
    EXPECT(RSM_RULE_NO_CHANGE, "so already");
    cr_assert(!write_address(bob, "www.example.", 5));
    EXPECT(RSM_RULE_TTL_RANGE, "TTL 300, allowed are 0 to 100");
    cr_assert(!set_policy("ttl_min", 101));
    EXPECT(RSM_RULE_POLICY_BAD, "above ttl_max");
    struct policy policy;
    cr_assert_eq(policy_load(w->kv, &policy), RSM_OK);
    cr_assert_eq(policy.ttl_max, 100);
    cr_assert_eq(policy.lamport_jump_max, 1000000);
}

/* A protected endpoint keeps its floor against changes, deletion, delegation and its zone's end. */
Test(people, floors)
{
    struct rsm_buffer body;
    struct rsm_change gone = change_a("www.example.", 0, 0);
    struct rsm_change cut = change_name("www.example.", RR_TYPE_NS, "ns.example.");
    cr_assert(protect("www.example.", 2));
    actor_see_all(bob);
    cr_assert(!write_address(bob, "www.example.", 5));
    EXPECT(RSM_RULE_ENDPOINT_EMPTY, "would have 1 of 2 records, its floor is 2");
    cr_assert(!actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &gone, 1)));
    EXPECT(RSM_RULE_ENDPOINT_EMPTY, "would have 0 of 2");
    cr_assert(!actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &cut, 1)));
    EXPECT(RSM_RULE_ENDPOINT_EMPTY, "hidden by rrset www.example. NS");
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(!actor_do(bob, RSM_KIND_ZONE_DELETE, body));
    EXPECT(RSM_RULE_ENDPOINT_EMPTY, "would go with the zone");
    struct rsm_change other = change_a("www.example.", 7, 2);
    cr_assert(actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &other, 1)), "%s",
              world_words(w));
    cr_assert(write_address(bob, "mail.example.", 9));
    struct key place = {.size = 0};
    struct policy_protected p;
    cr_assert_eq(policy_next_protected(w->kv, (struct bytes){NULL, 0}, &place, &p), RSM_OK);
    cr_assert(bytes_equal(p.owner, wire_bytes("www.example.")));
    cr_assert_eq(p.floor, 2);
    cr_assert_eq(policy_next_protected(w->kv, (struct bytes){NULL, 0}, &place, &p), RSM_NOT_FOUND);
}

/* ---- freezes ---- */

static bool freeze(struct actor *a, const char *id, enum rsm_freeze_scope scope,
                   struct rsm_bytes subject, bool everybody, uint64_t until_ms)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_set(text_bytes(id), scope, subject, everybody, until_ms, &body),
                 RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_FREEZE_SET, body);
}

static bool clear(struct actor *a, const char *id)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_clear(text_bytes(id), &body), RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_FREEZE_CLEAR, body);
}

Test(people, freezes_stop_what_they_cover)
{
    struct rsm_bytes nothing = {NULL, 0};
    world_role(w, "r", "rrset.*", ZONE);
    struct actor *bot = world_principal(w, "bot", RSM_PRINCIPAL_AUTOMATON, "r");
    actor_see_all(bot);
    cr_assert(freeze(bob, "f1", RSM_FREEZE_GLOBAL, nothing, false, 0), "%s", world_words(w));
    cr_assert(!write_address(bot, "bot.example.", 5));
    EXPECT(RSM_RULE_FROZEN, "freeze f1 (global, automata) by bob, until it is cleared: test");
    cr_assert(write_address(bob, "www.example.", 6));
    cr_assert(clear(bob, "f1"));
    actor_see_all(bot);
    cr_assert(write_address(bot, "bot.example.", 5), "%s", world_words(w));
    cr_assert(freeze(bob, "f2", RSM_FREEZE_ZONE, wire(ZONE), false, w->now_ms + 1000));
    cr_assert(!write_address(bot, "bot.example.", 6));
    EXPECT(RSM_RULE_FROZEN, "f2 (zone example., automata)");
    w->now_ms += 1000;
    cr_assert(write_address(bot, "bot.example.", 6), "%s", world_words(w));
    cr_assert(freeze(bob, "f3", RSM_FREEZE_AUTHOR, text_bytes("bot"), false, 0));
    cr_assert(!write_address(bot, "bot.example.", 7));
    EXPECT(RSM_RULE_FROZEN, "f3 (author bot, automata)");
}

/* Under a freeze of everything an administrator can still end it and take keys away. */
Test(people, a_freeze_of_everything_can_be_ended)
{
    struct rsm_bytes nothing = {NULL, 0};
    cr_assert(freeze(root, "all", RSM_FREEZE_GLOBAL, nothing, true, 0));
    actor_see_all(bob);
    cr_assert(!write_address(bob, "www.example.", 5));
    EXPECT(RSM_RULE_FROZEN, "all");
    cr_assert(!clear(bob, "all"));
    EXPECT(RSM_RULE_FROZEN, "all");
    cr_assert(!write_address(root, "new.example.", 5));
    EXPECT(RSM_RULE_FROZEN, "all");
    cr_assert(set_policy("ttl_max", 100), "%s", world_words(w));
    cr_assert(clear(root, "all"), "%s", world_words(w));
    cr_assert(!freeze(root, "late", RSM_FREEZE_GLOBAL, nothing, true, 1));
    EXPECT(RSM_RULE_NO_CHANGE, "would have ended");
}

/* ---- leases ---- */

static bool acquire(struct actor *a, uint64_t ttl_ms)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_lease_acquire(text_bytes("walk"), ttl_ms, &body), RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_LEASE_ACQUIRE, body);
}

static bool renew(struct actor *a, uint64_t token)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_lease_renew(text_bytes("walk"), token, 5000, &body), RSM_OK);
    return actor_do(a, RSM_KIND_LEASE_RENEW, body);
}

Test(people, leases_run_by_log_time)
{
    struct rsm_buffer body;
    struct actor *carol = world_principal(w, "carol", RSM_PRINCIPAL_PERSON, "enactor");
    cr_assert(!acquire(bob, 0));
    EXPECT(RSM_RULE_QUOTA, "lasts 1 to 600000 ms");
    cr_assert(acquire(bob, 5000), "%s", world_words(w));
    uint64_t first = w->slot;
    cr_assert(!acquire(carol, 5000));
    EXPECT(RSM_RULE_LEASE_HELD, "held by bob under token");
    w->now_ms += 4000;
    cr_assert(renew(bob, first), "%s", world_words(w));
    w->now_ms += 4999;
    cr_assert(!acquire(carol, 5000));
    w->now_ms += 1;
    cr_assert(!renew(bob, first));
    EXPECT(RSM_RULE_LEASE_EXPIRED, "ended at log time");
    cr_assert(acquire(carol, 5000), "%s", world_words(w));
    uint64_t second = w->slot;
    cr_assert_gt(second, first);
    actor_see_all(bob);
    cr_assert(!renew(bob, first));
    EXPECT(RSM_RULE_LEASE_TOKEN, "but the newest is");
    cr_assert_eq(rsm_body_lease_release(text_bytes("walk"), second, &body), RSM_OK);
    cr_assert(actor_do(carol, RSM_KIND_LEASE_RELEASE, body));
    cr_assert(acquire(bob, 5000), "%s", world_words(w));
    struct query_list list = {.started = false};
    cr_assert_eq(query_lease_next(w->kv, &list), RSM_OK);
    cr_assert_eq(list.lease.token, w->slot);
    cr_assert_eq(query_lease_next(w->kv, &list), RSM_NOT_FOUND);
}
