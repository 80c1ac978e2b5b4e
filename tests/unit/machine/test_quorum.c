/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_quorum.c - changes that wait: classes, votes, deadlines, approvals, their states. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/check.h"
#include "src/command/body.h"
#include "src/command/pack.h"
#include "src/machine/settle.h"
#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."
#define DEADLINE_MS 60000u

static struct world *w;
static struct actor *root, *bob, *carol, *dave, *replicas[4], *effects;
static uint8_t digest[HASH_SIZE]; /* of the change in hand */

static struct actor *replica(uint32_t id, const char *name)
{
    struct actor *a = world_actor(w, name);
    memset(a->key, 0, sizeof a->key);
    a->key[0] = (uint8_t)(100 + id);
    return a;
}

/* One item of "classes", and numbers. */
static void set_policy(const char *class, const char *suffix, uint64_t zones_least)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 4096);
    pack_map(&map, 2);
    pack_text(&map, "classes");
    pack_array(&map, 1);
    pack_map(&map, 3);
    pack_text(&map, "class");
    pack_text(&map, class);
    pack_text(&map, "suffix");
    pack_bin(&map, wire_bytes(suffix));
    pack_text(&map, "zone");
    pack_bin(&map, wire_bytes(ZONE));
    pack_text(&map, "vote_zones_least");
    pack_uint(&map, zones_least);
    struct rsm_bytes bytes = {map.data, map.size};
    cr_assert_eq(rsm_body_policy_set(bytes, &body), RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
}

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("mail.example.", 3, 1)};
    w = world_new();
    root = &w->actors[0];
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    carol = world_principal(w, "carol", RSM_PRINCIPAL_PERSON, "approver");
    dave = world_principal(w, "dave", RSM_PRINCIPAL_PERSON, "approver");
    replicas[1] = replica(1, "replica:1");
    replicas[2] = replica(2, "replica:2");
    replicas[3] = replica(3, "replica:3");
    effects = world_actor(w, "effect:bob");
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 2)));
    set_policy("critical", "www.example.", 0);
    world_policy(w, "second_factor", 0);
    actor_see_all(bob);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(quorum, .init = set_up, .fini = tear_down);

/* ---- doing ---- */

static bool change(struct actor *a, const char *owner, uint8_t n)
{
    struct rsm_change c = change_a(owner, n, 1);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &c, 1));
}

static bool request(struct actor *a, enum rsm_class class, const char *override, const char *owner,
                    uint8_t n)
{
    struct rsm_change c = change_a(owner, n, n > 0 ? 1 : 0);
    struct rsm_buffer inner = body_change(ZONE, &c, 1), body;
    struct rsm_bytes rule = text_bytes(override != NULL ? override : "");
    cr_assert_eq(rsm_body_change_request(class, &rule, override != NULL ? 1 : 0, "rrset.change",
                                         (struct rsm_bytes){inner.data, inner.size}, &body),
                 RSM_OK);
    rsm_buffer_free(&inner);
    return actor_do(a, RSM_KIND_CHANGE_REQUEST, body);
}

static bool is_staged(void)
{
    memcpy(digest, w->verdict.digest, HASH_SIZE);
    return w->verdict.kind == VERDICT_STAGED;
}

static struct rsm_bytes the_change(void)
{
    return (struct rsm_bytes){digest, sizeof digest};
}

static struct staged_record row(void)
{
    struct staged_record out;
    cr_assert_eq(staged_load(w->kv, digest, &out), RSM_OK);
    return out;
}

static bool vote_as(struct actor *a, bool yes, const uint8_t *effect, uint64_t slot)
{
    struct rsm_buffer body;
    cr_assert_eq(
        rsm_body_change_vote(the_change(), yes, slot, (struct rsm_bytes){effect, HASH_SIZE}, &body),
        RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_VOTE, body);
}

static bool vote(uint32_t id, bool yes)
{
    struct staged_record r = row();
    return vote_as(replicas[id], yes, r.basis, r.slot) || w->verdict.kind == VERDICT_APPLIED;
}

static bool approve(struct actor *a)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_change_approve(the_change(), NULL, &body), RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_APPROVE, body);
}

