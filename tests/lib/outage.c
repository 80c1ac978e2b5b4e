/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outage.c - the scenario's steps (see outage.h).
 *
 *     0   zone with endpoints E1..E4, plan generation 1 live everywhere
 *     1   generation 2; enactor A takes it under lease token t1 and applies E1
 *     2   A stops; its lease runs out by log time
 *     3   generations 3 to 12
 *     4   enactor B takes 12 under t2 and walks E1, E2, E4
 *     5   B cleans up plans below 9, while E3 still has generation 1
 *     4e  B reaches E3
 *     6   A wakes and writes generation 2 to E3: 6a the same bytes; 6b signed again with fresh
 *         clocks; 6c with a new lease as well; 6d at a replica that lags; 6e under its old token
 *         with the newest generation; 6f without plans, an old change of E3 by hand
 *         6a and 6b are refused by token and by generation, either would do; in 6c the generation
 * alone stands against A, in 6e the token alone 7   the clean-up reaches 2; somebody empties E3 8
 * generation 13 over what was emptied and edited by hand 9   throughout: E3 is never empty, and
 * never older than what was applied to it
 */
#include "tests/lib/outage.h"

#include <stdarg.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "cloud.example."
#define PLAN "endpoints"
#define LEASE "walk/endpoints"
#define ENDPOINTS 4u

static const char *const endpoints[ENDPOINTS] = {"e1.cloud.example.", "e2.cloud.example.",
                                                 "e3.cloud.example.", "e4.cloud.example."};

struct outage {
    FILE *out;
    struct world *w;
    struct actor *root, *planner, *a, *b, *hand;
    uint64_t published; /* highest generation */
    uint64_t token_a, token_b;
    uint64_t slot_lagging;     /* what a lagging replica has applied */
    struct blob *in_flight;    /* A's command for E3, built in step 1 */
    struct blob *hand_written; /* an old change of E3 without a plan */
    uint8_t e3_floor;          /* the generation that E3 has at least */
    const char *step;
    const char *broken;
};

static void say(struct outage *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct outage *o, const char *format, ...)
{
    if (o->out == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)fprintf(o->out, "%-3s ", o->step);
    (void)vfprintf(o->out, format, arguments);
    (void)fputc('\n', o->out);
    va_end(arguments);
}

static void expect(struct outage *o, bool is_so, const char *what)
{
    if (is_so || o->broken != NULL)
        return;
    o->broken = o->step;
    say(o, "BROKEN: %s", what);
}

/* Addresses say which generation they are of: 192.0.2.(4 g) and the next. */
static uint8_t generation_at(struct outage *o, size_t endpoint)
{
    return world_address(o->w, ZONE, endpoints[endpoint], QUERY_NOW) / 4;
}

/* Step 9, after every command. */
static void probe(struct outage *o)
{
    uint8_t now = generation_at(o, 2);
    expect(o, now != 0, "E3 is empty");
    expect(o, now >= o->e3_floor, "E3 has older content than it had");
    if (now > o->e3_floor)
        o->e3_floor = now;
}

static void report(struct outage *o, const char *what)
{
    say(o, "%s -> %s", what, world_words(o->w));
    probe(o);
}

static bool try(struct outage *o, struct actor *who, enum rsm_kind kind, struct rsm_buffer body,
                const char *what)
{
    bool is_applied = actor_do(who, kind, body);
    report(o, what);
    return is_applied;
}

static void must(struct outage *o, struct actor *who, enum rsm_kind kind, struct rsm_buffer body,
                 const char *what)
{
    expect(o, try(o, who, kind, body, what), "a command was refused that must be applied");
}

/* ---- bodies ---- */

static struct rsm_buffer publish_body(uint64_t generation, uint64_t parent)
{
    struct rsm_change content[ENDPOINTS];
    struct rsm_rrset_id scope[ENDPOINTS];
    struct rsm_buffer body;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        content[i] = change_a(endpoints[i], (uint8_t)(4 * generation), 2);
        scope[i] = (struct rsm_rrset_id){content[i].owner, RR_TYPE_A};
    }
    struct rsm_plan plan = {.name = text_bytes(PLAN),
                            .generation = generation,
                            .parent = parent,
                            .zone = wire(ZONE),
                            .scope = scope,
                            .scope_count = ENDPOINTS,
                            .content = content,
                            .content_count = ENDPOINTS,
                            .complete = true};
    CHECK(rsm_body_plan_publish(&plan, &body) == RSM_OK);
    return body;
}

