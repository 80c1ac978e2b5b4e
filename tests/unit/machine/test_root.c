/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_root.c - the root role: k of its holders agree to what decides who may do what. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/settle.h"
#include "tests/unit/machine/expect.h"

static struct world *w;
static struct actor *root, *ann, *ben, *cat, *eve, *effects, *replicas[4];
static uint8_t digest[HASH_SIZE];

static struct actor *holder(const char *name, const char *role)
{
    return world_principal(w, name, RSM_PRINCIPAL_PERSON, role);
}

/* ann, ben and cat hold the role root; root is an administrator and does not. */
static void set_up(void)
{
    w = world_new();
    root = &w->actors[0];
    ann = holder("ann", "root");
    ben = holder("ben", "root");
    cat = holder("cat", "root");
    eve = holder("eve", "approver");
    effects = world_actor(w, "effect:root");
    for (uint32_t i = 1; i <= 3; i++) {
        static const char *const names[] = {"", "replica:1", "replica:2", "replica:3"};
        replicas[i] = world_actor(w, names[i]);
        memset(replicas[i]->key, 0, sizeof replicas[i]->key);
        replicas[i]->key[0] = (uint8_t)(100 + i);
    }
    world_policy(w, "root_approvals", 2);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(root, .init = set_up, .fini = tear_down);

/* True: it is live. */
static bool is_live(void)
{
    struct staged_record row;
    return staged_load(w->kv, digest, &row) == RSM_OK && row.state == CHANGE_LIVE;
}

static bool submit(struct actor *a, enum rsm_kind kind, struct rsm_buffer body)
{
    actor_see_all(a);
    bool is_applied = actor_do(a, kind, body);
    memcpy(digest, w->verdict.digest, HASH_SIZE);
    return is_applied;
}

static bool is_staged(void)
{
    return w->verdict.kind == VERDICT_STAGED;
}

static bool approve(struct actor *a)
{
    struct rsm_buffer body;
    actor_see_all(a);
    CHECK(rsm_body_change_approve((struct rsm_bytes){digest, HASH_SIZE}, NULL, &body) == RSM_OK);
    /* With the last one the change is settled in the same slot: two verdicts. */
    (void)actor_do(a, RSM_KIND_CHANGE_APPROVE, body);
    return w->verdict.kind == VERDICT_APPLIED;
}

static struct rsm_buffer role(const char *name)
{
    struct rsm_buffer body;
    CHECK(rsm_body_role_set(text_bytes(name), NULL, 0, &body) == RSM_OK);
    return body;
}

static struct rsm_buffer principal(const char *name, const char *person, const char *of_role,
                                   const uint8_t *key)
{
    struct rsm_bytes keys = {key, RSM_PUBLIC_KEY_SIZE}, roles = text_bytes(of_role);
    struct rsm_buffer body;
    CHECK(rsm_body_principal_set(text_bytes(name), RSM_PRINCIPAL_PERSON, text_bytes(person),
                                 text_bytes(""), &keys, key != NULL ? 1 : 0, &roles, 1, NULL,
                                 &body) == RSM_OK);
    return body;
}

static struct rsm_buffer revoke(const struct actor *a)
{
    struct rsm_buffer body;
    CHECK(rsm_body_principal_key_revoke(
              text_bytes(a->name), (struct rsm_bytes){a->key, sizeof a->key}, &body) == RSM_OK);
    return body;
}

static struct rsm_buffer gone(const char *name)
{
    struct rsm_buffer body;
    CHECK(rsm_body_principal_delete(text_bytes(name), &body) == RSM_OK);
    return body;
}

/* What it is asked for, and what not. */
Test(root, which_commands)
{
    struct rsm_change c = change_a("www.example.", 1, 1);
    cr_assert(submit(root, RSM_KIND_ZONE_CREATE, body_zone("example.", 1, &c, 1)));
    const struct {
        enum rsm_kind kind;
        struct rsm_buffer body;
    } waits[] = {
        {RSM_KIND_POLICY_SET, body_policy("ttl_min", 30)},
        {RSM_KIND_ROLE_SET, role("new")},
        {RSM_KIND_PRINCIPAL_SET, principal("dan", "dan", "reader", NULL)},
        {RSM_KIND_PRINCIPAL_KEY_REVOKE, revoke(eve)},
        {RSM_KIND_PRINCIPAL_DELETE, gone("eve")},
    };
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        cr_assert(!submit(root, waits[i].kind, waits[i].body));
        cr_assert(is_staged(), "%zu: %s", i, world_words(w));
    }
    c = change_a("www.example.", 2, 1);
    cr_assert(submit(root, RSM_KIND_RRSET_CHANGE, body_change("example.", &c, 1)));
}

