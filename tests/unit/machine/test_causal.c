/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_causal.c - causal rules 1 to 3, exactly once, bundles, rejections, log time. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/mem.h"
#include "src/command/envelope.h"
#include "src/machine/entry.h"
#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."

static struct world *w;
static struct actor *root, *bob, *carol;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("mail.example.", 3, 1)};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 2)));
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    carol = world_principal(w, "carol", RSM_PRINCIPAL_PERSON, "operator");
    actor_see_all(bob);
    actor_see_all(carol);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(causal, .init = set_up, .fini = tear_down);

static struct rsm_buffer set_address(const char *owner, uint8_t n)
{
    struct rsm_change change = change_a(owner, n, 1);
    return body_change(ZONE, &change, 1);
}

static bool write_address(struct actor *a, const char *owner, uint8_t n)
{
    return actor_do(a, RSM_KIND_RRSET_CHANGE, set_address(owner, n));
}

/* A raw command: everything by hand. */
struct raw {
    uint64_t counter, lamport;
    struct rsm_event clock[4];
    size_t clock_count;
    struct rsm_event dependencies[4];
    size_t dependency_count;
};

static bool apply_raw(struct actor *a, const struct raw *raw, struct rsm_buffer body)
{
    struct rsm_command command = {.id = {text_bytes(a->name), raw->counter},
                                  .lamport = raw->lamport,
                                  .clock = raw->clock,
                                  .clock_count = raw->clock_count,
                                  .dependencies = raw->dependencies,
                                  .dependency_count = raw->dependency_count,
                                  .kind = RSM_KIND_RRSET_CHANGE,
                                  .body = {body.data, body.size},
                                  .reason = text_bytes("raw")};
    struct rsm_buffer encoded;
    cr_assert_eq(rsm_command_encode(&command, &encoded), RSM_OK);
    struct blob *blob = blob_new(bytes_make(encoded.data, encoded.size));
    struct blob *envelope = actor_seal(a, &blob, 1, false);
    bool is_applied = world_apply(w, envelope);
    blob_unref(envelope);
    rsm_buffer_free(&encoded);
    rsm_buffer_free(&body);
    return is_applied;
}

static struct raw good_raw(const struct actor *a)
{
    return (struct raw){.counter = a->counter + 1,
                        .lamport = 1000,
                        .clock = {{text_bytes("root"), root->counter}},
                        .clock_count = 1};
}

/* ---- rules 1 and 2, by table ---- */

Test(causal, a_good_raw_command_is_applied)
{
    struct raw raw = good_raw(bob);
    raw.dependencies[0] = (struct rsm_event){text_bytes("root"), 1};
    raw.dependency_count = 1;
    cr_assert(apply_raw(bob, &raw, set_address("new.example.", 1)), "%s", world_words(w));
}

Test(causal, dependencies)
{
    struct raw raw = good_raw(bob);
    raw.dependencies[0] = (struct rsm_event){text_bytes("nobody"), 1};
    raw.dependency_count = 1;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_DEPENDENCY_MISSING, "nobody 1 is not in the log");
    raw.dependencies[0] = (struct rsm_event){text_bytes("root"), root->counter};
    raw.clock_count = 0;
    raw.lamport = 1;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_DEPENDENCY_ORDER, "has Lamport clock");
}

Test(causal, counters)
{
    struct raw raw = good_raw(bob);
    raw.counter = 3;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_COUNTER_GAP, "counter 3, but the next is 1");
    raw.counter = 1;
    cr_assert(apply_raw(bob, &raw, set_address("new.example.", 1)), "%s", world_words(w));
    raw.lamport++;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 2)));
    EXPECT(RSM_RULE_COUNTER_USED, "used by another command in slot");
}

Test(causal, lamport_clocks)
{
    struct raw raw = good_raw(bob);
    raw.lamport = 1;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_LAMPORT_ORDER, "which it has seen");
    raw.lamport = 5000000;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_LAMPORT_JUMP, "more than 1000000 above");
    raw.lamport = 100;
    cr_assert(apply_raw(bob, &raw, set_address("new.example.", 1)), "%s", world_words(w));
    raw.counter = 2;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 2)));
    EXPECT(RSM_RULE_LAMPORT_ORDER, "the author's last command had 100");
}

