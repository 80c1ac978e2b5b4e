/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_rights.c - who may do what. Nothing is allowed that no role of the author grants.
 *
 * A grant is a verb pattern ("rrset.change", "rrset.*", "*"), and optionally a zone, a pattern of
 * owners (pattern.c) and a list of types. A command on record sets needs for each of them a grant
 * that takes in zone, owner and type; a command on a zone as a whole needs one that is not narrowed
 * to a part of it; a command on something outside all zones looks at the verb only.
 *
 * An automaton acts alone and fast, so a grant lets it into a zone only if it names that zone, and
 * no grant of all verbs lets it do anything (automaton-scope), whatever role it was found in.
 *
 * A grant may say the highest class of what is done by it ("standard", "critical"): for each record
 * set the grant counts that allows most, of all record sets the one that is allowed least
 * (class-granted). What class the command has is known behind all other rules.
 *
 * A key is good from the slot of its command on, and nobody's from the slot of its revocation on,
 * which a command in flight does not escape: it is judged when it is applied.
 */
#include "src/machine/judge.h"

#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/body_change.h"
#include "src/command/verb.h"
#include "src/machine/pattern.h"
#include "src/machine/staged.h"

void grants_append(struct writer *out, struct bytes role, struct bytes array)
{
    struct body_walk walk = {.cursor = unpack_make(array)};
    walk.left = unpack_array(&walk.cursor);
    struct body_grant grant;
    while (body_next_grant(&walk, &grant)) {
        writer_blob(out, role);
        writer_blob(out, grant.verb);
        writer_blob(out, grant.zone);
        writer_blob(out, grant.suffix);
        writer_u32(out, 2 * grant.types.left);
        uint16_t type;
        while (body_next_type(&grant.types, &type))
            writer_u16(out, type);
        writer_u8(out, (uint8_t)grant.class_most);
    }
}

static bool next_grant(struct reader *r, struct grant *out)
{
    if (reader_left(r) == 0)
        return false;
    out->role = reader_blob(r, LIMIT_LABEL_SIZE);
    out->verb = reader_blob(r, LIMIT_LABEL_SIZE);
    out->zone = reader_blob(r, LIMIT_NAME_SIZE);
    out->suffix = reader_blob(r, LIMIT_NAME_SIZE);
    out->types = reader_blob(r, 2 * LIMIT_TYPES_PER_GRANT);
    out->class_most = (enum rsm_class)reader_u8(r);
    return !r->failed;
}

bool principal_has_key(const struct principal_record *p, const uint8_t *key)
{
    for (uint32_t i = 0; i < p->key_count; i++) {
        if (memcmp(p->keys + (size_t)i * RSM_PUBLIC_KEY_SIZE, key, RSM_PUBLIC_KEY_SIZE) == 0)
            return true;
    }
    return false;
}

bool key_is_revoked(struct judge *j, const uint8_t *key, struct bytes *of_out, uint64_t *slot_out)
{
    struct bytes value;
    if (!judge_found(j, kv_get(j->kv, TABLE_REVOKED, bytes_make(key, RSM_PUBLIC_KEY_SIZE), &value)))
        return false;
    struct reader r = reader_make(value);
    *of_out = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
    *slot_out = reader_u64(&r);
    if (!reader_done(&r))
        j->fault = RSM_DAMAGED;
    return j->fault == RSM_OK;
}

static bool report_revoked(struct judge *j)
{
    char hex[2 * 8 + 1];
    struct bytes of;
    uint64_t slot;
    if (!key_is_revoked(j, j->key, &of, &slot))
        return false;
    hex_encode(hex, bytes_make(j->key, 8));
    judge_refuse(j, RSM_RULE_KEY_REVOKED,
                 "key %s... of %.*s was revoked in slot %llu, this is slot %llu; sign with another",
                 hex, TEXT_ARGUMENTS(of), (unsigned long long)slot, (unsigned long long)j->slot);
    return true;
}

