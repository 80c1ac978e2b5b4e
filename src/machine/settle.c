/* SPDX-License-Identifier: GPL-3.0-or-later */
/* settle.c - see settle.h. */
#include "src/command/body_change.h"
#include "src/machine/settle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/judge.h"
#include "src/machine/resume.h"

/* The result of a decision: at most 64 reasons of 1 KiB, nine votes, the kind's own result. */
#define RESULT_SIZE_MAX (256u << 10)

/* ---- counting ---- */

static struct zone_vote *zone_of(struct tally *t, const char *zone)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (strcmp(t->zones[i].zone, zone) == 0)
            return &t->zones[i];
    t->zones[t->count] = (struct zone_vote){.zone = zone};
    return &t->zones[t->count++];
}

/* Statuses as the kv. `config` must outlive the tally. */
static enum rsm_status tally_votes(struct kv *kv, const uint8_t digest[HASH_SIZE],
                                   const struct member_config *config, struct tally *out)
{
    *out = (struct tally){.count = 0};
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *m = &config->members[i];
        struct vote_record vote;
        if (!m->voter)
            continue;
        struct zone_vote *zone = zone_of(out, m->zone);
        enum rsm_status status = vote_load(kv, digest, m->id, &vote);
        if (status == RSM_NOT_FOUND)
            continue;
        if (status != RSM_OK)
            return status;
        if (vote.late)
            continue;
        zone->yes |= vote.yes;
        zone->no |= !vote.yes;
    }
    for (uint32_t i = 0; i < out->count; i++) {
        out->no += out->zones[i].no ? 1 : 0;
        out->yes += out->zones[i].yes && !out->zones[i].no ? 1 : 0;
    }
    return RSM_OK;
}

/* ---- one change ---- */

struct settling {
    struct judge j;
    struct staged_record row; /* its bytes are in `row_bytes` */
    struct writer row_bytes;
    struct writer command_bytes;
    struct command command;
    struct member_config config;
    struct tally tally;
    struct writer result; /* of the change's own kind */
};

static void refuse_by_votes(struct settling *s)
{
    for (uint32_t i = 0; i < s->config.count; i++) {
        const struct member *m = &s->config.members[i];
        struct vote_record vote;
        if (judge_found(&s->j, vote_load(s->j.kv, s->j.digest, m->id, &vote)) && !vote.yes &&
            !vote.late)
            judge_refuse(&s->j, RSM_RULE_VOTED_NO, "replica %u (%s) voted no: %.*s", m->id, m->zone,
                         TEXT_ARGUMENTS(vote.reason));
    }
}

static uint32_t count_approvals(struct settling *s)
{
    struct key place = {.size = 0};
    struct bytes person;
    struct approval_record a;
    uint32_t count = 0;
    while (judge_found(&s->j, approval_next(s->j.kv, s->j.digest, &place, &person, &a)))
        count++;
    return count;
}

static void refuse_expired(struct settling *s)
{
    char silent[LIMIT_REPLICAS * (LIMIT_LABEL_SIZE + 2u) + 1] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < s->tally.count; i++) {
        const struct zone_vote *z = &s->tally.zones[i];
        if (!z->yes && !z->no)
            used += (size_t)snprintf(silent + used, sizeof silent - used, "%s%s",
                                     used > 0 ? ", " : "", z->zone);
    }
    if (s->row.approved_ms == 0)
        judge_refuse(&s->j, RSM_RULE_CHANGE_EXPIRED,
                     "its deadline was log time %" PRIu64 ", it is %" PRIu64
                     "; %u approvals, not all that are needed; ask again",
                     s->row.deadline_ms, s->j.now_ms, count_approvals(s));
    else if (s->row.voting_ms == 0)
        judge_refuse(&s->j, RSM_RULE_CHANGE_EXPIRED,
                     "approved at log time %" PRIu64 " and not applied before %" PRIu64
                     ", it is %" PRIu64 "; ask again, and have it approved again",
                     s->row.approved_ms, s->row.deadline_ms, s->j.now_ms);
    else
        judge_refuse(&s->j, RSM_RULE_CHANGE_EXPIRED,
                     "its deadline was log time %" PRIu64 ", it is %" PRIu64
                     "; %u of %u zones voted yes, silent: %s; submit it again when they are back",
                     s->row.deadline_ms, s->j.now_ms, s->tally.yes, s->tally.count, silent);
}

static bool was_overtaken(const struct reasons *reasons)
{
    struct reader r = reader_make(writer_result(&reasons->bytes));
    uint32_t rule;
    struct bytes evidence;
    while (verdict_reason_next(&r, &rule, &evidence))
        if (rule == RSM_RULE_STALE || rule == RSM_RULE_CONCURRENT || rule == RSM_RULE_STALE_PLAN ||
            rule == RSM_RULE_CLASS_RAISED)
            return true;
    return false;
}

