/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_case.c - a policy file's own cases, decided by the real state machine.
 *
 * For each a world of its own: the zone with its state is made (under the policy as it is unless
 * said, for a state may be older than the policy), then the policy is set, then the change is made.
 * The automaton takes over what the administrator made, so that ownership is not what is tested.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/command/body_change.h"
#include "src/rr/data.h"
#include "src/rr/zonefile.h"
#include "tools/resilience-ctl/changes.h"
#include "tools/resilience-ctl/policy_world.h"

struct trial {
    const struct policy_file *file;
    const struct policy_case *c;
    struct policy_world world;
    struct writer *words;
};

static bool parse(struct trial *t, const char *what, const char *text, struct zonefile *out)
{
    if (zonefile_parse(bytes_of_string(text), t->c->zone, 3600, out) == RSM_OK)
        return true;
    writer_format(t->words, "%s: line %llu: %s", what, (unsigned long long)out->errors[0].line,
                  out->errors[0].text);
    return false;
}

static void add_sets(struct change_list *list, const struct zonefile *file)
{
    for (size_t i = 0; i < file->rrset_count; i++) {
        const struct zonefile_rrset *set = &file->rrsets[i];
        change_list_add(list, set->owner, set->type, set->ttl, set->rdatas, set->count);
    }
}

static bool do_as(struct trial *t, enum policy_actor who, enum rsm_kind kind,
                  enum rsm_status status, struct rsm_buffer *body, struct verdict *out)
{
    if (status == RSM_OK)
        status = policy_world_do(&t->world, who, kind, body, out);
    if (status != RSM_OK)
        writer_format(t->words, "%s: %s", rsm_kind_text(kind), rsm_status_sentence(status));
    return status == RSM_OK;
}

/* What is before the change has to be. */
static bool prepare(struct trial *t, enum rsm_kind kind, enum rsm_status status,
                    struct rsm_buffer *body)
{
    char text[1024];
    struct verdict verdict;
    if (!do_as(t, POLICY_ADMIN, kind, status, body, &verdict))
        return false;
    if (verdict.kind == VERDICT_APPLIED || verdict_names(&verdict, RSM_RULE_NO_CHANGE))
        return true;
    verdict_describe(&verdict, text, sizeof text);
    writer_format(t->words, "before the change: %s", text);
    return false;
}

static bool make_zone(struct trial *t, const struct zonefile *state)
{
    const struct policy_case *c = t->c;
    struct rsm_label labels[POLICY_LABELS_MAX];
    struct change_list list = {0};
    struct rsm_buffer body = {NULL, 0};
    for (uint32_t i = 0; i < c->label_count; i++)
        labels[i] = (struct rsm_label){rsm_text(c->label_names[i]), rsm_text(c->label_values[i])};
    add_sets(&list, state);
    enum rsm_status status =
        rsm_body_zone_create(rsm_bytes_make(c->zone.data, c->zone.size), labels, c->label_count,
                             list.changes, list.count, &body);
    bool is_made = prepare(t, RSM_KIND_ZONE_CREATE, status, &body);
    change_list_free(&list);
    return is_made;
}

static bool hand_over(struct trial *t, const struct zonefile *state)
{
    const struct policy_case *c = t->c;
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status = policy_world_automaton(&t->world, c->zone, c->granted);
    struct rsm_rrset_id *scope = mem_alloc((state->rrset_count + 1) * sizeof *scope);
    for (size_t i = 0; i < state->rrset_count; i++)
        scope[i] = (struct rsm_rrset_id){
            rsm_bytes_make(state->rrsets[i].owner.data, state->rrsets[i].owner.size),
            state->rrsets[i].type};
    if (status == RSM_OK)
        status =
            rsm_body_rrset_takeover(rsm_bytes_make(c->zone.data, c->zone.size), rsm_text("admin"),
                                    rsm_text("automaton"), scope, state->rrset_count, &body);
    mem_free(scope);
    return prepare(t, RSM_KIND_RRSET_TAKEOVER, status, &body);
}

