/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_class.c - the policy's list "classes": which commands need more agreement.
 *
 *     classes [map...]      at most 64; each a canonical map, whose keys but `class` may lack:
 *         class str              "critical", "emergency"; or "standard", see below
 *         deadline_ms uint       how long it waits; else the policy's number for the class
 *         kinds [str...]         kinds, or "principal.*"; none: what changes zones and record sets
 *         label str, value str   the zone has this label
 *         reach uint             so many names or more: its own, and those that depend on them
 *         risk uint              a risk of so much or more (impact.h)
 *         root bool              the root role has to agree as well (rule_root.c)
 *         suffix bin             some record set at or below this name
 *         tier str               it affects a service of that tier (service.h)
 *         types [uint...]        some record set of such a type
 *         zone bin               that zone
 *
 * An item matches when all that it names does. The highest class of all that match counts; of two
 * of that class the shorter deadline. A command on a zone as a whole matches whatever record sets
 * an item names in its zone.
 *
 * Critical by default, without any policy: what changes NS, SOA, DS or DNSKEY of a zone that is
 * there; a zone that is deleted; a zone that is made below another of ours, for it takes names away
 * from that one. An item of class "standard" takes this default away from what it matches, unless
 * it has `root`. A zone that is made elsewhere serves nobody yet: standard, so that a cluster can
 * begin.
 *
 * The list, and the zone's labels, are those before the command: none lowers its own class.
 */
#include "src/machine/policy.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/command/body.h"
#include "src/command/body_change.h"
#include "src/command/verb.h"
#include "src/machine/judge.h"

static bool is_optional_name(struct bytes name)
{
    return name.size == 0 || body_is_name(name);
}

static struct body_walk take_walk(struct unpack *u, uint32_t most)
{
    struct body_walk walk = {.cursor = unpack_make(unpack_raw(u))};
    walk.left = unpack_array(&walk.cursor);
    if (!unpack_ok(&walk.cursor) || walk.left > most)
        unpack_fail(u, RSM_TOO_MANY);
    return walk;
}

static void take_field(struct unpack *u, struct bytes key, struct policy_class *out)
{
    if (bytes_equal(key, bytes_of_string("deadline_ms")))
        out->deadline_ms = unpack_uint_max(u, POLICY_CLASS_DEADLINE_MAX);
    else if (bytes_equal(key, bytes_of_string("kinds")))
        out->kinds = take_walk(u, LIMIT_CLASS_KINDS);
    else if (bytes_equal(key, bytes_of_string("label")))
        out->label = unpack_str(u, LIMIT_LABEL_SIZE);
    else if (bytes_equal(key, bytes_of_string("reach")))
        out->reach = unpack_uint_max(u, UINT32_MAX);
    else if (bytes_equal(key, bytes_of_string("risk")))
        out->risk = unpack_uint_max(u, 100);
    else if (bytes_equal(key, bytes_of_string("root")))
        out->root = unpack_bool(u);
    else if (bytes_equal(key, bytes_of_string("suffix")))
        out->suffix = unpack_bin(u, LIMIT_NAME_SIZE);
    else if (bytes_equal(key, bytes_of_string("tier")))
        out->tier = unpack_str(u, LIMIT_LABEL_SIZE);
    else if (bytes_equal(key, bytes_of_string("types")))
        out->types = take_walk(u, LIMIT_TYPES_PER_GRANT);
    else if (bytes_equal(key, bytes_of_string("value")))
        out->value = unpack_str(u, LIMIT_LABEL_SIZE);
    else if (bytes_equal(key, bytes_of_string("zone")))
        out->zone = unpack_bin(u, LIMIT_NAME_SIZE);
    else
        unpack_fail(u, RSM_MALFORMED);
}

