/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_override.c - emergencies from the request over the approvals to the votes: who, when, once.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/check.h"
#include "src/command/body.h"
#include "src/command/pack.h"
#include "src/machine/staged.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."
#define OWNER "mail.example."
#define REQUEST_MS 7200000u
#define TOKEN_MS 900000u /* 15 minutes */
#define VOTES_MS 60000u

static struct world *w;
static struct actor *root, *bob, *carol, *dave, *erin, *replicas[4], *effects;
static uint8_t digest[HASH_SIZE];

static void set_up(void)
{
    struct rsm_change more[] = {change_a(OWNER, 3, 1)};
    w = world_new();
    root = &w->actors[0];
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    carol = world_principal(w, "carol", RSM_PRINCIPAL_PERSON, "approver");
    dave = world_principal(w, "dave", RSM_PRINCIPAL_PERSON, "approver");
    world_role(w, "security", "change.approve", NULL);
    erin = world_principal(w, "erin", RSM_PRINCIPAL_PERSON, "security");
    for (uint32_t id = 1; id <= 3; id++) {
        static const char *const names[] = {"", "replica:1", "replica:2", "replica:3"};
        replicas[id] = world_actor(w, names[id]);
        memset(replicas[id]->key, 0, sizeof replicas[id]->key);
        replicas[id]->key[0] = (uint8_t)(100 + id);
    }
    effects = world_actor(w, "effect:bob");
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 1)));
    world_policy(w, "second_factor", 0);
    actor_see_all(bob);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(override, .init = set_up, .fini = tear_down);

/* ---- doing ---- */

static struct rsm_bytes the_change(void)
{
    return (struct rsm_bytes){digest, sizeof digest};
}

static void request(struct actor *a, uint8_t n)
{
    struct rsm_change c = change_a(OWNER, n, 1);
    actor_request(a, RSM_CLASS_EMERGENCY, ZONE, &c, digest);
}

static bool approve(struct actor *a)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_change_approve(the_change(), NULL, &body), RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_APPROVE, body);
}

static bool apply_named(struct actor *a, const char *first, const char *second)
{
    struct rsm_bytes names[] = {text_bytes(first != NULL ? first : ""),
                                text_bytes(second != NULL ? second : "")};
    struct rsm_buffer body;
    size_t count = (first != NULL) + (size_t)(second != NULL);
    cr_assert_eq(rsm_body_change_apply(the_change(), names, count, &body), RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_APPLY, body);
}

static bool apply(struct actor *a)
{
    return apply_named(a, NULL, NULL);
}

static struct staged_record row(void)
{
    struct staged_record out;
    cr_assert_eq(staged_load(w->kv, digest, &out), RSM_OK);
    return out;
}

static bool vote(uint32_t id)
{
    struct staged_record r = row();
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_change_vote(the_change(), true, r.slot,
                                      (struct rsm_bytes){r.basis, HASH_SIZE}, &body),
                 RSM_OK);
    return actor_do(replicas[id], RSM_KIND_CHANGE_VOTE, body) || w->verdict.kind == VERDICT_APPLIED;
}

static bool vote_all(void)
{
    return vote(1) && vote(2) && vote(3);
}

static void effect_is_known(void)
{
    effects->counter++;
    w->lamport++;
}

static void expect(enum change_state state)
{
    cr_assert_eq(row().state, state, "%s, not %s: %s", change_state_text(row().state),
                 change_state_text(state), world_words(w));
}

/* Several of one rule: any of them. */
#define EXPECT_WORDS(rule, part)                                                                   \
    cr_assert(world_refused(w, (rule)) && strstr(world_words(w), (part)) != NULL, "%s",            \
              world_words(w))

