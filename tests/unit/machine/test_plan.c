/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_plan.c - causal rule 4: publishing, executing and collecting plans. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."
#define PLAN "p"

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

TestSuite(plan, .init = set_up, .fini = tear_down);

/* A plan of "a." and "b."; each bit of `content` puts one of them in. */
static bool publish(uint64_t generation, uint64_t parent, unsigned content, bool complete)
{
    static const char *const names[2] = {"a.example.", "b.example."};
    struct rsm_rrset_id scope[2];
    struct rsm_change changes[2];
    struct rsm_buffer body;
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        scope[i] = (struct rsm_rrset_id){wire(names[i]), RR_TYPE_A};
        if ((content & (1u << i)) != 0)
            changes[count++] = change_a(names[i], (uint8_t)(10 * generation), 1);
    }
    struct rsm_plan plan = {.name = text_bytes(PLAN),
                            .generation = generation,
                            .parent = parent,
                            .zone = wire(ZONE),
                            .scope = scope,
                            .scope_count = 2,
                            .content = changes,
                            .content_count = count,
                            .complete = complete};
    cr_assert_eq(rsm_body_plan_publish(&plan, &body), RSM_OK);
    return actor_do(root, RSM_KIND_PLAN_PUBLISH, body);
}

static uint64_t lease(struct actor *a)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_lease_acquire(text_bytes("l"), 10000, &body), RSM_OK);
    actor_see_all(a);
    cr_assert(actor_do(a, RSM_KIND_LEASE_ACQUIRE, body), "%s", world_words(w));
    return w->slot;
}

static bool execute(struct actor *a, uint64_t generation, const char *owner, uint64_t token)
{
    struct rsm_rrset_id one = {.type = RR_TYPE_A};
    struct rsm_buffer body;
    if (owner != NULL)
        one.owner = wire(owner);
    cr_assert_eq(rsm_body_plan_execute(text_bytes(PLAN), generation, &one, owner != NULL ? 1 : 0,
                                       text_bytes("l"), token, &body),
                 RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_PLAN_EXECUTE, body);
}

static bool collect(uint64_t below)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_plan_collect(text_bytes(PLAN), below, &body), RSM_OK);
    return actor_do(root, RSM_KIND_PLAN_COLLECT, body);
}

Test(plan, generations_go_up_and_name_their_parent)
{
    cr_assert(publish(3, 0, 3, true), "%s", world_words(w));
    cr_assert(!publish(3, 3, 3, true));
    EXPECT(RSM_RULE_STALE_PLAN, "but 3 was published before");
    cr_assert(!publish(2, 3, 3, true));
    EXPECT(RSM_RULE_STALE_PLAN, "generation 2 of plan p");
    cr_assert(!publish(4, 2, 3, true));
    EXPECT(RSM_RULE_PLAN_PARENT, "names parent 2, the highest before it is 3");
    cr_assert(publish(7, 3, 3, true));
    struct query_generations q = {.plan = bytes_of_string(PLAN)};
    cr_assert_eq(query_generation_next(w->kv, &q), RSM_OK);
    cr_assert_eq(q.record.status, GENERATION_SUPERSEDED);
    cr_assert_eq(query_generation_next(w->kv, &q), RSM_OK);
    cr_assert_eq(q.generation, 7);
    cr_assert_eq(q.record.status, GENERATION_PUBLISHED);
    cr_assert_eq(query_generation_next(w->kv, &q), RSM_NOT_FOUND);
}

Test(plan, scope_and_completeness)
{
    struct rsm_rrset_id scope[2] = {{wire("a.example."), RR_TYPE_A}, {wire("x.other."), RR_TYPE_A}};
    struct rsm_change content[2] = {change_a("b.example.", 1, 1), change_a("a.example.", 0, 0)};
    struct rsm_plan plan = {.name = text_bytes(PLAN),
                            .generation = 1,
                            .zone = wire(ZONE),
                            .scope = scope,
                            .scope_count = 2,
                            .content = content,
                            .content_count = 2};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_plan_publish(&plan, &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PLAN_PUBLISH, body));
    EXPECT(RSM_RULE_PLAN_SCOPE, "b.example. A is not in the declared scope");
    EXPECT(RSM_RULE_PLAN_INCOMPLETE, "a.example. A would be deleted");
    EXPECT(RSM_RULE_OUT_OF_ZONE, "x.other.");
}

/* A complete plan deletes what it does not name; an incomplete one leaves it. */
Test(plan, absence_is_not_deletion)
{
    cr_assert(publish(1, 0, 3, true));
    uint64_t token = lease(root);
    cr_assert(execute(root, 1, NULL, token), "%s", world_words(w));
    cr_assert(publish(2, 1, 1, false));
    cr_assert(execute(root, 2, NULL, token), "%s", world_words(w));
    cr_assert_eq(world_address(w, ZONE, "a.example.", QUERY_NOW), 20);
    cr_assert_eq(world_address(w, ZONE, "b.example.", QUERY_NOW), 10);
    cr_assert(publish(3, 2, 1, true));
    cr_assert(execute(root, 3, NULL, token), "%s", world_words(w));
    cr_assert_eq(world_count(w, ZONE, "b.example.", RR_TYPE_A), 0);
}

