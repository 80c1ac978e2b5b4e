/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_limit.c - the policy's limits and times: what is asked, and when it ends. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "src/command/pack.h"
#include "src/machine/policy_limit.h"
#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."
#define HOUR_MS UINT64_C(3600000)

static struct world *w;
static struct actor *root, *one, *two;
static struct writer map;

static void set_up(void)
{
    static char names[20][24];
    struct rsm_change more[20];
    w = world_new();
    writer_init(&map, 65536);
    root = &w->actors[0];
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "n%02d.example.", i);
        more[i] = change_a(names[i], (uint8_t)(i + 1), 1);
    }
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 20)));
    world_role(w, "r", "rrset.*", ZONE);
    one = world_principal(w, "one", RSM_PRINCIPAL_AUTOMATON, "r");
    two = world_principal(w, "two", RSM_PRINCIPAL_AUTOMATON, "r");
}

static void tear_down(void)
{
    writer_deinit(&map);
    world_free(w);
}

TestSuite(limit, .init = set_up, .fini = tear_down);

struct row {
    const char *name, *who;
    uint64_t acts;
    const char *zone, *label, *value;
    uint64_t count, share, window_ms, existing;
};

static void pack_limit(const struct row *r)
{
    pack_array(&map, 10);
    pack_text(&map, r->name);
    pack_text(&map, r->who);
    pack_uint(&map, r->acts);
    pack_bin(&map, r->zone != NULL ? wire_bytes(r->zone) : bytes_make(NULL, 0));
    pack_text(&map, r->label != NULL ? r->label : "");
    pack_text(&map, r->value != NULL ? r->value : "");
    pack_uint(&map, r->count);
    pack_uint(&map, r->share);
    pack_uint(&map, r->window_ms);
    pack_uint(&map, r->existing);
}

static bool set_limits(const struct row *rows, uint32_t count)
{
    struct rsm_buffer body;
    writer_reset(&map);
    pack_map(&map, 2);
    pack_text(&map, "limits");
    pack_array(&map, count);
    for (uint32_t i = 0; i < count; i++)
        pack_limit(&rows[i]);
    pack_text(&map, "ownership");
    pack_uint(&map, 0);
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body), RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_POLICY_SET, body);
}

/* Record sets first to first + count - 1 are deleted (n 0) or get other addresses. */
static bool write_sets(struct actor *a, int first, int count, uint8_t n)
{
    static char names[20][24];
    struct rsm_change changes[20];
    for (int i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "n%02d.example.", first + i);
        changes[i] = change_a(names[i], (uint8_t)(n > 0 ? n + i : 0), n > 0 ? 1 : 0);
    }
    actor_see_all(a);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, changes, (size_t)count));
}

/* One change: a number, whoever makes it; what it adds and alters is another question. */
Test(limit, of_one_change)
{
    const struct row rows[] = {{"few", "change", LIMIT_DELETE, NULL, NULL, NULL, 3, 0, 0, 0}};
    cr_assert(set_limits(rows, 1), "%s", world_words(w));
    cr_assert(!write_sets(root, 0, 4, 0));
    EXPECT_ONLY(RSM_RULE_LIMIT, "limit few: 4 of the 22 record sets of zone example.");
    cr_assert(write_sets(root, 0, 4, 100), "%s", world_words(w));
    cr_assert(write_sets(root, 0, 3, 0), "%s", world_words(w));
    cr_assert(write_sets(root, 3, 3, 0), "each change by itself: %s", world_words(w));
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_ZONE_DELETE, body));
    EXPECT_ONLY(RSM_RULE_LIMIT, "deletes 16");
}

/* A share of the zone: 25 % of 22 are 5; and a small zone is let alone. */
Test(limit, a_share)
{
    const struct row rows[] = {
        {"quarter", "change", LIMIT_DELETE | LIMIT_ALTER, ZONE, NULL, NULL, 0, 250, 0, 20}};
    cr_assert(set_limits(rows, 1));
    cr_assert(!write_sets(root, 0, 6, 100));
    EXPECT_ONLY(RSM_RULE_LIMIT, "250 in 1000");
    cr_assert(write_sets(root, 0, 3, 0), "%s", world_words(w));
    cr_assert(write_sets(root, 3, 10, 100), "19 are below the floor of 20: %s", world_words(w));
}

/* One author in an hour; the other has an hour of its own. */
Test(limit, of_one_author_in_a_time)
{
    const struct row rows[] = {
        {"hour", "author", LIMIT_DELETE, NULL, NULL, NULL, 3, 0, HOUR_MS, 0}};
    cr_assert(set_limits(rows, 1));
    cr_assert(write_sets(one, 0, 2, 0), "%s", world_words(w));
    w->now_ms += HOUR_MS / 2;
    cr_assert(!write_sets(one, 2, 2, 0));
    EXPECT_ONLY(RSM_RULE_LIMIT, "after 2 within 3600000 ms; by one author at most 3");
    cr_assert(write_sets(one, 2, 1, 0), "%s", world_words(w));
    cr_assert(write_sets(two, 3, 3, 0), "%s", world_words(w));
    w->now_ms += HOUR_MS / 2 + HOUR_MS / 8;
    cr_assert(!write_sets(one, 6, 3, 0), "the second one is still inside");
    cr_assert(write_sets(one, 6, 2, 0), "%s", world_words(w));
}