/* Two different holders; others do not count, nor does anybody twice. */
Test(root, holders_agree)
{
    cr_assert(!submit(root, RSM_KIND_ROLE_SET, role("new")));
    cr_assert(approve(eve), "%s", world_words(w));
    cr_assert(approve(ann) && !is_live(), "%s", world_words(w));
    cr_assert(!approve(ann));
    EXPECT(RSM_RULE_APPROVER, "has approved it already");
    cr_assert(approve(ben), "%s", world_words(w));
    cr_assert(is_live(), "in effect with the last approval");
    struct bytes grants;
    cr_assert_eq(kv_get(w->kv, TABLE_ROLE, bytes_of_string("new"), &grants), RSM_OK);
    cr_assert(!approve(cat));
    EXPECT(RSM_RULE_CHANGE_SETTLED, "live");
}

/* A holder who signs agrees by that, and only once. */
Test(root, the_author_counts)
{
    struct rsm_buffer body = principal("ann", "ann", "admin", ann->key);
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_SET, body));
    cr_assert(approve(ben) && approve(cat) && is_live(), "ann has the role admin alone");
    effects->counter++, w->lamport++;
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_SET, principal("ann", "ann", "root", ann->key)));
    cr_assert(approve(ben) && approve(cat) && is_live());
    effects->counter++, w->lamport++;
    /* A role that lets holders write roles. */
    struct rsm_bytes both[] = {text_bytes("root"), text_bytes("admin")};
    struct rsm_bytes key = {ann->key, sizeof ann->key};
    cr_assert_eq(rsm_body_principal_set(text_bytes("ann"), RSM_PRINCIPAL_PERSON, text_bytes("ann"),
                                        text_bytes(""), &key, 1, both, 2, NULL, &body),
                 RSM_OK);
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_SET, body));
    cr_assert(approve(ben) && approve(cat) && is_live(), "%s", world_words(w));
    effects->counter++, w->lamport++;
    cr_assert(!submit(ann, RSM_KIND_ROLE_SET, role("new")) && is_staged(), "%s", world_words(w));
    cr_assert(!approve(ann));
    EXPECT(RSM_RULE_APPROVER, "is the author");
    cr_assert(approve(ben) && is_live(), "one and the author are two");
}

/* The same person under another name is the same person. */
Test(root, persons_not_names)
{
    struct actor *two = world_actor(w, "ann-two");
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_SET, principal("ann-two", "ann", "root", two->key)));
    cr_assert(approve(ann) && approve(ben) && is_live());
    effects->counter++, w->lamport++;
    cr_assert(!submit(root, RSM_KIND_ROLE_SET, role("new")));
    cr_assert(approve(ann) && !approve(two));
    EXPECT(RSM_RULE_APPROVER, "person ann has approved it already");
    cr_assert(!is_live());
}

static void must_agree(enum rsm_kind kind, struct rsm_buffer body, struct actor *a, struct actor *b)
{
    cr_assert(!submit(root, kind, body) && is_staged(), "%s", world_words(w));
    cr_assert(approve(a) && approve(b) && is_live(), "%s", world_words(w));
    effects->counter++, w->lamport++;
}

/* As many holders as have to agree remain, whatever is done. */
Test(root, not_fewer_than_needed)
{
    cr_assert(!submit(root, RSM_KIND_POLICY_SET, body_policy("root_approvals", 4)));
    EXPECT(RSM_RULE_ROOT_HOLDERS, "3 persons with the role root and a key would be left, and 4");
    must_agree(RSM_KIND_PRINCIPAL_DELETE, gone("cat"), ann, ben);
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_DELETE, gone("ben")));
    EXPECT(RSM_RULE_ROOT_HOLDERS, "1 persons");
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_KEY_REVOKE, revoke(ben)));
    EXPECT(RSM_RULE_ROOT_HOLDERS, "1 persons");
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_SET, principal("ben", "ben", "reader", ben->key)));
    EXPECT(RSM_RULE_ROOT_HOLDERS, "1 persons");
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_SET, principal("ben", "ann", "root", ben->key)));
    EXPECT(RSM_RULE_ROOT_HOLDERS, "1 persons");
    cr_assert(!submit(root, RSM_KIND_ROLE_SET, role("root")));
    EXPECT(RSM_RULE_LAST_ADMINISTRATOR, "the role root stays as it is");
    must_agree(RSM_KIND_POLICY_SET, body_policy("root_approvals", 1), ann, ben);
    cr_assert(!submit(root, RSM_KIND_PRINCIPAL_DELETE, gone("ben")) && is_staged());
}

