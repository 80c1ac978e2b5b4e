/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_stages.c - what became of each stage stands in the verdict, and the table of rules is whole.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/machine/stage.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."

static struct world *w;
static struct actor *root_actor;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("a.b.example.", 3, 1)};
    w = world_new();
    root_actor = &w->actors[0];
    cr_assert(actor_do(root_actor, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 2)), "%s",
              world_words(w));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(stages, .init = set_up, .fini = tear_down);

/* The last verdict's stages, a letter each: "psFs.." */
static const char *outcomes(void)
{
    static char text[STAGE_COUNT_RECORDED + 1];
    static const char letters[] = {'?', 'p', 'F', 's'};
    struct verdict v;
    struct stage_row row;
    uint32_t at = 0;
    memset(text, 0, sizeof text);
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &v), RSM_OK);
    while (stage_next(&v.stages, &row)) {
        cr_assert_lt(at, STAGE_COUNT_RECORDED);
        text[at++] = letters[row.outcome];
    }
    return text;
}

static uint64_t figure(enum rsm_stage stage, enum stage_figure key)
{
    struct verdict v;
    uint64_t value = UINT64_MAX;
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &v), RSM_OK);
    return stages_figure(v.stages, stage, key, &value) ? value : UINT64_MAX;
}

static bool do_changes(struct rsm_change *changes, size_t count)
{
    return actor_do(root_actor, RSM_KIND_RRSET_CHANGE, body_change(ZONE, changes, count));
}

/* An applied change passes all but the stage that a standard change has no need of. */
Test(stages, an_applied_change_has_passed)
{
    struct rsm_change changes[] = {change_a("new.example.", 9, 1), change_a("www.example.", 0, 0)};
    cr_assert(do_changes(changes, 2));
    cr_assert_str_eq(outcomes(), "pppspp");
    cr_assert_eq(figure(RSM_STAGE_IMPACT, STAGE_FIGURE_RECORD_SETS), 2);
    cr_assert_eq(figure(RSM_STAGE_IMPACT, STAGE_FIGURE_DELETED), 1);
    cr_assert_geq(figure(RSM_STAGE_PRECOMMIT, STAGE_FIGURE_WRITES), 4);
}

/* A change with faults of four stages names all of them, and shows each of these as failed. */
Test(stages, faults_in_four_stages_are_all_told)
{
    struct rsm_change faults[] = {change_a("www.elsewhere.", 1, 1), change_a("www.example.", 0, 0),
                                  change_name("c1.example.", RR_TYPE_CNAME, "c2.example."),
                                  change_name("c2.example.", RR_TYPE_CNAME, "c1.example.")};
    static const uint8_t policy[] = "\x81\xa9protected\x91\x94\xc4\x09\7example\0\xc4\x0d\3www"
                                    "\7example\0\1\1";
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_policy_set((struct rsm_bytes){policy, sizeof policy - 1}, &body), RSM_OK);
    cr_assert(actor_do(root_actor, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
    struct actor *bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    actor_see_all(bob);
    cr_assert_eq(
        rsm_body_freeze_set(text_bytes("f"), RSM_FREEZE_GLOBAL, text_bytes(""), true, 0, &body),
        RSM_OK);
    cr_assert(actor_do(root_actor, RSM_KIND_FREEZE_SET, body), "%s", world_words(w));
    cr_assert(!actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, faults, 4)));
    cr_assert(world_refused(w, RSM_RULE_OUT_OF_ZONE), "%s", world_words(w));
    cr_assert(world_refused(w, RSM_RULE_CYCLE), "%s", world_words(w));
    cr_assert(world_refused(w, RSM_RULE_ENDPOINT_EMPTY), "%s", world_words(w));
    cr_assert(world_refused(w, RSM_RULE_FROZEN), "%s", world_words(w));
    cr_assert_str_eq(outcomes(), "FFFsFs");
}

/* A command that nobody signed gets no further than the first stage. */
Test(stages, an_unsigned_command_is_not_looked_at_further)
{
    struct rsm_change change = change_a("new.example.", 9, 1);
    struct rsm_buffer body = body_change(ZONE, &change, 1);
    struct blob *envelope = actor_envelope(root_actor, RSM_KIND_RRSET_CHANGE, &body);
    struct blob *value = world_value(w, envelope);
    cr_assert(!world_apply_value(w, blob_bytes(value), false));
    cr_assert_str_eq(outcomes(), "Fsssss");
    blob_unref(value);
    blob_unref(envelope);
}

/* The stages of a refused command are the same whether it is judged here or rejected by a leader.
 */
Test(stages, a_duplicate_has_the_stages_of_the_first_verdict)
{
    struct rsm_change change = change_a("new.example.", 9, 1);
    struct rsm_buffer body = body_change(ZONE, &change, 1);
    struct blob *envelope = actor_envelope(root_actor, RSM_KIND_RRSET_CHANGE, &body);
    struct verdict first, again;
    cr_assert(world_apply(w, envelope));
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &first), RSM_OK);
    uint8_t kept[STAGES_SIZE_MAX];
    size_t size = first.stages.size;
    memcpy(kept, first.stages.data, size);
    cr_assert(!world_apply(w, envelope));
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &again), RSM_OK);
    cr_assert(verdict_is_duplicate(&again));
    cr_assert(bytes_equal(again.stages, bytes_make(kept, size)));
    blob_unref(envelope);
}