/* `endpoint` ENDPOINTS: all of them. */
static struct rsm_buffer execute_body(uint64_t generation, size_t endpoint, uint64_t token)
{
    struct rsm_rrset_id one = {.type = RR_TYPE_A};
    struct rsm_buffer body;
    if (endpoint < ENDPOINTS)
        one.owner = wire(endpoints[endpoint]);
    CHECK(rsm_body_plan_execute(text_bytes(PLAN), generation, &one, endpoint < ENDPOINTS ? 1 : 0,
                                text_bytes(LEASE), token, &body) == RSM_OK);
    return body;
}

static struct rsm_buffer collect_body(uint64_t below)
{
    struct rsm_buffer body;
    CHECK(rsm_body_plan_collect(text_bytes(PLAN), below, &body) == RSM_OK);
    return body;
}

static struct rsm_buffer change_body(size_t endpoint, uint8_t first, size_t count)
{
    struct rsm_change change = change_a(endpoints[endpoint], first, count);
    return body_change(ZONE, &change, 1);
}

static void publish(struct outage *o)
{
    o->published++;
    actor_see_all(o->planner);
    must(o, o->planner, RSM_KIND_PLAN_PUBLISH, publish_body(o->published, o->published - 1),
         "planner publishes");
}

static uint64_t acquire(struct outage *o, struct actor *who, const char *what)
{
    struct rsm_buffer body;
    CHECK(rsm_body_lease_acquire(text_bytes(LEASE), 10000, &body) == RSM_OK);
    actor_see_all(who);
    must(o, who, RSM_KIND_LEASE_ACQUIRE, body, what);
    return o->w->slot;
}

/* ---- who is there ---- */

static void add_role(struct outage *o, const char *role, const char *const verbs[3], bool is_lease)
{
    struct rsm_grant grants[4];
    struct rsm_buffer body;
    size_t count = 0;
    for (; count < 3 && verbs[count] != NULL; count++)
        grants[count] = (struct rsm_grant){.verb = text_bytes(verbs[count]), .zone = wire(ZONE)};
    if (is_lease)
        grants[count++] = (struct rsm_grant){.verb = text_bytes("lease.*")};
    CHECK(rsm_body_role_set(text_bytes(role), grants, count, &body) == RSM_OK);
    actor_see_all(o->root);
    CHECK(actor_do(o->root, RSM_KIND_ROLE_SET, body));
}

static void protect_e3(struct outage *o)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 1024);
    pack_map(&map, 1);
    pack_text(&map, "protected");
    pack_array(&map, 1);
    pack_array(&map, 4);
    pack_bin(&map, wire_bytes(ZONE));
    pack_bin(&map, wire_bytes(endpoints[2]));
    pack_uint(&map, RR_TYPE_A);
    pack_uint(&map, 1);
    CHECK(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body) == RSM_OK);
    writer_deinit(&map);
    CHECK(actor_do(o->root, RSM_KIND_POLICY_SET, body));
}

static void people(struct outage *o)
{
    add_role(o, "plans", (const char *const[3]){"plan.publish"}, false);
    add_role(o, "walks", (const char *const[3]){"plan.execute", "plan.collect"}, true);
    add_role(o, "hands", (const char *const[3]){"rrset.change"}, false);
    o->planner = world_principal(o->w, "planner", RSM_PRINCIPAL_AUTOMATON, "plans");
    o->a = world_principal(o->w, "enactor-a", RSM_PRINCIPAL_AUTOMATON, "walks");
    o->b = world_principal(o->w, "enactor-b", RSM_PRINCIPAL_AUTOMATON, "walks");
    o->hand = world_principal(o->w, "hand", RSM_PRINCIPAL_AUTOMATON, "hands");
    protect_e3(o);
}

/* The zone was made by hand; its endpoints are the plan's from here on. */
static void hand_over(struct outage *o)
{
    struct rsm_rrset_id scope[ENDPOINTS];
    struct rsm_buffer body;
    for (size_t i = 0; i < ENDPOINTS; i++)
        scope[i] = (struct rsm_rrset_id){wire(endpoints[i]), RR_TYPE_A};
    CHECK(rsm_body_rrset_takeover(wire(ZONE), text_bytes("root"), text_bytes("plan:" PLAN), scope,
                                  ENDPOINTS, &body) == RSM_OK);
    actor_see_all(o->root);
    must(o, o->root, RSM_KIND_RRSET_TAKEOVER, body, "root hands the endpoints over to the plan");
}

