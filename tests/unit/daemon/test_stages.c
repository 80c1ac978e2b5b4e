/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_stages.c - the stages of a commit add up, and a flush counts once for each command. */
#include <criterion/criterion.h>
#include <string.h>

#include "src/daemon/stages.h"

static struct stages stages;

static uint64_t sum(enum stage stage)
{
    return stages.histograms[stage].sum_ns;
}

static uint64_t count(enum stage stage)
{
    return stages.histograms[stage].count;
}

static void begin(void)
{
    memset(&stages, 0, sizeof stages);
}

/* One that nothing else goes on beside. */
static void flush(uint64_t begin_ns, uint64_t end_ns)
{
    stages_on_sent(&stages, begin_ns);
    stages_on_flush(&stages);
    stages_on_flushed(&stages, begin_ns, end_ns);
}

Test(stages, of_a_leader_add_up, .init = begin)
{
    stages_on_proposed(&stages, 7, 1000);
    flush(1100, 1500);
    stages_on_learned(&stages, 7, 1700);
    stages_on_applied(&stages, 7, 1730);
    cr_assert_eq(sum(STAGE_WRITE), 100);
    cr_assert_eq(sum(STAGE_FLUSH), 400);
    cr_assert_eq(sum(STAGE_VOTES), 200);
    cr_assert_eq(sum(STAGE_APPLY), 30);
    cr_assert_eq(sum(STAGE_QUORUM), 600, "from the beginning of the flush, when the frames leave");
    cr_assert_eq(sum(STAGE_WRITE) + sum(STAGE_FLUSH) + sum(STAGE_VOTES) + sum(STAGE_APPLY), 730);
}

/* The last vote comes when the slot was applied long ago: it counts as well. */
Test(stages, each_peers_vote_counts, .init = begin)
{
    stages_on_proposed(&stages, 7, 1000);
    stages_on_peer_vote(&stages, 7, 1050); /* no frame left: an older ballot's */
    flush(1100, 1500);
    stages_on_peer_vote(&stages, 7, 1600);
    stages_on_learned(&stages, 7, 1600);
    stages_on_applied(&stages, 7, 1650);
    stages_on_applied(&stages, 7, 1660);
    stages_on_peer_vote(&stages, 7, 1900);
    stages_on_peer_vote(&stages, 7 + LIMIT_WINDOW, 2000); /* never proposed here */
    cr_assert_eq(count(STAGE_PEER), 2);
    cr_assert_eq(count(STAGE_APPLY), 1);
    cr_assert_eq(sum(STAGE_PEER), 500 + 800);
}

Test(stages, a_flush_counts_for_each_command_once, .init = begin)
{
    for (uint64_t slot = 1; slot <= 3; slot++)
        stages_on_proposed(&stages, slot, 10 * slot);
    flush(100, 200);
    flush(300, 400); /* of something else */
    cr_assert_eq(count(STAGE_FLUSH), 3);
    cr_assert_eq(sum(STAGE_WRITE), 90 + 80 + 70);
}

/* The second slot leaves while the flush of the first is under way, and waits for its own. */
Test(stages, a_flush_beside_covers_what_came_before_it, .init = begin)
{
    stages_on_proposed(&stages, 7, 1000);
    stages_on_sent(&stages, 1100);
    stages_on_flush(&stages);
    stages_on_proposed(&stages, 8, 1200);
    stages_on_accept(&stages, 1210, 1220);
    stages_on_sent(&stages, 1300);
    stages_on_flushed(&stages, 1100, 1500);
    stages_on_vote(&stages, 1510); /* that accept is not durable */
    cr_assert_eq(sum(STAGE_WRITE), 100 + 100);
    cr_assert_eq(sum(STAGE_FLUSH), 400);
    cr_assert_eq(count(STAGE_VOTE), 0);
    stages_on_flush(&stages);
    stages_on_flushed(&stages, 1510, 1800);
    stages_on_vote(&stages, 1810);
    cr_assert_eq(count(STAGE_FLUSH), 2);
    cr_assert_eq(sum(STAGE_FLUSH), 400 + 500, "from the frames, the wait for the first included");
    cr_assert_eq(sum(STAGE_VOTE), 600);
    stages_on_learned(&stages, 8, 1900);
    cr_assert_eq(sum(STAGE_QUORUM), 600);
}

