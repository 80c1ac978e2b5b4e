/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_file.c - YAML to the map of policy.set (see policy_file.h and docs/policy.md).
 *
 * The map has every key that there is, sorted, for the file is the whole policy: nil where it says
 * nothing. Bounds are the state machine's to judge; what is refused here has no place in the map.
 */
#include "tools/resilience-ctl/policy_file.h"

#include <string.h>

#include "src/base/mem.h"
#include "src/command/body_change.h"
#include "src/command/pack.h"
#include "src/machine/policy.h"
#include "src/machine/policy_limit.h"
#include "tools/lib/when.h"
#include "tools/resilience-ctl/policy_list.h"
#include "tools/resilience-ctl/ctl.h"

#define MAP_SIZE_MAX (8u << 20)

static const char *const NUMBERS[] = {
#define POLICY_NAME(name, least, most, initial) #name,
    POLICY_LIST(POLICY_NAME)
#undef POLICY_NAME
        NULL,
};

#define NUMBER_COUNT (sizeof NUMBERS / sizeof NUMBERS[0] - 1)
#define NUMBER_MOST UINT64_C(9007199254740991) /* counters of commands end there */

static const struct bytes NO_NAME = {NULL, 0};

/* ---- lists ---- */

static const struct list_form {
    const char *name;
    size_t most;
    void (*pack)(struct yaml_reading *r, struct writer *out, yaml_node_t *item);
} LISTS[] = {
    {"approval_groups", LIMIT_APPROVAL_GROUPS, policy_pack_group},
    {"classes", LIMIT_CLASS_RULES, policy_pack_class},
    {"limits", POLICY_LIMITS_MAX, policy_pack_limit},
    {"protected", POLICY_PROTECTED_MAX, policy_pack_protected},
    {"times", POLICY_TIMES_MAX, policy_pack_time},
};

#define LIST_COUNT (sizeof LISTS / sizeof LISTS[0])

/* ---- the map ---- */

static void pack_list(struct yaml_reading *r, struct writer *out, yaml_node_t *root,
                      const struct list_form *form)
{
    yaml_node_t *node = yaml_get(r, root, form->name);
    if (node == NULL) {
        pack_nil(out);
        return;
    }
    size_t count = yaml_count(r, node, form->most);
    pack_array(out, (uint32_t)count);
    for (size_t i = 0; i < count && yaml_is_good(r); i++)
        form->pack(r, out, yaml_item(r, node, i));
}

static void pack_number(struct yaml_reading *r, struct writer *out, yaml_node_t *numbers,
                        const char *name)
{
    const yaml_node_t *node = numbers != NULL ? yaml_get(r, numbers, name) : NULL;
    if (node == NULL)
        pack_nil(out);
    else
        pack_uint(out, yaml_number(r, node, NUMBER_MOST));
}

static void pack_policy(struct yaml_reading *r, struct writer *out, yaml_node_t *root)
{
    const char *names[NUMBER_COUNT + LIST_COUNT];
    size_t count = 0;
    yaml_node_t *numbers = yaml_get(r, root, "numbers");
    if (numbers != NULL && !yaml_check_map(r, numbers, NUMBERS))
        return;
    for (size_t i = 0; i < NUMBER_COUNT + LIST_COUNT; i++) {
        const char *name = i < NUMBER_COUNT ? NUMBERS[i] : LISTS[i - NUMBER_COUNT].name;
        size_t at = count++;
        for (; at > 0 && strcmp(names[at - 1], name) > 0; at--)
            names[at] = names[at - 1];
        names[at] = name;
    }
    pack_map(out, (uint32_t)count);
    for (size_t i = 0; i < count && yaml_is_good(r); i++) {
        size_t list = 0;
        while (list < LIST_COUNT && strcmp(LISTS[list].name, names[i]) != 0)
            list++;
        pack_text(out, names[i]);
        if (list < LIST_COUNT)
            pack_list(r, out, root, &LISTS[list]);
        else
            pack_number(r, out, numbers, names[i]);
    }
}

/* ---- cases ---- */

static void take_labels(struct yaml_reading *r, yaml_node_t *node, struct policy_case *c)
{
    size_t count = yaml_count(r, node, POLICY_LABELS_MAX);
    for (size_t i = 0; i < count && yaml_is_good(r); i++) {
        const yaml_node_t *item = yaml_item(r, node, i);
        const char *text = yaml_text(r, item);
        const char *equals = strchr(text, '=');
        if (equals == NULL) {
            yaml_fail(r, item, "\"%s\" is no label such as tier=critical", text);
            return;
        }
        c->label_names[c->label_count] = mem_copy_text(text, (size_t)(equals - text));
        c->label_values[c->label_count++] = mem_copy_text(equals + 1, strlen(equals + 1));
    }
}

static void take_deletes(struct yaml_reading *r, yaml_node_t *node, struct policy_case *c)
{
    size_t count = yaml_count(r, node, POLICY_CASE_DELETES_MAX);
    for (size_t i = 0; i < count && yaml_is_good(r); i++) {
        static const char *const keys[] = {"owner", "type", NULL};
        yaml_node_t *item = yaml_item(r, node, i);
        if (!yaml_check_map(r, item, keys))
            return;
        struct bytes owner =
            yaml_name(r, yaml_get(r, item, "owner"), c->zone, c->delete_buffers[i]);
        c->deletes[i].owner = rsm_bytes_make(owner.data, owner.size);
        c->deletes[i].type = yaml_type(r, yaml_get(r, item, "type"));
        c->delete_count++;
    }
}

