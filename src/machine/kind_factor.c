/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_factor.c - enrolling and revoking second factors. That is an administrator's business: who
 * has stolen a key must not be able to enrol a factor of his own beside it.
 */
#include "src/machine/judge.h"

#include <inttypes.h>

#include "src/base/check.h"
#include "src/machine/factor.h"

static struct body_enroll decode(const struct judge *j)
{
    struct body_enroll body;
    enum rsm_status status = body_enroll_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    return body;
}

static bool begin(struct judge *j, const struct body_enroll *body, struct principal_record *out)
{
    rule_rights_general(j);
    rule_freeze(j, (struct bytes){NULL, 0});
    rule_causal_object(j, OBJECT_PRINCIPAL, body->principal, NULL);
    if (judge_found(j, principal_load(j->kv, body->principal, out)))
        return true;
    judge_refuse(j, RSM_RULE_PRINCIPAL_UNKNOWN, "there is no principal %.*s",
                 TEXT_ARGUMENTS(body->principal));
    return false;
}

/* One token for two persons would be one person with two names. */
static void check_public_half(struct judge *j, const struct body_enroll *body,
                              const struct principal_record *principal)
{
    struct bytes value;
    if (body->public_half.size == 0)
        return;
    if (judge_found(j, kv_get(j->kv, TABLE_FACTOR_KEY, body->public_half, &value))) {
        struct reader r = reader_make(value);
        struct bytes of = reader_blob(&r, LIMIT_PRINCIPAL_SIZE);
        judge_refuse(j, RSM_RULE_FACTOR_USED, "this second factor was enrolled for %.*s before",
                     TEXT_ARGUMENTS(of));
    }
    if (body->public_half.size == RSM_PUBLIC_KEY_SIZE &&
        principal_has_key(principal, body->public_half.data))
        judge_refuse(j, RSM_RULE_FACTOR_USED,
                     "this is the key that %.*s signs commands with: no second factor",
                     TEXT_ARGUMENTS(body->principal));
}

static void put(struct judge *j, const struct body_enroll *body, const struct factor_record *f)
{
    struct key key;
    key_factor(&key, body->principal, body->id);
    writer_reset(&j->m->value);
    factor_encode(&j->m->value, f);
    judge_put_writer(j, TABLE_FACTOR, key_bytes(&key), &j->m->value);
    object_write(j, OBJECT_PRINCIPAL, body->principal);
}

void kind_factor_enroll(struct judge *j)
{
    struct body_enroll body = decode(j);
    struct principal_record principal;
    struct factor_record before;
    if (!begin(j, &body, &principal))
        return;
    if (principal.kind != RSM_PRINCIPAL_PERSON)
        judge_refuse(j, RSM_RULE_APPROVER, "%.*s is no person; only persons approve",
                     TEXT_ARGUMENTS(body.principal));
    if (judge_found(j, factor_load(j->kv, body.principal, body.id, &before)))
        judge_refuse(j, RSM_RULE_NO_CHANGE,
                     "%.*s had a second factor %.*s since slot %" PRIu64 "; take another name",
                     TEXT_ARGUMENTS(body.principal), TEXT_ARGUMENTS(body.id), before.enrolled_slot);
    check_public_half(j, &body, &principal);
    struct factor_record factor = {.method = body.method,
                                   .enrolled_slot = j->slot,
                                   .public_half = body.public_half,
                                   .relying_party = body.relying_party};
    if (body.public_half.size > 0) {
        writer_reset(&j->m->value);
        writer_blob(&j->m->value, body.principal);
        writer_blob(&j->m->value, body.id);
        judge_put_writer(j, TABLE_FACTOR_KEY, body.public_half, &j->m->value);
    }
    put(j, &body, &factor);
}

void kind_factor_revoke(struct judge *j)
{
    struct body_enroll body = decode(j);
    struct principal_record principal;
    struct factor_record factor;
    if (!begin(j, &body, &principal))
        return;
    if (!judge_found(j, factor_load(j->kv, body.principal, body.id, &factor)) ||
        factor.revoked_slot != 0) {
        judge_refuse(j, RSM_RULE_FACTOR_UNKNOWN, "%.*s has no second factor %.*s",
                     TEXT_ARGUMENTS(body.principal), TEXT_ARGUMENTS(body.id));
        return;
    }
    factor.revoked_slot = j->slot;
    put(j, &body, &factor);
}
