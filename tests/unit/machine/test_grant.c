/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_grant.c - grants that say the highest class of what is done by them. */
#include <criterion/criterion.h>

#include <string.h>

#include <rsm/change.h>
#include <rsm/update.h>

#include "src/base/check.h"
#include "src/machine/staged.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define GRANTS 3u

static struct world *w;
static struct actor *root, *bob;

/* What a test grants: NULL and 0 narrow nothing. */
struct given {
    const char *verb, *zone, *pattern;
    uint16_t type;
    enum rsm_class class_most;
};

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2),
                                change_name("sub.example.", RR_TYPE_NS, "ns.invalid."),
                                change_a("bank.example.", 1, 1)};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 3)));
    /* Of the policy's classes there is one: what is critical by default is. */
    world_class(w, "emergency", "bank.example.", NULL);
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(grant, .init = set_up, .fini = tear_down);

static void set_role(const char *role, const struct given *given, size_t count)
{
    struct rsm_grant grants[GRANTS];
    struct rsm_buffer body;
    for (size_t i = 0; i < count; i++)
        grants[i] = (struct rsm_grant){
            .verb = text_bytes(given[i].verb),
            .zone = given[i].zone != NULL ? wire(given[i].zone) : (struct rsm_bytes){NULL, 0},
            .suffix =
                given[i].pattern != NULL ? wire(given[i].pattern) : (struct rsm_bytes){NULL, 0},
            .types = &given[i].type,
            .type_count = given[i].type != 0 ? 1 : 0,
            .class_most = given[i].class_most};
    CHECK(rsm_body_role_set(text_bytes(role), grants, count, &body) == RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ROLE_SET, body), "%s", world_words(w));
}

enum outcome { APPLIED = 1, WAITS, NOT_GRANTED, NO_RIGHT };

static enum outcome outcome(void)
{
    switch (w->verdict.kind) {
    case VERDICT_APPLIED:
        return APPLIED;
    case VERDICT_STAGED:
        return WAITS;
    case VERDICT_REFUSED:
    case VERDICT_SETTLED:
        break;
    }
    if (world_refused_only(w, RSM_RULE_CLASS_GRANTED))
        return NOT_GRANTED;
    cr_assert(world_refused(w, RSM_RULE_RIGHTS), "%s", world_words(w));
    return NO_RIGHT;
}

#define STANDARD RSM_CLASS_STANDARD
#define CRITICAL RSM_CLASS_CRITICAL

static void change_sets(struct actor *a, const char *owner, uint16_t type)
{
    struct rsm_change all[2];
    size_t count = 0;
    if (strcmp(owner, "www.example.") != 0)
        all[count++] =
            type == RR_TYPE_NS ? change_name(owner, type, "ns2.invalid.") : change_a(owner, 9, 1);
    all[count++] = change_a("www.example.", 7, 1);
    (void)actor_do(a, RSM_KIND_RRSET_CHANGE, body_change(ZONE, all, count));
}

