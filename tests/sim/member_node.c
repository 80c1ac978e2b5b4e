/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * member_node.c - members that come and go in a cluster of whole nodes.
 *
 * The plan names a replica; the next author that has nothing else to do makes the command that the
 * replica's place asks for, as resilience-ctl does it from what `member list` says: one that is no
 * member is added, a learner is promoted, or removed again, a voter is removed or moves. One that
 * was removed, and is named again, gets a new disk first, and comes back as a new incarnation.
 *
 * One member of the genesis stays for good: a newcomer knows only these, and finds nobody when all
 * of them have left (docs/reliability.md).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/check.h"
#include "src/daemon/node_recover.h"
#include "src/machine/members.h"
#include "tests/sim/replica_node.h"

/* ------------------------------------------------------------------------------------------- */
/* What the log says */

static replica_set set_of(const struct member_config *config, bool voters_only)
{
    replica_set set = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        if (!voters_only || config->members[i].voter)
            set |= quorum_bit(config->members[i].id);
    }
    return set;
}

static bool read_members(struct replica *r, struct member_config *current,
                         struct member_config *next)
{
    struct node_cluster *c = r->cluster;
    if (machine_members(node_state(r->node), &c->genesis_parsed, current, next) == RSM_OK)
        return true;
    sim_fail(&c->sim, "replica %u: its state's members cannot be read", r->id);
    return false;
}

void member_begin(struct node_cluster *c)
{
    c->members.voters = ((UINT32_C(1) << c->options.voter_count) - 1) << 1;
    c->members.version = 1;
    c->members.next_first = UINT64_MAX;
    c->members.all = c->members.voters;
    c->members.steady = 1 + (uint32_t)(c->sim.seed % c->options.voter_count);
}

static void mark_change(struct node_cluster *c)
{
    const struct node_members *m = &c->members;
    if ((m->next_all & ~m->all) != 0)
        sim_mark(c, SIM_MARK_MEMBER_ADDED);
    if ((m->all & ~m->next_all) != 0)
        sim_mark(c, SIM_MARK_MEMBER_REMOVED);
    if ((m->next_voters & ~m->voters) != 0)
        sim_mark(c, SIM_MARK_MEMBER_PROMOTED);
    for (uint32_t id = 1; id <= c->options.node_count; id++) {
        if ((m->next_all & quorum_bit(id)) != 0)
            replica_at(c, id)->was_member = true;
    }
}

/* The first replica that applies a change tells the judges. */
void member_on_applied(struct replica *r, uint64_t slot)
{
    struct node_cluster *c = r->cluster;
    struct member_config current, next;
    uint64_t version = 0;
    if (slot <= c->members.slot || r->is_left)
        return;
    c->members.slot = slot;
    if (machine_members_version(node_state(r->node), &version) != RSM_OK ||
        (version == c->members.version && slot + 1 < c->members.next_first))
        return;
    if (!read_members(r, &current, &next))
        return;
    if (c->members.next_first <= slot + 1)
        sim_mark(c, SIM_MARK_MEMBER_IN_FORCE);
    c->members.voters = set_of(&current, true);
    c->members.all = set_of(&current, false);
    c->members.next_voters = set_of(&next, true);
    c->members.next_all = set_of(&next, false);
    c->members.next_first = next.version != 0 ? next.effective_slot : UINT64_MAX;
    if (version == c->members.version)
        return;
    c->members.version = version;
    c->report->member_changes++;
    mark_change(c);
    if (next.version == 0) /* in force at once: one goes on alone */
        next = current;
    sim_note(&c->sim, "slot %" PRIu64 ": from slot %" PRIu64 " on voters %x of members %x", slot,
             next.effective_slot, set_of(&next, true), set_of(&next, false));
    checker_set_voters(c->checker, next.effective_slot, set_of(&next, true));
    stage_set_voters(recount_stages(audit_recount(c->audit)), next.effective_slot,
                     set_of(&next, true));
}

/* As membership.c does for the links: whom they talk to, and as what. */
void member_follow(struct replica *r)
{
    struct node_cluster *c = r->cluster;
    struct member_config current, next;
    uint64_t version = 0;
    uint64_t applied = node_applied(r->node);
    if (machine_members_version(node_state(r->node), &version) != RSM_OK ||
        (version == r->members_version && applied + 1 < r->members_next))
        return;
    if (!read_members(r, &current, &next))
        return;
    r->members_version = version;
    r->members_next = next.version != 0 ? next.effective_slot : UINT64_MAX;
    replica_set all = set_of(&current, false) | set_of(&next, false);
    net_set_members(&c->net, r->id, node_is_recovering(r->node) ? quorum_bit(r->id) : all);
    for (uint32_t i = 0; i < current.count; i++)
        net_pin(&c->net, r->id, current.members[i].id, current.members[i].incarnation);
    for (uint32_t i = 0; next.version != 0 && i < next.count; i++)
        net_pin(&c->net, r->id, next.members[i].id, next.members[i].incarnation);
}

