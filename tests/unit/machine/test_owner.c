/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_owner.c - whose record sets are, takeovers, and authors that undo each other. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "src/command/pack.h"
#include "src/machine/flip.h"
#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."
#define WWW "www.example."
#define HOUR_MS 3600000u

static struct world *w;
static struct actor *root, *one, *two;

static void set_up(void)
{
    struct rsm_change more[] = {change_a(WWW, 1, 2)};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 1)));
    world_role(w, "r", "*", ZONE);
    world_role(w, "r", "rrset.*", ZONE);
    one = world_principal(w, "one", RSM_PRINCIPAL_AUTOMATON, "r");
    two = world_principal(w, "two", RSM_PRINCIPAL_AUTOMATON, "r");
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(owner, .init = set_up, .fini = tear_down);
TestSuite(absent, .init = set_up, .fini = tear_down);
TestSuite(flip, .init = set_up, .fini = tear_down);

/* `n` 0: deleted. Each has seen all. */
static bool put(struct actor *a, const char *owner, uint8_t n)
{
    struct rsm_change change = change_a(owner, n, n > 0 ? 1 : 0);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1));
}

static void set_policy(const char *name, uint64_t value)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 200);
    pack_map(&map, 1);
    pack_text(&map, name);
    pack_uint(&map, value);
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body), RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
}

static bool take_over(struct actor *a, const char *owner, const char *from, const char *to)
{
    struct rsm_rrset_id id = {wire(owner), RR_TYPE_A};
    struct rsm_buffer body;
    cr_assert_eq(
        rsm_body_rrset_takeover(wire(ZONE), text_bytes(from), text_bytes(to), &id, 1, &body),
        RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_RRSET_TAKEOVER, body);
}

static bool is_held_by(const char *owner, const char *holder)
{
    struct query_rrset item;
    enum rsm_status status =
        query_rrset(w->kv, wire_bytes(ZONE), wire_bytes(owner), RR_TYPE_A, QUERY_NOW, &item);
    return status == RSM_OK && bytes_equal(item.record.holder, bytes_of_string(holder));
}

/* ---- owners ---- */

/* Who makes it owns it; a person's write does not change that, its deletion does. */
Test(owner, who_makes_it_owns_it)
{
    cr_assert(is_held_by(WWW, "root"));
    cr_assert(put(one, "a.example.", 1), "%s", world_words(w));
    cr_assert(is_held_by("a.example.", "one"));
    cr_assert(put(root, "a.example.", 2), "%s", world_words(w));
    cr_assert(is_held_by("a.example.", "one"));
    cr_assert(put(one, "a.example.", 3), "%s", world_words(w));
    cr_assert(put(one, "a.example.", 0), "%s", world_words(w));
    cr_assert(put(two, "a.example.", 4), "%s", world_words(w));
    cr_assert(is_held_by("a.example.", "two"));
}

Test(owner, an_automaton_leaves_what_is_anothers)
{
    cr_assert(put(one, "a.example.", 1));
    for (uint8_t n = 0; n < 3; n += 2) {
        cr_assert(!put(two, "a.example.", n));
        cr_assert(world_refused_only(w, RSM_RULE_OWNER), "%s", world_words(w));
        EXPECT(RSM_RULE_OWNER, "rrset a.example. A is owned by one");
        cr_assert(!put(two, WWW, n));
        EXPECT(RSM_RULE_OWNER, "is owned by root");
    }
    struct rsm_buffer body;
    world_role(w, "zones", "zone.*", ZONE);
    struct actor *three = world_principal(w, "three", RSM_PRINCIPAL_AUTOMATON, "zones");
    actor_see_all(three);
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(!actor_do(three, RSM_KIND_ZONE_DELETE, body));
    EXPECT(RSM_RULE_OWNER, "is owned by root");
}

Test(owner, the_policy_says_who_is_asked)
{
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    cr_assert(put(one, "a.example.", 1));
    set_policy("ownership", 2);
    cr_assert(!put(bob, "a.example.", 2));
    EXPECT(RSM_RULE_OWNER, "is owned by one");
    set_policy("ownership", 0);
    cr_assert(put(two, "a.example.", 3), "%s", world_words(w));
    cr_assert(is_held_by("a.example.", "one"));
}

