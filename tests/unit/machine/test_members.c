/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_members.c - member commands: who the members are for a slot, and what is refused. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/genesis.h"
#include "src/machine/members.h"
#include "src/machine/tables.h"
#include "tests/unit/machine/expect.h"

static struct world *w;
static struct actor *root;

static void set_up(void)
{
    w = world_new();
    root = &w->actors[0];
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(members, .init = set_up, .fini = tear_down);

/* A replica whose key and addresses are its own. */
static struct rsm_member replica(uint32_t id)
{
    static uint8_t keys[32][RSM_PUBLIC_KEY_SIZE];
    static char peers[32][32], clients[32][32];
    uint32_t n = id % 32;
    keys[n][0] = (uint8_t)(100 + id);
    (void)snprintf(peers[n], sizeof peers[n], "127.0.0.1:%u", 7000 + id);
    (void)snprintf(clients[n], sizeof clients[n], "127.0.0.1:%u", 8000 + id);
    return (struct rsm_member){.id = id,
                               .zone = rsm_text("b"),
                               .key = {keys[n], RSM_PUBLIC_KEY_SIZE},
                               .peer_address = rsm_text(peers[n]),
                               .client_address = rsm_text(clients[n]),
                               .incarnation = 1000 + id};
}

static bool add(struct rsm_member m)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_add(&m, NULL, 0, &body), RSM_OK);
    return actor_do(root, RSM_KIND_MEMBER_ADD, body);
}

static bool update(struct rsm_member m)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_update(&m, &body), RSM_OK);
    return actor_do(root, RSM_KIND_MEMBER_UPDATE, body);
}

static bool promote(uint32_t id)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_promote(id, NULL, 0, &body), RSM_OK);
    return actor_do(root, RSM_KIND_MEMBER_PROMOTE, body);
}

static bool remove_id(uint32_t id)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_remove(id, &body), RSM_OK);
    return actor_do(root, RSM_KIND_MEMBER_REMOVE, body);
}

static void no_op(void)
{
    (void)world_apply_value(w, (struct bytes){NULL, 0}, true);
}

/* No-ops until the slot of the newest change has come: its configuration governs the next one. */
static void settle(void)
{
    struct member_config current, next;
    cr_assert_eq(machine_members(w->kv, NULL, &current, &next), RSM_OK);
    while (next.version != 0) {
        no_op();
        cr_assert_eq(machine_members(w->kv, NULL, &current, &next), RSM_OK);
    }
}

static struct member_config at(uint64_t slot)
{
    struct member_config config;
    cr_assert_eq(machine_members_at(w->kv, NULL, slot, &config), RSM_OK);
    return config;
}

/* The genesis' members are configuration 1, from the rows and from the genesis alike. */
Test(members, begin_with_the_genesis)
{
    struct genesis genesis = {.member_count = 0};
    struct member_config rows, plain, next;
    struct kv *empty = kv_mem_new();
    uint64_t version;
    world_genesis_members(&genesis);
    cr_assert_eq(machine_members(w->kv, NULL, &rows, &next), RSM_OK);
    cr_assert_eq(next.version, 0);
    cr_assert_eq(machine_members(empty, &genesis, &plain, &next), RSM_OK);
    cr_assert_eq(next.version, 0);
    cr_assert_arr_eq(&rows, &plain, sizeof rows);
    cr_assert(rows.version == 1 && rows.effective_slot == 1 && rows.count == 3);
    cr_assert(rows.members[2].voter && rows.members[2].incarnation == 0);
    cr_assert_str_eq(rows.members[2].client_address, "unix:/tmp/c");
    cr_assert_eq(rows.members[1].key[0], 102);
    cr_assert_eq(machine_members_version(empty, &version), RSM_OK);
    cr_assert_eq(version, 1);
    kv_free(empty);
}

/* A change governs from its slot + MEMBER_DISTANCE on, and not one slot earlier. */
/* Every applied slot has its members: a state that lacks the rows is damaged, and nobody is asked.
 */
Test(members, rows_that_are_gone)
{
    struct member_config config;
    struct kv *empty = kv_mem_new();
    cr_assert_eq(machine_members_at(empty, NULL, 1, &config), RSM_DAMAGED);
    kv_free(empty);
}

