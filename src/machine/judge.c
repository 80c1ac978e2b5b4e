/* SPDX-License-Identifier: GPL-3.0-or-later */
/* judge.c - one command's verdict: the order of the rules, and what an applied one leaves. */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/staged.h"

bool judge_found(struct judge *j, enum rsm_status status)
{
    if (status != RSM_OK && status != RSM_NOT_FOUND && j->fault == RSM_OK)
        j->fault = status;
    return status == RSM_OK && j->fault == RSM_OK;
}

void judge_put(struct judge *j, enum table table, struct bytes key, struct bytes value)
{
    if (j->fault == RSM_OK)
        j->fault = kv_put(j->kv, (uint8_t)table, key, value);
}

void judge_put_writer(struct judge *j, enum table table, struct bytes key, const struct writer *w)
{
    CHECK(!w->failed);
    judge_put(j, table, key, writer_result(w));
}

void judge_del(struct judge *j, enum table table, struct bytes key)
{
    if (j->fault == RSM_OK)
        j->fault = kv_del(j->kv, (uint8_t)table, key);
}

struct version judge_version(const struct judge *j)
{
    if (j->effect_author_size > 0)
        return (struct version){.author = bytes_make(j->effect_author, j->effect_author_size),
                                .counter = j->effect_counter,
                                .lamport = j->effect_lamport,
                                .slot = j->slot};
    return (struct version){.author = j->command->author,
                            .counter = j->command->counter,
                            .lamport = j->command->lamport,
                            .slot = j->slot};
}

void judge_touch(struct judge *j, struct bytes zone, struct bytes labels)
{
    CHECK(zone.size <= sizeof j->touched_buffer);
    memmove(j->touched_buffer, zone.data, zone.size);
    j->touched = bytes_make(j->touched_buffer, zone.size);
    writer_reset(&j->m->labels);
    writer_bytes(&j->m->labels, labels);
    CHECK(!j->m->labels.failed);
}

void judge_touch_zone(struct judge *j, struct bytes zone)
{
    struct zone_record row = {.labels = {NULL, 0}};
    judge_touch(j, zone, row.labels);
    if (judge_found(j, zone_load(j->kv, j->touched, &row)))
        judge_touch(j, j->touched, row.labels);
}

static void put_number(struct judge *j, const char *name, uint64_t value)
{
    uint8_t bytes[8];
    put_u64(bytes, value);
    judge_put(j, TABLE_META, bytes_of_string(name), bytes_make(bytes, sizeof bytes));
}

void judge_remember(struct judge *j)
{
    const struct command *c = j->command;
    struct machine *m = j->m;
    struct key key;
    struct event_record event = {.slot = j->slot,
                                 .index = j->index,
                                 .lamport = c->lamport,
                                 .digest = j->digest,
                                 .clock = c->clock};
    writer_reset(&m->value);
    event_encode(&m->value, &event);
    key_event(&key, c->author, c->counter);
    judge_put_writer(j, TABLE_EVENT, key_bytes(&key), &m->value);
    struct author_record author = {.counter = c->counter, .lamport = c->lamport};
    writer_reset(&m->value);
    author_encode(&m->value, &author);
    judge_put_writer(j, TABLE_AUTHOR, c->author, &m->value);
    if (c->lamport > j->lamport_highest)
        put_number(j, META_LAMPORT, c->lamport);
}

