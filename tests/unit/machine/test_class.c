/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_class.c - which class a command has: the policy's list "classes", and what it has without.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "src/base/check.h"
#include "src/command/body_change.h"
#include "src/command/pack.h"
#include "src/machine/entry.h"
#include "src/machine/staged.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define TYPE_MX 15u
#define TYPE_DS 43u

static struct world *w;
static struct actor *root;

/* One item; what is NULL or 0 is not named. */
struct item {
    const char *class, *kind, *zone, *suffix, *label, *value;
    uint16_t type;
    uint64_t risk, reach, deadline_ms;
};

static void pack_number(struct writer *map, const char *key, uint64_t value)
{
    if (value == 0)
        return;
    pack_text(map, key);
    pack_uint(map, value);
}

static void pack_string(struct writer *map, const char *key, const char *value)
{
    if (value == NULL)
        return;
    pack_text(map, key);
    pack_text(map, value);
}

static void pack_list(struct writer *map, const struct item *i)
{
    if (i->kind != NULL) {
        pack_text(map, "kinds");
        pack_array(map, 1);
        pack_text(map, i->kind);
    }
}

static void pack_item(struct writer *map, const struct item *i)
{
    pack_map(map, 1u + (i->kind != NULL) + (i->zone != NULL) + (i->suffix != NULL) +
                      (i->label != NULL) + (i->value != NULL) + (i->type != 0) + (i->risk != 0) +
                      (i->reach != 0) + (i->deadline_ms != 0));
    pack_string(map, "class", i->class);
    pack_number(map, "deadline_ms", i->deadline_ms);
    pack_list(map, i);
    pack_string(map, "label", i->label);
    pack_number(map, "reach", i->reach);
    pack_number(map, "risk", i->risk);
    if (i->suffix != NULL) {
        pack_text(map, "suffix");
        pack_bin(map, wire_bytes(i->suffix));
    }
    if (i->type != 0) {
        pack_text(map, "types");
        pack_array(map, 1);
        pack_uint(map, i->type);
    }
    pack_string(map, "value", i->value);
    if (i->zone != NULL) {
        pack_text(map, "zone");
        pack_bin(map, wire_bytes(i->zone));
    }
}

static struct rsm_buffer body_classes(const struct item *items, size_t count)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 65536);
    pack_map(&map, 1);
    pack_text(&map, "classes");
    pack_array(&map, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        pack_item(&map, &items[i]);
    CHECK(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body) == RSM_OK);
    writer_deinit(&map);
    return body;
}

static void set_classes(const struct item *items, size_t count)
{
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body_classes(items, count)), "%s",
              world_words(w));
}

static struct rsm_buffer body_labelled(const char *zone, const char *value)
{
    struct rsm_label label = {text_bytes("tier"), text_bytes(value)};
    struct rsm_change all[] = {change_soa(zone, 1), change_name(zone, RR_TYPE_NS, "ns.invalid."),
                               change_a("www.gold.", 1, 1)};
    struct rsm_buffer body;
    CHECK(rsm_body_zone_create(wire(zone), &label, 1, all, 3, &body) == RSM_OK);
    return body;
}

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("mail.example.", 3, 1),
                                change_name("sub.example.", RR_TYPE_NS, "ns.invalid.")};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 3)));
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_labelled("gold.", "critical")));
    (void)world_principal(w, "bob", RSM_PRINCIPAL_PERSON, "operator");
}

static void tear_down(void)
{
    world_free(w);
}

TestSuite(class, .init = set_up, .fini = tear_down);

/* The class that it waits with; standard: it is applied. Judged, not applied, so that cases do not
 * disturb each other. */