Test(members, take_effect_a_fixed_number_of_slots_later)
{
    struct member_config current, next;
    uint64_t version;
    cr_assert(add(replica(4)), "%s", world_words(w));
    uint64_t slot = w->slot;
    cr_assert_eq(machine_members_version(w->kv, &version), RSM_OK);
    cr_assert_eq(version, 2);
    cr_assert_eq(machine_members(w->kv, NULL, &current, &next), RSM_OK);
    cr_assert(current.version == 1 && current.count == 3);
    cr_assert(next.version == 2 && next.count == 4);
    cr_assert_eq(next.effective_slot, slot + MEMBER_DISTANCE);
    cr_assert(!next.members[3].voter && next.members[3].incarnation == 1004);
    while (w->slot + 2 < next.effective_slot)
        no_op();
    cr_assert_eq(machine_members(w->kv, NULL, &current, &next), RSM_OK);
    cr_assert(current.version == 1 && next.version == 2, "the slot before");
    no_op();
    cr_assert_eq(machine_members(w->kv, NULL, &current, &next), RSM_OK);
    cr_assert(current.version == 2 && next.version == 0, "the next slot is the one");
    cr_assert_eq(at(slot + MEMBER_DISTANCE - 1).version, 1);
    cr_assert_eq(at(slot + MEMBER_DISTANCE).version, 2);
    cr_assert_eq(at(1).version, 1);
}

/* Whatever the second change is: it waits until the first governs; in one bundle as well. */
Test(members, one_change_at_a_time)
{
    cr_assert(add(replica(4)));
    uint64_t effective = w->slot + MEMBER_DISTANCE;
    cr_assert(!add(replica(5)));
    EXPECT(RSM_RULE_MEMBER_CHANGE_PENDING, "configuration 2 is in force from slot");
    cr_assert(!remove_id(1) && world_refused_only(w, RSM_RULE_MEMBER_CHANGE_PENDING));
    cr_assert(!promote(4) && world_refused_only(w, RSM_RULE_MEMBER_CHANGE_PENDING));
    while (w->slot + 2 < effective)
        no_op();
    cr_assert(!promote(4), "in the last slot of the old members");
    EXPECT(RSM_RULE_MEMBER_CHANGE_PENDING, "this is slot");
    cr_assert_eq(w->slot, effective - 1);
    cr_assert(promote(4), "in the first slot of the new ones: %s", world_words(w));
    settle();

    struct rsm_buffer body;
    struct blob *two[2];
    cr_assert_eq(rsm_body_member_remove(4, &body), RSM_OK);
    two[0] = actor_command(root, RSM_KIND_MEMBER_REMOVE, &body, "one");
    root->counter++;
    cr_assert_eq(rsm_body_member_remove(3, &body), RSM_OK);
    two[1] = actor_command(root, RSM_KIND_MEMBER_REMOVE, &body, "two");
    struct blob *bundle = actor_seal(root, two, 2, true);
    cr_assert(!world_apply(w, bundle));
    blob_unref(bundle);
    cr_assert_eq(w->last.count, 2);
    settle();
    cr_assert(at(w->slot + 1).count == 3 && at(w->slot + 1).members[2].id == 3);
}

/* The whole way of a replica, and of its disk's replacement. */
Test(members, add_promote_remove_and_add_again)
{
    struct rsm_member four = replica(4);
    cr_assert(add(four));
    settle();
    cr_assert(!at(w->slot + 1).members[3].voter);
    cr_assert(promote(4), "%s", world_words(w));
    settle();
    cr_assert(at(w->slot + 1).members[3].voter);
    cr_assert(!promote(4));
    EXPECT(RSM_RULE_NO_CHANGE, "replica 4 is a voter already");
    cr_assert(remove_id(4), "%s", world_words(w));
    settle();
    cr_assert_eq(at(w->slot + 1).count, 3);
    cr_assert(!add(four));
    EXPECT(RSM_RULE_INCARNATION_USED, "replica 4 had incarnation 1004 in configuration 3");
    four.incarnation++;
    cr_assert(add(four), "%s", world_words(w));
    settle();
    cr_assert_eq(at(w->slot + 1).version, 5);
    cr_assert_eq(at(w->slot + 1).members[3].incarnation, 1005);
    cr_assert(!at(w->slot + 1).members[3].voter, "it learns again first");
}

Test(members, stay_sorted)
{
    cr_assert(remove_id(2));
    settle();
    cr_assert(add(replica(9)));
    settle();
    cr_assert(add(replica(5)));
    settle();
    struct member_config config = at(w->slot + 1);
    cr_assert_eq(config.count, 4);
    static const uint32_t ids[] = {1, 3, 5, 9};
    for (uint32_t i = 0; i < 4; i++)
        cr_assert_eq(config.members[i].id, ids[i]);
    const struct member *nine = member_config_find(&config, 9);
    cr_assert(nine != NULL && nine->incarnation == 1009);
    cr_assert_null(member_config_find(&config, 2));
}

