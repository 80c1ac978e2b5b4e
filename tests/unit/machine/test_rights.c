/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_rights.c - keys over time, patterns in grants, what automata need, budgets in log time. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "src/machine/budget.h"
#include "src/machine/pattern.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."
#define HOUR_MS 3600000u

static struct world *w;
static struct actor *root, *bob;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2)};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 1)));
    bob = world_principal(w, "bob@company.com", RSM_PRINCIPAL_PERSON, "operator");
    actor_see_all(bob);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(rights, .init = set_up, .fini = tear_down);

static struct rsm_buffer body_key(bool is_add, const char *name, const uint8_t *key)
{
    struct rsm_buffer body;
    struct rsm_bytes bytes = {key, RSM_PUBLIC_KEY_SIZE};
    cr_assert((is_add ? rsm_body_principal_key_add(text_bytes(name), bytes, &body)
                      : rsm_body_principal_key_revoke(text_bytes(name), bytes, &body)) == RSM_OK);
    return body;
}

static bool do_key(bool is_add, const char *name, const uint8_t *key)
{
    actor_see_all(root);
    return actor_do(root, is_add ? RSM_KIND_PRINCIPAL_KEY_ADD : RSM_KIND_PRINCIPAL_KEY_REVOKE,
                    body_key(is_add, name, key));
}

static bool write_address(struct actor *a, const char *owner, uint8_t n)
{
    struct rsm_change change = change_a(owner, n, 1);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1));
}

/* ---- keys ---- */

/* Rotation: both keys are good between the add and the revocation, then only the new one. */
Test(rights, keys_rotate)
{
    uint8_t old[RSM_PUBLIC_KEY_SIZE], new[RSM_PUBLIC_KEY_SIZE];
    memcpy(old, bob->key, sizeof old);
    memset(new, 77, sizeof new);
    memcpy(bob->key, new, sizeof new);
    cr_assert(!write_address(bob, "www.example.", 5));
    EXPECT(RSM_RULE_KEY_INVALID, "is not one of bob@company.com");
    cr_assert(do_key(true, "bob@company.com", new), "%s", world_words(w));
    cr_assert(write_address(bob, "www.example.", 6), "%s", world_words(w));
    memcpy(bob->key, old, sizeof old);
    cr_assert(write_address(bob, "www.example.", 7), "%s", world_words(w));
    cr_assert(do_key(false, "bob@company.com", old));
    uint64_t slot = w->slot;
    char words[64];
    cr_assert(!write_address(bob, "www.example.", 8));
    snprintf(words, sizeof words, "revoked in slot %d, this is slot %d", (int)slot, (int)slot + 1);
    EXPECT(RSM_RULE_KEY_REVOKED, words);
    memcpy(bob->key, new, sizeof new);
    cr_assert(write_address(bob, "www.example.", 9), "%s", world_words(w));
}

/* What was signed and handed in before the revocation, but has a later slot, is refused. */
Test(rights, a_revocation_overtakes_what_is_in_flight)
{
    uint8_t old[RSM_PUBLIC_KEY_SIZE];
    struct rsm_change change = change_a("www.example.", 5, 1);
    struct rsm_buffer body = body_change(ZONE, &change, 1);
    memcpy(old, bob->key, sizeof old);
    struct blob *in_flight = actor_envelope(bob, RSM_KIND_RRSET_CHANGE, &body);
    cr_assert_eq(world_judge(w, in_flight, NULL), MACHINE_ACCEPT);
    cr_assert(do_key(false, "bob@company.com", old));
    cr_assert_eq(world_judge(w, in_flight, NULL), MACHINE_REFUSE);
    cr_assert(!world_apply(w, in_flight));
    EXPECT(RSM_RULE_KEY_REVOKED, "bob@company.com");
    blob_unref(in_flight);
}