/* A key that is revoked meanwhile has agreed to nothing. */
Test(root, stale_approvals)
{
    cr_assert(!submit(root, RSM_KIND_ROLE_SET, role("new")));
    uint8_t waiting[HASH_SIZE];
    memcpy(waiting, digest, sizeof waiting);
    cr_assert(approve(ann));
    must_agree(RSM_KIND_PRINCIPAL_KEY_REVOKE, revoke(ann), ben, cat);
    memcpy(digest, waiting, sizeof waiting);
    cr_assert(approve(ben) && !is_live(), "ann's does not count");
    cr_assert(approve(cat) && is_live());
}

/* More is needed at the end than at the staging. */
Test(root, raised_while_it_waits)
{
    cr_assert(!submit(root, RSM_KIND_ROLE_SET, role("new")));
    uint8_t waiting[HASH_SIZE];
    memcpy(waiting, digest, sizeof waiting);
    must_agree(RSM_KIND_POLICY_SET, body_policy("root_approvals", 3), ann, ben);
    memcpy(digest, waiting, sizeof waiting);
    cr_assert(approve(ann) && approve(ben));
    struct staged_record row;
    cr_assert_eq(staged_load(w->kv, digest, &row), RSM_OK);
    struct verdict v = {.reasons = row.reasons};
    cr_assert_eq(row.state, CHANGE_SUPERSEDED);
    cr_assert(verdict_names(&v, RSM_RULE_CLASS_RAISED));
}

static void vote(uint32_t id)
{
    struct staged_record row;
    struct rsm_buffer body;
    cr_assert_eq(staged_load(w->kv, digest, &row), RSM_OK);
    cr_assert_eq(rsm_body_change_vote((struct rsm_bytes){digest, HASH_SIZE}, true, row.slot,
                                      (struct rsm_bytes){row.basis, HASH_SIZE}, &body),
                 RSM_OK);
    (void)actor_do(replicas[id], RSM_KIND_CHANGE_VOTE, body);
}

/* A critical change has its votes behind the approvals. */
Test(root, votes_come_behind)
{
    struct rsm_buffer inner = role("new"), body;
    cr_assert_eq(rsm_body_change_request(RSM_CLASS_CRITICAL, NULL, 0, "role.set",
                                         (struct rsm_bytes){inner.data, inner.size}, &body),
                 RSM_OK);
    rsm_buffer_free(&inner);
    cr_assert(!submit(root, RSM_KIND_CHANGE_REQUEST, body) && is_staged());
    vote(1);
    cr_assert(world_refused(w, RSM_RULE_VOTE_INVALID), "%s", world_words(w));
    cr_assert(approve(ann) && approve(ben) && !is_live());
    vote(1);
    vote(2);
    cr_assert(!is_live());
    vote(3);
    cr_assert(is_live(), "%s", world_words(w));
}

/* An item of the classes asks for the role where it is not asked for by itself. */
Test(root, by_item)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 4096);
    pack_map(&map, 1);
    pack_text(&map, "classes");
    pack_array(&map, 1);
    pack_map(&map, 3);
    pack_text(&map, "class");
    pack_text(&map, "standard");
    pack_text(&map, "kinds");
    pack_array(&map, 1);
    pack_text(&map, "zone.create");
    pack_text(&map, "root");
    pack_bool(&map, true);
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body), RSM_OK);
    writer_deinit(&map);
    must_agree(RSM_KIND_POLICY_SET, body, ann, ben);
    cr_assert(!submit(root, RSM_KIND_ZONE_CREATE, body_zone("example.", 1, NULL, 0)));
    cr_assert(is_staged(), "%s", world_words(w));
    cr_assert(approve(ann) && approve(cat) && is_live(), "%s", world_words(w));
}