Test(members, what_is_in_use)
{
    struct rsm_member m = replica(3);
    cr_assert(!add(m));
    EXPECT(RSM_RULE_MEMBER_EXISTS, "replica 3 is a member of configuration 1");
    m = replica(4);
    m.key = replica(2).key;
    cr_assert(!add(m));
    EXPECT(RSM_RULE_MEMBER_EXISTS, "the key is replica 2's");
    m = replica(4);
    m.peer_address = rsm_text("127.0.0.1:7001");
    cr_assert(!add(m));
    EXPECT(RSM_RULE_MEMBER_EXISTS, "peer address 127.0.0.1:7001 is replica 1's");
    m.key = replica(3).key;
    cr_assert(!add(m));
    EXPECT(RSM_RULE_MEMBER_EXISTS, "the key is replica 3's");
    cr_assert_eq(world_reason_count(w), 2, "both are said");
}

Test(members, updates)
{
    struct rsm_member m = replica(2);
    m.zone = rsm_text("us-east-1b");
    cr_assert(!update(m));
    EXPECT(RSM_RULE_NO_CHANGE, "replica 2 is there already");
    m.peer_address = rsm_text("127.0.0.1:7003");
    cr_assert(!update(m));
    EXPECT(RSM_RULE_MEMBER_EXISTS, "is replica 3's");
    m.peer_address = rsm_text("[::1]:9000");
    m.client_address = rsm_text("unix:/run/rsm/2");
    m.zone = rsm_text("c");
    cr_assert(update(m), "%s", world_words(w));
    settle();
    struct member_config config = at(w->slot + 1);
    cr_assert_str_eq(config.members[1].peer_address, "[::1]:9000");
    cr_assert_str_eq(config.members[1].client_address, "unix:/run/rsm/2");
    cr_assert_str_eq(config.members[1].zone, "c");
    cr_assert(config.members[1].voter && config.members[1].key[0] == 102);
    m.id = 7;
    cr_assert(!update(m));
    EXPECT(RSM_RULE_MEMBER_UNKNOWN, "replica 7 is no member of configuration 2");
}

Test(members, unknown_ones)
{
    cr_assert(!promote(4));
    EXPECT(RSM_RULE_MEMBER_UNKNOWN, "replica 4 is no member of configuration 1");
    cr_assert(!remove_id(9));
    EXPECT(RSM_RULE_MEMBER_UNKNOWN, "replica 9");
}

/* A majority may be taken away one by one, but not the last voter; a learner does not count. */
Test(members, one_voter_remains)
{
    cr_assert(add(replica(4)));
    settle();
    cr_assert(remove_id(1));
    settle();
    cr_assert(remove_id(3));
    settle();
    cr_assert(!remove_id(2));
    EXPECT(RSM_RULE_LAST_VOTER, "replica 2 is the only voter of configuration 4");
    cr_assert(remove_id(4), "a learner may go: %s", world_words(w));
}

Test(members, at_most_nine)
{
    for (uint32_t id = 4; id <= REPLICA_MAX; id++) {
        cr_assert(add(replica(id)), "%s", world_words(w));
        settle();
    }
    cr_assert_eq(at(w->slot + 1).count, LIMIT_REPLICAS);
}

/* An addition and a promotion write down how the others are known; a removal leaves it. */
Test(members, are_known_to_the_newcomer)
{
    static const struct rsm_incarnation first[] = {{1, 11}, {2, 22}};
    static const struct rsm_incarnation second[] = {{2, 23}, {3, 33}, {4, 1005}};
    static const struct rsm_incarnation back[] = {{2, 22}};
    static const struct rsm_incarnation stranger[] = {{7, 1}};
    struct rsm_member four = replica(4);
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_add(&four, first, 2, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_MEMBER_ADD, body), "%s", world_words(w));
    settle();
    struct member_config config = at(w->slot + 1);
    cr_assert(config.members[0].incarnation == 11 && config.members[1].incarnation == 22);
    cr_assert(config.members[2].incarnation == 0 && config.members[3].incarnation == 1004);
    cr_assert_eq(rsm_body_member_promote(4, second, 3, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_MEMBER_PROMOTE, body), "2 and 4 rejoined: %s",
              world_words(w));
    settle();
    config = at(w->slot + 1);
    cr_assert(config.members[0].incarnation == 11 && config.members[1].incarnation == 23);
    cr_assert(config.members[2].incarnation == 33 && config.members[3].incarnation == 1005);
    cr_assert(config.members[3].voter);
    cr_assert(remove_id(4));
    settle();
    cr_assert_eq(at(w->slot + 1).members[1].incarnation, 23);
    four.incarnation = 1006;
    cr_assert_eq(rsm_body_member_add(&four, back, 1, &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_MEMBER_ADD, body));
    EXPECT(RSM_RULE_INCARNATION_USED, "replica 2 had incarnation 22 in configuration 2");
    cr_assert_eq(rsm_body_member_add(&four, stranger, 1, &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_MEMBER_ADD, body));
    EXPECT(RSM_RULE_MEMBER_UNKNOWN, "replica 7, whose incarnation is given");
    four.incarnation = 1005;
    cr_assert(!add(four));
    EXPECT(RSM_RULE_INCARNATION_USED, "replica 4 had incarnation 1005");
}

