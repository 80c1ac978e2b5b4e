/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_catalog.c - the catalog zone: members, labels, serials, and what it is kept from. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <rsm/setting.h>

#include "src/machine/policy_limit.h"
#include "src/machine/query_change.h"
#include "src/rr/data.h"
#include "src/rr/name.h"
#include "tests/lib/machine_world.h"

#define CATALOG "cat."
#define TYPE_PTR 12u
#define TYPE_TXT 16u

static struct world *w;
static struct actor *root;

static struct rsm_buffer body_set(const char *zone, enum rsm_setting setting, uint64_t value)
{
    struct rsm_zone_setting item = {setting, value};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_zone_set(wire(zone), &item, 1, &body), RSM_OK);
    return body;
}

static bool set(const char *zone, enum rsm_setting setting, uint64_t value)
{
    actor_see_all(root);
    return actor_do(root, RSM_KIND_ZONE_SET, body_set(zone, setting, value));
}

static bool create(const char *zone)
{
    actor_see_all(root);
    return actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(zone, 1, NULL, 0));
}

static bool delete (const char *zone)
{
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert_eq(rsm_body_zone_delete(wire(zone), &body), RSM_OK);
    return actor_do(root, RSM_KIND_ZONE_DELETE, body);
}

static void set_up(void)
{
    w = world_new();
    root = &w->actors[0];
    cr_assert(create("a."));
    cr_assert(create("b."));
    cr_assert(create(CATALOG));
    cr_assert(set(CATALOG, RSM_SETTING_CATALOG, 1), "%s", world_words(w));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(catalog, .init = set_up, .fini = tear_down);

/* "a. b." and the label of one of them. */
static const char *members(const char *zone, char label[64])
{
    static char out[512];
    struct query_rrsets q = {.zone = wire_bytes(CATALOG), .slot = QUERY_NOW};
    size_t used = 0;
    out[0] = label[0] = '\0';
    while (query_rrset_next(w->kv, &q) == RSM_OK) {
        char owner[NAME_TEXT_MAX], text[NAME_TEXT_MAX];
        struct bytes rdatas = q.item.record.rdatas, rdata;
        (void)name_to_text(q.item.owner, owner);
        cr_assert(rrset_rdata_next(&rdatas, &rdata));
        if (q.item.type != TYPE_PTR)
            continue;
        cr_assert_not_null(strstr(owner, ".zones.cat."), "%s", owner);
        (void)name_to_text(rdata, text);
        if (strcmp(text, zone) == 0)
            (void)snprintf(label, 64, "%.*s", (int)strcspn(owner, "."), owner);
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", used > 0 ? " " : "", text);
    }
    return out;
}

static uint32_t serial(void)
{
    return world_serial(w, CATALOG);
}

Test(catalog, follows_what_zones_there_are)
{
    char label[64], again[64];
    cr_assert_str_eq(members("a.", label), "a. b.");
    cr_assert_eq(world_count(w, CATALOG, "version.cat.", TYPE_TXT), 1);
    uint32_t before = serial();
    cr_assert(create("c."));
    cr_assert_str_eq(members("a.", again), "a. b. c.");
    cr_assert_str_eq(again, label, "a member's label stays");
    cr_assert_eq(serial(), before + 1);
    struct rsm_change change = change_a("www.a.", 1, 1);
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change("a.", &change, 1)));
    cr_assert_eq(serial(), before + 1, "content of zones is nothing to the catalog");
    cr_assert(delete ("a."), "%s", world_words(w));
    cr_assert_str_eq(members("a.", again), "b. c.");
    cr_assert_eq(serial(), before + 2);
    cr_assert(create("a."));
    cr_assert_str_eq(members("a.", again), "b. c. a.");
    cr_assert_str_neq(again, label, "another life is another member");
}

Test(catalog, has_what_is_listed)
{
    char label[64];
    uint32_t before = serial();
    cr_assert(set("a.", RSM_SETTING_LISTED, 0), "%s", world_words(w));
    cr_assert_str_eq(members("a.", label), "b.");
    cr_assert_eq(serial(), before + 1);
    cr_assert_eq(world_serial(w, "a."), 1, "the zone is served as before");
    cr_assert(delete ("a."), "%s", world_words(w));
    cr_assert_eq(serial(), before + 1, "it was no member");
    cr_assert(create("c."));
    cr_assert(set("c.", RSM_SETTING_LISTED, 0));
    cr_assert(set("c.", RSM_SETTING_LISTED, 1));
    cr_assert_str_eq(members("a.", label), "b. c.");
}

