/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind_update.c - rrset.update: a dynamic update (RFC 2136), prerequisites and all, as one command.
 *
 * What it is based on is said by its prerequisites, which are asked of the exact state when it is
 * applied: of two that race one wins. So causal rule 3 is not asked of record sets here. It is
 * asked of the zone: an update that was under way while its zone was deleted and made again is
 * stale.
 *
 * A client that heard nothing sends the same bytes again, perhaps to another replica; so an update
 * names its message, and what was applied is not applied a second time (update_request.c).
 *
 * A gateway signs what somebody sent with a TSIG key, and names whose key that was. Rights and
 * freezes are then those of that principal, who must be an automaton: a person signs for herself.
 *
 * Who sends an update waits for an answer and casts no votes: what needs them is refused
 * (policy_class.c), and asked for otherwise.
 */
#include "src/machine/judge.h"

#include "src/base/check.h"
#include "src/command/pack.h"
#include "src/machine/update.h"

/* The whole section; false: some name is not in the zone. */
static bool are_in_zone(struct judge *j, const struct body_update *body, struct body_walk walk)
{
    struct body_record r;
    bool is_good = true;
    while (body_next_record(&walk, &r)) {
        char words[WORDS_SIZE], in[WORDS_SIZE];
        if (name_is_at_or_below(r.owner, body->zone))
            continue;
        judge_refuse(j, RSM_RULE_OUT_OF_ZONE, "%s is not in zone %s",
                     words_rrset(r.owner, r.type, words), words_name(body->zone, in));
        is_good = false;
    }
    return is_good;
}

/*
 * Each record needs its grant, also when it would change nothing. Deleting all at a name is asked
 * for the name here, and for each set that really goes when the changes are known (true). An update
 * of nothing tells what is there all the same: its prerequisites are asked for.
 */
static bool check_rights(struct judge *j, const struct body_update *body)
{
    struct body_walk walk = body->updates;
    struct body_record r;
    bool deletes_names = false;
    while (body_next_record(&walk, &r)) {
        rule_rights_rrset(j, body->zone, r.owner, r.type);
        deletes_names |= r.type == BODY_TYPE_ANY;
    }
    walk = body->prerequisites;
    while (body->updates.left == 0 && body_next_record(&walk, &r))
        rule_rights_rrset(j, body->zone, r.owner, BODY_TYPE_ANY);
    if (body->updates.left == 0 && body->prerequisites.left == 0)
        rule_rights_zone(j, body->zone);
    return deletes_names;
}

/* {"changed": sets written, "serial": n} */
static void add_result(struct judge *j, const struct zone_record *row)
{
    uint64_t written = 0;
    for (size_t i = 0; i < j->m->changes.count; i++)
        written += j->m->changes.items[i].is_written ? 1 : 0;
    pack_map(&j->m->result, 2);
    pack_text(&j->m->result, "changed");
    pack_uint(&j->m->result, written);
    pack_text(&j->m->result, "serial");
    pack_uint(&j->m->result, row->serial);
}

static void make_changes(struct judge *j, const struct body_update *body, struct zone_record *row,
                         bool deletes_names)
{
    struct change_context context = {.zone = body->zone, .row = row, .is_update = true};
    judge_touch(j, body->zone, row->labels);
    update_add_changes(j, row, body);
    if (deletes_names && j->m->changes.count > 0)
        rule_rights_changes(j, body->zone);
    changes_make(j, &context);
    add_result(j, row);
}

void kind_rrset_update(struct judge *j)
{
    struct body_update body;
    struct zone_record row;
    char words[WORDS_SIZE];
    enum rsm_status status = body_update_decode(j->command->body, &body);
    CHECK(status == RSM_OK);
    if (body.principal.size > 0)
        rule_rights_behalf(j, body.principal);
    if (update_is_done(j, &body))
        return;
    rule_freeze(j, body.zone);
    bool deletes_names = check_rights(j, &body);
    rule_causal_object(j, OBJECT_ZONE, body.zone, NULL);
    if (!zone_copy(j, body.zone, &row)) {
        judge_refuse(j, RSM_RULE_ZONE_UNKNOWN, "there is no %s",
                     words_object(OBJECT_ZONE, body.zone, words));
        return;
    }
    bool is_in_zone = are_in_zone(j, &body, body.prerequisites);
    is_in_zone &= are_in_zone(j, &body, body.updates);
    if (!is_in_zone)
        return;
    update_check_prerequisites(j, &row, &body);
    make_changes(j, &body, &row, deletes_names);
    update_remember(j, &body);
}