/* No other bytes than a whole record of stages 1 to 6 pass for one. */
Test(stages, a_record_is_checked_to_the_last_byte)
{
    struct stages_made made;
    struct writer out;
    stages_begin(&made);
    stage_ran(&made, RSM_STAGE_CAUSAL);
    stage_note(&made, RSM_STAGE_CAUSAL, STAGE_FIGURE_WRITES, 0);
    stage_note(&made, RSM_STAGE_CAUSAL, STAGE_FIGURE_DELETED, UINT64_MAX);
    stage_note(&made, RSM_STAGE_CAUSAL, STAGE_FIGURE_WRITES, 258);
    writer_init(&out, STAGES_SIZE_MAX);
    stages_encode(&out, &made, 1u << RSM_STAGE_IMPACT);
    struct bytes record = writer_result(&out);
    uint64_t value;
    cr_assert(stages_check(record));
    cr_assert(stages_figure(record, RSM_STAGE_CAUSAL, STAGE_FIGURE_WRITES, &value) && value == 258);
    cr_assert(stages_figure(record, RSM_STAGE_CAUSAL, STAGE_FIGURE_DELETED, &value) &&
              value == UINT64_MAX);
    cr_assert(!stages_figure(record, RSM_STAGE_IMPACT, STAGE_FIGURE_DELETED, &value));
    for (size_t size = 0; size < record.size; size++)
        cr_assert(!stages_check(bytes_make(record.data, size)), "%zu bytes", size);
    out.data[0] = 2 * 16 + STAGE_PASSED; /* stage 2 twice, stage 1 not at all */
    cr_assert(!stages_check(record));
    out.data[0] = 16 + STAGE_PASSED; /* passed, and yet why */
    cr_assert(!stages_check(record));
    writer_deinit(&out);
}

/* The names of affected services: as many as there is room for, checked to the last byte. */
Test(stages, services_are_named)
{
    static const char *const names[] = {"pay", "shop", "mail", "web", "more"};
    struct stages_made made;
    struct writer out;
    struct bytes name;
    stages_begin(&made);
    made.is_brief = true;
    for (size_t i = 0; i < 5; i++)
        stage_name_service(&made, bytes_of_string(names[i]));
    writer_init(&out, STAGES_SIZE_MAX);
    stages_encode(&out, &made, 0);
    struct bytes record = writer_result(&out);
    struct bytes services = stages_services(record);
    size_t stages_size = record.size - services.size - 3;
    cr_assert(stages_check(record));
    for (size_t i = 0; i < STAGE_SERVICES_BRIEF; i++)
        cr_assert(stage_service_next(&services, &name) &&
                  bytes_equal(name, bytes_of_string(names[i])));
    cr_assert(!stage_service_next(&services, &name));
    for (size_t size = 0; size < record.size; size++)
        cr_assert_eq(stages_check(bytes_make(record.data, size)), size == stages_size, "%zu bytes",
                     size);
    out.data[stages_size + 2] = 3; /* says three, has four */
    cr_assert(!stages_check(record));
    stages_begin(&made);
    writer_reset(&out);
    stages_encode(&out, &made, 0);
    cr_assert_eq(stages_services(writer_result(&out)).size, 0);
    writer_deinit(&out);
}

/* Where a slot has room all are named, up to a bound in bytes. */
Test(stages, all_services_that_fit_are_named)
{
    static struct stages_made made;
    struct writer out;
    struct bytes name;
    uint8_t long_name[LIMIT_LABEL_SIZE];
    uint32_t count = 0;
    memset(long_name, 'x', sizeof long_name);
    stages_begin(&made);
    for (size_t i = 0; i < 1000; i++)
        stage_name_service(&made, bytes_make(long_name, sizeof long_name));
    stage_name_service(&made, bytes_of_string("s"));
    writer_init(&out, STAGES_SIZE_MAX);
    stages_encode(&out, &made, 0);
    cr_assert(!out.failed && stages_check(writer_result(&out)));
    struct bytes services = stages_services(writer_result(&out));
    while (stage_service_next(&services, &name))
        count++;
    cr_assert_eq(count, STAGE_SERVICES_SIZE / (LIMIT_LABEL_SIZE + 1) + 1, "%u", count);
    writer_deinit(&out);
}

/* ---- the table ---- */

/* Every rule has an id of its own, a stage of those that are recorded, a file and words. */
Test(rule_table, is_whole)
{
    for (uint32_t rule = 1; rule <= rsm_rule_last(); rule++) {
        cr_assert_str_neq(rsm_rule_id(rule), "unknown");
        cr_assert(rsm_rule_stage(rule) >= RSM_STAGE_PREFLIGHT &&
                      (uint32_t)rsm_rule_stage(rule) <= STAGE_COUNT_RECORDED,
                  "%s", rsm_rule_id(rule));
        cr_assert_gt(strlen(rsm_rule_file(rule)), 0);
        cr_assert_str_neq(rsm_rule_next(rule), rsm_rule_next(rsm_rule_last() + 1),
                          "%s does not say what to do next", rsm_rule_id(rule));
        for (uint32_t other = 1; other < rule; other++)
            cr_assert_str_neq(rsm_rule_id(rule), rsm_rule_id(other));
    }
    cr_assert_str_eq(rsm_rule_id(rsm_rule_last() + 1), "unknown");
    cr_assert_str_eq(rsm_stage_id(RSM_STAGE_IMPACT), "impact");
    cr_assert_str_eq(rsm_stage_id(8), "unknown");
}