Test(catalog, changes_are_found_for_notify_and_ixfr)
{
    struct query_changed_zones q = {.after = w->slot, .slot = w->slot + 1};
    uint64_t slot;
    uint32_t before = serial();
    char found[64] = "", text[NAME_TEXT_MAX];
    cr_assert(create("c."));
    while (query_changed_zone_next(w->kv, &q) == RSM_OK)
        strcat(found, name_to_text(q.zone, text));
    cr_assert_str_eq(found, "cat.c.", "both");
    cr_assert_eq(query_zone_serial(w->kv, wire_bytes(CATALOG), before, w->slot, &slot), RSM_OK);
    struct query_changes changes = {.zone = wire_bytes(CATALOG), .after = slot, .slot = w->slot};
    uint32_t count = 0;
    while (query_change_next(w->kv, &changes) == RSM_OK)
        count++;
    cr_assert_eq(count, 1);
}

Test(catalog, is_not_written_by_hand)
{
    struct rsm_change ptr = change_name("x.zones.cat.", TYPE_PTR, "evil.");
    struct rsm_change ns = change_name(CATALOG, RR_TYPE_NS, "ns.elsewhere.");
    actor_see_all(root);
    cr_assert_not(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(CATALOG, &ptr, 1)));
    cr_assert(world_refused_only(w, RSM_RULE_CATALOG), "%s", world_words(w));
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(CATALOG, &ns, 1)), "%s",
              world_words(w));
    cr_assert_not(delete (CATALOG));
    cr_assert(world_refused_only(w, RSM_RULE_CATALOG), "%s", world_words(w));
}

Test(catalog, is_one_and_begins_empty)
{
    struct rsm_change more = change_a("www.d.", 1, 1);
    cr_assert(create("other."));
    cr_assert_not(set("other.", RSM_SETTING_CATALOG, 1));
    cr_assert(world_refused_only(w, RSM_RULE_CATALOG), "%s", world_words(w));
    cr_assert(set(CATALOG, RSM_SETTING_CATALOG, 0), "%s", world_words(w));
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone("d.", 1, &more, 1)));
    cr_assert_not(set("d.", RSM_SETTING_CATALOG, 1));
    cr_assert(world_refused_only(w, RSM_RULE_CATALOG), "%s", world_words(w));
    cr_assert(set("other.", RSM_SETTING_CATALOG, 1), "%s", world_words(w));
    cr_assert_eq(world_count(w, "other.", "version.other.", TYPE_TXT), 1);
}

Test(catalog, keeps_its_last_zones)
{
    cr_assert(delete ("a."), "%s", world_words(w));
    cr_assert_not(delete ("b."));
    cr_assert(world_refused_only(w, RSM_RULE_CATALOG), "%s", world_words(w));
    cr_assert_not_null(strstr(world_words(w), "catalog_least"));
    cr_assert_not(set("b.", RSM_SETTING_LISTED, 0));
    cr_assert(world_refused_only(w, RSM_RULE_CATALOG), "%s", world_words(w));
    actor_see_all(root);
    world_policy(w, "catalog_least", 0);
    cr_assert(delete ("b."), "%s", world_words(w));
}

Test(catalog, is_not_left_by_many_at_once)
{
    static const char *const names[] = {"c.", "d.", "e.", "f."};
    for (size_t i = 0; i < 4; i++)
        cr_assert(create(names[i]));
    actor_see_all(root);
    world_policy(w, "catalog_leave_max", 2);
    cr_assert(delete ("c."));
    cr_assert(set("d.", RSM_SETTING_LISTED, 0));
    cr_assert_not(delete ("e."));
    cr_assert(world_refused_only(w, RSM_RULE_CATALOG), "%s", world_words(w));
    cr_assert_not_null(strstr(world_words(w), "catalog_leave_max"));
    w->now_ms += 3600000 + 3600000 / LIMIT_PARTS;
    cr_assert(delete ("e."), "the window is over: %s", world_words(w));
}
