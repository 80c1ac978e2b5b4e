/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * membership.c - configurations come and go.
 *
 * A change that is applied in slot s governs the slots from s + distance on. Why that is safe:
 *
 *   1. Whoever proposes in slot x has applied slot x - distance, so it knows the configuration of
 * x.
 *   2. Whoever leads has promises, in its ballot, of a quorum of each configuration that it knows.
 *      One that learns of a change while it leads runs phase 1 again, in a higher ballot, before it
 *      goes on: 1. the change is applied; 2. the old ballot had no promise of the new voters;
 *      3. a leader of the new configuration may have been elected by them, without us.
 *   3. So in each slot every ballot that proposes has a quorum of promises of the slot's own
 *      configuration, and votes are counted by it: within a slot it is plain Paxos.
 *
 * A leader that is to be removed stops before the first slot of the new configuration. There it
 * would be no voter, and whoever comes back from doubt under that configuration does not ask it
 * (1. we voted for its proposal there, and lost the vote; 2. we ask all voters of the new
 * configuration, which have no vote yet; 3. one of them votes, and it counts that vote and ours).
 *
 * At most one change is on its way: the rules of the state refuse another one until the first has
 * its effect.
 */
#include "consensus/core.h"

/* What this replica may do follows from the configurations. */
static void membership_settle(struct paxos *p)
{
    bool was_voting = p->voting;
    p->voting = p->standing == PAXOS_WHOLE && members_is_voter(&p->members, p->config.self);
    members_check(&p->members);
    CHECK(!p->voting || p->standing == PAXOS_WHOLE);
    if (was_voting && !p->voting) {
        mark(p, PAXOS_MARK_LEFT_THE_VOTERS);
        if (p->role == PAXOS_LEADER)
            effects_send_members(p, 0,
                                 (struct paxos_message){.type = PAXOS_CHOSEN, .ballot = p->ballot});
        election_on_resign(p);
    }
    CHECK(p->voting || p->role == PAXOS_FOLLOWER);
}

/* These voters have quorums that no configuration before had. */
static bool membership_is_new(const struct members *before, const struct quorum *q)
{
    CHECK(before->now.voters != 0);
    return q->voters != 0 && q->voters != before->now.voters && q->voters != before->next.voters;
}

void membership_on_members(struct paxos *p, const struct members *members)
{
    struct members before = p->members;
    CHECK(members != &p->members);
    members_check(members);
    p->members = *members;
    membership_settle(p);
    CHECK(p->members.now.voters == members->now.voters);
    bool asks_others =
        (before.now.voters | before.next.voters) != (members->now.voters | members->next.voters);
    if (asks_others && p->rejoin.number != 0)
        rejoin_begin(p);
    bool is_proposer = p->role == PAXOS_LEADER || p->role == PAXOS_PREPARING;
    if (!is_proposer ||
        !(membership_is_new(&before, &members->now) || membership_is_new(&before, &members->next)))
        return;
    mark(p, PAXOS_MARK_PREPARED_FOR_MEMBERS);
    if (!MUTANT(LEAD_ON_INTO_CONFIGURATION))
        proposer_prepare_again(p);
}

void membership_on_applied(struct paxos *p)
{
    if (!members_advance(&p->members, p->applied))
        return;
    CHECK(p->members.next_first == 0 && p->members.now.voters != 0);
    mark(p, PAXOS_MARK_MEMBERS_CHANGED);
    membership_settle(p);
}

void membership_on_tick(struct paxos *p)
{
    uint64_t first = p->slot_next;
    CHECK(p->role == PAXOS_LEADER);
    while (p->slot_next < p->members.next_first && paxos_room(p) > 0) {
        CHECK(p->slot_next >= p->chosen_end);
        proposer_put(p, p->slot_next, NULL, false);
        p->slot_next++;
    }
    CHECK(p->slot_next >= first && p->slot_next <= slots_end(&p->slots));
    if (first < p->slot_next)
        proposer_send(p, first, p->slot_next);
}