static void set_groups(const char *first, uint64_t least_first, const char *second,
                       uint64_t least_second)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 4096);
    pack_map(&map, 1);
    pack_text(&map, "approval_groups");
    pack_array(&map, 2);
    pack_array(&map, 2);
    pack_text(&map, first);
    pack_uint(&map, least_first);
    pack_array(&map, 2);
    pack_text(&map, second);
    pack_uint(&map, least_second);
    struct rsm_bytes bytes = {map.data, map.size};
    cr_assert_eq(rsm_body_policy_set(bytes, &body), RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    (void)actor_do(root, RSM_KIND_POLICY_SET, body);
}

/* ---- the token ---- */

/* It begins at the last approval that is needed, however long the request waited, and is log time.
 */
Test(override, fourteen_fifty_nine_and_fifteen)
{
    static const struct {
        uint64_t after_ms;
        bool works;
    } cases[] = {{0, true}, {TOKEN_MS - 1, true}, {TOKEN_MS, false}, {TOKEN_MS + 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        request(bob, (uint8_t)(10 + i));
        world_tick(w, REQUEST_MS - 2);
        cr_assert(approve(carol), "%s", world_words(w));
        world_tick(w, 1);
        cr_assert(approve(dave), "%s", world_words(w));
        cr_assert_eq(row().deadline_ms, w->now_ms + TOKEN_MS);
        w->now_ms += cases[i].after_ms;
        cr_assert_eq(apply(bob), cases[i].works, "%zu: %s", i, world_words(w));
        if (!cases[i].works) {
            EXPECT(RSM_RULE_OVERRIDE_TOKEN, "good until");
            world_tick(w, 0);
            expect(CHANGE_EXPIRED);
            cr_assert(!apply(bob));
            EXPECT(RSM_RULE_CHANGE_SETTLED, "expired since slot");
            continue;
        }
        cr_assert_eq(row().deadline_ms, w->now_ms + VOTES_MS, "the votes have a time of their own");
        cr_assert(vote_all(), "%s", world_words(w));
        expect(CHANGE_LIVE);
        effect_is_known();
    }
}

/* A leader whose clock is behind gives no time back: log time does not fall. */
Test(override, a_clock_that_jumps_back)
{
    request(bob, 20);
    cr_assert(approve(carol) && approve(dave));
    uint64_t end = row().deadline_ms;
    world_tick(w, TOKEN_MS - 1);
    w->now_ms -= TOKEN_MS; /* another leads, an hour behind */
    cr_assert(apply(bob), "%s", world_words(w));
    expect(CHANGE_STAGED);
    cr_assert_eq(row().voting_ms, end - 1);
    cr_assert(vote_all());
    expect(CHANGE_LIVE);
    effect_is_known();
    w->now_ms = end;
    request(bob, 21);
    cr_assert(approve(carol) && approve(dave));
    world_tick(w, TOKEN_MS);
    w->now_ms -= TOKEN_MS;
    cr_assert(!apply(bob));
    expect(CHANGE_EXPIRED);
}

Test(override, the_request_has_its_own_life)
{
    request(bob, 30);
    cr_assert(approve(carol));
    world_tick(w, REQUEST_MS);
    expect(CHANGE_EXPIRED);
    cr_assert(!approve(dave));
    EXPECT(RSM_RULE_CHANGE_SETTLED, "is expired since slot");
}

Test(override, works_once)
{
    request(bob, 40);
    cr_assert(approve(carol) && approve(dave) && apply(bob));
    uint64_t deadline = row().deadline_ms;
    world_tick(w, 1000);
    cr_assert(!apply(bob));
    EXPECT(RSM_RULE_OVERRIDE_TOKEN, "approvals are used once");
    cr_assert_eq(row().deadline_ms, deadline);
    world_tick(w, VOTES_MS);
    expect(CHANGE_EXPIRED);
    cr_assert(!apply(bob), "what expired is over");
}

/* ---- who ---- */

Test(override, who_applies)
{
    request(bob, 50);
    cr_assert(!apply(bob));
    EXPECT(RSM_RULE_APPROVER, "0 of 2 persons");
    cr_assert(approve(carol));
    cr_assert(!apply(bob));
    EXPECT(RSM_RULE_APPROVER, "1 of 2 persons");
    cr_assert(approve(dave));
    cr_assert(!apply(carol));
    EXPECT(RSM_RULE_RIGHTS, "change.apply");
    cr_assert(!apply_named(bob, "carol", "erin"));
    EXPECT(RSM_RULE_APPROVER, "erin has not approved it");
    cr_assert(apply_named(bob, "dave", "carol"), "%s", world_words(w));
}

static void remake(struct actor *a, const char *person, const char *role)
{
    struct rsm_bytes key = {a->key, sizeof a->key}, roles = text_bytes(role);
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_principal_set(text_bytes(a->name), RSM_PRINCIPAL_PERSON,
                                        text_bytes(person), rsm_text(""), &key, 1, &roles, 1, NULL,
                                        &body),
                 RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_SET, body), "%s", world_words(w));
}