static void dispatch(struct judge *j)
{
    static void (*const kinds[])(struct judge *) = {
        [RSM_KIND_ZONE_CREATE] = kind_zone_create,
        [RSM_KIND_ZONE_DELETE] = kind_zone_delete,
        [RSM_KIND_RRSET_CHANGE] = kind_rrset_change,
        [RSM_KIND_PRINCIPAL_SET] = kind_principal_set,
        [RSM_KIND_PRINCIPAL_DELETE] = kind_principal_delete,
        [RSM_KIND_ROLE_SET] = kind_role_set,
        [RSM_KIND_ROLE_DELETE] = kind_role_delete,
        [RSM_KIND_POLICY_SET] = kind_policy_set,
        [RSM_KIND_FREEZE_SET] = kind_freeze_set,
        [RSM_KIND_FREEZE_CLEAR] = kind_freeze_clear,
        [RSM_KIND_FREEZE_RESUME] = kind_freeze_resume,
        [RSM_KIND_FREEZE_TRIP] = kind_freeze_trip,
        [RSM_KIND_LEASE_ACQUIRE] = kind_lease_acquire,
        [RSM_KIND_LEASE_RENEW] = kind_lease_renew,
        [RSM_KIND_LEASE_RELEASE] = kind_lease_release,
        [RSM_KIND_PLAN_PUBLISH] = kind_plan_publish,
        [RSM_KIND_PLAN_EXECUTE] = kind_plan_execute,
        [RSM_KIND_PLAN_COLLECT] = kind_plan_collect,
        [RSM_KIND_MEMBER_ADD] = kind_member,
        [RSM_KIND_MEMBER_PROMOTE] = kind_member,
        [RSM_KIND_MEMBER_REMOVE] = kind_member,
        [RSM_KIND_MEMBER_UPDATE] = kind_member,
        [RSM_KIND_PRINCIPAL_KEY_ADD] = kind_principal_key,
        [RSM_KIND_PRINCIPAL_KEY_REVOKE] = kind_principal_key,
        [RSM_KIND_RRSET_TAKEOVER] = kind_rrset_takeover,
        [RSM_KIND_RRSET_OBSERVE] = kind_rrset_observe,
        [RSM_KIND_RRSET_UPDATE] = kind_rrset_update,
        [RSM_KIND_CHANGE_VOTE] = kind_change_vote,
        [RSM_KIND_CHANGE_APPROVE] = kind_change_approve,
        [RSM_KIND_CHANGE_CANCEL] = kind_change_cancel,
        [RSM_KIND_CHANGE_APPLY] = kind_change_apply,
        [RSM_KIND_ZONE_SET] = kind_zone_set,
        [RSM_KIND_ZONE_LABEL] = kind_zone_label,
        [RSM_KIND_FACTOR_ENROLL] = kind_factor_enroll,
        [RSM_KIND_FACTOR_REVOKE] = kind_factor_revoke,
        [RSM_KIND_OVERRIDE_STEP] = kind_override_step,
        [RSM_KIND_SERVICE_SET] = kind_service_set,
        [RSM_KIND_SERVICE_DELETE] = kind_service_delete,
        [RSM_KIND_OVERRIDE_RECORD] = kind_override_record,
        [RSM_KIND_CLUSTER_RECOVER] = kind_cluster_recover,
    };
    size_t kind = (size_t)j->command->kind;
    CHECK(kind < sizeof kinds / sizeof *kinds && kinds[kind] != NULL);
    kinds[kind](j);
}

static void load_lamport(struct judge *j)
{
    struct bytes value;
    if (!judge_found(j, kv_get(j->kv, TABLE_META, bytes_of_string(META_LAMPORT), &value)))
        return;
    if (value.size == 8)
        j->lamport_highest = get_u64(value.data);
    else
        j->fault = RSM_DAMAGED;
}

static void begin(struct judge *j)
{
    kv_overlay_clear(j->m->inner);
    reasons_reset(&j->m->reasons);
    stages_begin(&j->m->stages);
    j->m->stages.is_brief = j->is_brief;
    writer_reset(&j->m->result);
    writer_reset(&j->m->tiers);
    changes_begin(j);
    j->class = RSM_CLASS_STANDARD;
    j->loosens_catalog = false;
    j->class_why[0] = '\0';
    j->root_needed = 0;
    j->waits_for_root = false;
    j->deadline_ms = j->risk = j->reach = 0;
    j->reach_is_cut = false;
    j->touched = (struct bytes){NULL, 0};
}

static void load(struct judge *j)
{
    load_lamport(j);
    (void)judge_found(j, memo_policy(j->m->memo, j->kv, &j->policy));
    class_begin(j);
    stage_skip(&j->m->stages, RSM_STAGE_IMPACT, STAGE_WHY_NO_RECORDS);
    stage_skip(&j->m->stages, RSM_STAGE_QUORUM, STAGE_WHY_STANDARD);
    rule_rights_begin(j);
}

