/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_resume.c - automata come back from a freeze: in which order, how fast, and what stops it. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <rsm/change.h>
#include <rsm/update.h>

#include "src/command/pack.h"
#include "src/machine/resume.h"
#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."
#define WATCH_MS 600000u
#define MINUTE_MS 60000u
#define FIRST_RATE 6u

static struct world *w;
static struct actor *root, *bob, *east, *west, *nowhere, *replica;
static uint8_t next_octet;

static void set_up(void)
{
    w = world_new();
    next_octet = 1;
    root = &w->actors[0];
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, NULL, 0)));
    world_role(w, "r", "rrset.*", ZONE);
    west = world_automaton(w, "west", "us-west-2b", "r");
    east = world_automaton(w, "east", "us-east-1a", "r");
    nowhere = world_automaton(w, "nowhere", "", "r");
    replica = world_actor(w, "replica:1");
    memset(replica->key, 0, sizeof replica->key);
    replica->key[0] = 101;
}

/* What was written is what a replay writes. */
static void tear_down(void)
{
    struct world *again = world_empty_copy(w);
    uint8_t left[HASH_SIZE], right[HASH_SIZE];
    for (uint64_t slot = 1; slot <= w->slot; slot++)
        (void)world_apply_value(again, blob_bytes(w->log[slot - 1]), true);
    world_hash(w->kv, left);
    world_hash(again->kv, right);
    cr_assert_arr_eq(left, right, HASH_SIZE);
    world_free(again);
    world_free(w);
}

TestSuite(resume, .init = set_up, .fini = tear_down);

static bool put_as_seen(struct actor *a, const char *owner)
{
    struct rsm_change change = change_a(owner, next_octet++, 1);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1));
}

static bool put(struct actor *a)
{
    char owner[32];
    snprintf(owner, sizeof owner, "%s.%s", a->name, ZONE);
    actor_see_all(a);
    return put_as_seen(a, owner);
}

/* Over a write that it has not seen: the causal rules are against it. */
static bool put_blindly(struct actor *a)
{
    char owner[32];
    snprintf(owner, sizeof owner, "%s.%s", a->name, ZONE);
    actor_see_all(bob);
    cr_assert(put_as_seen(bob, owner), "%s", world_words(w));
    return put_as_seen(a, owner);
}

static void freeze(enum rsm_freeze_scope scope, const char *subject, bool everybody)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_set(text_bytes("f"), scope, text_bytes(subject), everybody,
                                     w->now_ms + 100 * WATCH_MS, &body),
                 RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_FREEZE_SET, body), "%s", world_words(w));
}

static bool resume_of(struct actor *a, const char *id, const char *az, bool gradual, uint64_t trips)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_resume(text_bytes(id), text_bytes(az), gradual, trips, &body),
                 RSM_OK);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_FREEZE_RESUME, body);
}

static bool resume(const char *az, bool gradual)
{
    return resume_of(bob, "f", az, gradual, 0);
}

static bool clear(void)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_clear(text_bytes("f"), &body), RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_FREEZE_CLEAR, body);
}

static bool trip(struct actor *a)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_freeze_trip(text_bytes("alarm audit-mismatch"), &body), RSM_OK);
    return actor_do(a, RSM_KIND_FREEZE_TRIP, body);
}

static struct freeze_record row(void)
{
    struct freeze_record out;
    cr_assert_eq(freeze_load(w->kv, bytes_of_string("f"), &out), RSM_OK);
    return out;
}

/* Who may write now, in the order east, west, nowhere: "." or "F". */
static const char *who(void)
{
    static char got[4];
    struct actor *const actors[] = {east, west, nowhere};
    for (size_t i = 0; i < 3; i++)
        got[i] = put(actors[i]) ? '.' : 'F';
    return got;
}

static void is_gone(void)
{
    struct freeze_record none;
    struct bytes key, value;
    cr_assert_eq(freeze_load(w->kv, bytes_of_string("f"), &none), RSM_NOT_FOUND);
    cr_assert_eq(kv_next(w->kv, TABLE_RESUME, bytes_make(NULL, 0), false, &key, &value),
                 RSM_NOT_FOUND);
    cr_assert_eq(resume_count(w->kv), 0);
}

