/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy_groups.c - the policy's list "approval_groups": who of the persons that approve an
 * emergency has to be among them.
 *
 *     approval_groups [[role str, least uint]...]      at most 8; default: none
 *
 * Of the persons whose approval counts, at least `least` have the role; that holds for every item.
 * A person with two roles counts for both, once in the number of all (the policy "approvals").
 */
#include "src/machine/policy.h"

#include "src/command/body.h"
#include "src/command/unpack.h"

bool policy_group_take(struct unpack *list, struct policy_group *out)
{
    struct unpack u = unpack_make(unpack_raw(list));
    unpack_array_exactly(&u, 2);
    out->role = unpack_str(&u, LIMIT_LABEL_SIZE);
    out->least = (uint32_t)unpack_uint_max(&u, LIMIT_APPROVERS);
    return unpack_ok(list) && unpack_done(&u) && body_is_word(out->role) && out->least > 0;
}

void policy_groups_check(struct unpack *list, struct reasons *reasons)
{
    uint32_t count = unpack_array(list);
    bool is_good = unpack_ok(list) && count <= LIMIT_APPROVAL_GROUPS;
    struct policy_group group;
    for (; is_good && count > 0; count--)
        is_good = policy_group_take(list, &group);
    if (!is_good)
        reasons_add(reasons, RSM_RULE_POLICY_BAD,
                    "approval_groups: at most %u items, each [role str, least 1 to %u]",
                    LIMIT_APPROVAL_GROUPS, LIMIT_APPROVERS);
}
