/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_approve.c - an emergency on its way from the request to the votes.
 *
 *     change.request   it is staged; it lives for emergency_request_ms
 *     change.approve   persons other than the author's approve exactly this change. With the last
 *                      approval that is needed the *token* begins: emergency_token_ms, in log time
 *     change.apply     uses the token, once: the replicas vote from here on, for
 *                      critical_deadline_ms
 *
 * What the root role has to agree to (rule_root.c) is approved the same way; it is not applied:
 * with the last approval its votes begin, or, when its class is standard, it takes effect.
 *
 * An approval counts as long as whoever gave it still could give it: it is looked at again when the
 * next one comes, and when the change is applied. So a key that was stolen and revoked in between
 * has approved nothing. Until it is applied another person stands in for such an approver, or the
 * same one with what there is now; the token begins anew with the last approval that was needed.
 */
#include "src/command/body_change.h"
#include "src/machine/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/factor.h"
#include "src/machine/staged.h"

#define NO_FACTOR ((struct bytes){NULL, 0})

/* ---- which approvals count ---- */

struct tally {
    uint32_t count; /* that count */
    uint32_t root;  /* of persons with the role root, the author among them */
    uint32_t groups[LIMIT_APPROVAL_GROUPS];
};

static struct unpack load_groups(struct judge *j, uint32_t *left_out)
{
    struct bytes raw;
    *left_out = 0;
    if (!judge_found(j, kv_get(j->kv, TABLE_POLICY, bytes_of_string("approval_groups"), &raw)))
        return unpack_make((struct bytes){NULL, 0});
    struct unpack list = unpack_make(raw);
    *left_out = unpack_array(&list);
    return list;
}

static void count_one(struct judge *j, const struct principal_record *principal, struct tally *t)
{
    uint32_t left;
    struct policy_group group;
    struct unpack list = load_groups(j, &left);
    t->count++;
    bool is_root =
        MUTANT(ROOT_OF_ANYBODY) || principal_has_role(principal, bytes_of_string("root"));
    t->root += is_root ? 1 : 0;
    for (uint32_t i = 0; i < left && i < LIMIT_APPROVAL_GROUPS; i++) {
        if (!policy_group_take(&list, &group))
            return;
        t->groups[i] += principal_has_role(principal, group.role) ? 1 : 0;
    }
}

/* Why an approval that was given does not count any more; NULL: it counts. */
static const char *why_void(struct judge *j, struct bytes person, const struct approval_record *a,
                            struct principal_record *principal)
{
    if (MUTANT(STALE_APPROVALS))
        return judge_found(j, principal_load(j->kv, a->principal, principal)) ? NULL : "gone";
    if (!judge_found(j, principal_load(j->kv, a->principal, principal)))
        return "is no principal any more";
    if (principal->kind != RSM_PRINCIPAL_PERSON || !bytes_equal(principal->person, person))
        return "is not that person any more";
    if (!principal_has_key(principal, a->key))
        return "has lost the key that it was signed with";
    if (!principal_may(j, principal, rsm_kind_text(RSM_KIND_CHANGE_APPROVE)))
        return "has no right to approve any more";
    struct factor_record factor;
    if (a->factor.size > 0 &&
        (!judge_found(j, factor_load(j->kv, a->principal, a->factor, &factor)) ||
         factor.revoked_slot != 0))
        return "has lost the second factor";
    return NULL;
}

/* Whoever signed the change and holds the role agrees to it, as long as that is so. */
static uint32_t count_author(struct judge *j, const struct staged_record *row)
{
    struct principal_record author;
    return judge_found(j, principal_load(j->kv, row->author, &author)) &&
           author.kind == RSM_PRINCIPAL_PERSON && principal_has_key(&author, row->key) &&
           principal_has_role(&author, bytes_of_string("root"));
}

/* `tell`: what does not count is told, as reasons. */
static struct tally count_approvals(struct judge *j, const uint8_t *digest, bool tell)
{
    struct tally t = {.count = 0};
    struct staged_record row;
    if (judge_found(j, staged_load(j->kv, digest, &row)) && row.root_needed > 0)
        t.root = count_author(j, &row);
    struct key place = {.size = 0};
    struct bytes person;
    struct approval_record a;
    while (judge_found(j, approval_next(j->kv, digest, &place, &person, &a))) {
        struct principal_record principal;
        const char *why = why_void(j, person, &a, &principal);
        if (why == NULL)
            count_one(j, &principal, &t);
        else if (tell)
            judge_refuse(j, RSM_RULE_APPROVER,
                         "the approval of %.*s in slot %" PRIu64 " does not count: %.*s %s",
                         TEXT_ARGUMENTS(person), a.slot, TEXT_ARGUMENTS(a.principal), why);
    }
    return t;
}