/* In the order of their names, those that name none at last; then the freeze is gone. */
Test(resume, one_zone_after_the_other)
{
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert_str_eq(who(), "FFF");
    cr_assert(resume("", true), "%s", world_words(w));
    cr_assert_eq(row().until_ms, 0, "its end is the end of the way back");
    cr_assert_str_eq(who(), ".FF");
    world_tick(w, WATCH_MS - 1);
    cr_assert_str_eq(who(), ".FF");
    world_tick(w, 1);
    cr_assert_str_eq(who(), "..F");
    world_tick(w, WATCH_MS);
    cr_assert_str_eq(who(), "...");
    world_tick(w, WATCH_MS - 1);
    cr_assert_eq(resume_count(w->kv), 1);
    world_tick(w, 1);
    is_gone();
    cr_assert_str_eq(who(), "...");
}

/* All automata of the zone together, each quarter of the time twice as much. */
Test(resume, the_rate_rises)
{
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(resume("us-east-1a", true));
    for (uint64_t quarter = 0; quarter < RESUME_QUARTERS; quarter++) {
        uint64_t begin = w->now_ms, most = FIRST_RATE << quarter;
        for (uint64_t i = 0; i < most; i++)
            cr_assert(put(east), "quarter %llu, %llu: %s", (unsigned long long)quarter,
                      (unsigned long long)i, world_words(w));
        cr_assert(!put(east));
        EXPECT_ONLY(RSM_RULE_RESUME_RATE, "commands this minute are all; wait");
        world_tick(w, MINUTE_MS);
        cr_assert(put(east), "the next minute: %s", world_words(w));
        world_tick(w, begin + WATCH_MS / RESUME_QUARTERS - w->now_ms);
    }
    for (uint64_t i = 0; i < 2 * FIRST_RATE << RESUME_QUARTERS; i++)
        cr_assert(put(east), "back: %s", world_words(w));
}

static void limit_of_changes(uint64_t count)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 4096);
    pack_map(&map, 1);
    pack_text(&map, "limits");
    pack_array(&map, 1);
    pack_array(&map, 10);
    pack_text(&map, "few");
    pack_text(&map, "change");
    pack_uint(&map, 7);
    pack_bin(&map, bytes_make(NULL, 0));
    pack_text(&map, "");
    pack_text(&map, "");
    pack_uint(&map, count);
    for (int i = 0; i < 3; i++)
        pack_uint(&map, 0);
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body), RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
}

static bool put_two(struct actor *a)
{
    char left[32], right[32];
    snprintf(left, sizeof left, "a.%s.%s", a->name, ZONE);
    snprintf(right, sizeof right, "b.%s.%s", a->name, ZONE);
    struct rsm_change changes[] = {change_a(left, next_octet, 1), change_a(right, next_octet, 1)};
    next_octet++;
    actor_see_all(a);
    return actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, changes, 2));
}

/* A half of each limit, for automata that come back; at least one. */
Test(resume, limits_are_tightened)
{
    limit_of_changes(2);
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(resume("us-east-1a", true));
    cr_assert(!put_two(east));
    EXPECT_ONLY(RSM_RULE_LIMIT, "limit few (tightened, the author comes back from a freeze)");
    cr_assert(put(east), "%s", world_words(w));
    cr_assert(put_two(bob), "people come from nowhere: %s", world_words(w));
    world_tick(w, WATCH_MS);
    cr_assert(put_two(east), "%s", world_words(w));
}

/* One too many, and all are stopped again, those too that were back already. */
Test(resume, too_many_refusals_stop_all)
{
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(resume("us-east-1a", false), "%s", world_words(w));
    cr_assert(resume("us-west-2b", true), "%s", world_words(w));
    cr_assert_str_eq(who(), "..F");
    for (uint64_t i = 1; i <= 4; i++) {
        cr_assert(!put_blindly(east), "it is back, nobody watches it");
        cr_assert(!put_blindly(nowhere), "it is frozen still");
        cr_assert_eq(row().refused, i - 1);
        cr_assert(!put_blindly(west));
        cr_assert(world_refused(w, RSM_RULE_STALE), "%s", world_words(w));
        cr_assert_eq(row().refused, i);
    }
    struct freeze_record f = row();
    cr_assert(f.resumed_ms == 0 && f.trips == 1 && f.tripped_slot == w->slot);
    static const char cause[] = "4 commands of automata that came back were refused, the last one "
                                "of west: stale";
    cr_assert_eq(f.trip_cause.size, sizeof cause - 1);
    cr_assert_arr_eq(f.trip_cause.data, cause, sizeof cause - 1);
    cr_assert_eq(resume_count(w->kv), 0);
    cr_assert_str_eq(who(), "FFF");
    cr_assert(!resume("us-west-2b", true));
    EXPECT_ONLY(RSM_RULE_STALE, "was set again in slot");
    cr_assert(resume_of(bob, "f", "", true, 1), "%s", world_words(w));
    cr_assert_eq(row().refused, 0, "counted anew");
    cr_assert_str_eq(who(), ".FF");
}

