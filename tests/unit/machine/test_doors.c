/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_doors.c - the same change through every door gives the same verdict: as a client's change
 * set, as a plan, as a dynamic update, and in a bundle.
 *
 * The rules that refuse it are compared, its class, and stage 3's figures where it is applied. What
 * differs by nature is left out: an update that needs votes is refused (update-class), for its
 * sender waits for an answer.
 */
#include <criterion/criterion.h>

#include <string.h>

#include <rsm/update.h>

#include "src/base/check.h"
#include "src/command/body_change.h"
#include "src/command/pack.h"
#include "src/machine/stage.h"
#include "src/rr/data.h"
#include "tests/lib/machine_world.h"

#define ZONE "example."
#define RULES_MAX 8u

enum door { BY_CHANGE = 1, BY_BUNDLE, BY_PLAN, BY_UPDATE, DOOR_END };

static const char *const DOORS[] = {
    [BY_CHANGE] = "change", [BY_BUNDLE] = "bundle", [BY_PLAN] = "plan", [BY_UPDATE] = "update"};

/* What a door said. */
struct said {
    enum verdict_kind kind;
    enum rsm_class class;
    uint32_t rules[RULES_MAX]; /* sorted, each once */
    uint32_t count;
    uint64_t risk, names;
};

static struct world *w;
static struct actor *root;

static void set_policy(void)
{
    struct writer map;
    struct rsm_buffer body;
    writer_init(&map, 4096);
    pack_map(&map, 2);
    pack_text(&map, "classes");
    pack_array(&map, 1);
    pack_map(&map, 2);
    pack_text(&map, "class");
    pack_text(&map, "critical");
    pack_text(&map, "suffix");
    pack_bin(&map, wire_bytes("bank.example."));
    pack_text(&map, "protected");
    pack_array(&map, 1);
    pack_array(&map, 4);
    pack_bin(&map, wire_bytes(ZONE));
    pack_bin(&map, wire_bytes("db.example."));
    pack_uint(&map, RR_TYPE_A);
    pack_uint(&map, 1);
    CHECK(rsm_body_policy_set((struct rsm_bytes){map.data, map.size}, &body) == RSM_OK);
    writer_deinit(&map);
    actor_see_all(root);
    cr_assert(actor_do(root, RSM_KIND_POLICY_SET, body), "%s", world_words(w));
}

static void set_up(void)
{
    struct rsm_change more[] = {change_a("www.example.", 1, 2), change_a("db.example.", 3, 1),
                                change_a("bank.example.", 4, 1),
                                change_name("alias.example.", RR_TYPE_CNAME, "www.example."),
                                change_name("back.example.", RR_TYPE_CNAME, "alias.example.")};
    w = world_new();
    root = &w->actors[0];
    cr_assert(actor_do(root, RSM_KIND_ZONE_CREATE, body_zone(ZONE, 10, more, 5)), "%s",
              world_words(w));
    set_policy();
}

/* ---- the doors ---- */

static bool change(struct rsm_change c)
{
    return actor_do(root, RSM_KIND_RRSET_CHANGE, body_change(ZONE, &c, 1));
}

static bool bundle(struct rsm_change c)
{
    struct rsm_buffer body = body_change(ZONE, &c, 1);
    struct blob *command = actor_command(root, RSM_KIND_RRSET_CHANGE, &body, "test");
    struct blob *envelope = actor_seal(root, &command, 1, true);
    bool is_applied = world_apply(w, envelope);
    blob_unref(envelope);
    return is_applied;
}