/* What is still missing, in words; empty: nothing. */
static bool is_enough(struct judge *j, const struct staged_record *row, const struct tally *t,
                      char *words, size_t size)
{
    uint32_t left;
    struct policy_group group;
    size_t used = 0;
    words[0] = '\0';
    if (t->root < row->root_needed)
        used =
            (size_t)snprintf(words, size, "%u of %u with the role root", t->root, row->root_needed);
    if (row->class != RSM_CLASS_EMERGENCY)
        return used == 0;
    if (t->count < j->policy.approvals)
        used += (size_t)snprintf(words + used, size - used, "%s%u of %" PRIu64 " persons",
                                 used > 0 ? ", " : "", t->count, j->policy.approvals);
    struct unpack list = load_groups(j, &left);
    for (uint32_t i = 0; i < left && i < LIMIT_APPROVAL_GROUPS; i++) {
        if (policy_group_take(&list, &group) && t->groups[i] < group.least && used < size)
            used += (size_t)snprintf(words + used, size - used, "%s%u of %u with the role %.*s",
                                     used > 0 ? ", " : "", t->groups[i], group.least,
                                     TEXT_ARGUMENTS(group.role));
    }
    return used == 0;
}

/* ---- approving ---- */

/* One that has all that it needs takes none, as long as they count. */
static void require_wanting(struct judge *j, const struct body_ballot *body,
                            const struct staged_record *row)
{
    char missing[512];
    if (row->approved_ms == 0)
        return;
    struct tally t = count_approvals(j, body->change, false);
    if (row->voting_ms != 0 || is_enough(j, row, &t, missing, sizeof missing))
        judge_refuse(j, RSM_RULE_NO_CHANGE, "it has its approvals since log time %" PRIu64,
                     row->approved_ms);
}

/* An approval of that person's that counts. */
static bool has_approved(struct judge *j, const struct body_ballot *body, struct bytes person)
{
    struct key key;
    struct bytes value;
    struct approval_record a;
    struct principal_record principal;
    key_approval(&key, body->change, person);
    return judge_found(j, kv_get(j->kv, TABLE_APPROVAL, key_bytes(&key), &value)) &&
           judge_found(j, approval_decode(value, &a)) &&
           why_void(j, person, &a, &principal) == NULL;
}

static void check_approver(struct judge *j, const struct body_ballot *body,
                           const struct staged_record *row, struct bytes person)
{
    if (bytes_equal(j->command->author, row->author) ||
        (bytes_equal(person, row->person) && !MUTANT(AUTHOR_APPROVES)))
        judge_refuse(j, RSM_RULE_APPROVER, "%.*s is the author of the change, person %.*s",
                     TEXT_ARGUMENTS(j->command->author), TEXT_ARGUMENTS(person));
    if (has_approved(j, body, person))
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

/* With the second factor that it came with, which is used now. */
static void put_approval(struct judge *j, const struct body_ballot *body, bool is_emergency,
                         struct bytes person)
{
    struct factor_record factor;
    bool has_factor = rule_factor(j, body->change, is_emergency, &body->factor, &factor);
    if (has_factor)
        rule_factor_used(j, &body->factor, &factor);
    struct approval_record approval = {.slot = j->slot,
                                       .ms = j->now_ms,
                                       .key = j->key,
                                       .factor = has_factor ? body->factor.id : NO_FACTOR,
                                       .principal = j->command->author,
                                       .reason = j->command->reason};
    struct key key;
    key_approval(&key, body->change, person);
    writer_reset(&j->m->value);
    approval_encode(&j->m->value, &approval);
    judge_put_writer(j, TABLE_APPROVAL, key_bytes(&key), &j->m->value);
}

static void require_emergency(struct judge *j, const struct staged_record *row)
{
    if (row->class != RSM_CLASS_EMERGENCY)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "a %s change is not applied: it takes effect by itself",
                     body_class_text(row->class));
}

/* {"approvals": n, "deadline_ms": n, "missing": text, "needed": n} */
static void add_approval_result(struct judge *j, uint32_t count, uint64_t needed,
                                uint64_t deadline_ms, const char *missing)
{
    pack_map(&j->m->result, 4);
    pack_text(&j->m->result, "approvals");
    pack_uint(&j->m->result, count);
    pack_text(&j->m->result, "deadline_ms");
    pack_uint(&j->m->result, deadline_ms);
    pack_text(&j->m->result, "missing");
    pack_text(&j->m->result, missing);
    pack_text(&j->m->result, "needed");
    pack_uint(&j->m->result, needed);
}