/* ---- steps ---- */

static void steps_0_to_3(struct outage *o)
{
    o->step = "0";
    o->root = &o->w->actors[0];
    struct rsm_change more[ENDPOINTS];
    for (size_t i = 0; i < ENDPOINTS; i++)
        more[i] = change_a(endpoints[i], 4, 1);
    CHECK(actor_do(o->root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, more, ENDPOINTS)));
    people(o);
    publish(o);
    hand_over(o);
    uint64_t token = acquire(o, o->b, "B takes the lease");
    must(o, o->b, RSM_KIND_PLAN_EXECUTE, execute_body(1, ENDPOINTS, token), "B executes 1");
    o->w->now_ms += 20000;
    o->step = "1";
    publish(o);
    o->token_a = acquire(o, o->a, "A takes the lease");
    actor_see_all(o->a);
    must(o, o->a, RSM_KIND_PLAN_EXECUTE, execute_body(2, 0, o->token_a), "A executes 2 on E1");
    struct rsm_buffer body = execute_body(2, 2, o->token_a);
    o->in_flight = actor_envelope(o->a, RSM_KIND_PLAN_EXECUTE, &body);
    actor_see_all(o->hand);
    body = change_body(2, 8, 2);
    o->hand_written = actor_envelope(o->hand, RSM_KIND_RRSET_CHANGE, &body);
    o->slot_lagging = o->w->slot;
    o->step = "2";
    o->w->now_ms += 20000;
    say(o, "A stops; its lease runs out");
    o->step = "3";
    while (o->published < 12)
        publish(o);
}

static void steps_4_and_5(struct outage *o)
{
    static const size_t walk[] = {0, 1, 3};
    o->step = "4";
    o->token_b = acquire(o, o->b, "B takes the lease");
    expect(o, o->token_b > o->token_a, "B's token is not above A's");
    actor_see_all(o->b);
    for (size_t i = 0; i < 3; i++)
        must(o, o->b, RSM_KIND_PLAN_EXECUTE, execute_body(12, walk[i], o->token_b),
             "B executes 12 on E1, E2, E4");
    o->step = "5";
    bool is_applied = try(o, o->b, RSM_KIND_PLAN_COLLECT, collect_body(9), "B cleans up below 9");
    expect(o, !is_applied && world_refused(o->w, RSM_RULE_PLAN_PINNED),
           "the plan that E3 lives from was collected");
    o->step = "4e";
    must(o, o->b, RSM_KIND_PLAN_EXECUTE, execute_body(12, 2, o->token_b), "B executes 12 on E3");
}

static void refused_as(struct outage *o, bool is_applied, enum rsm_rule rule, const char *what)
{
    expect(o, !is_applied, what);
    expect(o, world_refused(o->w, rule), "refused, but not for the reason that it should be");
}

/* A replica that has not heard of anything since step 1 would let A in; the others do not. */
static void step_6d(struct outage *o)
{
    o->step = "6d";
    struct world *lagging = world_empty_copy(o->w);
    for (uint64_t i = 0; i < o->slot_lagging; i++)
        (void)world_apply_value(lagging, blob_bytes(o->w->log[i]), true);
    lagging->now_ms = WORLD_START_MS + 20000;
    enum machine_judgement there = world_judge(lagging, o->in_flight, NULL);
    say(o, "a lagging replica would accept it: %s", there == MACHINE_ACCEPT ? "yes" : "no");
    expect(o, there == MACHINE_ACCEPT, "the lagging replica refused: the step proves nothing");
    for (uint64_t i = o->slot_lagging; i < o->w->slot; i++)
        (void)world_apply_value(lagging, blob_bytes(o->w->log[i]), true);
    expect(o, world_judge(lagging, o->in_flight, NULL) != MACHINE_ACCEPT,
           "it would still accept it when it has caught up");
    world_free(lagging);
}