Test(causal, clocks_name_what_happened)
{
    struct raw raw = good_raw(bob);
    raw.clock[0].counter += 5;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_CLOCK_FUTURE, "the clock names root");
    raw.clock[0] = (struct rsm_event){text_bytes("bob"), 1};
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_CLOCK_FUTURE, "the clock names bob 1");
}

/* ---- rule 3 ---- */

/* Carol saw what Bob saw, and Bob wrote since: he knew all that she knows. */
Test(causal, overtaken_is_stale)
{
    cr_assert(write_address(bob, "www.example.", 5));
    cr_assert(!write_address(carol, "www.example.", 6));
    EXPECT(RSM_RULE_STALE, "rrset www.example. A: last written by bob 1 in slot");
    EXPECT(RSM_RULE_STALE, "this command has seen bob up to 0");
    cr_assert_eq(world_address(w, ZONE, "www.example.", QUERY_NOW), 5);
    actor_see(carol, bob);
    cr_assert(write_address(carol, "www.example.", 6), "%s", world_words(w));
}

/* Carol knows something that Bob did not. */
Test(causal, unseen_both_ways_is_concurrent)
{
    cr_assert(write_address(carol, "mail.example.", 9));
    cr_assert(write_address(bob, "www.example.", 5));
    cr_assert(!write_address(carol, "www.example.", 6));
    EXPECT(RSM_RULE_CONCURRENT, "last written by bob 1");
}

/* Who writes other record sets is in nobody's way. */
Test(causal, other_objects_do_not_matter)
{
    cr_assert(write_address(bob, "www.example.", 5));
    cr_assert(write_address(carol, "mail.example.", 6), "%s", world_words(w));
}

/* A record set that is gone still knows who deleted it. */
Test(causal, a_deletion_is_a_write)
{
    struct rsm_change gone = change_a("mail.example.", 0, 0);
    cr_assert(actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &gone, 1)));
    cr_assert(!write_address(carol, "mail.example.", 6));
    EXPECT(RSM_RULE_STALE, "mail.example. A: last written by bob");
}

/* Deleting a zone needs to have seen what is in it; writing to its next life, that it is one. */
Test(causal, zones_and_their_content)
{
    struct rsm_buffer body;
    cr_assert(write_address(bob, "www.example.", 5));
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(!actor_do(carol, RSM_KIND_ZONE_DELETE, body));
    EXPECT(RSM_RULE_STALE, "zone example.: last written by bob");
    actor_see(root, bob);
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ZONE_DELETE, body), "%s", world_words(w));
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    cr_assert(!write_address(carol, "www.example.", 6));
    EXPECT(RSM_RULE_STALE, "zone example.: last written by root");
}

/* ---- exactly once ---- */

/* The same bytes again: the first verdict and its slot, and nothing happens. */
Test(causal, a_retry_gets_the_first_verdict)
{
    struct rsm_buffer body = set_address("www.example.", 5);
    struct blob *envelope = actor_envelope(bob, RSM_KIND_RRSET_CHANGE, &body);
    cr_assert_eq(world_judge(w, envelope, NULL), MACHINE_ACCEPT);
    cr_assert(world_apply(w, envelope));
    uint64_t first = w->slot;
    uint32_t serial = world_serial(w, ZONE);
    struct bytes result = w->verdict.result;
    cr_assert(result.size > 0);
    actor_see(carol, bob);
    cr_assert(write_address(carol, "www.example.", 6));
    cr_assert_eq(world_judge(w, envelope, NULL), MACHINE_DUPLICATE);
    cr_assert(!world_apply(w, envelope));
    cr_assert_eq(w->verdict.kind, VERDICT_APPLIED);
    cr_assert_eq(w->verdict.first_slot, first);
    cr_assert_eq(w->last.duplicate_count, 1);
    cr_assert_eq(world_serial(w, ZONE), serial + 1);
    cr_assert_eq(world_address(w, ZONE, "www.example.", QUERY_NOW), 6);
    blob_unref(envelope);
}

