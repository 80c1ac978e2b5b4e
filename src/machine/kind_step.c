/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind_step.c - the steps of a human override, and what they hold back (procedure.h). */
#include "src/command/body_step.h"
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/procedure.h"
#include "src/machine/staged.h"

#define refuse(j, ...) judge_refuse(j, RSM_RULE_OVERRIDE_STEP, __VA_ARGS__)

static void put(struct judge *j, struct bytes freeze, const struct procedure_record *p)
{
    struct writer w;
    writer_init(&w, LIMIT_VALUE_SIZE);
    procedure_encode(&w, p);
    judge_put_writer(j, TABLE_PROCEDURE, freeze, &w);
    writer_deinit(&w);
}

/* ---- what each step demands ---- */

static void check_freeze(struct judge *j, const struct body_step *body)
{
    struct freeze_record freeze;
    if (!judge_found(j, freeze_load(j->kv, body->freeze, &freeze)) ||
        (freeze.until_ms != 0 && j->now_ms >= freeze.until_ms))
        judge_refuse(j, RSM_RULE_FREEZE_UNKNOWN,
                     "there is no freeze %.*s in force; automation freeze comes first",
                     TEXT_ARGUMENTS(body->freeze));
}

/* One that ends by itself would end before step 5, and nobody had said that all is well. */
static void check_end(struct judge *j, struct bytes id)
{
    struct freeze_record freeze;
    if (judge_found(j, freeze_load(j->kv, id, &freeze)) && freeze.until_ms != 0 &&
        !MUTANT(STEPS_SKIPPED))
        refuse(j,
               "freeze %.*s ends by itself at log time %" PRIu64
               "; an override needs one that stays: set it again without --until",
               TEXT_ARGUMENTS(id), freeze.until_ms);
}

static void check_change(struct judge *j, const struct body_step *body,
                         const struct procedure_record *p)
{
    struct staged_record row;
    bool is_execute = body->step == RSM_STEP_EXECUTE;
    const struct procedure_step *plan = &p->steps[RSM_STEP_PLAN];
    if (body->evidence.size == 0 ||
        !judge_found(j, staged_load(j->kv, body->evidence.data, &row)) ||
        row.class != RSM_CLASS_EMERGENCY) {
        refuse(j, "%s: the digest of an emergency is wanted (override request)",
               rsm_step_text(body->step));
        return;
    }
    if (row.slot < p->opened_slot)
        refuse(j,
               "that emergency was staged in slot %" PRIu64 ", before this began in slot %" PRIu64,
               row.slot, p->opened_slot);
    if (is_execute && row.state != CHANGE_LIVE)
        refuse(j, "the emergency is %s, not live", change_state_text(row.state));
    if (is_execute && plan->state == STEP_DONE &&
        memcmp(plan->evidence, body->evidence.data, HASH_SIZE) != 0)
        refuse(j, "that is not the emergency that was planned in slot %" PRIu64, plan->slot);
}

static void check_step(struct judge *j, const struct body_step *body,
                       const struct procedure_record *p)
{
    if (body->step != p->next)
        refuse(j, "the next step of %.*s is %s, not %s; one that is skipped is said to be",
               TEXT_ARGUMENTS(body->freeze), rsm_step_text(p->next), rsm_step_text(body->step));
    else if (body->step == RSM_STEP_RESUME)
        refuse(j, "resume is done by lifting the freeze: resilience-ctl automation resume");
    else if (body->is_skipped && body->step == RSM_STEP_VALIDATE)
        refuse(j, "validate is never skipped: it is what lets the freeze go");
    else if (body->is_skipped && j->command->reason.size == 0)
        refuse(j, "a step that is skipped needs a reason");
    else if (!body->is_skipped && (body->step == RSM_STEP_PLAN || body->step == RSM_STEP_EXECUTE))
        check_change(j, body, p);
    else if (!body->is_skipped && body->evidence.size == 0)
        refuse(j, "%s: the hash of a report is wanted", rsm_step_text(body->step));
}

/* ---- going on ---- */