/* ---- takeovers ---- */

Test(owner, a_person_takes_over)
{
    uint32_t serial = world_serial(w, ZONE);
    cr_assert(take_over(root, WWW, "root", "one"), "%s", world_words(w));
    cr_assert(is_held_by(WWW, "one"));
    cr_assert_eq(world_serial(w, ZONE), serial);
    cr_assert_eq(world_count(w, ZONE, WWW, RR_TYPE_A), 2);
    cr_assert(put(one, WWW, 5), "%s", world_words(w));
    cr_assert(!put(two, WWW, 6));
}

/* The other's change that is in flight was based on the owner there was: it has not seen this. */
Test(owner, a_takeover_is_a_write)
{
    struct rsm_change change = change_a(WWW, 9, 1);
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    actor_see_all(bob);
    struct rsm_buffer body = body_change(ZONE, &change, 1);
    struct blob *in_flight = actor_envelope(bob, RSM_KIND_RRSET_CHANGE, &body);
    cr_assert(take_over(root, WWW, "root", "one"));
    cr_assert(!world_apply(w, in_flight));
    cr_assert(world_refused(w, RSM_RULE_STALE) || world_refused(w, RSM_RULE_CONCURRENT));
    blob_unref(in_flight);
}

Test(owner, takeovers_that_are_refused)
{
    cr_assert(!take_over(root, WWW, "one", "two"));
    EXPECT(RSM_RULE_OWNER, "is owned by root, not by one");
    cr_assert(!take_over(root, WWW, "root", "root"));
    EXPECT(RSM_RULE_NO_CHANGE, "owned by root already");
    cr_assert(!take_over(root, WWW, "root", "nobody"));
    EXPECT(RSM_RULE_PRINCIPAL_UNKNOWN, "nobody");
    cr_assert(!take_over(root, WWW, "root", "plan:none"));
    EXPECT(RSM_RULE_PLAN_UNKNOWN, "no plan none");
    cr_assert(!take_over(root, "none.example.", "root", "one"));
    EXPECT(RSM_RULE_RRSET_UNKNOWN, "none.example. A is not there");
    cr_assert(!take_over(root, "www.other.", "root", "one"));
    EXPECT(RSM_RULE_OUT_OF_ZONE, "www.other.");
    cr_assert(!take_over(one, WWW, "root", "one"));
    EXPECT(RSM_RULE_OWNER, "one is no person");
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "reader");
    cr_assert(!take_over(bob, WWW, "root", "bob"));
    EXPECT(RSM_RULE_RIGHTS, "rrset.takeover");
}

/* ---- oscillation ---- */

/* Two automata that may both write: each brings its own content back, until the breaker opens. */
static void fight(unsigned flips)
{
    for (unsigned i = 0; i < flips; i++)
        cr_assert(put(i % 2 == 0 ? one : two, "f.example.", i % 2 == 0 ? 1 : 2), "flip %u: %s", i,
                  world_words(w));
}

static void begin_fight(void)
{
    set_policy("ownership", 0);
    cr_assert(put(one, "f.example.", 1));
    cr_assert(put(two, "f.example.", 2));
}

Test(flip, the_third_flip_freezes_the_object)
{
    char words[64];
    begin_fight();
    fight(3);
    snprintf(words, sizeof words, "undid each other 3 times, so it is frozen since slot %d",
             (int)w->slot);
    for (int i = 0; i < 2; i++) {
        cr_assert(!put(i == 0 ? one : two, "f.example.", 7));
        cr_assert(world_refused_only(w, RSM_RULE_OSCILLATION), "%s", world_words(w));
        EXPECT(RSM_RULE_OSCILLATION, words);
        EXPECT(RSM_RULE_OSCILLATION, "one");
        EXPECT(RSM_RULE_OSCILLATION, "two");
    }
    cr_assert(put(one, "g.example.", 7), "other objects go on: %s", world_words(w));
    cr_assert(put(root, "f.example.", 8), "%s", world_words(w));
    cr_assert(put(one, "f.example.", 1), "a person has decided: %s", world_words(w));
}