/* A refusal stands too, also when the state has moved on; other bytes are judged anew. */
Test(causal, a_refused_command_stays_refused)
{
    struct rsm_buffer body = set_address("mail.example.", 6);
    struct rsm_change gone = change_a("mail.example.", 0, 0);
    struct rsm_buffer none = body_change(ZONE, &gone, 1);
    struct blob *envelope = actor_envelope(carol, RSM_KIND_RRSET_CHANGE, &none);
    cr_assert(actor_do(bob, RSM_KIND_RRSET_CHANGE, body));
    cr_assert(!world_apply(w, envelope));
    cr_assert(world_refused(w, RSM_RULE_STALE));
    uint64_t first = w->slot;
    cr_assert(!world_apply(w, envelope));
    cr_assert(world_refused(w, RSM_RULE_STALE));
    cr_assert_eq(w->verdict.first_slot, first);
    cr_assert_eq(carol->counter, 0);
    actor_see_all(carol);
    cr_assert(actor_do(carol, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &gone, 1)));
    cr_assert_eq(carol->counter, 1);
    blob_unref(envelope);
}

/* A refusal leaves the clocks alone: the same counter and Lamport clock serve again. */
Test(causal, a_refusal_leaves_no_trace)
{
    struct query_clock before, after;
    cr_assert(write_address(bob, "www.example.", 5));
    cr_assert_eq(query_clock(w->kv, bytes_of_string("carol"), &before), RSM_OK);
    carol->lamport = 5000;
    cr_assert(!write_address(carol, "www.example.", 6));
    cr_assert_eq(query_clock(w->kv, bytes_of_string("carol"), &after), RSM_OK);
    cr_assert_eq(before.counter, after.counter);
    cr_assert_eq(before.lamport_highest, after.lamport_highest);
}

/* Who is not verified gets no verdict that would stand in the way of the real one. */
Test(causal, an_unverified_envelope_poisons_nothing)
{
    struct rsm_buffer body = set_address("www.example.", 5);
    struct blob *envelope = actor_envelope(bob, RSM_KIND_RRSET_CHANGE, &body);
    struct writer value;
    writer_init(&value, LIMIT_VALUE_SIZE);
    entry_encode(&value, ENTRY_COMMANDS, w->now_ms, blob_bytes(envelope));
    cr_assert(!world_apply_value(w, writer_result(&value), false));
    EXPECT(RSM_RULE_KEY_INVALID, "signature");
    cr_assert(world_apply(w, envelope), "%s", world_words(w));
    writer_deinit(&value);
    blob_unref(envelope);
}

/* ---- bundles and rejections ---- */

/* Each command of a bundle has its verdict; the one that is refused stops the ones behind it. */
Test(causal, a_bundle_has_a_verdict_for_each)
{
    struct blob *commands[3];
    for (size_t i = 0; i < 3; i++) {
        struct rsm_buffer body =
            set_address(i == 1 ? "www.other." : "www.example.", (uint8_t)(20 + i));
        commands[i] = actor_command(bob, RSM_KIND_RRSET_CHANGE, &body, "bundle");
        bob->counter++;
    }
    bob->counter = 0;
    struct blob *envelope = actor_seal(bob, commands, 3, true);
    cr_assert_eq(world_judge(w, envelope, NULL), MACHINE_ACCEPT);
    cr_assert(!world_apply(w, envelope));
    cr_assert_eq(w->last.count, 3);
    cr_assert_eq(w->last.applied_count, 1);
    cr_assert_eq(w->last.refused_count, 2);
    struct verdict v;
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 1, &v), RSM_OK);
    cr_assert(verdict_names(&v, RSM_RULE_OUT_OF_ZONE));
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 2, &v), RSM_OK);
    cr_assert(verdict_names(&v, RSM_RULE_COUNTER_GAP));
    cr_assert_eq(world_address(w, ZONE, "www.example.", QUERY_NOW), 20);
    blob_unref(envelope);
}

static enum machine_judgement judge_value(struct blob *value, bool is_verified)
{
    struct machine_signatures signatures = {.verified = is_verified};
    struct kv *overlay = kv_overlay_new(w->kv);
    enum machine_judgement judgement;
    cr_assert_eq(machine_judge(w->machine, overlay, w->slot + 1, blob_bytes(value), &signatures,
                               NULL, &judgement),
                 RSM_OK);
    kv_free(overlay);
    return judgement;
}

