/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_change.c - asking for a higher class, votes, approvals, and taking a change back.
 *
 * What follows from a vote or an approval is decided at the end of its slot (settle.c), so that it
 * is the same whether one or several of them came in one slot.
 */
#include "src/command/body_change.h"
#include "src/machine/judge.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/staged.h"

/* ---- asking ---- */

/* Only rules that look at what a change leaves, and change nothing of what it writes. */
static bool may_be_overridden(uint32_t rule)
{
    return rule == RSM_RULE_FROZEN || rule == RSM_RULE_ENDPOINT_EMPTY;
}

static uint32_t rule_of_id(struct bytes id)
{
    static const uint32_t rules[] = {
#define RULE_NUMBER(name, number, id, stage, file, text) number,
        RSM_RULE_LIST(RULE_NUMBER)
#undef RULE_NUMBER
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (bytes_equal(id, bytes_of_string(rsm_rule_id(rules[i]))))
            return rules[i];
    return 0;
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
    while (body_next_octets(&body.overrides, &id)) {
        uint32_t rule = rule_of_id(id);
        if (!may_be_overridden(rule))
            judge_refuse(j, RSM_RULE_OVERRIDE_RULE,
                         "%.*s is no rule that an override may name; frozen and endpoint-empty are",
                         TEXT_ARGUMENTS(id));
        j->overrides[j->override_count++] = rule;
        j->class = RSM_CLASS_EMERGENCY;
    }
    j->inner = *j->command;
    j->inner.kind = body.kind;
    j->inner.body = body.body;
    j->command = &j->inner;
}

/* ---- the change that is meant ---- */

static bool load(struct judge *j, const struct body_ballot *body, struct staged_record *out)
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

static void require_open(struct judge *j, const struct staged_record *row)
{
    if (row->state != CHANGE_STAGED)
        judge_refuse(j, RSM_RULE_CHANGE_SETTLED, "the change is %s since slot %" PRIu64,
                     change_state_text(row->state), row->settled_slot);
    else if (j->now_ms >= row->deadline_ms)
        judge_refuse(j, RSM_RULE_CHANGE_SETTLED,
                     "the change's time ended at log time %" PRIu64 ", it is %" PRIu64,
                     row->deadline_ms, j->now_ms);
}

/* `row` borrows from the state: encoded before anything is written. */
static void put_row(struct judge *j, const uint8_t *digest, const struct staged_record *row)
{
    struct writer w;
    writer_init(&w, LIMIT_VALUE_SIZE);
    staged_encode(&w, row);
    judge_put_writer(j, TABLE_STAGED, bytes_make(digest, HASH_SIZE), &w);
    writer_deinit(&w);
}

static struct body_ballot decode(const struct judge *j)
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
    if (row->approved_ms == 0 && !MUTANT(NO_APPROVALS))
        judge_refuse(j, RSM_RULE_VOTE_INVALID,
                     "an emergency is voted on when %u persons have approved it", APPROVALS_NEEDED);
    if (body->yes && body->slot == row->slot && memcmp(body->effect, row->basis, HASH_SIZE) != 0)
        judge_refuse(j, RSM_RULE_VOTE_INVALID,
                     "replica %u says yes to another effect than the one of slot %" PRIu64, replica,
                     row->slot);
}

