/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_principal.c - principals and their roles.
 *
 * Whoever may write principals or roles can give rights away, its own and more: such a grant is an
 * administrator's in all but name. One administrator (a person with the role "admin" and a key)
 * always remains, and the role "admin" itself is never written.
 *
 * Keys: principal.set names all of them, principal.key-add brings one more, principal.key-revoke
 * takes one away for good. Rotation is an add, the new key in use, a revocation. What is signed
 * with a revoked key is refused from the revocation's slot on; the key never comes back, for the
 * same name or another.
 *
 * A key is one principal's at a time (key-taken): whoever holds it would else be two persons who
 * approve, and have two budgets, by one signature. There is no table of keys to look it up in, for
 * such rows would stand in the effects hashes of all logs there are: the principals are walked.
 */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/machine/staged.h"

#define ADMIN bytes_of_string("admin")

static bool has_role(struct bytes roles, struct bytes wanted)
{
    struct bytes role;
    while (role_next(&roles, &role)) {
        if (bytes_equal(role, wanted))
            return true;
    }
    return false;
}

static bool is_administrator(const struct principal_record *p)
{
    return p->kind == RSM_PRINCIPAL_PERSON && p->key_count > 0 && has_role(p->roles, ADMIN);
}

/* Looks at the principals as they are after the change. */
static void check_administrator_remains(struct judge *j)
{
    struct key place = {.size = 0};
    struct bytes name, value;
    while (judge_found(
        j, kv_next(j->kv, TABLE_PRINCIPAL, key_bytes(&place), place.size > 0, &name, &value))) {
        struct principal_record principal;
        if (!judge_found(j, principal_decode(value, &principal)) || is_administrator(&principal))
            return;
        place.size = name.size;
        memcpy(place.data, name.data, name.size);
    }
    judge_refuse(j, RSM_RULE_LAST_ADMINISTRATOR,
                 "no person with the role admin and a key would be left");
}

/* An automaton's roles name their zones. */
static void check_automaton(struct judge *j, struct bytes name, struct bytes role,
                            struct bytes array)
{
    struct writer *grants = &j->m->copy;
    writer_reset(grants);
    grants_append(grants, role, array);
    if (grants_are_boundless(writer_result(grants)))
        judge_refuse(j, RSM_RULE_AUTOMATON_SCOPE,
                     "automaton %.*s: role %.*s has a grant that names no zone, or all verbs",
                     TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(role));
}

static void encode_body(struct judge *j, const struct body_principal *body)
{
    struct writer keys, roles;
    writer_init(&keys, LIMIT_KEYS_PER_PRINCIPAL * RSM_PUBLIC_KEY_SIZE);
    writer_init(&roles, LIMIT_ROLES_PER_PRINCIPAL * (LIMIT_LABEL_SIZE + 4u));
    struct body_walk walk = body->keys;
    struct bytes item;
    while (body_next_octets(&walk, &item))
        writer_bytes(&keys, item);
    walk = body->roles;
    while (body_next_octets(&walk, &item))
        writer_blob(&roles, item);
    struct principal_record principal = {.kind = body->kind,
                                         .person = body->person,
                                         .az = body->az,
                                         .key_count = body->keys.left,
                                         .keys = keys.data,
                                         .role_count = body->roles.left,
                                         .roles = writer_result(&roles)};
    memcpy(principal.budget, body->budget, sizeof principal.budget);
    writer_reset(&j->m->value);
    principal_encode(&j->m->value, &principal);
    writer_deinit(&keys);
    writer_deinit(&roles);
}

static void check_roles(struct judge *j, const struct body_principal *body)
{
    struct body_walk walk = body->roles;
    struct bytes role, array;
    while (body_next_octets(&walk, &role)) {
        if (!judge_found(j, kv_get(j->kv, TABLE_ROLE, role, &array)))
            judge_refuse(j, RSM_RULE_ROLE_UNKNOWN, "there is no role %.*s", TEXT_ARGUMENTS(role));
        else if (body->kind == RSM_PRINCIPAL_AUTOMATON)
            check_automaton(j, body->name, role, array);
    }
}

static void check_revoked(struct judge *j, const uint8_t *key)
{
    char hex[2 * 8 + 1];
    struct bytes of;
    uint64_t slot;
    if (MUTANT(REVOKED_KEY_AGAIN) || !key_is_revoked(j, key, &of, &slot))
        return;
    hex_encode(hex, bytes_make(key, 8));
    judge_refuse(j, RSM_RULE_KEY_REVOKED,
                 "key %s... was %.*s's and was revoked in slot %llu; make a new one", hex,
                 TEXT_ARGUMENTS(of), (unsigned long long)slot);
}

