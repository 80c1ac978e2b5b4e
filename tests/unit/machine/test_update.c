/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_update.c - dynamic updates: every form of prerequisite and of update of RFC 2136, each when
 * it holds and when it does not, and on whose behalf.
 *
 * A record is written as in a master file, with the class in front: "IN www.example. 300 A
 * 192.0.2.1", "ANY www.example. 0 A", "NONE www.example. 0 ANY"; several are parted by ";".
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/command/body.h"
#include "src/machine/record.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define RECORDS_MAX 16
#define SOA_OF(serial) "ns.example. ns.example. " serial " 3600 600 86400 300"

static struct world *w;
static struct actor *root, *gateway;

/* Who owns a record set is asked in a test of its own: 0 nobody, 1 automata. */
static void set_ownership(uint8_t value)
{
    const uint8_t map[] = "\x81\xa9ownership";
    uint8_t bytes[sizeof map];
    struct rsm_buffer body;
    memcpy(bytes, map, sizeof map - 1);
    bytes[sizeof map - 1] = value;
    cr_assert(rsm_body_policy_set((struct rsm_bytes){bytes, sizeof bytes}, &body) == RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
}

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("a.b.example.", 3, 1),
                                change_name("alias.example.", RR_TYPE_CNAME, "www.other."),
                                change_name("tree.example.", RR_TYPE_DNAME, "other.")};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 4)), "%s",
              world_words(w));
    set_ownership(0);
    world_role(w, "dyn", "rrset.update", ZONE);
    (void)world_principal(w, "acme", RSM_PRINCIPAL_AUTOMATON, "dyn");
    gateway = world_principal(w, "gate", RSM_PRINCIPAL_GATEWAY, "reader");
    actor_see_all(gateway);
    gateway->lamport = 0;
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(update, .init = set_up, .fini = tear_down);

/* ---- records out of text ---- */

struct records {
    struct rsm_record items[RECORDS_MAX];
    struct writer rdatas[RECORDS_MAX];
    size_t count;
};

static void parse_record(struct records *out, const char *text)
{
    char class_text[8], owner[256], type_text[16];
    unsigned ttl;
    int rest = 0;
    char error[256];
    struct rsm_record *r = &out->items[out->count];
    struct writer *rdata = &out->rdatas[out->count];
    cr_assert(sscanf(text, "%7s %255s %u %15s %n", class_text, owner, &ttl, type_text, &rest) == 4,
              "%s", text);
    r->record_class = strcmp(class_text, "ANY") == 0    ? RSM_CLASS_ANY
                      : strcmp(class_text, "NONE") == 0 ? RSM_CLASS_NONE
                                                        : RSM_CLASS_IN;
    r->owner = wire(owner);
    r->ttl = ttl;
    r->type = BODY_TYPE_ANY;
    if (strcmp(type_text, "ANY") != 0)
        cr_assert(rr_type_from_text(type_text, &r->type) == RSM_OK);
    writer_init(rdata, 70000);
    if (text[rest] != '\0')
        cr_assert(rr_data_from_text(r->type, text + rest, wire_bytes("."), rdata, error,
                                    sizeof error) == RSM_OK,
                  "%s: %s", text, error);
    r->rdata = (struct rsm_bytes){rdata->data, rdata->size};
    out->count++;
}

static void parse_records(struct records *out, const char *text)
{
    char copy[1024];
    out->count = 0;
    cr_assert(strlen(text) < sizeof copy);
    strcpy(copy, text);
    char *rest = copy;
    for (char *one = strsep(&rest, ";"); one != NULL; one = strsep(&rest, ";")) {
        if (strspn(one, " ") != strlen(one))
            parse_record(out, one + strspn(one, " "));
    }
}

static void free_records(struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        writer_deinit(&records->rdatas[i]);
}

static struct rsm_bytes request; /* of the updates that are built */

static enum rsm_status build(const char *principal, const char *zone, const char *prerequisites,
                             const char *updates, struct rsm_buffer *body_out)
{
    struct records needs, does;
    parse_records(&needs, prerequisites);
    parse_records(&does, updates);
    struct rsm_update update = {.principal = rsm_text(principal),
                                .request = request,
                                .zone = wire(zone),
                                .prerequisites = needs.items,
                                .prerequisite_count = needs.count,
                                .updates = does.items,
                                .update_count = does.count};
    enum rsm_status status = rsm_body_rrset_update(&update, body_out);
    free_records(&needs);
    free_records(&does);
    return status;
}