/* A rejection is the verdict; the bytes that it refused are known from then on. */
Test(causal, a_rejection_is_a_verdict)
{
    struct verdicts verdicts;
    struct rsm_buffer body = set_address("www.other.", 5);
    struct blob *envelope = actor_envelope(bob, RSM_KIND_RRSET_CHANGE, &body);
    verdicts_init(&verdicts);
    cr_assert_eq(world_judge(w, envelope, &verdicts), MACHINE_REFUSE);
    struct blob *value = world_rejection(w, envelope, &verdicts);
    cr_assert_eq(judge_value(value, true), MACHINE_ACCEPT);
    cr_assert_eq(judge_value(value, false), MACHINE_BAD_ENTRY);
    cr_assert(!world_apply_value(w, blob_bytes(value), true));
    EXPECT(RSM_RULE_OUT_OF_ZONE, "www.other. A is not in zone");
    uint64_t first = w->slot;
    cr_assert(!world_apply(w, envelope));
    cr_assert_eq(w->verdict.first_slot, first);
    cr_assert_eq(judge_value(value, true), MACHINE_DUPLICATE);
    blob_unref(value);
    blob_unref(envelope);
    verdicts_deinit(&verdicts);
}

/* A bundle of 1024 commands with many faults each: its rejection still is an entry. */
Test(causal, a_large_rejection_fits)
{
    enum { COUNT = 1024, FAULTS = 70 };
    static struct blob *commands[COUNT];
    struct rsm_change faults[FAULTS];
    struct verdicts verdicts;
    struct rejection rejection;
    struct entry entry;
    for (size_t i = 0; i < COUNT; i++) {
        faults[0] = change_a("a-name-of-some-length.in-no-zone-that-we-have.", 1, 1);
        for (size_t n = 1; n < FAULTS; n++)
            faults[n] = faults[0];
        struct rsm_buffer body = body_change(ZONE, faults, FAULTS);
        commands[i] = actor_command(bob, RSM_KIND_RRSET_CHANGE, &body, "bundle");
        bob->counter++;
    }
    struct blob *envelope = actor_seal(bob, commands, COUNT, true);
    verdicts_init(&verdicts);
    cr_assert_eq(world_judge(w, envelope, &verdicts), MACHINE_REFUSE);
    cr_assert_eq(verdicts.refused_count, COUNT);
    cr_assert_lt(verdicts_bytes(&verdicts).size, 2u << 20);
    struct verdict first;
    cr_assert_eq(verdict_at(verdicts_bytes(&verdicts), 0, &first), RSM_OK);
    cr_assert_eq(first.reason_count, LIMIT_REASONS_PER_VERDICT);
    cr_assert_gt(first.omitted, 0);
    struct blob *value = world_rejection(w, envelope, &verdicts);
    cr_assert_eq(entry_parse(blob_bytes(value), &entry), RSM_OK);
    cr_assert_eq(rejection_parse(entry.payload, &rejection), RSM_OK);
    cr_assert_eq(rejection.envelope.size, 0);
    cr_assert_eq(rejection.refused_count, COUNT);
    cr_assert_eq(judge_value(value, false), MACHINE_ACCEPT);
    cr_assert(!world_apply_value(w, blob_bytes(value), false));
    cr_assert_eq(w->last.refused_count, COUNT);
    cr_assert_eq(world_judge(w, envelope, NULL), MACHINE_DUPLICATE);
    blob_unref(value);
    blob_unref(envelope);
    verdicts_deinit(&verdicts);
}

/* Every cut of a rejection is refused, never read past. */
Test(causal, cut_rejections)
{
    struct verdicts verdicts;
    struct rejection rejection;
    struct entry entry;
    struct rsm_buffer body = set_address("www.other.", 5);
    struct blob *envelope = actor_envelope(bob, RSM_KIND_RRSET_CHANGE, &body);
    verdicts_init(&verdicts);
    cr_assert_eq(world_judge(w, envelope, &verdicts), MACHINE_REFUSE);
    struct blob *value = world_rejection(w, envelope, &verdicts);
    cr_assert_eq(entry_parse(blob_bytes(value), &entry), RSM_OK);
    cr_assert_eq(rejection_parse(entry.payload, &rejection), RSM_OK);
    for (size_t size = 0; size < entry.payload.size; size++) {
        uint8_t *cut = mem_copy(entry.payload.data, size);
        cr_assert_neq(rejection_parse(bytes_make(cut, size), &rejection), RSM_OK);
        mem_free(cut);
    }
    blob_unref(value);
    blob_unref(envelope);
    verdicts_deinit(&verdicts);
}

