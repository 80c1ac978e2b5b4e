/* SPDX-License-Identifier: GPL-3.0-or-later */
/* explain.c - one slot, and what became of each stage of each of its commands. */
#include "src/machine/entry.h"
#include "src/machine/logtable.h"
#include "src/read/read.h"
#include "src/read/render.h"

/* The ids of the rules of one stage that failed; with the list cut, at least those in it. */
static void pack_failed(struct writer *out, const struct verdict *v, enum rsm_stage stage)
{
    uint32_t count = 0;
    uint32_t rule;
    struct bytes evidence;
    struct reader r = reader_make(v->reasons);
    while (verdict_reason_next(&r, &rule, &evidence))
        count += rsm_rule_stage(rule) == stage ? 1 : 0;
    pack_array(out, count);
    r = reader_make(v->reasons);
    while (verdict_reason_next(&r, &rule, &evidence)) {
        if (rsm_rule_stage(rule) == stage)
            pack_text(out, rsm_rule_id(rule));
    }
}

static void pack_figures(struct writer *out, const struct stage_row *row)
{
    struct bytes figures = row->figures;
    uint32_t key;
    uint64_t value;
    pack_map(out, row->figure_count);
    while (stage_figure_next(&figures, &key, &value)) {
        pack_key(out, stage_figure_id(key));
        pack_uint(out, value);
    }
}

/* The services that the change affects, as the verdict names them: of stage 3 alone. */
static void pack_services(struct writer *out, const struct verdict *v, enum rsm_stage stage)
{
    struct bytes none = {NULL, 0};
    struct bytes services = stage == RSM_STAGE_IMPACT ? stages_services(v->stages) : none;
    struct bytes walk = services, name;
    uint32_t count = 0;
    while (stage_service_next(&walk, &name))
        count++;
    pack_key(out, "services");
    pack_array(out, count);
    while (stage_service_next(&services, &name))
        pack_str(out, name);
}

/* Stage 7 is no part of the verdict: each replica's own. */
static void pack_after(struct writer *out, const struct stage_after *post)
{
    pack_map(out, 6);
    pack_number(out, "stage", RSM_STAGE_POSTCOMMIT);
    pack_key(out, "name");
    pack_text(out, rsm_stage_id(RSM_STAGE_POSTCOMMIT));
    pack_key(out, "outcome");
    pack_text(out, stage_outcome_text(post->outcome));
    pack_key(out, "why");
    pack_text(out, post->why);
    pack_key(out, "rules");
    pack_array(out, 0);
    pack_key(out, "figures");
    pack_map(out, 0);
}

void pack_stages(struct writer *out, const struct verdict *v, const struct stage_after *post)
{
    struct bytes record = v->stages;
    struct stage_row row;
    pack_array(out, STAGE_COUNT_RECORDED + (post != NULL ? 1 : 0));
    while (stage_next(&record, &row)) {
        pack_map(out, 7);
        pack_number(out, "stage", row.stage);
        pack_key(out, "name");
        pack_text(out, rsm_stage_id(row.stage));
        pack_key(out, "outcome");
        pack_text(out, stage_outcome_text(row.outcome));
        pack_key(out, "why");
        pack_text(out, row.outcome == STAGE_SKIPPED ? stage_why_text(row.why) : "");
        pack_key(out, "rules");
        pack_failed(out, v, row.stage);
        pack_key(out, "figures");
        pack_figures(out, &row);
        pack_services(out, v, row.stage);
    }
    if (post != NULL)
        pack_after(out, post);
}

static void pack_explained(struct writer *out, uint64_t slot, const struct verdict *v,
                           const struct stage_after *post)
{
    pack_map(out, 2);
    pack_key(out, "verdict");
    pack_verdict(out, slot, v);
    pack_key(out, "stages");
    pack_stages(out, v, post);
}

/* The slot that the call names: a number, or that of a command. */
static enum rsm_status find_slot(struct call *call, uint64_t *slot_out)
{
    uint32_t index;
    struct verdict verdict;
    if (call->param_count == 1 && unpack_peek(&call->params) == UNPACK_UINT)
        return param_uint(call, "the slot", slot_out);
    return find_outcome(call, slot_out, &index, &verdict);
}

enum rsm_status read_explain(struct call *call, struct writer *out)
{
    struct kv *kv = call->kv;
    struct log_verdict row;
    struct verdict verdict;
    uint64_t slot;
    enum rsm_status status = find_slot(call, &slot);
    if (status == RSM_OK)
        status = log_get_verdict(kv, slot, &row);
    if (status == RSM_NOT_FOUND && call->text[0] == '\0')
        return call_fail(call, status, "slot %llu is not applied here, or its history is gone",
                         (unsigned long long)slot);
    if (status != RSM_OK)
        return status;
    struct verdict_walk walk = verdict_walk(row.verdicts);
    struct stage_after post;
    if (call->process != NULL)
        post = call->process->after_commit(call->process->context, slot);
    result_begin(call, out, 4);
    pack_number(out, "explained_slot", slot);
    pack_number(out, "time_ms", row.log_time_ms);
    pack_key(out, "effects");
    pack_hash(out, row.effects);
    pack_key(out, "commands");
    pack_array(out, walk.left);
    while (verdict_next(&walk, &verdict))
        pack_explained(out, slot, &verdict, call->process != NULL ? &post : NULL);
    return RSM_OK;
}