static enum rsm_class class_of(enum rsm_kind kind, struct rsm_buffer body, uint64_t *deadline_ms)
{
    struct verdicts out;
    struct verdict v;
    enum rsm_class class = RSM_CLASS_STANDARD;
    uint64_t deadline = 0;
    verdicts_init(&out);
    actor_see_all(root);
    struct blob *envelope = actor_envelope(root, kind, &body);
    (void)world_judge(w, envelope, &out);
    blob_unref(envelope);
    cr_assert_eq(verdict_at(verdicts_bytes(&out), 0, &v), RSM_OK);
    if (v.kind == VERDICT_STAGED) {
        struct unpack u = unpack_make(v.result);
        (void)unpack_map(&u);
        (void)unpack_raw(&u);
        cr_assert(body_class_parse(unpack_str(&u, LIMIT_LABEL_SIZE), &class));
        (void)unpack_raw(&u);
        deadline = unpack_uint(&u) - w->now_ms;
    } else if (v.kind != VERDICT_APPLIED) {
        class = 0;
    }
    if (deadline_ms != NULL)
        *deadline_ms = deadline;
    verdicts_deinit(&out);
    return class;
}

static struct rsm_buffer change(const char *zone, struct rsm_change c)
{
    return body_change(zone, &c, 1);
}

static struct rsm_buffer drop(const char *zone)
{
    struct rsm_buffer body;
    CHECK(rsm_body_zone_delete(wire(zone), &body) == RSM_OK);
    return body;
}

