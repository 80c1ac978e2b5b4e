/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_node_joined.c - a disk that waits to be added counts itself out of the configurations in
 * which its number was another disk's, also where nobody else voted.
 */
#include <criterion/criterion.h>

#include <rsm/body.h>

#include "src/base/limits.h"
#include "tests/lib/node_rig.h"

static struct node_rig *open_rig(uint32_t count)
{
    struct node_config config;
    node_config_default(&config);
    return node_rig_open(count, &config);
}

static void remove_member(struct node_rig *r, uint32_t id)
{
    struct rsm_buffer body;
    cr_assert_eq(rsm_body_member_remove(id, &body), RSM_OK);
    struct rsm_buffer command =
        node_pair_command("admin", ++r->counter, RSM_KIND_MEMBER_REMOVE, body);
    node_pair_submit(r->leader, r->counter, r->pair.admin, &command);
    node_pair_turns(&r->pair, 100);
    cr_assert_eq(r->done, r->counter);
}

/* There is nobody to wait for: the start says so. */
Test(node_joined, in_place_of_the_only_voter_of_a_genesis_it_does_not_start)
{
    struct node_rig *r = open_rig(1);
    r->pair.may_fail = true;
    node_pair_replace_disk(r->leader, 99);
    cr_assert_null(r->leader->node);
    cr_assert_eq(r->pair.failed, RSM_WRONG_IDENTITY, "%s", rsm_status_text(r->pair.failed));
    node_rig_close(r);
}

/*
 * The log that it hears tells of a time in which its number alone voted. That is the past: whoever
 * was known before goes on teaching it.
 */
Test(node_joined, it_hears_of_a_time_in_which_its_number_was_the_only_voter)
{
    struct node_rig *r = open_rig(3);
    struct node_pair_replica *last = r->other, *leader = r->leader;
    remove_member(r, r->third->id);
    cr_assert_gt(node_pair_status(leader).applied, MEMBER_DISTANCE);
    remove_member(r, leader->id);
    uint64_t applied = node_pair_status(leader).applied;
    cr_assert_gt(applied, 2 * MEMBER_DISTANCE - 2);
    node_pair_replace_disk(last, 99);
    for (unsigned i = 0; i < 2000 && node_pair_status(last).applied < applied; i++)
        node_pair_turn(&r->pair);
    cr_assert_geq(node_pair_status(last).applied, applied);
    cr_assert_not(node_pair_status(last).is_leader);
    node_pair_restart(last); /* in the middle of it */
    node_pair_turns(&r->pair, 100);
    cr_assert_geq(node_pair_status(last).applied, applied);
    cr_assert_not(node_pair_status(last).is_leader, "a number is no vote");
    node_rig_close(r);
}