/* Of the keys that the principal `name` shall have, those that the principal `other` has. */
static void check_keys_of(struct judge *j, struct bytes name, const uint8_t *keys, uint32_t count,
                          struct bytes other, const struct principal_record *principal)
{
    char hex[2 * 8 + 1];
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *key = keys + (size_t)i * RSM_PUBLIC_KEY_SIZE;
        if (!principal_has_key(principal, key))
            continue;
        hex_encode(hex, bytes_make(key, 8));
        judge_refuse(j, RSM_RULE_KEY_TAKEN, "principal %.*s: key %s... is %.*s's at slot %llu",
                     TEXT_ARGUMENTS(name), hex, TEXT_ARGUMENTS(other), (unsigned long long)j->slot);
    }
}

/* One walk over the principals, however many keys: a principal has few, a cluster may have many. */
static void check_taken(struct judge *j, struct bytes name, const uint8_t *keys, uint32_t count)
{
    struct key place = {.size = 0};
    struct bytes other, value;
    while (!MUTANT(KEY_OF_TWO) && judge_found(j, kv_next(j->kv, TABLE_PRINCIPAL, key_bytes(&place),
                                                         place.size > 0, &other, &value))) {
        struct principal_record principal;
        if (!judge_found(j, principal_decode(value, &principal)))
            return;
        if (!bytes_equal(other, name))
            check_keys_of(j, name, keys, count, other, &principal);
        place.size = other.size;
        memcpy(place.data, other.data, other.size);
    }
}

/* `keys` are `count` of RSM_PUBLIC_KEY_SIZE octets; the state is the one before the command. */
static void check_keys(struct judge *j, struct bytes name, const uint8_t *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        check_revoked(j, keys + (size_t)i * RSM_PUBLIC_KEY_SIZE);
    check_taken(j, name, keys, count);
}

static void check_body_keys(struct judge *j, const struct body_principal *body)
{
    uint8_t keys[LIMIT_KEYS_PER_PRINCIPAL * RSM_PUBLIC_KEY_SIZE];
    struct body_walk walk = body->keys;
    struct bytes key;
    uint32_t count = 0;
    CHECK(walk.left <= LIMIT_KEYS_PER_PRINCIPAL);
    while (body_next_octets(&walk, &key))
        memcpy(keys + (size_t)count++ * RSM_PUBLIC_KEY_SIZE, key.data, RSM_PUBLIC_KEY_SIZE);
    check_keys(j, body->name, keys, count);
}

static void begin(struct judge *j)
{
    rule_rights_general(j);
    rule_freeze(j, (struct bytes){NULL, 0});
}

void kind_principal_set(struct judge *j)
{
    struct body_principal body;
    enum rsm_status status = body_principal_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    begin(j);
    rule_causal_object(j, OBJECT_PRINCIPAL, body.name, NULL);
    if (is_reserved_author(body.name))
        judge_refuse(j, RSM_RULE_NAME_RESERVED,
                     "names that begin with " REPLICA_AUTHOR ", " EFFECT_AUTHOR " and " PLAN_OWNER
                     " are the cluster's own; choose another than %.*s",
                     TEXT_ARGUMENTS(body.name));
    check_roles(j, &body);
    check_body_keys(j, &body);
    if (body.kind == RSM_PRINCIPAL_AUTOMATON)
        rule_budget_of_automaton(j, body.name, body.budget);
    if (body.kind == RSM_PRINCIPAL_PERSON && body.person.size == 0)
        judge_refuse(j, RSM_RULE_QUOTA, "principal %.*s: of kind person, but names no person",
                     TEXT_ARGUMENTS(body.name));
    struct bytes before;
    bool is_there = judge_found(j, kv_get(j->kv, TABLE_PRINCIPAL, body.name, &before));
    encode_body(j, &body);
    if (is_there && bytes_equal(before, writer_result(&j->m->value)))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "principal %.*s is so already",
                     TEXT_ARGUMENTS(body.name));
    judge_put_writer(j, TABLE_PRINCIPAL, body.name, &j->m->value);
    check_administrator_remains(j);
    rule_root_holders(j);
    object_write(j, OBJECT_PRINCIPAL, body.name);
}

void kind_principal_delete(struct judge *j)
{
    struct body_principal body;
    enum rsm_status status = body_principal_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    begin(j);
    rule_causal_object(j, OBJECT_PRINCIPAL, body.name, NULL);
    struct principal_record principal;
    if (!judge_found(j, principal_load(j->kv, body.name, &principal))) {
        judge_refuse(j, RSM_RULE_PRINCIPAL_UNKNOWN, "there is no principal %.*s",
                     TEXT_ARGUMENTS(body.name));
        return;
    }
    judge_del(j, TABLE_PRINCIPAL, body.name);
    check_administrator_remains(j);
    rule_root_holders(j);
    object_write(j, OBJECT_PRINCIPAL, body.name);
}