static struct rsm_change name_change(const char *owner, uint16_t type)
{
    static const uint8_t ds[] = {0,  1,  8,  2,  1,  2,  3,  4,  5,  6,  7,  8,
                                 9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                                 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    static const struct rsm_bytes rdata = {ds, sizeof ds};
    if (type != TYPE_DS)
        return change_name(owner, type, "other.invalid.");
    return (struct rsm_change){
        .owner = wire(owner), .type = type, .ttl = 300, .rdatas = &rdata, .rdata_count = 1};
}

static struct rsm_buffer soa(uint32_t serial, uint32_t ttl)
{
    struct rsm_change c = change_soa(ZONE, serial);
    c.ttl = ttl;
    return change(ZONE, c);
}

/* Without any item. */
Test(class, by_default)
{
    struct rsm_change none = change_a("sub.example.", 0, 0);
    none.type = RR_TYPE_NS;
    set_classes(NULL, 0);
    const struct {
        const char *what;
        enum rsm_kind kind;
        struct rsm_buffer body;
        enum rsm_class class;
    } cases[] = {
        {"an address", RSM_KIND_RRSET_CHANGE, change(ZONE, change_a("www.example.", 9, 1)), 1},
        {"NS of the apex", RSM_KIND_RRSET_CHANGE, change(ZONE, name_change(ZONE, RR_TYPE_NS)), 2},
        {"a delegation", RSM_KIND_RRSET_CHANGE,
         change(ZONE, name_change("new.example.", RR_TYPE_NS)), 2},
        {"a delegation goes", RSM_KIND_RRSET_CHANGE, change(ZONE, none), 2},
        {"DS", RSM_KIND_RRSET_CHANGE, change(ZONE, name_change("sub.example.", TYPE_DS)), 2},
        {"SOA", RSM_KIND_RRSET_CHANGE, soa(11, 600), 2},
        {"a serial alone", RSM_KIND_RRSET_CHANGE, soa(11, 300), 1},
        {"a zone goes", RSM_KIND_ZONE_DELETE, drop(ZONE), 2},
        {"a zone comes", RSM_KIND_ZONE_CREATE, body_zone("new.", 1, NULL, 0), 1},
        {"below one of ours", RSM_KIND_ZONE_CREATE, body_zone("x.example.", 1, NULL, 0), 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(class_of(cases[i].kind, cases[i].body, NULL), cases[i].class, "%s",
                     cases[i].what);
}

static struct rsm_buffer reader_role(void)
{
    struct rsm_buffer body;
    CHECK(rsm_body_role_set(text_bytes("new"), NULL, 0, &body) == RSM_OK);
    return body;
}

static struct rsm_buffer freeze(void)
{
    struct rsm_buffer body;
    CHECK(rsm_body_freeze_set(text_bytes("f"), RSM_FREEZE_GLOBAL, text_bytes(""), false, 0,
                              &body) == RSM_OK);
    return body;
}

static struct rsm_buffer lease(void)
{
    struct rsm_buffer body;
    CHECK(rsm_body_lease_acquire(text_bytes("l"), 30000, &body) == RSM_OK);
    return body;
}

static struct rsm_buffer takeover(void)
{
    struct rsm_rrset_id id = {wire("www.example."), RR_TYPE_A};
    struct rsm_buffer body;
    CHECK(rsm_body_rrset_takeover(wire(ZONE), text_bytes("root"), text_bytes("bob"), &id, 1,
                                  &body) == RSM_OK);
    return body;
}

struct item_case {
    struct item item;
    enum rsm_kind kind;
    struct rsm_buffer body;
    enum rsm_class class;
};

/* One item each: which commands it raises, and which not. */
static void try_cases(const struct item_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tear_down(); /* an item may make the next policy.set wait */
        set_up();
        set_classes(&cases[i].item, 1);
        cr_expect_eq(class_of(cases[i].kind, cases[i].body, NULL), cases[i].class, "case %zu", i);
    }
}

Test(class, by_kinds)
{
    const struct item_case cases[] = {
        {{.class = "emergency", .kind = "role.*"}, RSM_KIND_ROLE_SET, reader_role(), 3},
        {{.class = "critical", .kind = "*"}, RSM_KIND_ROLE_SET, reader_role(), 2},
        {{.class = "critical", .kind = "*"}, RSM_KIND_FREEZE_SET, freeze(), 1},
        {{.class = "critical", .kind = "*"}, RSM_KIND_LEASE_ACQUIRE, lease(), 1},
        {{.class = "critical", .kind = "policy.set"},
         RSM_KIND_POLICY_SET,
         body_classes(NULL, 0),
         2},
        {{.class = "critical", .kind = "policy.set"}, RSM_KIND_ROLE_SET, reader_role(), 1},
        {{.class = "critical", .kind = "rrset.takeover", .zone = ZONE, .suffix = "www.example."},
         RSM_KIND_RRSET_TAKEOVER,
         takeover(),
         2},
        {{.class = "critical", .kind = "rrset.takeover", .zone = "gold."},
         RSM_KIND_RRSET_TAKEOVER,
         takeover(),
         1},
        {{.class = "critical", .kind = "role.set", .zone = ZONE},
         RSM_KIND_ROLE_SET,
         reader_role(),
         1},
        {{.class = "critical", .kind = "role.set", .type = RR_TYPE_A},
         RSM_KIND_ROLE_SET,
         reader_role(),
         1},
        {{.class = "standard", .kind = "zone.delete"}, RSM_KIND_ZONE_DELETE, drop(ZONE), 1},
    };
    try_cases(cases, sizeof cases / sizeof *cases);
}

Test(class, by_what_changes)
{
    const struct item_case cases[] = {
        {{.class = "critical"},
         RSM_KIND_RRSET_CHANGE,
         change(ZONE, change_a("www.example.", 9, 1)),
         2},
        {{.class = "critical"}, RSM_KIND_ROLE_SET, reader_role(), 1},
        {{.class = "critical"}, RSM_KIND_ZONE_CREATE, body_zone("new.", 1, NULL, 0), 2},
        {{.class = "critical", .label = "tier", .value = "critical"},
         RSM_KIND_RRSET_CHANGE,
         change("gold.", change_a("www.gold.", 9, 1)),
         2},
        {{.class = "critical", .label = "tier", .value = "critical"},
         RSM_KIND_RRSET_CHANGE,
         change(ZONE, change_a("www.example.", 9, 1)),
         1},
        {{.class = "critical", .type = TYPE_MX},
         RSM_KIND_RRSET_CHANGE,
         change(ZONE, change_a("www.example.", 9, 1)),
         1},
        {{.class = "emergency", .type = RR_TYPE_A},
         RSM_KIND_RRSET_CHANGE,
         change(ZONE, change_a("www.example.", 9, 1)),
         3},
        {{.class = "emergency", .risk = 100}, RSM_KIND_ZONE_DELETE, drop(ZONE), 2},
        {{.class = "emergency", .risk = 50}, RSM_KIND_ZONE_DELETE, drop(ZONE), 3},
        {{.class = "emergency", .risk = 50},
         RSM_KIND_RRSET_CHANGE,
         change(ZONE, change_a("www.example.", 9, 1)),
         1},
        {{.class = "emergency", .reach = 5}, RSM_KIND_ZONE_DELETE, drop(ZONE), 3},
        {{.class = "emergency", .reach = 6}, RSM_KIND_ZONE_DELETE, drop(ZONE), 2},
        {{.class = "standard", .zone = ZONE, .type = RR_TYPE_NS},
         RSM_KIND_RRSET_CHANGE,
         change(ZONE, name_change(ZONE, RR_TYPE_NS)),
         1},
        {{.class = "standard", .zone = "gold.", .type = RR_TYPE_NS},
         RSM_KIND_RRSET_CHANGE,
         change(ZONE, name_change(ZONE, RR_TYPE_NS)),
         2},
        {{.class = "standard", .type = RR_TYPE_NS}, RSM_KIND_RRSET_CHANGE, soa(11, 600), 2},
    };
    try_cases(cases, sizeof cases / sizeof *cases);
}

/* A client can ask for more, and never for less. */
Test(class, asking)
{
    const struct item items[] = {{.class = "critical", .kind = "role.*"}};
    set_classes(items, 1);
    for (enum rsm_class asked = RSM_CLASS_STANDARD; asked <= RSM_CLASS_EMERGENCY; asked++) {
        struct rsm_buffer inner = reader_role(), body;
        cr_assert_eq(rsm_body_change_request(asked, NULL, 0, "role.set",
                                             (struct rsm_bytes){inner.data, inner.size}, &body),
                     RSM_OK);
        rsm_buffer_free(&inner);
        cr_expect_eq(class_of(RSM_KIND_CHANGE_REQUEST, body, NULL),
                     asked < RSM_CLASS_CRITICAL ? RSM_CLASS_CRITICAL : asked);
    }
    struct rsm_buffer brake = freeze(), body;
    cr_assert_eq(rsm_body_change_request(RSM_CLASS_CRITICAL, NULL, 0, "freeze.set",
                                         (struct rsm_bytes){brake.data, brake.size}, &body),
                 RSM_MALFORMED, "a freeze does not wait");
    rsm_buffer_free(&brake);
}

/* Of all items that match, the highest class counts, and the shortest deadline of that class. */
Test(class, deadlines)
{
    const struct item items[] = {
        {.class = "critical", .type = RR_TYPE_A, .deadline_ms = 5000},
        {.class = "critical", .suffix = "www.example.", .deadline_ms = 9000},
        {.class = "critical", .suffix = "www.example.", .deadline_ms = 3000},
        {.class = "emergency", .suffix = "mail.example.", .deadline_ms = 70000},
        {.class = "critical", .kind = "role.*"},
    };
    uint64_t deadline_ms;
    set_classes(items, 5);
    cr_expect_eq(
        class_of(RSM_KIND_RRSET_CHANGE, change(ZONE, change_a("a.example.", 9, 1)), &deadline_ms),
        RSM_CLASS_CRITICAL);
    cr_expect_eq(deadline_ms, 5000);
    cr_expect_eq(
        class_of(RSM_KIND_RRSET_CHANGE, change(ZONE, change_a("www.example.", 9, 1)), &deadline_ms),
        RSM_CLASS_CRITICAL);
    cr_expect_eq(deadline_ms, 3000);
    cr_expect_eq(class_of(RSM_KIND_RRSET_CHANGE, change(ZONE, change_a("mail.example.", 9, 1)),
                          &deadline_ms),
                 RSM_CLASS_EMERGENCY);
    cr_expect_eq(deadline_ms, 70000);
    cr_expect_eq(class_of(RSM_KIND_ROLE_SET, reader_role(), &deadline_ms), RSM_CLASS_CRITICAL);
    cr_expect_eq(deadline_ms, 60000, "the policy's number");
}

Test(class, bad_items)
{
    const struct item bad[] = {
        {.class = "high"},
        {.class = "critical", .kind = "freeze.set"},
        {.class = "critical", .kind = "zone.creat"},
        {.class = "critical", .risk = 101},
        {.class = "critical", .value = "x"},
        {.class = "critical", .deadline_ms = 999},
        {.class = "standard", .deadline_ms = 5000},
        {.class = "standard", .risk = 5},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        actor_see_all(root);
        cr_expect(!actor_do(root, RSM_KIND_POLICY_SET, body_classes(&bad[i], 1)), "item %zu", i);
        cr_expect(world_refused_only(w, RSM_RULE_POLICY_BAD), "%zu: %s", i, world_words(w));
    }
}

/* policy.set is judged by the list as it was: none takes the votes away that it needs itself. */
Test(class, the_policy_does_not_free_itself)
{
    const struct item items[] = {{.class = "critical", .kind = "policy.set"}};
    set_classes(items, 1);
    actor_see_all(root);
    cr_assert(!actor_do(root, RSM_KIND_POLICY_SET, body_classes(NULL, 0)));
    cr_assert_eq(w->verdict.kind, VERDICT_STAGED);
}

static struct rsm_buffer label(const char *zone, const char *value)
{
    struct rsm_label item = {text_bytes("tier"), text_bytes(value)};
    struct rsm_buffer body;
    CHECK(rsm_body_zone_label(wire(zone), &item, *value != '\0' ? 1 : 0, &body) == RSM_OK);
    return body;
}

/* The labels before the command count: none takes its own need of votes away. */
Test(class, labels_change)
{
    const struct item items[] = {{.class = "critical", .label = "tier", .value = "critical"}};
    struct rsm_buffer www = change(ZONE, change_a("www.example.", 9, 1));
    set_classes(items, 1);
    cr_assert_eq(class_of(RSM_KIND_RRSET_CHANGE, www, NULL), RSM_CLASS_STANDARD);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_ZONE_LABEL, label(ZONE, "critical")), "%s", world_words(w));
    www = change(ZONE, change_a("www.example.", 9, 1));
    cr_expect_eq(class_of(RSM_KIND_RRSET_CHANGE, www, NULL), RSM_CLASS_CRITICAL);
    cr_expect_eq(class_of(RSM_KIND_ZONE_LABEL, label(ZONE, "low"), NULL), RSM_CLASS_CRITICAL);
    cr_expect_eq(class_of(RSM_KIND_ZONE_LABEL, label(ZONE, ""), NULL), RSM_CLASS_CRITICAL);
    uint32_t serial = world_serial(w, ZONE);
    actor_see_all(root);
    cr_expect(!actor_do(root, RSM_KIND_ZONE_LABEL, label(ZONE, "critical")));
    cr_expect(world_refused_only(w, RSM_RULE_NO_CHANGE), "%s", world_words(w));
    cr_expect(!actor_do(root, RSM_KIND_ZONE_LABEL, label("none.", "x")));
    cr_expect(world_refused(w, RSM_RULE_ZONE_UNKNOWN), "%s", world_words(w));
    cr_expect_eq(world_serial(w, ZONE), serial, "labels are not served");
}

/* Labels have a last writer of their own: whoever has not seen it does not write over it. */
Test(class, labels_are_an_object)
{
    struct actor *bob = &w->actors[1];
    actor_see_all(bob);
    actor_see_all(root);
    struct rsm_change c = change_a("www.example.", 9, 1);
    cr_assert(actor_do(root, RSM_KIND_ZONE_LABEL, label(ZONE, "a")), "%s", world_words(w));
    cr_assert(!actor_do(bob, RSM_KIND_ZONE_LABEL, label(ZONE, "b")));
    cr_assert(world_refused(w, RSM_RULE_STALE), "%s", world_words(w));
    cr_assert(actor_do(bob, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &c, 1)), "content is another");
    actor_see_all(bob);
    cr_assert(actor_do(bob, RSM_KIND_ZONE_LABEL, label(ZONE, "b")), "%s", world_words(w));
}