/* A leader that rejects what the rules let in finds no votes. */
Test(causal, a_false_rejection_is_no_entry)
{
    struct verdicts verdicts;
    struct reasons reasons;
    uint8_t digest[HASH_SIZE];
    struct rsm_buffer body = set_address("www.example.", 5);
    struct blob *envelope = actor_envelope(bob, RSM_KIND_RRSET_CHANGE, &body);
    struct envelope parsed;
    struct command command;
    cr_assert_eq(envelope_parse(blob_bytes(envelope), &parsed), RSM_OK);
    struct envelope_walk walk = envelope_commands(&parsed);
    cr_assert(envelope_next(&walk, &command));
    command_digest(command.raw, parsed.key, digest);
    verdicts_init(&verdicts);
    reasons_init(&reasons);
    reasons_add(&reasons, RSM_RULE_FROZEN, "so I say");
    struct stages_made stages;
    struct writer record;
    stages_begin(&stages);
    writer_init(&record, STAGES_SIZE_MAX);
    stages_encode(&record, &stages, reasons.failed);
    struct verdict_id id = {command.author, command.counter, digest, writer_result(&record)};
    verdicts_add_refused(&verdicts, &id, &reasons);
    struct blob *value = world_rejection(w, envelope, &verdicts);
    cr_assert_eq(judge_value(value, true), MACHINE_BAD_ENTRY);
    blob_unref(value);
    blob_unref(envelope);
    reasons_deinit(&reasons);
    writer_deinit(&record);
    verdicts_deinit(&verdicts);
}

/* ---- time, bad entries ---- */

/* Log time is the highest timestamp so far, whatever the next leader's clock says. */
Test(causal, log_time_never_falls)
{
    uint64_t before = w->now_ms;
    w->now_ms = before + 5000;
    cr_assert(write_address(bob, "www.example.", 5));
    cr_assert_eq(w->last.log_time_ms, before + 5000);
    w->now_ms = before - 100000;
    cr_assert(write_address(bob, "www.example.", 6));
    cr_assert_eq(w->last.log_time_ms, before + 5000);
    (void)world_apply_value(w, (struct bytes){NULL, 0}, true);
    cr_assert_eq(w->last.log_time_ms, before + 5000);
    cr_assert_eq(w->last.count, 0);
}

Test(causal, bad_entries_are_no_ops)
{
    static const uint8_t bad[][12] = {{2, 1}, {1, 9}, {1, 2, 0, 0, 0, 0, 0, 0, 0, 9, 0xc1, 0}};
    for (size_t i = 0; i < 3; i++) {
        uint32_t serial = world_serial(w, ZONE);
        cr_assert(!world_apply_value(w, bytes_make(bad[i], i == 2 ? 12 : 2), true));
        cr_assert_eq(w->last.count, 0);
        cr_assert_eq(world_serial(w, ZONE), serial);
    }
}

/* ---- the sample validator of the reference design (MISSION C2-8) ---- */

struct sample_event {
    char id[16];
    uint64_t lamport;
    const char *dependencies[2];
    const char *clock_author;
    uint64_t clock_counter;
};

static struct sample_event sample_history[8];
static size_t sample_count;
static uint64_t sample_clock; /* of one author, merged by max */

static struct sample_event *sample_find(const char *id)
{
    for (size_t i = 0; i < sample_count; i++) {
        if (strcmp(sample_history[i].id, id) == 0)
            return &sample_history[i];
    }
    return NULL;
}

/* Its search, with `visited` and `on_path` as bits of places in the history. */
static bool sample_search(const char *id, uint32_t *visited, uint32_t *on_path)
{
    const struct sample_event *event = sample_find(id);
    uint32_t bit = event != NULL ? 1u << (event - sample_history) : 0;
    *visited |= bit;
    *on_path |= bit;
    for (size_t i = 0; i < 2 && event != NULL && event->dependencies[i] != NULL; i++) {
        const struct sample_event *next = sample_find(event->dependencies[i]);
        uint32_t next_bit = next != NULL ? 1u << (next - sample_history) : 0;
        if ((*visited & next_bit) == 0) {
            if (sample_search(event->dependencies[i], visited, on_path))
                return true;
        } else if ((*on_path & next_bit) != 0) {
            return true;
        }
    }
    *on_path &= ~bit;
    return false;
}

/* It begins at an event that is not in the history yet, or at the older one of that id. */
static bool sample_has_cycle(const char *id)
{
    uint32_t visited = 0, on_path = 0;
    return sample_search(id, &visited, &on_path);
}