static void begin(struct judge *j, const struct body_step *body, bool is_open)
{
    struct procedure_record p = {.next = RSM_STEP_ASSESS,
                                 .opened_slot = j->slot,
                                 .opened_ms = j->now_ms,
                                 .author = j->command->author,
                                 .reason = j->command->reason};
    if (is_open)
        refuse(j, "an override under freeze %.*s is open already", TEXT_ARGUMENTS(body->freeze));
    if (body->is_skipped || j->command->reason.size == 0)
        refuse(j, "freeze is never skipped, and needs a reason");
    check_freeze(j, body);
    check_end(j, body->freeze);
    p.steps[RSM_STEP_FREEZE] = (struct procedure_step){.state = STEP_DONE, .slot = j->slot};
    put(j, body->freeze, &p);
}

void kind_override_step(struct judge *j)
{
    struct body_step body;
    struct procedure_record p;
    enum rsm_status status = body_step_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    rule_rights_general(j);
    bool is_open = judge_found(j, procedure_load(j->kv, body.freeze, &p)) && p.closed_slot == 0;
    if (body.step == RSM_STEP_FREEZE) {
        begin(j, &body, is_open);
        return;
    }
    if (!is_open) {
        refuse(j, "no override is open under freeze %.*s; it begins with: override begin",
               TEXT_ARGUMENTS(body.freeze));
        return;
    }
    check_step(j, &body, &p);
    struct procedure_step *step = &p.steps[body.step];
    step->state = body.is_skipped ? STEP_SKIPPED : STEP_DONE;
    step->slot = j->slot;
    if (body.evidence.size == HASH_SIZE)
        memcpy(step->evidence, body.evidence.data, HASH_SIZE);
    if (p.next < RSM_STEP_RESUME)
        p.next = (enum rsm_step)(p.next + 1);
    put(j, body.freeze, &p);
}

/* ---- what it holds back ---- */

void procedure_before_apply(struct judge *j)
{
    struct key place = {.size = 0};
    struct procedure_record p;
    while (judge_found(j, procedure_next(j->kv, &place, &p))) {
        if (bytes_equal(p.author, j->command->author) && p.next < RSM_STEP_EXECUTE &&
            !MUTANT(STEPS_SKIPPED))
            refuse(j, "override under freeze %.*s: %s comes first; do it, or skip it and say so",
                   TEXT_ARGUMENTS(key_bytes(&place)), rsm_step_text(p.next));
    }
}

void procedure_before_freeze(struct judge *j, struct bytes id, const struct freeze_record *new)
{
    struct procedure_record p;
    struct freeze_record old;
    const char *what = NULL;
    if (!judge_found(j, procedure_load(j->kv, id, &p)) || p.closed_slot != 0 ||
        !judge_found(j, freeze_load(j->kv, id, &old)))
        return;
    if (new->until_ms != 0)
        what = "without an end";
    else if (new->scope != old.scope || !bytes_equal(new->subject, old.subject))
        what = "of the same scope";
    else if (old.everybody && !new->everybody)
        what = "of everybody";
    if (what != NULL && !MUTANT(STEPS_SKIPPED))
        refuse(j,
               "override under freeze %.*s: the freeze stays one %s until validate; automation "
               "resume lifts it then",
               TEXT_ARGUMENTS(id), what);
}

void procedure_before_resume(struct judge *j, struct bytes freeze)
{
    struct procedure_record p;
    if (!judge_found(j, procedure_load(j->kv, freeze, &p)) || p.closed_slot != 0)
        return;
    if (p.next != RSM_STEP_RESUME && !MUTANT(STEPS_SKIPPED)) {
        refuse(j,
               "override under freeze %.*s: %s comes first, and the freeze is not lifted before "
               "validate",
               TEXT_ARGUMENTS(freeze), rsm_step_text(p.next));
        return;
    }
    p.closed_slot = j->slot;
    p.steps[RSM_STEP_RESUME] = (struct procedure_step){.state = STEP_DONE, .slot = j->slot};
    put(j, freeze, &p);
}