/* An approval counts as long as whoever gave it could give it. */
Test(override, approvals_that_lapse)
{
    struct rsm_bytes key = {dave->key, sizeof dave->key};
    struct rsm_buffer body;
    request(bob, 60);
    cr_assert(approve(carol) && approve(dave));
    remake(carol, "carol", "reader");
    cr_assert(!apply(bob));
    EXPECT_WORDS(RSM_RULE_APPROVER, "carol has no right to approve any more");
    remake(carol, "somebody else", "approver");
    cr_assert(!apply(bob));
    EXPECT_WORDS(RSM_RULE_APPROVER, "carol is not that person any more");
    remake(carol, "carol", "approver");
    cr_assert_eq(rsm_body_principal_key_revoke(text_bytes("dave"), key, &body), RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_KEY_REVOKE, body), "%s", world_words(w));
    cr_assert(!apply(bob));
    EXPECT_WORDS(RSM_RULE_APPROVER, "dave has lost the key");
    expect(CHANGE_STAGED);
}

/*
 * Who stands in for an approver that lapsed may: the others' approvals stay, and the quarter of an
 * hour is counted from the last one that is needed, which is the new one.
 */
Test(override, an_approver_who_lapsed_is_replaced)
{
    request(bob, 61);
    cr_assert(approve(carol) && approve(dave));
    cr_assert(!approve(erin));
    EXPECT(RSM_RULE_NO_CHANGE, "it has its approvals");
    world_tick(w, TOKEN_MS - 1);
    remake(dave, "dave", "reader");
    cr_assert(!apply(bob));
    cr_assert(!approve(bob), "the author does not");
    cr_assert(approve(erin), "%s", world_words(w));
    cr_assert_eq(row().approved_ms, w->now_ms);
    cr_assert_eq(row().deadline_ms, w->now_ms + TOKEN_MS);
    cr_assert(apply(bob), "%s", world_words(w));
    remake(carol, "carol", "reader");
    cr_assert(!approve(erin), "what was applied is with the replicas");
    EXPECT(RSM_RULE_NO_CHANGE, "it has its approvals");
    cr_assert(vote_all());
    expect(CHANGE_LIVE);
}

/* One new approval that is not enough gives no time: the token ends when it would have. */
Test(override, replacing_one_of_two_that_lapsed_gives_no_time)
{
    request(bob, 62);
    cr_assert(approve(carol) && approve(dave));
    uint64_t deadline = row().deadline_ms;
    remake(dave, "dave", "reader");
    remake(carol, "carol", "reader");
    world_tick(w, TOKEN_MS - 1);
    cr_assert(approve(erin));
    cr_assert_eq(row().deadline_ms, deadline);
    world_tick(w, 1);
    expect(CHANGE_EXPIRED);
}

