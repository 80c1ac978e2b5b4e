/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_step.c - the six steps of a human override: their order, what they hold back, their end. */
#include <criterion/criterion.h>

#include <string.h>

#include <rsm/change.h>

#include "src/machine/procedure.h"
#include "src/machine/recording.h"
#include "src/machine/staged.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define OWNER "mail.example."
#define FREEZE "automation"

static struct world *w;
static struct actor *root, *bob, *carol, *dave, *replicas[4], *effects;
static uint8_t digest[HASH_SIZE];
static const uint8_t report[HASH_SIZE] = {1};

static void set_up(void)
{
    struct rsm_change more[] = {change_a(OWNER, 3, 1)};
    w = world_new();
    root = &w->actors[0];
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    carol = world_principal(w, "carol", RSM_PRINCIPAL_PERSON, "approver");
    dave = world_principal(w, "dave", RSM_PRINCIPAL_PERSON, "approver");
    for (uint32_t id = 1; id <= 3; id++) {
        static const char *const names[] = {"", "replica:1", "replica:2", "replica:3"};
        replicas[id] = world_actor(w, names[id]);
        memset(replicas[id]->key, 0, sizeof replicas[id]->key);
        replicas[id]->key[0] = (uint8_t)(100 + id);
    }
    effects = world_actor(w, "effect:bob");
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 1)));
    world_policy(w, "second_factor", 0);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(step, .init = set_up, .fini = tear_down);

static bool step(struct actor *a, enum rsm_step which, bool is_skipped, const uint8_t *evidence)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_override_step(
                     text_bytes(FREEZE), which, is_skipped,
                     (struct rsm_bytes){evidence, evidence != NULL ? HASH_SIZE : 0}, &body),
                 RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_OVERRIDE_STEP, body);
}

static bool freeze(bool is_set)
{
    struct rsm_buffer body;
    actor_see_all(bob);
    if (!is_set) {
        cr_assert_eq(rsm_body_freeze_clear(text_bytes(FREEZE), &body), RSM_OK);
        return actor_do(bob, RSM_KIND_FREEZE_CLEAR, body);
    }
    cr_assert_eq(
        rsm_body_freeze_set(text_bytes(FREEZE), RSM_FREEZE_GLOBAL, text_bytes(""), false, 0, &body),
        RSM_OK);
    return actor_do(bob, RSM_KIND_FREEZE_SET, body);
}

static void request(uint8_t n)
{
    struct rsm_change c = change_a(OWNER, n, 1);
    actor_request(bob, RSM_CLASS_EMERGENCY, ZONE, &c, digest);
}

static bool approve(struct actor *a)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_change_approve((struct rsm_bytes){digest, HASH_SIZE}, NULL, &body),
                 RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_APPROVE, body);
}

static bool apply(void)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_change_apply((struct rsm_bytes){digest, HASH_SIZE}, NULL, 0, &body),
                 RSM_OK);
    return actor_do(bob, RSM_KIND_CHANGE_APPLY, body);
}

static void vote_all(void)
{
    for (uint32_t id = 1; id <= 3; id++) {
        struct staged_record row;
        struct rsm_buffer body;
        cr_assert_eq(staged_load(w->kv, digest, &row), RSM_OK);
        cr_assert_eq(rsm_body_change_vote((struct rsm_bytes){digest, HASH_SIZE}, true, row.slot,
                                          (struct rsm_bytes){row.basis, HASH_SIZE}, &body),
                     RSM_OK);
        (void)actor_do(replicas[id], RSM_KIND_CHANGE_VOTE, body);
    }
    effects->counter++;
    w->lamport++;
}

static enum rsm_step next_step(void)
{
    struct procedure_record p;
    cr_assert_eq(procedure_load(w->kv, bytes_of_string(FREEZE), &p), RSM_OK);
    return p.next;
}

static bool is_open(void)
{
    struct key place = {.size = 0};
    struct procedure_record p;
    return procedure_next(w->kv, &place, &p) == RSM_OK;
}

#define EXPECT(part)                                                                               \
    do {                                                                                           \
        cr_assert(world_refused(w, RSM_RULE_OVERRIDE_STEP), "%s", world_words(w));                 \
        cr_assert(strstr(world_words(w), (part)) != NULL, "%s", world_words(w));                   \
    } while (0)

