/* SPDX-License-Identifier: GPL-3.0-or-later */
/* judge.c - one command's verdict: the order of the rules, and what an applied one leaves. */
#include "src/machine/judge.h"

#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"

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
    return (struct version){.author = j->command->author,
                            .counter = j->command->counter,
                            .lamport = j->command->lamport,
                            .slot = j->slot};
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

/*
 * The rules of all stages are asked, also when one has failed: an author learns at once all that is
 * wrong. A kind says itself when it has got as far as the impact.
 */
static void run_stages(struct judge *j)
{
    struct stages_made *s = &j->m->stages;
    load_lamport(j);
    (void)judge_found(j, policy_load(j->kv, &j->policy));
    stage_skip(s, RSM_STAGE_IMPACT, STAGE_WHY_NO_RECORDS);
    stage_skip(s, RSM_STAGE_QUORUM, STAGE_WHY_STANDARD);
    rule_rights_begin(j);
    rule_causal_event(j);
    if (j->fault == RSM_OK)
        dispatch(j);
    rule_budget(j);
    stage_ran(s, RSM_STAGE_PREFLIGHT);
    stage_ran(s, RSM_STAGE_CAUSAL);
    stage_ran(s, RSM_STAGE_EXECUTION);
    if (j->fault == RSM_OK && j->m->reasons.count == 0)
        rule_precommit(j);
}

enum rsm_status judge_command(struct judge *j, bool is_verified)
{
    struct machine *m = j->m;
    kv_overlay_clear(m->inner);
    reasons_reset(&m->reasons);
    stages_begin(&m->stages);
    writer_reset(&m->result);
    changes_begin(j);
    if (is_verified)
        run_stages(j);
    else
        judge_refuse(j, RSM_RULE_KEY_INVALID, "the envelope's signature is not good");
    if (is_verified && j->fault == RSM_OK && m->reasons.count == 0)
        judge_remember(j);
    if (is_verified && m->result.size == 0)
        pack_map(&m->result, 0);
    writer_reset(&m->stage_record);
    stages_encode(&m->stage_record, &m->stages, m->reasons.failed);
    CHECK(!m->stage_record.failed);
    return j->fault;
}
