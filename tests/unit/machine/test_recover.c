/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_recover.c - one replica goes on alone: whose signatures count, and what it leaves behind. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/command/recovery.h"
#include "src/command/recovery_text.h"
#include "src/machine/logtable.h"
#include "src/machine/members.h"
#include "src/machine/record.h"
#include "src/machine/recovery.h"
#include "tests/lib/machine_world.h"

#define PEOPLE 5u
#define FORMER 333u

static struct world *w;
static struct actor *root, *replicas[4];
static struct rsm_key *keys[PEOPLE];
static const uint8_t cluster[CLUSTER_ID_SIZE] = {7};
static uint8_t heads[HASH_SIZE];

/* alice and bob may; alice2 is alice; carol may not; robot is an automaton. */
static const char *const names[PEOPLE] = {"alice", "alice2", "bob", "carol", "robot"};

static void give_key(struct actor *a, uint32_t i)
{
    struct rsm_buffer body;
    if (strcmp(a->name, "alice2") == 0) {
        struct rsm_bytes role = text_bytes("rescuer");
        struct rsm_bytes key = {a->key, sizeof a->key};
        cr_assert_eq(rsm_body_principal_set(text_bytes(a->name), RSM_PRINCIPAL_PERSON,
                                            text_bytes("alice"), text_bytes(""), &key, 1, &role, 1,
                                            NULL, &body),
                     RSM_OK);
        actor_see_all(root);
        cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_SET, body), "%s", world_words(w));
    }
    cr_assert_eq(rsm_key_generate(a->name, &keys[i]), RSM_OK);
    cr_assert_eq(rsm_body_principal_key_add(
                     text_bytes(a->name),
                     (struct rsm_bytes){rsm_key_public(keys[i]), RSM_PUBLIC_KEY_SIZE}, &body),
                 RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_PRINCIPAL_KEY_ADD, body), "%s", world_words(w));
}

/* The row that a replica writes beside the state. */
static void put_head(uint64_t slot)
{
    struct writer scratch;
    struct log_verdict row = {.entry_head = heads,
                              .verdict_head = heads,
                              .log_time_ms = w->now_ms,
                              .effects = heads,
                              .verdicts = bytes_of_string("\0\0\0\0")};
    memset(heads, 9, sizeof heads);
    writer_init(&scratch, 4096);
    cr_assert_eq(log_put(w->kv, slot, (struct bytes){NULL, 0}, &row, &scratch), RSM_OK);
    writer_deinit(&scratch);
}

static void set_up(void)
{
    w = world_new();
    root = &w->actors[0];
    cr_assert_eq(rsm_crypto_init(), RSM_OK);
    world_role(w, "rescuer", "cluster.recover", NULL);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        bool is_robot = strcmp(names[i], "robot") == 0;
        give_key(world_principal(w, names[i],
                                 is_robot ? RSM_PRINCIPAL_AUTOMATON : RSM_PRINCIPAL_PERSON,
                                 i < 3 || is_robot ? "rescuer" : "operator"),
                 i);
    }
    for (uint32_t id = 1; id <= 3; id++) {
        static const char *const authors[] = {"", "replica:1", "replica:2", "replica:3"};
        replicas[id] = world_actor(w, authors[id]);
        memset(replicas[id]->key, 0, sizeof replicas[id]->key);
        replicas[id]->key[0] = (uint8_t)(100 + id);
    }
    put_head(w->slot);
}

static void tear_down(void)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        rsm_key_free(keys[i]);
    world_free(w);
}

TestSuite(recover, .init = set_up, .fini = tear_down);

static struct recovery right(void)
{
    return (struct recovery){.cluster = cluster,
                             .replica = 3,
                             .former = FORMER,
                             .incarnation = 3333,
                             .epoch = 2,
                             .slot = w->slot,
                             .entry_head = heads,
                             .votes_end = w->slot + 3};
}

static void encode(struct writer *out, const struct recovery *r)
{
    struct body_incarnation others[] = {{1, 111}, {2, 222}};
    writer_init(out, RECOVERY_SIZE_MAX);
    recovery_encode(out, r, others, 2);
    cr_assert(!out->failed);
}

