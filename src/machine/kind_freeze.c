/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_freeze.c - setting and clearing freezes, and bringing automata back from them; what they
 * stop is in rule_freeze.c, how automata come back in resume.h.
 */
#include "src/machine/judge.h"

#include <inttypes.h>

#include "src/base/check.h"
#include "src/command/verb.h"
#include "src/machine/resume.h"

/* A freeze of a zone needs the right for that zone; all others are general. */
static void check_rights(struct judge *j, enum rsm_freeze_scope scope, struct bytes subject)
{
    if (scope == RSM_FREEZE_ZONE) {
        rule_rights_zone(j, subject);
        rule_freeze(j, subject);
    } else {
        rule_rights_general(j);
        rule_freeze(j, (struct bytes){NULL, 0});
    }
}

static bool is_a_kind(struct bytes pattern)
{
    static const char *const texts[] = {
#define KIND_TEXT(name, number, text) text,
        RSM_KIND_LIST(KIND_TEXT)
#undef KIND_TEXT
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (verb_matches(pattern, texts[i]))
            return true;
    return false;
}

/* A subject that is not there, or that the freeze would not stop, is a mistake. */
static void check_subject(struct judge *j, const struct body_freeze *body)
{
    struct zone_record zone;
    struct principal_record principal;
    char words[WORDS_SIZE];
    if (body->scope == RSM_FREEZE_ZONE && !judge_found(j, zone_load(j->kv, body->subject, &zone)))
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body->subject, words));
    if (body->scope == RSM_FREEZE_KIND && !is_a_kind(body->subject))
        judge_refuse(j, RSM_RULE_NO_CHANGE,
                     "no kind of command is %.*s, so nothing would be frozen",
                     TEXT_ARGUMENTS(body->subject));
    if (body->scope == RSM_FREEZE_AZ && body->everybody)
        judge_refuse(j, RSM_RULE_NO_CHANGE,
                     "people are in no availability zone; freeze automata of %.*s, or all people",
                     TEXT_ARGUMENTS(body->subject));
    if (body->scope != RSM_FREEZE_AUTHOR)
        return;
    if (!judge_found(j, principal_load(j->kv, body->subject, &principal)))
        judge_refuse(j, RSM_RULE_PRINCIPAL_UNKNOWN, "there is no principal %.*s",
                     TEXT_ARGUMENTS(body->subject));
    else if (principal.kind == RSM_PRINCIPAL_PERSON && !body->everybody)
        judge_refuse(j, RSM_RULE_NO_CHANGE,
                     "%.*s is a person, and this freeze stops automata alone; freeze everybody",
                     TEXT_ARGUMENTS(body->subject));
}

void kind_freeze_set(struct judge *j)
{
    struct body_freeze body;
    enum rsm_status status = body_freeze_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    check_rights(j, body.scope, body.subject);
    rule_causal_object(j, OBJECT_FREEZE, body.id, NULL);
    if (body.until_ms != 0 && body.until_ms <= j->now_ms)
        judge_refuse(j, RSM_RULE_NO_CHANGE,
                     "freeze %.*s would have ended at log time %" PRIu64 ", it is %" PRIu64,
                     TEXT_ARGUMENTS(body.id), body.until_ms, j->now_ms);
    check_subject(j, &body);
    if (j->command->reason.size == 0)
        judge_refuse(j, RSM_RULE_QUOTA, "a freeze needs a reason");
    struct freeze_record before = {.trips = 0};
    if (judge_found(j, freeze_load(j->kv, body.id, &before)) && before.resumed_ms != 0)
        (void)judge_found(j, resume_drop(j->kv, body.id));
    struct freeze_record freeze = {.scope = body.scope,
                                   .everybody = body.everybody,
                                   .until_ms = body.until_ms,
                                   .set_ms = j->now_ms,
                                   .trips = before.trips,
                                   .subject = body.subject,
                                   .author = j->command->author,
                                   .reason = j->command->reason};
    procedure_before_freeze(j, body.id, &freeze);
    writer_reset(&j->m->value);
    freeze_encode(&j->m->value, &freeze);
    judge_put_writer(j, TABLE_FREEZE, body.id, &j->m->value);
    object_write(j, OBJECT_FREEZE, body.id);
}

void kind_freeze_clear(struct judge *j)
{
    struct body_freeze body;
    enum rsm_status status = body_freeze_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    struct freeze_record freeze;
    bool is_there = judge_found(j, freeze_load(j->kv, body.id, &freeze));
    if (is_there && freeze.scope == RSM_FREEZE_ZONE) {
        rule_rights_zone(j, freeze.subject);
        judge_touch_zone(j, freeze.subject);
    } else {
        rule_rights_general(j);
    }
    rule_freeze(j, (struct bytes){NULL, 0});
    rule_causal_object(j, OBJECT_FREEZE, body.id, NULL);
    if (!is_there) {
        judge_refuse(j, RSM_RULE_FREEZE_UNKNOWN, "there is no freeze %.*s",
                     TEXT_ARGUMENTS(body.id));
        return;
    }
    procedure_before_resume(j, body.id);
    if (freeze.resumed_ms != 0)
        (void)judge_found(j, resume_drop(j->kv, body.id));
    judge_del(j, TABLE_FREEZE, body.id);
    object_write(j, OBJECT_FREEZE, body.id);
}