static const struct {
    const char *what;
    struct given grants[GRANTS];
    size_t count;
    const char *owner; /* changed beside www */
    uint16_t type;
    enum outcome outcome;
    const char *words;
} reaches[] = {
    {"standard, by a grant for that",
     {{"rrset.*", ZONE, NULL, 0, STANDARD}},
     1,
     "www.example.",
     RR_TYPE_A,
     APPLIED,
     ""},
    {"critical, by a grant for standard",
     {{"rrset.*", ZONE, NULL, 0, STANDARD}},
     1,
     "sub.example.",
     RR_TYPE_NS,
     NOT_GRANTED,
     "by the grant rrset.*,example.,,class=standard of role r, and this change is critical "
     "(rrset sub.example. NS changes)"},
    {"emergency, by a grant for critical",
     {{"rrset.*", ZONE, NULL, 0, CRITICAL}},
     1,
     "bank.example.",
     RR_TYPE_A,
     NOT_GRANTED,
     "class=critical of role r"},
    {"critical, by a grant for critical",
     {{"rrset.*", ZONE, NULL, 0, CRITICAL}},
     1,
     "sub.example.",
     RR_TYPE_NS,
     WAITS,
     ""},
    {"emergency, by a grant of every class",
     {{"rrset.*", ZONE, NULL, 0, 0}},
     1,
     "bank.example.",
     RR_TYPE_A,
     WAITS,
     ""},
    {"the one that allows more counts, whichever comes first",
     {{"rrset.*", ZONE, NULL, 0, STANDARD}, {"rrset.change", ZONE, NULL, 0, CRITICAL}},
     2,
     "sub.example.",
     RR_TYPE_NS,
     WAITS,
     ""},
    {"and in the other order",
     {{"rrset.change", ZONE, NULL, 0, CRITICAL}, {"rrset.*", ZONE, NULL, 0, STANDARD}},
     2,
     "sub.example.",
     RR_TYPE_NS,
     WAITS,
     ""},
    {"a narrow grant raises its own record sets alone",
     {{"rrset.*", ZONE, NULL, 0, STANDARD}, {"rrset.*", ZONE, "sub.example.", RR_TYPE_NS, 0}},
     2,
     "sub.example.",
     RR_TYPE_NS,
     NOT_GRANTED,
     "rrset www.example. A by the grant"},
    {"a grant of another zone allows nothing here",
     {{"rrset.*", ZONE, NULL, 0, STANDARD}, {"rrset.*", "other.", NULL, 0, 0}},
     2,
     "sub.example.",
     RR_TYPE_NS,
     NOT_GRANTED,
     "class=standard"},
    {"without a grant it is a matter of rights",
     {{"rrset.*", ZONE, "www.example.", 0, STANDARD}},
     1,
     "sub.example.",
     RR_TYPE_NS,
     NO_RIGHT,
     ""},
    {"two that do not reach",
     {{"rrset.*", ZONE, "www.example.", 0, STANDARD},
      {"rrset.*", ZONE, "sub.example.", 0, CRITICAL}},
     2,
     "sub.example.",
     RR_TYPE_NS,
     NOT_GRANTED,
     "rrset www.example. A by the grant rrset.*,example.,www.example.,"},
};

/* The grant that allows most counts for each record set, the set that is allowed least for all. */
Test(grant, says_the_highest_class)
{
    for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
        world_free(w);
        set_up();
        set_role("r", reaches[i].grants, reaches[i].count);
        bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "r");
        actor_see_all(bob);
        change_sets(bob, reaches[i].owner, reaches[i].type);
        cr_expect_eq(outcome(), reaches[i].outcome, "%s: %s", reaches[i].what, world_words(w));
        cr_expect(strstr(world_evidence(w, RSM_RULE_CLASS_GRANTED), reaches[i].words) != NULL ||
                      reaches[i].words[0] == '\0',
                  "%s: %s", reaches[i].what, world_words(w));
    }
}

static const struct given standard[] = {{"rrset.*", ZONE, NULL, 0, STANDARD}};

/* Who may do what is standard asks for no more agreement, either: what waits takes room. */
Test(grant, counts_the_class_that_is_asked_for)
{
    struct rsm_change change = change_a("www.example.", 9, 1);
    set_role("r", standard, 1);
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "r");
    actor_see_all(bob);
    cr_assert(!actor_do(bob, RSM_KIND_CHANGE_REQUEST, body_request(CRITICAL, ZONE, &change)));
    cr_assert(world_refused_only(w, RSM_RULE_CLASS_GRANTED), "%s", world_words(w));
    cr_assert(strstr(world_evidence(w, RSM_RULE_CLASS_GRANTED), "it was asked for") != NULL);
}

/* A zone as a whole, and things outside all zones. */
Test(grant, covers_what_is_no_record_set)
{
    static const struct given grants[] = {{"zone.*", ZONE, NULL, 0, STANDARD},
                                          {"role.*", NULL, NULL, 0, STANDARD}};
    struct rsm_buffer body;
    set_role("r", grants, 2);
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "r");
    actor_see_all(bob);
    CHECK(rsm_body_role_delete(text_bytes("reader"), &body) == RSM_OK);
    cr_assert(actor_do(bob, RSM_KIND_ROLE_DELETE, body), "%s", world_words(w));
    CHECK(rsm_body_zone_delete(wire(ZONE), &body) == RSM_OK);
    cr_assert(!actor_do(bob, RSM_KIND_ZONE_DELETE, body));
    cr_assert(strstr(world_evidence(w, RSM_RULE_CLASS_GRANTED), "zone.delete on zone example.") !=
                  NULL,
              "%s", world_words(w));
}