/* ---- keys ---- */

/* The principal's keys, with `key` behind them or without it. False: it had it, or had it not. */
static bool write_keys(struct judge *j, struct bytes name, struct principal_record *principal,
                       const uint8_t *key, bool is_add)
{
    uint8_t keys[LIMIT_KEYS_PER_PRINCIPAL * RSM_PUBLIC_KEY_SIZE];
    uint32_t count = 0;
    bool is_there = false;
    for (uint32_t i = 0; i < principal->key_count; i++) {
        const uint8_t *each = principal->keys + (size_t)i * RSM_PUBLIC_KEY_SIZE;
        bool is_same = memcmp(each, key, RSM_PUBLIC_KEY_SIZE) == 0;
        is_there |= is_same;
        if (!is_same || is_add)
            memcpy(keys + (size_t)count++ * RSM_PUBLIC_KEY_SIZE, each, RSM_PUBLIC_KEY_SIZE);
    }
    if (is_there == is_add)
        return false;
    if (is_add && count == LIMIT_KEYS_PER_PRINCIPAL) {
        judge_refuse(j, RSM_RULE_QUOTA, "principal %.*s has %u keys, that is all; revoke one first",
                     TEXT_ARGUMENTS(name), count);
        return true;
    }
    if (is_add)
        memcpy(keys + (size_t)count++ * RSM_PUBLIC_KEY_SIZE, key, RSM_PUBLIC_KEY_SIZE);
    principal->keys = keys;
    principal->key_count = count;
    writer_reset(&j->m->value);
    principal_encode(&j->m->value, principal);
    judge_put_writer(j, TABLE_PRINCIPAL, name, &j->m->value);
    return true;
}

static void revoke(struct judge *j, const struct body_principal_key *body)
{
    writer_reset(&j->m->value);
    writer_blob(&j->m->value, body->name);
    writer_u64(&j->m->value, j->slot);
    judge_put_writer(j, TABLE_REVOKED, bytes_make(body->key, RSM_PUBLIC_KEY_SIZE), &j->m->value);
    check_administrator_remains(j);
    rule_root_holders(j);
}

void kind_principal_key(struct judge *j)
{
    struct body_principal_key body;
    bool is_add = j->command->kind == RSM_KIND_PRINCIPAL_KEY_ADD;
    enum rsm_status status = body_principal_key_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    begin(j);
    rule_causal_object(j, OBJECT_PRINCIPAL, body.name, NULL);
    if (is_add)
        check_keys(j, body.name, body.key, 1);
    struct principal_record principal;
    if (!judge_found(j, principal_load(j->kv, body.name, &principal))) {
        judge_refuse(j, RSM_RULE_PRINCIPAL_UNKNOWN, "there is no principal %.*s",
                     TEXT_ARGUMENTS(body.name));
        return;
    }
    if (!write_keys(j, body.name, &principal, body.key, is_add))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "principal %.*s has the key %s",
                     TEXT_ARGUMENTS(body.name), is_add ? "already" : "not");
    if (!is_add)
        revoke(j, &body);
    object_write(j, OBJECT_PRINCIPAL, body.name);
}

/* ---- roles ---- */

static void check_not_admin(struct judge *j, struct bytes role)
{
    if (bytes_equal(role, ADMIN) || bytes_equal(role, bytes_of_string("root")))
        judge_refuse(j, RSM_RULE_LAST_ADMINISTRATOR, "the role %.*s stays as it is",
                     TEXT_ARGUMENTS(role));
}

void kind_role_set(struct judge *j)
{
    struct body_role body;
    enum rsm_status status = body_role_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    begin(j);
    rule_causal_object(j, OBJECT_ROLE, body.name, NULL);
    check_not_admin(j, body.name);
    struct bytes array = bytes_make(body.grants.cursor.data, body.grants.cursor.size);
    struct bytes before;
    if (judge_found(j, kv_get(j->kv, TABLE_ROLE, body.name, &before)) && bytes_equal(before, array))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "role %.*s is so already", TEXT_ARGUMENTS(body.name));
    judge_put(j, TABLE_ROLE, body.name, array);
    object_write(j, OBJECT_ROLE, body.name);
}

void kind_role_delete(struct judge *j)
{
    struct body_role body;
    enum rsm_status status = body_role_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    begin(j);
    rule_causal_object(j, OBJECT_ROLE, body.name, NULL);
    check_not_admin(j, body.name);
    struct bytes before;
    if (!judge_found(j, kv_get(j->kv, TABLE_ROLE, body.name, &before)))
        judge_refuse(j, RSM_RULE_ROLE_UNKNOWN, "there is no role %.*s", TEXT_ARGUMENTS(body.name));
    judge_del(j, TABLE_ROLE, body.name);
    object_write(j, OBJECT_ROLE, body.name);
}
