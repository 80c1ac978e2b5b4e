/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_change.c - asking for a higher class, votes, and taking a change back.
 *
 * What follows from a vote is decided at the end of its slot (settle.c), so that it
 * is the same whether one or several of them came in one slot.
 */
#include "src/command/body_change.h"
#include "src/machine/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/staged.h"

/* ---- asking ---- */

static void refuse_override(struct judge *j, struct bytes id)
{
    char list[256] = "";
    size_t used = 0;
    for (uint32_t rule = 1; rule <= rsm_rule_last(); rule++) {
        if (rsm_rule_may_be_overridden(rule))
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                                     rsm_rule_id(rule));
        CHECK(used < sizeof list);
    }
    judge_refuse(j, RSM_RULE_OVERRIDE_RULE,
                 "%.*s is no rule that an override may name; these are: %s", TEXT_ARGUMENTS(id),
                 list);
}

void request_unwrap(struct judge *j)
{
    struct body_request body;
    struct bytes id;
    if (j->command->kind != RSM_KIND_CHANGE_REQUEST)
        return;
    enum rsm_status status = body_request_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    j->class = body.class_least;
    j->undoes = body.undone;
    j->restores = body.restored;
    if (j->class > RSM_CLASS_STANDARD)
        (void)snprintf(j->class_why, sizeof j->class_why, "it was asked for");
    while (body_next_octets(&body.overrides, &id)) {
        uint32_t rule = rsm_rule_parse(id.data, id.size);
        if (!rsm_rule_may_be_overridden(rule))
            refuse_override(j, id);
        j->overrides[j->override_count++] = rule;
        j->class = RSM_CLASS_EMERGENCY;
        (void)snprintf(j->class_why, sizeof j->class_why, "it overrides a rule");
    }
    j->inner = *j->command;
    j->inner.kind = body.kind;
    j->inner.body = body.body;
    j->command = &j->inner;
}

/* ---- the change that is meant ---- */

bool change_load(struct judge *j, const struct body_ballot *body, struct staged_record *out)
{
    if (judge_found(j, staged_load(j->kv, body->change, out)))
        return true;
    char hex[2 * 8 + 1];
    hex_encode(hex, bytes_make(body->change, 8));
    judge_refuse(j, RSM_RULE_CHANGE_UNKNOWN, "no change with digest %s... was staged", hex);
    return false;
}

static bool is_open(const struct judge *j, const struct staged_record *row)
{
    return row->state == CHANGE_STAGED && j->now_ms < row->deadline_ms;
}

void change_require_open(struct judge *j, const struct staged_record *row)
{
    if (row->state != CHANGE_STAGED)
        judge_refuse(j, RSM_RULE_CHANGE_SETTLED, "the change is %s since slot %" PRIu64,
                     change_state_text(row->state), row->settled_slot);
    else if (j->now_ms >= row->deadline_ms)
        judge_refuse(j, RSM_RULE_CHANGE_SETTLED,
                     "the change's time ended at log time %" PRIu64 ", it is %" PRIu64,
                     row->deadline_ms, j->now_ms);
}

void change_put(struct judge *j, const uint8_t *digest, const struct staged_record *row)
{
    struct writer w;
    writer_init(&w, LIMIT_VALUE_SIZE);
    staged_encode(&w, row);
    judge_put_writer(j, TABLE_STAGED, bytes_make(digest, HASH_SIZE), &w);
    writer_deinit(&w);
}

struct body_ballot change_decode(const struct judge *j)
{
    struct body_ballot body;
    enum rsm_status status = body_ballot_decode(j->command->kind, j->command->body, &body);
    CHECK(status == RSM_OK);
    return body;
}

/* ---- votes ---- */

/* The author as a voter of the change's members; NULL: it is none, and that is said. */
static const struct member *find_voter(struct judge *j, const struct staged_record *row,
                                       struct member_config *config)
{
    uint32_t id = replica_of_author(j->command->author);
    const struct member *m = NULL;
    if (judge_found(j, members_below(j->kv, row->members + 1, config)))
        m = member_config_find(config, id);
    if (m != NULL && m->voter && memcmp(m->key, j->key, sizeof m->key) == 0)
        return m;
    judge_refuse(j, RSM_RULE_VOTE_INVALID,
                 "%.*s was no voter of configuration %" PRIu64
                 ", under which the change was staged",
                 TEXT_ARGUMENTS(j->command->author), row->members);
    return NULL;
}

static void check_vote(struct judge *j, const struct body_ballot *body,
                       const struct staged_record *row, uint32_t replica)
{
    struct vote_record before;
    if (!MUTANT(VOTES_TWICE) && judge_found(j, vote_load(j->kv, body->change, replica, &before)))
        judge_refuse(j, RSM_RULE_VOTE_INVALID, "replica %u voted %s in slot %" PRIu64, replica,
                     before.yes ? "yes" : "no", before.slot);
    if (row->voting_ms == 0 && !MUTANT(NO_APPROVALS))
        judge_refuse(j, RSM_RULE_VOTE_INVALID,
                     "an emergency is voted on when it was approved and applied");
    if (body->yes && body->slot == row->slot && memcmp(body->effect, row->basis, HASH_SIZE) != 0)
        judge_refuse(j, RSM_RULE_VOTE_INVALID,
                     "replica %u says yes to another effect than the one of slot %" PRIu64, replica,
                     row->slot);
}

void kind_change_vote(struct judge *j)
{
    struct body_ballot body = change_decode(j);
    struct staged_record row;
    struct member_config config;
    if (!change_load(j, &body, &row))
        return;
    const struct member *m = find_voter(j, &row, &config);
    if (m == NULL)
        return;
    check_vote(j, &body, &row, m->id);
    bool is_late = !is_open(j, &row) && !MUTANT(LATE_VOTES_COUNT);
    struct vote_record vote = {.yes = body.yes,
                               .late = is_late,
                               .slot = j->slot,
                               .ms = j->now_ms,
                               .checked_slot = body.slot,
                               .effect = body.effect,
                               .zone = bytes_of_string(m->zone),
                               .reason = j->command->reason};
    enum change_state state = row.state;
    if (!is_late) {
        row.touched = j->slot;
        change_put(j, body.change, &row);
    }
    struct key key;
    key_vote(&key, body.change, m->id);
    writer_reset(&j->m->value);
    vote_encode(&j->m->value, &vote);
    judge_put_writer(j, TABLE_VOTE, key_bytes(&key), &j->m->value);
    pack_map(&j->m->result, 2);
    pack_text(&j->m->result, "late");
    pack_bool(&j->m->result, is_late);
    pack_text(&j->m->result, "state");
    pack_text(&j->m->result, change_state_text(state));
}

/* ---- taking back ---- */

/* The author may always; anybody else needs the right. */
void kind_change_cancel(struct judge *j)
{
    struct body_ballot body = change_decode(j);
    struct staged_record row;
    struct reasons why;
    if (!change_load(j, &body, &row)) {
        rule_rights_general(j);
        return;
    }
    if (!bytes_equal(row.author, j->command->author))
        rule_rights_general(j);
    change_require_open(j, &row);
    reasons_init(&why);
    reasons_add(&why, RSM_RULE_CHANGE_CANCELLED, "taken back by %.*s in slot %" PRIu64 ": %.*s",
                TEXT_ARGUMENTS(j->command->author), j->slot, TEXT_ARGUMENTS(j->command->reason));
    row.touched = j->slot;
    row.reasons = writer_result(&why.bytes);
    change_put(j, body.change, &row);
    reasons_deinit(&why);
}