static bool update_as(struct actor *a, const char *principal, const char *prerequisites,
                      const char *updates)
{
    struct rsm_buffer body;
    cr_assert(build(principal, ZONE, prerequisites, updates, &body) == RSM_OK, "%s | %s",
              prerequisites, updates);
    return actor_do(a, RSM_KIND_RRSET_UPDATE, body);
}

static bool update(const char *prerequisites, const char *updates)
{
    return update_as(gateway, "acme", prerequisites, updates);
}

/* "300 192.0.2.1 192.0.2.2", "-" when there is none. */
static const char *show(const char *owner, const char *type_text)
{
    static char out[2048];
    char text[512];
    uint16_t type;
    struct zone_record zone;
    struct rrset_record set;
    struct bytes rdata;
    cr_assert(rr_type_from_text(type_text, &type) == RSM_OK);
    cr_assert(zone_load(w->kv, wire_bytes(ZONE), &zone) == RSM_OK);
    if (rrset_load(w->kv, zone.id, wire_bytes(owner), type, &set) != RSM_OK || set.deleted)
        return "-";
    int size = snprintf(out, sizeof out, "%u", set.ttl);
    while (rrset_rdata_next(&set.rdatas, &rdata)) {
        cr_assert(rr_data_to_text(type, rdata, text, sizeof text) == RSM_OK);
        size += snprintf(out + size, sizeof out - (size_t)size, " %s", text);
    }
    return out;
}

/* ---- prerequisites ---- */

static const struct {
    const char *prerequisites;
    enum rsm_rule rule; /* 0: holds */
} needs[] = {
    {"ANY www.example. 0 ANY", 0},
    {"ANY new.example. 0 ANY", RSM_RULE_PREREQ_NXDOMAIN},
    {"ANY b.example. 0 ANY", RSM_RULE_PREREQ_NXDOMAIN}, /* only names below it */
    {"NONE new.example. 0 ANY", 0},
    {"NONE b.example. 0 ANY", 0},
    {"NONE www.example. 0 ANY", RSM_RULE_PREREQ_YXDOMAIN},
    {"ANY www.example. 0 A", 0},
    {"ANY www.example. 0 AAAA", RSM_RULE_PREREQ_NXRRSET},
    {"ANY new.example. 0 A", RSM_RULE_PREREQ_NXRRSET},
    {"NONE www.example. 0 AAAA", 0},
    {"NONE new.example. 0 A", 0},
    {"NONE www.example. 0 A", RSM_RULE_PREREQ_YXRRSET},
    {"IN www.example. 0 A 192.0.2.1; IN www.example. 0 A 192.0.2.2", 0},
    {"IN www.example. 0 A 192.0.2.2; IN www.example. 0 A 192.0.2.1", 0},
    {"IN www.example. 0 A 192.0.2.2; IN www.example. 0 A 192.0.2.1; IN www.example. 0 A 192.0.2.2",
     0},
    {"IN www.example. 0 A 192.0.2.1", RSM_RULE_PREREQ_NXRRSET},
    {"IN www.example. 0 A 192.0.2.1; IN www.example. 0 A 192.0.2.9", RSM_RULE_PREREQ_NXRRSET},
    {"IN www.example. 0 A 192.0.2.1; IN www.example. 0 A 192.0.2.2; IN www.example. 0 A 192.0.2.9",
     RSM_RULE_PREREQ_NXRRSET},
    {"IN new.example. 0 A 192.0.2.1", RSM_RULE_PREREQ_NXRRSET},
    {"IN alias.example. 0 CNAME www.other.", 0},
    {"IN www.example. 0 A 192.0.2.1; IN alias.example. 0 CNAME www.other.; "
     "IN www.example. 0 A 192.0.2.2",
     0},
    {"ANY www.other. 0 A", RSM_RULE_OUT_OF_ZONE},
    {"NONE www.other. 0 ANY", RSM_RULE_OUT_OF_ZONE},
};