/* A revoked key is nobody's again: not by add, not in a whole principal, not under another name. */
Test(rights, a_revoked_key_never_comes_back)
{
    uint8_t old[RSM_PUBLIC_KEY_SIZE], new[RSM_PUBLIC_KEY_SIZE];
    struct rsm_bytes bytes = {old, sizeof old};
    struct rsm_bytes role = text_bytes("operator");
    struct rsm_buffer body;
    memcpy(old, bob->key, sizeof old);
    memset(new, 77, sizeof new);
    cr_assert(do_key(true, "bob@company.com", new));
    cr_assert(do_key(false, "bob@company.com", old));
    cr_assert(!do_key(true, "bob@company.com", old));
    EXPECT(RSM_RULE_KEY_REVOKED, "was bob@company.com's");
    cr_assert(!do_key(true, "root", old));
    EXPECT(RSM_RULE_KEY_REVOKED, "was bob@company.com's");
    cr_assert_eq(rsm_body_principal_set(text_bytes("eve"), RSM_PRINCIPAL_PERSON, text_bytes("Eve"),
                                        rsm_text(""), &bytes, 1, &role, 1, NULL, &body),
                 RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_SET, body));
    EXPECT(RSM_RULE_KEY_REVOKED, "was bob@company.com's");
}

static bool do_person(const char *name, const char *person, const struct rsm_bytes *keys,
                      uint32_t count)
{
    struct rsm_bytes role = text_bytes("operator");
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_principal_set(text_bytes(name), RSM_PRINCIPAL_PERSON, text_bytes(person),
                                        rsm_text(""), keys, count, &role, 1, NULL, &body),
                 RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_PRINCIPAL_SET, body);
}

/*
 * A key is one principal's: who holds it would else be two persons who approve, and have two
 * budgets. It is free when its principal leaves it out or is deleted; revoked, it is nobody's.
 */
Test(rights, a_key_is_one_principals)
{
    uint8_t bobs[RSM_PUBLIC_KEY_SIZE], mine[RSM_PUBLIC_KEY_SIZE], other[RSM_PUBLIC_KEY_SIZE];
    struct rsm_bytes keys[] = {{mine, sizeof mine}, {bobs, sizeof bobs}};
    memcpy(bobs, bob->key, sizeof bobs);
    memset(mine, 77, sizeof mine);
    memset(other, 78, sizeof other);
    /* At once, the second of two; also when both names are one person's. */
    cr_assert(!do_person("eve", "Eve", keys, 2));
    EXPECT(RSM_RULE_KEY_TAKEN, "is bob@company.com's");
    cr_assert(!do_person("bob2", "Bob", keys, 2));
    EXPECT(RSM_RULE_KEY_TAKEN, "is bob@company.com's");
    /* By rotation, and to whoever is there already. */
    cr_assert(do_person("eve", "Eve", keys, 1), "%s", world_words(w));
    cr_assert(!do_key(true, "eve", bobs));
    EXPECT(RSM_RULE_KEY_TAKEN, "is bob@company.com's");
    cr_assert(!do_key(true, "root", mine));
    EXPECT(RSM_RULE_KEY_TAKEN, "is eve's");
    cr_assert(!do_person("eve", "Eve", keys, 2));
    EXPECT(RSM_RULE_KEY_TAKEN, "is bob@company.com's");
    /* Its own keys a principal may name again. */
    cr_assert(do_person("eve", "Eve of Web", keys, 1), "%s", world_words(w));
    /* Left out, it is free. */
    keys[1] = (struct rsm_bytes){other, sizeof other};
    cr_assert(do_person("eve", "Eve", keys + 1, 1), "%s", world_words(w));
    cr_assert(do_key(true, "bob@company.com", mine), "%s", world_words(w));
    /* A principal that is deleted has none. */
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_principal_delete(text_bytes("eve"), &body), RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_DELETE, body), "%s", world_words(w));
    cr_assert(do_key(true, "bob@company.com", other), "%s", world_words(w));
    /* Of a revoked one the revocation alone is said. */
    cr_assert(do_key(false, "bob@company.com", other));
    cr_assert(!do_key(true, "root", other));
    EXPECT(RSM_RULE_KEY_REVOKED, "was bob@company.com's");
    cr_assert(!world_refused(w, RSM_RULE_KEY_TAKEN), "%s", world_words(w));
}