Test(plan, only_the_newest_is_executed)
{
    cr_assert(publish(1, 0, 3, true));
    cr_assert(publish(2, 1, 3, true));
    uint64_t token = lease(root);
    cr_assert(!execute(root, 1, NULL, token));
    EXPECT(RSM_RULE_STALE_PLAN, "was superseded, the newest is 2");
    cr_assert(!execute(root, 5, NULL, token));
    EXPECT(RSM_RULE_PLAN_UNKNOWN, "no generation 5");
    cr_assert(!execute(root, 2, "c.example.", token));
    EXPECT(RSM_RULE_PLAN_SCOPE, "c.example. A is not in the scope");
    cr_assert(execute(root, 2, "a.example.", token), "%s", world_words(w));
    cr_assert(!execute(root, 2, "a.example.", token));
    EXPECT(RSM_RULE_NO_CHANGE, "so already");
    cr_assert_eq(world_count(w, ZONE, "b.example.", RR_TYPE_A), 0);
}

/* The lease has to run, the token to be the newest, the holder to be who asks. */
Test(plan, leases_fence)
{
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "enactor");
    cr_assert(publish(1, 0, 3, true));
    cr_assert(!execute(bob, 1, NULL, 1));
    EXPECT(RSM_RULE_LEASE_TOKEN, "nobody ever acquired it");
    uint64_t token = lease(bob);
    cr_assert(!execute(root, 1, NULL, token));
    EXPECT(RSM_RULE_LEASE_TOKEN, "of root, but the newest is");
    cr_assert(!execute(bob, 1, NULL, token - 1));
    EXPECT(RSM_RULE_LEASE_TOKEN, "of bob");
    w->now_ms += 10000;
    cr_assert(!execute(bob, 1, NULL, token));
    EXPECT(RSM_RULE_LEASE_EXPIRED, "ended at log time");
    uint64_t newer = lease(root);
    cr_assert_gt(newer, token);
    cr_assert(execute(root, 1, NULL, newer), "%s", world_words(w));
    cr_assert(!execute(bob, 1, NULL, token));
    EXPECT(RSM_RULE_LEASE_TOKEN, "was written under token");
}

/* What somebody else wrote has to be seen; then a plan goes over it. */
Test(plan, content_of_others_must_be_seen)
{
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    struct rsm_rrset_id one = {wire("a.example."), RR_TYPE_A};
    struct rsm_change change = change_a("a.example.", 99, 1);
    struct rsm_buffer body;
    cr_assert(publish(1, 0, 3, true));
    uint64_t token = lease(root);
    actor_see_all(bob);
    cr_assert(actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert_eq(rsm_body_plan_execute(text_bytes(PLAN), 1, &one, 1, text_bytes("l"), token, &body),
                 RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_PLAN_EXECUTE, body));
    EXPECT(RSM_RULE_STALE, "last written by bob");
    cr_assert(execute(root, 1, "a.example.", token), "%s", world_words(w));
    cr_assert_eq(world_address(w, ZONE, "a.example.", QUERY_NOW), 10);
}

/* Live and newest generations are pinned, however old; the rest goes, and its hash stays. */
Test(plan, collection_by_reachability)
{
    cr_assert(publish(1, 0, 3, true));
    uint64_t token = lease(root);
    cr_assert(execute(root, 1, NULL, token));
    cr_assert(publish(2, 1, 3, true));
    cr_assert(publish(3, 2, 3, true));
    cr_assert(execute(root, 3, "a.example.", token));
    cr_assert(!collect(3));
    EXPECT(RSM_RULE_PLAN_PINNED, "generation 1 of plan p is live: rrset b.example. A");
    cr_assert(!collect(9));
    EXPECT(RSM_RULE_PLAN_PINNED, "generation 3 of plan p is live");
    cr_assert(execute(root, 3, "b.example.", token), "%s", world_words(w));
    cr_assert(collect(3), "%s", world_words(w));
    struct generation_record record;
    cr_assert_eq(generation_load(w->kv, bytes_of_string(PLAN), 1, &record), RSM_OK);
    cr_assert_eq(record.status, GENERATION_COLLECTED);
    cr_assert_eq(record.content.size, 1);
    cr_assert(!collect(3));
    EXPECT(RSM_RULE_NO_CHANGE, "no content below");
    cr_assert(!execute(root, 1, NULL, token));
    EXPECT(RSM_RULE_PLAN_UNKNOWN, "was collected");
    EXPECT(RSM_RULE_STALE_PLAN, "3 was executed before");
}

/* Under the looser policy a superseded generation may go out, never one older than what did. */
Test(plan, superseded_by_policy)
{
    static const uint8_t map[] = "\x81\xafplan_superseded\x01";
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map, sizeof map - 1}, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
    cr_assert(publish(1, 0, 3, true));
    cr_assert(publish(2, 1, 3, true));
    cr_assert(publish(3, 2, 3, true));
    uint64_t token = lease(root);
    cr_assert(execute(root, 2, "a.example.", token), "%s", world_words(w));
    cr_assert(!execute(root, 1, "b.example.", token));
    EXPECT(RSM_RULE_STALE_PLAN, "but 2 was executed before");
}