/*
 * The rules of all stages are asked, also when one has failed: an author learns at once all that is
 * wrong. A kind says itself when it has got as far as the impact.
 */
static void run_stages(struct judge *j)
{
    struct stages_made *s = &j->m->stages;
    request_unwrap(j);
    if (j->fault == RSM_OK)
        dispatch(j);
    rule_undo(j);
    rule_budget(j);
    if (j->fault == RSM_OK)
        class_of_command(j);
    reasons_drop(&j->m->reasons, j->overrides, j->override_count);
    stage_ran(s, RSM_STAGE_PREFLIGHT);
    stage_ran(s, RSM_STAGE_CAUSAL);
    stage_ran(s, RSM_STAGE_EXECUTION);
    if (j->fault == RSM_OK && j->m->reasons.count == 0)
        rule_precommit(j);
}

static void end(struct judge *j)
{
    struct machine *m = j->m;
    writer_reset(&m->stage_record);
    stages_encode(&m->stage_record, &m->stages, m->reasons.failed);
    CHECK(!m->stage_record.failed);
}

/* What a change that waited writes gets its own event, by an author of its own:
 *
 *   1. alice's change 5 is staged; bob reads, and has seen alice up to 5
 *   2. the change takes effect: a record set is new
 *   3. bob writes that set as he saw it. By alice's counter he would have seen the new one.
 *
 * So the effect is event n of "effect:alice", whom bob has not seen.
 */
static void begin_effect(struct judge *j)
{
    const struct command *c = j->command;
    size_t prefix = strlen(EFFECT_AUTHOR);
    struct author_record before = {.counter = 0};
    if (MUTANT(EFFECT_IS_SEEN))
        return;
    CHECK(prefix + c->author.size <= sizeof j->effect_author);
    memcpy(j->effect_author, EFFECT_AUTHOR, prefix);
    memcpy(j->effect_author + prefix, c->author.data, c->author.size);
    j->effect_author_size = prefix + c->author.size;
    (void)judge_found(
        j, author_load(j->kv, bytes_make(j->effect_author, j->effect_author_size), &before));
    j->effect_counter = before.counter + 1;
    j->effect_lamport = j->lamport_highest + 1;
}

/* In the place of judge_remember: the author's own counter was used when it was staged. */
static void remember_effect(struct judge *j)
{
    struct command effect = *j->command;
    if (j->effect_author_size == 0)
        return;
    effect.author = bytes_make(j->effect_author, j->effect_author_size);
    effect.counter = j->effect_counter;
    effect.lamport = j->effect_lamport;
    j->command = &effect;
    judge_remember(j);
    j->command = &j->inner;
}

static void judge_again(struct judge *j, bool has_effect)
{
    begin(j);
    load(j);
    j->is_settled = true;
    j->inner = *j->command;
    if (has_effect)
        begin_effect(j);
    run_stages(j);
    stage_ran(&j->m->stages, RSM_STAGE_QUORUM);
    if (j->m->result.size == 0)
        pack_map(&j->m->result, 0);
    end(j);
}

void judge_settled(struct judge *j)
{
    judge_again(j, true);
    if (j->fault == RSM_OK && j->m->reasons.count == 0)
        remember_effect(j);
}

void judge_dry(struct judge *j)
{
    judge_again(j, false);
}

/* It stands: it takes effect now, or it waits. */
static void accept(struct judge *j)
{
    if (j->class > RSM_CLASS_STANDARD || j->waits_for_root)
        stage_change(j);
    if (j->fault == RSM_OK && j->m->reasons.count == 0)
        judge_remember(j);
}

enum rsm_status judge_command(struct judge *j, bool is_verified)
{
    struct machine *m = j->m;
    begin(j);
    if (is_verified) {
        load(j);
        rule_causal_event(j);
        run_stages(j);
    } else {
        judge_refuse(j, RSM_RULE_KEY_INVALID, "the envelope's signature is not good");
    }
    if (is_verified && j->fault == RSM_OK && m->reasons.count == 0)
        accept(j);
    if (is_verified && m->result.size == 0)
        pack_map(&m->result, 0);
    end(j);
    return j->fault;
}