static bool apply(struct actor *a)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_change_apply(the_change(), NULL, 0, &body), RSM_OK);
    return actor_do(a, RSM_KIND_CHANGE_APPLY, body);
}

static uint8_t www(void)
{
    return world_address(w, ZONE, "www.example.", QUERY_NOW);
}

static void expect(enum change_state state)
{
    cr_assert_eq(row().state, state, "%s, not %s: %s", change_state_text(row().state),
                 change_state_text(state), world_words(w));
    bool waits = state == CHANGE_STAGED;
    struct bytes bytes;
    cr_assert_eq(pending_count(w->kv), waits ? 1 : 0);
    cr_assert_eq(kv_get(w->kv, TABLE_STAGED_COMMAND, bytes_make(digest, HASH_SIZE), &bytes),
                 waits ? RSM_OK : RSM_NOT_FOUND);
}

/* The effect is in the log: whoever sees all has seen it. */
static void effect_is_known(void)
{
    effects->counter++;
    w->lamport++;
}

/* What the row says about its end names the rule. */
static bool ended_by(enum rsm_rule rule)
{
    struct staged_record r = row();
    struct verdict v = {.reasons = r.reasons};
    return verdict_names(&v, rule);
}

/* ---- classes ---- */

/* The policy decides; a client can ask for more, and never for less. */
Test(quorum, class_follows_from_policy)
{
    cr_assert(change(bob, "mail.example.", 9), "standard: at once");
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged(), "%s", world_words(w));
    cr_assert_eq(row().class, RSM_CLASS_CRITICAL);
    cr_assert_eq(www(), 1, "nothing is written");
    expect(CHANGE_STAGED);
    cr_assert(!request(bob, RSM_CLASS_CRITICAL, NULL, "mail.example.", 10));
    cr_assert(is_staged());
    cr_assert_eq(row().class, RSM_CLASS_CRITICAL);
    cr_assert(!request(bob, RSM_CLASS_STANDARD, NULL, "www.example.", 10));
    cr_assert(is_staged());
    cr_assert_eq(row().class, RSM_CLASS_CRITICAL, "asked for less");
    cr_assert(request(bob, RSM_CLASS_STANDARD, NULL, "mail.example.", 11));
    set_policy("emergency", "www.example.", 0);
    actor_see_all(bob);
    cr_assert(!request(bob, RSM_CLASS_CRITICAL, NULL, "www.example.", 12));
    cr_assert(is_staged());
    cr_assert_eq(row().class, RSM_CLASS_EMERGENCY);
}

Test(quorum, whole_zones_have_the_class_of_their_items)
{
    struct rsm_buffer body;
    actor_see_all(bob);
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(!actor_do(bob, RSM_KIND_ZONE_DELETE, body));
    cr_assert(is_staged(), "%s", world_words(w));
}

/* ---- votes: yes, no and silence of three zones ---- */

Test(quorum, every_combination_of_votes)
{
    for (unsigned combination = 0; combination < 27; combination++) {
        unsigned said[4] = {0, combination % 3, combination / 3 % 3, combination / 9};
        unsigned no = 0, silent = 0;
        actor_see_all(bob);
        uint8_t n = (uint8_t)(20 + combination);
        uint8_t before = www();
        cr_assert(!change(bob, "www.example.", n));
        cr_assert(is_staged(), "%s", world_words(w));
        for (uint32_t id = 1; id <= 3; id++) {
            if (said[id] == 2) {
                silent++;
                continue;
            }
            no += said[id] == 1 ? 1 : 0;
            cr_assert(vote(id, said[id] == 0), "%s", world_words(w));
        }
        enum change_state wanted = no > 0 ? CHANGE_REFUSED : CHANGE_LIVE;
        if (no == 0 && silent > 0) {
            world_tick(w, DEADLINE_MS - 1);
            expect(CHANGE_STAGED);
            world_tick(w, 1);
            wanted = CHANGE_EXPIRED;
        }
        expect(wanted);
        cr_assert_eq(www(), wanted == CHANGE_LIVE ? n : before);
        cr_assert(wanted != CHANGE_EXPIRED || ended_by(RSM_RULE_CHANGE_EXPIRED));
        cr_assert(wanted != CHANGE_REFUSED || ended_by(RSM_RULE_VOTED_NO));
        if (wanted == CHANGE_LIVE)
            effect_is_known();
    }
}

