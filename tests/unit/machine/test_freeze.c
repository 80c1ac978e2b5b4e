/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_freeze.c - what each scope of a freeze stops, and that what was in flight is stopped too. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "src/machine/staged.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define OTHER "other."

static struct world *w;
static struct actor *root, *bob, *east, *west, *nowhere;

/* A role for both zones. */
static void make_role(void)
{
    struct rsm_grant grants[] = {{text_bytes("rrset.*"), wire(ZONE), {NULL, 0}, NULL, 0, 0},
                                 {text_bytes("rrset.*"), wire(OTHER), {NULL, 0}, NULL, 0, 0},
                                 {text_bytes("lease.*"), {NULL, 0}, {NULL, 0}, NULL, 0, 0}};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_role_set(text_bytes("r"), grants, 3, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ROLE_SET, body), "%s", world_words(w));
}

static void set_up(void)
{
    w = world_new();
    root = &w->actors[0];
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, NULL, 0)));
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(OTHER, 10, NULL, 0)));
    make_role();
    east = world_automaton(w, "east", "us-east-1a", "r");
    west = world_automaton(w, "west", "us-west-2b", "r");
    nowhere = world_automaton(w, "nowhere", "", "r");
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(freeze, .init = set_up, .fini = tear_down);

static bool put(struct actor *a, const char *zone, uint8_t n)
{
    char owner[64];
    snprintf(owner, sizeof owner, "%s-%u.%s", a->name, n, zone);
    struct rsm_change change = change_a(owner, n, 1);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(zone, &change, 1));
}

static bool lease(struct actor *a)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_lease_acquire(text_bytes(a->name), 1000, &body), RSM_OK);
    actor_see_all(a);
    w->now_ms += 2000; /* the one before has run out */
    return actor_do(a, RSM_KIND_LEASE_ACQUIRE, body);
}

static bool set(enum rsm_freeze_scope scope, struct rsm_bytes subject, bool everybody)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_set(text_bytes("f"), scope, subject, everybody, 0, &body), RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_FREEZE_SET, body);
}

static void clear(void)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_clear(text_bytes("f"), &body), RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_FREEZE_CLEAR, body), "%s", world_words(w));
}

/*
 * Each scope against each author: may it change ZONE, change OTHER, take a lease? "." yes, "F" no:
 * by this freeze, and by nothing else.
 */
Test(freeze, each_scope_stops_what_it_names)
{
    static const struct {
        enum rsm_freeze_scope scope;
        const char *subject;
        bool everybody;
        const char *east, *west, *nowhere, *bob;
    } rows[] = {
        {RSM_FREEZE_GLOBAL, "", false, "FFF", "FFF", "FFF", "..."},
        {RSM_FREEZE_GLOBAL, "", true, "FFF", "FFF", "FFF", "FFF"},
        {RSM_FREEZE_ZONE, ZONE, false, "F..", "F..", "F..", "..."},
        {RSM_FREEZE_ZONE, ZONE, true, "F..", "F..", "F..", "F.."},
        {RSM_FREEZE_AUTHOR, "east", false, "FFF", "...", "...", "..."},
        {RSM_FREEZE_AUTHOR, "bob", true, "...", "...", "...", "FFF"},
        {RSM_FREEZE_AZ, "us-east-1a", false, "FFF", "...", "FFF", "..."},
        {RSM_FREEZE_AZ, "eu-north-1", false, "...", "...", "FFF", "..."},
        {RSM_FREEZE_KIND, "rrset.change", false, "FF.", "FF.", "FF.", "..."},
        {RSM_FREEZE_KIND, "lease.*", false, "..F", "..F", "..F", "..."},
        {RSM_FREEZE_KIND, "lease.*", true, "..F", "..F", "..F", "..F"},
        {RSM_FREEZE_KIND, "*", false, "FFF", "FFF", "FFF", "..."},
    };
    for (uint8_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct actor *const actors[] = {east, west, nowhere, bob};
        const char *const wanted[] = {rows[i].east, rows[i].west, rows[i].nowhere, rows[i].bob};
        struct rsm_bytes subject =
            rows[i].scope == RSM_FREEZE_ZONE ? wire(ZONE) : text_bytes(rows[i].subject);
        cr_assert(set(rows[i].scope, subject, rows[i].everybody), "%s", world_words(w));
        for (size_t k = 0; k < 4; k++) {
            char got[4] = "...";
            for (size_t act = 0; act < 3; act++) {
                bool is_applied =
                    act == 2 ? lease(actors[k]) : put(actors[k], act == 0 ? ZONE : OTHER, i + 1);
                cr_assert(is_applied || world_refused_only(w, RSM_RULE_FROZEN), "%s",
                          world_words(w));
                got[act] = is_applied ? '.' : 'F';
            }
            cr_assert_str_eq(got, wanted[k], "row %u, %s", i, actors[k]->name);
        }
        clear();
    }
}

