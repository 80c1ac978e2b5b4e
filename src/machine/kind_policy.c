/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind_policy.c - setting the policy; keys and bounds are in policy.h. */
#include "src/machine/judge.h"

#include "src/base/check.h"

void kind_policy_set(struct judge *j)
{
    struct bytes map;
    enum rsm_status status = body_policy_decode(j->command->body, &map);
    CHECK(status == RSM_OK);
    rule_rights_general(j);
    rule_freeze(j, (struct bytes){NULL, 0});
    rule_causal_object(j, OBJECT_POLICY, (struct bytes){NULL, 0}, "policy");
    bool is_changed;
    uint32_t before = j->m->reasons.count;
    if (!judge_found(j, policy_set(j->kv, map, &j->m->reasons, &is_changed)))
        return;
    if (!is_changed && j->m->reasons.count == before)
        judge_refuse(j, RSM_RULE_NO_CHANGE, "the policy is so already");
    rule_root_holders(j);
    object_write(j, OBJECT_POLICY, (struct bytes){NULL, 0});
}