/* A vote behind the end is in the log as late, and changes nothing. */
Test(quorum, late_votes)
{
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    cr_assert(vote(1, true) && vote(2, true));
    w->now_ms += DEADLINE_MS;
    cr_assert(vote(3, true), "%s", world_words(w));
    expect(CHANGE_EXPIRED);
    struct vote_record v;
    cr_assert_eq(vote_load(w->kv, digest, 3, &v), RSM_OK);
    cr_assert(v.late && v.yes);
    cr_assert_eq(www(), 1);
}

Test(quorum, who_may_vote)
{
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    struct staged_record r = row();
    uint8_t other[HASH_SIZE] = {1};
    cr_assert(!vote_as(replicas[1], true, other, r.slot));
    EXPECT(RSM_RULE_VOTE_INVALID, "another effect");
    cr_assert(vote(1, true));
    cr_assert(!vote(1, false));
    EXPECT(RSM_RULE_VOTE_INVALID, "replica 1 voted yes in slot");
    cr_assert(!vote_as(bob, true, row().basis, r.slot));
    EXPECT(RSM_RULE_VOTE_INVALID, "bob was no voter");
    replicas[2]->key[1] = 7;
    cr_assert(!vote(2, true));
    EXPECT(RSM_RULE_KEY_INVALID, "replica 2 is no member with that key");
    replicas[2]->key[1] = 0;
    digest[0] ^= 1;
    struct rsm_buffer body;
    cr_assert_eq(
        rsm_body_change_vote(the_change(), true, 1, (struct rsm_bytes){other, HASH_SIZE}, &body),
        RSM_OK);
    cr_assert(!actor_do(replicas[2], RSM_KIND_CHANGE_VOTE, body));
    EXPECT(RSM_RULE_CHANGE_UNKNOWN, "was staged");
    cr_assert(!change(replicas[3], "mail.example.", 9), "a replica has no other rights");
    EXPECT(RSM_RULE_RIGHTS, "no role of replica:3");
}

/* Names of the cluster's own authors are nobody's. */
Test(quorum, reserved_names)
{
    static const char *const names[] = {"replica:1", "effect:bob", "replica:", "effect:x",
                                        "plan:db"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct rsm_bytes key = {bob->key, sizeof bob->key};
        struct rsm_bytes role = text_bytes("reader");
        struct rsm_buffer body;
        cr_assert_eq(rsm_body_principal_set(text_bytes(names[i]), RSM_PRINCIPAL_PERSON,
                                            text_bytes("X"), rsm_text(""), &key, 1, &role, 1, NULL,
                                            &body),
                     RSM_OK);
        actor_see_all(root);
        cr_assert(!actor_do(root, RSM_KIND_PRINCIPAL_SET, body));
        EXPECT(RSM_RULE_NAME_RESERVED, names[i]);
    }
}

/* Two voters in one zone are one vote: both say yes or one is silent, it is the zone's yes. */
Test(quorum, zones_not_processes)
{
    struct rsm_member m = {.id = 2,
                           .zone = text_bytes("us-east-1a"),
                           .peer_address = text_bytes("127.0.0.1:7002"),
                           .client_address = text_bytes("127.0.0.1:8002")};
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_update(&m, &body), RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_MEMBER_UPDATE, body));
    for (unsigned i = 0; i < MEMBER_DISTANCE; i++)
        (void)world_apply_value(w, (struct bytes){NULL, 0}, false);
    actor_see_all(bob);
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    cr_assert(vote(1, true));
    expect(CHANGE_STAGED);
    cr_assert(vote(3, true));
    expect(CHANGE_LIVE);
    effect_is_known();
    actor_see_all(bob);
    cr_assert(!change(bob, "www.example.", 10));
    cr_assert(is_staged());
    cr_assert(vote(1, true) && vote(2, false));
    expect(CHANGE_REFUSED);
}

/* The explicit choice: so many zones are enough at the deadline, not before, and never over a no.
 */