static void clear_actor(struct actor *a)
{
    a->is_known = a->is_automaton = a->is_person = a->is_gateway = a->is_administrator =
        a->is_root = false;
    a->az_size = 0;
    a->class_most = RSM_CLASS_EMERGENCY;
    a->class_words[0] = '\0';
    memset(a->budget, 0, sizeof a->budget);
    a->grants = (struct bytes){NULL, 0};
}

static void take_principal(struct actor *a, const struct memo_principal *all)
{
    const struct principal_record *principal = &all->row;
    a->is_known = true;
    a->is_administrator = all->is_administrator;
    a->is_root = all->is_root;
    a->grants = all->grants;
    memcpy(a->budget, principal->budget, sizeof a->budget);
    a->is_person = principal->kind == RSM_PRINCIPAL_PERSON;
    a->is_automaton = principal->kind == RSM_PRINCIPAL_AUTOMATON;
    a->is_gateway = principal->kind == RSM_PRINCIPAL_GATEWAY;
    a->az_size = principal->az.size;
    if (principal->az.size > 0)
        memcpy(a->az, principal->az.data, principal->az.size);
}

/* A replica's key is the one it is a member with, as long as it is one. No role is its. */
static bool is_replica(struct judge *j)
{
    struct member_config config = {.count = 0};
    uint32_t id = replica_of_author(j->command->author);
    (void)judge_found(j, machine_members_at(j->kv, NULL, j->slot, &config));
    const struct member *m = member_config_find(&config, id);
    if (m != NULL && memcmp(m->key, j->key, sizeof m->key) == 0)
        return true;
    judge_refuse(j, RSM_RULE_KEY_INVALID,
                 "replica %u is no member with that key in configuration %llu", id,
                 (unsigned long long)config.version);
    return false;
}

void rule_rights_begin(struct judge *j)
{
    struct actor *a = &j->m->actor;
    struct memo_principal principal;
    clear_actor(a);
    if (replica_of_author(j->command->author) != 0) {
        a->is_known = is_replica(j);
        return;
    }
    if (!judge_found(j, memo_principal(j->m->memo, j->kv, j->command->author, &principal))) {
        judge_refuse(j, RSM_RULE_KEY_INVALID, "there is no principal %.*s",
                     TEXT_ARGUMENTS(j->command->author));
        return;
    }
    take_principal(a, &principal);
    if (!principal_has_key(&principal.row, j->key) && !report_revoked(j)) {
        char hex[2 * 8 + 1];
        hex_encode(hex, bytes_make(j->key, 8));
        judge_refuse(j, RSM_RULE_KEY_INVALID, "key %s... is not one of %.*s at slot %llu", hex,
                     TEXT_ARGUMENTS(j->command->author), (unsigned long long)j->slot);
    }
}

void rule_rights_behalf(struct judge *j, struct bytes name)
{
    struct actor *a = &j->m->actor;
    struct memo_principal principal;
    if (!a->is_known)
        return;
    if (!a->is_gateway)
        judge_refuse(j, RSM_RULE_RIGHTS, "%.*s is no gateway, and speaks for nobody but itself",
                     TEXT_ARGUMENTS(j->command->author));
    clear_actor(a);
    j->behalf = name;
    if (!judge_found(j, memo_principal(j->m->memo, j->kv, name, &principal))) {
        judge_refuse(j, RSM_RULE_PRINCIPAL_UNKNOWN, "there is no principal %.*s",
                     TEXT_ARGUMENTS(name));
        return;
    }
    if (principal.row.kind != RSM_PRINCIPAL_AUTOMATON)
        judge_refuse(j, RSM_RULE_RIGHTS,
                     "%.*s is no automaton: a gateway speaks for automata, others sign themselves",
                     TEXT_ARGUMENTS(name));
    take_principal(a, &principal);
}

/* Of type BODY_TYPE_ANY: some type at that owner. What is asked for; owner empty: the zone as a
 * whole, zone empty too: nothing in a zone. */
struct wish {
    const char *verb;
    struct bytes zone, owner;
    uint16_t type;
};