/* Deleting what another makes, and making it again, is the same fight. */
Test(flip, making_and_deleting)
{
    set_policy("ownership", 0);
    cr_assert(put(one, "f.example.", 1));
    cr_assert(put(two, "f.example.", 0));
    cr_assert(put(one, "f.example.", 1));
    cr_assert(put(two, "f.example.", 0));
    cr_assert(put(one, "f.example.", 1));
    cr_assert(!put(two, "f.example.", 0));
    EXPECT(RSM_RULE_OSCILLATION, "one");
}

Test(flip, slow_flips_are_no_fight)
{
    begin_fight();
    for (int i = 0; i < 6; i++) {
        fight(2);
        w->now_ms += HOUR_MS + 1;
    }
    fight(3);
    cr_assert(!put(two, "f.example.", 2));
}

/* New content each time is work, not a fight; a person and an automaton can fight as well. */
Test(flip, what_is_counted)
{
    begin_fight();
    for (uint8_t n = 10; n < 20; n++)
        cr_assert(put(n % 2 == 0 ? one : two, "f.example.", n), "%s", world_words(w));
    cr_assert(put(one, "h.example.", 1));
    cr_assert(put(root, "h.example.", 2));
    cr_assert(put(one, "h.example.", 1));
    cr_assert(put(root, "h.example.", 2));
    cr_assert(put(one, "h.example.", 1));
    cr_assert(put(root, "h.example.", 2));
    cr_assert(!put(one, "h.example.", 3));
    EXPECT(RSM_RULE_OSCILLATION, "root");
    set_policy("flips_max", 0);
    cr_assert(put(one, "k.example.", 1) && put(two, "k.example.", 2));
    for (int i = 0; i < 10; i++)
        cr_assert(put(i % 2 == 0 ? one : two, "k.example.", i % 2 == 0 ? 1 : 2));
}

/* What automata write to one object in an hour, all together. */
Test(flip, a_budget_of_the_object)
{
    set_policy("object_changes_per_hour", 3);
    for (uint8_t n = 1; n <= 3; n++)
        cr_assert(put(one, "f.example.", n), "%s", world_words(w));
    cr_assert(!put(one, "f.example.", 4));
    cr_assert(world_refused_only(w, RSM_RULE_OBJECT_BUDGET), "%s", world_words(w));
    EXPECT(RSM_RULE_OBJECT_BUDGET, "wait 3600000 ms");
    cr_assert(put(one, "g.example.", 4), "%s", world_words(w));
    cr_assert(put(root, "f.example.", 5), "persons may: %s", world_words(w));
    w->now_ms += HOUR_MS - 1;
    cr_assert(!put(one, "f.example.", 6));
    EXPECT(RSM_RULE_OBJECT_BUDGET, "wait 1 ms");
    w->now_ms += 1;
    cr_assert(put(one, "f.example.", 6), "%s", world_words(w));
}

/* A new zone of that name begins without the fights of the one that was deleted. */
Test(flip, the_row_goes_with_the_zone)
{
    struct bytes key, value;
    struct rsm_buffer body;
    begin_fight();
    fight(3);
    cr_assert_eq(kv_next(w->kv, TABLE_FLIP, bytes_make(NULL, 0), false, &key, &value), RSM_OK);
    actor_see_all(root);
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ZONE_DELETE, body), "%s", world_words(w));
    cr_assert_eq(kv_next(w->kv, TABLE_FLIP, bytes_make(NULL, 0), false, &key, &value),
                 RSM_NOT_FOUND);
}

/* ---- absence ---- */

static bool observe(struct actor *a, const char *owner, bool is_present)
{
    struct rsm_rrset_id id = {wire(owner), RR_TYPE_A};
    struct rsm_buffer body;
    cr_assert_eq(
        rsm_body_rrset_observe(wire(ZONE), &id, is_present ? 0 : 1, &id, is_present ? 1 : 0, &body),
        RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_RRSET_OBSERVE, body);
}

