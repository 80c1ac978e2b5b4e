/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_service.c - services: what they make of a change's impact and class, and what they need. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include <rsm/service.h>

#include "src/base/check.h"
#include "src/base/mem.h"
#include "src/command/body_change.h"
#include "src/machine/graph.h"
#include "src/machine/service.h"
#include "src/rr/data.h"
#include "tests/unit/machine/expect.h"

#define ZONE "example."

static struct world *w;
static struct actor *root;

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("db.example.", 3, 1),
                                change_a("a.api.example.", 4, 1), change_a("mail.example.", 5, 1),
                                change_name("alias.example.", RR_TYPE_CNAME, "www.example.")};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 5)), "%s",
              world_words(w));
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(service, .init = set_up, .fini = tear_down);

/* `name` may end with "/": and all below it. `needs`: a name with its dot at the end, or a service.
 */
static struct rsm_buffer body_service(const char *service, const char *tier, const char *name,
                                      const char *needs)
{
    char text[256];
    size_t size = strlen(name);
    bool below = size > 0 && name[size - 1] == '/';
    snprintf(text, sizeof text, "%.*s", (int)(size - (below ? 1 : 0)), name);
    struct rsm_service_name item = {wire(text), below};
    struct rsm_service_need need = {.service = text_bytes("")};
    bool is_name = needs != NULL && needs[strlen(needs) - 1] == '.';
    if (is_name)
        need.name = wire(needs);
    else if (needs != NULL)
        need.service = text_bytes(needs);
    struct rsm_service s = {.name = text_bytes(service),
                            .owner = text_bytes("team"),
                            .tier = text_bytes(tier),
                            .names = &item,
                            .name_count = 1,
                            .needs = &need,
                            .need_count = needs != NULL ? 1 : 0};
    struct rsm_buffer body;
    CHECK(rsm_body_service_set(&s, &body) == RSM_OK);
    return body;
}

static bool set(const char *service, const char *tier, const char *name, const char *needs)
{
    actor_see_all(root);
    return actor_do(root, RSM_KIND_SERVICE_SET, body_service(service, tier, name, needs));
}

static bool drop(const char *service)
{
    struct rsm_buffer body;
    CHECK(rsm_body_service_delete(text_bytes(service), &body) == RSM_OK);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_SERVICE_DELETE, body);
}

static bool change(const char *owner, uint8_t n, size_t count)
{
    struct rsm_change c = change_a(owner, n, count);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &c, 1));
}

static uint64_t figure(enum stage_figure key)
{
    struct verdict v;
    uint64_t value = 0;
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &v), RSM_OK);
    return stages_figure(v.stages, RSM_STAGE_IMPACT, key, &value) ? value : 0;
}

/* "shop, mail": the services that the verdict names. */
static const char *named(void)
{
    static char text[256];
    struct verdict v;
    struct bytes name;
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &v), RSM_OK);
    struct bytes services = stages_services(v.stages);
    text[0] = '\0';
    while (stage_service_next(&services, &name)) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%.*s", used > 0 ? ", " : "", (int)name.size,
                 (const char *)name.data);
    }
    return text;
}