static bool types_have(struct bytes types, uint16_t type)
{
    for (size_t i = 0; i + 2 <= types.size; i += 2) {
        if (get_u16(types.data + i) == type)
            return true;
    }
    return types.size == 0;
}

static bool grant_matches(const struct grant *g, const struct wish *wish)
{
    if (!verb_matches(g->verb, wish->verb))
        return false;
    if (wish->zone.size == 0)
        return true;
    if (g->zone.size > 0 && !bytes_equal(g->zone, wish->zone))
        return false;
    if (wish->owner.size == 0)
        return g->suffix.size == 0 && g->types.size == 0;
    return (g->suffix.size == 0 || pattern_covers(g->suffix, wish->owner)) &&
           (wish->type == BODY_TYPE_ANY || types_have(g->types, wish->type));
}

static bool is_any_verb(struct bytes verb)
{
    return bytes_equal(verb, bytes_of_string("*")) && !MUTANT(AUTOMATON_ANY_VERB);
}

bool principal_has_role(const struct principal_record *p, struct bytes role)
{
    struct bytes roles = p->roles, own;
    while (role_next(&roles, &own))
        if (bytes_equal(own, role))
            return true;
    return false;
}

bool principal_may(struct judge *j, const struct principal_record *p, const char *verb)
{
    struct bytes roles = p->roles, role, array;
    while (role_next(&roles, &role)) {
        if (!judge_found(j, kv_get(j->kv, TABLE_ROLE, role, &array)))
            continue;
        struct body_walk walk = {.cursor = unpack_make(array)};
        struct body_grant grant;
        walk.left = unpack_array(&walk.cursor);
        while (body_next_grant(&walk, &grant))
            if (verb_matches(grant.verb, verb))
                return true;
    }
    return false;
}

enum allowance { ALLOWED = 1, DENIED, NEEDS_SCOPE };

static enum rsm_class class_of_grant(const struct grant *g)
{
    return g->class_most == 0 || MUTANT(GRANT_OF_EVERY_CLASS) ? RSM_CLASS_EMERGENCY : g->class_most;
}

/* ALLOWED: *best_out is of those that allow it the one for the highest class. */
static enum allowance ask(const struct judge *j, const struct wish *wish, struct grant *best_out)
{
    const struct actor *a = &j->m->actor;
    enum allowance answer = DENIED;
    struct reader r = reader_make(a->grants);
    struct grant grant;
    while (next_grant(&r, &grant)) {
        if (!grant_matches(&grant, wish))
            continue;
        bool is_bounded = (wish->zone.size == 0 || grant.zone.size > 0) && !is_any_verb(grant.verb);
        if (a->is_automaton && !is_bounded) {
            answer = answer == ALLOWED ? ALLOWED : NEEDS_SCOPE;
        } else if (answer != ALLOWED || class_of_grant(&grant) > class_of_grant(best_out)) {
            answer = ALLOWED;
            *best_out = grant;
        }
        if (answer == ALLOWED && class_of_grant(best_out) == RSM_CLASS_EMERGENCY)
            break;
    }
    return answer;
}

/* "" for the command as such. */
static void words_wish(const struct wish *wish, char out[WORDS_SIZE])
{
    out[0] = '\0';
    if (wish->owner.size > 0)
        (void)words_rrset(wish->owner, wish->type, out);
    else if (wish->zone.size > 0)
        (void)words_object(OBJECT_ZONE, wish->zone, out);
}

/* As the command line has it: VERB,ZONE,PATTERN,class=... */
static void words_grant(const struct grant *g, char out[GRANT_WORDS_SIZE])
{
    char zone[WORDS_SIZE] = "", pattern[WORDS_SIZE] = "";
    if (g->zone.size > 0)
        (void)words_name(g->zone, zone);
    if (g->suffix.size > 0)
        (void)words_name(g->suffix, pattern);
    (void)snprintf(out, GRANT_WORDS_SIZE, "%.*s,%.160s,%.160s%s,class=%s of role %.*s",
                   TEXT_ARGUMENTS(g->verb), zone, pattern, g->types.size > 0 ? ",(types)" : "",
                   body_class_text(g->class_most), TEXT_ARGUMENTS(g->role));
}