static bool sample_validate(const struct sample_event *event)
{
    for (size_t i = 0; i < 2 && event->dependencies[i] != NULL; i++) {
        struct sample_event *found = sample_find(event->dependencies[i]);
        if (found == NULL || found->lamport >= event->lamport)
            return false;
    }
    if (sample_has_cycle(event->id))
        return false;
    if (event->clock_counter > sample_clock)
        sample_clock = event->clock_counter;
    struct sample_event *known = sample_find(event->id);
    *(known != NULL ? known : &sample_history[sample_count++]) = *event;
    return true;
}

static void sample_reset(void)
{
    sample_count = 0;
    sample_clock = 0;
}

/* 1: a cycle. The sample looks for it among events that it does not have; ours is an alias loop. */
Test(causal, sample_1_a_cycle)
{
    sample_reset();
    cr_assert(sample_validate(&(struct sample_event){.id = "a", .lamport = 1}));
    cr_assert(
        sample_validate(&(struct sample_event){.id = "b", .lamport = 2, .dependencies = {"a"}}));
    cr_assert(
        sample_validate(&(struct sample_event){.id = "a", .lamport = 3, .dependencies = {"b"}}));
    struct rsm_change one = change_name("a.example.", RR_TYPE_CNAME, "b.example.");
    struct rsm_change two = change_name("b.example.", RR_TYPE_CNAME, "a.example.");
    world_policy(w, "dangling_allowed", 1);
    cr_assert(actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &one, 1)));
    cr_assert(!actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &two, 1)));
    EXPECT(RSM_RULE_CYCLE, "b.example. -> a.example. -> b.example.");
}

/* 2: a second event with a known id overwrites the first. */
Test(causal, sample_2_an_id_twice)
{
    sample_reset();
    cr_assert(sample_validate(&(struct sample_event){.id = "bob-1", .lamport = 5}));
    cr_assert(sample_validate(&(struct sample_event){.id = "bob-1", .lamport = 1}));
    struct sample_event *found = sample_find("bob-1");
    cr_assert(found != NULL && found->lamport == 1);
    struct raw raw = good_raw(bob);
    cr_assert(apply_raw(bob, &raw, set_address("new.example.", 1)));
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 2)));
    EXPECT(RSM_RULE_COUNTER_USED, "used by another command");
}

/* 3: vector clocks are merged and never compared: concurrent writes pass. */
Test(causal, sample_3_concurrency)
{
    sample_reset();
    cr_assert(sample_validate(&(struct sample_event){
        .id = "bob-1", .lamport = 2, .clock_author = "bob", .clock_counter = 1}));
    cr_assert(sample_validate(&(struct sample_event){
        .id = "carol-1", .lamport = 2, .clock_author = "carol", .clock_counter = 1}));
    cr_assert(write_address(carol, "mail.example.", 9));
    cr_assert(write_address(bob, "www.example.", 5));
    cr_assert(!write_address(carol, "www.example.", 6));
    EXPECT(RSM_RULE_CONCURRENT, "last written by bob");
}

/* 4: a clock from the future poisons the merge. */
Test(causal, sample_4_a_clock_from_the_future)
{
    sample_reset();
    cr_assert(sample_validate(&(struct sample_event){
        .id = "bob-1", .lamport = UINT64_MAX, .clock_author = "root", .clock_counter = 1000000}));
    cr_assert_eq(sample_clock, 1000000);
    struct raw raw = good_raw(bob);
    raw.clock[0].counter = 1000000;
    raw.lamport = SLOT_MAX;
    cr_assert(!apply_raw(bob, &raw, set_address("new.example.", 1)));
    EXPECT(RSM_RULE_CLOCK_FUTURE, "root 1000000");
    EXPECT(RSM_RULE_LAMPORT_JUMP, "above the highest");
    cr_assert(write_address(carol, "new.example.", 1), "%s", world_words(w));
}

/* 5: nothing is checked per object: the old change over the newer one, as in 2025. */
Test(causal, sample_5_an_old_change_over_a_newer_one)
{
    sample_reset();
    cr_assert(sample_validate(&(struct sample_event){.id = "g12", .lamport = 12}));
    cr_assert(sample_validate(&(struct sample_event){.id = "g2", .lamport = 2}));
    cr_assert(write_address(bob, "www.example.", 12));
    cr_assert(!write_address(carol, "www.example.", 2));
    EXPECT(RSM_RULE_STALE, "www.example. A");
    cr_assert_eq(world_address(w, ZONE, "www.example.", QUERY_NOW), 12);
}