/* Names exactly, names below, and services that need what changes; each once. */
Test(service, what_a_change_affects)
{
    cr_assert(change("www.example.", 9, 1) && figure(STAGE_FIGURE_SERVICES) == 0);
    cr_assert(set("shop", "critical", "www.example.", "db.example."), "%s", world_words(w));
    cr_assert(set("api", "low", "api.example./", NULL), "%s", world_words(w));
    cr_assert(set("mail", "low", "mail.example.", "shop"), "%s", world_words(w));
    cr_assert(set("all", "low", "example./", NULL), "%s", world_words(w));
    const struct {
        const char *owner;
        uint64_t services, risk;
        const char *names;
    } cases[] = {
        {"www.example.", 3, 10, "shop, all, mail"}, /* shop; mail, which needs it; all */
        {"a.api.example.", 2, 5, "api, all"},       /* api, all */
        {"mail.example.", 2, 5, "mail, all"},       /* mail, all */
        {"other.example.", 1, 5, "all"},            /* all */
        {"db.example.", 3, 10, "all, shop, mail"},  /* shop needs it, and mail shop; all */
        {"api.example.", 2, 5, "api, all"},         /* the name itself as well */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(change(cases[i].owner, (uint8_t)(20 + i), 1), "%s", world_words(w));
        cr_expect_eq(figure(STAGE_FIGURE_SERVICES), cases[i].services, "%s: %llu", cases[i].owner,
                     (unsigned long long)figure(STAGE_FIGURE_SERVICES));
        cr_expect_eq(figure(STAGE_FIGURE_RISK_SERVICES), cases[i].risk, "%s", cases[i].owner);
        cr_expect_str_eq(named(), cases[i].names, "%s: %s", cases[i].owner, named());
    }
    cr_assert(drop("mail") && drop("all"), "%s", world_words(w));
    cr_assert(change("www.example.", 50, 1));
    cr_expect_eq(figure(STAGE_FIGURE_SERVICES), 1);
    cr_assert(set("shop", "low", "mail.example.", NULL), "%s", world_words(w));
    cr_assert(change("www.example.", 51, 1));
    cr_expect_eq(figure(STAGE_FIGURE_SERVICES), 0, "its names are others now");
    cr_assert(change("db.example.", 52, 1));
    cr_expect_eq(figure(STAGE_FIGURE_SERVICES), 0, "and it needs nothing");
    cr_expect_str_eq(named(), "");
}

/* What a change of `owner` is; an address unless it points. */
static bool change_to(const char *owner, uint16_t type, const char *target, uint8_t n)
{
    struct rsm_change c =
        type == RR_TYPE_A ? change_a(owner, n, 1) : change_name(owner, type, target);
    actor_see_all(root);
    return actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &c, 1));
}

static const struct {
    const char *owner;
    uint16_t type;
    const char *target;
} there[] = {
    {"far.example.", RR_TYPE_CNAME, "alias.example."},
    {"own.w.example.", RR_TYPE_A, NULL},
    {"v.example.", RR_TYPE_A, NULL},
    {"own.v.example.", RR_TYPE_A, NULL},
    {"d.example.", RR_TYPE_DNAME, "w.example."},
    {"made.example.", RR_TYPE_CNAME, "own.d.example."},
    {"ns.sub.example.", RR_TYPE_A, NULL},
    {"ns2.sub.example.", RR_TYPE_A, NULL},
    {"sub.example.", RR_TYPE_NS, "ns.sub.example."},
    {"deep.example.", RR_TYPE_CNAME, "y.sub.example."},
    {"*.wild.example.", RR_TYPE_A, NULL},
};

/* One service for a name that is reached over something; all that need it are affected as well. */
static const struct {
    const char *what, *name; /* what the service is for */
    const char *owner;       /* what changes */
    uint16_t type;
    const char *target;
    bool is_affected;
} ways[] = {
    {"an alias of what changes", "alias.example.", "www.example.", RR_TYPE_A, NULL, true},
    {"an alias of an alias", "far.example.", "www.example.", RR_TYPE_A, NULL, true},
    {"a name that a DNAME makes", "own.d.example.", "own.w.example.", RR_TYPE_A, NULL, true},
    {"an alias of such a name", "made.example.", "own.w.example.", RR_TYPE_A, NULL, true},
    {"below a DNAME that changes", "x.d.example.", "d.example.", RR_TYPE_DNAME, "v.example.", true},
    {"an alias of a name there", "made.example.", "d.example.", RR_TYPE_DNAME, "v.example.", true},
    {"below a delegation that changes", "x.sub.example.", "sub.example.", RR_TYPE_NS,
     "ns2.sub.example.", true},
    {"below one whose server moves", "x.sub.example.", "ns.sub.example.", RR_TYPE_A, NULL, true},
    {"below one, an alias there", "deep.example.", "ns.sub.example.", RR_TYPE_A, NULL, true},
    {"what a wildcard answers", "any.wild.example.", "*.wild.example.", RR_TYPE_A, NULL, true},
    {"a sibling", "mail.example.", "www.example.", RR_TYPE_A, NULL, false},
    {"what the name points at", "www.example.", "alias.example.", RR_TYPE_CNAME, "mail.example.",
     false},
    {"beside the wildcard", "wildcard.example.", "*.wild.example.", RR_TYPE_A, NULL, false},
    {"another name below the DNAME", "other.d.example.", "own.w.example.", RR_TYPE_A, NULL, false},
};

