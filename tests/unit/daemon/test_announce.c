/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_announce.c - when a follower hears that a slot is chosen: with the next accept, with a tick,
 * or at once when it owes somebody the verdict. Counted on two nodes with a clock of their own.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "src/base/mem.h"
#include "tests/lib/node_pair.h"

enum { COMMITS = 10 };

struct rig {
    struct node_pair pair;
    struct node_pair_replica *leader, *follower;
    uint64_t counter;  /* of the administrator's commands */
    uint64_t answered; /* the last token */
    uint64_t applied;  /* by the follower, when a vote of its left */
};

/* Frames that were handed over leave with the next push. */
static void on_pushed(void *context, struct node_pair_replica *by)
{
    struct rig *r = context;
    if (by == r->follower && r->leader->inbox_count > 0 && r->applied == 0)
        r->applied = node_applied(by->node);
}

static void on_submitted(void *context, uint64_t token, const struct node_outcome *outcome)
{
    struct rig *r = context;
    cr_assert_eq(outcome->status, RSM_OK, "%s", rsm_status_text(outcome->status));
    cr_assert_eq(token, r->answered + 1, "one after the other");
    r->answered = token;
}

static struct rig *open_rig(void)
{
    struct rig *r = mem_alloc(sizeof *r);
    struct node_config config;
    node_config_default(&config);
    config.segment_size = 1u << 20;
    r->pair.context = r;
    r->pair.submitted = on_submitted;
    node_pair_open(&r->pair, &config);
    r->leader = r->pair.leader;
    r->follower = node_pair_other(r->leader);
    for (uint32_t i = 0; i < 2 * config.heartbeat_ticks; i++)
        node_pair_turn(&r->pair);
    return r;
}

static void close_rig(struct rig *r)
{
    node_pair_close(&r->pair);
    mem_free(r);
}

/* Accept there, vote back, chosen: no tick meanwhile. */
static void commit(struct rig *r)
{
    node_pair_handle(r->leader);
    node_pair_handle(r->follower);
    node_pair_handle(r->leader);
}

/* One commit after the other: two frames for each, and the follower is one slot behind. */
Test(announce, rides_on_the_next_accept)
{
    struct rig *r = open_rig();
    struct node_status before = node_pair_status(r->leader);
    for (uint64_t i = 1; i <= COMMITS; i++) {
        node_pair_submit_role(r->leader, ++r->counter);
        commit(r);
        cr_assert_eq(r->answered, i, "the client does not wait for it");
        cr_assert_eq(node_applied(r->leader->node), before.applied + i);
        cr_assert_eq(node_applied(r->follower->node), before.applied + i - 1);
        cr_assert_eq(r->follower->inbox_count, 0, "nothing more is on its way to it");
    }
    struct node_status after = node_pair_status(r->leader);
    cr_assert_eq(after.chosen_sent, before.chosen_sent);
    cr_assert_eq(after.accepts_sent - before.accepts_sent, COMMITS);
    close_rig(r);
}

/* What the accept said is chosen is applied behind the vote, not before it. */
Test(announce, the_vote_leaves_first)
{
    struct rig *r = open_rig();
    node_pair_submit_role(r->leader, ++r->counter);
    commit(r);
    uint64_t applied = node_applied(r->follower->node);
    node_pair_submit_role(r->leader, ++r->counter);
    node_pair_handle(r->leader);
    r->applied = 0;
    r->pair.pushed = on_pushed;
    node_pair_handle(r->follower);
    cr_assert_eq(r->applied, applied);
    cr_assert_eq(node_applied(r->follower->node), applied + 1);
    node_pair_handle(r->leader);
    cr_assert_eq(r->answered, 2);
    close_rig(r);
}

/* Nothing follows: a tick takes it along, once. */
Test(announce, leaves_with_a_tick_when_nothing_follows)
{
    struct rig *r = open_rig();
    node_pair_submit_role(r->leader, ++r->counter);
    commit(r);
    struct node_status before = node_pair_status(r->leader);
    for (int i = 0; i < 3; i++) {
        node_pair_turn(&r->pair);
        cr_assert_eq(node_applied(r->follower->node), node_applied(r->leader->node));
    }
    cr_assert_leq(node_pair_status(r->leader).chosen_sent, before.chosen_sent + 1);
    close_rig(r);
}

/* The follower's client has its verdict without a tick. */
Test(announce, at_once_to_one_that_forwarded_the_command)
{
    struct rig *r = open_rig();
    struct node_status before = node_pair_status(r->leader);
    for (uint64_t i = 1; i <= COMMITS; i++) {
        node_pair_submit_role(r->follower, ++r->counter);
        node_pair_handle(r->follower);
        commit(r);
        cr_assert_eq(r->answered, i - 1);
        node_pair_handle(r->follower);
        cr_assert_eq(r->answered, i);
        cr_assert_eq(node_applied(r->follower->node), before.applied + i);
    }
    cr_assert_eq(node_pair_status(r->leader).chosen_sent, before.chosen_sent + COMMITS);
    close_rig(r);
}

/* Handed in at the leader, chosen and not announced; then the same envelope comes from a follower.
 */
Test(announce, at_once_to_one_that_forwards_what_is_applied)
{
    struct rig *r = open_rig();
    node_pair_submit_role(r->leader, ++r->counter);
    commit(r);
    uint64_t applied = node_applied(r->leader->node);
    cr_assert_eq(node_applied(r->follower->node), applied - 1);
    r->counter--; /* the same one again: signatures are deterministic */
    r->answered--;
    node_pair_submit_role(r->follower, ++r->counter);
    node_pair_handle(r->follower);
    node_pair_handle(r->leader);
    cr_assert_eq(r->answered, 0);
    node_pair_handle(r->follower);
    cr_assert_eq(r->answered, 1);
    cr_assert_eq(node_applied(r->follower->node), applied);
    close_rig(r);
}