Test(quorum, unanimous_of_at_least)
{
    set_policy("critical", "www.example.", 2);
    actor_see_all(bob);
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    cr_assert_eq(row().zones_least, 2);
    cr_assert(vote(1, true) && vote(2, true));
    expect(CHANGE_STAGED);
    world_tick(w, DEADLINE_MS);
    expect(CHANGE_LIVE);
    effect_is_known();
    actor_see_all(bob);
    cr_assert(!change(bob, "www.example.", 10));
    cr_assert(is_staged());
    cr_assert(vote(3, true));
    world_tick(w, DEADLINE_MS);
    expect(CHANGE_EXPIRED);
    cr_assert(!change(bob, "www.example.", 11));
    cr_assert(is_staged());
    cr_assert(vote(1, true) && vote(2, true) && vote(3, false));
    expect(CHANGE_REFUSED);
}

/* ---- taking effect ---- */

/* Judged again in the very slot: what was overtaken is superseded, by whomever it was. */
Test(quorum, overtaken_while_it_waited)
{
    for (int is_own = 0; is_own < 2; is_own++) {
        set_policy("critical", "www.example.", 1u + (unsigned)is_own);
        actor_see_all(bob);
        cr_assert(!change(bob, "www.example.", 9));
        cr_assert(is_staged());
        set_policy("critical", "mail.example.", 0); /* so that the next one is not staged */
        struct actor *a = is_own ? bob : root;
        actor_see_all(a);
        cr_assert(change(a, "www.example.", (uint8_t)(20 + is_own)), "%s", world_words(w));
        cr_assert(vote(1, true) && vote(2, true) && vote(3, true));
        expect(CHANGE_SUPERSEDED);
        cr_assert_eq(www(), 20 + is_own);
        cr_assert(ended_by(is_own ? RSM_RULE_STALE : RSM_RULE_CONCURRENT) ||
                  ended_by(RSM_RULE_STALE));
    }
}

/* A freeze, or a key that was taken away, stops what was in flight. */
Test(quorum, frozen_while_it_waited)
{
    struct rsm_buffer body;
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    cr_assert_eq(rsm_body_freeze_set(text_bytes("f"), RSM_FREEZE_ZONE, wire(ZONE), true, 0, &body),
                 RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_FREEZE_SET, body), "%s", world_words(w));
    cr_assert(vote(1, true) && vote(2, true) && vote(3, true));
    expect(CHANGE_REFUSED);
    cr_assert(ended_by(RSM_RULE_FROZEN));
    cr_assert_eq(www(), 1);
}

/* Whoever saw a change staged has not seen what it wrote when it took effect. */
Test(quorum, an_effect_is_an_event_of_its_own)
{
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    actor_see_all(root); /* bob's counter too */
    cr_assert(vote(1, true) && vote(2, true) && vote(3, true));
    expect(CHANGE_LIVE);
    cr_assert_eq(w->last.settled_count, 1);
    set_policy("critical", "mail.example.", 0);
    root->seen[effects - w->actors] = 0;
    cr_assert(!change(root, "www.example.", 30), "it never saw 9");
    cr_assert(world_refused(w, RSM_RULE_STALE) || world_refused(w, RSM_RULE_CONCURRENT));
    effect_is_known();
    actor_see_all(root);
    cr_assert(change(root, "www.example.", 30), "%s", world_words(w));
}

/* What waits is nobody's dependency. */
Test(quorum, a_staged_change_has_not_happened)
{
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    struct rsm_event waits = {text_bytes("bob"), bob->counter};
    struct rsm_change c = change_a("mail.example.", 8, 1);
    struct rsm_buffer body = body_change(ZONE, &c, 1), encoded;
    struct rsm_command command = {.id = {text_bytes("bob"), bob->counter + 1},
                                  .lamport = ++w->lamport + 1,
                                  .dependencies = &waits,
                                  .dependency_count = 1,
                                  .kind = RSM_KIND_RRSET_CHANGE,
                                  .body = {body.data, body.size},
                                  .reason = text_bytes("t")};
    cr_assert_eq(rsm_command_encode(&command, &encoded), RSM_OK);
    struct blob *blob = blob_new(bytes_make(encoded.data, encoded.size));
    struct blob *envelope = actor_seal(bob, &blob, 1, false);
    cr_assert(!world_apply(w, envelope));
    EXPECT(RSM_RULE_DEPENDENCY_MISSING, "is staged, not in effect");
    blob_unref(envelope);
    rsm_buffer_free(&body);
    rsm_buffer_free(&encoded);
}

