/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rule_root.c - the root role: k of its holders agree to what decides who may do what.
 *
 * With the policy root_approvals = k above 0 these take effect once k different persons who hold
 * the role "root" agree: policy.set, role.*, principal.*, factor.*, and what an item of the
 * policy's classes marks with `root`. A holder who signs the command agrees by that; the others
 * approve its digest (change.approve, kind_approve.c). Votes of its class are asked for behind the
 * approvals.
 *
 * No command may leave fewer holders than have to agree (root-holders): nothing could be changed
 * any more. The role itself is never written, as the role "admin".
 */
#include "src/machine/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/command/verb.h"
#include "src/machine/names.h"

static bool is_for_root(enum rsm_kind kind)
{
    return kind == RSM_KIND_POLICY_SET ||
           verb_matches(bytes_of_string("role.*"), rsm_kind_text(kind)) ||
           verb_matches(bytes_of_string("factor.*"), rsm_kind_text(kind)) ||
           verb_matches(bytes_of_string("principal.*"), rsm_kind_text(kind));
}

void root_of_command(struct judge *j, bool is_listed)
{
    const struct actor *a = &j->m->actor;
    uint64_t needed = j->policy.root_approvals;
    if (needed == 0 || (!is_listed && !is_for_root(j->command->kind)) || MUTANT(NO_ROOT))
        return;
    j->root_needed = needed;
    j->waits_for_root = needed > (a->is_root && a->is_person ? 1 : 0);
    if (j->waits_for_root && j->class_why[0] == '\0')
        (void)snprintf(j->class_why, sizeof j->class_why,
                       "%" PRIu64 " persons with the role root have to agree", needed);
}

/* Different persons with the role and a key, at most `most`. */
static uint64_t count_holders(struct judge *j, uint64_t most)
{
    struct key place = {.size = 0};
    struct bytes name, value;
    name_set_clear(j->m->names);
    while (name_set_count(j->m->names) < most &&
           judge_found(j, kv_next(j->kv, TABLE_PRINCIPAL, key_bytes(&place), place.size > 0, &name,
                                  &value))) {
        struct principal_record p;
        size_t index;
        uint32_t walk;
        if (!judge_found(j, principal_decode(value, &p)))
            break;
        place.size = name.size;
        memcpy(place.data, name.data, name.size);
        if (p.kind == RSM_PRINCIPAL_PERSON && p.key_count > 0 &&
            principal_has_role(&p, bytes_of_string("root")))
            (void)name_set_add(j->m->names, p.person, 1, &index, &walk);
    }
    return name_set_count(j->m->names);
}

void rule_root_holders(struct judge *j)
{
    struct policy policy;
    if (!judge_found(j, policy_load(j->kv, &policy)) || policy.root_approvals == 0 ||
        MUTANT(NO_ROOT_HOLDERS))
        return;
    uint64_t count = count_holders(j, policy.root_approvals);
    if (count < policy.root_approvals)
        judge_refuse(j, RSM_RULE_ROOT_HOLDERS,
                     "%" PRIu64 " persons with the role root and a key would be left, and %" PRIu64
                     " have to agree; give the role to more first, or lower root_approvals",
                     count, policy.root_approvals);
}