/* What says nothing about an automaton's judgement is not counted. */
Test(resume, other_refusals_do_not_count)
{
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(resume("us-east-1a", true));
    east->counter += 5;
    cr_assert(!put_as_seen(east, "east." ZONE));
    cr_assert(world_refused_only(w, RSM_RULE_COUNTER_GAP), "%s", world_words(w));
    east->counter -= 5;
    struct rsm_change foreign = change_a("elsewhere.", 1, 1);
    cr_assert(!actor_do(east, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &foreign, 1)));
    cr_assert(world_refused(w, RSM_RULE_OUT_OF_ZONE), "%s", world_words(w));
    cr_assert_eq(row().refused, 0);
}

/* A refused update of `a`, signed for `principal` ("": its own), in the log as a rejection. */
static void reject_update(struct actor *a, const char *principal)
{
    struct rsm_record record = {.owner = wire("west." ZONE),
                                .record_class = RSM_CLASS_IN,
                                .type = RR_TYPE_A,
                                .ttl = 300,
                                .rdata = address(next_octet)};
    struct rsm_update update = {.principal = text_bytes(principal),
                                .zone = wire(ZONE),
                                .updates = &record,
                                .update_count = 1};
    struct rsm_buffer body;
    struct verdicts verdicts;
    verdicts_init(&verdicts);
    cr_assert_eq(rsm_body_rrset_update(&update, &body), RSM_OK);
    actor_see_all(a);
    a->lamport = next_octet++; /* below what it has seen: a causal rule, so that it counts */
    struct blob *envelope = actor_envelope(a, RSM_KIND_RRSET_UPDATE, &body);
    cr_assert_eq(world_judge(w, envelope, &verdicts), MACHINE_REFUSE);
    struct blob *value = world_rejection(w, envelope, &verdicts);
    cr_assert(!world_apply_value(w, blob_bytes(value), true));
    cr_assert(world_refused(w, RSM_RULE_LAMPORT_ORDER), "%s", world_words(w));
    a->lamport = 0;
    blob_unref(value);
    blob_unref(envelope);
    verdicts_deinit(&verdicts);
}

/* An update that a gateway signs is its principal's, and any other its author's (sim, seed 259). */
Test(resume, refused_updates_count_for_whose_they_are)
{
    static const char cause[] = "4 commands of automata that came back were refused, the last one "
                                "of west: lamport-order";
    struct actor *gateway = world_principal(w, "gate", RSM_PRINCIPAL_GATEWAY, "reader");
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(resume("us-east-1a", false), "%s", world_words(w));
    cr_assert(resume("us-west-2b", true), "%s", world_words(w));
    reject_update(west, "");
    cr_assert_eq(row().refused, 1);
    reject_update(gateway, "west");
    cr_assert_eq(row().refused, 2);
    reject_update(gateway, "");
    reject_update(gateway, "east");
    cr_assert_eq(row().refused, 2, "a gateway is no automaton, and east is watched no more");
    reject_update(gateway, "west");
    reject_update(west, "");
    struct freeze_record f = row();
    cr_assert(f.trips == 1 && f.trip_cause.size == sizeof cause - 1, "%.*s", (int)f.trip_cause.size,
              (const char *)f.trip_cause.data);
    cr_assert_arr_eq(f.trip_cause.data, cause, sizeof cause - 1);
}