replica_set member_all(const struct node_cluster *c)
{
    return c->members.all | c->members.next_all;
}

static bool is_majority(replica_set set, replica_set voters)
{
    return 2 * quorum_count(set & voters) > quorum_count(voters);
}

bool member_is_quorum(const struct node_cluster *c, replica_set set)
{
    return is_majority(set, c->members.voters) &&
           (c->members.next_voters == 0 || is_majority(set, c->members.next_voters));
}

/* ------------------------------------------------------------------------------------------- */
/* Changes */

void member_wish(struct node_cluster *c, const struct fault *fault)
{
    struct replica *r = replica_at(c, fault->replica);
    bool is_member = (member_all(c) & quorum_bit(fault->replica)) != 0;
    if (!is_member && r->was_member) {
        replica_replace(r);
        r->was_member = false;
        sim_mark(c, SIM_MARK_REPLACED);
    }
    c->member_wish = fault;
}

/* The incarnations as the leader knows them; it refuses other ones. */
static size_t list_known(const struct replica *at, const struct member_config *config, uint32_t but,
                         struct rsm_incarnation *known)
{
    const struct node_cluster *c = at->cluster;
    struct node_status said;
    size_t count = 0;
    node_get_status(at->node, &said);
    uint32_t leader = said.leader != 0 ? said.leader : at->id;
    for (uint32_t i = 0; i < config->count; i++) {
        uint32_t id = config->members[i].id;
        uint64_t incarnation =
            id == leader ? replica_at(c, id)->incarnation : c->net.ends[leader].known[id];
        if (incarnation != 0 && id != but)
            known[count++] = (struct rsm_incarnation){id, incarnation};
    }
    return count;
}

/* The address moves with each update. */
static void describe(struct replica *r, char peer[32], char client[32],
                     char zone[REPLICA_ZONE_SIZE], struct rsm_member *out)
{
    replica_zone(r->id, zone);
    snprintf(peer, 32, "127.0.%u.1:%u", r->moves, 6999 + r->id);
    snprintf(client, 32, "127.0.%u.2:%u", r->moves, 6999 + r->id);
    *out = (struct rsm_member){
        .id = r->id,
        .zone = rsm_text(zone),
        .key = rsm_bytes_make(replica_public_key(r->cluster, r->id), GENESIS_KEY_SIZE),
        .peer_address = rsm_text(peer),
        .client_address = rsm_text(client),
        .incarnation = r->announced};
}

static bool may_remove(const struct node_cluster *c, const struct member_config *config,
                       const struct member *m, uint64_t salt)
{
    uint32_t voters = quorum_count(set_of(config, true));
    uint32_t least = salt % 4 == 0 ? 2 : 3;
    return m->id != c->members.steady && (!m->voter || voters > least);
}

enum rsm_kind member_body(struct node_cluster *c, uint32_t at, struct rsm_buffer *body_out)
{
    const struct fault *wish = c->member_wish;
    struct replica *r = replica_at(c, wish->replica);
    struct member_config config, next;
    struct rsm_incarnation known[LIMIT_REPLICAS];
    struct rsm_member member;
    char zone[REPLICA_ZONE_SIZE];
    char peer[32];
    char client[32];
    c->member_wish = NULL;
    if (!read_members(replica_at(c, at), &config, &next))
        return RSM_KIND_RRSET_CHANGE;
    if (next.version != 0)
        config = next;
    size_t known_count = list_known(replica_at(c, at), &config, 0, known);
    const struct member *m = member_config_find(&config, wish->replica);
    if (m == NULL) {
        describe(r, peer, client, zone, &member);
        CHECK(rsm_body_member_add(&member, known, known_count, body_out) == RSM_OK);
        return RSM_KIND_MEMBER_ADD;
    }
    bool removes = may_remove(c, &config, m, wish->salt) && (m->voter || wish->salt % 8 == 1);
    if (removes) {
        CHECK(rsm_body_member_remove(m->id, body_out) == RSM_OK);
        return RSM_KIND_MEMBER_REMOVE;
    }
    if (!m->voter) {
        CHECK(rsm_body_member_promote(m->id, known, known_count, body_out) == RSM_OK);
        return RSM_KIND_MEMBER_PROMOTE;
    }
    r->moves++;
    describe(r, peer, client, zone, &member);
    CHECK(rsm_body_member_update(&member, body_out) == RSM_OK);
    return RSM_KIND_MEMBER_UPDATE;
}