Test(rights, keys_that_cannot_change)
{
    uint8_t key[RSM_PUBLIC_KEY_SIZE];
    memset(key, 77, sizeof key);
    cr_assert(!do_key(false, "bob@company.com", key));
    EXPECT(RSM_RULE_NO_CHANGE, "has the key not");
    cr_assert(!do_key(true, "bob@company.com", bob->key));
    EXPECT(RSM_RULE_NO_CHANGE, "has the key already");
    cr_assert(!do_key(true, "nobody", key));
    EXPECT(RSM_RULE_PRINCIPAL_UNKNOWN, "nobody");
    cr_assert(!do_key(false, "root", root->key));
    EXPECT(RSM_RULE_LAST_ADMINISTRATOR, "no person");
    actor_see_all(bob);
    cr_assert(!actor_do(bob, RSM_KIND_PRINCIPAL_KEY_ADD, body_key(true, "bob@company.com", key)));
    EXPECT(RSM_RULE_RIGHTS, "principal.key-add");
    for (uint8_t i = 1; i < LIMIT_KEYS_PER_PRINCIPAL; i++) {
        key[0] = i;
        cr_assert(do_key(true, "bob@company.com", key), "%s", world_words(w));
    }
    key[0] = 99;
    cr_assert(!do_key(true, "bob@company.com", key));
    EXPECT(RSM_RULE_QUOTA, "has 16 keys");
}

/* ---- patterns ---- */

Test(rights, patterns_of_names)
{
    static const struct {
        const char *pattern, *owner;
        bool is_covered;
    } rows[] = {
        {"example.", "example.", true},
        {"example.", "a.b.example.", true},
        {"example.", "xexample.", false},
        {"*.example.", "example.", false},
        {"*.example.", "a.example.", true},
        {"*.example.", "a.b.example.", true},
        {"*.example.", "*.example.", true},
        {"web-*.example.", "web-1.example.", true},
        {"web-*.example.", "web-.example.", true},
        {"web-*.example.", "web.example.", false},
        {"web-*.example.", "x.web-1.example.", true},
        {"web-*.example.", "web-1.b.example.", false},
        {"*-a-*b.example.", "x-a-a-zb.example.", true},
        {"*-a-*b.example.", "x-a-a-zc.example.", false},
        {"www.*.example.", "www.de.example.", true},
        {"www.*.example.", "www.example.", false},
        {"**.example.", "a.example.", true},
        {".", "a.example.", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(pattern_covers(wire_bytes(rows[i].pattern), wire_bytes(rows[i].owner)),
                     rows[i].is_covered, "%s %s", rows[i].pattern, rows[i].owner);
    cr_assert(pattern_covers(bytes_make(NULL, 0), wire_bytes("a.example.")));
}

Test(rights, a_grant_has_a_pattern)
{
    struct rsm_grant grant = {
        .verb = text_bytes("rrset.change"), .zone = wire(ZONE), .suffix = wire("web-*.example.")};
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert_eq(rsm_body_role_set(text_bytes("web"), &grant, 1, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ROLE_SET, body));
    struct actor *web = world_principal(w, "web", RSM_PRINCIPAL_AUTOMATON, "web");
    actor_see_all(web);
    cr_assert(write_address(web, "web-1.example.", 5), "%s", world_words(w));
    cr_assert(!write_address(web, "www.example.", 5));
    EXPECT(RSM_RULE_RIGHTS, "www.example. A");
}

/* ---- what an automaton needs ---- */

Test(rights, no_automaton_has_all_verbs)
{
    struct rsm_bytes key = {bob->key, sizeof bob->key};
    struct rsm_bytes role = text_bytes("all");
    const struct rsm_budget budget[RSM_BUDGETS] = {{9, 9}, {9, 9}, {0, 0}, {0, 0}};
    struct rsm_buffer body;
    world_role(w, "all", "*", ZONE);
    cr_assert_eq(rsm_body_principal_set(text_bytes("bot"), RSM_PRINCIPAL_AUTOMATON, text_bytes(""),
                                        rsm_text(""), &key, 1, &role, 1, budget, &body),
                 RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_SET, body));
    EXPECT(RSM_RULE_AUTOMATON_SCOPE, "or all verbs");
    /* Nor when its role gets them later. */
    world_role(w, "all", "rrset.*", ZONE);
    struct actor *bot = world_principal(w, "bot", RSM_PRINCIPAL_AUTOMATON, "all");
    world_role(w, "all", "*", ZONE);
    actor_see_all(bot);
    cr_assert(!write_address(bot, "www.example.", 5));
    EXPECT(RSM_RULE_AUTOMATON_SCOPE, "names the zone and its verbs");
}

Test(rights, an_automaton_has_a_budget)
{
    static const struct rsm_budget budgets[][RSM_BUDGETS] = {
        {{0, 0}, {0, 0}, {0, 0}, {0, 0}},
        {{9, 9}, {0, 0}, {9, 9}, {9, 9}},
        {{0, 0}, {9, 9}, {9, 9}, {9, 9}},
        {{9, 9}, {9, 9}, {0, 0}, {0, 0}},
    };
    uint8_t own[RSM_PUBLIC_KEY_SIZE];
    memset(own, 77, sizeof own);
    struct rsm_bytes key = {own, sizeof own};
    struct rsm_bytes role = text_bytes("r");
    struct rsm_buffer body;
    world_role(w, "r", "rrset.*", ZONE);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(rsm_body_principal_set(text_bytes("bot"), RSM_PRINCIPAL_AUTOMATON,
                                            text_bytes(""), rsm_text(""), &key, 1, &role, 1,
                                            budgets[i], &body),
                     RSM_OK);
        cr_assert_eq(actor_do(root, RSM_KIND_PRINCIPAL_SET, body), i == 3, "%s", world_words(w));
        if (i < 3)
            EXPECT(RSM_RULE_AUTOMATON_BUDGET, "automaton bot");
    }
}