/* Rule 3 looks at all members as one object: who has not seen the last change knows too little. */
Test(members, one_object)
{
    struct actor *second = world_principal(w, "second", RSM_PRINCIPAL_PERSON, "admin");
    actor_see_all(second);
    struct rsm_buffer body;
    cr_assert(add(replica(4)));
    settle();
    cr_assert_eq(rsm_body_member_remove(1, &body), RSM_OK);
    cr_assert(!actor_do(second, RSM_KIND_MEMBER_REMOVE, body));
    EXPECT(RSM_RULE_STALE, "members: last written by root");
    actor_see_all(second);
    cr_assert_eq(rsm_body_member_remove(1, &body), RSM_OK);
    cr_assert(actor_do(second, RSM_KIND_MEMBER_REMOVE, body), "%s", world_words(w));
}

Test(members, need_the_right)
{
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    struct rsm_buffer body;
    actor_see_all(bob);
    cr_assert_eq(rsm_body_member_remove(1, &body), RSM_OK);
    cr_assert(!actor_do(bob, RSM_KIND_MEMBER_REMOVE, body));
    EXPECT(RSM_RULE_RIGHTS, "no role of bob grants member.remove");
    world_role(w, "keeper", "member.*", NULL);
    struct actor *eve = world_principal(w, "eve", RSM_PRINCIPAL_PERSON, "keeper");
    actor_see_all(eve);
    cr_assert_eq(rsm_body_member_remove(1, &body), RSM_OK);
    cr_assert(actor_do(eve, RSM_KIND_MEMBER_REMOVE, body), "%s", world_words(w));
}

/* A freeze of everything stops a keeper, but not the administrator: a cluster must be mendable. */
Test(members, under_a_freeze)
{
    world_role(w, "keeper", "member.*", NULL);
    struct actor *eve = world_principal(w, "eve", RSM_PRINCIPAL_PERSON, "keeper");
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert_eq(
        rsm_body_freeze_set(rsm_text("all"), RSM_FREEZE_GLOBAL, rsm_text(""), true, 0, &body),
        RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_FREEZE_SET, body), "%s", world_words(w));
    actor_see_all(eve);
    cr_assert_eq(rsm_body_member_remove(1, &body), RSM_OK);
    cr_assert(!actor_do(eve, RSM_KIND_MEMBER_REMOVE, body));
    EXPECT(RSM_RULE_FROZEN, "freeze all");
    cr_assert(remove_id(1), "%s", world_words(w));
}

/* A row that does not check is damage, never another set of members. */
Test(members, damaged_rows)
{
    struct writer good;
    struct member_config config = at(1), out;
    uint8_t key[8];
    put_u64(key, 1);
    struct bytes name = bytes_make(key, sizeof key);
    writer_init(&good, LIMIT_VALUE_SIZE);
    members_encode(&good, &config);
    cr_assert_eq(members_decode(name, writer_result(&good), &out), RSM_OK);
    cr_assert_arr_eq(&out, &config, sizeof out);
    for (size_t cut = 0; cut < good.size; cut++)
        cr_assert_eq(members_decode(name, bytes_make(good.data, cut), &out), RSM_DAMAGED);
    static const struct {
        size_t offset;
        uint8_t value;
        const char *what;
    } rows[] = {{8, 0, "no members"},   {8, 10, "ten"},       {8, 2, "bytes too many"},
                {9, 0, "id 0"},         {9, 10, "id 10"},     {9, 3, "not in order"},
                {10, 2, "neither nor"}, {51, 1, "zone size"}, {55, 0, "zone with a 0"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t before = good.data[rows[i].offset];
        good.data[rows[i].offset] = rows[i].value;
        cr_assert_eq(members_decode(name, writer_result(&good), &out), RSM_DAMAGED, "%s",
                     rows[i].what);
        good.data[rows[i].offset] = before;
    }
    cr_assert_eq(members_decode(bytes_make(key, 7), writer_result(&good), &out), RSM_DAMAGED);
    writer_deinit(&good);
}