/* ---- emergencies ---- */

static void stage_emergency(uint8_t n)
{
    actor_see_all(bob);
    cr_assert(!request(bob, RSM_CLASS_EMERGENCY, NULL, "mail.example.", n));
    cr_assert(is_staged(), "%s", world_words(w));
}

/* Each missing part has an answer of its own. */
Test(quorum, emergency_needs_two_others)
{
    struct actor *robot = world_principal(w, "robot", RSM_PRINCIPAL_AUTOMATON, "approver");
    struct actor *bob_too = world_actor(w, "bob2");
    struct rsm_bytes key = {bob_too->key, sizeof bob_too->key};
    struct rsm_bytes role = text_bytes("approver");
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_principal_set(text_bytes("bob2"), RSM_PRINCIPAL_PERSON, text_bytes("bob"),
                                        rsm_text(""), &key, 1, &role, 1, NULL, &body),
                 RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_SET, body));
    stage_emergency(9);
    cr_assert(!vote(1, true));
    EXPECT(RSM_RULE_VOTE_INVALID, "when it was approved and applied");
    cr_assert(!approve(robot));
    EXPECT(RSM_RULE_APPROVER, "robot is no person");
    cr_assert(!approve(bob_too));
    EXPECT(RSM_RULE_APPROVER, "is the author of the change");
    cr_assert(!approve(bob));
    EXPECT(RSM_RULE_RIGHTS, "change.approve");
    cr_assert(approve(carol), "%s", world_words(w));
    cr_assert(!approve(carol));
    EXPECT(RSM_RULE_APPROVER, "carol has approved it already");
    digest[0] ^= 1;
    cr_assert(!approve(dave));
    EXPECT(RSM_RULE_CHANGE_UNKNOWN, "no change with digest");
    digest[0] ^= 1;
    cr_assert(approve(dave), "%s", world_words(w));
    cr_assert(!vote(1, true), "nobody has applied it");
    cr_assert(apply(bob), "%s", world_words(w));
    cr_assert(vote(1, true) && vote(2, true) && vote(3, true));
    expect(CHANGE_LIVE);
}

/* An override names its rules: these do not refuse it, and no others are let past. */
Test(quorum, overrides)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_set(text_bytes("f"), RSM_FREEZE_ZONE, wire(ZONE), true, 0, &body),
                 RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_FREEZE_SET, body));
    cr_assert(!request(bob, RSM_CLASS_STANDARD, "endpoint-empty", "mail.example.", 9));
    EXPECT(RSM_RULE_FROZEN, "freeze f");
    cr_assert(!request(bob, RSM_CLASS_STANDARD, "rights", "mail.example.", 9));
    EXPECT(RSM_RULE_OVERRIDE_RULE, "rights is no rule that an override may name");
    cr_assert(!request(bob, RSM_CLASS_STANDARD, "frozen", "mail.example.", 9));
    cr_assert(is_staged(), "%s", world_words(w));
    cr_assert_eq(row().class, RSM_CLASS_EMERGENCY);
    cr_assert(approve(carol) && approve(dave) && apply(bob));
    cr_assert(vote(1, true) && vote(2, true) && vote(3, true));
    expect(CHANGE_LIVE);
    cr_assert_eq(world_address(w, ZONE, "mail.example.", QUERY_NOW), 9);
}

/* ---- taking back, room ---- */

Test(quorum, cancelled)
{
    struct rsm_buffer body;
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    cr_assert_eq(rsm_body_change_cancel(the_change(), &body), RSM_OK);
    cr_assert(!actor_do(carol, RSM_KIND_CHANGE_CANCEL, body));
    EXPECT(RSM_RULE_RIGHTS, "change.cancel");
    cr_assert_eq(rsm_body_change_cancel(the_change(), &body), RSM_OK);
    (void)actor_do(bob, RSM_KIND_CHANGE_CANCEL, body);
    expect(CHANGE_REFUSED);
    cr_assert(ended_by(RSM_RULE_CHANGE_CANCELLED));
}