/* A freeze that would stop nothing is a mistake of whoever sets it, and says so. */
Test(freeze, what_is_not_there_is_not_frozen)
{
    static const struct {
        enum rsm_freeze_scope scope;
        const char *subject;
        bool everybody;
        enum rsm_rule rule;
        const char *words;
    } rows[] = {
        {RSM_FREEZE_AUTHOR, "mallory", false, RSM_RULE_PRINCIPAL_UNKNOWN, "mallory"},
        {RSM_FREEZE_AUTHOR, "bob", false, RSM_RULE_NO_CHANGE, "freeze everybody"},
        {RSM_FREEZE_KIND, "rrset.chnage", false, RSM_RULE_NO_CHANGE, "rrset.chnage"},
        {RSM_FREEZE_AZ, "us-east-1a", true, RSM_RULE_NO_CHANGE, "no availability zone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert(!set(rows[i].scope, text_bytes(rows[i].subject), rows[i].everybody));
        cr_assert(world_refused_only(w, rows[i].rule), "%s", world_words(w));
        cr_assert(strstr(world_evidence(w, rows[i].rule), rows[i].words) != NULL, "%s",
                  world_words(w));
    }
    cr_assert(!set(RSM_FREEZE_ZONE, wire("nowhere."), false));
    cr_assert(world_refused_only(w, RSM_RULE_ZONE_UNKNOWN), "%s", world_words(w));
}

static bool vote(struct actor *a, const uint8_t digest[HASH_SIZE])
{
    struct staged_record row;
    struct rsm_buffer body;
    cr_assert_eq(staged_load(w->kv, digest, &row), RSM_OK);
    cr_assert_eq(rsm_body_change_vote((struct rsm_bytes){digest, HASH_SIZE}, true, row.slot,
                                      (struct rsm_bytes){row.basis, HASH_SIZE}, &body),
                 RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_VOTE, body);
}

/*
 * An automaton's change is staged, has two of its three votes, and then comes the freeze: the last
 * vote refuses it. The same votes let a person's change through.
 */
Test(freeze, a_change_that_waits_does_not_go_live_inside_it)
{
    static const char *const names[] = {"replica:1", "replica:2", "replica:3"};
    struct actor *const authors[] = {east, bob};
    struct actor *replicas[3];
    for (uint8_t i = 0; i < 3; i++) {
        replicas[i] = world_actor(w, names[i]);
        memset(replicas[i]->key, 0, sizeof replicas[i]->key);
        replicas[i]->key[0] = (uint8_t)(101 + i);
    }
    for (size_t i = 0; i < 2; i++) {
        struct rsm_change change = change_a("www." ZONE, (uint8_t)(7 + i), 1);
        uint8_t digest[HASH_SIZE];
        actor_request(authors[i], RSM_CLASS_CRITICAL, ZONE, &change, digest);
        (void)vote(replicas[0], digest);
        (void)vote(replicas[1], digest);
        cr_assert(set(RSM_FREEZE_AZ, text_bytes("us-east-1a"), false), "%s", world_words(w));
        (void)vote(replicas[2], digest);
        struct staged_record row;
        cr_assert_eq(staged_load(w->kv, digest, &row), RSM_OK);
        cr_assert_eq(row.state, i == 0 ? CHANGE_REFUSED : CHANGE_LIVE);
        cr_assert_eq(world_count(w, ZONE, "www." ZONE, 1), i == 0 ? 0 : 1);
        clear();
    }
}