Test(update, each_prerequisite_decides)
{
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        const char *p = needs[i].prerequisites;
        char add[64];
        uint32_t serial = world_serial(w, ZONE);
        (void)snprintf(add, sizeof add, "IN x%zu.example. 300 A 192.0.2.7", i);
        if (needs[i].rule == 0) {
            cr_assert(update(p, add), "%s: %s", p, world_words(w));
            cr_assert_eq(world_serial(w, ZONE), serial + 1);
        } else {
            cr_assert(!update(p, add), "%s", p);
            cr_assert(world_refused_only(w, needs[i].rule), "%s: %s", p, world_words(w));
            cr_assert_eq(world_serial(w, ZONE), serial);
        }
    }
}

/* A SOA as a prerequisite has the serial that clients are shown, not the one that is stored. */
Test(update, soa_by_value_has_the_zones_serial)
{
    cr_assert(!update("IN example. 0 SOA " SOA_OF("9"), "IN n.example. 300 A 192.0.2.7"));
    cr_assert(world_refused_only(w, RSM_RULE_PREREQ_NXRRSET), "%s", world_words(w));
    cr_assert(update("IN example. 0 SOA " SOA_OF("10"), "IN n.example. 300 A 192.0.2.7"), "%s",
              world_words(w));
}

/* Of two updates with the same prerequisite that both saw it hold, one is applied. */
Test(update, of_two_that_race_one_wins)
{
    struct rsm_buffer bodies[2];
    for (size_t i = 0; i < 2; i++)
        cr_assert(
            build("acme", ZONE, "NONE lock.example. 0 ANY",
                  i == 0 ? "IN lock.example. 60 A 192.0.2.1" : "IN lock.example. 60 A 192.0.2.2",
                  &bodies[i]) == RSM_OK);
    struct actor *second = world_principal(w, "gate-2", RSM_PRINCIPAL_GATEWAY, "reader");
    actor_see_all(second);
    struct blob *first = actor_envelope(gateway, RSM_KIND_RRSET_UPDATE, &bodies[0]);
    struct blob *other = actor_envelope(second, RSM_KIND_RRSET_UPDATE, &bodies[1]);
    cr_assert(world_apply(w, other), "%s", world_words(w));
    cr_assert(!world_apply(w, first));
    cr_assert(world_refused_only(w, RSM_RULE_PREREQ_YXDOMAIN), "%s", world_words(w));
    cr_assert(strstr(world_evidence(w, RSM_RULE_PREREQ_YXDOMAIN), "lock.example.") != NULL);
    cr_assert_str_eq(show("lock.example.", "A"), "60 192.0.2.2");
    blob_unref(first);
    blob_unref(other);
}

/* ---- updates ---- */