/* True when some kind that may wait is meant. */
static bool is_kind_pattern(struct bytes pattern)
{
    static const enum rsm_kind kinds[] = {
#define KIND_NUMBER(name, number, text) RSM_KIND_##name,
        RSM_KIND_LIST(KIND_NUMBER)
#undef KIND_NUMBER
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (body_may_be_requested(kinds[i]) && verb_matches(pattern, rsm_kind_text(kinds[i])))
            return true;
    return false;
}

static bool are_walks_good(const struct policy_class *item)
{
    struct body_walk kinds = item->kinds, types = item->types;
    struct bytes pattern;
    uint16_t type;
    while (body_next_octets(&kinds, &pattern))
        if (!is_kind_pattern(pattern))
            return false;
    while (body_next_type(&types, &type))
        continue;
    return unpack_ok(&kinds.cursor) && unpack_ok(&types.cursor);
}

/* The next item of a list's cursor; false: it is none. */
static bool policy_class_take(struct unpack *list, struct policy_class *out)
{
    struct unpack u = unpack_make(unpack_raw(list));
    struct bytes class = {NULL, 0};
    *out = (struct policy_class){.class = 0};
    for (uint32_t left = unpack_map(&u); left > 0 && unpack_ok(&u); left--) {
        struct bytes key = unpack_str(&u, LIMIT_LABEL_SIZE);
        if (bytes_equal(key, bytes_of_string("class")))
            class = unpack_str(&u, LIMIT_LABEL_SIZE);
        else
            take_field(&u, key, out);
    }
    if (!unpack_ok(list) || !unpack_done(&u) || !body_class_parse(class, &out->class))
        return false;
    bool is_standard = out->class == RSM_CLASS_STANDARD;
    return is_optional_name(out->zone) && is_optional_name(out->suffix) &&
           (out->deadline_ms == 0 || out->deadline_ms >= POLICY_CLASS_DEADLINE_MIN) &&
           (out->value.size == 0 || out->label.size > 0) &&
           (!is_standard || (out->deadline_ms == 0 && out->risk == 0 && out->reach == 0));
}

void policy_class_check(struct unpack *list, struct reasons *reasons)
{
    uint32_t count = unpack_array(list);
    bool is_good = unpack_ok(list) && count <= LIMIT_CLASS_RULES;
    struct policy_class item;
    for (; is_good && count > 0; count--)
        is_good = policy_class_take(list, &item) && are_walks_good(&item);
    if (!is_good)
        reasons_add(reasons, RSM_RULE_POLICY_BAD,
                    "classes: at most %u items, each a map of class (\"critical\", \"emergency\" "
                    "or \"standard\") and deadline_ms (%u to %u), kinds (of commands that may "
                    "wait, at most %u), label, value, reach, risk (to 100), root, suffix, tier, "
                    "types, zone; "
                    "standard has no deadline, reach or risk",
                    LIMIT_CLASS_RULES, POLICY_CLASS_DEADLINE_MIN, POLICY_CLASS_DEADLINE_MAX,
                    LIMIT_CLASS_KINDS);
}

/* ---- what an item is about ---- */

/* It names record sets one by one; else it is about a zone, or about none. */
static bool changes_record_sets(enum rsm_kind kind)
{
    return kind == RSM_KIND_RRSET_CHANGE || kind == RSM_KIND_PLAN_EXECUTE ||
           kind == RSM_KIND_RRSET_UPDATE;
}

static bool names_kind(const struct policy_class *item, enum rsm_kind kind)
{
    struct body_walk kinds = item->kinds;
    struct bytes pattern;
    bool is_service = kind == RSM_KIND_SERVICE_SET || kind == RSM_KIND_SERVICE_DELETE;
    if (kinds.left == 0)
        return (is_service && item->tier.size > 0) || changes_record_sets(kind) ||
               kind == RSM_KIND_ZONE_CREATE || kind == RSM_KIND_ZONE_DELETE ||
               kind == RSM_KIND_ZONE_SET || kind == RSM_KIND_ZONE_LABEL;
    while (body_next_octets(&kinds, &pattern))
        if (verb_matches(pattern, rsm_kind_text(kind)))
            return true;
    return false;
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

static bool matches_set(const struct policy_class *item, const struct change *c)
{
    return (item->suffix.size == 0 || name_is_at_or_below(c->owner, item->suffix)) &&
           names_type(item->types, c->type);
}

static bool matches_some(const struct judge *j, const struct policy_class *item)
{
    const struct changes *changes = &j->m->changes;
    if (item->suffix.size == 0 && item->types.left == 0)
        return true;
    if (!changes_record_sets(j->command->kind))
        return j->touched.size > 0;
    for (size_t i = 0; i < changes->count; i++)
        if (matches_set(item, &changes->items[i]))
            return true;
    return false;
}

static bool affects_tier(const struct judge *j, struct bytes tier)
{
    struct reader r = reader_make(writer_result(&j->m->tiers));
    if (j->reach_is_cut)
        return true;
    while (reader_left(&r) > 0)
        if (bytes_equal(reader_blob(&r, LIMIT_LABEL_SIZE), tier))
            return true;
    return false;
}

void class_add_tier(struct judge *j, struct bytes tier)
{
    if (!affects_tier(j, tier))
        writer_blob(&j->m->tiers, tier);
}

/* All but the record sets. */
static bool matches_command(const struct judge *j, const struct policy_class *item)
{
    return names_kind(item, j->command->kind) &&
           (item->zone.size == 0 || bytes_equal(item->zone, j->touched)) &&
           (item->label.size == 0 ||
            (zone_has_label(writer_result(&j->m->labels), item->label, item->value) &&
             !MUTANT(LABELS_UNSEEN))) &&
           (item->tier.size == 0 || affects_tier(j, item->tier)) && j->risk >= item->risk &&
           j->reach >= item->reach;
}

/* ---- the class ---- */

struct classes {
    struct policy_class items[LIMIT_CLASS_RULES];
    uint32_t count;
};

static void load(struct judge *j, struct classes *out)
{
    struct unpack list = unpack_make(writer_result(&j->m->classes));
    out->count = 0;
    if (j->m->classes.size == 0)
        return;
    uint32_t count = unpack_array(&list);
    while (out->count < count && out->count < LIMIT_CLASS_RULES) {
        if (!policy_class_take(&list, &out->items[out->count])) {
            j->fault = RSM_DAMAGED;
            return;
        }
        out->count++;
    }
}

static void raise(struct judge *j, enum rsm_class class, uint64_t deadline_ms, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

static void raise(struct judge *j, enum rsm_class class, uint64_t deadline_ms, const char *format,
                  ...)
{
    if (class < j->class)
        return;
    if (class > j->class) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(j->class_why, sizeof j->class_why, format, arguments);
        va_end(arguments);
        j->deadline_ms = 0;
    }
    j->class = class;
    if (deadline_ms > 0 && (j->deadline_ms == 0 || deadline_ms < j->deadline_ms))
        j->deadline_ms = deadline_ms;
}

/* `c`: the record set it is about; NULL: the command as a whole. */
static bool is_exempt(const struct judge *j, const struct classes *all, const struct change *c)
{
    for (uint32_t i = 0; i < all->count; i++) {
        const struct policy_class *item = &all->items[i];
        if (item->class == RSM_CLASS_STANDARD && !item->root && matches_command(j, item) &&
            (c == NULL || matches_set(item, c)))
            return true;
    }
    return false;
}

static bool is_delegating(uint16_t type)
{
    return type == RR_TYPE_NS || type == RR_TYPE_SOA || type == TYPE_DS || type == TYPE_DNSKEY;
}

static bool is_below_ours(struct judge *j)
{
    struct bytes above;
    struct zone_record row;
    return j->touched.size > 1 && zone_of_name(j, name_parent(j->touched), &above, &row);
}

static void raise_by_default(struct judge *j, const struct classes *all)
{
    const struct changes *changes = &j->m->changes;
    enum rsm_kind kind = j->command->kind;
    char words[WORDS_SIZE];
    if (kind == RSM_KIND_ZONE_DELETE && !is_exempt(j, all, NULL))
        raise(j, RSM_CLASS_CRITICAL, 0, "a zone goes");
    if (kind == RSM_KIND_ZONE_SET && j->loosens_catalog && !is_exempt(j, all, NULL))
        raise(j, RSM_CLASS_CRITICAL, 0, "secondaries lose zones that the catalog had");
    if (kind == RSM_KIND_ZONE_CREATE && is_below_ours(j) && !is_exempt(j, all, NULL))
        raise(j, RSM_CLASS_CRITICAL, 0, "a zone below another of ours takes names away from it");
    for (size_t i = 0; changes_record_sets(kind) && i < changes->count; i++) {
        const struct change *c = &changes->items[i];
        if (!c->is_changed || !is_delegating(c->type) || is_exempt(j, all, c))
            continue;
        raise(j, RSM_CLASS_CRITICAL, 0, "%.150s changes", words_rrset(c->owner, c->type, words));
        return;
    }
}

void class_begin(struct judge *j)
{
    struct bytes raw;
    writer_reset(&j->m->classes);
    writer_reset(&j->m->labels);
    if (judge_found(j, memo_list(j->m->memo, j->kv, POLICY_LIST_CLASSES, &raw)))
        writer_bytes(&j->m->classes, raw);
}

void class_of_command(struct judge *j)
{
    struct classes all;
    enum rsm_class asked = j->class;
    bool is_root = false;
    enum rsm_kind kind = j->command->kind;
    if (!body_may_be_requested(kind) && kind != RSM_KIND_RRSET_UPDATE)
        return;
    load(j, &all);
    if (!MUTANT(NO_DEFAULT_CLASS))
        raise_by_default(j, &all);
    for (uint32_t i = 0; i < all.count && j->fault == RSM_OK; i++) {
        const struct policy_class *item = &all.items[i];
        if ((item->class == RSM_CLASS_STANDARD && !item->root) || !matches_command(j, item) ||
            !matches_some(j, item))
            continue;
        is_root |= item->root;
        if (item->class > RSM_CLASS_STANDARD)
            raise(j, item->class, item->deadline_ms, "item %u of the policy's classes", i + 1);
    }
    root_of_command(j, is_root);
    rule_rights_class(j);
    if (kind != RSM_KIND_RRSET_UPDATE)
        return;
    /* Who sends an update waits for an answer and casts no votes. */
    char words[WORDS_SIZE];
    if (j->class > asked || j->waits_for_root)
        judge_refuse(j, RSM_RULE_UPDATE_CLASS,
                     "zone %s: this change is %s (%s); sign it as a change set, which waits for "
                     "its votes",
                     words_name(j->touched, words), body_class_text(j->class), j->class_why);
    j->class = asked;
    j->waits_for_root = false;
}