/* The effect, again, in the state as it is now. */
static enum change_state take_effect(struct settling *s)
{
    struct judge *j = &s->j;
    struct bytes bytes;
    if (!judge_found(j,
                     kv_get(j->kv, TABLE_STAGED_COMMAND, bytes_make(j->digest, HASH_SIZE), &bytes)))
        goto damaged;
    writer_bytes(&s->command_bytes, bytes);
    if (command_parse(writer_result(&s->command_bytes), &s->command) != RSM_OK)
        goto damaged;
    j->command = &s->command;
    j->key = s->row.key;
    judge_settled(j);
    if (j->root_needed > s->row.root_needed && !MUTANT(CLASS_STAYS))
        judge_refuse(j, RSM_RULE_CLASS_RAISED,
                     "%" PRIu64 " persons with the role root have to agree now, %u did when it was "
                     "staged; submit it again",
                     j->root_needed, s->row.root_needed);
    if (j->class > s->row.class && !MUTANT(CLASS_STAYS))
        judge_refuse(j, RSM_RULE_CLASS_RAISED,
                     "it was staged as %s and would be %s now; submit it again",
                     body_class_text(s->row.class), body_class_text(j->class));
    if (j->m->reasons.count > 0) {
        kv_overlay_clear(j->m->inner);
        return was_overtaken(&j->m->reasons) ? CHANGE_SUPERSEDED : CHANGE_REFUSED;
    }
    writer_bytes(&s->result, writer_result(&j->m->result));
    if (j->undoes != NULL)
        resume_note_undone(j->m, bytes_make(j->undone_author, j->undone_author_size));
    return CHANGE_LIVE;
damaged:
    if (j->fault == RSM_OK)
        j->fault = RSM_DAMAGED;
    return CHANGE_REFUSED;
}

/* What becomes of it; CHANGE_STAGED: it waits on. Reasons are in m->reasons. */
static enum change_state decide(struct settling *s)
{
    struct judge *j = &s->j;
    const struct staged_record *row = &s->row;
    bool is_due = j->now_ms >= row->deadline_ms && !MUTANT(NO_DEADLINE);
    bool is_voted_on = row->voting_ms != 0 || MUTANT(NO_APPROVALS);
    if (row->reasons.size > 0) {
        struct reader r = reader_make(row->reasons);
        uint32_t rule;
        struct bytes evidence;
        while (verdict_reason_next(&r, &rule, &evidence))
            reasons_add_bytes(&j->m->reasons, rule, evidence);
        return CHANGE_REFUSED;
    }
    if (s->tally.no > 0 && !MUTANT(NO_IS_SILENCE)) {
        refuse_by_votes(s);
        return CHANGE_REFUSED;
    }
    /* A standard change waited for people alone. */
    bool has_all = s->tally.yes == s->tally.count || row->class == RSM_CLASS_STANDARD;
    if (MUTANT(MAJORITY_IS_ALL))
        has_all = 2 * s->tally.yes > s->tally.count;
    bool has_enough = is_due && row->zones_least > 0 && s->tally.yes >= row->zones_least;
    if (is_voted_on && ((has_all && !is_due) || has_enough))
        return take_effect(s);
    if (!is_due)
        return CHANGE_STAGED;
    refuse_expired(s);
    return CHANGE_EXPIRED;
}

/* ---- the decision, written down ---- */

static void pack_votes(struct settling *s, struct writer *out)
{
    uint32_t voters = 0;
    for (uint32_t i = 0; i < s->config.count; i++)
        voters += s->config.members[i].voter ? 1 : 0;
    pack_array(out, voters);
    for (uint32_t i = 0; i < s->config.count; i++) {
        const struct member *m = &s->config.members[i];
        struct vote_record vote = {.reason = {NULL, 0}};
        if (!m->voter)
            continue;
        bool is_there =
            judge_found(&s->j, vote_load(s->j.kv, s->j.digest, m->id, &vote)) && !vote.late;
        pack_array(out, 4);
        pack_uint(out, m->id);
        pack_text(out, m->zone);
        pack_text(out, !is_there ? "silent" : vote.yes ? "yes" : "no");
        pack_str(out, is_there ? vote.reason : (struct bytes){NULL, 0});
    }
}

static void pack_reasons(const struct reasons *reasons, struct writer *out)
{
    struct reader r = reader_make(writer_result(&reasons->bytes));
    uint32_t rule;
    struct bytes evidence;
    pack_array(out, reasons->count);
    while (verdict_reason_next(&r, &rule, &evidence)) {
        pack_array(out, 2);
        pack_text(out, rsm_rule_id(rule));
        pack_str(out, evidence);
    }
}