Test(service, every_way_of_being_affected)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        tear_down();
        set_up();
        for (size_t k = 0; k < sizeof there / sizeof *there; k++)
            cr_assert(change_to(there[k].owner, there[k].type, there[k].target, 6), "%s",
                      world_words(w));
        cr_assert(set("it", "low", ways[i].name, NULL), "%s", world_words(w));
        cr_assert(set("user", "critical", "unrelated.example.", "it"), "%s", world_words(w));
        cr_assert(change_to(ways[i].owner, ways[i].type, ways[i].target, 50), "%s: %s",
                  ways[i].what, world_words(w));
        cr_expect_eq(figure(STAGE_FIGURE_SERVICES), ways[i].is_affected ? 2 : 0, "%s: %s",
                     ways[i].what, named());
        cr_expect_str_eq(named(), ways[i].is_affected ? "it, user" : "", "%s", ways[i].what);
        cr_expect_eq(figure(STAGE_FIGURE_RISK_SERVICES), ways[i].is_affected ? 10 : 0, "%s",
                     ways[i].what);
    }
}

/* However many there are: the count is exact, and all are named where the slot has room. */
Test(service, many_are_all_found)
{
    enum { MANY = 1500 };
    char service[16];
    struct verdict v;
    struct bytes name;
    uint32_t count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(service, sizeof service, "s%u", i);
        cr_assert(set(service, i == MANY - 1 ? "critical" : "low",
                      i % 2 == 0 ? "www.example." : "alias.example.", NULL));
    }
    cr_assert(set("last", "low", "unrelated.example.", "s1499"));
    cr_assert(change("www.example.", 9, 1), "%s", world_words(w));
    cr_assert_eq(figure(STAGE_FIGURE_SERVICES), MANY + 1);
    cr_assert_eq(figure(STAGE_FIGURE_REACH_CUT), 0);
    cr_assert_eq(figure(STAGE_FIGURE_RISK_SERVICES), 10);
    cr_assert_eq(verdict_at(verdicts_bytes(&w->last), 0, &v), RSM_OK);
    struct bytes services = stages_services(v.stages);
    while (stage_service_next(&services, &name))
        count++;
    cr_assert_eq(count, MANY + 1);
}

/* What is needed has to be there, and stays; needs form no cycle: each with the path. */
Test(service, needs)
{
    cr_assert(!set("shop", "low", "www.example.", "none.example."));
    EXPECT(RSM_RULE_DANGLING, "service shop -> none.example.");
    cr_assert(!set("shop", "low", "www.example.", "pay"));
    EXPECT(RSM_RULE_DANGLING, "service shop -> service pay");
    cr_assert(!set("shop", "low", "www.example.", "shop"));
    EXPECT(RSM_RULE_CYCLE, "service shop -> service shop");
    cr_assert(set("pay", "low", "mail.example.", "db.example."), "%s", world_words(w));
    cr_assert(set("shop", "low", "www.example.", "pay"), "%s", world_words(w));
    cr_assert(set("top", "low", "www.example.", "shop"), "%s", world_words(w));
    cr_assert(!set("pay", "low", "mail.example.", "top"));
    EXPECT(RSM_RULE_CYCLE, "service pay -> service top -> service shop -> service pay");
    cr_assert(!drop("pay"));
    EXPECT(RSM_RULE_DANGLING, "service shop -> service pay");
    cr_assert(!change("db.example.", 0, 0));
    EXPECT(RSM_RULE_DANGLING, "service pay -> db.example.");
    cr_assert(set("top", "low", "www.example.", "elsewhere.test."),
              "names of others are not judged");
    cr_assert(drop("top") && drop("shop") && drop("pay"), "%s", world_words(w));
    cr_assert(change("db.example.", 0, 0), "%s", world_words(w));
    cr_assert(!drop("pay"));
    cr_assert(world_refused_only(w, RSM_RULE_NO_CHANGE), "%s", world_words(w));
}