/* ---- budgets ---- */

Test(rights, buckets)
{
    static const struct {
        uint64_t burst, per_hour, level, elapsed_ms, expected;
    } rows[] = {
        {10, 10, 0, 0, 0},
        {10, 10, 0, 1, 10},
        {10, 10, 0, HOUR_MS - 1, 10u * (HOUR_MS - 1)},
        {10, 10, 0, HOUR_MS, UINT64_C(10) * HOUR_MS},
        {10, 10, 0, UINT64_MAX / 2, UINT64_C(10) * HOUR_MS},
        {10, 1, 5, 7, 12},
        {10, 10, UINT64_MAX, 0, UINT64_C(10) * HOUR_MS},
        {LIMIT_BUDGET, LIMIT_BUDGET, 1, UINT64_MAX / 2, LIMIT_BUDGET * HOUR_MS},
        {LIMIT_BUDGET, LIMIT_BUDGET, 1, 2, 1 + 2 * LIMIT_BUDGET},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rsm_budget budget = {rows[i].burst, rows[i].per_hour};
        cr_assert_eq(budget_level(&budget, rows[i].level, 1000, 1000 + rows[i].elapsed_ms),
                     rows[i].expected, "row %zu", i);
    }
    struct rsm_budget budget = {10, 3};
    cr_assert_eq(budget_level(&budget, 5, 1000, 10), 5); /* log time does not fall, but if it did */
    cr_assert_eq(budget_wait_ms(&budget, 0, 11), BUDGET_NEVER);
    cr_assert_eq(budget_wait_ms(&budget, HOUR_MS, 1), 0);
    cr_assert_eq(budget_wait_ms(&budget, HOUR_MS - 1, 1), 1);
    cr_assert_eq(budget_wait_ms(&budget, HOUR_MS - 4, 1), 2);
    cr_assert_eq(budget_wait_ms(&budget, 0, 10), 10u * HOUR_MS / 3);
}