/* {"class", "result", "rules", "slot", "state", "votes"}: docs/quorum.md */
static void add_verdict(struct settling *s, enum change_state state, struct verdicts *out)
{
    struct writer w;
    writer_init(&w, RESULT_SIZE_MAX);
    pack_map(&w, 6);
    pack_text(&w, "class");
    pack_text(&w, body_class_text(s->row.class));
    pack_text(&w, "result");
    if (s->result.size > 0)
        pack_raw(&w, writer_result(&s->result));
    else
        pack_map(&w, 0);
    pack_text(&w, "rules");
    pack_reasons(&s->j.m->reasons, &w);
    pack_text(&w, "slot");
    pack_uint(&w, s->row.slot);
    pack_text(&w, "state");
    pack_text(&w, change_state_text(state));
    pack_text(&w, "votes");
    pack_votes(s, &w);
    CHECK(!w.failed);
    struct machine *m = s->j.m;
    stage_ran(&m->stages, RSM_STAGE_QUORUM);
    writer_reset(&m->stage_record);
    stages_encode(&m->stage_record, &m->stages, m->reasons.failed);
    struct verdict_id id = {s->row.author, s->row.counter, s->j.digest,
                            writer_result(&m->stage_record)};
    verdicts_add_settled(out, &id, writer_result(&w));
    writer_deinit(&w);
}

static void write_rows(struct settling *s, enum change_state state)
{
    struct judge *j = &s->j;
    struct bytes digest = bytes_make(j->digest, HASH_SIZE);
    struct key key;
    struct writer w;
    CHECK(change_state_may_follow(s->row.state, state));
    s->row.state = state;
    s->row.settled_slot = j->slot;
    s->row.settled_index = j->index;
    s->row.settled_ms = j->now_ms;
    s->row.reasons = writer_result(&j->m->reasons.bytes);
    writer_init(&w, LIMIT_VALUE_SIZE);
    staged_encode(&w, &s->row);
    judge_put_writer(j, TABLE_STAGED, digest, &w);
    writer_deinit(&w);
    judge_del(j, TABLE_STAGED_COMMAND, digest);
    key_pending(&key, s->row.slot, s->row.index);
    judge_del(j, TABLE_PENDING, key_bytes(&key));
    pending_add(j, -1);
}

static void begin(struct settling *s, struct bytes row)
{
    writer_init(&s->row_bytes, LIMIT_VALUE_SIZE);
    writer_init(&s->command_bytes, LIMIT_VALUE_SIZE);
    writer_init(&s->result, LIMIT_VALUE_SIZE);
    writer_bytes(&s->row_bytes, row);
    if (staged_decode(writer_result(&s->row_bytes), &s->row) != RSM_OK)
        s->j.fault = RSM_DAMAGED;
}

static void end(struct settling *s)
{
    writer_deinit(&s->row_bytes);
    writer_deinit(&s->command_bytes);
    writer_deinit(&s->result);
}

static bool is_to_be_looked_at(const struct settling *s)
{
    return s->row.touched == s->j.slot || s->j.now_ms >= s->row.deadline_ms;
}

static enum rsm_status settle_one(struct settling *s, struct kv *kv, struct verdicts *out)
{
    struct judge *j = &s->j;
    struct bytes value;
    if (!judge_found(j, kv_get(kv, TABLE_STAGED, bytes_make(j->digest, HASH_SIZE), &value)))
        return j->fault == RSM_OK ? RSM_DAMAGED : j->fault;
    begin(s, value);
    if (j->fault != RSM_OK || !is_to_be_looked_at(s))
        return j->fault;
    reasons_reset(&j->m->reasons);
    stages_begin(&j->m->stages);
    if (!judge_found(j, members_below(kv, s->row.members + 1, &s->config)))
        return j->fault == RSM_OK ? RSM_DAMAGED : j->fault;
    (void)judge_found(j, tally_votes(kv, j->digest, &s->config, &s->tally));
    j->index = out->count;
    enum change_state state = decide(s);
    if (j->fault != RSM_OK || state == CHANGE_STAGED)
        return j->fault;
    add_verdict(s, state, out);
    write_rows(s, state);
    if (j->fault == RSM_OK)
        j->fault = effects_add_overlay(&j->m->effects, j->m->inner);
    return j->fault == RSM_OK ? kv_overlay_merge(j->m->inner, kv) : j->fault;
}

enum rsm_status settle_slot(struct machine *m, struct kv *kv, uint64_t slot, uint64_t now_ms,
                            struct verdicts *out)
{
    if (pending_count(kv) == 0)
        return RSM_OK;
    struct key place = {.size = 0};
    enum rsm_status status;
    uint8_t digest[HASH_SIZE];
    while ((status = pending_next(kv, &place, digest)) == RSM_OK) {
        struct settling s = {.j = {.m = m,
                                   .kv = m->inner,
                                   .slot = slot,
                                   .now_ms = now_ms,
                                   .is_brief = !verdicts_are_spacious(out)}};
        memcpy(s.j.digest, digest, HASH_SIZE);
        kv_overlay_clear(m->inner);
        status = settle_one(&s, kv, out);
        end(&s);
        if (status != RSM_OK)
            return status;
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}