void kind_change_approve(struct judge *j)
{
    struct body_ballot body = change_decode(j);
    struct staged_record row;
    char missing[512];
    rule_rights_general(j);
    struct bytes person = load_person(j);
    if (!change_load(j, &body, &row) || person.size == 0)
        return;
    change_require_open(j, &row);
    if (row.class != RSM_CLASS_EMERGENCY && row.root_needed == 0)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "a %s change needs no approval",
                     body_class_text(row.class));
    else
        require_wanting(j, &body, &row);
    check_approver(j, &body, &row, person);
    bool is_emergency = row.class == RSM_CLASS_EMERGENCY;
    row.touched = j->slot;
    /* The row borrows: it is written before, and read again behind, this approval. */
    change_put(j, body.change, &row);
    put_approval(j, &body, is_emergency, person);
    struct tally t = count_approvals(j, body.change, false);
    if (!judge_found(j, staged_load(j->kv, body.change, &row)))
        return;
    bool has_all = is_enough(j, &row, &t, missing, sizeof missing);
    if (has_all && !is_emergency) {
        row.approved_ms = row.voting_ms = j->now_ms;
        row.deadline_ms = j->now_ms + j->policy.critical_deadline_ms;
    } else if (has_all) {
        /* The time counts from here, not from the request: that may have waited for hours. */
        row.approved_ms = j->now_ms;
        row.deadline_ms = (MUTANT(TOKEN_FROM_REQUEST) ? row.staged_ms : j->now_ms) + row.token_ms;
    }
    uint64_t deadline_ms = row.deadline_ms;
    uint64_t needed = is_emergency ? j->policy.approvals : row.root_needed;
    change_put(j, body.change, &row);
    add_approval_result(j, is_emergency ? t.count : t.root, needed, deadline_ms, missing);
}

/* ---- applying ---- */

/* Every approver whom the command names has approved it. */
static void check_named(struct judge *j, const struct body_ballot *body)
{
    struct body_walk names = body->approvers;
    struct bytes name;
    while (body_next_octets(&names, &name)) {
        struct key place = {.size = 0};
        struct bytes person;
        struct approval_record a;
        bool is_there = false;
        while (!is_there && judge_found(j, approval_next(j->kv, body->change, &place, &person, &a)))
            is_there = bytes_equal(a.principal, name);
        if (!is_there)
            judge_refuse(j, RSM_RULE_APPROVER, "%.*s has not approved it", TEXT_ARGUMENTS(name));
    }
}

static void check_token(struct judge *j, const struct body_ballot *body,
                        const struct staged_record *row)
{
    char missing[512];
    struct tally t = count_approvals(j, body->change, false);
    bool has_all = is_enough(j, row, &t, missing, sizeof missing);
    if (!has_all && !MUTANT(NO_APPROVALS)) {
        (void)count_approvals(j, body->change, true);
        judge_refuse(j, RSM_RULE_APPROVER,
                     "approved by %s; they run: resilience-ctl override approve DIGEST", missing);
    }
    if (row->voting_ms != 0 && !MUTANT(TOKEN_TWICE))
        judge_refuse(j, RSM_RULE_OVERRIDE_TOKEN,
                     "it was applied at log time %" PRIu64 "; approvals are used once",
                     row->voting_ms);
    if (row->approved_ms != 0 && row->voting_ms == 0 && j->now_ms >= row->deadline_ms)
        judge_refuse(j, RSM_RULE_OVERRIDE_TOKEN,
                     "approved at log time %" PRIu64 ", good until %" PRIu64 ", it is %" PRIu64
                     "; ask again, and have it approved again",
                     row->approved_ms, row->deadline_ms, j->now_ms);
}

/* The author may; anybody else needs the right. */
void kind_change_apply(struct judge *j)
{
    struct body_ballot body = change_decode(j);
    struct staged_record row;
    if (!change_load(j, &body, &row)) {
        rule_rights_general(j);
        return;
    }
    if (!bytes_equal(row.author, j->command->author))
        rule_rights_general(j);
    change_require_open(j, &row);
    require_emergency(j, &row);
    check_token(j, &body, &row);
    check_named(j, &body);
    procedure_before_apply(j);
    row.touched = j->slot;
    row.voting_ms = j->now_ms;
    row.deadline_ms = j->now_ms + j->policy.critical_deadline_ms;
    uint64_t deadline_ms = row.deadline_ms;
    change_put(j, body.change, &row);
    pack_map(&j->m->result, 2);
    pack_text(&j->m->result, "deadline_ms");
    pack_uint(&j->m->result, deadline_ms);
    pack_text(&j->m->result, "state");
    pack_text(&j->m->result, "voting");
}
