/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_settings.c - zone.set: how a zone is served. */
#include <criterion/criterion.h>

#include <string.h>

#include <rsm/setting.h>

#include "src/machine/record.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."

static struct world *w;
static struct actor *root;

static void set_up(void)
{
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(settings, .init = set_up, .fini = tear_down);

static struct rsm_buffer body_set(const char *zone, enum rsm_setting setting, uint64_t value)
{
    struct rsm_zone_setting item = {setting, value};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_zone_set(wire(zone), &item, 1, &body), RSM_OK);
    return body;
}

static struct zone_record row_of(const char *zone)
{
    struct zone_record row;
    cr_assert_eq(zone_load(w->kv, wire_bytes(zone), &row), RSM_OK);
    return row;
}

Test(settings, a_time_to_publish_is_the_zones_own_or_the_policys)
{
    static const struct {
        uint64_t value;
        bool has;
        uint32_t is;
    } rows[] = {
        {0, true, 0}, {200, true, 200}, {60000, true, 60000}, {RSM_PUBLISH_POLICY, false, 0}};
    cr_assert_not(row_of(ZONE).has_publish_ms);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert(actor_do(root, RSM_KIND_ZONE_SET,
                           body_set(ZONE, RSM_SETTING_PUBLISH_MS, rows[i].value)),
                  "%s", world_words(w));
        struct zone_record row = row_of(ZONE);
        cr_assert(row.has_publish_ms == rows[i].has && row.publish_ms == rows[i].is);
        cr_assert_eq(row.serial, 1, "what is served is the same");
    }
    struct rsm_change change = change_a("www.example.", 1, 1);
    cr_assert(actor_do(root, RSM_KIND_ZONE_SET, body_set(ZONE, RSM_SETTING_PUBLISH_MS, 7)));
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert_eq(row_of(ZONE).publish_ms, 7, "it stays when the content changes");
}

Test(settings, what_is_refused)
{
    world_role(w, "r", "rrset.*", ZONE);
    struct actor *alice = world_principal(w, "alice", RSM_PRINCIPAL_PERSON, "r");
    actor_see_all(alice);
    cr_assert_not(actor_do(alice, RSM_KIND_ZONE_SET, body_set(ZONE, RSM_SETTING_PUBLISH_MS, 1)));
    cr_assert(world_refused_only(w, RSM_RULE_RIGHTS), "%s", world_words(w));
    cr_assert_not(actor_do(root, RSM_KIND_ZONE_SET, body_set("other.", RSM_SETTING_PUBLISH_MS, 1)));
    cr_assert(world_refused_only(w, RSM_RULE_ZONE_UNKNOWN), "%s", world_words(w));
    cr_assert_not(actor_do(root, RSM_KIND_ZONE_SET,
                           body_set(ZONE, RSM_SETTING_PUBLISH_MS, RSM_PUBLISH_POLICY)));
    cr_assert(world_refused_only(w, RSM_RULE_NO_CHANGE), "%s", world_words(w));
}

Test(settings, their_writers_are_apart_from_those_of_the_content)
{
    world_role(w, "all", "*", ZONE);
    struct actor *alice = world_principal(w, "alice", RSM_PRINCIPAL_PERSON, "all");
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "all");
    struct rsm_change change = change_a("www.example.", 1, 1);
    actor_see_all(alice);
    actor_see_all(bob);
    cr_assert(actor_do(alice, RSM_KIND_ZONE_SET, body_set(ZONE, RSM_SETTING_PUBLISH_MS, 1)));
    cr_assert(actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)), "%s",
              world_words(w));
    cr_assert(actor_do(alice, RSM_KIND_ZONE_SET, body_set(ZONE, RSM_SETTING_PUBLISH_MS, 2)), "%s",
              world_words(w));
    cr_assert_not(actor_do(bob, RSM_KIND_ZONE_SET, body_set(ZONE, RSM_SETTING_PUBLISH_MS, 3)));
    cr_assert(world_refused_only(w, RSM_RULE_CONCURRENT) || world_refused_only(w, RSM_RULE_STALE),
              "%s", world_words(w));
    cr_assert_not_null(strstr(world_words(w), "settings of zone example."), "%s", world_words(w));
}