Test(resume, what_cannot_be_resumed)
{
    static const struct {
        const char *id, *az;
        bool gradual;
        uint64_t trips;
        enum rsm_rule rule;
        const char *words;
    } rows[] = {
        {"g", "", true, 0, RSM_RULE_FREEZE_UNKNOWN, "there is no freeze g"},
        {"f", "", false, 0, RSM_RULE_RESUME, "clear freeze f"},
        {"f", "us-east-1z", true, 0, RSM_RULE_RESUME, "stops no automaton of us-east-1z"},
        {"f", "us-east-1a", true, 1, RSM_RULE_STALE, "the author knows of 1"},
    };
    freeze(RSM_FREEZE_GLOBAL, "", false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert(!resume_of(bob, rows[i].id, rows[i].az, rows[i].gradual, rows[i].trips));
        EXPECT_ONLY(rows[i].rule, rows[i].words);
    }
    cr_assert(!resume_of(east, "f", "", true, 0));
    cr_assert(world_refused(w, RSM_RULE_RIGHTS) && world_refused(w, RSM_RULE_FROZEN));
    cr_assert(resume("us-east-1a", true));
    cr_assert(!resume("us-east-1a", true));
    EXPECT_ONLY(RSM_RULE_NO_CHANGE, "us-east-1a come back already");
    freeze(RSM_FREEZE_GLOBAL, "", true);
    cr_assert_eq(resume_count(w->kv), 0, "set again: nobody comes back any more");
    cr_assert(!resume_of(root, "f", "", true, 0));
    EXPECT_ONLY(RSM_RULE_RESUME, "stops people too");
}

/* Of a freeze of one zone, its automata and those that name none come back. */
Test(resume, a_freeze_of_a_zone)
{
    freeze(RSM_FREEZE_AZ, "us-east-1a", false);
    cr_assert_str_eq(who(), "F.F");
    cr_assert(resume("us-east-1a", true), "%s", world_words(w));
    cr_assert_str_eq(who(), "..F");
    world_tick(w, WATCH_MS);
    cr_assert_str_eq(who(), "...");
    world_tick(w, WATCH_MS);
    is_gone();
}

Test(resume, a_freeze_of_an_author)
{
    freeze(RSM_FREEZE_AUTHOR, "west", false);
    cr_assert(resume("", true), "%s", world_words(w));
    cr_assert_str_eq(who(), "...");
    world_tick(w, WATCH_MS);
    is_gone();
}

Test(resume, a_replica_in_doubt_stops_it)
{
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(!trip(replica));
    EXPECT_ONLY(RSM_RULE_NO_CHANGE, "no automaton comes back");
    cr_assert(resume("", true));
    actor_see_all(bob);
    cr_assert(!trip(bob));
    cr_assert(world_refused_only(w, RSM_RULE_RIGHTS), "%s", world_words(w));
    cr_assert_str_eq(who(), ".FF");
    cr_assert(trip(replica), "%s", world_words(w));
    cr_assert_eq(row().trip_cause.size, strlen("alarm audit-mismatch"));
    cr_assert_str_eq(who(), "FFF");
    cr_assert(clear(), "%s", world_words(w));
    cr_assert_str_eq(who(), "...");
}

Test(resume, clearing_ends_it)
{
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(resume("", true));
    cr_assert(clear(), "%s", world_words(w));
    is_gone();
}

static bool undo(struct actor *a, const uint8_t digest[HASH_SIZE], const char *owner)
{
    struct rsm_change change = change_a(owner, 0, 0);
    struct rsm_buffer inner = body_change(ZONE, &change, 1), body;
    cr_assert_eq(rsm_body_change_undo(RSM_CLASS_STANDARD, NULL, 0,
                                      (struct rsm_bytes){digest, HASH_SIZE}, "rrset.change",
                                      (struct rsm_bytes){inner.data, inner.size}, &body),
                 RSM_OK);
    rsm_buffer_free(&inner);
    actor_see_all(a);
    return actor_do(a, RSM_KIND_CHANGE_REQUEST, body);
}

/* What somebody had to take back is enough by itself. */
Test(resume, a_rollback_stops_it)
{
    uint8_t digest[HASH_SIZE];
    freeze(RSM_FREEZE_GLOBAL, "", false);
    cr_assert(resume("", true));
    cr_assert(put(east), "%s", world_words(w));
    memcpy(digest, w->verdict.digest, HASH_SIZE);
    cr_assert(undo(bob, digest, "east." ZONE), "%s", world_words(w));
    cr_assert_eq(row().trips, 1);
    cr_assert_eq(row().trip_cause.size,
                 strlen("a change of east, which came back, was rolled back"));
    cr_assert_str_eq(who(), "FFF");
}