/* A dynamic update is told both: it cannot wait, and its author could not have it wait. */
Test(grant, counts_for_updates)
{
    struct rsm_change ns = change_name("sub.example.", RR_TYPE_NS, "ns2.invalid.");
    struct rsm_record add = {.owner = wire("sub.example."),
                             .type = RR_TYPE_NS,
                             .record_class = RSM_CLASS_IN,
                             .ttl = 60,
                             .rdata = ns.rdatas[0]};
    struct rsm_update update = {.zone = wire(ZONE), .updates = &add, .update_count = 1};
    struct rsm_buffer body;
    set_role("r", standard, 1);
    bob = world_principal(w, "bob", RSM_PRINCIPAL_AUTOMATON, "r");
    actor_see_all(bob);
    CHECK(rsm_body_rrset_update(&update, &body) == RSM_OK);
    cr_assert(!actor_do(bob, RSM_KIND_RRSET_UPDATE, body));
    cr_assert(world_refused(w, RSM_RULE_CLASS_GRANTED), "%s", world_words(w));
    cr_assert(world_refused(w, RSM_RULE_UPDATE_CLASS), "%s", world_words(w));
}

/* What waits is judged again when its votes are there, by the grants that there are then. */
Test(grant, is_asked_again_when_the_change_takes_effect)
{
    static const struct given all[] = {{"rrset.*", ZONE, NULL, 0, CRITICAL}};
    struct rsm_buffer body;
    uint8_t digest[RSM_DIGEST_SIZE];
    set_role("r", all, 1);
    bob = world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "r");
    actor_see_all(bob);
    change_sets(bob, "sub.example.", RR_TYPE_NS);
    cr_assert_eq(outcome(), WAITS);
    memcpy(digest, w->verdict.digest, sizeof digest);
    set_role("r", standard, 1);
    for (uint8_t replica = 1; replica <= 3; replica++) {
        static const char *const names[] = {"", "replica:1", "replica:2", "replica:3"};
        struct actor *voter = world_actor(w, names[replica]);
        memset(voter->key, 0, sizeof voter->key);
        voter->key[0] = (uint8_t)(100 + replica);
        actor_see_all(voter);
        uint8_t effect[32] = {0};
        CHECK(rsm_body_change_vote(rsm_bytes_make(digest, sizeof digest), true, w->slot,
                                   rsm_bytes_make(effect, sizeof effect), &body) == RSM_OK);
        bool is_alone = actor_do(voter, RSM_KIND_CHANGE_VOTE, body);
        cr_assert_eq(is_alone, replica < 3, "%s", world_words(w));
    }
    struct staged_record row;
    cr_assert_eq(staged_load(w->kv, digest, &row), RSM_OK);
    struct verdict settled = {.reasons = row.reasons};
    cr_assert_eq(row.state, CHANGE_REFUSED);
    cr_assert(verdict_names(&settled, RSM_RULE_CLASS_GRANTED));
    cr_assert_eq(world_address(w, ZONE, "www.example.", w->slot), 1);
}

/* One form for one grant: the highest class has no word, and there are no others. */
Test(grant, forms)
{
    static const struct {
        enum rsm_class class_most;
        enum rsm_status status;
    } cases[] = {{0, RSM_OK},
                 {STANDARD, RSM_OK},
                 {CRITICAL, RSM_OK},
                 {RSM_CLASS_EMERGENCY, RSM_MALFORMED},
                 {(enum rsm_class)9, RSM_MALFORMED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rsm_grant grant = {.verb = text_bytes("rrset.*"), .class_most = cases[i].class_most};
        struct rsm_buffer body = {NULL, 0};
        cr_expect_eq(rsm_body_role_set(text_bytes("r"), &grant, 1, &body), cases[i].status, "%zu",
                     i);
        rsm_buffer_free(&body);
    }
}