Test(step, all_six)
{
    cr_assert(!step(bob, RSM_STEP_FREEZE, false, NULL));
    cr_assert(world_refused(w, RSM_RULE_FREEZE_UNKNOWN), "%s", world_words(w));
    cr_assert(freeze(true), "%s", world_words(w));
    cr_assert(step(bob, RSM_STEP_FREEZE, false, NULL), "%s", world_words(w));
    cr_assert(!step(bob, RSM_STEP_FREEZE, false, NULL));
    EXPECT("is open already");
    cr_assert(step(bob, RSM_STEP_ASSESS, false, report), "%s", world_words(w));
    request(9);
    cr_assert(step(bob, RSM_STEP_PLAN, false, digest), "%s", world_words(w));
    cr_assert(!step(bob, RSM_STEP_EXECUTE, false, digest));
    EXPECT("is staged, not live");
    cr_assert(approve(carol) && approve(dave) && apply(), "%s", world_words(w));
    vote_all();
    cr_assert(step(bob, RSM_STEP_EXECUTE, false, digest), "%s", world_words(w));
    cr_assert(!freeze(false));
    EXPECT("not lifted before validate");
    cr_assert(step(bob, RSM_STEP_VALIDATE, false, report), "%s", world_words(w));
    cr_assert(!step(bob, RSM_STEP_RESUME, false, report));
    EXPECT("automation resume");
    cr_assert(is_open());
    cr_assert(freeze(false), "%s", world_words(w));
    cr_assert(!is_open());
    cr_assert(freeze(true));
    cr_assert(step(bob, RSM_STEP_FREEZE, false, NULL), "another one: %s", world_words(w));
    cr_assert_eq(next_step(), RSM_STEP_ASSESS);
}

static bool freeze_as(enum rsm_freeze_scope scope, const char *subject, bool everybody,
                      uint64_t until_ms)
{
    struct rsm_buffer body;
    actor_see_all(bob);
    cr_assert_eq(rsm_body_freeze_set(text_bytes(FREEZE), scope, text_bytes(subject), everybody,
                                     until_ms, &body),
                 RSM_OK);
    return actor_do(bob, RSM_KIND_FREEZE_SET, body);
}

/* Said again, the freeze of an open override stops no less, and has no end. */
Test(step, the_freeze_stays_what_it_is)
{
    static const uint8_t zone[] = "\7example";
    uint64_t later = w->now_ms + 60000;
    struct rsm_buffer body;
    cr_assert(freeze_as(RSM_FREEZE_GLOBAL, "", false, later), "%s", world_words(w));
    cr_assert(!step(bob, RSM_STEP_FREEZE, false, NULL), "it would be over before validate");
    EXPECT("ends by itself");
    cr_assert(freeze(true), "%s", world_words(w));
    cr_assert(step(bob, RSM_STEP_FREEZE, false, NULL), "%s", world_words(w));
    cr_assert(!freeze_as(RSM_FREEZE_GLOBAL, "", false, later));
    EXPECT("without an end");
    cr_assert(!freeze_as(RSM_FREEZE_KIND, "automaton", false, 0));
    EXPECT("same scope");
    actor_see_all(bob);
    cr_assert_eq(rsm_body_freeze_set(text_bytes(FREEZE), RSM_FREEZE_ZONE,
                                     rsm_bytes_make(zone, sizeof zone), false, 0, &body),
                 RSM_OK);
    cr_assert(!actor_do(bob, RSM_KIND_FREEZE_SET, body));
    EXPECT("same scope");
    cr_assert(freeze_as(RSM_FREEZE_GLOBAL, "", true, 0), "it may stop more: %s", world_words(w));
    cr_assert(!freeze_as(RSM_FREEZE_GLOBAL, "", false, 0));
    EXPECT("everybody");
    cr_assert(is_open());
}