static const struct {
    const char *updates;
    const char *owner, *type, *then; /* as show() has it */
    bool changes;                    /* the serial grows */
} does[] = {
    /* add: 3.4.2.2 */
    {"IN new.example. 60 A 192.0.2.9", "new.example.", "A", "60 192.0.2.9", true},
    {"IN new.example. 60 A 192.0.2.9; IN new.example. 70 A 192.0.2.8", "new.example.", "A",
     "70 192.0.2.8 192.0.2.9", true},
    {"IN www.example. 300 A 192.0.2.1", "www.example.", "A", "300 192.0.2.1 192.0.2.2", false},
    {"IN www.example. 60 A 192.0.2.1", "www.example.", "A", "60 192.0.2.1 192.0.2.2", true},
    {"IN www.example. 60 A 192.0.2.3", "www.example.", "A", "60 192.0.2.1 192.0.2.2 192.0.2.3",
     true},
    {"IN alias.example. 300 CNAME a.b.example.", "alias.example.", "CNAME", "300 a.b.example.",
     true},
    {"IN www.example. 300 CNAME a.b.example.", "www.example.", "CNAME", "-", false},
    {"IN alias.example. 300 A 192.0.2.1", "alias.example.", "A", "-", false},
    {"IN tree.example. 300 DNAME else.", "tree.example.", "DNAME", "300 else.", true},
    {"IN example. 300 NS ns2.other.", "example.", "NS", "300 ns.invalid. ns2.other.", true},
    /* WKS: one of an address and a protocol (RFC 2136 1.1.5) */
    {"IN w.example. 60 TYPE11 \\# 6 C00002010640; IN w.example. 60 TYPE11 \\# 6 C00002010620; "
     "IN w.example. 60 TYPE11 \\# 6 C00002011120",
     "w.example.", "TYPE11", "60 \\# 6 C00002010620 \\# 6 C00002011120", true},
    /* in order: the CNAME may come when what was there has gone */
    {"ANY www.example. 0 A; IN www.example. 300 CNAME a.b.example.", "www.example.", "CNAME",
     "300 a.b.example.", true},
    {"IN www.example. 300 CNAME a.b.example.; ANY www.example. 0 A", "www.example.", "CNAME", "-",
     true},
    {"NONE alias.example. 0 CNAME www.other.; IN alias.example. 60 A 192.0.2.5", "alias.example.",
     "A", "60 192.0.2.5", true},
    {"IN new.example. 60 A 192.0.2.9; NONE new.example. 0 A 192.0.2.9", "new.example.", "A", "-",
     false},
    /* SOA */
    {"IN example. 300 SOA " SOA_OF("10"), "example.", "SOA", "=", false},
    {"IN example. 300 SOA " SOA_OF("9"), "example.", "SOA", "=", false},
    {"IN www.example. 300 SOA " SOA_OF("99"), "www.example.", "SOA", "-", false},
    /* delete a set: 3.4.2.3 */
    {"ANY www.example. 0 A", "www.example.", "A", "-", true},
    {"ANY www.example. 0 AAAA", "www.example.", "A", "300 192.0.2.1 192.0.2.2", false},
    {"ANY example. 0 SOA", "example.", "SOA", "=", false},
    {"ANY example. 0 NS", "example.", "NS", "=", false},
    /* delete all at a name */
    {"ANY www.example. 0 ANY", "www.example.", "A", "-", true},
    {"ANY new.example. 0 ANY", "new.example.", "A", "-", false},
    {"ANY example. 0 ANY", "example.", "NS", "=", false},
    {"ANY b.example. 0 ANY", "a.b.example.", "A", "300 192.0.2.3", false},
    /* delete one: 3.4.2.4 */
    {"NONE www.example. 0 A 192.0.2.1", "www.example.", "A", "300 192.0.2.2", true},
    {"NONE www.example. 0 A 192.0.2.9", "www.example.", "A", "300 192.0.2.1 192.0.2.2", false},
    {"NONE www.example. 0 A 192.0.2.1; NONE www.example. 0 A 192.0.2.2", "www.example.", "A", "-",
     true},
    {"NONE example. 0 NS ns.invalid.", "example.", "NS", "=", false},
    {"IN example. 300 NS ns2.other.; NONE example. 0 NS ns.invalid.", "example.", "NS",
     "300 ns2.other.", true},
    {"NONE example. 0 SOA " SOA_OF("10"), "example.", "SOA", "=", false},
    {"", "www.example.", "A", "300 192.0.2.1 192.0.2.2", false},
};

/* "=" for what was there before. */
Test(update, each_update_leaves_what_the_rfc_says)
{
    for (size_t i = 0; i < sizeof does / sizeof does[0]; i++) {
        char before[2048];
        tear_down();
        set_up();
        uint32_t serial = world_serial(w, ZONE);
        (void)snprintf(before, sizeof before, "%s", show(does[i].owner, does[i].type));
        cr_assert(update("", does[i].updates), "%s: %s", does[i].updates, world_words(w));
        const char *then = strcmp(does[i].then, "=") == 0 ? before : does[i].then;
        cr_assert_str_eq(show(does[i].owner, does[i].type), then, "%s leaves %s", does[i].updates,
                         show(does[i].owner, does[i].type));
        cr_assert_eq(world_serial(w, ZONE), serial + (does[i].changes ? 1 : 0), "%s: %u",
                     does[i].updates, world_serial(w, ZONE));
    }
}

Test(update, a_soa_with_a_higher_serial_raises_it)
{
    cr_assert(update("", "IN example. 300 SOA " SOA_OF("70")), "%s", world_words(w));
    cr_assert_eq(world_serial(w, ZONE), 70);
    cr_assert(update("", "IN example. 300 SOA " SOA_OF("80") "; IN example. 60 SOA " SOA_OF("75")));
    cr_assert_eq(world_serial(w, ZONE), 80);
    cr_assert(strncmp(show(ZONE, "SOA"), "300 ", 4) == 0, "the second one was ignored");
}

