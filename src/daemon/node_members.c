/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_members.c - the members of the applied state, as the core wants them.
 *
 * The core hears of a change before it hears that its slot is applied: it must propose nothing in a
 * slot whose configuration it does not know (consensus/membership.c).
 */
#include "src/base/check.h"
#include "src/base/log.h"

#include "src/daemon/node_internal.h"
#include "src/daemon/node_recover.h"
#include "src/machine/members.h"

/*
 * A disk that came later than the genesis is a member from the configuration on that names its
 * incarnation. Under those before, its number was another disk's: if it took that one's vote for
 * its own, two such disks could be a majority of a cluster that has long gone on without them.
 */
static enum rsm_status find_joined(struct node *n)
{
    struct member_config past = {.version = UINT64_MAX};
    uint64_t own[] = {n->config.joined, n->config.incarnation};
    enum rsm_status status = RSM_OK;
    n->joined_version = 0;
    if (n->config.joined == 0 || MUTANT(JOIN_AS_GENESIS_MEMBER))
        return RSM_OK;
    n->joined_version = UINT64_MAX;
    while ((status = members_below(n->applied, past.version, &past)) == RSM_OK) {
        const struct member *self = member_config_find(&past, n->config.self);
        if (self == NULL || (self->incarnation != own[0] && self->incarnation != own[1]))
            continue;
        n->joined_version = past.version;
        n->config.joined = self->incarnation;
    }
    return status == RSM_NOT_FOUND ? RSM_OK : status;
}

static struct quorum quorum_of(const struct node *n, const struct member_config *config)
{
    struct quorum q = {0, 0};
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *member = &config->members[i];
        if (member->id == n->config.self && config->version < n->joined_version)
            continue;
        if (member->voter)
            q.voters |= quorum_bit(member->id);
        else
            q.learners |= quorum_bit(member->id);
    }
    return q;
}

/*
 * Where nobody else votes than the disk that had this number before, whoever was known until then
 * stands in: this replica has no vote there, and asks them for what was decided later.
 */
static replica_set stand_in(const struct node *n, const struct quorum *left)
{
    replica_set known = paxos_members(n->paxos)->now.voters & ~quorum_bit(n->config.self);
    return known != 0 ? known : left->learners;
}

enum rsm_status members_read(struct node *n, struct members *members_out)
{
    struct member_config current, next;
    enum rsm_status status = machine_members(n->applied, &n->genesis, &current, &next);
    if (status == RSM_OK)
        status = find_joined(n);
    if (status != RSM_OK)
        return status;
    bool is_next = next.version != 0;
    *members_out = (struct members){.now = quorum_of(n, &current)};
    if (members_out->now.voters == 0)
        members_out->now.voters = stand_in(n, &members_out->now);
    if (node_is_recovering(n)) {
        members_out->now = (struct quorum){.voters = quorum_bit(n->config.self)};
    } else if (is_next) {
        members_out->next = quorum_of(n, &next);
        members_out->next_first = next.effective_slot;
        if (members_out->next.voters == 0)
            members_out->next.voters = stand_in(n, &members_out->next);
    }
    if (members_out->now.voters == 0 ||
        (members_out->next_first != 0 && members_out->next.voters == 0))
        return RSM_WRONG_IDENTITY;
    n->members_version = is_next ? next.version : current.version;
    n->members_next_slot = members_out->next_first;
    n->members = members_out->now.voters | members_out->now.learners | members_out->next.voters |
                 members_out->next.learners;
    return RSM_OK;
}

bool members_are_self_alone(struct node *n)
{
    struct members members;
    replica_set self = quorum_bit(n->config.self);
    return members_read(n, &members) == RSM_OK && members.now.voters == self &&
           (members.next.voters & ~self) == 0;
}

static void members_fail(struct node *n, enum rsm_status status)
{
    node_raise(n, NODE_ALARM_STATE_DAMAGED, n->applied_slot);
    node_fail(n, status, "the state's members could not be read");
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
        members_fail(n, status);
        return;
    }
    struct paxos_event event = {.type = PAXOS_EVENT_MEMBERS, .members = &members};
    node_step(n, &event);
}

void members_on_installed(struct node *n, uint64_t slot)
{
    struct members members;
    enum rsm_status status = members_read(n, &members);
    if (status != RSM_OK) {
        members_fail(n, status);
        return;
    }
    struct paxos_event event = {.type = PAXOS_EVENT_INSTALLED, .number = slot, .members = &members};
    node_step(n, &event);
}