/* It is let in, up to a class. */
static void note_class(struct judge *j, const struct wish *wish, const struct grant *g)
{
    struct actor *a = &j->m->actor;
    char on[WORDS_SIZE], grant[GRANT_WORDS_SIZE];
    if (class_of_grant(g) >= a->class_most)
        return;
    a->class_most = class_of_grant(g);
    words_wish(wish, on);
    words_grant(g, grant);
    (void)snprintf(a->class_words, sizeof a->class_words, "%s%s%.200s by the grant %.400s",
                   wish->verb, on[0] != '\0' ? " on " : "", on, grant);
}

void rule_rights_class(struct judge *j)
{
    const struct actor *a = &j->m->actor;
    if (j->class <= a->class_most)
        return;
    judge_refuse(j, RSM_RULE_CLASS_GRANTED,
                 "%.*s may do %s, and this change is %s (%s); let somebody sign it who may, or "
                 "split off what makes it %s",
                 TEXT_ARGUMENTS(judge_subject(j)), a->class_words, body_class_text(j->class),
                 j->class_why, body_class_text(j->class));
}

static void require(struct judge *j, const struct wish *wish)
{
    if (!j->m->actor.is_known)
        return; /* key-invalid says it */
    struct grant best = {.class_most = 0};
    enum allowance answer = ask(j, wish, &best);
    if (answer == ALLOWED) {
        note_class(j, wish, &best);
        return;
    }
    char on[WORDS_SIZE];
    words_wish(wish, on);
    if (answer == NEEDS_SCOPE)
        judge_refuse(
            j, RSM_RULE_AUTOMATON_SCOPE,
            "automaton %.*s: %s%s%s is granted, but not by a grant that names the zone and "
            "its verbs; give its role one",
            TEXT_ARGUMENTS(judge_subject(j)), wish->verb, on[0] != '\0' ? " on " : "", on);
    else
        judge_refuse(j, RSM_RULE_RIGHTS, "no role of %.*s grants %s%s%s",
                     TEXT_ARGUMENTS(judge_subject(j)), wish->verb, on[0] != '\0' ? " on " : "", on);
}

void rule_rights_general(struct judge *j)
{
    struct wish wish = {.verb = rsm_kind_text(j->command->kind)};
    require(j, &wish);
}

void rule_rights_zone(struct judge *j, struct bytes zone)
{
    struct wish wish = {.verb = rsm_kind_text(j->command->kind), .zone = zone};
    require(j, &wish);
}

void rule_rights_rrset(struct judge *j, struct bytes zone, struct bytes owner, uint16_t type)
{
    struct wish wish = {
        .verb = rsm_kind_text(j->command->kind), .zone = zone, .owner = owner, .type = type};
    require(j, &wish);
}

void rule_rights_changes(struct judge *j, struct bytes zone)
{
    struct wish whole = {.verb = rsm_kind_text(j->command->kind), .zone = zone};
    struct grant best = {.class_most = 0};
    if (ask(j, &whole, &best) == ALLOWED && class_of_grant(&best) == RSM_CLASS_EMERGENCY)
        return;
    const struct changes *changes = &j->m->changes;
    for (size_t i = 0; i < changes->count; i++)
        rule_rights_rrset(j, zone, changes->items[i].owner, changes->items[i].type);
    if (changes->count == 0)
        require(j, &whole);
}

bool grants_are_boundless(struct bytes grants)
{
    static const char *const verbs[] = {"zone.create",  "zone.delete",  "zone.set",
                                        "rrset.change", "rrset.update", "plan.publish",
                                        "plan.execute", "plan.collect"};
    struct reader r = reader_make(grants);
    struct grant grant;
    while (next_grant(&r, &grant)) {
        if (is_any_verb(grant.verb))
            return true;
        for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
            if (grant.zone.size == 0 && verb_matches(grant.verb, verbs[i]))
                return true;
        }
    }
    return false;
}