/* "applied"; the class with which it waits; or the ids of all rules that refuse it. */
static void take_expect(struct yaml_reading *r, yaml_node_t *node, struct policy_case *c)
{
    size_t count = yaml_count(r, node, POLICY_CASE_EXPECT_MAX);
    for (size_t i = 0; i < count && yaml_is_good(r); i++) {
        const yaml_node_t *item = yaml_item(r, node, i);
        const char *text = yaml_text(r, item);
        uint32_t rule = 1;
        if (count == 1 && strcmp(text, "applied") == 0)
            return;
        if (count == 1 && body_class_parse(bytes_of_string(text), &c->expect_class) &&
            c->expect_class != RSM_CLASS_STANDARD)
            return;
        while (strcmp(rsm_rule_id(rule), "unknown") != 0 && strcmp(rsm_rule_id(rule), text) != 0)
            rule++;
        if (strcmp(rsm_rule_id(rule), "unknown") == 0)
            yaml_fail(r, item, "\"%s\" is not applied, critical, emergency or the id of a rule",
                      text);
        else
            c->expect[c->expect_count++] = rule;
    }
    c->expect_class = 0;
    if (count == 0)
        yaml_fail(r, node,
                  "expect: applied, critical, emergency, or the ids of the rules that refuse it");
}

static void take_now(struct yaml_reading *r, const yaml_node_t *node, struct policy_case *c)
{
    const char *text = yaml_text(r, node);
    uint64_t last_ms;
    if (!when_parse(text, &c->now_ms, &last_ms))
        yaml_fail(r, node, "\"%s\" is no time such as 2026-01-05T10:00:00Z", text);
}

static void take_granted(struct yaml_reading *r, const yaml_node_t *node, struct policy_case *c)
{
    static const char *const classes[] = {"standard", "critical", NULL};
    if (node == NULL)
        return;
    c->granted = yaml_choice(r, node, classes) == 1 ? RSM_CLASS_CRITICAL : RSM_CLASS_STANDARD;
    if (!c->is_automaton)
        yaml_fail(r, node,
                  "granted: what an automaton's grants allow; write by: automaton as well");
}

static void take_case(struct yaml_reading *r, yaml_node_t *node, struct policy_case *c)
{
    static const char *const keys[] = {"name", "zone", "state",  "labels",      "by",     "granted",
                                       "at",   "set",  "delete", "delete-zone", "expect", NULL};
    static const char *const bys[] = {"person", "automaton", NULL};
    static const char *const yes[] = {"no", "yes", NULL};
    *c = (struct policy_case){.line = node != NULL ? node->start_mark.line + 1 : 0};
    if (!yaml_check_map(r, node, keys))
        return;
    yaml_node_t *set = yaml_get(r, node, "set"), *at = yaml_get(r, node, "at");
    yaml_node_t *by = yaml_get(r, node, "by"), *whole = yaml_get(r, node, "delete-zone");
    c->name = yaml_copy(r, yaml_get(r, node, "name"));
    c->zone = yaml_name(r, yaml_get(r, node, "zone"), NO_NAME, c->zone_buffer);
    c->state = yaml_copy(r, yaml_get(r, node, "state"));
    take_labels(r, yaml_get(r, node, "labels"), c);
    c->is_automaton = by != NULL && yaml_choice(r, by, bys) == 1;
    take_granted(r, yaml_get(r, node, "granted"), c);
    c->deletes_zone = whole != NULL && yaml_choice(r, whole, yes) == 1;
    if (at != NULL)
        take_now(r, at, c);
    if (set != NULL)
        c->set = yaml_copy(r, set);
    take_deletes(r, yaml_get(r, node, "delete"), c);
    take_expect(r, yaml_get(r, node, "expect"), c);
    if (c->set == NULL && c->delete_count == 0 && !c->deletes_zone)
        yaml_fail(r, node, "a case changes something: set, delete or delete-zone");
}

static void take_cases(struct yaml_reading *r, yaml_node_t *node, struct policy_file *out)
{
    size_t count = yaml_count(r, node, POLICY_CASES_MAX);
    out->cases = mem_alloc((count + 1) * sizeof *out->cases);
    for (size_t i = 0; i < count && yaml_is_good(r); i++)
        take_case(r, yaml_item(r, node, i), &out->cases[out->case_count++]);
}

/* ---- the file ---- */

static void take_document(struct yaml_reading *r, void *context)
{
    struct policy_file *out = context;
    static const char *const keys[] = {"numbers", "approval_groups", "classes", "protected",
                                       "limits",  "times",           "tests",   NULL};
    yaml_node_t *root = yaml_document_get_root_node(r->document);
    if (!yaml_check_map(r, root, keys))
        return;
    pack_policy(r, &out->map, root);
    if (yaml_is_good(r) && out->map.failed)
        yaml_fail(r, root, "the policy is too large");
    if (yaml_is_good(r))
        take_cases(r, yaml_get(r, root, "tests"), out);
}

enum rsm_status policy_file_read(const char *path, struct bytes text, struct policy_file *out,
                                 char error[POLICY_FILE_ERROR_SIZE])
{
    *out = (struct policy_file){.cases = NULL};
    writer_init(&out->map, MAP_SIZE_MAX);
    return yaml_read(path, text, POLICY_FILE_SIZE_MAX, error, take_document, out);
}

void policy_file_free(struct policy_file *file)
{
    for (size_t i = 0; i < file->case_count; i++) {
        struct policy_case *c = &file->cases[i];
        mem_free(c->name);
        mem_free(c->state);
        mem_free(c->set);
        for (uint32_t k = 0; k < c->label_count; k++) {
            mem_free(c->label_names[k]);
            mem_free(c->label_values[k]);
        }
    }
    mem_free(file->cases);
    writer_deinit(&file->map);
}