static void step_6(struct outage *o)
{
    struct rsm_buffer body;
    o->step = "6a";
    bool is_applied = world_apply(o->w, o->in_flight);
    report(o, "A wakes: 2 on E3, the bytes of step 1");
    expect(o, !is_applied, "the old plan was applied");
    is_applied = world_apply(o->w, o->in_flight);
    report(o, "the same bytes again");
    expect(o, !is_applied && o->w->last.duplicate_count == 1, "a second verdict for one command");
    o->step = "6b";
    actor_see_all(o->a);
    is_applied = try(o, o->a, RSM_KIND_PLAN_EXECUTE, execute_body(2, 2, o->token_a),
                     "A refreshes its clocks and signs 2 on E3 again");
    expect(o, !is_applied, "the old plan was applied");
    o->step = "6e";
    actor_see_all(o->a);
    is_applied = try(o, o->a, RSM_KIND_PLAN_EXECUTE, execute_body(12, 3, o->token_a),
                     "A executes 12 on E4 under its old token");
    refused_as(o, is_applied, RSM_RULE_LEASE_TOKEN, "two enactors walk at once");
    o->step = "6f";
    is_applied = world_apply(o->w, o->hand_written);
    report(o, "an old change of E3 without a plan");
    refused_as(o, is_applied, RSM_RULE_STALE, "the old change was applied");
    o->step = "6c";
    CHECK(rsm_body_lease_release(text_bytes(LEASE), o->token_b, &body) == RSM_OK);
    actor_see_all(o->b);
    must(o, o->b, RSM_KIND_LEASE_RELEASE, body, "B has walked and gives the lease back");
    uint64_t token = acquire(o, o->a, "A takes a new lease");
    actor_see_all(o->a);
    is_applied = try(o, o->a, RSM_KIND_PLAN_EXECUTE, execute_body(2, 2, token),
                     "A signs 2 on E3 under the new lease");
    refused_as(o, is_applied, RSM_RULE_STALE_PLAN, "the old plan was applied");
    expect(o, world_refused_only(o->w, RSM_RULE_STALE_PLAN), "something else was in its way");
    o->w->now_ms += 20000;
}

static void step_7(struct outage *o)
{
    o->step = "7";
    actor_see_all(o->b);
    must(o, o->b, RSM_KIND_PLAN_COLLECT, collect_body(9), "the clean-up reaches 2");
    actor_see_all(o->root);
    bool is_applied =
        try(o, o->root, RSM_KIND_RRSET_CHANGE, change_body(2, 0, 0), "somebody empties E3");
    refused_as(o, is_applied, RSM_RULE_ENDPOINT_EMPTY, "E3 was emptied");
}

static void step_8(struct outage *o)
{
    o->step = "8";
    must(o, o->root, RSM_KIND_RRSET_CHANGE, change_body(1, 250, 1), "E2 is edited by hand");
    must(o, o->root, RSM_KIND_RRSET_CHANGE, change_body(3, 0, 0), "E4 is emptied by hand");
    publish(o);
    uint64_t token = acquire(o, o->b, "B takes the lease");
    actor_see_all(o->b);
    must(o, o->b, RSM_KIND_PLAN_EXECUTE, execute_body(13, ENDPOINTS, token), "B executes 13");
    for (size_t i = 0; i < ENDPOINTS; i++)
        expect(o, generation_at(o, i) == 13, "an endpoint does not have generation 13");
}

/* The log, applied again to nothing: the same verdicts and the same state. */
static void replay(struct outage *o)
{
    uint8_t here[HASH_SIZE], there[HASH_SIZE];
    o->step = "10";
    struct world *again = world_empty_copy(o->w);
    for (uint64_t i = 0; i < o->w->slot; i++)
        (void)world_apply_value(again, blob_bytes(o->w->log[i]), true);
    world_hash(o->w->kv, here);
    world_hash(again->kv, there);
    expect(o, memcmp(here, there, sizeof here) == 0, "the log's replay has another state");
    say(o, "replayed: %llu slots, serial %u", (unsigned long long)o->w->slot,
        world_serial(again, ZONE));
    world_free(again);
}

const char *outage_run(FILE *out)
{
    static void (*const steps[])(struct outage *) = {steps_0_to_3, steps_4_and_5, step_6d, step_6,
                                                     step_7,       step_8,        replay};
    struct outage o = {.out = out, .w = world_new()};
    for (size_t i = 0; i < sizeof steps / sizeof *steps && o.broken == NULL; i++)
        steps[i](&o);
    blob_unref(o.in_flight);
    blob_unref(o.hand_written);
    world_free(o.w);
    return o.broken;
}