/* Published, the lease taken, executed; a publication that is refused says it. */
static bool plan(struct rsm_change c)
{
    struct rsm_rrset_id id = {c.owner, c.type};
    struct rsm_plan p = {.name = text_bytes("p"),
                         .generation = 1,
                         .zone = wire(ZONE),
                         .scope = &id,
                         .scope_count = 1,
                         .content = &c,
                         .content_count = 1,
                         .complete = true};
    struct rsm_buffer body;
    CHECK(rsm_body_plan_publish(&p, &body) == RSM_OK);
    if (!actor_do(root, RSM_KIND_PLAN_PUBLISH, body))
        return false;
    CHECK(rsm_body_lease_acquire(text_bytes("l"), 60000, &body) == RSM_OK);
    cr_assert(actor_do(root, RSM_KIND_LEASE_ACQUIRE, body), "%s", world_words(w));
    uint64_t token = w->slot;
    actor_see_all(root);
    CHECK(rsm_body_plan_execute(text_bytes("p"), 1, NULL, 0, text_bytes("l"), token, &body) ==
          RSM_OK);
    return actor_do(root, RSM_KIND_PLAN_EXECUTE, body);
}

/* The whole set goes, then each record comes (RFC 2136 2.5). */
static bool update(struct rsm_change c)
{
    struct rsm_record records[16] = {
        {.owner = c.owner, .record_class = RSM_CLASS_ANY, .type = c.type}};
    size_t count = 1;
    for (size_t i = 0; i < c.rdata_count; i++)
        records[count++] = (struct rsm_record){.owner = c.owner,
                                               .record_class = RSM_CLASS_IN,
                                               .type = c.type,
                                               .ttl = c.ttl,
                                               .rdata = c.rdatas[i]};
    struct rsm_update u = {
        .principal = text_bytes(""), .zone = wire(ZONE), .updates = records, .update_count = count};
    struct rsm_buffer body;
    CHECK(rsm_body_rrset_update(&u, &body) == RSM_OK);
    return actor_do(root, RSM_KIND_RRSET_UPDATE, body);
}

static void add_rule(struct said *s, uint32_t rule)
{
    uint32_t at = s->count;
    for (uint32_t i = 0; i < s->count; i++)
        if (s->rules[i] == rule)
            return;
    cr_assert(s->count < RULES_MAX);
    for (; at > 0 && s->rules[at - 1] > rule; at--)
        s->rules[at] = s->rules[at - 1];
    s->rules[at] = rule;
    s->count++;
}

static struct said listen(void)
{
    struct said s = {.kind = w->verdict.kind, .class = RSM_CLASS_STANDARD};
    struct reader r = reader_make(w->verdict.reasons);
    uint32_t rule;
    struct bytes evidence;
    while (w->verdict.kind == VERDICT_REFUSED && verdict_reason_next(&r, &rule, &evidence))
        add_rule(&s, rule);
    if (s.kind == VERDICT_STAGED) {
        struct unpack u = unpack_make(w->verdict.result);
        (void)unpack_map(&u);
        (void)unpack_raw(&u);
        cr_assert(body_class_parse(unpack_str(&u, LIMIT_LABEL_SIZE), &s.class));
    }
    if (!stages_figure(w->verdict.stages, RSM_STAGE_IMPACT, STAGE_FIGURE_RISK, &s.risk))
        s.risk = 999;
    if (!stages_figure(w->verdict.stages, RSM_STAGE_IMPACT, STAGE_FIGURE_NAMES, &s.names))
        s.names = 0;
    return s;
}

/* Made anew for each door: names are in a ring of buffers. */
struct wanted {
    const char *owner, *target; /* NULL: addresses */
    uint16_t type;
    uint8_t first, count;
    uint32_t ttl; /* 0: that of all */
};

static struct rsm_change make(const struct wanted *c)
{
    struct rsm_change out = c->target != NULL ? change_name(c->owner, c->type, c->target)
                                              : change_a(c->owner, c->first, c->count);
    if (c->ttl > 0)
        out.ttl = c->ttl;
    return out;
}

/* In a world of its own. */
static struct said go(enum door door, const struct wanted *c)
{
    static bool (*const doors[])(struct rsm_change) = {
        [BY_CHANGE] = change, [BY_BUNDLE] = bundle, [BY_PLAN] = plan, [BY_UPDATE] = update};
    set_up();
    actor_see_all(root);
    (void)doors[door](make(c));
    struct said s = listen();
    world_free(w);
    return s;
}

