/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_members.c - the members of the applied state, as the core wants them.
 *
 * The core hears of a change before it hears that its slot is applied: it must propose nothing in a
 * slot whose configuration it does not know (consensus/membership.c).
 */
#include "src/base/log.h"
#include "src/daemon/node_internal.h"
#include "src/machine/members.h"

static struct quorum quorum_of(const struct member_config *config)
{
    struct quorum q = {0, 0};
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *member = &config->members[i];
        if (member->voter)
            q.voters |= quorum_bit(member->id);
        else
            q.learners |= quorum_bit(member->id);
    }
    return q;
}

enum rsm_status members_read(struct node *n, struct members *members_out)
{
    struct member_config current, next;
    enum rsm_status status = machine_members(n->applied, &n->genesis, &current, &next);
    if (status != RSM_OK)
        return status;
    bool is_next = next.version != 0;
    *members_out = (struct members){.now = quorum_of(&current)};
    if (is_next) {
        members_out->next = quorum_of(&next);
        members_out->next_first = next.effective_slot;
    }
    n->members_version = is_next ? next.version : current.version;
    n->members_next_slot = members_out->next_first;
    n->members = members_out->now.voters | members_out->now.learners | members_out->next.voters |
                 members_out->next.learners;
    return RSM_OK;
}

void members_follow(struct node *n)
{
    struct members members;
    uint64_t version = 0;
    enum rsm_status status = machine_members_version(n->applied, &version);
    bool is_in_force = n->members_next_slot != 0 && n->applied_slot + 1 >= n->members_next_slot;
    if (status == RSM_OK && version == n->members_version && !is_in_force)
        return;
    if (status == RSM_OK)
        status = members_read(n, &members);
    if (status != RSM_OK) {
        node_raise(n, NODE_ALARM_STATE_DAMAGED, n->applied_slot);
        node_fail(n, status, "the state's members could not be read");
        return;
    }
    struct paxos_event event = {.type = PAXOS_EVENT_MEMBERS, .members = &members};
    node_step(n, &event);
}
