/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_node_beside.c - a flush that goes on beside a node's turns: who waits for it, who does not,
 * and what its end counts for.
 */
#include <criterion/criterion.h>

#include "tests/lib/node_rig.h"

static struct node_rig *open_rig(uint32_t count)
{
    struct node_config config;
    node_config_default(&config);
    config.segment_size = 256u << 10;
    return node_rig_open(count, &config);
}

static void submit(struct node_rig *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        node_pair_submit_role(r->leader, ++r->counter);
        node_pair_handle(r->leader);
    }
}

/* Two slots are open, so that flushes go on beside the turns from here on; all of them are held. */
static void begin_beside(struct node_rig *r, struct node_pair_replica *who)
{
    who->disk->is_beside = true;
    submit(r, 2);
}

static void end_flush(struct node_pair_replica *r)
{
    r->disk->is_over = true;
    node_on_flushed(r->node);
    node_pair_handle(r);
}

/* To one command after the other a thread would cost two wake-ups. */
Test(node_beside, one_command_is_flushed_in_its_turn)
{
    struct node_rig *r = open_rig(3);
    r->leader->disk->is_beside = true;
    uint64_t flushes = r->leader->disk->flushes;
    submit(r, 1);
    cr_assert_eq(r->leader->disk->under_way, 0);
    cr_assert_eq(r->leader->disk->flushes - flushes, 1);
    node_rig_close(r);
}

/*
 * While its disk works it takes, judges and sends: the followers have voted for all five before the
 * first flush is over. Two more flushes are all that is left to wait for: a slot needs its leader's
 * own vote (docs/decisions.md).
 */
Test(node_beside, a_leader_goes_on_while_its_disk_works)
{
    struct node_rig *r = open_rig(3);
    begin_beside(r, r->leader);
    cr_assert_neq(r->leader->disk->under_way, 0);
    uint64_t flushes = r->leader->disk->flushes;
    submit(r, 3);
    cr_assert_eq(r->leader->disk->flushes, flushes);
    node_pair_handle(r->other);
    node_pair_handle(r->third);
    node_pair_handle(r->leader);
    cr_assert_eq(r->done, 1, "the first alone was flushed in its turn");
    end_flush(r->leader);
    end_flush(r->leader);
    cr_assert_eq(r->done, 5, "%lu done", r->done);
    cr_assert_eq(r->leader->disk->flushes, flushes + 2);
    node_rig_close(r);
}

/* The end of a flush counts for what it covers. */
Test(node_beside, the_end_covers_what_was_there_when_it_began)
{
    struct node_rig *r = open_rig(2);
    begin_beside(r, r->leader);
    submit(r, 3);
    node_pair_handle(r->other); /* has all five, durably */
    node_pair_handle(r->leader);
    cr_assert_eq(r->done, 1, "the first alone was flushed in its turn");
    end_flush(r->leader);
    cr_assert_eq(r->done, 2, "%lu done", r->done);
    cr_assert_neq(r->leader->disk->under_way, 0, "the next flush has begun");
    end_flush(r->leader);
    cr_assert_eq(r->done, 5, "%lu done", r->done);
    node_rig_close(r);
}

/* A vote leaves when it is durable, also when it came while a flush was under way. */
Test(node_beside, a_follower_votes_for_what_is_durable)
{
    struct node_rig *r = open_rig(2);
    r->other->disk->is_beside = true;
    submit(r, 2);
    node_pair_handle(r->other);
    cr_assert_neq(r->other->disk->under_way, 0);
    node_pair_handle(r->leader);
    cr_assert_eq(r->done, 0, "nobody has voted but the leader");
    submit(r, 2);
    node_pair_handle(r->other);
    end_flush(r->other);
    node_pair_handle(r->leader);
    cr_assert_eq(r->done, 2, "%lu done", r->done);
    end_flush(r->other);
    node_pair_handle(r->leader);
    cr_assert_eq(r->done, 4, "%lu done", r->done);
    node_rig_close(r);
}

/* Segments are dropped, which is written down in the current one: it waits, nobody is woken, and
 * the next turn sees it. */
Test(node_beside, somebody_else_has_waited_for_it)
{
    struct node_config config;
    node_config_default(&config);
    config.segment_size = 32768;
    config.store_commit_ms = NODE_RIG_NEVER_MS;
    struct node_rig *r = node_rig_open(2, &config);
    node_rig_commit(r, 300, 20);
    uint64_t files = r->leader->disk->file_count;
    begin_beside(r, r->leader);
    node_pair_handle(r->other);
    cr_assert_neq(r->leader->disk->under_way, 0);
    node_commit_now(r->leader->node);
    node_pair_handle(r->leader); /* commits; after it the segments go */
    cr_assert_gt(files, 3);
    cr_assert_eq(r->leader->disk->under_way, 0);
    cr_assert_eq(r->done, 301, "%lu done", r->done);
    node_pair_handle(r->leader);
    cr_assert_eq(r->done, 302, "%lu done", r->done);
    node_rig_close(r);
}

Test(node_beside, a_flush_that_fails_ends_the_process)
{
    struct node_rig *r = open_rig(2);
    r->pair.may_fail = true;
    begin_beside(r, r->leader);
    r->leader->disk->fail_at = r->leader->disk->calls + 1;
    r->leader->disk->fail_with = RSM_IO;
    end_flush(r->leader);
    cr_assert_eq(r->pair.failed, RSM_IO);
    cr_assert_eq(r->done, 0);
    node_rig_close(r);
}

/* What was under way when it died is there or not; what was acknowledged is there. */
Test(node_beside, it_dies_in_the_middle)
{
    struct node_rig *r = open_rig(3);
    begin_beside(r, r->leader);
    submit(r, 3);
    node_pair_handle(r->other);
    node_pair_handle(r->third);
    node_pair_handle(r->leader);
    cr_assert_eq(r->done, 1);
    node_pair_kill(r->leader);
    node_pair_turns(&r->pair, 200);
    node_rig_find_leader(r);
    cr_assert_geq(node_pair_status(r->leader).applied, r->slot);
    r->done = r->counter; /* what comes now is counted alone */
    node_rig_commit(r, 4, 20);
    node_rig_close(r);
}