/* An update that needs votes says so, where the others wait. */
static void as_an_update(struct said *s)
{
    if (s->kind == VERDICT_STAGED) {
        s->kind = VERDICT_REFUSED;
        s->rules[0] = RSM_RULE_UPDATE_CLASS;
        s->count = 1;
        s->class = RSM_CLASS_STANDARD;
    }
}

static bool is_same(const struct said *a, const struct said *b)
{
    if (a->kind != b->kind || a->class != b->class || a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->rules[i] != b->rules[i])
            return false;
    return a->kind == VERDICT_REFUSED || (a->risk == b->risk && a->names == b->names);
}

Test(doors, the_same_verdict_at_each)
{
    static const struct {
        const char *what;
        struct wanted change;
        enum verdict_kind kind;
        uint32_t rule; /* one of them; 0: none */
    } cases[] = {
        {"an address", {.owner = "www.example.", .first = 9, .count = 1}, VERDICT_APPLIED, 0},
        {"a new name", {.owner = "new.example.", .first = 9, .count = 2}, VERDICT_APPLIED, 0},
        {"an alias",
         {.owner = "back.example.", .type = RR_TYPE_CNAME, .target = "www.example."},
         VERDICT_APPLIED,
         0},
        {"a class", {.owner = "bank.example.", .first = 9, .count = 1}, VERDICT_STAGED, 0},
        {"a class below", {.owner = "x.bank.example.", .first = 9, .count = 1}, VERDICT_STAGED, 0},
        {"a delegation",
         {.owner = "sub.example.", .type = RR_TYPE_NS, .target = "ns.other."},
         VERDICT_STAGED,
         0},
        {"a floor", {.owner = "db.example."}, VERDICT_REFUSED, RSM_RULE_ENDPOINT_EMPTY},
        {"a cycle",
         {.owner = "x.example.", .type = RR_TYPE_CNAME, .target = "x.example."},
         VERDICT_REFUSED,
         RSM_RULE_CYCLE},
        {"dangling",
         {.owner = "x.example.", .type = RR_TYPE_CNAME, .target = "none.example."},
         VERDICT_REFUSED,
         RSM_RULE_DANGLING},
        {"who points at it", {.owner = "www.example."}, VERDICT_REFUSED, RSM_RULE_DANGLING},
        {"a TTL",
         {.owner = "www.example.", .first = 7, .count = 1, .ttl = 700000},
         VERDICT_REFUSED,
         RSM_RULE_TTL_RANGE},
        {"another zone",
         {.owner = "www.other.", .first = 9, .count = 1},
         VERDICT_REFUSED,
         RSM_RULE_OUT_OF_ZONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct said first = go(BY_CHANGE, &cases[i].change);
        cr_expect_eq(first.kind, cases[i].kind, "%s", cases[i].what);
        bool names_it = cases[i].rule == 0;
        for (uint32_t k = 0; k < first.count; k++)
            names_it |= first.rules[k] == cases[i].rule;
        cr_expect(names_it, "%s", cases[i].what);
        for (enum door door = BY_BUNDLE; door < DOOR_END; door++) {
            struct said s = go(door, &cases[i].change), wanted = first;
            if (door == BY_UPDATE)
                as_an_update(&wanted);
            cr_expect(is_same(&s, &wanted),
                      "%s by %s: kind %d not %d, class %d not %d, %u rules not %u (%u, %u), risk "
                      "%llu not %llu",
                      cases[i].what, DOORS[door], (int)s.kind, (int)wanted.kind, (int)s.class,
                      (int)wanted.class, s.count, wanted.count, s.rules[0], wanted.rules[0],
                      (unsigned long long)s.risk, (unsigned long long)wanted.risk);
        }
    }
}