static struct actor *with_budget(struct rsm_budget commands, struct rsm_budget changes,
                                 struct rsm_budget records, struct rsm_budget bytes)
{
    const struct rsm_budget budget[RSM_BUDGETS] = {commands, changes, records, bytes};
    struct actor *bot = world_actor(w, "bot");
    struct rsm_bytes key = {bot->key, sizeof bot->key};
    struct rsm_bytes role = text_bytes("r");
    struct rsm_buffer body;
    world_role(w, "r", "rrset.*", ZONE);
    cr_assert_eq(rsm_body_principal_set(text_bytes("bot"), RSM_PRINCIPAL_AUTOMATON, text_bytes(""),
                                        rsm_text(""), &key, 1, &role, 1, budget, &body),
                 RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_SET, body), "%s", world_words(w));
    actor_see_all(bot);
    return bot;
}

/* The evidence has the wait, to the millisecond: one before it is too early, then it is time. */
Test(rights, a_budget_says_how_long_to_wait)
{
    struct actor *bot = with_budget((struct rsm_budget){2, 60}, (struct rsm_budget){100, 100},
                                    (struct rsm_budget){0, 0}, (struct rsm_budget){0, 0});
    cr_assert(write_address(bot, "a.example.", 1), "%s", world_words(w));
    cr_assert(write_address(bot, "a.example.", 2), "%s", world_words(w));
    cr_assert(!write_address(bot, "a.example.", 3));
    cr_assert(world_refused_only(w, RSM_RULE_BUDGET));
    EXPECT(RSM_RULE_BUDGET, "needs 1 commands, has 0 of 2, gets 60 an hour; wait 60000 ms");
    w->now_ms += 59999;
    cr_assert(!write_address(bot, "a.example.", 3));
    EXPECT(RSM_RULE_BUDGET, "wait 1 ms");
    w->now_ms += 1;
    cr_assert(write_address(bot, "a.example.", 3), "%s", world_words(w));
    cr_assert(!write_address(bot, "a.example.", 4));
    EXPECT(RSM_RULE_BUDGET, "wait 60000 ms");
}

/* What is refused, for whatever reason, costs nothing. */
Test(rights, a_refused_command_costs_nothing)
{
    struct actor *bot = with_budget((struct rsm_budget){1, 1}, (struct rsm_budget){1, 1},
                                    (struct rsm_budget){0, 0}, (struct rsm_budget){0, 0});
    struct rsm_change gone = change_a("none.example.", 0, 0);
    for (int i = 0; i < 3; i++) {
        cr_assert(!actor_do(bot, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &gone, 1)));
        cr_assert(world_refused_only(w, RSM_RULE_RRSET_UNKNOWN), "%s", world_words(w));
    }
    cr_assert(write_address(bot, "a.example.", 1), "%s", world_words(w));
}

/* Each of the four is looked at, and all that fail are named. */
Test(rights, four_budgets)
{
    struct rsm_change changes[] = {change_a("a.example.", 1, 3), change_a("b.example.", 1, 3),
                                   change_a("c.example.", 1, 3)};
    struct actor *bot = with_budget((struct rsm_budget){9, 9}, (struct rsm_budget){2, 2},
                                    (struct rsm_budget){8, 8}, (struct rsm_budget){100, 100});
    cr_assert(!actor_do(bot, RSM_KIND_RRSET_CHANGE, body_change(ZONE, changes, 3)));
    cr_assert(strstr(world_words(w), "3 changes at once, its budget holds at most 2") != NULL);
    cr_assert_eq(world_reason_count(w), 3);
    cr_assert(strstr(world_words(w), "9 records at once") != NULL, "%s", world_words(w));
    cr_assert(strstr(world_words(w), "bytes at once") != NULL, "%s", world_words(w));
}