/* All automata together; persons are not counted, and not asked. */
Test(limit, of_all_automata)
{
    const struct row rows[] = {
        {"bots", "automata", LIMIT_DELETE, NULL, NULL, NULL, 3, 0, HOUR_MS, 0}};
    cr_assert(set_limits(rows, 1));
    cr_assert(write_sets(root, 0, 5, 0), "%s", world_words(w));
    cr_assert(write_sets(one, 5, 2, 0), "%s", world_words(w));
    cr_assert(!write_sets(two, 7, 2, 0));
    EXPECT_ONLY(RSM_RULE_LIMIT, "by all automata at most 3");
    cr_assert(write_sets(root, 7, 5, 0), "%s", world_words(w));
    cr_assert(write_sets(two, 12, 1, 0), "%s", world_words(w));
}

/* What was refused was not done, and does not count. */
Test(limit, refused_changes_are_not_counted)
{
    const struct row rows[] = {
        {"hour", "author", LIMIT_DELETE, NULL, NULL, NULL, 3, 0, HOUR_MS, 0}};
    cr_assert(set_limits(rows, 1));
    for (int i = 0; i < 5; i++)
        cr_assert(!write_sets(one, 0, 4, 0));
    cr_assert(write_sets(one, 0, 3, 0), "%s", world_words(w));
}

Test(limit, a_label_says_which_zones)
{
    const struct row rows[] = {{"gold", "change", LIMIT_ALTER, NULL, "tier", "gold", 1, 0, 0, 0}};
    struct rsm_label label = {text_bytes("tier"), text_bytes("gold")};
    struct rsm_change sets[] = {change_soa("gold.", 1),
                                change_name("gold.", RR_TYPE_NS, "ns.other."),
                                change_a("a.gold.", 1, 1), change_a("b.gold.", 1, 1)};
    struct rsm_change two_sets[] = {change_a("a.gold.", 2, 1), change_a("b.gold.", 2, 1)};
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert_eq(rsm_body_zone_create(wire("gold."), &label, 1, sets, 4, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body), "%s", world_words(w));
    cr_assert(set_limits(rows, 1));
    cr_assert(write_sets(root, 0, 5, 100), "%s", world_words(w));
    cr_assert(!actor_do(root, RSM_KIND_RRSET_CHANGE, body_change("gold.", two_sets, 2)));
    EXPECT_ONLY(RSM_RULE_LIMIT, "limit gold");
}

Test(limit, forms)
{
    const struct row good = {"x", "author", 4, NULL, NULL, NULL, 1, 0, HOUR_MS, 0};
    struct row rows[12];
    for (size_t i = 0; i < 12; i++)
        rows[i] = good;
    rows[0].name = "";
    rows[1].who = "nobody";
    rows[2].acts = 0;
    rows[3].acts = 8;
    rows[4].count = 0; /* and no share */
    rows[5].share = 1001;
    rows[6].window_ms = 59999;
    rows[7].window_ms = LIMIT_WINDOW_MS_MAX + 1;
    rows[8].who = "change"; /* has a window */
    rows[9].value = "v";    /* of no label */
    rows[10].zone = "EXAMPLE.";
    rows[11].name = "a name of more than sixty-four bytes is too long for the key of a window";
    for (size_t i = 0; i < 12; i++) {
        if (i == 10)
            continue; /* wire() folds it */
        cr_assert(!set_limits(&rows[i], 1), "row %zu", i);
        cr_assert(world_refused(w, RSM_RULE_POLICY_BAD), "row %zu", i);
    }
    const struct row twice[] = {good, good};
    cr_assert(!set_limits(twice, 2));
    cr_assert(world_refused(w, RSM_RULE_POLICY_BAD));
    cr_assert(set_limits(&good, 1));
}

/* A sliding window never lets more through than the limit, wherever it begins. */
Test(limit, windows_slide)
{
    struct velocity v = {.period = 0};
    uint64_t given[200] = {0}, now_ms = 1000 * HOUR_MS;
    for (int i = 0; i < 200; i++, now_ms += HOUR_MS / 37) {
        while (velocity_sum(&v, HOUR_MS, now_ms) < 10) {
            v.counts[0]++;
            given[i]++;
        }
        uint64_t sum = 0;
        for (int k = i; k > i - 37 && k >= 0; k--)
            sum += given[k];
        cr_assert_leq(sum, 10, "step %d", i);
    }
    cr_assert_eq(velocity_sum(&v, HOUR_MS, now_ms + 2 * HOUR_MS), 0);
}

/* ---- SOA expire ---- */