void kind_change_vote(struct judge *j)
{
    struct body_ballot body = decode(j);
    struct staged_record row;
    struct member_config config;
    if (!load(j, &body, &row))
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
        put_row(j, body.change, &row);
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

/* ---- approvals ---- */

static void check_approver(struct judge *j, const struct body_ballot *body,
                           const struct staged_record *row, struct bytes person)
{
    struct key key;
    struct bytes value;
    if (bytes_equal(j->command->author, row->author) ||
        (bytes_equal(person, row->person) && !MUTANT(AUTHOR_APPROVES)))
        judge_refuse(j, RSM_RULE_APPROVER, "%.*s is the author of the change, person %.*s",
                     TEXT_ARGUMENTS(j->command->author), TEXT_ARGUMENTS(person));
    key_approval(&key, body->change, person);
    if (judge_found(j, kv_get(j->kv, TABLE_APPROVAL, key_bytes(&key), &value)))
        judge_refuse(j, RSM_RULE_APPROVER, "person %.*s has approved it already",
                     TEXT_ARGUMENTS(person));
}

/* The approver's person, in m->copy; empty: no person, and that is said. */
static struct bytes load_person(struct judge *j)
{
    struct principal_record principal = {.person = {NULL, 0}};
    if (!judge_found(j, principal_load(j->kv, j->command->author, &principal)) ||
        principal.kind != RSM_PRINCIPAL_PERSON || principal.person.size == 0) {
        judge_refuse(j, RSM_RULE_APPROVER, "%.*s is no person; only persons approve",
                     TEXT_ARGUMENTS(j->command->author));
        return (struct bytes){NULL, 0};
    }
    writer_reset(&j->m->copy);
    writer_bytes(&j->m->copy, principal.person);
    return writer_result(&j->m->copy);
}

static void put_approval(struct judge *j, const struct body_ballot *body, struct bytes person)
{
    struct approval_record approval = {.slot = j->slot,
                                       .ms = j->now_ms,
                                       .principal = j->command->author,
                                       .reason = j->command->reason};
    struct key key;
    key_approval(&key, body->change, person);
    writer_reset(&j->m->value);
    approval_encode(&j->m->value, &approval);
    judge_put_writer(j, TABLE_APPROVAL, key_bytes(&key), &j->m->value);
}

void kind_change_approve(struct judge *j)
{
    struct body_ballot body = decode(j);
    struct staged_record row;
    uint32_t count = 0;
    rule_rights_general(j);
    struct bytes person = load_person(j);
    if (!load(j, &body, &row) || person.size == 0)
        return;
    require_open(j, &row);
    if (row.class != RSM_CLASS_EMERGENCY)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "a %s change needs no approval",
                     body_class_text(row.class));
    if (row.approved_ms != 0 && row.class == RSM_CLASS_EMERGENCY)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "it has its approvals since log time %" PRIu64,
                     row.approved_ms);
    check_approver(j, &body, &row, person);
    (void)judge_found(j, approval_count(j->kv, body.change, &count));
    count++;
    if (count >= APPROVALS_NEEDED) {
        /* The time counts from here, not from the request: that may have waited for hours. */
        row.approved_ms = j->now_ms;
        row.deadline_ms = j->now_ms + row.token_ms;
    }
    row.touched = j->slot;
    uint64_t deadline_ms = row.deadline_ms;
    put_row(j, body.change, &row);
    put_approval(j, &body, person);
    pack_map(&j->m->result, 3);
    pack_text(&j->m->result, "approvals");
    pack_uint(&j->m->result, count);
    pack_text(&j->m->result, "deadline_ms");
    pack_uint(&j->m->result, deadline_ms);
    pack_text(&j->m->result, "needed");
    pack_uint(&j->m->result, APPROVALS_NEEDED);
}

/* The author may always; anybody else needs the right. */
void kind_change_cancel(struct judge *j)
{
    struct body_ballot body = decode(j);
    struct staged_record row;
    struct reasons why;
    if (!load(j, &body, &row)) {
        rule_rights_general(j);
        return;
    }
    if (!bytes_equal(row.author, j->command->author))
        rule_rights_general(j);
    require_open(j, &row);
    reasons_init(&why);
    reasons_add(&why, RSM_RULE_CHANGE_CANCELLED, "taken back by %.*s in slot %" PRIu64 ": %.*s",
                TEXT_ARGUMENTS(j->command->author), j->slot, TEXT_ARGUMENTS(j->command->reason));
    row.touched = j->slot;
    row.reasons = writer_result(&why.bytes);
    put_row(j, body.change, &row);
    reasons_deinit(&why);
}