/* By the people of whom `who` has the bits; `sign_other`: over another statement. */
static enum rsm_status body_of(const struct recovery *r, unsigned who, bool sign_other,
                               struct rsm_buffer *body)
{
    struct recovery_approval approvals[PEOPLE];
    uint8_t signatures[PEOPLE][SIGNATURE_SIZE];
    struct recovery read, other = *r;
    struct writer statement, another;
    uint32_t count = 0;
    encode(&statement, r);
    other.slot--;
    encode(&another, &other);
    if (recovery_decode(writer_result(&statement), &read) == RSM_OK)
        for (uint32_t i = 0; i < PEOPLE; i++) {
            if ((who & 1u << i) == 0)
                continue;
            struct recovery signed_for = read;
            if (sign_other)
                signed_for.raw = writer_result(&another);
            cr_assert_eq(recovery_sign(keys[i], &signed_for, signatures[count]), RSM_OK);
            approvals[count].principal = bytes_of_string(names[i]);
            approvals[count].signature = signatures[count];
            count++;
        }
    enum rsm_status status = body_recover_encode(writer_result(&statement), approvals, count, body);
    writer_deinit(&statement);
    writer_deinit(&another);
    return status;
}

static bool recover_by(struct actor *author, const struct recovery *r, unsigned who, bool other)
{
    struct rsm_buffer body;
    cr_assert_eq(body_of(r, who, other, &body), RSM_OK);
    actor_see_all(author);
    return actor_do(author, RSM_KIND_CLUSTER_RECOVER, body);
}

#define ALICE 1u
#define ALICE2 2u
#define BOB 4u
#define CAROL 8u
#define ROBOT 16u

static void expect(const char *part)
{
    cr_assert(world_refused(w, RSM_RULE_RECOVERY), "%s: %s", part, world_words(w));
    cr_assert(strstr(world_evidence(w, RSM_RULE_RECOVERY), part) != NULL, "%s: %s", part,
              world_words(w));
}

/* Two different persons who may, both over exactly this. */
Test(recover, who_signs)
{
    static const struct {
        unsigned who;
        const char *why;
    } bad[] = {{ALICE | ALICE2, "is the same person as another one"},
               {ALICE | CAROL, "no role of carol grants cluster.recover"},
               {ALICE | ROBOT, "robot is no person"},
               {ALICE | BOB | CAROL, "no role of carol"}};
    struct recovery r = right();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert(!recover_by(replicas[3], &r, bad[i].who, false), "%s", bad[i].why);
        expect(bad[i].why);
    }
    cr_assert(!recover_by(replicas[3], &r, ALICE | BOB, true));
    expect("has signed this statement");
    struct rsm_buffer body;
    cr_assert_eq(body_of(&r, ALICE, false, &body), RSM_MALFORMED, "one is not two");
    cr_assert(recover_by(replicas[3], &r, ALICE | BOB, false), "%s", world_words(w));
}

/* The same is asked of the signatures where the command stands in another log. */
Test(recover, who_signs_in_another_log)
{
    static const struct {
        unsigned who;
        bool other, is_good;
    } rows[] = {{ALICE | BOB, false, true},           {ALICE2 | BOB, false, true},
                {ALICE | ALICE2, false, false},       {ALICE | CAROL, false, false},
                {ALICE | ROBOT, false, false},        {ALICE | BOB | CAROL, false, false},
                {ALICE | BOB | ALICE2, false, false}, {ALICE | BOB, true, false}};
    struct recovery r = right();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rsm_buffer body;
        struct body_recover decoded;
        cr_assert_eq(body_of(&r, rows[i].who, rows[i].other, &body), RSM_OK);
        cr_assert_eq(body_recover_decode(bytes_make(body.data, body.size), &decoded), RSM_OK);
        cr_assert_eq(recovery_is_signed(w->kv, &decoded), rows[i].is_good, "row %zu", i);
        rsm_buffer_free(&body);
    }
    struct kv *nobody = kv_mem_new();
    struct rsm_buffer body;
    struct body_recover decoded;
    cr_assert_eq(body_of(&r, ALICE | BOB, false, &body), RSM_OK);
    cr_assert_eq(body_recover_decode(bytes_make(body.data, body.size), &decoded), RSM_OK);
    cr_assert(!recovery_is_signed(nobody, &decoded), "a state that knows no persons");
    rsm_buffer_free(&body);
    kv_free(nobody);
}