Test(quorum, only_so_many_wait)
{
    for (unsigned i = 0; i < LIMIT_STAGED; i++) {
        cr_assert(!change(bob, "www.example.", (uint8_t)(10 + i)));
        cr_assert(is_staged(), "%s", world_words(w));
    }
    cr_assert(!change(bob, "www.example.", 200));
    EXPECT(RSM_RULE_QUOTA, "64 changes wait");
    world_tick(w, DEADLINE_MS);
    cr_assert_eq(w->last.settled_count, LIMIT_STAGED);
    cr_assert(!change(bob, "www.example.", 201));
    cr_assert(is_staged());
}

/* ---- a replica's own check ---- */

Test(quorum, own_check)
{
    const struct reasons *why;
    uint8_t effect[HASH_SIZE];
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    cr_assert_eq(machine_check_staged(w->machine, w->kv, digest, w->now_ms, effect, &why), RSM_OK);
    cr_assert_eq(why->count, 0);
    cr_assert_arr_eq(effect, row().basis, HASH_SIZE);
    set_policy("critical", "mail.example.", 0);
    cr_assert(change(root, "www.example.", 20));
    cr_assert_eq(machine_check_staged(w->machine, w->kv, digest, w->now_ms, effect, &why), RSM_OK);
    cr_assert_eq(why->count, 1, "overtaken");
    world_tick(w, DEADLINE_MS);
    cr_assert_eq(machine_check_staged(w->machine, w->kv, digest, w->now_ms, effect, &why),
                 RSM_NOT_FOUND);
}

/* ---- the table ---- */

/* Every pair of states; what is not in this list must not be. */
Test(quorum, no_other_transition)
{
    static const struct {
        enum change_state from, to;
    } good[] = {
        {CHANGE_SUBMITTED, CHANGE_REFUSED}, {CHANGE_SUBMITTED, CHANGE_CHOSEN},
        {CHANGE_CHOSEN, CHANGE_REFUSED},    {CHANGE_CHOSEN, CHANGE_STAGED},
        {CHANGE_CHOSEN, CHANGE_LIVE},       {CHANGE_STAGED, CHANGE_REFUSED},
        {CHANGE_STAGED, CHANGE_LIVE},       {CHANGE_STAGED, CHANGE_EXPIRED},
        {CHANGE_STAGED, CHANGE_SUPERSEDED}, {CHANGE_LIVE, CHANGE_ROLLED_BACK},
    };
    for (int from = 0; from <= CHANGE_STATE_END; from++) {
        for (int to = 0; to <= CHANGE_STATE_END; to++) {
            bool is_good = false;
            for (size_t i = 0; i < sizeof good / sizeof *good; i++)
                is_good |=
                    good[i].from == (enum change_state)from && good[i].to == (enum change_state)to;
            cr_assert_eq(change_state_may_follow((enum change_state)from, (enum change_state)to),
                         is_good, "%s to %s", change_state_text((enum change_state)from),
                         change_state_text((enum change_state)to));
        }
    }
}

/* ---- commands that are not about record sets ---- */