static void miss(int times)
{
    for (int i = 0; i < times; i++)
        cr_assert(observe(one, "a.example.", false), "%s", world_words(w));
}

/* So many times, and so long ago: both, and one less of either is not enough. */
Test(absent, times_over_a_time)
{
    cr_assert(put(one, "a.example.", 1));
    set_policy("absent_times", 3);
    set_policy("absent_ms", HOUR_MS);
    cr_assert(!put(one, "a.example.", 0));
    cr_assert(world_refused_only(w, RSM_RULE_ABSENT), "%s", world_words(w));
    EXPECT(RSM_RULE_ABSENT, "reported absent 0 times");
    miss(2);
    w->now_ms += HOUR_MS;
    cr_assert(!put(one, "a.example.", 0));
    EXPECT(RSM_RULE_ABSENT, "reported absent 2 times since 3600000 ms");
    miss(1);
    cr_assert(put(one, "a.example.", 0), "%s", world_words(w));
    cr_assert(put(one, "a.example.", 1));
    miss(3);
    w->now_ms += HOUR_MS - 1;
    cr_assert(!put(one, "a.example.", 0), "a new one is counted anew");
    w->now_ms += 1;
    cr_assert(put(one, "a.example.", 0), "%s", world_words(w));
}

/* Being there again, and any write, ends the count; so it does for a source that misses it at
 * times. */
Test(absent, what_ends_the_count)
{
    cr_assert(put(one, "a.example.", 1));
    set_policy("absent_times", 2);
    for (int i = 0; i < 3; i++) {
        miss(1);
        cr_assert(observe(one, "a.example.", true), "%s", world_words(w));
    }
    cr_assert(!put(one, "a.example.", 0));
    miss(1);
    cr_assert(put(one, "a.example.", 2));
    miss(1);
    cr_assert(!put(one, "a.example.", 0));
    miss(1);
    cr_assert(put(one, "a.example.", 0), "%s", world_words(w));
}

/* Persons are not asked, and altering is not deleting; whole zones are left to persons. */
Test(absent, who_is_asked)
{
    struct rsm_buffer body;
    set_policy("ownership", 0);
    set_policy("absent_times", 2);
    cr_assert(put(one, WWW, 9), "%s", world_words(w));
    cr_assert(put(root, WWW, 0), "%s", world_words(w));
    world_role(w, "zones", "zone.*", ZONE);
    struct actor *three = world_principal(w, "three", RSM_PRINCIPAL_AUTOMATON, "zones");
    actor_see_all(three);
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(!actor_do(three, RSM_KIND_ZONE_DELETE, body));
    EXPECT(RSM_RULE_ABSENT, "no whole zone");
}

Test(absent, reports_that_are_refused)
{
    struct rsm_rrset_id twice[] = {{wire(WWW), RR_TYPE_A}, {wire(WWW), RR_TYPE_A}};
    struct rsm_buffer body;
    cr_assert(!observe(one, "none.example.", false));
    EXPECT(RSM_RULE_RRSET_UNKNOWN, "none.example. A is not there");
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "reader");
    cr_assert(!observe(bob, WWW, false));
    EXPECT(RSM_RULE_RIGHTS, "rrset.observe");
    actor_see_all(one);
    cr_assert_eq(rsm_body_rrset_observe(wire(ZONE), twice, 2, NULL, 0, &body), RSM_OK);
    cr_assert(!actor_do(one, RSM_KIND_RRSET_OBSERVE, body));
    EXPECT(RSM_RULE_DUPLICATE_CHANGE, "named twice");
    cr_assert_eq(rsm_body_rrset_observe(wire(ZONE), NULL, 0, NULL, 0, &body), RSM_OK);
    cr_assert(!actor_do(one, RSM_KIND_RRSET_OBSERVE, body));
    EXPECT(RSM_RULE_NO_CHANGE, "no record set");
}