/* A class by tier: changes of its names, of what it needs, and of the service itself. */
Test(service, class_by_tier)
{
    cr_assert(set("shop", "gold", "www.example.", "db.example."), "%s", world_words(w));
    world_class(w, "critical", NULL, "gold");
    const char *const waits[] = {"www.example.", "db.example."};
    for (size_t i = 0; i < 2; i++) {
        cr_assert(!change(waits[i], 9, 1));
        cr_expect_eq(w->verdict.kind, VERDICT_STAGED, "%s: %s", waits[i], world_words(w));
    }
    cr_assert(change("mail.example.", 9, 1), "%s", world_words(w));
    cr_assert(!set("shop", "low", "www.example.", NULL));
    cr_expect_eq(w->verdict.kind, VERDICT_STAGED, "it was gold: %s", world_words(w));
    cr_assert(!set("new", "gold", "mail.example.", NULL));
    cr_expect_eq(w->verdict.kind, VERDICT_STAGED, "it becomes gold: %s", world_words(w));
    cr_assert(!drop("shop"));
    cr_expect_eq(w->verdict.kind, VERDICT_STAGED, "%s", world_words(w));
    cr_assert(set("new", "low", "mail.example.", NULL), "%s", world_words(w));
}

/* A zone that goes affects all services with a name in it, or above it with all below. */
Test(service, zones_that_go)
{
    struct rsm_buffer body;
    cr_assert(set("shop", "critical", "www.example.", NULL));
    cr_assert(set("other", "low", "www.other.", NULL));
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &body), RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ZONE_DELETE, body), "%s", world_words(w));
    cr_expect_eq(figure(STAGE_FIGURE_SERVICES), 1);
    cr_expect_eq(figure(STAGE_FIGURE_RISK_SERVICES), 10);
}

/* Names "aN.example." as aliases of www, `count` of them from `first` on. */
static void add_aliases(uint32_t first, uint32_t count)
{
    struct rsm_change *all = mem_alloc(count * sizeof *all);
    uint8_t(*names)[32] = mem_alloc(count * sizeof *names);
    struct rsm_bytes target = wire("www.example."), zone = wire(ZONE);
    for (uint32_t i = 0; i < count; i++) {
        int size = snprintf((char *)names[i] + 1, 16, "a%u", first + i);
        names[i][0] = (uint8_t)size;
        memcpy(names[i] + 1 + size, zone.data, zone.size);
        all[i] = (struct rsm_change){.owner = {names[i], 1 + (size_t)size + zone.size},
                                     .type = RR_TYPE_CNAME,
                                     .ttl = 60,
                                     .rdatas = &target,
                                     .rdata_count = 1};
    }
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, all, count)), "%s",
              world_words(w));
    mem_free(names);
    mem_free(all);
}

/* Where more is reached than is looked for, the verdict says so, and the worst is taken to be so.
 */
Test(service, what_is_not_found_is_said)
{
    cr_assert(set("shop", "low", "www.example.", NULL));
    for (uint32_t first = 0; first < GRAPH_VISITS_MAX; first += 1u << 15)
        add_aliases(first, 1u << 15);
    cr_assert(change("www.example.", 9, 1), "%s", world_words(w));
    cr_assert_eq(figure(STAGE_FIGURE_REACH_CUT), 1);
    cr_assert_eq(figure(STAGE_FIGURE_SERVICES), 1);
    cr_assert_eq(figure(STAGE_FIGURE_RISK_SERVICES), 10, "a critical one may be among them");
    cr_assert(change("mail.example.", 9, 1), "%s", world_words(w));
    cr_assert_eq(figure(STAGE_FIGURE_REACH_CUT), 0);
}