static bool set_policy(struct trial *t)
{
    struct rsm_buffer body = {NULL, 0};
    enum rsm_status status =
        rsm_body_policy_set(rsm_bytes_make(t->file->map.data, t->file->map.size), &body);
    return prepare(t, RSM_KIND_POLICY_SET, status, &body);
}

static bool change(struct trial *t, struct verdict *out)
{
    const struct policy_case *c = t->c;
    enum policy_actor who = c->is_automaton ? POLICY_AUTOMATON : POLICY_ADMIN;
    struct rsm_bytes zone = rsm_bytes_make(c->zone.data, c->zone.size);
    struct zonefile set = {0};
    struct change_list list = {0};
    struct rsm_buffer body = {NULL, 0};
    bool is_done = c->set == NULL || parse(t, "set", c->set, &set);
    if (is_done && c->deletes_zone) {
        is_done =
            do_as(t, who, RSM_KIND_ZONE_DELETE, rsm_body_zone_delete(zone, &body), &body, out);
    } else if (is_done) {
        add_sets(&list, &set);
        for (uint32_t i = 0; i < c->delete_count; i++)
            change_list_add(&list, bytes_make(c->deletes[i].owner.data, c->deletes[i].owner.size),
                            c->deletes[i].type, 0, NULL, 0);
        enum rsm_status status = rsm_body_rrset_change(zone, list.changes, list.count, &body);
        is_done = do_as(t, who, RSM_KIND_RRSET_CHANGE, status, &body, out);
    }
    change_list_free(&list);
    zonefile_free(&set);
    return is_done;
}

/* All rules that are expected, and no other. */
static bool compare(struct trial *t, const struct verdict *v)
{
    const struct policy_case *c = t->c;
    char text[2048];
    struct reader reader = reader_make(v->reasons);
    uint32_t rule;
    struct bytes evidence;
    bool is_so = v->kind == (c->expect_class != 0  ? VERDICT_STAGED
                             : c->expect_count > 0 ? VERDICT_REFUSED
                                                   : VERDICT_APPLIED);
    if (v->kind == VERDICT_STAGED)
        is_so = is_so && c->expect_class == policy_verdict_class(v);
    for (uint32_t i = 0; i < c->expect_count; i++)
        is_so = is_so && verdict_names(v, (enum rsm_rule)c->expect[i]);
    while (v->kind == VERDICT_REFUSED && verdict_reason_next(&reader, &rule, &evidence)) {
        bool is_expected = false;
        for (uint32_t i = 0; i < c->expect_count; i++)
            is_expected |= c->expect[i] == rule;
        is_so = is_so && is_expected;
    }
    if (v->kind == VERDICT_APPLIED)
        (void)memcpy(text, "applied", sizeof "applied");
    else if (v->kind == VERDICT_STAGED)
        (void)snprintf(text, sizeof text, "%s: it waits", body_class_text(policy_verdict_class(v)));
    else
        verdict_describe(v, text, sizeof text);
    writer_format(t->words, "%s", text);
    return is_so;
}

bool policy_case_run(const struct policy_file *file, const struct policy_case *c,
                     struct writer *words)
{
    struct trial t = {.file = file, .c = c, .words = words};
    struct zonefile state = {0};
    struct verdict verdict;
    enum rsm_status status = policy_world_init(&t.world, c->now_ms);
    if (status != RSM_OK)
        writer_format(words, "%s", rsm_status_sentence(status));
    bool is_so = status == RSM_OK && parse(&t, "state", c->state, &state) &&
                 make_zone(&t, &state) && (!c->is_automaton || hand_over(&t, &state)) &&
                 set_policy(&t) && change(&t, &verdict) && compare(&t, &verdict);
    zonefile_free(&state);
    policy_world_deinit(&t.world);
    return is_so;
}
