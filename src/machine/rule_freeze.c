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
#include "src/command/verb.h"
#include "src/machine/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"

#define MINUTE_MS UINT64_C(60000)

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
    case RSM_KIND_FACTOR_ENROLL:
    case RSM_KIND_FACTOR_REVOKE:
    case RSM_KIND_OVERRIDE_STEP: /* these two never ask: they go on under freezes */
    case RSM_KIND_OVERRIDE_RECORD:
    case RSM_KIND_CLUSTER_RECOVER: /* brings its own freeze */
    case RSM_KIND_FREEZE_SET:
    case RSM_KIND_FREEZE_CLEAR:
    case RSM_KIND_FREEZE_RESUME:
    case RSM_KIND_MEMBER_ADD:
    case RSM_KIND_MEMBER_PROMOTE:
    case RSM_KIND_MEMBER_REMOVE:
    case RSM_KIND_MEMBER_UPDATE:
    case RSM_KIND_FREEZE_TRIP: /* these five never ask: what they end is judged itself */
    case RSM_KIND_CHANGE_VOTE:
    case RSM_KIND_CHANGE_APPLY:
    case RSM_KIND_CHANGE_APPROVE:
    case RSM_KIND_CHANGE_CANCEL:
        return true;
    case RSM_KIND_ZONE_CREATE:
    case RSM_KIND_ZONE_DELETE:
    case RSM_KIND_ZONE_SET:
    case RSM_KIND_ZONE_LABEL:
    case RSM_KIND_SERVICE_SET:
    case RSM_KIND_SERVICE_DELETE:
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
        return false; /* one that is on its way back has no end of its own */
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

static struct bytes az_of(const struct judge *j)
{
    return bytes_make(j->m->actor.az, j->m->actor.az_size);
}

/* One more command of those that come back; refused when the minute has had its number. */
static void count(struct judge *j, struct bytes id, const struct key *key, struct resume_item *item)
{
    uint64_t most = resume_rate(item, j->policy.resume_commands, j->now_ms);
    uint64_t minute = (j->now_ms - item->begin_ms) / MINUTE_MS;
    if (item->slot == j->slot && item->index == j->index)
        return; /* asked about a second thing: it is one command */
    if (item->minute != minute)
        item->commands = 0;
    if (item->commands >= most) {
        judge_refuse(j, RSM_RULE_RESUME_RATE,
                     "freeze %.*s: automata of %s%.*s come back since log time %" PRIu64
                     ", %" PRIu64 " commands this minute are all; wait %" PRIu64
                     " ms, until log time %" PRIu64,
                     TEXT_ARGUMENTS(id), j->m->actor.az_size > 0 ? "" : "no availability zone",
                     TEXT_ARGUMENTS(az_of(j)), item->begin_ms, most,
                     item->begin_ms + (minute + 1) * MINUTE_MS - j->now_ms,
                     item->begin_ms + (minute + 1) * MINUTE_MS);
        return;
    }
    item->minute = minute;
    item->commands++;
    item->slot = j->slot;
    item->index = j->index;
    writer_reset(&j->m->value);
    resume_encode(&j->m->value, item);
    judge_put_writer(j, TABLE_RESUME, key_bytes(key), &j->m->value);
}

/* How far the author has come back from a freeze that covers the command. */
static enum resume_state state_of(struct judge *j, struct bytes id,
                                  const struct freeze_record *freeze, struct key *key,
                                  struct resume_item *item)
{
    if (freeze->resumed_ms == 0 || !j->m->actor.is_automaton ||
        !judge_found(j, resume_find(j->kv, id, az_of(j), key, item)))
        return RESUME_FROZEN;
    return resume_state_at(item, j->now_ms);
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

/* A freeze that covers the command. What is refused is said before anything else is read. */
static void stop(struct judge *j, struct bytes id, struct bytes value)
{
    struct freeze_record freeze;
    struct resume_item item;
    struct key key;
    writer_reset(&j->m->value);
    writer_bytes(&j->m->value, value);
    if (!judge_found(j, freeze_decode(writer_result(&j->m->value), &freeze)))
        return;
    switch (state_of(j, id, &freeze, &key, &item)) {
    case RESUME_FROZEN:
        refuse(j, id, &freeze);
        return;
    case RESUME_WATCHED:
        j->is_watched = true;
        count(j, id, &key, &item);
        return;
    case RESUME_BACK:
        return;
    }
}

void rule_freeze(struct judge *j, struct bytes zone)
{
    if (is_exempt(j) || (j->is_settled && MUTANT(FREEZE_SPARES_STAGED)))
        return;
    struct key place = {.size = 0};
    struct bytes id, value;
    if (!judge_found(j, memo_has_rows(j->m->memo, j->kv, TABLE_FREEZE)))
        return;
    while (judge_found(
        j, kv_next(j->kv, TABLE_FREEZE, key_bytes(&place), place.size > 0, &id, &value))) {
        struct freeze_record freeze;
        if (!judge_found(j, freeze_decode(value, &freeze)))
            return;
        if (id.size > sizeof place.data) {
            j->fault = RSM_DAMAGED;
            return;
        }
        place.size = id.size;
        memcpy(place.data, id.data, id.size);
        if (covers(j, &freeze, zone))
            stop(j, key_bytes(&place), value);
    }
}
