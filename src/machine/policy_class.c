/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_class.c - the policy's list "classes": which changes need more agreement.
 *
 *     classes [[class str, zone bin, suffix bin, types [uint...]]...]      at most 64
 *
 * An empty zone is any zone, an empty suffix any owner, no types any type. The highest class of all
 * items that match one of the change's record sets counts; a zone that is made or deleted matches
 * every item of its zone that it could touch.
 */
#include "src/machine/policy.h"

#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/machine/judge.h"

#define CLASSES bytes_of_string("classes")

struct class_rule {
    enum rsm_class class;
    struct bytes zone, suffix;
    struct body_walk types;
};

static bool is_optional_name(struct bytes name)
{
    return name.size == 0 || body_is_name(name);
}

static bool take_rule(struct unpack *list, struct class_rule *out)
{
    struct unpack u = unpack_make(unpack_raw(list));
    unpack_array_exactly(&u, 4);
    struct bytes class = unpack_str(&u, LIMIT_LABEL_SIZE);
    out->zone = unpack_bin(&u, LIMIT_NAME_SIZE);
    out->suffix = unpack_bin(&u, LIMIT_NAME_SIZE);
    out->types.cursor = unpack_make(unpack_raw(&u));
    out->types.left = unpack_array(&out->types.cursor);
    return unpack_ok(list) && unpack_done(&u) && unpack_ok(&out->types.cursor) &&
           out->types.left <= LIMIT_TYPES_PER_GRANT && body_class_parse(class, &out->class) &&
           out->class != RSM_CLASS_STANDARD && is_optional_name(out->zone) &&
           is_optional_name(out->suffix);
}

void policy_class_check(struct unpack *list, struct reasons *reasons)
{
    uint32_t count = unpack_array(list);
    bool is_good = unpack_ok(list) && count <= LIMIT_CLASS_RULES;
    struct class_rule rule;
    uint16_t type;
    for (; is_good && count > 0; count--) {
        is_good = take_rule(list, &rule);
        while (is_good && body_next_type(&rule.types, &type))
            continue;
        is_good = is_good && unpack_ok(&rule.types.cursor);
    }
    if (!is_good)
        reasons_add(reasons, RSM_RULE_POLICY_BAD,
                    "classes: at most %u items, each [\"critical\" or \"emergency\", zone bin, "
                    "suffix bin, types [uint...]]",
                    LIMIT_CLASS_RULES);
}

static bool names_type(struct body_walk types, uint16_t type)
{
    uint16_t each;
    if (types.left == 0)
        return true;
    while (body_next_type(&types, &each))
        if (each == type)
            return true;
    return false;
}

static bool matches_some(const struct judge *j, const struct class_rule *rule)
{
    const struct changes *changes = &j->m->changes;
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *c = &changes->items[i];
        if ((rule->suffix.size == 0 || name_is_at_or_below(c->owner, rule->suffix)) &&
            names_type(rule->types, c->type))
            return true;
    }
    return false;
}

static void raise(struct judge *j, struct bytes zone, bool is_whole)
{
    struct bytes raw;
    if (!judge_found(j, kv_get(j->kv, TABLE_POLICY, CLASSES, &raw)))
        return;
    struct unpack list = unpack_make(raw);
    struct class_rule rule;
    for (uint32_t left = unpack_array(&list); left > 0; left--) {
        if (!take_rule(&list, &rule)) {
            j->fault = RSM_DAMAGED;
            return;
        }
        if (rule.class > j->class && (rule.zone.size == 0 || bytes_equal(rule.zone, zone)) &&
            (is_whole || matches_some(j, &rule)))
            j->class = rule.class;
    }
}

void class_of_changes(struct judge *j, struct bytes zone)
{
    raise(j, zone, false);
}

void class_of_zone(struct judge *j, struct bytes zone)
{
    raise(j, zone, true);
}
