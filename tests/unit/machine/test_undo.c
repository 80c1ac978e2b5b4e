/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_undo.c - a change that takes another one back, and what becomes of that one. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/machine/staged.h"
#include "src/machine/undone.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define WWW "www.example."
#define MAIL "mail.example."

static struct world *w;
static struct actor *root, *bob, *replicas[3], *effects;

static void set_up(void)
{
    static const char *const names[] = {"replica:1", "replica:2", "replica:3"};
    struct rsm_change more[] = {change_a(WWW, 1, 2)};
    w = world_new();
    root = &w->actors[0];
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    for (uint8_t i = 0; i < 3; i++) {
        replicas[i] = world_actor(w, names[i]);
        memset(replicas[i]->key, 0, sizeof replicas[i]->key);
        replicas[i]->key[0] = (uint8_t)(101 + i);
    }
    effects = world_actor(w, "effect:bob");
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 1)));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(undo, .init = set_up, .fini = tear_down);

struct digest {
    uint8_t bytes[HASH_SIZE];
};

static struct digest the_digest(void)
{
    struct digest d;
    memcpy(d.bytes, w->verdict.digest, HASH_SIZE);
    return d;
}

static bool write_as(struct actor *a, enum rsm_class class, const struct digest *undone,
                     const struct rsm_change *changes, size_t count)
{
    struct rsm_buffer inner = body_change(ZONE, changes, count), body;
    struct rsm_bytes digest = {undone != NULL ? undone->bytes : NULL,
                               undone != NULL ? HASH_SIZE : 0};
    cr_assert_eq(rsm_body_change_undo(class, NULL, 0, digest, "rrset.change",
                                      (struct rsm_bytes){inner.data, inner.size}, &body),
                 RSM_OK);
    rsm_buffer_free(&inner);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_CHANGE_REQUEST, body);
}

/* Both record sets in one change: www becomes 5, mail is made. */
static struct digest do_two(void)
{
    struct rsm_change changes[] = {change_a(WWW, 5, 1), change_a(MAIL, 6, 1)};
    cr_assert(write_as(bob, RSM_CLASS_STANDARD, NULL, changes, 2), "%s", world_words(w));
    return the_digest();
}

static bool undo_two(struct actor *a, const struct digest *undone)
{
    struct rsm_change changes[] = {change_a(WWW, 1, 2), change_a(MAIL, 0, 0)};
    return write_as(a, RSM_CLASS_STANDARD, undone, changes, 2);
}

static void expect(const struct digest *d, enum change_state state)
{
    struct staged_record row;
    enum change_state before =
        staged_load(w->kv, d->bytes, &row) == RSM_OK ? row.state : CHANGE_LIVE;
    cr_assert_str_eq(change_state_text(change_state_of(w->kv, d->bytes, before)),
                     change_state_text(state));
}

#define EXPECT(part)                                                                               \
    do {                                                                                           \
        cr_assert(world_refused_only(w, RSM_RULE_UNDO), "%s", world_words(w));                     \
        cr_assert(strstr(world_evidence(w, RSM_RULE_UNDO), (part)) != NULL, "%s", world_words(w)); \
    } while (0)

Test(undo, what_was_before_is_there_again)
{
    struct digest first = do_two(), second;
    expect(&first, CHANGE_LIVE);
    cr_assert(undo_two(bob, &first), "%s", world_words(w));
    second = the_digest();
    expect(&first, CHANGE_ROLLED_BACK);
    expect(&second, CHANGE_LIVE);
    cr_assert_eq(world_count(w, ZONE, WWW, 1), 2);
    cr_assert_eq(world_count(w, ZONE, MAIL, 1), 0);
    struct undone_record undone;
    cr_assert_eq(undone_load(w->kv, first.bytes, &undone), RSM_OK);
    cr_assert(undone.slot == w->slot && memcmp(undone.by, second.bytes, HASH_SIZE) == 0);
    /* And the undo is a change that can be taken back; the first stays what it is. */
    struct rsm_change again[] = {change_a(WWW, 5, 1), change_a(MAIL, 6, 1)};
    cr_assert(write_as(bob, RSM_CLASS_STANDARD, &second, again, 2), "%s", world_words(w));
    expect(&second, CHANGE_ROLLED_BACK);
    expect(&first, CHANGE_ROLLED_BACK);
    cr_assert(!undo_two(bob, &first));
    EXPECT("is rolled-back; only a live one is taken back");
}