/* Two followers were faster than the own disk: the stages of the slot add up all the same. */
Test(stages, chosen_before_the_own_flush_ends, .init = begin)
{
    stages_on_proposed(&stages, 7, 1000);
    stages_on_sent(&stages, 1100);
    stages_on_flush(&stages);
    stages_on_learned(&stages, 7, 1400);
    stages_on_flushed(&stages, 1100, 1500);
    cr_assert_eq(sum(STAGE_WRITE), 100);
    cr_assert_eq(sum(STAGE_FLUSH), 300);
    cr_assert_eq(count(STAGE_FLUSH), 1);
    cr_assert_eq(count(STAGE_VOTES), 1);
    cr_assert_eq(sum(STAGE_VOTES), 0);
    cr_assert_eq(sum(STAGE_QUORUM), 300);
}

/* What another leader proposed, and what was learned before its frames left, is not measured. */
Test(stages, slots_of_others_count_nothing, .init = begin)
{
    stages_on_learned(&stages, 9, 100);
    stages_on_applied(&stages, 9, 200);
    stages_on_proposed(&stages, 10, 100);
    stages_on_learned(&stages, 10, 200);
    cr_assert_eq(count(STAGE_VOTES), 0);
    cr_assert_eq(count(STAGE_QUORUM), 0);
    /* The same place of the ring, a window later. */
    stages_on_proposed(&stages, 10 + LIMIT_WINDOW, 100);
    stages_on_applied(&stages, 10, 300);
    cr_assert_eq(count(STAGE_APPLY), 0);
}

Test(stages, a_follower_from_accept_to_vote, .init = begin)
{
    stages_on_accept(&stages, 100, 150);
    stages_on_accept(&stages, 160, 170);
    flush(200, 300);
    stages_on_vote(&stages, 310);
    stages_on_vote(&stages, 400); /* nothing waits */
    cr_assert_eq(sum(STAGE_TAKE), 60);
    cr_assert_eq(sum(STAGE_FOLLOW_WRITE), 30);
    cr_assert_eq(sum(STAGE_FOLLOW_FLUSH), 100);
    cr_assert_eq(count(STAGE_VOTE), 1);
    cr_assert_eq(sum(STAGE_VOTE), 210, "from the oldest");
}

/* One at a time for each peer: the second of two on their way has no answer of its own. */
Test(stages, heartbeats_and_their_answers, .init = begin)
{
    stages_on_heartbeat(&stages, 2, 100);
    stages_on_heartbeat(&stages, 3, 110);
    stages_on_heartbeat(&stages, 2, 150);
    stages_on_heartbeat_answer(&stages, 2, 180);
    stages_on_heartbeat_answer(&stages, 2, 190);
    stages_on_heartbeat_answer(&stages, REPLICA_MAX + 1, 200); /* no peer */
    stages_on_heartbeat(&stages, REPLICA_MAX + 1, 200);
    cr_assert_eq(count(STAGE_HEARTBEAT), 1);
    cr_assert_eq(sum(STAGE_HEARTBEAT), 80);
    stages_on_heartbeat_answer(&stages, 3, 210);
    cr_assert_eq(sum(STAGE_HEARTBEAT), 180);
}

/* Clocks of the caller that stand still, or a slot that is applied before it is learned, wrap not.
 */
Test(stages, no_time_is_negative, .init = begin)
{
    stages_add(&stages, STAGE_READ, 200, 100);
    cr_assert_eq(sum(STAGE_READ), 0);
    cr_assert_eq(count(STAGE_READ), 1);
    stages_on_read(&stages, 5, 100);
    stages_on_read_ready(&stages, 5, 350);
    cr_assert_eq(sum(STAGE_READ), 250);
    for (unsigned i = 0; i < STAGE_COUNT; i++)
        cr_assert(strlen(stage_name((enum stage)i)) > 0 && strlen(stage_what((enum stage)i)) > 0);
}