static struct rsm_buffer command_body(enum rsm_kind kind)
{
    static const uint8_t key[RSM_PUBLIC_KEY_SIZE] = {77};
    static const uint8_t policy[] = "\x81\xa7ttl_min\x1e"; /* {"ttl_min": 30} */
    struct rsm_bytes role = text_bytes("reader");
    struct rsm_rrset_id id = {wire("mail.example."), RR_TYPE_A};
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = RSM_USAGE;
    if (kind == RSM_KIND_ROLE_SET)
        status = rsm_body_role_set(text_bytes("new"), NULL, 0, &body);
    else if (kind == RSM_KIND_ROLE_DELETE)
        status = rsm_body_role_delete(text_bytes("new"), &body);
    else if (kind == RSM_KIND_PRINCIPAL_SET)
        status = rsm_body_principal_set(text_bytes("eve"), RSM_PRINCIPAL_PERSON, text_bytes("Eve"),
                                        text_bytes(""), NULL, 0, &role, 1, NULL, &body);
    else if (kind == RSM_KIND_PRINCIPAL_KEY_ADD)
        status = rsm_body_principal_key_add(text_bytes("eve"), (struct rsm_bytes){key, sizeof key},
                                            &body);
    else if (kind == RSM_KIND_PRINCIPAL_KEY_REVOKE)
        status = rsm_body_principal_key_revoke(text_bytes("eve"),
                                               (struct rsm_bytes){key, sizeof key}, &body);
    else if (kind == RSM_KIND_PRINCIPAL_DELETE)
        status = rsm_body_principal_delete(text_bytes("eve"), &body);
    else if (kind == RSM_KIND_POLICY_SET)
        status = rsm_body_policy_set((struct rsm_bytes){policy, sizeof policy - 1}, &body);
    else if (kind == RSM_KIND_RRSET_TAKEOVER)
        status = rsm_body_rrset_takeover(wire(ZONE), text_bytes("root"), text_bytes("bob"), &id, 1,
                                         &body);
    else if (kind == RSM_KIND_FREEZE_CLEAR)
        status = rsm_body_freeze_clear(text_bytes("f"), &body);
    else if (kind == RSM_KIND_MEMBER_REMOVE)
        status = rsm_body_member_remove(3, &body);
    cr_assert_eq(status, RSM_OK);
    return body;
}

/* Every kind that may wait does so when it is asked for, and is live with all votes. */
Test(quorum, all_kinds_wait)
{
    static const enum rsm_kind kinds[] = {
        RSM_KIND_ROLE_SET,          RSM_KIND_ROLE_DELETE,          RSM_KIND_PRINCIPAL_SET,
        RSM_KIND_PRINCIPAL_KEY_ADD, RSM_KIND_PRINCIPAL_KEY_REVOKE, RSM_KIND_PRINCIPAL_DELETE,
        RSM_KIND_POLICY_SET,        RSM_KIND_RRSET_TAKEOVER,       RSM_KIND_FREEZE_CLEAR,
        RSM_KIND_MEMBER_REMOVE,
    };
    struct actor *effects_of_root = world_actor(w, "effect:root");
    struct rsm_buffer freeze;
    cr_assert_eq(
        rsm_body_freeze_set(text_bytes("f"), RSM_FREEZE_GLOBAL, text_bytes(""), false, 0, &freeze),
        RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_FREEZE_SET, freeze), "%s", world_words(w));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct rsm_buffer inner = command_body(kinds[i]), body;
        cr_assert_eq(rsm_body_change_request(RSM_CLASS_CRITICAL, NULL, 0, rsm_kind_text(kinds[i]),
                                             (struct rsm_bytes){inner.data, inner.size}, &body),
                     RSM_OK);
        rsm_buffer_free(&inner);
        actor_see_all(root);
        cr_assert(!actor_do(root, RSM_KIND_CHANGE_REQUEST, body));
        cr_assert(is_staged(), "%s: %s", rsm_kind_text(kinds[i]), world_words(w));
        expect(CHANGE_STAGED);
        for (uint32_t id = 1; id <= 3; id++)
            cr_assert(vote(id, true), "%s", world_words(w));
        expect(CHANGE_LIVE);
        effects_of_root->counter++;
        w->lamport++;
    }
}

/* What waits is judged again with the class that it would have then. */
Test(quorum, class_raised_while_it_waited)
{
    cr_assert(!change(bob, "www.example.", 9));
    cr_assert(is_staged());
    uint8_t waiting[HASH_SIZE];
    memcpy(waiting, digest, sizeof waiting);
    set_policy("emergency", "www.example.", 0);
    memcpy(digest, waiting, sizeof waiting);
    for (uint32_t id = 1; id <= 3; id++)
        cr_assert(vote(id, true), "%s", world_words(w));
    expect(CHANGE_SUPERSEDED);
    cr_assert(ended_by(RSM_RULE_CLASS_RAISED));
    cr_assert_eq(www(), 1);
}