Test(limit, secondaries_keep_a_zone_long_enough)
{
    struct rsm_buffer body;
    struct rsm_change soa = change_soa(ZONE, 99);
    static const struct {
        uint64_t least, most;
        bool is_good;
    } rows[] = {{0, 2147483647, true}, {2147483647, 2147483647, false}, {0, 1, false}};
    for (size_t i = 0; i < 3; i++) {
        writer_reset(&map);
        pack_map(&map, 2);
        pack_text(&map, "soa_expire_max");
        pack_uint(&map, rows[i].most);
        pack_text(&map, "soa_expire_min");
        pack_uint(&map, rows[i].least);
        cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body), RSM_OK);
        actor_see_all(root);
        cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
        soa = change_soa(ZONE, (uint32_t)(99 + i));
        cr_assert_eq(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &soa, 1)),
                     rows[i].is_good, "row %zu: %s", i, world_words(w));
        if (!rows[i].is_good)
            EXPECT_ONLY(RSM_RULE_SOA_EXPIRE, "expire");
    }
}

/* ---- times ---- */

/* 5 January 2026 is a Monday; its midnight in UTC. */
#define MONDAY_MS UINT64_C(1767571200000)

Test(limit, times_of_the_week)
{
    static const struct {
        struct policy_time time;
        uint64_t minute; /* from Monday's midnight, UTC */
        bool is_in;
        uint64_t next; /* minute */
    } rows[] = {
        {{.days = 1, .from = 480, .to = 1020, .offset = 1440}, 480, true, 0},
        {{.days = 1, .from = 480, .to = 1020, .offset = 1440}, 479, false, 480},
        {{.days = 1, .from = 480, .to = 1020, .offset = 1440}, 1019, true, 0},
        {{.days = 1, .from = 480, .to = 1020, .offset = 1440}, 1020, false, 7 * 1440 + 480},
        {{.days = 16, .from = 0, .to = 1440, .offset = 1440}, 1020, false, 4 * 1440},
        {{.days = 127, .from = 0, .to = 1440, .offset = 1440}, 1439, true, 0},
        {{.days = 1, .from = 480, .to = 1020, .offset = 1500}, 420, true, 0},
        {{.days = 1, .from = 480, .to = 1020, .offset = 1380}, 480, false, 540},
        {{.days = 64, .from = 1380, .to = 1440, .offset = 1380}, 30, true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t next_ms = 0;
        uint64_t now_ms = MONDAY_MS + rows[i].minute * 60000 + 59999;
        cr_assert_eq(policy_time_is_in(&rows[i].time, now_ms, &next_ms), rows[i].is_in, "row %zu",
                     i);
        if (!rows[i].is_in)
            cr_assert_eq(next_ms, MONDAY_MS + rows[i].next * 60000, "row %zu", i);
    }
}

static bool set_time_of(const char *who, const char *zone, const char *label)
{
    struct rsm_buffer body;
    writer_reset(&map);
    pack_map(&map, 1);
    pack_text(&map, "times");
    pack_array(&map, 1);
    pack_array(&map, 8);
    pack_bin(&map, wire_bytes(zone));
    pack_text(&map, who);
    pack_uint(&map, 31);
    pack_uint(&map, 480);
    pack_uint(&map, 1020);
    pack_uint(&map, 1500);
    pack_text(&map, label);
    pack_text(&map, *label != '\0' ? "night" : "");
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body), RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_POLICY_SET, body);
}

static bool set_time(const char *who, const char *zone)
{
    return set_time_of(who, zone, "");
}

Test(limit, changes_have_their_times)
{
    char words[96];
    w->now_ms = MONDAY_MS + 7 * 86400000;
    cr_assert(set_time("automata", ZONE), "%s", world_words(w));
    struct rsm_change change = change_a("own.example.", 1, 1);
    actor_see_all(one);
    cr_assert(!actor_do(one, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    snprintf(words, sizeof words, "begins at log time %llu, in 25200000 ms",
             (unsigned long long)(w->now_ms + 7 * HOUR_MS));
    EXPECT_ONLY(RSM_RULE_TIME_WINDOW, words);
    cr_assert(write_sets(root, 0, 1, 50), "a person: %s", world_words(w));
    w->now_ms += 7 * HOUR_MS;
    cr_assert(actor_do(one, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)), "%s",
              world_words(w));
    cr_assert(set_time("all", "other."));
    w->now_ms += 12 * HOUR_MS;
    cr_assert(write_sets(root, 0, 1, 60), "another zone's time: %s", world_words(w));
    cr_assert(set_time("all", ZONE));
    cr_assert(!write_sets(root, 0, 1, 70));
    EXPECT_ONLY(RSM_RULE_TIME_WINDOW, "by root");
    cr_assert(set_time_of("all", ZONE, "work"));
    cr_assert(write_sets(root, 0, 1, 80), "without the label: %s", world_words(w));
    struct rsm_label label = {text_bytes("work"), text_bytes("night")};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_zone_label(wire(ZONE), &label, 1, &body), RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ZONE_LABEL, body), "%s", world_words(w));
    cr_assert(!write_sets(root, 0, 1, 90));
    EXPECT_ONLY(RSM_RULE_TIME_WINDOW, "by root");
    cr_assert(!set_time("nobody", ZONE));
    EXPECT_ONLY(RSM_RULE_POLICY_BAD, "times");
}
