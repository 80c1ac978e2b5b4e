/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_owner.c - whose a record set is, and the command that says so anew.
 *
 * Who makes a record set owns it: the author, or, when a plan's content brought it, the plan
 * ("plan:NAME"). It stays the owner's whoever writes it later, until it is deleted or taken over.
 * Policy `ownership`: 0 nobody asks, 1 (unless said) an automaton neither alters nor deletes what
 * is another's, 2 nobody does. A plan's enactor acts for the plan. A zone that an automaton deletes
 * must be its own in all its record sets.
 *
 * rrset.takeover is for persons: automata that could take over would fight for ownership as they
 * did for content. It names the owner there was: who takes over has looked.
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/machine/staged.h"

struct bytes owner_of_change(struct bytes author, struct bytes plan,
                             uint8_t buffer[LIMIT_OWNER_SIZE])
{
    if (plan.size == 0)
        return author;
    struct bytes prefix = bytes_of_string(PLAN_OWNER);
    CHECK(plan.size + prefix.size <= LIMIT_OWNER_SIZE);
    memcpy(buffer, prefix.data, prefix.size);
    memcpy(buffer + prefix.size, plan.data, plan.size);
    return bytes_make(buffer, plan.size + prefix.size);
}

static bool is_asked(const struct judge *j)
{
    if (MUTANT(NO_OWNER))
        return false;
    return j->policy.ownership >= 2 || (j->policy.ownership == 1 && j->m->actor.is_automaton);
}

void rule_owner(struct judge *j, const struct rrset_record *old, struct bytes subject,
                struct bytes owner, uint16_t type)
{
    if (old->deleted || old->holder.size == 0 || bytes_equal(old->holder, subject) || !is_asked(j))
        return;
    char words[WORDS_SIZE];
    judge_refuse(j, RSM_RULE_OWNER,
                 "%s is owned by %.*s and was last written in slot %" PRIu64
                 ", this is by %.*s; leave it, or a person takes it over (rrset.takeover)",
                 words_rrset(owner, type, words), TEXT_ARGUMENTS(old->holder), old->version.slot,
                 TEXT_ARGUMENTS(subject));
}

void rule_owner_of_key(struct judge *j, const struct rrset_record *old, struct bytes rrset_key)
{
    struct rrset_key parts;
    uint8_t buffer[LIMIT_NAME_SIZE];
    if (!is_asked(j))
        return;
    if (key_parse_rrset(rrset_key, buffer, &parts))
        rule_owner(j, old, j->command->author, parts.owner, parts.type);
    else
        j->fault = RSM_DAMAGED;
}

/* ---- takeover ---- */

static void check_new_owner(struct judge *j, struct bytes holder)
{
    struct principal_record principal;
    struct plan_record plan;
    struct bytes prefix = bytes_of_string(PLAN_OWNER);
    if (key_begins_with(holder, prefix) && holder.size > prefix.size) {
        struct bytes name = bytes_make(holder.data + prefix.size, holder.size - prefix.size);
        if (!judge_found(j, plan_load(j->kv, name, &plan)))
            judge_refuse(j, RSM_RULE_PLAN_UNKNOWN, "there is no plan %.*s", TEXT_ARGUMENTS(name));
    } else if (!judge_found(j, principal_load(j->kv, holder, &principal))) {
        judge_refuse(j, RSM_RULE_PRINCIPAL_UNKNOWN, "there is no principal %.*s",
                     TEXT_ARGUMENTS(holder));
    }
}

/* The same record set with another holder; content, plan and token stay, and so does the serial. */
static void write_holder(struct judge *j, struct bytes rrset_key, const struct rrset_record *old,
                         struct bytes holder)
{
    struct rrset_record record = *old;
    struct writer *value = &j->m->value;
    record.holder = holder;
    record.version = judge_version(j);
    record.reason = j->command->reason;
    writer_reset(value);
    rrset_encode(value, &record);
    writer_bytes(value, old->rdatas);
    judge_put_writer(j, TABLE_RRSET, rrset_key, value);
    struct key key = {.size = rrset_key.size};
    memcpy(key.data, rrset_key.data, rrset_key.size);
    key_add_version(&key, j->slot, j->index);
    judge_put_writer(j, TABLE_RRSET_VERSION, key_bytes(&key), value);
}

static void take_over(struct judge *j, const struct body_takeover *body,
                      const struct zone_record *row, const struct body_rrset_id *id)
{
    char words[WORDS_SIZE];
    struct key key;
    struct bytes value;
    struct rrset_record old;
    (void)words_rrset(id->owner, id->type, words);
    rule_rights_rrset(j, body->zone, id->owner, id->type);
    if (!name_is_at_or_below(id->owner, body->zone) ||
        !key_rrset(&key, row->id, id->owner, id->type)) {
        judge_refuse(j, RSM_RULE_OUT_OF_ZONE, "%s is not in the zone", words);
        return;
    }
    if (!judge_found(j, kv_get(j->kv, TABLE_RRSET, key_bytes(&key), &value)) ||
        !judge_found(j, rrset_decode(value, &old)) || old.deleted) {
        judge_refuse(j, RSM_RULE_RRSET_UNKNOWN, "%s is not there", words);
        return;
    }
    rule_causal_rrset(j, &old.version, id->owner, id->type);
    if (!bytes_equal(old.holder, body->from))
        judge_refuse(j, RSM_RULE_OWNER, "%s is owned by %.*s, not by %.*s; look again", words,
                     TEXT_ARGUMENTS(old.holder), TEXT_ARGUMENTS(body->from));
    if (bytes_equal(old.holder, body->to))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "%s is owned by %.*s already", words,
                     TEXT_ARGUMENTS(body->to));
    write_holder(j, key_bytes(&key), &old, body->to);
}

void kind_rrset_takeover(struct judge *j)
{
    struct body_takeover body;
    enum rsm_status status = body_takeover_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    char words[WORDS_SIZE];
    struct zone_record row;
    struct body_walk walk = body.scope;
    struct body_rrset_id id;
    rule_freeze(j, body.zone);
    if (j->m->actor.is_known && !j->m->actor.is_person && !MUTANT(AUTOMATON_TAKES_OVER))
        judge_refuse(j, RSM_RULE_OWNER, "%.*s is no person; ownership is given by persons alone",
                     TEXT_ARGUMENTS(j->command->author));
    check_new_owner(j, body.to);
    if (!zone_copy(j, body.zone, &row)) {
        rule_rights_zone(j, body.zone);
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    judge_touch(j, body.zone, row.labels);
    if (body.scope.left == 0)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "no record set is named");
    while (body_next_rrset_id(&walk, &id) && j->fault == RSM_OK)
        take_over(j, &body, &row, &id);
}