/* What a message must not have (RFC 2136 3.2 and 3.4.1) does not become a command. */
Test(update, forms_that_are_none)
{
    static const struct {
        const char *prerequisites, *updates;
    } rows[] = {
        {"ANY www.example. 1 A", ""},
        {"NONE www.example. 1 A", ""},
        {"IN www.example. 1 A 192.0.2.1", ""},
        {"ANY www.example. 0 A 192.0.2.1", ""},
        {"NONE www.example. 0 A 192.0.2.1", ""},
        {"IN www.example. 0 ANY", ""},
        {"ANY www.example. 0 AXFR", ""},
        {"", "ANY www.example. 1 A"},
        {"", "ANY www.example. 0 A 192.0.2.1"},
        {"", "NONE www.example. 1 A 192.0.2.1"},
        {"", "NONE www.example. 0 ANY"},
        {"", "IN www.example. 0 ANY"},
        {"", "IN www.example. 0 AXFR"},
        {"", "ANY www.example. 0 TYPE253"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rsm_buffer body;
        cr_assert(build("acme", ZONE, rows[i].prerequisites, rows[i].updates, &body) ==
                      RSM_MALFORMED,
                  "%s | %s", rows[i].prerequisites, rows[i].updates);
    }
}

/* Whole or not at all, and DNS's own rules and the floors hold for updates too. */
Test(update, rules_of_changes_are_asked)
{
    static const struct {
        const char *updates;
        enum rsm_rule rule;
    } rows[] = {
        {"IN x.example. 60 A 192.0.2.1; IN www.other. 60 A 192.0.2.1", RSM_RULE_OUT_OF_ZONE},
        {"ANY www.other. 0 A", RSM_RULE_OUT_OF_ZONE},
        {"IN x.example. 60 A 192.0.2.1; IN y.tree.example. 60 A 192.0.2.1", RSM_RULE_DNAME_BESIDE},
        {"IN x.example. 60 A 192.0.2.1; IN c.example. 60 CNAME c.example.", RSM_RULE_CYCLE},
        {"IN x.example. 60 A 192.0.2.1; IN y.example. 9999999 A 192.0.2.1", RSM_RULE_TTL_RANGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert(!update("", rows[i].updates), "%s", rows[i].updates);
        cr_assert(world_refused_only(w, rows[i].rule), "%s: %s", rows[i].updates, world_words(w));
        cr_assert_str_eq(show("x.example.", "A"), "-");
    }
}

/* ---- on whose behalf ---- */

static void grant(const char *role, const char *suffix, uint16_t type)
{
    struct rsm_grant one = {.verb = text_bytes("rrset.update"),
                            .zone = wire(ZONE),
                            .suffix = wire(suffix),
                            .types = &type,
                            .type_count = 1};
    struct rsm_buffer body;
    cr_assert(rsm_body_role_set(text_bytes(role), &one, 1, &body) == RSM_OK);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ROLE_SET, body), "%s", world_words(w));
}

Test(update, rights_are_those_of_the_tsig_keys_principal)
{
    static const struct {
        const char *prerequisites, *updates;
        bool is_good;
    } rows[] = {
        {"", "IN x.b.example. 60 A 192.0.2.1", true},
        {"ANY www.example. 0 ANY", "IN x.b.example. 60 A 192.0.2.1", true},
        {"", "IN x.b.example. 60 TXT \"x\"", false},
        {"", "IN www.example. 60 A 192.0.2.1", false},
        {"", "ANY www.example. 0 AAAA", false}, /* also when nothing would change */
        {"", "NONE www.example. 0 A 192.0.2.77", false},
        {"", "ANY a.b.example. 0 ANY", true},
        {"", "ANY www.example. 0 ANY", false},
        {"", "ANY none.example. 0 ANY", false},
        {"", "ANY none.b.example. 0 ANY", true},
        {"", "ANY text.b.example. 0 ANY", false}, /* its TXT may not go */
        {"ANY a.b.example. 0 ANY", "", true},
        {"ANY www.example. 0 ANY", "", false}, /* else prerequisites would be a way to look */
        {"", "", false},
    };
    cr_assert(update("", "IN text.b.example. 60 TXT \"x\""));
    cr_assert(update("", "IN a.b.example. 60 A 192.0.2.3"));
    grant("narrow", "b.example.", RR_TYPE_A);
    (void)world_principal(w, "dhcp", RSM_PRINCIPAL_AUTOMATON, "narrow");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_applied = update_as(gateway, "dhcp", rows[i].prerequisites, rows[i].updates);
        cr_assert_eq(is_applied, rows[i].is_good, "%s | %s: %s", rows[i].prerequisites,
                     rows[i].updates, world_words(w));
        if (!is_applied) {
            cr_assert(world_refused_only(w, RSM_RULE_RIGHTS), "%s", world_words(w));
            cr_assert(strstr(world_evidence(w, RSM_RULE_RIGHTS), "no role of dhcp grants") != NULL,
                      "%s", world_words(w));
        }
        if (strcmp(rows[i].updates, "ANY a.b.example. 0 ANY") == 0)
            cr_assert(update("", "IN a.b.example. 60 A 192.0.2.3"));
    }
}