/* Whose approval does not count any more approves anew, as the person that the log knows now. */
Test(override, who_lapsed_approves_again)
{
    request(bob, 63);
    cr_assert(approve(carol));
    cr_assert(!approve(carol));
    EXPECT(RSM_RULE_APPROVER, "has approved it already");
    struct actor *second = world_principal(w, "carol2", RSM_PRINCIPAL_PERSON, "approver");
    remake(second, "carol", "approver");
    cr_assert(!approve(second));
    EXPECT(RSM_RULE_APPROVER, "has approved it already");
    remake(carol, "carol", "reader");
    cr_assert(approve(second), "%s", world_words(w));
    remake(carol, "carol", "approver");
    cr_assert(!approve(carol), "one person, once");
    EXPECT(RSM_RULE_APPROVER, "has approved it already");
    cr_assert(!apply(bob));
    EXPECT(RSM_RULE_APPROVER, "1 of 2 persons");
    cr_assert(approve(dave) && apply(bob), "%s", world_words(w));
}

/* Groups are all of them, and a person counts in each of them. */
Test(override, groups)
{
    set_groups("approver", 1, "security", 1);
    cr_assert_eq(w->verdict.kind, VERDICT_APPLIED, "%s", world_words(w));
    request(bob, 70);
    cr_assert(approve(carol) && approve(dave));
    cr_assert_eq(row().approved_ms, 0, "nobody of security");
    cr_assert(!apply(bob));
    EXPECT(RSM_RULE_APPROVER, "0 of 1 with the role security");
    world_tick(w, 5000);
    cr_assert(approve(erin));
    cr_assert_eq(row().approved_ms, w->now_ms);
    cr_assert(apply(bob) && vote_all());
    expect(CHANGE_LIVE);
}

Test(override, groups_and_numbers_within_bounds)
{
    set_groups("approver", 0, "security", 1);
    EXPECT(RSM_RULE_POLICY_BAD, "approval_groups");
    set_groups("approver", 1, "", 1);
    EXPECT(RSM_RULE_POLICY_BAD, "approval_groups");
    world_policy(w, "approvals", 3);
    request(bob, 80);
    cr_assert(approve(carol) && approve(dave) && !apply(bob));
    EXPECT(RSM_RULE_APPROVER, "2 of 3 persons");
    cr_assert(approve(erin) && apply(bob));
}

/* All that is against it is told in one answer; an override takes away what it names. */
Test(override, all_blocking_rules_at_once)
{
    struct rsm_bytes rules[] = {text_bytes("endpoint-empty"), text_bytes("frozen")};
    struct rsm_change c = {.owner = wire(OWNER), .type = 1, .ttl = 0};
    struct rsm_buffer body, inner;
    struct writer map;
    writer_init(&map, 4096);
    pack_map(&map, 1);
    pack_text(&map, "protected");
    pack_array(&map, 1);
    pack_array(&map, 4);
    pack_bin(&map, wire_bytes(ZONE));
    pack_bin(&map, wire_bytes(OWNER));
    pack_uint(&map, 1);
    pack_uint(&map, 1);
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body), RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
    cr_assert_eq(rsm_body_freeze_set(text_bytes("f"), RSM_FREEZE_ZONE, wire(ZONE), true, 0, &body),
                 RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_FREEZE_SET, body), "%s", world_words(w));
    for (size_t count = 0; count <= 2; count++) {
        inner = body_change(ZONE, &c, 1);
        cr_assert_eq(rsm_body_change_request(RSM_CLASS_EMERGENCY, rules, count, "rrset.change",
                                             (struct rsm_bytes){inner.data, inner.size}, &body),
                     RSM_OK);
        rsm_buffer_free(&inner);
        actor_see_all(bob);
        cr_assert(!actor_do(bob, RSM_KIND_CHANGE_REQUEST, body));
        cr_assert_eq(world_refused(w, RSM_RULE_ENDPOINT_EMPTY), count < 1, "%s", world_words(w));
        cr_assert_eq(world_refused(w, RSM_RULE_FROZEN), count < 2, "%s", world_words(w));
    }
    cr_assert_eq(w->verdict.kind, VERDICT_STAGED, "%s", world_words(w));
}