/* The replica, the epoch and the log are those of the statement. */
Test(recover, what_it_is_about)
{
    struct recovery r = right();
    cr_assert(!recover_by(replicas[2], &r, ALICE | BOB, false));
    expect("the statement is about replica 3, the author is replica:2");
    cr_assert(!recover_by(root, &r, ALICE | BOB, false));
    expect("the author is root");
    r.epoch = 3;
    cr_assert(!recover_by(replicas[3], &r, ALICE | BOB, false));
    expect("for epoch 3, the next one is 2");
    r = right();
    r.slot += 5;
    r.votes_end = r.slot + 1;
    cr_assert(!recover_by(replicas[3], &r, ALICE | BOB, false));
    expect("which this log does not have");
    r = right();
    r.slot = 1; /* a slot without such a row */
    cr_assert(!recover_by(replicas[3], &r, ALICE | BOB, false));
    expect("which this log does not have");
    uint8_t another[HASH_SIZE] = {1};
    uint64_t slot = w->slot;
    put_head(slot);
    r = right();
    r.slot = slot;
    r.entry_head = another;
    cr_assert(!recover_by(replicas[3], &r, ALICE | BOB, false));
    expect("the statement is about another log");
}

/* Members, epoch, freeze: from the next slot on. */
Test(recover, what_it_leaves)
{
    struct member_config config, next;
    struct recovery_record row;
    struct freeze_record freeze;
    struct recovery r = right();
    char words[256];
    cr_assert_eq(recovery_newest(w->kv, &row), RSM_NOT_FOUND);
    uint64_t from = w->slot;
    cr_assert(recover_by(replicas[3], &r, ALICE | BOB, false), "%s", world_words(w));
    cr_assert_eq(machine_members(w->kv, NULL, &config, &next), RSM_OK);
    cr_assert(config.version == 3 && next.version == 0 && config.count == 1);
    cr_assert(config.members[0].id == 3 && config.members[0].voter &&
              config.members[0].incarnation == 3333);
    cr_assert_eq(machine_members_at(w->kv, NULL, w->slot, &config), RSM_OK);
    cr_assert(config.version == 1 && config.count == 3, "the entry's own slot has the old ones");
    cr_assert_eq(members_below(w->kv, 3, &config), RSM_OK);
    cr_assert(config.version == 2 && config.members[0].incarnation == 111 &&
              config.members[1].incarnation == 222 && config.members[2].incarnation == FORMER);
    cr_assert_eq(recovery_newest(w->kv, &row), RSM_OK);
    cr_assert(row.epoch == 2 && row.slot == w->slot && row.replica == 3 && row.from_slot == from);
    recovery_describe(&row, words, sizeof words);
    cr_assert(strstr(words, "signed by alice bob") != NULL, "%s", words);
    recovery_describe(&row, words, 20);
    cr_assert_eq(strlen(words), 19, "cut, not beyond its end");
    cr_assert_eq(freeze_load(w->kv, bytes_of_string("recovered-2"), &freeze), RSM_OK);
    cr_assert(freeze.scope == RSM_FREEZE_GLOBAL && !freeze.everybody && freeze.until_ms == 0);
    /* The disks of the others are used up. */
    struct rsm_buffer body;
    uint8_t key[RSM_PUBLIC_KEY_SIZE] = {101};
    struct rsm_member old = {.id = 1,
                             .zone = text_bytes("a"),
                             .key = {key, sizeof key},
                             .peer_address = text_bytes("127.0.0.1:7001"),
                             .client_address = text_bytes("127.0.0.1:8001"),
                             .incarnation = 111};
    actor_see_all(root);
    cr_assert_eq(rsm_body_member_add(&old, NULL, 0, &body), RSM_OK);
    cr_assert(!actor_do(root, RSM_KIND_MEMBER_ADD, body));
    cr_assert(world_refused(w, RSM_RULE_INCARNATION_USED), "%s", world_words(w));
    old.incarnation = 112;
    cr_assert_eq(rsm_body_member_add(&old, NULL, 0, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_MEMBER_ADD, body), "%s", world_words(w));
    /* The same statement a second time, in whatever command. */
    cr_assert(!recover_by(replicas[3], &r, ALICE | BOB, false));
    expect("for epoch 2, the next one is 3");
}