Test(update, who_may_speak_for_whom)
{
    const char *add = "IN n.example. 60 A 192.0.2.1";
    (void)world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
    struct actor *robot = world_principal(w, "robot", RSM_PRINCIPAL_AUTOMATON, "dyn");
    actor_see_all(robot);
    cr_assert(!update_as(robot, "acme", "", add));
    cr_assert(strstr(world_evidence(w, RSM_RULE_RIGHTS), "robot is no gateway") != NULL, "%s",
              world_words(w));
    cr_assert(!update_as(gateway, "bob", "", add));
    cr_assert(strstr(world_evidence(w, RSM_RULE_RIGHTS), "bob is no automaton") != NULL);
    cr_assert(!update_as(gateway, "nobody", "", add));
    cr_assert(world_refused(w, RSM_RULE_PRINCIPAL_UNKNOWN));
    cr_assert(!update_as(gateway, "", "", add), "a gateway has no rights of its own");
    cr_assert(world_refused_only(w, RSM_RULE_RIGHTS));
    cr_assert(update_as(robot, "", "", add), "an author may update for itself: %s", world_words(w));
}

/* What a client made is its own, whichever gateway signed; what others made is not. */
Test(update, the_principal_owns_what_it_makes)
{
    struct actor *second = world_principal(w, "gate-2", RSM_PRINCIPAL_GATEWAY, "reader");
    (void)world_principal(w, "other", RSM_PRINCIPAL_AUTOMATON, "dyn");
    set_ownership(1);
    actor_see_all(second);
    cr_assert(update("", "IN own.example. 60 A 192.0.2.1"), "%s", world_words(w));
    cr_assert(update_as(second, "acme", "", "IN own.example. 60 A 192.0.2.2"), "%s",
              world_words(w));
    cr_assert(!update_as(second, "other", "", "ANY own.example. 0 A"));
    cr_assert(world_refused_only(w, RSM_RULE_OWNER), "%s", world_words(w));
    cr_assert(strstr(world_evidence(w, RSM_RULE_OWNER), "owned by acme") != NULL);
    cr_assert(!update("", "ANY www.example. 0 A"), "root's");
    cr_assert(world_refused_only(w, RSM_RULE_OWNER), "%s", world_words(w));
}