Test(undo, anything_else_is_no_undo)
{
    struct digest first = do_two(), unknown = {{7}};
    struct rsm_change half[] = {change_a(WWW, 1, 2)};
    struct rsm_change other[] = {change_a(WWW, 2, 2), change_a(MAIL, 0, 0)};
    cr_assert(!write_as(bob, RSM_CLASS_STANDARD, &first, half, 1));
    EXPECT("rrset mail.example. A would not be what it was before slot");
    cr_assert(!write_as(bob, RSM_CLASS_STANDARD, &first, other, 2));
    EXPECT("rrset www.example. A");
    cr_assert(!undo_two(bob, &unknown));
    EXPECT("there is no change with digest 07000000");
    struct digest refused = the_digest();
    cr_assert(!undo_two(bob, &refused));
    EXPECT("is refused");
    expect(&first, CHANGE_LIVE);
    struct rsm_change ttl[] = {change_a(WWW, 1, 2), change_a(MAIL, 0, 0)};
    ttl[0].ttl++;
    cr_assert(!write_as(bob, RSM_CLASS_STANDARD, &first, ttl, 2));
    EXPECT("rrset www.example. A");
}

/* A restore names a slot that was, and is otherwise a change as any other. */
Test(undo, a_restore_names_an_earlier_slot)
{
    static const struct {
        int64_t distance; /* from the slot that the command comes to stand in */
        bool good;
    } rows[] = {{-1, true}, {0, false}, {1, false}, {1000000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rsm_change changes[] = {change_a(WWW, (uint8_t)(20 + i), 1)};
        struct rsm_buffer inner = body_change(ZONE, changes, 1), body;
        uint64_t slot = (uint64_t)((int64_t)w->slot + 1 + rows[i].distance);
        cr_assert_eq(rsm_body_change_restore(RSM_CLASS_STANDARD, NULL, 0, slot, "rrset.change",
                                             (struct rsm_bytes){inner.data, inner.size}, &body),
                     RSM_OK);
        rsm_buffer_free(&inner);
        actor_see_all(bob);
        cr_assert_eq(actor_do(bob, RSM_KIND_CHANGE_REQUEST, body), rows[i].good, "%s",
                     world_words(w));
        if (!rows[i].good)
            EXPECT("is not before its own");
    }
}

static void vote_all(const struct digest *d)
{
    struct staged_record row;
    cr_assert_eq(staged_load(w->kv, d->bytes, &row), RSM_OK);
    uint8_t basis[HASH_SIZE];
    memcpy(basis, row.basis, HASH_SIZE);
    for (size_t i = 0; i < 3; i++) {
        struct rsm_buffer body;
        cr_assert_eq(rsm_body_change_vote((struct rsm_bytes){d->bytes, HASH_SIZE}, true, row.slot,
                                          (struct rsm_bytes){basis, HASH_SIZE}, &body),
                     RSM_OK);
        (void)actor_do(replicas[i], RSM_KIND_CHANGE_VOTE, body);
    }
    effects->counter++;
    w->lamport++; /* the effect has a clock of its own */
}

/* A change that waited is taken back by one that waits: each when it is live, not before. */
Test(undo, of_changes_that_wait)
{
    struct rsm_change change = change_a(WWW, 5, 1), back = change_a(WWW, 1, 2);
    (void)write_as(bob, RSM_CLASS_CRITICAL, NULL, &change, 1);
    struct digest first = the_digest();
    cr_assert(!write_as(bob, RSM_CLASS_CRITICAL, &first, &back, 1));
    cr_assert(world_refused(w, RSM_RULE_UNDO), "%s", world_words(w));
    vote_all(&first);
    expect(&first, CHANGE_LIVE);
    (void)write_as(bob, RSM_CLASS_CRITICAL, &first, &back, 1);
    cr_assert_eq(w->verdict.kind, VERDICT_STAGED, "%s", world_words(w));
    struct digest second = the_digest();
    expect(&second, CHANGE_STAGED);
    expect(&first, CHANGE_LIVE);
    vote_all(&second);
    expect(&second, CHANGE_LIVE);
    expect(&first, CHANGE_ROLLED_BACK);
    cr_assert_eq(world_count(w, ZONE, WWW, 1), 2);
}
