/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_freeze.c - a freeze stops what it covers, until it is cleared or its time has come.
 *
 *     scope    covers commands
 *     global   all
 *     zone     that touch the zone: its record sets, itself, plans for it
 *     author   of the principal that is named, or on its behalf
 *     az       of automata that run in the availability zone that is named
 *     kind     of the kinds that are named: "rrset.change", "plan.*"
 *
 * of automata; a freeze of everybody those of people, too. Where an automaton runs stands in its
 * principal: what is judged must be the same at each replica and in each replay, and through which
 * replica a command came is neither in the log nor always the same when it is sent again. Who has
 * no zone counts as running in each: a freeze that stops too much is lifted sooner than one that
 * stops too little is noticed.
 *
 * Commands are judged when their slot is applied, and changes that wait once more when they take
 * effect, so that whatever was in flight is stopped as well.
 *
 * A person with the role "admin" may always set and clear freezes and set policy, principals and
 * roles: else a freeze could not be ended, and a stolen key not be taken away under it. The same
 * person may change the members: a freeze stops what is served from changing, not the repair of the
 * cluster, without which nobody could end it either.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"

static bool is_exempt(const struct judge *j)
{
    const struct actor *a = &j->m->actor;
    if (!a->is_known || !a->is_administrator || a->is_automaton)
        return false;
    switch (j->command->kind) {
    case RSM_KIND_PRINCIPAL_SET:
    case RSM_KIND_PRINCIPAL_DELETE:
    case RSM_KIND_PRINCIPAL_KEY_ADD:
    case RSM_KIND_PRINCIPAL_KEY_REVOKE:
    case RSM_KIND_ROLE_SET:
    case RSM_KIND_ROLE_DELETE:
    case RSM_KIND_POLICY_SET:
    case RSM_KIND_FREEZE_SET:
    case RSM_KIND_FREEZE_CLEAR:
    case RSM_KIND_MEMBER_ADD:
    case RSM_KIND_MEMBER_PROMOTE:
    case RSM_KIND_MEMBER_REMOVE:
    case RSM_KIND_MEMBER_UPDATE:
    case RSM_KIND_CHANGE_VOTE: /* these four never ask: what they end is judged itself */
    case RSM_KIND_CHANGE_APPLY:
    case RSM_KIND_CHANGE_APPROVE:
    case RSM_KIND_CHANGE_CANCEL:
        return true;
    case RSM_KIND_ZONE_CREATE:
    case RSM_KIND_ZONE_DELETE:
    case RSM_KIND_ZONE_SET:
    case RSM_KIND_RRSET_CHANGE:
    case RSM_KIND_RRSET_TAKEOVER:
    case RSM_KIND_RRSET_UPDATE:
    case RSM_KIND_RRSET_OBSERVE:
    case RSM_KIND_LEASE_ACQUIRE:
    case RSM_KIND_LEASE_RENEW:
    case RSM_KIND_LEASE_RELEASE:
    case RSM_KIND_PLAN_PUBLISH:
    case RSM_KIND_PLAN_EXECUTE:
    case RSM_KIND_PLAN_COLLECT:
    case RSM_KIND_CHANGE_REQUEST: /* judged as what it wraps */
        return false;
    }
    return false;
}

static bool covers(const struct judge *j, const struct freeze_record *freeze, struct bytes zone)
{
    if (freeze->until_ms != 0 && j->now_ms >= freeze->until_ms)
        return false;
    const struct actor *a = &j->m->actor;
    if (!a->is_automaton && !freeze->everybody && !MUTANT(FREEZE_OF_PEOPLE))
        return false;
    switch (freeze->scope) {
    case RSM_FREEZE_GLOBAL:
        return true;
    case RSM_FREEZE_AZ:
        return a->is_automaton &&
               (a->az_size == 0 || bytes_equal(freeze->subject, bytes_make(a->az, a->az_size)));
    case RSM_FREEZE_KIND:
        return verb_matches(freeze->subject, rsm_kind_text(j->command->kind));
    case RSM_FREEZE_AUTHOR:
        return bytes_equal(freeze->subject, j->command->author) ||
               (j->behalf.size > 0 && bytes_equal(freeze->subject, j->behalf));
    case RSM_FREEZE_ZONE:
        return zone.size > 0 && bytes_equal(freeze->subject, zone);
    }
    return false;
}

static void refuse(struct judge *j, struct bytes id, const struct freeze_record *freeze)
{
    char until[48] = "until it is cleared", subject[WORDS_SIZE] = "";
    if (freeze->until_ms != 0)
        (void)snprintf(until, sizeof until, "until log time %" PRIu64, freeze->until_ms);
    if (freeze->scope == RSM_FREEZE_ZONE)
        (void)words_name(freeze->subject, subject);
    else
        (void)snprintf(subject, sizeof subject, "%.*s", TEXT_ARGUMENTS(freeze->subject));
    judge_refuse(j, RSM_RULE_FROZEN, "freeze %.*s (%s%s%s, %s) by %.*s, %s: %.*s",
                 TEXT_ARGUMENTS(id), body_freeze_scope_text(freeze->scope),
                 subject[0] != '\0' ? " " : "", subject,
                 freeze->everybody ? "everybody" : "automata", TEXT_ARGUMENTS(freeze->author),
                 until, TEXT_ARGUMENTS(freeze->reason));
}

void rule_freeze(struct judge *j, struct bytes zone)
{
    if (is_exempt(j) || (j->is_settled && MUTANT(FREEZE_SPARES_STAGED)))
        return;
    struct key place = {.size = 0};
    struct bytes id, value;
    while (judge_found(
        j, kv_next(j->kv, TABLE_FREEZE, key_bytes(&place), place.size > 0, &id, &value))) {
        struct freeze_record freeze;
        if (!judge_found(j, freeze_decode(value, &freeze)))
            return;
        if (covers(j, &freeze, zone))
            refuse(j, id, &freeze);
        place.size = id.size;
        memcpy(place.data, id.data, id.size);
    }
}