/* A freeze of the principal, of the gateway, of the zone or of automation stops the update. */
Test(update, freezes_of_the_principal_count)
{
    static const struct {
        enum rsm_freeze_scope scope;
        const char *subject;
        bool everybody;
    } rows[] = {{RSM_FREEZE_AUTHOR, "acme", false},
                {RSM_FREEZE_AUTHOR, "gate", false},
                {RSM_FREEZE_GLOBAL, "", false},
                {RSM_FREEZE_GLOBAL, "", true},
                {RSM_FREEZE_KIND, "rrset.update", false},
                {RSM_FREEZE_AZ, "nowhere", false},
                {RSM_FREEZE_ZONE, NULL, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rsm_buffer body;
        struct rsm_bytes subject =
            rows[i].subject != NULL ? text_bytes(rows[i].subject) : wire(ZONE);
        cr_assert(rsm_body_freeze_set(text_bytes("f"), rows[i].scope, subject, rows[i].everybody, 0,
                                      &body) == RSM_OK);
        actor_see_all(root);
        cr_assert(actor_do(root, RSM_KIND_FREEZE_SET, body), "%s", world_words(w));
        cr_assert(!update("", "IN n.example. 60 A 192.0.2.1"));
        cr_assert(world_refused_only(w, RSM_RULE_FROZEN), "%s", world_words(w));
        cr_assert_eq(world_reason_count(w), 1);
        cr_assert(rsm_body_freeze_clear(text_bytes("f"), &body) == RSM_OK);
        cr_assert(actor_do(root, RSM_KIND_FREEZE_CLEAR, body));
    }
    cr_assert(update("", "IN n.example. 60 A 192.0.2.1"), "%s", world_words(w));
}

/* What the policy makes critical does not get around its votes by another door. */
Test(update, what_needs_votes_is_no_update)
{
    world_class(w, "critical", "www.example.", NULL);
    cr_assert(!update("", "IN www.example. 60 A 192.0.2.9"));
    cr_assert(world_refused_only(w, RSM_RULE_UPDATE_CLASS), "%s", world_words(w));
    cr_assert(!update("", "ANY www.example. 0 A"));
    cr_assert(world_refused_only(w, RSM_RULE_UPDATE_CLASS), "%s", world_words(w));
    cr_assert(update("", "IN other.example. 60 A 192.0.2.9"), "%s", world_words(w));
}

/* ---- exactly once ---- */

/* The same message is one update, also when another gateway signs it; refused, it is judged anew.
 */
Test(update, a_message_is_applied_once)
{
    const char *needs_none = "NONE once.example. 0 ANY", *add = "IN once.example. 60 A 192.0.2.1";
    struct actor *second = world_principal(w, "gate-2", RSM_PRINCIPAL_GATEWAY, "reader");
    (void)world_principal(w, "other", RSM_PRINCIPAL_AUTOMATON, "dyn");
    actor_see_all(second);
    actor_see_all(gateway);
    request = rsm_bytes_make("0123456789abcdef0123456789abcdef", RSM_REQUEST_SIZE);
    cr_assert(!update("ANY once.example. 0 ANY", add));
    cr_assert(update(needs_none, add), "%s", world_words(w));
    uint64_t slot = w->slot;
    uint32_t serial = world_serial(w, ZONE);
    char words[64];
    (void)snprintf(words, sizeof words, "applied in slot %llu", (unsigned long long)slot);
    cr_assert(!update_as(second, "acme", needs_none, add));
    cr_assert(world_refused_only(w, RSM_RULE_REQUEST_DONE), "%s", world_words(w));
    cr_assert(strstr(world_evidence(w, RSM_RULE_REQUEST_DONE), words) != NULL);
    cr_assert_eq(world_serial(w, ZONE), serial);
    cr_assert(update_as(second, "other", "", "IN once.example. 60 A 192.0.2.2"),
              "it is another one's message: %s", world_words(w));
    w->now_ms += RSM_REQUEST_WINDOW_MS;
    cr_assert(!update("", add), "the window's last moment: %s", world_words(w));
    w->now_ms += 1;
    request = rsm_bytes_make("0123456789abcdef0123456789abcdeX", RSM_REQUEST_SIZE);
    cr_assert(update("", add), "another message, which forgets the old ones: %s", world_words(w));
    request = rsm_bytes_make("0123456789abcdef0123456789abcdef", RSM_REQUEST_SIZE);
    cr_assert(update("", add), "%s", world_words(w));
}

/* ---- what it is based on ---- */

/* Rule 3 is not asked of record sets, but of the zone: an update that was under way is stale. */
Test(update, a_zone_that_was_made_again)
{
    struct rsm_buffer body, gone;
    struct rsm_change change = change_a("www.example.", 9, 1);
    cr_assert(build("acme", ZONE, "", "IN n.example. 60 A 192.0.2.1", &body) == RSM_OK);
    struct blob *late = actor_envelope(gateway, RSM_KIND_RRSET_UPDATE, &body);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert_eq(rsm_body_zone_delete(wire(ZONE), &gone), RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_ZONE_DELETE, gone), "%s", world_words(w));
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 1, NULL, 0)));
    cr_assert(!world_apply(w, late));
    cr_assert(world_refused(w, RSM_RULE_STALE) || world_refused(w, RSM_RULE_CONCURRENT), "%s",
              world_words(w));
    blob_unref(late);
}