/* A change of the members that waits for its slot is overtaken. */
Test(recover, overtakes_a_change_of_members)
{
    struct member_config config, next;
    struct rsm_buffer body;
    struct recovery r;
    actor_see_all(root);
    cr_assert_eq(rsm_body_member_remove(2, &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_MEMBER_REMOVE, body), "%s", world_words(w));
    put_head(w->slot);
    r = right();
    cr_assert(recover_by(replicas[3], &r, ALICE | BOB, false), "%s", world_words(w));
    cr_assert_eq(machine_members(w->kv, NULL, &config, &next), RSM_OK);
    cr_assert(config.count == 1 && config.version == 4 && next.version == 0);
    cr_assert_eq(machine_members_at(w->kv, NULL, w->slot + 5000, &config), RSM_OK);
    cr_assert_eq(config.count, 1, "what waited never comes");
}

/* ---- forms ---- */

static enum rsm_status form(uint32_t field, uint64_t value)
{
    struct recovery r = right(), read;
    struct writer w1;
    uint64_t *const fields[] = {&r.former, &r.incarnation, &r.epoch, &r.slot, &r.votes_end};
    *fields[field] = value;
    encode(&w1, &r);
    enum rsm_status status = recovery_decode(writer_result(&w1), &read);
    writer_deinit(&w1);
    return status;
}

Test(recover, forms)
{
    struct recovery r = right();
    cr_assert_eq(form(0, FORMER), RSM_OK);
    cr_assert_neq(form(0, 0), RSM_OK, "no incarnation");
    cr_assert_neq(form(0, r.incarnation), RSM_OK, "the new one is the old one");
    cr_assert_neq(form(1, 0), RSM_OK);
    cr_assert_neq(form(1, SLOT_MAX + 1), RSM_OK);
    cr_assert_neq(form(2, 1), RSM_OK, "the first epoch is nobody's recovery");
    cr_assert_neq(form(3, 0), RSM_OK);
    cr_assert_neq(form(4, r.slot), RSM_OK, "votes end above the slot");
    uint64_t drawn = recovery_incarnation(&r);
    cr_assert(drawn != 0 && drawn <= SLOT_MAX && drawn == recovery_incarnation(&r));
    r.slot++;
    cr_assert_neq(drawn, recovery_incarnation(&r));
    /* Every shorter or longer text is none. */
    struct rsm_buffer body;
    struct body_recover read;
    r = right();
    cr_assert_eq(body_of(&r, ALICE | BOB, false, &body), RSM_OK);
    cr_assert_eq(body_recover_decode(bytes_make(body.data, body.size), &read), RSM_OK);
    for (size_t size = 0; size < body.size; size++)
        cr_assert_neq(body_recover_decode(bytes_make(body.data, size), &read), RSM_OK, "%zu", size);
    rsm_buffer_free(&body);
}

Test(recover, texts)
{
    struct recovery r = right();
    struct writer statement, text, back;
    struct recovery_approval_text approval = {.principal = "alice"}, read;
    encode(&statement, &r);
    writer_init(&text, RECOVERY_TEXT_MAX);
    writer_init(&back, RECOVERY_SIZE_MAX);
    writer_format(&text, "# words\n");
    recovery_text_encode(&text, writer_result(&statement));
    cr_assert_eq(recovery_text_decode(writer_result(&text), &back), RSM_OK);
    cr_assert(bytes_equal(writer_result(&back), writer_result(&statement)));
    uint8_t *digit = text.data + strlen("# words\nstatement = ") + 30;
    *digit = *digit == '1' ? '2' : '1';
    cr_assert_eq(recovery_text_decode(writer_result(&text), &back), RSM_DAMAGED);
    writer_reset(&text);
    cr_assert_eq(recovery_text_decode(writer_result(&text), &back), RSM_MALFORMED);
    recovery_approval_encode(&text, &approval);
    cr_assert_eq(recovery_approval_decode(writer_result(&text), &read), RSM_OK);
    cr_assert_str_eq(read.principal, "alice");
    for (size_t size = 0; size + 1 < text.size; size++) /* without its last newline it is whole */
        cr_assert_neq(recovery_approval_decode(bytes_make(text.data, size), &read), RSM_OK);
    recovery_approval_encode(&text, &approval);
    cr_assert_neq(recovery_approval_decode(writer_result(&text), &read), RSM_OK, "each line twice");
    writer_deinit(&statement);
    writer_deinit(&text);
    writer_deinit(&back);
}
