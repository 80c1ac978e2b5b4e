/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_impact.c - the figures of a change, its risk as a sum, and one step of an answer. */
#include <criterion/criterion.h>

#include <string.h>

#include "src/machine/answer.h"
#include "src/machine/impact.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."

static const struct {
    const char *what;
    struct impact in;
    uint64_t risk;
} golden[] = {
    {"nothing at all", {.names = 0}, 0},
    {"one address", {.record_sets = 1, .share_permille = 10, .recovery_s = 365}, 0},
    {"two sets, one gone", {.record_sets = 2, .deleted = 1, .share_permille = 100}, 4 + 2 + 1},
    {"much hangs on it", {.record_sets = 1, .dependants = 7, .share_permille = 49}, 10},
    {"so much that it counts no more", {.record_sets = 1, .dependants = 5000}, 10},
    {"some service", {.record_sets = 1, .services = 1}, 5},
    {"a critical one", {.record_sets = 1, .services = 9, .is_critical = true}, 10},
    {"slow to take back", {.record_sets = 1, .recovery_s = 3601}, 3},
    {"very slow", {.record_sets = 1, .recovery_s = 86401}, 5},
    {"all of it",
     {.record_sets = 100000,
      .deleted = 100000,
      .dependants = 1000,
      .share_permille = 1000,
      .recovery_s = 1000000,
      .services = 1,
      .is_critical = true,
      .types = 25},
     100},
};

/* The risk is a sum of contributions that each follow one figure; the most is 100. */
Test(impact, risk_is_a_sum)
{
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        struct impact impact = golden[i].in;
        impact_rate(&impact);
        cr_assert_eq(impact.risk, golden[i].risk, "%s: %llu", golden[i].what,
                     (unsigned long long)impact.risk);
        cr_assert_eq(impact.risk, impact.types + impact.deletions + impact.share + impact.depend +
                                      impact.serve + impact.size + impact.recovery);
    }
    cr_assert_eq(impact_of_type(RR_TYPE_NS, false), 25);
    cr_assert_eq(impact_of_type(RR_TYPE_A, false), 0);
    cr_assert_eq(impact_of_type(RR_TYPE_A, true), 10);
    cr_assert_eq(impact_of_type(RR_TYPE_CNAME, false), 5);
}

static struct world *w;
static struct actor *root_actor;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2),
                                change_a("a.b.example.", 3, 1),
                                change_a("*.w.example.", 4, 1),
                                change_a("own.w.example.", 5, 1),
                                change_name("alias.example.", RR_TYPE_CNAME, "www.example."),
                                change_name("far.example.", RR_TYPE_CNAME, "alias.example."),
                                change_name("d.example.", RR_TYPE_DNAME, "w.example."),
                                change_name("sub.example.", RR_TYPE_NS, "ns.sub.example."),
                                change_a("ns.sub.example.", 6, 1)};
    w = world_new();
    root_actor = &w->actors[0];
    cr_assert(actor_do(root_actor, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 9)), "%s",
              world_words(w));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(reach, .init = set_up, .fini = tear_down);

static uint64_t figure(enum stage_figure key)
{
    struct verdict v;
    uint64_t value = 0;
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &v), RSM_OK);
    return stages_figure(v.stages, RSM_STAGE_IMPACT, key, &value) ? value : 0;
}

/* Dependants are counted over all that leads to a name, the share over what was there before. */
Test(reach, figures_of_a_change)
{
    struct rsm_change set[] = {change_a("www.example.", 9, 1), change_a("own.w.example.", 0, 0)};
    cr_assert(actor_do(root_actor, RSM_KIND_RRSET_CHANGE, body_change(ZONE, set, 2)), "%s",
              world_words(w));
    cr_assert_eq(figure(STAGE_FIGURE_RECORD_SETS), 2);
    cr_assert_eq(figure(STAGE_FIGURE_DELETED), 1);
    cr_assert_eq(figure(STAGE_FIGURE_NAMES), 2);
    cr_assert_eq(figure(STAGE_FIGURE_DEPENDANTS), 2);
    cr_assert_eq(figure(STAGE_FIGURE_SHARE_PERMILLE), 2 * 1000 / 11);
    cr_assert_eq(figure(STAGE_FIGURE_RECOVERY_S), IMPACT_DETECT_S + IMPACT_SPREAD_S + set[0].ttl);
    cr_assert_eq(figure(STAGE_FIGURE_RISK), 4 + 3 + 4 + 1);
}

static const struct {
    const char *name;
    uint16_t type;
    enum answer_kind kind;
    const char *owner;
    bool is_wildcard, is_empty;
} answers[] = {
    {"www.example.", RR_TYPE_A, ANSWER_DATA, "www.example.", false, false},
    {"www.example.", RR_TYPE_AAAA, ANSWER_NODATA, "www.example.", false, false},
    {"b.example.", RR_TYPE_A, ANSWER_NODATA, "b.example.", false, true},
    {"x.b.example.", RR_TYPE_A, ANSWER_NXDOMAIN, "b.example.", false, false},
    {"alias.example.", RR_TYPE_A, ANSWER_CNAME, "alias.example.", false, false},
    {"alias.example.", RR_TYPE_CNAME, ANSWER_DATA, "alias.example.", false, false},
    {"x.y.w.example.", RR_TYPE_A, ANSWER_DATA, "*.w.example.", true, false},
    {"own.w.example.", RR_TYPE_A, ANSWER_DATA, "own.w.example.", false, false},
    {"x.own.w.example.", RR_TYPE_A, ANSWER_NXDOMAIN, "own.w.example.", false, false},
    {"x.d.example.", RR_TYPE_A, ANSWER_DNAME, "d.example.", false, false},
    {"d.example.", RR_TYPE_DNAME, ANSWER_DATA, "d.example.", false, false},
    {"sub.example.", RR_TYPE_A, ANSWER_REFERRAL, "sub.example.", false, false},
    {"ns.sub.example.", RR_TYPE_A, ANSWER_REFERRAL, "sub.example.", false, false},
    {"sub.example.", 43, ANSWER_NODATA, "sub.example.", false, false},
    {"www.elsewhere.", RR_TYPE_A, ANSWER_ELSEWHERE, NULL, false, false},
};

/* One step of an answer, as RFC 1034, 4592 and 6672 have it. */
Test(reach, one_step_of_an_answer)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct answer a;
        cr_assert_eq(answer_step(w->kv, wire_bytes(answers[i].name), answers[i].type, &a), RSM_OK);
        cr_assert_eq(a.kind, answers[i].kind, "row %zu: %d", i, (int)a.kind);
        cr_assert_eq(a.is_wildcard, answers[i].is_wildcard, "row %zu", i);
        cr_assert_eq(a.is_empty, answers[i].is_empty, "row %zu", i);
        if (answers[i].owner != NULL)
            cr_assert(bytes_equal(a.owner, wire_bytes(answers[i].owner)), "row %zu", i);
    }
    struct answer a;
    uint8_t buffer[LIMIT_NAME_SIZE];
    struct bytes next;
    struct bytes name = wire_bytes("x.d.example.");
    cr_assert_eq(answer_step(w->kv, name, RR_TYPE_A, &a), RSM_OK);
    cr_assert_eq(answer_next(w->kv, &a, name, buffer, &next), RSM_OK);
    cr_assert(bytes_equal(next, wire_bytes("x.w.example.")));
}