Test(update, somebody_elses_change_need_not_have_been_seen)
{
    struct rsm_change change = change_a("www.example.", 9, 1);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert(update("", "IN www.example. 60 A 192.0.2.1"), "%s", world_words(w));
    cr_assert_str_eq(show("www.example.", "A"), "60 192.0.2.1 192.0.2.9");
    change = change_a("www.example.", 4, 1);
    cr_assert(!actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &change, 1)));
    cr_assert(world_refused(w, RSM_RULE_STALE) || world_refused(w, RSM_RULE_CONCURRENT),
              "but the update is seen by rule 3 of others: %s", world_words(w));
}

/* A plan's content goes only to an update that says what is there: late automata do not know it. */
Test(update, content_of_a_plan_needs_its_value)
{
    struct rsm_rrset_id scope = {wire("live.example."), RR_TYPE_A};
    struct rsm_change content = change_a("live.example.", 5, 1);
    struct rsm_plan plan = {.name = text_bytes("p"),
                            .generation = 1,
                            .zone = wire(ZONE),
                            .scope = &scope,
                            .scope_count = 1,
                            .content = &content,
                            .content_count = 1,
                            .complete = true};
    struct rsm_buffer body;
    actor_see_all(root);
    cr_assert(rsm_body_plan_publish(&plan, &body) == RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_PLAN_PUBLISH, body), "%s", world_words(w));
    cr_assert(rsm_body_lease_acquire(text_bytes("l"), 60000, &body) == RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_LEASE_ACQUIRE, body), "%s", world_words(w));
    cr_assert(rsm_body_plan_execute(text_bytes("p"), 1, NULL, 0, text_bytes("l"), w->slot, &body) ==
              RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_PLAN_EXECUTE, body), "%s", world_words(w));
    static const char *const without[] = {"IN live.example. 60 A 192.0.2.6",
                                          "ANY live.example. 0 A", "ANY live.example. 0 ANY",
                                          "NONE live.example. 0 A 192.0.2.5"};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        cr_assert(!update("ANY live.example. 0 A", without[i]));
        cr_assert(world_refused_only(w, RSM_RULE_PREREQ_PLAN), "%s", world_words(w));
    }
    cr_assert(update("IN live.example. 0 A 192.0.2.5", without[0]), "%s", world_words(w));
    cr_assert_str_eq(show("live.example.", "A"), "60 192.0.2.5 192.0.2.6");
}

/* Thousands of records of one message, many of one set and many sets. */
Test(update, as_many_as_a_message_holds)
{
    enum { COUNT = 5000 };
    struct rsm_record *records = calloc(COUNT, sizeof *records);
    uint8_t(*rdatas)[4] = calloc(COUNT, 4);
    static char owners[64][32];
    cr_assert(records != NULL && rdatas != NULL);
    struct rsm_buffer body;
    uint8_t names[64][32];
    for (size_t i = 0; i < 64; i++) {
        (void)snprintf(owners[i], sizeof owners[i], "n%zu.example.", i);
        struct rsm_bytes name = wire(owners[i]);
        memcpy(names[i], name.data, name.size);
        names[i][31] = (uint8_t)name.size;
    }
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(rdatas[i], (uint8_t[]){10, 0, (uint8_t)(i >> 8), (uint8_t)i}, 4);
        records[i] = (struct rsm_record){.owner = {names[i % 64], names[i % 64][31]},
                                         .record_class = RSM_CLASS_IN,
                                         .type = RR_TYPE_A,
                                         .ttl = 60,
                                         .rdata = {rdatas[i], 4}};
    }
    struct rsm_update update = {.principal = rsm_text("acme"),
                                .zone = wire(ZONE),
                                .updates = records,
                                .update_count = COUNT};
    cr_assert(rsm_body_rrset_update(&update, &body) == RSM_OK);
    cr_assert(actor_do(gateway, RSM_KIND_RRSET_UPDATE, body), "%s", world_words(w));
    uint32_t count = 0;
    for (size_t i = 0; i < 64; i++)
        count += world_count(w, ZONE, owners[i], RR_TYPE_A);
    cr_assert_eq(count, COUNT);
    free(records);
    free(rdatas);
}