/* Every step at every place: only the next one goes. */
Test(step, no_other_order)
{
    cr_assert(freeze(true) && step(bob, RSM_STEP_FREEZE, false, NULL));
    for (enum rsm_step at = RSM_STEP_ASSESS; at <= RSM_STEP_VALIDATE; at = next_step()) {
        for (enum rsm_step which = RSM_STEP_ASSESS; which <= RSM_STEP_RESUME; which++) {
            if (which == at)
                continue;
            cr_assert(!step(bob, which, false, report), "%s at %s", rsm_step_text(which),
                      rsm_step_text(at));
            cr_assert(!step(bob, which, true, NULL));
            EXPECT("the next step of");
        }
        cr_assert(!freeze(false));
        EXPECT("comes first");
        if (at == RSM_STEP_VALIDATE)
            break;
        cr_assert(step(bob, at, true, NULL), "%s", world_words(w));
    }
    cr_assert(!step(bob, RSM_STEP_VALIDATE, true, NULL));
    EXPECT("never skipped");
    cr_assert(!step(bob, RSM_STEP_VALIDATE, false, NULL));
    EXPECT("the hash of a report is wanted");
    cr_assert(step(bob, RSM_STEP_VALIDATE, false, report));
    cr_assert(freeze(false));
}

/* What is applied under an open procedure is what was planned in it. */
Test(step, what_is_executed_was_planned)
{
    uint8_t early[HASH_SIZE], planned[HASH_SIZE];
    request(9);
    memcpy(early, digest, HASH_SIZE);
    cr_assert(freeze(true) && step(bob, RSM_STEP_FREEZE, false, NULL));
    request(10);
    memcpy(planned, digest, HASH_SIZE);
    cr_assert(approve(carol) && approve(dave));
    cr_assert(!apply());
    EXPECT("assess comes first");
    cr_assert(step(bob, RSM_STEP_ASSESS, false, report));
    cr_assert(!step(bob, RSM_STEP_PLAN, false, early));
    EXPECT("before this began");
    cr_assert(!step(bob, RSM_STEP_PLAN, false, report));
    EXPECT("the digest of an emergency is wanted");
    cr_assert(!apply());
    EXPECT("plan comes first");
    cr_assert(step(bob, RSM_STEP_PLAN, false, planned), "%s", world_words(w));
    request(11);
    cr_assert(approve(carol) && approve(dave) && apply());
    vote_all();
    cr_assert(!step(bob, RSM_STEP_EXECUTE, false, digest));
    EXPECT("not the emergency that was planned");
    cr_assert(!step(carol, RSM_STEP_EXECUTE, false, planned));
    cr_assert(world_refused(w, RSM_RULE_RIGHTS));
}

/* ---- recordings ---- */

static bool chunk(struct actor *a, uint8_t session, uint64_t index, uint32_t state)
{
    uint8_t name[16] = {session}, hash[32] = {(uint8_t)index, 7};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_override_record(name, index, hash, state, &body), RSM_OK);
    return actor_do(a, RSM_KIND_OVERRIDE_RECORD, body);
}

/* Chunk by chunk, by one author, until it ends; the chain binds them all. */
Test(step, recordings)
{
    struct recording_record r;
    uint8_t name[16] = {1}, chain[HASH_SIZE] = {0};
    struct actor *erin = world_principal(w, "erin", RSM_PRINCIPAL_PERSON, "operator");
    cr_assert(!chunk(carol, 1, 0, 1));
    cr_assert(world_refused(w, RSM_RULE_RIGHTS));
    cr_assert(!chunk(bob, 1, 1, 1), "begins with chunk 0");
    cr_assert(world_refused(w, RSM_RULE_RECORDING), "%s", world_words(w));
    cr_assert(chunk(bob, 1, 0, 1) && chunk(bob, 1, 1, 1), "%s", world_words(w));
    cr_assert(!chunk(bob, 1, 1, 1) && !chunk(bob, 1, 3, 1));
    cr_assert(!chunk(erin, 1, 2, 1), "somebody else's");
    cr_assert(world_refused(w, RSM_RULE_RECORDING), "%s", world_words(w));
    cr_assert(chunk(bob, 2, 0, 3) && !chunk(bob, 2, 1, 1), "it failed: that is its end");
    cr_assert(chunk(bob, 1, 2, 2) && !chunk(bob, 1, 3, 1));
    cr_assert_eq(recording_load(w->kv, bytes_make(name, 16), &r), RSM_OK);
    cr_assert(r.state == RECORDING_ENDED && r.chunks == 3);
    for (uint8_t i = 0; i < 3; i++)
        recording_link(chain, (const uint8_t[32]){i, 7});
    cr_assert_arr_eq(chain, r.chain, HASH_SIZE);
}
